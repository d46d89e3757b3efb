# SPDX-License-Identifier: Apache-2.0
"""wastewatch plan and the arithmetic of serial lines in wastewatch check."""

import json
import os
import pathlib
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from plant import Plant  # noqa: E402

HEAD = """\
site: mill
links:
  - {{name: line, rtu: /dev/serial/by-id/usb-line, baud: 9600}}
  - {{name: net, tcp: "192.0.2.7:502"}}
units:
"""
SOURCE = "sources:\n  - name: outfall\n    kind: liquid\n    channels:\n"


def site(interval_ms, n_units=10, registers=4, extra=""):
    """Units on a line, each with a block of 16-bit registers, and one on the network."""
    text = HEAD.format()
    for i in range(n_units):
        text += (f"  - {{name: u{i}, link: line, id: {i + 1}, interval: {interval_ms}ms, "
                 f"timeout: {min(interval_ms, 200)}ms, quiet: 200ms}}\n")
    text += ("  - name: plc\n    link: net\n    id: 1\n    max-gap: 4\n"
             "    holes: [{table: input, from: 12, to: 12}]\n"
             "    states: [{name: mode, table: discrete, address: 7, type: bit, "
             "rules: [{is: 1, quality: calibrating}]}]\n") + SOURCE
    for i in range(n_units):
        for k in range(registers):
            text += (f"      - {{name: c{i}-{k}, from: u{i}, table: input, address: {k}, "
                     "type: int16, range: [0, 9]}\n")
    for name, address, more in (("a", 10, ", states: [mode]"), ("b", 13, ""), ("c", 16, "")):
        text += (f"      - {{name: {name}, from: plc, table: input, address: {address}, "
                 f"type: float32, range: [0, 9]{more}}}\n")
    return text + extra


@pytest.fixture(name="plant")
def make_plant():
    with Plant() as plant:
        yield plant


def write(plant, text):
    (plant.config / "sites.d" / "mill.yaml").write_text(text)


def test_plan_shows_requests_bytes_and_time(plant):
    write(plant, site(1000))
    done = plant.command("plan")
    assert done.returncode == 0 and not done.stderr, done.stderr
    lines = done.stdout.splitlines()
    assert "mill/line  rtu /dev/serial/by-id/usb-line 9600 8E1" in lines
    # 8 and 5 + 2 × 4 characters of 11 bits, and twice 3.5 characters of silence
    assert any(line.split()[:10] == "input 0-3 4 registers 8 + 13 bytes 32.1 ms".split()
               for line in lines), done.stdout
    assert "  line busy 32.1 % of the time, 49.3 % while its slowest unit is silent; " \
        "devices' own time not counted" in lines
    # the state first; not through the hole; through the gap
    plc = lines[next(i for i, line in enumerate(lines) if "  plc  unit 1" in line) + 1:]
    assert [line.split()[:2] for line in plc] == [
        ["discrete", "7-7"], ["input", "10-11"], ["input", "13-17"]]
    assert "mode (state)" in plc[0] and "1 unused read through" in plc[2]


def test_plan_as_json(plant):
    write(plant, site(1000))
    line, net = json.loads(plant.command("plan", "--json").stdout)
    assert (line["kind"], line["busy_permille"], len(line["units"])) == ("rtu", 320, 10)
    [request] = line["units"][3]["requests"]
    assert request == {"table": "input", "address": 0, "count": 4, "bytes_out": 8, "bytes_in": 13,
                       "time_us": 32085, "read_through": 0,
                       "names": ["c3-0", "c3-1", "c3-2", "c3-3"]}
    assert "busy_permille" not in net
    assert [r["names"] for r in net["units"][0]["requests"]] == [["mode"], ["a"], ["b", "c"]]


@pytest.mark.parametrize("interval_ms, code, words", [
    (1000, 0, ()),
    (390, 0, ("warning: the line \"line\" is busy for 82 %",)),
    (300, 1, ("would be busy for 107.0 %", "u0: every 300 ms 1 requests, 8 + 13 bytes of 11 bits "
              "at 9600 baud take 24.1 ms, silence 8.0 ms, together 10.7 %, and 204.0 ms where it "
              "does not answer;", "allowed: 100 %")),
])
def test_check_refuses_what_a_line_cannot_carry(plant, interval_ms, code, words):
    write(plant, site(interval_ms))
    done = plant.command("check")
    assert done.returncode == code, done.stderr
    for word in words:
        assert word in done.stderr
    if words:
        assert f"{plant.config}/sites.d/mill.yaml:3:5: " in done.stderr
    assert ("The configuration is good" in done.stdout) == (code == 0)
    # the plan is shown all the same: its figures help to mend it
    assert "line busy" in plant.command("plan").stdout


def test_the_daemon_refuses_it_too_and_a_reload_keeps_the_old_plan(plant):
    write(plant, site(300))
    core = plant.start_core()
    assert core.wait(20) != 0
    assert "would be busy for 107.0 %" in plant.log()
    plant.processes.pop("core")
    write(plant, site(1000))
    plant.start_core()
    plant.until_entry("config.loaded")
    write(plant, site(300))
    plant.reload()
    entry = plant.until_entry("config.refused")
    assert "would be busy for 107.0 %" in entry["reason"]


def test_profiles_that_are_in_the_tree_are_found(plant):
    profiles = pathlib.Path(__file__).resolve().parents[2] / "conf" / "profiles"
    (plant.config / "profiles").symlink_to(profiles)
    write(plant, 'site: mill\nlinks: [{name: l, tcp: "192.0.2.7:502"}]\n'
          "units: [{name: u, link: l, id: 1, profile: xylem-magflux}]\n" + SOURCE +
          "      - {name: Flow, from: u, signal: flow, range: [0, 200]}\n")
    done = plant.command("plan")
    assert "xylem-magflux" in done.stdout
    assert "holding    600-601" in done.stdout, done.stdout + done.stderr
