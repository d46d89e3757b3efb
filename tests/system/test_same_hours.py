# SPDX-License-Identifier: Apache-2.0
"""The same hours once straight and once with kill -9 of core and poller: the same record.

A poller of our own, a process apart, sends several hours of readings from a file, faster than
they were, with time stamps of the past. It keeps its instance and the number that was last
acknowledged to it, as a poller that outlives the core keeps its ring; so when it is killed and
started again it goes on where the core's last commit ended. Minute rows, all entries of measuring
and judging and the department's data files must come out the same, to the last bit; the device
calibrates now and then, values are screened, computed from others and held against means of all
windows.

WASTEWATCH_SEED sets when what is killed.

    test_same_hours.py SOCKET FILE STATE PAUSE     is that poller; ends when all is acknowledged
"""

import contextlib
import json
import mmap
import os
import random
import signal
import sqlite3
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
import wire  # noqa: E402
from plant import CHANNELS, LIMIT_S, Plant, encode, seed  # noqa: E402

HOURS = 5
AGO_H = 14  # when they were: all of them long enough ago to be packed meanwhile
INSTANCE = 0x5a3e0b5
PAUSE_S = 0.006  # between two packets of some seconds, where things are to be killed meanwhile
RUN_S = 300
KEEP_ALIVE_S = 0.3
FRAME = struct.Struct("=QQI")  # first number, last number, bytes of a packet in the file
# written with the time of a start or of a delivery, not of the readings
NOT_MEASURED = ("core.", "config.", "poller.", "record.", "report.", "reports.",
                "sandbox.")


# ---- the poller ----

