# SPDX-License-Identifier: Apache-2.0
"""What the running chain makes of faults around it: receivers, peers, devices, disks, reloads."""

import http.server
import os
import sys
import threading
import time

import pytest

sys.path.insert(0, os.path.dirname(__file__))
import wire  # noqa: E402
from plant import (LIMIT_S, LIMITS, NORMAL, Device, Plant, check_all_told,  # noqa: E402
                   check_order, encode, free_port, seed)



@pytest.fixture(name="plant")
def make_plant():
    with Plant(Device()) as plant:
        yield plant


def spill(plant, **values):
    """An incident from beginning to end, with all its reports told."""
    plant.device.set(**(values or {"COD": 200}))
    opened = plant.until_entry("incident.opened", n=len(plant.entries("incident.opened")) + 1)
    plant.device.set(**NORMAL)
    plant.until_quiet()
    return opened["incident"]


# ---- receivers ----

class Department:
    """Answers each request as the next of a list says, the last one for ever.

    An answer is (status, {header: value}), or an Event: hang until it is set.
    """

    def __init__(self, *answers):
        self.answers, self.requests, self.lock = list(answers), [], threading.Lock()
        self.released = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                status, headers = outer.next(self.headers["webhook-id"])
                if status is None:
                    outer.released.wait(LIMIT_S * 3)
                    return
                self.send_response(status)
                for name, value in {"content-length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/reports"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self, ident):
        with self.lock:
            self.requests.append((time.monotonic(), ident))
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


# faults: W4, W5
def test_departments_that_do_not_take_reports():
    """All at once, each a destination of its own: none disturbs the others."""
    elsewhere = Department((200, {}))
    departments = {
        "errors": Department((500, {}), (200, {})),
        "busy": Department((429, {"retry-after": "2"}), (200, {})),
        "moved": Department((301, {"location": elsewhere.url}), (200, {})),
        "strict": Department((400, {})),
        "gone": Department((410, {})),
        "hanging": Department((None, {}), (200, {})),
        "good": Department((200, {})),
    }
    closed = f"http://127.0.0.1:{free_port()}/reports"
    destinations = [(name, d.url, "limit") for name, d in departments.items()]
    with Plant(Device(), destinations=destinations + [("closed", closed, "limit")]) as plant:
        plant.start("core", "poller", "sender")
        plant.device.set(COD=200)
        opened = plant.until_entry("incident.opened")
        for name in ("good", "busy", "errors", "moved"):
            plant.until_entry("report.delivered", name=name)
        plant.device.set(COD=50)
        plant.until_entry("incident.ended")
        for name in ("good", "busy", "errors", "moved"):
            delivered = len(plant.entries("incident.opened", "incident.updated",
                                          "incident.ended"))
            plant.until(lambda n=name, d=delivered: len(
                [e for e in plant.entries("report.delivered") if e["name"] == n]) == d,
                f"{name} has all")

        attempts = {e["name"]: e["attempts"] for e in reversed(plant.entries("report.delivered"))}
        assert attempts == {"good": 1, "busy": 2, "errors": 2, "moved": 2}
        assert waits(departments["busy"], opened)[0] == pytest.approx(2.5, abs=0.9)
        for name in ("errors", "moved"):  # 5 s, jittered by 10 %, looked at once a second
            assert waits(departments[name], opened)[0] == pytest.approx(5.25, abs=1.2)
        assert not elsewhere.requests, "a redirect is not followed"

        held = plant.entries("report.held")
        assert [e["name"] for e in held] == ["strict"], "once"
        paused, = plant.entries("destination.paused")
        assert paused["name"] == "gone" and "410" in paused["reason"]
        assert all(str(opened["seq"]) == e["report"].split("-")[1] for e in [*held, paused])
        assert "400" in held[0]["reason"]
        for name in ("strict", "gone"):
            assert len(departments[name].requests) == 1, "order: the rest waits behind it"
        assert len(departments["hanging"].requests) == 1, "one attempt at a time"
        states = {state for state, in plant.query("SELECT state FROM outbox"
                                                  " WHERE destination = 'closed'")}
        assert "pending" in states and states <= {"pending", "superseded"}
        status = plant.command("status")
        assert status.returncode == 4 and "held" in status.stdout
        plant.check_chain()
    for department in (*departments.values(), elsewhere):
        department.close()


