# SPDX-License-Identifier: Apache-2.0
"""Somebody with sqlite3 and all rights on the record's file, but without the key: what he does is
seen by "wastewatch verify", or the table below says why it does no harm."""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from plant import ROOT, Device, Plant, program  # noqa: E402

# what verify says of each; a text with a blank is why it says nothing, and need not
LOOKED_UP = "it is made of the entries, for people to look things up, and decides nothing that goes out"
JUDGING = ("the state of the judging: a start that cannot use it, or finds one from before the last entry,"
           " says so; entries stay what they were")
VALUES = "no hash covers minute values; verify says so. What was sent of them is fixed"
SHOWN = "it is shown to people, who did not see the entry it should have; nothing is dropped by it"

EDITS = {
    "entry": {
        "DELETE FROM entry WHERE seq = 3": "missing",
        "DELETE FROM entry WHERE seq = 1": "missing",
        "DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)": "truncated",
        "DELETE FROM entry": "truncated",
        "UPDATE entry SET line = replace(line, 'COD', 'DOC') WHERE type = 'alarm.raised'": "line",
        "UPDATE entry SET hash = zeroblob(32) WHERE seq = 4": "hash",
        "UPDATE entry SET hash = NULL_HASH WHERE seq = 4": "hash",
        "UPDATE entry SET seq = 100000 WHERE seq = 3": "missing",
        "UPDATE entry SET type = 'core.stopped' WHERE seq = 3": "kept",
        "UPDATE entry SET time_ms = time_ms - 3600000 WHERE seq = 3": "kept",
        "UPDATE entry SET incident = NULL WHERE type = 'incident.opened'": "kept",
        "INSERT INTO entry SELECT max(seq) + 1, time_ms, type, incident, line, hash FROM entry":
            "not-number",
    },
    "signed_head": {
        "DELETE FROM signed_head": "head-missing",
        "DELETE FROM signed_head WHERE seq = (SELECT max(seq) FROM signed_head)": "head-missing",
        "DELETE FROM signed_head WHERE seq < 6": "head-missing",
        "UPDATE signed_head SET note = replace(note, 'test', 'rest')": "signature",
        "UPDATE signed_head SET note = 'x'": "head-form",
        "UPDATE signed_head SET note = ''": "head-form",
        "UPDATE signed_head SET signature = zeroblob(64)": "signature",
        "UPDATE signed_head SET signature = x'00'": "signature",
        "UPDATE signed_head SET seq = seq + 100000": "not-number",
        "INSERT INTO signed_head SELECT 1000000, note, signature FROM signed_head LIMIT 1":
            "head-number",
        "UPDATE signed_head SET (note, signature) = (SELECT note, signature FROM signed_head"
        " ORDER BY seq LIMIT 1)": "head-number",
    },
    "head": {
        "DELETE FROM head": "head-missing",
        "UPDATE head SET seq = seq - 1": "head-number",
        "UPDATE head SET seq = seq + 1": "head-number",
        "UPDATE head SET hash = zeroblob(32)": "head-hash",
        "UPDATE head SET hash = x''": "head-hash",
        "UPDATE head SET note = ''": "head-form",
        "UPDATE head SET note = replace(note, 'test', 'rest')": "signature",
        "UPDATE head SET signature = zeroblob(64)": "signature",
        "UPDATE head SET signature = NULL": "head-missing",
        "UPDATE head SET (seq, note, signature) = (SELECT seq, note, signature FROM signed_head"
        " ORDER BY seq LIMIT 1)": "not-number",
    },
    "outbox": {
        "DELETE FROM outbox WHERE state = 'pending'": "report-gone",
        "DELETE FROM outbox": "report-gone",
        "UPDATE outbox SET state = 'sent' WHERE state = 'pending'": "report-gone",
        "UPDATE outbox SET state = 'abandoned' WHERE state = 'pending'": "report-gone",
        "UPDATE outbox SET state = 'superseded', body = '' WHERE state = 'pending'": "report-gone",
        "UPDATE outbox SET body = replace(body, '4', '5') WHERE state = 'pending'": "report",
        "UPDATE outbox SET body = replace(body, '4', '5') WHERE state = 'sent'": "report",
        "UPDATE outbox SET body = ''": "report",
        "UPDATE outbox SET webhook_id = webhook_id || '9' WHERE state = 'pending'": "report-gone",
        "UPDATE outbox SET destination = 'elsewhere'": "report",
        "UPDATE outbox SET type = 'incident.updated' WHERE type = 'incident.opened'": "report",
        "UPDATE outbox SET incident = 'other' || id": "report",
        "UPDATE outbox SET fixed = 0": "report",
        "UPDATE outbox SET fixed = NULL": "report",
        "UPDATE outbox SET fixed = 1": "report",
        "INSERT INTO outbox(webhook_id, destination, incident, type, lane, created_ms, body)"
        " VALUES('x', 'department', 'x', 'incident.opened', 0, 0, '{}')": "report",
        "UPDATE outbox SET lane = 2": "report",
        "UPDATE outbox SET turn = 0": "turn",
        "UPDATE outbox SET turn = 1 WHERE id = (SELECT max(id) FROM outbox WHERE state = 'sent')": "turn",
        "UPDATE outbox SET place = 1000000000": "turn",
        "UPDATE outbox SET place = 0": "turn",
        "UPDATE outbox SET state = 'stopped' WHERE state = 'pending'": "stopped",
        "UPDATE outbox SET state = 'stopped', changed_by = 'wastewatchd', reason = 'x'"
        " WHERE state = 'pending'": "stopped",
        "UPDATE outbox SET next_ms = 9000000000000000": "a time beyond every wait counts as due",
        "UPDATE outbox SET attempts = 1000000": "it is tried again all the same, every two hours",
        "UPDATE outbox SET state = 'held' WHERE state = 'pending'": "it is tried again all the same",
        "UPDATE outbox SET created_ms = 0": SHOWN,
        "UPDATE outbox SET error = 'x', http_status = 500": SHOWN,
        "UPDATE outbox SET lane = 7 WHERE state = 'pending'": "report",
        "UPDATE outbox SET lane = -1 WHERE state = 'pending'": "report",
        "UPDATE outbox SET turn = 2 WHERE turn = 1": "turn",
        "UPDATE outbox SET body = CAST(body || x'00' || 'x' AS TEXT)": "report",
        "UPDATE outbox SET webhook_id = CAST(webhook_id || x'00' || 'x' AS TEXT)": "report",
        "UPDATE outbox SET state = 'unknown' WHERE state = 'pending'": "report-gone",
        "UPDATE outbox SET state = 'PENDING' WHERE state = 'pending'": "report-gone",
        "UPDATE outbox SET fixed = -fixed": "report",
        "UPDATE outbox SET fixed = 9000000000000000": "report",
        "UPDATE outbox SET place = 1000000 - id": "turn",
        "UPDATE outbox SET next_ms = 'x'": "what is no time counts as due",
    },
    "sqlite_schema": {
        "CREATE TRIGGER x AFTER INSERT ON outbox BEGIN UPDATE outbox SET body = '{}'"
        " WHERE id = new.id; END": "shape",
        "CREATE TRIGGER x BEFORE INSERT ON outbox BEGIN SELECT RAISE(IGNORE); END": "shape",
        "CREATE TRIGGER x AFTER UPDATE ON state BEGIN DELETE FROM outbox; END": "shape",
        "DROP TRIGGER outbox_added": "shape",
        "DROP TRIGGER outbox_changed": "shape",
        "CREATE TABLE x(y)": "shape",
        "CREATE VIEW x AS SELECT 1": "shape",
        "CREATE INDEX x ON outbox(body)": "shape",
        "DROP INDEX outbox_next": "shape",
        "DROP VIEW minutes": "shape",
        "ALTER TABLE outbox ADD COLUMN x": "shape",
        "ANALYZE": "statistics for SQLite's plans: they change how it searches, not what it finds",
    },
    "destination": {
        "INSERT INTO destination VALUES('department', 1, 1, 'x')":
            "status and health show what is paused; all of it is kept",
    },
    "meta": {
        "UPDATE meta SET value = '0000000000000000' WHERE key = 'log_id'":
            "the receiver sees another chain, says so, and has the numbers of the one before",
        "UPDATE meta SET value = 'x' WHERE key = 'log_id'": "the start refuses it, and says so",
        "INSERT OR REPLACE INTO meta VALUES('base_seq', 5)": "it counts before the first entry only",
        "INSERT OR REPLACE INTO meta VALUES('unknown', 1)": "nobody reads it",
    },
    "state": {
        "DELETE FROM state": JUDGING,
        "UPDATE state SET core = zeroblob(9)": JUDGING,
        "UPDATE state SET wall_ms = 0": JUDGING,
        "UPDATE state SET mono_base_ms = 0": JUDGING,
    },
    "windows": {
        "DELETE FROM windows": JUDGING,
        "UPDATE windows SET core = zeroblob(5)": JUDGING,
    },
    "poller": {
        "DELETE FROM poller": "the poller's ring is read once more; readings of known times are not judged twice",
        "UPDATE poller SET seq = seq + 1000": "readings that are taken for known are a gap, which is said",
    },
    "channel": {
        "UPDATE channel SET path = 'x' WHERE id = 1": VALUES,
        "UPDATE channel SET unit = 'x'": VALUES,
    },
    "minute": {
        "DELETE FROM minute": VALUES,
        "UPDATE minute SET mean = 1": VALUES,
        "INSERT OR REPLACE INTO minute(t, channel, n, capture, valid, quality)"
        " VALUES(1, 1, 1, 100, 1, 0)": VALUES,
    },
    "minute_packed": {
        "INSERT OR REPLACE INTO minute_packed VALUES(1, 1, 1.0, 1.0, 1.0, 1, 100, 1, 0, 1)": VALUES,
    },
    "upkeep": {
        "UPDATE upkeep SET packed_t = 9999999999": VALUES,
        "UPDATE upkeep SET rest_until_ms = 9000000000000000": "the record grows",
    },
    "incident": {
        "DELETE FROM incident": "incident",
        "DELETE FROM incident WHERE state = 'open'": "incident",
        "UPDATE incident SET state = 'closed'": "incident",
        "UPDATE incident SET state = 'ended'": "incident",
        "UPDATE incident SET state = 'open'": "incident",
        "UPDATE incident SET told = ''": "incident",
        "UPDATE incident SET told = 'departmen '": "incident",
        "UPDATE incident SET class = 'warning'": LOOKED_UP,
        "UPDATE incident SET summary = '{}'": LOOKED_UP,
    },
    "alarm": {
        "DELETE FROM alarm": LOOKED_UP,
        "UPDATE alarm SET raised = 0": LOOKED_UP,
        "UPDATE alarm SET shelved_until_ms = 9000000000000000": LOOKED_UP,
        "UPDATE alarm SET out_of_service = 1": LOOKED_UP,
    },
    "drill": {"INSERT INTO drill VALUES('mill', x'00', x'00', x'00')":
              "a drill that nobody began cannot be read, is said, and all it makes is marked"},
    "drill_site": {"INSERT INTO drill_site VALUES('mill', 1, 1)": SHOWN},
    "drill_incident": {
        "INSERT INTO drill_incident SELECT 'exercise.x', site, kind, class, 'ended', opened_ms, ended_ms,"
        " first_out, n_updates, n_alarms, summary, level, verdict, acknowledged_ms, acknowledged_by, told,"
        " closed_ms, closed_by, cause, measures FROM incident LIMIT 1": LOOKED_UP},
    "anchor": {
        "DELETE FROM anchor": "the receiver's next answer says again what it holds",
        "UPDATE anchor SET seq = 1": "the receiver's next answer says again what it holds",
        "UPDATE anchor SET unseen = 0": SHOWN,
        "UPDATE anchor SET hash = zeroblob(32)": "the receiver's next answer says again what it holds",
    },
    "journal": {
        "UPDATE journal SET seq = 0": "the journal gets entries once more, with their numbers",
        "UPDATE journal SET seq = 1000000": "the journal lacks entries; the record has them",
    },
}
TABLES = [(table, sql) for table, edits in EDITS.items() for sql in edits]


