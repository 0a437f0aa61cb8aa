"""What the system knows of the daemon's process while it is attacked."""

import os
import threading
import time

INTERVAL_SECONDS = 0.1
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Watch(threading.Thread):
    """Looks at a process again and again, and keeps the largest figures."""

    def __init__(self, process_id):
        super().__init__(daemon=True)
        self._base = f"/proc/{process_id}"
        self._must_end = False
        self.largest_mebibytes = 0
        self.most_descriptors = 0
        self.start()

    def run(self):
        while not self._must_end:
            try:
                self.largest_mebibytes = max(self.largest_mebibytes, self.mebibytes())
                self.most_descriptors = max(self.most_descriptors, self.descriptors())
            except OSError:
                return
            time.sleep(INTERVAL_SECONDS)

    def mebibytes(self):
        """Memory of its own that is in use now. Pages of mapped files are the system's, which takes them back at need."""
        with open(self._base + "/status") as file:
            for line in file:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) / 1024
        return 0

    def descriptors(self):
        """Open descriptors."""
        return len(os.listdir(self._base + "/fd"))

    def processor_seconds(self):
        """Seconds of processor time since its start."""
        with open(self._base + "/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def stop(self):
        """Looks no more."""
        self._must_end = True
        self.join()
