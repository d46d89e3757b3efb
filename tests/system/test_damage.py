# SPDX-License-Identifier: Apache-2.0
"""S9: a record that was damaged is found, kept under another name, and followed by a new one."""

import json
import os
import shutil
import signal
import sqlite3
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from bus import Bus  # noqa: E402
from plant import ATTENTION, Device, Plant, until  # noqa: E402


def aside(plant):
    """Files that were set aside, without their WALs."""
    return sorted(path for path in plant.state.glob("record.db.damaged-*")
                  if not path.name.endswith(("-wal", "-shm")))


def write_sql(plant, *statements):
    """Into the record of a daemon that is down."""
    with sqlite3.connect(plant.state / "record.db") as db:
        for statement in statements:
            db.execute(statement)
    db.close()


def verify(plant, *arguments):
    done = plant.command("verify", "--json", *arguments)
    return json.loads(done.stdout) if done.stdout else done.stderr


@pytest.fixture(name="plant")
def make_plant():
    """One that has run, with a report that nobody has got, and is down."""
    with Plant(Device()) as plant:
        plant.start("core", "poller")
        plant.device.set(COD=200)
        plant.until_entry("incident.opened")
        plant.until(plant.outbox, "a report waits")
        for name in ("poller", "core"):
            plant.stop(name)
        plant.old_outbox = plant.outbox()
        yield plant


