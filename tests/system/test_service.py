# SPDX-License-Identifier: Apache-2.0
"""wastewatchd at its two sockets: fake pollers and senders that do what real ones do not;
reloads during an incident; a record that is locked, a log that nobody reads."""

import fcntl
import json
import os
import resource
import shutil
import socket
import sqlite3
import subprocess
import time

import jsonschema
import pytest

import wire
from plant import (ATTENTION, LIMIT_S, LIMITS, NORMAL, ROOT, Device, Plant, Receiver, channel_line,
                   program, until)

POLLERS_MAX = 16  # include/core/service.h
SOURCES_MAX = 60  # daemon/core/report.c


@pytest.fixture
def plant():
    with Plant(Device()) as it:
        yield it


# ---- fakes ----

def reading(seq, key=0, ahead_us=0):
    """A reading of now, key 0: a tick; ahead_us: how much later the wall clock shows."""
    return wire.Reading(seq, key, time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000,
                        time.time_ns() // 1000 + ahead_us, 0, wire.OK, 0, ())


def connect(plant, name):
    return wire.connect(str(plant.run / f"{name}.sock"), LIMIT_S)


def until_listens(plant):
    plant.until(lambda: plant.status().get("pid") == plant.processes["core"].pid, "the core is up")


def greet(link, role, instance=1, plan=0):
    link.send(wire.hello_packet(role, instance, plan))
    hello = link.receive()
    assert hello and hello.role == wire.ROLE_CORE
    return link


def poller(plant, instance, plan=0):
    return greet(connect(plant, "poller"), wire.ROLE_POLLER, instance, plan)


def sender(plant):
    return greet(connect(plant, "sender"), wire.ROLE_SENDER)


def next_plan(link):
    """Skip what is no plan; return the number of the next one that comes."""
    while not isinstance(packet := link.receive(), wire.PlanBegin):
        assert packet is not None
    while not isinstance(link.receive(), wire.PlanEnd):
        pass
    return packet.plan


def answer(link, job, status, retry_after_s=-1):
    link.send(wire.result_packet(wire.Result(job.id, -1, retry_after_s, 0, status, 1, b"", b"")))


def webhook_id(job):
    return dict(line.split(b": ", 1) for line in job.headers.splitlines())[b"webhook-id"].decode()


def is_closed(link):
    return link.receive_raw() == b""


def start_with_sender(plant):
    """Core, poller and a fake sender; an incident begins. Return: sender, its first job."""
    plant.start("core", "poller")
    link = sender(plant)
    plant.device.set(COD=200)
    return link, link.receive()


def descriptors(plant):
    return len(os.listdir(f"/proc/{plant.processes['core'].pid}/fd"))


# ---- reports ----

def test_a_report_that_cannot_be_sent_does_not_block_the_others(plant):
    """Too long for a packet, in a record that an older version has left: held, said once, the
    next one goes."""
    ident = "older-1-department"
    plant.start("core")
    plant.until(lambda: plant.status().get("pid") == plant.processes["core"].pid, "the core is up")
    plant.stop("core")
    with sqlite3.connect(plant.state / "record.db") as db:
        for table in ("entry", "head", "signed_head", "state", "windows"):
            db.execute(f"DELETE FROM {table}")
        db.execute("DELETE FROM meta WHERE key = 'legacy_done'")
        db.execute("INSERT INTO outbox(webhook_id, destination, incident, type, lane, created_ms,"
                   " body) VALUES(?, 'department', 'i', 'incident.opened', 1, 1795528800000, ?)",
                   (ident, "x" * wire.PACKET_MAX))
    db.close()
    plant.broken_reports.add(ident)
    plant.device.set(SO2=900)
    plant.start("core", "poller")
    link = sender(plant)
    held = plant.until_entry("report.held")
    assert held["report"] == ident
    assert "cannot be handed to the sender" in held["reason"]
    other = link.receive()
    assert "-gas-" in json.loads(other.body)["data"]["incident"]["id"]
    answer(link, other, 200)
    plant.until_entry("report.delivered", report=webhook_id(other))
    assert len(plant.entries("report.held")) == 1
    (state, attempts, status, error, wait_ms), = plant.query(
        "SELECT state, attempts, http_status, error, next_ms - last_ms FROM outbox"
        " WHERE webhook_id = ?", ident)
    assert (state, attempts, status) == ("held", 1, 0)
    assert "too long" in error
    assert wait_ms >= 60 * 1000, "asked about again after the other was taken, but not at once"


def test_a_sender_that_goes_does_not_hold_reports(plant):
    link, job = start_with_sender(plant)
    link.close()
    plant.until(lambda: "the sender is gone" in plant.log(), "it is missed")
    again = sender(plant).receive()
    assert webhook_id(again) == webhook_id(job)
    assert not plant.entries("report.held")


def test_a_result_of_the_old_address_does_not_count_for_the_new(plant):
    link, job = start_with_sender(plant)
    plant.configure(destinations=[("department", "http://127.0.0.1:9/moved", "limit")])
    plant.reload()
    plant.until_entry("config.loaded", 2)
    moved = link.receive()
    assert webhook_id(moved) == webhook_id(job) and moved.id != job.id
    assert moved.url == b"http://127.0.0.1:9/moved"
    answer(link, job, 200)  # of the attempt before the change
    answer(link, moved, 503)
    plant.until(lambda: plant.query("SELECT 1 FROM outbox WHERE webhook_id = ? AND attempts = 1",
                                    webhook_id(job)), "the result is recorded")
    assert plant.outbox()[0][1] == "pending"
    assert not plant.entries("report.delivered")


def test_reports_of_a_destination_that_is_gone_are_said(plant):
    link, job = start_with_sender(plant)
    shutil.copy(plant.credentials / "department-secret", plant.credentials / "other-secret")
    plant.configure(destinations=[("other", plant.receiver.url, "limit")])
    plant.reload()
    assert plant.until_entry("reports.stranded", name="department")["reports"] >= 1
    plant.until(lambda: plant.status().get("reports_stranded"), "the status has it")
    done = plant.command("status")
    assert done.returncode == ATTENTION
    assert "no longer configured" in " ".join(done.stdout.split())
    plant.stop("core")
    plant.start_core()
    plant.until_entry("reports.stranded", 2, name="department")  # at every start
    until_listens(plant)
    plant.configure(destinations=[("department", plant.receiver.url, "limit")])
    plant.reload()
    plant.until(lambda: plant.status().get("reports_stranded") == 0, "none is stranded")
    link.close()
    link = sender(plant)
    again = link.receive()
    assert webhook_id(again) == webhook_id(job)
    answer(link, again, 200)
    plant.until_entry("report.delivered", report=webhook_id(job))
    assert len(plant.entries("reports.stranded")) == 2


# faults: T1
def test_a_step_of_the_clock_makes_waiting_reports_due(plant):
    """Waits were reckoned by a clock that was wrong; two minutes back would add two minutes."""
    link, job = start_with_sender(plant)
    plant.until_entry("incident.opened")
    answer(link, job, 503)
    plant.until(lambda: plant.query("SELECT 1 FROM outbox WHERE attempts = 1"), "it waits")
    plant.kill("poller")
    fake = poller(plant, 77)
    fake.send(wire.readings_packet([reading(1)]))
    fake.send(wire.readings_packet([reading(2, ahead_us=-120 * 10**6)]))
    plant.until_entry("clock.stepped")
    assert webhook_id(link.receive()) == webhook_id(job)


def test_no_more_sources_than_a_report_holds():
    sources = "".join(f"  - name: drain{i}\n    kind: liquid\n    channels:\n"
                      + channel_line("COD", "1s") for i in range(SOURCES_MAX + 10))
    with Plant(Device(), extra=sources) as plant:
        _, job = start_with_sender(plant)
        assert len(json.loads(job.body)["data"]["sources"]) == SOURCES_MAX


# ---- connections ----

def test_a_poller_too_many_costs_no_descriptor(plant):
    plant.start("core")
    until_listens(plant)
    links = [poller(plant, i + 1) for i in range(POLLERS_MAX)]
    before = descriptors(plant)
    for _ in range(10):
        with connect(plant, "poller") as one:
            assert is_closed(one)
    # the status file is open for a moment now and then
    until(lambda: descriptors(plant) <= before, "all descriptors are given back")
    assert plant.log().count("no room for one more poller") == 10
    for link in links:
        link.close()


# faults: R3
def test_without_descriptors_the_core_waits(plant):
    plant.start("core")
    until_listens(plant)
    pid = plant.processes["core"].pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, hard))  # those open stay so
    link = connect(plant, "poller")
    link.send(wire.hello_packet(wire.ROLE_POLLER))
    plant.until(lambda: "no descriptor is free" in plant.log(), "it is said")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    assert link.receive().role == wire.ROLE_CORE
    assert plant.log().count("no descriptor is free") == 1
    link.close()


