# SPDX-License-Identifier: Apache-2.0
"""Who may act: root always; others as polkit says; where it says nothing, members of the group.

polkit is one of the tests' own (polkit.py). The core sees a list of groups with one more in it, and
callers come with that group or without.
"""

import os
import pathlib
import pwd
import re
import shutil
import subprocess
import xml.etree.ElementTree

import pytest
from bus import NAME, PATH, POLKIT, Bus, Caller
from plant import ROOT, Device, Plant, until
from polkit import Polkit

pytest.importorskip("gi.repository.Gio", reason="needs python3-gi")
pytestmark = [
    pytest.mark.skipif(not shutil.which("dbus-daemon"), reason="needs dbus-daemon"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: acts as other users")]

POLICY = ROOT / "systemd" / "vn.wastewatch1.policy"
RULES = ROOT / "systemd" / "vn.wastewatch1.rules"
DENIED = "org.freedesktop.DBus.Error.AccessDenied"
PASSWORD = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"
TOO_MANY = "org.freedesktop.DBus.Error.LimitsExceeded"
CATALOG = "/usr/share/xml/polkit-1/catalog.xml"
GID = 54321  # of the group "wastewatch" in the list that the core sees
STRANGER = {"user": "nobody", "group": "nogroup", "extra_groups": []}
MEMBER = {"user": "daemon", "group": "daemon", "extra_groups": [GID]}


@pytest.fixture(name="bus", scope="module")
def _bus():
    with Bus(polkit=True, everybody=True) as bus:
        yield bus


@pytest.fixture(name="groups", scope="module")
def _groups(tmp_path_factory):
    path = tmp_path_factory.mktemp("etc") / "group"
    lines = pathlib.Path("/etc/group").read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([line for line in lines if not line.startswith("wastewatch:")] +
                              [f"wastewatch:x:{GID}:sys"]) + "\n")
    path.chmod(0o644)
    return path


def start(plant, bus, groups):
    plant.start_core("unshare", "--mount", "sh", "-c",
                     f"mount --bind {groups} /etc/group && exec \"$@\"", "sh")
    plant.until(bus.has_core, "the core is on the bus")


@pytest.fixture(name="plant", scope="module")
def _plant(bus, groups):
    with Plant(Device(), bus=bus.address) as plant:
        start(plant, bus, groups)
        plant.start_poller()
        plant.until_good("mill/outfall/COD")
        yield plant
        assert plant.stop() == 0


def reload(bus, who):
    return bus.send("Reload", **who)


def authorization(bus):
    return bus.busctl("get-property", NAME, PATH, f"{NAME}.Manager", "Authorization").stdout


# ---- as polkit says ----

@pytest.mark.parametrize("says, error", [("yes", ""), ("no", DENIED), ("challenge", PASSWORD)])
@pytest.mark.parametrize("who", [STRANGER, MEMBER], ids=["stranger", "member"])
def test_polkit_decides(plant, bus, who, says, error):
    with Polkit(bus, says) as polkit:
        before = len(plant.entries("config.loaded"))
        assert reload(bus, who) == error
        asked, = polkit.asked()
        assert asked["kind"] == "system-bus-name" and re.fullmatch(r":1\.\d+", asked["name"])
        assert (asked["action"], asked["flags"]) == (f"{NAME}.reload", 0)
        entries = plant.entries("config.loaded")[before:]
        assert [(e["user"], e["uid"]) for e in entries] == \
            ([(who["user"], pwd.getpwnam(who["user"]).pw_uid)] if says == "yes" else [])


def test_root_needs_no_polkit(plant, bus):
    with Polkit(bus, "no") as polkit:
        assert bus.send("Reload") == ""
        assert not polkit.asked()
        assert plant.entries("config.loaded")[-1]["uid"] == 0


def test_a_password_is_asked_for_where_the_caller_allows_it(plant, bus):
    """The flag of the message becomes polkit's, once that has said that a password would do."""
    quiet = ("--allow-interactive-authorization=no", "call", NAME, PATH, f"{NAME}.Manager",
             "Reload")
    with Polkit(bus, "password") as polkit:
        assert bus.call("Reload", **STRANGER).returncode == 0
        assert [a["flags"] for a in polkit.asked()] == [0, 1]
        assert bus.busctl(*quiet, **STRANGER).returncode != 0
        assert [a["flags"] for a in polkit.asked()] == [0, 1, 0]
        polkit.tell("challenge")
        for who in (STRANGER, MEMBER):
            done = bus.call("Reload", **who)
            assert done.returncode != 0 and "password" in done.stderr
        assert [a["flags"] for a in polkit.asked()] == [0, 1, 0] + 2 * [0, 1]
        # a rule wants a member's password, and then something breaks: that is no yes
        polkit.tell("breaks")
        assert bus.call("Reload", **MEMBER).returncode != 0
        polkit.tell("password")
        assert bus.call("Reload", **MEMBER).returncode == 0


def test_each_method_has_its_action(plant, bus):
    """Every action that the core asks about is in the policy, and every one there is asked about."""
    text = {}
    for path in (PATH, f"{PATH}/alarm/mill_2foutfall_2fCOD_2flimit_2dhigh", f"{PATH}/site/mill",
                 f"{PATH}/destination/department"):
        text[path] = bus.busctl("--xml-interface", "introspect", NAME, path).stdout
    words = {"s": "string:no-such", "t": "uint64:0", "b": "boolean:false"}
    actions = {}
    with Polkit(bus, "no") as polkit:
        for path, said in text.items():
            for interface in xml.etree.ElementTree.fromstring(said).iter("interface"):
                if not interface.get("name").startswith(NAME):
                    continue
                for method in interface.iter("method"):
                    name = method.get("name")
                    if name in ("Find", "ListAlarms", "ListChannels", "ListIncidents"):
                        continue
                    full = f"{interface.get('name')}.{name}"
                    until(lambda full=full, method=method, path=path: bus.send(
                        full, *(words[a.get("type")] for a in method if a.get("direction") == "in"),
                        path=path, **STRANGER) == DENIED, f"{full} has its turn")
                    actions[full] = polkit.asked()[-1]["action"]
    policy = {a.get("id") for a in xml.etree.ElementTree.parse(POLICY).getroot().iter("action")}
    assert set(actions.values()) == policy
    for full, action in actions.items():
        _, kind, name = full.rsplit(".", 2)
        wanted = {"Shelve": "suppress", "Unshelve": "suppress", "OutOfService": "suppress",
                  "Return": "suppress", "Reload": "reload", "RecordSeen": "record-seen",
                  "CloseIncident": "close", "DrillStart": "drill", "DrillStop": "drill",
                  "Acknowledge": "acknowledge", "AcknowledgeIncident": "acknowledge",
                  "Reset": "acknowledge"}.get(name, "outbox")
        assert action == f"{NAME}.{wanted}", full
        assert kind in ("Manager", "Alarm", "Site", "Destination")


# ---- where polkit says nothing ----

@pytest.mark.parametrize("says", ["error", "nonsense"])
def test_what_is_no_answer_is_no_yes(plant, bus, says):
    """Or whoever leaves the bus at once, so that polkit cannot find him, would be past its rules."""
    with Polkit(bus, says):
        assert reload(bus, MEMBER) == DENIED
        assert reload(bus, STRANGER) == DENIED
        assert bus.send("Reload") == ""


@pytest.mark.parametrize("says", ["dies", None])
def test_without_polkit_the_group_counts(plant, bus, says):
    def check():
        assert reload(bus, MEMBER) == ""
        assert plant.entries("config.loaded")[-1]["user"] == "daemon"
        if says == "dies":
            return  # and nobody is there for the next
        assert reload(bus, STRANGER) == DENIED
        assert bus.send("Reload") == ""

    if says:
        with Polkit(bus, says):
            check()
    else:
        check()
    assert "root and group wastewatch (" in authorization(bus)
    plant.until(lambda: "root and group wastewatch" in plant.status()["bus"]["authorization"],
                "the status says so")


def test_it_is_said_once_and_again_when_it_is_back(plant, bus):
    before = plant.log()
    for _ in range(3):
        assert reload(bus, MEMBER) == ""
    with Polkit(bus, "yes"):
        assert reload(bus, STRANGER) == ""
    said = plant.log()[len(before):]
    assert said.count("polkit does not say") <= 1
    assert said.count("polkit says again who may act") == 1
    assert authorization(bus) == 's "polkit"\n'


def test_those_in_the_list_are_members_too(plant, bus, groups):
    """The bus tells which groups a connection has; "sys" is in the list only, and has not logged in
    anew: as everywhere else, that does not count yet."""
    assert re.search(r"^wastewatch:.*:sys$", groups.read_text(), re.M)
    assert reload(bus, {"user": "sys", "group": "sys", "extra_groups": []}) == DENIED


def test_a_polkit_that_is_silent(groups):
    """Nothing waits for it but who asked; after the first time nobody does."""
    with Bus(polkit=True, everybody=True) as bus, Plant(Device(), bus=bus.address) as plant, \
            Polkit(bus, "silent") as polkit:
        start(plant, bus, groups)
        plant.start_poller()
        caller = subprocess.Popen(
            ["dbus-send", f"--bus={bus.address}", "--print-reply", "--reply-timeout=60000",
             f"--dest={NAME}", PATH, f"{NAME}.Manager.Reload"], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, **MEMBER)
        until(polkit.asked, "polkit has been asked")
        plant.until_good("mill/outfall/COD")
        plant.device.set(COD=200)
        plant.until_entry("incident.opened")
        assert bus.send("Reload") == "", "root waits for nobody"
        assert caller.poll() is None
        assert caller.wait(60) == 0, caller.stderr.read()
        assert plant.entries("config.loaded")[-1]["user"] == "daemon"
        assert reload(bus, MEMBER) == "" and reload(bus, STRANGER) == DENIED
        assert len(polkit.asked()) == 1, "it rests"


def test_strangers_who_wait_leave_room_for_members(groups):
    with Bus(polkit=True, everybody=True) as bus, Plant(bus=bus.address) as plant, \
            Polkit(bus, "silent") as polkit:
        start(plant, bus, groups)
        waiting = [subprocess.Popen(
            ["busctl", f"--address={bus.address}", "--timeout=100", "call", NAME, PATH,
             f"{NAME}.Manager", "Reload"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, **STRANGER) for _ in range(8)]
        until(lambda: len(polkit.asked()) == 8, "eight are asked about")
        assert reload(bus, STRANGER) == TOO_MANY
        polkit.tell("yes")
        assert reload(bus, MEMBER) == "", "a member has a place"
        # polkit goes, and so do they: not allowed
        polkit.stop()
        for process in waiting:
            assert process.wait(60) != 0
        assert all(e.get("user") in (None, "daemon") for e in plant.entries("config.loaded"))


# faults: H3
def test_those_who_go_while_polkit_is_asked(plant, bus):
    with Polkit(bus, "silent") as polkit:
        process = subprocess.Popen(
            ["busctl", f"--address={bus.address}", "call", NAME, PATH, f"{NAME}.Manager",
             "Reload"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **STRANGER)
        until(polkit.asked, "polkit has been asked")
        process.kill()
        process.wait()
        plant.until_good("mill/outfall/COD")
    assert bus.send("Reload") == ""


def test_the_bus_goes_while_polkit_is_asked(groups):
    with Bus(polkit=True, everybody=True) as bus, Plant(Device(), bus=bus.address) as plant:
        start(plant, bus, groups)
        plant.start_poller()
        with Polkit(bus, "silent") as polkit:
            process = subprocess.Popen(
                ["busctl", f"--address={bus.address}", "call", NAME, PATH, f"{NAME}.Manager",
                 "Reload"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **STRANGER)
            until(polkit.asked, "polkit has been asked")
            bus.kill()
            process.wait(60)
        plant.until_good("mill/outfall/COD")
        bus.start()
        plant.until(lambda: bus.send("Reload") == "", "calls arrive again")
        assert plant.stop() == 0


# ---- the real one ----

POLKITD = "/usr/lib/polkit-1/polkitd"
OWNER = pwd.getpwnam("lp")  # an account that the bus knows; where polkitd looks it is wastewatch


@pytest.fixture(name="real")
def _real(tmp_path):
    """polkitd of the system on a bus of the tests' own, with our actions and rule, and with
    accounts as on a machine where wastewatch is installed: "daemon" is a member."""
    if not os.access(POLKITD, os.X_OK):
        pytest.skip("needs polkitd")
    tmp_path.chmod(0o755)
    for name, files in (("actions", [POLICY]), ("rules.d", [RULES])):
        (tmp_path / name).mkdir()
        for file in files:
            shutil.copy(file, tmp_path / name)
    for name, line in (("passwd", f"wastewatch:x:{OWNER.pw_uid}:{GID}::/:/bin/false\n"),
                       ("group", f"wastewatch:x:{GID}:daemon\n")):
        lines = [text for text in pathlib.Path("/etc", name).read_text().splitlines(True)
                 if not text.startswith(("wastewatch:", OWNER.pw_name + ":"))]
        (tmp_path / name).write_text("".join(lines) + line)
    binds = " && ".join(f"mount --bind {tmp_path}/{name} {to}" for name, to in (
        ("actions", "/usr/share/polkit-1/actions"), ("rules.d", "/usr/share/polkit-1/rules.d"),
        ("passwd", "/etc/passwd"), ("group", "/etc/group")))
    with Bus(polkit=True, everybody=True) as bus:
        inside = ("unshare", "--mount", "sh", "-c", f'{binds} && exec "$@"', "sh")
        with open(tmp_path / "log", "wb") as log:
            process = subprocess.Popen(
                [*inside, POLKITD, "--no-debug"], stdout=log, stderr=log,
                env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": bus.address})
        until(lambda: bus.busctl("status", POLKIT).returncode == 0, "polkitd is there",
              say=(tmp_path / "log").read_text)
        yield bus, inside, tmp_path
        process.terminate()
        process.wait(60)


def test_the_system_s_polkit_takes_policy_and_rule(real):
    bus, inside, directory = real
    with Plant(Device(), bus=bus.address) as plant:
        plant.start_core(*inside)
        plant.until(bus.has_core, "the core is on the bus")
        assert reload(bus, STRANGER) == PASSWORD
        assert reload(bus, MEMBER) == ""
        assert authorization(bus) == 's "polkit"\n'
        entry = plant.entries("config.loaded")[-1]
        assert (entry["user"], entry["uid"]) == ("daemon", pwd.getpwnam("daemon").pw_uid)
        # what an administrator adds goes before it
        rule = ('polkit.addRule(function (action, subject) { '
                'if (action.id == "vn.wastewatch1.reload") '
                'return subject.user == "nobody" ? polkit.Result.YES : polkit.Result.NO; });')
        (directory / "rules.d" / "10-own.rules").write_text(rule)
        until(lambda: reload(bus, STRANGER) == "", "the rule is in force")
        assert reload(bus, MEMBER) == DENIED


def test_the_system_s_polkit_tells_the_owner_of_the_actions(real):
    """The core runs as user wastewatch: without the annotation it would hear nothing of others."""
    bus, inside, directory = real
    policy = directory / "actions" / POLICY.name
    asks = [*inside, "setpriv", f"--reuid={OWNER.pw_uid}", f"--regid={GID}", "--clear-groups", "pkcheck",
            "--action-id", f"{NAME}.reload", "--system-bus-name"]

    def check(who):
        with subprocess.Popen(["gdbus", "monitor", "--address", bus.address, "--dest", "a.b"],
                              stdout=subprocess.PIPE, text=True, **who) as caller:
            caller.stdout.readline()
            name, = [line.split()[0] for line in
                     bus.busctl("list", "--no-legend").stdout.splitlines()
                     if line.startswith(":") and f" {caller.pid} " in line]
            done = subprocess.run([*asks, name], capture_output=True, text=True, timeout=60,
                                  check=False, env={**os.environ,
                                                    "DBUS_SYSTEM_BUS_ADDRESS": bus.address})
            caller.terminate()
            return done

    assert check(MEMBER).returncode == 0
    assert check(STRANGER).returncode != 0
    policy.write_text(re.sub(r"<annotate.*</annotate>", "", policy.read_text()))
    done = until(lambda: (d := check(MEMBER)).returncode != 0 and d, "it is no owner any more")
    assert "trusted" in done.stderr.lower()


# ---- the files that are installed ----

def test_the_policy_is_well_formed_and_in_two_languages():
    if os.path.exists(CATALOG):
        done = subprocess.run(["xmllint", "--noout", "--nonet", "--valid", str(POLICY)],
                              capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "XML_CATALOG_FILES": CATALOG})
        assert done.returncode == 0, done.stderr
    language = "{http://www.w3.org/XML/1998/namespace}lang"
    for action in xml.etree.ElementTree.parse(POLICY).getroot().iter("action"):
        for tag in ("description", "message"):
            assert [e.get(language) for e in action.iter(tag)] == [None, "vi"]
            assert all(e.text.strip() for e in action.iter(tag))
        assert {e.text for e in action.find("defaults")} == {"auth_admin"}
        assert [(a.get("key"), a.text) for a in action.iter("annotate")] == \
            [("org.freedesktop.policykit.owner", "unix-user:wastewatch")]


@pytest.mark.skipif(not shutil.which("node"), reason="needs nodejs")
@pytest.mark.parametrize("action, groups, result", [
    ("vn.wastewatch1.reload", ["wastewatch"], "yes"),
    ("vn.wastewatch1.reload", ["sudo"], "undefined"),
    ("vn.wastewatch10.reload", ["wastewatch"], "undefined"),
    ("org.freedesktop.systemd1.manage-units", ["wastewatch"], "undefined")])
def test_the_rule(action, groups, result):
    script = f"""
      const polkit = {{Result: {{YES: "yes"}}, addRule: f => {{ this.rule = f; }}}}; let rule;
      polkit.addRule = f => {{ rule = f; }};
      {RULES.read_text(encoding="utf-8")}
      console.log(String(rule({{id: "{action}"}}, {{isInGroup: g => {groups}.includes(g)}})));"""
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, timeout=60,
                          check=True)
    assert done.stdout.strip() == result


def test_strangers_read_nothing_and_hear_nothing():
    """As the policy of the bus is installed: they may ask for actions, and no more."""
    with Bus() as strict, Plant(Device(), bus=strict.address) as plant:
        plant.start("core", "poller")
        plant.until(strict.has_core, "the core is on the bus")
        for method in ("org.freedesktop.DBus.ObjectManager.GetManagedObjects",
                       "org.freedesktop.DBus.Introspectable.Introspect",
                       "org.freedesktop.DBus.Peer.Ping"):
            assert strict.send(method, **STRANGER) == DENIED, method
        for method, argument in (("Find", "string:"), ("ListAlarms", "uint32:0"),
                                 ("ListChannels", "uint32:0"), ("ListIncidents", "uint32:0"),
                                 ("org.freedesktop.DBus.Properties.GetAll", "string:")):
            assert strict.send(method, argument, **STRANGER) == DENIED, method
        assert strict.send("vn.wastewatch1.Alarm.Acknowledge", "string:", **STRANGER,
                           path=f"{PATH}/alarm/mill_2foutfall_2fCOD_2flimit_2dhigh") == DENIED
        assert reload(strict, STRANGER) == DENIED, "that one the core says"
        assert "may not do this" in plant.log() and "nobody (uid" in plant.log()
        hears = {who: subprocess.Popen(
            ["gdbus", "monitor", "--address", strict.address, "--dest", NAME], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
            for who, options in (("stranger", STRANGER), ("root", {}))}
        for process in hears.values():
            assert "Monitoring signals" in process.stdout.readline()
            process.stdout.readline()
        plant.device.set(COD=200)
        while "InterfacesAdded" not in hears["root"].stdout.readline():
            pass
        with Caller(strict) as caller:  # what was sent to all has arrived with all
            caller.send("Acknowledge", "mill/none", "")
            caller.answer()
        for process in hears.values():
            process.terminate()
        assert "/vn/" not in hears["stranger"].stdout.read()
        for process in hears.values():
            process.wait(60)
