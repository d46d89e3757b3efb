# SPDX-License-Identifier: Apache-2.0
"""The three programs under a real systemd: a clean Debian that boots, the .deb, the example
configuration, the simulated plant and the receiver as units beside them.
"""

import json
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "nspawn"))
from debian import package, tree, why_no_package  # noqa: E402
from machine import Machine, wait_for, why_not  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = "/usr/share/doc/wastewatch/examples"
CORE, POLLER, SENDER = "wastewatchd", "wastewatch-poller", "wastewatch-sender"
ALL = (CORE, POLLER, SENDER)
SOCKETS = ("wastewatchd-poller.socket", "wastewatchd-sender.socket")
KEYS = "/etc/wastewatch/credentials"
MESSAGE_ID = re.compile(r'"([a-z]+\.[a-z_]+)",\s*"([0-9a-f]{32})"')

REASON = why_not() or why_no_package()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no machine of its own: {REASON}")


def events():
    """Type and MESSAGE_ID of everything that can come into the journal."""
    return dict(MESSAGE_ID.findall((ROOT / "daemon/core/event.c").read_text(encoding="utf-8")))


class Plant(Machine):
    """A machine on which wastewatch has been installed."""

    def prepare(self):
        """What README says, and no more; then a receiver's view of the keys, and a spill to come."""
        self.run("systemctl", "start", "dbus")
        self.run("dpkg", "-i", "/root/wastewatch.deb")
        self.run("sh", "-c", f"cp -r {EXAMPLES}/. /etc/wastewatch/")
        public = self.run("wastewatch", "keygen").stdout.split()[-1]
        self.run("tee", "/etc/receiver.pub", text=public + "\n")
        self.run("tee", "/etc/spill", text="at 0s hop-thanh/outfall-1/COD set 350\n")
        # this machine boots a target of its own, so that it boots nothing else
        self.run("systemctl", "enable", CORE)
        self.run("systemctl", "add-wants", "machine.target", CORE)

    def start_receiver(self):
        self.run("systemd-run", "--unit=receiver", "wastewatch-receiver", "--listen",
                 "127.0.0.1:18930", "--store", "/var/lib/receiver", "--secret",
                 f"{KEYS}/department-secret", "--public-key", "/etc/receiver.pub", "--json")

    def start_plant(self):
        self.run("systemd-run", "--unit=plant", "wastewatch-sim", "--config", "/etc/wastewatch",
                 "--scenario", "/etc/spill")

    def show(self, unit, name):
        return self.run("systemctl", "show", "-P", name, unit).stdout.strip()

    def state(self, unit):
        return self.show(unit, "ActiveState")

    def pids(self):
        return {unit: int(self.show(unit, "MainPID")) for unit in ALL}

    def restarts(self, unit):
        return int(self.show(unit, "NRestarts"))

    def wait_active(self):
        wait_for(lambda: all(self.state(u) == "active" for u in ALL), "all three active")

    def journal(self, *matches):
        done = self.run("journalctl", "--no-pager", "-o", "json", *matches)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def entries(self, kind):
        return self.journal(f"WASTEWATCH_TYPE={kind}")

    def mark(self):
        """A moment, for journal(): only what came later."""
        return f"--since=@{time.time():.6f}"

    def are_connected(self):
        """Poller and sender have found the core."""
        return (self.show(POLLER, "StatusText").startswith("polling") and
                self.show(SENDER, "StatusText").startswith("Connected"))


@pytest.fixture(scope="module")
def plant():
    with tempfile.TemporaryDirectory(prefix="wastewatch-machine-") as directory:
        machine = Plant(directory, tree())
        try:
            shutil.copy(package(), machine.root / "root" / "wastewatch.deb")
            (machine.root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)
            machine.boot()
            machine.prepare()
            yield machine
        finally:
            if os.environ.get("WASTEWATCH_MACHINE_LOG") and machine.leader:
                print(machine.run("journalctl", "--no-pager", check=False).stdout)
            machine.close()


