# SPDX-License-Identifier: Apache-2.0
"""Credentials that are missing: said before a reload, refused at one, and no end of the service at a
start. What systemd does with the unit's lines is in test_systemd.py.
"""

import json
import os
import pwd
import subprocess

import pytest

from bus import Bus
from plant import ATTENTION, LIMITS, ROOT, Device, Plant, program

SECRET = "department-secret"
STRANGER = {"user": "nobody", "group": "nogroup", "extra_groups": []}
TWO = [("department", "http://127.0.0.1:1/x", "limit"), ("province", "http://127.0.0.1:1/y", "limit")]


@pytest.fixture(name="plant")
def make_plant():
    with Plant(Device()) as plant:
        yield plant


@pytest.fixture(name="bus", scope="module")
def make_bus():
    with Bus() as bus:
        yield bus


def live(plant):
    path = plant.run / "status.json"
    return json.loads(path.read_text()) if path.exists() else {}


# ---- at a start ----

# faults: S10
@pytest.mark.parametrize("spoil", [
    lambda path: path.unlink(), lambda path: path.write_text("none"), lambda path: path.write_text("\n"),
    lambda path: path.write_text("whsec_!!!"),
    lambda path: path.write_bytes((path.parent / "sign-key").read_bytes())],
    ids=["gone", "none", "empty", "no secret", "a key"])
def test_a_start_without_a_secret_tries_to_tell_the_department_all_the_same(bus, spoil):
    """A service that ends and is started again, for ever, would tell nobody of anything."""
    with Plant(Device(), bus=bus.address) as plant:
        start_without(plant, bus, spoil)


def start_without(plant, bus, spoil):
    plant.start()
    plant.until(lambda: live(plant).get("health"), "all is well")
    plant.stop("core")
    secret = (plant.credentials / SECRET).read_bytes()
    spoil(plant.credentials / SECRET)
    plant.start("core")
    entry = plant.until_entry("credential.missing")
    assert (entry["name"], SECRET in entry["reason"]) == ("department", True)
    plant.until(lambda: live(plant).get("credentials_missing"), "status says so")
    missing, = live(plant)["credentials_missing"]
    assert (missing["destination"], missing["credential"]) == ("department", SECRET)
    assert live(plant)["health"] is False
    assert "lack a signature" in plant.command("status").stdout
    # it is tried: a receiver may know the plant's public key only. This one wants both signatures.
    plant.device.set(COD=200)
    plant.until_entry("incident.opened")
    assert "signature" in plant.until_entry("report.held")["reason"]
    # and with the secret there again, all is well
    plant.stop("core")
    (plant.credentials / SECRET).write_bytes(secret)
    plant.start("core")
    plant.until(lambda: live(plant).get("health"), "all is well again")
    assert len(plant.entries("credential.missing")) == 1
    plant.until(bus.has_core, "the core is on the bus")
    assert plant.command("outbox", "retry", "department", "--bus", bus.address).returncode == 0
    plant.until_entry("report.delivered")


def test_a_plant_without_a_secret_misses_none(plant):
    path = plant.config / "wastewatch.yaml"
    path.write_text(path.read_text().replace("hmac-secret: department-secret, ", ""))
    (plant.credentials / SECRET).unlink()
    plant.start("core", "poller")
    plant.until_good("mill/outfall/COD")
    plant.until(lambda: "credentials_missing" in live(plant))
    assert live(plant)["credentials_missing"] == [] and not plant.entries("credential.missing")


# ---- at a reload ----

