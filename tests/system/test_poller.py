# SPDX-License-Identifier: Apache-2.0
"""wastewatch-poller against a fake core and fake devices.

Every register of a fake device holds a value that follows from unit and address, so a value
that ends up under the wrong key is seen whatever the reason. No test asserts how long
something takes: reads are counted against the poller's own ticks.
"""

import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import wire

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("WASTEWATCH_BUILD", "build")
PATIENCE_S = 30


def value(unit, address):
    return (unit * 1000 + address * 7) & 0xffff


def good(transaction, unit, function, address, count):
    """The right answer to a request."""
    if function <= 2:
        data = bytearray((count + 7) // 8)
        for i in range(count):
            data[i // 8] |= (value(unit, address + i) & 1) << i % 8
    else:
        data = b"".join(struct.pack(">H", value(unit, address + i)) for i in range(count))
    return struct.pack(">HHHBBB", transaction, 0, len(data) + 3, unit, function,
                       len(data)) + bytes(data)


def expected_words(unit, request):
    if request.function > 2:
        return tuple(value(unit.id, request.address + i) for i in range(request.count))
    words = [0] * ((request.count + 15) // 16)
    for i in range(request.count):
        words[i // 16] |= (value(unit.id, request.address + i) & 1) << i % 16
    return tuple(words)


class Device:
    """A Modbus TCP device; behave(device, connection, request) decides what it does.

    behave returns the bytes to send, or None: nothing, or it has acted on its own.
    """

    def __init__(self, behave=None, port=0, greet=None):
        self.behave = behave or (lambda device, connection, request: good(*request))
        self.greet = greet
        self.n_requests = Counter()
        self.n_connections = 0
        self.requests = []
        self.listener = socket.create_server(("127.0.0.1", port), backlog=50)
        self.port = self.listener.getsockname()[1]
        self.open = set()
        self.stopped = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            self.n_connections += 1
            self.open.add(connection)
            if self.stopped:
                self.stop()
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self.greet:
                self.greet(self, connection)
            while True:
                frame = connection.recv(12, socket.MSG_WAITALL)
                if len(frame) < 12:
                    break
                transaction, protocol, length, unit, function, address, count = struct.unpack(
                    ">HHHBBHH", frame)
                assert (protocol, length) == (0, 6)
                assert 1 <= function <= 4
                request = (transaction, unit, function, address, count)
                self.n_requests[unit] += 1
                self.requests.append(request)
                answer = self.behave(self, connection, request)
                if answer:
                    connection.sendall(answer)
        except OSError:
            pass
        self.open.discard(connection)
        connection.close()

    def stop(self):
        self.stopped = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Plan:
    """Links, units and requests; key of a request = 100 × link + 10 × unit + n, see add()."""

    def __init__(self, number=1):
        self.number = number
        self.links, self.units, self.requests = [], [], []

    def add_link(self, port, key=None, host="127.0.0.1", backoff=(50, 200)):
        self.links.append(wire.Link(key or len(self.links) + 1, host, port, 1000, *backoff))
        return len(self.links) - 1

    def add_unit(self, link, ident=1, interval_ms=100, timeout_ms=300):
        self.units.append(wire.Unit(link, ident, interval_ms, timeout_ms))
        return len(self.units) - 1

    def add(self, key, unit, function=3, address=0, count=2):
        self.requests.append(wire.Request(key, unit, function, address, count))

    def add_device(self, device, key, **options):
        """A link with one unit and the requests key and key + 1."""
        unit = self.add_unit(self.add_link(device.port, key=key), **options)
        self.add(key, unit, 3, key, 2)
        self.add(key + 1, unit, 4, key + 20, 3)

    def packets(self):
        return wire.plan_packets(self.number, self.links, self.units, self.requests)

    def words(self, key):
        request = next(r for r in self.requests if r.key == key)
        return expected_words(self.units[request.unit], request)


class Core:
    """The core's end: starts the poller, greets it, collects what it sends."""

    def __init__(self, plan, *arguments):
        self.plan = plan
        self.plans = [plan]
        self.directory = tempfile.mkdtemp(prefix="wastewatch-")
        self.log_path = self.directory + "/log"
        self.readings, self.links, self.hello, self.link = [], {}, None, None
        self.acknowledge = True
        self.listener = wire.Listener(self.directory + "/poller.sock", PATIENCE_S)
        # a program that cannot be traced cannot be looked through for leaks, either
        environment = {"ASAN_OPTIONS": "detect_leaks=0", **os.environ}
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [BUILD / "wastewatch-poller", "--runtime", self.directory, "--verbose",
                 *arguments], stderr=log, env=environment)

    def greet(self, seq=0, plan=True):
        self.link = self.listener.accept()
        self.hello = self.link.receive()
        assert self.hello.role == wire.ROLE_POLLER
        assert self.hello.magic == wire.MAGIC and self.hello.boot_id == wire.boot_id()
        self.link.send(wire.hello_packet(wire.ROLE_CORE, instance=99))
        if plan:
            self.send_plan(self.plan)
        self.link.send(wire.ack_packet(seq))
        return self

    def send_plan(self, plan):
        self.plan = plan
        self.plans.append(plan)
        for packet in plan.packets():
            self.link.send(packet)

    def take(self):
        """One packet; checks every reading in it."""
        message = self.link.receive()
        assert message is not None, "the poller has closed: " + self.log()
        if message and isinstance(message[0], wire.LinkReport):
            self.links = {report.key: report for report in message}
            return
        for reading in message:
            self.check(reading)
        self.readings += message
        if self.acknowledge:
            self.link.send(wire.ack_packet(message[-1].seq))

    def check(self, reading):
        if self.readings:
            assert reading.seq > self.readings[-1].seq
            assert reading.boot_us >= self.readings[-1].boot_us
        if reading.status != wire.OK:
            assert reading.words == ()
        elif reading.key:
            assert any(reading.words == plan.words(reading.key) for plan in self.plans
                       if any(r.key == reading.key for r in plan.requests)), reading

    def until(self, condition):
        """Take packets until condition(self) holds."""
        end = time.monotonic() + PATIENCE_S
        while not condition(self):
            assert time.monotonic() < end, "never happened; log: " + self.log()
            self.take()
        return self

    def until_statuses(self, key, wanted, start=0):
        """Until each status in wanted was seen under key, counted from reading start on."""
        return self.until(lambda core: wanted <= {r.status for r in core.readings[start:]
                                                  if r.key == key})

    def count(self, key, status=wire.OK):
        return sum(r.key == key and r.status == status for r in self.readings)

    def per_tick(self, key, start=0):
        """OK readings of key between the ticks that were seen from reading start on."""
        counts, n = [], None
        for reading in self.readings[start:]:
            if reading.key == 0:
                counts += [] if n is None else [n]
                n = 0
            elif n is not None and reading.key == key and reading.status == wire.OK:
                n += 1
        return counts

    def log(self):
        return Path(self.log_path).read_text(encoding="utf-8")

    def until_log(self, text):
        end = time.monotonic() + PATIENCE_S
        while text not in self.log():
            assert time.monotonic() < end, f"no {text!r} in: " + self.log()
            time.sleep(0.02)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(PATIENCE_S)
        if self.link:
            self.link.close()
        self.listener.close()
        return code


@pytest.fixture
def cleanup():
    """Things to stop at the end; a poller must have ended well."""
    things = []
    yield things
    codes = [thing.stop() for thing in reversed(things)]
    for thing in things:
        if isinstance(thing, Core):
            log = thing.log()
            shutil.rmtree(thing.directory)
            assert "Sanitizer" not in log and "runtime error" not in log, log
    assert not any(codes), codes


@pytest.fixture
def start(cleanup):
    """start(plan, option…): a core and a poller that have greeted each other."""
    def start_core(plan, *arguments):
        core = Core(plan, *arguments)
        cleanup.append(core)
        return core.greet()
    return start_core


@pytest.fixture
def device(cleanup):
    def make(*arguments, **options):
        made = Device(*arguments, **options)
        cleanup.append(made)
        return made
    return make


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def patched(offset, new):
    """The right answer with bytes from offset on replaced."""
    def behave(_device, _connection, request):
        answer = bytearray(good(*request))
        answer[offset:offset + len(new)] = new
        return bytes(answer)
    return behave


def xored(offset, mask):
    def behave(_device, _connection, request):
        answer = bytearray(good(*request))
        answer[offset] ^= mask
        return bytes(answer)
    return behave


def dead(_device, _connection, _request):
    return None


def resets(_device, connection, _request):
    reset(connection)


def resets_inside(_device, connection, request):
    connection.sendall(good(*request)[:8])
    time.sleep(0.02)  # so that the bytes are on their way before the reset takes them back
    reset(connection)


def closes_after_header(_device, connection, request):
    connection.sendall(good(*request)[:7])
    connection.shutdown(socket.SHUT_WR)


def drips(_device, connection, request):
    for byte in good(*request):
        connection.sendall(bytes([byte]))
        time.sleep(0.1)  # this is the fault: slower than the time-out allows


def speaks_http(_device, _connection, _request):
    return b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n<html>"


def truncated(_device, _connection, request):
    return good(*request)[:-1]


def fewer(_device, _connection, request):
    transaction, unit, function, address, _count = request
    return good(transaction, unit, function, address, 1)


def late(device, connection, request):
    """The answer comes when the next request does, on whatever connection that is."""
    previous, device.previous = getattr(device, "previous", b""), good(*request)
    return previous + good(*request) if previous else None


def late_on_the_same(_device, connection, request):
    time.sleep(0.4)  # this is the fault: after the time-out of 300 ms
    return good(*request)


def twice(_device, _connection, request):
    return good(*request) * 2


def floods(_device, connection, request):
    answer = good(*request)
    for _ in range(200):
        connection.sendall(answer * 50)


MISBEHAVIOURS = {
    "dead": (dead, {wire.TIMEOUT}),
    "resets": (resets, {wire.DISCONNECTED}),
    "resets inside": (resets_inside, {wire.DISCONNECTED}),
    "closes after header": (closes_after_header, {wire.DISCONNECTED}),
    "drips": (drips, {wire.TIMEOUT}),
    "http": (speaks_http, {wire.MALFORMED}),
    "all ones": (lambda *_: b"\xff" * 300, {wire.MALFORMED}),
    "zeros": (lambda *_: bytes(300), {wire.FOREIGN}),
    "truncated": (truncated, {wire.TIMEOUT}),
    "transaction": (xored(1, 0x80), {wire.FOREIGN}),
    "protocol": (patched(2, b"\x01\x00"), {wire.MALFORMED}),
    "length less": (xored(5, 0x01), {wire.MALFORMED}),
    "length 0": (patched(4, b"\x00\x00"), {wire.MALFORMED}),
    "length 65535": (patched(4, b"\xff\xff"), {wire.MALFORMED}),
    "unit": (xored(6, 0x04), {wire.FOREIGN}),
    "function": (xored(7, 0x01), {wire.FOREIGN}),
    "byte count": (patched(8, b"\x03"), {wire.MALFORMED}),
    "byte count 255": (patched(8, b"\xff"), {wire.MALFORMED}),
    "fewer registers": (fewer, {wire.MALFORMED}),
    "late": (late, {wire.FOREIGN, wire.TIMEOUT}),
    "late on the same": (late_on_the_same, {wire.TIMEOUT}),
    "twice": (twice, {wire.OK}),
    "floods": (floods, {wire.OK}),
}


# faults: M1[dead], M2[drips], M3[http], M3[all ones], M3[zeros], M4[protocol], M4[unit],
#  M4[function], M5[transaction], M5[late], M5[late on the same], M6[twice], M7[truncated],
#  M7[length less], M7[length 0], M7[length 65535], M7[byte count], M7[byte count 255],
#  M9[resets inside], M9[closes after header], M10[fewer registers], M12[floods]
@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_misbehaving_device(start, device, name):
    """Errors or right values, nothing else; the others keep their cadence; and it recovers."""
    behave, wanted = MISBEHAVIOURS[name]
    healthy, bad = device(), device(behave)
    plan = Plan()
    plan.add_device(healthy, 10)
    plan.add_device(bad, 50)
    core = start(plan)
    core.until(lambda c: c.count(10) >= 5)
    core.until(lambda c: sum(r.key in (50, 51) for r in c.readings) >= 8)
    seen = {r.status for r in core.readings if r.key in (50, 51)}
    assert seen & wanted, seen
    assert seen <= wanted | {wire.DISCONNECTED}, seen
    core.until(lambda c: len(c.per_tick(10)) >= 1)
    bad.behave = lambda _device, _connection, request: good(*request)
    core.until_statuses(50, {wire.OK}, len(core.readings))
    core.until_statuses(51, {wire.OK}, len(core.readings))
    per_tick = core.per_tick(10)
    assert sum(per_tick) >= 9 * len(per_tick), per_tick
    assert core.count(10, wire.OK) == sum(r.key == 10 for r in core.readings)


# faults: M6, M12
def test_unasked_frames(start, device):
    """A device that sends without end before it is asked anything."""
    def pour(dev, connection):
        while dev.pouring:
            connection.sendall(good(1, 1, 3, 0, 2) * 20)
    healthy, bad = device(), device(greet=pour)
    bad.pouring = True
    plan = Plan()
    plan.add_device(healthy, 10)
    plan.add_device(bad, 50)
    core = start(plan)
    core.until(lambda c: c.links.get(50) and c.links[50].n_late >= 4)
    assert core.count(50) == 0
    bad.pouring = False
    core.until_statuses(50, {wire.OK})
    core.until(lambda c: len(c.per_tick(10)) >= 2)
    per_tick = core.per_tick(10)
    assert sum(per_tick) >= 9 * len(per_tick), per_tick
    assert core.log().count("is down") == 1  # one line per change


# faults: M8[1], M8[4], M8[99], M8[2], M8[3], M8[5], M8[6], M8[7], M8[8], M8[9], M8[10], M8[11],
#  M11[11]
@pytest.mark.parametrize("code", [*range(12), 99])
def test_exception(start, device, code):
    """The code comes through; the connection stays."""
    def refuse(dev, _connection, request):
        transaction, unit, function, _address, _count = request
        if dev.refusing:
            return struct.pack(">HHHBBB", transaction, 0, 3, unit, function | 0x80, code)
        return good(*request)
    dev = device(refuse)
    dev.refusing = True
    plan = Plan()
    plan.add_device(dev, 50)
    core = start(plan).until(lambda c: c.count(50, wire.EXCEPTION) >= 3)
    assert {r.exception for r in core.readings if r.status == wire.EXCEPTION} == {code}
    dev.refusing = False
    core.until_statuses(50, {wire.OK})
    assert dev.n_connections == 1
    assert ("is silent" in core.log()) == (code in (10, 11))


# faults: M11
def test_dead_unit_behind_gateway(start, device):
    """One silent unit costs the others at most a time-out per probe round."""
    def gateway(_device, _connection, request):
        return None if request[1] == 2 else good(*request)
    dev = device(gateway)
    plan = Plan()
    link = plan.add_link(dev.port)
    for ident in (1, 2, 3):
        plan.add(ident * 10, plan.add_unit(link, ident, 100, 50), 3, ident, 4)
    core = start(plan).until(lambda c: c.count(0) >= 6)
    per_tick = core.per_tick(10)
    assert sum(per_tick[1:]) >= 9 * len(per_tick[1:]), per_tick
    # three until it is degraded, then after 0.1, 0.2, 0.4, 0.8, 1.6, 3.2 s
    assert 3 <= core.count(20, wire.TIMEOUT) <= 10
    assert core.count(20) == 0 and core.count(30) > 30
    assert core.links[1].n_degraded == 1
    assert core.log().count("unit 2 is silent") == 1
    assert "is down" not in core.log()
    dev.behave = lambda _device, _connection, request: good(*request)
    core.until(lambda c: c.count(20) >= 20)
    assert core.log().count("unit 2 answers again") == 1


# faults: M6
def test_split_answer(start, device):
    """An answer in pieces is one right value."""
    def pieces(_device, connection, request):
        answer = good(*request)
        for part in (answer[:3], answer[3:8], answer[8:]):
            connection.sendall(part)
            time.sleep(0.02)  # so that they are segments of their own
    plan = Plan()
    dev = device(pieces)
    plan.add_device(dev, 50)
    core = start(plan).until(lambda c: c.count(50) >= 5)
    assert {r.status for r in core.readings} == {wire.OK}
    assert dev.n_connections == 1


# faults: M1
def test_refused_and_unreachable(start, device):
    """A closed port is retried with pauses, said once, and found again when it opens."""
    healthy, gone = device(), Device()
    gone.stop()
    plan = Plan()
    plan.add_device(healthy, 10)
    plan.add_device(gone, 50)
    core = start(plan).until(lambda c: c.count(50, wire.DISCONNECTED) >= 5)
    core.until(lambda c: c.links.get(50))
    assert core.links[50].error == 111  # ECONNREFUSED
    assert core.log().count("is down: Connection refused") == 1
    back = device(port=gone.port)
    core.until_statuses(50, {wire.OK})
    assert back.n_connections == 1
    assert core.log().count(f"127.0.0.1:{gone.port} is up") == 1


def test_all_functions_and_longest_reads(start, device):
    plan = Plan()
    unit = plan.add_unit(plan.add_link(device().port), 255)
    for key, function, address, count in ((1, 1, 0, 2000), (2, 2, 3, 17), (3, 3, 65411, 125),
                                          (4, 4, 65535, 1), (5, 1, 9, 1)):
        plan.add(key, unit, function, address, count)
    core = start(plan).until(lambda c: all(c.count(key) >= 3 for key in range(1, 6)))
    assert {r.status for r in core.readings} == {wire.OK}


def test_ipv6(start):
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    plan = Plan()
    plan.add(1, plan.add_unit(plan.add_link(listener.getsockname()[1], host="::1")))
    core = start(plan)
    connection = listener.accept()[0]
    frame = connection.recv(12)
    connection.sendall(good(*struct.unpack(">H4xBBHH", frame)))
    core.until(lambda c: c.count(1) == 1)
    assert "link [::1]:" in core.log()
    connection.close()
    listener.close()


# faults: M5
def test_transactions_differ(start, device):
    dev = device()
    plan = Plan()
    plan.add_device(dev, 50)
    start(plan).until(lambda c: c.count(50) >= 10)
    ids = [request[0] for request in dev.requests[:20]]
    assert len(set(ids)) == len(ids)


def test_core_dies_and_returns(start, device):
    """Nothing is lost between: unacknowledged readings come again, the same under one number."""
    plan = Plan()
    plan.add_device(device(), 50)
    core = start(plan)
    core.until(lambda c: c.count(50) >= 3)
    core.acknowledge = False
    acknowledged = core.readings[-1].seq
    core.until(lambda c: c.readings[-1].seq >= acknowledged + 10)
    before = {r.seq: r for r in core.readings}
    instance = core.hello.instance
    core.link.close()
    core.listener.close()
    core.until_log("it is tried again")
    time.sleep(0.3)  # the core is away for a while; readings go on
    core.listener = wire.Listener(core.directory + "/poller.sock", PATIENCE_S)
    core.readings = []
    core.greet(seq=acknowledged + 2, plan=False)
    assert core.hello.instance == instance and core.hello.plan == plan.number
    assert core.hello.first_seq == acknowledged + 1
    core.until(lambda c: c.readings and c.readings[-1].seq >= acknowledged + 20)
    assert core.readings[0].seq == acknowledged + 3
    assert [r.seq for r in core.readings] == list(range(core.readings[0].seq,
                                                        core.readings[-1].seq + 1))
    for reading in core.readings:
        assert before.get(reading.seq, reading) == reading
    core.acknowledge = True
    core.until(lambda c: c.count(50) >= 30)


def test_ring_overflow_is_a_jump(start, device):
    plan = Plan()
    dev = device()
    unit = plan.add_unit(plan.add_link(dev.port), 1, 20)
    plan.add(7, unit, 3, 0, 125)
    core = start(plan, "--ring", "4096")
    core.until(lambda c: c.count(7) >= 1)
    acknowledged = core.readings[-1].seq
    n_before = dev.n_requests[1]
    core.link.close()
    while dev.n_requests[1] < n_before + 60:
        time.sleep(0.02)  # until the device has served more than the ring holds
    core.readings = []
    core.greet(seq=acknowledged, plan=False)
    core.until(lambda c: c.readings)
    assert core.readings[0].seq > acknowledged + 20
    assert core.hello.first_seq <= core.readings[0].seq
    core.until(lambda c: c.count(7) >= 40)
    assert [r.seq for r in core.readings] == list(range(core.readings[0].seq,
                                                        core.readings[-1].seq + 1))


def test_core_that_does_not_read(start, device):
    """The socket fills up; polling goes on; what could not be sent comes later."""
    plan = Plan()
    dev = device()
    unit = plan.add_unit(plan.add_link(dev.port), 1, 10)
    for key in range(1, 9):
        plan.add(key, unit, 3, key, 125)
    core = start(plan).until(lambda c: c.count(1) >= 1)
    while dev.n_requests[1] < 2500:
        time.sleep(0.05)  # until more was read than the socket's buffer takes
    core.until(lambda c: c.count(8) >= 300)
    assert [r.seq for r in core.readings] == list(range(1, core.readings[-1].seq + 1))


def test_reload_keeps_the_connection(start, device):
    kept, dropped, added = device(), device(), device()
    first, second = Plan(1), Plan(2)
    first.add_device(kept, 10)
    first.add_device(dropped, 50)
    second.add_device(added, 90)
    second.add_device(kept, 10)  # another index, the same key and bytes
    second.add(12, 1, 3, 77, 5)
    core = start(first).until(lambda c: c.count(10) >= 3 and c.count(50) >= 3)
    core.send_plan(second)
    core.until(lambda c: c.count(12) >= 3 and c.count(90) >= 3)
    assert kept.n_connections == 1 and added.n_connections == 1
    start_at = len(core.readings)
    core.until(lambda c: c.count(10) >= 30)
    assert not any(r.key in (50, 51) for r in core.readings[start_at:])
    while dropped.open:
        time.sleep(0.02)  # until its connection is closed


def plan_with(number=3, **changes):
    """A plan of one link, unit and request with some fields changed."""
    link = wire.Link(1, "127.0.0.1", 502)
    unit, request = wire.Unit(0, 1), wire.Request(1, 0)
    for name, new in changes.items():
        kind, field = name.split("__")
        if kind == "link":
            link = link._replace(**{field: new})
        elif kind == "unit":
            unit = unit._replace(**{field: new})
        else:
            request = request._replace(**{field: new})
    return list(wire.plan_packets(number, [link], [unit], [request]))


def swapped():
    packets = plan_with()
    return [packets[0], packets[2], packets[1], *packets[3:]]


BAD_PLANS = {
    "function 5": (plan_with(request__function=5), "function other than 1-4"),
    "function 0": (plan_with(request__function=0), "function other than 1-4"),
    "function 16": (plan_with(request__function=16), "function other than 1-4"),
    "count 0": (plan_with(request__count=0), "count"),
    "126 registers": (plan_with(request__count=126), "count"),
    "2001 bits": (plan_with(request__function=1, request__count=2001), "count"),
    "beyond the end": (plan_with(request__address=65535, request__count=2), "65535"),
    "key 0": (plan_with(request__key=0), "key 0"),
    "no such unit": (plan_with(request__unit=1), "unit that does not exist"),
    "no such link": (plan_with(unit__link=1), "link that does not exist"),
    "interval 0": (plan_with(unit__interval_ms=0), "interval"),
    "interval below grid": (plan_with(unit__interval_ms=9), "grid"),
    "timeout 0": (plan_with(unit__timeout_ms=0), "time-out"),
    "timeout of years": (plan_with(unit__timeout_ms=2**32 - 1), "time-out"),
    "host without end": (plan_with(link__host=b"1" * 64), "host"),
    "host by name": (plan_with(link__host="plc.example"), "host"),
    "host empty": (plan_with(link__host=""), "host"),
    "port 0": (plan_with(link__port=0), "port"),
    "line with a port": (plan_with(link__kind=2), "with a port"),
    "kind 4": (plan_with(link__kind=4), "neither TCP, RTU nor RTU over TCP"),
    "line at 14400": (plan_with(link__kind=2, link__host="/dev/x", link__port=0,
                                link__baud=14400), "cannot set"),
    "line by name": (plan_with(link__kind=2, link__host="ttyUSB0", link__port=0,
                               link__baud=9600), "no absolute path"),
    "unit 0 on a line": (plan_with(link__kind=3, unit__id=0), "1-247"),
    "back-off swapped": (plan_with(link__backoff_min_ms=2000), "back-off"),
    "plan 0": (plan_with(0), "number is 0"),
    "two links, one key": (list(wire.plan_packets(
        3, [wire.Link(1, "127.0.0.1", 502)] * 2, [], [])), "two links"),
    "two requests, one key": (list(wire.plan_packets(
        3, [wire.Link(1, "127.0.0.1", 502)], [wire.Unit(0, 1)],
        [wire.Request(1, 0)] * 2)), "two requests"),
    "501 links": (list(wire.plan_packets(
        3, [wire.Link(i + 1, "127.0.0.1", 502) for i in range(501)], [], [])), "500"),
    "fewer than announced": (plan_with()[:3] + plan_with()[4:], "fewer items"),
    "more than announced": (plan_with()[:2] + plan_with()[1:], "more items"),
    "out of order": (swapped(), "before the last link"),
    "no beginning": (plan_with()[1:], "no beginning"),
    "another end": (plan_with()[:-1] + plan_with(4)[-1:], "another number"),
    "malformed length": ([plan_with()[1][:-1]], "malformed"),
    "a job": ([wire.job_packet(wire.Job(1, 1, 1, b"", b"", b"", b"", b"", b""))],
              "not for a poller"),
    "acknowledges the future": ([wire.ack_packet(10**9)], "never sent"),
    "a second hello": ([wire.hello_packet(wire.ROLE_CORE)], "second hello"),
}


@pytest.mark.parametrize("name", BAD_PLANS)
def test_bad_packets_end_the_connection(start, device, name):
    """The poller says why, closes, comes back, and goes on with the plan it had."""
    packets, why = BAD_PLANS[name]
    plan = Plan()
    plan.add_device(device(), 50)
    core = start(plan).until(lambda c: c.count(50) >= 1)
    for packet in packets:
        try:
            core.link.send(packet)
        except OSError:
            break  # it has closed already
    core.acknowledge = False  # as above
    try:
        while core.link.receive() is not None:
            pass
    except OSError:
        pass
    assert why in core.log()
    core.acknowledge = True
    core.readings = []
    core.greet(plan=False)
    assert core.hello.plan == plan.number
    n = 3
    core.until(lambda c: c.count(50) >= n)


def test_wrong_greetings(cleanup):
    """Not a core, another version, no hello: closed, said once, tried again."""
    core = Core(Plan())
    cleanup.append(core)
    for packet, why in ((wire.hello_packet(wire.ROLE_SENDER), "another program"),
                        (wire.hello_packet(wire.ROLE_CORE, version=wire.VERSION + 1), None),
                        (wire.hello_packet(wire.ROLE_CORE, magic=1), None),
                        (wire.ack_packet(0), None)):
        link = core.listener.accept()
        assert link.receive().role == wire.ROLE_POLLER
        link.send(packet)
        assert link.receive_raw() == b""
        link.close()
        if why:
            assert why in core.log()
    core.greet()
    core.until(lambda c: c.count(0) >= 1)


def test_ticks_without_links(start):
    core = start(Plan()).until(lambda c: c.count(0) >= 3)
    assert all(r.key == 0 for r in core.readings)
    # aligned to whole seconds: each in a second of its own
    seconds = [r.boot_us // 1000000 for r in core.readings]
    assert seconds == list(range(seconds[0], seconds[0] + len(seconds)))


def test_waits_for_a_core_that_is_not_there(cleanup):
    core = Core(Plan())
    cleanup.append(core)
    core.listener.close()
    core.until_log("it is tried again")
    core.listener = wire.Listener(core.directory + "/poller.sock", PATIENCE_S)
    core.greet().until(lambda c: c.count(0) >= 1)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_signals_end_it_well(start, device, name):
    plan = Plan()
    plan.add_device(device(dead), 50)
    core = start(plan).until(lambda c: c.count(0) >= 1)
    core.process.send_signal(getattr(signal, name))
    assert core.process.wait(PATIENCE_S) == 0


def test_notifies(cleanup, device, monkeypatch):
    """READY, STATUS in words, WATCHDOG while it runs, STOPPING."""
    directory = tempfile.mkdtemp(prefix="wastewatch-")
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(directory + "/notify")
    notify.settimeout(PATIENCE_S)
    monkeypatch.setenv("NOTIFY_SOCKET", directory + "/notify")
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    plan = Plan()
    plan.add_device(device(), 50)
    core = Core(plan)
    cleanup.append(core)
    core.greet()
    seen = []
    while "STATUS=polling 1 links, 0 down" not in seen or seen.count("WATCHDOG=1") < 3:
        seen.append(notify.recv(4096).decode())
    assert "READY=1" in seen
    core.process.send_signal(signal.SIGTERM)
    while "STOPPING=1" not in seen:
        seen.append(notify.recv(4096).decode())
    notify.close()
    shutil.rmtree(directory)


@pytest.mark.parametrize("arguments, code, text", [
    (["--help"], 0, "--ring BYTES"),
    (["--version"], 0, "wastewatch-poller"),
    (["--ring", "12"], 2, "4096 to 1073741824"),
    (["--ring", "-1"], 2, "4096"),
    (["--ring", "8M"], 2, "4096"),
    (["--nonsense"], 2, "nonsense"),
    (["plan.yaml"], 2, "no arguments"),
    (["--runtime", "/" + "x" * 200], 1, "File name too long"),
])
def test_command_line(arguments, code, text):
    done = subprocess.run([BUILD / "wastewatch-poller", *arguments], capture_output=True,
                          text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == code
    assert text in done.stdout + done.stderr


def test_runs_out_of_descriptors(cleanup, device):
    """Links beyond the limit are refused with a reason; the others go on."""
    plan = Plan()
    dev = device()
    for i in range(40):
        plan.add(i + 1, plan.add_unit(plan.add_link(dev.port)), 3, i)
    core = Core(plan)
    cleanup.append(core)
    subprocess.run(["prlimit", f"--pid={core.process.pid}", "--nofile=24:24"], check=True)
    core.greet()
    core.until(lambda c: c.count(1) >= 20 and c.count(40, wire.DISCONNECTED) >= 1)
    core.until(lambda c: c.links)
    assert core.links[40].error == 24  # EMFILE
    assert "Too many open files" in core.log()


def test_pymodbus_is_the_device(start):
    """A server that others wrote agrees with what is asked and what is made of the answer."""
    sync = pytest.importorskip("pymodbus.server")
    from pymodbus.datastore import (ModbusSequentialDataBlock, ModbusServerContext,
                                    ModbusSlaveContext)
    import asyncio

    words = [value(1, i) for i in range(200)]
    bits = [bool(word & 1) for word in words]
    slave = ModbusSlaveContext(
        co=ModbusSequentialDataBlock(0, bits), di=ModbusSequentialDataBlock(0, bits),
        hr=ModbusSequentialDataBlock(0, words), ir=ModbusSequentialDataBlock(0, words),
        zero_mode=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    def serve():
        asyncio.run(sync.StartAsyncTcpServer(
            context=ModbusServerContext(slaves={1: slave}, single=False),
            address=("127.0.0.1", port)))
    threading.Thread(target=serve, daemon=True).start()
    plan = Plan()
    unit = plan.add_unit(plan.add_link(port), 1)
    for key, function, count in ((1, 1, 100), (2, 2, 9), (3, 3, 125), (4, 4, 1)):
        plan.add(key, unit, function, 5, count)
    plan.add(5, unit, 3, 190, 50)
    core = start(plan)
    core.until(lambda c: all(c.count(key) >= 3 for key in range(1, 5)))
    core.until(lambda c: c.count(5, wire.EXCEPTION) >= 3)
    assert {r.exception for r in core.readings if r.key == 5 and r.exception} == {2}