def waits(department, opened):
    """Seconds between attempts at the report of an entry."""
    times = [t for t, ident in department.requests if ident.split("-")[1] == str(opened["seq"])]
    return [b - a for a, b in zip(times, times[1:])]


# faults: W1, W14
def test_receiver_comes_back_emergencies_first_and_in_order(plant):
    plant.start("core", "poller")  # no sender: everything waits
    plant.device.set(SO2=700)
    plant.until_entry("incident.opened", kind="gas")
    plant.device.set(COD=200)
    plant.until_entry("incident.opened", kind="liquid")
    plant.device.set(COD=400)  # what waits already must rise with it
    plant.until_entry("incident.updated", **{"class": "emergency"})
    plant.device.set(**NORMAL)
    for kind in ("gas", "liquid"):
        plant.until_entry("incident.ended", kind=kind)
    plant.start("receiver", "sender")
    plant.until_quiet()
    kinds = [plant.query("SELECT kind FROM incident JOIN outbox ON incident.id = incident"
                         " WHERE webhook_id = ?", line["id"])[0][0]
             for line in plant.receiver.index()]
    assert kinds == sorted(kinds, reverse=True), "liquid before gas"
    assert set(kinds) == {"liquid", "gas"}
    check_all_told(plant)


# faults: W9
def test_receiver_that_resets_after_storing(plant):
    """The same report again, with the same body: known already."""
    plant.receiver.start("--reset", "1")
    plant.start("core", "poller", "sender")
    plant.device.set(COD=200)
    plant.until(lambda: len(plant.receiver.index()) >= 2, "it comes again")
    plant.device.set(COD=50)
    plant.until_quiet()
    outcomes = [line["outcome"] for line in plant.receiver.index()]
    assert outcomes[:2] == ["stored", "duplicate"]
    check_all_told(plant)


# ---- one core, and how it ends ----

# faults: S13
def test_a_second_core_leaves_at_once(plant):
    plant.start()
    inode = (plant.run / "poller.sock").stat().st_ino
    began = time.monotonic()
    done = plant.command(build="wastewatchd")
    assert done.returncode == 1 and time.monotonic() - began < 5
    assert "another wastewatchd" in done.stderr and str(plant.state) in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (plant.run / "poller.sock").stat().st_ino == inode
    spill(plant)
    assert plant.device.n_connects == 1
    check_all_told(plant)


# faults: H9
def test_stops_and_starts_are_entries(plant):
    plant.start("core")
    plant.until_entry("core.started", reason="for the first time")
    assert plant.stop() == 0
    assert plant.types()[-1] == "core.stopped"
    assert not (plant.run / "status.json").exists(), "the last state is not the present one"
    plant.start("core")
    plant.until_entry("core.started", reason="after a clean stop")
    plant.kill("core")
    plant.start("core")
    plant.until_entry("core.started", reason="after an unclean stop")
    assert plant.types("record.created") == ["record.created"]
    loaded = [entry["name"] for entry in plant.entries("config.loaded")]
    assert len(loaded) == 3 and len(set(loaded)) == 1, "the same configuration at each start"
    plant.check_chain()


# ---- configuration while running ----

# faults: H5
def test_reload_with_errors_keeps_the_old_configuration(plant):
    plant.start()
    good = (plant.config / "sites.d" / "mill.yaml").read_text()
    plant.configure(limits={"outfall": (
        '{channel: COD, class: limit, high: 100000, origin: "x"}', "{chanel: COD}")})
    plant.reload()
    refused = plant.until_entry("config.refused")
    assert "mill.yaml:" in refused["reason"] and refused["errors"] >= 2
    assert "mill.yaml:" in plant.log() and "chanel" in plant.log()
    spill(plant)  # the old limits are in force
    assert plant.device.n_connects == 1
    assert plant.types("config.loaded") == ["config.loaded"]
    (plant.config / "sites.d" / "mill.yaml").write_text(good)
    plant.reload()
    plant.until_entry("config.loaded", n=2)
    check_all_told(plant)