def test_reload_says_what_came_of_it(plant):
    plant.start("core", "poller")
    done = plant.command("reload")
    assert done.returncode == 0 and "in force" in done.stdout, done.stderr
    assert len(plant.entries("config.loaded")) == 2
    path = plant.config / "wastewatch.yaml"
    good = path.read_text()
    path.write_text(good + "no-such-key: 1\n")
    done = plant.command("reload")
    assert done.returncode == 1 and "no-such-key" in done.stderr and not done.stdout
    assert "old configuration stays in force" in done.stderr
    told = plant.until(lambda: "was refused" in (done := plant.command("status")).stdout and done,
                       "whoever looks later is told")
    assert told.returncode == ATTENTION and "no-such-key" in " ".join(told.stdout.split())
    line = json.loads(plant.command("reload", "--json").stdout)
    assert (line["action"], line["done"], "no-such-key" in line["error"]) == ("reload", False, True)
    path.write_text(good)
    assert json.loads(plant.command("reload", "--json").stdout) == {
        "action": "reload", "target": "configuration", "done": True}
    assert live(plant)["reload"] == {"n": 4, "refused": False, "words": ""}
    assert len(plant.entries("config.refused")) == 2
    plant.stop("core")
    assert plant.command("reload").returncode == 5


def test_reload_with_a_secret_that_is_missing_fails_and_says_which(plant):
    plant.start("core", "poller")
    plant.configure(destinations=TWO)
    done = plant.command("reload")
    assert done.returncode == 1 and "province-secret is not there" in done.stderr
    assert "province-secret" in plant.until_entry("config.refused")["reason"]
    assert "province-secret" in plant.log()
    assert live(plant)["credentials_missing"] == []
    plant.keygen()
    assert plant.command("reload").returncode == 0


def test_what_was_missing_before_stops_no_reload(plant):
    """Whoever changes a limit meanwhile must not be kept from it by an old worry."""
    (plant.credentials / SECRET).unlink()
    plant.start("core", "poller")
    plant.until_entry("credential.missing")
    plant.configure(limits={**LIMITS, "outfall": LIMITS["outfall"][1:]})
    done = plant.command("reload")
    assert done.returncode == 0, done.stderr
    assert len(plant.entries("credential.missing")) == 2, "said for this configuration, too"
    plant.configure(destinations=TWO)
    assert "province-secret" in plant.command("reload").stderr


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to be another account")
def test_who_may_not_signal_asks_over_the_bus():
    with Bus() as bus, Plant(Device(), bus=bus.address) as plant:
        plant.start("core", "poller")
        plant.until(bus.has_core, "the core is on the bus")
        plant.dir.chmod(0o755)
        plant.until(lambda: (plant.run / "status.json").exists())
        (plant.run / "status.json").chmod(0o644)
        done = plant.command("reload", "--bus", bus.address, **STRANGER)
        assert done.returncode == 6, done.stderr
        assert len(plant.entries("config.loaded")) == 1


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to be two accounts")
def test_a_status_of_another_account_makes_root_signal_nobody(plant):
    """Whoever has the runtime directory must not choose a process for root to signal."""
    with subprocess.Popen(["sleep", "600"], **STRANGER) as other:
        plant.start("core", "poller")
        plant.until(lambda: live(plant), "live")
        fake = {**live(plant), "pid": other.pid}
        plant.stop("core")
        path = plant.run / "status.json"
        path.write_text(json.dumps({**fake, "time_ms": fake["time_ms"] + 5000}))
        done = plant.command("reload", "--bus", "unix:path=/nonexistent")
        assert done.returncode != 0 and other.poll() is None
        other.kill()


# ---- check ----

def check(plant, *arguments, **environment):
    env = {k: v for k, v in os.environ.items() if k != "CREDENTIALS_DIRECTORY"}
    done = subprocess.run([program("wastewatch"), "check", "--config", plant.config, *arguments],
                          capture_output=True, text=True, timeout=60, check=False,
                          env={**env, **{k: str(v) for k, v in environment.items()}})
    assert done.returncode == 0, done.stderr
    return done


def test_check_looks_where_it_is_told(plant):
    assert not check(plant, "--credentials", plant.credentials).stderr
    (plant.credentials / SECRET).unlink()
    said = check(plant, "--credentials", plant.credentials).stderr
    assert "warning: hmac-secret of department" in said and str(plant.credentials / SECRET) in said
    (plant.credentials / SECRET).write_text("none")  # as the unit has it
    assert SECRET in check(plant, CREDENTIALS_DIRECTORY=plant.credentials).stderr
    (plant.credentials / "sign-key").unlink()
    said = json.loads(check(plant, "--credentials", plant.credentials, "--json").stdout)
    assert len(said["messages"]) == 2 and said["ok"] and said["credentials"] == "seen"


