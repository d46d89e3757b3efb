# SPDX-License-Identifier: Apache-2.0
"""--json: each command prints what a program can read, and its fields stand in wastewatch-json(7)."""

import json
import re
import subprocess

import pytest

from bus import Bus
from plant import LIMIT_S, ROOT, Device, Plant, program

COD = "mill/outfall/COD"


@pytest.fixture(scope="module", name="plant")
def make_plant():
    """A plant that has had all of it: an incident that was closed, one that runs, a drill."""
    with Bus() as bus, Plant(Device(), bus=bus.address, incident_clear="1s") as plant:
        plant.start()
        plant.until(bus.has_core, "the core is on the bus")
        plant.device.set(COD=200)
        plant.incident = plant.until_entry("incident.opened")["incident"]
        plant.device.set(COD=50)
        plant.until_entry("incident.ended")
        plant.device.set(NH4=20)
        plant.until_entry("incident.opened", 2)
        plant.until(lambda: plant.status().get("alarms"), "live")
        plant.until_entry("report.delivered")
        yield plant


def sections():
    """{heading: words} of the page"""
    page = (ROOT / "tools" / "man" / "wastewatch-json.7").read_text()
    parts = re.split(r"^\.Ss (.*)$", page, flags=re.M)[1:]
    return {heading: set(re.findall(r"[a-z][a-z0-9_-]*", text))
            for heading, text in zip(parts[::2], parts[1::2])}


def keys_of(value, *, but=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if key not in but:
                yield from keys_of(inner, but=but)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner, but=but)


def documents(text):
    assert text
    return [json.loads(line) for line in text.splitlines()]


def commands(plant):
    act = ("--bus", plant.options["bus"])
    return [
        ("status", ("status",), ("live",)),
        ("channels", ("channels",), ()), ("links", ("links",), ()), ("alarms", ("alarms",), ()),
        ("incidents, show", ("incidents",), ()),
        ("incidents, show", ("show", plant.incident), ("last_report", "entries")),
        ("means", ("means",), ()), ("metrics", ("metrics",), ("labels",)),
        ("outbox list, outbox show", ("outbox", "list", "--all"), ()),
        ("drill list, drill scenarios", ("drill", "scenarios", "--config", str(ROOT / "conf")), ()),
        ("What people do", ("ack", "mill/outfall/NH4", *act), ()),
        ("What people do", ("shelve", "mill/outfall/NH4", "--for", "1h", "--reason", "x", *act), ()),
        ("What people do", ("close", plant.incident, "--cause", "x", "--measures", "y", *act), ()),
        ("What people do", ("outbox", "retry", "department", *act), ()),
        ("What people do", ("drill", "stop", "mill", *act), ()),
        ("What people do", ("record", "seen", *act), ()),
        ("verify", ("verify",), ()),
        ("backup, keygen, check", ("backup", str(plant.dir / "copy.db")), ()),
        ("backup, keygen, check", ("keygen",), ()), ("backup, keygen, check", ("check",), ()),
        ("limits", ("limits", "--config", str(ROOT / "conf")), ("factors",)),
        ("plan", ("plan",), ()),
    ]


def test_each_field_stands_in_the_page(plant):
    page = sections()
    for heading, command, but in commands(plant):
        done = plant.command(*command, "--json")
        assert done.returncode in (0, 1, 4), (command, done.stderr)
        found = set(keys_of(documents(done.stdout), but=but))
        assert found and found <= page[heading], (command, found - page[heading])


def test_what_is_live_stands_in_the_page(plant):
    live = json.loads(plant.command("status", "--json").stdout)["live"]
    page = sections()
    known = page["status.json"] | page["channels"] | page["links"]
    assert set(keys_of(live)) <= known, set(keys_of(live)) - known
    assert live == {**live, **{key: live[key] for key in ("version", "health", "anchors")}}


def test_entries_and_reports_of_a_replay(plant, tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("time,channel,value,status\n" + "".join(
        f"2026-01-01T00:{i // 60:02d}:{i % 60:02d}Z,{COD},200,00\n" for i in range(0, 300, 5)))
    minutes = documents(plant.command("replay", "--minutes", str(rows)).stdout)
    assert set(keys_of(minutes)) <= sections()["replay"]
    for option in ((), ("--reports",)):
        assert all(isinstance(line, dict)
                   for line in documents(plant.command("replay", *option, str(rows)).stdout))


@pytest.mark.parametrize("method", (
    ("river", "--flow-m3-s", "10", "--discharge-m3-s", "1", "--concentration-mg-l", "100"),
    ("boundary", "--lat", "21.87", "--lon", "106.79", "--config", str(ROOT / "conf"))))
def test_assess(method):
    done = subprocess.run([program("wastewatch"), "assess", *method, "--json"], text=True,
                          capture_output=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout), dict)


def test_failures_of_actions_are_data_too(plant):
    for action in (("ack", "mill/none"), ("drill", "stop", "none"), ("outbox", "retry", "none")):
        done = plant.command(*action, "--json", "--bus", plant.options["bus"])
        assert done.returncode == 3, done.stderr
        line, = documents(done.stdout)
        assert line["done"] is False and line["error"] and line["target"]


@pytest.mark.parametrize("command, code", [
    (("show", "none"), 3), (("outbox", "show", "none"), 3), (("ack", "none"), 3), (("dance",), 2),
    (("show",), 2), (("status", "--none"), 2), (("outbox", "hold", "x"), 2), (("shelve", "x"), 2),
    (("incidents", "--state", "/nonexistent"), 3), (("limits", "none"), 3), (("means", "none"), 3),
    (("check", "--date", "x"), 2), (("reload", "--bus", "unix:path=/nonexistent"), 5),
    (("outbox", "retry", "x", "--bus", "unix:path=/nonexistent"), 5),
    (("assess", "dance"), 2), (("assess", "river"), 2), (("assess", "river", "--dance"), 2),
    (("assess", "river", "--flow-m3-s", "x"), 2),
], ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value))
def test_an_error_is_one_object(plant, command, code):
    """On stderr, where it belongs to none of several targets; in English, with the same status."""
    def run(*more):
        if command[0] == "assess":
            return subprocess.run([program("wastewatch"), *command, *more], capture_output=True,
                                  text=True, timeout=LIMIT_S, check=False)
        return plant.command(*command, *more)
    for language in ((), ("--lang", "en")):
        done = run("--json", *language)
        line = (done.stderr or done.stdout).splitlines()[-1]
        said = json.loads(line)
        assert set(said) <= {"error", "action", "target", "done"} and said["error"], done
        assert not done.stderr or (len(done.stderr.splitlines()) == 1 and not done.stdout), done
        assert done.returncode == code, done
        plain = run("--lang", "en")
        assert plain.returncode == code and said["error"] in plain.stderr
