# SPDX-License-Identifier: Apache-2.0
"""The outbox from the report to the receiver: whose turn it is, what a receiver's answers do, what
people do, what is left after a kill. A fake sender says what the test wants; the last tests have
the real one and wastewatch-receiver.
"""

import contextlib
import itertools
import json
import os
import pwd
import shutil
import signal
import socket
import sqlite3

import pytest

import wire
from bus import Bus
from plant import (ATTENTION, DOWN, LIMIT_S, MISSING, WAITS, Device, Plant, check_all_told, until)

ME = pwd.getpwuid(os.geteuid()).pw_name
FAILED, USAGE = 1, 2
NEEDS_BUS = pytest.mark.skipif(not shutil.which("dbus-daemon"), reason="needs dbus-daemon")


@pytest.fixture(name="plant")
def _plant():
    with Plant(Device()) as plant:
        yield plant


@pytest.fixture(name="bus")
def _bus():
    with Bus(everybody=True) as bus:
        yield bus


@pytest.fixture(name="people")
def _people(bus):
    """A plant on the bus, so that people can act."""
    with Plant(Device(), bus=bus.address) as plant:
        yield plant


# ---- a sender of the test's own ----

def ident_of(job):
    return dict(line.split(b": ", 1) for line in job.headers.splitlines())[b"webhook-id"].decode()


class Sender:
    """Takes jobs and answers them; every body of an id must be the same."""

    def __init__(self, plant):
        self.plant, self.bodies, self.taken = plant, {}, []
        self.connect()

    def connect(self):
        self.link = self.plant.until(self._greet, "the sender's socket")

    def _greet(self):
        with contextlib.suppress(OSError):
            link = wire.connect(str(self.plant.run / "sender.sock"), LIMIT_S)
            link.send(wire.hello_packet(wire.ROLE_SENDER, 1, 0))
            assert link.receive().role == wire.ROLE_CORE
            return link
        return None

    def job(self):
        job = self.link.receive()
        ident = ident_of(job)
        assert self.bodies.setdefault(ident, job.body) == job.body
        self.taken.append(ident)
        return job

    def answer(self, job, status, retry_after_s=-1, text=b""):
        self.link.send(wire.result_packet(wire.Result(job.id, -1, retry_after_s, 0, status, 1, b"",
                                                      text)))

    def give(self, status=200, **options):
        """The next job, answered; its webhook id."""
        job = self.job()
        self.answer(job, status, **options)
        return ident_of(job)


def data_of(job):
    return json.loads(job.body)["data"]["incident"]


def start(plant, *names):
    plant.start("core", *names)
    plant.until(lambda: plant.status().get("pid") == plant.processes["core"].pid, "the core is up")


def spill(plant, sender):
    """An incident begins; its first report, which is under way."""
    plant.device.set(COD=200)
    job = sender.job()
    assert json.loads(job.body)["type"] == "incident.opened"
    return job


def states(plant, **where):
    sql = "SELECT webhook_id, state FROM outbox"
    if where:
        sql += " WHERE " + " AND ".join(f"{key} = ?" for key in where)
    return dict(plant.query(sql, *where.values()))


def until_state(plant, ident, state):
    plant.until(lambda: states(plant)[ident] == state, f"{ident} is {state}")


def no_job(plant, sender):
    """The core has looked at what is due meanwhile, and there was nothing."""
    n = plant.status()["time_ms"]
    plant.until(lambda: plant.status()["time_ms"] > n + 1500, "the core goes on")
    sender.link.sock.settimeout(0.05)
    with pytest.raises(OSError):
        sender.link.receive()
    sender.link.sock.settimeout(LIMIT_S)


# ---- rows that were not made by an incident ----

def fill(plant, rows):
    """(webhook_id, destination, incident, type, lane) into the outbox of a core that is down, as if an
    older version had left them: only of a record in which none that fixes has run are they taken over."""
    with contextlib.closing(sqlite3.connect(plant.state / "record.db")) as db, db:
        for table in ("entry", "head", "signed_head", "state", "windows", "incident", "alarm"):
            db.execute(f"DELETE FROM {table}")
        db.execute("DELETE FROM meta WHERE key = 'legacy_done'")
        db.executemany(
            "INSERT INTO outbox(webhook_id, destination, incident, type, lane, created_ms, body)"
            " VALUES(?, ?, ?, ?, ?, 1795528800000, '{\"x\":1}')", rows)
    plant.broken_reports |= {row[0] for row in rows}


