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

sys.path[:0] = [str(Path(__file__).parent / "nspawn"), str(Path(__file__).parents[1])]
import catalogs  # noqa: E402
from debian import package, tree, why_no_package  # noqa: E402
from machine import Machine, wait_for, why_not  # noqa: E402

EXAMPLES = "/usr/share/doc/wastewatch/examples"
CORE, POLLER, SENDER = "wastewatchd", "wastewatch-poller", "wastewatch-sender"
ALL = (CORE, POLLER, SENDER)
SOCKETS = ("wastewatchd-poller.socket", "wastewatchd-sender.socket")
KEYS = "/etc/wastewatch/credentials"

REASON = why_not() or why_no_package()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no machine of its own: {REASON}")


class Plant(Machine):
    """A machine on which wastewatch has been installed."""

    def prepare(self):
        """What README says, and no more; then a receiver's view of the keys, and a spill to come."""
        self.run("systemctl", "start", "dbus")
        self.run("sh", "-c", "cd /root && DEBIAN_FRONTEND=noninteractive apt --yes install "
                 "./wastewatch_*.deb")
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
            shutil.copy(package(), machine.root / "root")
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


def tried(running, unit):
    """What status says of a program's sandbox; while the core is not there, nothing."""
    status = json.loads(running.run("wastewatch", "status", "--json", check=False).stdout)
    sandbox = status.get("live", {}).get("sandboxes", {}).get(unit, {})
    return sandbox.get("state"), sandbox.get("words")


def drop_in(running, unit, text):
    directory = f"/run/systemd/system/{unit}.service.d"
    running.run("mkdir", "-p", directory)
    running.run("tee", f"{directory}/test.conf", text=text)
    running.run("systemctl", "daemon-reload")
    running.run("systemctl", "restart", unit)
    running.wait_active()


def take_back(running, unit):
    running.run("rm", "-r", f"/run/systemd/system/{unit}.service.d")
    running.run("systemctl", "daemon-reload")
    running.run("systemctl", "restart", unit)
    running.wait_active()


def test_each_has_tried_its_own_sandbox(running):
    """A score is no proof: what each must not be able to do has been tried, and is an entry."""
    wanted = {CORE: "cannot open a socket of IPv4, IPv6; 2 of 2 refused",
              POLLER: "cannot open /var/lib/wastewatch/record.db; cannot send to 203.0.113.1; "
                      "2 of 2 refused",
              SENDER: "cannot open /var/lib/wastewatch/record.db; 1 of 1 refused"}
    for unit, words in wanted.items():
        assert wait_for(lambda unit=unit: tried(running, unit)[1], "told") == words
        assert tried(running, unit)[0] == "holds"
        entries = wait_for(lambda unit=unit: running.journal(
            "WASTEWATCH_TYPE=sandbox.checked", f"WASTEWATCH_NAME={unit}"), "the entry")
        assert entries[-1]["WASTEWATCH_REASON"] == words
    assert "all three hold" in running.run("wastewatch", "status", check=False).stdout


@pytest.mark.parametrize("unit, lines, words", [
    (POLLER, "IPAddressAllow=any", "can send to 203.0.113.1; 1 of 2 refused"),
    (CORE, "RestrictAddressFamilies=\nRestrictAddressFamilies=AF_UNIX AF_INET",
     "can open a socket of IPv4; 1 of 2 refused")], ids=["poller", "core"])
def test_a_sandbox_that_is_not_in_force_is_told(running, unit, lines, words):
    """In a container without BPF, say; the machine is watched all the same."""
    mark = running.mark()
    drop_in(running, unit, f"[Service]\n{lines}\n")
    wait_for(lambda: tried(running, unit) == ("open", words), "status says so")
    entry, = wait_for(lambda: running.journal(mark, "WASTEWATCH_TYPE=sandbox.open",
                                              f"WASTEWATCH_NAME={unit}"), "the warning")
    assert entry["PRIORITY"] == "4" and words in entry["MESSAGE"]
    assert "NOT IN FORCE" in running.run("wastewatch", "status", check=False).stdout
    take_back(running, unit)
    wait_for(lambda: tried(running, unit)[0] == "holds", "it holds again")