# faults: H3
@pytest.mark.parametrize("name, role", [("poller", wire.ROLE_POLLER), ("sender", wire.ROLE_SENDER)])
def test_whoever_connects_as_fast_as_he_can_fills_neither_log_nor_descriptors(plant, name, role):
    """Descriptors handed over, packets cut off, hellos of nobody: the others are served, and of all
    that the log has a hundred lines and a number."""
    plant.start("core", "poller")
    plant.until_good("mill/outfall/COD")
    before, begin = descriptors(plant), time.monotonic()
    hello = wire.hello_packet(role, instance=9)
    with open("/dev/null", "rb") as null:
        for i in range(400):
            with connect(plant, name) as link:
                try:
                    if i % 4 == 1:
                        link.sock.send(hello[:7])
                    elif i % 4 == 2:
                        link.sock.send(b"\0" * 100000)
                    elif i % 4 == 3:
                        socket.send_fds(link.sock, [hello[:8]], [null.fileno()] * 50)
                except OSError:
                    pass  # it has been closed already
    plant.until_good("mill/outfall/COD")
    # the status file is open for a moment now and then
    until(lambda: descriptors(plant) <= before, "all descriptors are given back")
    lines = [line for line in plant.log().splitlines()
             if "gone" in line or "closed" in line or "no room" in line or "refused" in line]
    windows = 2 + int((time.monotonic() - begin) / 10)
    assert 10 < len(lines) <= 100 * windows + 10, "a hundred in ten seconds"
    assert not plant.entries("poller.silent", "readings.lost")


