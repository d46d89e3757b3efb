# SPDX-License-Identifier: Apache-2.0
"""What an alert says to a person, in both languages: whose limit it is, what was released and what
was only measured, where it comes from, and how sure all that is. Every report is judged by the
schema or by xmllint (judge.py)."""

import json
import os
import pathlib
import shutil
import subprocess
import xml.etree.ElementTree as ET

import judge
import pytest

import test_crossing

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("WASTEWATCH_BUILD", "build")


@pytest.fixture(name="replay")
def make_replay(tmp_path):
    """(reports in JSON, alerts) of readings, with limits of the sites exchanged"""
    def replay(changes, seconds=1800, exchanged=(), limits=()):
        conf = tmp_path / "conf"
        shutil.rmtree(conf, ignore_errors=True)
        shutil.copytree(test_crossing.CONF, conf)
        site = conf / "sites.d/valley.yaml"
        text = site.read_text(encoding="utf-8")
        for old, new in exchanged:
            assert old in text
            text = text.replace(old, new)
        site.write_text(text + "".join(limits), encoding="utf-8")
        whole = conf / "wastewatch.yaml"
        whole.write_text(whole.read_text(encoding="utf-8").replace(
            "destinations:\n", "destinations:\n"
            '  - {name: alerts, url: "http://127.0.0.1:2/", format: cap}\n'), encoding="utf-8")
        test_crossing.write(tmp_path / "readings.csv", seconds, changes)
        done = subprocess.run([BUILD / "wastewatch", "replay", "--config", conf, "--reports",
                               tmp_path / "readings.csv"], capture_output=True, timeout=120,
                              check=False, encoding="utf-8")
        assert done.returncode == 0, done.stderr
        bodies = judge.split(done.stdout)
        judge.judge(bodies)
        return ([json.loads(b) for b in bodies if not judge.is_cap(b)],
                [ET.fromstring(b) for b in bodies if judge.is_cap(b)])
    return replay


def said(alert, name, language="en"):
    for info in alert.findall(judge.SPACE + "info"):
        if info.findtext(judge.SPACE + "language") == language:
            return info.findtext(judge.SPACE + name)
    return None


COD = "{channel: COD, class: limit, high: 150, origin: permit, clear-delay: 0s}"
SPILL = {"valley/outfall/COD": [(300, 900, 5000), (500, 700, None)]}


@pytest.mark.parametrize("basis, headline, line, above", [
    ("", "a limit is broken", "limit: at most 150 mg/l", "the limit of 150 mg/l"),
    (", basis: law", "a legal limit is broken", "legal limit: at most 150 mg/l",
     "the legal limit of 150 mg/l"),
    (", basis: permit", "a limit of the permit is broken", "limit of the permit: at most 150 mg/l",
     "the limit of the permit of 150 mg/l"),
    (", basis: own", "a figure of the plant's own is passed",
     "the plant's own figure, which is no legal limit: at most 150 mg/l",
     "the plant's own figure of 150 mg/l"),
])
def test_whose_limit(replay, basis, headline, line, above):
    reports, alerts = replay(SPILL, exchanged=[(COD, COD.replace("permit", "permit" + basis))])
    assert headline in said(alerts[0], "headline")
    ended = said(alerts[-1], "description")
    assert f"; {line} (permit)" in ended and f"kg above {above}; " in ended
    for alert in alerts:
        whole = "".join(alert.itertext())
        assert "allowed" not in whole
        assert ("legal limit is broken" in whole) == (basis == ", basis: law")
    alarm = reports[-1]["data"]["alarms"][0]
    released = next(r for r in reports[-1]["data"]["released"] if r["channel"] == "COD")
    assert alarm.get("basis", "") == released.get("basis", "") == basis[9:]
    assert (released["bound"], released["bound_unit"]) == ("150", "mg/l")