def packets_of(path):
    """[(last number, packet)] of a file of readings."""
    with open(path, "rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    at, packets = 0, []
    while at < len(data):
        _, last, n = FRAME.unpack_from(data, at)
        packets.append((last, data[at + FRAME.size:at + FRAME.size + n]))
        at += FRAME.size + n
    return packets


class FakePoller:
    """Sends what is not acknowledged, from the start whenever the core comes back."""

    def __init__(self, path, readings, state, pause_s):
        self.path, self.packets, self.pause_s = path, packets_of(readings), float(pause_s)
        self.last = self.packets[-1][0]
        self.state = os.open(state, os.O_RDWR | os.O_CREAT, 0o600)
        self.acked = int(os.pread(self.state, 20, 0) or 0)
        with open(readings + ".plan", encoding="ascii") as file:
            self.plan = int(file.read())

    def take_acks(self, link, wait_s):
        """False: the core has gone."""
        link.sock.settimeout(wait_s)
        try:
            while (message := link.receive()) is not None:
                if isinstance(message, wire.Ack) and message.seq > self.acked:
                    self.acked = message.seq
                    os.pwrite(self.state, b"%020d" % self.acked, 0)
                link.sock.settimeout(0)
        except (TimeoutError, BlockingIOError):
            link.sock.settimeout(LIMIT_S)
            return True
        return False

    def serve(self, link):
        """One connection: until all is acknowledged, or it breaks."""
        first = next((r.seq for p in self.packets if p[0] > self.acked
                      for r in wire.decode(p[1])), 0)
        link.send(wire.hello_packet(wire.ROLE_POLLER, INSTANCE, self.plan, first))
        if not isinstance(link.receive(), wire.Hello):
            return
        for last, packet in self.packets:
            if last <= self.acked:
                continue
            link.send(packet)
            time.sleep(self.pause_s)
            if not self.take_acks(link, 0):
                return
        while self.acked < self.last:
            link.send(self.packets[-1][1])  # or the core would find us silent
            if not self.take_acks(link, KEEP_ALIVE_S):
                return

    def run(self):
        while self.acked < self.last:
            with contextlib.suppress(OSError):
                with wire.connect(self.path, LIMIT_S) as link:
                    self.serve(link)
                    continue
            time.sleep(0.02)


# ---- what was measured ----

def plan_of(plant):
    """(number of the plan, its requests), as the core hands it out."""
    plant.start_core()
    plant.until_entry("config.loaded")
    with wire.connect(str(plant.run / "poller.sock")) as link:
        link.send(wire.hello_packet(wire.ROLE_POLLER, 1))
        requests = []
        while not isinstance(message := link.receive(), wire.PlanEnd):
            if isinstance(message, list) and isinstance(message[0], wire.Request):
                requests += message
    assert plant.stop() == 0
    return message.plan, requests


MAINTENANCE, FROZEN, RATE, OFF = 2, 5, 6, 10  # of enum quality
MODE = 30  # holding register: 1 calibrating, 2 maintenance
STATIONS = """\
stations:
  - name: NUO
    file: LS_MILL_NUO
    destination: data
    parameters:
      - {channel: outfall/COD, symbol: COD}
      - {channel: outfall/pH, symbol: pH}
      - {channel: outfall/COD-load, symbol: Load}
"""
DERIVED = """\
    derived:
      - {name: COD-load, formula: load, inputs: [COD, NH4], range: [0, 6000], lost-after: 30s}
      - {name: COD-pH, formula: ratio, inputs: [COD, pH], least: 5.2, range: [0, 1000],
         lost-after: 30s}
"""
EDITS = (
    ("name: analyser,", f"name: analyser, states: [{{name: mode, table: holding, address: {MODE}, "
     "type: uint16, rules: [{is: 1, quality: calibrating}, {is: 2, quality: maintenance}]}],"),
    ("name: COD,", "name: COD, states: [mode],"),
    ("name: pH,", "name: pH, enabled-by: COD, enabled-above: 15,"),
    ("name: NH4,", "name: NH4, max-rate: 60, frozen-after: 10min, frozen-change: 0.01,"),
    ("name: SO2,", "name: SO2, frozen-after: 2min, frozen-change: 0,"),
    ("    limits:\n", DERIVED + "    limits:\n      - {name: load, channel: COD-load, "
     "class: warning, on: mean-5min, high: 150}\n"),
)


def enrich(plant):
    """States, screens, conditions, derived channels and data files."""
    main = plant.config / "wastewatch.yaml"
    main.write_text(main.read_text() + '  - {name: data, url: "ftpes://127.0.0.1:9/in", '
                    'user: station, password: data-password}\n')
    site = plant.config / "sites.d" / "mill.yaml"
    text = site.read_text()
    for old, new in EDITS:
        assert old in text
        text = text.replace(old, new, 1)
    site.write_text(text + STATIONS)
    (plant.credentials / "data-password").write_text("secret")
    (plant.credentials / "data-password").chmod(0o600)


class Course:
    """Values over the hours: calm, spills, calibrations, an analyser that sticks, silence."""

    def __init__(self, rng):
        self.rng, self.left, self.mood = rng, 0, "calm"
        self.last = {}

    def step(self):
        if self.left == 0:
            self.mood = self.rng.choice(("calm", "calm", "calm", "spill", "peak", "silent",
                                         "exception", "nonsense", "stuck", "works"))
            self.left = self.rng.randrange(4, 120)
        self.left -= 1

    def values(self):
        if self.mood == "stuck" and self.last:
            return self.last
        base = {"spill": 170, "peak": 400}.get(self.mood, 50)
        noise = self.rng.uniform(-40, 40)
        bad = self.mood == "nonsense" and self.rng.random() < 0.7
        self.last = {
                "mode": self.rng.choice((0, 1, 1, 2)) if self.mood == "works" else 0,
                "COD": float("nan") if bad else base + noise,
                "pH": self.rng.uniform(6, 8) if self.mood != "peak" else 5.0 + noise / 100,
                "NH4": -1.0 if bad else base / 25, "Reads": self.rng.randrange(1000),
                "SO2": 100 + base + round(noise)}
        return self.last

    def status(self):
        if self.mood == "silent" and self.rng.random() < 0.95:
            return wire.TIMEOUT, 0
        if self.mood == "exception" and self.rng.random() < 0.6:
            return wire.EXCEPTION, self.rng.choice((2, 4, 11))
        return wire.OK, 0


def words_of(request, values):
    words = [0] * request.count
    if request.function == 3 and 0 <= MODE - request.address < request.count:
        words[MODE - request.address] = values["mode"]
    for name in CHANNELS:
        function, address, registers = encode(name, values[name])
        for i, word in enumerate(registers):
            if function == request.function and 0 <= address + i - request.address < request.count:
                words[address + i - request.address] = word
    return words


def hours(requests, rng):
    """Readings and ticks; twice the wall clock is set, back and forth."""
    course = Course(rng)
    start_us = (time.time_ns() // 1000 - AGO_H * 3600_000_000) // 1_000_000 * 1_000_000
    boot_us = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000 - AGO_H * 3600_000_000
    steps = {4000: -150, 9000: 400, 13000: -420}  # second: seconds
    step_us, seq = 0, 0
    for second in range(HOURS * 3600):
        at_us = second * 1_000_000
        step_us += steps.get(second, 0) * 1_000_000
        wall_us = start_us + at_us + step_us
        if second % 5 == 0:
            course.step()
            values = course.values()
            for i, request in enumerate(requests):
                status, exception = course.status()
                words = words_of(request, values) if status == wire.OK else []
                seq += 1
                yield wire.Reading(seq, request.key, boot_us + at_us + 1000 * (i + 1),
                                   wall_us + 1000 * (i + 1), 1000, status, exception, words,
                                   0, request.count)
        seq += 1
        yield wire.Reading(seq, 0, boot_us + at_us + 500_000, wall_us + 500_000, 0, wire.OK, 0, [])


def write_hours(path, plan, requests, rng):
    """A file of packets, each of some seconds; return the number of readings."""
    with open(path, "wb") as file:
        waiting = []
        for reading in hours(requests, rng):
            waiting.append(reading)
            if len(waiting) >= rng.randrange(1, 30):
                put(file, waiting)
                waiting = []
        put(file, waiting or [reading._replace(seq=reading.seq + 1)])
    with open(path + ".plan", "w", encoding="ascii") as file:
        file.write(str(plan))
    return reading.seq


def put(file, readings):
    packet = wire.readings_packet(readings)
    file.write(FRAME.pack(readings[0].seq, readings[-1].seq, len(packet)) + packet)


# ---- the runs ----

def make_plant():
    limits = {"outfall": (
        '{channel: COD, class: warning, high: 100, deadband: 5}',
        '{channel: COD, class: limit, high: 150, raise-delay: 20s, clear-delay: 60s, origin: "p"}',
        '{channel: COD, class: emergency, high: 300, clear-delay: 30s, origin: "p"}',
        '{name: mean, channel: COD, class: warning, on: mean-1min, high: 90}',
        '{name: mean-5min, channel: COD, class: warning, on: mean-5min, high: 90}',
        '{name: mean-1h, channel: COD, class: warning, on: mean-1h, high: 80}',
        '{name: day, channel: COD, class: warning, on: mean-24h, high: 60}',
        '{channel: pH, class: limit, low: 5.5, raise-delay: 30s, origin: "p"}'),
        "stack": ('{channel: SO2, class: limit, high: 500, origin: "p"}',)}
    plant = Plant(interval="5s", timeout="1s", lost_after="30s", incident_clear="5min",
                  report_interval="1min", limits=limits)
    enrich(plant)
    return plant


class Run:
    """A core with a record of its own, and the poller."""

    def __init__(self, plant, path):
        self.plant, self.path = plant, path
        self.state = plant.dir / "acked"
        self.n_core = self.n_poller = 0
        self.pause_s = 0

    def prepare(self):
        """A record that is old enough to pack at once: its first day is over."""
        self.plant.start_core()
        self.plant.until_entry("config.loaded")
        assert self.plant.stop() == 0
        with contextlib.closing(sqlite3.connect(self.plant.state / "record.db")) as db, db:
            db.execute("UPDATE upkeep SET rest_until_ms = 0")

    def start_poller(self):
        with open(self.plant.dir / "poller.log", "ab") as log:
            self.plant.processes["poller"] = subprocess.Popen(
                [sys.executable, __file__, str(self.plant.run / "poller.sock"), str(self.path),
                 str(self.state), str(self.pause_s)], stderr=log, env=self.plant.environment())

    def wait(self, limit_s):
        """True when the poller has ended, all acknowledged."""
        try:
            status = self.plant.processes["poller"].wait(limit_s)
        except subprocess.TimeoutExpired:
            return False
        assert status == 0, self.plant.logs()
        del self.plant.processes["poller"]
        return True

    def kill_something(self, rng):
        names = rng.choice((("core",), ("poller",), ("core", "poller"), ("poller", "core")))
        for name in names:
            process = self.plant.processes[name]
            process.send_signal(signal.SIGKILL)
            status = process.wait(LIMIT_S)
            assert status in (-signal.SIGKILL, 0), self.plant.logs()
        if "core" in names:
            self.plant.start_core()
            self.n_core += 1
        if "poller" in names:
            self.start_poller()
            self.n_poller += 1

    def run(self, rng=None):
        """All the hours; with rng, things are killed. Return: what is on record."""
        self.prepare()
        self.pause_s = PAUSE_S if rng else 0
        self.plant.start_core()
        self.start_poller()
        deadline = time.monotonic() + RUN_S
        while not self.wait(rng.uniform(0.1, 2) if rng else 1):
            assert time.monotonic() < deadline, self.plant.logs()
            if rng:
                self.kill_something(rng)
        self.plant.kill("core")  # before it finds the poller silent
        return self.result()

    def result(self):
        """None: a process was kept from running for seconds, so the core judged by itself."""
        if self.plant.entries("poller.silent"):
            return None
        self.plant.check_chain()
        entries = self.plant.entries()
        for entry in entries:
            del entry["seq"]
        return {
            "minutes": self.plant.query(
                "SELECT path, m.* FROM minutes AS m JOIN channel ON id = channel"
                " ORDER BY t, path"),
            "entries": [json.dumps(entry, sort_keys=True) for entry in entries
                        if not entry["type"].startswith(NOT_MEASURED)],
            "incidents": self.plant.query(
                "SELECT id, class, state, opened_ms, ended_ms, first_out, n_updates, n_alarms"
                " FROM incident ORDER BY id"),
            "alarms": self.plant.query(
                "SELECT path, raised, since_ms, changed_ms, value, incident FROM alarm"
                " ORDER BY path"),
            "files": self.plant.query("SELECT incident, type, created_ms, body FROM outbox"
                                      " WHERE lane = 2 ORDER BY id")}


def run_once(path, rng=None):
    """One run that was not disturbed; three are tried."""
    for _ in range(3):
        with make_plant() as plant:
            run = Run(plant, path)
            result = run.run(rng)
            if result:
                return run, result
    raise AssertionError("this machine lets a process wait for 5 s: nothing can be compared")


def first_difference(straight, killed):
    for i, (a, b) in enumerate(zip(straight, killed)):
        if a != b:
            return f"{i}: {a}\n   {b}"
    return f"{len(straight)} and {len(killed)} of them"


def test_same_hours_with_and_without_kills(tmp_path):
    rng = seed()
    with make_plant() as plant:
        plan, requests = plan_of(plant)
    path = str(tmp_path / "readings")
    n = write_hours(path, plan, requests, random.Random(rng.random()))
    _, straight = run_once(path)
    run, killed = run_once(path, rng)
    print(f"{n} readings; killed: core {run.n_core} times, poller {run.n_poller} times;",
          {key: len(rows) for key, rows in straight.items()})
    assert run.n_core >= 3 and run.n_poller >= 3
    # it is worth comparing: every kind of thing has happened
    types = [json.loads(entry)["type"] for entry in straight["entries"]]
    for wanted in ("alarm.raised", "alarm.cleared", "incident.opened", "incident.ended",
                   "measurement.lost", "measurement.restored", "clock.stepped", "device.state",
                   "window.invalid"):
        assert wanted in types, wanted
    raised = {json.loads(entry)["limit"] for entry in straight["entries"]
              if json.loads(entry)["type"] == "alarm.raised"}
    assert {"mean", "mean-5min", "mean-1h", "load"} <= raised, raised
    qualities = {row[-2] for row in straight["minutes"]}  # enum quality
    assert {MAINTENANCE, FROZEN, RATE, OFF} <= qualities, qualities
    assert len(straight["files"]) > 12 * (HOURS - 1)
    minutes = straight["minutes"]
    assert len(minutes) > 5 * 55 * HOURS
    assert len({(row[0], row[1]) for row in minutes}) == len(minutes)
    for key, rows in straight.items():
        assert rows == killed[key], f"{key} {first_difference(rows, killed[key])}"


if __name__ == "__main__":
    FakePoller(*sys.argv[1:]).run()
