# SPDX-License-Identifier: Apache-2.0
"""Which paths an incident has: what is broken and what nothing is known of is never "unlikely"."""

import shutil
import subprocess

import pytest
import test_crossing
from test_crossing import BUILD, CONF, inbound, of_type, path_to, paths
from test_crossing import make_replay  # pylint: disable=unused-import # the fixture "replay"

BORDER, COMMUNE, INTAKE = "Biên giới quốc gia", "Ranh giới xã", "Trạm cấp nước"
NOT_ASSESSED = "not assessed: there is no threshold for this parameter there"
NO_CONCENTRATION = "not measured as a concentration"
COMMUNE_LINES = ("  - name: commune\n    title: Ranh giới xã\n    file: commune.geojson\n"
                 "    kind: commune\n")
PH = "valley/outfall/pH"
NOX = "valley/stack/NOx"


@pytest.fixture(name="conf")
def make_conf(tmp_path, monkeypatch):
    """the valley with pH at the outfall and NOx at the stack, which no threshold is about"""
    conf = tmp_path / "conf"
    shutil.copytree(CONF, conf)
    change(conf / "sites.d/valley.yaml",
           ("      - {name: NH4, from: u, address: 20, type: float32, range: [0, 900], unit: mg/l}\n",
            "      - {name: NH4, from: u, address: 20, type: float32, range: [0, 900], unit: mg/l}\n"
            "      - {name: pH, from: u, address: 22, type: float32, range: [0, 14]}\n"),
           ("      - {channel: NH4, class: limit, high: 10,",
            "      - {channel: pH, class: limit, low: 5.5, origin: permit, clear-delay: 0s}\n"
            "      - {channel: NH4, class: limit, high: 10,"),
           ("      - {name: flow, from: u, address: 2,",
            "      - {name: NOx, from: u, address: 24, type: float32, range: [0, 9000], "
            "unit: mg/Nm3}\n      - {name: flow, from: u, address: 2,"),
           ("      - {channel: SO2,", "      - {channel: NOx, class: limit, high: 850, origin: "
            "permit, clear-delay: 0s}\n      - {channel: SO2,"))
    monkeypatch.setitem(test_crossing.IN_ORDER, PH, 7)
    monkeypatch.setitem(test_crossing.IN_ORDER, NOX, 300)
    return conf


def change(file, *changes):
    text = file.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


