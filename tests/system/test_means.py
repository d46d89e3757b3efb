# SPDX-License-Identifier: Apache-2.0
"""wastewatch means, against sums of our own over minute rows that the test wrote itself."""

import csv
import datetime
import io
import json
import math
import os
import sqlite3
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from plant import LIMIT_S, MISSING, Device, Plant, program, seed  # noqa: E402

COD, PH, NH4 = "mill/outfall/COD", "mill/outfall/pH", "mill/outfall/NH4"
LENGTHS = {"1min": 1, "5min": 5, "1h": 60, "24h": 1440}
PACK_MIN = 360
# codes of 00, 01 and 02 in the order good to worst, and their words
ORDER = {0: "good", 1: "calibrating", 2: "maintenance", 10: "not in operation",
         6: "implausible rate", 5: "frozen", 4: "out of range", 7: "not a number",
         3: "device fault", 9: "stale", 8: "communication lost"}
RANK = {code: i for i, code in enumerate(ORDER)}
STATUS = {code: "00" if code == 0 else "01" if code in (1, 2) else "02" for code in ORDER}
STALE = 9


def code(quality, status, valid):
    """As include/core/circular.h has it: what did not come counts by the capture only."""
    if valid:
        return "00" if quality in ("stale", "communication lost", "not in operation") else status
    return "02" if status == "00" else status


def zone(plant):
    """Offset of the record from UTC."""
    return datetime.datetime.fromisoformat(plant.entries()[-1]["time"]).tzinfo


def minutes(moment):
    return int(moment.timestamp()) // 60


def text(t, tz):
    return datetime.datetime.fromtimestamp(t * 60, tz).isoformat(timespec="milliseconds")


class Rows:
    """Minute rows of a channel, as they are on record: {t: (mean, min, max, n, quality)}."""

    def __init__(self, rng, first, last, expected=60):
        self.expected, self.rows = expected, {}
        for t in range(first, last):
            if rng.random() < 0.02 or (last - t) % 1440 in range(700, 760):
                continue  # nothing was recorded
            n = rng.choice((expected, expected, rng.randrange(expected + 1)))
            worst = 0 if n == expected else rng.choice(tuple(ORDER))
            if n == 0 and worst == 0:
                worst = STALE
            low, high = sorted((rng.uniform(-50, 300), rng.uniform(-50, 300)))
            mean = rng.uniform(low, high) if n else None
            self.rows[t] = (mean, low if n else None, high if n else None, n, worst)

    def window(self, start, length):
        """(n, mean, min, max, expected, quality)"""
        rows = [self.rows.get(t, (None, None, None, 0, STALE))
                for t in range(start, start + length)]
        good = [row for row in rows if row[3]]
        n = sum(row[3] for row in good)
        return (n, math.fsum(row[0] * row[3] for row in good) / n if n else None,
                min((row[1] for row in good), default=None),
                max((row[2] for row in good), default=None), length * self.expected,
                max((row[4] for row in rows), key=RANK.get))