def made(plant):
    """A record, made by a core that has stopped again."""
    start(plant)
    plant.stop("core")


# ---- 410 ----

@NEEDS_BUS
def test_gone_pauses_the_destination_and_drops_nothing(people):
    """W6: 410 Gone. We pause and alarm, whatever the standard says; a person resumes."""
    plant = people
    start(plant, "poller")
    sender = Sender(plant)
    job = spill(plant, sender)
    sender.answer(job, 410, text=b"moved away")
    paused = plant.until_entry("destination.paused", name="department")
    assert paused["report"] == ident_of(job) and "410" in paused["reason"]
    plant.device.set(SO2=900)
    plant.until_entry("incident.opened", 2)
    no_job(plant, sender)
    assert states(plant)[ident_of(job)] == "pending"
    status = plant.command("status")
    assert status.returncode == ATTENTION
    assert "wastewatch outbox resume department" in " ".join(status.stdout.split())
    assert [d["destination"] for d in plant.status()["destinations_paused"]] == ["department"]

    plant.kill("core")  # it is in the record, not in memory
    start(plant)
    sender = Sender(plant)
    no_job(plant, sender)
    assert "PAUSED" in plant.command("outbox", "list").stdout
    assert len(plant.entries("destination.paused")) == 1
    plant.until(lambda: plant.status()["bus"]["ready"], "on the bus")
    act(plant, "resume", "nowhere", status=MISSING)
    act(plant, "resume", "department", "--reason", "they had moved the page")
    entry, = plant.entries("destination.resumed")
    assert (entry["user"], entry["name"]) == (ME, "department")
    assert entry["reason"] == "they had moved the page"
    assert sender.give() == ident_of(job), "the same report, the same id"
    plant.until_entry("report.delivered", report=ident_of(job))
    plant.until(lambda: not plant.status()["destinations_paused"], "the status says so")
    act(plant, "resume", "department", status=FAILED, says="is not paused")


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_another_url_resumes(plant, how):
    """W6: on reload, and at a start; the same URL does not."""
    start(plant, "poller")
    sender = Sender(plant)
    job = spill(plant, sender)
    sender.answer(job, 410)
    plant.until_entry("destination.paused")
    reload(plant)
    assert not plant.entries("destination.resumed"), "nothing has changed"
    plant.configure(destinations=[("department", "http://127.0.0.1:9/moved", "limit")])
    if how == "reload":
        plant.reload()
    else:
        plant.stop("core")
        start(plant)
        sender.connect()
    resumed = plant.until_entry("destination.resumed")
    assert "user" not in resumed and "URL" in resumed["reason"]
    again = sender.job()
    assert ident_of(again) == ident_of(job)
    assert again.url == b"http://127.0.0.1:9/moved"
    sender.answer(again, 200)
    plant.until_entry("report.delivered", report=ident_of(job))


# ---- superseding ----

def updates(plant, n):
    """The incident gets n updates: another limit is broken and mended in turn."""
    before = len(plant.entries("incident.updated"))
    for i in range(n):
        plant.nh4 = 2 if getattr(plant, "nh4", 2) == 20 else 20
        plant.device.set(NH4=plant.nh4)
        plant.until(lambda k=i: len(plant.entries("incident.updated")) > before + k,
                    f"update {i + 1}")


