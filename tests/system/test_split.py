# SPDX-License-Identifier: Apache-2.0
"""Devices that refuse: registers that do not exist, and no time to answer.

First the real poller between a fake core and devices of our own or pymodbus, then the whole
plant. As in test_poller.py every register holds a value that follows from its address, so that
a part that ends up in the wrong place is seen; nothing here waits for a fixed time.
"""

import asyncio
import os
import socket
import struct
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(__file__))
import wire  # noqa: E402
from plant import CHANNELS, Plant as WholePlant  # noqa: E402
from plant import Device as PlantDevice  # noqa: E402
from test_poller import Core, Device, Plan, cleanup, expected_words, good, value  # noqa: E402,F401

pytestmark = pytest.mark.usefixtures("cleanup")


class PartsCore(Core):
    """Holds each reading against the part of its request that it is about."""

    def check(self, reading):
        if reading.key == 0:
            assert (reading.first, reading.count, reading.words) == (0, 0, ())
            return
        request = next(r for plan in self.plans for r in plan.requests if r.key == reading.key)
        assert reading.count > 0 and reading.first + reading.count <= request.count
        part = request._replace(address=request.address + reading.first, count=reading.count)
        unit = self.plan.units[0]
        assert reading.words == (expected_words(unit, part) if reading.status == wire.OK else ())

    def of(self, status=wire.OK, start=0):
        """{(first, count), …} of the readings with this status."""
        return {(r.first, r.count) for r in self.readings[start:] if r.key and r.status == status}

    def forget(self):
        """Only what comes from now on counts."""
        self.readings = []
        return self


@pytest.fixture(name="start")
def make_start(cleanup):  # noqa: F811
    def start_core(plan):
        core = PartsCore(plan)
        cleanup.append(core)
        return core.greet()
    return start_core


def exception(request, code):
    transaction, unit, function, _address, _count = request
    return struct.pack(">HHHBBB", transaction, 0, 3, unit, function | 0x80, code)


def with_holes(holes, code=2, longest=2000):
    """A device that has all registers but these."""
    def behave(_device, _connection, request):
        address, count = request[3:]
        if holes & set(range(address, address + count)) or count > longest:
            return exception(request, code)
        return good(*request)
    return behave


@pytest.fixture(name="device")
def make_device(cleanup):  # noqa: F811
    def make(behave):
        cleanup.append(Device(behave))
        return cleanup[-1]
    return make


def maps(text):
    """used and starts of a request: "v" a value starts, "-" goes on, " " nobody uses it."""
    used = sum(1 << i for i, c in enumerate(text) if c != " ")
    starts = sum(1 << i for i, c in enumerate(text) if c == "v")
    return used.to_bytes(16, "little"), starts.to_bytes(16, "little")


def plan_for(port, text, function=3, address=100, number=1):
    plan = Plan(number)
    unit = plan.add_unit(plan.add_link(port), 1)
    request = wire.Request(7, unit, function, address, len(text))
    if function > 2:
        request = request._replace(**dict(zip(("used", "starts"), maps(text))))
    plan.requests.append(request)
    return plan


def until_refused(core, n=1):
    return core.until(lambda c: c.links and c.links[1].n_refused == n)


def until_rest(core, parts):
    """Until the parts that are read are these, and no others any more."""
    def at_rest(_):
        if len(core.readings) < 10 * len(parts):
            return False
        rest = core.of(), core.of(wire.EXCEPTION)
        core.forget()
        return rest == (parts, set())
    return core.forget().until(at_rest)


# 20 values of two registers with a hole nobody wants behind the tenth
FLOATS = "v-" * 10 + "    " + "v-" * 8


# faults: M8
@pytest.mark.parametrize("code", [2, 3])
def test_one_bad_register_and_a_hole(start, device, code):
    dev = device(with_holes({113, 121, 122}, code))
    core = until_refused(start(plan_for(dev.port, FLOATS)))
    failed = [r for r in core.readings if r.status == wire.EXCEPTION]
    assert {(r.first, r.count, r.exception) for r in failed} == {(12, 2, code)}
    assert len(failed) == 3
    # the others in as few requests as there can be, and none through what is not there
    until_rest(core, {(0, 12), (14, 6), (24, 16)})
    n = len(dev.requests)
    core.until(lambda _: len(dev.requests) >= n + 30)
    assert {r[3:] for r in dev.requests[n:]} == {(100, 12), (114, 6), (124, 16)}
    refused = [line for line in core.log().splitlines() if "refuses" in line]
    assert len(refused) == 1
    assert f"unit 1 refuses holding registers 112-113: exception {code}, illegal" in refused[0]
    assert dev.n_connections == 1


def test_all_values_of_the_first_round(start, device):
    """What can be read is read in the round in which the whole was refused."""
    dev = device(with_holes({105}))
    core = start(plan_for(dev.port, "v" * 8))
    core.until(lambda c: len(c.of()) >= 3)
    first = [r for r in core.readings if r.key][:4]
    covered = [first_ + i for r in first if r.status == wire.OK
               for first_, i in ((r.first, i) for i in range(r.count))]
    assert sorted(covered) == [0, 1, 2, 3, 4, 6, 7]
    assert [(r.first, r.count) for r in first if r.status == wire.EXCEPTION] == [(5, 1)]
    assert dev.requests[0][3:] == (100, 8)