def test_the_reason_of_a_refusal_is_text_however_long(plant):
    """A message cut to its length must not end within a character."""
    plant.start("core")
    plant.until_entry("core.started")
    for i in range(4):
        name = "x" * i + "độ-đục-" * 60
        plant.configure(extra=f"{name}: 1\n")
        plant.reload()
        refused = plant.until_entry("config.refused", n=i + 1)
        assert "mill.yaml:" in refused["reason"]
    plant.check_chain()


# faults: H5
def test_reload_with_a_missing_key_keeps_the_old_one(plant):
    plant.start()
    (plant.credentials / "department-secret").rename(plant.dir / "away")
    plant.reload()
    assert "key" in plant.until_entry("config.refused")["reason"]
    spill(plant)
    check_all_told(plant)


def test_good_reload_keeps_connections_and_takes_new_limits(plant):
    plant.start()
    plant.configure(limits={**LIMITS, "outfall": LIMITS["outfall"] + (
        '{channel: COD, class: limit, name: newest, high: 60, clear-delay: 0s, '
        'origin: "permit"}',)})
    plant.reload()
    plant.until_entry("config.loaded", n=2)
    plant.device.set(COD=70)
    assert plant.until_entry("alarm.raised")["limit"] == "newest"
    plant.device.set(COD=50)
    plant.until_quiet()
    assert plant.device.n_connects == 1
    assert not plant.entries("measurement.lost", "readings.lost", "poller.silent")
    check_all_told(plant)


def test_reload_removes_a_limit_whose_alarm_stands(plant):
    plant.start()
    plant.device.set(COD=200)
    opened = plant.until_entry("incident.opened")
    plant.configure(limits={**LIMITS, "outfall": LIMITS["outfall"][:1]})
    plant.reload()
    removed = plant.until_entry("alarm.removed")
    assert removed["name"] == "mill/outfall/COD/limit-high"
    assert plant.until_entry("incident.ended")["incident"] == opened["incident"]
    assert not plant.query("SELECT 1 FROM alarm WHERE raised AND path LIKE '%limit-high'")
    assert plant.types("alarm.removed") == ["alarm.removed"], "the warning stands"
    plant.device.set(COD=50)
    plant.until_quiet()


def test_reload_removes_a_site_with_an_open_incident(plant):
    other = plant.config / "sites.d" / "dam.yaml"
    text = (plant.config / "sites.d" / "mill.yaml").read_text()
    device = Device()
    other.write_text(text.replace("site: mill", "site: dam")
                     .replace(f":{plant.device.port}", f":{device.port}"))
    plant.start()
    device.set(COD=200)
    opened = plant.until_entry("incident.opened", site="dam")
    other.unlink()
    plant.reload()
    removed = plant.until_entry("incident.removed")
    assert removed["incident"] == opened["incident"] == removed["name"]
    plant.until_entry("alarm.removed", name="dam/outfall/COD/limit-high")
    assert plant.query("SELECT state FROM incident") == [("removed",)]
    assert plant.device.n_connects == 1, "the other link is as it was"
    spill(plant)
    plant.check_chain()
    device.close()


def test_a_site_is_removed_while_the_core_is_down(plant):
    plant.start()
    plant.device.set(COD=200)
    plant.until_entry("incident.opened")
    plant.kill("core")
    site = plant.config / "sites.d" / "mill.yaml"
    site.write_text(site.read_text().replace("site: mill", "site: mine"))
    plant.start_core()
    plant.until_entry("incident.removed")
    assert plant.until_entry("incident.opened", n=2)["site"] == "mine"
    plant.check_chain()


