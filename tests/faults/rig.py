# SPDX-License-Identifier: Apache-2.0
"""What the rigs share: how much, with which seed, on which disk, and what came of it.

Environment: LONG=1 every point instead of a sample; WASTEWATCH_SEED gives a printed seed back.
Every rig ends with figures(), which refuses a run that has injected nothing, prints what it did
and keeps it below BUILD/faults/ for `make fault-figures`.
"""

import concurrent.futures
import contextlib
import datetime
import fcntl
import functools
import hashlib
import json
import os
import pathlib
import platform
import random
import resource
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests" / "system"), str(HERE)]

from plant import BUILD, Plant, _closing, check_all_told  # noqa: E402: found by the line above

LONG = os.environ.get("LONG", "") not in ("", "0")
SANITIZED = bool(os.environ.get("WASTEWATCH_SANITIZE"))
DRIVER = str(BUILD / "faults" / "driver")
EXT4_IOC_SHUTDOWN, NOLOGFLUSH = 0x8004587D, 2  # linux: fs/ext4/ext4.h
SHM = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def preload(name):
    return str(BUILD / "faults" / f"{name}.so")


def amount(quick, long):
    """How many; WASTEWATCH_POINTS=n instead of LONG's, for a part of a long run."""
    return int(os.environ.get("WASTEWATCH_POINTS", long)) if LONG else quick


def new_seed(rig):
    """A random one for each run, so that over time all points are hit; printed."""
    number = int(os.environ.get("WASTEWATCH_SEED", "0")) or random.SystemRandom().getrandbits(31)
    print(f"{rig}: WASTEWATCH_SEED={number}")
    return random.Random(number), number


def figures(rig, injected, **numbers):
    """Print, keep, and fail where nothing was injected."""
    assert injected > 0, f"{rig} has injected nothing, so it proves nothing"
    numbers = {"injected": injected, **numbers}
    kept = {"rig": rig, "long": LONG, 
            "points": os.environ.get("WASTEWATCH_POINTS", ""), "date": datetime.date.today().isoformat(),
            "kernel": platform.release(), "sqlite": sqlite3.sqlite_version, "numbers": numbers}
    directory = BUILD / "faults"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{rig}.json").write_text(json.dumps(kept) + "\n", encoding="utf-8")
    line = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in numbers.items())
    text = f"figures {rig}: {line}"
    print(text)
    with open(directory / "figures.log", "a", encoding="utf-8") as log:
        log.write(f"{kept['date']} {text}\n")


# ---- what a machine may lack ----

def need_root():
    if os.geteuid() != 0:
        pytest.skip("needs root")


@functools.cache
def strace_works():
    if not shutil.which("strace"):
        return "strace is not installed"
    done = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"strace cannot trace here: {done.stderr.strip()}"


def need_strace():
    if strace_works():
        pytest.skip(strace_works())


def need_plain_allocator():
    if SANITIZED:
        pytest.skip("the sanitizers have an allocator of their own")


# ---- directories and disks ----

@contextlib.contextmanager
def scratch():
    """A directory in memory where there is one."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="ww-", dir=SHM))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()


class Disk:
    """A small ext4 in a file of its own, which can lose its power.

        with Disk() as disk:
            disk.root       # pathlib.Path
            disk.lose()     # what was not synced is gone; mounted again when it returns
    """

    def __init__(self, mib=48, inodes=None, directory=None):
        need_root()
        for program in ("mkfs.ext4", "mount"):
            if not shutil.which(program, path="/usr/sbin:/sbin:/usr/bin:/bin"):
                pytest.skip(f"{program} is not installed")
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="ww-disk-", dir=directory or SHM))
        self.root, self.image = self.directory / "m", self.directory / "image"
        self.root.mkdir()
        with open(self.image, "wb") as image:
            image.truncate(mib << 20)
        more = ["-N", str(inodes)] if inodes else []
        try:
            _run("mkfs.ext4", "-q", "-F", "-m", "0", *more, str(self.image))
            self.mount()
        except OSError as error:
            shutil.rmtree(self.directory, ignore_errors=True)
            pytest.skip(f"no ext4 on a loop device here: {error}")

    def mount(self):
        _run("mount", "-o", "loop", str(self.image), str(self.root))

    def power_off(self):
        """Nothing that is in memory gets to the disk from now on, not even the log's last part."""
        fd = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NOLOGFLUSH))
        except OSError as error:
            pytest.skip(f"no shutdown of a file system here: {error}")
        finally:
            os.close(fd)

    def power_on(self):
        """Whoever has begun a mount namespace meanwhile holds the disk as it was, and mount(8) would
        give it back: then it goes on with a copy of what it held."""
        _run("umount", str(self.root))
        if _run("losetup", "--associated", str(self.image)):
            copy = self.image.with_suffix(".copy")
            _run("cp", "--sparse=always", str(self.image), str(copy))
            copy.rename(self.image)
        self.mount()

    def read_only(self, on=True):
        _run("mount", "-o", "remount,ro" if on else "remount,rw", str(self.root))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", str(self.root)], check=False, capture_output=True)
        shutil.rmtree(self.directory, ignore_errors=True)


