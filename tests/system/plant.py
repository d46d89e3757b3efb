# SPDX-License-Identifier: Apache-2.0
"""A whole plant for tests: a device, a configuration, keys, the three programs, a receiver.

    with Plant(Device()) as plant:
        plant.start()
        plant.device.set(COD=200)
        plant.until(lambda: plant.types("incident.opened"))

Everything lives in a temporary directory with a short path (Unix sockets have 108 bytes) and
on ports that were free. Nothing sleeps for a fixed time: until() polls with a deadline.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [os.path.dirname(__file__), str(ROOT / "tests")]

import catalogs  # noqa: E402: found by the line above
import judge  # noqa: E402: found by the line above

BUILD = ROOT / os.environ.get("WASTEWATCH_BUILD", "build")
LIMIT_S = 20  # nothing waited for takes longer; only reached when something is broken
HAS_JOURNAL = os.path.exists("/run/systemd/journal/socket")  # then entries are not on stderr
WAITS = "state NOT IN ('sent', 'superseded', 'abandoned')"  # of a report in the outbox
MISSING, ATTENTION, DOWN, FORBIDDEN = 3, 4, 5, 6  # exit codes of "wastewatch"


def program(name):
    return str(BUILD / name)


def free_port():
    """A port that nobody listens on; nothing else here binds fixed ones."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def until(condition, what="condition", limit_s=LIMIT_S, pause_s=0.03, say=None):
    """Wait for a true value and return it."""
    deadline = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} not within {limit_s} s" + (f"\n{say()}" if say else ""))
        time.sleep(pause_s)


# ---- the device ----

# channel: (table, address, type, order, range, unit); float values unless said
CHANNELS = {
    "COD": ("input", 0, "float32", "ABCD", "[0, 1000]", "mg/l"),
    "pH": ("input", 2, "float32", "CDAB", "[0, 14]", ""),
    "NH4": ("holding", 10, "float32", "BADC", "[0, 100]", "mg/l"),
    "Reads": ("holding", 20, "uint32", "DCBA", "[0, 4000000000]", ""),
    "SO2": ("input", 8, "int16", "AB", "[0, 3000]", "mg/Nm3"),
}
SOURCES = {"outfall": ("liquid", ("COD", "pH", "NH4", "Reads")), "stack": ("gas", ("SO2",))}
_ORDERS = {"ABCD": (0, 1, 2, 3), "CDAB": (2, 3, 0, 1), "BADC": (1, 0, 3, 2), "DCBA": (3, 2, 1, 0),
           "AB": (0, 1)}


def encode(name, value):
    """(function, address, [register, ...]) of a channel's value; written apart from decode.c."""
    table, address, kind, order, _, _ = CHANNELS[name]
    shape = {"float32": ">f", "uint32": ">I", "int16": ">h"}[kind]
    raw = struct.pack(shape, round(value * 10) if kind == "int16" else value)
    raw = bytes(raw[i] for i in _ORDERS[order])
    words = list(struct.unpack(f">{len(raw) // 2}H", raw))
    return (4 if table == "input" else 3), address, words


NORMAL = {"COD": 50.0, "pH": 7.0, "NH4": 2.0, "Reads": 0, "SO2": 100.0}


class Device:
    """A Modbus TCP server of our own; it counts connections and requests.

    Registers change together under a lock, so that no request sees half a value. The channel
    Reads shows how often it has been read: a reading that is lost or counted twice shows.
    """

    def __init__(self, port=0, listener=None):
        self.listener = listener or socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.tables = {3: [0] * 64, 4: [0] * 64}
        self.n_connects = self.n_requests = self.n_reads = 0
        self.requests = []  # (function, address, count), the first thousand
        self.open = set()
        self.exception = 0
        self.set(**NORMAL)
        threading.Thread(target=self._accept, daemon=True).start()

    def set(self, **values):
        with self.lock:
            for name, value in values.items():
                function, address, words = encode(name, value)
                self.tables[function][address:address + len(words)] = words

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.n_connects += 1
                self.open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while len(head := self._take(connection, 12)) == 12:
                tid, _, _, unit, function, address, count = struct.unpack(">HHHBBHH", head)
                connection.sendall(self._answer(tid, unit, function, address, count))
        except OSError:
            pass
        with self.lock:
            self.open.discard(connection)
        connection.close()

    @staticmethod
    def _take(connection, n):
        data = b""
        while len(data) < n:
            piece = connection.recv(n - len(data))
            if not piece:
                break
            data += piece
        return data

    def _answer(self, tid, unit, function, address, count):
        with self.lock:
            self.n_requests += 1
            if len(self.requests) < 1000:
                self.requests.append((function, address, count))
            if self.exception:
                return struct.pack(">HHHBBB", tid, 0, 3, unit, function | 0x80, self.exception)
            first = CHANNELS["Reads"][1]
            if function == 3 and address <= first < address + count:
                self.n_reads += 1
                words = encode("Reads", self.n_reads)[2]
                self.tables[3][first:first + 2] = words
            words = self.tables[function][address:address + count]
        return struct.pack(f">HHHBBB{count}H", tid, 0, 3 + 2 * count, unit, function, 2 * count,
                           *words)

    def drop(self):
        """End all connections; the poller may come again."""
        with self.lock:
            for connection in self.open:
                with contextlib.suppress(OSError):  # the other end may have gone first
                    connection.shutdown(socket.SHUT_RDWR)

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.drop()


