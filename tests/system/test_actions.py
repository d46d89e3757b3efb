# SPDX-License-Identifier: Apache-2.0
"""Each action of people, from the command line over a bus to the entry with the name of who did it;
what is refused and leaves no entry; and nothing is said to be done that is not on the disk.
"""

import json
import os
import pwd
import random
import re
import shutil
import subprocess
import threading
import time
from datetime import datetime, timedelta

import pytest
from bus import Bus
from plant import BUILD, LIMITS, MISSING, Device, Plant

pytestmark = pytest.mark.skipif(not shutil.which("dbus-daemon"), reason="needs dbus-daemon")
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a file system of its own")
ME = pwd.getpwuid(os.geteuid()).pw_name
COD = "mill/outfall/COD/limit-high"
NH4 = "mill/outfall/NH4/limit-high"
LATCHING = {**LIMITS, "outfall": LIMITS["outfall"][:4] + (
    '{channel: NH4, class: limit, high: 10, clear-delay: 200ms, latch: yes, origin: "permit"}',)}
ABSENT = "absent"


@pytest.fixture(name="plant")
def _plant():
    with Bus() as bus, Plant(Device(), bus=bus.address, limits=LATCHING,
                             incident_clear="1s") as plant:
        plant.start("core", "poller")
        plant.until(bus.has_core, "the core is on the bus")
        yield plant


def act(plant, *arguments, fails=None):
    """Run an action; its entries. @fails: a word of the sentence with which it is refused."""
    before = plant.query("SELECT coalesce(max(seq), 0) FROM entry")[0][0]
    done = plant.command(*arguments, "--bus", plant.options["bus"])
    entries = [e for e in plant.entries() if e["seq"] > before and "user" in e]
    if fails is None:
        assert done.returncode == 0, done.stderr
        assert all(e["user"] == ME for e in entries)
    else:
        assert done.returncode == 1 and fails in done.stderr, done.stderr
        assert entries == []
    return entries


def state(plant, path):
    """As "wastewatch alarms" tells it; ABSENT where the alarm is not listed."""
    for line in plant.command("alarms", "--json").stdout.splitlines():
        alarm = json.loads(line)
        if alarm["limit"] == path:
            return alarm
    return {"state": ABSENT}


def until_state(plant, path, wanted):
    return plant.until(lambda: (alarm := state(plant, path))["state"] == wanted and alarm,
                       f"{path} is {wanted}")


def until_on_bus(plant):
    """The core that runs now, not the one before."""
    plant.until(lambda: plant.status().get("pid") == plant.processes["core"].pid and
                plant.status()["bus"]["ready"], "on the bus again")


@pytest.fixture(name="broken")
def _broken(plant):
    """COD stands above its limit."""
    plant.device.set(COD=200)
    until_state(plant, COD, "unacknowledged")
    return plant


def test_acknowledge(broken):
    entry, = act(broken, "ack", COD[:-5])
    assert entry["type"] == "alarm.acknowledged"
    assert (entry["site"], entry["channel"], entry["limit"]) == ("mill", "COD", "limit-high")
    until_state(broken, COD, "acknowledged")
    act(broken, "ack", COD, fails="already")
    act(broken, "reset", COD, fails=COD)
    wanted = re.compile(rf"^{COD}\n +acknowledged, limit, .* worst 200 mg/l\n"
                        rf" +acknowledged by {ME}, 20", re.M)
    broken.until(lambda: wanted.search(broken.command("alarms").stdout), "it is shown so")
    broken.device.set(COD=50)
    until_state(broken, COD, ABSENT)