# ---- peers that break the rules of the wire ----

def hello(role=wire.ROLE_POLLER, **fields):
    return wire.hello_packet(role, **fields)


def raw_header(kind, count, length):
    return wire._HEADER.pack(kind, count, length)  # pylint: disable=protected-access


MALFORMED = {
    "one byte": [b"x"],
    "text": [b"GET / HTTP/1.1\r\n\r\n"],
    "zeros": [bytes(4096)],
    "truncated": [hello()[:-1]],
    "longer than it says": [hello() + b"\0"],
    "no such type": [wire.packet(99)],
    "wrong version": [hello(version=wire.VERSION + 1)],
    "wrong magic": [hello(magic=1)],
    "wrong role": [hello(wire.ROLE_CORE)],
    "no hello first": [wire.packet(wire.READINGS)],
    "a second hello": [hello(), hello()],
    "the core's own words": [hello(), wire.ack_packet(1)],
    "huge count": [hello(), wire.packet(wire.READINGS, b"", 65535)],
    "huge count of links": [hello(), wire.packet(wire.LINKS, b"\0" * 80, 65535)],
    "huge lengths": [hello(wire.ROLE_SENDER),
                     wire.packet(wire.RESULT, b"\xff" * wire._RESULT.size)],
    "longest packet": [hello(), raw_header(wire.READINGS, 1, wire.PACKET_MAX) +
                       b"\xff" * (wire.PACKET_MAX - 8)],
}


def until_closed(link):
    """The core has ended the connection, which may show at any moment from now on."""
    try:
        while link.receive_raw():
            pass
    except (ConnectionResetError, BrokenPipeError):
        pass


def attack(plant, name, packets):
    link = wire.connect(str(plant.run / name))
    try:
        for packet in packets:
            link.send(packet)
    except (ConnectionResetError, BrokenPipeError):
        pass
    until_closed(link)
    link.close()


# faults: H3
def test_malformed_packets_end_their_connection_only(plant):
    plant.start()
    core = plant.processes["core"]
    random = seed()
    plant.kill("sender")  # while one is served others are turned away unheard
    for name in ("poller.sock", "sender.sock"):
        for what, packets in MALFORMED.items():
            before = plant.log().count("\n")

            def said(name=name, packets=packets, before=before):
                attack(plant, name, packets)  # of a flood of connections not every one is said
                return plant.log().count("\n") > before
            plant.until(said, f"{what} at {name} is said")
        for _ in range(100):
            attack(plant, name, [random.randbytes(random.choice((4, 8, 16, 64, 1000)))])
        for kind in range(0, 14):  # a good header around nonsense
            attack(plant, name, [wire.packet(kind, random.randbytes(72), random.randrange(4))])
    for word in ("malformed packet", "another version", "another program"):
        assert word in plant.log()
    assert core.poll() is None
    plant.start_sender()
    spill(plant)
    assert plant.device.n_connects == 1, "the poller was not disturbed"
    check_all_told(plant)


# faults: H3
def test_silent_connections_fill_no_table(plant):
    """Connections that never say hello: the poller's own must go on."""
    plant.start()
    idle = [wire.connect(str(plant.run / "poller.sock")) for _ in range(40)]
    spill(plant)
    for link in idle:
        link.close()
    plant.kill("poller")
    plant.start_poller()
    plant.until_good("mill/outfall/COD")
    spill(plant)


