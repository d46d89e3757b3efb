# SPDX-License-Identifier: Apache-2.0
"""What the sandboxes refuse is tried by the programs themselves, told and recorded.

Here there are none: the programs run by hand. tests/system/test_systemd.py has the real ones.
"""

import json
import socket
import struct
import subprocess

import pytest

import wire
from plant import Device, Plant, program

ANYBODY = b"203.0.113.1"
IP_PKTINFO = 8  # linux/in.h; the module has no name for it


@pytest.fixture(name="plant")
def make_plant():
    with Plant(Device()) as plant:
        yield plant


def sandboxes(plant):
    path = plant.run / "status.json"
    return json.loads(path.read_text())["sandboxes"] if path.exists() else {}


def start_core(plant):
    plant.start("core")
    plant.until(lambda: (plant.run / "status.json").exists(), "the core is up")


def text(trial):
    return trial.target.rstrip(b"\0")


def refused(trials):
    return [trial._replace(outcome=wire.REFUSED, error=1) for trial in trials]


def hello(plant, name, role):
    link = wire.connect(str(plant.run / f"{name}.sock"))
    link.send(wire.hello_packet(role, instance=7))
    return link


def told(plant, program_name):
    return [e for e in plant.entries("sandbox.open") + plant.entries("sandbox.checked")
            if e["name"] == program_name]


def test_without_a_sandbox_all_three_say_so_once(plant):
    plant.start()
    for name, words in (("wastewatchd", "can open a socket of IPv4"),
                        ("wastewatch-poller", f"can open {plant.state / 'record.db'}"),
                        ("wastewatch-sender", f"can open {plant.state / 'record.db'}")):
        entry, = plant.until(lambda name=name: told(plant, name), f"{name} has tried")
        assert entry["type"] == "sandbox.open" and words in entry["reason"]
        plant.until(lambda name=name: sandboxes(plant).get(name, {}).get("state") == "open", name)
        assert sandboxes(plant)[name]["words"] == entry["reason"]
    shown = subprocess.run([program("wastewatch"), "status", "--state", plant.state, "--runtime",
                            plant.run], capture_output=True, encoding="utf-8", check=False)
    assert "of wastewatch-sender is NOT IN FORCE: it can open" in shown.stdout
    listed = subprocess.run([program("wastewatch"), "status", "--json", "--state", plant.state,
                             "--runtime", plant.run], capture_output=True, encoding="utf-8",
                            check=False)
    attention = " ".join(json.loads(listed.stdout)["attention"])
    assert "andbox" not in attention and "NOT IN FORCE" not in attention


def test_what_is_asked_of_whom(plant):
    """The record of both; of the poller who is no plant, of the sender the plant's addresses, but
    no loopback address: anybody may have those."""
    start_core(plant)
    with hello(plant, "poller", wire.ROLE_POLLER) as link:
        asked = [(t.kind, text(t)) for t in link.receive_trials()]
    assert asked == [(wire.TRIAL_FILE, str(plant.state / "record.db").encode()),
                     (wire.TRIAL_ADDRESS, ANYBODY)]
    with hello(plant, "sender", wire.ROLE_SENDER) as link:
        asked = [(t.kind, text(t)) for t in link.receive_trials()]
    assert asked == [(wire.TRIAL_FILE, str(plant.state / "record.db").encode())]


def test_the_addresses_of_destinations_and_links():
    """Each once, out of URLs with and without port, path and brackets; a host's name is none."""
    urls = ("https://192.0.2.7:8443/hooks", "https://192.0.2.7/other", "https://[2001:db8::5]/h",
            "https://[2001:db8::6]:8443", "https://department.example/h", "http://127.0.0.1:9/h",
            "https://192.0.2.8?to=203.0.113.9", "https://192.0.2.9")
    links = "".join(f'  - {{name: l{i}, tcp: "{host}:502"}}\n' for i, host in
                    enumerate(("192.0.2.20", "[2001:db8::20]", "192.0.2.20", "[::1]")))
    with Plant(destinations=[(f"d{i}", url, "limit") for i, url in enumerate(urls)],
               links=links) as plant:
        start_core(plant)
        asked = {}
        for name, role in (("poller", wire.ROLE_POLLER), ("sender", wire.ROLE_SENDER)):
            with hello(plant, name, role) as link:
                asked[name] = [text(t) for t in link.receive_trials()
                               if t.kind == wire.TRIAL_ADDRESS]
    assert asked == {"poller": [ANYBODY, b"192.0.2.7", b"2001:db8::5", b"2001:db8::6",
                                b"192.0.2.8", b"192.0.2.9"],
                     "sender": [b"192.0.2.20", b"2001:db8::20"]}


