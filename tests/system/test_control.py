# SPDX-License-Identifier: Apache-2.0
"""What people do, over a bus of the tests' own: from the call to the entry with their name; who
may not; messages that are wrong, too large or too many; a bus that goes, hangs and comes back.
"""

import os
import pwd
import re
import shutil
import signal
import xml.etree.ElementTree

import pytest
from bus import INTERFACE, NAME, PATH, Bus, Caller
from plant import ATTENTION, DOWN, MISSING, ROOT, Device, Plant, until
from polkit import Polkit

pytestmark = pytest.mark.skipif(not shutil.which("dbus-daemon"), reason="needs dbus-daemon")
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: acts as other users")
ME = pwd.getpwuid(os.geteuid()).pw_name
LIMIT = "mill/outfall/COD/limit-high"
ERROR = "vn.wastewatch1.Error."
TOO_MANY = "org.freedesktop.DBus.Error.LimitsExceeded"
DENIED = "org.freedesktop.DBus.Error.AccessDenied"
USAGE = 2


@pytest.fixture(name="bus", scope="module")
def _bus():
    with Bus(everybody=True, polkit=True) as bus, Polkit(bus, "yes"):
        yield bus


@pytest.fixture(name="plant", scope="module")
def _plant(bus):
    """Core and poller on the bus, with limits that can be latched and shelved."""
    with Plant(Device(), bus=bus.address) as plant:
        plant.start("core", "poller")
        plant.until(bus.has_core, "the core is on the bus")
        yield plant


def is_ready(plant):
    return plant.status().get("bus", {}).get("ready") is True


def command(plant, *arguments, **options):
    return plant.command(*arguments, "--bus", plant.options["bus"], **options)


def methods_of(bus, path=PATH):
    """{name: [types of its arguments]} as the object says itself"""
    text = bus.busctl("--xml-interface", "introspect", NAME, path).stdout
    tree = xml.etree.ElementTree.fromstring(text)
    return {m.get("name"): [a.get("type") for a in m if a.get("direction") == "in"]
            for i in tree.iter("interface") if i.get("name") == INTERFACE
            for m in i.iter("method")}


# ---- the interface ----

def test_the_interface_is_the_one_that_is_documented(plant, bus):
    """include/core/control.h says what there is; the object says the same, on both paths."""
    text = (ROOT / "include/core/control.h").read_text(encoding="utf-8")
    documented = {name: re.findall(r"\b([stbu]) \w+", arguments) for name, arguments in
                  re.findall(r"\b([A-Z]\w+)\(([^)]*)\)", text.partition("#pragma")[0])}
    assert methods_of(bus) == documented
    assert methods_of(bus, PATH + "/exercise") == documented
    assert len(documented) == 21


def test_every_method_reaches_what_it_is_for(plant, bus):
    """None is left without a row, none brings the core down, none answers by chance."""
    words = {"s": "string:no-such-thing", "t": "uint64:0", "b": "boolean:false", "u": "uint32:0"}
    reached = {"Find": "", "Reload": "", "ListAlarms": "", "ListChannels": "",
               "ListIncidents": ""}
    for name, types in methods_of(bus).items():
        for path in (PATH, PATH + "/exercise"):
            error = bus.send(name, *(words[t] for t in types), path=path)
            wanted = reached.get(name)
            assert error == wanted if wanted is not None else error.startswith(ERROR), name
    assert plant.processes["core"].poll() is None