def test_check_says_that_it_could_not_look(plant, tmp_path):
    assert "were not looked for" in check(plant).stdout
    assert json.loads(check(plant, "--json").stdout)["credentials"] == "unseen"
    assert "were not looked for" in check(plant, SYSTEMD_UNIT_PATH=tmp_path).stdout


@pytest.fixture(name="units")
def make_units(plant, tmp_path):
    """The unit's file as it is installed, but with the plant's directory."""
    text = (ROOT / "systemd/wastewatchd.service.in").read_text()
    (tmp_path / "wastewatchd.service").write_text(
        text.replace("@sysconfdir@/wastewatch/credentials", str(plant.credentials)))
    (tmp_path / "wastewatch-sender.service").write_text(
        (ROOT / "systemd/wastewatch-sender.service.in").read_text())
    (tmp_path / "wastewatchd.service.d").mkdir()
    return tmp_path


def test_check_reads_the_units(plant, units):
    plant.configure(destinations=TWO)
    plant.keygen()
    said = check(plant, SYSTEMD_UNIT_PATH=units)
    assert "the unit wastewatchd hands no credential province-secret over" in said.stderr
    assert said.stderr.count("\n") == 1 and "looked for" not in said.stdout
    drop_in = units / "wastewatchd.service.d" / "province.conf"
    drop_in.write_text(f"[Service]\nLoadCredential=province-secret:{plant.credentials}/province-secret\n")
    assert not check(plant, SYSTEMD_UNIT_PATH=units).stderr
    (plant.credentials / "province-secret").unlink()
    said = check(plant, SYSTEMD_UNIT_PATH=units).stderr
    assert f"is not there ({plant.credentials}/province-secret)" in said
    # set in the unit, or all files of a directory, or taken back by an empty line
    drop_in.write_text("[Service]\nSetCredential=province-secret:whsec_eA==\n")
    assert not check(plant, SYSTEMD_UNIT_PATH=units).stderr
    (units / "more").mkdir()
    (units / "more" / "secret").write_text("whsec_eA==")
    drop_in.write_text(f"[Service]\nLoadCredential=province-secret:{units}/none\n"
                       f"LoadCredential=\nLoadCredential=more:{units}/more\n")
    said = check(plant, SYSTEMD_UNIT_PATH=units).stderr
    assert "province-secret" in said and f"{units}/none" not in said
    assert "sign-key" in said, "the empty line has taken that back, too"
    path = plant.config / "wastewatch.yaml"
    path.write_text(path.read_text().replace("province-secret", "more_secret"))
    assert "more_secret" not in check(plant, SYSTEMD_UNIT_PATH=units).stderr


def test_check_looks_for_the_sender_s(plant, units):
    plant.configure(destinations=[("department", "https://127.0.0.1:1/x", "limit")])
    path = plant.config / "wastewatch.yaml"
    path.write_text(path.read_text().replace("-secret,", "-secret, ca: no-such-ca,"))
    said = check(plant, SYSTEMD_UNIT_PATH=units).stderr
    assert "ca of department: the unit wastewatch-sender hands no credential no-such-ca over" in said


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to be another account")
def test_check_says_what_it_may_not_see(plant, units):
    nobody = pwd.getpwnam("nobody")
    for path in (plant.dir, units, *units.parents):
        if str(path).startswith(("/tmp/ww-", "/tmp/pytest")):
            path.chmod(path.stat().st_mode | 0o055)
    plant.credentials.chmod(0o700)
    done = subprocess.run(
        ["setpriv", f"--reuid={nobody.pw_uid}", "--regid=65534", "--clear-groups", program("wastewatch"),
         "check", "--config", plant.config], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "SYSTEMD_UNIT_PATH": str(units)})
    assert "only root may" in done.stdout and "warning" not in done.stderr, done.stderr