# faults: H3
def test_silent_connections_do_not_keep_a_poller_out(plant):
    """All places are taken by connections that stay; the real poller comes all the same."""
    plant.start("core")
    until_listens(plant)
    silent = [connect(plant, "poller") for _ in range(POLLERS_MAX)]
    plant.start_poller()
    plant.until_good("mill/outfall/COD")
    assert all(is_closed(link) for link in silent)


# faults: H3
@pytest.mark.parametrize("name", ["poller", "sender"])
def test_a_connection_that_says_nothing_is_closed(plant, name):
    plant.start("core")
    until_listens(plant)
    with connect(plant, name) as silent:
        assert is_closed(silent)
    plant.until(lambda: f"the {name}'s socket said no hello" in plant.log(), "it is said")


def test_a_silent_connection_displaces_no_sender(plant):
    """Neither one that has said hello nor one that is about to."""
    plant.start("core", "poller")
    with connect(plant, "sender") as good, connect(plant, "sender") as silent:
        greet(good, wire.ROLE_SENDER)
        assert is_closed(silent)
        with connect(plant, "sender") as third:
            assert is_closed(third)
        plant.device.set(COD=200)
        assert isinstance(good.receive(), wire.Job)


# faults: S13
def test_two_cores_do_not_share_a_runtime_directory(plant):
    plant.start("core", "poller")
    other = plant.dir / "other-state"
    other.mkdir()
    arguments = list(plant.core_arguments())
    arguments[arguments.index("--state") + 1] = str(other)
    second = plant.spawn("second", "wastewatchd", *arguments)
    assert second.wait(LIMIT_S) == 1
    assert f"another wastewatchd serves {plant.run}/poller.sock" in plant.log("second")
    plant.until_good("mill/outfall/COD")
    with connect(plant, "sender") as link:  # the first still has both sockets
        greet(link, wire.ROLE_SENDER)


# ---- pollers ----

def links_of(n, port=1, last_port=1):
    return "".join(f'  - {{name: l{i}, tcp: "127.0.0.1:{last_port if i == n - 1 else port}"}}\n'
                   for i in range(n))


def test_a_changed_plan_does_not_move_the_others():
    """The poller whose work has changed must not take the slot whose work has not."""
    units = "".join(f"  - {{name: u{i}, link: l{i}, id: 1}}\n" for i in range(500))
    sources = "  - name: drains\n    kind: liquid\n    channels:\n" + "".join(
        channel_line("COD", "3s", f"u{i}").replace("name: COD", f"name: c{i}")
        for i in range(500))
    with Plant(Device(), links=links_of(500), units=units, extra=sources) as plant:
        plant.start("core")
        until_listens(plant)
        assert plant.status()["pollers_wanted"] == 2
        with poller(plant, 1) as one, poller(plant, 2) as two:
            first, second = next_plan(one), next_plan(two)
        plant.until(lambda: plant.log().count("the poller is gone") == 2, "both are missed")
        with poller(plant, 3, second) as changed, poller(plant, 4, first) as same:
            plant.configure(links=links_of(500, last_port=2))
            plant.reload()
            plant.until_entry("config.loaded", 2)
            assert next_plan(changed) not in (first, second)
            same.send(wire.readings_packet([reading(1)]))
            while (ack := same.receive()).seq == 0:
                pass
            assert ack == wire.Ack(1)  # no plan came before it