@pytest.mark.parametrize("call, error", [
    (("Acknowledge",), "org.freedesktop.DBus.Error.InvalidArgs"),
    (("Acknowledge", "uint64:3"), "org.freedesktop.DBus.Error.InvalidArgs"),
    (("Acknowledge", "string:a", "string:b", "string:c"), "org.freedesktop.DBus.Error.InvalidArgs"),
    (("Acknowledge", "array:string:a,b"), "org.freedesktop.DBus.Error.InvalidArgs"),
    (("Acknowledge", f"variant:string:{LIMIT}"), "org.freedesktop.DBus.Error.InvalidArgs"),
    (("Shelve", "string:a", "boolean:true", "uint64:1", "string:b"),
     "org.freedesktop.DBus.Error.InvalidArgs"),
    (("Destroy",), "org.freedesktop.DBus.Error.UnknownMethod"),
    (("vn.wastewatch1.Other.Acknowledge", "string:a"), "org.freedesktop.DBus.Error.UnknownMethod"),
    (("org.freedesktop.DBus.Properties.Set", f"string:{INTERFACE}", "string:Version",
      "variant:string:9"), "org.freedesktop.DBus.Error.PropertyReadOnly"),
    (("DrillStop", "string:" + "x" * 256), ERROR + "NotValid"),
    (("DrillStop", "string:" + "x" * 100000), ERROR + "NotValid"),
    (("DrillStop", "string:a\nb"), ERROR + "NotValid"),
    (("DrillStop", "string:a\x1b[2J"), ERROR + "NotValid"),
    (("Shelve", f"string:{LIMIT}", "uint64:0", "boolean:true", "string:" + "ư" * 501),
     ERROR + "NotValid"),
    (("Shelve", f"string:{LIMIT}", "uint64:0", "boolean:true", "string:"), ERROR + "NotValid"),
    (("CloseIncident", "string:x", "string:" + "y" * 1001, "string:z"), ERROR + "NotValid"),
    (("CloseIncident", "string:x", "string:y", "string:" + "z" * 1001), ERROR + "NotValid"),
    (("DrillStart", "string:mill", "string:" + "s" * 256), ERROR + "NotValid"),
], ids=lambda value: value[0] if isinstance(value, tuple) else value.rpartition(".")[2])
def test_a_wrong_call_is_an_error_and_no_entry(plant, bus, call, error):
    before = plant.entries()
    assert bus.send(*call) == error
    assert plant.entries() == before


# faults: H3
def test_a_message_of_many_megabytes(plant, bus):
    with Caller(bus) as caller:
        caller.send("Acknowledge", "x" * (20 << 20), "")
        assert caller.answer() == ERROR + "NotValid"
    plant.until_good("mill/outfall/COD")


def test_find_gives_what_begins_so(plant, bus):
    assert bus.call("Find", "s", "mill/outfall/COD/l").stdout == \
        f'a(ss) 1 "alarm" "{LIMIT}"\n'
    assert bus.call("Find", "s", "mill/").stdout.startswith("a(ss) 6 ")
    assert '"site" "mill"' in bus.call("Find", "s", "").stdout
    assert bus.call("Find", "s", "mill/outfall/COD/limit-highest").stdout == "a(ss) 0\n"
    assert plant.processes["core"].poll() is None


# ---- who asks ----

@ROOT_ONLY
@pytest.mark.parametrize("user", ("daemon", "nobody", "root"))
def test_the_entry_has_the_user_that_the_bus_gives(plant, bus, user):
    before = len(plant.entries("config.loaded"))
    assert bus.call("Reload", user=user).returncode == 0
    assert [(e.get("user"), e.get("uid")) for e in plant.entries("config.loaded")[before:]] == \
        [(user, pwd.getpwnam(user).pw_uid)]


def test_a_reload_that_is_refused_says_why_and_who(plant, bus):
    path = plant.config / "wastewatch.yaml"
    good = path.read_text()
    path.write_text(good + "no-such-key: 1\n")
    try:
        done = bus.call("Reload")
    finally:
        path.write_text(good)
    assert done.returncode != 0
    assert re.search(r"wastewatch\.yaml:\d+:\d+: .*no-such-key", done.stderr)
    assert "the old configuration stays in force" in done.stderr
    assert plant.entries("config.refused")[-1]["user"] == ME
    assert bus.call("Reload").returncode == 0