EDITS = {
    "line": ("UPDATE entry SET line = replace(line, '\"seq\":3', '\"seq\":4') WHERE seq = 3", 3),
    "hash": ("UPDATE entry SET hash = zeroblob(32) WHERE seq = 3", 3),
    "missing": ("DELETE FROM entry WHERE seq = 3", 3),
    "truncated": ("DELETE FROM entry WHERE seq > 4", 5),
    "first": ("DELETE FROM entry WHERE seq = 1", 1),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_broken_chain_is_set_aside(plant, edit):
    statement, bad = EDITS[edit]
    old = plant.entries()
    write_sql(plant, statement)
    said = verify(plant)
    assert not said["good"] and said["bad_entry"] == bad
    plant.start("core")
    replaced = plant.until_entry("record.replaced")
    file, = aside(plant)
    assert replaced["name"] == file.name and f"entry {bad}" in replaced["reason"]
    assert replaced["last_seq"] == old[-1]["seq"]
    created = plant.entries()[0]
    assert created["type"] == "record.created" and created["seq"] == old[-1]["seq"] + 1
    assert created["name"] != old[0]["name"], "another log"
    # what waited, waits, under its name; what ran, runs. Where the entry that vouches for a report
    # is gone with the end of the record, the report is held until somebody has looked at it.
    state = "stopped" if edit == "truncated" else "pending"
    assert [row[:2] for row in plant.outbox()] == [(row[0], state) for row in plant.old_outbox]
    assert f"{len(plant.old_outbox)} reports that wait were taken over" in replaced["reason"]
    assert plant.query("SELECT state FROM incident") == [("open",)]
    # the old one is what it was, and can still be looked at
    assert verify(plant, str(file))["bad_entry"] == bad
    said = verify(plant)
    assert said["good"] and said["first"] == created["seq"]


ENDLESS = ("(WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
           " SELECT max(x) FROM c)")
TABLES = {
    "reports vanish": (("CREATE TRIGGER zz AFTER INSERT ON outbox BEGIN"
                        " DELETE FROM outbox WHERE id = new.id; END",), "trigger zz"),
    "reports are forged": (("CREATE TRIGGER zz AFTER INSERT ON outbox BEGIN UPDATE outbox"
                            " SET body = replace(body, '200', '9') WHERE id = new.id; END",),
                           "trigger zz"),
    "no turn": (("DROP TRIGGER outbox_changed",), "trigger outbox_changed is missing"),
    "no place": (("DROP TRIGGER outbox_added",), "trigger outbox_added is missing"),
    "endless": ((f"CREATE TRIGGER zz AFTER INSERT ON outbox BEGIN SELECT {ENDLESS}; END",),
                "trigger zz"),
    "endless entries": (("DROP TABLE entry", f"CREATE VIEW entry AS SELECT {ENDLESS} AS seq"),
                        "view entry"),
    "no name": (("DROP TABLE meta",), "table meta is missing"),
}


@pytest.mark.parametrize("edit", TABLES)
def test_tables_of_somebody_else_are_set_aside(plant, edit):
    """S9: triggers, views, tables: nothing is written through what somebody else has made."""
    statements, words = TABLES[edit]
    write_sql(plant, *statements)
    said = verify(plant)
    assert not said["good"] and said["fault"] == "shape" and words in said["text"]
    plant.start()
    replaced = plant.until_entry("record.replaced")
    file, = aside(plant)
    assert replaced["name"] == file.name and words in replaced["reason"]
    plant.until(lambda: plant.status().get("pid") == plant.processes["core"].pid, "status")
    assert plant.status()["health"] is False, "nobody has seen it yet"
    plant.device.set(COD=50)
    plant.until_entry("incident.ended")
    plant.device.set(SO2=900)
    plant.until_entry("incident.opened")
    plant.until(lambda: "incident.opened" in plant.receiver.types(), "what is new arrives")
    assert verify(plant)["good"]


def test_tables_changed_under_the_daemon(plant):
    """S9: the number of the schema moves, so the commit looks, and the service ends to recover."""
    plant.start("core", "poller")
    write_sql(plant, TABLES["reports vanish"][0][0])
    plant.device.set(SO2=900)
    assert plant.until(lambda: plant.processes["core"].poll() is not None, "it ends")
    plant.processes.pop("core")
    plant.start_core()
    assert "trigger zz" in plant.until_entry("record.replaced")["reason"]


def test_once_and_not_again(plant):
    write_sql(plant, EDITS["hash"][0])
    for n in range(1, 4):
        plant.start("core")
        plant.until_entry("core.started", n=n)
        plant.until(lambda: plant.status().get("pid") == plant.processes["core"].pid, "status")
        assert plant.status()["health"] is False, "nobody has seen it yet"
        assert len(aside(plant)) == 1 and len(plant.entries("record.replaced")) == 1
        assert not (plant.state / "record.aside").exists()
        plant.kill("core", signal.SIGKILL if n == 1 else signal.SIGTERM)


def test_reports_arrive_after_all(plant):
    write_sql(plant, EDITS["line"][0])
    plant.start()
    plant.until_entry("record.replaced")
    ids = {row[0] for row in plant.old_outbox}
    plant.until(lambda: ids <= set(plant.receiver.bodies()), "the rescued reports arrive")
    plant.device.set(COD=50)
    plant.until_quiet()
    ended = plant.entries("incident.ended")
    assert len(ended) == 1 and not plant.entries("incident.opened"), "one incident, going on"
    index = plant.receiver.index()
    assert all("conflict" not in line["outcome"] for line in index), index


def test_what_sqlite_cannot_read(plant):
    """No number can be read, so the next is beyond all that could have been used."""
    (plant.state / "record.db").write_bytes(b"no database at all" * 500)
    for suffix in ("-wal", "-shm"):
        (plant.state / f"record.db{suffix}").unlink(missing_ok=True)
    plant.start("core")
    plant.until(lambda: aside(plant), "it is set aside")
    replaced = plant.until_entry("record.replaced")
    assert "hash" not in replaced and replaced["last_seq"] == 0
    assert replaced["seq"] > 1_600_000_000
    assert aside(plant)[0].read_bytes().startswith(b"no database at all")
    assert verify(plant)["good"]
    # high numbers and few entries: nothing is missing at the next start, nor in a backup
    plant.stop()
    plant.start("core")
    plant.until_entry("core.started", n=2)
    assert len(aside(plant)) == 1
    plant.stop()
    copy = plant.dir / "copy.db"
    done = plant.command("backup", str(copy))
    assert done.returncode == 0, done.stderr
    assert verify(plant, str(copy))["last"] == plant.entries()[-1]["seq"]


def test_a_record_of_nothing(plant):
    """S10: a record that is gone is said, and a new one begins."""
    for suffix in ("", "-wal", "-shm"):
        (plant.state / f"record.db{suffix}").unlink(missing_ok=True)
    plant.start("core")
    assert plant.until_entry("record.created")["reason"] == "no record was there before"
    assert not aside(plant)


def test_a_page_in_the_middle(plant):
    """Where SQLite reads most of it and stumbles over the rest."""
    write_sql(plant, "PRAGMA wal_checkpoint(TRUNCATE)")
    path = plant.state / "record.db"
    with sqlite3.connect(path) as db:
        page, = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'entry'").fetchone()
        size, = db.execute("PRAGMA page_size").fetchone()
    db.close()
    data = bytearray(path.read_bytes())
    data[(page - 1) * size:page * size] = bytes(size)
    path.write_bytes(data)
    plant.start("core")
    plant.until(lambda: aside(plant), "it is set aside")
    replaced = plant.until_entry("record.replaced")
    assert [row[0] for row in plant.outbox()] == [row[0] for row in plant.old_outbox]
    assert replaced["seq"] > max(1, replaced["last_seq"])
    assert plant.query("SELECT state FROM incident") == [("open",)]


def test_flipped_bytes(plant):
    """A byte anywhere: the daemon starts on it, or sets it aside, or says why not; it never dies of
    a signal, and never harms what it does not set aside."""
    write_sql(plant, "PRAGMA wal_checkpoint(TRUNCATE)")
    for suffix in ("-wal", "-shm"):
        (plant.state / f"record.db{suffix}").unlink(missing_ok=True)
    good = (plant.state / "record.db").read_bytes()
    outcomes = {"on": 0, "aside": 0, "refused": 0}
    for at in (0, 18, 21, 47, 59, 63, 71, 100, 103, *range(1000, len(good), len(good) // 24)):
        shutil.rmtree(plant.state)
        plant.state.mkdir()
        data = bytearray(good)
        data[at] ^= 0x15
        (plant.state / "record.db").write_bytes(data)
        core = plant.start_core()
        until(lambda: core.poll() is not None or plant.status().get("pid") == core.pid,
              f"byte {at}: started or refused", say=plant.logs)
        if core.poll() is not None:
            outcomes["refused"] += 1
            assert core.returncode == 1, f"byte {at}: {core.returncode}\n{plant.log()[-800:]}"
            assert (plant.state / "record.db").read_bytes() == bytes(data), f"byte {at}: harmed"
            del plant.processes["core"]
            continue
        files = aside(plant)
        outcomes["aside" if files else "on"] += 1
        assert plant.stop() in (0, 1)
        if files:
            assert files[0].stat().st_size == len(data)
            assert verify(plant)["good"], f"byte {at}"
    assert outcomes["aside"] >= 3 and outcomes["on"] >= 3, outcomes


def test_what_is_not_damage_is_not_set_aside(plant):
    """Newer, somebody else's, in use: nothing is touched."""
    path = plant.state / "record.db"
    write_sql(plant, "PRAGMA user_version = 99")
    assert refused(plant) and not aside(plant)
    write_sql(plant, "PRAGMA user_version = 5")
    plant.start("core")
    plant.until_entry("core.started", n=2)
    second = plant.spawn("second", "wastewatchd", *plant.core_arguments())
    assert second.wait(20) == 1 and not aside(plant)
    del plant.processes["second"]
    plant.stop()
    path.unlink()
    write_sql(plant, "CREATE TABLE theirs(x)")
    plant.broken_record = True
    assert refused(plant) and not aside(plant)
    assert sqlite3.connect(path).execute("SELECT count(*) FROM theirs").fetchone() == (0,)


def refused(plant):
    core = plant.start_core()
    assert core.wait(20) == 1, plant.log()
    del plant.processes["core"]
    return True


@pytest.mark.parametrize("renamed", [0, 1, 2, 3])
def test_ended_while_it_was_set_aside(plant, renamed):
    """Whatever was renamed when the power went: the next start goes on there."""
    name = "record.db.damaged-20260101T000000Z"
    last = plant.entries()[-1]["seq"]
    write_sql(plant, EDITS["hash"][0])
    (plant.state / "record.db-wal").touch()
    (plant.state / "record.db-shm").touch()
    (plant.state / "record.aside").write_text(f"{name}\n{last}\n{last}\n-\nits hash\n")
    for suffix in ("-wal", "-shm", "")[:renamed]:
        (plant.state / f"record.db{suffix}").rename(plant.state / (name + suffix))
    plant.start("core")
    replaced = plant.until_entry("record.replaced")
    assert replaced["name"] == name and replaced["reason"].startswith("its hash")
    assert [path.name for path in aside(plant)] == [name]
    plant.until(lambda: not (plant.state / "record.aside").exists(), "it is done")
    assert len(plant.outbox()) == len(plant.old_outbox)


def test_damage_that_comes_while_it_runs(plant):
    """Found by the round of the day, said, recorded on; set aside at the next start; seen by a person."""
    text = (plant.config / "wastewatch.yaml").read_text()
    (plant.config / "wastewatch.yaml").write_text(text + "verify-interval: 1s\n")
    with Bus() as bus:
        plant.options["bus"] = bus.address
        plant.start("core")
        plant.until(bus.has_core, "it is on the bus")
        verified = plant.until_entry("record.verified")
        assert verified["entries"] >= 5 and verified["heads"] >= 3
        status = plant.until(lambda: plant.status().get("record", {}).get("verified_ms") and
                             plant.status(), "a round is done")
        assert status["record"]["seen"] is True
        assert plant.command("record", "seen", "--bus", bus.address).returncode == 1
        write_sql(plant, EDITS["line"][0])
        damaged = plant.until_entry("record.damaged")
        assert damaged["entry"] == 3 and "entry 3 was changed" in damaged["reason"]
        status = plant.until(lambda: not plant.status()["record"]["seen"] and plant.status(), "unhealthy")
        assert "entry 3" in status["record"]["damage"] and status["health"] is False
        done = plant.command("status")
        assert done.returncode == ATTENTION and "the record is damaged: entry 3" in " ".join(done.stdout.split())
        plant.start("poller")
        plant.device.set(COD=400)
        plant.until(lambda: [e for e in plant.entries("alarm.raised")
                             if e["seq"] > damaged["seq"]], "it goes on recording")
        assert len(plant.entries("record.damaged")) == 1, "said once"
        done = plant.command("record", "seen", "--reason", "disk replaced", "--bus", bus.address)
        assert done.returncode == 0, done.stderr
        seen = plant.until_entry("record.seen", reason="disk replaced")
        assert seen["user"]
        plant.start("sender")
        plant.until(lambda: plant.status().get("health"), "healthy")
        plant.stop("sender")
        plant.stop("poller")
        plant.stop()
        assert not aside(plant)
        plant.start("core")
        replaced = plant.until_entry("record.replaced")
        assert replaced["last_seq"] > damaged["seq"] and len(aside(plant)) == 1
        plant.until(lambda: plant.status().get("health") is False, "to be seen again")
        plant.until(bus.has_core, "it is on the bus")
        assert plant.command("record", "seen", "--bus", bus.address).returncode == 0
        plant.stop()
        plant.start("core")
        plant.until(lambda: plant.status().get("record", {}).get("seen") is True, "seen is seen")


def test_a_state_that_does_not_hold(plant):
    """The judging begins anew; the entries are not touched, nothing is set aside."""
    write_sql(plant, "UPDATE state SET core = substr(core, 1, 100) || x'ff' || substr(core, 102)")
    n = len(plant.entries())
    plant.start("core")
    damaged = plant.until_entry("record.damaged")
    assert damaged["seq"] > n and "measuring state" in damaged["reason"]
    plant.until(lambda: plant.status().get("health") is False, "somebody should know")
    plant.stop()
    plant.start("core")
    plant.until_entry("core.started", n=3)
    assert not aside(plant) and verify(plant)["good"]
