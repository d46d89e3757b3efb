# SPDX-License-Identifier: Apache-2.0
"""The life of an incident in the hands of people: taken notice of, ended, closed with cause and
measures; over kill -9, a reload and the next incident in its place. jsonschema judges the reports.
"""

import json
import os
import pwd
import shutil
import signal

import jsonschema
import pytest
from bus import Bus
from plant import ATTENTION, ROOT, Device, Plant, check_all_told

pytestmark = pytest.mark.skipif(not shutil.which("dbus-daemon"), reason="needs dbus-daemon")
ME = pwd.getpwuid(os.geteuid()).pw_name
# the analyser once more, with the flow that the mass released is reckoned with
WEIR = """\
  - name: weir
    kind: liquid
    level: commune
    flow: Flow
    channels:
      - {name: COD, from: analyser, table: input, address: 0, type: float32, order: ABCD, range: [0, 1000], unit: mg/l, lost-after: 1s}
      - {name: Flow, from: analyser, table: holding, address: 10, type: float32, order: BADC, range: [0, 100], unit: m3/h, lost-after: 1s}
    limits:
      - {channel: COD, class: limit, high: 150, clear-delay: 200ms, origin: permit}
plan: 07/KH-UPSC
command: ca trưởng
contact-phone: +84 205 381 2345
"""
CAUSE, MEASURES = "van xả kẹt", "thay van; \"kiểm tra\" mỗi ca"


@pytest.fixture(name="plant")
def _plant():
    with Bus(everybody=True) as bus, Plant(Device(), bus=bus.address, extra=WEIR) as plant:
        plant.start()
        plant.until(bus.has_core, "the core is on the bus")
        yield plant


def command(plant, *arguments):
    return plant.command(*arguments, "--bus", plant.options["bus"])


def open_one(plant, n):
    plant.device.set(COD=240, NH4=9)
    return plant.until_entry("incident.opened", n)["incident"]


def end_it(plant, ident):
    plant.device.set(COD=50)
    plant.until_entry("incident.ended", incident=ident)


def close(plant, ident):
    return command(plant, "close", ident, "--cause", CAUSE, "--measures", MEASURES)


def row(plant, ident):
    lines = plant.command("incidents", "--json").stdout.splitlines()
    found, = [r for r in map(json.loads, lines) if r["id"] == ident]
    return found


def wait_for_core(plant):
    plant.until(lambda: command(plant, "ack", "mill/none").stderr.startswith(
        "wastewatch: there is no"), "the core answers")


def test_acknowledged_ended_closed(plant):
    first = open_one(plant, 1)
    assert "not acknowledged: wastewatch ack" in plant.command("incidents", "--open").stdout
    done = close(plant, first)
    assert done.returncode == 1 and "is running" in done.stderr
    done = command(plant, "ack", first)
    assert done.returncode == 0, done.stderr
    assert plant.until_entry("incident.acknowledged")["user"] == ME
    assert "was acknowledged by" in command(plant, "ack", first).stderr
    assert row(plant, first)["acknowledged_by"] == ME
    end_it(plant, first)

    # killed, and the next one has taken its place: it waits all the same
    plant.kill("core", signal.SIGKILL)
    listed = plant.command("incidents").stdout
    assert first in listed and "not closed: wastewatch close" in listed
    plant.start_core()
    wait_for_core(plant)
    second = open_one(plant, 2)
    assert second != first
    status = plant.command("status")
    assert status.returncode == ATTENTION
    assert "1 ended and not closed" in status.stdout
    assert json.loads(plant.command("status", "--json").stdout)["incidents_unclosed"] == 1
    plant.reload()
    plant.until(lambda: len(plant.types("config.loaded")) == 3, "the reload")
    done = close(plant, first)
    assert done.returncode == 0, done.stderr
    entry = plant.until_entry("incident.closed")
    assert (entry["incident"], entry["user"], entry["reason"], entry["measures"]) == \
        (first, ME, CAUSE, MEASURES)
    assert (entry["kind"], entry["site"], entry["class"]) == ("liquid", "mill", "limit")
    closed = row(plant, first)
    assert closed["state"] == "closed" and closed["closed_by"] == ME
    assert closed["cause"] == CAUSE and closed["measures"] == MEASURES
    assert row(plant, second)["state"] == "open"
    again = close(plant, first)
    assert again.returncode == 1 and f"was closed by {ME}" in again.stderr
    too_late = command(plant, "ack", first)
    assert too_late.returncode == 1 and "was closed by" in too_late.stderr
    end_it(plant, second)
    assert close(plant, second).returncode == 0
    plant.until_quiet()

    for ident in (first, second):
        types = plant.receiver.types(ident)
        assert types[0] == "incident.opened" and types[-2:] == ["incident.ended", "incident.closed"]
    check_all_told(plant)
    check_shown(plant, first)
    check_reports(plant, first)


def check_shown(plant, ident):
    shown = plant.command("show", ident).stdout
    closed = row(plant, ident)["closed"]
    for text in (f"closed {closed[:10]} {closed[11:19]} by {ME}", f"cause: {CAUSE}",
                 f"measures: {MEASURES}", "level  commune (Art. 123)", "Released\n  weir/COD: ",
                 "kg of it above mill/weir/COD/limit-high", "of that time was measured",
                 "broken for ", "On the spot", "07/KH-UPSC", "ca trưởng", "+84 205 381 2345"):
        assert text in shown, shown


def check_reports(plant, ident):
    schema = json.loads((ROOT / "conf/schema/report.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    for report in plant.receiver.reports():
        validator.validate(report)
    mine = [r for r in plant.receiver.reports() if r["data"]["incident"]["id"] == ident]
    ended, closed = mine[-2]["data"], mine[-1]["data"]
    assert closed["incident"]["closed"] == {
        "cause": CAUSE, "measures": MEASURES, "user": ME,
        "time": closed["incident"]["closed"]["time"]}
    assert closed["incident"]["acknowledged"]["user"] == ME
    assert closed["incident"]["update"] == ended["incident"]["update"] + 1
    assert closed["released"] == ended["released"] and closed["alarms"] == ended["alarms"]
    released, = ended["released"]
    assert (released["source"], released["channel"]) == ("weir", "COD")
    assert 0 < float(released["above"]) < float(released["total"])
    assert 0 < released["covered_percent"] <= 100
    # 240 mg/l at 9 m3/h at the most, for as long as it went on
    assert float(released["total"]) < 240 * 9 / 3.6e6 * 600
    entry, = plant.until(lambda: [e for e in plant.entries("incident.ended")
                                  if e["incident"] == ident], "the end")
    assert entry["released"] == [{k: released[k] for k in
                                  ("source", "channel", "unit", "total", "above",
                                   "covered_percent", "from", "until")} |
                                 {"limit": "mill/weir/COD/limit-high"}]


def test_what_ended_without_configuration_is_closed_too(plant):
    """A site that is taken away while its incident runs: reported, and closed by somebody."""
    ident = open_one(plant, 1)
    plant.configure(limits={})
    text = (plant.config / "sites.d" / "mill.yaml").read_text(encoding="utf-8")
    plant._write(plant.config / "sites.d" / "mill.yaml", text.replace("site: mill", "site: works"))
    plant.reload()
    plant.until_entry("incident.removed", incident=ident)
    done = close(plant, ident)
    assert done.returncode == 0, done.stderr
    plant.until(lambda: plant.receiver.types(ident)[-1] == "incident.closed", "the last report")
    assert row(plant, ident)["state"] == "closed"
