# SPDX-License-Identifier: Apache-2.0
"""wastewatch probe against pymodbus, the simulated plant on a serial line, and beside the daemon."""

import asyncio
import contextlib
import fcntl
import json
import os
import select
import socket
import struct
import subprocess
import threading
import time

import pytest
from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock
from pymodbus.server import StartAsyncTcpServer

from plant import Device, Plant, free_port, program
from test_sim_rtu import Line

LIMIT_S = 20


def probe(*arguments, config="/nonexistent", runtime="/nonexistent"):
    return subprocess.run([program("wastewatch"), "probe", *map(str, arguments), "--config", config,
                           "--runtime", runtime], capture_output=True, text=True,
                          timeout=LIMIT_S, check=False)


def words(form, value):
    raw = struct.pack(form, value)
    return list(struct.unpack(f">{len(raw) // 2}H", raw))


@pytest.fixture(scope="module")
def server():
    """A device of pymodbus: registers 12, 13 and 15 of holding, 0 to 3 of input, two coils."""
    port = free_port()
    big = words(">f", 123.456)
    holding = ModbusSparseDataBlock({12: big[0], 13: big[1], 15: 0x8001})
    inputs = ModbusSparseDataBlock(dict(enumerate(words("<d", 3.25))))
    coils = ModbusSparseDataBlock({4: True, 5: False})
    slave = ModbusSlaveContext(hr=holding, ir=inputs, co=coils, di=coils, zero_mode=True)
    context = ModbusServerContext(slaves={7: slave}, single=False)

    def serve():
        asyncio.run(StartAsyncTcpServer(context, address=("127.0.0.1", port)))

    threading.Thread(target=serve, daemon=True).start()
    while True:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                break
    return f"tcp:127.0.0.1:{port}:7"


def row(text, *begin):
    """The cells of the row that begins so."""
    for line in text.splitlines():
        cells = line.split()
        if cells[:len(begin)] == list(begin):
            return cells[len(begin):]
    raise AssertionError(f"no row {begin} in\n{text}")


def test_every_decoding_of_a_pair(server):
    done = probe(server, 12, 2)
    assert done.returncode == 0, done.stderr
    assert "addresses 12 to 13, 0-based" in done.stdout
    assert "40013 to 40014" in done.stdout
    assert row(done.stdout, "12", "40013")[:5] == ["0x42F6", "17142", "17142", "66", "246"]
    assert row(done.stdout, "12", "40013")[5:] == ["0100", "0010", "1111", "0110"]
    assert row(done.stdout, "12-13", "float32")[0] == "123.456"
    assert all(cell[0] in "(-" for cell in row(done.stdout, "12-13", "float32")[1:])
    assert row(done.stdout, "int32")[0] == "(1.1235e+09)"


def test_quadruples_and_the_other_tables(server):
    done = probe(server, 0, 4, "--table", "input")
    assert row(done.stdout, "0-3", "float64")[3] == "3.25", "bytes reversed: HGFEDCBA"
    assert row(done.stdout, "2-3", "float32")
    done = probe(server, 4, 2, "--table", "coil")
    assert row(done.stdout, "4", "00005") == ["1"] and row(done.stdout, "5", "00006") == ["0"]
    assert done.returncode == 0


def test_numbers_as_manuals_have_them(server):
    assert row(probe(server, "4x0013", 1).stdout, "12", "40013")[0] == "0x42F6"
    assert row(probe(server, "400013", 1).stdout, "12", "40013")[0] == "0x42F6"
    done = probe(server, 40013, 1)
    assert done.returncode == 1
    assert "40013 was taken as the 0-based address" in done.stdout
    assert "--table holding 12" in done.stdout
    assert "exception 2, illegal data address: the device has no such register" in done.stderr


def test_registers_that_are_not_there_are_found_out(server):
    done = probe(server, 11, 6)
    assert done.returncode == 0
    assert "addresses 11 to 16: exception 2, illegal data address" in done.stderr
    there = [line.split()[0] for line in done.stdout.splitlines() if " 0x" in line]
    assert there == ["12", "13", "15"]
    assert row(done.stdout, "14", "40015") == ["not", "there"]
    assert row(done.stdout, "12-13", "float32")[0] == "123.456"
    assert "13-14" not in done.stdout