@pytest.fixture(scope="module", name="record")
def make_record(tmp_path_factory):
    """(plant, a record of some history: reports that were delivered, and others that wait)"""
    with Plant(Device()) as plant:
        text = (plant.config / "wastewatch.yaml").read_text()
        (plant.config / "wastewatch.yaml").write_text(text + "verify-interval: 1s\n")
        plant.start()
        plant.device.set(COD=200)
        plant.until_entry("report.delivered")
        plant.device.set(COD=50)
        plant.until_quiet()
        mark = max(e["seq"] for e in plant.entries())
        plant.until(lambda: [e for e in plant.entries("record.verified") if e["seq"] > mark],
                    "a round that has counted the heads")
        plant.stop("sender")
        plant.device.set(COD=400, SO2=900)
        plant.until(lambda: plant.query("SELECT 1 FROM outbox WHERE state = 'pending'"), "one waits")
        plant.stop("poller")
        plant.stop("core")
        path = tmp_path_factory.mktemp("record") / "record.db"
        with contextlib.closing(sqlite3.connect(plant.state / "record.db")) as db, \
                contextlib.closing(sqlite3.connect(path)) as copy:
            db.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        yield plant, path


def verify(plant, path):
    key = (plant.dir / "public-key").read_text().strip()
    done = subprocess.run([program("wastewatch"), "verify", "--json", "--key", key, str(path)],
                          capture_output=True, text=True, check=False, timeout=60)
    said = json.loads(done.stdout) if done.stdout else {"good": False, "fault": done.stderr}
    assert (done.returncode == 0) == said["good"]
    return said