@pytest.fixture
def running(plant):
    """All three are up, whatever the test before has left."""
    plant.run("systemctl", "start", CORE)
    plant.wait_active()
    return plant


# faults: S10
def test_without_keys_it_says_which_file_is_missing(plant):
    plant.run("mv", f"{KEYS}/sign-key", "/root/sign-key")
    assert plant.run("systemctl", "start", CORE, check=False).returncode != 0
    status = plant.run("systemctl", "--no-pager", "status", CORE, check=False).stdout
    plant.run("mv", "/root/sign-key", f"{KEYS}/sign-key")
    assert f"AssertPathExists={KEYS}/sign-key was not met" in status
    wait_for(lambda: all(plant.state(u) == "inactive" for u in ALL + SOCKETS), "none runs alone")


def test_start_brings_all_three_up(plant):
    plant.run("systemctl", "enable", CORE)
    plant.run("systemctl", "start", CORE)
    plant.wait_active()
    for unit in SOCKETS:
        assert plant.state(unit) == "active"
    users = {unit: plant.run("stat", "-c", "%U", f"/proc/{pid}").stdout.strip()
             for unit, pid in plant.pids().items()}
    assert users == {CORE: "wastewatch", POLLER: "wastewatch-poller", SENDER: "wastewatch-sender"}
    wait_for(lambda: all(plant.show(u, "StatusText") for u in ALL), "a STATUS of each")


def test_files_have_the_right_owners_and_modes(running):
    def stat(path):
        return running.run("stat", "-c", "%U:%G %a", path).stdout.strip()

    assert stat("/run/wastewatch") == "wastewatch:wastewatch 755"
    assert stat("/run/wastewatch/poller.sock") == "wastewatch:wastewatch-poller 660"
    assert stat("/run/wastewatch/sender.sock") == "wastewatch:wastewatch-sender 660"
    assert stat("/var/lib/wastewatch") == "wastewatch:wastewatch 750"
    assert stat("/var/lib/wastewatch/record.db") == "wastewatch:wastewatch 640"
    assert stat(KEYS) == "root:root 700"


def test_who_may_read_the_record(running):
    def read_as(user):
        return running.run("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups",
                           "wastewatch", "incidents", "--json", check=False).returncode

    running.run("useradd", "--groups", "wastewatch", "operator1")
    assert read_as("operator1") == 0
    assert read_as("wastewatch-poller") != 0
    assert read_as("wastewatch-sender") != 0


# faults: H3
def test_a_strange_user_is_not_let_in(running):
    code = ("import socket,sys; s=socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET);"
            "s.connect('/run/wastewatch/poller.sock')")
    for user in ("nobody", "wastewatch-sender"):
        done = running.run("setpriv", f"--reuid={user}", "--clear-groups", "/usr/bin/python3",
                           "-c", code, check=False)
        assert "PermissionError" in done.stderr


def test_sandboxes_hold(running):
    pids = running.pids()

    def inside(unit, *command):
        return running.run("nsenter", "-t", str(pids[unit]), "-m", *command, check=False)

    def status(unit, field):
        text = running.run("cat", f"/proc/{pids[unit]}/status").stdout
        return re.search(rf"^{field}:\s*(\S+)$", text, re.M).group(1)

    for unit in ALL:
        assert int(status(unit, "CapEff"), 16) == 0
        assert status(unit, "NoNewPrivs") == "1"
        assert status(unit, "Seccomp") == "2"
        assert inside(unit, "touch", "/usr/x").returncode != 0
    links = running.run("cat", f"/proc/{pids[CORE]}/net/dev").stdout.splitlines()[2:]
    assert [line.split(":")[0].strip() for line in links] == ["lo"]
    for unit in (POLLER, SENDER):
        assert inside(unit, "test", "-r", "/var/lib/wastewatch/record.db").returncode != 0