def test_an_update_replaces_an_unsent_one(plant):
    """Never the first report, never the last, never one that is under way; and the receiver can
    tell what it was not sent from what it has lost."""
    start(plant, "poller")
    sender = Sender(plant)
    first = spill(plant, sender)
    updates(plant, 3)  # while the first is under way
    waiting = states(plant, type="incident.updated")
    assert sorted(waiting.values()) == ["pending", "superseded", "superseded"]
    assert states(plant)[ident_of(first)] == "pending"
    assert plant.query("SELECT body FROM outbox WHERE state = 'superseded'") == [("",), ("",)]
    sender.answer(first, 200)
    third = sender.job()
    assert (data_of(third)["update"], data_of(third)["skipped"]) == (3, 2)
    updates(plant, 2)  # the third is under way: it stays, the fourth gives way to the fifth
    sender.answer(third, 503)
    plant.until(lambda: plant.query("SELECT 1 FROM outbox WHERE attempts = 1 AND webhook_id = ?",
                                    ident_of(third)), "one attempt is counted")
    updates(plant, 1)  # one that was tried may be there: it stays, too
    assert states(plant)[ident_of(third)] == "pending"
    sender.answer(again := sender.job(), 200)
    assert ident_of(again) == ident_of(third)
    last = sender.job()
    assert (data_of(last)["update"], data_of(last)["skipped"]) == (6, 2)
    plant.device.set(COD=50, NH4=2)
    plant.until_entry("incident.ended")
    sender.answer(last, 200)
    seen = {data_of(first)["update"], data_of(third)["update"], data_of(last)["update"]}
    skipped = data_of(third)["skipped"] + data_of(last)["skipped"]
    while True:
        job = sender.job()
        seen.add(data_of(job)["update"])
        skipped += data_of(job).get("skipped", 0)
        sender.answer(job, 200)
        if json.loads(job.body)["type"] == "incident.ended":
            assert "skipped" not in data_of(job)
            break
    assert len(seen) + skipped == max(seen) + 1, "every gap is explained"
    replaced = dict(plant.query("SELECT webhook_id, replaced_by FROM outbox"
                                " WHERE state = 'superseded'"))
    assert not set(replaced) & set(sender.taken), "what is superseded has never left"
    assert set(replaced.values()) <= set(states(plant))
    listed = plant.command("outbox", "list")
    assert f"{len(replaced)} never sent" in listed.stdout


def test_alerts_of_cap_replace_none(plant):
    """Each refers to the one before it by its number, so each must arrive."""
    text = (plant.config / "wastewatch.yaml").read_text()
    (plant.config / "wastewatch.yaml").write_text(
        text.replace("min-class: limit}", "min-class: limit, format: cap}"))
    start(plant, "poller")
    sender = Sender(plant)
    plant.device.set(COD=200)
    first = sender.job()
    updates(plant, 3)
    assert set(states(plant).values()) == {"pending"}
    sender.answer(first, 200)
    assert [sender.give() for _ in range(3)] == list(states(plant))[1:4]


# ---- order, lanes, destinations ----

def test_a_backlog_goes_in_order_and_a_new_emergency_first(plant):
    """S15: a backlog of reports, emergencies among them, and then a new one."""
    plant.configure(destinations=[("department", plant.receiver.url, "limit")])
    text = (plant.config / "wastewatch.yaml").read_text()
    (plant.config / "wastewatch.yaml").write_text(
        text.replace("min-class: limit}", "min-class: limit, rate-per-minute: 6000}"))
    made(plant)
    kinds = ("opened", "updated", "ended")
    rows = [(f"{'e' if i % 50 == 0 else 'r'}-{i}-{kind}", "department", f"i-{i}",
             f"incident.{kind}", 0 if i % 50 == 0 else 1) for kind in kinds for i in range(400)]
    fill(plant, rows)
    start(plant, "poller")
    sender = Sender(plant)
    job = sender.job()
    wanted = [row[0] for row in sorted(rows, key=lambda row: row[4])]
    plant.device.set(COD=900)  # of class emergency
    plant.until_entry("incident.opened")
    sender.answer(job, 200)
    new = None
    idents = {row[0] for row in rows}
    while not new or len(idents & set(sender.taken)) < len(rows):
        job = sender.job()
        if json.loads(job.body) != {"x": 1}:
            assert new is None or json.loads(job.body)["type"] != "incident.opened"
            new = new or (len(sender.taken) - 1, ident_of(job))
        sender.answer(job, 200)
    emergencies = sum(row[4] == 0 for row in rows)
    assert new[0] <= emergencies, "before all that is no emergency"
    taken = [ident for ident in sender.taken if ident in idents]
    assert taken == wanted
    plant.device.set(COD=50)


