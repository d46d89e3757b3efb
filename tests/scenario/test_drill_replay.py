# SPDX-License-Identifier: Apache-2.0
"""wastewatch replay --drill: what is real stays to the byte what it was without the drill, and the
scenarios that are shipped do at a plant what they are for."""

import datetime
import json
import os
import pathlib
import shutil
import subprocess

import jsonschema
import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / os.environ.get("WASTEWATCH_BUILD", "build")
SHIPPED = ROOT / "conf" / "drills"
SCHEMA = json.loads((ROOT / "conf/schema/report.schema.json").read_text(encoding="utf-8"))
ZONE = datetime.timezone(datetime.timedelta(hours=7))
START = datetime.datetime(2026, 3, 2, 8, tzinfo=ZONE)
CHANNEL = "      - {{name: {}, from: u, table: input, address: {}, type: float32, " \
          "order: ABCD, range: {}, unit: {}, lost-after: 60s}}\n"

MAIN = """\
origin: test
destinations:
  - {name: all, url: "http://127.0.0.1:1/"}
  - {name: quiet, url: "http://127.0.0.1:2/", drills: no}
  - {name: data, url: "ftp://127.0.0.1/in", user: u, password: p}
"""

# (source, kind, channels with range and unit, limits), the same site for all scenarios
SOURCES = (
    ("outfall", "liquid", (("COD", "[0, 450]", "mg/l"), ("Flow", "[0, 200]", "m3/h"),
                           ("NH4", "[0, 50]", "mg/l"), ("pH", "[0, 14]", '""')),
     ("{channel: COD, class: limit, high: 150, origin: permit}",
      "{channel: COD, name: day, class: limit, high: 150, on: mean-24h, origin: permit}",
      "{channel: COD, class: emergency, high: 300, origin: permit}",
      "{channel: Flow, class: limit, high: 100, origin: permit}")),
    ("stack", "gas", (("SO2", "[0, 2000]", "mg/Nm3"),),
     ("{channel: SO2, class: limit, high: 500, on: mean-5min, origin: permit}",
      "{channel: SO2, class: emergency, high: 1000, origin: permit}")),
    ("pond", "solid", (("Level", "[0, 600]", "m"), ("COD", "[0, 1500]", "mg/l"),
                       ("NH4", "[0, 90]", "mg/l")),
     ("{channel: Level, class: emergency, high: 3, origin: permit}",
      "{channel: COD, class: limit, high: 400, origin: permit}",
      "{channel: NH4, class: limit, high: 25, origin: permit}")),
)
STATION = """\
stations:
  - name: NUO1
    file: LS_MILL_NUO1
    destination: data
    parameters: [{channel: outfall/COD, symbol: COD}, {channel: outfall/Flow, symbol: Flow}]
"""
NORMAL = {"outfall/COD": 60, "outfall/Flow": 20, "stack/SO2": 180}


@pytest.fixture(scope="module", name="conf")
def _conf(tmp_path_factory):
    conf = tmp_path_factory.mktemp("drill") / "conf"
    (conf / "sites.d").mkdir(parents=True)
    (conf / "wastewatch.yaml").write_text(MAIN)
    text = ("site: mill\nlinks: [{name: l, tcp: \"127.0.0.1:502\"}]\n"
            "units: [{name: u, link: l, id: 1, interval: 10s}]\nsources:\n")
    address = 0
    for source, kind, channels, limits in SOURCES:
        text += f"  - name: {source}\n    kind: {kind}\n    channels:\n"
        for name, allowed, unit in channels:
            text += CHANNEL.format(name, address, allowed, unit)
            address += 2
        text += "    limits:\n" + "".join(f"      - {line}\n" for line in limits)
    (conf / "sites.d" / "mill.yaml").write_text(text + STATION)
    return conf


@pytest.fixture(scope="module", name="csv")
def _csv(tmp_path_factory):
    """Four hours; the flow is over its limit for five minutes: that is real."""
    path = tmp_path_factory.mktemp("drill") / "readings.csv"
    with path.open("w", encoding="ascii") as file:
        file.write("time,channel,value,status\n")
        for second in range(0, 4 * 3600 + 10, 10):
            time = (START + datetime.timedelta(seconds=second)).isoformat()
            for channel, value in NORMAL.items():
                if channel == "outfall/Flow" and 1800 <= second < 2100:
                    value = 150
                file.write(f"{time},mill/{channel},{value + second // 10 % 3},00\n")
    return path


def at(minutes):
    return (START + datetime.timedelta(minutes=minutes)).isoformat()


def replay(conf, csv, *options, code=0):
    environment = {**os.environ, "WASTEWATCH_DRILLS": str(SHIPPED)}
    done = subprocess.run([BUILD / "wastewatch", "replay", "--config", conf, *options, csv],
                          capture_output=True, text=True, timeout=120, check=False,
                          env=environment)
    assert done.returncode == code, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()] if code == 0 else done.stderr


def drill(scenario, *minutes, site="mill"):
    return ("--drill", f"{site}:{scenario}@" + ",".join(at(m) for m in minutes))


def plain(entry):
    """What an entry says, but for its place in the chain."""
    return {key: value for key, value in entry.items() if key != "seq"}


