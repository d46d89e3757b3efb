# SPDX-License-Identifier: Apache-2.0
"""A report or data file that somebody has altered in the outbox is not sent, and not silently."""

import contextlib
import hashlib
import json
import os
import sqlite3
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from plant import ATTENTION, Device, Plant  # noqa: E402
from test_outbox import NEEDS_BUS  # noqa: E402


def write_sql(plant, sql, *parameters):
    """Into the record of a daemon that is down."""
    with contextlib.closing(sqlite3.connect(plant.state / "record.db")) as db, db:
        assert db.execute(sql, parameters).rowcount != 0


@pytest.fixture(name="plant")
def make_plant():
    """One that has run, with reports that nobody has got, and is down."""
    with Plant(Device()) as plant:
        plant.configure(destinations=[("department", plant.receiver.url, "limit"),
                                      ("commune", "http://127.0.0.1:9/reports", "emergency")])
        plant.credentials.joinpath("commune-secret").write_bytes(
            plant.credentials.joinpath("department-secret").read_bytes())
        plant.start("core", "poller")
        plant.device.set(COD=200)
        plant.until_entry("reports.fixed")
        for name in ("poller", "core"):
            plant.stop(name)
        plant.device.set(COD=50)
        yield plant


def waiting(plant):
    """The first report: (webhook-id, body, number of the entry that fixes it)"""
    return plant.query("SELECT webhook_id, body, fixed FROM outbox ORDER BY id LIMIT 1")[0]


def test_what_is_fixed(plant):
    """By the id that the department knows it by, as sha256sum gives it."""
    ident, body, fixed = waiting(plant)
    entry, = (e for e in plant.entries("reports.fixed") if e["seq"] == fixed)
    item, = (b for b in entry["bodies"] if b["report"] == ident)
    assert item == {"report": ident, "hash": hashlib.sha256(body.encode()).hexdigest(),
                    "type": "incident.opened", "incident": json.loads(body)["data"]["incident"]["id"]}
    assert entry["reports"] == len(entry["bodies"])
    assert plant.query("SELECT 1 FROM signed_head WHERE seq = ?", fixed)
    plant.start("receiver", "core", "poller", "sender")
    plant.until_quiet()
    fixed = {b["report"]: b["hash"] for e in plant.entries("reports.fixed") for b in e["bodies"]}
    held = plant.receiver.bodies()
    assert held and {i: hashlib.sha256(b).hexdigest() for i, b in held.items()} == \
        {i: fixed[i] for i in held}


ALTERED = {
    "body": "UPDATE outbox SET body = replace(body, '200', '020') WHERE id = 1",
    "id": "UPDATE outbox SET webhook_id = replace(webhook_id, '-department', '1-department')"
          " WHERE id = 1",
    "type": "UPDATE outbox SET type = 'incident.updated' WHERE id = 1",
    "incident": "UPDATE outbox SET incident = incident || '0' WHERE id = 1",
    "destination": "UPDATE outbox SET destination = 'commune' WHERE id = 1",
    "entry": "UPDATE outbox SET fixed = 1, body = replace(body, '200', '020') WHERE id = 1",
    "none": "UPDATE outbox SET fixed = 0, body = replace(body, '200', '020') WHERE id = 1",
    "null": "UPDATE outbox SET fixed = NULL, body = replace(body, '200', '020') WHERE id = 1",
}


@pytest.mark.parametrize("what", ALTERED)
def test_an_altered_report_is_not_sent(plant, what):
    """S9: a row of the outbox that is not what was fixed: held, an entry, health false."""
    ident, body, _ = waiting(plant)
    write_sql(plant, ALTERED[what])
    altered, = plant.query("SELECT webhook_id FROM outbox WHERE id = 1")[0]
    plant.broken_reports.add(altered)
    done = plant.command("verify", "--json")
    said = json.loads(done.stdout)
    assert not said["good"] and said["fault"] == ("report-gone" if what == "id" else "report")
    assert what == "id" or altered in said["text"]
    plant.start("receiver", "core", "poller", "sender")
    entry = plant.until_entry("report.altered")
    assert entry["report"] == altered and entry["reason"]
    plant.until(lambda: plant.status().get("health") is False, "it is not healthy")
    assert plant.query("SELECT state, changed_by FROM outbox WHERE id = 1") == \
        [("stopped", "wastewatchd")]
    assert plant.command("status").returncode == ATTENTION
    assert altered in plant.command("status").stdout
    plant.until_entry("report.delivered")  # the others go on
    assert ident not in plant.receiver.bodies()
    assert len(plant.entries("report.altered")) == 1
    plant.stop("core")
    plant.start("core")
    plant.until(lambda: plant.status().get("health") is False, "it is not forgotten")


