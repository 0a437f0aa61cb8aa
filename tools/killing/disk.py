"""A file system of a few megabytes that can be filled to the last byte."""

import os
import subprocess


class SmallDisk:
    """A tmpfs of its own. Needs root."""

    def __init__(self, path, mebibytes):
        self.path = path
        os.makedirs(path)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "sluice-small-disk", path], check=True)

    def fill(self, leaving):
        """Takes all space but `leaving` bytes."""
        with open(self._filler, "ab", buffering=0) as file:
            for size in (1 << 20, 4096):
                while os.statvfs(self.path).f_bavail * os.statvfs(self.path).f_frsize >= leaving + size:
                    try:
                        file.write(bytes(size))
                    except OSError:
                        break

    def make_room(self):
        """Gives back what was filled."""
        if os.path.exists(self._filler):
            os.remove(self._filler)

    def unmount(self):
        """The end of it, and of all that is on it."""
        subprocess.run(["umount", self.path], check=True)

    @property
    def _filler(self):
        return self.path + "/filler"
