# SPDX-License-Identifier: Apache-2.0
"""Mass released in incidents of two kinds, with a flow meter that is slower than the analyser, a
calibration, dead hours of the meter and rows that are missing.

The readings are made here, and the masses are summed up here from the definitions alone, in
fractions: pairs of good values, straight lines between them, nothing across a gap. So is the time
beyond the limits. The core must say the same, in every report and in the entry of the end.
"""

import bisect
import datetime
import json
import os
import pathlib
import subprocess
from fractions import Fraction

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / os.environ.get("WASTEWATCH_BUILD", "build")
CONF = HERE / "release" / "conf"
ZONE = datetime.timezone(datetime.timedelta(hours=7))
START = datetime.datetime(2026, 3, 2, 6, 0, tzinfo=ZONE)
STEP_S, FLOW_S, LENGTH_S, MINUTE = 10, 30, 5 * 3600, 60
FAULTS = ((7000, 7400),)             # of the flow meter
CALIBRATIONS = ((5000, 5300),)       # of the COD analyser
SILENCES = ((7600, 7800),)            # rows of the flow meter that were never written
MISSING = ((9000, 9040), (9200, 9210))  # rows of COD that were never written
BOUNDS = {"COD": 150, "TSS": 100, "SO2-ref": 500}
FACTORS = {"COD": Fraction(1, 3600 * 1000), "TSS": Fraction(1, 3600 * 1000),
           "SO2-ref": Fraction(1, 3600 * 10**6)}  # mg/l × m3/h, mg/Nm3 × Nm3/h in kg/s


def inside(second, spans):
    return any(a <= second < b for a, b in spans)


def noise(second, prime, width):
    return Fraction(second * prime % 1000, 1000) * width


def cod(s):
    """A wave beyond the bound, later one that is far beyond, and a flicker that is too short."""
    level = 240 if 3600 <= s < 8000 else 420 if 8000 <= s < 8600 else 200 if 2000 <= s < 2040 \
        else 90
    return level + noise(s, 7919, 40)


def tss(s):
    return (130 if 4000 <= s < 6000 else 40) + noise(s, 104729, 20)


def flow(s):
    return 80 + noise(s, 611953, 60) if not 12000 <= s < 12600 else Fraction(0)


def so2(s):
    return (420 if 10000 <= s < 13000 else 150) + noise(s, 15485863, 80)


def oxygen(s):
    return 11 + noise(s, 32452843, 2)


def gas_flow(s):
    return 40000 + noise(s, 49979687, 9000)


def corrected(s):
    """QCVN 19:2024/BTNMT"""
    return so2(s) * (Fraction("20.9") - 7) / (Fraction("20.9") - oxygen(s))


def rows():
    """(second, channel, value, status) as they stand in the file"""
    for s in range(0, LENGTH_S, STEP_S):
        if not inside(s, MISSING):
            yield s, "outfall/COD", cod(s), "01" if inside(s, CALIBRATIONS) else "00"
        yield s, "outfall/TSS", tss(s), "00"
        yield s, "outfall/pH", Fraction(7), "00"
        if s % FLOW_S == 0 and not inside(s, SILENCES):
            yield s, "outfall/Q", flow(s), "02" if inside(s, FAULTS) else "00"
        yield s, "stack/SO2", so2(s), "00"
        yield s, "stack/O2", oxygen(s), "00"
        yield s, "stack/Qn", gas_flow(s), "00"


def good(channel):
    """{second: value} of what counts"""
    values = {s: v for s, name, v, status in rows()
              if name.endswith("/" + channel) and status == "00"}
    return {s: corrected(s) for s in range(0, LENGTH_S, STEP_S)} if channel == "SO2-ref" else values


def pairs(channel):
    """[(second, rate, rate above the bound)]; None where one of both is not good"""
    values, gas = good(channel), channel == "SO2-ref"
    flows = good("Qn" if gas else "Q")
    interval = STEP_S if gas else FLOW_S
    seconds = range(0, LENGTH_S, STEP_S)
    for s in seconds:
        if inside(s, MISSING) and channel == "COD":
            continue  # nobody knows that there should have been one
        last = max(t for t in range(0, s + 1, interval) if gas or not inside(t, SILENCES))
        c, q = values.get(s), flows.get(last)
        if c is None or q is None or 2 * (s - last) > 3 * interval:
            yield s, None, None
        else:
            rate = max(q, 0) * FACTORS[channel]
            if gas:  # what flows out is the gas as measured, not at reference oxygen
                rate *= so2(s) / corrected(s)
            yield s, c * rate, max(c - BOUNDS[channel], 0) * rate


def integral(channel, start, until):
    """(total, above, seconds that had data) from @start to @until"""
    total = above = covered = Fraction(0)
    before = None
    for s, rate, over in pairs(channel):
        if s > until:
            break
        if before and rate is not None and 2 * (s - before[0]) <= 3 * STEP_S and s > start:
            a = max(start, before[0])
            left = Fraction(a - before[0], s - before[0])
            total += (before[1] + left * (rate - before[1]) + rate) / 2 * (s - a)
            above += (before[2] + left * (over - before[2]) + over) / 2 * (s - a)
            covered += s - a
        before = None if rate is None else (s, rate, over)
    return total, above, covered


def second_of(text):
    return int((datetime.datetime.fromisoformat(text) - START).total_seconds())


def moment(second):
    return (START + datetime.timedelta(seconds=second)).isoformat(timespec="milliseconds")