@contextlib.contextmanager
def small_tmpfs(path, size, inodes=None):
    """A tmpfs that can be full, of bytes or of files."""
    need_root()
    more = f",nr_inodes={inodes}" if inodes else ""
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={size}{more}", "none", str(path))
    except OSError as error:
        pytest.skip(f"no tmpfs can be mounted here: {error}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=False)


def fill(path):
    """Leave no byte free."""
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 20, 65536, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)


def fill_inodes(directory):
    """Leave no file to be made. Return: how many were made."""
    n = 0
    directory.mkdir()
    with contextlib.suppress(OSError):
        while True:
            (directory / str(n)).touch()
            n += 1
    return n


# ---- the driver ----

class Lives:
    """A configuration, a key, and the driver's commands; see driver.c."""

    def __init__(self):
        self.plant = Plant(None, interval="1s", incident_clear="10s", report_interval="8s",
                           lost_after="10s")
        self.config = str(self.plant.config)
        self.key = str(self.plant.credentials / "sign-key")

    def command(self, state, n, kind="run"):
        return [DRIVER, kind, self.config, self.key, str(state), str(n)]

    def run(self, state, n, kind="run", **options):
        return subprocess.run(self.command(state, n, kind), capture_output=True, text=True,
                              check=False, timeout=60, **options)

    @staticmethod
    def check(state):
        """("ENTRIES REPORTS SHA256" or what is wrong, exit status)"""
        done = subprocess.run([DRIVER, "check", str(state)], capture_output=True, text=True,
                              check=False, timeout=60)
        return done.stdout.strip(), done.returncode

    def marks(self, state, n):
        """[mark before the first commit, after it, …]; goes on with the record in @state."""
        first, status = self.check(state)
        done = self.run(state, n, "marks")
        assert done.returncode == 0, done.stdout + done.stderr
        acks = [line.split(" ", 2) for line in done.stdout.splitlines() if line[:4] == "ACK "]
        assert [int(ack[1]) for ack in acks] == list(range(1, n + 1))
        return [first if status == 0 else ""] + [ack[2] for ack in acks]

    def close(self):
        self.plant.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def told(output):
    """(commits acknowledged, [(webhook id, SHA-256 of the body)] handed out) of a driver."""
    lines = [line.split() for line in output.splitlines()]
    acks = [int(line[1]) for line in lines if line[0] == "ACK"]
    return max(acks, default=0), [(line[1], line[2]) for line in lines if line[0] == "SENT"]


def check_sent(state, sent):
    """What was handed out is in the record like that, or was replaced by a later report since."""
    for ident, sha in sent:
        rows = query(state, "SELECT body, state FROM outbox WHERE webhook_id = ?", ident)
        assert rows, f"{ident} was handed out and is not in the record"
        assert rows[0][1] == "superseded" or \
            hashlib.sha256(rows[0][0].encode()).hexdigest() == sha, f"{ident} is another report now"


@contextlib.contextmanager
def no_descriptors(pid):
    """None is free for this process meanwhile; yields a list: how often it was told so, after.

    Nor does one become free by a close(), as where others take what there is. Counted by strace,
    which the program runs under meanwhile.
    """
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    told_so = []
    with scratch() as directory:
        log = directory / "strace"
        tracer = subprocess.Popen(["strace", "-f", "-p", str(pid), "-o", str(log), "-Z",
                                   "-e", "trace=%desc,%network,%file"], stderr=subprocess.PIPE,
                                  text=True)
        try:
            if "attached" not in tracer.stderr.readline():
                raise ProcessLookupError(f"{pid} has ended")
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, hard))
            yield told_so
        finally:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
            tracer.send_signal(signal.SIGINT)  # lets go of it
            tracer.communicate()
            text = log.read_text(errors="replace")
            told_so += [line for line in text.splitlines() if "EMFILE" in line]


def query(state, sql, *parameters):
    with _closing(sqlite3.connect(f"file:{state}/record.db?mode=ro", uri=True)) as db:
        return db.execute(sql, parameters).fetchall()


# ---- the real programs ----

def children(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(child) for child in text.split()]


def state_of(pid):
    """One letter, as in proc(5)"""
    text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    return text.rsplit(")")[1].split()[0]


