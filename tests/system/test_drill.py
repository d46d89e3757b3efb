# SPDX-License-Identifier: Apache-2.0
"""Drills with the real programs: begun and ended over the bus, reported as exercises, beside what
is real; over kill -9 and a reload."""

import json
import random
import re

import jsonschema
import pytest

from bus import Bus
from plant import MISSING, ROOT, Device, Plant

SCENARIO = """\
scenario: spill
title: a spill
practise: close the gate
kind: liquid
duration: 30min
channels:
  - channel: COD
    unit: mg/l
    ripple: 1
    course: [{at: 0s, value: 60}, {at: 1s, value: 60}, {at: 2s, value: 240}]
"""
SCHEMAS = [p for p in ROOT.glob("conf/**/report*.json")]


@pytest.fixture(name="bus", scope="module")
def _bus():
    with Bus() as bus:
        yield bus


def drills_file(plant, name="spill", text=SCENARIO):
    (plant.config / "drills").mkdir(exist_ok=True)
    (plant.config / "drills" / f"{name}.yaml").write_text(text, encoding="utf-8")


@pytest.fixture(name="plant")
def _plant(bus):
    with Plant(Device(), bus=bus.address) as plant:
        drills_file(plant)
        plant.start()
        plant.until(bus.has_core, "the core is on the bus")
        yield plant


def drill(plant, *arguments):
    return plant.command("drill", *arguments, "--bus", plant.options["bus"])


def started(plant):
    done = drill(plant, "start", "mill", "spill")
    assert done.returncode == 0, done.stderr
    return plant.until_entry("incident.opened", exercise=True)["incident"]


def stopped(plant):
    done = drill(plant, "stop", "mill")
    assert done.returncode == 0, done.stderr


def check_split(plant):
    """What is an exercise says so everywhere, and nothing else does."""
    for entry in plant.entries():
        of_drill = entry.get("incident", "").startswith("exercise.") or \
            entry["type"] in ("drill.started", "drill.stopped")
        assert not of_drill or entry.get("exercise") is True, entry
        if entry.get("channel") == "COD":
            assert entry.get("exercise") is True, entry
    schema, = SCHEMAS
    validator = jsonschema.Draft202012Validator(json.loads(schema.read_text()))
    for report in plant.receiver.reports():
        incident = report["data"]["incident"]
        wanted = "exercise" if incident["id"].startswith("exercise.") else "actual"
        assert incident["status"] == wanted
        validator.validate(report)
    assert not plant.query("SELECT 1 FROM incident WHERE id LIKE 'exercise%'")
    assert not plant.query("SELECT 1 FROM alarm WHERE path LIKE '%/COD/%'")
    plant.check_chain()


def test_a_drill_and_a_real_breach_beside_it(plant):
    incident = started(plant)
    assert incident.startswith("exercise.mill-liquid-")
    plant.until(lambda: "incident.opened" in plant.receiver.types(incident), "the report")
    status = plant.until(lambda: plant.status().get("drills"), "the status")
    assert [d["scenario"] for d in status] == ["spill"]
    said = plant.command("status").stdout
    assert re.search("^EXERCISE +at mill until ", said, re.M)
    assert re.search("^Incidents +0 running", said, re.M)
    assert plant.channel("mill/outfall/COD")["value"] == "50"
    # a real breach is the real core's
    plant.device.set(NH4=20.0)
    real = plant.until_entry("incident.opened", channel="NH4")
    assert "exercise" not in real and real["incident"].startswith("mill-liquid-")
    plant.until(lambda: "incident.opened" in plant.receiver.types(real["incident"]), "the report")
    listed = plant.command("incidents", "--json").stdout.splitlines()
    assert [json.loads(line)["id"] for line in listed] == [real["incident"]]
    shown = json.loads(plant.command("show", incident, "--json").stdout)
    assert shown["state"] == "open" and shown["entries"]
    assert shown["last_report"]["incident"]["status"] == "exercise"
    # the drill ends, and its incident with it; the real one goes on
    stopped(plant)
    ended = plant.until_entry("incident.ended", incident=incident)
    assert ended["reason"] == "the drill has ended: by command"
    entry = plant.until_entry("drill.stopped")
    assert entry["user"] and entry["name"] == "spill" and entry["site"] == "mill"
    plant.until(lambda: "incident.ended" in plant.receiver.types(incident), "its end is told")
    assert not plant.entries("incident.ended") or \
        [e["incident"] for e in plant.entries("incident.ended")] == [incident]
    plant.until(lambda: plant.status().get("drills") == [], "the status")
    drills = [json.loads(line) for line in drill(plant, "list", "--json").stdout.splitlines()]
    assert [d["scenario"] for d in drills] == ["spill"] and drills[0]["ended"] == entry["time"]
    plant.device.set(NH4=2.0)
    plant.until_quiet()
    check_split(plant)


