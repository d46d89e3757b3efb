# SPDX-License-Identifier: Apache-2.0
"""Releases that reach a border: by river, through the air, from solid waste, and from beyond it.

The readings are made here. What must come of them is worked out here once more, from the published
formulas (facts as in ARCHITECTURE.md, "Will it cross") and not from the program's code: mixing,
decay, dispersion, Gaussian plume, Briggs' rise, great circles.
"""

import datetime
import json
import math
import os
import pathlib
import shutil
import subprocess
import xml.etree.ElementTree as ET

import jsonschema
import judge
import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / os.environ.get("WASTEWATCH_BUILD", "build")
CONF = HERE / "crossing" / "conf"
SCHEMA = json.loads((ROOT / "conf/schema/report.schema.json").read_text(encoding="utf-8"))
ZONE = datetime.timezone(datetime.timedelta(hours=7))
START = datetime.datetime(2026, 3, 2, 8, 0, tzinfo=ZONE)
STEP_S, DAY = 10, 86400
EARTH_M = 6371008.8
IN_ORDER = {"valley/stack/SO2": 100, "valley/stack/flow": 60000, "valley/outfall/COD": 50,
            "valley/outfall/flow": 180, "valley/landfill/Pb": 0.1, "valley/landfill/rain": 20,
            "valley/met/wind": 3, "valley/met/direction": 270, "valley/met/class": 4,
            "valley/border-station/COD": 5, "upriver/station/NH4": 0.5,
            "valley/outfall/NH4": 3}


def moment(second):
    return (START + datetime.timedelta(seconds=second)).isoformat(timespec="milliseconds")


def write(path, seconds, changes, without=()):
    """changes: {channel: [(from, to, value), ...]}; a value None is bad quality"""
    with path.open("w", encoding="ascii") as file:
        file.write("time,channel,value,status\n")
        for second in range(0, seconds, STEP_S):
            for channel, usual in IN_ORDER.items():
                if channel in without:
                    continue
                value = usual
                for begin, end, other in changes.get(channel, ()):
                    if begin <= second < end:
                        value = other
                file.write(f"{moment(second)},{channel},{'' if value is None else value},"
                           f"{'02' if value is None else '00'}\n")


@pytest.fixture(name="replay")
def make_replay(tmp_path):
    def replay(seconds, changes, conf=CONF, without=()):
        path = tmp_path / "readings.csv"
        write(path, seconds, changes, without)
        texts = []
        for option in ([], ["--reports"]):
            done = subprocess.run([BUILD / "wastewatch", "replay", "--config", conf, *option, path],
                                  capture_output=True, timeout=120, check=False)
            assert done.returncode == 0, done.stderr.decode()
            texts.append([json.loads(line) for line in done.stdout.splitlines()])
        for report in texts[1]:
            jsonschema.validate(report, SCHEMA)
        return texts
    return replay


def of_type(entries, kind):
    return [e for e in entries if e["type"] == kind]


def paths(report):
    return report["data"].get("crossing", {}).get("paths", [])


def path_to(report, target, method):
    return next(p for p in paths(report) if (p["target"], p["method"]) == (target, method))


def seconds_after_start(text):
    return (datetime.datetime.fromisoformat(text) - START).total_seconds()


def close(text, value, relative=1e-4):
    assert float(text) == pytest.approx(value, rel=relative, abs=1e-4)


# --- by river ---------------------------------------------------------------------------------

# outfall at km 1, border at km 8: 2 km of the first reach and 5 of the second
REACHES = ((2000, (0.5, 1.0), 10, 1, 0.002), (5000, (0.4, 0.8), 15, 1.2, 0.001))


def travel(velocity, reaches=REACHES):
    return sum(length / u[velocity] for length, u, *_ in reaches)


def shear(depth, slope):
    return math.sqrt(9.80665 * depth * slope)


def variance(velocity, reaches=REACHES):
    total = 0
    for length, u, width, depth, slope in reaches:
        v = u[velocity]
        dispersion = 0.011 * v ** 2 * width ** 2 / (depth * shear(depth, slope))
        total += 2 * dispersion * length / v ** 3
    return total


def mixing():
    return sum(0.23 * depth * shear(depth, slope) * length / (u[0] * width ** 2)
               for length, u, width, depth, slope in REACHES)


def passing(duration, rate=0.0, reaches=REACHES, factor=1):
    """what a release of that length comes to, of the plateau of a lasting one, and when: pulses
    exp(-(x-ut)2/4Et - kt)/sqrt(t) of each moment summed up, the best window of all looked for"""
    x = sum(r[0] for r in reaches)
    u = x / travel(0, reaches)
    dispersion = factor * variance(0, reaches) * u ** 3 / (2 * x)
    step = travel(0, reaches) / 8000
    sums = [0.0]
    for i in range(1, 16000):
        t = i * step
        sums.append(sums[-1] + math.exp(-(x - u * t) ** 2 / (4 * dispersion * t) - rate * t) /
                    math.sqrt(t))

    def until(t):  # a straight line between the steps
        i = max(0, min(int(t / step), len(sums) - 2))
        return sums[i] + (sums[i + 1] - sums[i]) * min(1, max(0, t / step - i))
    return max(((until(i * step) - until(i * step - duration)) / sums[-1], i * step)
               for i in range(1, 16000))


RATE = 0.23 * 1.047 ** 5 / DAY


def at_border(begin, lasted, mg_l=2000):
    """the estimate at the border: 180 m3/h of it into 5 m3/s with 4 mg/l, for so long"""
    added = (0.05 * mg_l - 0.05 * 4) / 5.05
    share, when = passing(lasted, RATE)
    return (4 + added * share) * math.exp(-RATE * travel(0)), begin + when


