# SPDX-License-Identifier: Apache-2.0
"""The system's journal stopped, restarted, hung, and killed runs: each entry reaches it once, in
order, what came late marked so; and nobody ever waits for it."""

import collections
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from plant import NORMAL, Device, Plant, check_all_told

Told = collections.namedtuple("Told", "seq late message fields")


class Journal:
    """At a socket of its own, as systemd-journald reads it; may stop and hang."""

    def __init__(self, path):
        self.path, self.told, self.sock, self.thread = str(path), [], None, None
        self.warnings = []
        self.running = threading.Event()
        self.start()

    def start(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.path)
        self.go_on()
        self.thread = threading.Thread(target=self.read, args=(self.sock,), daemon=True)
        self.thread.start()

    def read(self, sock):
        while True:
            self.running.wait()
            try:
                data = sock.recv(1 << 20)
            except OSError:
                return
            if not data:
                return
            fields = dict(line.split("=", 1) for line in data.decode().splitlines() if "=" in line)
            if "WASTEWATCH_SEQ" not in fields:
                self.warnings.append(fields["MESSAGE"])
                continue
            self.told.append(Told(int(fields["WASTEWATCH_SEQ"]), "WASTEWATCH_RESENT" in fields,
                                  fields["MESSAGE"], fields))

    def stop(self):
        """Nobody listens any more; the socket's file stays."""
        self.go_on()
        self.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.sock.close()

    def hang(self):
        self.running.clear()

    def go_on(self):
        self.running.set()

    def seqs(self):
        return [told.seq for told in self.told]


@pytest.fixture(name="plant")
def make_plant():
    with Plant(Device()) as it:
        it.journal = Journal(it.dir / "journal")
        it.configure(journal=it.dir / "journal")
        yield it
        it.journal.stop()


def until_told(plant):
    """All entries, each once and in order, with the line and the hash of the record."""
    def told():
        return plant.journal.seqs()[-1:] == [len(plant.entries())] and not plant.status().get(
            "journal_waiting")
    plant.until(told, "the journal has all")
    rows = plant.query("SELECT line, hash FROM entry ORDER BY seq")
    assert plant.journal.seqs() == list(range(1, len(rows) + 1))
    log_id = plant.query("SELECT value FROM meta WHERE key = 'log_id'")[0][0]
    for (line, digest), told in zip(rows, plant.journal.told):
        entry = json.loads(line)
        assert told.fields["WASTEWATCH_ENTRY"] == line
        assert told.fields["WASTEWATCH_HASH"] == digest.hex()
        assert told.fields["WASTEWATCH_LOG"] == log_id
        assert told.fields["WASTEWATCH_TIME"] == entry["time"]
        assert told.fields["WASTEWATCH_TYPE"] == entry["type"]
        assert not told.late or entry["time"] in told.message


def until_stop_is_said(plant):
    def is_said():  # in lines of 80 columns
        return "the journal was stopped" in " ".join(plant.command("status").stdout.split())
    plant.until(is_said, "it is said")


def spill(plant):
    n = len(plant.entries("incident.ended"))
    plant.device.set(COD=200)
    plant.until_entry("incident.opened", n=n + 1)
    plant.device.set(**NORMAL)
    plant.until_entry("incident.ended", n=n + 1)


def test_h1_none_is_late_where_all_is_well(plant):
    """H1: none is late where all is well."""
    plant.start()
    spill(plant)
    plant.until_quiet()
    until_told(plant)
    plant.stop("core")
    plant.start_core()
    plant.until_good("mill/outfall/COD")
    until_told(plant)
    assert not any(told.late for told in plant.journal.told)
    assert "core.stopped" in [told.fields["WASTEWATCH_TYPE"] for told in plant.journal.told]
    check_all_told(plant)


def test_h1_stopped_and_restarted(plant):
    """H1: stopped and restarted."""
    plant.start()
    until_told(plant)
    plant.journal.stop()
    spill(plant)
    until_stop_is_said(plant)
    plant.until_quiet()  # nobody waits for it
    plant.journal.start()
    until_told(plant)
    check_all_told(plant)


def test_h1_stopped_and_cannot_be_asked(plant):
    """H1: a journal whose files cannot be read: that it may have lost some is said, once."""
    plant.start()
    until_told(plant)
    assert not plant.journal.warnings
    for n in range(1, 3):
        plant.journal.stop()
        plant.device.set(COD=200)
        plant.until_entry("incident.opened", n=n)
        until_stop_is_said(plant)
        plant.journal.start()
        plant.device.set(**NORMAL)
        plant.until_quiet()
        until_told(plant)
    warning, = plant.journal.warnings
    assert "what it has cannot be read here" in warning


JOURNALD = "/lib/systemd/systemd-journald"


class RealJournal:
    """systemd-journald itself, of a namespace of its own, which no service manager holds up."""

    def __init__(self, plant):
        self.name, self.process = f"wwtest{os.getpid()}", None
        self.machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
        self.path = Path(f"/run/systemd/journal.{self.name}/socket")
        self.log = open(plant.dir / "journald.log", "wb")

    def start(self):
        self.path.unlink(missing_ok=True)
        self.process = subprocess.Popen([JOURNALD, self.name], stdout=self.log, stderr=self.log)

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        self.process.kill()
        self.process.wait()

    def told(self):
        """[(number, late?)] in its order."""
        text = subprocess.run(["journalctl", f"--namespace={self.name}", "--no-pager", "-o", "json"],
                              stdout=subprocess.PIPE, check=True, text=True).stdout
        lines = map(json.loads, text.splitlines())
        return [(int(line["WASTEWATCH_SEQ"]), "WASTEWATCH_RESENT" in line)
                for line in lines if "WASTEWATCH_SEQ" in line]

    def close(self):
        self.end()
        self.log.close()
        for directory in (self.path.parent, *(Path(top) / f"{self.machine}.{self.name}" for top in
                                              ("/var/log/journal", "/run/log/journal"))):
            shutil.rmtree(directory, ignore_errors=True)


