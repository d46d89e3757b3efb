# SPDX-License-Identifier: Apache-2.0
"""The record's disk in trouble: full, without inodes, read-only, failing, slow; what lies in its
place; and that nobody who should be told of an incident is not."""

import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import time

import pytest

from plant import (ATTENTION, LIMIT_S, NORMAL, Device, Plant, check_all_told, program, until)

MIB = 1 << 20
ROOM = 24  # MiB of the small disk
SMALL = ("storage-ballast: 4\nstorage-low: 8\nstorage-critical: 2\n"
         "storage-low-inodes: 50\nstorage-critical-inodes: 10\n")
REFUSED = 1  # exit status of wastewatchd when it does not start


def mount(path, kind, size, *options):
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    done = subprocess.run(["mount", "-t", kind, "-o", ",".join((f"size={size}", *options)), "none",
                           path], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"cannot mount: {done.stderr}")


def remount(path, how):
    subprocess.run(["mount", "-o", f"remount,{how}", path], check=True)


@pytest.fixture(name="disk")
def make_disk(tmp_path):
    """A file system of its own, small."""
    mount(tmp_path, "tmpfs", f"{ROOM}m", "nr_inodes=400")
    yield tmp_path
    subprocess.run(["umount", "-l", tmp_path], check=True)


@pytest.fixture(name="plant")
def make_plant(disk):
    with Plant(Device(), state=disk / "state", main=SMALL) as it:
        yield it


