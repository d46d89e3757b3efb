# SPDX-License-Identifier: Apache-2.0
"""Links that fail for long, through poller and core: nothing is recorded that was not measured.

Each fault has a link of its own and all fail at once, beside a healthy one. A unit is read by
two requests of one function and length, of registers whose values differ, with limits half a
step around the only true value: a wrong value that is taken for good raises an alarm. While a
unit fails its channels have no value and are said to be lost, with the reason; after that they
have the right one. test_wrong_answers.py has the faults that last for an answer or two.
"""

import os
import select
import socket
import struct
import sys
import threading
import time

import pytest

sys.path.insert(0, os.path.dirname(__file__))
import test_poller  # noqa: E402
import test_rtu  # noqa: E402
from plant import Plant  # noqa: E402

ADDRESSES = (10, 20)
CADENCE_MS = 200


def truth(unit, address):
    return test_poller.value(unit, address) << 16 | test_poller.value(unit, address + 1)


def sound(_device, _connection, request):
    return test_poller.good(*request)


# ---- what devices do ----

def a_byte_a_second(device, connection, request):
    for byte in test_poller.good(*request):
        connection.sendall(bytes((byte,)))
        if device.healed.wait(1):  # this is the fault
            break


def more_registers(_device, _connection, request):
    return test_poller.good(*request[:4], request[4] + 1)


def length_more(_device, _connection, request):
    answer = bytearray(test_poller.good(*request))
    answer[5] += 2
    return bytes(answer) + b"\0\1"


def unasked(device, connection):
    """A hundred thousand answers that nobody asked for, on however many connections."""
    while device.n_unasked < 100000:
        device.n_unasked += 100
        connection.sendall(test_poller.good(1, 1, 3, ADDRESSES[1], 2) * 100)


def refuses(code):
    def behave(_device, _connection, request):
        return struct.pack(">HHHBBB", request[0], 0, 3, request[1], request[2] | 0x80, code)
    return behave


class Gateway:
    """Units behind one address; it counts requests that come before the last one's answer."""

    def __init__(self):
        self.n_hasty = 0

    def __call__(self, _device, connection, request):
        if select.select([connection], [], [], 0.005)[0]:
            self.n_hasty += 1
        answers = {1: sound, 2: refuses(6), 3: refuses(11), 4: refuses(10)}
        return answers[request[1]](None, None, request)


class SerialServer(test_rtu.SerialServer):
    """A serial server that ends the connection within an answer, by RST or FIN."""

    def __init__(self, ends):
        self.ends = ends
        super().__init__()

    def _serve(self, connection):
        def write(answer):
            if self.ends is None:
                connection.sendall(answer)
                return
            connection.sendall(answer[:3])
            if self.ends == "RST":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                      struct.pack("ii", 1, 0))
            else:
                connection.shutdown(socket.SHUT_WR)
            raise OSError("as it should")
        try:
            self.slave.serve(lambda: connection.recv(4096), write)
        except OSError:
            pass
        connection.close()


