# SPDX-License-Identifier: Apache-2.0
"""Whoever asks for Vietnamese gets no English: each command is run with --lang vi, and what is left
of its words when names and data are taken out holds none of the English that no sentence is without.

Data are the texts that --json has, which are the same in every language: origins of limits, reasons
of the daemon, sentences of the record; and what a configuration says.
"""

import json
import re
import subprocess

import pytest

from plant import Device, Plant, program

COD = "mill/outfall/COD"
ENGLISH = re.compile(
    r"\b(the|is|are|was|were|has|have|had|with|from|since|until|there|what|which|not|nobody|of|and|"
    r"for|this|that|these|it|its|they|them|one|none|all|any|at|by|to|than|more|least|most|unless|"
    r"given|allowed|wants|takes|needs|see|say|show|when|where|how|why|who|warning|error)\b",
    re.IGNORECASE)
# words of a command line, names of files and keys, units, types of entries: the same everywhere
NAMES = re.compile(
    r"--[a-z-]+|[\w.-]*/[\w./-]+|\"[^\"]*\"|[a-z]+\.[a-z_]+\b|[A-Z]{3,}\b|wastewatch [a-z-]+( [a-z-]+)?|"
    r"\b[a-z]+(-[a-z0-9]+)+\b|\b(list|show|retry|hold|release|abandon|resume|seen|start|stop|all)\b(?= |\||,|$)")
COMMANDS = [
    ("status",), ("channels",), ("channels", "--all"), ("alarms",), ("links",), ("incidents",),
    ("show", "{id}"), ("outbox", "list"), ("outbox", "list", "--all"), ("outbox", "show", "{report}"),
    ("means",), ("means", COD), ("drill", "list"), ("verify",), ("limits",), ("check",),
    # what goes wrong
    ("show", "none"), ("outbox", "show", "none"), ("means", "none"), ("ack", "none"), ("dance",),
    ("show",), ("status", "x"), ("status", "--none"), ("outbox", "list", "--reason", "x"),
    ("shelve", COD), ("limits", "none"), ("check", "--date", "x"), ("drill", "begin"),
    ("means", COD, "--window", "x"), ("status", "--state", "/nonexistent"),
]
ASSESS = [
    (), ("--help",), ("plume", "--help"), ("river", "--help"), ("boundary", "--help"),
    ("plume", "--rate-g-s", "100", "--wind-m-s", "0.5", "--height-m", "0", "--stability", "all",
     "--distance-m", "20000"),
    ("river", "--flow-m3-s", "10", "--discharge-m3-s", "0.1", "--concentration-mg-l", "50",
     "--velocity-m-s", "0.3", "--length-m", "777", "--width-m", "20", "--depth-m", "1", "--slope",
     "0.001"),
    ("boundary", "--lat", "21.85", "--lon", "106.76", "--bearing-deg", "200"), ("dance",),
    ("river",), ("river", "--dance"), ("plume", "--rate-g-s", "x"), ("plume", "--rate-g-s", "-1"),
]


@pytest.fixture(scope="module", name="plant")
def make_plant():
    with Plant(Device(), incident_clear="1h") as plant:
        plant.start()
        plant.device.set(COD=200)
        plant.names = {"id": plant.until_entry("incident.opened")["incident"]}
        plant.until(lambda: plant.query("SELECT 1 FROM outbox"), "a report is made")
        plant.until(lambda: plant.status().get("alarms"), "the alarm is live")
        plant.names["report"], = plant.query("SELECT webhook_id FROM outbox LIMIT 1")[0]
        yield plant


def run(*arguments):
    return subprocess.run([program("wastewatch"), *arguments], capture_output=True, text=True,
                          timeout=60, check=False)


def texts_of(value):
    if isinstance(value, dict):
        for item in value.values():
            yield from texts_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, str):
        yield value
        yield from value.split("; ")
        yield from value.split(": ")


def data_of(plant, command):
    """Texts of the same command for programs, and of the record and the configuration."""
    texts = set()
    for line in plant.command(*command, "--json", "--lang", "en").stdout.splitlines():
        texts |= set(texts_of(json.loads(line)))
    for entry in plant.entries():
        texts |= set(texts_of(entry))
    for path in (*plant.config.glob("*.yaml"), *plant.config.glob("sites.d/*.yaml")):
        texts |= {line.strip().partition(": ")[2].strip("\"'") for line in path.read_text().splitlines()}
    return sorted((t for t in texts if len(t) > 3 and " " in t), key=len, reverse=True)


def english_in(text, data=(), cut=()):
    text = re.sub(r"\s+", " ", text)
    for known in (*data, *cut):
        text = text.replace(re.sub(r"\s+", " ", known), " ")
    return [(word.group(), text[max(0, word.start() - 40):word.end() + 40])
            for word in ENGLISH.finditer(NAMES.sub(" ", text))]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_english_is_left(plant, command):
    command = tuple(word.format(**plant.names) for word in command)
    done = plant.command(*command, "--lang", "vi")
    data = data_of(plant, command) if command[0] not in ("dance",) else ()
    assert done.stdout or done.stderr
    assert not english_in(done.stdout + " " + done.stderr, data), done.stdout + done.stderr


@pytest.mark.parametrize("arguments", ASSESS, ids=" ".join)
def test_nor_in_assess(arguments):
    """But for the names of papers, under "Nguồn:"."""
    done = run("assess", *arguments, "--lang", "vi")
    text = re.sub(r"(?s)\nNguồn:\n.*", "", done.stdout) + done.stderr
    text = re.sub(r"(?m)^Viet Nam - .*$", "", text)
    assert done.stdout or done.stderr
    assert not english_in(text), text


def names_of_commands():
    return re.findall(r"^  ([a-z][a-z-]+) ", run("--help", "--lang", "en").stdout, re.M)


def test_nor_in_any_help():
    for name in ("", *names_of_commands()):
        done = run(*([name] if name else []), "--help", "--lang", "vi")
        assert done.returncode == 0
        assert not english_in(done.stdout), (name, done.stdout)


def test_the_words_are_found():
    """The test would see them."""
    assert english_in("the alarm is standing") and not english_in("báo động đang có --for TIME")
