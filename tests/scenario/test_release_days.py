# SPDX-License-Identifier: Apache-2.0
"""What incidents of limits on means have let go: the windows that broke them, and no others.

A daily mean that was broken stands for all of the next day, for it takes a day to see that this one
is kept. What flows meanwhile is none of the release, unless that day turns out to be broken, too, or
another limit is. The release of a case is a list of hours here, put down by hand; the masses are
sums over minutes of straight lines between values.
"""

import datetime
import json
import os
import pathlib
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / os.environ.get("WASTEWATCH_BUILD", "build")
CONF = HERE / "release-days" / "conf"
ZONE = datetime.timezone(datetime.timedelta(hours=7))
START = datetime.datetime(2026, 3, 2, tzinfo=ZONE)
HOUR, STEP = 3600, 60
BOUND = {"COD": 150, "TSS": 100}


def moment(second):
    return (START + datetime.timedelta(seconds=second)).isoformat(timespec="milliseconds")


def second_of(text):
    return int((datetime.datetime.fromisoformat(text) - START).total_seconds())


def flow(second):
    return 60 + second // STEP % 7


class Case:
    """@cod, @tss: {hour: value from then on}; values change in steps, so that sums are easy"""

    def __init__(self, tmp_path, hours, cod, tss=None):
        self.levels = {"COD": cod, "TSS": tss or {0: 20}}
        self.seconds = range(0, hours * HOUR, STEP)
        path = tmp_path / "readings.csv"
        with path.open("w", encoding="ascii") as file:
            file.write("time,channel,value,status\n")
            for s in self.seconds:
                for name in ("COD", "TSS"):
                    file.write(f"{moment(s)},mill/outfall/{name},{self.value(name, s)},00\n")
                file.write(f"{moment(s)},mill/outfall/Q,{flow(s)},00\n")
        done = subprocess.run(
            [BUILD / "wastewatch", "replay", "--config", CONF, "--reports", path],
            capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr.decode()
        self.reports = [json.loads(line) for line in done.stdout.splitlines()]
        self.entries = [json.loads(line) for line in subprocess.run(
            [BUILD / "wastewatch", "replay", "--config", CONF, path], capture_output=True,
            timeout=120, check=True).stdout.splitlines()]

    def value(self, name, second):
        return [v for hour, v in sorted(self.levels[name].items()) if hour * HOUR <= second][-1]

    def rate(self, name, second, bound=0):
        return max(self.value(name, second) - bound, 0) * flow(second) / HOUR / 1000

    def mass(self, name, spans, bound=0):
        """kg within @spans, pairs of seconds at whole minutes"""
        return sum((self.rate(name, s, bound) + self.rate(name, s + STEP, bound)) / 2 * STEP
                   for a, b in spans for s in range(a, b, STEP))

    def released(self, report, name):
        return next(r for r in report["data"]["released"] if r["channel"] == name)

    def check(self, report, name, *hours):
        """@hours: what the release is made of, from and until"""
        spans = [(round(a * HOUR), round(b * HOUR)) for a, b in hours]
        got = self.released(report, name)
        where = (report["timestamp"], name, got)
        assert second_of(got["from"]) == spans[0][0], where
        assert second_of(got["until"]) == spans[-1][1], where
        assert float(got["total"]) == pytest.approx(self.mass(name, spans), abs=2e-3), where
        assert float(got["above"]) == pytest.approx(
            self.mass(name, spans, BOUND[name]), abs=2e-3), where
        assert got["covered_percent"] >= 99, where

    def at(self, hour, kind="incident.updated"):
        """the last report up to that hour"""
        return [r for r in self.reports if r["type"] == kind and
                second_of(r["timestamp"]) <= hour * HOUR][-1]


def test_a_clean_day_after_a_broken_one(tmp_path):
    """Day one is 200, day two 60 with two hours of 300, which the day's mean (80) makes up for."""
    case = Case(tmp_path, 50, {0: 200, 24: 60, 34: 300, 36: 60})
    assert [r["type"] for r in case.reports][0] == "incident.opened"
    # the first one is written before the value of 24 h is there
    case.check(case.reports[0], "COD", (0, 24 - STEP / HOUR))
    for report in case.reports[1:]:
        case.check(report, "COD", (0, 24))
        case.check(report, "TSS", (0, 24))
    assert second_of(case.reports[-1]["timestamp"]) == 48.5 * HOUR
    assert case.reports[-1]["type"] == "incident.ended"
    ended = next(e for e in case.entries if e["type"] == "incident.ended")
    cod = ended["released"][0]
    assert (second_of(cod["from"]), second_of(cod["until"])) == (0, 24 * HOUR)


def test_a_second_broken_day(tmp_path):
    """Day two is as bad. Its mean is certain to be above when what is in is above 24 × 150 even
    with 0 for the rest: 200 × h > 3600, after 18 h. From then on it counts as it flows."""
    case = Case(tmp_path, 73, {0: 200, 48: 60}, {0: 20, 41: 120, 42: 20, 42.1: 21})
    last = case.reports[-1]
    assert last["type"] == "incident.ended"
    for name in ("COD", "TSS"):
        case.check(last, name, (0, 48))
    # TSS is above its hour's bound from 17 to 18 h of day two: known at 18 h
    during = [r for r in case.reports if 24.1 * HOUR < second_of(r["timestamp"]) < 42 * HOUR]
    assert all(second_of(case.released(r, "COD")["until"]) == 24 * HOUR for r in during)
    late = case.at(47)
    assert second_of(late["timestamp"]) > 42 * HOUR
    case.check(late, "COD", (0, second_of(case.released(late, "COD")["until"]) / HOUR))
    assert second_of(late["timestamp"]) - second_of(case.released(late, "COD")["until"]) <= STEP


def test_an_hour_of_a_clean_day(tmp_path):
    """Day two is clean but for an hour of TSS: that hour is of the release, of all substances."""
    case = Case(tmp_path, 50, {0: 200, 24: 60}, {0: 20, 34: 150, 35: 20})
    last = case.reports[-1]
    assert last["type"] == "incident.ended"
    for name in ("COD", "TSS"):
        case.check(last, name, (0, 24), (34, 35))


def test_values_of_a_clean_day(tmp_path):
    """Day two has half an hour of COD beyond the emergency bound, and its mean is kept."""
    case = Case(tmp_path, 50, {0: 200, 24: 60, 34: 500, 34.5: 60})
    last = case.reports[-1]
    assert last["type"] == "incident.ended"
    case.check(last, "COD", (0, 24), (34, 34.5))
    case.check(last, "TSS", (0, 24), (34, 34.5))


def test_a_broken_day_with_hours_that_were_known_before(tmp_path):
    """Day two: an hour of TSS at 5 h, COD of 500 from 20 h on, which breaks the day's mean: 16 h of
    60 and 8 h of 500 are 206. Nothing is counted twice."""
    case = Case(tmp_path, 74, {0: 200, 24: 60, 40: 500, 48: 60}, {0: 20, 29: 150, 30: 20})
    before = case.at(39)
    case.check(before, "TSS", (0, 24), (29, 30))
    last = case.reports[-1]
    assert last["type"] == "incident.ended"
    for name in ("COD", "TSS"):
        case.check(last, name, (0, 48))
