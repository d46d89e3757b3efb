# SPDX-License-Identifier: Apache-2.0
"""The simulated plant on serial lines and through a serial server, judged by pymodbus and bytes."""

import os
import select
import signal
import struct
import time

import pytest
from pymodbus.client import ModbusSerialClient
from pymodbus.pdu import ExceptionResponse

from test_sim import PATIENCE_S, Plant, receive

SITE = """\
site: north
links:
  - {{name: line, rtu: "{device}", baud: 9600, parity: none}}
  - {{name: server, rtu-tcp: "127.0.0.1:{port}"}}
units:
  - name: cems
    link: line
    id: 3
    max-gap: 8
    holes: [{{table: input, from: 2, to: 2}}]
    states:
      - name: device
        table: input
        address: 5
        type: uint16
        order: AB
        rules:
          - {{mask: 0x04, quality: maintenance}}
          - {{mask: 0x01, quality: fault}}
  - {{name: meter, link: server, id: 1}}
sources:
  - name: stack
    kind: gas
    channels:
      - {{name: SO2, unit: mg/Nm3, from: cems, table: input, address: 0, type: float32, order: CDAB, range: [0, 1500], states: [device]}}
      - {{name: O2, unit: "%", from: cems, table: input, address: 3, type: float32, order: ABCD, range: [0, 25]}}
      - {{name: flow, unit: m3/h, from: meter, address: 0, type: uint16, order: AB, range: [0, 500]}}
"""