def why_no_journald():
    if os.geteuid() != 0:
        return "a journald of the test's own needs root"
    missing = [p for p in (JOURNALD, "/etc/machine-id", "/run/systemd") if not os.path.exists(p)]
    if missing or not shutil.which("journalctl"):
        return f"no {', '.join(missing) or 'journalctl'} here"
    return None


@pytest.fixture(name="real")
def make_real():
    with Plant(Device()) as it:
        it.journal = RealJournal(it)
        try:
            it.journal.start()
            it.until(it.journal.path.exists, "journald's socket")
            it.configure(journal=it.journal.path)
            yield it
            it.stop("core")
        finally:
            it.journal.close()


def until_stored(plant):
    """All of the record, each once and in order. Return: those told late."""
    def stored():
        return [n for n, _ in plant.journal.told()][-1:] == [len(plant.entries())] and \
            not plant.status().get("journal_waiting")
    plant.until(stored, "the journal has all")
    told = plant.journal.told()
    assert [n for n, _ in told] == list(range(1, len(plant.entries()) + 1))
    return [n for n, late in told if late]


@pytest.mark.skipif(why_no_journald() is not None, reason=str(why_no_journald()))
@pytest.mark.parametrize("refused", [True, False])
def test_h1_taken_and_never_read(real, refused):
    """H1: what journald had in its socket when it was killed is lost to it, and no sending had
    failed; whether or not an entry was refused meanwhile, it comes from the record, none twice."""
    real.start()
    assert not until_stored(real)
    before = len(real.entries())
    real.journal.signal(signal.SIGSTOP)
    real.device.set(COD=200)
    real.until_entry("incident.opened")
    real.until(lambda: not real.status().get("journal_waiting"), "its socket has taken them")
    lost = set(range(before + 1, len(real.entries()) + 1))
    assert lost
    real.journal.end()
    if not refused:
        real.journal.start()
    real.device.set(**NORMAL)
    real.until_entry("incident.ended")
    if refused:
        real.journal.start()
    real.until_entry("journal.resent")
    real.until_quiet()
    assert lost <= set(until_stored(real))
    check_all_told(real)


def test_h1_stopped_while_the_core_ends_and_begins_anew(plant):
    """H1: stopped while the core ends and begins anew."""
    plant.start()
    until_told(plant)
    plant.journal.stop()
    spill(plant)
    plant.until_quiet()
    missed = len(plant.entries()) - len(plant.journal.told)
    assert plant.stop("core") == 0
    plant.start_core()
    plant.until_good("mill/outfall/COD")
    plant.journal.start()
    resent = plant.until_entry("journal.resent")
    until_told(plant)
    assert resent["entries"] >= missed
    late = [told for told in plant.journal.told if told.late]
    assert len(late) == resent["entries"]
    assert resent["since"] == late[0].fields["WASTEWATCH_TIME"]
    opened = next(told for told in late if told.fields["WASTEWATCH_TYPE"] == "incident.opened")
    assert opened.message.startswith("Told late, of ") and opened.fields["PRIORITY"] == "2"
    check_all_told(plant)


def test_h1_hung(plant):
    """H1: Longer than its socket's queue and ours together hold."""
    plant.start()
    until_told(plant)
    plant.journal.hang()
    plant.device.set(COD=200)
    plant.until_entry("incident.opened")
    plant.device.set(**NORMAL)
    plant.until_quiet()
    assert plant.stop("core") == 0, "nor does the end wait"
    plant.start_core()
    plant.until_good("mill/outfall/COD")
    spill(plant)
    plant.until_quiet()
    plant.journal.go_on()
    # what lay in the socket's queue when the run ended was taken by the journal
    until_told(plant)
    check_all_told(plant)


@pytest.mark.parametrize("state", ["listening", "stopped"])
def test_h1_killed(plant, state):
    """H1: After kill -9 what was not told comes late; what was told since the last commit comes
    twice where the journal cannot be asked, as here, and can be known by its number."""
    plant.start()
    spill(plant)
    plant.until_quiet()
    until_told(plant)
    if state == "stopped":
        plant.journal.stop()
    plant.device.set(COD=200)
    plant.until_entry("incident.opened", n=2)
    plant.kill("core")
    if state == "stopped":
        plant.journal.start()
    plant.device.set(**NORMAL)
    plant.start_core()
    plant.until_quiet()
    plant.until(lambda: plant.journal.seqs()[-1:] == [len(plant.entries())], "all are told")
    seqs = plant.journal.seqs()
    assert set(seqs) == set(range(1, len(plant.entries()) + 1))
    doubles = [seq for seq, n in collections.Counter(seqs).items() if n > 1]
    assert all(told.late for told in plant.journal.told
               if told.seq in doubles and plant.journal.told.index(told) != seqs.index(told.seq))
    if state == "stopped":
        assert not doubles
    check_all_told(plant)