def test_stop_stops_all_three_and_their_sockets(running):
    running.run("systemctl", "stop", CORE)
    wait_for(lambda: all(running.state(u) == "inactive" for u in ALL + SOCKETS), "all stopped")
    running.run("systemctl", "start", CORE)
    running.wait_active()


def test_restart_restarts_all_three(running):
    before = running.pids()
    running.run("systemctl", "restart", CORE)
    wait_for(lambda: all(pid and pid != before[unit] for unit, pid in running.pids().items()),
             "three new processes")
    running.wait_active()
    assert [running.restarts(u) for u in ALL] == [0, 0, 0]


def test_reload_keeps_the_processes_and_says_so(running):
    before, mark = running.pids(), running.mark()
    # a comment makes it another configuration
    running.run("sh", "-c", "echo '# changed' >>/etc/wastewatch/wastewatch.yaml")
    running.run("systemctl", "reload", CORE)
    wait_for(lambda: running.journal(mark, "WASTEWATCH_TYPE=config.loaded"), "config.loaded")
    assert running.pids() == before
    running.wait_active()


# faults: H5
def test_reload_of_a_bad_configuration_fails_and_changes_nothing(running):
    before, mark = running.pids(), running.mark()
    running.run("cp", "/etc/wastewatch/wastewatch.yaml", "/root/good.yaml")
    running.run("sh", "-c", "echo 'no-such-key: 1' >>/etc/wastewatch/wastewatch.yaml")
    done = running.run("systemctl", "reload", CORE, check=False)
    running.run("cp", "/root/good.yaml", "/etc/wastewatch/wastewatch.yaml")
    assert done.returncode != 0
    assert running.pids() == before
    lines = [e["MESSAGE"] for e in running.journal(mark, f"_SYSTEMD_UNIT={CORE}.service")]
    assert any(re.search(r"wastewatch\.yaml:\d+:\d+: .*no-such-key", line) for line in lines)
    running.wait_active()


MANAGER = ("vn.wastewatch1", "/vn/wastewatch1", "vn.wastewatch1.Manager")


def as_user(running, user, *arguments):
    return running.run("runuser", "-u", user, "--", *arguments, check=False)


def test_operators_act_over_the_bus_and_strangers_do_not(running):
    """What README says: root and the members of the group, nobody else; their name is kept."""
    running.run("useradd", "-G", "wastewatch", "operator-1")
    wait_for(lambda: running.run("busctl", "status", "vn.wastewatch1", check=False).returncode == 0,
             "the core has its name on the bus")
    mark = running.mark()
    reload = ("busctl", "call", *MANAGER, "Reload")
    assert as_user(running, "operator-1", *reload).returncode == 0
    refused = as_user(running, "nobody", *reload)
    assert refused.returncode != 0 and "denied" in refused.stderr.lower()
    told = as_user(running, "nobody", "wastewatch", "ack", "hop-thanh/outfall-1/COD/limit-high")
    assert told.returncode == 1 and "members of the group wastewatch" in told.stderr
    entries = wait_for(lambda: running.journal(mark, "WASTEWATCH_TYPE=config.loaded"), "the entry")
    assert [e["WASTEWATCH_USER"] for e in entries] == ["operator-1"]
    limit = "hop-thanh/outfall-1/COD/limit-high"
    done = as_user(running, "operator-1", "wastewatch", "shelve", limit, "--for", "30min",
                   "--reason", "đang súc rửa ống")
    assert done.returncode == 0, done.stderr
    shown = as_user(running, "operator-1", "wastewatch", "alarms").stdout
    assert "shelved by operator-1" in shown and limit in shown
    assert as_user(running, "operator-1", "wastewatch", "unshelve", limit).returncode == 0
    entries = wait_for(lambda: running.journal(mark, "WASTEWATCH_TYPE=alarm.shelved"), "the entry")
    assert (entries[0]["WASTEWATCH_USER"], entries[0]["WASTEWATCH_REASON"]) == \
        ("operator-1", "đang súc rửa ống")


