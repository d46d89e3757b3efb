# SPDX-License-Identifier: Apache-2.0
"""Random plans, types, orders and register maps: every value is right, or it is absent.

A configuration is drawn at random: devices, tables, types, orders, scales, places, longest
requests, gaps, registers that the device refuses, and holes: registers that the configuration says
must never be read. The device's registers are filled by an encoder written here, apart from the
programs. Every second device speaks RTU through a serial server and leaves some of the first
requests without an answer, so that the poller has to get in step with it. Then the real poller and
core read it, and what status.json says of each channel is held against what was drawn.

WASTEWATCH_SEED repeats a run.
"""

import collections
import pathlib
import random
import socket
import struct
import sys
import threading

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from plant import Plant, seed  # noqa: E402

N_DEVICES, N_CHANNELS = 8, 22
SIZES = {"int8": 1, "uint8": 1, "int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2,
         "int64": 4, "uint64": 4, "float64": 4, "bit": 1}
FORMATS = {"int8": ">b", "uint8": ">B", "int16": ">h", "uint16": ">H", "int32": ">i",
           "uint32": ">I", "float32": ">f", "int64": ">q", "uint64": ">Q", "float64": ">d"}
INTEGERS = {"int8": (-2**7, 2**7 - 1), "uint8": (0, 2**8 - 1), "int16": (-2**15, 2**15 - 1),
            "uint16": (0, 2**16 - 1), "int32": (-2**31, 2**31 - 1), "uint32": (0, 2**32 - 1),
            "int64": (-2**53, 2**53), "uint64": (0, 2**53)}
FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}


class Channel:
    """One value in a device: how it is stored, and what it is."""

    def __init__(self, draw, name):
        self.name = name
        self.table = draw.choice(("holding", "holding", "input", "input", "coil", "discrete"))
        bits = self.table in ("coil", "discrete")
        self.type = "bit" if bits else draw.choice(tuple(SIZES))
        self.n = SIZES[self.type]
        self.scale = 1 if self.type == "bit" else draw.choice((1, 0.1, 2.5, -0.01))
        self.offset = 0 if self.type == "bit" else draw.choice((0, -40, 12.5))
        self.order, self.place = "", 0
        if self.type in FORMATS and not self.type.endswith("int8"):
            registers = [i for i in range(self.n)]
            draw.shuffle(registers)
            self.order = "".join(
                "".join(chr(65 + 2 * r + k) for k in draw.choice(((0, 1), (1, 0))))
                for r in registers)
        elif self.type.endswith("int8"):
            self.place = draw.choice((0, 8))
        elif not bits:
            self.place = draw.randrange(16)
        self.raw = self.draw_raw(draw)
        self.value = self.raw * self.scale + self.offset
        self.address = 0

    def draw_raw(self, draw):
        if self.type == "bit":
            return draw.randrange(2)
        if self.type in INTEGERS:
            low, high = INTEGERS[self.type]
            return draw.choice((low, high, draw.randint(low, high), draw.randint(low, high)))
        number = draw.uniform(-1e6, 1e6)
        return struct.unpack(">f", struct.pack(">f", number))[0] if self.type == "float32" \
            else number

    def words(self):
        """Registers as the order says: its i-th letter names the byte that comes i-th."""
        data = struct.pack(FORMATS[self.type], self.raw)
        data = bytes(data[ord(letter) - 65] for letter in self.order)
        return struct.unpack(f">{self.n}H", data)

    def put(self, tables):
        table = tables[FUNCTIONS[self.table]]
        if FUNCTIONS[self.table] <= 2:
            table[self.address] = self.raw
        elif self.type == "bit":
            table[self.address] |= self.raw << self.place
        elif self.type.endswith("int8"):
            table[self.address] |= (self.raw & 0xff) << self.place
        else:
            table[self.address:self.address + self.n] = self.words()

    def line(self, unit):
        text = (f"      - {{name: {self.name}, from: {unit}, table: {self.table}, "
                f"address: {self.address}, range: [-1.0e25, 1.0e25], lost-after: 4s")
        if self.table in ("holding", "input"):
            text += f", type: {self.type}"
        if self.order:
            text += f", order: {self.order}"
        if self.type == "bit" and self.table in ("holding", "input"):
            text += f", bit: {self.place}"
        if self.type.endswith("int8"):
            text += f", byte: {'high' if self.place else 'low'}"
        if self.scale != 1:
            text += f", scale: {self.scale}"
        if self.offset:
            text += f", offset: {self.offset}"
        return text + "}\n"


