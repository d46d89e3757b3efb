# SPDX-License-Identifier: Apache-2.0
"""Every instrument of conf/profiles/: configured with a line for the unit and a line per channel,
played by the simulator, read by poller and core; and what becomes of its values while it says
that it calibrates, is maintained or has failed.

What a profile can say is read here from its YAML, apart from the programs. A new profile is
tested as soon as its file is there.
"""

import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml

sys.path.insert(0, os.path.dirname(__file__))
from plant import LIMIT_S, ROOT, Plant, free_port, program, until  # noqa: E402

FILES = sorted((ROOT / "conf" / "profiles").glob("*.yaml"))
# scalars stay text as in the programs: the signal NO is nitrogen monoxide and not the answer no
PROFILES = {path.stem: yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)
            for path in FILES}
SERIAL = ("hach-ss7-sc", "vaisala-wm80", "xylem-magflux")  # these are on a serial line too
MAIN = 'origin: test-cluster\ntimezone: "+07:00"\n'
HEAD = """\
site: lab
links:
  - {{name: net, tcp: "127.0.0.1:{port}", connect-timeout: 3s, backoff: [50ms, 300ms]}}
"""
LINE = '  - {{name: line, rtu: "{device}", baud: 19200, backoff: [50ms, 300ms]}}\n'
WORDS = ("calibrating", "maintenance", "fault")  # what a unit may say, as the profiles name it
SHOWN = {"calibrating": "calibrating", "maintenance": "maintenance", "fault": "device fault"}
CODES = {"good": 0, "calibrating": 1, "maintenance": 2, "fault": 3}
BEGIN_S, PHASE_S = 5, 5  # the first word is said so long after the simulator's start, and lasts
LOW, HIGH = 0.75, 0.95   # of a range: above every healthy value; what an instrument invents
MINUTE_S = 60


def default_range(signal):
    return [float(bound) for bound in signal.get("range", ("0", "1000"))]


def channel_line(unit, signal):
    """One line per channel; the range only where the profile leaves it to the plant."""
    own = "" if "range" in signal else ", range: [0, 1000]"
    return f"      - {{name: {signal['name']}, from: {unit}, signal: {signal['name']}{own}}}\n"


class Instrument:
    """A profile as a unit of the test plant."""

    def __init__(self, profile, name, link, number):
        self.profile, self.name, self.link, self.number = profile, name, link, number
        self.signals = PROFILES[profile]["signals"]

    @property
    def unit_line(self):
        return (f"  - {{name: {self.name}, link: {self.link}, id: {self.number}, "
                f"profile: {self.profile}, timeout: 1s}}\n")  # not about a busy machine

    @property
    def source(self):
        return (f"  - name: {self.name}\n    kind: gas\n    channels:\n"
                + "".join(channel_line(self.name, signal) for signal in self.signals))

    def path(self, signal):
        return f"lab/{self.name}/{signal['name']}"

    def states(self, signal, word):
        """Names of the states of a signal by which the unit can say so."""
        said = {state["name"]: {rule["quality"] for rule in state["rules"]}
                | {state.get("otherwise", "good")}
                for state in PROFILES[self.profile].get("states", ())}
        return [name for name in signal.get("states", ()) if word in said[name]]

    def words(self, signal=None):
        signals = self.signals if signal is None else [signal]
        return [word for word in WORDS if any(self.states(s, word) for s in signals)]


def instruments():
    units = [Instrument(profile, f"u{i}", "net", i) for i, profile in enumerate(PROFILES, 1)]
    return units + [Instrument(profile, f"r{i}", "line", i) for i, profile in enumerate(SERIAL, 1)]


def write(directory, units, port, device=None):
    (directory / "sites.d").mkdir(exist_ok=True)
    (directory / "wastewatch.yaml").write_text(MAIN, encoding="utf-8")
    text = HEAD.format(port=port) + (LINE.format(device=device) if device else "")
    text += "units:\n" + "".join(unit.unit_line for unit in units)
    text += "sources:\n" + "".join(unit.source for unit in units)
    (directory / "sites.d" / "lab.yaml").write_text(text, encoding="utf-8")
    shutil.copytree(ROOT / "conf" / "profiles", directory / "profiles", dirs_exist_ok=True)


