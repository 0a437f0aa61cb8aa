"""The lives of a daemon: each begins with a start on what the last kill left, and ends with a kill at a moment that is drawn."""

import collections
import os
import random
import re
import socket
import time

from stream_client import Violation

from .daemon import Daemon, make_ledger
from .parts import PartLoader
from .sender import Sender

SENDERS = 3
# How often each plan is drawn. A checkpoint comes every ten seconds, so waiting for one is dear.
PLANS = {
    "starting": 24, "streaming": 40, "frozen": 8, "idle": 8, "stopping": 12, "few descriptors": 3, "checkpoint": 1,
}
# With a disk of its own that can be filled.
DISK_PLANS = {"starting": 15, "streaming": 20, "stopping": 10, "full": 25, "full at the start": 15, "room again": 25}
SEGMENT_MEBIBYTES = ("1", "1", "256")
FEW_DESCRIPTORS = 80
CROWD = 120


class Lives:
    """The ledger, its clients, and what was seen."""

    def __init__(self, options, folder, disk=None):
        self.options = options
        self.folder = folder
        self.disk = disk
        self.data = (disk.path if disk else folder) + "/ledger"
        make_ledger(options.executable, self.data)
        self.chance = random.Random(options.seed)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.senders = [Sender(number, self.port, options.seed * 100 + number) for number in range(1, SENDERS + 1)]
        self.loader = None if disk else PartLoader(options.executable, self.port, folder)
        self.stages = collections.Counter()
        self.calls = collections.Counter()
        self.starts_refused = 0
        self.cuts = 0
        self.start_seconds = 0.1

    def live_all(self):
        """Kills as often as it was asked to."""
        for sender in self.senders:
            sender.start()
        plans = DISK_PLANS if self.disk else PLANS
        for number in range(1, self.options.kills + 1):
            plan = "streaming" if number == 1 else self.chance.choices(list(plans), plans.values())[0]
            stage, activity = self._live(plan)
            self._note(number, stage, activity)
            for sender in self.senders:
                if sender.violation:
                    raise sender.violation

    def _note(self, number, stage, activity):
        self.stages[stage] += 1
        self.calls.update(activity)
        with open(self._log, encoding="utf-8", errors="replace") as file:
            if re.search(r"cut \d+ bytes", file.read()):
                self.cuts += 1
        doing = ", ".join(activity) or "all threads waiting"
        receipted = sum(sender.receipted for sender in self.senders)
        pending = sum(sender.pending_records for sender in self.senders)
        print(f"kill {number:4}  {stage:22} {receipted:9,} receipted, {pending:6,} not  [{doing}]", flush=True)

    @property
    def _log(self):
        return self.folder + "/daemon.log"

    def start(self, descriptors=None):
        """A daemon on the ledger as it is."""
        # Small segments: the log goes on in new files, and those before are compacted, while daemons are killed.
        options = ("--segment-mib", self.chance.choice(SEGMENT_MEBIBYTES))
        return Daemon(self.options.executable, self.data, self.port, self._log, descriptors, options)

    def wait_for(self, what, condition, seconds=30):
        """Waits for something that must come about."""
        end = time.monotonic() + seconds
        while not condition():
            for sender in self.senders:
                if sender.violation:
                    raise sender.violation
            if time.monotonic() > end:
                raise Violation(f"{what} did not come about in {seconds} s")
            time.sleep(0.005)

    def settle(self, seconds=60):
        """Waits until every batch of every sender has its receipt."""
        for sender in self.senders:
            sender.is_calm = True
        self.wait_for(
            "a receipt for every batch",
            lambda: all(not sender.pending and not sender.unchecked for sender in self.senders), seconds)

    # A life.

    def _live(self, plan):
        """Starts a daemon and kills it by plan; returns the stage and the threads' activity."""
        if plan == "full at the start":
            return self._start_on_a_full_disk()
        if plan == "starting":
            daemon = self.start()
            time.sleep(self.chance.uniform(0, 1.3 * self.start_seconds))
            stage = "just started" if daemon.is_ready() else "starting, recovering"
            return stage, daemon.kill()
        begun = time.monotonic()
        daemon = self.start(FEW_DESCRIPTORS if plan == "few descriptors" else None)
        try:
            daemon.wait_until_ready()
            self.start_seconds += (min(time.monotonic() - begun, 2) - self.start_seconds) / 8
            if self.loader and self.chance.random() < 0.3:
                self.loader.go_on()
            time.sleep(self.chance.uniform(0.02, 0.6))
            stage = getattr(self, "_" + plan.replace(" ", "_"), lambda daemon: None)(daemon)
            if daemon.process.poll() is not None:
                daemon.close()
                return "stopped before the kill", []
            streaming = any(sender.outstanding for sender in self.senders)
            activity = daemon.kill()
        except BaseException:
            daemon.kill()
            raise
        finally:
            for sender in self.senders:
                sender.is_calm = False
            if self.loader:
                self.loader.thaw()
        if stage is None and any(item.startswith("checkpoint") for item in activity):
            stage = "saving statistics"
        return stage or ("streaming" if streaming else "between bursts"), activity

    def _frozen(self, daemon):
        """SIGSTOP of the daemon, of the loading client, or a client that ends without a word."""
        match self.chance.choice(["server", "server, killed so", "client", "client killed"]):
            case "client" if self.loader:
                self.loader.freeze()
                time.sleep(self.chance.uniform(0.05, 0.3))
            case "client killed" if self.loader:
                self.loader.kill()
            case "server, killed so":
                daemon.freeze()
                time.sleep(self.chance.uniform(0.05, 0.3))
                return "stopped by SIGSTOP"
            case _:
                daemon.freeze()
                time.sleep(self.chance.uniform(0.05, 0.4))
                daemon.thaw()
                time.sleep(self.chance.uniform(0, 0.1))
                return "after SIGSTOP"
        return None

    def _idle(self, daemon):
        self.settle()
        time.sleep(self.chance.uniform(0, 0.3))
        return "idle"

    def _stopping(self, daemon):
        daemon.process.terminate()
        time.sleep(self.chance.uniform(0, 0.06))
        return "stopping"

    def _checkpoint(self, daemon):
        """Goes on until the checkpointer is at work, for 12 seconds at most."""
        end = time.monotonic() + 12
        while time.monotonic() < end:
            time.sleep(0.002)
            if any(item.startswith("checkpoint") for item in daemon.activity()):
                return "saving statistics"
        return None

    def _few_descriptors(self, daemon):
        """More connections than the daemon has descriptors for: the senders' own go on."""
        before = sum(sender.receipted for sender in self.senders)
        self.wait_for("a receipt", lambda: sum(sender.receipted for sender in self.senders) > before)
        crowd = []
        try:
            for _ in range(CROWD):
                peer = socket.socket()
                peer.setblocking(False)
                peer.connect_ex(("127.0.0.1", self.port))
                crowd.append(peer)
            time.sleep(0.3)
            before = sum(sender.receipted for sender in self.senders)
            self.wait_for(
                "a receipt for a client among too many",
                lambda: sum(sender.receipted for sender in self.senders) > before)
        finally:
            for peer in crowd:
                peer.close()
        return "out of descriptors"

    # A disk that is full.

    def _full(self, daemon):
        """Killed while batches are refused."""
        self.disk.fill(leaving=self.chance.choice([0, 1 << 12, 1 << 16, 1 << 20]))
        time.sleep(self.chance.uniform(0.2, 1.5))
        return "disk full"

    def _room_again(self, daemon):
        """Full, refusing, and then with room again: every batch gets its receipt from this very daemon."""
        self.disk.fill(leaving=self.chance.choice([0, 1 << 16]))
        time.sleep(self.chance.uniform(0.3, 1.5))
        self.disk.make_room()
        before = sum(sender.receipted for sender in self.senders)
        self.wait_for(
            "a receipt after there was room again",
            lambda: sum(sender.receipted for sender in self.senders) > before)
        self.settle()
        return "disk full, room again"

    def _start_on_a_full_disk(self):
        """A start without any space: it serves and refuses, or says what is wrong and ends by itself."""
        self.disk.fill(leaving=self.chance.choice([0, 1 << 12, 1 << 16]))
        daemon = self.start()
        try:
            line = daemon.process.stdout.readline()
            if line.startswith(b"listening on "):
                time.sleep(self.chance.uniform(0.1, 0.8))
            else:
                daemon.process.wait(timeout=30)
                if not re.search("full|space", daemon.messages()):
                    raise Violation(f"it did not start on a full disk, and said: {daemon.messages()}")
                self.starts_refused += 1
        finally:
            activity = daemon.kill()
            self.disk.make_room()
        return "started on a full disk", activity
