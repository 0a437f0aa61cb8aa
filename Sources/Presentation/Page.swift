/// One HTML page with everything in it: readable without a network, in light and in dark, and on paper.
public struct Page {
    private let title: String
    private let summary: String
    private var sections: [String] = []

    /// A page with a title and one sentence that says what it is.
    public init(_ title: String, summary: String) { (self.title, self.summary) = (title, summary) }

    /// Adds large figures, each with what it is.
    public mutating func addFigures(_ figures: [(name: String, value: String)]) {
        let items = figures.map { "<div><dt>\(escaped($0.name))</dt><dd>\(escaped($0.value))</dd></div>" }
        sections.append("<dl class=\"figures\">\n\(items.joined(separator: "\n"))\n</dl>")
    }

    /// Adds a picture with its title and a sentence on how to read it.
    public mutating func addPicture(_ title: String, note: String, svg: String) {
        guard !svg.isEmpty else { return }
        sections.append("<section><h2>\(escaped(title))</h2>\n<p>\(escaped(note))</p>\n\(svg)</section>")
    }

    /// Adds a table; columns after the first are figures.
    public mutating func addTable(_ title: String, header: [String], rows: [[String]]) {
        func row(_ cells: [String], _ tag: String) -> String {
            "<tr>" + cells.map { "<\(tag)>\(escaped($0))</\(tag)>" }.joined() + "</tr>"
        }
        let head = header.isEmpty ? "" : "<thead>\(row(header, "th"))</thead>\n"
        let body = rows.map { row($0, "td") }.joined(separator: "\n")
        sections.append(
            """
            <section><h2>\(escaped(title))</h2>
            <div class="wide"><table class="\(header.isEmpty ? "facts" : "data")">\(head)<tbody>
            \(body)
            </tbody></table></div></section>
            """)
    }

    /// The whole document.
    public func html() -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(escaped(title))</title>
        <style>
        \(Page.style)
        </style>
        </head>
        <body>
        <main>
        <h1>\(escaped(title))</h1>
        <p class="summary">\(escaped(summary))</p>
        \(sections.joined(separator: "\n"))
        </main>
        </body>
        </html>

        """
    }

    private static let style = """
        :root { color-scheme: light dark; --paper: #fcfcfb; --ink: #1f1f1d; --soft: #63625d; --grid: #e4e3de; \
        --c1: #2567b8; --c2: #c2571a; --c3: #23805a; }
        @media (prefers-color-scheme: dark) { :root { --paper: #191918; --ink: #ecebe6; --soft: #a3a29b; \
        --grid: #353432; --c1: #6ea8ee; --c2: #ee9460; --c3: #5fc199; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
        main { max-width: 800px; margin: 0 auto; padding: 32px 20px 64px; }
        h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; }
        h2 { font-size: 17px; margin: 40px 0 2px; }
        p { margin: 0 0 10px; color: var(--soft); }
        .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 20px; \
        margin: 28px 0 0; padding: 18px 0; border-top: 1px solid var(--grid); border-bottom: 1px solid var(--grid); }
        .figures dt { color: var(--soft); font-size: 13px; }
        .figures dd { margin: 0; font-size: 23px; font-weight: 600; line-height: 1.3; }
        svg { display: block; width: 100%; height: auto; font: 12px system-ui, sans-serif; fill: var(--soft); }
        .grid { stroke: var(--grid); }
        .axis { stroke: var(--soft); }
        .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
        .line-1 { stroke: var(--c1); } .line-2 { stroke: var(--c2); } .line-3 { stroke: var(--c3); }
        .name { font-weight: 600; }
        .name-1 { fill: var(--c1); } .name-2 { fill: var(--c2); } .name-3 { fill: var(--c3); }
        .marks circle { fill: transparent; }
        .marks-1 circle:hover { fill: var(--c1); } .marks-2 circle:hover { fill: var(--c2); }
        .marks-3 circle:hover { fill: var(--c3); }
        .bar { fill: var(--c1); }
        .wide { overflow-x: auto; }
        table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
        th, td { padding: 4px 18px 4px 0; text-align: left; border-bottom: 1px solid var(--grid); vertical-align: top; }
        th { color: var(--soft); font-weight: 500; font-size: 13px; }
        .data th + th, .data td + td { text-align: right; }
        .facts td:first-child { color: var(--soft); white-space: nowrap; }
        @media print { section { break-inside: avoid; } }
        """
}
