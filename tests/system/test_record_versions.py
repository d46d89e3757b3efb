# SPDX-License-Identifier: Apache-2.0
"""Upgrades: records that released versions have written (tests/data/records) go on."""

import shutil
import sqlite3

import pytest

from plant import NORMAL, ROOT, Device, Plant

RECORDS = sorted((ROOT / "tests" / "data" / "records").glob("v*.sql"))
NOW = int(next(line.split()[2] for line in
               (ROOT / "include" / "core" / "record.h").read_text().splitlines()
               if line.startswith("#define RECORD_VERSION")))
ANY_VERSION = ("SELECT seq, time_ms, type, line, hash FROM entry ORDER BY seq",
               "SELECT id, webhook_id, body, state, attempts FROM outbox ORDER BY id",
               "SELECT t, channel, mean, min, max, n, capture, valid, quality FROM minute"
               " ORDER BY t, channel",
               "SELECT id, state, opened_ms, ended_ms, summary FROM incident ORDER BY id")


def lay(path, sql):
    with sqlite3.connect(path) as db:
        db.executescript(sql.read_text(encoding="utf-8"))
        db.execute("PRAGMA journal_mode = WAL")  # as the programs had it; the text does not say
    db.close()


@pytest.fixture(name="plant", params=RECORDS, ids=lambda path: path.stem)
def make_plant(request):
    with Plant(Device()) as plant:
        lay(plant.state / "record.db", request.param)
        plant.version = int(request.param.stem[1:])
        plant.judge = lambda: None  # reports of older versions keep to older schemas
        yield plant


def contents(plant):
    return [plant.query(sql) for sql in ANY_VERSION]


def version(plant):
    return plant.query("PRAGMA user_version")[0][0]


def test_h11_each_version_is_there():
    """H11: each version is there."""
    never_released = {3}
    assert {int(path.stem[1:]) for path in RECORDS} == set(range(1, NOW)) - never_released


def test_h11_a_record_of_each_version_goes_on(plant):
    """H11: a record of each version goes on."""
    entries, reports, minutes, incidents = contents(plant)
    waiting = [row[1] for row in reports if row[3] != "sent"]
    (standing,) = [row[0] for row in incidents if row[1] == "open"]
    assert len(waiting) == 3 and len(minutes) == 10
    plant.start()
    assert version(plant) == NOW
    assert contents(plant)[0][:len(entries)] == entries
    assert contents(plant)[2][:10] == minutes or plant.query("SELECT count(*) FROM minutes")
    plant.check_chain()
    ended = plant.until(lambda: [e for e in plant.entries("incident.ended", "incident.removed")
                                 if e["incident"] == standing], "it goes on, or is ended")[0]
    assert ended["type"] == "incident.ended" or "another version" in ended["reason"]
    plant.device.set(COD=200)
    plant.until_entry("incident.opened", n=len([e for e in entries if e[2] == "incident.opened"]) + 1)
    plant.device.set(**NORMAL)
    plant.until_quiet()
    held = plant.receiver.bodies()
    for _, ident, body, state, _ in reports:
        if state != "sent":
            assert held[ident] == body.encode(), "as the old version had made it"
    arrived = [line["id"] for line in plant.receiver.index() if line["id"] in waiting]
    assert list(dict.fromkeys(arrived)) == waiting, "in their order"
    assert not plant.entries("journal.resent"), "the old version has told the journal"
    plant.check_chain()
    assert plant.query("PRAGMA integrity_check") == [("ok",)]


def test_h11_killed_in_the_middle_of_a_migration(plant):
    """H11: Before every write of it, and a few behind: the old record is whole, or the new one."""
    if not shutil.which("strace"):
        pytest.skip("needs strace")
    before, kept = contents(plant), plant.dir / "kept"
    shutil.copytree(plant.state, kept)
    seen = set()
    for k in range(1, 200):
        shutil.rmtree(plant.state)
        shutil.copytree(kept, plant.state)
        core = plant.start_core("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-P",
                                str(plant.state / "record.db"), "-P",
                                str(plant.state / "record.db-wal"), "-e",
                                f"inject=pwrite64:signal=KILL:when={k}")
        plant.until(lambda: core.poll() is not None or plant.status().get("pid"), "its end")
        if core.poll() is None:
            plant.kill("core")
        (plant.run / "status.json").unlink(missing_ok=True)
        seen.add(version(plant))
        assert version(plant) in (plant.version, NOW)
        after = contents(plant)
        if version(plant) == plant.version:
            assert after == before
        assert after[0][:len(before[0])] == before[0] and after[2] == before[2]
        assert plant.query("PRAGMA integrity_check") == [("ok",)]
        if version(plant) == NOW and len(after[0]) > len(before[0]):
            break
    assert seen == {plant.version, NOW}
    plant.start_core()
    plant.until(lambda: plant.status().get("pid"), "it starts")
    plant.check_chain()


def test_h11_no_room_for_a_migration(plant):
    """H11: The old record stays whole; the core watches without, and brings it over later."""
    if not shutil.which("strace"):
        pytest.skip("needs strace")
    before = contents(plant)
    plant.receiver.start()
    plant.start_core("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-P",
                     str(plant.state / "record.db"), "-P", str(plant.state / "record.db-wal"),
                     "-e", "inject=pwrite64:error=ENOSPC")
    plant.start_poller()
    plant.start_sender()
    plant.until_good("mill/outfall/COD")
    plant.device.set(COD=200)
    plant.until(plant.receiver.unstored, "it is told")
    assert version(plant) == plant.version and contents(plant) == before
    plant.kill("core")
    plant.start_core()
    plant.until(lambda: version(plant) == NOW, "it is brought over")
    plant.device.set(**NORMAL)
    plant.until_quiet()
    assert len(plant.entries("alarm.raised")) > len([e for e in before[0]
                                                     if e[2] == "alarm.raised"])
    plant.check_chain()
