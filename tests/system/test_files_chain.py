# SPDX-License-Identifier: Apache-2.0
"""The department's data files from registers to servers: the real core and sender, vsftpd and
OpenSSH. Only the poller is ours: it tells half an hour of the past in no time, and keeps what is
not acknowledged as the real one does. What stands in the files is compared with sums of our own
over what it told."""

import contextlib
import json
import math
import random
import socket
import sqlite3
import threading
import time
from collections import namedtuple

import pytest

import servers
import wire
from plant import ATTENTION, CHANNELS, LIMIT_S, WAITS, Plant, encode, seed

WINDOW_S, INTERVAL_S = 300, 5
INSTANCE = 0xf11e5
PER_PACKET = 200
ZONE_S = 7 * 3600
DECIMALS = {"NUO": 4, "KHI": 2}
PARAMETERS = {"NUO": ("COD", "pH"), "KHI": ("SO2",)}
SYMBOLS = {"COD": "COD", "pH": "pH", "SO2": "SO2"}
# what a window is like: all there; a spill, which is reported; nothing; every second one lost
ALL, SPILL, SILENT, HALF = "all", "spill", "silent", "half"
COURSE = (ALL, SPILL, SILENT, HALF, ALL, ALL)
STATIONS = """\
stations:
  - name: NUO
    file: LS_MILL_NUO
    destination: data
    directory: NUO/%Y/%m/%d
    parameters: [{channel: outfall/COD, symbol: COD}, {channel: outfall/pH, symbol: pH}]
  - name: KHI
    file: LS_MILL_KHI
    destination: data
    form: one-line
    line-end: crlf
    decimals: 2
    missing: "///"
    parameters: [{channel: stack/SO2, symbol: SO2}]
"""

Window = namedtuple("Window", "start_s kind values")


# ---- what was measured ----

def words_of(request, values):
    words = [0] * request.count
    for name in CHANNELS:
        function, address, registers = encode(name, values[name])
        for i, word in enumerate(registers):
            if function == request.function and 0 <= address + i - request.address < request.count:
                words[address + i - request.address] = word
    return words


def shown(rng, kind):
    """What the instruments show: numbers that a float32 and a tenth hold exactly."""
    cod = 200 if kind == SPILL else 50
    return {"COD": cod + rng.randrange(-160, 160) / 8, "pH": 7 + rng.randrange(-64, 64) / 128,
            "NH4": 2.0, "Reads": rng.randrange(1000), "SO2": rng.randrange(500, 1500) / 10}