def check(directory):
    return subprocess.run([program("wastewatch"), "check", "--config", directory], text=True,
                          capture_output=True, timeout=LIMIT_S, check=False)


# ---- two lines ----

@pytest.mark.parametrize("profile", PROFILES)
def test_two_lines_are_enough(tmp_path, profile):
    """No error, no warning, and every signal alone is a channel as well."""
    unit = Instrument(profile, "u", "net", 1)
    write(tmp_path, [unit], free_port())
    done = check(tmp_path)
    assert done.returncode == 0 and not done.stderr, done.stderr
    signals = unit.signals
    for signal in signals if len(signals) <= 8 else (signals[0], signals[-1]):
        unit.signals = [signal]
        write(tmp_path, [unit], free_port())
        done = check(tmp_path)
        assert done.returncode == 0 and not done.stderr, done.stderr


@pytest.mark.parametrize("profile", PROFILES)
def test_says_where_it_comes_from(profile):
    it = PROFILES[profile]
    assert it["profile"] == profile and it["title"] and it["document"]
    assert it.get("unverified"), "there is no profile of which nothing was left to verify"
    names = {state["name"] for state in it.get("states", ())}
    used = {name for signal in it["signals"] for name in signal.get("states", ())}
    assert used == names, "a state that no signal heeds, or one that is not there"
    assert len({signal["name"] for signal in it["signals"]}) == len(it["signals"])


@pytest.mark.parametrize("line, wrong, words", (
    ("profile: hach-tss-sc", "profile: hach-tss-cs", ("hach-tss-cs", "did you mean \"hach-tss-sc\"")),
    ("profile: hach-tss-sc", "profile: acme", ("\"acme\"", "sick-gm32", "xylem-magflux")),
    ("signal: TSS,", "signal: TTS,", ("\"TTS\"", "did you mean \"TSS\"", "turbidity")),
))
def test_unknown_names(tmp_path, line, wrong, words):
    write(tmp_path, [Instrument("hach-tss-sc", "u", "net", 1)], free_port())
    path = tmp_path / "sites.d" / "lab.yaml"
    text = path.read_text(encoding="utf-8")
    number = text[:text.index(line)].count("\n") + 1
    path.write_text(text.replace(line, wrong, 1), encoding="utf-8")
    done = check(tmp_path)
    assert done.returncode == 1
    assert re.search(rf"lab\.yaml:{number}:\d+: ", done.stderr), done.stderr
    assert all(word in done.stderr for word in words), done.stderr


# ---- the simulator plays, the programs read ----

def scenario(units):
    """Each word in turn; while it holds, values that must not count."""
    lines = []
    for i, word in enumerate(WORDS):
        begin = BEGIN_S + i * PHASE_S
        for unit in units:
            if word not in unit.words():
                continue
            lines.append((begin, f"unit {unit.name} {word}"))
            for signal in unit.signals:
                if unit.states(signal, word):
                    low, high = default_range(signal)
                    value = low + HIGH * (high - low)
                    lines.append((begin + 1.5, f"{unit.path(signal)} set {value:.6g}"))
                    lines.append((begin + PHASE_S - 2, f"{unit.path(signal)} normal"))
            lines.append((begin + PHASE_S - 0.5, f"unit {unit.name} measuring"))
    lines.sort(key=lambda line: line[0])
    return "".join(f"at {int(at * 1000)}ms {what}\n" for at, what in lines)


class Seen:
    """What status.json has shown of each channel: qualities, and good values."""

    def __init__(self, plant):
        self.plant, self.qualities, self.values = plant, {}, {}

    def look(self):
        for channel in self.plant.status().get("channels", []):
            path = channel["channel"]
            self.qualities.setdefault(path, set()).add(channel["quality"])
            if channel["quality"] == "good":
                self.values[path] = float(channel["value"])
                if "age_ms" in channel:
                    assert channel["age_ms"] < LIMIT_S * 1000

    def all_good(self, paths):
        self.look()
        return all(path in self.values for path in paths)

    def all_said(self, wanted):
        self.look()
        return all(words <= self.qualities.get(path, set()) for path, words in wanted.items())


