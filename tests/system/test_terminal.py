# SPDX-License-Identifier: Apache-2.0
"""A record from elsewhere does not drive the terminal of whoever reads it.

Every text that a record, the daemon's status or a configuration may hold gets an escape sequence, a
control character of C1, one that turns the direction of writing, bytes that are no UTF-8, and the
end of a line; then every command that prints is run. A new command is named here or the test fails.
"""

import json
import re
import sqlite3
import subprocess
import unicodedata

import pytest

from plant import Device, Plant, program

EVIL = "\033]0;owned\007\033[2J\x9b31m\u202ereversed\u2066\u200bhidden\x7f\nFAKE all is well\r\u2028end"
TURNING = {0x61C, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0x2060, 0xFEFF, *range(0x202A, 0x202F),
           *range(0x2066, 0x206A)}
COD = "mill/outfall/COD"
# in words: a row of arguments; those that print nothing of a record or a configuration are below
PRINTING = {
    "status": [()], "channels": [(), ("--all",)], "alarms": [()], "links": [()],
    "incidents": [()], "show": [("{id}",), ("{other}",), ("nothing",)],
    "outbox": [("list",), ("list", "--all"), ("show", "{report}"), ("show", "{report}", "--body")],
    "means": [(), (COD,), (COD, "--csv")], "drill": [("list",)], "verify": [()], "limits": [()],
    "check": [()], "plan": [()], "metrics": [()], "ack": [("{id}",), ("x",)], "close":
    [("{id}", "--cause", "x", "--measures", "x")], "reset": [("x",)], "shelve": [("x", "--reason", "x")],
    "unshelve": [("x",)], "out-of-service": [("x", "--reason", "x")], "return": [("x",)],
    "record": [("seen",)], "probe": [("--help",)], "export": [("--help",)], "reload": [()],
}
NOT_OF_A_RECORD = {"assess", "backup", "keygen", "replay"}


def texts_of(db):
    """[(table, column)] of the texts that nothing is found by."""
    tables = [name for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    kept = {"line", "body", "summary", "webhook_id", "id", "key", "incident", "hash", "state"}
    for table in tables:
        for _, column, kind, *_ in db.execute(f"PRAGMA table_info({table})"):
            if kind == "TEXT" and column not in kept and table in (
                    "incident", "outbox", "alarm", "destination", "channel", "acted", "standing"):
                yield table, column


def spoil(db):
    for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    db.execute("PRAGMA ignore_check_constraints = ON")
    n = 0
    for table, column in list(texts_of(db)):
        try:
            n += db.execute(f"UPDATE OR IGNORE {table} SET {column} = coalesce({column}, '') || ?",
                            (EVIL,)).rowcount
        except sqlite3.Error:  # a key of a table without rowid that is not text, and the like
            pass
    columns = [c for _, c, *_ in db.execute("PRAGMA table_info(incident)")]
    others = ", ".join("'other' || ? AS id" if c == "id" else c for c in columns)
    db.execute(f"INSERT INTO incident SELECT {others} FROM incident LIMIT 1", (EVIL,))
    for seq, line in db.execute("SELECT seq, line FROM entry").fetchall():
        entry = json.loads(line)
        for key in set(entry) & {"reason", "user", "title", "channel", "verdict", "boundary", "unit"}:
            entry[key] = str(entry[key]) + EVIL
        db.execute("UPDATE entry SET line = ? WHERE seq = ?",
                   (json.dumps(entry, separators=(",", ":"), sort_keys=True, ensure_ascii=False), seq))
    assert n > 3


@pytest.fixture(scope="module", name="evil")
def make_evil():
    with Plant(Device(), incident_clear="1h") as plant:
        plant.start()
        plant.device.set(COD=200)
        plant.names = {"id": plant.until_entry("incident.opened")["incident"], "other": "other"}
        plant.until(lambda: plant.query("SELECT 1 FROM outbox"), "a report is made")
        plant.until(lambda: plant.status().get("alarms"), "the alarm is live")
        plant.names["report"], = plant.query("SELECT webhook_id FROM outbox LIMIT 1")[0]
        status = json.loads((plant.run / "status.json").read_text())
        plant.stop()
        with sqlite3.connect(plant.state / "record.db") as db:
            spoil(db)
        db.close()
        plant.live = spoilt(status)
        yield plant


def spoilt(value):
    if isinstance(value, dict):
        return {key: spoilt(item) for key, item in value.items()}
    if isinstance(value, list):
        return [spoilt(item) for item in value]
    return value + EVIL if isinstance(value, str) else value


def keep_alive(plant):
    """The daemon's status as if it ran: this very process is alive."""
    import os, time  # pylint: disable=import-outside-toplevel,multiple-imports
    plant.live |= {"time_ms": int(time.time() * 1000), "pid": os.getpid()}
    plant.run.mkdir(exist_ok=True)
    (plant.run / "status.json").write_text(json.dumps(plant.live), encoding="utf-8")


def run(plant, command, arguments, *more):
    keep_alive(plant)
    given = [text.format(**plant.names) for text in arguments]
    return subprocess.run(
        [program("wastewatch"), command, *given, *more, "--config", plant.config, "--state",
         plant.state, "--runtime", plant.run], capture_output=True, timeout=60, check=False,
        env={**plant.environment(), "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"})


def bad(text):
    return [hex(ord(c)) for c in text if (unicodedata.category(c) == "Cc" and c not in "\n\t")
            or ord(c) in TURNING]


CASES = [(name, arguments) for name, rows in PRINTING.items() for arguments in rows]


@pytest.mark.parametrize(("command", "arguments"), CASES)
def test_nothing_gets_through(evil, command, arguments):
    done = run(evil, command, arguments)
    csv = "--csv" in arguments
    for stream in (done.stdout, done.stderr):
        text = stream.decode("utf-8")  # what is no UTF-8 fails
        if csv:
            text = text.replace("\r\n", "\n")
        if "--body" in arguments and stream is done.stdout:
            continue  # the bytes that were signed, where no terminal reads them
        assert not bad(text), text
        assert not re.search(r"^FAKE", text, re.M), text


@pytest.mark.parametrize(("command", "arguments"), CASES)
def test_json_holds_it_and_is_plain(evil, command, arguments):
    if {"--csv", "--body", "--help"} & set(arguments):
        return
    done = run(evil, command, arguments, "--json")
    text = done.stdout.decode("utf-8")
    assert not bad(text), text
    assert not bad(done.stderr.decode("utf-8"))
    for line in text.splitlines():
        json.loads(line)


def test_json_is_the_same_data(evil):
    first = json.loads(run(evil, "incidents", (), "--json").stdout.splitlines()[0])
    assert first["first_out"].endswith(EVIL)


def test_it_was_there_to_get_through(evil):
    """The words around it are printed, so it was not left out."""
    for command, arguments in (("incidents", ()), ("show", ("{id}",)), ("outbox", ("list", "--all")),
                               ("channels", ("--all",)), ("status", ())):
        assert b"owned" in run(evil, command, arguments).stdout, command


def test_every_command_is_tried():
    said = subprocess.run([program("wastewatch"), "--help", "--lang", "en"], capture_output=True,
                          text=True, check=True).stdout
    commands = set(re.findall(r"^  ([a-z][a-z-]+)", said, re.M))
    assert commands <= set(PRINTING) | NOT_OF_A_RECORD, commands - set(PRINTING) - NOT_OF_A_RECORD
