# SPDX-License-Identifier: Apache-2.0
"""S9: what somebody has written into outbox, incidents and state decides nothing: a start puts it right
by the chain, says so, and what was due goes out."""

import contextlib
import os
import sqlite3
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from bus import Bus  # noqa: E402
from plant import Device, Plant  # noqa: E402


def edit(plant, *statements):
    with contextlib.closing(sqlite3.connect(plant.state / "record.db")) as db, db:
        for statement in statements:
            db.execute(statement)


def damage(plant, words):
    """The entry that says so; health is false until somebody has seen it."""
    entry = plant.until(lambda: [e for e in plant.entries("record.damaged") if words in e["reason"]],
                        words)[0]
    assert entry["entry"] == 0
    plant.until(lambda: plant.status().get("pid") == plant.processes["core"].pid, "status")
    assert plant.status()["health"] is False
    return entry


@pytest.fixture(name="waiting")
def make_waiting():
    """A plant that is down with reports of one incident that nobody has got: its beginning, its end."""
    with Plant(Device(), incident_clear="1s", report_interval="1s") as plant:
        plant.start("receiver", "core", "poller")
        plant.device.set(COD=200)
        plant.until_entry("incident.opened")
        plant.device.set(COD=50)
        plant.until_entry("incident.ended")
        plant.stop("core")
        plant.ids = [row[0] for row in plant.query("SELECT webhook_id FROM outbox WHERE state = 'pending'"
                                                   " ORDER BY id")]
        yield plant


ROWS = {
    "nobody's turn": ("UPDATE outbox SET turn = 0", "another turn"),
    "the last one's turn": ("UPDATE outbox SET turn = (id = (SELECT max(id) FROM outbox))", "another turn"),
    "at the end of all": ("UPDATE outbox SET place = 1000000000", "another place"),
    "held": ("UPDATE outbox SET state = 'stopped' WHERE state = 'pending'", "no entry said so"),
    "held by the service": ("UPDATE outbox SET state = 'stopped', changed_by = 'wastewatchd', reason = 'x'"
                            " WHERE state = 'pending'", "no entry said so"),
}


@pytest.mark.parametrize("row", ROWS)
def test_rows_that_decide_delivery(waiting, row):
    """S9: all of it arrives, in its order."""
    statement, words = ROWS[row]
    edit(waiting, statement)
    waiting.start("core", "sender")
    damage(waiting, words)
    waiting.until(lambda: set(waiting.ids) <= set(waiting.receiver.bodies()), "all of it arrives")
    arrived = [line["id"] for line in waiting.receiver.index() if line["id"] in waiting.ids]
    assert list(dict.fromkeys(arrived)) == waiting.ids, "in its order"
    waiting.stop("core")
    waiting.check_chain()


INCIDENTS = {
    "gone": "DELETE FROM incident",
    "nobody told": "UPDATE incident SET told = ''",
    "closed": "UPDATE incident SET state = 'closed'",
    "open": "UPDATE incident SET state = 'open'",
}


@pytest.mark.parametrize("row", INCIDENTS)
def test_an_incident_can_be_closed_all_the_same(row):
    """S9: and who was told of its end is told of that."""
    with Bus() as bus, Plant(Device(), incident_clear="1s", report_interval="1s", bus=bus.address) as plant:
        plant.start()
        plant.device.set(COD=200)
        ident = plant.until_entry("incident.opened")["incident"]
        plant.until_entry("report.delivered")
        plant.device.set(COD=50)
        plant.until_quiet()
        plant.stop("core")
        edit(plant, INCIDENTS[row])
        plant.start_core()
        damage(plant, "of incidents")
        assert plant.query("SELECT state, told FROM incident WHERE id = ?", ident) == \
            [("ended", "department ")]
        plant.until_good("mill/outfall/COD")
        done = plant.command("close", ident, "--cause", "x", "--measures", "y", "--bus", bus.address)
        assert done.returncode == 0, done.stderr
        plant.until(lambda: "incident.closed" in plant.receiver.types(), "the department hears of it")


def test_an_older_state_is_put_back():
    """S9: with the row of an incident that has begun since; its end is told all the same."""
    with Plant(Device(), incident_clear="1s", report_interval="1s") as plant:
        plant.start()
        plant.stop("core")
        old, = plant.query("SELECT core FROM state")
        plant.start_core()
        plant.until_good("mill/outfall/COD")
        plant.device.set(COD=200)
        ident = plant.until_entry("incident.opened")["incident"]
        plant.until_entry("report.delivered")
        plant.stop("poller")
        plant.stop("core")
        with contextlib.closing(sqlite3.connect(plant.state / "record.db")) as db, db:
            db.execute("UPDATE state SET core = ?", old)
            db.execute("DELETE FROM incident")
            db.execute("DELETE FROM alarm")
        plant.device.set(COD=50)
        plant.start_core()
        damage(plant, "the measuring state")
        plant.until(lambda: [e for e in plant.entries("incident.removed", "incident.ended")
                             if e["incident"] == ident], "its end is an entry")
        plant.until(lambda: "incident.ended" in plant.receiver.types(), "and a report")
