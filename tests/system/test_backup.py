# SPDX-License-Identifier: Apache-2.0
"""wastewatch backup: under load, while the core is down, and put back."""

import os
import re
import shutil
import sqlite3
import subprocess
import threading

import pytest

from plant import MISSING, NORMAL, Device, Plant, check_all_told, program


@pytest.fixture(name="plant")
def make_plant():
    with Plant(Device()) as it:
        yield it


def rows(path, sql):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


ENTRIES = "SELECT seq, line, hash FROM entry ORDER BY seq"
OUTBOX = "SELECT id, webhook_id, body FROM outbox ORDER BY id"


def put_back(plant, copy):
    """As README.md says."""
    old = plant.state / "old"
    old.mkdir()
    for path in plant.state.glob("record.db*"):
        path.rename(old / path.name)
    shutil.copy(copy, plant.state / "record.db")
    (plant.state / "record.db").chmod(0o640)


def test_s14_under_load_each_copy_is_whole_and_the_core_is_not_disturbed(plant):
    """S14: under load each copy is whole and the core is not disturbed."""
    plant.start()
    for i in range(400):  # a record that takes several steps
        if i == 0:
            plant.kill("core")
        with sqlite3.connect(plant.state / "record.db") as db:  # another table would be foreign
            db.execute("INSERT INTO meta VALUES(?, randomblob(50000))", (f"filler-{i}",))
    plant.start_core()
    plant.until_good("mill/outfall/COD")
    stop = threading.Event()

    def load():
        high = False
        while not stop.wait(0.5):
            high = not high
            plant.device.set(COD=200 if high else 50, SO2=700 if high else 100)
    thread = threading.Thread(target=load)
    thread.start()
    try:
        for i in range(5):
            before = len(plant.entries())
            plant.until(lambda n=before: len(plant.entries()) > n, "there is load")
            copy = plant.dir / f"copy{i}.db"
            done = plant.command("backup", str(copy))
            assert done.returncode == 0, done.stderr
            entries = rows(copy, ENTRIES)
            assert len(entries) >= before
            assert entries == plant.query(ENTRIES)[:len(entries)]
            assert f"{len(entries)} entries, verified" in done.stdout
            assert entries[-1][2].hex() in done.stdout
            assert rows(copy, "PRAGMA integrity_check") == [("ok",)]
            assert not list(plant.dir.glob("copy*-wal")) and not list(plant.dir.glob("*partial*"))
            assert copy.stat().st_mode & 0o777 == 0o600
    finally:
        stop.set()
        thread.join()
    plant.device.set(**NORMAL)
    plant.until_quiet()
    assert not plant.entries("readings.lost")
    check_all_told(plant)


def test_s14_while_the_core_is_down_and_put_back(plant):
    """S14: while the core is down and put back."""
    plant.start()
    plant.device.set(COD=200)
    plant.until_entry("report.delivered")
    plant.kill("core")
    copy = plant.dir / "copy.db"
    done = plant.command("backup", "--json", str(copy))
    assert done.returncode == 0, done.stderr
    entries = rows(copy, ENTRIES)
    assert entries == plant.query(ENTRIES) and rows(copy, OUTBOX) == plant.query(OUTBOX)
    shutil.rmtree(plant.state)
    plant.state.mkdir()
    put_back(plant, copy)
    plant.start_core()
    plant.until_good("mill/outfall/COD")
    assert plant.query(ENTRIES)[:len(entries)] == entries
    plant.device.set(**NORMAL)
    plant.until_quiet()
    check_all_told(plant)
    assert len(plant.entries("incident.opened")) == 1, "the incident goes on"


def test_s14_an_older_copy_put_back_starts(plant):
    """S14: What the receiver says of that is its part: see the tests of anchors."""
    plant.start()
    plant.device.set(COD=200)
    plant.until_entry("report.delivered")
    copy = plant.dir / "copy.db"
    assert plant.command("backup", str(copy)).returncode == 0
    entries = rows(copy, ENTRIES)
    plant.device.set(**NORMAL)
    plant.until_quiet()
    plant.stop("core")
    put_back(plant, copy)
    plant.start_core()
    plant.until_good("mill/outfall/COD")
    plant.check_chain()
    assert plant.query(ENTRIES)[:len(entries)] == entries


@pytest.mark.parametrize("case", ["there", "no directory", "no record", "no state"])
def test_s14_what_cannot_be_done_leaves_nothing(plant, case):
    """S14: what cannot be done leaves nothing."""
    plant.start("core", "poller")
    target, arguments = plant.dir / "copy.db", []
    if case == "there":
        target.write_text("mine")
        words = "not overwritten"
    elif case == "no directory":
        target, words = plant.dir / "none" / "copy.db", "cannot write"
    elif case == "no record":
        (plant.dir / "empty").mkdir()
        arguments, words = ["--state", str(plant.dir / "empty")], "there is no record"
    else:
        arguments, words = ["--state", "/nonexistent"], "there is no record"
    done = plant.command("backup", str(target), *arguments)
    assert done.returncode == (MISSING if "no record" in words else 1)
    assert words in done.stderr and not done.stdout
    assert not target.exists() or target.read_text() == "mine"
    assert not list(plant.dir.glob("*partial*"))


def test_s14_a_damaged_record_makes_no_copy(plant):
    """S14: a damaged record makes no copy."""
    plant.start("core", "poller")
    plant.stop("core")
    with sqlite3.connect(plant.state / "record.db") as db:
        db.execute("UPDATE entry SET line = replace(line, 'first time', 'last time') WHERE seq = 2")
    db.close()
    plant.broken_record = True
    done = plant.command("backup", str(plant.dir / "copy.db"))
    assert done.returncode == 1 and re.search(r"does not fit the chain.*entry 2\b", done.stderr)
    assert not (plant.dir / "copy.db").exists() and not list(plant.dir.glob("*partial*"))


def test_s14_a_disk_that_is_full(plant, tmp_path):
    """S14: a disk that is full."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", tmp_path],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"cannot mount: {done.stderr}")
    try:
        plant.start("core", "poller")
        done = plant.command("backup", str(tmp_path / "copy.db"))
        assert done.returncode == 1 and "full" in done.stderr
        assert not list(tmp_path.iterdir())
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)


def test_s14_an_error_of_the_disk(plant):
    """S14: an error of the disk."""
    if not shutil.which("strace"):
        pytest.skip("needs strace")
    plant.start("core", "poller")
    for call in ("pwrite64", "fsync"):
        copy = plant.dir / "copy.db"
        done = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e",
                               f"inject={call}:error=EIO", program("wastewatch"), "backup",
                               str(copy), "--state", str(plant.state)], capture_output=True,
                              text=True, check=False, timeout=60)
        assert done.returncode == 1, (call, done.stdout, done.stderr)
        assert call == "fsync" or not copy.exists()
        assert not list(plant.dir.glob("*partial*"))