def test_halves_of_a_value_are_read_together_in_the_end():
    """A device without register 0; the others count up with every request."""
    requests = []

    def answer(request):
        address, count = struct.unpack(">HH", request[8:])
        requests.append((address, count))
        if address < 1 or address + count > 4:
            return request[:4] + b"\0\3" + request[6:7] + b"\x83\2"
        return (request[:4] + struct.pack(">HBBB", 3 + 2 * count, request[6], 3, 2 * count) +
                struct.pack(">H", len(requests)) * count)

    device = Answering(answer)
    with subprocess.Popen([program("wastewatch"), "probe", f"tcp:127.0.0.1:{device.port}:7", "0", "4",
                           "--watch=100ms", "--json", "--config", "/nonexistent"],
                          stdout=subprocess.PIPE) as watch:
        rounds = [json.loads(watch.stdout.readline()) for _ in range(3)]
        watch.terminate()
    device.close()
    for data in rounds:
        raw = [r["raw"] for r in data["registers"]]
        assert raw[0] is None and raw[1] is not None and len(set(raw[1:])) == 1, "one request"
    assert requests[0] == (0, 4) and requests[-3:] == [(1, 3)] * 3, "found out once"
    assert max(requests.count(r) for r in ((0, 1), (0, 2), (0, 4))) == 1


def test_json(server):
    done = probe(server, 12, 2, "--json")
    data = json.loads(done.stdout)
    assert [r["raw"] for r in data["registers"]] == words(">f", 123.456)
    assert data["registers"][0]["manual"] == 40013
    value = {(v["type"], v["order"]): v for v in data["values"]}
    assert value["float32", "ABCD"]["value"] == pytest.approx(123.456)
    assert value["float32", "ABCD"]["plausible"] and not value["float32", "CDAB"]["plausible"]
    for order, places in (("ABCD", "0123"), ("CDAB", "2301"), ("BADC", "1032"), ("DCBA", "3210")):
        raw = bytes(struct.pack(">f", 123.456)[int(i)] for i in places)
        assert value["int32", order]["value"] == struct.unpack(">i", raw)[0]
        assert value["uint32", order]["value"] == struct.unpack(">I", raw)[0]
    assert not data["errors"]
    data = json.loads(probe(server, 14, 1, "--json").stdout)
    assert data["registers"][0]["raw"] is None
    assert "exception 2" in data["errors"][0]["error"]


def test_watch_repeats(server):
    with subprocess.Popen([program("wastewatch"), "probe", server, "15", "1", "--watch=100ms",
                           "--json", "--config", "/nonexistent"], stdout=subprocess.PIPE) as watch:
        lines = [json.loads(watch.stdout.readline()) for _ in range(3)]
        watch.terminate()
    assert [line["registers"][0]["raw"] for line in lines] == [0x8001] * 3
    assert lines[0]["time_ms"] < lines[2]["time_ms"]


class Answering:
    """A socket that answers every connection's first bytes with answer(request), or closes."""

    def __init__(self, answer):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.answer = answer
        self.requests = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(peer,), daemon=True).start()

    def _talk(self, peer):
        with peer, contextlib.suppress(ConnectionError):
            while request := peer.recv(12):
                self.requests.append(request)
                answer = self.answer(request)
                if answer is None:
                    return
                peer.sendall(answer)

    def close(self):
        self.listener.close()


def good(request, unit=None):
    return request[:4] + b"\0\5" + bytes([unit or request[6], request[7], 2]) + b"\x12\x34"


