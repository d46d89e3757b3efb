# SPDX-License-Identifier: Apache-2.0
"""The core with a hundred thousand reports that wait: how long it takes to start, what memory it
takes, how fast they go, and how long a new emergency takes to its first attempt meanwhile.
They are put into a record that an older version has left, so their hashes come into the chain
piece by piece behind the first start, once; the budget is of the first start and of one behind it.

    bench_outbox.py [--build DIR] [--reports N]     alone, without the rest of the benchmark
"""

import argparse
import contextlib
import http.server
import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))

N_REPORTS = 100_000
BODY_BYTES = 2000
KINDS = ("opened", "updated", "ended", "closed")
ROUNDS = 5
DRAIN_S = 15
RATE = 600  # a minute; the default of rate-per-minute
BURST = 10
START_BUDGET_S, RSS_BUDGET_MIB, EMERGENCY_BUDGET_MS, WAL_BUDGET_MIB = 2, 2, 250, 17
OLD = Path(__file__).resolve().parents[1] / "data" / "records" / "v4.sql"


class Department(http.server.ThreadingHTTPServer):
    """Accepts everything; when each incident was first heard of, and how many reports came."""

    daemon_threads = True

    def __init__(self):
        self.first, self.n = {}, 0
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection to it."""

    def do_POST(self):  # pylint: disable=invalid-name
        at = time.time()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        with self.server.lock:
            self.server.n += 1
            if "data" in body:
                self.server.first.setdefault(body["data"]["incident"]["id"], at)

    def log_message(self, *args):  # pylint: disable=arguments-differ
        pass


def fill(path, n):
    """Of every incident four reports, as an outage of weeks leaves them."""
    body = json.dumps({"x": "x" * (BODY_BYTES - 8)})
    rows = ((f"backlog-{i}", "department", f"incident-{i // len(KINDS)}",
             f"incident.{KINDS[i % len(KINDS)]}", 1, 1795528800000, body) for i in range(n))
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA synchronous = OFF")
        db.executemany("INSERT INTO outbox(webhook_id, destination, incident, type, lane,"
                       " created_ms, body) VALUES(?, ?, ?, ?, ?, ?, ?)", rows)


def start_core(plant):
    """Seconds until the core says that it is ready."""
    from plant import program  # pylint: disable=import-outside-toplevel
    path = str(plant.dir / "notify")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, \
            open(plant.dir / "core.log", "ab") as log:
        notify.bind(path)
        notify.settimeout(60)
        begun = time.monotonic()
        plant.processes["core"] = subprocess.Popen(
            [program("wastewatchd"), *plant.core_arguments()], stdout=log, stderr=log,
            env={**plant.environment(), "NOTIFY_SOCKET": path})
        while b"READY=1" not in notify.recv(4096):
            pass
        return time.monotonic() - begun


def rss_mib(process):
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def emergency(plant, department):
    """Milliseconds from the entry of a new emergency to its first attempt at the receiver."""
    n = len(plant.entries("incident.opened"))
    plant.device.set(COD=900)
    opened = plant.until_entry("incident.opened", n + 1)
    plant.until(lambda: opened["incident"] in department.first, "it is told")
    at = plant.query("SELECT time_ms FROM entry WHERE seq = ?", opened["seq"])[0][0]
    plant.device.set(COD=50)
    plant.until_entry("incident.ended", n + 1)
    return department.first[opened["incident"]] * 1000 - at


def measure(n=N_REPORTS):
    """{what: (value, unit, budget, digits)}"""
    from plant import Device, Plant  # pylint: disable=import-outside-toplevel
    department = Department()
    url = f"http://127.0.0.1:{department.server_address[1]}/reports"
    with Plant(Device(), destinations=[("department", url, "limit")]) as plant:
        empty_s = start_core(plant)
        plant.start("poller")
        plant.until_good("mill/outfall/COD")
        empty_mib = rss_mib(plant.processes["core"])
        plant.stop("poller")
    with Plant(Device(), destinations=[("department", url, "limit")]) as plant:
        plant.broken_record = True  # the bodies of the backlog are no reports
        with contextlib.closing(sqlite3.connect(plant.state / "record.db")) as db:
            db.executescript(OLD.read_text(encoding="utf-8"))
            db.execute("PRAGMA journal_mode = WAL")
        fill(plant.state / "record.db", n)
        first_s = start_core(plant)  # none of their bodies is fixed by an entry yet
        begun, most = time.monotonic(), 0
        while not plant.query("SELECT 1 FROM meta WHERE key = 'legacy_done'"):
            most = max(most, (plant.state / "record.db-wal").stat().st_size)
            time.sleep(0.2)
        over_s = time.monotonic() - begun
        plant.stop("core")
        full_s = start_core(plant)
        plant.start("poller", "sender")
        plant.until_good("mill/outfall/COD")
        plant.until(lambda: department.n > BURST, "reports come")
        came, begun = department.n, time.monotonic()
        time.sleep(DRAIN_S)
        rate = (department.n - came) / (time.monotonic() - begun) * 60
        waits = [emergency(plant, department) for _ in range(ROUNDS)]
        full_mib = rss_mib(plant.processes["core"])
        return {
            "outbox empty: start until ready": (empty_s, "s", None, 2),
            f"outbox of {n:,}, unfixed: start until ready": (first_s, "s", START_BUDGET_S, 2),
            f"outbox of {n:,}, unfixed: all taken over": (over_s, "s", None, 0),
            f"outbox of {n:,}, unfixed: log meanwhile, at most":
                (most / 2**20, "MiB", WAL_BUDGET_MIB, 0),
            f"outbox of {n:,}: start until ready": (full_s, "s", START_BUDGET_S, 2),
            "outbox: RSS of the core more than when empty":
                (full_mib - empty_mib, "MiB", RSS_BUDGET_MIB, 1),
            f"outbox: delivered a minute, {RATE} allowed": (rate, "/min", None, 0),
            f"outbox: emergency's entry to attempt, worst of {ROUNDS}":
                (max(waits), "ms", EMERGENCY_BUDGET_MS, 0),
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--reports", type=int, default=N_REPORTS)
    options = parser.parse_args()
    os.environ["WASTEWATCH_BUILD"] = options.build
    for what, (value, unit, budget, digits) in measure(options.reports).items():
        verdict = "" if budget is None else "within" if value <= budget else "over"
        limit = "" if budget is None else f"{budget:,g} {unit}"
        print(f"{what:<50} {value:>10,.{digits}f} {unit:<5} {limit:>10} {verdict}".rstrip())


if __name__ == "__main__":
    main()
