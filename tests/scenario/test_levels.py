# SPDX-License-Identifier: Apache-2.0
"""Levels and verdicts over time: what counts as seen, what raises a level, and what is left of a
release when it is over.

The valley of test_crossing.py. A level only ever rises, so nothing may raise it that is no crossing:
one bad value, a doubtful one, or what flows in order when the alarms are clear again.
"""

import datetime
import json
import random
import re
import shutil
import subprocess

import pytest
import test_crossing as valley

OUTFALL, FLOW = "valley/outfall/COD", "valley/outfall/flow"
STATION, UPRIVER = "valley/border-station/COD", "upriver/station/NH4"
BORDER, INTAKE = "Biên giới quốc gia", "Trạm cấp nước"
START, STEP_S, HOLD_S = valley.START, valley.STEP_S, 60
SPILL_S = 300
LEVELS = ("facility", "commune", "province", "national")


def changed(tmp_path, *changes):
    """the valley with (file, old, new): old must be there"""
    conf = tmp_path / "conf"
    if not conf.exists():
        shutil.copytree(valley.CONF, conf)
    for file, old, new in changes:
        path = conf / file
        text = path.read_text(encoding="utf-8")
        assert old in text, old
        path.write_text(text.replace(old, new), encoding="utf-8")
    return conf


def write(path, seconds, changes):
    """changes: {channel: [(from, to, value) or (from, to, value, status), ...]}, the last counts.
    Return: {channel: [(second, value, status), ...]}"""
    readings = {channel: [] for channel in valley.IN_ORDER}
    with path.open("w", encoding="ascii") as file:
        file.write("time,channel,value,status\n")
        for second in range(0, seconds, STEP_S):
            for channel, usual in valley.IN_ORDER.items():
                value, status = usual, "00"
                for begin, end, other, *rest in changes.get(channel, ()):
                    if begin <= second < end:
                        value, status = other, rest[0] if rest else "00"
                readings[channel].append((second, value, status))
                file.write(f"{valley.moment(second)},{channel},{value},{status}\n")
    return readings


