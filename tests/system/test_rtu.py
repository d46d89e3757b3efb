# SPDX-License-Identifier: Apache-2.0
"""wastewatch-poller on serial lines (pseudo-terminals) and with RTU frames through TCP.

As in test_poller.py every register holds a value that follows from unit and address, and the
fake core checks each reading: the value of another register is seen whatever the reason.
"""

import fcntl
import os
import select
import shutil
import socket
import struct
import tempfile
import threading
import time
import tty
from collections import Counter

import pytest
import wire
from test_poller import Core, Plan, cleanup, start, value  # noqa: F401 (two are fixtures)

PATIENCE_S = 30
TIMEOUT_MS = 200


def crc(data):
    """CRC-16 of the serial guide, bit by bit: not the way the poller has it."""
    rest = 0xffff
    for byte in data:
        rest ^= byte
        for _ in range(8):
            rest = rest >> 1 ^ 0xa001 * (rest & 1)
    return struct.pack("<H", rest)


def framed(data):
    return data + crc(data)


def good(unit, function, address, count):
    """The right answer to a request."""
    if function <= 2:
        data = bytearray((count + 7) // 8)
        for i in range(count):
            data[i // 8] |= (value(unit, address + i) & 1) << i % 8
    else:
        data = b"".join(struct.pack(">H", value(unit, address + i)) for i in range(count))
    return framed(bytes((unit, function, len(data))) + bytes(data))


def asked(unit, function, address, count):
    return framed(struct.pack(">BBHH", unit, function, address, count))


class Slave:
    """Units behind one stream of bytes; behave(slave, request) gives the bytes to send.

    behaviours: per unit id; a unit that is not in it does not exist. read and write are those of
    the stream: read gives b"" at its end.
    """

    def __init__(self, behaviours):
        self.behaviours = behaviours
        self.requests, self.n_requests, self.previous = [], Counter(), {}

    def serve(self, read, write):
        self.write = write
        waiting = b""
        while True:
            try:
                data = read()
            except OSError:
                return
            if not data:
                return
            waiting += data
            while len(waiting) >= 8:
                frame, waiting = waiting[:8], waiting[8:]
                assert crc(frame[:6]) == frame[6:], frame.hex()
                request = struct.unpack(">BBHH", frame[:6])
                assert 1 <= request[1] <= 4
                self.n_requests[request[0]] += 1
                self.requests.append(request)
                behave = self.behaviours.get(request[0])
                try:
                    answer = behave(self, request) if behave else None
                    if answer:
                        write(answer)
                except OSError:
                    return


class Line:
    """A serial line: a pseudo-terminal behind a path that stays, as /dev/serial/by-id does."""

    def __init__(self, behaviours=None):
        self.slave = Slave(behaviours or {1: right})
        self.directory = tempfile.mkdtemp(prefix="wastewatch-line-")
        self.path = self.directory + "/usb-FTDI-port0"
        self.master = self.held = None

    def plug(self, not_at=None):
        """@not_at: the device that it must not be; its number may be free at any moment."""
        self.master, self.held = os.openpty()
        unwanted = []
        while os.ttyname(self.held) == not_at:
            unwanted += [self.master, self.held]
            self.master, self.held = os.openpty()
        for fd in unwanted:
            os.close(fd)
        self.ended = threading.Event()
        tty.setraw(self.held)
        os.symlink(os.ttyname(self.held), self.path + ".new")
        os.replace(self.path + ".new", self.path)
        self.thread = threading.Thread(target=self._serve, args=(self.master,), daemon=True)
        self.thread.start()
        return self

    def _serve(self, master):
        def read():
            while not self.ended.is_set():
                if select.select([master], [], [], 0.05)[0]:
                    return os.read(master, 4096)
            return b""
        self.slave.serve(read, lambda data: os.write(master, data))

    def unplug(self):
        """The device goes; its path, too."""
        if self.master is None:
            return
        os.unlink(self.path)
        self.hang_up()

    def hang_up(self):
        """The other end is gone, the path is there: opening gives an error of its own."""
        self.ended.set()
        self.thread.join()
        os.close(self.held)
        os.close(self.master)
        self.master = None

    def stop(self):
        self.unplug()
        shutil.rmtree(self.directory)


class SerialServer:
    """The same units behind a TCP connection that carries RTU frames."""

    def __init__(self, behaviours=None):
        self.slave = Slave(behaviours or {1: right})
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.n_connections, self.open = 0, []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            self.n_connections += 1
            self.open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        self.slave.serve(lambda: connection.recv(4096), connection.sendall)
        connection.close()

    def drop(self):
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        self.listener.close()
        self.drop()


def right(_slave, request):
    return good(*request)


def dead(_slave, _request):
    return None


def bad_crc(_slave, request):
    answer = bytearray(good(*request))
    answer[-1] ^= 0x10
    return bytes(answer)


def bad_data(_slave, request):
    answer = bytearray(good(*request))
    answer[4] ^= 0x01
    return bytes(answer)


def other_unit(_slave, request):
    return good(request[0] + 100, *request[1:])


def other_function(_slave, request):
    return good(request[0], request[1] ^ 7, *request[2:])


def fewer(_slave, request):
    return good(*request[:3], 1) if request[3] > 1 else good(*request[:3], 2)


def echoes(_slave, request):
    return asked(*request) + good(*request)


def echoes_in_parts(slave, request):
    frame = asked(*request)
    slave.write(frame[:3])
    time.sleep(0.01)  # this is the fault: what is sent comes back in pieces
    slave.write(frame[3:])
    time.sleep(0.01)
    return good(*request)


def only_echoes(_slave, request):
    return asked(*request)


def noise_before(_slave, request):
    return b"\x00\xff\x7f" + good(*request)


def begins_twice(_slave, request):
    return good(*request)[:4] + good(*request)


def noise_after(_slave, request):
    return good(*request) + b"\x00"


def bad_then_good(slave, request):
    return bad_crc(slave, request) + other_unit(slave, request) + good(*request)


def in_pieces(slave, request):
    for byte in good(*request):
        slave.write(bytes((byte,)))
        time.sleep(0.003)  # this is the fault: silence inside the frame


def drips(slave, request):
    for byte in good(*request):
        slave.write(bytes((byte,)))
        time.sleep(0.06)  # this is the fault: slower than the time-out allows


def garbage(_slave, _request):
    return os.urandom(40)


def wrong_rate(_slave, request):
    """What a receiver at twice the rate makes of the answer: every bit twice."""
    bits = "".join(f"0{byte:08b}"[::-1] + "1" for byte in good(*request))
    doubled = "".join(bit * 2 for bit in bits)
    return bytes(int(doubled[i + 1:i + 9][::-1], 2) for i in range(0, len(doubled) - 9, 10))


def floods(slave, request):
    for _ in range(40):
        slave.write(good(request[0] + 100, *request[1:]) * 10)


def truncated(_slave, request):
    return good(*request)[:-1]


def twice(_slave, request):
    return good(*request) * 2


def two_that_differ(_slave, request):
    unit, function, address, count = request
    return good(unit, function, address + 1, count) + good(*request)


def one_behind(slave, request):
    """Every answer comes when the next request does: the value of another register."""
    previous = slave.previous.get(request[0])
    slave.previous[request[0]] = good(*request)
    return previous


def late(_slave, request):
    time.sleep(0.001 * TIMEOUT_MS * 1.3)  # this is the fault: after the time-out
    return good(*request)


def very_late(_slave, request):
    time.sleep(0.001 * TIMEOUT_MS * 2.4)  # this is the fault: when the next has long been asked
    return good(*request)


def refuses(_slave, request):
    return framed(bytes((request[0], request[1] | 0x80, 2)))


FAULTS = {
    # what the unit does: what may be read of it; at least one of them is
    "dead": (dead, {wire.TIMEOUT}),
    "bad CRC": (bad_crc, {wire.MALFORMED}),
    "bad data": (bad_data, {wire.MALFORMED}),
    "other unit": (other_unit, {wire.FOREIGN}),
    "other function": (other_function, {wire.FOREIGN}),
    "fewer registers": (fewer, {wire.FOREIGN}),
    "echoes": (echoes, {wire.OK}),
    "echoes in parts": (echoes_in_parts, {wire.OK}),
    "only echoes": (only_echoes, {wire.TIMEOUT}),
    "noise before": (noise_before, {wire.OK}),
    "begins twice": (begins_twice, {wire.OK}),
    "noise after": (noise_after, {wire.OK}),
    "bad then good": (bad_then_good, {wire.OK}),
    "in pieces": (in_pieces, {wire.OK}),
    "drips": (drips, {wire.TIMEOUT, wire.MALFORMED, wire.FOREIGN}),
    "garbage": (garbage, {wire.MALFORMED}),
    "wrong rate": (wrong_rate, {wire.MALFORMED}),
    "floods": (floods, {wire.FOREIGN, wire.MALFORMED, wire.TIMEOUT}),
    "truncated": (truncated, {wire.TIMEOUT}),
    "twice": (twice, {wire.OK}),
    "two that differ": (two_that_differ, {wire.FOREIGN}),
    "one behind": (one_behind, {wire.TIMEOUT, wire.FOREIGN}),
    "late": (late, {wire.TIMEOUT, wire.FOREIGN, wire.MALFORMED}),
    "very late": (very_late, {wire.TIMEOUT, wire.FOREIGN, wire.MALFORMED}),
    "refuses": (refuses, {wire.EXCEPTION}),
}

# their worst answer time, where the others on the line could not go on without it
WORST_MS = {"drips": 700}
# Its answers hold up the line, and no worst answer time says so: unit 1 gets in step where it is
# not asked right behind it every time.
INTERVAL_MS = {"very late": 170}


@pytest.fixture
def line(cleanup):  # noqa: F811 (a fixture)
    def make(behaviours=None, plugged=True):
        made = Line(behaviours)
        cleanup.append(made)
        return made.plug() if plugged else made
    return make


@pytest.fixture
def serial_server(cleanup):  # noqa: F811
    def make(behaviours=None):
        made = SerialServer(behaviours)
        cleanup.append(made)
        return made
    return make


def add_line(plan, path, **fields):
    """A serial line at 9,600 baud, 8N1 as pseudo-terminals have it."""
    settings = {"kind": wire.LINK_RTU, "baud": 9600, "frame_gap_us": 4010, **fields}
    plan.links.append(wire.Link(len(plan.links) + 1, path, 0, 1000, 50, 200, **settings))
    return len(plan.links) - 1


def add_server(plan, port):
    plan.links.append(wire.Link(len(plan.links) + 1, "127.0.0.1", port, 1000, 50, 200,
                                kind=wire.LINK_RTU_TCP, frame_gap_us=4010))
    return len(plan.links) - 1


def add_unit(plan, link, ident, key, interval_ms=100, quiet_ms=0):
    """Four requests of one form at different places, key … key + 3, and one of another."""
    unit = plan.add_unit(link, ident, interval_ms, TIMEOUT_MS)
    plan.units[unit] = plan.units[unit]._replace(quiet_ms=quiet_ms)
    for i in range(4):
        plan.add(key + i, unit, 3, key + 10 * i, 2)
    plan.add(key + 4, unit, 4, key + 50, 3)


def keys_of(key):
    return range(key, key + 5)


def statuses(core, key, start_at=0):
    return {r.status for r in core.readings[start_at:] if r.key in keys_of(key)}


# answers later than its quiet time says, over those of the other unit: that has little, too
SPOILS_THE_LINE = {"very late"}


def check_fault(core, slave, ident, wanted, spoils=False):
    """Of units 1 and 2 on one line unit 2 has a fault: right values or none, and both recover."""
    core.until(lambda c: sum(r.key in keys_of(50) for r in c.readings) >= 7 and
               c.count(10) >= (1 if spoils else 3))
    seen = statuses(core, 50)
    assert seen & wanted, seen
    assert seen <= wanted | {wire.TIMEOUT}, seen
    if wire.OK not in wanted:
        assert wire.OK not in seen
    slave.behaviours[ident] = right
    start_at = len(core.readings)
    for key in (*keys_of(50), *keys_of(10)):
        core.until_statuses(key, {wire.OK}, start_at)
    assert wire.DISCONNECTED not in statuses(core, 50) | statuses(core, 10)


# faults: U1[bad CRC], U1[bad data], U1[other unit], U1[other function], U1[echoes],
#  U1[noise before], U1[in pieces], U1[drips], U1[one behind], U1[late], U1[very late],
#  U3[wrong rate], U3[garbage]
@pytest.mark.parametrize("name", FAULTS)
def test_faulty_unit(start, line, name):  # noqa: F811
    behave, wanted = FAULTS[name]
    on = line({1: right, 2: behave})
    plan = Plan()
    link = add_line(plan, on.path)
    add_unit(plan, link, 1, 10)
    add_unit(plan, link, 2, 50, INTERVAL_MS.get(name, 100), WORST_MS.get(name, 0))
    core = start(plan)
    check_fault(core, on.slave, 2, wanted, name in SPOILS_THE_LINE)
    core.until(lambda c: c.links and c.links[1].n_connects == 1)


# faults: U1[one behind]
@pytest.mark.parametrize("name", ["dead", "bad CRC", "other unit", "noise before", "in pieces",
                                  "drips", "floods", "one behind", "very late", "twice",
                                  "two that differ", "refuses"])
def test_faulty_unit_behind_a_serial_server(start, serial_server, name):  # noqa: F811
    behave, wanted = FAULTS[name]
    on = serial_server({1: right, 2: behave})
    plan = Plan()
    link = add_server(plan, on.port)
    add_unit(plan, link, 1, 10)
    add_unit(plan, link, 2, 50, INTERVAL_MS.get(name, 100), WORST_MS.get(name, 0))
    core = start(plan)
    check_fault(core, on.slave, 2, wanted, name in SPOILS_THE_LINE)
    assert on.n_connections == 1


def test_units_share_the_line(start, line):  # noqa: F811
    """Ten units, one of them dead: the others come in turn, each as often as the next."""
    on = line({i: right for i in range(1, 10)})
    plan = Plan()
    link = add_line(plan, on.path)
    for ident in range(1, 11):
        unit = plan.add_unit(link, ident, 20, TIMEOUT_MS)  # more than it can carry
        plan.add(ident, unit, 3, 7 * ident, 5)
    core = start(plan)
    core.until(lambda c: "unit 10 is silent" in c.log())
    begin = len(core.readings)
    core.until(lambda c: sum(r.key == 1 for r in c.readings[begin:]) >= 40)
    counts = Counter(r.key for r in core.readings[begin:] if r.key and r.status == wire.OK)
    assert set(counts) == set(range(1, 10))
    assert max(counts.values()) - min(counts.values()) <= 2, counts
    assert all(r.status == wire.OK for r in core.readings if r.key in range(1, 10))


def test_bytes_that_nobody_asked_for(start, line):  # noqa: F811
    """Another master talks on the line: no value of it is ours, and ours go on."""
    on = line()
    plan = Plan()
    add_unit(plan, add_line(plan, on.path), 1, 10)
    core = start(plan).until(lambda c: c.count(10) >= 2)
    stop, master = threading.Event(), on.master

    def talk():
        while not stop.is_set():
            os.write(master, asked(1, 3, 500, 6) + good(1, 3, 500, 6))
            stop.wait(0.03)
    talker = threading.Thread(target=talk, daemon=True)
    talker.start()
    try:
        n = core.count(10)
        core.until(lambda c: c.count(10) >= n + 3 and c.links and c.links[1].n_late > 0)
    finally:
        stop.set()
        talker.join()


# faults: U2
def test_unplugged_and_plugged_in_again(start, line):  # noqa: F811
    """It comes back as another device behind the same path."""
    on = line()
    plan = Plan()
    add_unit(plan, add_line(plan, on.path), 1, 10)
    core = start(plan).until(lambda c: c.count(10) >= 3)
    first = os.ttyname(on.held)
    on.unplug()
    core.until(lambda c: wire.DISCONNECTED in statuses(c, 10))
    core.until_log(f"link {on.path} is down")
    on.plug(not_at=first)
    assert os.ttyname(on.held) != first
    begin = len(core.readings)
    core.until_statuses(10, {wire.OK}, begin)
    core.until_log(f"link {on.path} is up")
    core.until(lambda c: c.links and c.links[1].n_connects == 2)


# faults: U2
def test_hang_up(start, line):  # noqa: F811
    on = line()
    plan = Plan()
    add_unit(plan, add_line(plan, on.path), 1, 10)
    core = start(plan).until(lambda c: c.count(10) >= 3)
    on.hang_up()
    core.until(lambda c: wire.DISCONNECTED in statuses(c, 10))
    on.plug()
    core.until_statuses(10, {wire.OK}, len(core.readings))
    descriptors = os.listdir(f"/proc/{core.process.pid}/fd")
    for _ in range(3):
        on.unplug()
        core.until(lambda c: c.readings[-1].status == wire.DISCONNECTED)
        on.plug()
        core.until_statuses(10, {wire.OK}, len(core.readings))
    assert len(os.listdir(f"/proc/{core.process.pid}/fd")) == len(descriptors)


# faults: U2
def test_not_there_at_first(start, line):  # noqa: F811
    on = line(plugged=False)
    plan = Plan()
    add_unit(plan, add_line(plan, on.path), 1, 10)
    core = start(plan).until(lambda c: wire.DISCONNECTED in statuses(c, 10))
    assert "No such file or directory" in core.log()
    assert core.log().count("is down") == 1
    on.plug()
    core.until_statuses(10, {wire.OK})


def test_another_program_has_the_line(start, line):  # noqa: F811
    on = line()
    fcntl.flock(on.held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    plan = Plan()
    add_unit(plan, add_line(plan, on.path), 1, 10)
    core = start(plan).until(lambda c: wire.DISCONNECTED in statuses(c, 10))
    core.until_log("another program uses the line")
    assert not on.slave.requests
    fcntl.flock(on.held, fcntl.LOCK_UN)
    core.until_statuses(10, {wire.OK})
    with pytest.raises(BlockingIOError):  # and now it is the poller's
        fcntl.flock(on.held, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_no_rs485(start, line):  # noqa: F811
    """A driver that cannot switch RS-485 is said to be one, not silently left as it is."""
    on = line()
    plan = Plan()
    add_unit(plan, add_line(plan, on.path, rs485=1), 1, 10)
    core = start(plan).until(lambda c: wire.DISCONNECTED in statuses(c, 10))
    core.until_log("its driver cannot switch RS-485")
    assert not on.slave.requests


def test_two_links_on_one_line(start, line):  # noqa: F811
    """The second is told that the line is in use, and never disturbs the first."""
    on = line()
    plan = Plan()
    add_unit(plan, add_line(plan, on.path), 1, 10)
    add_unit(plan, add_line(plan, on.path, baud=1200), 1, 50)
    core = start(plan)
    core.until(lambda c: c.count(10) + c.count(50) >= 10)
    core.until(lambda c: wire.DISCONNECTED in statuses(c, 10) | statuses(c, 50))
    assert not (core.count(10) and core.count(50))


def test_serial_server_goes_away(start, serial_server):  # noqa: F811
    on = serial_server()
    plan = Plan()
    add_unit(plan, add_server(plan, on.port), 1, 10)
    core = start(plan).until(lambda c: c.count(10) >= 2)
    on.drop()
    core.until(lambda c: on.n_connections >= 2)
    core.until_statuses(10, {wire.OK}, len(core.readings))


def test_reload_keeps_the_line(start, line):  # noqa: F811
    on = line()
    first, second = Plan(1), Plan(2)
    for plan in (first, second):
        add_unit(plan, add_line(plan, on.path), 1, 10)
    second.add(90, 0, 3, 300, 7)
    core = start(first).until(lambda c: c.count(10) >= 2)
    core.send_plan(second)
    core.until(lambda c: c.count(90) >= 2)
    core.until(lambda c: c.links and c.links[1].n_connects == 1)
    assert all(r.status == wire.OK for r in core.readings)


class Pymodbus:
    """Two ends of a line each on a pseudo-terminal, and pymodbus at the other one."""

    def __init__(self, idents):
        self.near, self.far = os.openpty(), os.openpty()
        for _, held in (self.near, self.far):
            tty.setraw(held)
        self.path = os.ttyname(self.near[1])
        self.stopped = False
        self.loop = None
        self.bridge = threading.Thread(target=self._bridge, daemon=True)
        self.bridge.start()
        self.server = threading.Thread(target=self._serve, args=(idents,), daemon=True)
        self.server.start()

    def _bridge(self):
        masters = {self.near[0]: self.far[0], self.far[0]: self.near[0]}
        while not self.stopped:
            for master in select.select(list(masters), [], [], 0.1)[0]:
                os.write(masters[master], os.read(master, 4096))

    def _serve(self, idents):
        import asyncio
        from pymodbus.datastore import (ModbusSequentialDataBlock, ModbusServerContext,
                                        ModbusSlaveContext)
        from pymodbus.server.async_io import ModbusSerialServer
        from pymodbus.transaction import ModbusRtuFramer

        def block(ident):
            return ModbusSequentialDataBlock(0, [value(ident, i) for i in range(200)])

        def unit(ident):
            return ModbusSlaveContext(di=block(ident), co=block(ident), hr=block(ident),
                                      ir=block(ident), zero_mode=True)

        async def run():
            self.loop = asyncio.get_running_loop()
            context = ModbusServerContext(slaves={i: unit(i) for i in idents}, single=False)
            server = ModbusSerialServer(context, framer=ModbusRtuFramer,
                                        port=os.ttyname(self.far[1]), baudrate=9600,
                                        ignore_missing_slaves=True)
            await server.start()
            while not self.stopped:
                await asyncio.sleep(0.05)
            server.transport.close()

        asyncio.run(run())

    def stop(self):
        self.stopped = True
        self.server.join(PATIENCE_S)
        self.bridge.join(PATIENCE_S)
        for end in self.near + self.far:
            os.close(end)


def test_pymodbus_is_the_line(start, cleanup):  # noqa: F811
    pytest.importorskip("pymodbus.server")
    pytest.importorskip("serial_asyncio")
    units = Pymodbus((1, 17, 247))
    cleanup.append(units)
    plan = Plan()
    link = add_line(plan, units.path)
    for key, ident in ((10, 1), (50, 17), (90, 247)):
        add_unit(plan, link, ident, key, 500)
    add_unit(plan, link, 5, 130, 500)  # there is none
    plan.add(200, 0, 3, 0, 125)
    core = start(plan)
    core.until(lambda c: all(c.count(k) >= 3 for key in (10, 50, 90) for k in keys_of(key)))
    core.until(lambda c: c.count(200) >= 2 and wire.TIMEOUT in statuses(c, 130))
    assert wire.OK not in statuses(core, 130)