def test_the_drop_in_for_the_department_keeps_the_sender_from_the_plant(running):
    """The example as it is installed, and a link that is no loopback one."""
    site = "/etc/wastewatch/sites.d/hop-thanh.yaml"
    running.run("cp", site, "/root/site.yaml")
    running.run("sed", "-i", "s/127.0.0.1:15022/192.168.10.20:15022/", site)
    running.run("systemctl", "reload", CORE)
    wait_for(lambda: tried(running, SENDER) == ("open", "can send to 192.168.10.20; 1 of 2 refused"),
             "it can")
    text = running.run("cat", "/usr/share/doc/wastewatch/systemd/department-addresses.conf").stdout
    drop_in(running, SENDER, text)
    wait_for(lambda: tried(running, SENDER) ==
             ("holds", "cannot open /var/lib/wastewatch/record.db; cannot send to 192.168.10.20; "
              "2 of 2 refused"),
             "it cannot any more")
    take_back(running, SENDER)
    running.run("cp", "/root/site.yaml", site)
    running.run("systemctl", "reload", CORE)
    wait_for(lambda: tried(running, SENDER)[0] == "holds", "no such link any more")


@pytest.mark.parametrize("name, unit", [
    ("plant-addresses", POLLER), ("no-serial-lines", POLLER), ("serial-only", POLLER)])
def test_the_other_drop_ins_are_good(running, name, unit):
    drop_in(running, unit, running.run(
        "cat", f"/usr/share/doc/wastewatch/systemd/{name}.conf").stdout)
    wait_for(running.are_connected, "it has found the core")
    done = running.run("systemd-analyze", "verify", "--man=no", f"{unit}.service", check=False)
    assert unit not in done.stderr
    assert tried(running, unit)[0] == "holds"
    take_back(running, unit)


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


def test_reload_needs_no_bus(running):
    mark = running.mark()
    running.run("systemctl", "stop", "dbus.socket", "dbus")
    done = running.run("systemctl", "reload", CORE, check=False)
    running.run("systemctl", "start", "dbus")
    assert done.returncode == 0, done.stderr
    assert running.journal(mark, "WASTEWATCH_TYPE=config.loaded"), "when it returns, it is done"


# faults: S10
def test_a_missing_secret_fails_a_reload_and_ends_no_service(running):
    """The reload says which; a restart, which nobody may watch, watches and tells all the same."""
    mark = running.mark()
    running.run("cp", "/etc/wastewatch/wastewatch.yaml", "/root/good.yaml")
    running.run("sed", "-i", "s/hmac-secret: department-secret/hmac-secret: no-such-secret/",
                "/etc/wastewatch/wastewatch.yaml")
    said = running.run("wastewatch", "check").stderr
    assert "the unit wastewatchd hands no credential no-such-secret over" in said
    done = running.run("systemctl", "reload", CORE, check=False)
    running.run("cp", "/root/good.yaml", "/etc/wastewatch/wastewatch.yaml")
    assert done.returncode != 0
    lines = [e["MESSAGE"] for e in running.journal(mark, f"_SYSTEMD_UNIT={CORE}.service")]
    assert any("no-such-secret is not there" in line for line in lines)
    # the unit names a file that is gone
    running.run("mv", f"{KEYS}/department-secret", "/root/department-secret")
    restarts = running.restarts(CORE)
    running.run("systemctl", "restart", CORE)
    running.wait_active()
    entry, = wait_for(lambda: running.journal(mark, "WASTEWATCH_TYPE=credential.missing"), "told")
    assert entry["PRIORITY"] == "2" and entry["WASTEWATCH_NAME"] == "department"
    wait_for(lambda: "NEEDS ATTENTION" in running.show(CORE, "StatusText"), "systemctl status says it")
    running.run("mv", "/root/department-secret", f"{KEYS}/department-secret")
    running.run("systemctl", "restart", CORE)
    running.wait_active()
    assert running.restarts(CORE) == restarts, "it never ended by itself"
    assert not running.run("wastewatch", "check").stderr.count("credential")