@pytest.fixture(scope="module", name="run")
def fixture_run():
    """The plant has said everything and measures again; its minutes are over."""
    units = instruments()
    with Plant() as plant:
        (plant.config / "sites.d" / "mill.yaml").unlink()
        port = free_port()
        write(plant.config, units, port, plant.dir / "tty")
        file = plant.dir / "words.scenario"
        file.write_text(scenario(units), encoding="utf-8")
        plant.spawn("simulator", "wastewatch-sim", "--config", str(plant.config), "--scenario",
                    str(file))
        until(lambda: "serving" in plant.log("simulator"), "the simulator serves",
              say=lambda: plant.log("simulator"))
        plant.start("core", "poller")
        yield play(plant, units)


def play(plant, units):
    seen = Seen(plant)
    seen.plant, seen.units = plant, units
    paths = {unit.path(signal): (unit, signal) for unit in units for signal in unit.signals}
    plant.until(lambda: seen.all_good(paths), "every channel of every instrument is good")
    seen.first = dict(seen.values)
    seen.wanted = {path: {SHOWN[word] for word in unit.words(signal)}
                   for path, (unit, signal) in paths.items()}
    plant.until(lambda: seen.all_said(seen.wanted), "every word is seen in status.json",
                BEGIN_S + len(WORDS) * PHASE_S + LIMIT_S)

    def measuring():
        shown = {c["channel"]: c["quality"] for c in plant.status().get("channels", [])}
        return set(shown) == set(paths) and set(shown.values()) == {"good"}
    plant.until(measuring, "all measure again")
    [[now]] = plant.query("SELECT strftime('%s', 'now') / 60")
    plant.until(lambda: plant.query("SELECT count(*) FROM minutes WHERE t >= ?", now)[0][0]
                >= len(paths), "the minute is over", MINUTE_S + LIMIT_S)
    assert plant.stop() == 0
    seen.paths = paths
    return seen


def test_values_are_inside_their_ranges(run):
    assert set(run.first) == set(run.paths)
    for path, (_, signal) in run.paths.items():
        low, high = default_range(signal)
        assert low <= run.first[path] <= high, path
    for unit in run.units:
        values = [run.first[unit.path(signal)] for signal in unit.signals]
        assert len(set(values)) == len(values), "each signal has registers of its own"


def test_status_follows_the_words(run):
    for path in run.paths:
        assert run.qualities[path] - {"good", "stale"} == run.wanted[path], path


def test_record_says_who_said_what(run):
    entries = run.plant.entries("device.state")
    for unit in run.units:
        for state in PROFILES[unit.profile].get("states", ()):
            word = next((word for word in WORDS if any(
                state["name"] in unit.states(signal, word) for signal in unit.signals)), None)
            mine = [entry for entry in entries
                    if f"lab/{unit.name}/{state['name']}" in entry.values()]
            assert mine and SHOWN[word] in mine[0].values(), (unit.profile, state["name"], mine)


def test_minutes_carry_it_and_no_such_value(run):
    rows = run.plant.query("SELECT path, n, mean, max, quality FROM minutes JOIN channel "
                           "ON channel.id = minutes.channel")
    for path, (unit, signal) in run.paths.items():
        low, high = default_range(signal)
        mine = [row for row in rows if row[0] == path]
        n = sum(row[1] for row in mine)
        assert n > 0, path
        assert max(row[3] for row in mine if row[1]) < low + LOW * (high - low), path
        worst = ([word for word in WORDS if word in unit.words(signal)] or ["good"])[-1]
        assert CODES[worst] in {row[4] for row in mine}, (path, mine)
        assert {row[4] for row in mine} <= {CODES[word] for word in
                                            ("good", *unit.words(signal))}, (path, mine)


def test_nothing_was_unexpected(run):
    """No request that the instrument refused, no channel lost, no line in doubt."""
    lost = [path for path in run.qualities if "communication lost" in run.qualities[path]]
    assert not lost
    assert not run.plant.entries("measurement.lost", "readings.lost", "poller.silent")