@pytest.mark.parametrize("scenario", ["cod-spill", "stack-so2", "leachate"])
def test_what_is_real_stays_as_it_was(conf, csv, scenario):
    without = replay(conf, csv)
    beside = replay(conf, csv, *drill(scenario, 10))
    assert [e["seq"] for e in beside] == list(range(1, len(beside) + 1))
    real = [plain(e) for e in beside if "exercise" not in e]
    assert real == [plain(e) for e in without]
    assert any(e["type"] == "incident.opened" and e["channel"] == "Flow" for e in real)
    assert len(beside) > len(without) + 4
    reports = replay(conf, csv, "--reports", *drill(scenario, 10))
    actual = [r for r in reports if r["data"]["incident"]["status"] == "actual"]

    def body(report):
        """But for where the record stands."""
        return {**report, "data": {k: v for k, v in report["data"].items() if k != "log"}}
    assert [body(r) for r in actual] == [body(r) for r in replay(conf, csv, "--reports")]


def test_no_minute_and_no_file_of_a_drill(conf, csv, tmp_path):
    drilled = drill("cod-spill", 10)
    assert replay(conf, csv, "--minutes", *drilled) == replay(conf, csv, "--minutes")
    for name, options in (("without", ()), ("beside", drilled)):
        replay(conf, csv, "--files", tmp_path / name, *options)
    files = [{p.name: p.read_bytes() for p in (tmp_path / d).rglob("*.txt")}
             for d in ("without", "beside")]
    assert len(files[0]) >= 47 and files[0] == files[1]


@pytest.mark.parametrize("scenario,kind,classes,lost", [
    ("cod-spill", "liquid", {"limit", "emergency"}, 0),
    ("stack-so2", "gas", {"limit", "emergency"}, 1),
    ("leachate", "solid", {"limit", "emergency"}, 0)])
def test_shipped_scenarios_do_what_they_are_for(conf, csv, scenario, kind, classes, lost):
    entries = [e for e in replay(conf, csv, *drill(scenario, 10)) if "exercise" in e]
    types = [e["type"] for e in entries]
    assert types[0] == "drill.started" and types[-1] == "drill.stopped"
    assert entries[0]["name"] == scenario and entries[0]["user"] == "replay"
    assert entries[-1]["reason"] == "its scenario is over"
    assert entries[-1]["time"] == entries[0]["until"]
    assert {e["class"] for e in entries if e["type"] == "alarm.raised"} >= classes
    assert types.count("measurement.lost") == types.count("measurement.restored") == lost
    opened, ended = ([e for e in entries if e["type"] == f"incident.{what}"]
                     for what in ("opened", "ended"))
    assert len(opened) == len(ended) >= 1
    for entry in opened:
        assert entry["incident"].startswith(f"exercise.mill-{kind}-")
        assert entry["incident"].endswith(f"-{entry['seq'] - 1}"), "its first alarm's number"


def test_reports_of_drills(conf, csv):
    validator = jsonschema.Draft202012Validator(SCHEMA)
    reports = replay(conf, csv, "--reports", *drill("stack-so2", 10, 40))
    kinds = {}
    for report in reports:
        validator.validate(report)
        incident = report["data"]["incident"]
        assert (incident["status"] == "exercise") == incident["id"].startswith("exercise.")
        kinds.setdefault(incident["status"], []).append(report["type"])
    # two destinations take what is real, one takes drills
    assert kinds["exercise"].count("incident.opened") == 1
    assert kinds["actual"].count("incident.opened") == 2
    last = [r for r in reports if r["data"]["incident"]["status"] == "exercise"][-1]
    assert last["type"] == "incident.ended"
    assert last["data"]["incident"]["change"] == "the drill has ended: by command"


def test_a_drill_of_a_plant_that_does_not_measure(conf, csv):
    """The pond's channels are not in the file: the scenario's values come all the same."""
    raised = {e["channel"] for e in replay(conf, csv, *drill("leachate", 10))
              if e["type"] == "alarm.raised" and "exercise" in e}
    assert raised == {"Level", "COD", "NH4"}


@pytest.mark.parametrize("options,words", [
    (drill("cod-spil", 1), 'there is no scenario "cod-spil", did you mean "cod-spill"?'),
    (drill("cod-spill", 1, site="mil"), 'there is no site "mil"; there are: mill'),
    (("--drill", "mill:cod-spill"), "it has not three parts"),
    (("--drill", "mill:cod-spill@noon"), "there is no such time"),
])
def test_what_is_refused_says_why(conf, csv, options, words):
    assert words in replay(conf, csv, *options, code=1)


def test_a_copy_beside_the_configuration_goes_first(conf, csv, tmp_path):
    own = tmp_path / "conf"
    shutil.copytree(conf, own)
    (own / "drills").mkdir()
    text = (SHIPPED / "cod-spill.yaml").read_text(encoding="utf-8")
    (own / "drills" / "cod-spill.yaml").write_text(text.replace("duration: 90min",
                                                                "duration: 91min"))
    entries = replay(own, csv, *drill("cod-spill", 10))
    stopped, = [e for e in entries if e["type"] == "drill.stopped"]
    assert stopped["time"].startswith(at(101)[:16])
    (own / "drills" / "cod-spill.yaml").chmod(0o666)
    assert "everybody on this machine may write it" in replay(own, csv, *drill("cod-spill", 10),
                                                              code=1)