# faults: H3
@ROOT_ONLY
def test_the_installed_policy_keeps_strangers_out():
    """Only its own users own the name; who else may do what is in test_polkit.py."""
    with Bus() as strict, Plant(Device(), bus=strict.address) as plant:
        plant.start("core")
        plant.until(strict.has_core, "the core is on the bus")
        assert strict.send("Reload", user="nobody") == DENIED
        assert strict.send("org.freedesktop.DBus.Introspectable.Introspect",
                           user="nobody") == DENIED
        assert strict.busctl("call", "org.freedesktop.DBus", "/org/freedesktop/DBus",
                             "org.freedesktop.DBus", "RequestName", "su", "vn.wastewatch1", "0",
                             user="nobody").returncode != 0
        assert "user" not in plant.entries("config.loaded")[-1]
        assert strict.send("Reload") == ""


# ---- too many ----

def flood(callers, each):
    """All send at once and read the answers afterwards. Return: {error or None: how many}"""
    answers = {}
    for caller in callers:
        first = caller.serial
        caller.sock.sendall(b"".join(caller.message("Acknowledge", "mill/none", "")
                                     for _ in range(each)))
        for _ in range(each):
            answered, error = caller.receive()
            while answered is None or answered <= first:
                answered, error = caller.receive()
            answers[error] = answers.get(error, 0) + 1
    return answers


# faults: H3
def test_ten_thousand_calls_do_not_stop_the_polling(plant, bus):
    callers = [Caller(bus) for _ in range(4)]
    reads, entries = plant.device.n_reads, len(plant.entries())
    answers = flood(callers, 2500)
    assert sum(answers.values()) == 10000, "each has its answer"
    assert answers[TOO_MANY] > 9000, "and nearly all are told to wait"
    assert plant.device.n_reads > reads
    plant.until_good("mill/outfall/COD")
    assert not plant.entries("poller.silent", "measurement.lost", "readings.lost")
    assert len(plant.entries()) == entries
    for caller in callers:
        caller.close()


@ROOT_ONLY
def test_an_account_has_a_ration_and_others_have_theirs(plant, bus):
    """One call after the other, each in order, so that it is not the queue that is full."""
    with Caller(bus) as caller:
        for _ in range(400):
            caller.send("Acknowledge", "mill/none", "")
            if caller.answer() == TOO_MANY:
                break
        else:
            pytest.fail("400 actions in a row")
        assert bus.call("Reload", user="daemon").returncode == 0
    done = command(plant, "ack", LIMIT)
    assert "more than" not in done.stderr, "the command waits for its turn"


# faults: H3
def test_callers_that_do_not_wait_for_the_answer(plant, bus):
    for _ in range(50):
        with Caller(bus) as caller:
            caller.sock.sendall(b"".join(caller.message("Acknowledge", "mill/none", "")
                                         for _ in range(20)))
    plant.until_good("mill/outfall/COD")
    until(lambda: bus.send("Acknowledge", "string:mill/none", "string:") != TOO_MANY, "its turn comes again")


# ---- the bus itself ----

# faults: H2
def test_the_bus_goes_and_comes_back():
    with Bus() as bus, Plant(Device(), bus=bus.address) as plant:
        plant.start("core", "poller")
        for number in (signal.SIGKILL, signal.SIGTERM):
            plant.until(lambda: is_ready(plant), "the core is on the bus")
            bus.kill(number)
            plant.until(lambda: not is_ready(plant), "the loss is seen")
            plant.until_good("mill/outfall/COD")
            done = plant.command("status")
            assert done.returncode == ATTENTION and "nothing can be acknowledged" in done.stdout
            bus.start()
        plant.until(lambda: bus.call("Reload").returncode == 0, "calls arrive again")
        assert "nothing can be acknowledged" not in \
            plant.until(lambda: is_ready(plant) and plant.command("status").stdout)
        assert len(re.findall("on the bus as", plant.log())) == 3
        assert len(re.findall("no actions by D-Bus", plant.log())) <= 4, "once per change"
        assert plant.stop() == 0


