# SPDX-License-Identifier: Apache-2.0
"""Report bodies, judged by the published schema and an independent validator.

The bodies come from `wastewatch replay --reports`: the code is that of production. Set
WASTEWATCH_BUILD to the build directory if it is not build/.
"""

import copy
import datetime
import json
import os
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).parents[2]
WASTEWATCH = ROOT / os.environ.get("WASTEWATCH_BUILD", "build") / "wastewatch"
SCHEMA = json.loads((ROOT / "conf/schema/report.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

# A second site without position, title, units of measure or words: all that may be left out.
BARE = """\
site: bare
links: [{name: l, tcp: "127.0.0.1:502"}]
units: [{name: u, link: l, id: 1}]
sources:
  - name: dump
    kind: solid
    channels: [{name: level, from: u, address: 0, type: int16, range: [-100, 100]}]
    limits:
      - {channel: level, class: warning, low: -1, clear-delay: 0s}
      - {channel: level, class: limit, low: -5, clear-delay: 0s, origin: permit}
"""
MAIN = """\
origin: tests
timezone: "-03:30"
incident-clear: 60s
report-interval: 30s
reporter-name: Ban quản lý cụm công nghiệp Hợp Thành
reporter-address: Hợp Thành, Lạng Sơn
reporter-phone: "+84 205 3 800 000"
reporter-email: truc-ban@example.vn
destinations:
  - {name: all, url: "http://127.0.0.1:1/"}
  - {name: worst, url: "http://127.0.0.1:2/", min-class: emergency}
boundaries:
  - name: china
    file: vietnam-china.geojson
    kind: national
    thresholds:
      - {parameter: SO2, in: air, high: 350, unit: ug/m3, origin: law}
      - {parameter: COD, in: water, high: 15, unit: mg/l, origin: law}
rivers:
  - name: ky-cung
    flow: 20
    reaches: [{length-km: 90, velocity: [0.5, 1], width: 50, depth: 1.5}]
    crosses: [{boundary: china, at-km: 85}]
"""
START = datetime.datetime(2026, 11, 24, 14, 0, tzinfo=datetime.timezone.utc)


def rows():
    """Second, channel, value, status: a spill with a blind stretch, a stack, a dump that slides."""
    for second in range(900):
        cod = 60 + (min(second, 300) if second < 420 else 0)
        if 150 <= second < 260:
            yield second, "hop-thanh/outfall-1/COD", "", "02"
        else:
            yield second, "hop-thanh/outfall-1/COD", f"{cod + 0.123456}", "00"
        yield second, "hop-thanh/outfall-1/pH", "3" if 200 < second < 320 else "7.5", "00"
        yield second, "hop-thanh/stack-1/SO2", "1200" if 100 < second < 130 else "100", "00"
        if 130 < second < 400:
            yield second, "bare/dump/level", "", "01"
        else:
            yield second, "bare/dump/level", "-7.25" if 60 < second < 500 else "0", ""


@pytest.fixture(scope="module", name="lines")
def fixture_lines(tmp_path_factory):
    directory = tmp_path_factory.mktemp("report")
    (directory / "sites.d").mkdir()
    (directory / "wastewatch.yaml").write_text(MAIN, encoding="utf-8")
    (directory / "sites.d/bare.yaml").write_text(BARE, encoding="utf-8")
    (directory / "sites.d/hop-thanh.yaml").write_bytes(
        (ROOT / "conf/sites.d/hop-thanh.yaml").read_bytes())
    for name in ("profiles", "limits", "boundaries"):
        shutil.copytree(ROOT / "conf" / name, directory / name)
    with open(directory / "spill.csv", "w", encoding="utf-8") as file:
        file.write("time,channel,value,status\n")
        for second, channel, value, status in rows():
            time = START + datetime.timedelta(seconds=second)
            file.write(f"{time.isoformat()},{channel},{value},{status}\n")
    done = subprocess.run([WASTEWATCH, "replay", "--config", directory, "--reports",
                           directory / "spill.csv"], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode("utf-8").splitlines()


@pytest.fixture(scope="module", name="bodies")
def fixture_bodies(lines):
    return [json.loads(line) for line in lines]


def test_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_body_is_valid(bodies):
    for body in bodies:
        errors = [f"{list(e.absolute_path)}: {e.message}" for e in VALIDATOR.iter_errors(body)]
        assert not errors, errors


def test_the_run_is_worth_it(bodies):
    """What the schema tells apart was there."""
    assert {b["type"] for b in bodies} == {"incident.opened", "incident.updated",
                                           "incident.ended"}
    incidents = [b["data"]["incident"] for b in bodies]
    assert {i["kind"] for i in incidents} == {"liquid", "gas", "solid"}
    assert {i["class"] for i in incidents} == {"limit", "emergency"}
    alarms = [a for b in bodies for a in b["data"]["alarms"]]
    assert {a["state"] for a in alarms} == {"raised", "cleared"}
    assert {a["class"] for a in alarms} == {"warning", "limit", "emergency"}
    assert {a["side"] for a in alarms} == {"high", "low"}
    assert {a["on"] for a in alarms} == {"value", "mean-1min"}
    channels = [c for b in bodies for c in b["data"]["channels"]]
    assert {c["status"] for c in channels} == {"00", "01", "02"}
    assert {c["lost"] for c in channels} == {True, False}
    assert any("position" not in b["data"]["site"] for b in bodies)
    assert any("advice" not in a for a in alarms)
    assert any("mean_1min" not in c for c in channels)


def test_text_is_canonical(lines):
    """Sorted keys, no spaces, no escapes but those that must be: RFC 8785 for what we write."""
    for line in lines:
        again = json.dumps(json.loads(line), sort_keys=True, separators=(",", ":"),
                           ensure_ascii=False)
        assert line == again


def walk(value, path=()):
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, path + (key,))
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from walk(item, path + (i,))


# faults: D1
def test_no_floats_and_no_nulls(bodies):
    for body in bodies:
        for path, value in walk(body):
            assert value is not None and not isinstance(value, float), path


def test_course(bodies):
    """Of each incident and receiver: opened first, ended last, update and record go up."""
    courses = {}
    for body in bodies:
        courses.setdefault(body["data"]["incident"]["id"], []).append(body)
    for course in courses.values():
        assert course[0]["type"] == "incident.opened"
        assert course[-1]["type"] == "incident.ended"
        updates = [b["data"]["incident"]["update"] for b in course]
        assert updates == sorted(updates)
        seqs = [b["data"]["log"]["seq"] for b in course]
        assert seqs == sorted(seqs)
        assert len({b["data"]["incident"]["opened"] for b in course}) == 1
        assert len({b["data"]["incident"]["first_out"] for b in course}) == 1


def test_local_time(bodies):
    assert all(b["timestamp"].endswith("-03:30") for b in bodies)


def changed(body, path, value, remove=False):
    body = copy.deepcopy(body)
    place = body
    for key in path[:-1]:
        place = place[key]
    if remove:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return body


WORDS = {"title", "cluster", "commune", "province", "unit", "bound_unit", "advice", "change", "origin", "reason",
         "address", "phone", "email",
         "released", "response", "crossing", "above", "total", "cause", "forecast",
         "target", "threshold_origin", "source_text", "place"}


def test_schema_is_strict(bodies):
    """An unknown key is refused in every object, and so is another type of every value."""
    body = max(bodies, key=lambda b: len(json.dumps(b)))
    for path, value in walk(body):
        if isinstance(value, dict):
            assert not VALIDATOR.is_valid(changed(body, path + ("extra",), "x")), path
        if path:
            for other in (None, 1.5, [], {}, "", "-0", "01"):
                if isinstance(value, list) and other == []:
                    continue  # an empty list is a list
                if path[-1] in ("means", "inputs") and other == {}:
                    continue  # no window has ended yet, nothing went into it
                if (path[-1] in WORDS or path[-2:] == ("reporter", "name") or
                        path[:2] == ("data", "response") or path[-2:-1] == ("flags",)) and \
                        isinstance(other, str) and other:
                    continue  # any text will do
                assert not VALIDATOR.is_valid(changed(body, path, other)), (path, other)


OPTIONAL = {"cluster", "commune", "province", "position", "unit", "advice", "first_out",
            "mean_1min", "mean", "5min", "1h", "24h", "nature", "reporter", "address", "phone", "email",
            "released", "response", "crossing", "above", "total", "cause", "forecast", "basis", "flow_not_measured"}


# what is known of a crossing depends on the way
PATH_OPTIONAL = {"criteria", "worst_boundary", "worst_receptor", "paths_left_out", "sector", "parameter", "distance_m", "bearing_deg", "arrival",
                 "leading_edge", "tail", "concentration", "low", "high", "threshold",
                 "threshold_origin", "inputs", "flags", "source_text", "background", "excess",
                 "place"}


def test_schema_wants_all(bodies):
    body = max(bodies, key=lambda b: len(json.dumps(b)))
    for path, _ in walk(body):
        if path[:2] in (("data", "response"), ("data", "released")) and len(path) > 2:
            continue  # the plant says of itself what it likes; of masses see test_masses
        if path and isinstance(path[-1], str):
            valid = VALIDATOR.is_valid(changed(body, path, None, remove=True))
            if path[:2] == ("data", "released") and path[-1] == "unit":
                assert not valid, path  # kg, always
            elif path[-1] in ("above", "limit") and path[:2] == ("data", "released"):
                assert not valid, path  # one without the other
            elif path[-1] in PATH_OPTIONAL or path[-2:-1] == ("inputs",) or \
                    (path[-3:-2] == ("paths",) and path[-1] in ("peak_time", "from")):
                assert valid, path
            elif path[-1] not in OPTIONAL | {"origin", "value", "time"}:
                assert not valid, path
            elif path[-1] in OPTIONAL:
                assert valid, path


@pytest.mark.parametrize("text, good", [
    ("0", True), ("1", True), ("-1", True), ("10", True), ("0.1", True), ("-0.0001", True),
    ("1234567.8901", True), ("100.5", True),
    ("-0", False), ("00", False), ("01", False), ("1.", False), (".5", False), ("1.0", False),
    ("1.50", False), ("1e3", False), ("+1", False), ("1,5", False), ("0.000000000001", True), ("0.0000000000001", False),
    ("0.0", False), ("-0.0", False), ("NaN", False), ("", False), (" 1", False), ("1\n", False),
])
def test_decimal(text, good):
    # ECMA 262's $ is the end of the text; Python's lets a newline stand before it
    schema = {**SCHEMA["$defs"]["decimal"]}
    valid = jsonschema.Draft202012Validator(schema).is_valid(text) and "\n" not in text
    assert valid == good
