# SPDX-License-Identifier: Apache-2.0
"""The command line: exit codes, JSON, and errors that help."""

import json
import os
import pathlib
import re
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from plant import (ATTENTION, FORBIDDEN, LIMIT_S, MISSING, ROOT, Device, Plant,  # noqa: E402
                   program)  # noqa: E402

INCIDENT = re.compile(r"mill-liquid-\d{8}T\d{6}Z")


def run(*arguments):
    return subprocess.run([program("wastewatch"), *map(str, arguments)], capture_output=True,
                          text=True, timeout=LIMIT_S, check=False, env=Plant.environment())


@pytest.fixture(scope="module", name="plant")
def make_plant():
    """Runs, and has had an incident that ended."""
    with Plant(Device(), incident_clear="1s") as plant:
        plant.start()
        plant.device.set(COD=200)
        plant.until_entry("incident.opened")
        plant.device.set(COD=50)
        plant.until_quiet()
        yield plant


@pytest.fixture(name="fresh")
def make_fresh():
    """Nothing runs, nothing has ever run."""
    with Plant() as plant:
        yield plant


# ---- command line ----

@pytest.mark.parametrize("arguments, word", [
    ((), "say what to do"), (("dance",), "dance"), (("show",), "argument"),
    (("show", "a", "b"), "argument"), (("status", "now"), "no argument"),
    (("replay",), "argument"), (("status", "--loud"), "loud"), (("status", "--state"), "state"),
    (("--json",), "say what to do")])
def test_wrong_command_lines(arguments, word):
    done = run(*arguments)
    assert done.returncode == 2
    assert word in done.stderr and not done.stdout


@pytest.mark.parametrize("name", ("wastewatch", "wastewatchd", "wastewatch-poller",
                                  "wastewatch-sender"))
def test_help_and_version(name):
    for option in ("--help", "--version"):
        done = subprocess.run([program(name), option], capture_output=True, text=True,
                              timeout=LIMIT_S, check=False)
        assert done.returncode == 0 and not done.stderr
        assert name in done.stdout
    assert re.fullmatch(rf"{name} \d+\.\d+(\.\d+)?\n", done.stdout)


@pytest.mark.parametrize("name", ("wastewatchd", "wastewatch-poller", "wastewatch-sender"))
@pytest.mark.parametrize("arguments", (("--loud",), ("more",), ("--runtime",)))
def test_wrong_options_of_the_daemons(name, arguments):
    done = subprocess.run([program(name), *arguments], capture_output=True, text=True,
                          timeout=LIMIT_S, check=False)
    assert done.returncode == 2 and done.stderr and not done.stdout


# ---- check ----

def test_check_of_the_example_and_of_a_good_one(fresh):
    """What stands in the example is warned about once per standard, and is no error."""
    for config, n_warnings in ((ROOT / "conf", 3), (fresh.config, 0)):
        done = run("check", "--config", config, "--date", "2026-11-27")
        assert done.returncode == 0
        warnings = done.stderr.splitlines()
        assert len(warnings) == n_warnings
        assert all(": warning: " in line and "were not verified" in line for line in warnings)
        assert "The configuration is good" in done.stdout
        answer = json.loads(run("check", "--json", "--config", config, "--date",
                                "2026-11-27").stdout)
        assert answer["ok"] is True and answer["errors"] == 0
        assert answer["messages"] == warnings


def test_check_lists_all_errors(fresh):
    site = fresh.config / "sites.d" / "mill.yaml"
    site.write_text(site.read_text().replace("type: float32, order: CDAB", "type: float23")
                    .replace("link: line", "link: lien").replace("channel: NH4", "channel: NH3"))
    main = fresh.config / "wastewatch.yaml"
    main.write_text(main.read_text().replace("http://127.0.0.1", "http://192.0.2.1")
                    .replace("origin:", "orgin:"))
    done = run("check", "--config", fresh.config)
    assert done.returncode == 1 and not done.stdout
    for file, word in ((site, "float23"), (site, "lien"), (site, "NH3"), (main, "192.0.2.1"),
                       (main, "orgin")):
        assert re.search(rf"^{re.escape(str(file))}:\d+:\d+: .*{re.escape(word)}", done.stderr,
                         re.MULTILINE), (word, done.stderr)
    answer = run("check", "--json", "--config", fresh.config)
    assert answer.returncode == 1
    document = json.loads(answer.stdout)
    assert document["ok"] is False and document["errors"] >= 5
    assert document["errors"] == len([m for m in document["messages"] if "warning:" not in m])


