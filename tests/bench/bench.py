#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The benchmark: 1,000 Modbus TCP units on 500 links at 1 Hz, ten registers each.

Prints one table, each row with its budget (ARCHITECTURE.md) and "within" or "over", and at its end
those that are over. It is no test: it exits 0 whatever the numbers are, as the machine may have had
other work, and 1 only where something could not be started; with --strict 3 where one is over.

Absolute figures move by a third from run to run on shared machines; the ratios to the bare
epoll client (epc), which reads the same devices at the same instants in the same run, do not.
"""

import argparse
import contextlib
import http.server
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import bench_config as config
import bench_outbox
import bench_rtu
from bench_measure import PATIENCE_S, PLANT_CPU, BenchError, Plant, Process, percentile

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
import wire  # noqa: E402  pylint: disable=wrong-import-position

SETTLE_S = 4
DEAD_PERCENT, DEAD_SETTLE_S = 30, 10
HIGH, NORMAL = 0x4348, 0x4248  # upper words of 200.0 and 50.0 as float32
LATENCY_BUDGET_MS = 1000 * config.INTERVAL_S + 250
YEARS = 5  # runs of the year
COLLECTD = "/usr/sbin/collectd"


class Table:
    """Rows as they come, printed at once so that an interrupted run is worth something."""

    def __init__(self):
        print(f"{'what':<50} {'value':>12} {'budget':>14}", flush=True)
        self.n_budgets, self.over = 0, []

    def row(self, what, value, unit, budget=None, digits=0):
        if value is None:
            text, verdict = "none", "over" if budget is not None else ""
        else:
            text = f"{value:,.{digits}f} {unit}"
            verdict = "" if budget is None else "within" if value <= budget else "over"
        limit = "" if budget is None else f"{budget:,g} {unit}"
        self.n_budgets += budget is not None
        if verdict == "over":
            self.over.append(f"{what}: {text}, budget {limit.strip()}")
        print(f"{what:<50} {text:>12} {limit:>14} {verdict}".rstrip(), flush=True)

    def head(self, text):
        print(f"\n{text}", flush=True)

    def end(self):
        self.head(f"{len(self.over)} of {self.n_budgets} budgets are over")
        for line in self.over:
            print(f"  {line}", flush=True)


class Receiver(http.server.ThreadingHTTPServer):
    """A department that accepts everything and notes when; (time, body) per report."""

    daemon_threads = True

    def __init__(self):
        self.reports = []
        self.arrived = threading.Condition()
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def wait_for(self, words, patience_s):
        """When a report with these words in it was accepted; None it did not come."""
        def found():
            return next((t for t, body in self.reports if all(w in body for w in words)), None)

        with self.arrived:
            self.arrived.wait_for(found, patience_s)
            return found()


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection to the receiver."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):  # pylint: disable=invalid-name
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(204)
        self.end_headers()
        with self.server.arrived:
            self.server.reports.append((time.time(), body))
            self.server.arrived.notify_all()

    def log_message(self, *args):  # pylint: disable=arguments-differ
        pass


class Bench:  # pylint: disable=too-many-instance-attributes
    """One run: the directory, the plant, what it measures."""

    def __init__(self, options, directory):
        self.options = options
        self.directory = directory
        self.programs = Path(options.build)
        self.table = Table()
        self.receiver = Receiver()
        self.plant = Plant(self.programs / "bench/plant", options.links, directory)
        self.config = directory / "config"
        self.n_sites = config.write_wastewatch(self.config, options.links, self.plant.port,
                                               self.receiver.server_address[1])
        self.units = range(options.links * config.UNITS_PER_LINK)
        self.plan = subprocess.run([self.programs / "bench/plan", self.config], check=False,
                                   stdout=subprocess.PIPE, text=True).stdout
        self.phases = self.read_phases()
        self.epc_us = []
        self.poller_us = None

    def read_phases(self):
        """Unit -> phase; the plan has one request for each, or the comparison is not fair."""
        phases = {}
        for line in self.plan.splitlines()[1:]:
            words = line.split()
            phases[int(words[0]) * config.UNITS_PER_LINK + int(words[3]) - 1] = int(words[5])
        if len(phases) != len(self.units) or len(self.plan.splitlines()) != len(phases) + 1:
            raise BenchError("the plan does not have one request per unit")
        return phases

    def start(self, name, *command, **kwargs):
        return Process(name, command, self.directory / f"{name}.log", **kwargs)

    def start_with_plan(self, name, *command, cpu=0):
        """A program that takes the plan on standard input and then says that it runs."""
        plan = self.directory / "plan"
        plan.write_text(self.plan, encoding="ascii")
        with open(plan, "rb") as file:
            process = self.start(name, *command, cpu=cpu, stdin=file, stdout=subprocess.PIPE)
        process.line()
        return process

    def report(self, name, seen, units=None, with_plan=True, budgets=False):
        """The rows that every client has."""
        units = self.units if units is None else units
        t = self.table
        t.row(f"{name}: reads of 10 registers per s", seen.reads() / seen.seconds(), "/s")
        t.row(f"{name}: missed turns", seen.missed(units), "", 0 if budgets else None)
        jitter = seen.jitter_us(units)
        for p in (50, 99, 100):
            value = percentile(jitter, p)
            t.row(f"{name}: jitter {'max' if p == 100 else f'p{p}'}",
                  None if value is None else value / 1000, "ms",
                  20 if budgets and p == 99 and len(units) == len(self.units) else None, 2)
        t.row(f"{name}: rest of its processor was busy for others", seen.others_percent, "%")
        if with_plan:
            late = percentile(seen.late_us(self.phases, units), 99)
            t.row(f"{name}: behind its due time, p99", None if late is None else late / 1000,
                  "ms", None, 2)

    def cost(self, what, seen, process, budget=None):
        """CPU per read: median of the window's slices, then the spread; return the median."""
        costs = seen.per_read_us(process)
        if costs is None:
            self.table.row(what, None, "us", budget)
            return None
        self.table.row(what, costs[1], "us", budget, 1)
        self.table.row("  cheapest tenth of the window", costs[0], "us", None, 1)
        self.table.row("  dearest tenth of the window", costs[2], "us", None, 1)
        return costs[1]

    def run_epc(self):
        epc = self.start_with_plan("epc", self.programs / "bench/epc")
        try:
            time.sleep(SETTLE_S)
            seen = self.plant.observe(self.options.window, [epc])
        finally:
            epc.end()
        self.table.head("epc, bare epoll client")
        self.epc_us.append(self.cost("epc: CPU per read", seen, 0))
        self.report("epc", seen)

    def ratio(self, what, value_us, budget=None):
        base = [x for x in self.epc_us if x]
        if value_us and base:  # the lower: what disturbs a run makes it dearer
            self.table.row(what, value_us / min(base), "x", budget, 2)

    def start_ours(self):
        """Core (or its stand-in), poller, sender."""
        runtime = self.directory / "run"
        runtime.mkdir()
        core = self.programs / "wastewatchd"
        if self.options.fake_core or not core.exists():
            fake = Path(__file__).with_name("bench_core.py")
            processes = [self.start_with_plan("core", sys.executable, fake, runtime,
                                              cpu=PLANT_CPU)]
        else:
            (self.directory / "state").mkdir()
            processes = [self.start("core", core, "--bus", "none", "--config",
                                    self.config, "--state",
                                    self.directory / "state", "--runtime", runtime,
                                    "--credentials", self.config / "credentials")]
        names = ["poller"] + (["sender"] if self.has_core(processes) else [])
        for name in names:
            processes.append(self.start(name, self.programs / f"wastewatch-{name}", "--runtime",
                                        runtime))
        return processes

    def has_core(self, processes):
        return processes[0].popen.args[0] != sys.executable

    def run_ours(self):
        processes = self.start_ours()
        try:
            time.sleep(2 * SETTLE_S)
            seen = self.plant.observe(self.options.window, processes)
            self.report_ours(processes, seen)
            if self.has_core(processes):
                self.measure_latency()
            self.measure_dead(processes)
        finally:
            for p in reversed(processes):
                p.end()

    def report_ours(self, processes, seen):
        t = self.table
        real = self.has_core(processes)
        t.head("wastewatch" if real else "wastewatch-poller with a stand-in for the core")
        self.poller_us = self.cost("poller: CPU per read", seen, 1)
        self.ratio("poller: CPU per read against epc", self.poller_us, 1.5)
        self.report("poller", seen, budgets=True)
        if real:
            self.cost("core: CPU per reading (5 values)", seen, 0, 10)
        total = 0
        for p, rss in zip(processes, seen.rss_kib):
            if p.name != "core" or real:
                t.row(f"{p.name}: RSS", rss / 1024, "MiB", None, 1)
                total += rss
        if real:
            t.row("all three: RSS", total / 1024, "MiB", 32, 1)

    def measure_latency(self):
        """From a changed register to the receiver's 2xx, once per site: each opens an incident."""
        rng = random.Random(1)
        latencies, lost = [], 0
        for site in range(min(self.options.flips, self.n_sites)):
            time.sleep(rng.uniform(0.05, 0.55))
            link = site * config.LINKS_PER_SITE + rng.randrange(
                min(config.LINKS_PER_SITE, self.options.links - site * config.LINKS_PER_SITE))
            unit = link * config.UNITS_PER_LINK + rng.randrange(config.UNITS_PER_LINK)
            [at_us] = self.plant.tell("set", unit, 2 * rng.randrange(config.CHANNELS), HIGH, 0)
            accepted = self.receiver.wait_for([b"incident.opened",
                                               config.site_name(site).encode()], 10)
            if accepted is None:
                lost += 1
            else:
                latencies.append(accepted * 1000 - at_us / 1000)
        t = self.table
        t.row("changed register to 2xx, reports that came", len(latencies), "")
        t.row("changed register to 2xx, reports that did not", lost, "", 0)
        t.row("changed register to 2xx, p50", percentile(latencies, 50), "ms")
        t.row("changed register to 2xx, p99", percentile(latencies, 99), "ms", LATENCY_BUDGET_MS)

    def measure_dead(self, processes):
        [n_dead] = self.plant.tell("dead", DEAD_PERCENT)
        time.sleep(DEAD_SETTLE_S)
        seen = self.plant.observe(self.options.window, processes)
        self.plant.tell("dead", 0)
        alive = [u for u in self.units if u * 7919 % 100 >= DEAD_PERCENT]  # as in plant.c
        self.table.head(f"{n_dead} units do not answer; rows are of the others")
        self.report("poller", seen, alive, budgets=True)
        self.cost("poller: CPU per read", seen, 1)

    def run_collectd(self):
        if not Path(COLLECTD).exists():
            print("\ncollectd is not installed (Debian: collectd-core); no rows")
            return
        conf = config.write_collectd(self.directory, self.options.links, self.plant.port)
        collectd = self.start("collectd", COLLECTD, "-f", "-C", conf)
        try:
            time.sleep(2 * SETTLE_S)
            seen = self.plant.observe(self.options.window, [collectd])
        finally:
            collectd.end()
        t = self.table
        t.head("collectd, modbus plugin: a value of 2 registers per request, none written")
        per_read = self.cost("collectd: CPU per read (5 requests)", seen, 0)
        t.row("collectd: requests per read", seen.requests / max(seen.reads(), 1), "", None, 1)
        self.ratio("collectd: CPU per read against epc", per_read)
        self.report("collectd", seen, with_plan=False)
        t.row("collectd: RSS", seen.rss_kib[0] / 1024, "MiB", None, 1)
        if per_read and self.poller_us:
            t.row("poller: CPU per read against collectd", self.poller_us / per_read, "x", 1, 2)

    def print_numbers(self, *command):
        """What a bench program prints, as numbers; words between them are left out."""
        done = subprocess.run([str(x) for x in command], stdout=subprocess.PIPE, text=True,
                              check=False)
        if done.returncode != 0:
            raise BenchError(f"{command[0]} has ended with {done.returncode}")
        return [float(word.strip(",")) for word in done.stdout.split()
                if word[0].isdigit()]

    def run_rtu(self):
        """The poller on a line at 9,600 baud; then its machine alone, in simulated time."""
        runtime = self.directory / "line"
        runtime.mkdir()
        rates, most = bench_rtu.measure(
            lambda: self.start("line", self.programs / "wastewatch-poller", "--runtime", runtime),
            runtime, self.options.window)
        t = self.table
        t.head("a serial line, 9,600 baud 8E1, ten units of ten registers, asked for more than it "
               "bears")
        t.row("line: reads per s", sum(rates.values()), "/s", None, 2)
        t.row("line: the most that bits and silence leave room for", most, "/s", None, 2)
        t.row("line: used of that", 100 * sum(rates.values()) / most, "%", None, 1)
        t.row("line: slowest unit of the fastest", 100 * min(rates.values()) /
              max(rates.values()), "%", None, 1)
        reads, of, _, worst_us, _ = self.print_numbers(self.programs / "bench/line", 9600, 10, 3,
                                                       10)
        t.row("line, simulated, 3 of 10 units dead: used", 100 * reads / of, "%", None, 1)
        t.row("line, simulated, 3 of 10 units dead: longest interval", worst_us / 1e6, "s", None,
              2)

    def run_year(self):
        directory = self.directory / "year"
        config.write_year(directory)
        # others on the machine only add to it, so the cheapest run says most of the code
        seconds, minutes, alarms, incidents = min(
            self.print_numbers(self.programs / "bench/year", directory) for _ in range(YEARS))
        bare = self.directory / "bare"
        config.write_year(bare, limits=False)
        [bare_s, *_] = min(self.print_numbers(self.programs / "bench/year", bare)
                           for _ in range(YEARS))
        t = self.table
        t.head("the core's code alone: a year of one channel at 1 Hz, decode to alarm")
        t.row("year: minute values", minutes, "")
        t.row("year: alarms raised", alarms, "")
        t.row("year: incidents opened", incidents, "")
        t.row(f"year: CPU, the cheapest of {YEARS}", seconds, "s", 2, 2)
        t.row("decode and windows alone, without limits: per value", bare_s * 1e9 / 31_536_000,
              "ns", None, 0)

    def run_assess(self):
        borders = sorted((Path(__file__).resolve().parents[2] / "conf/boundaries").glob("*.geojson"))
        spent_ms, points, _ = self.print_numbers(self.programs / "bench/assess", *borders)
        t = self.table
        t.head("where a release may reach: 40 sources, 6 stabilities, the whole land border")
        t.row("assess: borders that lie downwind of a source", points, "")
        t.row("assess: CPU", spent_ms, "ms", 50, 2)

    def minutes(self, *words):
        """Lines of numbers that bench-minutes prints."""
        done = subprocess.run([self.programs / "bench/minutes", *map(str, words)],
                              stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"bench/minutes {words[0]} has ended with {done.returncode}")
        return [list(map(float, line.split())) for line in done.stdout.splitlines()]

    def start_with_a_year(self, directory):
        """Seconds from the start of a core to the plan at a poller, which then begins to read."""
        (directory / "run").mkdir()
        subprocess.run([self.programs / "wastewatch", "keygen", "--config", directory / "conf",
                        "--credentials", directory], check=True, stdout=subprocess.DEVNULL)
        began = time.monotonic()
        core = self.start("year-core", self.programs / "wastewatchd", "--bus", "none",
                          "--config", directory / "conf", "--state", directory / "state",
                          "--runtime", directory / "run", "--credentials", directory)
        path = str(directory / "run/poller.sock")
        try:
            while time.monotonic() < began + PATIENCE_S:
                core.check()
                with contextlib.suppress(OSError), wire.connect(path, PATIENCE_S) as link:
                    link.send(wire.hello_packet(wire.ROLE_POLLER))
                    while not isinstance(message := link.receive(), wire.PlanEnd):
                        if message is None:
                            raise BenchError("the core has closed the connection")
                    return time.monotonic() - began
                time.sleep(0.005)
            raise BenchError("the core sends no plan")
        finally:
            core.end()

    def run_outbox(self):
        if not (self.programs / "wastewatchd").exists():
            return
        os.environ["WASTEWATCH_BUILD"] = str(self.programs.resolve())
        self.table.head(f"the outbox after a long outage: {bench_outbox.N_REPORTS:,} reports of "
                        f"{bench_outbox.BODY_BYTES:,} bytes wait")
        for what, (value, unit, budget, digits) in bench_outbox.measure().items():
            self.table.row(what, value, unit, budget, digits)

    def run_minutes(self):
        directory = self.directory / "minutes"
        channel = config.write_minutes(directory / "conf", 40)
        many = self.directory / "many"
        config.write_minutes(many / "conf", 4000)
        for path in (directory / "state", many / "state"):
            path.mkdir()
        t = self.table
        t.head("the record: a year of minutes of 40 channels, 100,000 entries")
        [[rows, size]] = self.minutes("fill", directory / "conf", directory / "state", 100_000)
        t.row("minutes: rows", rows, "")
        t.row("minutes: size per row, entries included", size / rows, "bytes", None, 1)
        t.row("start with a year of minutes and 100,000 entries",
              self.start_with_a_year(directory), "s", 2, 2)
        [opened], [year], [day], [last] = self.minutes("read", directory / "conf",
                                                       directory / "state", channel)
        t.row("minutes: open the record", opened, "ms", None, 1)
        t.row("minutes: one channel's year in hours", year, "ms", None, 0)
        t.row("minutes: one channel's day in minutes", day, "ms", None, 1)
        t.row("minutes: all channels' last day, to rebuild windows", last, "ms", None, 0)
        shutil.rmtree(directory / "state")
        [[rows, size, median, longest]] = self.minutes("write", many / "conf", many / "state", 6)
        t.head("six hours of minutes of 4,000 channels, a commit each, packing included")
        t.row("minutes: written to the disk per row", size / rows, "bytes", None, 0)
        t.row("minutes: commit, median", median, "ms", None, 1)
        t.row("minutes: commit, longest", longest, "ms", None, 1)
        shutil.rmtree(many / "state")

    def run(self):
        began = time.monotonic()
        self.run_epc()
        self.run_ours()
        self.run_collectd()
        self.run_epc()
        self.table.head("epc was measured before and after; the cheaper run counts")
        self.ratio("poller: CPU per read against epc", self.poller_us, 1.5)
        self.run_rtu()
        self.run_year()
        self.run_assess()
        self.run_minutes()
        self.run_outbox()
        self.table.end()
        print(f"\n{time.monotonic() - began:.0f} s; {os.cpu_count()} processors, "
              f"plant on number {PLANT_CPU}, clients on 0")

    def end(self):
        self.plant.end()
        self.receiver.shutdown()


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="directory with the programs (build)")
    parser.add_argument("--links", type=int, default=500, help="links, two units each (500)")
    parser.add_argument("--window", type=float, default=20, help="seconds per measurement (20)")
    parser.add_argument("--flips", type=int, default=30, help="incidents for the latency (30)")
    parser.add_argument("--fake-core", action="store_true", help="measure the poller alone")
    parser.add_argument("--strict", action="store_true", help="exit 3 where a budget is over")
    parser.add_argument("--keep", action="store_true", help="keep the directory and its logs")
    return parser.parse_args()


def main():
    options = parse_options()
    directory = Path(tempfile.mkdtemp(prefix="wastewatch-bench-"))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bench, keep = None, options.keep
    try:
        bench = Bench(options, directory)
        bench.run()
    except (BenchError, OSError) as error:
        print(f"bench: {error}; logs are in {directory}", file=sys.stderr)
        keep = True
        return 1
    finally:
        if bench:
            bench.end()
        if not keep:
            shutil.rmtree(directory)
    return 3 if options.strict and bench.table.over else 0


if __name__ == "__main__":
    sys.exit(main())