def test_liquid(replay):
    """2,000 mg/l in 180 m3/h, 25 minutes long, into 5 m3/s"""
    begin, end = 300, 1800
    entries, reports = replay(6 * 3600, {"valley/outfall/COD": [(begin, end, 2000)]})
    mixed = (0.05 * 2000 + 5 * 4) / 5.05
    first = next(r for r in reports if path_to_exists(r))
    path = path_to(first, "Biên giới quốc gia", "river")
    # hardly anything was let go yet: if it goes on, it crosses
    assert float(path["inputs"]["lasted_s"]) <= 60
    close(path["concentration"], at_border(begin, float(path["inputs"]["lasted_s"]))[0], 1e-3)
    assert path["verdict"] == "possible"
    assert any("the upper bound as if it went on" in f for f in path["flags"])
    assert path["place"] == "Cửa suối" and path["position"] == {"latitude": "21.5",
                                                                "longitude": "107.05"}
    said = [e for e in of_type(entries, "crossing.assessed")
            if e["boundary"] == "Biên giới quốc gia"]
    assert [e["verdict"] for e in said] == ["possible", "likely", "unlikely"]
    assert all("threshold 15 mg/l; river over 7.0 km to Cửa suối, expected" in e["reason"]
               for e in said)
    assert said[2]["seq"] > of_type(entries, "crossing.refuted")[0]["seq"]
    assert "COD up to 23.1 mg/l if it goes on" in said[0]["reason"]
    close(path["background"], 4 * math.exp(-RATE * travel(0)))
    close(float(path["excess"]), float(path["concentration"]) - float(path["background"]), 1e-3)
    factor = 2 / math.sqrt(4 * math.pi * mixing())
    high = (4 + (mixed - 4) * max(1, factor)) * math.exp(-RATE * travel(1))
    close(path["high"], high)
    close(path["inputs"]["mixing"], mixing())
    close(path["inputs"]["decay_per_day"], RATE * DAY)
    assert any("not yet mixed" in f for f in path["flags"]) == (mixing() < 0.4)
    assert seconds_after_start(path["arrival"]) == pytest.approx(begin + travel(0), abs=1)
    assert seconds_after_start(path["leading_edge"]) == \
        pytest.approx(begin + travel(1) - 2 * math.sqrt(variance(1)), abs=1)
    assert first["data"]["crossing"]["verdict"] == "possible"
    # what was let go reaches the intake's threshold after some minutes, the border's after more
    assert first["data"]["incident"]["level"] == "facility"
    commune, national = of_type(entries, "incident.level")
    assert (commune["level"], national["level"]) == ("commune", "national")
    enough = next(t for t in range(0, 3000, 10) if at_border(0, t)[0] >= 15)
    assert enough - 10 <= seconds_after_start(national["time"]) - begin <= enough + 75
    # the intake lies 1 km below: also said
    intake = path_to(first, "Trạm cấp nước", "river")
    assert (intake["target_kind"], intake["verdict"]) == ("receptor", "possible")
    # when it is over, no more than what was let go
    last = [r for r in reports if r["data"]["incident"]["kind"] == "liquid" and paths(r)][-1]
    path = path_to(last, "Biên giới quốc gia", "river")
    close(path["inputs"]["mass_kg"], 0.05 * 2000 * (end - begin) / 1e3, 0.01)
    close(path["inputs"]["lasted_s"], end - begin, 0.02)
    assert "goes_on" not in path
    central, when = at_border(begin, end - begin)
    close(path["concentration"], central, 0.01)
    assert float(path["low"]) < central < float(path["high"])
    assert seconds_after_start(path["peak_time"]) == pytest.approx(when, abs=30)
    # and nobody saw it at the border
    refuted = of_type(entries, "crossing.refuted")
    assert [(e["boundary"], e["verdict"]) for e in refuted] == [("Biên giới quốc gia", "unlikely")]
    assert seconds_after_start(refuted[0]["time"]) == \
        pytest.approx(end + travel(0) + 2 * math.sqrt(variance(0)), abs=120)


def release_with_a_gap(replay, measured_s, lasts_s, mg_l=2000, conf=CONF):
    """180 m3/h of it; the flow is measured in the first @measured_s seconds only"""
    begin = 300
    return replay(begin + lasts_s, {
        "valley/outfall/COD": [(begin, begin + lasts_s, mg_l)],
        "valley/outfall/flow": [(begin + measured_s, begin + lasts_s, None)]}, conf)


def test_a_gap_in_the_flow_makes_nothing_likely(replay):
    """5 of 55 minutes measured: worked out here from the measured values alone"""
    entries, reports = release_with_a_gap(replay, 300, 3300)
    border = [e for e in of_type(entries, "crossing.assessed")
              if e["boundary"] == "Biên giới quốc gia"]
    # as if it had flowed on like that, it would be national after 20 minutes, see test_enough_does
    assert [e["verdict"] for e in border] == ["possible", "possible"]
    assert ", likely only with what nobody measured; " in border[1]["reason"]
    percent = border[1]["covered_percent"]
    assert f", measured for {percent} % of the time and extrapolated to the rest" in \
        border[1]["reason"]
    assert 0 < percent < 30
    assert [e["level"] for e in of_type(entries, "incident.level")] == ["commune"]
    report = [r for r in reports if path_to_exists(r)][-1]
    path = path_to(report, "Biên giới quốc gia", "river")
    lasted = float(path["inputs"]["lasted_s"])
    # values come every 10 s: trapezoids from the first one beyond the limit to the last with a flow
    measured = 0.05 * 2000 * 290 / 1e3
    close(path["inputs"]["measured_kg"], measured, 1e-3)
    assert path["covered_percent"] == int(100 * 290 / lasted)
    close(path["inputs"]["mass_kg"], measured / 290 * lasted, 1e-3)
    assert path["extrapolated"] is True
    flags = " ".join(path["flags"])
    for part in ("extrapolated at the mean rate", "less of the time than crossing-covered",
                 "likely only with what nobody measured"):
        assert part in flags
    # the estimate has the gap filled, the bound below has nothing in it and spreads the most
    close(path["concentration"], at_border(300, lasted)[0], 2e-3)
    assert at_border(300, lasted)[0] > 15
    within = float(path["inputs"]["measured_in_s"])
    load = measured * 1e3 / within
    wide = passing(within, RATE, factor=4)[0]
    close(path["low"], (4 + (load - 0.05 * 4) / 5.05 * wide) * math.exp(-RATE * travel(0)), 5e-3)
    released = next(r for r in report["data"]["released"] if r["channel"] == "COD")
    close(released["total"], measured, 1e-3)
    # as the entry has it
    said = [e for e in of_type(entries, "crossing.assessed")
            if e["boundary"] == "Trạm cấp nước"][-1]
    assert said["verdict"] == "likely" and said["covered_percent"] == 100


@pytest.mark.parametrize("measured_s", (0, 1200))
def test_nothing_measured_or_enough(replay, measured_s):
    """no flow from the beginning on; and 20 minutes of 4,000 mg/l, more than likely alone takes"""
    entries, reports = release_with_a_gap(replay, measured_s, 3300, 4000)
    last = path_to([r for r in reports if path_to_exists(r)][-1], "Biên giới quốc gia", "river")
    levels = [e["level"] for e in of_type(entries, "incident.level")]
    if measured_s:
        assert levels == ["commune", "national"] and last["verdict"] == "likely"
        return
    assert not levels and last["verdict"] == "possible" and last["covered_percent"] == 0
    close(last["low"], float(last["background"]))
    reasons = [e["reason"] for e in of_type(entries, "crossing.assessed")]
    assert all("to Cửa suối" in r or "river over 1.0 km" in r for r in reasons)


