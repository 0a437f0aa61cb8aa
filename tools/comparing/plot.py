"""Draws docs/benchmarks.svg: bars for records a second, bytes a row and milliseconds a question, in light and in dark."""

import math
from xml.sax.saxutils import escape

from comparing.questions import QUESTIONS

WIDTH = 920
LABELS = 230
RIGHT = 110
BAR, STEP = 13, 20
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600; font-size: 14px }
.soft { fill: #57606a } .ground { fill: #ffffff } .grid { stroke: #d0d7de } .whisker { stroke: #24292f }
.ours { fill: #0969da } .other { fill: #8c959f } .partial { fill: #d0d5da } text.number { fill: #57606a }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .soft, text.number { fill: #9198a1 } .ground { fill: #0d1117 } .grid { stroke: #30363d }
  .whisker { stroke: #e6edf3 } .ours { fill: #4493f8 } .other { fill: #7d8590 } .partial { fill: #3d444d }
}
"""


class Drawing:
    """An SVG that grows downwards."""

    def __init__(self):
        self.parts, self.y = [], 14

    def text(self, x, y, words, style="", anchor="start"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}">{escape(words)}</text>')

    def heading(self, title, remark):
        self.y += 16
        self.text(12, self.y, title, "title")
        self.y += 17
        self.text(12, self.y, remark, "soft")
        self.y += 12

    def bar(self, label, scale, value, told, is_ours, is_partial=False, spread=None):
        """A bar with its label on the left and its value after its end; `scale` turns values into lengths."""
        length, middle = scale(value), self.y + STEP / 2
        style = "ours" if is_ours else "partial" if is_partial else "other"
        self.text(LABELS - 8, middle + 4, label, anchor="end")
        self.parts.append(f'<rect x="{LABELS}" y="{middle - BAR / 2:.1f}" width="{max(length, 1):.1f}" height="{BAR}" '
                          f'class="{style}" rx="2"/>')
        end = LABELS + length
        if spread and spread.most > spread.least:
            least, most = LABELS + scale(spread.least), LABELS + scale(spread.most)
            self.parts.append(f'<path class="whisker" d="M{least:.1f} {middle:.1f}H{most:.1f}M{least:.1f} {middle - 3:.1f}v6'
                              f'M{most:.1f} {middle - 3:.1f}v6"/>')
            end = max(end, most)
        self.text(end + 6, middle + 4, told, "number")
        self.y += STEP

    def grid(self, places, top):
        """Lines behind the bars, with their values under them."""
        for x, told in places:
            self.parts.insert(0, f'<path class="grid" d="M{LABELS + x:.1f} {top:.1f}V{self.y:.1f}"/>')
            self.text(LABELS + x, self.y + 14, told, "soft", "middle")
        self.y += 24

    def svg(self):
        height = self.y + 8
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
                f'viewBox="0 0 {WIDTH} {height:.0f}" role="img">\n<style>{STYLE}</style>\n'
                f'<rect class="ground" width="{WIDTH}" height="{height:.0f}" rx="6"/>\n'
                + "\n".join(self.parts) + "\n</svg>\n")


def _linear(most):
    room = WIDTH - LABELS - RIGHT
    return lambda value: value / most * room


def _ticks(most):
    """Round values from 0 up to the largest."""
    step = 10 ** math.floor(math.log10(most / 4))
    step = next(step * factor for factor in (1, 2, 5, 10) if most / (step * factor) <= 6)
    return [step * number for number in range(int(most / step) + 1)]


def _rates(drawing, setup, ingests):
    drawing.heading("Taking the day in: million records a second",
                    f"medians of {setup.repeat} with least and most; pale: does not drop every resend as it comes")
    spreads = [result.rates(setup.count) for result in ingests]
    most = max(spread.most for spread in spreads) / 1e6
    scale, top = _linear(most), drawing.y
    for result, spread in zip(ingests, spreads):
        drawing.bar(f"{result.peer.name}, {result.case.short}", lambda value: scale(value / 1e6), spread.median,
                    f"{spread.median / 1e6:.2f}", result.peer.name == "Sluice", result.case.checks != "exact", spread)
    drawing.grid([(scale(value), f"{value:g}") for value in _ticks(most)], top)


def _sizes(drawing, ingests):
    drawing.heading("On disk: bytes a row", "Sluice: the log; each other store: all that it keeps for the table")
    told = [(result, result.bytes_a_row) for result in ingests if result.bytes_a_row]
    most = max(size for _, size in told)
    scale, top = _linear(most), drawing.y
    for result, size in told:
        drawing.bar(f"{result.peer.name}, {result.case.short}", scale, size, f"{size:.1f}",
                    result.peer.name == "Sluice", result.case.checks != "exact")
    drawing.grid([(scale(value), f"{value:g}") for value in _ticks(most)], top)


def _questions(drawing, asked):
    drawing.heading("Asking: milliseconds of a whole command, on a scale of powers of ten",
                    "what took more than 5 s was asked in the open store only")
    best = {key: found.whole or found.inside for key, found in asked.items() if found.whole or found.inside}
    least = 10 ** math.floor(math.log10(min(spread.least for spread in best.values())))
    most = max(spread.most for spread in best.values())
    room = WIDTH - LABELS - RIGHT

    def scale(value):
        return math.log10(value / least) / math.log10(most / least) * room

    top = drawing.y
    for question in QUESTIONS:
        drawing.text(12, drawing.y + 15, question.title[0].upper() + question.title[1:], "title")
        drawing.y += STEP + 4
        for (name, key), spread in best.items():
            if key == question.key:
                drawing.bar(name, scale, spread.median, f"{spread.median:,.0f} ms", name == "Sluice", spread=spread)
        drawing.y += 4
    powers = range(round(math.log10(least)), int(math.log10(most)) + 1)
    drawing.grid([(scale(10 ** power), f"{10 ** power:,} ms") for power in powers], top)


def draw(setup, ingests, asked):
    """The whole plot as SVG."""
    drawing = Drawing()
    _rates(drawing, setup, ingests)
    _sizes(drawing, ingests)
    _questions(drawing, asked)
    return drawing.svg()