def test_destinations_are_independent(plant):
    """A receiver that answers nothing holds up its own reports only; one attempt each."""
    shutil.copy(plant.credentials / "department-secret", plant.credentials / "other-secret")
    plant.configure(destinations=[("department", plant.receiver.url, "limit"),
                                  ("other", "http://127.0.0.1:9/other", "limit")])
    start(plant, "poller")
    sender = Sender(plant)
    plant.device.set(COD=200)
    jobs = {ident_of(job).rsplit("-", 1)[1]: job for job in (sender.job(), sender.job())}
    assert set(jobs) == {"department", "other"}
    hanging = jobs["other"]
    sender.answer(jobs["department"], 200)
    for _ in range(3):
        updates(plant, 1)
        job = sender.job()
        assert ident_of(job).endswith("-department")
        sender.answer(job, 200)
    sender.answer(hanging, 200)
    assert ident_of(sender.job()).endswith("-other")


def test_an_emergency_goes_as_soon_as_the_attempt_before_it_has_ended(plant):
    """Of the same destination: never two at once, so it waits for the one under way, for 30 s at
    the most, and for nothing else; not for the rest of a receiver that fails either."""
    start(plant, "poller")
    sender = Sender(plant)
    first = spill(plant, sender)
    plant.device.set(SO2=900)  # another incident, of class limit
    plant.until_entry("incident.opened", 2)
    plant.device.set(COD=900)  # the first becomes an emergency
    plant.until_entry("alarm.raised", limit="emergency-high")
    no_job(plant, sender)
    sender.answer(first, 503, 3600)  # and now the destination rests
    again = sender.job()
    assert ident_of(again) == ident_of(first), "an emergency has come behind it meanwhile"
    sender.answer(again, 503, 3600)  # once, and then a quarter of an hour at the most
    plant.until(lambda: plant.query("SELECT 1 FROM outbox WHERE attempts = 2 AND lane = 0 AND"
                                    " next_ms - last_ms = 15 * 60 * 1000"), "a quarter of an hour")
    no_job(plant, sender)
    plant.device.set(COD=50)
    plant.until_entry("incident.ended")
    plant.device.set(COD=900)  # a new emergency, never tried so far
    opened = plant.until_entry("incident.opened", 3)
    other = plant.entries("incident.opened")[1]["incident"]
    job = sender.job()
    assert data_of(job)["id"] == opened["incident"], "all others have been put off"
    sender.answer(job, 200)  # and with that the first goes, too
    while data_of(job)["id"] != opened["incident"] or data_of(job)["class"] != "emergency":
        job = sender.job()
        assert data_of(job)["id"] != other, "the other, of class limit, still waits"
        sender.answer(job, 200)
    plant.until_entry("report.delivered", report=ident_of(job))
    plant.device.set(COD=50)


# ---- answers ----

