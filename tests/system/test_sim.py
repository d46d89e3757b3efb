# SPDX-License-Identifier: Apache-2.0
"""The simulated plant, judged by pymodbus and by plain sockets.

Set WASTEWATCH_BUILD to the build directory if it is not build/.
"""

import json
import os
import select
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient
from pymodbus.pdu import ExceptionResponse

BUILD = Path(os.environ.get("WASTEWATCH_BUILD", Path(__file__).parents[2] / "build"))
PATIENCE_S = 10  # longest wait for an event that must come

MAIN = "origin: test\n"
SITE = """\
site: north
links:
  - {{name: wwtp, tcp: "127.0.0.1:{port}"}}
  - {{name: stack, tcp: "{host}:{other}"}}
units:
  - {{name: analyser, link: wwtp, id: 7, max-gap: 2}}
  - {{name: switch, link: wwtp, id: 8}}
  - {{name: cems, link: stack, id: 1}}
sources:
  - name: outfall
    kind: liquid
    channels:
      - {{name: COD, unit: mg/l, from: analyser, address: 100, type: float32, order: CDAB, range: [0, 1000]}}
      - {{name: pH, from: analyser, address: 104, type: uint16, order: AB, scale: 0.01, range: [0, 14]}}
      - {{name: pump, from: switch, table: coil, address: 9, range: [0, 1]}}
    limits:
      - {{channel: COD, class: warning, high: 90}}
      - {{channel: pH, class: warning, high: 9}}
      - {{channel: pH, class: warning, name: low, low: 5.5}}
  - name: stack
    kind: gas
    channels:
      - {{name: dust, unit: mg/Nm3, from: cems, table: input, address: 0, type: float64, order: HGFEDCBA, range: [0, 500]}}
"""


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Plant:
    """wastewatch-sim on two free ports, with its output line by line."""

    def __init__(self, directory, scenario=None, options=(), host="127.0.0.1"):
        self.port, self.other = free_ports(2)
        (directory / "sites.d").mkdir(exist_ok=True)
        (directory / "wastewatch.yaml").write_text(MAIN)
        self.write_site(directory, host)
        command = [BUILD / "wastewatch-sim", "--config", directory, *options]
        if scenario is not None:
            (directory / "scenario").write_text(scenario)
            command += ["--scenario", directory / "scenario"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def write_site(self, directory, host):
        (directory / "sites.d" / "north.yaml").write_text(
            SITE.format(port=self.port, other=self.other, host=host))

    def line(self):
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE_S)
        assert ready, "no line of output came"
        text = b""
        while not text.endswith(b"\n"):  # byte by byte, so that select() sees the rest
            byte = os.read(self.process.stdout.fileno(), 1)
            if not byte:
                break
            text += byte
        return text.decode().rstrip("\n")

    def wait_for(self, part):
        while part not in (text := self.line()):
            assert text, f"ended before {part!r}"
        return text

    def counters(self):
        self.process.send_signal(signal.SIGUSR1)
        return {x["link"]: x for x in json.loads(self.wait_for('{"links"'))["links"]}

    def connect(self, port=None):
        s = socket.create_connection(("127.0.0.1", port or self.port), timeout=PATIENCE_S)
        return s

    def modbus(self, port=None):
        client = ModbusTcpClient("127.0.0.1", port=port or self.port, timeout=PATIENCE_S,
                                 retries=0)
        assert client.connect()
        return client

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        self.process.stderr.close()
        return code


@pytest.fixture
def start(tmp_path):
    plants = []

    def make(*args, **kwargs):
        plants.append(Plant(tmp_path, *args, **kwargs))
        return plants[-1]

    yield make
    for plant in plants:
        plant.end()


@pytest.fixture
def plant(start):
    p = start()
    assert p.line().startswith("serving 2 links, 3 units, 4 channels; seed 1")
    return p


def request(unit=7, function=3, address=100, count=2, transaction=1):
    return struct.pack(">HHHBBHH", transaction, 0, 6, unit, function, address, count)


def receive(s, n):
    data = b""
    while len(data) < n:
        part = s.recv(n - len(data))
        if not part:
            break
        data += part
    return data


COD_ANSWER = 13  # bytes: header, function, count, two registers


def ask(s, **kwargs):
    s.sendall(request(**kwargs))
    answer = receive(s, COD_ANSWER)
    assert len(answer) == COD_ANSWER
    return answer


def cod(words):
    return struct.unpack(">f", struct.pack(">HH", words[1], words[0]))[0]