def test_a_poller_that_begins_anew_is_an_entry(plant):
    plant.start("core", "poller")
    assert "since" not in plant.until_entry("poller.started")
    plant.until(lambda: plant.query("SELECT 1 FROM poller"), "a commit covers its readings")
    plant.kill("core")
    plant.start("core")
    plant.until_good("mill/outfall/COD")  # the same poller is known
    assert len(plant.entries("poller.started")) == 1
    plant.kill("poller")
    plant.start_poller()
    assert plant.until_entry("poller.started", 2)["since"]


def test_a_poller_of_another_boot_is_refused(plant):
    plant.start("core")
    until_listens(plant)
    hello = bytearray(wire.hello_packet(wire.ROLE_POLLER))
    hello[-1] ^= 1  # the boot id is its last field
    with connect(plant, "poller") as link:
        link.send(bytes(hello))
        assert is_closed(link)
    plant.until(lambda: "of another boot" in plant.log(), "it is said")
    assert not plant.entries("poller.started")


def test_readings_that_were_never_seen_are_not_called_overflow(plant):
    plant.start("core")
    until_listens(plant)
    with poller(plant, 5) as link:
        link.send(wire.readings_packet([reading(5)]))
        lost = plant.until_entry("readings.lost")
        assert lost["readings"] == 4
        assert "full" not in lost["reason"]
        link.send(wire.readings_packet([reading(9)]))
        assert "full" in plant.until_entry("readings.lost", 2)["reason"]


# ---- keys and lines ----

# faults: H6
@pytest.mark.parametrize("mode, warned", [(0o600, False), (0o400, False), (0o640, True),
                                          (0o604, True), (0o620, True)])
def test_keys_that_are_open_to_others(plant, mode, warned):
    path = plant.credentials / "department-secret"
    path.chmod(mode)
    plant.start("core")
    until_listens(plant)
    assert (f"chmod 600 {path}" in plant.log()) == warned


def refused_connections(plant):
    """Each is a line of the log."""
    for _ in range(20):
        with connect(plant, "poller") as link:
            link.send(b"x")
            assert is_closed(link)


