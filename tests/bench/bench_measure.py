# SPDX-License-Identifier: Apache-2.0
"""Processes and their cost; the plant and what it saw."""

import os
import select
import signal
import struct
import subprocess
import time

PLANT_CPU, CLIENT_CPU = 1, 0  # pinned, so that one does not pay for the other
PATIENCE_S = 30
ARRIVAL = struct.Struct("<qII")
SECOND_US = 1_000_000
SLICES = 10  # of a window
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """Something could not be started or has ended on its own."""


class Process:
    """A child on one processor, with its cost so far."""

    def __init__(self, name, command, log, cpu=CLIENT_CPU, **kwargs):
        self.name = name
        self.log = open(log, "ab")  # pylint: disable=consider-using-with
        try:
            self.popen = subprocess.Popen(  # pylint: disable=consider-using-with
                [str(x) for x in command], stderr=self.log,
                preexec_fn=lambda: os.sched_setaffinity(0, {cpu % os.cpu_count()}),
                **{"stdin": subprocess.DEVNULL, "stdout": self.log, **kwargs})
        except OSError as error:
            raise BenchError(f"{name}: {error}") from error

    def check(self):
        if self.popen.poll() is not None:
            raise BenchError(f"{self.name} has ended with {self.popen.returncode}; "
                             f"see {self.log.name}")

    def cpu_us(self):
        """User and system time. The kernel's clock of a process: see clock_getcpuclockid(3)."""
        self.check()
        return time.clock_gettime_ns(~self.popen.pid << 3 | 2) / 1000

    def rss_kib(self):
        with open(f"/proc/{self.popen.pid}/status", encoding="ascii") as file:
            return next(int(x.split()[1]) for x in file if x.startswith("VmRSS"))

    def line(self):
        if not select.select([self.popen.stdout], [], [], PATIENCE_S)[0]:
            raise BenchError(f"{self.name} says nothing; see {self.log.name}")
        text = self.popen.stdout.readline().decode()
        if not text:
            self.popen.wait(PATIENCE_S)
            self.check()
        return text.split()

    def end(self):
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        self.log.close()


def busy_us(cpu):
    """Time that a processor has not been idle, for whomever, stolen time with it."""
    with open("/proc/stat", encoding="ascii") as file:
        ticks = next(x.split()[1:9] for x in file if x.startswith(f"cpu{cpu} "))
    return sum(int(x) for i, x in enumerate(ticks) if i not in (3, 4)) * SECOND_US / TICKS_PER_S


class Plant(Process):
    """bench-plant and its commands."""

    def __init__(self, program, n_links, directory):
        super().__init__("plant", [program, n_links], directory / "plant.log", PLANT_CPU,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.dump_path = directory / "arrivals"
        words = self.line()
        if words[0] != "port":
            raise BenchError(f"plant says {words}")
        self.port = int(words[1])

    def tell(self, *words):
        self.check()
        self.popen.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        self.popen.stdin.flush()
        answer = self.line()
        if answer[0] != "ok":
            raise BenchError(f"plant says {answer}")
        return [int(x) for x in answer[1:]]

    def observe(self, window_s, costs):
        """Watch for window_s seconds; costs is a list of processes."""
        start_us, boot_us = self.tell("reset")
        clocks = [p.cpu_us for p in costs] + [lambda: busy_us(CLIENT_CPU)]
        samples = [[clock() for clock in clocks]]
        for _ in range(SLICES):
            time.sleep(window_s / SLICES)
            samples.append([clock() for clock in clocks])
        end_us = time.time_ns() // 1000
        self.tell("dump", self.dump_path)
        return Observation(self.dump_path.read_bytes(), start_us, end_us, start_us - boot_us,
                           samples, [p.rss_kib() for p in costs])


def percentile(values, p):
    """The smallest value that at least p per cent of all are not above; None without any."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * p // 100) - 1)] if ordered else None


class Observation:
    """What the plant saw in one window, and what it cost the clients."""

    def __init__(self, data, start_us, end_us, boot_offset_us, samples, rss_kib):
        self.start_us, self.end_us = start_us, end_us
        self.boot_offset_us = boot_offset_us  # wall minus boot clock
        # per process, what each slice of the window cost; last, the processor as a whole
        *self.slices, busy = [[b - a for a, b in zip(x, x[1:])] for x in zip(*samples)]
        used = sum(map(sum, self.slices))
        self.others_percent = 100 * max(0, sum(busy) - used) / (end_us - start_us)
        self.rss_kib = rss_kib
        self.polls = {}  # unit -> times of its polls
        self.registers = self.requests = 0
        for at_us, unit, registers in ARRIVAL.iter_unpack(data):
            if not start_us <= at_us < end_us:
                continue
            self.registers += registers
            self.requests += 1
            times = self.polls.setdefault(unit, [])
            # requests of one poll follow each other at once, polls are a second apart
            if not times or at_us - times[-1][1] > SECOND_US // 3:
                times.append([at_us, at_us])
            times[-1][1] = at_us

    def seconds(self):
        return (self.end_us - self.start_us) / SECOND_US

    def reads(self):
        """Reads of ten registers."""
        return self.registers / 10

    def per_read_us(self, process):
        """CPU per read of the cheapest, the median and the dearest slice; None without reads.

        The median counts: a virtual machine's host makes single slices several times dearer.
        """
        if not self.reads():
            return None
        share = self.reads() / SLICES
        costs = sorted(x / share for x in self.slices[process])
        return costs[0], percentile(costs, 50), costs[-1]

    def first_times(self, unit):
        return [first for first, _ in self.polls.get(unit, [])]

    def missed(self, units):
        """Turns that units did not get, of one a second."""
        n = 0
        for unit in units:
            times = self.first_times(unit)
            if not times:
                n += int(self.seconds())
                continue
            n += sum(max(0, round((b - a) / SECOND_US) - 1) for a, b in zip(times, times[1:]))
            n += int((times[0] - self.start_us) / SECOND_US / 1.05)
            n += int((self.end_us - times[-1]) / SECOND_US / 1.05)
        return n

    def jitter_us(self, units):
        """How far the time between two polls of a unit is from a second."""
        return [abs(b - a - SECOND_US) for unit in units
                for times in [self.first_times(unit)] for a, b in zip(times, times[1:])]

    def late_us(self, plan, units):
        """How long after their due time polls arrived; plan: unit -> phase, on the boot clock."""
        return [(t - self.boot_offset_us - plan[unit]) % SECOND_US
                for unit in units for t in self.first_times(unit)]