def test_check_of_nothing(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        done = run("check", "--config", path)
        assert done.returncode == 1 and "wastewatch.yaml" in done.stderr


# ---- status, incidents, show ----

def test_status_of_a_running_plant(plant):
    done = plant.command("status")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("IN ORDER  test-cluster") and "All in order." in done.stdout
    plain = done.stdout.partition("Sandbox ")[0]  # without systemd none is in force: long words
    assert max(map(len, plain.splitlines())) <= 80 and done.stdout.count("\n") < 24
    document = json.loads(plant.command("status", "--json").stdout)
    assert document["running"] is True and document["attention"] == []
    assert document["outbox"] == {"waiting": 0, "held": 0, "stopped": 0}
    assert document["entries"] == len(plant.entries())
    assert document["live"]["links"][0]["state"] == "up"


def test_incidents_and_show(plant):
    done = plant.command("incidents")
    assert done.returncode == 0
    ident = INCIDENT.search(done.stdout).group()
    rows = [json.loads(line) for line in plant.command("incidents", "--json").stdout.splitlines()]
    assert [row["id"] for row in rows] == [ident]
    assert rows[0]["state"] == "ended" and rows[0]["opened"].endswith("+07:00")
    story = json.loads(plant.command("show", ident, "--json").stdout)
    assert story["id"] == ident
    assert {"alarm.raised", "incident.opened", "alarm.cleared", "incident.ended"} <= \
        {entry["type"] for entry in story["entries"]}
    assert all(report["state"] == "sent" for report in story["reports"])
    assert len(story["reports"]) == len(plant.outbox())
    text = plant.command("show", ident).stdout
    for word in (ident, "Nhà máy giấy", "QCVN 40:2011/BTNMT, cột B", "incident.ended", "200"):
        assert word in text
    assert "Nhà máy giấy" in text.splitlines()[0] and text.splitlines()[1].startswith("To do: ")
    assert plant.command("show", ident[:len("mill-liquid-20")]).stdout == text, "its beginning"
    assert plant.command("incidents", "--open").stdout == "No incident is running.\n"
    assert plant.command("incidents", "--open", "--json").stdout == ""


@pytest.mark.parametrize("ident", ("mill-liquid-20000101T000000Z", "", "'; DROP TABLE entry; --",
                                   "x" * 5000))
def test_show_of_an_incident_that_is_not_there(plant, ident):
    for options in ((), ("--json",)):
        done = plant.command("show", ident, *options)
        assert done.returncode == MISSING
        assert not done.stdout and "there is no incident" in done.stderr
    plant.check_chain()


def test_status_of_an_incident_and_of_a_daemon_that_is_down():
    with Plant(Device()) as plant:
        plant.start()
        plant.device.set(COD=200)
        opened = plant.until_entry("incident.opened")["incident"]
        done = plant.command("status")
        assert done.returncode == ATTENTION
        assert f"wastewatch show {opened}" in done.stdout and "limit broken" in done.stdout
        plant.kill("poller")
        plant.until(lambda: "poller" in plant.command("status").stdout, "the poller is missed")
        plant.kill("sender")
        plant.until(lambda: "no sender" in plant.command("status").stdout,
                    "the sender is missed")
        assert plant.stop("core") == 0
        done = plant.command("status", "--json")
        assert done.returncode == ATTENTION
        document = json.loads(done.stdout)
        assert document["running"] is False and "live" not in document
        assert [i["id"] for i in document["incidents"]] == [opened]
        assert any("not running" in line for line in document["attention"])
        assert plant.command("show", opened).returncode == 0
        assert opened in plant.command("incidents", "--open").stdout


def test_status_says_where_a_link_goes(plant, tmp_path):
    """Of a serial device the path; a port only where there is one."""
    links = [{"site": "mill", "link": "net", "host": "192.0.2.7", "port": 502, "state": "down",
              "error": "Connection refused"},
             {"site": "mill", "link": "line", "host": "/dev/serial/by-id/x", "port": 0,
              "state": "down", "error": "No such file or directory"}]
    (tmp_path / "status.json").write_text(json.dumps({
        "time_ms": int(time.time() * 1000), "pid": os.getpid(), "pollers_reading": 1,
        "pollers_wanted": 1, "sender": True, "links": links}))
    done = run("status", "--state", plant.state, "--runtime", tmp_path, "--config", plant.config)
    assert done.returncode == ATTENTION
    assert "link mill/net (192.0.2.7:502) is down: Connection refused\n" in done.stdout
    assert "link mill/line (/dev/serial/by-id/x) is down: No such file" in done.stdout


def test_without_a_record(fresh, tmp_path):
    for command in (("incidents",), ("show", "x")):
        for state in (fresh.state, tmp_path / "none"):
            done = run(*command, "--state", state)
            assert done.returncode == MISSING and not done.stdout
            assert str(state) in done.stderr
    done = run("status", "--state", fresh.state, "--runtime", fresh.run)
    assert done.returncode == MISSING  # half of the answer
    assert str(fresh.state) in done.stdout and "not running" in done.stdout


def as_nobody(*arguments):
    return subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                           program("wastewatch"), *map(str, arguments)], capture_output=True,
                          text=True, timeout=LIMIT_S, check=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_a_record_that_may_not_be_read(plant, tmp_path):
    if as_nobody("--version").returncode != 0:
        pytest.skip("another user cannot reach the program")
    plant.dir.chmod(0o711)
    plant.state.chmod(0o700)
    done = as_nobody("incidents", "--state", plant.state)
    assert done.returncode == FORBIDDEN and not done.stdout
    assert "group wastewatch" in done.stderr