# faults: H2
def test_without_a_bus_all_else_goes_on():
    bus = Bus()
    try:
        with Plant(Device(), bus=bus.address) as plant:
            plant.start("core", "poller")
            assert not is_ready(plant) and "no bus at" in plant.status()["bus"]["state"]
            plant.device.set(COD=200)
            plant.until_entry("incident.opened")
            done = command(plant, "ack", LIMIT)
            assert done.returncode == DOWN and "there is no bus at" in done.stderr
            assert "systemctl" in done.stderr
            bus.start()
            plant.until(bus.has_core, "it is found when it comes")
    finally:
        bus.close()


# faults: H2
def test_a_bus_that_hangs_holds_nothing_up():
    with Bus() as bus, Plant(Device(), bus=bus.address) as plant:
        plant.start("core", "poller")
        plant.until(bus.has_core, "the core is on the bus")
        bus.process.send_signal(signal.SIGSTOP)
        try:
            plant.until_good("mill/outfall/COD")
            plant.device.set(COD=200)
            plant.until_entry("incident.opened")
            # one that finds the bus hung at its start
            plant.kill("core")
            plant.start_core()
            plant.until_good("mill/outfall/COD")
            assert not is_ready(plant)
            assert plant.stop() == 0
            plant.start_core()
        finally:
            bus.process.send_signal(signal.SIGCONT)
        plant.until(bus.has_core, "the core is on the bus again")


def test_the_second_to_ask_for_the_name_waits_for_it():
    with Bus() as bus, Plant(bus=bus.address) as first, Plant(bus=bus.address) as second:
        first.start("core")
        first.until(lambda: is_ready(first), "the first has the name")
        second.start("core")
        second.until(lambda: "another program has the name" in
                     second.status().get("bus", {}).get("state", ""), "the second has not")
        first.kill("core")
        second.until(lambda: is_ready(second), "now it has")


def test_a_bus_without_the_policy_is_said():
    with Bus(own=False) as bus, Plant(bus=bus.address) as plant:
        plant.start("core")
        plant.until(lambda: "does not give the name" in
                    plant.status().get("bus", {}).get("state", ""), "it says so")


def test_none_is_no_fault(bus):
    with Plant(Device()) as plant:
        plant.start("core", "poller", "sender")
        plant.until(lambda: plant.status().get("sender"), "a sender")
        assert plant.status()["bus"] == {"ready": False, "state": "none"}
        plant.until(lambda: plant.command("status").returncode == 0, "all is in order")
        assert bus.process.poll() is None


# ---- the command ----

@pytest.mark.parametrize("arguments, word", [
    (("ack",), "one argument or more"),
    (("shelve", LIMIT, "--for", "2h"), "needs --reason TEXT"),
    (("shelve", LIMIT, "--for", "2h", "--reason", ""), "needs --reason TEXT"),
    (("shelve", LIMIT, "--reason", "x"), "needs --for TIME, --until TIME or --once"),
    (("shelve", LIMIT, "--reason", "x", "--until", "2099-01-01", "--for", "2h"), "one of --for"),
    (("shelve", LIMIT, "--reason", "x", "--for", "soon"), "--for wants"),
    (("shelve", LIMIT, "--reason", "x", "--for", "0s"), "--for wants"),
    (("shelve", LIMIT, "--reason", "x", "--until", "tomorrow"), "--until wants"),
    (("shelve", LIMIT, "--reason", "x", "--until", "2020-01-01"), "a time to come"),
    (("ack", LIMIT, "--cause", "x"), "takes no --cause TEXT"),
    (("ack", LIMIT, "--for", "2h"), "takes no --for"),
    (("out-of-service", LIMIT, "--reason", "x", "--once"), "takes no --once"),
    (("out-of-service", LIMIT), "needs --reason TEXT"),
    (("close", "mill-1", "--cause", "x"), "needs --measures TEXT"),
    (("close", "mill-1", "--measures", "x"), "needs --cause TEXT"),
    (("drill", "start", "mill"), "drill start SITE SCENARIO"),
    (("drill", "stop"), "drill stop SITE"),
    (("drill", "pause", "mill"), "drill list"),
])
def test_a_wrong_command_line(plant, arguments, word):
    done = command(plant, *arguments)
    assert done.returncode == USAGE and word in done.stderr, done.stderr