def test_the_status_line_speaks_of_all_three(running):
    wait_for(lambda: re.search(r"poller reads, \d of 2 links up; sender connected; \d+ of 19 channels",
                               running.show(CORE, "StatusText")), running.show(CORE, "StatusText"))
    running.run("systemctl", "stop", SENDER)
    wait_for(lambda: "NO SENDER" in running.show(CORE, "StatusText"), "it is missed")
    running.run("systemctl", "start", SENDER)
    wait_for(lambda: "sender connected" in running.show(CORE, "StatusText"), "it is back")


MANAGER = ("vn.wastewatch1", "/vn/wastewatch1", "vn.wastewatch1.Manager")


def as_user(running, user, *arguments):
    return running.run("runuser", "-u", user, "--", *arguments, check=False)


def as_operator(running, *arguments):
    """A member of the group, made when first needed."""
    if running.run("id", "operator-1", check=False).returncode:
        running.run("useradd", "-G", "wastewatch", "operator-1")
    return as_user(running, "operator-1", *arguments)


def test_operators_act_over_the_bus_and_strangers_do_not(running):
    """What README says: root and the members of the group, nobody else; their name is kept."""
    wait_for(lambda: running.run("busctl", "status", "vn.wastewatch1", check=False).returncode == 0,
             "the core has its name on the bus")
    mark = running.mark()
    reload = ("busctl", "call", *MANAGER, "Reload")
    assert as_operator(running, *reload).returncode == 0
    refused = as_user(running, "nobody", *reload)
    # by polkit where there is one, else by the policy of the bus
    assert refused.returncode != 0
    assert re.search("may not do this|authentication|denied", refused.stderr.lower())
    told = as_user(running, "nobody", "wastewatch", "ack", "hop-thanh/outfall-1/COD/limit-high")
    assert told.returncode != 0 and "members of the group wastewatch" in told.stderr
    entries = wait_for(lambda: running.journal(mark, "WASTEWATCH_TYPE=config.loaded"), "the entry")
    assert [e["WASTEWATCH_USER"] for e in entries] == ["operator-1"]
    limit = "hop-thanh/outfall-1/COD/limit-high"
    done = as_operator(running, "wastewatch", "shelve", limit, "--for", "30min",
                       "--reason", "đang súc rửa ống")
    assert done.returncode == 0, done.stderr
    shown = as_operator(running, "wastewatch", "alarms").stdout
    assert "shelved by operator-1" in shown and limit in shown
    assert as_operator(running, "wastewatch", "unshelve", limit).returncode == 0
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
    assert entry["MESSAGE_ID"] == catalogs.events()["incident.opened"]
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


def test_an_operator_acknowledges_it_and_a_stranger_may_not(running):
    """Neither before nor after; the entry has the operator's name."""
    mark, alarm = running.mark(), "hop-thanh/outfall-1/COD/emergency-high"
    ack = ("wastewatch", "ack", alarm)
    wait_for(lambda: running.run("busctl", "status", MANAGER[0], check=False).returncode == 0,
             "the core has its name on the bus")
    refused = [as_user(running, "nobody", *ack)]
    done = as_operator(running, *ack, "--reason", "đã đóng van")
    assert done.returncode == 0, done.stderr
    refused.append(as_user(running, "nobody", *ack))
    assert [told.returncode for told in refused] == [6, 6]
    entry, = wait_for(lambda: running.journal(mark, "WASTEWATCH_TYPE=alarm.acknowledged"),
                      "the entry")
    assert (entry["WASTEWATCH_USER"], entry["WASTEWATCH_REASON"]) == ("operator-1", "đã đóng van")
    assert alarm not in [line.split()[0] for line in as_operator(
        running, "wastewatch", "alarms").stdout.splitlines() if "unacknowledged" in line]