class Rig(Plant):
    """A plant whose programs can be started below strace or with something loaded into them."""

    def launch(self, name, before=(), **environment):
        prog, *arguments = {
            "core": ("wastewatchd", *self.core_arguments()),
            "poller": ("wastewatch-poller", "--runtime", str(self.run)),
            "sender": ("wastewatch-sender", "--runtime", str(self.run), "--credentials",
                       str(self.credentials)),
        }[name]
        with open(self.dir / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                [*before, str(BUILD / prog), *arguments], stderr=log, stdout=log,
                stdin=subprocess.DEVNULL, env={**self.environment(), **environment})
        return self.processes[name]

    def close(self):
        """What strace runs would outlive it."""
        for process in self.processes.values():
            for child in children(process.pid) if process.poll() is None else ():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
        super().close()

    # -- a clock that can be set

    def clock(self, offset_s):
        """Set the wall clock of what was launched with clock_environment()."""
        path = self.dir / "clock"
        path.with_suffix(".new").write_text(f"{offset_s:+d}\n", encoding="ascii")
        path.with_suffix(".new").rename(path)

    def clock_environment(self):
        return {"LD_PRELOAD": preload("wallclock"), "WALLCLOCK": str(self.dir / "clock")}

    def start_with_clock(self, *names):
        """All programs and, where it is named, the receiver, by this plant's own clock."""
        if "receiver" in names:
            real = self.environment
            self.environment = lambda: {**real(), **self.clock_environment()}
            self.receiver.start()
            self.environment = real
        for name in names:
            if name != "receiver":
                self.launch(name, **self.clock_environment())

    def is_over(self, name="core"):
        return name in self.processes and self.processes[name].poll() is not None

    def gone_or(self, condition, limit_s=20, name="core"):
        """Wait until the program has ended, or for the condition. Return: did either come?"""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            if self.is_over(name) or condition():
                return True
            time.sleep(0.05)
        return False

    def watch(self, name="core"):
        """A spill from beginning to end, or until the program ends. Return: was it seen?"""
        good = self.gone_or(lambda: self.channel("mill/outfall/COD").get("quality") == "good",
                            name=name)
        n = len(self.entries("incident.ended"))
        self.device.set(COD=220)
        opened = self.gone_or(lambda: self.entries("incident.opened"), name=name)
        self.device.set(COD=50)
        ended = self.gone_or(lambda: len(self.entries("incident.ended")) > n, name=name)
        return good and opened and ended

    def ended(self, name="core"):
        """Take a program away, ended or not. Return: its exit status, None it went on."""
        process = self.processes.pop(name)
        status = process.poll()
        if status is None:
            below = children(process.pid)  # of strace, which ends with them; else they would go on
            for child in below or [process.pid]:
                os.kill(child, signal.SIGKILL)
            process.wait()
        return status

    def finish(self):
        """Whatever happened: running again, a last spill, all of it told."""
        for name in ("core", "poller", "sender"):
            if name not in self.processes or self.is_over(name):
                self.processes.pop(name, None)
                self.start_one(name)
        self.device.set(COD=50, SO2=100)
        self.until_good("mill/outfall/COD")
        n = len(self.entries("incident.opened"))
        self.device.set(COD=220)
        self.until(lambda: len(self.entries("incident.opened")) > n or
                   self.query("SELECT 1 FROM incident WHERE state = 'open'"), "an incident")
        self.device.set(COD=50)
        # a minute with too few values, as after a step of the clock, ends with the minute, and only
        # then the incident; what waits for a receiver that was away is due within two
        self.until_quiet(150)
        self.until(lambda: len(self.types("report.delivered")) ==
                   sum(state == "sent" for _, state, _ in self.outbox()),
                   "all deliveries are entries")
        return check_all_told(self)


def in_parallel(function, items, workers=4):
    """Most of a plant's time is waiting."""
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, items))


FLOOR = 0.6  # of what is drawn must happen


def until_enough(function, draw, n, workers=4, happened=int, wanted=lambda point: 1):
    """n points that are drawn, and more as long as less than FLOOR of what those wanted has happened.

    A point may lie behind the last call or allocation that this run makes: the number is drawn, the
    load of the machine decides. So a few are missed in every run, but most of them never: then the
    rig does not break what it says. @happened: of a result; @wanted: of a point, how much it is.
    Return: (points, results).
    """
    points = [draw() for _ in range(n)]
    least = max(1, int(FLOOR * sum(map(wanted, points))))  # of two, one
    results = in_parallel(function, points, workers)
    while sum(map(happened, results)) < least and len(points) < 3 * n:
        more = [draw() for _ in range(max(1, n // 3))]
        results += in_parallel(function, more, workers)
        points += more
    got = sum(map(happened, results))
    assert got >= least or (not LONG and n < 6), f"of {len(points)} points {got} happened, {least} must: it proves little"
    return points, results
