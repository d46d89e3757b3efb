# SPDX-License-Identifier: Apache-2.0
"""A stack with oxygen correction, calibrated in the middle, judged by means of 5 minutes and an hour.

The readings are made here, and what must come of them is worked out here from the definitions
alone, in fractions: corrected values (QCVN 19:2024/BTNMT), minutes, windows, what is valid, what
is judged. The core must say the same.
"""

import datetime
import json
import os
import pathlib
import subprocess
from fractions import Fraction

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parents[1] / os.environ.get("WASTEWATCH_BUILD", "build")
CONF = HERE / "stack" / "conf"
ZONE = datetime.timezone(datetime.timedelta(hours=7))
START = datetime.datetime(2026, 3, 2, 0, 0, tzinfo=ZONE)
STEP_S, HOURS = 10, 5
CAPTURE, BOUND, REFERENCE, AIR = 75, 200, Fraction(7), Fraction("20.9")
HOUR, MINUTE = 3600, 60

# Second of the day from and to which somebody calibrates: 15 minutes leave an hour 75 % of its
# values, which is just enough; 16 minutes do not.
CALIBRATIONS = ((HOUR + 600, HOUR + 1500), (3 * HOUR + 600, 3 * HOUR + 1560))


def so2(second):
    """About 70 mg/Nm3, in the third hour 110; 1500 of test gas while somebody calibrates."""
    if status(second) == "01":
        return Fraction(1500)
    base = 110 if 2 * HOUR <= second < 3 * HOUR else 70
    return base + Fraction(second * 7919 % 400, 10) - 20


def oxygen(second):
    """14 to 15 %; for half a minute the probe draws air, at which nothing can be corrected."""
    if 4 * HOUR + 300 <= second < 4 * HOUR + 330:
        return AIR
    return 14 + Fraction(second * 104729 % 100, 100)


def status(second):
    return "01" if any(a <= second < b for a, b in CALIBRATIONS) else "00"


def corrected(second):
    """The value, or None where there is none."""
    if status(second) != "00" or oxygen(second) >= AIR:
        return None
    return so2(second) * (AIR - REFERENCE) / (AIR - oxygen(second))


def seconds(start, length):
    return range(start, start + length, STEP_S)


def window(start, length):
    """(mean, number, capture in per cent, valid)"""
    good = [v for v in map(corrected, seconds(start, length)) if v is not None]
    expected = length // STEP_S
    mean = sum(good) / len(good) if good else None
    return mean, len(good), 100 * len(good) // expected, 100 * len(good) >= CAPTURE * expected


def text(value):
    """A decimal of four places without trailing zeros, as entries have it."""
    return f"{float(value):.4f}".rstrip("0").rstrip(".")


def moment(second):
    return (START + datetime.timedelta(seconds=second)).isoformat(timespec="milliseconds")


def judged(name, length):
    """Entries that a limit on the means of @length seconds makes: a valid mean above the bound
    raises, a valid one not above it clears, anything else does nothing."""
    raised = False
    for start in range(0, HOURS * HOUR, length):
        mean, _, _, valid = window(start, length)
        if valid and (mean > BOUND) != raised:
            raised = not raised
            yield (moment(start + length), "alarm.raised" if raised else "alarm.cleared", name,
                   text(mean))


@pytest.fixture(scope="module", name="csv")
def readings(tmp_path_factory):
    path = tmp_path_factory.mktemp("stack") / "readings.csv"
    with path.open("w", encoding="ascii") as file:
        file.write("time,channel,value,status\n")
        for second in range(0, HOURS * HOUR + STEP_S, STEP_S):
            for channel, value in (("SO2", so2(second)), ("O2", oxygen(second))):
                code = status(second) if channel == "SO2" else "00"
                file.write(f"{moment(second)},kiln/stack/{channel},{float(value)},{code}\n")
    return path


def replay(csv, *options):
    done = subprocess.run([BUILD / "wastewatch", "replay", "--config", CONF, *options, csv],
                          capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_alarms_are_those_of_the_means(csv):
    wanted = sorted([*judged("five", 300), *judged("hour", HOUR)])
    said = replay(csv)
    entries = [e for e in said if e["type"] in ("alarm.raised", "alarm.cleared")]
    blind = [e for e in said if e["type"] == "window.invalid"]
    foreseen = [e for e in said if e["type"] == "alarm.forecast"]
    assert len(entries) + len(blind) + len(foreseen) == len(said)
    assert [(e["capture_percent"], e["since"]) for e in blind if e["name"] == "1h"] == \
        [(73, moment(3 * HOUR))]
    got = sorted((e["time"], e["type"], e["limit"], e["value"]) for e in entries)
    assert got == wanted
    hour = [(w[0][11:16], w[1]) for w in wanted if w[2] == "hour"]
    assert hour == [("03:00", "alarm.raised"), ("05:00", "alarm.cleared")], \
        "neither test gas raises it, nor does an hour of too few values clear it"
    raised = next(e for e in entries if e["limit"] == "hour")
    assert raised["since"] == moment(2 * HOUR) and raised["on"] == "mean-1h"


def test_hours_are_as_planned():
    assert [window(h * HOUR, HOUR)[2:] for h in range(HOURS)] == \
        [(100, True), (75, True), (100, True), (73, False), (99, True)]


# faults: D5
def test_minutes_are_those_worked_out_here(csv):
    rows = [r for r in replay(csv, "--minutes") if r["channel"] == "kiln/stack/SO2-ref"]
    assert len(rows) == HOURS * 60
    for i, row in enumerate(rows):
        mean, number, capture, valid = window(i * MINUTE, MINUTE)
        assert row["time"] == moment(i * MINUTE)
        assert (row["n"], row["capture_percent"], row["valid"]) == (number, capture, valid), row
        assert row.get("mean") == (text(mean) if number else None), row
    air = rows[4 * 60 + 5]
    assert (air["quality"], air["n"]) == ("not a number", 3)
    assert rows[60 + 12]["quality"] == "calibrating"
