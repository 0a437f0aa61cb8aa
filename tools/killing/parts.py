"""A client that is a process of its own: 'sluice load --server' with parts of the reference day."""

import json
import signal
import subprocess

from stream_client import Violation

PART_RECORDS = 20_000
DAY = "2026-11-20"
UNREACHABLE = 69


class PartLoader:
    """Loads one part after the other; a part whose load broke off is loaded again from its beginning."""

    def __init__(self, executable, port, folder):
        self.executable = executable
        self.port = port
        self.folder = folder
        self.parts = 0
        self.process = None
        self.is_frozen = False

    def part(self, number):
        """Where a part's records are."""
        return f"{self.folder}/part-{number}.raw"

    @property
    def all_parts(self):
        """Every part that was begun."""
        return [self.part(number) for number in range(1, self.parts + 1)]

    def go_on(self):
        """Begins the next part when the last one is in."""
        if self.process and not self._is_loaded():
            return
        self.parts += 1
        subprocess.run(
            [self.executable, "generate", "--day", DAY, "--count", str(PART_RECORDS), "--seed", str(self.parts),
             "--output", self.part(self.parts)], check=True, capture_output=True)
        self._start()

    def freeze(self):
        """SIGSTOP to a load that is under way."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGSTOP)
            self.is_frozen = True

    def thaw(self):
        """SIGCONT."""
        if self.is_frozen:
            self.process.send_signal(signal.SIGCONT)
            self.is_frozen = False

    def kill(self):
        """SIGKILL; the part is loaded from its beginning when it is asked for next."""
        if self.process:
            self.is_frozen = False
            self.process.kill()
            self.process.communicate()

    def finish(self):
        """Waits until the last part is in."""
        self.thaw()
        while self.process:
            self._is_loaded(wait=True)

    def _start(self):
        self.process = subprocess.Popen(
            [self.executable, "load", self.part(self.parts), "--server", f"127.0.0.1:{self.port}", "--json"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def _is_loaded(self, wait=False):
        if not wait and self.process.poll() is None:
            return False
        code = self.process.poll()
        if code == -signal.SIGKILL:
            self._start()
            return False
        output, errors = self.process.communicate(timeout=120)
        if self.process.returncode == UNREACHABLE:
            # The daemon died while this was connecting.
            self._start()
            return False
        if self.process.returncode not in (0, 1):
            raise Violation(f"sluice load ended with {self.process.returncode}: {errors}")
        counts = json.loads(output)
        total = counts["accepted"] + counts["duplicates"] + counts["conflicts"] + counts["rejected"]
        if total != PART_RECORDS or counts["rejected"]:
            raise Violation(f"sluice load counted {output}")
        self.process = None
        return True