class Line(Plant):
    """The plant of SITE; self.device is the name of the serial line."""

    def __init__(self, directory, scenario=None, options=()):
        self.device = directory / "ttyRTU"
        super().__init__(directory, scenario, options)

    def write_site(self, directory, host):
        (directory / "sites.d" / "north.yaml").write_text(
            SITE.format(device=self.device, port=self.port))

    def open(self):
        fd = os.open(self.device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        return fd

    def serial(self):
        client = ModbusSerialClient(str(self.device), baudrate=9600, parity="N",
                                    timeout=PATIENCE_S, retries=0)
        assert client.connect()
        return client


def crc(data):
    """Serial Line V1.02, appendix B, by the book."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return struct.pack("<H", value)


def request(unit=3, function=4, address=0, count=2):
    body = struct.pack(">BBHH", unit, function, address, count)
    return body + crc(body)


def take(fd, n, patience_s=PATIENCE_S):
    """n bytes, or those that came before the time was over."""
    data, deadline = b"", time.monotonic() + patience_s
    while len(data) < n:
        ready, _, _ = select.select([fd], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            break
        part = os.read(fd, n - len(data))
        if not part:
            break
        data += part
    return data


ANSWER = 9  # bytes: unit, function, count, two registers, check sum


@pytest.fixture
def start(tmp_path):
    plants = []

    def make(*args, **kwargs):
        plants.append(Line(tmp_path, *args, **kwargs))
        plants[-1].wait_for("serving")
        return plants[-1]

    yield make
    for plant in plants:
        plant.end()


def test_pymodbus_reads_the_line(start):
    client = start().serial()
    words = client.read_input_registers(0, 2, slave=3).registers
    assert 0 < struct.unpack(">f", struct.pack(">HH", words[1], words[0]))[0] < 1500
    assert client.read_input_registers(5, 1, slave=3).registers == [0], "measuring"
    answer = client.read_input_registers(2, 1, slave=3)
    assert isinstance(answer, ExceptionResponse) and answer.exception_code == 2, "the hole"
    assert isinstance(client.read_input_registers(0, 4, slave=3), ExceptionResponse)
    assert isinstance(client.write_register(0, 1, slave=3), ExceptionResponse)
    client.close()


def test_strangers_and_wrong_check_sums_get_silence(start):
    p = start()
    fd = p.open()
    os.write(fd, request(unit=4))
    os.write(fd, request(unit=0))
    os.write(fd, request()[:-1] + b"\0")  # its silence is waited for by the plant, not by us
    deadline = time.monotonic() + PATIENCE_S
    while p.counters()["north/line"]["malformed"] < 1:
        assert time.monotonic() < deadline
    os.write(fd, request())
    answer = take(fd, ANSWER)
    assert answer[:3] == b"\3\4\4" and crc(answer[:-2]) == answer[-2:]
    n = p.counters()["north/line"]
    assert (n["requests"], n["reads"], n["unanswered"], n["malformed"]) == (3, 1, 2, 1)
    assert (n["host"], n["port"]) == (str(p.device), 0)
    os.close(fd)


def test_opened_again(start):
    p = start()
    for _ in range(3):
        fd = p.open()
        os.write(fd, request())
        assert len(take(fd, ANSWER)) == ANSWER
        os.close(fd)


def test_status_registers_and_refusals_follow_the_scenario(start):
    p = start("at 0s unit cems maintenance\n"
              "at 0s unit cems refuse input 3-4\n"
              "at 10min unit cems fault\n"
              "at 10min unit cems allow\n"
              "at 20min state north/cems/device raw 0x80\n"
              "at 30min unit cems measuring\n"
              "at 30min north/stack/SO2 raw 0\n", ["--speed", "600"])
    client = p.serial()
    p.wait_for("00:00 unit north/cems refuses input 3 to 4")
    assert client.read_input_registers(5, 1, slave=3).registers == [4]
    assert isinstance(client.read_input_registers(3, 2, slave=3), ExceptionResponse)
    p.wait_for("10:00 unit north/cems refuses no address any more")
    assert client.read_input_registers(3, 3, slave=3).registers[2] == 1
    p.wait_for("20:00 state north/cems/device shows the raw value 0x80")
    assert client.read_input_registers(5, 1, slave=3).registers == [0x80]
    p.wait_for("30:00 SO2 at north/stack shows the raw value 0x0")
    assert client.read_input_registers(5, 1, slave=3).registers == [0]
    assert client.read_input_registers(0, 2, slave=3).registers == [0, 0]
    client.close()


def misbehave(start, action, options=()):
    p = start(f"at 300ms link {action}\n", options)
    fd = p.open()
    os.write(fd, request())
    healthy = take(fd, ANSWER)
    assert len(healthy) == ANSWER
    p.wait_for("00:00.300")
    return p, fd


@pytest.mark.parametrize("mode,n,check", [
    ("badcrc", ANSWER, lambda a: crc(a[:-2]) != a[-2:] and a[:3] == b"\3\4\4"),
    ("foreign", ANSWER, lambda a: crc(a[:-2]) == a[-2:] and a[:3] == b"\4\4\4"),
    ("echo", 8 + ANSWER, lambda a: a[:8] == request() and crc(a[8:-2]) == a[-2:]),
    ("noise", ANSWER + 4, lambda a: 1 <= len(a) - ANSWER <= 4 and
     crc(a[-ANSWER:-2]) == a[-2:]),
    ("garbage", 32, lambda a: 1 <= len(a) <= 32),
    ("late 200ms", ANSWER, lambda a: crc(a[:-2]) == a[-2:]),
    ("drip 10ms", ANSWER, lambda a: crc(a[:-2]) == a[-2:]),
])
def test_faults_of_a_line(start, mode, n, check):
    _, fd = misbehave(start, f"line {mode}")
    os.write(fd, request())
    answer = take(fd, n, 1 if mode in ("noise", "garbage") else PATIENCE_S)
    assert check(answer), answer.hex()
    os.close(fd)


def hung_up(fd):
    events = select.poll()
    events.register(fd, 0)
    got = events.poll(PATIENCE_S * 1000)
    os.close(fd)
    return bool(got) and bool(got[0][1] & select.POLLHUP)


def test_drop_comes_back_as_another_terminal(start):
    p = start("at 300ms link line drop\n")
    before = os.readlink(p.device)
    fd = p.open()
    p.wait_for("drops all")
    assert hung_up(fd)
    assert os.readlink(p.device) != before
    fd = p.open()
    os.write(fd, request())
    assert len(take(fd, ANSWER)) == ANSWER
    os.close(fd)


def test_reset_hangs_up_instead_of_answering(start):
    p, fd = misbehave(start, "line reset")
    assert hung_up(fd)
    fd = p.open()
    os.write(fd, request())
    assert hung_up(fd)
    assert p.device.exists()


def test_unplugged_and_plugged_in_again(start):
    p = start("at 300ms link line refuse\nat 900ms link line normal\n")
    fd = p.open()
    p.wait_for("refuses connections")
    assert hung_up(fd)
    p.wait_for("works normally")
    fd = p.open()
    os.write(fd, request())
    assert len(take(fd, ANSWER)) == ANSWER
    os.close(fd)


def test_name_goes_at_the_end_and_survives_a_kill(start, tmp_path):
    p = start()
    assert p.device.is_symlink()
    p.process.send_signal(signal.SIGKILL)
    p.process.wait(PATIENCE_S)
    assert p.device.is_symlink(), "a dangling name stays behind"
    again = start()
    assert again.end() == 0
    assert not again.device.is_symlink()


@pytest.mark.parametrize("make", [
    lambda path: path.write_text("mine"),
    lambda path: path.mkdir(),
    lambda path: path.symlink_to("/dev/null"),
    lambda path: path.symlink_to("/dev/pts/ptmx"),
])
def test_nothing_else_is_replaced(tmp_path, make):
    make(tmp_path / "ttyRTU")
    p = Line(tmp_path)
    assert p.process.wait(PATIENCE_S) == 1
    assert "exists and is no name of this plant's" in p.process.stderr.read().decode()
    p.end()
    assert (tmp_path / "ttyRTU").exists()


def test_line_speed(start):
    p = start(options=["--line-speed"])
    fd = p.open()
    began = time.monotonic()
    os.write(fd, request())
    assert len(take(fd, ANSWER)) == ANSWER
    # 8 + 9 bytes and twice 3.5 characters of 11 bits (two stop bits) at 9,600 baud
    assert time.monotonic() - began >= 24 * 11 / 9600
    os.close(fd)


def test_rtu_through_tcp(start):
    p = start()
    with p.connect() as s:
        for byte in request(unit=1, function=3, count=1):  # in pieces
            s.sendall(bytes([byte]))
        answer = receive(s, 7)
        assert answer[:3] == b"\1\3\2" and crc(answer[:-2]) == answer[-2:]
        s.sendall(request(unit=2, function=3, count=1))  # not there: silence
        s.sendall(request(unit=1, function=3, count=1))
        assert receive(s, 7)[:3] == b"\1\3\2"