# faults: H1
def test_a_log_that_nobody_reads_holds_nobody(plant):
    """Standard error is a pipe, full to the last byte."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    plant.processes["core"] = subprocess.Popen(
        [program("wastewatchd"), *plant.core_arguments()], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=writer, env=plant.environment())
    until_listens(plant)
    os.set_blocking(writer, False)  # the core's copy too, so only while it is filled
    try:
        while True:
            os.write(writer, b"x")
    except BlockingIOError:
        os.set_blocking(writer, True)
    refused_connections(plant)
    plant.start_poller()
    plant.until_good("mill/outfall/COD")
    plant.device.set(COD=200)
    plant.until_entry("incident.opened")
    plant.device.set(**NORMAL)
    plant.until_entry("incident.ended")
    os.set_blocking(reader, False)
    said = os.read(reader, 1 << 16)  # somebody reads again
    refused_connections(plant)
    said += os.read(reader, 1 << 16)
    assert b"lines before this one found no reader" in said
    plant.check_chain()
    os.close(reader)
    os.close(writer)


# ---- the record ----

def test_a_reader_that_locks_the_record_is_waited_for(plant):
    plant.start("core", "poller")
    pid = plant.processes["core"].pid
    db = sqlite3.connect(plant.state / "record.db", isolation_level=None, timeout=LIMIT_S)
    db.execute("BEGIN IMMEDIATE")
    plant.device.set(COD=200)
    time.sleep(1.5)  # the core commits every second, and at once what is an entry
    assert not plant.entries("alarm.raised"), "the lock is one"
    db.execute("ROLLBACK")
    db.close()
    plant.until_entry("incident.opened")
    plant.until_good("mill/outfall/COD")
    assert plant.processes["core"].poll() is None and plant.processes["core"].pid == pid
    assert "record cannot be written" not in plant.log()
    assert not plant.entries("readings.lost")
    plant.check_chain()


# ---- a reload during an incident ----

def check_report(report):
    schema = json.loads((ROOT / "conf/schema/report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(report)


def test_the_end_of_an_incident_whose_site_is_removed_is_reported(plant):
    other = plant.config / "sites.d" / "dam.yaml"
    text = (plant.config / "sites.d" / "mill.yaml").read_text()
    device = Device()
    other.write_text(text.replace("site: mill", "site: dam")
                     .replace(f":{plant.device.port}", f":{device.port}"))
    plant.start()
    device.set(COD=200, SO2=700)
    incidents = {plant.until_entry("incident.opened", site="dam", kind=kind)["incident"]
                 for kind in ("liquid", "gas")}
    other.unlink()
    plant.reload()
    for incident in incidents:
        removed = plant.until_entry("incident.removed", incident=incident)
        assert removed["reason"] == "its site is no longer configured"
        plant.until(lambda i=incident: plant.receiver.types(i)[-1:] == ["incident.ended"],
                    "the department is told")
    for report in plant.receiver.reports():
        check_report(report)
        if report["type"] == "incident.ended":
            incident = report["data"]["incident"]
            assert incident["state"] == "ended" and incident["ended"]
            assert incident["change"] == "its site is no longer configured"
    plant.until_quiet()
    assert len(plant.receiver.types()) == len(plant.outbox())
    device.close()


def test_an_end_that_a_reload_made_says_so(plant):
    """The incident keeps what opened it, although that limit is no more."""
    plant.start()
    plant.device.set(COD=200)
    incident = plant.until_entry("incident.opened")["incident"]
    first_out = plant.query("SELECT first_out FROM incident")
    assert first_out[0][0] is not None
    plant.configure(limits={**LIMITS, "outfall": LIMITS["outfall"][:1]})
    plant.reload()
    ended = plant.until_entry("incident.ended")
    assert ended["incident"] == incident
    assert ended["reason"].startswith("limits that were broken are no longer configured")
    plant.until(lambda: plant.receiver.types(incident)[-1:] == ["incident.ended"], "it is told")
    last = plant.receiver.reports()[-1]
    check_report(last)
    assert last["data"]["incident"]["change"] == ended["reason"]
    assert plant.query("SELECT first_out FROM incident") == first_out
    # the next one has nothing to do with it
    plant.device.set(SO2=700)
    plant.until_entry("incident.opened", kind="gas")
    plant.device.set(**NORMAL)
    assert plant.until_entry("incident.ended", kind="gas")["reason"].startswith("all its alarms")


def test_a_standing_alarm_that_becomes_a_limit_opens_an_incident(plant):
    line = '{{channel: COD, class: {}, name: bound, high: 100, clear-delay: 0s, origin: "permit"}}'
    plant.configure(limits={"outfall": (line.format("warning"),)})
    plant.start()
    plant.device.set(COD=200)
    plant.until_entry("alarm.raised", limit="bound")
    assert not plant.entries("incident.opened")
    plant.configure(limits={"outfall": (line.format("limit"),)})
    plant.reload()
    opened = plant.until_entry("incident.opened")
    assert opened["limit"] == "bound" and opened["value"] == "200"
    assert len(plant.entries("alarm.raised")) == 1
    plant.device.set(**NORMAL)
    plant.until_entry("incident.ended", incident=opened["incident"])
    plant.until_quiet()
    assert plant.receiver.types()[0] == "incident.opened"


def test_a_destination_that_comes_during_an_incident_is_told_of_it_first(plant):
    plant.start()
    plant.device.set(COD=200)
    incident = plant.until_entry("incident.opened")["incident"]
    shutil.copy(plant.credentials / "department-secret", plant.credentials / "later-secret")
    later = Receiver(plant, "later")
    later.start()
    plant.configure(destinations=[("department", plant.receiver.url, "limit"),
                                  ("later", later.url, "limit")])
    plant.reload()
    plant.until_entry("config.loaded", 2)
    plant.device.set(COD=250)
    plant.until_entry("report.delivered", name="later")
    plant.device.set(**NORMAL)
    plant.until_quiet()
    known, new = plant.receiver.types(incident), later.types(incident)
    assert known[:2] == ["incident.opened", "incident.updated"]
    assert new == ["incident.opened", *known[2:]]
    for report in later.reports():
        check_report(report)
