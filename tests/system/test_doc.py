# SPDX-License-Identifier: Apache-2.0
"""The texts of tools/doc: every command in them is run as it stands, so that they stay true."""

import base64
import os
import re
import shlex
import subprocess

import pytest

from bus import Bus
from plant import BUILD, LIMIT_S, ROOT, Device, Plant, program

DOC = ROOT / "tools" / "doc"
PAGES = sorted(DOC.glob("*.md"))
COD = "mill/outfall/COD"
CODES = {"status": (0, 4), "links": (0,)}  # what is no failure
# what needs a system of its own; test_package.py and test_systemd.py do that
HOST = ("apt", "systemctl", "journalctl", "adduser", "sysctl", "cp")


@pytest.fixture(scope="module", name="plant")
def make_plant():
    """Two incidents, one of them over; and what the words in capitals stand for."""
    with Bus() as bus, Plant(Device(), bus=bus.address, incident_clear="1s",
                             report_interval="1s") as plant:
        plant.start()
        plant.until(bus.has_core, "the core is on the bus")
        plant.device.set(COD=200)
        over = plant.until_entry("incident.opened")["incident"]
        plant.device.set(COD=50)
        plant.until_entry("incident.ended")
        plant.device.set(NH4=20)
        plant.until_entry("incident.opened", 2)
        plant.until_entry("report.delivered", 2)
        key = (plant.dir / "public-key").read_text().strip()
        pem = plant.dir / "plant.pem"
        der = bytes.fromhex("302a300506032b6570032100") + base64.b64decode(key[len("whpk_"):])
        pem.write_text("-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(der).decode() +
                       "\n-----END PUBLIC KEY-----\n")
        plant.words = {"INCIDENT": over, "ALARM": "mill/outfall/NH4/limit-high", "CHANNEL": COD,
                       "KEYFILE": str(pem), "KEY": key, "COPY": str(plant.dir / "copy.db"),
                       "REPORT": plant.query("SELECT webhook_id FROM outbox")[0][0]}
        yield plant


@pytest.fixture(name="tools")
def make_tools(plant, tmp_path):
    """A PATH on which wastewatch is that plant's."""
    tools = tmp_path / "bin"
    tools.mkdir()
    options = (f"--config {plant.config} --state {plant.state} --runtime {plant.run} "
               f"--credentials {plant.credentials} --bus {plant.options['bus']}")
    for name, text in (("wastewatch", f'exec {program("wastewatch")} "$@" {options}'),
                       ("wastewatch-verify-export",
                        f'exec sh {ROOT / "tools" / "verify-export.sh"} "$@"')):
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)
    return tools


def commands(page):
    """Lines of indented blocks outside of tables, lists' too; not the drawings."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    return [line.strip() for line in re.findall(r"^(?: {4}| {7})(\S.*)$", text, re.M)]


def fill(plant, line):
    return re.sub(r"\b[A-Z]{3,}\b", lambda word: plant.words.get(word[0], word[0]), line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_does_what_it_should(page, plant, tools, tmp_path):
    lines = commands(page)
    assert len(lines) >= 8
    environment = {**plant.environment(), "PATH": f"{tools}:{os.environ['PATH']}"}
    for line in lines:
        if line.split()[0] in HOST:
            continue
        line = fill(plant, line)
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, cwd=tmp_path,
                              timeout=LIMIT_S * 3, check=False, env=environment)
        allowed = CODES.get((shlex.split(line) + [""])[1], (0,))
        assert done.returncode in allowed, (line, done.stdout, done.stderr)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_the_host_is_asked_exists(page):
    """Units, types of entries, options of commands in the running text, files of the package."""
    text = page.read_text(encoding="utf-8")
    units = {path.name.split(".")[0] for path in (ROOT / "systemd").glob("*.in")}
    for unit in re.findall(r"systemctl [a-z]+ (?:--now )?([a-z-]+)", text):
        assert unit in units, unit
    types = set(re.findall(r'= \{"([a-z._]+)",', (ROOT / "daemon/core/event.c").read_text()))
    for name in re.findall(r"WASTEWATCH_TYPE=(\S+)|`((?:measurement|config|clock|alarm)\.\w+)`", text):
        assert "".join(name) in types, name
    for name in re.findall(r"`([a-z-]+\.conf)`", text):
        assert (ROOT / "systemd" / "examples" / name).exists(), name
    for name, section in re.findall(r"`(wastewatch[a-z.-]*)\((\d)\)`", text):
        assert (ROOT / "tools/man" / f"{name}.{section}").exists() or \
            (BUILD / "man" / f"{name}.{section}").exists(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_in_the_running_text_exist(page, tools):
    names = set(re.findall(r"^  ([a-z][a-z-]*) ", subprocess.run(
        [tools / "wastewatch", "--help"], capture_output=True, text=True, timeout=LIMIT_S,
        check=True).stdout, re.M))
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"`wastewatch ([a-z-]+)", text):
        assert name in names, name


def test_metrics_that_are_named_exist(plant):
    text = (DOC / "deployment.md").read_text(encoding="utf-8")
    said = plant.command("metrics").stdout
    for name in re.findall(r"`(wastewatch_[a-z_]+)`", text):
        assert re.search(rf"^{name}[ {{]", said, re.M), name


def test_keys_of_the_configuration_that_are_named_exist():
    page = (BUILD / "man" / "wastewatch.yaml.5").read_text()
    for name in ("storage-low", "storage-critical"):
        assert f".It Cm {name}" in page or name in page


def test_they_are_short_and_for_a_terminal():
    for page in PAGES:
        lines = page.read_text(encoding="utf-8").splitlines()
        assert len(lines) < 150, page
        assert all(len(line) <= 125 for line in lines if not line.startswith("|")), page