@pytest.mark.parametrize("answer,word", [
    (lambda r: b"", "no answer within 200 ms"),
    (lambda r: None, "closed the connection instead of answering"),
    (lambda r: b"\xff" * 30, "no right answer"),
    (lambda r: b"HTTP/1.1 400 Bad", "no right answer"),
    (lambda r: good(r, 9), "another unit's answer"),
    (lambda r: good(b"\xee" + r[1:]), "another unit's answer, or one to another request"),
    (lambda r: r[:4] + b"\0\3" + r[6:7] + b"\x83\x0b", "exception 11, gateway target failed"),
    (lambda r: r[:4] + b"\0\3" + r[6:7] + b"\x83\x01", "exception 1, illegal function"),
])
def test_errors_in_words(answer, word):
    device = Answering(answer)
    done = probe(f"tcp:127.0.0.1:{device.port}:7", 0, 1, "--timeout", "200ms")
    device.close()
    assert done.returncode == 1
    assert word in done.stderr
    assert "0x" not in done.stdout, "nothing wrong is shown as a value"
    assert len(device.requests) == 1 and device.requests[0][7] == 3


def test_nobody_there():
    done = probe(f"tcp:127.0.0.1:{free_port()}:7", 0, 1)
    assert done.returncode == 1
    assert "refused" in done.stderr


@pytest.mark.parametrize("arguments,word", [
    ((), "takes LINK[:UNIT] ADDRESS [COUNT]"),
    (("tcp:127.0.0.1:1",), "takes LINK"),
    (("tcp:127.0.0.1:1", "x"), "no address"),
    (("tcp:127.0.0.1:1", "0", "126"), "no count; allowed from there: 1 to 125"),
    (("tcp:127.0.0.1:1", "0", "--table", "x"), "no table"),
    (("tcp:127.0.0.1:1", "0", "--timeout", "x"), "--timeout"),
    (("tcp:127.0.0.1:1", "0", "--watch=x"), "--watch"),
    (("rtu:/dev/x:1", "0"), "no baud rate"),
])
def test_wrong_command_lines(arguments, word):
    done = probe(*arguments)
    assert done.returncode == 2
    assert word in done.stderr


def test_a_link_of_the_configuration_needs_it():
    done = probe("plc", 0)
    assert done.returncode == 1
    assert "without one write tcp:HOST:PORT" in done.stderr


# ---- a serial line ----

@pytest.fixture
def line(tmp_path):
    plant = Line(tmp_path, "at 0s north/stack/O2 set 12.5\nat 0s unit cems maintenance\n"
                           "at 10min link line badcrc\nat 20min link line dead\n",
                 ["--speed", "300"])
    plant.wait_for("says maintenance")
    yield plant
    plant.end()