class FakePoller:
    """A poller in our hands: it says what it likes about COD."""

    def __init__(self, plant, instance=4711, plan=0):
        path = plant.run / "poller.sock"
        plant.until(path.exists, "the core listens")
        self.link = wire.connect(str(path))
        self.link.send(hello(instance=instance, plan=plan))
        self.requests, self.acked, self.plan = [], None, plan
        while self.acked is None:
            self.take(self.link.receive())

    def take(self, message):
        if isinstance(message, wire.Ack):
            self.acked = message.seq
        elif isinstance(message, wire.PlanEnd):
            self.plan = message.plan
        elif isinstance(message, list) and isinstance(message[0], wire.Request):
            self.requests += message

    def key(self):
        return [r.key for r in self.requests if r.function == 4 and r.address == 0][0]

    def reading(self, seq, value, ago_s=0.0, key=None):
        """A reading of COD and pH; without a value a tick."""
        boot = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000 - int(ago_s * 1e6)
        wall = time.time_ns() // 1000 - int(ago_s * 1e6)
        if value is None:
            return wire.Reading(seq, 0, boot, wall, 0, wire.OK, 0, ())
        words = encode("COD", value)[2] + encode("pH", 7.0)[2]
        return wire.Reading(seq, key or self.key(), boot, wall, 1000, wire.OK, 0, tuple(words),
                            0, len(words))

    def send(self, *readings):
        self.link.send(wire.readings_packet(readings))

    def until_acked(self, seq):
        while self.acked < seq:
            self.take(self.link.receive())


def test_the_same_poller_again_counts_nothing_twice():
    """What the core took but has not committed is covered when the connection ends."""
    with Plant(Device()) as plant:
        plant.start("core")
        plant.until_entry("core.started")
        poller = FakePoller(plant)
        key, plan = poller.key(), poller.plan
        for i in range(10):
            poller.send(poller.reading(i + 1, 50.0))
        plant.until(poller.link.all_taken, "the core has read them")
        poller.link.close()
        again = FakePoller(plant, plan=plan)
        assert again.acked == 10
        again.send(again.reading(10, 200.0, key=key), again.reading(11, 51.0, key=key))
        again.until_acked(11)
        assert not plant.entries("alarm.raised", "readings.lost")
        again.link.close()


def test_a_poller_that_comes_late_after_a_start_is_heard(plant):
    """A poller tries every 5 s at the latest; what it kept meanwhile is no older than that."""
    plant.start("core")
    plant.until_entry("core.started")
    began = time.monotonic()
    plant.until(lambda: time.monotonic() - began > 6.5, "a while")
    poller = FakePoller(plant)
    poller.send(*(poller.reading(i + 1, 200.0 if i == 3 else 50.0, ago_s=9 - i)
                  for i in range(8)), poller.reading(9, None))
    poller.until_acked(9)
    assert not plant.entries("readings.lost", "poller.silent"), plant.logs()
    assert plant.entries("alarm.raised"), "what was kept is judged"
    poller.link.close()


# faults: T4
def test_gaps_and_late_readings_are_said(plant):
    plant.start("core")
    plant.until_entry("core.started")
    poller = FakePoller(plant)
    poller.send(poller.reading(1, 50.0), poller.reading(8, 50.0))
    assert plant.until_entry("readings.lost")["readings"] == 6
    poller.send(poller.reading(9, 900.0, ago_s=60), poller.reading(10, None))
    late = plant.until_entry("readings.lost", n=2)
    assert late["readings"] == 1 and "after their time" in late["reason"]
    assert not plant.entries("alarm.raised")
    poller.link.close()


# faults: T1
def test_readings_of_the_future_are_refused(plant):
    """They would make everything measured until then too late."""
    plant.start("core")
    poller = FakePoller(plant)
    poller.send(poller.reading(1, 50.0, ago_s=-3600))
    until_closed(poller.link)
    assert "has not come" in plant.log()
    plant.start("receiver", "poller", "sender")
    plant.until_good("mill/outfall/COD")
    spill(plant)
    assert not plant.entries("readings.lost")


# faults: T1
@pytest.mark.parametrize("boot_us, wall_us", [(-2**63, -2**63), (0, 2**63 - 1), (0, -1)])
def test_times_out_of_all_bounds(plant, boot_us, wall_us):
    plant.start("core")
    poller = FakePoller(plant)
    reading = poller.reading(1, 50.0)
    poller.send(reading._replace(boot_us=boot_us or reading.boot_us, wall_us=wall_us))
    plant.start("receiver", "poller", "sender")
    poller.link.close()
    plant.until_good("mill/outfall/COD")
    spill(plant)
    plant.check_chain()