@pytest.mark.parametrize("status", [500, 502, 503, 504, 404, 400, 401, 413])
def test_no_answer_drops_a_report(plant, status):
    """W4: all are tried again with the same id; a refusal is an entry and an alarm, once."""
    start(plant, "poller")
    sender = Sender(plant)
    job = spill(plant, sender)
    sender.answer(job, status, text=b"no")
    refused = 400 <= status < 500
    until_state(plant, ident_of(job), "held" if refused else "pending")
    plant.until(lambda: plant.query("SELECT 1 FROM outbox WHERE attempts = 1"), "counted")
    if refused:
        held = plant.until_entry("report.held", report=ident_of(job))
        assert str(status) in held["reason"]
        assert plant.command("status").returncode == ATTENTION
    plant.reload()  # somebody has mended something: what waits is tried again
    assert sender.give(status) == ident_of(job)
    plant.until(lambda: plant.query("SELECT 1 FROM outbox WHERE attempts = 2"), "counted")
    plant.reload()
    assert sender.give() == ident_of(job)
    plant.until_entry("report.delivered", report=ident_of(job))
    assert len(plant.entries("report.held")) == (1 if refused else 0)
    assert states(plant)[ident_of(job)] == "sent"


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_for_all_that_waits(plant, status):
    """W5: what the receiver asks for, from 1 s to 6 h, for reports that it has not seen, too."""
    start(plant, "poller")
    sender = Sender(plant)
    job = spill(plant, sender)
    plant.device.set(SO2=900)
    plant.until_entry("incident.opened", 2)
    sender.answer(job, status, 10 * 366 * 86400)  # ten years
    plant.until(lambda: plant.query("SELECT 1 FROM outbox WHERE attempts = 1 AND"
                                    " next_ms - last_ms = 15 * 60 * 1000"), "a first report's cap")
    no_job(plant, sender)
    plant.reload()
    assert sender.give() == ident_of(job)
    other = sender.job()
    assert ident_of(other) != ident_of(job)
    sender.answer(other, status, 0)  # a second at least
    assert sender.give() == ident_of(other)
    plant.device.set(COD=50)
    last = sender.job()
    while json.loads(last.body)["type"] != "incident.ended":
        sender.answer(last, 200)
        last = sender.job()
    sender.answer(last, status, 10 * 366 * 86400)
    plant.until(lambda: plant.query("SELECT 1 FROM outbox WHERE attempts = 1 AND"
                                    " next_ms - last_ms = 6 * 3600 * 1000"), "six hours")


@pytest.mark.parametrize("status, retry_after_s", [(404, -1), (403, -1), (503, 21600), (429, 21600)])
def test_an_emergency_does_not_wait_for_an_answer_of_before_it(plant, status, retry_after_s):
    """W5: the report before it was refused or put off, for 2 h or a quarter: it is asked about once
    more when the emergency comes, and once only; what the receiver takes then, all of it has."""
    start(plant, "poller")
    sender = Sender(plant)
    first = spill(plant, sender)
    sender.answer(first, status, retry_after_s)
    until_state(plant, ident_of(first), "held" if status < 429 else "pending")
    plant.until(lambda: plant.query("SELECT 1 FROM outbox WHERE attempts = 1"), "counted")
    no_job(plant, sender)
    plant.device.set(COD=900)
    again = sender.job()
    assert ident_of(again) == ident_of(first)
    sender.answer(again, status, retry_after_s)
    plant.until(lambda: plant.query("SELECT 1 FROM outbox WHERE attempts = 2 AND lane = 0 AND"
                                    " next_ms - last_ms <= 15 * 60 * 1000"), "counted")
    no_job(plant, sender)
    plant.reload()
    assert sender.give() == ident_of(first)
    job = sender.job()
    assert data_of(job)["class"] == "emergency"
    sender.answer(job, 200)
    plant.until_entry("report.delivered", report=ident_of(job))


@pytest.mark.parametrize("status, retry_after_s", [(404, -1), (503, 21600)])
def test_a_receiver_that_is_well_again_gets_what_it_refused(plant, status, retry_after_s):
    """W5: another incident's report is taken, so what was put off goes at once and what was refused
    a minute after that, not after hours."""
    start(plant, "poller")
    sender = Sender(plant)
    plant.device.set(SO2=900)
    first = sender.job()
    sender.answer(first, status, retry_after_s)
    plant.until(lambda: plant.query("SELECT 1 FROM outbox WHERE attempts = 1"), "counted")
    plant.device.set(COD=900)  # an emergency passes any rest
    other = sender.job()
    assert ident_of(other) != ident_of(first)
    sender.answer(other, 200)
    plant.until_entry("report.delivered", report=ident_of(other))
    if status == 404:
        plant.until(lambda: plant.query("SELECT 1 FROM outbox WHERE attempts = 1 AND state = 'held'"
                                        " AND next_ms = last_ms + 60000"), "a minute, not two hours")
        return
    taken = set()
    while ident_of(first) not in taken:
        taken.add(sender.give())


def test_killed_between_the_answer_and_the_record(plant):
    """W9: the receiver has it, the core does not know: the same id and the same bytes again."""
    start(plant, "poller")
    sender = Sender(plant)
    job = spill(plant, sender)
    core = plant.processes["core"]
    core.send_signal(signal.SIGSTOP)
    sender.answer(job, 200)
    plant.kill("core")
    assert states(plant)[ident_of(job)] == "pending", "never sent without its result"
    start(plant)
    sender.connect()
    assert sender.give() == ident_of(job)
    plant.until_entry("report.delivered", report=ident_of(job))


