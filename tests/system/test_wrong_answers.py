# SPDX-License-Identifier: Apache-2.0
"""Whatever a device answers, what is recorded is the value of the right register, or nothing.

Three links are read through the real poller and core: Modbus TCP, RTU on a serial line, RTU
through a serial server. Each has one unit with two reads of the same function and length, of
registers whose values differ. The unit does every fault of tests/faults/README.md, one after
the other, and is sound again in between. Every channel has limits half a step above and below
its only true value: a wrong value that is taken for good raises an alarm, which stays in the
record.
"""

import os
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(__file__))
import test_poller  # noqa: E402
import test_rtu  # noqa: E402
from plant import Plant, until  # noqa: E402

ADDRESSES = (10, 20, 30)
PATIENCE_S = 40


def answered(code, extra=b""):
    """An exception, over TCP: code, and bytes that do not belong there."""
    def behave(_device, _connection, request):
        transaction, unit, function = request[:3]
        return test_poller.struct.pack(">HHHBBB", transaction, 0, 3 + len(extra), unit,
                                       function | 0x80, code) + extra
    return behave


def sound(_device, _connection, request):
    return test_poller.good(*request)


def exception(code, extra=b""):
    def behave(_slave, request):
        return test_rtu.framed(bytes((request[0], request[1] | 0x80, code)) + extra)
    return behave


def swapped(_device, _connection, request):
    """The answer to the other of the two reads."""
    transaction, unit, function, address, count = request
    other = ADDRESSES[(ADDRESSES.index(address) + 1) % len(ADDRESSES)]
    return test_poller.good(transaction ^ 1, unit, function, other, count)


def joined(device, connection, request):
    """Two answers in one segment: an old one, and the right one behind it."""
    transaction, unit, function, address, count = request
    old = test_poller.good((transaction - 1) & 0xffff, unit, function, address + 1, count)
    return old + test_poller.good(*request)


TCP = {**{name: behave for name, (behave, _) in test_poller.MISBEHAVIOURS.items()},
       "swapped": swapped, "joined": joined,
       **{f"exception {code}": answered(code) for code in (1, 4, 5, 6, 8, 10, 11, 99)},
       "exception with more bytes": answered(4, b"\0\1")}
RTU = {**{name: behave for name, (behave, _) in test_rtu.FAULTS.items()},
       **{f"exception {code}": exception(code) for code in (1, 4, 5, 6, 8, 10, 11, 99)},
       "exception with more bytes": exception(4, b"\0\1")}


class Links:
    """The three units, and what they are told to do."""

    def __init__(self):
        self.tcp = test_poller.Device(sound)
        self.line = test_rtu.Line().plug()
        self.server = test_rtu.SerialServer()

    def counts(self):
        return (sum(self.tcp.n_requests.values()), self.line.slave.n_requests[1],
                self.server.slave.n_requests[1])

    def behave(self, tcp, rtu):
        self.tcp.behave = tcp
        self.line.slave.behaviours[1] = self.server.slave.behaviours[1] = rtu

    def stop(self):
        for thing in (self.tcp, self.line, self.server):
            thing.stop()


def configure(plant, links):
    text = ("site: mill\nlinks:\n"
            f'  - {{name: tcp, tcp: "127.0.0.1:{links.tcp.port}", backoff: [50ms, 100ms]}}\n'
            f"  - {{name: rtu, rtu: {links.line.path}, baud: 19200, backoff: [50ms, 100ms]}}\n"
            f'  - {{name: server, rtu-tcp: "127.0.0.1:{links.server.port}", baud: 19200, '
            "backoff: [50ms, 100ms]}\nunits:\n")
    for name in ("tcp", "rtu", "server"):
        text += f"  - {{name: u-{name}, link: {name}, id: 1, interval: 200ms, timeout: 200ms}}\n"
    text += "sources:\n"
    for name in ("tcp", "rtu", "server"):
        text += f"  - name: {name}\n    kind: liquid\n    channels:\n"
        for address in ADDRESSES:
            text += (f"      - {{name: r{address}, from: u-{name}, address: {address}, "
                     "type: uint32, range: [0, 4294967295], lost-after: 2s}\n")
        text += "    limits:\n"
        for address in ADDRESSES:
            true = truth(address)
            for side, bound in (("high", true + 0.5), ("low", true - 0.5)):
                text += (f"      - {{channel: r{address}, class: warning, {side}: {bound}, "
                         "origin: truth, clear-delay: 0s}\n")
    (plant.config / "sites.d" / "mill.yaml").write_text(text)


def truth(address):
    return test_poller.value(1, address) << 16 | test_poller.value(1, address + 1)


@pytest.fixture(name="links")
def make_links():
    links = Links()
    yield links
    links.stop()


@pytest.fixture(name="plant")
def make_plant(links):
    with Plant() as plant:
        configure(plant, links)
        plant.start("core", "poller")
        plant.until(lambda: is_sound(plant), "all is read")
        yield plant


def channels(plant):
    return {c["channel"]: c for c in plant.status().get("channels", [])}


def is_sound(plant):
    seen = channels(plant)
    good = [c for c in seen.values() if c["quality"] == "good" and c["age_ms"] < 1500]
    for c in good:
        assert int(c["value"]) == truth(int(c["channel"].rsplit("/r", 1)[1])), c
    return len(good) == 3 * len(ADDRESSES)


# faults: M2, M3, M4, M5, M6, M7, M8, M12, U1, U3
def test_only_right_values_are_recorded(plant, links):
    began_s = time.time()
    names = [(list(TCP)[i % len(TCP)], list(RTU)[i % len(RTU)])
             for i in range(max(len(TCP), len(RTU)))]
    for tcp, rtu in names:
        before = links.counts()
        links.behave(TCP[tcp], RTU[rtu])
        until(lambda old=before: all(new >= n + 4 for new, n in zip(links.counts(), old)),
              f"{tcp}, {rtu}: asked four times", PATIENCE_S)
        links.behave(sound, test_rtu.right)
        until(lambda: is_sound(plant), f"sound again after {tcp}, {rtu}", PATIENCE_S,
              say=plant.logs)
    assert not plant.entries("alarm.raised"), plant.entries("alarm.raised")
    plant.until(lambda: plant.query("SELECT 1 FROM minutes WHERE t * 60 > ?", began_s),
                "a minute has ended", 70)
    rows = plant.query("SELECT path, min, max, n FROM minutes JOIN channel "
                       "ON channel.id = minutes.channel WHERE n > 0")
    assert rows
    for path, least, most, _ in rows:
        assert least == most == truth(int(path.rsplit("/r", 1)[1])), path
