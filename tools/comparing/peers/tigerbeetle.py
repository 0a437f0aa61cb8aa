"""TigerBeetle, where its binary is on the PATH, by its own `benchmark`: transfers that it makes itself."""

import re
import shutil

from comparing.peers import Case, Failure, Peer, Sample, run


def parse(printed):
    """Transfers a second, and bytes of the data file beyond an empty one, from what `tigerbeetle benchmark` printed."""
    numbers = {name: re.search(pattern, printed, re.MULTILINE) for name, pattern in {
        "rate": r"^load accepted = (\d+) tx/s", "size": r"^datafile = (\d+) bytes",
        "empty": r"^datafile empty = (\d+) bytes"}.items()}
    if not numbers["rate"]:
        raise Failure(f"tigerbeetle benchmark told no rate:\n{printed}")
    size = int(numbers["size"][1]) - int(numbers["empty"][1]) if numbers["size"] and numbers["empty"] else None
    return int(numbers["rate"][1]), size


class TigerBeetle(Peer):
    name = "TigerBeetle"
    cases = [Case("tigerbeetle.benchmark", "its benchmark",
                  "its own `benchmark`: transfers it makes itself, over loopback", "exact")]

    @staticmethod
    def is_there():
        return shutil.which("tigerbeetle") is not None

    def version(self):
        return run(["tigerbeetle", "version"]).strip()

    def measure(self, case):
        """Its benchmark formats a data file in the current directory, and removes it."""
        count = self.setup.count
        self._benchmark(max(count // 10, 8190))
        rate, size = parse(self._benchmark(count))
        return Sample(count / rate, count, size)

    def _benchmark(self, count):
        return run(["tigerbeetle", "benchmark", f"--transfer-count={count}"], cwd=self.setup.work)
