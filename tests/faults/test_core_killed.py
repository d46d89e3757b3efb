# SPDX-License-Identifier: Apache-2.0
"""wastewatchd itself: killed, or told of an error, at the k-th call of what commits and delivers.

With the real poller and sender, the reference receiver and a journal; afterwards it starts again,
another spill comes and goes, and receiver and record must hold the same. What the journal was told
before it was killed is in the record, with that hash.
"""

import os
import signal

import rig
from plant import Device
from test_journal import Journal

KILL, EIO, ENOSPC = "signal=KILL", "error=EIO", "error=ENOSPC"
# (call, faults, only the record's files, the farthest call that is drawn)
POINTS = (
    ("pwrite64", (KILL, EIO, ENOSPC), True, 300), ("fdatasync", (KILL, EIO), True, 40),
    ("fsync", (KILL, EIO), True, 1), ("openat", (KILL, EIO), True, 8),
    ("ftruncate", (KILL, EIO), True, 3), ("fcntl", (KILL,), True, 200),
    ("pread64", (KILL, EIO), True, 50), ("unlink", (KILL,), True, 1),
    ("sendto", (KILL,), False, 60), ("sendmsg", (KILL,), False, 30),
    ("recvfrom", (KILL,), False, 100), ("recvmsg", (KILL,), False, 60),
    ("rename", (KILL,), False, 4), ("write", (KILL,), False, 40),
)
FILES = ("", "/record.db", "/record.db-wal", "/record.db-shm", "/record.db-journal")
QUICK, LONG = 8, 300


def strace(plant, log, call, what, k, ever, files):
    command = ["strace", "-f", "-qq", "-y", "-o", str(log), "-e", f"trace={call}", "-e",
               f"inject={call}:{what}:when={k}{ever}"]
    for name in FILES if files else ():
        command += ["-P", f"{plant.state}{name}"]
    return command


def says_so(plant):
    """On a disk that stays full the core runs on, and says that nothing is stored: S7."""
    try:
        return plant.status()["storage"]["storing"] is False
    except (OSError, KeyError, ValueError):
        return False


def point(arguments):
    """Return: did it happen?"""
    call, what, k, ever, files = arguments
    where = f"{call} {what} {k}{ever}"
    with rig.Rig(Device(), incident_clear="1s", report_interval="1s") as plant:
        log = plant.dir / "strace"
        journal = Journal(plant.dir / "journal")
        plant.configure(journal=journal.path)
        plant.start("receiver", "poller", "sender")
        plant.launch("core", before=strace(plant, log, call, what, k, ever, files))
        went_on = plant.watch() or ("ENOSPC" in what and says_so(plant))
        status = plant.ended()
        text = log.read_text(errors="replace") if log.exists() else ""
        injected = status == -signal.SIGKILL if what == KILL else "INJECTED" in text
        assert status in (None, 0, 1, -signal.SIGKILL), f"{where}: {status}\n{plant.logs()}"
        assert went_on or status is not None, f"{where}: neither went on nor ended\n{plant.logs()}"
        assert status != 1 or plant.log().strip(), f"{where}: ended without a word"
        if what == EIO and any("INJECTED" in line and "sync(" in line and
                               (call == "fsync" or f"{plant.state}/" in line)
                               for line in text.splitlines()):  # not SQLite's own of the directory
            assert status == 1, f"{where}: went on after a failed sync\n{text}"
        try:
            plant.finish()
            check_journal(plant, journal)
        except AssertionError as error:
            raise AssertionError(f"{where}: {error}") from None
        finally:
            journal.stop()
        return injected


def check_journal(plant, journal):
    """Nothing was told that no commit has kept; what was missed came from the record."""
    hashes = {seq: digest.hex() for seq, digest in plant.query("SELECT seq, hash FROM entry")}
    others = [told.seq for told in list(journal.told)
              if hashes.get(told.seq) != told.fields["WASTEWATCH_HASH"]]
    assert not others, f"entries that the journal was told otherwise: {others}"
    plant.until(lambda: set(journal.seqs()) >= set(hashes), "the journal has all")


def test_core_at_every_call():
    """S1, S6, W9: the core is killed or gets an error wherever it commits and delivers."""
    rig.need_strace()
    random, seed = rig.new_seed("core")

    def draw():
        call, faults, files, last = random.choice(POINTS)
        what = random.choice(faults)
        return (call, what, int(last ** random.random()),
                "" if what == KILL else random.choice(("", "+")), files)

    points, injected = rig.until_enough(point, draw, rig.amount(QUICK, LONG), 2 * os.cpu_count())
    rig.figures("core", sum(injected), run=len(points), violations=0, seed=seed)