def test_a_new_limit_counts_from_the_reload_on(running):
    """What is measured already breaks it: an alarm, and the same processes as before."""
    site = "/etc/wastewatch/sites.d/hop-thanh.yaml"
    measured = wait_for(lambda: value_of(running, "hop-thanh/outfall-1/TSS"), "a value")
    bound = f"{float(measured) / 2:g}"
    limit = f"{{channel: TSS, name: tight, class: warning, high: {bound}, on: value}}"
    running.run("cp", site, "/root/site.yaml")
    running.run("sed", "-i", f"0,/^    limits:$/s//    limits:\\n      - {limit}/", site)
    before, mark = running.pids(), running.mark()
    running.run("systemctl", "reload", CORE)
    entry, = wait_for(lambda: running.journal(mark, "WASTEWATCH_TYPE=alarm.raised",
                                              "WASTEWATCH_LIMIT=tight"), "the alarm")
    assert (entry["WASTEWATCH_CHANNEL"], entry["WASTEWATCH_CLASS"]) == ("TSS", "warning")
    assert "tight" in as_operator(running, "wastewatch", "alarms").stdout
    running.run("cp", "/root/site.yaml", site)
    running.run("systemctl", "reload", CORE)
    wait_for(lambda: "tight" not in as_operator(running, "wastewatch", "alarms").stdout,
             "no such limit any more")
    assert running.pids() == before


@pytest.mark.parametrize("language, subject", [
    ("C.UTF-8", "Subject: Incident {} has begun"), ("vi_VN.UTF-8", "Subject: Sự cố {}")])
def test_catalog_explains_an_incident_to_the_operator(running, language, subject):
    entry = wait_for(lambda: running.entries("incident.opened"), "an incident")[0]
    if language == "vi_VN.UTF-8":  # journalctl asks for the locale, not for its name
        if running.run("test", "-e", "/usr/share/i18n/locales/vi_VN", check=False).returncode:
            pytest.skip("this machine has no Vietnamese locale to make")
        running.run("localedef", "-i", "vi_VN", "-f", "UTF-8", language)
    done = running.run("env", f"LANG={language}", "journalctl", "--no-pager", "-x",
                       f"MESSAGE_ID={entry['MESSAGE_ID']}")
    assert f"wastewatch show {entry['WASTEWATCH_INCIDENT']}" in done.stdout
    assert subject.format(entry["WASTEWATCH_INCIDENT"]) in done.stdout
    assert "@" not in done.stdout.partition("Subject: ")[2]


def test_the_inspectors_lines_of_readme_run(running):
    """All of them, as they stand there, as a member of the two groups."""
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## For the inspector")[2].partition("\n## ")[0]
    lines = [line.partition("#")[0].strip() for line in section.splitlines()
             if line.startswith("    journalctl ")]
    assert len(lines) == 5
    running.run("useradd", "--groups", "wastewatch,systemd-journal", "inspector")
    shown = {}
    for line in lines:
        done = running.run("runuser", "-u", "inspector", "--", "sh", "-c", f"{line} --no-pager")
        shown[line] = done.stdout
        assert not done.stderr, line
    some = [line for line, text in shown.items() if text and "-- No entries --" not in text]
    assert len(some) >= 4, some  # nothing was shelved, perhaps, or lost


def value_of(running, path):
    live = json.loads(running.run("wastewatch", "status", "--json", check=False).stdout)["live"]
    return next((c.get("value") for c in live["channels"] if c["channel"] == path
                 and c["quality"] == "good"), None)