def check(conf):
    done = subprocess.run([BUILD / "wastewatch", "check", "--config", conf], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def unjudged(report, target):
    return {p["parameter"]: p for p in paths(report)
            if p["target"] == target and NOT_ASSESSED in p["flags"]}


# --- what has no threshold --------------------------------------------------------------------

@pytest.mark.parametrize("channel, value, targets", [
    (PH, 2, (BORDER, INTAKE)), (NOX, 2900, (BORDER, COMMUNE))], ids=("pH", "NOx"))
def test_what_is_broken_and_has_no_threshold(replay, conf, channel, value, targets):
    """COD and SO2 have thresholds and are in order, which says nothing of pH 2 and NOx 2,900"""
    source, parameter = channel.split("/")[1:]
    entries, reports = replay(1500, {channel: [(300, 900, value)]}, conf)
    with_paths = [r for r in reports if paths(r)]
    assert with_paths
    for report in with_paths:
        assert report["data"]["incident"]["verdict"] == "possible"
        assert report["data"]["crossing"]["verdict"] == "possible"
        assert report["data"]["crossing"]["worst_boundary"]["verdict"] == "possible"
        for target in targets:
            path, = unjudged(report, target).values()
            assert (path["source"], path["parameter"], path["method"], path["verdict"]) == \
                (source, parameter, "distance", "possible")
            assert "concentration" not in path and "threshold" not in path
            assert float(path["distance_m"]) > 0
            assert any(f.startswith(NO_CONCENTRATION) for f in path["flags"]) == (channel == PH)
    # what is in order is computed all the same
    other = path_to(with_paths[-1], BORDER, "river" if channel == PH else "plume")
    assert other["verdict"] == "unlikely"
    said = of_type(entries, "crossing.assessed")
    assert {e["boundary"] for e in said} == set(targets) and len(said) == len(targets)
    for entry in said:
        assert entry["verdict"] == "possible"
        assert f"; not assessed: no threshold for {parameter} at {entry['boundary']}" in \
            entry["reason"]
    assert not of_type(entries, "incident.level")


def test_beside_what_has_one(replay, conf):
    """COD and pH broken together: each has its path, and the worse one counts"""
    entries, reports = replay(3000, {PH: [(300, 3000, 2)],
                                     "valley/outfall/COD": [(300, 3000, 4000)]}, conf)
    last = [r for r in reports if paths(r)][-1]
    assert last["data"]["incident"]["verdict"] == "likely"
    assert path_to(last, BORDER, "river")["verdict"] == "likely"
    assert unjudged(last, BORDER)["pH"]["verdict"] == "possible"
    assert [e["level"] for e in of_type(entries, "incident.level")] == ["commune", "national"]


def test_with_a_threshold_it_is_judged(replay, conf):
    """the same with a threshold: computed, and nothing is left open"""
    change(conf / "wastewatch.yaml",
           ("      - {parameter: SO2, in: air, high: 350, unit: ug/m3,",
            "      - {parameter: NOx, in: air, high: 200, unit: ug/m3, origin: x}\n"
            "      - {parameter: SO2, in: air, high: 350, unit: ug/m3,"))
    _, reports = replay(1500, {NOX: [(300, 900, 900)]}, conf)
    for report in filter(paths, reports):
        assert not unjudged(report, BORDER) and "NOx" in unjudged(report, COMMUNE)
        assert {p["parameter"] for p in paths(report) if p["target"] == BORDER} == {"SO2", "NOx"}


def test_at_reference_oxygen_it_is_the_same_gas(replay, conf):
    """a limit on the corrected NOx is one of NOx: one path, and with a threshold of NOx none"""
    change(conf / "sites.d/valley.yaml",
           ("      - {name: flow, from: u, address: 2,",
            "      - {name: O2, from: u, address: 26, type: float32, range: [0, 21], unit: \"%\"}\n"
            "      - {name: flow, from: u, address: 2,"),
           ("    limits:\n      - {channel: NOx,",
            "    derived:\n      - {name: NOx-7, formula: oxygen, inputs: [NOx, O2], reference: 7, "
            "range: [0, 9000], unit: mg/Nm3}\n"
            "    limits:\n      - {channel: NOx-7, class: limit, high: 850, origin: permit}\n"
            "      - {channel: NOx,"))
    changes = {NOX: [(300, 900, 2900)]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(test_crossing.IN_ORDER, "valley/stack/O2", 7)
        entries, reports = replay(1500, changes, conf)
        assert {e["channel"] for e in of_type(entries, "alarm.raised")} == {"NOx", "NOx-7"}
        last = [r for r in reports if paths(r)][-1]
        assert set(unjudged(last, BORDER)) == {"NOx"}
        assert "NOx-7" not in check(conf)
        change(conf / "wastewatch.yaml",
               ("      - {parameter: SO2, in: air, high: 350, unit: ug/m3,",
                "      - {parameter: NOx, in: air, high: 200, unit: ug/m3, origin: x}\n"
                "      - {parameter: SO2, in: air, high: 350, unit: ug/m3,"))
        _, reports = replay(1500, changes, conf)
        assert not unjudged([r for r in reports if paths(r)][-1], BORDER)


def test_beyond_reach_it_is_not_said_to_be_unlikely(replay, conf):
    """nobody looks farther than crossing-reach: then nothing is said, rather than "unlikely\""""
    change(conf / "wastewatch.yaml", ("report-interval: 60s",
                                      "report-interval: 60s\ncrossing-reach: 1000"),
           (COMMUNE_LINES, ""))
    _, reports = replay(1500, {NOX: [(300, 900, 2900)]}, conf)
    report = [r for r in reports if paths(r)][-1]
    assert unjudged(report, BORDER)["NOx"]["verdict"] == "none"
    assert path_to(report, BORDER, "plume")["verdict"] == "unlikely"
    assert report["data"]["incident"]["verdict"] == "none"
    assert report["data"]["crossing"]["worst_boundary"]["verdict"] == "none"


# --- what has no way --------------------------------------------------------------------------

RIVER = ("    river: stream\n    at-km: 1\n", "")
NO_RIVER = "not assessed: no river configured for this outfall"


def test_without_a_river(replay, conf):
    """nothing of it is assessed: said, with how far what is near is as the crow flies"""
    change(conf / "sites.d/valley.yaml", RIVER)
    entries, reports = replay(1500, {"valley/outfall/COD": [(300, 900, 2000)]}, conf)
    with_paths = [r for r in reports if paths(r)]
    assert with_paths
    for report in with_paths:
        assert {p["method"] for p in paths(report)} == {"distance"}
        path = path_to(report, BORDER, "distance")
        assert (path["verdict"], path["flags"]) == ("none", [NO_RIVER])
        assert float(path["distance_m"]) == pytest.approx(5173, abs=20)
        assert report["data"]["crossing"]["verdict"] == "none"
    assert [e["reason"].split("; ")[1] for e in of_type(entries, "crossing.assessed")] == [NO_RIVER]


def test_without_a_river_and_a_place(replay, conf):
    change(conf / "sites.d/valley.yaml", RIVER, ("position: [21.5, 107.0]\n", ""))
    entries, reports = replay(1500, {"valley/outfall/COD": [(300, 900, 2000)]}, conf)
    path, = [r for r in reports if paths(r)][-1]["data"]["crossing"]["paths"]
    assert (path["verdict"], path["flags"]) == ("none", [NO_RIVER]) and "distance_m" not in path
    assert [e["reason"] for e in of_type(entries, "crossing.assessed")] == [NO_RIVER]


def test_without_a_river_at_the_line(replay, conf):
    """at the line itself it is there, whatever river there is"""
    change(conf / "sites.d/valley.yaml",
           ("    river: stream\n    at-km: 1\n", "    position: [21.5, 107.0499]\n"))
    _, reports = replay(1500, {"valley/outfall/COD": [(300, 900, 2000)]}, conf)
    last = [r for r in reports if paths(r)][-1]
    assert path_to(last, BORDER, "distance")["verdict"] == "observed"
    assert last["data"]["incident"]["level"] == "national"


# --- what check says --------------------------------------------------------------------------

def test_check_says_what_will_not_be_assessed(conf):
    """one line for each source and target, whatever many limits and parameters"""
    said = [line for line in check(conf).splitlines() if "no threshold here is about that" in line]
    assert [line.split(": warning: ")[1].split(", which")[0] for line in said] == [
        "valley/stack has limits of NOx", "valley/stack has limits of SO2, NOx",
        "valley/outfall has limits of NH4", "valley/outfall has limits of NH4"]
    assert all("wastewatch.yaml:" in line and "; allowed: " in line for line in said)
    assert not any(" pH" in line for line in said), "nobody can give a threshold of pH"


def test_check_says_that_an_outfall_has_no_river(conf):
    said = "nobody knows where \"outfall\" flows to"
    assert said not in check(conf)
    change(conf / "sites.d/valley.yaml", RIVER)
    line, = [line for line in check(conf).splitlines() if said in line]
    assert "sites.d/valley.yaml:" in line and "; allowed: " in line


# --- from beyond the border -------------------------------------------------------------------

def test_a_threshold_is_no_limit_of_our_effluent(replay, conf):
    """3 mg/l flow out, which no limit of ours is about; that the river may carry 0.3 is another
    matter: ours is not said to be out of its limits, and not said to be in order either"""
    change(conf / "sites.d/valley.yaml",
           ("      - {channel: NH4, class: limit, high: 10, on: mean-24h, origin: permit}\n", ""))
    change(conf / "wastewatch.yaml",
           ("      - {parameter: SO2, in: air, high: 350, unit: ug/m3,",
            "      - {parameter: NH4, in: water, high: 0.3, unit: mg/l, origin: x}\n"
            "      - {parameter: SO2, in: air, high: 350, unit: ug/m3,"))
    entries, reports = replay(3600, {"upriver/station/NH4": [(2400, 3600, 5)]}, conf)
    assert not of_type(entries, "inbound.suspected") and not of_type(entries, "incident.level")
    said = [e for e in of_type(entries, "crossing.assessed") if e["site"] == "upriver"]
    assert [(e["verdict"], e["reason"]) for e in said] == [
        ("possible", "NH4 not judged, there is no limit of it there: valley/outfall")]
    last = inbound(reports)[-1]
    assert last["verdict"] == "possible"
    assert any("not judged" in f for f in last["flags"])
    assert not any("out of its limits" in f for f in last["flags"])