def test_above_the_law_whatever_is_the_plants_own(replay):
    """An own figure below it makes the alarm, and no mass "above the limit"."""
    own = COD.replace("high: 150, origin: permit", "name: own, high: 60, origin: x, basis: own")
    reports, alerts = replay({"valley/outfall/COD": [(300, 900, 100)]}, exchanged=[
        (COD, COD.replace("permit", "permit, basis: law") + "\n      - " + own)])
    released = next(r for r in reports[-1]["data"]["released"] if r["channel"] == "COD")
    assert released["limit"] == "valley/outfall/COD/limit-high" and released["basis"] == "law"
    assert released["bound"] == "150" and released["above"] == "0" and float(released["total"]) > 2
    assert "a figure of the plant's own is passed" in said(alerts[0], "headline")


def test_a_mass_that_nobody_knows(replay):
    """Without a flow there is none, and no unit without a number."""
    reports, alerts = replay({**SPILL, "valley/outfall/flow": [(0, 1800, None)]})
    released = next(r for r in reports[-1]["data"]["released"] if r["channel"] == "COD")
    assert "total" not in released and released["covered_percent"] == 0
    for language, words in (("en", "how much was released is not known; measured for 0 % of"),
                            ("vi-VN", "không xác định được lượng đã thải ra; đo được 0 %")):
        assert words in said(alerts[-1], "description", language)
    assert "COD not known covered 0 %" in "".join(alerts[-1].itertext())


def test_how_sure_a_path_is(replay):
    _, alerts = replay(SPILL)
    for language, covered, note in (
            ("en", "; the release was measured for ", "[1] "),
            ("vi-VN", "; việc thải đo được ", "[1] ")):
        text = said(alerts[-1], "description", language)
        assert covered in text and note in text and " [1" in text
    reports, alerts = replay({"valley/stack/SO2": [(300, 900, 50000)]})
    flags = {f for r in reports for p in r["data"].get("crossing", {}).get("paths", ())
             for f in p["flags"]}
    told = "".join(said(a, "description") for a in alerts)
    assert flags and all(flag in told for flag in flags)


STATION = ('    limits:\n      - {channel: COD, class: limit, high: 12, origin: "QCVN 08", basis: law, '
           "clear-delay: 0s}\n")


def test_a_station_releases_nothing(replay):
    """What the outfall lets go meanwhile, in order, is not of it."""
    reports, alerts = replay({"valley/border-station/COD": [(300, 900, 30)]}, limits=[STATION])
    assert len(reports) >= 2 and not any("released" in r["data"] for r in reports)
    source = next(s for s in reports[0]["data"]["sources"] if s["name"] == "border-station")
    assert source["discharges"] is False
    assert all("discharges" not in s for s in reports[0]["data"]["sources"] if s != source)
    for alert in alerts:
        assert "measured at a station that lets nothing go itself" in said(alert, "headline")
        assert "đo tại trạm quan trắc không xả thải" in said(alert, "headline", "vi-VN")
        assert said(alert, "event") == "Water pollution measured"
        assert "eleased" not in said(alert, "description")
    # but where an outfall is out of its limits, too, it has
    assert alerts[0].findtext(judge.SPACE + "msgType") == "Alert"


def test_station_and_outfall(replay):
    reports, alerts = replay({"valley/border-station/COD": [(300, 900, 30)], **SPILL},
                             limits=[STATION])
    assert "released" in reports[-1]["data"]
    assert "Wastewater incident" in said(alerts[-1], "headline")


def test_what_comes_in(replay):
    reports, alerts = replay({"upriver/station/NH4": [(2400, 3600, 5)]}, 4200)
    assert not any("released" in r["data"] for r in reports)
    source, = reports[0]["data"]["sources"]
    assert (source["inbound_from"], source["inbound_kind"]) == ("Biên giới quốc gia", "national")
    first, last = (said(a, "headline") for a in (alerts[0], alerts[-2]))
    assert first.endswith("; measured in what comes in from abroad (Biên giới quốc gia)")
    assert last.endswith("; it comes from abroad (Biên giới quốc gia), as measured")
    for alert in alerts:
        assert "cross" not in said(alert, "headline")
        assert "nước ngoài" in said(alert, "headline", "vi-VN")