def test_pymodbus_reads_plausible_values(plant):
    client = plant.modbus()
    words = client.read_holding_registers(100, 5, slave=7).registers
    assert 25 < cod(words) < 50, "30 % to 55 % of the limit of 90"
    assert words[2:4] == [0, 0], "the gap between COD and pH"
    assert 690 <= words[4] <= 760
    assert client.read_coils(9, 1, slave=8).bits[0] is False
    client.close()
    stack = plant.modbus(plant.other)
    words = stack.read_input_registers(0, 4, slave=1).registers
    assert 100 <= struct.unpack("<d", struct.pack(">4H", *words))[0] <= 250
    stack.close()


@pytest.mark.parametrize("call,code", [
    (lambda c: c.read_holding_registers(100, 2, slave=9), 11),
    (lambda c: c.read_holding_registers(99, 2, slave=7), 2),
    (lambda c: c.read_holding_registers(104, 2, slave=7), 2),
    (lambda c: c.read_input_registers(100, 2, slave=7), 2),
    (lambda c: c.read_discrete_inputs(9, 1, slave=8), 2),
    (lambda c: c.write_register(100, 1, slave=7), 1),
    (lambda c: c.write_coil(9, True, slave=8), 1),
])
def test_exceptions(plant, call, code):
    client = plant.modbus()
    answer = call(client)
    assert isinstance(answer, ExceptionResponse)
    assert answer.exception_code == code
    assert client.read_holding_registers(100, 2, slave=7).registers, "the connection lives"
    client.close()


def test_requests_in_pieces_and_in_one_packet(plant):
    with plant.connect() as s:
        for byte in request(transaction=1):
            s.sendall(bytes([byte]))
        s.sendall(b"".join(request(transaction=t) for t in range(2, 60)))
        for transaction in range(1, 60):
            assert struct.unpack(">H", receive(s, COD_ANSWER)[:2])[0] == transaction


@pytest.mark.parametrize("stream", [
    b"GET / HTTP/1.1\r\n\r\n",
    struct.pack(">HHHBB", 1, 0, 1, 7, 3),
    struct.pack(">HHHBB", 1, 0, 255, 7, 3) + bytes(300),
    struct.pack(">HHHBBHH", 1, 1, 6, 7, 3, 100, 2),
])
def test_strangers_are_hung_up_on(plant, stream):
    with plant.connect() as s:
        s.sendall(stream)
        try:
            assert s.recv(100) == b""
        except ConnectionResetError:
            pass
    assert plant.counters()["north/wwtp"]["malformed"] == 1


def test_counters(plant):
    with plant.connect() as s:
        ask(s)
        ask(s)
        s.sendall(request(unit=9))
        receive(s, 9)
        n = plant.counters()
    assert n["north/wwtp"] == {
        "link": "north/wwtp", "host": "127.0.0.1", "port": plant.port, "connections": 1,
        "requests": 3, "reads": 2, "exceptions": 1, "unanswered": 0, "malformed": 0}
    assert n["north/stack"]["requests"] == 0


def test_a_thousand_connections(plant):
    sockets = [plant.connect() for _ in range(1000)]
    for s in sockets:
        s.sendall(request())
    for s in sockets:
        assert len(receive(s, COD_ANSWER)) == COD_ANSWER
        s.close()


def test_channels_follow_the_scenario(start):
    p = start("at 0s north/outfall/COD set 120\n"
              "at 0s north/outfall/pH raw 0xFFFF\n"
              "at 0s north/outfall/pump set 1\n"
              "at 10min north/outfall/COD nan\n"
              "at 10min north/outfall/pH normal\n"
              "at 15min end\n", ["--speed", "1000"])
    p.wait_for("00:00 pump at north/outfall is held at 1")
    client = p.modbus()
    words = client.read_holding_registers(100, 5, slave=7).registers
    assert cod(words) == 120
    assert words[4] == 0xFFFF
    assert client.read_coils(9, 1, slave=8).bits[0] is True
    p.wait_for("10:00 pH at north/outfall is back to normal")
    words = client.read_holding_registers(100, 5, slave=7).registers
    assert cod(words) != cod(words), "not a number"
    assert 690 <= words[4] <= 760
    client.close()
    p.wait_for("15:00 the scenario ends")
    assert p.process.wait(PATIENCE_S) == 0


def misbehave(start, action):
    """A plant whose link (or unit) has just begun to misbehave, and a connection made before."""
    p = start(f"at 500ms {action}\n")
    p.wait_for("serving")
    s = p.connect()
    ask(s)
    p.wait_for("00:00.500")
    return p, s


def nothing_comes(s, p, unanswered=1):
    """The plant has counted the request as unanswered, so no answer is under way."""
    deadline = time.monotonic() + PATIENCE_S
    while p.counters()["north/wwtp"]["unanswered"] < unanswered:
        assert time.monotonic() < deadline
    return not select.select([s], [], [], 0)[0]