# faults: H2
def test_the_bus_may_be_restarted(running):
    before = running.pids()
    running.run("systemctl", "restart", "dbus")
    wait_for(lambda: running.run("busctl", "call", *MANAGER, "Reload",
                                 check=False).returncode == 0, "calls arrive again")
    assert running.pids() == before


# faults: R2, H8
@pytest.mark.parametrize("victim", ALL)
def test_each_restarts_alone_after_kill_9(running, victim):
    before, count = running.pids(), running.restarts(victim)
    running.run("kill", "-9", str(before[victim]))
    wait_for(lambda: running.restarts(victim) == count + 1, f"systemd restarts {victim}")
    running.wait_active()
    after = running.pids()
    assert after[victim] not in (0, before[victim])
    others = [unit for unit in ALL if unit != victim]
    assert [after[u] for u in others] == [before[u] for u in others]
    wait_for(running.are_connected, "poller and sender have found the core again")


# faults: H7
@pytest.mark.parametrize("victim", ALL)
def test_watchdog_restarts_a_program_that_hangs(running, victim):
    running.run("mkdir", "-p", f"/run/systemd/system/{victim}.service.d")
    running.run("tee", f"/run/systemd/system/{victim}.service.d/watchdog.conf",
                text="[Service]\nWatchdogSec=2\n")
    running.run("systemctl", "daemon-reload")
    running.run("systemctl", "restart", victim)
    running.wait_active()
    before, count, mark = running.pids(), running.restarts(victim), running.mark()
    running.run("kill", "-STOP", str(before[victim]))
    wait_for(lambda: running.restarts(victim) == count + 1, f"the watchdog restarts {victim}")
    running.wait_active()
    text = " ".join(e["MESSAGE"] for e in running.journal(mark, f"UNIT={victim}.service"))
    assert "Watchdog timeout" in text
    running.run("rm", "-r", f"/run/systemd/system/{victim}.service.d")
    running.run("systemctl", "daemon-reload")
    running.run("systemctl", "restart", victim)
    running.wait_active()


def test_spill_comes_to_the_journal_and_to_the_receiver(running):
    running.start_receiver()
    running.start_plant()
    opened = wait_for(lambda: running.entries("incident.opened"), "an incident in the journal")
    assert len(opened) == 1
    entry = opened[0]
    assert entry["MESSAGE_ID"] == events()["incident.opened"]
    assert entry["PRIORITY"] == "2"
    assert entry["_SYSTEMD_UNIT"] == f"{CORE}.service"
    assert entry["WASTEWATCH_SITE"] == "hop-thanh"
    assert entry["WASTEWATCH_CLASS"] == "emergency"
    assert re.fullmatch("[0-9a-f]{64}", entry["WASTEWATCH_HASH"])
    incident, line = entry["WASTEWATCH_INCIDENT"], json.loads(entry["WASTEWATCH_ENTRY"])
    assert line["seq"] == int(entry["WASTEWATCH_SEQ"])
    alarm = running.entries("alarm.raised")[-1]
    assert alarm["WASTEWATCH_CHANNEL"] == "COD" and float(alarm["WASTEWATCH_VALUE"]) > 300

    wait_for(lambda: running.entries("report.delivered"), "the receiver's 2xx")
    stored = running.run("cat", "/var/lib/receiver/index.jsonl").stdout
    assert stored.strip()
    shown = json.loads(running.run("wastewatch", "incidents", "--json").stdout)
    assert incident in json.dumps(shown)


def test_catalog_explains_an_incident_to_the_operator(running):
    entry = wait_for(lambda: running.entries("incident.opened"), "an incident")[0]
    done = running.run("journalctl", "--no-pager", "-x", f"MESSAGE_ID={entry['MESSAGE_ID']}")
    assert f"wastewatch show {entry['WASTEWATCH_INCIDENT']}" in done.stdout
    _, _, text = done.stdout.partition("Subject: ")
    assert text.startswith(f"Incident {entry['WASTEWATCH_INCIDENT']} has begun")
    assert "@" not in text


