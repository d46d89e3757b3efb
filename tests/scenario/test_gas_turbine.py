# SPDX-License-Identifier: Apache-2.0
"""A real year of a gas turbine against limits on its CO and NOx, entry by entry.

What must be said is worked out here from the words of the headers: limit.h (delays, deadband),
forecast.h (what a window will come to), window.h (hours and days of local time, capture), core.h and
replay.c (a row stands for an hour, time passes second by second, lost measurements, incidents).
Nothing of it is the core's code.
gas-turbine/README.md says where the data comes from.
"""

import csv
import datetime
import json
import os
import pathlib
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / os.environ.get("WASTEWATCH_BUILD", "build")
CONF = HERE / "gas-turbine" / "conf"
ZONE = datetime.timezone(datetime.timedelta(hours=7))
START = datetime.datetime(2011, 1, 1, tzinfo=ZONE)
MINUTE, HOUR, DAY = 60, 3600, 86400

# --- the configuration once more, as a reader of it would note it down ---------------------------

RANGE = {"CO": (0, 8), "NOx": (30, 115)}
CAPTURE = 75             # per cent, the default
LOST_AFTER = 4 * HOUR
CLEAR, INTERVAL = 6 * HOUR, HOUR  # incident-clear, report-interval
WARNING, LIMIT, EMERGENCY = range(3)
CLASSES = ("warning", "limit", "emergency")
# (channel, name, class, on, side, bound, deadband, raise delay, clear delay), as in the file
ROWS = [
    ("CO", "early", WARNING, "value", "high", 3, 0.5, 2 * HOUR, 2 * HOUR),
    ("CO", "value", LIMIT, "value", "high", 4, 1, 3 * HOUR, 4 * HOUR),
    ("CO", "worst", EMERGENCY, "value", "high", 7, 2, 0, 0),
    ("CO", "hour", LIMIT, "mean-1h", "high", 5, 0, 0, 0),
    ("CO", "day", LIMIT, "mean-24h", "high", 3, 0.25, 0, 0),
    ("NOx", "hour", LIMIT, "mean-1h", "high", 90, 5, HOUR, 2 * HOUR),
    ("NOx", "minute", WARNING, "mean-1min", "high", 100, 0, 0, HOUR),
    ("NOx", "day", EMERGENCY, "mean-24h", "high", 95, 0, 0, DAY),
    ("NOx", "low", WARNING, "value", "low", 52, 3, HOUR, HOUR),
]
LENGTH = {"value": 0, "mean-1min": MINUTE, "mean-1h": HOUR, "mean-24h": DAY}


def text(value):
    """Decimal without trailing zeros: four places; below 1 five significant digits."""
    places, magnitude = 4, abs(value)
    while 0 < magnitude < 1 and places < 12:
        magnitude *= 10
        places += 1
    said = f"{value:.{places}f}".rstrip("0").rstrip(".")
    return "0" if said == "-0" else said


def moment(second):
    return (START + datetime.timedelta(seconds=second)).isoformat(timespec="milliseconds")


class Alarm:
    """limit.h: NORMAL, PENDING, RAISED, CLEARING; only good values come here."""

    def __init__(self, row):
        (self.channel, self.name, self.rank, self.on, self.side, self.bound, self.deadband,
         self.raise_delay, self.clear_delay) = row
        self.raised, self.waited = False, None  # seconds of the delay that have counted
        self.since = self.last = self.peak = self.raised_at = self.broke = None

    def beyond(self, value):
        return value > self.bound if self.side == "high" else value < self.bound

    def back(self, value):
        return value <= self.bound - self.deadband if self.side == "high" else \
            value >= self.bound + self.deadband

    def is_broken_by(self, start):
        """Was the mean of the window from @start judged, and beyond the bound?"""
        return self.broke == start

    def worse(self, value):
        return value > self.peak if self.side == "high" else value < self.peak

    def value(self, value, now, since):
        """"raised", "cleared", "worse" or None"""
        # a value counts for the time since the last one, one and a half intervals at most
        most = max(HOUR, LENGTH[self.on]) * 3 // 2
        passed = min(now - self.last, most) if self.last is not None else most
        worse, self.last = False, now
        self.broke = since if self.beyond(value) else None
        if self.beyond(value) and not self.raised and self.waited is None:
            self.since, self.peak = since, value
        elif (self.raised or self.waited is not None) and self.worse(value):
            self.peak, worse = value, self.raised
        turns = self.back(value) if self.raised else self.beyond(value)
        delay = self.clear_delay if self.raised else self.raise_delay
        if not turns:
            self.waited = None
        elif self.waited is None:
            self.waited = 0  # the delay begins with this value
        else:
            self.waited += passed
        if turns and self.waited >= delay:
            self.raised, self.waited = not self.raised, None
            if self.raised:
                self.raised_at = now
            return "raised" if self.raised else "cleared"
        return "worse" if worse else None


