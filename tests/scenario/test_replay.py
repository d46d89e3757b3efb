# SPDX-License-Identifier: Apache-2.0
"""wastewatch replay: recorded readings through the same core as in production.

A directory beside this file is a case: conf/, readings.csv, expected.jsonl (entries) and
minutes.jsonl, the latter two worked out by hand, with the reasons in comments.
"""

import datetime
import json
import os
import pathlib
import subprocess
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / os.environ.get("WASTEWATCH_BUILD", "build")
SCHEMA = ROOT / "conf" / "schema" / "report.schema.json"
CONF = HERE / "outfall" / "conf"
HEADER = "time,channel,value,status\n"
GOOD = "2026-03-02T08:00:00+07:00,mill/outfall/COD,100,00\n"
CASES = sorted(path.parent for path in HERE.glob("*/expected.jsonl"))


def replay(conf, csv, *options, text=None, binary=None):
    return subprocess.run([BUILD / "wastewatch", "replay", "--config", conf, *options, csv],
                          capture_output=True, input=text.encode() if text else binary,
                          timeout=120, check=False)


def rows(done):
    assert done.returncode == 0, done.stderr.decode()
    assert not done.stderr, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def expected(path):
    return [json.loads(line) for line in path.read_text().splitlines()
            if line and not line.startswith("#")]


def at(clock):
    return f"2026-03-02T{clock}.000+07:00"


def check_row(got, wanted):
    for key, value in wanted.items():
        if key in ("time", "since") and value:
            value = at(value)
        assert got.get(key) == value, (key, got, wanted)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_entries_are_those_worked_out_by_hand(case):
    entries = rows(replay(case / "conf", case / "readings.csv"))
    wanted = expected(case / "expected.jsonl")
    assert [(e["type"], e["time"][11:19]) for e in entries] == \
        [(e["type"], e["time"]) for e in wanted]
    for i, (entry, want) in enumerate(zip(entries, wanted), 1):
        assert entry["seq"] == i
        check_row(entry, want)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_minutes_are_those_worked_out_by_hand(case):
    minutes = rows(replay(case / "conf", case / "readings.csv", "--minutes"))
    wanted = expected(case / "minutes.jsonl")
    assert len(minutes) == len(wanted)
    for minute, want in zip(minutes, wanted):
        check_row(minute, want)


def test_the_case_has_twenty_rows():
    assert len((HERE / "outfall" / "readings.csv").read_text().splitlines()) == 21


# faults: D7
def test_entries_say_all_that_applies():
    entries = rows(replay(CONF, HERE / "outfall" / "readings.csv"))
    for entry in entries:
        assert {"seq", "time", "type", "site"} <= set(entry)
        if entry["type"].startswith("alarm."):
            assert {"source", "channel", "limit", "class", "value", "unit", "bound",
                    "side"} <= set(entry)


def test_the_same_twice_is_the_same():
    first = replay(CONF, HERE / "outfall" / "readings.csv")
    assert first.stdout == replay(CONF, HERE / "outfall" / "readings.csv").stdout


def reports():
    return rows(replay(CONF, HERE / "outfall" / "readings.csv", "--reports"))


def test_reports_tell_the_same_story():
    incidents = [e for e in rows(replay(CONF, HERE / "outfall" / "readings.csv"))
                 if e["type"].startswith("incident.")]
    bodies = reports()
    assert [(b["type"], b["timestamp"], b["data"]["incident"]["id"]) for b in bodies] == \
        [(e["type"], e["time"], e["incident"]) for e in incidents]
    for body, entry in zip(bodies, incidents):
        assert body["data"]["log"]["seq"] == entry["seq"], "the head is the entry's own"
    ended = bodies[3]["data"]
    assert ended["incident"]["state"] == "ended"
    assert ended["incident"]["first_out"] == "mill/outfall/COD/limit-high"
    assert ended["incident"]["opened"] == at("08:00:20")
    assert ended["incident"]["ended"] == at("08:01:40")
    peaks = {a["limit"]: (a["peak"], a["peak_time"], a["state"]) for a in ended["alarms"]}
    assert peaks == {
        f"mill/outfall/COD/{name}": ("320", at("08:00:50"), "cleared")
        for name in ("warning-high", "limit-high", "emergency-high")}
    assert ended["site"]["title"] == "Nhà máy giấy"
    second = bodies[4]["data"]
    assert [a["limit"] for a in second["alarms"]] == ["mill/outfall/NH4/limit-high"], \
        "nothing of the incident before"


def test_reports_keep_to_the_schema():
    jsonschema = pytest.importorskip("jsonschema")
    if not SCHEMA.exists():
        pytest.skip("no conf/schema/report.schema.json")
    schema = json.loads(SCHEMA.read_text())
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    for body in reports():
        validator(schema).validate(body)


@pytest.mark.parametrize("how", ("pipe", "file"))
def test_standard_input(how):
    wanted = replay(CONF, HERE / "outfall" / "readings.csv").stdout
    path = HERE / "outfall" / "readings.csv"
    if how == "pipe":
        assert replay(CONF, "-", text=path.read_text()).stdout == wanted
        return
    with path.open("rb") as file:
        done = subprocess.run([BUILD / "wastewatch", "replay", "--config", CONF, "-"],
                              stdin=file, capture_output=True, timeout=60, check=True)
    assert done.stdout == wanted