def test_what_is_altered_while_it_waits_is_not_fixed_with_the_next(plant):
    """S9: without the number of its entry a row looks like one of the transaction under way, and
    the core is at work: the next commit with reports must not vouch for it."""
    ident, *_ = waiting(plant)
    plant.start("core", "poller")
    plant.device.set(COD=200)
    plant.until_good("mill/outfall/COD")
    write_sql(plant, ALTERED["null"])
    plant.broken_reports.add(ident)
    n = len(plant.entries("reports.fixed"))
    plant.device.set(SO2=900)
    plant.until_entry("reports.fixed", n=n + 1)
    assert plant.query("SELECT fixed FROM outbox WHERE id = 1") == [(0,)]
    plant.start("receiver", "sender")
    assert plant.until_entry("report.altered")["report"] == ident
    plant.until_entry("report.delivered")
    assert ident not in plant.receiver.bodies()


def test_an_entry_altered_with_it_is_no_way(plant):
    """The entry that fixes the body altered as well, and chained anew: there is no signature."""
    ident, body, fixed = waiting(plant)
    other = body.replace("200", "020")
    assert other != body
    write_sql(plant, "UPDATE outbox SET body = ? WHERE id = 1", other)
    write_sql(plant, "UPDATE entry SET line = replace(line, ?, ?) WHERE seq = ?",
              hashlib.sha256(body.encode()).hexdigest(),
              hashlib.sha256(other.encode()).hexdigest(), fixed)
    rows = dict(plant.query("SELECT seq, line FROM entry"))
    before, = plant.query("SELECT hash FROM entry WHERE seq = ?", fixed - 1)[0]
    for seq in range(fixed, max(rows) + 1):
        before = hashlib.sha256(b"wastewatch-log/1\n" + before.hex().encode() + b"\n"
                                + rows[seq].encode()).digest()
        write_sql(plant, "UPDATE entry SET hash = ? WHERE seq = ?", before, seq)
    plant.broken_reports.add(ident)
    plant.start("receiver", "core", "poller", "sender")
    # the record is set aside, and what waits there is taken over, but not this one
    replaced = plant.until_entry("record.replaced")
    assert ", 1 of them held because they are not what was made" in replaced["reason"]
    plant.until(lambda: plant.status().get("health") is False, "it is not healthy")
    assert plant.query("SELECT state, changed_by FROM outbox WHERE webhook_id = ?", ident) == \
        [("stopped", "wastewatchd")]
    assert ident not in plant.receiver.bodies()


@NEEDS_BUS
def test_a_person_cannot_let_it_go():
    """Released, it is looked at again; abandoned, it is gone; seen, the service is well again."""
    from bus import Bus  # pylint: disable=import-outside-toplevel
    with Bus() as bus, Plant(Device(), bus=bus.address) as plant:
        plant.start("core", "poller")
        plant.device.set(COD=200)
        plant.until_entry("reports.fixed")
        plant.stop("poller")
        plant.stop("core")
        ident, *_ = waiting(plant)
        plant.broken_reports.add(ident)
        write_sql(plant, ALTERED["body"])
        plant.start("receiver", "core", "sender")
        plant.until_entry("report.altered")
        done = plant.command("outbox", "release", ident, "--bus", bus.address)
        assert done.returncode == 0, done.stderr
        plant.until_entry("report.altered", n=2)
        done = plant.command("outbox", "abandon", ident, "--reason", "told by telephone", "--bus",
                             bus.address)
        assert done.returncode == 0, done.stderr
        done = plant.command("record", "seen", "--bus", bus.address)
        assert done.returncode == 0, done.stderr
        plant.until(lambda: plant.status().get("record", {}).get("seen"), "it is seen")