def test_what_is_ambiguous_is_listed(plant):
    done = command(plant, "shelve", "mill/outfall/COD", "--for", "1h", "--reason", "test")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert "more than one alarm" in lines[0]
    assert [line.strip() for line in lines[1:]] == [
        "mill/outfall/COD/warning-high", LIMIT, "mill/outfall/COD/emergency-high"]


MANY = {"outfall": tuple(
    f'{{channel: COD, name: {name}, class: warning, high: {900 + i}, origin: "test"}}'
    for i, name in enumerate(["top", "top-2"] + [f"n{i}" for i in range(30)]))}


def test_many_of_a_name():
    """What is listed is bounded; the name itself is always found, and goes before longer ones."""
    with Bus() as own, Plant(bus=own.address, limits=MANY) as plant:
        plant.start("core")
        plant.until(own.has_core, "the core is on the bus")
        assert own.call("Find", "s", "mill/").stdout.startswith("a(ss) 20 ")
        assert own.call("Find", "s", "mill/outfall/COD/n29").stdout.startswith("a(ss) 1 ")
        shelve = ("--for", "1h", "--reason", "test")
        lines = command(plant, "shelve", "mill", *shelve).stderr.splitlines()
        assert len(lines) == 12 and lines[-1].strip() == "..."
        done = command(plant, "shelve", "mill/outfall/COD/to", *shelve)
        assert done.returncode == 1 and "top-2" in done.stderr
        done = command(plant, "shelve", "mill/outfall/COD/top", "--json", *shelve)
        assert '"target":"mill/outfall/COD/top"' in done.stdout


@pytest.mark.parametrize("arguments, hint", [
    (("ack", "mill/none"), "no alarm or incident mill/none; see: wastewatch alarms"),
    (("reset", "mill/none"), "no alarm mill/none"),
    (("close", "mill-none", "--cause", "x", "--measures", "y"),
     "no incident mill-none; see: wastewatch incidents"),
    (("drill", "stop", "none"), "no site none"),
])
def test_what_is_not_there_is_3(plant, arguments, hint):
    done = command(plant, *arguments)
    assert done.returncode == MISSING and hint in done.stderr
    if arguments[0] != "drill":
        done = command(plant, *arguments, "--json")
        assert done.returncode == MISSING and '"done":false' in done.stdout


def test_the_daemon_is_down():
    with Bus() as empty, Plant(bus=empty.address) as plant:
        done = command(plant, "ack", LIMIT)
        assert done.returncode == DOWN
        assert "wastewatchd is not running" in done.stderr
        assert "systemctl status wastewatchd" in done.stderr


def test_alarms_live_and_from_the_record():
    with Plant(Device()) as plant:
        plant.start("core", "poller")
        assert plant.command("alarms").stdout == "No alarms.\n"
        plant.device.set(COD=200)
        plant.until_entry("incident.opened")
        plant.until(lambda: len(plant.status().get("alarms", [])) == 2, "two alarms live")
        live = plant.command("alarms")
        assert live.returncode == 0 and LIMIT in live.stdout and live.stderr == ""
        lines = plant.command("alarms", "--json").stdout.splitlines()
        assert len(lines) == 2
        plant.kill("core")
        down = plant.command("alarms")
        assert down.returncode == 0 and LIMIT in down.stdout
        assert "not running" in down.stderr
        assert len(plant.command("alarms", "--json").stdout.splitlines()) == 2


def test_drill_list_works_while_the_daemon_is_down():
    with Plant() as plant:
        assert plant.command("drill", "list").returncode == MISSING, "there is no record yet"
        plant.start("core")
        plant.until(lambda: plant.types("config.loaded"), "the record")
        plant.stop()
        done = plant.command("drill", "list")
        assert done.returncode == 0 and done.stdout.startswith("No drills.\n")
        assert plant.command("drill", "list", "--json").stdout == ""