def fill(path):
    """Leave no byte free."""
    with open(path, "ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass


def use_all(plant, disk):
    """Until nothing can be stored: the ballast goes first, then what it has left."""
    fill(disk / "filler")
    spill = 200

    def failing():
        nonlocal spill
        spill = 450 - spill  # there is always something to store
        plant.device.set(SO2=spill)
        fill(disk / "filler")
        return plant.status().get("storage", {}).get("storing") is False
    plant.until(failing, "nothing can be stored", 60)


def stored(plant):
    return plant.status().get("storage", {}).get("storing") is True


def strace(*arguments):
    if not shutil.which("strace"):
        pytest.skip("needs strace")
    return ("strace", "-D", "-f", "-qq", "-o", "/dev/null", *arguments)


def settle(plant):
    """What is kept in memory only is not quiet yet."""
    plant.until(lambda: stored(plant), "it is stored")
    plant.device.set(**NORMAL)
    plant.until_quiet()


# ---- S7: no room ----

def test_s7_at_low_and_critical_it_is_said_and_minutes_go_first(plant, disk):
    """S7: at low and critical it is said and minutes go first."""
    plant.start()
    assert (plant.state / "ballast").stat().st_blocks * 512 >= 4 * MIB
    with open(disk / "filler", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, 14 * MIB)
    plant.kill("core")
    plant.start_core()
    low = plant.until_entry("storage.low")
    assert low["free_bytes"] < 8 * MIB and "MiB" in low["reason"]
    plant.until(lambda: "getting short" in plant.command("status").stdout, "status says so")
    with open(disk / "filler2", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, os.statvfs(disk).f_bavail * 4096 - MIB)
    plant.kill("core")
    plant.start_core()
    critical = plant.until_entry("storage.critical")
    assert critical["free_bytes"] < 2 * MIB
    before = plant.query("SELECT count(*) FROM minute")[0][0]
    left_out = plant.until(lambda: plant.status()["storage"]["minutes_left_out"],
                           "minutes are left out", 130)
    assert plant.query("SELECT count(*) FROM minute")[0][0] == before
    assert (plant.state / "ballast").exists(), "it is for what must be stored"
    plant.device.set(COD=200)
    plant.until_entry("incident.opened")
    plant.until_entry("report.delivered")
    assert not plant.receiver.unstored()
    os.unlink(disk / "filler")
    os.unlink(disk / "filler2")
    recovered = plant.until(lambda: plant.entries("storage.recovered"), "it recovers", 130)[0]
    assert recovered["minutes"] >= left_out
    assert recovered["since"] < recovered["until"] <= recovered["time"]
    settle(plant)
    plant.until(lambda: plant.query("SELECT count(*) FROM minute")[0][0] > before,
                "minutes are stored again", 130)
    check_all_told(plant)


@pytest.fixture(name="full")
def make_full(plant, disk):
    """Nothing can be stored; what was stored before"""
    plant.start()
    before = plant.entries()
    use_all(plant, disk)
    assert not (plant.state / "ballast").exists()
    plant.before = before
    return plant


def test_s7_an_incident_on_a_full_disk_is_told_at_once_and_stored_later(full, disk):
    """S7: an incident on a full disk is told at once and stored later."""
    plant = full
    plant.device.set(COD=200)
    told = plant.until(lambda: [d for d in plant.receiver.unstored().values()
                                if d["incident"]["kind"] == "liquid"], "it is told")[0]
    assert told["stored"] is False and "log" not in told
    assert not plant.query("SELECT 1 FROM incident WHERE kind = 'liquid'")
    assert plant.entries()[:len(plant.before)] == plant.before
    core = plant.processes["core"]
    status = plant.command("status")
    assert status.returncode == ATTENTION and "NOTHING CAN BE STORED" in status.stdout
    assert "not in the record yet" in plant.log()
    os.unlink(disk / "filler")
    plant.until(lambda: stored(plant), "it is stored")
    opened = plant.until_entry("incident.opened", kind="liquid")
    assert opened["incident"] == told["incident"]["id"]
    assert core.poll() is None, "it has not ended meanwhile"
    plant.until(lambda: (plant.state / "ballast").exists(), "there is a ballast again")
    plant.until_entry("storage.recovered")
    settle(plant)
    check_all_told(plant)
    # each that was told without being stored is there again as the record has it
    again = {(r["data"]["incident"]["id"], r["data"]["incident"]["update"])
             for r in plant.receiver.reports()}
    for data in plant.receiver.unstored().values():
        assert (data["incident"]["id"], data["incident"]["update"]) in again
    assert not plant.entries("readings.lost")


def test_s7_nothing_is_acknowledged_and_a_kill_loses_nothing(full, disk):
    """S7: The poller holds what was not stored: the core that comes back finds the incident."""
    plant = full
    plant.device.set(COD=200)
    plant.until(lambda: [d for d in plant.receiver.unstored().values()
                         if d["incident"]["kind"] == "liquid"], "it is told")
    plant.kill("core")
    plant.device.set(COD=50)
    os.unlink(disk / "filler")
    plant.start_core()
    plant.until_entry("incident.opened", kind="liquid")
    settle(plant)
    assert not plant.entries("readings.lost")
    check_all_told(plant)


def test_s7_people_and_reloads_are_refused_meanwhile(full):
    """S7: people and reloads are refused meanwhile."""
    plant = full
    plant.reload()
    plant.until(lambda: "the old configuration stays in force; make room" in plant.log(), "refused")


def test_s7_no_inode_is_free(plant, disk):
    """S7: no inode is free."""
    plant.start()
    for i in range(400):
        try:
            (disk / f"f{i}").touch()
        except OSError:
            break
    plant.kill("core")
    plant.start_core()
    critical = plant.until_entry("storage.critical")
    assert " 0 inodes" in critical["reason"]
    plant.device.set(COD=200)
    plant.until_entry("report.delivered")
    settle(plant)
    check_all_told(plant)


def test_s7_it_starts_on_a_full_disk(full, disk):
    """S7: it starts on a full disk."""
    plant = full
    plant.kill("core")
    plant.device.set(**NORMAL)
    fill(disk / "filler")
    plant.start_core()
    plant.until_good("mill/outfall/COD")
    plant.device.set(COD=200)
    plant.until(lambda: [d for d in plant.receiver.unstored().values()
                         if d["incident"]["kind"] == "liquid"], "it is told")
    os.unlink(disk / "filler")
    plant.until_entry("incident.opened", kind="liquid")
    settle(plant)
    check_all_told(plant)


def test_s7_the_first_start_is_on_a_full_disk(plant, disk):
    """S7: the first start is on a full disk."""
    fill(disk / "filler")
    plant.receiver.start()
    for name in ("core", "poller", "sender"):
        plant.start_one(name)
    plant.until_good("mill/outfall/COD")
    plant.device.set(COD=200)
    plant.until(plant.receiver.unstored, "it is told")
    os.unlink(disk / "filler")
    plant.until_entry("incident.opened")
    assert plant.types()[0] == "record.created"
    assert plant.query("SELECT value FROM meta WHERE key = 'log_id'")[0][0] == \
        plant.entries("record.created")[0]["name"]
    settle(plant)
    check_all_told(plant)


def test_c1_full_disk_and_no_network(full, disk):
    """C1: Kept in memory; the network comes back first."""
    plant = full
    plant.kill("department")
    plant.device.set(COD=200)
    plant.until(lambda: "is sent without being stored" in plant.log(), "it is tried")
    plant.receiver.start()
    plant.until(lambda: [d for d in plant.receiver.unstored().values()
                         if d["incident"]["kind"] == "liquid"], "it is told", 40)
    os.unlink(disk / "filler")
    settle(plant)
    check_all_told(plant)


def test_c1_full_disk_and_no_network_and_the_disk_comes_back_first(full, disk):
    """C1: full disk and no network and the disk comes back first."""
    plant = full
    plant.kill("department")
    before = set(plant.receiver.unstored())
    plant.device.set(COD=200)
    plant.until(lambda: plant.status()["storage"]["unstored_reports"] > 0, "it is kept")
    os.unlink(disk / "filler")
    plant.until_entry("incident.opened", kind="liquid")
    plant.receiver.start()
    settle(plant)
    check_all_told(plant)
    assert set(plant.receiver.unstored()) == before, "what is stored goes as it is stored"


# ---- S8: read-only, quota ----

def test_s8_it_starts_on_a_read_only_disk_and_goes_on_when_it_can_be_written(plant, disk):
    """S8: it starts on a read only disk and goes on when it can be written."""
    plant.start()
    plant.device.set(SO2=700)
    plant.until_entry("report.delivered")
    plant.kill("core")
    entries = plant.entries()
    remount(disk, "ro")
    plant.device.set(COD=200)
    core = plant.start_core()
    plant.until(lambda: [d for d in plant.receiver.unstored().values()
                         if d["incident"]["kind"] == "liquid"], "it is told")
    assert "Read-only" in plant.log()
    plant.until(lambda: "read-only" in plant.command("status").stdout, "status says so")
    assert plant.entries() == entries
    remount(disk, "rw")
    plant.until_entry("incident.opened", kind="liquid")
    assert core.poll() is None
    assert plant.entries()[:len(entries)] == entries
    assert plant.entries("incident.opened", ) and len(plant.entries("incident.opened")) == 2, \
        "the one that was open goes on"
    settle(plant)
    check_all_told(plant)


def make_ext4(path):
    """A file of 64 MiB with ext4 in it, on @path."""
    image = path.with_suffix(".img")
    with open(image, "wb") as file:
        file.truncate(64 * MIB)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    path.mkdir()
    done = subprocess.run(["mount", "-o", "loop", image, path], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        pytest.skip(f"cannot mount: {done.stderr}")


@pytest.mark.parametrize("killed", [False, True], ids=["", "and killed"])
def test_s8_what_is_stored_is_sent_from_a_read_only_disk(tmp_path, killed):
    """S8: stored reports go while nothing can be written; what came of it is stored afterwards,
    and a kill meanwhile costs a double of the same id and bytes."""
    if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
        pytest.skip("needs root and mkfs.ext4, to mount a small file system")
    disk = tmp_path / "disk"
    make_ext4(disk)
    try:
        with Plant(Device(), state=disk / "state", main=SMALL) as plant:
            plant.start("core", "poller")
            plant.device.set(SO2=700, COD=200)
            plant.until(lambda: sum(e["reports"] for e in plant.entries("reports.fixed")) >= 2,
                        "two reports, of one commit or two")
            plant.device.set(**NORMAL)
            first = {ident for ident, in plant.query(
                "SELECT webhook_id FROM outbox WHERE type = 'incident.opened'")}
            assert len(first) == 2
            plant.kill("core")  # what is open for writing would keep it writable
            remount(disk, "ro")
            plant.start_core()
            plant.until(lambda: not stored(plant), "nothing can be stored")
            plant.start("receiver", "sender")
            plant.until(lambda: first <= set(plant.receiver.bodies()), "they arrive")
            assert not plant.entries("report.delivered")
            if killed:
                plant.kill("core")
                plant.start_core()
                plant.until(lambda: len([line for line in plant.receiver.index()
                                         if line["id"] in first]) >= 4, "once more")
            ids = [line["id"] for line in plant.receiver.index() if line["id"] in first]
            assert killed or len(ids) == 2, "each once, however long it takes"
            remount(disk, "rw")
            plant.until(lambda: first <= {e["report"] for e in plant.entries("report.delivered")},
                        "the record says what happened")
            settle(plant)
            ids = [line["id"] for line in plant.receiver.index() if line["id"] in first]
            assert len(ids) == (4 if killed else 2)
            check_all_told(plant)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_s8_a_read_only_disk_without_a_record(plant, disk):
    """S8: a read only disk without a record."""
    remount(disk, "ro")
    plant.receiver.start()
    for name in ("core", "poller", "sender"):
        plant.start_one(name)
    plant.device.set(COD=200)
    plant.until(plant.receiver.unstored, "it is told")
    remount(disk, "rw")
    plant.until_entry("incident.opened")
    settle(plant)
    check_all_told(plant)


@pytest.mark.parametrize("error", ["EDQUOT", "EROFS", "ENOSPC"])
def test_s8_while_it_runs(error):
    """S8: A quota, or a disk that has become read-only: the log can no longer be written."""
    with Plant(Device()) as plant:
        plant.start("receiver", "poller", "sender")
        plant.device.set(COD=200)
        plant.start_core(*strace("-P", str(plant.state / "record.db-wal"), "-e",
                                 f"inject=pwrite64:error={error}:when=80+"))
        plant.until(lambda: plant.receiver.unstored() or not time.sleep(0.1) and
                    plant.device.set(COD=200 if int(time.time() * 2) % 2 else 50),
                    "it is told without being stored", 60)
        assert plant.processes["core"].poll() is None
        plant.device.set(**NORMAL)
        plant.kill("core")
        plant.start_core()
        settle(plant)
        check_all_told(plant)


# ---- S6: what is not a lack of room ----

@pytest.mark.parametrize("call", ["fdatasync", "pwrite64"])
def test_s6_an_error_of_the_disk_ends_the_core_and_it_recovers(call):
    """S6: an error of the disk ends the core and it recovers."""
    with Plant(Device()) as plant:
        plant.start("receiver", "poller", "sender")
        plant.device.set(COD=200)
        core = plant.start_core(*strace("-P", str(plant.state / "record.db-wal"), "-e",
                                        f"inject={call}:error=EIO:when=12+"))
        plant.until(lambda: core.poll() is not None or plant.device.set(
            COD=200 if int(time.time() * 2) % 2 else 50), "it ends", 60)
        assert core.returncode == 1
        assert "the record cannot be written" in plant.log() or \
            "cannot open the record" in plant.log()
        assert not plant.receiver.unstored(), "nobody knows what the disk holds"
        told = {r["data"]["incident"]["id"] for r in plant.receiver.reports()}
        plant.start_core()
        plant.until_good("mill/outfall/COD")
        settle(plant)
        assert told <= {e["incident"] for e in plant.entries("incident.opened")}
        check_all_told(plant)


def test_s6_an_error_when_the_log_is_brought_into_the_record():
    """S6: SQLite itself forgets it; then the log must not begin anew, or what it holds is lost."""
    with Plant(Device()) as plant:
        plant.start("receiver", "core", "poller", "sender")
        plant.kill("core")
        # a log that is long enough to be brought in; while it is open here nobody does it
        db = sqlite3.connect(plant.state / "record.db", isolation_level=None)
        db.execute("PRAGMA wal_autocheckpoint = 0")
        for sql in ("CREATE TABLE filler AS SELECT randomblob(5000000) AS x", "DROP TABLE filler"):
            db.execute(sql)
        core = plant.start_core(*strace("-P", str(plant.state / "record.db"), "-e",
                                        "inject=fdatasync:error=EIO"))
        plant.until(lambda: core.poll() is not None, "it ends")
        db.close()
        assert core.returncode == 1
        assert "cannot be brought into record.db" in plant.log()
        plant.start_core()
        plant.until_good("mill/outfall/COD")
        settle(plant)
        check_all_told(plant)


# ---- S12: slow ----

def test_s12_a_slow_disk_disturbs_no_polling():
    """S12: every sync takes 1.5 s: no reading is lost, the poller keeps its pace."""
    with Plant(Device()) as plant:
        plant.start("receiver", "core", "poller", "sender")
        plant.kill("core")
        plant.start_core(*strace("-e", "inject=fdatasync:delay_enter=1500000"))
        plant.until_good("mill/outfall/Reads")
        begun, reads = time.monotonic(), plant.device.n_reads
        plant.device.set(COD=200)
        plant.until_entry("incident.opened")
        plant.device.set(**NORMAL)
        plant.until_entry("incident.ended")
        took = time.monotonic() - begun
        assert plant.device.n_reads - reads > took * 10 * 0.7, "10 a second are wanted"
        plant.kill("core")
        plant.start_core()
        plant.until_quiet()
        assert not plant.entries("readings.lost")
        check_all_told(plant)


# ---- S10, S13: what lies there ----

def refused(plant):
    core = plant.start_core()
    assert core.wait(LIMIT_S) == REFUSED
    return plant.log().splitlines()[-1]


@pytest.fixture(name="still")
def make_still():
    """A record, and nobody who has it; what its files hold."""
    with Plant(Device()) as plant:
        plant.start("core", "poller")
        plant.kill("poller")
        plant.stop("core")
        yield plant


def contents(plant):
    return {p.name: p.read_bytes() for p in plant.state.iterdir()
            if p.is_file() and not p.name.endswith("-shm")}


def test_s13_a_second_instance_is_told_so_and_the_first_is_not_disturbed():
    """S13: a second instance is told so and the first is not disturbed."""
    with Plant(Device()) as plant:
        plant.start()
        other = plant.dir / "run2"
        other.mkdir()
        arguments = [str(other) if a == str(plant.run) else a for a in plant.core_arguments()]
        done = subprocess.run([program("wastewatchd"), *arguments], capture_output=True, text=True,
                              timeout=LIMIT_S, check=False)
        assert done.returncode == REFUSED
        assert "another wastewatchd has the record" in done.stderr and "--state" in done.stderr
        plant.device.set(COD=200)
        plant.until_entry("report.delivered")
        settle(plant)
        check_all_told(plant)


def test_s10_a_missing_record_whose_log_is_there_is_not_begun_anew(still):
    """S10: a missing record whose log is there is not begun anew."""
    still.start_core()
    still.until_entry("core.started", 2)
    still.kill("core")
    (still.state / "record.db").rename(still.state / "kept")
    still.broken_record = True
    before = contents(still)
    said = refused(still)
    assert "record.db is missing" in said and "backup" in said
    assert contents(still) == before
    (still.state / "kept").rename(still.state / "record.db")
    still.start_core()
    still.until_entry("core.started", 3)


def test_s10_a_missing_record_begins_a_new_one_and_says_so(still):
    """S10: a missing record begins a new one and says so."""
    for path in still.state.glob("record.db*"):
        path.unlink()
    still.start_core()
    created = still.until_entry("record.created")
    assert created["seq"] == 1
    assert "A new record begins" in still.log()


@pytest.mark.parametrize("name", ["record.db", "record.db-wal", "record.db-shm", "record.lock"])
def test_s10_a_symbolic_link_is_not_followed(still, name):
    """S10: a symbolic link is not followed."""
    path = still.state / name
    still.broken_record = True
    path.rename(still.dir / "elsewhere")
    path.symlink_to(still.dir / "elsewhere")
    said = refused(still)
    assert name in said and "symbolic link" in said


@pytest.mark.parametrize("name", ["record.db", "record.db-wal", ""])
def test_s10_a_foreign_owner(still, name):
    """S10: a foreign owner."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to give files away")
    os.chown(still.state / name, 12345, -1)
    before = contents(still)
    said = refused(still)
    assert "belongs to user 12345" in said and "chown" in said
    assert contents(still) == before


@pytest.mark.parametrize("name", ["record.db", "record.db-wal"])
def test_s10_others_may_write_it(still, name):
    """S10: others may write it."""
    (still.state / name).chmod(0o666)
    before = contents(still)
    said = refused(still)
    assert "0666" in said and "chmod 0640" in said
    assert contents(still) == before


def test_s10_it_cannot_be_read(still):
    """S10: it cannot be read."""
    still.broken_record = True
    if os.geteuid() == 0:
        (still.state / "record.db").unlink()
        (still.state / "record.db").mkdir()
        assert "no regular file" in refused(still)
    else:
        (still.state / "record.db").chmod(0)
        assert "ermission" in refused(still)


def test_s10_no_directory(still):
    """S10: no directory."""
    shutil.rmtree(still.state)
    said = refused(still)
    assert str(still.state) in said and "--state" in said


def test_s10_a_database_of_another_program(still):
    """S10: a database of another program."""
    for path in still.state.glob("record.db*"):
        path.unlink()
    with sqlite3.connect(still.state / "record.db") as db:
        db.execute("CREATE TABLE x(y)")
    db.close()
    still.broken_record = True
    before = contents(still)
    assert "another program" in refused(still)
    assert contents(still) == before


def test_h11_a_record_of_a_newer_version_is_left_alone(still):
    """H11: a record of a newer version is left alone."""
    with sqlite3.connect(still.state / "record.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    still.broken_record = True
    before = contents(still)
    said = refused(still)
    assert "newer wastewatch" in said and "99" in said
    assert contents(still) == before