# ---- people ----

def act(plant, verb, *arguments, status=0, says=""):
    done = plant.command("outbox", verb, *arguments, "--bus", plant.options["bus"])
    assert done.returncode == status, (done.stdout, done.stderr)
    assert says in done.stdout + done.stderr
    return done


@NEEDS_BUS
def test_people_hold_release_retry_and_abandon(people):
    plant = people
    start(plant, "poller")
    sender = Sender(plant)
    plant.until(lambda: plant.status()["bus"]["ready"], "on the bus")
    first = spill(plant, sender)
    sender.answer(first, 404)
    until_state(plant, ident_of(first), "held")
    ident = ident_of(first)

    act(plant, "retry", ident, "--reason", "they say it is mended")
    entry, = plant.entries("report.retried")
    assert (entry["user"], entry["report"], entry["reports"]) == (ME, ident, 1)
    assert entry["reason"] == "they say it is mended"
    assert sender.give(404) == ident
    plant.until(lambda: plant.query("SELECT 1 FROM outbox WHERE attempts = 2"), "counted")

    act(plant, "hold", ident, status=USAGE, says="--reason")
    act(plant, "hold", ident, "--reason", "a wrong unit in it")
    assert plant.entries("report.stopped")[0]["user"] == ME
    act(plant, "hold", ident, "--reason", "again", status=FAILED, says=f"held by {ME} already")
    act(plant, "retry", ident, status=FAILED, says="outbox release")
    status = plant.command("status")
    assert status.returncode == ATTENTION and "held back" in status.stdout
    updates(plant, 1)
    later = sender.job()
    assert json.loads(later.body)["type"] == "incident.updated", "what follows goes on"
    sender.answer(later, 200)
    plant.until_entry("report.delivered", report=ident_of(later))

    act(plant, "release", ident)
    assert plant.entries("report.released")[0]["report"] == ident
    job = sender.job()
    assert ident_of(job) == ident
    act(plant, "abandon", ident, status=USAGE, says="--reason")
    act(plant, "abandon", ident, "--reason", "handed over on paper")  # while it is under way
    sender.answer(job, 503)
    plant.until(lambda: plant.query("SELECT 1 FROM outbox WHERE attempts = 3"), "counted")
    assert states(plant)[ident] == "abandoned"
    abandoned, = plant.entries("report.abandoned")
    assert (abandoned["user"], abandoned["reason"]) == (ME, "handed over on paper")
    act(plant, "abandon", ident, "--reason", "x", status=FAILED, says=f"abandoned by {ME} already")
    act(plant, "retry", ident, status=FAILED, says="nothing is left to be done")
    act(plant, "retry", "no-such", status=MISSING, says="wastewatch outbox list")
    act(plant, "retry", ident_of(later), status=FAILED, says="is sent")
    no_job(plant, sender)
    row, = plant.query("SELECT body <> '', reason, changed_by FROM outbox WHERE state = 'abandoned'")
    assert row == (1, "handed over on paper", ME)
    plant.check_chain()


@NEEDS_BUS
def test_a_receiver_that_took_what_was_abandoned_has_it(people):
    """What is true is recorded: a report cannot be called unsent that somebody has."""
    plant = people
    start(plant, "poller")
    sender = Sender(plant)
    plant.until(lambda: plant.status()["bus"]["ready"], "on the bus")
    job = spill(plant, sender)
    act(plant, "abandon", ident_of(job), "--reason", "too late")
    sender.answer(job, 200)
    plant.until_entry("report.delivered", report=ident_of(job))
    assert states(plant)[ident_of(job)] == "sent"