def crc(data):
    """CRC-16 of Modbus over Serial Line V1.02 §6.2.2."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return struct.pack("<H", value)


class Device:  # pylint: disable=too-many-instance-attributes
    """A server whose registers lie here and there, with refused ones between."""

    def __init__(self, draw, number):
        self.number, self.rtu = number, number % 2 == 1
        self.n_silent = draw.randrange(4)  # requests that are left without an answer
        self.chance = random.Random(draw.random())
        self.channels = [Channel(draw, f"c{i}") for i in range(N_CHANNELS)]
        self.max_registers = draw.choice((4, 5, 16, 60, 125))
        self.max_gap = draw.choice((0, 1, 4, 30))
        self.tables = {f: [0] * 400 for f in (1, 2, 3, 4)}
        self.refused = {f: set() for f in (1, 2, 3, 4)}
        self.holes = {f: set() for f in (1, 2, 3, 4)}
        # on a line holes in all other tables would be refused by the check
        walled = draw.sample((1, 2, 3, 4), 2 if self.rtu else 4)
        used = {f: set() for f in (1, 2, 3, 4)}
        for function in (1, 2, 3, 4):
            at = draw.randrange(20)
            for channel in self.channels:
                if FUNCTIONS[channel.table] != function:
                    continue
                at += draw.choice((0, 0, 0, 1, 2, 5, 20))
                channel.address = at
                used[function] |= set(range(at, at + channel.n))
                at += channel.n
                channel.put(self.tables)
            free = set(range(at)) - used[function]
            self.refused[function] |= {a for a in free if draw.random() < 0.3}
            if function in walled:
                self.holes[function] |= {a for a in free if draw.random() < 0.2}
            if draw.random() < 0.7 and used[function]:
                some = draw.sample(sorted(used[function]), min(2, len(used[function])))
                self.refused[function] |= set(some)
        self.code = draw.choice((2, 3))
        self.n_asked = 0
        self.hurt = collections.Counter()  # requests that touched a refused register
        self.trespasses = []  # requests that touched a hole or were too long
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def is_readable(self, channel):
        places = set(range(channel.address, channel.address + channel.n))
        return not places & self.refused[FUNCTIONS[channel.table]]

    def holes_text(self):
        return ", ".join(f"{{table: {table}, from: {a}, to: {a}}}"
                         for table, f in FUNCTIONS.items() for a in sorted(self.holes[f]))

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        size = 8 if self.rtu else 12
        try:
            while len(head := connection.recv(size, socket.MSG_WAITALL)) == size:
                reply = self.reply_rtu(head) if self.rtu else self.reply_tcp(head)
                connection.sendall(reply)
        except OSError:
            pass
        connection.close()

    def reply_tcp(self, head):
        tid, _protocol, _length, unit, *question = struct.unpack(">HHHBBHH", head)
        answer = self.answer(*question)
        return struct.pack(">HHHB", tid, 0, 1 + len(answer), unit) + answer

    def reply_rtu(self, head):
        assert crc(head[:6]) == head[6:]
        unit, *question = struct.unpack(">BBHH", head[:6])
        answer = bytes((unit,)) + self.answer(*question)
        if self.n_silent > 0 and self.chance.random() < 0.7:
            self.n_silent -= 1
            return b""
        return answer + crc(answer)

    def answer(self, function, address, count):
        self.n_asked += 1
        touched = set(range(address, address + count))
        if touched & self.holes[function] or \
                count > self.max_registers * (16 if function <= 2 else 1):
            self.trespasses.append((function, address, count))
        if touched & self.refused[function]:
            self.hurt[function, address, count] += 1
            return struct.pack(">BB", function | 0x80, self.code)
        values = self.tables[function][address:address + count]
        if function <= 2:
            data = bytearray((count + 7) // 8)
            for i, bit in enumerate(values):
                data[i // 8] |= bit << i % 8
        else:
            data = struct.pack(f">{count}H", *values)
        return struct.pack(">BB", function, len(data)) + data

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()


def configure(plant, devices):
    text = "site: mill\nlinks:\n"
    for d in devices:
        where = f'rtu-tcp: "127.0.0.1:{d.port}", baud: 115200' if d.rtu \
            else f'tcp: "127.0.0.1:{d.port}"'
        text += f"  - {{name: l{d.number}, {where}}}\n"
    text += "units:\n"
    for d in devices:
        text += (f"  - {{name: u{d.number}, link: l{d.number}, id: 1, "
                 f"interval: {'1s' if d.rtu else '200ms'}, "
                 f"timeout: 150ms, max-registers: {d.max_registers}, max-gap: {d.max_gap}, "
                 f"holes: [{d.holes_text()}]}}\n")
    text += "sources:\n"
    for d in devices:
        text += f"  - name: s{d.number}\n    kind: liquid\n    channels:\n"
        text += "".join(c.line(f"u{d.number}") for c in d.channels)
    (plant.config / "sites.d" / "mill.yaml").write_text(text)


@pytest.fixture
def plant():
    draw = seed()
    devices = [Device(draw, i) for i in range(N_DEVICES)]
    with Plant() as plant:
        configure(plant, devices)
        plant.devices = devices
        yield plant
    for device in devices:
        device.close()


def close(text, value):
    """The text has four places, or five significant digits."""
    return abs(float(text) - value) <= 6e-5 + abs(value) * 1e-5


# faults: M10
def test_every_value_is_right_or_absent(plant):
    plant.start("core", "poller")

    def settled():
        channels = {c["channel"]: c for c in plant.status().get("channels", [])}
        return all(channels.get(f"mill/s{d.number}/{c.name}", {}).get("quality") == "good"
                   for d in plant.devices for c in d.channels if d.is_readable(c)) and \
            all(channels.get(f"mill/s{d.number}/{c.name}", {}).get("lost")
                for d in plant.devices for c in d.channels if not d.is_readable(c)) and channels
    plant.until(settled, "every channel that can be read is good, the others lost")
    assert len([c for d in plant.devices for c in d.channels if not d.is_readable(c)]) > 5
    channels = {c["channel"]: c for c in plant.status()["channels"]}
    for d in plant.devices:
        for c in d.channels:
            seen = channels[f"mill/s{d.number}/{c.name}"]
            if d.is_readable(c):
                assert close(seen["value"], c.value), (c.__dict__, seen)
            else:
                assert "value" not in seen, (c.__dict__, seen)
                assert f"exception {d.code}" in seen["reason"], seen
    # what refuses is left alone for a long while, ten seconds at least, and the rest is read
    # without touching it; on a line what is asked to get in step may be refused
    for d in plant.devices:
        d.hurt.clear()
        d.n_asked = 0
    plant.until(lambda: all(d.n_asked > 50 for d in plant.devices), "time goes on", limit_s=8)
    again = [d.hurt.most_common(1) for d in plant.devices if not d.rtu]
    assert not [x for x in again if x and x[0][1] > 1], again
    # and a hole is never read, to get in step neither
    assert sum(len(holes) for d in plant.devices for holes in d.holes.values()) > 5
    assert not [d.trespasses for d in plant.devices if d.trespasses]