# ---- the configuration ----

MAIN = """\
origin: test-cluster
timezone: "+07:00"
incident-clear: {incident_clear}
report-interval: {report_interval}
{main}destinations:
{destinations}"""

DESTINATION = ('  - {{name: {name}, url: "{url}", hmac-secret: {name}-secret, '
               'min-class: {min_class}}}\n')

SITE = """\
site: mill
title: Nhà máy giấy
cluster: Test
commune: Cao Lộc
province: Lạng Sơn
position: [21.87, 106.79]
links:
  - {{name: line, tcp: "127.0.0.1:{port}", connect-timeout: 500ms, backoff: [50ms, 300ms]}}
{links}units:
  - {{name: analyser, link: line, id: 1, interval: {interval}, timeout: {timeout}}}
{units}sources:
"""

LIMITS = {
    "outfall": (
        '{channel: COD, class: warning, high: 100, clear-delay: 200ms, deadband: 5, '
        'origin: "80 %"}',
        '{channel: COD, class: limit, high: 150, clear-delay: 200ms, deadband: 5, '
        'origin: "QCVN 40:2011/BTNMT, cột B", advice: "Close the gate."}',
        '{channel: COD, class: emergency, high: 300, clear-delay: 200ms, deadband: 10, '
        'origin: "operator"}',
        '{channel: pH, class: limit, low: 5.5, clear-delay: 200ms, origin: "permit"}',
        '{channel: NH4, class: limit, high: 10, clear-delay: 200ms, origin: "permit"}',
    ),
    "stack": ('{channel: SO2, class: limit, high: 500, clear-delay: 200ms, deadband: 10, '
              'origin: "permit"}',),
}


def channel_line(name, lost_after, unit="analyser"):
    table, address, kind, order, allowed, measure = CHANNELS[name]
    scale = ", scale: 0.1" if kind == "int16" else ""
    measure = f', unit: "{measure}"' if measure else ""
    return (f"      - {{name: {name}, from: {unit}, table: {table}, address: {address}, "
            f"type: {kind}, order: {order}, range: {allowed}{scale}{measure}, "
            f"lost-after: {lost_after}}}\n")


class Receiver:
    """wastewatch-receiver on a port of its own, restarted with other options at will."""

    def __init__(self, plant, name="department"):
        self.plant, self.name = plant, name
        self.port = free_port()
        self.store = plant.dir / f"{name}-store"

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/reports"

    def start(self, *options):
        self.plant.spawn(self.name, "wastewatch-receiver", "--listen", f"127.0.0.1:{self.port}",
                         "--store", str(self.store),
                         "--secret", str(self.plant.credentials / f"{self.name}-secret"),
                         "--public-key", str(self.plant.dir / "public-key"), "--json", *options)
        until(lambda: _listens(self.port), "the receiver listens", say=self.plant.logs)

    def index(self):
        """A line per genuine request, in the order of arrival."""
        path = self.store / "index.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def bodies(self):
        """{webhook-id: body}"""
        if not self.store.exists():
            return {}
        return {path.stem: path.read_bytes() for path in self.store.iterdir()
                if path.suffix in (".json", ".xml")}

    def reports(self):
        """What is held, oldest record head first."""
        reports = [json.loads(body) for body in self.bodies().values() if not judge.is_cap(body)]
        return sorted((r for r in reports if "stored" not in r["data"]),
                      key=lambda report: report["data"]["log"]["seq"])

    def unstored(self):
        """{webhook-id: data} of those that were sent without being stored."""
        bodies = {i: json.loads(b)["data"] for i, b in self.bodies().items() if not judge.is_cap(b)}
        return {i: data for i, data in bodies.items() if "stored" in data}

    def types(self, incident=None):
        return [report["type"] for report in self.reports()
                if incident in (None, report["data"]["incident"]["id"])]