def run(tmp_path, seconds, changes, conf=valley.CONF):
    """Return: entries, reports, readings"""
    path = tmp_path / "readings.csv"
    readings = write(path, seconds, changes)
    texts = []
    for option in ([], ["--reports"]):
        done = subprocess.run([valley.BUILD / "wastewatch", "replay", "--config", conf, *option,
                               path], capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr.decode()
        texts.append([json.loads(line) for line in done.stdout.splitlines()])
    return *texts, readings


@pytest.fixture(name="replay")
def fixture_replay(tmp_path):
    def replay(seconds, changes, conf=valley.CONF):
        return run(tmp_path, seconds, changes, conf)[:2]
    return replay


def of_type(entries, *kinds):
    return [e for e in entries if e["type"] in kinds]


def levels(entries, kind="liquid"):
    return [e["level"] for e in of_type(entries, "incident.level") if e["kind"] == kind]


def after_start(entry):
    return (datetime.datetime.fromisoformat(entry["time"]) - START).total_seconds()


def path_to(report, target, method):
    return next((p for p in valley.paths(report) if (p["target"], p["method"]) == (target, method)),
                None)


# --- a border station: what comes in -----------------------------------------------------------

def test_one_value_at_the_border_is_no_crossing(replay, tmp_path):
    """ten seconds above, and an alarm that stands for ten minutes: possible, and nothing national"""
    conf = changed(tmp_path, ("sites.d/upriver.yaml", "clear-delay: 0s", "clear-delay: 10min"))
    entries, reports = replay(4800, {UPRIVER: [(2400, 2410, 5)]}, conf)
    assert of_type(entries, "alarm.raised") and not levels(entries)
    assert not of_type(entries, "inbound.suspected")
    said = [e for e in of_type(entries, "crossing.assessed") if e["site"] == "upriver"]
    assert [e["verdict"] for e in said] == ["possible"]
    assert said[0]["reason"] == \
        "out of its limits here for less than a minute so far: too short to be sure"
    assert {p["verdict"] for r in reports for p in valley.paths(r)} == {"possible"}


@pytest.mark.parametrize("readings, seen", [
    ([(2400, 2460, 5)], None),           # the last above is at 50 s
    ([(2400, 2470, 5)], 2460),
    ([(2400, 3000, 5)], 2460),
    ([(2400, 3000, 5), (2430, 2440, 1)], 2500),          # one in order between them
    ([(2400, 2430, 5), (2430, 3000, 5, "02")], None),    # bad ones above prove nothing
    ([(2400, 3000, 5), (2430, 2440, 5, "02")], 2465),    # nor do they speak against it
    ([(t, t + 10, 5) for t in range(2400, 3600, 20)], None),
], ids=("50s", "60s", "on", "broken-off", "bad", "one-bad", "to-and-fro"))
def test_a_minute_at_the_border_is_one(replay, tmp_path, readings, seen):
    conf = changed(tmp_path, ("sites.d/upriver.yaml", "clear-delay: 0s", "clear-delay: 2min"))
    entries, _ = replay(4800, {UPRIVER: readings}, conf)
    suspected = of_type(entries, "inbound.suspected")
    assert levels(entries) == ["national"] * (seen is not None)
    assert len(suspected) == (seen is not None)
    if seen:
        assert seen <= after_start(suspected[0]) <= seen + 10
        assert after_start(of_type(entries, "incident.level")[0]) == after_start(suspected[0])


def test_the_station_has_a_longer_delay(replay, tmp_path):
    conf = changed(tmp_path, ("sites.d/upriver.yaml", "clear-delay: 0s",
                              "raise-delay: 5min, clear-delay: 0s"))
    entries, _ = replay(4800, {UPRIVER: [(2400, 2690, 5), (3000, 3400, 5)]}, conf)
    suspected, = of_type(entries, "inbound.suspected")
    assert 3300 <= after_start(suspected) <= 3310


# --- a station downstream: what was due --------------------------------------------------------

ARRIVES = int(SPILL_S + valley.travel(0))


@pytest.mark.parametrize("readings, limit, seen", [
    ([(0, 10, 40)], None, None),
    ([(0, 60, 40)], None, None),
    ([(0, 70, 40)], None, 60),
    ([(0, 1200, 40, "02")], None, None),
    ([(0, 1200, 40, "02"), (300, 370, 40)], None, 360),
    ([(0, 240, 40)], "raise-delay: 5min", None),
    ([(0, 320, 40)], "raise-delay: 5min", 300),
    # thrice in an hour, or for as long as that hour: neither
    ([(0, 320, 40)], "count: 3, within: 1h", None),
    ([(t, t + 70, 40) for t in (0, 200, 400)], "count: 3, within: 1h", 460),
], ids=("10s", "50s", "60s", "bad", "good-at-last", "delay-short", "delay", "once", "thrice"))
def test_what_confirms(replay, tmp_path, readings, limit, seen):
    conf = changed(tmp_path)
    if limit:
        changed(tmp_path, ("sites.d/valley.yaml", "    discharges: no # measures the water at the "
                           "border\n", "    discharges: no\n    limits:\n      - {channel: COD, "
                           f"class: limit, high: 15, origin: x, clear-delay: 0s, {limit}}}\n"))
    entries, reports = replay(5 * 3600, {
        OUTFALL: [(SPILL_S, 5 * 3600, 2000)],
        STATION: [(ARRIVES + r[0], ARRIVES + r[1], *r[2:]) for r in readings]}, conf)
    confirmed = of_type(entries, "crossing.confirmed")
    assert len(confirmed) == (seen is not None)
    verdicts = {p["verdict"] for r in reports for p in valley.paths(r) if p["target"] == BORDER}
    assert ("observed" in verdicts) == (seen is not None)
    assert "likely" in verdicts
    if seen:
        assert 0 <= after_start(confirmed[0]) - (ARRIVES // 10 * 10 + seen) <= 20
        lasted = 300 if limit == "raise-delay: 5min" else HOLD_S
        assert f" for {lasted} s while it is due" in confirmed[0]["reason"]


def test_a_spike_neither_confirms_nor_refutes(replay):
    entries, reports = replay(6 * 3600, {OUTFALL: [(SPILL_S, 1800, 2000)],
                                         STATION: [(ARRIVES, ARRIVES + 20, 40)]})
    assert not of_type(entries, "crossing.confirmed", "crossing.refuted")
    assert [e["verdict"] for e in of_type(entries, "crossing.assessed")
            if e["reason"] == "neither confirmed nor refuted: above the threshold, but for less "
            "than 60 s in a row"] == ["likely"]
    measured = path_to(reports[-1], BORDER, "measured")
    assert measured["verdict"] == "possible" and measured["concentration"] == "40"
    assert ARRIVES - 10 <= valley.seconds_after_start(measured["arrival"]) <= ARRIVES + 20


def test_nothing_above_the_threshold_has_no_arrival(replay):
    _, reports = replay(6 * 3600, {OUTFALL: [(SPILL_S, 1800, 2000)]})
    seen = [m for m in (path_to(r, BORDER, "measured") for r in reports) if m]
    assert seen and all("arrival" not in m and "leading_edge" in m for m in seen)
    assert seen[-1]["verdict"] == "unlikely" and seen[-1]["concentration"] == "5"


# --- at the line, and where nobody measures the flow -------------------------------------------

NO_FLOW = ("sites.d/valley.yaml", "    flow: flow\n    river: stream\n", "    river: stream\n")
AT_THE_LINE = ("sites.d/valley.yaml", "    at-km: 1\n", "    at-km: 7.95\n")


@pytest.mark.parametrize("with_flow", (True, False))
@pytest.mark.parametrize("seconds, seen", [(10, False), (50, False), (60, True), (1200, True)])
def test_at_the_line(replay, tmp_path, with_flow, seconds, seen):
    """50 m above the border: national by its place, for water as for gas, but for no bad value"""
    conf = changed(tmp_path, AT_THE_LINE, *(() if with_flow else (NO_FLOW,)),
                   ("sites.d/valley.yaml", "{channel: COD, class: limit, high: 150, origin: permit, "
                    "clear-delay: 0s}", "{channel: COD, class: limit, high: 150, origin: permit, "
                    "clear-delay: 10min}"))
    entries, reports = replay(2400, {OUTFALL: [(SPILL_S, SPILL_S + seconds, 2000)]}, conf)
    verdicts = {p["verdict"] for r in reports for p in valley.paths(r) if p["target"] == BORDER and
                p["source"] == "outfall"}
    assert ("observed" in verdicts) == seen
    assert ("national" in levels(entries)) == seen
    if seen:
        national = next(e for e in of_type(entries, "incident.level") if e["level"] == "national")
        assert SPILL_S + HOLD_S <= after_start(national) <= SPILL_S + HOLD_S + 10
        assert national["reason"] == f"crossing: observed at {BORDER}"


def test_nobody_measures_the_flow(replay, tmp_path):
    """possible, as before; and everybody is told that the level may be too low"""
    conf = changed(tmp_path, NO_FLOW)
    entries, reports = replay(2400, {OUTFALL: [(SPILL_S, 2400, 2000)]}, conf)
    assert not levels(entries)
    low = "flow not measured: the level may be too low"
    updated = [e["reason"] for e in of_type(entries, "incident.updated")]
    assert f"crossing: possible at {BORDER}; {low}" in updated
    assessed = [r["data"]["crossing"] for r in reports if valley.paths(r)]
    assert all(c["flow_not_measured"] is True for c in assessed)
    done = subprocess.run([valley.BUILD / "wastewatch", "check", "--config", conf],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    warned = [line for line in (done.stdout + done.stderr).splitlines()
              if "is not measured: that it crosses" in line]
    assert len(warned) == 1 and 'how much comes from "outfall"' in warned[0] and \
        '"border"' in warned[0] and "valley.yaml:" in warned[0]


def test_with_a_flow_nothing_is_said_of_it(replay):
    entries, reports = replay(2400, {OUTFALL: [(SPILL_S, 2400, 2000)]})
    assert not [r for r in reports if "flow_not_measured" in r["data"].get("crossing", {})]
    assert not [e for e in entries if "flow not measured" in e.get("reason", "")]
    done = subprocess.run([valley.BUILD / "wastewatch", "check", "--config", valley.CONF],
                          capture_output=True, text=True, timeout=60, check=False)
    assert "how much comes from" not in done.stdout + done.stderr


# --- after the end -----------------------------------------------------------------------------

def test_what_flows_in_order_is_no_release(replay, tmp_path):
    """Five minutes of 2,000 mg/l. Then 140 mg/l, within the limit of 150, while the incident waits
    for two hours and for its water: that is judged on, and nothing is added to it."""
    conf = changed(tmp_path, ("wastewatch.yaml", "incident-clear: 10min", "incident-clear: 2h"))
    lasts = 300
    end = SPILL_S + lasts
    entries, reports = replay(6 * 3600, {OUTFALL: [(SPILL_S, end, 2000), (end, 6 * 3600, 140)]},
                              conf)
    kg = 0.05 * (2000 * lasts - (2000 - 140) * 5) / 1e3  # straight line down in the last 10 s
    later = [r for r in reports if valley.paths(r) and
             valley.seconds_after_start(r["timestamp"]) > end + 600]
    assert later
    for report in later:
        path = path_to(report, BORDER, "river")
        released, = [m for m in report["data"]["released"] if m["channel"] == "COD"]
        assert float(released["total"]) == pytest.approx(kg, rel=0.02)
        assert end <= valley.seconds_after_start(released["until"]) <= end + 10
        assert float(path["inputs"]["mass_kg"]) == pytest.approx(kg, rel=0.02)
        assert float(path["inputs"]["lasted_s"]) == pytest.approx(lasts, abs=11)
    central = {path_to(r, BORDER, "river")["concentration"] for r in later}
    assert len(central) == 1, "what was let go does not become more"
    border = [e["verdict"] for e in of_type(entries, "crossing.assessed") if e["boundary"] == BORDER]
    assert "likely" not in border
    # and what is on its way is still waited for and judged
    ended, = of_type(entries, "incident.ended")
    refuted = [e for e in of_type(entries, "crossing.refuted") if e["boundary"] == BORDER]
    assert len(refuted) == 1 and after_start(refuted[0]) <= after_start(ended)
    assert after_start(ended) > end + valley.travel(0)
    masses = {m["channel"]: m for m in ended.get("released", [])}
    assert not masses or float(masses["COD"]["total"]) == pytest.approx(kg, rel=0.02)


def test_a_second_spill_goes_on_from_its_first_value(replay, tmp_path):
    """with a raise delay of two minutes: what was in order between them is left out, what waited
    for the delay is not"""
    conf = changed(tmp_path, ("sites.d/valley.yaml", "high: 150, origin: permit, clear-delay: 0s",
                              "high: 150, origin: permit, raise-delay: 2min, clear-delay: 0s"),
                   ("wastewatch.yaml", "incident-clear: 10min", "incident-clear: 1h"))
    _, reports = replay(3 * 3600, {OUTFALL: [(600, 1200, 2000), (2400, 3000, 1000),
                                             (3600, 3660, 1000)]}, conf)
    last = [r for r in reports if r["data"].get("released")][-1]
    released, = [m for m in last["data"]["released"] if m["channel"] == "COD"]
    # the third is over before its delay is; it was above the limit, and counts until then
    assert float(released["total"]) == pytest.approx(0.05 * (2000 * 600 + 1000 * 660) / 1e3,
                                                     rel=0.02)


# --- whatever comes ----------------------------------------------------------------------------

THRESHOLDS = {STATION: 15, UPRIVER: 2}
MEANING = {OUTFALL: (50, 140, 160, 2000, 6000), STATION: (5, 14, 16, 40), UPRIVER: (.5, 1.9, 2.1, 5),
           FLOW: (0, 60, 180, 400), "valley/stack/SO2": (100, 600, 30000),
           "valley/outfall/NH4": (3, 20), "valley/met/direction": (90, 270, 180),
           "valley/landfill/Pb": (.1, .6, 90)}


def anything(dice, seconds):
    """steps, spikes and doubtful values, of all channels that matter"""
    changes = {}
    for channel, values in MEANING.items():
        at, some = dice.randrange(0, 1800, 10), []
        while at < seconds:
            lasts = dice.choice((10, 10, 20, 50, 60, 70, 120, 300, 900, 1800))
            some.append((at, at + lasts, dice.choice(values), dice.choice(("00",) * 5 + ("02",))))
            at += lasts + dice.choice((10, 60, 300, 600, 1200, 2400))
        changes[channel] = some
    return changes


def longest_run_s(readings, above, until):
    """of good readings above, one after the other; each stands for 15 s at most"""
    longest = covered = 0
    last = None
    for second, value, status in readings:
        if second > until or status != "00":
            continue
        covered = covered + min(second - last, 15) if value > above and last is not None and \
            second - last <= 300 else 0
        last = second if value > above else None
        longest = max(longest, covered)
    return longest


def check_levels(entries, reports):
    """never lower while it is open; a change has an entry, and a report of that moment"""
    level, said = {}, {}
    for entry in of_type(entries, "incident.opened", "incident.level"):
        was, now = level.get(entry["incident"], "facility"), entry.get("level", "facility")
        assert LEVELS.index(now) >= LEVELS.index(was)
        assert entry["type"] == "incident.opened" or now != was
        level[entry["incident"]] = now
        said.setdefault(entry["incident"], []).append((after_start(entry), now))
    reported = {}
    for report in reports:
        incident = report["data"]["incident"]
        at = valley.seconds_after_start(report["timestamp"])
        before = reported.setdefault(incident["id"], [])
        assert not before or LEVELS.index(incident["level"]) >= LEVELS.index(before[-1][1])
        before.append((at, incident["level"]))
    for incident, changes in said.items():
        assert all(change in reported[incident] for change in changes), incident
        # and nothing is reported that no entry says
        assert [now for at, now in sorted(set(reported[incident]))
                if now not in {n for t, n in changes if t <= at}] == []


def check_none_lost(entries, reports):
    """each alarm of the law has an incident, and each incident its first and its last report"""
    opened = [e["incident"] for e in of_type(entries, "incident.opened")]
    assert len(opened) == len(set(opened))
    for entry in of_type(entries, "alarm.raised"):
        assert entry["incident"] in opened
    for ended in of_type(entries, "incident.ended"):
        assert ended["incident"] in opened
    numbers = {}
    for report in reports:
        incident = report["data"]["incident"]
        numbers.setdefault(incident["id"], []).append(incident["update"])
    assert set(numbers) == set(opened)
    for incident, of_incident in numbers.items():
        assert of_incident == list(range(len(of_incident))), incident
        told = [e["update"] for e in entries if e.get("incident") == incident and
                e["type"] in ("incident.updated", "incident.ended")]
        assert told == of_incident[1:]


def check_observed(reports, readings):
    """only what a station has seen for a minute"""
    for report in reports:
        until = valley.seconds_after_start(report["timestamp"])
        for path in valley.paths(report):
            if path["verdict"] != "observed":
                continue
            channel = UPRIVER if path["method"] == "inbound" else STATION
            assert longest_run_s(readings[channel], THRESHOLDS[channel], until) >= HOLD_S, path


@pytest.mark.parametrize("seed", range(6))
def test_whatever_comes(tmp_path, seed):
    dice = random.Random(seed)
    conf = changed(tmp_path, ("wastewatch.yaml", "incident-clear: 10min",
                              f"incident-clear: {dice.choice((1, 10, 30))}min"),
                   ("wastewatch.yaml", "report-interval: 60s",
                    f"report-interval: {dice.choice((10, 60, 600))}s"),
                   ("sites.d/upriver.yaml", "clear-delay: 0s",
                    f"clear-delay: {dice.choice((0, 60, 900))}s"))
    path = conf / "sites.d/valley.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub("clear-delay: 0s",
                           lambda _: f"clear-delay: {dice.choice((0, 30, 600))}s, raise-delay: "
                           f"{dice.choice((0, 20, 90))}s", text), encoding="utf-8")
    entries, reports, readings = run(tmp_path, 2 * 3600, anything(dice, 2 * 3600), conf)
    assert of_type(entries, "incident.opened")
    check_levels(entries, reports)
    check_none_lost(entries, reports)
    check_observed(reports, readings)
