# SPDX-License-Identifier: Apache-2.0
"""The command: its screen, colours, languages, chart, progress and the table of its exit codes."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import time
import tomllib

import pytest

from bus import Bus
from plant import ATTENTION, DOWN, FORBIDDEN, LIMIT_S, MISSING, ROOT, Device, Plant, program

COD = "mill/outfall/COD"
ESCAPE = "\033["


def on_terminal(plant, *arguments, rows=24, columns=80, stderr_only=False, **environment):
    """(exit code, what a terminal of that size got)"""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    given = ("--config", plant.config, "--state", plant.state, "--runtime", plant.run)
    process = subprocess.Popen(
        [program("wastewatch"), *arguments, *map(str, given)], stderr=theirs,
        stdout=subprocess.DEVNULL if stderr_only else theirs,
        env={**plant.environment(), "TERM": "xterm", **environment})
    os.close(theirs)
    got = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the last one has closed it
            break
        if not piece:
            break
        got += piece
    os.close(ours)
    return process.wait(LIMIT_S), got.decode().replace("\r\n", "\n")


@pytest.fixture(scope="module", name="quiet")
def make_quiet():
    """A plant in order."""
    with Plant(Device()) as plant:
        plant.start()
        plant.until(lambda: plant.status().get("channels") and all(
            c["quality"] == "good" for c in plant.status()["channels"]))
        plant.until(lambda: plant.command("status").returncode == 0, "all is in order")
        yield plant


@pytest.fixture(scope="module", name="spilt")
def make_spilt():
    """Runs, has an incident, and a minute of it."""
    with Plant(Device(), incident_clear="1h") as plant:
        plant.start()
        plant.device.set(COD=200)
        plant.incident = plant.until_entry("incident.opened")["incident"]
        plant.until(lambda: plant.status().get("alarms"), "the alarm is live")
        yield plant


# ---- one screen ----

def test_a_plant_in_order_is_one_screen(quiet):
    code, text = on_terminal(quiet, "status")
    assert code == 0
    lines = text.splitlines()
    assert len(lines) < 24
    plain = re.sub(r"\033\[[0-9;]*m", "", text)
    assert max(map(len, plain.splitlines())) <= 80, plain
    assert plain.startswith("IN ORDER  test-cluster  ")
    for word in ("Links", "Channels", "Alarms", "Incidents", "Outbox", "Clock", "Disk", "Record"):
        assert re.search(rf"^{word} ", plain, re.M), word


def test_colours_on_a_terminal_only(quiet):
    assert ESCAPE in on_terminal(quiet, "status")[1]
    assert ESCAPE not in quiet.command("status").stdout
    assert ESCAPE not in on_terminal(quiet, "status", NO_COLOR="1")[1]
    assert ESCAPE in on_terminal(quiet, "status", NO_COLOR="")[1]
    assert ESCAPE not in on_terminal(quiet, "status", TERM="dumb")[1]


def test_show_says_when_it_began_and_when_it_was_opened(spilt):
    """The onset is that of the first limit, the opening the entry that says so."""
    opened = spilt.until_entry("incident.opened")
    text = spilt.command("show", spilt.incident).stdout
    began, told = re.search(r"^  began  (.*)\n  opened (.*), first alarm (.*)$", text, re.M).groups()[:2]
    assert began == opened["since"][:19].replace("T", " ")
    assert told == opened["time"][:19].replace("T", " ")
    assert began <= told


def test_what_is_wrong_comes_first_with_what_to_type(spilt):
    lines = spilt.command("status").stdout.splitlines()
    assert lines[0].startswith("ATTENTION  ") and not lines[1]
    bad = [line for line in lines if line.startswith("  ! ")]
    assert lines.index(bad[-1]) < next(i for i, line in enumerate(lines) if line.startswith("Links"))
    assert f"wastewatch show {spilt.incident}" in "\n".join(lines)
    assert json.loads(spilt.command("status", "--json").stdout)["health"] == "attention"


def status_of(plant, directory, **live):
    """wastewatch status of a daemon that says this"""
    (directory / "status.json").write_text(json.dumps({
        "time_ms": int(time.time() * 1000), "pid": os.getpid(), "pollers_reading": 1,
        "pollers_wanted": 1, "sender": True, "health": True, "origin": "made", **live}))
    return subprocess.run(
        [program("wastewatch"), "status", "--state", plant.state, "--runtime", directory],
        capture_output=True, text=True, timeout=LIMIT_S, check=False, env=plant.environment())


def test_many_of_a_kind_are_one_line(quiet, tmp_path):
    channels = [{"channel": f"mill/outfall/C{i}", "quality": "stale", "lost": True,
                 "reason": "link is down"} for i in range(50)]
    done = status_of(quiet, tmp_path, channels=channels, channels_watched=50, channels_lost=50)
    assert done.returncode == ATTENTION
    assert done.stdout.count("is not being measured") == 4
    assert "    and 46 more: wastewatch channels\n" in done.stdout
    assert done.stdout.count("\n") < 24


def test_the_gravest_comes_first(quiet, tmp_path):
    done = status_of(quiet, tmp_path, sender=False, health=False, drills_due=[
        {"site": "mill", "since_ms": 0, "interval_ms": 1000}], alarm_figures={"flood": True})
    lines = [line for line in done.stdout.splitlines() if line.startswith("  ! ")]
    assert done.stdout.startswith("NOT WORKING  made")
    assert ["no sender" in lines[0], "flood" in lines[1], "no drill" in lines[2]] == [True] * 3


def test_what_a_record_says_does_not_drive_the_terminal(quiet, tmp_path):
    done = status_of(quiet, tmp_path, links=[{"site": "a\033]0;x\007", "link": "b", "host": "h",
                                              "port": 1, "state": "down", "error": "\033[2J"}])
    assert "\033" not in done.stdout and "\007" not in done.stdout


def test_channels(quiet, spilt):
    text = quiet.command("channels").stdout
    assert re.search(rf"^{COD} +50 mg/l +at most 150$", text, re.M), text
    assert max(map(len, text.splitlines())) <= 80
    assert "means: 1 min" in quiet.command("channels", "--all").stdout
    only = quiet.command("channels", "mill/stack")
    assert only.returncode == 0 and "SO2" in only.stdout and "COD" not in only.stdout
    assert quiet.command("channels", "mill/none").returncode == MISSING
    text = spilt.command("channels", COD).stdout
    assert "    ! limit-high (at most 150): unacknowledged\n" in text
    line = json.loads(spilt.command("channels", COD, "--json").stdout)
    assert line["value"] == "200" and line["quality"] == "good"
    assert {limit["name"]: limit["state"] for limit in line["limits"]} == {
        "warning-high": "unacknowledged", "limit-high": "unacknowledged",
        "emergency-high": "normal"}


def test_channels_and_links_while_the_daemon_is_down():
    with Plant(Device()) as plant:
        plant.start("core", "poller")
        plant.until_good(COD)
        assert plant.stop() == 0
        done = plant.command("channels")
        assert done.returncode == 0 and COD in done.stdout and "not running" in done.stderr
        assert plant.command("links").returncode == DOWN
        text = plant.command("status").stdout
        assert text.startswith("NOT RUNNING  ")
        for path in (plant.config / "sites.d").iterdir():
            path.unlink()
        done = plant.command("channels")
        assert done.returncode == 0 and COD in done.stdout and "without limits" in done.stderr


# ---- languages ----

LANGUAGES = [({"LANG": "vi_VN.UTF-8"}, "vi"), ({"LANG": "vi"}, "vi"), ({"LANG": "C"}, "en"),
             ({"LANG": "vi_VN", "LC_MESSAGES": "C"}, "en"), ({"LC_ALL": "vi_VN", "LANG": "C"}, "vi"),
             ({"LC_MESSAGES": "vi_VN.UTF-8", "LC_ALL": ""}, "vi"), ({"LANG": "vitamin"}, "en"),
             ({}, "en")]


def say(*arguments, **environment):
    return subprocess.run([program("wastewatch"), *arguments], capture_output=True, text=True,
                          timeout=LIMIT_S, check=False,
                          env={"PATH": os.environ["PATH"], **environment})


@pytest.mark.parametrize(("environment", "language"), LANGUAGES)
def test_the_language_is_that_of_the_environment(environment, language):
    done = say("--help", **environment)
    assert done.stdout.startswith("Cách dùng:" if language == "vi" else "Usage:")


def test_the_language_that_is_asked_for_goes_before():
    assert say("--help", "--lang", "en", LANG="vi_VN.UTF-8").stdout.startswith("Usage:")
    assert say("--lang=vi", "--help", LANG="C").stdout.startswith("Cách dùng:")
    for wrong in ("de", "", "vim"):
        done = say("--help", "--lang", wrong)
        assert done.returncode == 2 and "--lang is en or vi" in done.stderr and not done.stdout
    assert say("assess", "river", "--help", "--lang", "vi").returncode == 0


def test_errors_and_screens_are_in_vietnamese(spilt):
    said = spilt.command("status", "--lang", "vi").stdout
    assert said.startswith("CẦN CHÚ Ý  ") and "vi phạm giới hạn: " in said and "chưa xác nhận" in said
    assert "sự cố" in spilt.command("show", "none", "--lang", "vi").stderr
    shown = spilt.command("show", spilt.incident, "--lang", "vi").stdout
    for word in ("Giới hạn bị vi phạm", "Giá trị đo được", "Diễn biến", "Báo cáo", "lỏng"):
        assert word in shown, word


def test_what_was_delivered_says_so(spilt):
    spilt.until(lambda: "sent, attempts: 1 (HTTP 200)" in
                spilt.command("outbox", "list", "--all").stdout, "the first report is delivered")


def test_data_for_programs_is_the_same_in_each_language(spilt):
    def stable(text):
        return re.sub(r'"(time|time_ms|age_ms|[a-z_]*_us|clock_ms|commits|requests|answers)":'
                      r'("[^"]*"|-?\d+)', "", text)
    for command in (("incidents",), ("alarms",), ("outbox", "list", "--all")):
        english = spilt.command(*command, "--json", "--lang", "en").stdout
        vietnamese = subprocess.run(
            [program("wastewatch"), *command, "--json", "--state", spilt.state, "--runtime",
             spilt.run], capture_output=True, text=True, timeout=LIMIT_S, check=True,
            env={**spilt.environment(), "LANG": "vi_VN.UTF-8"}).stdout
        assert stable(english) == stable(vietnamese) and english


def catalogue():
    """[(original, translation)] of po/vi.po"""
    text = (ROOT / "po" / "vi.po").read_text(encoding="utf-8")
    pairs = re.findall(r'^msgid ((?:".*"\n)+)msgstr ((?:".*"\n)+)', text, re.M)
    return [tuple(tomllib.loads("x = " + "".join(re.findall(r'"(.*)"', part)).join('""'))["x"]
                  for part in pair) for pair in pairs]


def test_no_text_is_missing_and_commands_stay_as_they_are_typed():
    texts = catalogue()
    assert len(texts) > 400
    for original, translation in texts:
        if not original:
            continue  # the header
        assert translation, original
        for typed in re.findall(r"wastewatch [a-z]+|systemctl [a-z]+|--[a-z]+|journalctl \S+",
                                original):
            if not typed.startswith("wastewatch is"):
                assert typed in translation, (typed, translation)
        assert original.endswith("\n") == translation.endswith("\n"), original
        assert len(re.findall("^ *", original)[0]) == len(re.findall("^ *", translation)[0]), original


# ---- show ----

def test_show_draws_the_values_against_the_limit(spilt):
    spilt.until(lambda: spilt.command("means", COD, "--window", "1min", "--json").stdout,
                "the first minute is over", limit_s=90)
    text = spilt.command("show", spilt.incident).stdout
    chart = text[text.index("What was measured"):]
    chart = chart[:chart.index("\n\nC")].splitlines()
    assert chart[2:4] == [f"  {COD}, mg/l",
                          "  highest values, a bar for each 1 min, against limit of 150"]
    assert len(chart) == 4 + 8 + 1
    assert "█" in chart[-2] and any(line.lstrip().startswith("150 ┤") for line in chart)
    assert max(map(len, chart)) <= 80
    plain = subprocess.run(
        [program("wastewatch"), "show", spilt.incident, "--state", spilt.state],
        capture_output=True, text=True, timeout=LIMIT_S, check=True, env={"LANG": "C"}).stdout
    plain = plain[plain.index("What was measured"):]
    plain = plain[:plain.index("\n\nC")]
    assert "#" in plain and "150 +" in plain and plain.isascii()
    assert spilt.command("show", spilt.incident).stdout.splitlines()[1] == "To do: Close the gate."


def test_show_works_while_the_daemon_is_down(spilt):
    """The last test of this plant."""
    before = spilt.command("show", spilt.incident).stdout
    spilt.kill("core")
    after = spilt.command("show", spilt.incident)
    assert after.returncode == 0
    assert after.stdout.split("\n", 1)[1] == before.split("\n", 1)[1], "but for how long it runs"


# ---- exit codes ----

@pytest.fixture(scope="module", name="bused")
def make_bused():
    with Bus() as bus, Plant(Device(), bus=bus.address) as plant:
        plant.start("core", "poller")
        plant.until(bus.has_core, "the core is on the bus")
        plant.until_good(COD)
        yield plant


EXITS = [
    (("channels",), 0), (("alarms",), 0), (("links",), 0), (("check",), 0), (("verify",), 0),
    (("ack", f"{COD}/limit-high"), 1), (("verify", "/dev/null"), 1),
    (("dance",), 2), (("show",), 2), (("status", "--all"), 2), (("status", "--lang", "xx"), 2),
    (("ack", "mill/none"), MISSING), (("show", "none"), MISSING), (("channels", "x"), MISSING),
    (("means", "x"), MISSING), (("outbox", "show", "x"), MISSING), (("limits", "x"), MISSING),
    (("drill", "stop", "none"), MISSING), (("verify", "/nonexistent"), MISSING),
    (("export", "--since", "2099-01-01"), MISSING),
    (("status",), ATTENTION),
]


@pytest.mark.parametrize(("arguments", "code"), EXITS,
                         ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value))
def test_exit_codes(bused, arguments, code):
    done = bused.command(*arguments, "--bus", bused.options["bus"])
    assert done.returncode == code, done.stdout + done.stderr
    if code not in (0, ATTENTION):
        assert done.stderr.startswith("wastewatch: ") or "option" in done.stderr


NO_RECORD = ("status", "channels", "alarms", "incidents", ("show", "x"), "means", ("outbox", "list"),
             ("drill", "list"), "verify", "export", ("backup", "/tmp/none/x"))


@pytest.mark.parametrize("command", NO_RECORD, ids=str)
def test_without_a_record_and_without_permission(bused, command, tmp_path):
    command = (command,) if isinstance(command, str) else command
    assert bused.command(*command, "--state", str(tmp_path)).returncode == MISSING
    if os.geteuid() != 0:
        return
    bused.dir.chmod(0o711)
    bused.state.chmod(0o700)
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program("wastewatch"),
         *command, "--state", bused.state, "--runtime", bused.run], capture_output=True, text=True,
        timeout=LIMIT_S, check=False)
    assert done.returncode == FORBIDDEN and done.stderr, done.stderr


ACTIONS = (("ack", COD), ("reset", COD), ("shelve", COD, "--once", "--reason", "x"),
           ("unshelve", COD), ("out-of-service", COD, "--reason", "x"), ("return", COD),
           ("drill", "stop", "mill"), ("outbox", "retry", "x"), ("record", "seen"))


@pytest.mark.parametrize("action", ACTIONS, ids=" ".join)
def test_actions_without_a_daemon_or_a_bus(quiet, action):
    with Bus() as empty:
        for address in (empty.address, "unix:path=/nonexistent"):
            done = quiet.command(*action, "--bus", address)
            assert done.returncode == DOWN and "systemctl status" in done.stderr, done.stderr
            done = quiet.command(*action, "--bus", address, "--json")
            assert done.returncode == DOWN


def test_the_table_of_exit_codes_is_in_the_page():
    page = (ROOT / "tools" / "man" / "wastewatch.1").read_text()
    table = page[page.index(".Sh EXIT STATUS"):page.index(".Sh EXAMPLES")]
    assert re.findall(r"^\.It (\d)$", table, re.M) == [str(i) for i in range(7)]
    header = (ROOT / "include" / "tools" / "command.h").read_text()
    codes = dict(re.findall(r"#define EXIT_(\w+) +(\d)", header))
    assert codes == {"USAGE": "2", "MISSING": str(MISSING), "ATTENTION": str(ATTENTION),
                     "DOWN": str(DOWN), "FORBIDDEN": str(FORBIDDEN)}


# ---- help ----

def names():
    return re.findall(r"^  ([a-z][a-z-]*) ", say("--help").stdout, re.M)


def test_each_command_has_help_of_its_own():
    assert len(names()) == 29 and len(set(names())) == 29
    for name in names():
        if name == "assess":
            continue
        done = say(name, "--help")
        assert done.returncode == 0 and done.stdout.startswith(f"Usage: wastewatch {name} ")
        assert not done.stderr and max(map(len, done.stdout.splitlines())) <= 96
        own = re.findall(r"^  --([a-z-]+)", done.stdout, re.M)
        assert set(re.findall(r"^  --([a-z-]+)", say("--help").stdout, re.M)).isdisjoint(own)
        assert on_help(name) == done.stdout, "--help may stand anywhere"


def on_help(name):
    return say("--help", name).stdout


def test_an_option_that_a_command_does_not_take_is_refused():
    options = {name: set(re.findall(r"^  --([a-z-]+)", say(name, "--help").stdout, re.M))
               for name in names() if name != "assess"}
    every = set().union(*options.values())
    for name, own in options.items():
        for option in every - own:
            done = say(name, f"--{option}", "x")
            assert done.returncode == 2, (name, option)
            assert f"{name} takes no --{option}" in done.stderr, (name, option)


# ---- progress ----

def test_no_progress_where_it_is_quick(quiet):
    code, text = on_terminal(quiet, "verify", stderr_only=True)
    assert code == 0 and text == ""