@NEEDS_BUS
def test_people_act_on_a_destination(people):
    plant = people
    made(plant)
    fill(plant, [(f"r-{i}", "department", f"i-{i // 2}", "incident.opened", 1) for i in range(20)]
         + [("g-1", "long-gone", "i", "incident.opened", 1)])
    start(plant)
    plant.until(lambda: plant.status()["bus"]["ready"], "on the bus")
    act(plant, "hold", "department", "--reason", "they move house")
    assert plant.entries("report.stopped")[0]["reports"] == 20
    sender = Sender(plant)
    no_job(plant, sender)
    act(plant, "hold", "department", "--reason", "x", status=FAILED, says="no report waits")
    act(plant, "abandon", "long-gone", "--reason", "that office does not exist any more")
    entry, = plant.entries("report.abandoned")
    assert (entry["name"], entry["reports"]) == ("long-gone", 1) and "report" not in entry
    act(plant, "abandon", "nowhere", "--reason", "x", status=MISSING)
    act(plant, "release", "r-7")
    act(plant, "release", "department")
    assert [e["reports"] for e in plant.entries("report.released")] == [1, 19]
    taken = [sender.give() for _ in range(20)]
    assert taken[0] == "r-7" and sorted(taken) == sorted(f"r-{i}" for i in range(20))
    assert [t for t in taken[1:] if t != "r-6"] == [f"r-{i}" for i in range(20) if i not in (6, 7)]
    plant.until(lambda: not plant.query(f"SELECT 1 FROM outbox WHERE {WAITS}"), "all are sent")


def test_list_and_show_while_nothing_runs(plant):
    """From the record alone; --body gives the bytes that were to be sent, to hand them over."""
    start(plant, "poller")
    sender = Sender(plant)
    job = spill(plant, sender)
    sender.answer(job, 404, text=b"no such page")
    until_state(plant, ident_of(job), "held")
    updates(plant, 2)
    plant.stop("core")
    ident = ident_of(job)
    listed = plant.command("outbox", "list")
    assert listed.returncode == 0
    assert ident in listed.stdout and "refused by the receiver, attempts: 1" in listed.stdout
    assert "no such page" in listed.stdout and "1 never sent" in listed.stdout
    lines = [json.loads(line) for line in
             plant.command("outbox", "list", "--json").stdout.splitlines()]
    assert [(line["report"], line["state"]) for line in lines] == \
        [(i, s) for i, s in states(plant).items() if s in ("held", "pending")]
    assert lines[0]["http_status"] == 404 and lines[1]["skipped"] == 1
    everything = plant.command("outbox", "list", "--all", "--json").stdout.splitlines()
    assert [json.loads(line)["report"] for line in everything] == list(states(plant))
    assert not plant.command("outbox", "list", "elsewhere", "--json").stdout
    done = plant.command("outbox", "show", ident, "--body", encoding="utf-8")
    assert done.stdout == job.body.decode()
    assert json.loads(plant.command("outbox", "show", ident, "--json").stdout)["body"] == \
        job.body.decode()
    assert job.body.decode() in plant.command("outbox", "show", ident).stdout
    gone = next(i for i, s in states(plant).items() if s == "superseded")
    done = plant.command("outbox", "show", gone, "--body")
    assert done.returncode == FAILED and "never sent" in done.stderr
    assert plant.command("outbox", "show", "none").returncode == MISSING
    for wrong in ((), ("list", "a", "b"), ("show",), ("mend",), ("list", "--reason", "x"),
                  ("retry",)):
        assert plant.command("outbox", *wrong).returncode == USAGE
    done = plant.command("outbox", "retry", ident)
    assert done.returncode == DOWN and done.stderr.startswith("wastewatch: ")


# ---- with the real sender and receiver ----

def test_all_is_delivered_in_order_after_an_outage(plant):
    """W1, W14: nobody listens; then somebody does. Receiver and record hold the same."""
    plant.start("core", "poller", "sender")
    for _ in range(3):
        plant.device.set(COD=200)
        plant.until(lambda: plant.query("SELECT 1 FROM incident WHERE state = 'open'"), "open")
        updates(plant, 3)
        plant.nh4 = 2
        plant.device.set(COD=50, NH4=2)
        plant.until(lambda: not plant.query("SELECT 1 FROM incident WHERE state = 'open'"), "ended")
    tried = plant.query("SELECT sum(attempts) FROM outbox")[0][0]
    assert tried <= 4, "a receiver that is away is asked now and then, not for each report"
    plant.receiver.start()
    plant.until_quiet()
    check_all_told(plant)
    assert plant.query("SELECT count(*) FROM outbox WHERE state = 'superseded'")[0][0] >= 3


