# SPDX-License-Identifier: Apache-2.0
"""What an older version has left in the outbox, when no entry fixed what waits there: it is taken
over piece by piece beside the measuring, once, and nothing that others put there goes with it."""

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from plant import ROOT, Device, Plant  # noqa: E402
from test_bodies import write_sql  # noqa: E402
from test_record_versions import lay  # noqa: E402

OLD = ROOT / "tests" / "data" / "records" / "v4.sql"
N_MORE = 1200  # twelve pieces
WAL_MOST = 17 << 20  # journal_size_limit, and its header


def lay_backlog(plant, n=N_MORE):
    """Reports for a department that nobody can reach, as the version before has left them. Its
    entries go, because another key has signed them, which "wastewatch verify" does not know."""
    lay(plant.state / "record.db", OLD)
    with contextlib.closing(sqlite3.connect(plant.state / "record.db")) as db, db:
        for table in ("entry", "head", "state", "windows", "incident", "alarm"):
            db.execute(f"DELETE FROM {table}")
    rows = ((f"87b4746899598108-{i}-away", "away", f"incident-{i // 2}", "incident.opened", 1,
             1795830902494, json.dumps({"n": i, "x": "x" * 2000})) for i in range(1000, 1000 + n))
    with contextlib.closing(sqlite3.connect(plant.state / "record.db")) as db, db:
        db.executemany("INSERT INTO outbox(webhook_id, destination, incident, type, lane,"
                       " created_ms, body) VALUES(?, ?, ?, ?, ?, ?, ?)", rows)
    plant.configure(destinations=[("department", plant.receiver.url, "limit"),
                                  ("away", "http://127.0.0.1:9/reports", "limit")])
    plant.credentials.joinpath("away-secret").write_bytes(
        plant.credentials.joinpath("department-secret").read_bytes())
    plant.judge = lambda: None  # reports of older versions keep to older schemas


@pytest.fixture(name="plant")
def make_plant():
    with Plant(Device()) as plant:
        lay_backlog(plant)
        yield plant


def pieces(plant):
    return [e for e in plant.entries("reports.fixed") if "left" in e]


def done(plant):
    return [e["seq"] for e in pieces(plant) if e["left"] == 0]


def check_each_once(plant):
    """Each of the old reports by one entry, by its own bytes; the numbers go down to 0."""
    entries = plant.entries("reports.fixed")
    fixed = {}
    for entry in entries:
        for body in entry["bodies"]:
            assert body["report"] not in fixed, "fixed twice"
            fixed[body["report"]] = (entry["seq"], body["hash"])
    for ident, body, seq in plant.query("SELECT webhook_id, body, fixed FROM outbox WHERE"
                                        " created_ms < 1795830990000 AND state <> 'superseded'"
                                        " AND (fixed > 0 OR state <> 'sent')"):
        assert fixed[ident] == (seq, hashlib.sha256(body.encode()).hexdigest())
    left = [e["left"] for e in pieces(plant)]
    assert left == sorted(left, reverse=True) and left[0] == N_MORE + 3 and left[-1] == 0
    assert entries[0] == pieces(plant)[0] and not entries[0]["bodies"]
    assert all(e["reason"] for e in pieces(plant)) and max(e["reports"] for e in entries) <= 100
    assert left[0] == sum(e["reports"] for e in pieces(plant))


def die_at_sync(plant, n):
    """kill -9 at the n-th fdatasync() of a run."""
    if not shutil.which("strace"):
        pytest.skip("needs strace")
    core = plant.start_core("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e",
                            f"inject=fdatasync:signal=KILL:when={n}")
    plant.until(lambda: core.poll() is not None or done(plant), "it is killed, or done")
    plant.kill("core")


def stands_aside(plant):
    with contextlib.suppress(sqlite3.OperationalError):  # a new record is just being made
        return plant.query("SELECT 1 FROM outbox WHERE state = 'stopped'")
    return False


def check_verifies(plant):
    plant.stop("core")
    done_ = plant.command("verify", "--state", str(plant.state), "--json")
    said = json.loads(done_.stdout)
    assert said["good"], said["text"]


