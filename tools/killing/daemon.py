"""A 'sluice serve' that can be watched, frozen and killed."""

import os
import select
import signal
import subprocess

from stream_client import Violation

SYSTEM_CALLS = {1: "write", 17: "pread", 18: "pwrite", 74: "fsync", 75: "fdatasync", 77: "ftruncate", 285: "fallocate"}
THREADS = {
    "committer": "committing",
    "flusher": "flushing",
    "checkpointer": "checkpoint",
    "folder": "counting",
    "compactor": "compacting",
}


def make_ledger(executable, data):
    """Makes a ledger whose business days are those of UTC."""
    subprocess.run([executable, "init", "--data", data], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


class Daemon:
    """One process on a port."""

    def __init__(self, executable, data, port, log, descriptors=None, arguments=()):
        self.log = open(log, "w+b")
        command = [executable, "serve", "--data", data, "--listen", f"127.0.0.1:{port}", *arguments]
        if descriptors:
            command = ["sh", "-c", 'ulimit -n "$0" && exec "$@"', str(descriptors), *command]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)

    def wait_until_ready(self):
        """Returns when it listens."""
        line = self.process.stdout.readline()
        if not line.startswith(b"listening on "):
            raise Violation(f"the daemon did not start: {self.messages()}")

    def is_ready(self):
        """True when it has said that it listens, without waiting."""
        return bool(select.select([self.process.stdout], [], [], 0)[0])

    def messages(self):
        """What it wrote to standard error."""
        self.log.flush()
        with open(self.log.name, encoding="utf-8", errors="replace") as file:
            return file.read()

    def activity(self):
        """What the threads are doing that are not waiting: a thread's task, and the system call and file it is in."""
        found = []
        base = f"/proc/{self.process.pid}"
        for task in sorted(os.listdir(base + "/task"), key=int):
            try:
                with open(f"{base}/task/{task}/comm") as file:
                    name = file.read().strip()
                with open(f"{base}/task/{task}/syscall") as file:
                    words = file.read().split()
                if words[0] == "running":
                    if name in THREADS:
                        found.append(THREADS[name])
                    continue
                call = SYSTEM_CALLS.get(int(words[0]))
                if call is None:
                    continue
                place = os.readlink(f"{base}/fd/{int(words[1], 16)}").rpartition("/")[2]
                found.append(f"{THREADS.get(name, 'main')}: {call} {place}")
            except OSError:
                continue
        return found

    def freeze(self):
        """SIGSTOP."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        """SIGKILL; returns what it was doing."""
        try:
            activity = self.activity()
        except OSError:
            activity = []
        self.process.kill()
        self.process.wait()
        self.close()
        return activity

    def stop(self):
        """Has it end by itself, and sees that it ends well."""
        self.process.terminate()
        code = self.process.wait(timeout=120)
        messages = self.messages()
        self.close()
        if code != 0:
            raise Violation(f"the daemon stopped with code {code}: {messages}")

    def close(self):
        """Lets go of the pipes of a process that has ended."""
        self.process.stdout.close()
        self.log.close()