def test_taken_and_then_reset(plant):
    """W9: stored, and the connection is reset before the answer; twice."""
    plant.receiver.start("--reset", "2")
    plant.start("core", "poller", "sender")
    plant.device.set(COD=200)
    plant.until_entry("incident.opened")
    plant.device.set(COD=50)
    plant.until_quiet()
    check_all_told(plant)
    outcomes = [line["outcome"] for line in plant.receiver.index()]
    assert outcomes.count("duplicate") >= 1


# ---- keys that change ----

def secret_of(plant, name):
    return plant.credentials / f"{name}-secret"


def genuine(plant):
    return [line["outcome"] for line in plant.receiver.index()]


def rotate(plant):
    """A new secret, the old one beside it; the files of the receiver's."""
    secret = secret_of(plant, "department")
    old = secret.with_name(secret.name + ".old")
    shutil.copy(secret, plant.dir / "known-old")
    secret.rename(old)
    plant.keygen()
    shutil.copy(secret, plant.dir / "known-new")


def receive_with(plant, *secrets):
    if plant.receiver.name in plant.processes:
        plant.stop(plant.receiver.name)
    plant.spawn(plant.receiver.name, "wastewatch-receiver", "--listen",
                f"127.0.0.1:{plant.receiver.port}", "--store", str(plant.receiver.store),
                *itertools.chain(*(("--secret", str(plant.dir / s)) for s in secrets)),
                "--public-key", str(plant.dir / "public-key"), "--json")
    until(lambda: _can_connect(plant.receiver.port), "the receiver listens")


def _can_connect(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def spill_and_back(plant):
    n = len(plant.entries("incident.ended"))
    plant.device.set(COD=200)
    plant.until(lambda: plant.query("SELECT 1 FROM incident WHERE state = 'open'"), "open")
    plant.device.set(COD=50)
    plant.until_entry("incident.ended", n + 1)
    plant.until_quiet()


def reload(plant):
    n = len(plant.entries("config.loaded"))
    plant.reload()
    plant.until_entry("config.loaded", n + 1)


def test_a_secret_is_rotated_without_a_failed_delivery(plant):
    """W11: the receiver knows the old one, then both, then the new one alone; reports have both
    signatures in between; each is taken at the first attempt."""
    shutil.copy(secret_of(plant, "department"), plant.dir / "known-old")
    receive_with(plant, "known-old")
    plant.start("core", "poller", "sender")
    spill_and_back(plant)
    rotate(plant)
    reload(plant)  # both signatures; the receiver knows the old secret only
    spill_and_back(plant)
    receive_with(plant, "known-old", "known-new")
    spill_and_back(plant)
    receive_with(plant, "known-new")
    spill_and_back(plant)
    secret_of(plant, "department").with_name("department-secret.old").unlink()
    reload(plant)  # one signature, the new one
    spill_and_back(plant)
    assert set(genuine(plant)) == {"stored"}
    assert plant.query("SELECT DISTINCT attempts FROM outbox WHERE state = 'sent'") == [(1,)]
    assert len(plant.entries("incident.opened")) == 5
    check_all_told(plant)


def test_a_secret_that_only_one_side_changed_is_refused_and_mended(plant):
    """W11: what goes wrong when the order is not kept, and that nothing is lost by it."""
    shutil.copy(secret_of(plant, "department"), plant.dir / "known-old")
    receive_with(plant, "known-old")
    plant.start("core", "poller", "sender")
    rotate(plant)
    secret_of(plant, "department").with_name("department-secret.old").unlink()
    reload(plant)
    plant.device.set(COD=200)
    held = plant.until_entry("report.held")
    assert "401" in held["reason"]
    receive_with(plant, "known-old", "known-new")
    reload(plant)
    plant.device.set(COD=50)
    plant.until_quiet()
    check_all_told(plant)