def check_released(released, start, until=None):
    """@start: {channel: second} where it began to count"""
    assert [r["channel"] for r in released] == list(start)
    for r in released:
        channel = r["channel"]
        if until is None:
            assert second_of(r["from"]) == start[channel]
        stop = until or second_of(r["until"])
        total, above, covered = integral(channel, start[channel], stop)
        assert r["covered_percent"] == int(100 * covered / (stop - start[channel])), r
        assert abs(float(r["total"]) - float(total)) <= 1e-4 * max(1, float(total)), (r, total)
        assert abs(float(r["above"]) - float(above)) <= 1e-4 * max(1, float(above)), (r, above)


@pytest.fixture(scope="module", name="said")
def _said(tmp_path_factory):
    path = tmp_path_factory.mktemp("release") / "readings.csv"
    with path.open("w", encoding="ascii") as file:
        file.write("time,channel,value,status\n")
        for second, channel, value, status in rows():
            file.write(f"{moment(second)},mill/{channel},{float(value)!r},{status}\n")

    def replay(*options):
        done = subprocess.run([BUILD / "wastewatch", "replay", "--config", CONF, *options, path],
                              capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return [json.loads(line) for line in done.stdout.splitlines()]
    return {"entries": replay(), "reports": replay("--reports")}


def entries(said, kind, name):
    return [e for e in said["entries"] if e["type"] == name and e.get("kind") == kind]


def starts(said, kind):
    opened, = entries(said, kind, "incident.opened")
    at = second_of(opened["time"])
    if kind == "gas":
        return {"SO2-ref": at}
    # the opening alarm waited for a minute: its values count from the first beyond the bound
    first = min(s for s, v in good("COD").items() if v > 150 and s > 3000)
    assert (first, at) == (3600, 3660) and opened["since"] == moment(first)
    # the mean of the minute from 4000 s on is the first above 100: its sums go on from its start,
    # but the incident was open already, and what counts longer stays
    return {"COD": first, "TSS": at}


@pytest.mark.parametrize("kind", ["liquid", "gas"])
def test_masses_of_the_end(said, kind):
    ended, = entries(said, kind, "incident.ended")
    # what flows in order after the last alarm has cleared is no release
    until = max(second_of(e["time"]) for e in said["entries"] if e["type"] == "alarm.cleared" and
                e.get("incident") == ended["incident"] and e["class"] != "warning")
    check_released(ended["released"], starts(said, kind), until)
    covered = {r["channel"]: r["covered_percent"] for r in ended["released"]}
    assert 0 < min(covered.values()) and (kind == "gas") == (covered.get("SO2-ref") == 100)


@pytest.mark.parametrize("kind", ["liquid", "gas"])
def test_masses_of_every_report(said, kind):
    reports = [r["data"] for r in said["reports"] if r["data"]["incident"]["kind"] == kind]
    with_masses = [r for r in reports if "released" in r]
    assert len(with_masses) >= (13 if kind == "liquid" else 5)
    assert [r["incident"]["update"] for r in reports if "released" not in r] == \
        ([] if kind == "liquid" else [0])
    begins = starts(said, kind)
    for report in with_masses:
        # what opens by its own value has no mass yet, the others have no time to be about
        some = {r["channel"]: begins[r["channel"]] for r in report["released"]}
        check_released(report["released"], some)


def test_time_beyond_the_limits(said):
    """A value beyond the bound counts until the next good one, 15 s at most; a mean its minute."""
    last = [r["data"] for r in said["reports"] if r["type"] == "incident.ended"]
    alarms = {a["limit"]: a for r in last for a in r["alarms"]}
    for name, channel, bound in (("outfall/COD/limit-high", "COD", 150),
                                 ("outfall/COD/emergency-high", "COD", 300),
                                 ("stack/SO2-ref/limit-high", "SO2-ref", 500)):
        values = sorted(good(channel).items())
        seconds = [s for s, _ in values]
        beyond = 0
        for s, value in values:
            after = bisect.bisect_right(seconds, s)
            if value > bound and s > 3000 and after < len(seconds):
                beyond += min(Fraction(seconds[after] - s), Fraction(3 * STEP_S, 2))
        assert alarms["mill/" + name]["duration_s"] == int(beyond), name
    means = [sum(tss(s) for s in range(m, m + MINUTE, STEP_S)) / 6
             for m in range(0, LENGTH_S, MINUTE)]
    assert alarms["mill/outfall/TSS/limit-high"]["duration_s"] == \
        MINUTE * sum(mean > 100 for mean in means)


def test_level_and_roster(said):
    opened, = entries(said, "liquid", "incident.opened")
    assert opened["level"] == "commune"
    assert "level" not in entries(said, "gas", "incident.opened")[0]
    for report in said["reports"]:
        data = report["data"]
        assert data["incident"]["level"] == \
            ("commune" if data["incident"]["kind"] == "liquid" else "facility")
        assert data["response"] == {
            "plan": "07/KH-UPSC, 2026", "command": "Giám đốc nhà máy, ca trưởng",
            "forces": "12 người, đội ứng phó tại chỗ", "means": "2 máy bơm, phao quây 200 m",
            "supplies": "1 t vôi, 200 kg than hoạt tính",
            "contact": {"name": "Nguyễn Thị Lan", "phone": "+84 205 381 2345",
                        "email": "lan@mill.vn"}}


def test_reports_are_valid(said):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "conf/schema/report.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    assert len(said["reports"]) >= 19
    for report in said["reports"]:
        validator.validate(report)