def _listens(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


class Plant:
    """Options: interval, incident_clear, report_interval, lost_after; limits {source: lines}."""

    def __init__(self, device=None, **options):
        self.options = {"interval": "100ms", "timeout": "80ms", "incident_clear": "2s",
                        "report_interval": "1s", "lost_after": "1s", "limits": LIMITS,
                        "destinations": None, "links": "", "units": "", "extra": "",
                        "port": None, "bus": None, "main": "", "journal": None,
                        **options}
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ww-"))
        self.state = pathlib.Path(self.options.get("state") or self.dir / "state")
        self.config, self.run = self.dir / "conf", self.dir / "run"
        self.credentials = self.dir / "keys"
        for path in (self.state, self.config / "sites.d", self.run, self.credentials):
            path.mkdir(parents=True, exist_ok=True)
        self.device = device
        self.processes = {}
        self.receiver = Receiver(self)
        self.broken_reports = set()  # webhook-ids of those that the test has spoilt
        self.broken_record = False  # the test has put something else into its place
        self.configure()
        self.keygen()

    # -- files

    def configure(self, **changes):
        """(Re)write the configuration."""
        self.options.update(changes)
        o = self.options
        destinations = o["destinations"] or [("department", self.receiver.url, "limit")]
        self._write(self.config / "wastewatch.yaml", MAIN.format(
            **{**o, "destinations": "".join(DESTINATION.format(name=n, url=u, min_class=c)
                                            for n, u, c in destinations)}))
        port = o["port"] or (self.device.port if self.device else 1)
        text = SITE.format(**{**o, "port": port})
        for source, (kind, channels) in SOURCES.items():
            text += f"  - name: {source}\n    kind: {kind}\n    channels:\n"
            text += "".join(channel_line(name, o["lost_after"]) for name in channels)
            lines = o["limits"].get(source, ())
            if lines:
                text += "    limits:\n" + "".join(f"      - {line}\n" for line in lines)
        self._write(self.config / "sites.d" / "mill.yaml", text + o["extra"])

    @staticmethod
    def _write(path, text):
        """In one step: a reload may read it at any moment."""
        temporary = path.with_name(path.name + ".new")
        temporary.write_text(text, encoding="utf-8")
        temporary.rename(path)

    def keygen(self):
        done = self.command("keygen")
        assert done.returncode == 0, done.stderr
        (self.dir / "public-key").write_text(done.stdout.split()[-1] + "\n")

    # -- programs

    def spawn(self, name, prog, *arguments, under=(), **options):
        log = open(self.dir / f"{name}.log", "ab")
        with log:
            self.processes[name] = subprocess.Popen([*under, program(prog), *arguments], stderr=log,
                                                    stdout=log, stdin=subprocess.DEVNULL,
                                                    env=self.environment(), **options)
        return self.processes[name]

    @staticmethod
    def environment():
        """Without proxies and directories of a service manager."""
        return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8",
                **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")
                   or k in ("GCOV_PREFIX", "GCOV_PREFIX_STRIP")}}

    def core_arguments(self):
        return ("--bus", self.options["bus"] or "none", "--config", str(self.config), "--state",
                str(self.state), "--runtime", str(self.run), "--credentials",
                str(self.credentials), *(("--journal", str(self.options["journal"]))
                                         if self.options["journal"] else ()))

    def start_core(self, *under):
        """under: a program and its arguments that the core is run by, such as strace"""
        return self.spawn("core", "wastewatchd", *self.core_arguments(), under=under)

    def start_poller(self):
        return self.spawn("poller", "wastewatch-poller", "--runtime", str(self.run))

    def start_sender(self):
        return self.spawn("sender", "wastewatch-sender", "--runtime", str(self.run),
                          "--credentials", str(self.credentials))

    def start_one(self, name):
        return {"core": self.start_core, "poller": self.start_poller,
                "sender": self.start_sender}[name]()

    def start(self, *names):
        """The receiver and all three programs, or those named; waits until values come."""
        names = names or ("receiver", "core", "poller", "sender")
        if "receiver" in names:
            self.receiver.start()
        for name in names:
            if name != "receiver":
                self.start_one(name)
        if {"core", "poller"} <= set(names) and self.device:
            self.until_good("mill/outfall/COD")

    def kill(self, name, number=signal.SIGKILL):
        process = self.processes.pop(name)
        process.send_signal(number)
        return process.wait(LIMIT_S)

    def stop(self, name="core"):
        """An orderly stop. Return: the exit status."""
        return self.kill(name, signal.SIGTERM)

    def reload(self):
        self.processes["core"].send_signal(signal.SIGHUP)

    def command(self, *arguments, build="wastewatch", **options):
        """Run "wastewatch"; only the directories that the command line does not give."""
        given = {"--config": self.config, "--state": self.state, "--runtime": self.run,
                 "--credentials": self.credentials}
        for option, value in given.items():
            if option not in arguments:
                arguments += (option, str(value))
        return subprocess.run([program(build), *arguments], capture_output=True, text=True,
                              timeout=60, env=self.environment(), check=False, **options)

    def log(self, name="core"):
        path = self.dir / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def logs(self):
        lines = [f"--- {name}\n" + "\n".join(self.log(name).splitlines()[-15:])
                 for name in ("core", "poller", "sender")]
        try:
            lines += ["--- last entries"] + [str(entry) for entry in self.entries()[-12:]]
        except sqlite3.Error as error:
            lines.append(str(error))
        return "\n".join(lines)

    # -- what came of it

    def query(self, sql, *parameters):
        path = self.state / "record.db"
        if not path.exists():
            return []
        with _closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as db:
            return db.execute(sql, parameters).fetchall()

    def entries(self, *types):
        try:
            rows = self.query("SELECT line FROM entry ORDER BY seq")
        except sqlite3.OperationalError:  # before the first commit
            return []
        entries = [json.loads(line) for line, in rows]
        return [e for e in entries if not types or e["type"] in types]

    def types(self, *types):
        return [entry["type"] for entry in self.entries(*types)]

    def outbox(self):
        """[(webhook-id, state, attempts)] in the order of making"""
        return self.query("SELECT webhook_id, state, attempts FROM outbox ORDER BY id")

    def status(self):
        try:
            return json.loads((self.run / "status.json").read_text())
        except (OSError, ValueError):
            return {}

    def channel(self, path):
        for channel in self.status().get("channels", []):
            if channel["channel"] == path:
                return channel
        return {}

    def until(self, condition, what="condition", limit_s=LIMIT_S):
        return until(condition, what, limit_s, say=self.logs)

    def until_good(self, path):
        """A value that was measured after this call."""
        process = self.processes.get("core")

        def good():
            status = self.status()
            return status.get("pid") == process.pid and \
                self.channel(path).get("quality") == "good" and \
                self.channel(path).get("age_ms", 99999) < 2000
        return self.until(good, f"{path} is measured")

    def until_entry(self, entry, /, n=1, **fields):
        """The n-th entry of a type with these fields."""
        def found():
            entries = [e for e in self.entries(entry)
                       if all(e.get(k) == v for k, v in fields.items())]
            return entries[n - 1] if len(entries) >= n else None
        return self.until(found, f"entry {n} of {entry} {fields}")

    def until_quiet(self, limit_s=40):
        """All alarms cleared, incidents ended and reports delivered."""
        def quiet():
            standing = self.query("SELECT id FROM incident WHERE state = 'open' UNION ALL "
                                  "SELECT path FROM alarm WHERE raised")
            return not standing and not self.query(f"SELECT 1 FROM outbox WHERE {WAITS}")
        return self.until(quiet, "no alarm, no incident, an empty outbox", limit_s)

    def check_chain(self):
        """Recompute the hash chain as include/core/event.h defines it; return the last hash."""
        hexa = "0" * 64
        rows = self.query("SELECT seq, line, hash FROM entry ORDER BY seq")
        # behind one that was set aside the numbers go on
        goes_on = rows and list(self.state.glob("record.db.damaged-*")) and \
            json.loads(rows[0][1])["type"] == "record.created"
        for i, (seq, line, stored) in enumerate(rows, rows[0][0] if goes_on else 1):
            assert seq == i
            assert json.loads(line)["seq"] == seq
            assert line == json.dumps(json.loads(line), sort_keys=True, ensure_ascii=False,
                                      separators=(",", ":")), "not canonical"
            hexa = hashlib.sha256(f"wastewatch-log/1\n{hexa}\n{line}".encode()).hexdigest()
            assert stored.hex() == hexa, f"entry {seq}"
        return hexa

    def judge(self):
        """Every report of the record, and every one that a receiver holds; less what the test
        has named as broken by itself."""
        reports = [] if self.broken_record else \
            self.query("SELECT webhook_id, body FROM outbox"
                       " WHERE lane < 2 AND state <> 'superseded'")
        bodies = {body.encode() for ident, body in reports if ident not in self.broken_reports}
        for path in self.dir.glob("*-store/*"):
            if path.suffix in (".json", ".xml"):
                bodies.add(path.read_bytes())
        judge.judge(bodies)
        bare = {(entry["type"], field) for entry in ([] if self.broken_record else self.entries())
                for field in catalogs.missing(entry)}
        assert not bare, f"the journal's catalogs name fields that are not there: {sorted(bare)}"

    def close(self):
        for name in list(self.processes):
            process = self.processes.pop(name)
            process.kill()
            process.wait(LIMIT_S)
        if self.device:
            self.device.close()
        if not os.environ.get("WASTEWATCH_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.judge()
        finally:
            self.close()


class _closing:
    """sqlite3's own context manager does not close."""

    def __init__(self, db):
        self.db = db

    def __enter__(self):
        return self.db

    def __exit__(self, *_):
        self.db.close()


def check_all_told(plant):
    """What must hold at the end of every run, whatever was killed meanwhile.

    Every incident once, opened and ended; every alarm raised has been cleared; each report of
    the record is at the receiver, with one body, byte for byte; nothing is there that the
    record does not know.
    """
    plant.check_chain()
    entries = plant.entries()
    opened = [e["incident"] for e in entries if e["type"] == "incident.opened"]
    ended = [e["incident"] for e in entries if e["type"] == "incident.ended"]
    assert len(opened) == len(set(opened)), "an incident was opened twice"
    assert sorted(opened) == sorted(ended)
    assert sorted(opened) == sorted(i for i, in plant.query("SELECT id FROM incident"))
    standing = {}
    for entry in entries:
        key = (entry.get("source"), entry.get("channel"), entry.get("limit"))
        if entry["type"] == "alarm.raised":
            assert not standing.get(key), f"raised twice: {entry}"
            standing[key] = True
        elif entry["type"] == "alarm.cleared":
            assert standing.get(key), f"cleared without being raised: {entry}"
            standing[key] = False
    assert not any(standing.values())
    assert not plant.query(f"SELECT 1 FROM outbox WHERE {WAITS}")
    record = dict(plant.query("SELECT webhook_id, body FROM outbox WHERE state = 'sent'"))
    superseded = {i for i, in plant.query("SELECT webhook_id FROM outbox"
                                          " WHERE state = 'superseded'")}
    # one that was killed with its attempt under way may be there and yet be superseded
    held = {ident: body for ident, body in plant.receiver.bodies().items()
            if ident not in superseded and ident not in plant.receiver.unstored()}
    assert set(record) == set(held)
    assert all(held[ident] == body.encode() for ident, body in record.items())
    outcomes = {line["outcome"] for line in plant.receiver.index()}
    assert outcomes <= {"stored", "duplicate"}, outcomes
    delivered = plant.types("report.delivered")
    assert len(delivered) == len(record), "one entry per report"
    check_order(plant, opened)
    return opened


def check_order(plant, incidents):
    """First arrivals keep the order within an incident.

    A receiver that is killed between a body and its line of the index finds the body when the
    report comes again: its first line says "duplicate" then.
    """
    seqs = {}
    for report_id, body in plant.receiver.bodies().items():
        data = json.loads(body)["data"]
        if "stored" in data:
            continue
        seqs[report_id] = (data["incident"]["id"], data["incident"]["update"])
    first = dict.fromkeys(line["id"] for line in plant.receiver.index()
                          if line["outcome"] in ("stored", "duplicate") and line["id"] in seqs)
    for incident in incidents:
        arrived = [seqs[ident][1] for ident in first if seqs[ident][0] == incident]
        assert arrived == sorted(arrived), incident
        assert arrived and arrived[0] == 0


def seed():
    """A seed to print, and to give back by WASTEWATCH_SEED."""
    number = int(os.environ.get("WASTEWATCH_SEED", "0")) or 20110716
    print(f"WASTEWATCH_SEED={number}")
    return random.Random(number)