def test_a_drill_is_acknowledged_and_shown_as_such(plant):
    """What is practised is done to the drill's alarm and incident, and to no other."""
    incident = started(plant)
    alarm = "mill/outfall/COD/limit-high"

    def bus(*arguments):
        return plant.command(*arguments, "--bus", plant.options["bus"])

    refused = bus("ack", alarm)  # the real one is in order
    assert refused.returncode == 1 and "is in order" in refused.stderr
    done = bus("ack", alarm, "--exercise", "--reason", "gate closed")
    assert done.returncode == 0, done.stderr
    entry = plant.until_entry("alarm.acknowledged")
    assert (entry["exercise"], entry["reason"], entry["limit"], entry["incident"]) == \
        (True, "gate closed", "limit-high", incident)
    again = bus("ack", alarm, "--exercise")
    assert again.returncode == 1 and "already" in again.stderr
    done = bus("ack", incident, "--reason", "shift leader")
    assert done.returncode == 0, done.stderr
    entry = plant.until_entry("incident.acknowledged")
    assert entry["exercise"] is True and entry["incident"] == incident and entry["user"]
    assert plant.command("alarms", "--json").stdout == ""

    def shown(state):
        text = plant.command("show", incident).stdout
        data = json.loads(plant.command("show", incident, "--json").stdout)
        assert text.startswith("EXERCISE: liquid waste, limit, at ") and incident in text, text
        assert "all of it is an exercise: nothing was released" in text
        assert "gate closed" in text and "shift leader" in text
        assert (data["state"], data["exercise"]) == (state, True)
        assert {e["exercise"] for e in data["entries"]} == {True}
        assert {e["type"] for e in data["entries"]} >= {
            "incident.opened", "alarm.acknowledged", "incident.acknowledged"}
        return data
    assert shown("open")["last_report"]["incident"]["acknowledged"]["user"] == entry["user"]
    stopped(plant)
    plant.until_entry("incident.ended", incident=incident)
    plant.until(lambda: json.loads(plant.command("show", incident, "--json").stdout)["state"] !=
                "open", "its end is shown")
    shown("ended")
    for arguments in (("ack", alarm, "--exercise"), ("ack", incident)):
        late = bus(*arguments)
        assert late.returncode != 0 and "drill" in late.stderr, late.stderr
    check_split(plant)


def test_what_is_refused_says_why(plant):
    for arguments, code, words in (
            (("start", "none", "spill"), MISSING, "no site none"),
            (("start", "mill", "spil"), MISSING, 'did you mean "spill"?'),
            (("start", "mill", "../spill"), 1, "is no name of a scenario"),
            (("stop", "mill"), 1, "no drill is running at mill")):
        done = drill(plant, *arguments)
        assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    drills_file(plant, "bad", SCENARIO.replace("spill", "bad", 1).replace("unit: mg/l", "uni: x"))
    done = drill(plant, "start", "mill", "bad")
    assert done.returncode == 1 and 'unknown key "uni"' in done.stderr, done.stderr
    started(plant)
    done = drill(plant, "start", "mill", "spill")
    assert done.returncode == 1 and "is running at mill already" in done.stderr
    assert len(plant.entries("drill.started")) == 1


def test_a_drill_outlives_kill_9(plant, bus):
    incident = started(plant)
    rng = random.Random(7)
    for _ in range(6):
        n = len(plant.entries("incident.updated"))
        plant.kill("core")
        if rng.random() < 0.5:  # its file is not needed any more
            (plant.config / "drills" / "spill.yaml").unlink(missing_ok=True)
        core = plant.start_one("core")
        plant.until(lambda pid=core.pid: plant.status().get("pid") == pid and
                    plant.status().get("drills"), "the drill goes on")
        n_now = n + rng.randrange(3)
        plant.until(lambda k=n_now: len(plant.entries("incident.updated")) >= k, "its course")
    plant.until(bus.has_core, "the core is on the bus")
    stopped(plant)
    plant.until(lambda: "incident.ended" in plant.receiver.types(incident), "its end is told")
    assert len(plant.entries("incident.opened")) == len(plant.entries("incident.ended")) == 1
    assert len(plant.entries("drill.started")) == len(plant.entries("drill.stopped")) == 1
    assert not plant.query("SELECT 1 FROM drill")
    check_split(plant)
    # and nothing of it comes back
    plant.kill("core")
    plant.start_one("core")
    plant.until_good("mill/outfall/COD")
    assert plant.status()["drills"] == []


def test_a_drill_outlives_a_reload_or_is_ended_by_it(plant):
    incident = started(plant)
    plant.configure(report_interval="2s")
    plant.reload()
    plant.until_entry("config.loaded", 2)
    n = len(plant.entries("incident.updated"))
    plant.until(lambda: len(plant.entries("incident.updated")) > n, "its course")
    assert not plant.entries("drill.stopped")
    # without its channel it cannot go on
    path = plant.config / "sites.d" / "mill.yaml"
    path.write_text(path.read_text().replace("name: COD,", "name: CSB,")
                    .replace("channel: COD,", "channel: CSB,"))
    plant.reload()
    ended = plant.until_entry("incident.ended", incident=incident)
    assert 'has no "COD"' in ended["reason"]
    assert 'has no "COD"' in plant.until_entry("drill.stopped")["reason"]
    plant.until_entry("config.loaded", 3)
    plant.until(lambda: "incident.ended" in plant.receiver.types(incident), "its end is told")
    plant.check_chain()


def test_a_destination_without_drills(bus):
    with Plant(Device(), bus=bus.address) as plant:
        drills_file(plant)
        path = plant.config / "wastewatch.yaml"
        path.write_text(path.read_text().replace("min-class: limit", "min-class: limit, drills: no"))
        plant.start("core", "poller")
        plant.until(bus.has_core, "the core is on the bus")
        started(plant)
        stopped(plant)
        assert not plant.outbox()
        plant.device.set(NH4=20.0)
        plant.until(plant.outbox, "what is real is reported")