def test_a_reboot_in_the_middle_of_an_incident(running):
    """The same incident goes on, by itself, and the receiver is told so; the record holds."""
    incident = wait_for(lambda: running.entries("incident.opened"), "an incident")[0]
    ident, before = incident["WASTEWATCH_INCIDENT"], last_number(running)
    running.reboot()
    wait_for(lambda: running.state(CORE) == "active", "it comes up with the machine")
    running.start_receiver()
    running.start_plant()
    wait_for(running.are_connected, "all are connected")
    wait_for(lambda: running.state("plant") == "active", "the plant is back")
    open_ones = json.loads(running.run("wastewatch", "incidents", "--open", "--json").stdout)
    assert ident in json.dumps(open_ones)
    assert [e["WASTEWATCH_INCIDENT"] for e in running.entries("incident.opened")] == [ident]
    wait_for(lambda: value_of(running, "hop-thanh/outfall-1/COD") == "350", "it is measured again")
    assert last_number(running) > before
    running.run("wastewatch", "verify")
    until_all_told(running)


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
    """Every entry of the record is in the journal, once, in order."""
    wait_for(lambda: [n for n, _ in all_told(machine)][-1:] == [last_number(machine)],
             "the journal has all")
    numbers = [n for n, _ in all_told(machine)]
    assert numbers == list(range(1, numbers[-1] + 1))


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


def incidents_of(running):
    shown = running.run("wastewatch", "incidents", "--json").stdout
    return {json.loads(line)["id"] for line in shown.splitlines()}


def reports_of(running, incident):
    """What the receiver holds of it, on its disk."""
    done = running.run("grep", "-rl", incident, "/var/lib/receiver", check=False)
    return done.stdout.split()


# faults: H1
def test_a_breach_while_journald_hangs_is_reported_and_told_later(running):
    """The department need not wait for a journal that takes nothing."""
    until_all_told(running)
    told = {n for n, _ in all_told(running)}
    known = incidents_of(running)
    running.run("systemctl", "stop", "plant")
    journald = running.show("systemd-journald", "MainPID")
    running.run("kill", "-STOP", journald)
    try:
        running.run("tee", "/etc/spill", text="at 0s hop-thanh/stack-1/SO2 set 1800\n")
        running.start_plant()
        ident, = wait_for(lambda: incidents_of(running) - known, "an incident of gas")
        wait_for(lambda: reports_of(running, ident), "the report at the receiver")
        assert running.show("systemd-journald", "MainPID") == journald, "it hangs still"
    finally:
        running.run("kill", "-CONT", journald, check=False)
    until_all_told(running)
    opened, = [e for e in running.entries("incident.opened") if e["WASTEWATCH_INCIDENT"] == ident]
    assert int(opened["WASTEWATCH_SEQ"]) not in told


def test_journald_stopped_and_hung(running):
    """H1: nobody waits for it, and it is told later what it missed, and what it had taken into its
    socket while it was being stopped, and never read."""
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


def test_a_journal_of_its_own(running):
    """The example drop-in and journald's configuration beside it: kept apart, all of it told once,
    and found again by the core after a kill."""
    doc = "/usr/share/doc/wastewatch/systemd"
    for unit in ALL:
        running.run("install", "-D", "-m", "644", f"{doc}/own-journal.conf",
                    f"/etc/systemd/system/{unit}.service.d/journal.conf")
    running.run("install", "-m", "644", f"{doc}/journald@wastewatch.conf", "/etc/systemd/")
    running.run("systemctl", "daemon-reload")
    running.run("systemctl", "restart", CORE)
    running.wait_active()
    wait_for(running.are_connected, "all are connected")
    own = ("--namespace=wastewatch", f"_SYSTEMD_UNIT={CORE}.service")
    start = wait_for(lambda: running.journal(*own, "WASTEWATCH_TYPE=core.started"), "the start")
    assert not running.journal(f"WASTEWATCH_SEQ={start[-1]['WASTEWATCH_SEQ']}")
    running.run("kill", "-KILL", str(running.pids()[CORE]))
    wait_for(lambda: len(running.journal(*own, "WASTEWATCH_TYPE=core.started")) == 2, "the next")
    running.wait_active()
    numbers = [int(e["WASTEWATCH_SEQ"]) for e in running.journal(*own) if "WASTEWATCH_SEQ" in e]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    settings = running.run("systemd-analyze", "cat-config", "systemd/journald@wastewatch.conf")
    assert "MaxRetentionSec=5year" in settings.stdout