def test_both_catalogs_know_every_event(running):
    """English and Vietnamese have a text for each MESSAGE_ID of the program, and no others."""
    wanted = set(events().values())
    assert len(wanted) >= 19
    for name in ("wastewatch.catalog", "wastewatch.vi.catalog"):
        text = (ROOT / "systemd/catalog" / name).read_text(encoding="utf-8")
        assert set(re.findall(r"^-- ([0-9a-f]{32})$", text, re.M)) == wanted
    for language, word in (("C.UTF-8", "Subject:"), ("vi_VN.UTF-8", "Subject:")):
        done = running.run("env", f"LANG={language}", "journalctl", "--dump-catalog", *wanted)
        assert done.stdout.count(word) == len(wanted)


# faults: H12
def test_nothing_secret_is_in_sight(running):
    """The secret's text is in no journal line, argument list, environment or unit property."""
    secret = running.run("cat", f"{KEYS}/department-secret").stdout.strip()
    places = [running.run("journalctl", "--no-pager", "-o", "json").stdout]
    places += [running.run("systemctl", "show", u).stdout for u in ALL]
    places += [running.run("sh", "-c", f"tr '\\0' '\\n' </proc/{pid}/{name}").stdout
               for pid in running.pids().values() for name in ("environ", "cmdline")]
    assert all(secret[6:] not in place for place in places)
    done = running.run("grep", "-raFlf", "-", "/var/lib/wastewatch", "/run/wastewatch",
                       text=secret[6:] + "\n", check=False)
    assert (done.returncode, done.stdout) == (1, "")


def all_told(machine):
    """[(number, late?)] of all that the journal has of the record, in its order."""
    return [(int(line["WASTEWATCH_SEQ"]), "WASTEWATCH_RESENT" in line) for line in
            machine.journal("_SYSTEMD_UNIT=wastewatchd.service") if "WASTEWATCH_SEQ" in line]


def last_number(machine):
    done = machine.run("wastewatch", "status", "--json", check=False)
    return json.loads(done.stdout)["entries"]


def until_all_told(machine):
    """Every entry of the record is in the journal, once, in order. Return: those told late."""
    wait_for(lambda: [n for n, _ in all_told(machine)][-1:] == [last_number(machine)],
             "the journal has all")
    numbers = [n for n, _ in all_told(machine)]
    assert numbers == list(range(1, len(numbers) + 1))
    return [n for n, late in all_told(machine) if late]


def test_after_kill_9_the_journal_is_told_the_rest_and_nothing_twice(running):
    """H1: it is asked which entry of this record it has last."""
    until_all_told(running)
    for _ in range(3):
        pid = running.pids()[CORE]
        running.run("kill", "-KILL", str(pid))
        wait_for(lambda old=pid: running.pids()[CORE] not in (0, old), "it is started again")
        running.wait_active()
        wait_for(running.are_connected, "all are connected")
    until_all_told(running)


def test_journald_stopped_and_hung(running):
    """H1: nobody waits for it, and it is told later what it missed."""
    until_all_told(running)
    running.run("systemctl", "stop", "systemd-journald.socket", "systemd-journald-dev-log.socket",
                "systemd-journald-audit.socket", "systemd-journald.service", check=False)
    running.run("systemctl", "restart", POLLER)  # which is an entry
    wait_for(running.are_connected, "all are connected")
    running.run("systemctl", "start", "systemd-journald.socket",
                "systemd-journald-dev-log.socket", "systemd-journald.service")
    until_all_told(running)
    journald = running.show("systemd-journald", "MainPID")
    running.run("kill", "-STOP", journald)
    running.run("systemctl", "restart", POLLER)
    wait_for(running.are_connected, "all are connected")
    running.run("kill", "-CONT", journald)
    until_all_told(running)
    assert running.restarts(CORE) == 0 or running.state(CORE) == "active"