def test_a_gap_in_the_flow_of_a_stack(replay):
    """the flow of five minutes, and the strength of an hour: possible, and why"""
    entries, reports = replay(5400, {"valley/stack/SO2": [(300, 5400, 30000)],
                                     "valley/stack/flow": [(600, 5400, None)]})
    border = [e["verdict"] for e in of_type(entries, "crossing.assessed")
              if e["boundary"] == "Biên giới quốc gia"]
    assert set(border) == {"possible"} and not of_type(entries, "incident.level")
    assert "likely only with what nobody measured" in \
        of_type(entries, "crossing.assessed")[-1]["reason"]
    last = path_to([r for r in reports if paths(r)][-1], "Biên giới quốc gia", "plume")
    lasted = float(last["inputs"]["lasted_s"])
    rate = 30000 * 60000 / 3600 / 1000
    close(last["inputs"]["measured_mean_g_s"], rate * 290 / lasted, 5e-3)
    assert last["covered_percent"] == int(100 * 290 / lasted)
    x, way = distance_to_line(), distance_to_line() / (3 * 4 ** .15)
    close(last["concentration"], plume("D", x, 0, rate, 3) * min(1, lasted / way), 2e-3)
    assert float(last["low"]) == pytest.approx(
        min(plume(c, x, 0, rate * 290 / lasted, 3) for c in "CDE") * min(1, lasted / way), rel=1e-2)


@pytest.mark.parametrize("covered, said", [(1, False), (100, True)])
def test_what_counts_as_covered(replay, tmp_path, covered, said):
    conf = changed(tmp_path, lambda text: text.replace(
        "report-interval: 60s", f"report-interval: 60s\ncrossing-covered: {covered}"))
    _, reports = release_with_a_gap(replay, 300, 1200, conf=conf)
    criteria = next(r for r in reports if path_to_exists(r))["data"]["crossing"]["criteria"]
    assert criteria == {"likely": "1", "possible": "0.1", "hysteresis": "0.2", "here_m": "100",
                        "reach_m": "50000", "covered_percent": covered, "counts": "likely"}
    last = path_to([r for r in reports if path_to_exists(r)][-1], "Biên giới quốc gia", "river")
    assert 1 < last["covered_percent"] < 100
    assert any("crossing-covered" in f for f in last["flags"]) == said


def changed(tmp_path, change):
    conf = tmp_path / "changed"
    shutil.copytree(CONF, conf)
    file = conf / "wastewatch.yaml"
    text = file.read_text(encoding="utf-8")
    assert change(text) != text
    file.write_text(change(text), encoding="utf-8")
    return conf


def test_likely_at_once_however_seldom_reports_are(replay, tmp_path):
    """reports every six hours: the level rises when enough was let go all the same"""
    conf = changed(tmp_path, lambda text: text.replace("report-interval: 60s",
                                                       "report-interval: 6h"))
    entries, reports = replay(3600, {"valley/outfall/COD": [(300, 3600, 2000)]}, conf)
    _, national = of_type(entries, "incident.level")
    enough = next(t for t in range(0, 3000, 10) if at_border(0, t)[0] >= 15)
    assert enough - 10 <= seconds_after_start(national["time"]) - 300 <= enough + 75
    assert all(p["goes_on"] for r in reports for p in paths(r))


def test_villages_do_not_crowd_out_the_border(replay, tmp_path):
    """more paths than are kept, and all of the villages' are worse than the one over the border"""
    village = ("  - {{name: v{0}, title: Làng {0}, kind: village, river: stream, at-km: 2.{0},\n"
               "     thresholds: [{{parameter: COD, in: water, high: 10, unit: mg/l, origin: x}}]}}\n")
    conf = changed(tmp_path, lambda text: text.replace(
        "receptors:\n", "receptors:\n" + "".join(village.format(n) for n in range(1, 10))))
    spill = {"valley/outfall/COD": [(300, 1800, 2000)]}
    alone, _ = replay(6 * 3600, spill)
    entries, reports = replay(6 * 3600, spill, conf)
    levels = [[(e["time"], e["level"]) for e in of_type(some, "incident.level")]
              for some in (entries, alone)]
    assert levels[0][-1] == levels[1][-1] and levels[0][-1][1] == "national"
    ended = [of_type(some, "incident.ended")[0]["time"] for some in (entries, alone)]
    assert ended[0] == ended[1], "it waits for what is on its way to the border"
    with_paths = [r for r in reports if path_to_exists(r)]
    assert all(path_to(r, "Biên giới quốc gia", "river") for r in with_paths)
    assert max(r["data"]["crossing"]["paths_left_out"] for r in with_paths) == 3
    assert all(r["data"]["crossing"]["worst_boundary"]["target"] == "Biên giới quốc gia"
               for r in with_paths)


def test_no_dispersion_known(replay, tmp_path):
    """neither slope nor dispersion: Jobson's unit peak, 1025/T^0.887, from the travel time alone"""
    conf = changed(tmp_path, lambda text: text.replace(", slope: 0.002", "")
                   .replace(", slope: 0.001", ""))
    begin, end = 300, 1800
    _, reports = replay(6 * 3600, {"valley/outfall/COD": [(begin, end, 2000)]}, conf)
    last = [r for r in reports if r["data"]["incident"]["kind"] == "liquid" and paths(r)][-1]
    path = path_to(last, "Biên giới quốc gia", "river")
    base = 2e6 / (1025 * (travel(0) / 3600) ** -0.887)
    share = 1 - (1 - float(path["inputs"]["lasted_s"]) / base) ** 2
    mean = float(path["inputs"]["mass_kg"]) * 1e3 / float(path["inputs"]["lasted_s"])
    close(path["concentration"],
          (4 + (mean - 0.05 * 4) / 5.05 * share) * math.exp(-RATE * travel(0)))
    assert seconds_after_start(path["leading_edge"]) == \
        pytest.approx(begin + 0.890 * travel(1), abs=1)
    assert seconds_after_start(path["tail"]) == \
        pytest.approx(end + 0.890 * travel(0) + base, abs=15)
    assert any("spread along the river by travel time alone" in f for f in path["flags"])
    assert "Jobson 1996" in path["source_text"]