def test_answers_are_told_when_they_are_new(plant):
    start_core(plant)
    for outcome in (wire.REFUSED, wire.REFUSED, wire.OPEN):
        with hello(plant, "sender", wire.ROLE_SENDER) as link:
            trials = [t._replace(outcome=outcome) for t in link.receive_trials()]
            link.send(wire.trials_packet(trials))
            state = "open" if outcome == wire.OPEN else "holds"
            plant.until(lambda: sandboxes(plant).get("wastewatch-sender", {}).get("state")
                        == state, state)
    plant.until(lambda: len(told(plant, "wastewatch-sender")) == 2, "two entries")
    assert [e["type"] for e in sorted(told(plant, "wastewatch-sender"), key=lambda e: e["seq"])] \
        == ["sandbox.checked", "sandbox.open"]
    assert "it can" not in told(plant, "wastewatch-sender")[0]["reason"]


@pytest.mark.parametrize("first", range(2))
def test_one_that_is_open_is_what_counts(plant, first):
    """However much else is refused: it is said as open, and what is refused is not said with it."""
    start_core(plant)
    with hello(plant, "poller", wire.ROLE_POLLER) as link:
        trials = refused(link.receive_trials())
        trials[first] = trials[first]._replace(outcome=wire.OPEN, error=0)
        link.send(wire.trials_packet(trials))
        entry, = plant.until(lambda: told(plant, "wastewatch-poller"), "it is told")
    assert entry["type"] == "sandbox.open" and "cannot" not in entry["reason"]
    assert text(trials[first]).decode() in entry["reason"]
    plant.until(lambda: sandboxes(plant).get("wastewatch-poller", {}).get("state") == "open",
                "the status says so")


@pytest.mark.parametrize("outcome, state, words", [
    (wire.REFUSED, "partly", "; 2 of 3 refused, 1 not tried (department.example: a name"),
    (wire.UNKNOWN, "partly", "; 1 of 3 refused, 1 not shown, 1 not tried (department.example: a"),
    (wire.OPEN, "open", "can send to 203.0.113.1; 1 of 3 refused, 1 not tried (department.ex")])
def test_a_name_is_not_tried_and_that_is_said(plant, outcome, state, words):
    plant.configure(destinations=[("department", "https://department.example/report", "limit"),
                                  ("twice", "https://department.example:444/x", "limit")])
    plant.keygen()
    start_core(plant)
    with hello(plant, "poller", wire.ROLE_POLLER) as link:
        file, address = link.receive_trials()
        link.send(wire.trials_packet([file._replace(outcome=wire.REFUSED, error=1),
                                      address._replace(outcome=outcome)]))
        plant.until(lambda: sandboxes(plant).get("wastewatch-poller", {}).get("state") == state,
                    state)
    said = sandboxes(plant)["wastewatch-poller"]["words"]
    assert words in said
    entry, = told(plant, "wastewatch-poller")
    assert entry["reason"] == said
    shown = plant.command("status").stdout
    assert ("holds as far as it was tried" if state == "partly" else "NOT IN FORCE") in shown
    assert "all three hold" not in shown


def test_more_than_fit_are_counted_and_said():
    links = "".join(f"  - {{name: l{i}, tcp: 192.168.7.{i}:502}}\n" for i in range(1, 41))
    with Plant(Device(), links=links) as plant:
        start_core(plant)
        with hello(plant, "sender", wire.ROLE_SENDER) as link:
            trials = link.receive_trials()
            assert len(trials) == 32
            link.send(wire.trials_packet(refused(trials)))
            plant.until(lambda: told(plant, "wastewatch-sender"), "told")
        entry, = told(plant, "wastewatch-sender")
        assert entry["type"] == "sandbox.checked"
        assert "32 of 41 refused, 9 not tried (9 more than the 32 that fit)" in entry["reason"]
        plant.until(lambda: sandboxes(plant)["wastewatch-sender"]["state"] == "partly", "live, too")