def test_of_several_alarms_those_that_wait_are_meant(broken):
    """200 mg/l: the warning and the limit stand, the emergency does not."""
    channel, warning = "mill/outfall/COD", "mill/outfall/COD/warning-high"
    until_state(broken, warning, "unacknowledged")
    said = broken.command("ack", channel, "--bus", broken.options["bus"])
    assert said.returncode == 1 and said.stderr.splitlines()[1:] == [f"  {COD}", f"  {warning}"]
    act(broken, "ack", warning)
    until_state(broken, warning, "acknowledged")
    entry, = act(broken, "ack", channel)
    assert entry["limit"] == "limit-high"
    until_state(broken, COD, "acknowledged")
    said = broken.command("ack", channel, "--bus", broken.options["bus"])
    assert said.returncode == MISSING
    assert f'none of the 3 alarms that begin with "{channel}" waits for being acknowledged' in \
        said.stderr
    # what is hidden is hidden in order to be found again
    act(broken, "shelve", COD, "--for", "1h", "--reason", "pump")
    broken.until(lambda: state(broken, COD).get("shelved_until_ms"), "shelved")
    entry, = act(broken, "unshelve", channel)
    assert entry["type"] == "alarm.unshelved" and entry["limit"] == "limit-high"


@pytest.mark.parametrize(("command", "says"), [
    ("drill", "drill takes a verb: start SITE SCENARIO, stop SITE, list or scenarios"),
    ("ack", "ack takes one argument or more: wastewatch ack TARGET..."),
    ("show", "show takes one argument: wastewatch show INCIDENT")])