# ---- more of one program than there should be ----

def test_a_second_poller_stands_by_and_takes_over(plant):
    plant.start()
    first = plant.processes.pop("poller")
    plant.processes["poller-1"] = first
    plant.start_poller()
    plant.until(lambda: "stands by" in plant.log(), "the second stands by")
    assert plant.device.n_connects == 1, "only one of them reads"
    plant.kill("poller-1")
    plant.until(lambda: plant.device.n_connects == 2, "the second reads")
    plant.until_good("mill/outfall/COD")
    spill(plant)
    assert not plant.entries("readings.lost")
    check_all_told(plant)


def test_a_second_sender_does_no_harm(plant):
    plant.start()
    plant.processes["sender-1"] = plant.processes.pop("sender")
    plant.start_sender()
    plant.until(lambda: "one more sender" in plant.log(), "it is refused")
    spill(plant)
    assert plant.log().count("one more sender") == 1
    assert {line["outcome"] for line in plant.receiver.index()} == {"stored"}
    plant.kill("sender-1")
    spill(plant)
    check_all_told(plant)


# ---- devices, by the simulator ----

SCENARIO = """\
at 0s mill/outfall/COD set 200
at 0s mill/outfall/pH set 7
at 0s mill/outfall/NH4 set 2
at 0s mill/stack/SO2 set 100
at 3s link line dead
at 4500ms link line normal
at 6s link line reset
at 7500ms link line normal
at 9s link line garbage
at 10500ms link line normal
at 12s link line late 200ms
at 13500ms link line normal
at 15s link line refuse
at 16500ms link line normal
at 18s unit analyser exception 4
at 19500ms unit analyser normal
at 21s link line drip 30ms
at 22500ms link line normal
at 24s mill/outfall/COD set 50
"""


@pytest.fixture(scope="module", autouse=True, name="misbehaving")
def make_misbehaving():
    """Begins with the first test of this file, because its scenario takes half a minute."""
    with Plant(port=free_port(), lost_after="300ms") as plant:
        scenario = plant.dir / "scenario"
        scenario.write_text(SCENARIO)
        plant.start("receiver", "core", "poller", "sender")
        plant.spawn("sim", "wastewatch-sim", "--config", str(plant.config), "--scenario",
                    str(scenario))
        yield plant


def test_a_device_that_misbehaves_raises_and_clears_nothing(misbehaving):
    plant = misbehaving
    plant.until(lambda: plant.entries("incident.ended"), "all is over", 2 * LIMIT_S)
    plant.until_quiet()
    assert len(plant.entries("measurement.lost")) >= 6 * 5, "six faults, five channels"
    alarms = [(e["type"], e["channel"], e["limit"])
              for e in plant.entries("alarm.raised", "alarm.cleared")]
    assert sorted(alarms) == sorted(
        (kind, "COD", limit) for kind in ("alarm.raised", "alarm.cleared")
        for limit in ("limit-high", "warning-high"))
    assert [kind for kind, _, _ in alarms] == ["alarm.raised"] * 2 + ["alarm.cleared"] * 2
    reasons = {e["reason"] for e in plant.entries("measurement.lost")}
    assert {"link is down", "device answers with exception 4"} <= reasons, reasons
    assert len(plant.entries("incident.opened")) == 1
    check_all_told(plant)


# faults: W14
def test_order_is_kept_while_the_receiver_comes_and_goes(plant):
    plant.start()
    incidents = []
    for values in ({"COD": 200}, {"SO2": 700}):
        plant.device.set(**values)
        incidents.append(plant.until_entry("incident.opened",
                                           n=len(incidents) + 1)["incident"])
        plant.kill("department")
        plant.device.set(**NORMAL)
        plant.until_entry("incident.ended", n=len(incidents))
        plant.receiver.start()
    plant.until_quiet()
    check_order(plant, incidents)
    check_all_told(plant)