def test_it_is_good_before(record):
    plant, path = record
    said = verify(plant, path)
    assert said["good"], said
    assert any("minute values" in text for text in said["not_checked"])
    assert any("behind the last entry" in text for text in said["not_checked"])


def test_each_table_is_in_the_list(record):
    """A table that is added later has to be thought about."""
    _, path = record
    with contextlib.closing(sqlite3.connect(path)) as db:
        tables = {name for name, in db.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")}
    assert tables == set(EDITS) - {"sqlite_schema"}


@pytest.mark.parametrize("table, sql", TABLES)
def test_an_edit_is_seen_or_harmless(record, tmp_path, table, sql):
    """S9: edits by hand, table by table."""
    plant, path = record
    copy = tmp_path / "record.db"
    shutil.copy(path, copy)
    with contextlib.closing(sqlite3.connect(copy)) as db, db:
        db.execute(sql.replace("NULL_HASH", "x''"))
    said, expected = verify(plant, copy), EDITS[table][sql]
    if " " in expected:
        assert said["good"], said
    else:
        assert not said["good"] and said["text"]
        assert expected == "not-number" or said["fault"] == expected, said["text"]


TRIGGERS = {
    "changed before its hash is taken":
        "CREATE TRIGGER x AFTER INSERT ON outbox BEGIN UPDATE outbox SET body ="
        " replace(new.body, '700', '070') WHERE id = new.id; END",
    "dropped before anybody knows of it":
        "CREATE TRIGGER x BEFORE INSERT ON outbox BEGIN SELECT RAISE(IGNORE); END",
}


@pytest.mark.parametrize("running", [True, False], ids=["running", "down"])
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_trigger_of_others_does_not_run_in_our_commits(trigger, running):
    """S9: what somebody adds to the tables is found before the next commit, and set aside."""
    with Plant(Device()) as plant:
        plant.start()
        plant.until_good("mill/stack/SO2")
        if not running:
            plant.stop("core")
        with contextlib.closing(sqlite3.connect(plant.state / "record.db", timeout=10)) as db, db:
            db.execute(TRIGGERS[trigger])
        if running:
            plant.until(lambda: plant.processes["core"].poll() is not None, "it ends")
            assert "changed its tables: trigger x" in plant.log()
        plant.device.set(SO2=700)
        plant.start_core()
        plant.until_entry("record.replaced")
        plant.until(lambda: any(b"700" in body for body in plant.receiver.bodies().values()),
                    "the report is what was measured")
        assert not any(b"070" in body for body in plant.receiver.bodies().values())
        assert not plant.query("SELECT 1 FROM sqlite_schema WHERE name = 'x'")


def test_what_nobody_can_see_here(record, tmp_path):
    """Entries cut off with their heads, and reports with them: only the department's anchor tells.
    verify says so, and which number and hash to ask for."""
    plant, path = record
    copy = tmp_path / "record.db"
    shutil.copy(path, copy)
    with contextlib.closing(sqlite3.connect(copy)) as db, db:
        last, = db.execute("SELECT seq FROM signed_head ORDER BY seq LIMIT 1 OFFSET 2").fetchone()
        db.execute("DELETE FROM entry WHERE seq > ?", (last,))
        db.execute("DELETE FROM signed_head WHERE seq > ?", (last,))
        db.execute("DELETE FROM outbox WHERE fixed > ?", (last,))
        db.execute("UPDATE outbox SET state = 'pending'")
        db.execute("UPDATE incident SET state = 'open'")
        db.execute("UPDATE head SET (seq, note, signature) = (SELECT seq, note, signature FROM"
                   " signed_head ORDER BY seq DESC LIMIT 1), hash = (SELECT hash FROM entry ORDER BY"
                   " seq DESC LIMIT 1)")
    said = verify(plant, copy)
    assert said["good"] and said["last"] == last
    text = next(text for text in said["not_checked"] if "behind the last entry" in text)
    assert f"later entry than {last}" in text and said["hash"] in text
    assert (ROOT / "tests" / "system" / "test_anchor.py").exists()  # where the department sees it