@pytest.mark.parametrize("change", [
    lambda trials: trials[:-1], lambda trials: trials * 2,
    lambda trials: [t._replace(target=b"/etc/passwd") for t in trials],
    lambda trials: [t._replace(kind=wire.TRIAL_FAMILY) for t in trials],
    lambda trials: [t._replace(outcome=wire.NOT_TRIED) for t in trials]],
    ids=["one too few", "twice", "other targets", "other kinds", "not tried"])
def test_an_answer_to_another_question_says_nothing(plant, change):
    start_core(plant)
    with hello(plant, "poller", wire.ROLE_POLLER) as link:
        trials = link.receive_trials()
        link.send(wire.trials_packet(change(refused(trials))))
        link.send(wire.trials_packet(refused(trials)))
        plant.until(lambda: told(plant, "wastewatch-poller"), "the good one")
        assert link.sock.fileno() >= 0
    entry, = told(plant, "wastewatch-poller")
    assert "/etc/passwd" not in entry["reason"]


@pytest.mark.parametrize("trial", [(0, 1, 0, b"x"), (4, 1, 0, b"x"), (2, 4, 0, b"x"),
                                   (2, 1, 0, b"x" * 160)])
def test_a_malformed_answer_ends_the_connection(plant, trial):
    start_core(plant)
    with hello(plant, "sender", wire.ROLE_SENDER) as link:
        link.receive_trials()
        link.send(wire.trials_packet([trial]))
        assert link.receive() is None or link.receive() is None


@pytest.mark.parametrize("name,role", [("poller", wire.ROLE_POLLER), ("sender", wire.ROLE_SENDER)])
def test_the_programs_try_what_they_are_asked(tmp_path, name, role):
    hidden = tmp_path / "no"
    asked = [(wire.TRIAL_FILE, 0, 0, b"/etc/passwd"), (wire.TRIAL_FILE, 0, 0, bytes(hidden)),
             (wire.TRIAL_FAMILY, 0, 0, b"IPv4"), (wire.TRIAL_ADDRESS, 0, 0, b"plant.example")]
    with wire.Listener(str(tmp_path / f"{name}.sock")) as core, \
            subprocess.Popen([program(f"wastewatch-{name}"), "--runtime", tmp_path],
                             stderr=subprocess.DEVNULL) as process:
        try:
            with core.accept() as link:
                assert link.receive().role == role
                link.send(wire.hello_packet(wire.ROLE_CORE))
                link.send(wire.trials_packet(asked))
                answer = link.receive_trials()
        finally:
            process.terminate()
    assert [(t.kind, t.outcome, text(t)) for t in answer] == [
        (wire.TRIAL_FILE, wire.OPEN, b"/etc/passwd"),
        (wire.TRIAL_FILE, wire.REFUSED, bytes(hidden)),
        (wire.TRIAL_FAMILY, wire.OPEN, b"IPv4"),
        (wire.TRIAL_ADDRESS, wire.UNKNOWN, b"plant.example")]
    assert answer[1].error == 2 and answer[3].error == 22


def test_nothing_leaves_the_machine(tmp_path):
    """The datagram that tries an address goes by way of lo: whoever listens on all addresses hears
    it there, empty, and that is all."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        try:
            ear.bind(("0.0.0.0", 9))
        except OSError:
            pytest.skip("port 9 is taken, or is for root only")
        ear.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        ear.settimeout(10)
        trial = [(wire.TRIAL_ADDRESS, 0, 0, ANYBODY)]
        with wire.Listener(str(tmp_path / "sender.sock")) as core, \
                subprocess.Popen([program("wastewatch-sender"), "--runtime", tmp_path],
                                 stderr=subprocess.DEVNULL) as process:
            try:
                with core.accept() as link:
                    link.receive()
                    link.send(wire.hello_packet(wire.ROLE_CORE))
                    link.send(wire.trials_packet(trial))
                    if link.receive_trials()[0].outcome != wire.OPEN:
                        pytest.skip("lo is not up, or there is a filter here")
            finally:
                process.terminate()
        data, [(_, _, where)], _, _ = ear.recvmsg(100, 100)
        assert (data, struct.unpack_from("=i", where)[0]) == (b"", socket.if_nametoindex("lo"))