# faults: D7
def test_each_water_has_its_own_limit(replay):
    """One spill, one river: the source's permit, the intake's level A, the border's level B."""
    _, reports = replay(1800, {"valley/outfall/COD": [(300, 1500, 2000)]})
    report = next(r for r in reports if path_to_exists(r))
    alarm, = report["data"]["alarms"]
    assert (alarm["bound"], alarm["origin"]) == ("150", "permit")
    for target, threshold, level in (("Trạm cấp nước", "10", "A"), ("Biên giới quốc gia", "15", "B")):
        path = path_to(report, target, "river")
        assert (path["parameter"], path["threshold"], path["unit"]) == ("COD", threshold, "mg/l")
        assert path["threshold_origin"] == f"QCVN 08:2023/BTNMT, COD, level {level} [M]"


def path_to_exists(report):
    return any((p["target"], p["method"]) == ("Biên giới quốc gia", "river") for p in paths(report))


def test_liquid_confirmed(replay):
    begin = 300
    arrives = int(begin + travel(0))
    entries, reports = replay(5 * 3600, {
        "valley/outfall/COD": [(begin, 5 * 3600, 2000)],
        # once before anything can have come, then in time
        "valley/border-station/COD": [(begin, begin + 600, 30), (arrives, 5 * 3600, 21.5)]})
    confirmed = of_type(entries, "crossing.confirmed")
    assert len(confirmed) == 1 and confirmed[0]["value"] == "21.5"
    assert 0 <= seconds_after_start(confirmed[0]["time"]) - arrives <= 70
    assert confirmed[0]["channel"] == "COD" and confirmed[0]["source"] == "border-station"
    last = reports[-1]["data"]
    assert last["crossing"]["verdict"] == "observed" == last["incident"]["verdict"]
    measured = path_to(reports[-1], "Biên giới quốc gia", "measured")
    assert (measured["concentration"], measured["verdict"]) == ("21.5", "observed")