def test_dead_link(start):
    p, s = misbehave(start, "link wwtp dead")
    s.sendall(request())
    assert nothing_comes(s, p)
    with p.connect() as new:  # still takes connections
        new.sendall(request())
        assert nothing_comes(new, p, 2)
    s.close()


def test_dead_unit_leaves_the_others_alone(start):
    p, s = misbehave(start, "unit analyser dead")
    s.sendall(request())
    s.sendall(request(unit=8, function=1, address=9, count=1, transaction=5))
    assert struct.unpack(">H", receive(s, 10)[:2])[0] == 5
    s.close()


def test_unit_exception(start):
    _, s = misbehave(start, "unit analyser exception 4")
    s.sendall(request())
    assert receive(s, 9)[7:] == bytes([0x83, 4])
    s.close()


def test_refusing_link(start):
    p, s = misbehave(start, "link wwtp refuse")
    assert s.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        p.connect()
    s.close()


def test_resetting_link(start):
    p, s = misbehave(start, "link wwtp reset")
    with pytest.raises(ConnectionResetError):
        s.recv(1)
    with p.connect() as new:
        new.sendall(request())
        with pytest.raises(ConnectionResetError):
            new.recv(1)
    s.close()


def test_garbage(start):
    _, s = misbehave(start, "link wwtp garbage")
    s.sendall(request(transaction=77))
    data = s.recv(100)
    assert 1 <= len(data) <= 32
    s.close()


def test_late_answer_is_not_early(start):
    _, s = misbehave(start, "link wwtp late 300ms")
    began = time.monotonic()
    answer = ask(s, transaction=9)
    assert time.monotonic() - began >= 0.3
    assert answer[:2] == b"\0\x09"
    s.close()


def test_dripping_answer_is_whole_in_the_end(start):
    _, s = misbehave(start, "link wwtp drip 20ms")
    began = time.monotonic()
    assert ask(s, transaction=9)[:2] == b"\0\x09"
    assert time.monotonic() - began >= 0.02 * (COD_ANSWER - 1)
    s.close()


def test_drop_and_return(start):
    p, s = misbehave(start, "link wwtp drop")
    assert s.recv(1) == b""
    with p.connect() as new:
        ask(new)
    s.close()


def test_refused_link_comes_back(start):
    p = start("at 0s link wwtp refuse\nat 100ms link wwtp normal\n")
    p.wait_for("works normally")
    with p.connect() as s:
        ask(s)


def test_scenario_errors_are_all_said(start):
    p = start("at 1s north/outfall/BOD set 3\nat x end\n")
    assert p.process.wait(PATIENCE_S) == 1
    errors = p.process.stderr.read().decode()
    assert 'scenario:1: no channel "north/outfall/BOD"' in errors
    assert 'scenario:2: "x" is no time' in errors


def test_only_loopback_is_served(start):
    p = start(host="192.0.2.7")
    assert p.process.wait(PATIENCE_S) == 1
    assert "192.0.2.7 is not a loopback address" in p.process.stderr.read().decode()


def test_address_in_use(start, plant, tmp_path):
    again = subprocess.run([BUILD / "wastewatch-sim", "--config", tmp_path], capture_output=True,
                           timeout=PATIENCE_S, check=False)
    assert again.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {plant.port}: Address already in use" in \
        again.stderr.decode()


def test_orderly_end_with_counters(start, tmp_path):
    p = start(options=["--count", tmp_path / "count.json", "--seed", "18446744073709551615"])
    assert p.line().endswith("seed 18446744073709551615")
    with p.connect() as s:
        ask(s)
    assert p.end() == 0
    n = json.loads((tmp_path / "count.json").read_text())
    assert [x["reads"] for x in n["links"]] == [1, 0]


@pytest.mark.parametrize("options,code,word", [
    (["--help"], 0, "Usage: wastewatch-sim --config DIR"),
    ([], 2, "--config DIR is missing"),
    (["--config", "x", "--seed", "-1"], 2, "allowed: 0 to 2^64-1"),
    (["--config", "x", "--speed", "0"], 2, "allowed: 0.001 to 1000"),
    (["--config", "x", "--speed", "nan"], 2, "allowed: 0.001 to 1000"),
    (["--config", "x", "more"], 2, "not an option"),
    (["--config", "/nonexistent"], 1, "/nonexistent"),
])
def test_options(options, code, word):
    done = subprocess.run([BUILD / "wastewatch-sim", *options], capture_output=True,
                          timeout=PATIENCE_S, check=False)
    assert done.returncode == code
    assert word in (done.stdout + done.stderr).decode()


def test_same_seed_same_signals(start):
    values = []
    for seed in ("5", "5", "6"):
        p = start("at 0s north/outfall/COD stuck\n", ["--seed", seed])
        values.append(p.wait_for("is stuck at"))
        p.end()
    assert values[0] == values[1] != values[2]