def fill(plant, rows, packed_t, packed_channel):
    """Into the two tables, with what has been copied but not yet deleted still in the first."""
    db = sqlite3.connect(plant.state / "record.db")
    ids = dict(db.execute("SELECT path, id FROM channel"))
    db.execute("UPDATE upkeep SET packed_t = ?, packed_channel = ?", (packed_t, packed_channel))
    for path, channel in rows.items():
        until = packed_t + (PACK_MIN if ids[path] <= packed_channel else 0)
        lines = [(t, ids[path], *row[:4], min(100, row[3] * 100 // channel.expected),
                  row[3] * 100 >= 75 * channel.expected, row[4], channel.expected)
                 for t, row in channel.rows.items()]
        columns = "(t, channel, mean, min, max, n, capture, valid, quality, expected)"
        for table, wanted in (("minute_packed", [x for x in lines if x[0] < until]),
                              ("minute", [x for x in lines if x[0] >= packed_t - 100])):
            db.executemany(f"INSERT INTO {table}{columns} VALUES(?,?,?,?,?,?,?,?,?,?)", wanted)
    db.commit()
    db.close()


@pytest.fixture(scope="module", name="plant")
def make_plant():
    """The core has run and is down; three days of minutes are on record, the last one fresh."""
    with Plant(Device()) as plant:
        plant.start_core()
        plant.until_entry("config.loaded")
        assert plant.stop() == 0
        rng = seed()
        last = minutes(datetime.datetime.now(datetime.timezone.utc))
        first = last - 3 * 1440
        plant.rows = {COD: Rows(rng, first, last), PH: Rows(rng, first + 777, last - 500)}
        packed = first // PACK_MIN * PACK_MIN + 5 * PACK_MIN
        [[pack_id]] = plant.query("SELECT id FROM channel WHERE path = ?", COD)
        fill(plant, plant.rows, packed, pack_id)
        yield plant


def means(plant, *arguments):
    done = plant.command("means", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def table(plant, *arguments):
    return list(csv.DictReader(io.StringIO(means(plant, *arguments, "--csv"), newline="")))


def check_rows(plant, path, length, lines):
    """Every line against our own sums; they follow each other without a gap."""
    tz, last = zone(plant), None
    for line in lines:
        start = minutes(datetime.datetime.fromisoformat(line["start"]))
        assert line["start"] == text(start, tz) and line["end"] == text(start + length, tz)
        local = start + int(tz.utcoffset(None).total_seconds()) // 60
        assert local % length == 0 and last in (None, start)
        last = start + length
        n, mean, low, high, expected, worst = plant.rows[path].window(start, length)
        assert (int(line["n"]), int(line["expected"])) == (n, expected), line
        assert int(line["capture_percent"]) == min(100, 100 * n // expected)
        assert line["valid"] == ("yes" if n and 100 * n >= 75 * expected else "no")
        assert (line["quality"], line["status"]) == (ORDER[worst], code(ORDER[worst], STATUS[worst],
                                                                         line["valid"] == "yes"))
        if n:
            assert (float(line["min"]), float(line["max"])) == (low, high)
            assert math.isclose(float(line["mean"]), mean, rel_tol=1e-12, abs_tol=1e-12)
        else:
            assert line["mean"] == line["min"] == line["max"] == ""


@pytest.mark.parametrize("name, length", LENGTHS.items())
@pytest.mark.parametrize("path", (COD, PH))
def test_all_windows(plant, path, name, length):
    rows = plant.rows[path].rows
    lines = table(plant, path, "--window", name, "--from", "2000-01-01", "--to", "2100-01-01")
    check_rows(plant, path, length, lines)
    assert minutes(datetime.datetime.fromisoformat(lines[0]["start"])) <= min(rows)
    # what is in no window that is over is in no line, all else is
    end = minutes(datetime.datetime.fromisoformat(lines[-1]["end"]))
    assert max(plant.rows[COD].rows) - length <= end <= max(plant.rows[COD].rows) + 1
    assert sum(int(line["n"]) for line in lines) == sum(
        row[3] for t, row in rows.items() if t < end)


def test_default_is_the_last_day_in_hours(plant):
    lines = table(plant, COD)
    assert len(lines) == 24 and {line["window"] for line in lines} == {"1h"}
    check_rows(plant, COD, 60, lines)
    last = minutes(datetime.datetime.fromisoformat(lines[-1]["end"]))
    assert 0 <= max(plant.rows[COD].rows) + 1 - last < 60


def test_times(plant):
    tz = zone(plant)
    day = (datetime.datetime.now(tz) - datetime.timedelta(days=2)).date()
    lines = table(plant, COD, "--from", f"{day}", "--to", f"{day + datetime.timedelta(days=1)}")
    assert len(lines) == 24
    assert lines[0]["start"] == f"{day}T00:00:00.000+07:00"
    assert lines[-1]["end"] == f"{day + datetime.timedelta(days=1)}T00:00:00.000+07:00"
    # windows that have a moment of it, whole; and the same moments in another spelling
    some = table(plant, COD, "--from", f"{day} 10:20", "--to", f"{day} 12:01")
    assert [line["start"][11:16] for line in some] == ["10:00", "11:00", "12:00"]
    utc = [datetime.datetime.fromisoformat(f"{day}T{clock}+07:00").astimezone(
        datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") for clock in ("10:20", "12:01")]
    assert table(plant, COD, "--from", utc[0], "--to", utc[1]) == some


def test_csv_is_rfc_4180(plant):
    done = subprocess.run([program("wastewatch"), "means", COD, "--csv", "--state", plant.state],
                          capture_output=True, timeout=LIMIT_S, check=True,
                          env=plant.environment())
    assert done.stdout.count(b"\r\n") == done.stdout.count(b"\n") == 25
    assert done.stdout.endswith(b"\r\n")
    done = plant.command("means", COD, "--csv", "--from", "2000-01-01", "--to", "2000-01-02")
    assert done.returncode == 0 and "no window" in done.stderr
    assert done.stdout.splitlines() == [
        "channel,unit,window,start,end,mean,min,max,n,expected,capture_percent,quality,status,"
        "valid"]


def test_json_says_what_csv_says(plant):
    lines = [json.loads(line) for line in means(plant, COD, "--json").splitlines()]
    rows = table(plant, COD)
    assert len(lines) == len(rows) == 24
    for line, row in zip(lines, rows):
        line["valid"] = "yes" if line["valid"] else "no"
        assert {key: str(line.get(key, "")) for key in row} == row


def test_table_for_people(plant):
    lines = means(plant, COD).splitlines()
    assert lines[0].startswith(f"{COD}, mg/l, windows of 1h, times +07:00")
    rows = table(plant, COD)
    assert len(lines) == len(rows) + 3
    for line, row in zip(lines[2:], rows):
        assert line.startswith(row["start"][:16].replace("T", " "))
        assert line.rstrip().endswith("invalid") == (row["valid"] == "no")
        assert row["quality"] in line
    invalid = sum(row["valid"] == "no" for row in rows)
    assert lines[-1].startswith("windows: 24; invalid") and lines[-1].endswith(f": {invalid}")


def test_list_of_channels(plant):
    rows = {line["channel"]: line for line in
            map(json.loads, means(plant, "--json").splitlines())}
    assert set(rows) == {COD, PH, NH4, "mill/outfall/Reads", "mill/stack/SO2"}
    for path, channel in plant.rows.items():
        assert rows[path]["first"] == text(min(channel.rows), zone(plant))
        assert rows[path]["last"] == text(max(channel.rows), zone(plant))
    assert "first" not in rows[NH4]
    assert {row["channel"]: row["first"] for row in table(plant)} == {
        path: row.get("first", "") for path, row in rows.items()}
    plain = means(plant)
    assert "no minute yet" in plain and all(path in plain for path in rows)


@pytest.mark.parametrize("wanted, nearest", (
    ("mill/outfall/COR", COD), ("ph", PH), ("mil/stak/SO2", "mill/stack/SO2")))
def test_unknown_channel(plant, wanted, nearest):
    done = plant.command("means", wanted)
    assert done.returncode == MISSING and not done.stdout
    assert f"nearest is {nearest}." in done.stderr and NH4 in done.stderr


@pytest.mark.parametrize("arguments, word", (
    ((COD, "--window", "2h"), "1min, 5min, 1h, 24h"), ((COD, "--from", "yesterday"), "YYYY-MM-DD"),
    ((COD, "--to", "2026-02-30"), "YYYY-MM-DD"), ((COD, "--from", "2026-01-02", "--to",
                                                   "2026-01-02"), "not after"),
    ((COD, "--csv", "--json"), "one of the two"), ((COD, PH), "one argument at most"),
    ((COD, "--from", "2026-01-01T00:00:00"), None)))
def test_wrong_options(plant, arguments, word):
    done = plant.command("means", *arguments)
    if word is None:  # seconds may stand there
        assert done.returncode == 0
    else:
        assert done.returncode == 2 and word in done.stderr and not done.stdout


def test_channel_without_minutes_and_no_record(plant, tmp_path):
    done = plant.command("means", NH4)
    assert done.returncode == 0 and "no window" in done.stderr
    done = plant.command("means", "--state", str(tmp_path))
    assert done.returncode == MISSING and str(tmp_path) in done.stderr


def test_while_the_daemon_runs():
    """The minute that has just ended and is not written yet is not shown as missing."""
    with Plant(Device()) as plant:
        plant.start_core()
        plant.until_entry("config.loaded")
        now = minutes(datetime.datetime.now(datetime.timezone.utc))
        plant.rows = {COD: Rows(seed(), now - 30, now - 1)}
        fill(plant, plant.rows, 0, 0)
        lines = table(plant, COD, "--window", "1min")
        check_rows(plant, COD, 1, lines)
        assert lines[-1]["end"] == text(max(plant.rows[COD].rows) + 1, zone(plant))
        assert plant.stop() == 0


def test_a_channel_that_is_read_every_five_minutes():
    """It lacks nothing in the minutes between; the core counts so, too."""
    with Plant() as slow:
        site = slow.config / "sites.d" / "mill.yaml"
        site.write_text('site: mill\nlinks: [{name: l, tcp: "127.0.0.1:1"}]\n'
                        "units: [{name: u, link: l, id: 1, interval: 5min}]\nsources:\n"
                        "  - {name: outfall, kind: liquid, channels: [{name: lab, from: u, "
                        "address: 0, type: int16, range: [0, 9], lost-after: 1h}]}\n")
        slow.start("core")
        slow.until_entry("config.loaded")
        slow.stop()
        hour = int(datetime.datetime(2026, 3, 2, 1, tzinfo=datetime.timezone.utc).timestamp()) // 60
        with sqlite3.connect(slow.state / "record.db") as db:
            [[number]] = db.execute("SELECT id FROM channel").fetchall()
            db.executemany("INSERT INTO minute VALUES(?, ?, 5, 5, 5, 1, 100, 1, 0, 1)",
                           [(hour + 5 * i, number) for i in range(12)])
        lines = table(slow, "mill/outfall/lab", "--window", "1h", "--from",
                      "2026-03-02T08:00:00+07:00", "--to", "2026-03-02T09:00:00+07:00")
        assert [(x["n"], x["expected"], x["capture_percent"], x["quality"], x["status"], x["valid"])
                for x in lines] == [("12", "12", "100", "good", "00", "yes")]