@pytest.mark.parametrize("function", [1, 2])
def test_bits(start, device, function):
    dev = device(with_holes({100, 117, 118, 139}))
    core = until_refused(start(plan_for(dev.port, " " * 40, function)), 4)
    until_rest(core, {(1, 16), (19, 20)})
    assert core.log().count("refuses") == 4


def test_refused_by_length(start, device):
    """A device with a shorter longest answer than configured is read whole all the same."""
    dev = device(with_holes(set(), 3, longest=9))
    core = start(plan_for(dev.port, "v" * 32))
    until_rest(core, {(0, 8), (8, 8), (16, 8), (24, 8)})
    assert core.links[1].n_refused == 0
    assert "refuses" not in core.log()


def test_reload_knows_what_is_refused(start, device):
    dev = device(with_holes({103}))
    core = until_refused(start(plan_for(dev.port, "vvvv")))
    until_rest(core, {(0, 3)})
    n = len(dev.requests)
    again = plan_for(dev.port, "vvvv", number=2)
    again.add(8, 0, 3, 50, 2)  # something else is new, another thing is as it was
    core.send_plan(again)
    core.forget().until(lambda c: c.count(8) >= 5 and c.count(7) >= 5)
    assert core.of(wire.EXCEPTION) == set()
    assert not any(address <= 103 < address + count for *_, address, count in dev.requests[n:])
    until_refused(core)
    other = plan_for(dev.port, "v-vv", number=3)  # other values: nothing is known of them
    core.send_plan(other)
    core.forget().until(lambda c: c.of(wire.EXCEPTION) == {(3, 1)})
    assert dev.n_connections == 1


# faults: M8, M11
@pytest.mark.parametrize("code", [5, 6])
def test_busy_is_asked_again(start, device, code):
    """Every request is answered at its second try, so hardly a value is lost."""
    def behave(dev, _connection, request):
        dev.busy = not getattr(dev, "busy", False)
        return exception(request, code) if dev.busy else good(*request)
    dev = device(behave)
    plan = plan_for(dev.port, "vv")
    plan.units[0] = plan.units[0]._replace(interval_ms=600)
    core = start(plan).until(lambda c: c.count(7) >= 8)
    core.until(lambda c: c.links and c.links[1].n_exceptions >= 8)
    assert core.count(7, wire.EXCEPTION) <= 3  # every one, were it not asked again
    assert core.links[1].n_refused == 0 and "refuses" not in core.log()


def test_pymodbus_has_holes(start):
    """A server that others wrote refuses what it does not have."""
    server = pytest.importorskip("pymodbus.server")
    from pymodbus.datastore import (ModbusServerContext, ModbusSlaveContext,
                                    ModbusSparseDataBlock)
    holes = {107, 108, 130}
    block = ModbusSparseDataBlock({i: value(1, i) for i in range(100, 150) if i not in holes})
    slave = ModbusSlaveContext(hr=block, zero_mode=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    def serve():
        asyncio.run(server.StartAsyncTcpServer(
            context=ModbusServerContext(slaves={1: slave}, single=False),
            address=("127.0.0.1", port)))
    threading.Thread(target=serve, daemon=True).start()
    core = until_refused(start(plan_for(port, "v" * 50)), 3)
    until_rest(core, {(0, 7), (9, 21), (31, 19)})


class HoledDevice(PlantDevice):
    """The plant's device without some registers of some tables."""

    def __init__(self, *holes):
        self.holes = set(holes)
        super().__init__()

    def _answer(self, tid, unit, function, address, count):
        if any((function, i) in self.holes for i in range(address, address + count)):
            return struct.pack(">HHHBBB", tid, 0, 3, unit, function | 0x80, 2)
        return super()._answer(tid, unit, function, address, count)


def test_one_bad_register_does_not_empty_the_device():
    table, address = CHANNELS["pH"][:2]
    assert (table, address) == ("input", 2) and CHANNELS["COD"][1] == 0  # read with one request
    with WholePlant(HoledDevice((4, 3))) as plant:
        plant.start("core", "poller")
        lost = plant.until_entry("measurement.lost", channel="pH")
        assert lost["reason"] == "device answers with exception 2"
        for name in ("COD", "NH4", "Reads"):
            plant.until_good(f"mill/outfall/{name}")
        plant.device.set(COD=77)
        plant.until(lambda: plant.channel("mill/outfall/COD").get("value") == "77", "the new COD")
        assert [e["channel"] for e in plant.entries("measurement.lost")] == ["pH"]
        assert plant.channel("mill/outfall/pH")["lost"]
        link = plant.until(lambda: next((link for link in plant.status()["links"]
                                         if link["refused_parts"] == 1), None), "it is shown")
        assert link["worst_round_us"] > 0 and link["overruns"] >= 0
        said = plant.command("status").stdout
        assert "link mill/line: parts of what is asked that units refuse: 1;" in said
        assert "mill/outfall/pH is not being measured: device answers with exception 2" in said
        said = plant.command("links").stdout
        assert "WORST ROUND" in said and "OVERRUNS" in said and "units refuse: 1" in said
        assert plant.log("poller").count("unit 1 refuses input registers 2-3: exception 2") == 1