class Full:
    """Somebody listens, and takes no connection: what comes is answered by nothing at all."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.held = []
        for _ in range(4):  # the queue is full, and the kernel drops what comes
            self.held.append(socket.socket())
            self.held[-1].setblocking(False)
            self.held[-1].connect_ex(("127.0.0.1", self.port))
        self.device = None

    def heal(self):
        self.stop()
        self.device = test_poller.Device(sound, port=self.port)

    def stop(self):
        for sock in (*self.held, self.listener):
            sock.close()
        if self.device:
            self.device.stop()


# ---- the plant: one link per fault ----

class Links:
    """Devices by the names of their links, and lines of configuration for them."""

    def __init__(self):
        self.devices, self.text, self.units = {}, "", {}
        for name, behave in {
                "healthy": sound, "dead": test_poller.dead, "slow": a_byte_a_second,
                "http": test_poller.speaks_http, "more": more_registers, "long": length_more,
                "reset": test_poller.resets_inside, "end": test_poller.closes_after_header,
                **{f"exception{code}": refuses(code) for code in (1, 2, 3, 4, 7, 9, 99)},
        }.items():
            self.add_tcp(name, test_poller.Device(behave))
        flood = test_poller.Device(sound, greet=unasked)
        flood.n_unasked = 0
        self.add_tcp("flood", flood)
        self.gateway = Gateway()
        self.add_tcp("gateway", test_poller.Device(self.gateway), (1, 2, 3, 4))
        self.add_tcp("full", Full())
        for ends in ("RST", "FIN"):
            server = SerialServer(ends)
            self.add(f"server{ends}", server, f'rtu-tcp: "127.0.0.1:{server.port}", baud: 19200')
        for name, behave in (("unplugged", test_rtu.right), ("trickle", self.trickle)):
            line = test_rtu.Line({1: behave}).plug()
            self.add(name, line, f"rtu: {line.path}, baud: 19200")
        self.healed = threading.Event()
        for device in self.devices.values():
            device.healed = self.healed

    def trickle(self, slave, request):
        for byte in test_rtu.good(*request):
            slave.write(bytes((byte,)))
            if self.healed.wait(1):  # this is the fault
                break

    def add_tcp(self, name, device, units=(1,)):
        self.add(name, device, f'tcp: "127.0.0.1:{device.port}"', units)

    def add(self, name, device, address, units=(1,)):
        self.devices[name] = device
        self.text += (f"  - {{name: {name}, {address}, connect-timeout: 300ms, "
                      "backoff: [50ms, 200ms]}\n")
        for unit in units:
            self.units[f"{name}-{unit}"] = (name, unit)

    def configuration(self):
        text = "site: mill\nlinks:\n" + self.text + "units:\n"
        for name, (link, ident) in self.units.items():
            text += (f"  - {{name: {name}, link: {link}, id: {ident}, interval: {CADENCE_MS}ms, "
                     "timeout: 150ms}\n")
        text += "sources:\n"
        for name, (_, ident) in self.units.items():
            text += f"  - name: {name}\n    kind: liquid\n    channels:\n"
            for address in ADDRESSES:
                text += (f"      - {{name: r{address}, from: {name}, address: {address}, "
                         "type: uint32, range: [0, 4294967295], lost-after: 2s}\n")
            text += "    limits:\n"
            for address in ADDRESSES:
                for side, step in (("high", 0.5), ("low", -0.5)):
                    text += (f"      - {{channel: r{address}, class: limit, {side}: "
                             f"{truth(ident, address) + step}, origin: truth, clear-delay: 0s}}\n")
        return text

    def heal(self):
        self.healed.set()
        for name, device in self.devices.items():
            if name == "full":
                device.heal()
            elif name == "unplugged":
                device.plug()
            elif name == "trickle":
                device.slave.behaviours[1] = test_rtu.right
            elif name.startswith("server"):
                device.ends = None
            elif name != "gateway":
                device.behave = sound

    def stop(self):
        self.healed.set()
        for device in self.devices.values():
            device.stop()


# per unit: what may be said of it while it fails; where the poller ends the connection, of one of
# the two requests that it was refused and of the other that the link is down
ANSWER, LINK = ("answer",), ("link is down",)
REASONS = {
    "dead-1": ANSWER, "full-1": LINK, "reset-1": LINK, "end-1": LINK, "serverRST-1": LINK,
    "serverFIN-1": LINK, "unplugged-1": LINK, "trickle-1": ANSWER, "http-1": ANSWER + LINK,
    "slow-1": ANSWER + LINK, "more-1": ANSWER + LINK, "long-1": ANSWER + LINK,
    "gateway-2": ("exception 6",), "gateway-3": ("gateway",), "gateway-4": ("gateway",),
    **{f"exception{code}-1": (f"exception {code}",) for code in (1, 2, 3, 4, 7, 9, 99)},
}
SLOW_TO_RETURN = {"exception2-1", "exception3-1"}  # refused registers are tried again after long
STAY = {"gateway-2", "gateway-3", "gateway-4"}


@pytest.fixture(scope="module", name="plant")
def make_plant():
    links = Links()
    with Plant() as plant:
        (plant.config / "sites.d" / "mill.yaml").write_text(links.configuration())
        plant.links, plant.began_s = links, time.time()
        plant.start("core", "poller")
        plant.until_good("mill/unplugged-1/r10")
        links.devices["unplugged"].unplug()
        yield plant
    links.stop()


def seen_right(plant):
    """{unit: its channels}, none of which ever has another value than its own."""
    units = {}
    for channel in plant.status().get("channels", []):
        _, unit, name = channel["channel"].split("/")
        if "value" in channel:
            true = truth(plant.links.units[unit][1], int(name[1:]))
            assert int(channel["value"]) == true, channel
        units.setdefault(unit, []).append(channel)
    return units


def is_good(channels):
    return all(c["quality"] == "good" and c["age_ms"] < 2000 for c in channels)


# faults: M1, M2, M7, M8, M9, M10, M11, U2
def test_while_they_fail_nothing_is_recorded_of_them(plant):
    def all_lost():
        units = seen_right(plant)
        return units and all(c["lost"] for name in REASONS for c in units[name]) and units
    units = plant.until(all_lost, "all that fail are lost")
    for name, reasons in REASONS.items():
        for channel in units[name]:
            assert "value" not in channel or name == "unplugged-1", channel
            assert any(reason in channel["reason"] for reason in reasons), channel
    assert {e["source"] for e in plant.entries("measurement.lost")} >= set(REASONS)
    assert not plant.entries("alarm.raised", "incident.opened")


# faults: M1, M11, M12
def test_the_others_are_read_all_the_while(plant):
    units = seen_right(plant)
    for name in ("healthy-1", "gateway-1"):
        assert is_good(units[name]), units[name]
        assert name not in {e["source"] for e in plant.entries("measurement.lost")}
    assert plant.links.gateway.n_hasty == 0, "one request at a time"
    assert plant.links.devices["flood"].n_unasked
    # the flood ends with the hundred-thousandth frame at the latest, without a value of it
    plant.until(lambda: is_good(seen_right(plant)["flood-1"]), "the flood is over")


# faults: M1, M9, U2
def test_afterwards_each_has_its_own_value(plant):
    plant.links.heal()
    wanted = set(plant.links.units) - STAY - SLOW_TO_RETURN
    plant.until(lambda: all(is_good(seen_right(plant)[name]) for name in wanted), "all are good",
                40)
    assert not plant.entries("alarm.raised", "incident.opened")


# faults: U1
def test_minutes_hold_the_right_values_or_none(plant):
    paths = {f"mill/{unit}/r{address}": truth(ident, address)
             for unit, (_, ident) in plant.links.units.items() for address in ADDRESSES}
    plant.until(lambda: len(plant.query("SELECT DISTINCT channel FROM minutes WHERE t * 60 > ?",
                                        plant.began_s - 60)) == len(paths), "a minute ends", 75)
    rows = plant.query("SELECT path, min, max, n FROM minutes JOIN channel "
                       "ON channel.id = minutes.channel")
    for path, least, most, n in rows:
        assert (least == most == paths[path]) if n else least is most is None, path
    for unit in STAY:
        assert not any(n for path, _, _, n in rows if path.split("/")[1] == unit), unit