def test_a_record_that_is_none(fresh):
    noise = os.urandom(8192)
    (fresh.state / "record.db").write_bytes(noise)
    done = run("incidents", "--state", fresh.state)
    assert done.returncode == 1 and str(fresh.state) in done.stderr
    fresh.start("core")
    fresh.until(lambda: list(fresh.state.glob("record.db.damaged-*")), "it is set aside")
    fresh.until_entry("record.replaced")
    kept, = (path for path in fresh.state.glob("record.db.damaged-*")
             if not path.name.endswith(("-wal", "-shm")))
    assert kept.read_bytes() == noise, "kept as it was"
    assert fresh.stop() == 0


# ---- keys ----

def test_keygen_makes_what_is_missing_and_overwrites_nothing(fresh):
    before = {path.name: path.read_bytes() for path in fresh.credentials.iterdir()}
    assert set(before) == {"sign-key", "department-secret"}
    public = (fresh.dir / "public-key").read_text().strip()
    done = fresh.command("keygen")
    assert done.returncode == 0 and done.stdout.count("was left as it is") == 2
    assert public in done.stdout
    (fresh.credentials / "department-secret").unlink()
    assert fresh.command("keygen").returncode == 0
    after = {path.name: path.read_bytes() for path in fresh.credentials.iterdir()}
    assert after["sign-key"] == before["sign-key"]
    assert after["department-secret"] != before["department-secret"]
    assert set(after) == set(before), "no temporary files"
    for path in fresh.credentials.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.read_text().split("_", 1)[1].strip() not in done.stdout


def test_keygen_where_it_cannot(fresh, tmp_path):
    done = fresh.command("keygen", "--credentials", str(tmp_path / "none"))
    assert done.returncode == 1 and str(tmp_path / "none") in done.stderr
    (fresh.credentials / "sign-key").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
    done = fresh.command("keygen")
    assert done.returncode == 1 and "Ed25519" in done.stderr


def core(plant, *arguments):
    return subprocess.run([program("wastewatchd"), *(arguments or plant.core_arguments())],
                          capture_output=True, text=True, timeout=LIMIT_S, check=False,
                          env=plant.environment())


def test_a_missing_key_is_named(fresh):
    """The one without which nothing is begun; the others are in test_credentials.py."""
    name = "sign-key"
    (fresh.credentials / name).unlink()
    done = core(fresh)
    assert done.returncode == 1
    assert str(fresh.credentials / name) in done.stderr and "wastewatch keygen" in done.stderr
    assert not (fresh.state / "record.db").exists(), "nothing was begun"


@pytest.mark.parametrize("text, word", [
    ("", "sign-key"), ("secret\n", "sign-key"), ("whsk_AAAA\n", "sign-key"),
    ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", "wrong kind"), ("x" * 9000, "sign-key")])
def test_a_bad_key_is_named_and_not_shown(fresh, text, word):
    (fresh.credentials / "sign-key").write_text(text)
    done = core(fresh)
    assert done.returncode == 1 and word in done.stderr
    if len(text) > 10:
        assert text.strip()[6:] not in done.stderr


def test_the_core_says_what_it_lacks(fresh, tmp_path):
    arguments = list(fresh.core_arguments())
    for option, word in (("--config", "wastewatch.yaml"), ("--state", "record"),
                         ("--runtime", "--runtime")):
        changed = list(arguments)
        missing = str(tmp_path / "none")
        changed[changed.index(option) + 1] = missing
        done = core(fresh, *changed)
        assert done.returncode == 1, option
        assert missing in done.stderr and word in done.stderr
    done = core(fresh, *arguments[:-2])
    assert done.returncode == 1 and "--credentials" in done.stderr


def test_a_runtime_directory_with_too_long_a_name(fresh):
    long = pathlib.Path(fresh.dir / ("x" * 100))
    long.mkdir()
    arguments = list(fresh.core_arguments())
    arguments[arguments.index("--runtime") + 1] = str(long)
    done = core(fresh, *arguments)
    assert done.returncode == 1 and "too long" in done.stderr