@pytest.mark.parametrize("header", ("\ufefftime,channel,value,status\r\n", HEADER))
def test_files_of_other_systems(header, tmp_path):
    """A byte order mark and CR LF, as spreadsheets write them; no newline at the end."""
    csv = tmp_path / "x.csv"
    csv.write_bytes((header + GOOD.replace("\n", "\r\n") + GOOD.strip()).encode())
    assert rows(replay(CONF, csv)) == []


BAD = {
    # name: (the file's text, line that is named, word of the message)
    "no header": (GOOD, 1, "first line"),
    "other header": ("time,channel,value\n" + GOOD, 1, "time,channel,value,status"),
    "empty file": ("", 1, "empty"),
    "no rows": (HEADER, 1, "no rows"),
    "unknown channel": (HEADER + GOOD + GOOD.replace("COD", "BOD"), 3, "mill/outfall/BOD"),
    "channel of another case": (HEADER + GOOD.replace("COD", "cod"), 2, "mill/outfall/cod"),
    "out of order": (HEADER + GOOD + GOOD.replace("08:00:00", "07:59:59"), 3, "older"),
    "out of order by the zone": (HEADER + GOOD + GOOD.replace("+07:00", "+08:00"), 3, "older"),
    "no zone": (HEADER + GOOD.replace("+07:00", ""), 2, "RFC 3339"),
    "30 February": (HEADER + GOOD.replace("03-02", "02-30"), 2, "RFC 3339"),
    "no time": (HEADER + ",mill/outfall/COD,100,00\n", 2, "RFC 3339"),
    "a word for a time": (HEADER + "yesterday,mill/outfall/COD,100,00\n", 2, "yesterday"),
    "a word for a value": (HEADER + GOOD.replace(",100,", ",much,"), 2, "much"),
    "decimal comma": (HEADER + GOOD.replace(",100,", ',"1,5",'), 2, "four fields"),
    "something behind the value": (HEADER + GOOD.replace(",100,", ",100mg,"), 2, "100mg"),
    "blank in the value": (HEADER + GOOD.replace(",100,", ", 100,"), 2, "no decimal"),
    "nan": (HEADER + GOOD.replace(",100,", ",nan,"), 2, "nan"),
    "inf": (HEADER + GOOD.replace(",100,", ",inf,"), 2, "inf"),
    "hexadecimal": (HEADER + GOOD.replace(",100,", ",0x64,"), 2, "0x64"),
    "too large for a number": (HEADER + GOOD.replace(",100,", ",1e999,"), 2, "1e999"),
    "unknown status": (HEADER + GOOD.replace(",00\n", ",03\n"), 2, "03"),
    "status of one digit": (HEADER + GOOD.replace(",00\n", ",0\n"), 2, "status"),
    "three fields": (HEADER + GOOD.replace(",00\n", "\n"), 2, "four fields"),
    "five fields": (HEADER + GOOD.replace(",00\n", ",00,x\n"), 2, "four fields"),
    "empty line": (HEADER + GOOD + "\n" + GOOD, 3, "four fields"),
    "NUL byte": (HEADER + GOOD.replace("COD", "C\0D"), 2, "NUL"),
    "bad last row": (HEADER + GOOD * 500 + "2026", 502, "four fields"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_with_their_line(name, tmp_path):
    text, line, word = BAD[name]
    csv = tmp_path / "readings.csv"
    csv.write_text(text)
    for option in ((), ("--minutes",), ("--reports",)):
        done = replay(CONF, csv, *option)
        assert done.returncode == 1
        assert done.stdout == b"", "nothing is printed before all of it is known to be good"
        message = done.stderr.decode()
        assert f"{csv}:{line}: " in message and word in message
        assert message.count("\n") == 1


def test_files_that_cannot_be_read(tmp_path):
    for path, word in ((tmp_path / "none.csv", "No such file"), (tmp_path, "directory")):
        done = replay(CONF, path)
        assert done.returncode == 1 and not done.stdout
        assert str(path) in done.stderr.decode() and word in done.stderr.decode()


def test_bad_configuration():
    done = replay(HERE, HERE / "outfall" / "readings.csv")
    assert done.returncode == 1 and not done.stdout
    assert "wastewatch.yaml" in done.stderr.decode()


def test_output_that_cannot_be_written_is_a_failure():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([BUILD / "wastewatch", "replay", "--config", CONF,
                               HERE / "outfall" / "readings.csv"], stdout=full,
                              stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 1
    assert b"No space left" in done.stderr


def test_a_year_of_hours(tmp_path):
    """Two channels, hourly, with a spill a month: the entries come, and in reasonable time."""
    start = datetime.datetime(2025, 1, 1, tzinfo=datetime.timezone.utc)
    csv = tmp_path / "year.csv"
    with csv.open("w") as file:
        file.write(HEADER)
        for hour in range(365 * 24):
            moment = (start + datetime.timedelta(hours=hour)).isoformat()
            spill = hour % 730 in (300, 301, 302)
            file.write(f"{moment},mill/outfall/COD,{200 if spill else 90},00\n"
                       f"{moment},mill/outfall/NH4,3,00\n")
    began = time.monotonic()
    entries = rows(replay(CONF, csv))
    print(f"a year in {time.monotonic() - began:.1f} s")
    assert [e["type"] for e in entries].count("incident.opened") == 12
    assert [e["type"] for e in entries].count("incident.ended") == 12
    assert not [e for e in entries if e["type"].startswith("measurement.")]