def test_h11_killed_between_the_pieces(plant):
    """H11, S1: What older versions left is fixed piece by piece; kill -9 loses none, fixes none twice."""
    seen = set()
    while not done(plant):
        die_at_sync(plant, 8)
        seen |= {e["left"] for e in pieces(plant)[-1:]}
        assert (plant.state / "record.db-wal").stat().st_size < WAL_MOST
        assert len(seen) < 20 and plant.query("PRAGMA integrity_check") == [("ok",)]
    assert len(seen) > 2, "it was killed in between"
    check_each_once(plant)
    plant.start("receiver", "core", "sender")
    plant.until(lambda: not plant.query("SELECT 1 FROM outbox WHERE destination = 'department'"
                                        " AND state IN ('pending', 'held')"), "they arrive")
    assert not plant.entries("report.altered")
    check_verifies(plant)


def test_h11_in_the_middle_the_record_verifies(plant):
    """H11: between two pieces "wastewatch verify" counts what is to come, and no more than that."""
    while len(pieces(plant)) < 3:
        die_at_sync(plant, 8)
    assert not done(plant)
    said = json.loads(plant.command("verify", "--state", str(plant.state), "--json").stdout)
    assert said["good"], said["text"]
    assert any("a version before 0.4.0" in text for text in said["not_checked"]), said["not_checked"]
    write_sql(plant, "INSERT INTO outbox(webhook_id, destination, incident, type, lane, created_ms,"
              " body) VALUES('x', 'away', 'x', 'incident.opened', 0, 0, '{}')")
    said = json.loads(plant.command("verify", "--state", str(plant.state), "--json").stdout)
    assert not said["good"] and said["fault"] == "report"


def test_h11_what_is_to_be_sent_is_fixed_first(plant):
    """H11: a report's own entry comes before it goes, and the pieces behind it go on."""
    plant.start("receiver", "core", "poller", "sender")
    plant.until(lambda: done(plant), "all of it")
    plant.until(lambda: len(plant.receiver.index()) >= 3, "they arrive")
    check_each_once(plant)
    fixed = {b["report"]: e["seq"] for e in plant.entries("reports.fixed") for b in e["bodies"]}
    delivered = {e["report"]: e["seq"] for e in plant.entries("report.delivered")}
    assert delivered and all(fixed[ident] < seq for ident, seq in delivered.items()
                             if ident in fixed)
    assert not plant.entries("report.altered")
    plant.stop("poller")
    check_verifies(plant)


FORGED = ("INSERT INTO outbox(webhook_id, destination, incident, type, lane, created_ms, body)"
          " VALUES('aaaaaaaaaaaaaaaa-1-department', 'department', 'x', 'incident.opened', 0, 0,"
          " '{\"forged\":1}')")


def never_reported(plant):
    """Has run, and had nothing to report."""
    plant.start("core", "poller")
    plant.until_good("mill/outfall/COD")


def has_reported(plant):
    plant.start("core", "poller")
    plant.device.set(COD=200)
    plant.until_entry("reports.fixed")


HIDE = "UPDATE entry SET type = 'core.stopped' WHERE type = 'reports.fixed'"
ATTACKS = {
    "put into a record that has fixed nothing": (never_reported, [FORGED]),
    "what was fixed is hidden": (has_reported, [
        HIDE, "UPDATE outbox SET fixed = 0, body = replace(body, '200', '020')"]),
    "hidden in the lines, too": (has_reported, [
        HIDE, "UPDATE entry SET line = replace(line, 'reports.fixed', 'reports.mixed')",
        "UPDATE outbox SET fixed = 0, body = replace(body, '200', '020')"]),
    "all entries that fix are gone": (has_reported, [
        "DELETE FROM entry WHERE type = 'reports.fixed'",
        "UPDATE outbox SET fixed = 0, body = replace(body, '200', '020')"]),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_else_is_taken_over(attack):
    """S9: a record that is made to look as an older version's: what waits is not believed."""
    before, edits = ATTACKS[attack]
    with Plant(Device()) as plant:
        plant.judge = lambda: None
        before(plant)
        for name in ("poller", "core"):
            plant.stop(name)
        ids = {row[0] for row in plant.query("SELECT webhook_id FROM outbox")} or \
            {"aaaaaaaaaaaaaaaa-1-department"}
        for sql in edits:
            write_sql(plant, sql)
        plant.start("receiver", "core", "sender")
        plant.until(lambda: stands_aside(plant), "it stands aside")
        plant.stop("sender")
        assert not ids & set(plant.receiver.bodies())
        plant.until(lambda: not plant.status().get("health", True), "health is false")