class Poller(threading.Thread):
    """Hands readings to the core, and what is not acknowledged again whenever that comes back."""

    def __init__(self, plant, n_windows, rng):
        super().__init__(daemon=True)
        self.path, self.rng = str(plant.run / "poller.sock"), rng
        self.packets, self.acked, self.seq = [], 0, 0  # [(last number, packet)]
        self.windows, self.over, self.requests = [], threading.Event(), []
        self.planned = threading.Event()
        now_us = time.time_ns() // 1000
        self.boot_us = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000 - now_us
        self.next_s = (now_us // 10**6 // WINDOW_S - n_windows) * WINDOW_S
        self.start()
        assert self.planned.wait(LIMIT_S), "no plan came"

    def readings_at(self, at_us, values, status):
        for request in self.requests if values else ():
            self.seq += 1
            yield wire.Reading(self.seq, request.key, self.boot_us + at_us, at_us, 1000, status, 0,
                               words_of(request, values) if status == wire.OK else [], 0,
                               request.count)
        self.seq += 1
        yield wire.Reading(self.seq, 0, self.boot_us + at_us, at_us, 0, wire.OK, 0, [])

    def tell(self, *kinds):
        """A window of each kind passes, and is over at the end."""
        readings = []
        for kind in kinds:
            window = Window(self.next_s, kind, [])
            for i in range(WINDOW_S // INTERVAL_S):
                lost = kind == HALF and i % 2
                values = None if kind == SILENT else shown(self.rng, kind)
                at_us = (window.start_s + INTERVAL_S * i) * 10**6 + 500_000
                readings += self.readings_at(at_us, values, wire.TIMEOUT if lost else wire.OK)
                if values and not lost:
                    window.values.append(values)
            self.windows.append(window)
            self.next_s += WINDOW_S
        readings += self.readings_at(self.next_s * 10**6, None, wire.OK)
        for i in range(0, len(readings), PER_PACKET):
            part = readings[i:i + PER_PACKET]
            self.packets.append((part[-1].seq, wire.readings_packet(part)))

    def serve(self, link):
        link.send(wire.hello_packet(wire.ROLE_POLLER, INSTANCE, 0, self.acked + 1))
        requests = []
        while not isinstance(message := link.receive(), wire.PlanEnd):
            if message is None:
                return
            if isinstance(message, list) and isinstance(message[0], wire.Request):
                requests += message
        self.requests = requests
        self.planned.set()
        n_sent = 0
        while not self.over.is_set():
            for last, packet in self.packets[n_sent:]:
                n_sent += 1
                if last > self.acked:
                    link.send(packet)
            if n_sent:  # once more, or the core would find us silent
                link.send(self.packets[n_sent - 1][1])
            link.sock.settimeout(0.2)
            with contextlib.suppress(TimeoutError):
                message = link.receive()
                if message is None:
                    return
                if isinstance(message, wire.Ack):
                    self.acked = max(self.acked, message.seq)
            link.sock.settimeout(LIMIT_S)

    def run(self):
        while not self.over.is_set():
            with contextlib.suppress(OSError), wire.connect(self.path, LIMIT_S) as link:
                self.serve(link)
            time.sleep(0.02)

    def stop(self):
        self.over.set()
        self.join(LIMIT_S)


# ---- what the files must be ----

def name_of(station, start_s):
    local = time.gmtime(start_s + WINDOW_S + ZONE_S)
    day = time.strftime("NUO/%Y/%m/%d/", local) if station == "NUO" else ""
    return f"{day}LS_MILL_{station}_{time.strftime('%Y%m%d%H%M%S', local)}.txt"


def expected_names(poller):
    return sorted(name_of(station, window.start_s) for station in PARAMETERS
                  for window in poller.windows)


def check_content(station, window, body):
    """Form as configured, and the mean of what the instruments showed."""
    end = b"\r\n" if station == "KHI" else b"\n"
    assert body.endswith(end) and body.count(b"\r") == (1 if station == "KHI" else 0)
    fields = body.decode()[:-len(end)].replace("\n", "\t").split("\t")
    rows = [fields[i:i + 5] for i in range(0, len(fields), 5)]
    stamp = name_of(station, window.start_s)[-18:-4]
    assert len(rows) == len(PARAMETERS[station])
    for name, (symbol, value, unit, at, status) in zip(PARAMETERS[station], rows):
        assert (symbol, unit, at) == (SYMBOLS[name], CHANNELS[name][5], stamp)
        assert status == ("00" if window.kind in (ALL, SPILL) else "02"), body
        if window.kind == SILENT:
            assert value == ("---" if station == "NUO" else "///")
            continue
        mean = math.fsum(values[name] for values in window.values) / len(window.values)
        places = DECIMALS[station]
        assert len(value.partition(".")[2]) <= places
        assert abs(float(value) - mean) <= 0.5 * 10**-places + 1e-9, (name, value, mean)


def check_files(plant, server, poller):
    """Every window has its files on the server, each as the outbox has it, and nothing else."""
    assert not plant.entries("readings.lost", "poller.silent")
    files = server.files()
    assert sorted(files) == expected_names(poller)
    bodies = {ident.removeprefix("file:data/"): body if isinstance(body, bytes) else body.encode()
              for ident, body in plant.query(
                  "SELECT webhook_id, body FROM outbox WHERE lane = 2")}
    assert bodies == files
    for window in poller.windows:
        for station in PARAMETERS:
            check_content(station, window, files[name_of(station, window.start_s)])
    for station in PARAMETERS:  # what was written first is the oldest
        names = [name_of(station, window.start_s) for window in poller.windows]
        written = [(server.root / name).stat().st_mtime_ns for name in names]
        assert written == sorted(written), station


def waiting(plant):
    return plant.query("SELECT count(*) FROM outbox WHERE lane = 2 AND state <> 'sent'")[0][0]


def until_composed(plant, poller):
    n = len(expected_names(poller))
    plant.until(lambda: plant.query("SELECT count(*) FROM outbox WHERE lane = 2") == [(n,)],
                f"{n} files in the outbox")


def until_sent(plant, poller):
    until_composed(plant, poller)
    plant.until(lambda: waiting(plant) == 0, "all files are delivered")


def check_reports(plant, *types):
    """The incident was told to its receiver, whatever became of the files."""
    types = types or ("incident.opened", "incident.ended")
    plant.until(lambda: set(types) <= set(plant.receiver.types()), "the incident's reports")
    plant.until(lambda: not plant.query(
        f"SELECT 1 FROM outbox WHERE lane < 2 AND {WAITS}"),
                "no report waits")


# ---- plants and servers ----

MAKERS = {"ftp": servers.FtpServer, "ftpes": lambda: servers.FtpServer(tls=True),
          "sftp": servers.SftpServer}


@pytest.fixture(name="server", scope="module", params=list(MAKERS))
def fixture_server(request):
    with MAKERS[request.param]() as it:
        yield it


@pytest.fixture(name="ftp", scope="module")
def fixture_ftp():
    with servers.FtpServer() as it:
        yield it


@contextlib.contextmanager
def plant_for(server, url=None, password=servers.Server.password):
    """Core, sender and receiver, and a destination for files; the server is empty."""
    for path in sorted(server.root.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    with Plant(None, interval=f"{INTERVAL_S}s", timeout="1s", lost_after="10min") as plant:
        plant.configure(extra=STATIONS)
        more = ""
        if isinstance(server, servers.SftpServer):
            more = ", host-key: data-host"
            (plant.credentials / "data-host").write_text(server.known_hosts)
        elif server.ca:
            more = ", ca: data-ca"
            (plant.credentials / "data-ca").write_bytes(server.ca.read_bytes())
        set_password(plant, password)
        path = plant.config / "wastewatch.yaml"
        path.write_text(path.read_text() + f'  - {{name: data, url: "{url or server.url}", user: '
                        f'{server.user}, password: data-password{more}}}\n')
        plant.start("receiver", "core", "sender")
        poller = None
        try:
            plant.until(lambda: plant.status().get("pid") == plant.processes["core"].pid,
                        "the core is up")
            poller = Poller(plant, len(COURSE), seed())
            yield plant, poller
        finally:
            if poller:
                poller.stop()


def set_password(plant, password):
    (plant.credentials / "data-password").write_text(password + "\n", encoding="utf-8")


# ---- the tests ----

def test_half_an_hour(server):
    """The server is down for the first half and the core is killed meanwhile: oldest first, each
    once, and right to the last place."""
    server.stop()
    with plant_for(server) as (plant, poller):
        try:
            poller.tell(*COURSE[:3])
            until_composed(plant, poller)
            plant.until(lambda: plant.query("SELECT 1 FROM outbox WHERE lane = 2 AND attempts > 0"),
                        "an attempt has failed")
            done = plant.command("status")
            assert done.returncode == ATTENTION
            assert f"{2 * 3} data files wait to be delivered, since 20" in done.stdout
            check_reports(plant, "incident.opened")
            poller.tell(*COURSE[3:])
            plant.kill("core")  # somewhere in between
        finally:
            server.start()
        plant.start("core")
        until_sent(plant, poller)
        check_files(plant, server, poller)
        check_reports(plant)
        plant.check_chain()
        assert not plant.entries("report.held")
        plant.until(lambda: "data files wait" not in plant.command("status").stdout,
                    "nothing waits any more")


def test_core_is_killed_while_files_are_delivered(ftp):
    with plant_for(ftp) as (plant, poller):
        poller.tell(*COURSE)
        for n in (1, 4, 8):
            plant.until(lambda n=n: len(ftp.files()) >= n, f"{n} files have arrived")
            plant.kill("core")
            plant.start("core")
        until_sent(plant, poller)
        check_files(plant, ftp, poller)
        check_reports(plant)
        plant.check_chain()


class Gate:
    """Between sender and FTP server: lets commands through until one begins with what is held."""

    def __init__(self, port, held):
        self.port, self.held, self.reached = port, held, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ftp://127.0.0.1:{self.listener.getsockname()[1]}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near = self.listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self.port), LIMIT_S)
            except OSError:
                return
            far.settimeout(None)
            for pair in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._copy, args=pair, daemon=True).start()

    def _copy(self, source, sink, is_command):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if is_command and self.held and data.startswith(self.held):
                    self.reached.set()
                    continue
                sink.sendall(data)
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.close()


@pytest.mark.parametrize("held", [b"STOR", b"RNFR", b"RNTO"])
def test_sender_is_killed_in_the_middle_of_an_upload(ftp, held):
    """No file, or a part of one, under its own name; then the whole one comes."""
    gate = Gate(ftp.port, held)
    with contextlib.closing(gate), plant_for(ftp, gate.url) as (plant, poller):
        poller.tell(*COURSE)
        assert gate.reached.wait(LIMIT_S), plant.logs()
        plant.kill("sender")
        assert not [name for name in ftp.files() if name.endswith(".txt")]
        gate.held = None
        plant.start("sender")
        until_sent(plant, poller)
        check_files(plant, ftp, poller)
        check_reports(plant)


def test_wrong_password_is_said_once(ftp):
    with plant_for(ftp, password="wrong") as (plant, poller):
        poller.tell(*COURSE)
        held = plant.until_entry("report.held", name="data")
        until_composed(plant, poller)
        check_reports(plant)
        plant.reload()  # asks again, and is refused again
        plant.until(lambda: plant.query("SELECT 1 FROM outbox WHERE lane = 2 AND attempts > 1"),
                    "refused once more")
        assert "the server refused some" in " ".join(plant.command("status").stdout.split())
        assert not ftp.files()
        n_held = len(plant.entries("report.held"))
        assert n_held <= len(PARAMETERS)  # the first of each station
        set_password(plant, ftp.password)
        plant.reload()
        until_sent(plant, poller)
        check_files(plant, ftp, poller)
        assert len(plant.entries("report.held")) == n_held
        told = plant.until_entry("report.delivered", report=held["report"])
        assert told["name"] == "data"


def test_an_altered_file_is_held_and_the_others_go(ftp):
    """S9: a value changed in a file that waits: verify names it, it is not uploaded, the rest is."""
    ftp.stop()
    with plant_for(ftp) as (plant, poller):
        try:
            poller.tell(*COURSE[:3])
            until_composed(plant, poller)
            plant.stop("core")
            ident, body = plant.query("SELECT webhook_id, body FROM outbox WHERE lane = 2"
                                      " ORDER BY id LIMIT 1")[0]
            changed = body[:-2] + chr(ord(body[-2]) ^ 1) + body[-1]
            with contextlib.closing(sqlite3.connect(plant.state / "record.db")) as db, db:
                db.execute("UPDATE outbox SET body = ? WHERE webhook_id = ?", (changed, ident))
            said = json.loads(plant.command("verify", "--json", str(plant.state)).stdout)
            assert not said["good"] and said["fault"] == "report" and ident in said["text"]
        finally:
            ftp.start()
        plant.start("core")
        told = plant.until_entry("report.altered")
        assert told["report"] == ident and told["name"] == "data"
        plant.until(lambda: waiting(plant) == 1, "the others are delivered")
        assert plant.query("SELECT state, body FROM outbox WHERE webhook_id = ?", ident) == \
            [("stopped", changed)]
        name = ident.rpartition("/")[2]
        names = {path.rpartition("/")[2] for path in ftp.files()}
        assert name not in names and len(names) == len(expected_names(poller)) - 1
        plant.until(lambda: plant.status().get("health") is False, "its health is bad")