@pytest.mark.parametrize("cod, flow, verdict", [(440, 100, "unlikely"), (445, 200, "possible")])
def test_example(tmp_path, cod, flow, verdict):
    """the shipped river carries half of its threshold: only what is added counts, a tenth of 10"""
    with (tmp_path / "spill.csv").open("w", encoding="ascii") as file:
        file.write("time,channel,value,status\n")
        for second in range(0, 900, STEP_S):
            values = {"COD": cod if second >= 300 else 60, "NH4": 2, "TSS": 20, "Flow_out": flow}
            for channel, value in values.items():
                file.write(f"{moment(second)},hop-thanh/outfall-1/{channel},{value},00\n")
    done = subprocess.run([BUILD / "wastewatch", "replay", "--config", ROOT / "conf", "--reports",
                           tmp_path / "spill.csv"], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    last = json.loads(done.stdout.splitlines()[-1])
    jsonschema.validate(last, SCHEMA)
    assert last["data"]["crossing"]["verdict"] == verdict
    path = path_to(last, "Thị trấn Thất Khê", "river")
    rate, fast, slow = 0.2 * 1.047 ** 2 / DAY, 21e3 / 1.2 + 46e3 / 1.5, 21e3 / .5 + 46e3 / .6
    load = flow / 3600
    added = (8 * 20 + cod * load) / (20 + load) - 8
    close(path["background"], 8 * math.exp(-rate * slow))
    assert 0 < float(path["excess"]) < added * math.exp(-rate * slow)
    close(path["high"], (8 + added) * math.exp(-rate * fast))
    assert path["verdict"] == verdict == \
        ("possible" if added * math.exp(-rate * fast) >= 1 else "unlikely")
    assert float(path["background"]) > 0.1 * float(path["threshold"])


# --- through the air --------------------------------------------------------------------------

PROFILE = dict(zip("ABCDEF", (.07, .07, .10, .15, .35, .55)))


def sigmas(stability, x):
    a = {"A": .22, "B": .16, "C": .11, "D": .08, "E": .06, "F": .04}[stability]
    y = a * x / math.sqrt(1 + 1e-4 * x)
    z = {"A": .20 * x, "B": .12 * x, "C": .08 * x / math.sqrt(1 + 2e-4 * x),
         "D": .06 * x / math.sqrt(1 + 1.5e-3 * x), "E": .03 * x / (1 + 3e-4 * x),
         "F": .016 * x / (1 + 3e-4 * x)}[stability]
    return y, z


def plume(stability, x, y, rate_g_s, wind10):
    """ground level, ug/m3, of the stack of 40 m: 1.5 m, 12 m/s, 140 °C into 25 °C"""
    u = max(1, wind10 * 4 ** PROFILE[stability])
    ts, ta, vs, d = 413.15, 298.15, 12, 1.5
    buoyancy = 9.80616 * vs * d * d * (ts - ta) / (4 * ts)
    down = max(0, 2 * d * (1.5 - vs / u))
    if stability in "EF":
        s = 9.80616 / ta * {"E": .020, "F": .035}[stability]
        final, far = 2.6 * (buoyancy / (u * s)) ** (1 / 3), 2.0715 * u / math.sqrt(s)
    else:
        final, far = 21.425 * buoyancy ** .75 / u, 49 * buoyancy ** .625
    assert buoyancy < 55
    rise = final if x >= far else min(final, 1.60 * (buoyancy * x * x) ** (1 / 3) / u)
    height = 40 - down + rise
    sy, sz = sigmas(stability, x)
    return 1e6 * rate_g_s / (math.pi * u * sy * sz) * math.exp(-y * y / (2 * sy * sy)) * \
        math.exp(-height ** 2 / (2 * sz * sz))


def distance_to_line(bearing_deg=90):
    """along a great circle from 21.5 N 107.0 E to the meridian 107.05 E"""
    low, high = 0.0, 50000.0
    lat1, b = math.radians(21.5), math.radians(bearing_deg)
    for _ in range(100):
        middle = (low + high) / 2
        angle = middle / EARTH_M
        lat2 = math.asin(math.sin(lat1) * math.cos(angle) +
                         math.cos(lat1) * math.sin(angle) * math.cos(b))
        lon = 107 + math.degrees(math.atan2(math.sin(b) * math.sin(angle) * math.cos(lat1),
                                            math.cos(angle) - math.sin(lat1) * math.sin(lat2)))
        low, high = (middle, high) if lon < 107.05 else (low, middle)
    return low


def test_gas(replay):
    entries, reports = replay(3600, {"valley/stack/SO2": [(300, 3300, 30000)]})
    rate = 30000 * 60000 / 3600 / 1000
    x = distance_to_line()
    way = x / (3 * 4 ** .15)
    steady = plume("D", x, 0, rate, 3)
    of_border = [path_to(r, "Biên giới quốc gia", "plume") for r in reports if paths(r)]
    path, last = of_border[0], of_border[-1]
    close(path["inputs"]["rate_g_s"], rate)
    close(path["distance_m"], x, 1e-4)
    # shorter than its way: no steady plume, and no more than possible
    close(path["inputs"]["steady_ug_m3"], steady, 1e-3)
    close(path["concentration"], steady * float(path["inputs"]["lasted_s"]) / way, 1e-3)
    assert path["verdict"] == "possible"
    assert any("shorter than its way there" in f for f in path["flags"])
    assert float(path["high"]) == pytest.approx(
        max(plume(c, distance_to_line(90 + off), 0, rate, 3)
            for c in "CDE" for off in (-22.5, -10, 0, 10, 22.5)), rel=0.01)
    assert seconds_after_start(path["arrival"]) == pytest.approx(300 + way, abs=2)
    assert [r["data"]["crossing"]["sector"]["bearing_deg"] for r in reports if paths(r)][0] == "90"
    # longer than it
    assert float(last["inputs"]["lasted_s"]) > way > 600
    close(last["concentration"], steady, 1e-3)
    assert float(last["low"]) == pytest.approx(
        min(plume(c, x, 0, rate, 3) for c in "CDE"), rel=1e-3, abs=1e-4)
    assert steady >= 350 and last["verdict"] == "likely"
    assert not any("shorter than its way there" in f for f in last["flags"])
    said = [(e["verdict"], seconds_after_start(e["time"]))
            for e in of_type(entries, "crossing.assessed") if e["boundary"] == "Biên giới quốc gia"]
    assert [v for v, _ in said] == ["possible", "likely"]
    assert 300 + way <= said[1][1] <= 300 + way + 65
    assert "if it goes on, " in of_type(entries, "crossing.assessed")[0]["reason"]


def test_short_gas(replay):
    """half an hour is on its way for 23 minutes; of five minutes nobody says that it is likely"""
    entries, reports = replay(3600, {"valley/stack/SO2": [(300, 600, 30000)]})
    assert {e["verdict"] for e in of_type(entries, "crossing.assessed")} == {"possible"}
    assert not of_type(entries, "incident.level")
    last = path_to([r for r in reports if paths(r)][-1], "Biên giới quốc gia", "plume")
    close(last["inputs"]["lasted_s"], 300, 0.05)
    close(last["concentration"], float(last["inputs"]["steady_ug_m3"]) *
          float(last["inputs"]["lasted_s"]) / float(last["inputs"]["travel_s"]), 1e-3)
    assert not any("as if it went on" in f for f in last["flags"])


@pytest.mark.parametrize("changes, verdict, flag", [
    ({"valley/met/direction": [(0, 3600, 90)]}, "unlikely", "not downwind"),
    ({"valley/met/direction": [(0, 3600, None)]}, "possible", "wind direction not known"),
    ({"valley/met/direction": [(100, 3600, None)]}, None, "wind direction not measured now"),
    ({"valley/met/class": [(0, 3600, None)]}, None, "stability not known"),
    ({"valley/met/wind": [(0, 3600, None)]}, None, "wind speed not known"),
    ({"valley/stack/flow": [(0, 3600, None)]}, "possible", "discharge not known"),
], ids=("away", "no-direction", "old-direction", "no-class", "no-wind", "no-flow"))
def test_gas_with_less_known(replay, changes, verdict, flag):
    entries, reports = replay(1200, {"valley/stack/SO2": [(300, 1200, 30000)], **changes})
    report = [r for r in reports if paths(r)]
    path = next(p for p in paths(report[0]) if p["target"] == "Biên giới quốc gia")
    assert any(flag in f for f in path["flags"]), path
    assert verdict is None or path["verdict"] == verdict
    assert not verdict or report[0]["data"]["incident"]["level"] == "facility"
    if "concentration" not in path:
        assert path["method"] == "distance" and of_type(entries, "crossing.assessed")
        return
    assert float(path["low"]) <= float(path["concentration"]) <= float(path["high"])


@pytest.mark.parametrize("exit_c, cold", [(24, True), (25, False), (140, False)])
def test_cold_gas(replay, tmp_path, exit_c, cold):
    """colder than the air of 25 °C it does not rise by its warmth, and may sink: said"""
    conf = tmp_path / "conf"
    shutil.copytree(CONF, conf)
    site = conf / "sites.d/valley.yaml"
    text = site.read_text(encoding="utf-8")
    assert "exit-temperature: 140\n" in text
    site.write_text(text.replace("exit-temperature: 140\n", f"exit-temperature: {exit_c}\n"),
                    encoding="utf-8")
    _, reports = replay(1200, {"valley/stack/SO2": [(300, 1200, 30000)]}, conf)
    path = path_to(next(r for r in reports if paths(r)), "Biên giới quốc gia", "plume")
    assert any(f.startswith("the gas is colder than the air") for f in path["flags"]) == cold


def test_wind_turns(replay):
    """away from the border at first; when it turns, that is said, once; and it has to get there"""
    entries, _ = replay(2400, {"valley/stack/SO2": [(300, 2400, 30000)],
                               "valley/met/direction": [(0, 1200, 90)]})
    said = [e for e in of_type(entries, "crossing.assessed")
            if e["boundary"] == "Biên giới quốc gia"]
    # that the commune's line has no threshold is said first: more than "unlikely" it is in any case
    assert [e["verdict"] for e in said] == ["possible", "likely"]
    assert 1200 <= seconds_after_start(said[0]["time"]) <= 1265
    reason = said[0]["reason"]
    there = datetime.datetime.fromisoformat(reason[-16:].replace(" ", "T") + "+07:00")
    way = distance_to_line() / (3 * 4 ** .15)
    assert 1200 + way - 60 <= (there - START).total_seconds() <= 1265 + way


# --- solid waste ------------------------------------------------------------------------------

def test_solid(replay):
    """lead in leachate, and a slide that may reach the commune's line 103 m away"""
    entries, reports = replay(3000, {"valley/landfill/Pb": [(300, 1200, 90)]})
    first = next(r for r in reports if paths(r))
    leachate = 0.4 * 0.020 / 3600 * 50000
    mixed = leachate * 90 / (5 + leachate)
    path = path_to(first, "Biên giới quốc gia", "leachate")
    close(path["inputs"]["discharge_m3_s"], leachate, 1e-3)
    # no decay; in ug/l as the law has it
    reported = [path_to(r, "Biên giới quốc gia", "leachate") for r in reports if paths(r)]
    close(reported[0]["concentration"],
          1000 * mixed * passing(float(reported[0]["inputs"]["lasted_s"]),
                                 reaches=((4000, *REACHES[1][1:]),))[0], 1e-2)
    assert float(reported[-1]["concentration"]) > float(reported[0]["concentration"])
    assert float(path["high"]) >= 1000 * mixed - 1e-4  # if it goes on
    assert (path["unit"], path["threshold"]) == ("ug/l", "20")
    # however much rain there is, nobody has measured what flowed
    assert {e["verdict"] for e in of_type(entries, "crossing.assessed")} == {"possible"}
    assert all("covered_percent" not in p and "0" == p["low"] for p in reported)
    assert any("reckoned from the rain" in f for f in reported[-1]["flags"])
    ratio = 10 ** (-0.085 * math.log10(100000) - 0.047)
    slide = path_to(first, "Ranh giới xã", "slide")
    away = EARTH_M * math.radians(0.0010) * math.cos(math.radians(21.5))
    close(slide["distance_m"], away, 1e-3)
    close(slide["inputs"]["reach_m"], 25 / ratio, 1e-3)
    assert 25 / ratio < away < 1.5 * 25 / ratio
    assert (slide["verdict"], slide["target_kind"]) == ("possible", "commune")


# --- from beyond the border -------------------------------------------------------------------

HOURS_S = 8 * 3600


def test_above_before_confirms_nothing(replay):
    """the border has 20 mg/l all day, at a threshold of 15; 1.6 are added by the release"""
    entries, reports = replay(HOURS_S, {"valley/outfall/COD": [(3900, 4500, 160)],
                                        "valley/border-station/COD": [(0, HOURS_S, 20)]})
    assert not of_type(entries, "crossing.confirmed") + of_type(entries, "crossing.refuted")
    assert [e["verdict"] for e in of_type(entries, "crossing.assessed")
            if "neither confirmed nor refuted: above it already before, 20 mg/l" in e["reason"]] \
        == ["possible"]
    assert not [p for r in reports for p in paths(r) if p["verdict"] == "observed"]


def test_a_rise_confirms(replay):
    """half of the 19.7 mg/l that are added, above the 20 that are there before"""
    entries, _ = replay(HOURS_S, {"valley/outfall/COD": [(3900, 15000, 2000)],
                                  "valley/border-station/COD": [(0, 18000, 20),
                                                                (18000, HOURS_S, 36)]})
    assert len(of_type(entries, "crossing.confirmed")) == 1


def inbound(reports):
    return [path_to(r, "Biên giới quốc gia", "inbound") for r in reports
            if any(p["method"] == "inbound" for p in paths(r))]


def test_inbound(replay):
    entries, reports = replay(3600, {"upriver/station/NH4": [(2400, 3600, 5)]})
    suspected = of_type(entries, "inbound.suspected")
    assert [(e["verdict"], e["site"], e["source"]) for e in suspected] == \
        [("observed", "upriver", "station")]
    assert [e["level"] for e in of_type(entries, "incident.level")] == ["national"]
    assert inbound(reports)[-1]["verdict"] == "observed"


# our own limit is on a mean over a day: no alarm of ours stands while it spills
@pytest.mark.parametrize("changes, verdict, says", [
    ({"valley/outfall/NH4": [(1200, 1500, 20)]}, "unlikely", "NH4 out of its limits"),
    ({"valley/outfall/NH4": [(900, 2700, 800)]}, "unlikely", "NH4 out of its limits"),
    ({"valley/outfall/NH4": [(1200, 1500, None)]}, "possible", "NH4 not measured all through"),
], ids=("own", "own-all-the-time", "unmeasured"))
def test_not_inbound(replay, changes, verdict, says):
    entries, reports = replay(2700, {"upriver/station/NH4": [(2400, 2700, 5)], **changes})
    assert not of_type(entries, "inbound.suspected")
    said = [e for e in of_type(entries, "crossing.assessed") if e["site"] == "upriver"]
    assert said[0]["verdict"] == verdict and says in said[0]["reason"]
    assert said[0]["reason"].endswith("valley/outfall")
    assert inbound(reports)[0]["verdict"] == verdict


def test_another_parameter_of_ours(replay):
    """What lets COD go may let ammonium go that our own limit does not see: possible, no more, and
    which limit of ours it was is said. Longer ago than the way takes it is none of its business."""
    entries, reports = replay(2700, {"upriver/station/NH4": [(2400, 2700, 5)],
                                     "valley/outfall/COD": [(1200, 1500, 200)]})
    assert not of_type(entries, "inbound.suspected")
    said = [e for e in of_type(entries, "crossing.assessed") if e["site"] == "upriver"]
    assert [(e["verdict"], e["reason"]) for e in said] == [
        ("possible", "NH4 may be ours, another limit was broken there: valley/outfall, "
         "valley/outfall/COD/limit-high")]
    assert inbound(reports)[-1]["verdict"] == "possible"
    assert "an own source upstream was out of its limits within the travel time" in \
        inbound(reports)[-1]["flags"]
    entries, _ = replay(5400, {"upriver/station/NH4": [(5100, 5400, 5)],
                               "valley/outfall/COD": [(1200, 1500, 200)]})
    assert [e["verdict"] for e in of_type(entries, "inbound.suspected")] == ["observed"]


@pytest.mark.parametrize("old, new, says", [
    ("      - {channel: NH4, class: limit, high: 10, on: mean-24h, origin: permit}\n", "",
     "NH4 not judged, there is no limit of it there: valley/outfall"),
    ("name: NH4,", "name: NO3,", "NH4 not known, it is not measured there: valley/outfall"),
], ids=("no-limit", "not-measured"))
def test_not_known_is_not_in_order(replay, tmp_path, old, new, says):
    conf = tmp_path / "conf"
    shutil.copytree(CONF, conf)
    site = conf / "sites.d/valley.yaml"
    text = site.read_text(encoding="utf-8")
    assert old in text
    site.write_text(text.replace(old, new).replace("channel: NH4", "channel: NO3"),
                    encoding="utf-8")
    entries, reports = replay(2700, {"upriver/station/NH4": [(2400, 2700, 5)]}, conf,
                              without=("valley/outfall/NH4",) if "NO3" in new else ())
    assert not of_type(entries, "inbound.suspected")
    assert not of_type(entries, "incident.level")
    said = [e for e in of_type(entries, "crossing.assessed") if e["site"] == "upriver"]
    assert [(e["verdict"], e["reason"]) for e in said] == [("possible", says)]
    assert inbound(reports)[-1]["verdict"] == "possible"


def station_conf(tmp_path, more):
    """the border station by the river above the border, with a limit of its own"""
    conf = tmp_path / "conf"
    shutil.copytree(CONF, conf)
    site = conf / "sites.d/valley.yaml"
    text = site.read_text(encoding="utf-8")
    assert "    discharges: no # measures the water at the border\n" in text
    site.write_text(text.replace("    discharges: no # measures the water at the border\n", more) +
                    "    limits:\n      - {channel: COD, class: limit, high: 15, origin: QCVN, "
                    "clear-delay: 0s}\n", encoding="utf-8")
    return conf


def test_a_station_lets_nothing_go(replay, tmp_path):
    """its limit is judged, and its breach is an incident; but no mass, and nothing crosses"""
    conf = station_conf(tmp_path, "    discharges: no\n    river: stream\n    at-km: 1\n")
    entries, reports = replay(1800, {"valley/border-station/COD": [(600, 1200, 40)]}, conf)
    [opened] = of_type(entries, "incident.opened")
    assert (opened["site"], opened["kind"]) == ("valley", "liquid")
    assert [e["source"] for e in of_type(entries, "alarm.raised")] == ["border-station"]
    assert not of_type(entries, "crossing.assessed") + of_type(entries, "incident.level")
    assert reports and not [p for r in reports for p in paths(r)]
    # nor of the site's outfall, which was in order: what it let go has nothing to do with it
    assert not [m for r in reports for m in r["data"].get("released", [])]


def test_a_station_confirms(replay, tmp_path):
    """what is out there itself still confirms what our outfall let go"""
    conf = station_conf(tmp_path, "    discharges: no\n    river: stream\n    at-km: 1\n")
    entries, _ = replay(HOURS_S, {"valley/outfall/COD": [(3900, 15000, 2000)],
                                  "valley/border-station/COD": [(0, 18000, 5),
                                                                (18000, HOURS_S, 36)]}, conf)
    assert len(of_type(entries, "crossing.confirmed")) == 1


@pytest.mark.parametrize("more, says", [
    ("    river: stream\n    at-km: 1\n", "is at the source whose release it is to confirm"),
    ("    discharges: no\n    flow: COD\n", "discharges: no says that nothing is"),
    ("    discharges: no\n    stack-height: 3\n", "discharges: no says that nothing is"),
    ("    discharges: never\n", "allowed: yes or no"),
], ids=("without", "flow", "stack", "never"))
def test_a_station_that_is_none(tmp_path, more, says):
    done = subprocess.run([BUILD / "wastewatch", "check", "--config",
                           station_conf(tmp_path, more)], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 1 and says in done.stderr


def test_nothing_comes_from_a_station(tmp_path):
    conf = station_conf(tmp_path, "    discharges: no\n")
    site = conf / "sites.d/upriver.yaml"
    site.write_text(site.read_text(encoding="utf-8").replace("valley/outfall",
                                                             "valley/border-station"),
                    encoding="utf-8")
    done = subprocess.run([BUILD / "wastewatch", "check", "--config", conf], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "valley/border-station lets nothing go (discharges: no)" in done.stderr


def test_inbound_is_withdrawn(replay):
    """the neighbour was accused, and then it turned out that ours was out of order, too"""
    entries, reports = replay(3600, {"upriver/station/NH4": [(2400, 3600, 5)],
                                     "valley/outfall/NH4": [(2700, 3000, 20)]})
    assert len(of_type(entries, "inbound.suspected")) == 1
    said = [e for e in of_type(entries, "crossing.assessed") if e["site"] == "upriver"]
    assert [e["verdict"] for e in said] == ["possible", "unlikely"]  # of the first minute
    assert said[1]["reason"] == ("no longer observed, the level stays; NH4 out of its limits "
                                 "within the travel time: valley/outfall")
    assert [e["level"] for e in of_type(entries, "incident.level")] == ["national"]
    assert [r["data"]["incident"]["level"] for r in reports][-1] == "national"
    last = inbound(reports)[-1]
    assert last["verdict"] == "unlikely" and any("withdrawn" in f for f in last["flags"])


# --- by the mean of a window ------------------------------------------------------------------

@pytest.fixture(name="hourly")
def make_hourly(tmp_path):
    """the valley with its limits on the mean of an hour: [reports], [entries]"""
    conf = tmp_path / "conf"
    shutil.copytree(CONF, conf)
    valley = conf / "sites.d" / "valley.yaml"
    text = valley.read_text(encoding="utf-8")
    for limit in ("{channel: SO2, class: limit,", "{channel: COD, class: limit,"):
        assert limit in text
        text = text.replace(limit, limit + " on: mean-1h,")
    valley.write_text(text, encoding="utf-8")

    def replay(seconds, changes):
        path = tmp_path / "readings.csv"
        write(path, seconds, changes)
        done = subprocess.run([BUILD / "wastewatch", "replay", "--config", conf, "--reports", path],
                              capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr.decode()
        reports = [json.loads(line) for line in done.stdout.splitlines()]
        for report in reports:
            jsonschema.validate(report, SCHEMA)
        return reports
    return replay


def mean_of_hour(usual, other, begin, end):
    return (usual * (3600 - (end - begin)) + other * (end - begin)) / 3600


def test_liquid_by_a_mean(hourly):
    """20 minutes of 2,000 mg/l, in order again for half an hour when the hour is over its limit"""
    reports = hourly(2 * 3600, {"valley/outfall/COD": [(300, 1500, 2000)]})
    mean = mean_of_hour(50, 2000, 300, 1500)
    assert mean == 700
    first = next(r for r in reports if path_to_exists(r))
    path = path_to(first, "Biên giới quốc gia", "river")
    assert "strength and begin from the mean that broke its limit" in path["flags"]
    close(path["inputs"]["concentration_mg_l"], mean)
    close(path["inputs"]["discharge_m3_s"], 0.05, 1e-2)
    # as much as flowed in that hour, whatever flows now
    close(path["inputs"]["mass_kg"], 0.05 * mean * 3.6, 0.01)
    assert seconds_after_start(path["arrival"]) == pytest.approx(travel(0), abs=1)
    # of all that flowed in the hour
    assert {r["from"] for r in first["data"]["released"]} == {first["data"]["released"][0]["from"]}
    released = next(r for r in first["data"]["released"] if r["channel"] == "COD")
    assert seconds_after_start(released["from"]) == 0
    assert released["covered_percent"] >= 99
    # straight lines between the readings: as long up as down, so that the whole is that of steps
    assert float(released["above"]) == pytest.approx(0.05 * (2000 - 150) * 1200 / 1e3, rel=0.01)
    assert float(released["total"]) == pytest.approx(0.05 * mean * 3.6, rel=0.01)


def test_gas_by_a_mean(hourly):
    reports = hourly(5400, {"valley/stack/SO2": [(300, 2400, 8000)]})
    rate = mean_of_hour(100, 8000, 300, 2400) * 60000 / 3600 / 1000
    x = distance_to_line()
    path = path_to(next(r for r in reports if paths(r)), "Biên giới quốc gia", "plume")
    close(path["inputs"]["rate_g_s"], rate, 5e-3)
    close(path["concentration"], plume("D", x, 0, rate, 3), 6e-3)
    assert seconds_after_start(path["arrival"]) == pytest.approx(x / (3 * 4 ** .15), abs=2)
    assert "strength and begin from the mean that broke its limit" in path["flags"]


# --- what cries no wolf -----------------------------------------------------------------------

def test_one_bad_value_raises_no_level(replay):
    """10 s of 4,000 mg/l: it is said, but one bad value makes no national incident"""
    entries, _ = replay(1800, {"valley/outfall/COD": [(600, 610, 4000)]})
    assert of_type(entries, "incident.opened") and of_type(entries, "crossing.assessed")
    assert not of_type(entries, "incident.level")


def test_enough_does(replay):
    """some minutes of it are seen at the intake, twenty of them at the border, too"""
    entries, _ = replay(1800, {"valley/outfall/COD": [(600, 1100, 4000)]})
    assert at_border(0, 500, 4000)[0] < 15 < at_border(0, 1200, 4000)[0]
    assert [e["level"] for e in of_type(entries, "incident.level")] == ["commune"]
    entries, _ = replay(3000, {"valley/outfall/COD": [(600, 1800, 4000)]})
    assert [e["level"] for e in of_type(entries, "incident.level")] == ["commune", "national"]


def test_the_wind_turns_to_and_fro(replay):
    """what was sent to the border has not un-happened when the wind turns for two minutes"""
    turns = [(t, t + 120, 180) for t in range(1200, 6000, 240)]
    entries, _ = replay(6600, {"valley/stack/SO2": [(600, 6600, 8000)],
                               "valley/met/direction": turns})
    border = [e["verdict"] for e in of_type(entries, "crossing.assessed")
              if e["boundary"] == "Biên giới quốc gia"]
    assert 1 <= len(border) <= 2 and border[0] in ("likely", "possible")


# --- in words ---------------------------------------------------------------------------------

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"


def alerts_of(tmp_path, seconds, changes):
    """{destination: [(headlines, certainty, msgType)]} of the valley with CAP destinations"""
    conf = changed(tmp_path, lambda text: text.replace(
        "destinations:\n", "destinations:\n"
        "  - {name: cap, url: \"http://127.0.0.1:1/\", format: cap}\n"
        "  - {name: waterworks, url: \"http://127.0.0.1:1/\", format: cap, receptors: [intake],\n"
        "     min-verdict: likely}\n"
        "  - {name: border-guard, url: \"http://127.0.0.1:1/\", format: cap, receptors: [border],\n"
        "     min-verdict: likely}\n"))
    path = tmp_path / "readings.csv"
    write(path, seconds, changes)
    done = subprocess.run([BUILD / "wastewatch", "replay", "--config", conf, "--reports", path],
                          capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    bodies = judge.split(done.stdout)
    judge.judge(bodies)
    alerts = {}
    for body in filter(judge.is_cap, bodies):
        alert = ET.fromstring(body)
        if "-liquid-" not in alert.findtext(CAP + "identifier"):
            continue
        for info in alert.findall(CAP + "info"):
            began = "Bắt đầu: " if info.findtext(CAP + "language") == "vi-VN" else "Began: "
            words = info.findtext(CAP + "description").split(began)[1]
            assert words[:16] == info.findtext(CAP + "onset")[:16].replace("T", " ")
        alerts.setdefault(alert.findtext(CAP + "identifier").split(".")[-1], []).append(
            ([i.findtext(CAP + "headline") for i in alert.findall(CAP + "info")],
             alert.findtext(f"{CAP}info/{CAP}certainty"), alert.findtext(CAP + "msgType")))
    return alerts


def test_only_a_receptor_is_likely(tmp_path):
    """the intake is likely to be reached, the border no more than possibly"""
    alerts = alerts_of(tmp_path, 1800, {"valley/outfall/COD": [(600, 1100, 4000)]})
    headlines = [h for h, *_ in alerts["cap"]]
    assert all("likely to cross" not in en for _, en in headlines)
    assert headlines[-1][1].endswith("; it may cross a boundary; it is likely to reach Trạm cấp nước")
    assert headlines[-1][0].endswith("; ô nhiễm có thể lan qua ranh giới; "
                                     "nhiều khả năng ô nhiễm lan tới Trạm cấp nước")
    # the waterworks are told from when it is likely there, of nothing else, and the guards are not
    assert "border-guard" not in alerts
    (headline, certainty, kind), *_ = alerts["waterworks"]
    assert (certainty, kind) == ("Likely", "Alert")
    assert headline[1].endswith("; it is likely to reach Trạm cấp nước")
    assert "boundary" not in headline[1] and "ranh giới" not in headline[0]


def test_what_was_refuted_is_not_said_any_more(tmp_path):
    alerts = alerts_of(tmp_path, 6 * 3600, {"valley/outfall/COD": [(300, 1800, 2000)]})
    english = [h[1] for h, *_ in alerts["cap"]]
    assert any("it is likely to cross a boundary" in h for h in english)
    standing = [h for h in english if not h.startswith(("End of alert", "Final"))]
    assert "boundary" not in standing[-1]
    assert standing[-1].endswith("; it is likely to reach Trạm cấp nước")
    assert alerts["border-guard"][0][1] == "Likely"
    assert "likely to cross a boundary" in alerts["border-guard"][0][0][1]


def test_the_reason_names_what_is_reached(replay):
    entries, reports = replay(6 * 3600, {"valley/outfall/COD": [(300, 1800, 2000)]})
    reasons = [e["reason"] for e in of_type(entries, "incident.level")]
    assert reasons == ["crossing: possible at Biên giới quốc gia; reaching Trạm cấp nước: likely",
                       "crossing: likely at Biên giới quốc gia"]
    said = [e["reason"] for e in of_type(entries, "incident.updated")]
    assert "crossing: unlikely at Biên giới quốc gia; reaching Trạm cấp nước: likely" in said
    last = [r for r in reports if r["data"]["incident"]["kind"] == "liquid" and paths(r)][-1]
    assert last["data"]["crossing"]["worst_boundary"] == {"target": "Biên giới quốc gia",
                                                          "verdict": "unlikely"}
    assert last["data"]["crossing"]["worst_receptor"] == {"target": "Trạm cấp nước",
                                                          "verdict": "likely"}