def test_a_command_without_what_it_is_about(command, says):
    done = subprocess.run([BUILD / "wastewatch", command], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr == f"wastewatch: {says}\n"


def test_nothing_to_acknowledge(plant):
    act(plant, "ack", "mill/stack/SO2/limit-high", fails="mill/stack/SO2/limit-high")


def test_shelve_for_a_time(broken):
    act(broken, "shelve", COD, "--for", "9h", "--reason", "too long", fails="480 min at most")
    entry, = act(broken, "shelve", COD, "--for", "2h", "--reason", "đang súc rửa ống")
    assert entry["type"] == "alarm.shelved" and entry["reason"] == "đang súc rửa ống"
    ends = datetime.fromisoformat(entry["until"]) - datetime.fromisoformat(entry["time"])
    assert timedelta(hours=2, seconds=-5) < ends <= timedelta(hours=2)
    until_ms = datetime.fromisoformat(entry["until"]).timestamp() * 1000
    assert broken.until(lambda: state(broken, COD).get("shelved_until_ms"), "its end") == \
        pytest.approx(until_ms, abs=1)
    assert f"shelved by {ME} until 20" in broken.command("alarms").stdout
    act(broken, "shelve", COD, "--for", "1h", "--reason", "again", fails=f"already, by {ME}")
    entry, = act(broken, "unshelve", COD)
    assert entry["type"] == "alarm.unshelved"
    broken.until(lambda: not state(broken, COD).get("shelved_until_ms"), "no longer")
    act(broken, "unshelve", COD, fails=COD)


def test_shelving_hides_nothing_from_the_record(plant):
    act(plant, "shelve", NH4, "--until",
        (datetime.now() + timedelta(hours=1, seconds=25200 - time.localtime().tm_gmtoff))
        .strftime("%Y-%m-%d %H:%M"), "--reason", "pump is being changed")
    n = len(plant.entries("alarm.raised"))
    plant.device.set(NH4=20)
    plant.until(lambda: len(plant.entries("alarm.raised")) > n, "it is judged all the same")
    act(plant, "unshelve", NH4)
    plant.device.set(NH4=2)
    until_state(plant, NH4, "latched")
    entry, = act(plant, "reset", NH4)
    assert entry["type"] == "alarm.reset" and entry["limit"] == "limit-high"
    until_state(plant, NH4, ABSENT)


def test_shelve_once(plant):
    """Until it has been broken and is in order again; the longest time that is allowed ends it."""
    entry, = act(plant, "shelve", COD, "--once", "--reason", "known spike")
    assert entry["type"] == "alarm.shelved"
    ends = datetime.fromisoformat(entry["until"]) - datetime.fromisoformat(entry["time"])
    assert ends == timedelta(hours=8)
    entry, = act(plant, "unshelve", COD, "--reason", "it was another one")
    assert (entry["type"], entry["reason"]) == ("alarm.unshelved", "it was another one")


def test_out_of_service_and_return(plant):
    entry, = act(plant, "out-of-service", COD, "--reason", "analyser is at the works")
    assert entry["type"] == "alarm.out_of_service" and "until" not in entry
    plant.until(lambda: state(plant, COD).get("out_of_service"), "it is listed")
    act(plant, "out-of-service", COD, "--reason", "again", fails="already")
    entry, = act(plant, "return", COD)
    assert entry["type"] == "alarm.returned"
    act(plant, "return", COD, fails=COD)


def test_incident_from_the_first_to_the_last_word(plant):
    plant.device.set(COD=200)
    opened = plant.until_entry("incident.opened", len(plant.entries("incident.opened")) + 1)
    ident = opened["incident"]
    entry, = act(plant, "ack", ident)
    assert (entry["type"], entry["incident"]) == ("incident.acknowledged", ident)
    act(plant, "ack", ident, fails=f"was acknowledged by {ME}")
    told = ("--cause", "van V12 rò rỉ", "--measures", "thay gioăng, hút bể")
    act(plant, "close", ident, *told, fails=ident)
    act(plant, "ack", COD)
    plant.device.set(COD=50)
    plant.until_entry("incident.ended", incident=ident)
    act(plant, "ack", ident, fails=ident)
    entry, = act(plant, "close", ident, *told)
    assert (entry["type"], entry["incident"]) == ("incident.closed", ident)
    assert (entry["reason"], entry["measures"]) == (told[1], told[3])
    act(plant, "close", ident, *told, fails=ident)


def test_no_such_incident(plant):
    done = plant.command("close", "mill-gas-20200101T000000Z", "--cause", "x", "--measures", "y",
                         "--bus", plant.options["bus"])
    assert done.returncode == MISSING


def test_several_at_once_and_one_that_is_not_there(broken):
    done = broken.command("ack", COD, "mill/outfall/COD/warning-high", "mill/none", "--json",
                          "--bus", broken.options["bus"])
    assert done.returncode == MISSING
    assert [json.loads(line)["done"] for line in done.stdout.splitlines()] == [True, True, False]


def test_it_outlives_a_restart(plant):
    act(plant, "shelve", COD, "--for", "2h", "--reason", "kept")
    plant.kill("core")
    plant.start_core()
    until_on_bus(plant)
    assert state(plant, COD).get("shelved_until_ms"), "it is shelved still"
    act(plant, "unshelve", COD)
    plant.check_chain()


# ---- nothing is said before it is on the disk ----

def test_a_reload_that_changes_limits(broken):
    """What people did stays with a limit whose bound has changed; what stands is judged by the new
    one; a limit of another side is another limit, and that the old one is gone is said."""
    def configure(cod, nh4):
        broken.configure(limits={**LATCHING, "outfall": LATCHING["outfall"][:1] + (
            f"{{channel: COD, class: limit, high: {cod}, clear-delay: 200ms, origin: permit}}",
            f"{{channel: NH4, name: n, class: limit, {nh4}, clear-delay: 200ms, latch: yes, "
            "origin: permit}")})
        broken.reload()
    named = NH4.replace("limit-high", "n")
    configure(150, "high: 10")
    act(broken, "ack", COD)
    broken.device.set(NH4=20)
    until_state(broken, named, "unacknowledged")
    act(broken, "shelve", named, "--for", "1h", "--reason", "pump is being changed")
    # COD at 200 stands under 180 too, acknowledged as it was; NH4 at 20 is in order under 30
    configure(180, "high: 30")
    latched = until_state(broken, named, "latched")
    assert (latched["shelved_by"], latched["shelved_reason"]) == (ME, "pump is being changed")
    alarm = state(broken, COD)
    assert (alarm["state"], alarm["acknowledged_by"]) == ("acknowledged", ME)
    configure(250, "high: 30")
    cleared = broken.until_entry("alarm.cleared", limit="limit-high", channel="COD")
    assert cleared["bound"] == "250" and cleared["value"] == "200"
    until_state(broken, COD, ABSENT)
    assert not broken.entries("alarm.removed")
    # "at least 30" is not "at most 30", whatever it is called: 20 breaks it, and nobody shelved it
    configure(250, "low: 30")
    removed = broken.until_entry("alarm.removed")
    assert removed["name"] == named and "judged anew" in removed["reason"]
    anew = until_state(broken, named, "unacknowledged")
    assert "shelved_by" not in anew
    raised = broken.entries("alarm.raised")[-1]
    assert (raised["limit"], raised["side"], raised["bound"]) == ("n", "low", "30")
    broken.check_chain()


class Shelver(threading.Thread):
    """Shelves and unshelves with a reason of its own each time, and keeps what it was told."""

    def __init__(self, plant, address):
        super().__init__()
        self.plant, self.address = plant, address
        self.done, self.tried, self.over = [], [], threading.Event()

    def call(self, method, *arguments):
        return subprocess.run(
            ["busctl", f"--address={self.address}", "call", "vn.wastewatch1", "/vn/wastewatch1",
             "vn.wastewatch1.Manager", method, *arguments], capture_output=True, check=False,
            timeout=60).returncode == 0

    def run(self):
        number = 0
        while not self.over.is_set():
            reason = f"try {(number := number + 1)}"
            self.tried.append(reason)
            if self.call("Shelve", "stbs", COD, "0", "true", reason):
                self.done.append(reason)
            self.call("Unshelve", "ss", COD, "")


def test_what_was_said_to_be_done_is_in_the_record_after_kill_9():
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    with Bus() as bus, Plant(Device(), bus=bus.address) as plant:
        plant.start("core", "poller")
        plant.until(bus.has_core, "the core is on the bus")
        shelver = Shelver(plant, bus.address)
        shelver.start()
        try:
            for _ in range(8):
                n = len(shelver.done) + chance.randrange(1, 5)
                plant.until(lambda n=n: len(shelver.done) >= n, "some more are done")
                time.sleep(chance.random() * 0.02)  # so that it is hit anywhere, the commit too
                plant.kill("core")
                plant.start_core()
        finally:
            shelver.over.set()
            shelver.join()
        reasons = [e["reason"] for e in plant.entries("alarm.shelved")]
        assert set(shelver.done) <= set(reasons), f"seed {seed}"
        assert set(reasons) <= set(shelver.tried), f"seed {seed}"
        assert len(reasons) == len(set(reasons)), f"seed {seed}: done twice"
        plant.check_chain()


SMALL = ("storage-ballast: 4\nstorage-low: 8\nstorage-critical: 2\n"
         "storage-low-inodes: 50\nstorage-critical-inodes: 10\n")


def fill(path):
    with open(path, "ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass


@ROOT_ONLY
def test_on_a_full_disk_nobody_is_told_that_it_is_done(tmp_path):
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", tmp_path],
                      check=False).returncode != 0:
        pytest.skip("may not mount a file system")
    try:
        with Bus() as bus, Plant(bus=bus.address, state=tmp_path / "state", main=SMALL) as plant:
            plant.start("core")
            plant.until(bus.has_core, "the core is on the bus")
            act(plant, "shelve", COD, "--for", "1h", "--reason", "there is room")
            n, refused = 1, None
            for command in 200 * (("unshelve",), ("shelve", "--once", "--reason", "x")):
                fill(tmp_path / "filler")  # the service's ballast, too, when it gives that up
                done = plant.command(*command, COD, "--bus", bus.address)
                if done.returncode != 0:
                    refused = done
                    break
                n += 1  # there was room left in the log's file
            assert "the record cannot be written" in refused.stderr or \
                "not in the record yet" in refused.stderr
            again = plant.command("shelve", COD, "--once", "--reason", "y", "--bus", bus.address)
            assert "nothing was done" in again.stderr and again.returncode == 1
            (tmp_path / "filler").unlink()
            plant.until(lambda: plant.status().get("storage", {}).get("storing"), "it stores again")
            assert n <= len(plant.entries("alarm.shelved", "alarm.unshelved")) <= n + 1
            plant.command("unshelve", COD, "--bus", bus.address)
            act(plant, "shelve", COD, "--once", "--reason", "there is room again")
            plant.check_chain()
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)