def test_rtu_by_name_and_by_hand(line, tmp_path):
    done = probe("line:cems", 3, 3, "--table", "input", config=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "north/line, unit 3 (cems)" in done.stdout
    assert row(done.stdout, "3-4", "float32")[0] == "12.5"
    assert row(done.stdout, "3", "north/stack/O2") == ["float32", "12.5", "%"]
    assert row(done.stdout, "5", "north/cems/device") == ["uint16", "status", "0x4"]
    done = probe(f"rtu:{line.device}:9600:8N1:3", 3, 2, "--table", "input")
    assert row(done.stdout, "3-4", "float32")[0] == "12.5"
    done = probe(f"rtu:{line.device}:9600:8N1:3", 1, 3, "--table", "input")
    assert row(done.stdout, "2", "30003") == ["not", "there"], "the hole"
    line.wait_for("wrong check sum")
    done = probe(f"rtu:{line.device}:9600:8N1:3", 3, 2, "--table", "input", "--timeout", "300ms")
    assert done.returncode == 1 and "CRC" in done.stderr
    line.wait_for("is dead")
    done = probe(f"rtu:{line.device}:9600:8N1:3", 3, 2, "--table", "input", "--timeout", "300ms")
    assert done.returncode == 1 and "no answer within 300 ms" in done.stderr


def test_a_hole_of_the_configuration_is_never_read(line, tmp_path):
    for target in ("line:cems", f"rtu:{line.device}:9600:8N1:3"):
        for first, count in ((1, 3), (2, 1), (0, 20)):
            done = probe(target, first, count, "--table", "input", "--force", config=tmp_path)
            assert done.returncode == 1
            assert "2 to 2 of table input are a hole of cems" in done.stderr
        done = probe(target, 3, 3, "--table", "input", config=tmp_path)
        assert done.returncode == 0, done.stderr


def test_rtu_through_tcp(line):
    done = probe(f"rtu-tcp:127.0.0.1:{line.port}:1", 0, 1)
    assert done.returncode == 0 and "0x" in done.stdout


def test_a_device_that_is_not_there():
    done = probe("rtu:/dev/no-such-device:9600", 0)
    assert done.returncode == 1
    assert "no such device" in done.stderr


# ---- beside the daemon ----

class Jealous(Device):
    """Bears one connection: a second one is closed at once."""

    def _serve(self, connection):
        with self.lock:
            alone = len(self.open) == 1
        if alone:
            return super()._serve(connection)
        with self.lock:
            self.open.discard(connection)
        connection.close()
        return None


def beside(plant, *arguments):
    return plant.command("probe", *map(str, arguments))


def link_name(plant):
    link = plant.status()["links"][0]
    return f"{link['site']}/{link['link']}", link


def test_a_connection_of_its_own_beside_the_daemon():
    with Plant(Device()) as plant:
        plant.device.set(COD=64.5)
        plant.start("core", "poller")
        name, _ = link_name(plant)
        before = plant.device.n_connects
        done = beside(plant, name, 0, 2, "--table", "input")
        assert done.returncode == 0, done.stderr
        assert "The daemon polls this link too" in done.stdout
        assert row(done.stdout, "0-1", "float32")[0] == "64.5"
        assert row(done.stdout, "0", "mill/outfall/COD") == ["float32", "64.5", "mg/l"]
        assert plant.device.n_connects == before + 1, "the daemon's own one is as it was"


def test_a_device_that_bears_one_connection_only():
    with Plant(Jealous()) as plant:
        plant.start("core", "poller")
        plant.until(lambda: [link["state"] for link in plant.status().get("links", [])] == ["up"],
                    "the status has the link up")
        name, link = link_name(plant)
        done = beside(plant, name, 0, 2, "--table", "input")
        assert done.returncode == 1
        assert "seems to bear one connection only" in done.stderr
        assert "systemctl stop wastewatch-poller" in done.stderr
        after = link_name(plant)[1]
        assert after["state"] == "up" and after["timeouts"] == link["timeouts"]


def write_status(directory, **link):
    (directory / "status.json").write_text(json.dumps({
        "time_ms": int(time.time() * 1000), "pollers_reading": 1, "links": [link]}))


def test_serial_lines_and_single_devices_are_refused_beside_the_daemon(line, tmp_path):
    write_status(tmp_path, host=str(line.device), port=0, state="up")
    for target in ("line:3", f"rtu:{line.device}:9600:8N1:3"):
        done = probe(target, 3, 2, "--table", "input", "--force", config=tmp_path, runtime=tmp_path)
        assert done.returncode == 1
        assert "bears one master only. Stop the poller" in done.stderr
    write_status(tmp_path, host="127.0.0.1", port=line.port, state="up")
    done = probe("server", 0, 1, config=tmp_path, runtime=tmp_path)
    assert done.returncode == 1 and "the line behind a serial server bears one" in done.stderr
    site = tmp_path / "sites.d" / "north.yaml"
    site.write_text(site.read_text().replace(f'rtu-tcp: "127.0.0.1:{line.port}"',
                                             f'rtu-tcp: "127.0.0.1:{line.port}", single: yes'))
    done = probe("server", 0, 1, config=tmp_path, runtime=tmp_path)
    assert done.returncode == 1 and "one connection only (single: yes)" in done.stderr
    done = probe("server", 0, 1, "--force", config=tmp_path, runtime=tmp_path)
    assert done.returncode == 0 and "0x" in done.stdout
    (tmp_path / "status.json").unlink()
    assert probe("server", 0, 1, config=tmp_path, runtime=tmp_path).returncode == 0


def test_a_line_in_use_is_left_alone(line):
    fd = os.open(line.device, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    done = probe(f"rtu:{line.device}:9600:8N1:3", 3, 2, "--table", "input")
    assert done.returncode == 1 and "another program uses the line" in done.stderr
    assert not select.select([fd], [], [], 0)[0]
    os.close(fd)