class Foreseen:
    """Of one limit: what its open window is thought to come to, and what was said of that."""

    def __init__(self):
        self.start = self.kind = self.said = self.turned = None
        self.due = 0


def outcome(alarm, values, rate, start, length, now):
    """What forecast.h says a window will come to: (kind, moment of no return)"""
    expected, low, high = length // HOUR, *RANGE[alarm.channel]
    best = low if alarm.side == "high" else high
    rest = sum(1 for s in range(start, start + length, HOUR) if s >= now)  # a value at each of them

    def broken(known, others):
        return alarm.beyond((sum(known) + sum(others)) / (len(known) + len(others)))

    missing = max(expected - len(values), rest)
    if values and broken(values, [best] * missing):
        return "unavoidable", now
    if rate is None or len(values) + rest == 0 or \
            100 * (len(values) + rest) < CAPTURE * expected:
        return None, None
    for k in range(rest + 1):  # so many more of the rate, then the best that can come
        if broken(values, [rate] * k + [best] * (rest - k)):
            return "breaks", now + ((start + length - now) * k // rest if k else 0)
    return None, None


class Model:
    """The stack: two channels, nine alarms, one incident at a time."""

    def __init__(self):
        self.alarms = [Alarm(row) for row in ROWS]
        self.said = []
        self.incident = None
        self.fine = dict.fromkeys(RANGE)  # last good value
        self.lost = dict.fromkeys(RANGE, False)
        self.blind = set()  # (channel, length) whose last window could not be judged
        self.hours = {channel: [] for channel in RANGE}  # good values of the day, (second, value)
        self.last = dict.fromkeys(RANGE)  # the last value, if it was good
        self.seen = {(a.channel, a.name): Foreseen() for a in self.alarms}

    # -- what is said

    def say(self, second, kind, **more):
        self.said.append({"time": moment(second), "type": kind, **more})

    def tell(self, second, kind, **more):
        incident = self.incident
        self.say(second, kind, incident=incident["id"], **{"class": CLASSES[incident["class"]]},
                 **more)
        incident["reported"], incident["dirty"] = second, False

    def update(self, second, reason):
        self.incident["updates"] += 1
        self.tell(second, "incident.updated", update=self.incident["updates"], reason=reason)

    # -- incidents

    def active(self):
        return [a for a in self.alarms if a.raised and a.rank >= LIMIT]

    def is_blind(self):
        return any(self.lost[a.channel] and a.rank >= LIMIT and a.raised_at is not None and
                   a.raised_at >= self.incident["opened"] for a in self.alarms)

    def changed(self, alarm, change, value, now):
        opens = change == "raised" and alarm.rank >= LIMIT and not self.incident
        if opens:
            utc = START + datetime.timedelta(seconds=now)
            stamp = utc.astimezone(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
            self.incident = {"id": f"turbine-gas-{stamp}", "class": alarm.rank, "opened": now,
                             "quiet": now, "updates": 0, "reported": now, "dirty": False}
        incident = self.incident
        place = {"channel": alarm.channel, "limit": alarm.name, "value": text(value),
                 "since": moment(alarm.since)}
        self.say(now, f"alarm.{change}", **place, **{"class": CLASSES[alarm.rank]},
                 **({"incident": incident["id"]} if incident else {}))
        if not incident:
            return
        if opens:
            self.tell(now, "incident.opened", **place)
        elif change == "raised" and alarm.rank > incident["class"]:
            incident["class"] = alarm.rank
            self.update(now, "its class has risen")
        else:
            incident["dirty"] = True
        if change == "cleared" and alarm.rank >= LIMIT and not self.active():
            incident["quiet"] = now

    def judge(self, channel, on, value, now, since):
        for alarm in self.alarms:
            if (alarm.channel, alarm.on) != (channel, on):
                continue
            change = alarm.value(value, now, since)
            if change == "worse":
                if self.incident:
                    self.incident["dirty"] = True
            elif change:
                self.changed(alarm, change, value, now)

    def due(self, now):
        """The next second after @now at which the incident has something to say by itself."""
        incident, times = self.incident, []
        if incident and not self.active() and not self.is_blind():
            times.append(max(incident["quiet"] + CLEAR, now + 1))
        if incident and incident["dirty"]:
            times.append(max(incident["reported"] + INTERVAL, now + 1))
        return min(times, default=None)

    def look(self, now):
        """What a second brings: the end, else an update."""
        incident = self.incident
        if not incident:
            return
        if self.is_blind():
            incident["quiet"] = now
        if not self.active() and now - incident["quiet"] >= CLEAR:
            incident["updates"] += 1
            self.tell(now, "incident.ended", update=incident["updates"],
                      since=moment(incident["opened"]),
                      reason="all its alarms have been clear for the set time")
            self.incident = None
        elif incident["dirty"] and now - incident["reported"] >= INTERVAL:
            self.update(now, "its course")

    # -- time

    def pass_until(self, last, now):
        """The seconds between two whole minutes at which something else happens."""
        while (second := self.due(last)) is not None and second < now:
            self.look(second)
            last = second

    def note(self, channel, event):
        if self.incident:
            event["incident"] = self.incident["id"]
            self.incident["dirty"] = True
        return {"channel": channel, **event}

    def close(self, now, length, name, on):
        """A window is over for both channels: judged if it has what it needs, else said once."""
        for channel in RANGE:
            good = [v for s, v in self.hours[channel] if now - length <= s < now]
            expected = length // HOUR
            limited = any((a.channel, a.on) == (channel, on) for a in self.alarms)
            valid = good and 100 * len(good) >= CAPTURE * expected
            if valid:
                self.judge(channel, on, sum(good) / len(good), now, now - length)
            if not limited:
                continue
            if not valid and (channel, on) not in self.blind:
                self.say(now, "window.invalid", channel=channel, name=name,
                         since=moment(now - length), capture_percent=100 * len(good) // expected)
            (self.blind.discard if valid else self.blind.add)((channel, on))

    def tick_of_the_hour(self, now):
        self.close(now, HOUR, "1h", "mean-1h")
        if now % DAY == 0:
            self.close(now, DAY, "24h", "mean-24h")
            self.hours = {channel: [] for channel in RANGE}
        self.foresee(now)
        for channel, fine in self.fine.items():
            if not self.lost[channel] and now - fine >= LOST_AFTER:
                self.lost[channel] = True
                self.say(now, "measurement.lost",
                         **self.note(channel, {"since": moment(fine)}))
        self.look(now)

    def sample(self, channel, value, now):
        low, high = RANGE[channel]
        self.last[channel] = value if low <= value <= high else None
        if self.fine[channel] is None:
            self.fine[channel] = now  # nobody was watching before
        if not low <= value <= high:
            return
        self.fine[channel] = now
        self.hours[channel].append((now, value))
        if self.lost[channel]:
            self.lost[channel] = False
            self.say(now, "measurement.restored",
                     **self.note(channel, {"value": text(value)}))
        self.judge(channel, "value", value, now, now)

    def minute(self, now, row):
        """A minute after the row: the means of one minute, which is that of the one value."""
        for channel, value in row.items():
            if RANGE[channel][0] <= value <= RANGE[channel][1]:
                self.judge(channel, "mean-1min", value, now, now - MINUTE)
        self.foresee(now)
        self.look(now)

    # -- forecasts: once a minute, for the limits on means of more than one

    def foresee(self, now):
        for alarm in self.alarms:
            if LENGTH[alarm.on] > MINUTE:
                self.foresee_limit(alarm, now)

    def foresee_limit(self, alarm, now):
        length, seen = LENGTH[alarm.on], self.seen[alarm.channel, alarm.name]
        start = (now - 1) // length * length  # of the window that the last minute was in
        if seen.start != start:
            seen.start, seen.kind, seen.said, seen.turned = start, None, None, None
        if now == start + length:  # it is over: what it was said to break and did not
            if seen.said == "breaks" and not alarm.is_broken_by(start):
                self.say_forecast(alarm, seen, now, "no longer foreseen", None)
            return
        values = [v for s, v in self.hours[alarm.channel] if s >= start]
        slot = max(length // 60, MINUTE)
        rate = self.rate(alarm.channel, start, slot, now)
        kind, due = outcome(alarm, values, rate, start, length, now)
        seen.due = due if due is not None else seen.due
        if kind == "unavoidable" or seen.kind in ("unavoidable", kind):
            seen.kind = "unavoidable" if "unavoidable" in (kind, seen.kind) else kind
            seen.turned = None
        elif seen.turned is None:
            seen.turned = now
        elif now - seen.turned >= 3 * slot:
            seen.kind, seen.turned = kind, None
        if seen.kind != seen.said and not alarm.raised:
            seen.said = seen.kind
            self.say_forecast(alarm, seen, now, {
                None: "no longer foreseen", "breaks": None,
                "unavoidable": "can no longer be avoided"}[seen.kind], rate)

    def rate(self, channel, start, slot, now):
        """Mean of the last five slots and of the one that runs; of fewer nothing is said."""
        begin = start + ((now - start) // slot - 5) * slot
        if begin < start:
            return None
        if HOUR > 5 * slot:  # values come less often than that: the last one
            return self.last[channel]
        values = [v for s, v in self.hours[channel] if begin <= s < now]
        return sum(values) / len(values) if values else None

    def say_forecast(self, alarm, seen, now, reason, rate):
        more = {"reason": reason} if reason else {}
        more["seconds"] = 0 if reason else max(seen.due - now, 1)
        self.say(now, "alarm.forecast", channel=alarm.channel, limit=alarm.name,
                 since=moment(seen.start), value=rate,
                 **({"incident": self.incident["id"]} if self.incident else {}), **more)

    def run(self, rows):
        last = 0
        for i, row in enumerate(rows):
            now = i * HOUR
            self.pass_until(last, now)
            if i > 0:
                self.tick_of_the_hour(now)
            for channel, value in row.items():
                self.sample(channel, value, now)
            last = now
            for minute in range(now + MINUTE, now + HOUR, MINUTE):
                self.pass_until(last, minute)
                self.minute(minute, row if minute == now + MINUTE else {})
                last = minute
        end = len(rows) * HOUR  # a row stands for its hour
        self.pass_until(last, end)
        self.tick_of_the_hour(end)
        return self.said


@pytest.fixture(scope="module", name="rows")
def _rows():
    with open(HERE / "gas-turbine" / "co-nox.csv", encoding="ascii") as file:
        return [{"CO": float(r["CO"]), "NOx": float(r["NOx"])} for r in csv.DictReader(file)]


@pytest.fixture(scope="module", name="said")
def _said(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("turbine") / "readings.csv"
    with path.open("w", encoding="ascii") as file:
        file.write("time,channel,value,status\n")
        for i, row in enumerate(rows):
            for channel, value in row.items():
                file.write(f"{moment(i * HOUR)},turbine/stack/{channel},{value!r},00\n")
    done = subprocess.run([BUILD / "wastewatch", "replay", "--config", CONF, path],
                          capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


TYPES = {"alarm.raised", "alarm.cleared", "incident.opened", "incident.updated", "incident.ended",
         "window.invalid", "measurement.lost", "measurement.restored", "alarm.forecast"}
# what else there may be is told beside it and changes nothing of it
OTHERS = {"report.heartbeat", "alarm.flood", "alarm.repeated"}


def rate_of(value):
    return None if value is None else pytest.approx(float(value), abs=1e-4)


def test_the_year_entry_by_entry(rows, said):
    wanted = Model().run(rows)
    entries = [e for e in said if e["type"] in TYPES]
    assert {e["type"] for e in said} - TYPES <= OTHERS
    for i, (entry, want) in enumerate(zip(entries, wanted)):
        got = {key: entry.get(key) for key in want}
        if entry["type"] == "alarm.forecast":  # a mean of several is right to a place
            got["value"], want["value"] = rate_of(got["value"]), rate_of(want["value"])
        assert got == want, f"entry {i} of {len(wanted)}"
        assert (want.get("incident") is None) == ("incident" not in entry), entry
    assert len(entries) == len(wanted)


def test_the_year_has_what_it_is_here_for(said):
    """Else the comparison would prove little."""
    count = {kind: sum(e["type"] == kind for e in said) for kind in TYPES}
    assert min(count.values()) >= 3, count
    assert count["alarm.raised"] > 200 and count["incident.opened"] > 50, count
    for channel, name, *_ in ROWS:
        both = {e["type"] for e in said if (e.get("channel"), e.get("limit")) == (channel, name)}
        assert both >= {"alarm.raised", "alarm.cleared"}, (channel, name)
    assert {e["name"] for e in said if e["type"] == "window.invalid"} == {"1h", "24h"}
    assert any(e["type"] == "incident.updated" and e["reason"] == "its class has risen"
               for e in said)
    foreseen = [e for e in said if e["type"] == "alarm.forecast"]
    assert {e.get("reason") for e in foreseen} == {
        None, "no longer foreseen", "can no longer be avoided"}
    assert {(e["channel"], e["limit"]) for e in foreseen} == {
        ("CO", "hour"), ("NOx", "hour"), ("CO", "day"), ("NOx", "day")}


def test_the_data_are_as_published(rows):
    path = ROOT.parent / "shared" / "data" / "emissions" / "gas-turbine-2011.csv"
    assert len(rows) == 7411
    if not path.exists():
        pytest.skip("the published file is not beside the repository")
    with path.open(encoding="utf-8") as file:
        published = [{"CO": float(r["Carbon monoxide"]), "NOx": float(r["Nitrogen oxides"])}
                     for r in csv.DictReader(file)]
    assert rows == published
