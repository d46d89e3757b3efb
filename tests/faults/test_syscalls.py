# SPDX-License-Identifier: Apache-2.0
"""kill -9, EIO and ENOSPC at the k-th system call that touches the record, and in its recovery.

The driver lives a short life in simulated time (life.h), so it is known what the record holds
after each commit. After any fault it must hold exactly one of these states, none older than the
last one that was acknowledged.
"""

import concurrent.futures
import itertools
import os
import re
import shutil
import signal

import pytest
import rig

COMMITS = 12
KILL, EIO, ENOSPC = "signal=KILL", "error=EIO", "error=ENOSPC"
FAULTS = ((KILL, ""), (EIO, ""), (EIO, "+"), (ENOSPC, ""), (ENOSPC, "+"))
FILES = ("", "/record.db", "/record.db-wal", "/record.db-shm", "/record.db-journal",
         "/record.lock")
SYNCS = ("fdatasync", "fsync")
PLAIN_EXITS = (0, 1, -signal.SIGKILL)
QUICK, QUICK_RECOVERIES = 160, 24


@pytest.fixture(name="lives", scope="module")
def make_lives():
    rig.need_strace()
    with rig.Lives() as lives:
        yield lives


def strace(state, log, *arguments):
    command = ["strace", "-f", "-qq", "-y", "-o", str(log), *arguments]
    for name in FILES:
        command += ["-P", f"{state}{name}"]
    return command


class Case:
    """A record to begin with, and the states that it goes through from there."""

    def __init__(self, lives, directory, name, commits_before):
        self.lives, self.name = lives, name
        self.base = directory / name
        self.base.mkdir()
        if commits_before:
            assert lives.run(self.base, commits_before).returncode == 0
        reference = directory / f"{name}-reference"
        shutil.copytree(self.base, reference)
        self.marks = lives.marks(reference, COMMITS)
        self.is_new = commits_before == 0
        if self.is_new:  # the log's id is drawn anew: how many entries and reports is all
            self.marks = ["0 0"] + [" ".join(mark.split()[:2]) for mark in self.marks[1:]]
        self.calls = self.count(directory / f"{name}-count")

    def count(self, state):
        """{system call: how often the life makes it}, as strace sees it"""
        shutil.copytree(self.base, state)
        log = f"{state}.log"
        done = self.lives.run_command(strace(state, log) + self.lives.command(state, COMMITS))
        assert done.returncode == 0, done.stderr
        calls = {}
        with open(log, encoding="utf-8", errors="replace") as lines:
            for match in (re.match(r"\d+ +(\w+)\(", line) for line in lines):
                if match:
                    calls[match[1]] = calls.get(match[1], 0) + 1
        return calls

    def points(self):
        return [(self, call, k, fault) for call, n in sorted(self.calls.items())
                for k in range(1, n + 1) for fault in FAULTS]

    def index_of(self, mark):
        """Number of the last commit with this state; None: there is none"""
        short = " ".join(mark.split()[:2]) if self.is_new else mark
        return max((i for i, m in enumerate(self.marks) if m == short), default=None)


def inject(case, state, log, call, k, fault, commits=COMMITS):
    """Run with one fault. Return: (done, was it injected).

    A failed sync ends the program. That of a directory need not where SQLite makes it (fdatasync):
    it does not look at the result, and record_open() makes one of its own (fsync) after it. Nor
    that of the last checkpoint, after the last commit: the log is kept then and counts.

    Without strace's --seccomp-bpf: with it, version 6.1 delivers no signal.
    """
    what, ever = fault
    done = case.lives.run_command(
        strace(state, log, "-e", f"trace={call}", "-e", f"inject={call}:{what}:when={k}{ever}") +
        case.lives.command(state, commits))
    assert done.returncode in PLAIN_EXITS, f"exit {done.returncode}\n{done.stderr}"
    if what == KILL:
        return done, done.returncode == -signal.SIGKILL
    with open(log, encoding="utf-8", errors="replace") as lines:
        hit = [line for line in lines if "INJECTED" in line]
    injected = bool(hit)
    if rig.told(done.stdout)[0] < commits and any(
            line.split()[1].startswith("fsync(") or f"{state}/" in line
            for line in hit if call in SYNCS):
        assert done.returncode == 1, "went on after a failed sync"
    assert done.returncode == 0 or done.stderr.strip(), "it ended without a word"
    return done, injected


def check_state(case, state, acked, sent):
    """The record is that of one commit, not before the last that was acknowledged."""
    mark, status = case.lives.check(state)
    if status == 4 or (status == 3 and case.is_new and acked == 0 and not sent):
        # the first start was not finished: no file, or one without tables yet
        assert case.is_new and acked == 0 and not sent, mark
        return
    assert status == 0, mark
    index = case.index_of(mark)
    assert index is not None, f"a state that no commit has left: {mark}"
    assert index >= acked, f"commit {acked} was acknowledged, {index} is there"
    rig.check_sent(state, sent)


def copy_of(directory):
    copy = directory.with_name("copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(directory, copy)
    return copy


def point(arguments):
    """One point: break it, look at what is left, start again. Return: was it injected?"""
    case, call, k, fault = arguments
    with rig.scratch() as directory:
        state = directory / "state"
        shutil.copytree(case.base, state)
        try:
            done, injected = inject(case, state, directory / "log", call, k, fault)
            acked, sent = rig.told(done.stdout)
            check_state(case, copy_of(state), acked, sent)
            again = case.lives.run(state, 2)
            assert again.returncode == 0, f"does not start again: {again.stderr}"
            mark, status = case.lives.check(state)
            assert status == 0, mark
            rig.check_sent(state, sent + rig.told(again.stdout)[1])
        except AssertionError as error:
            raise AssertionError(f"{case.name}: {call} {fault[0]} {k}{fault[1]}: {error}") from None
    return injected


def recovery(arguments):
    """Killed at one point, and a fault in the start after it. Return: was that injected?"""
    case, (call, k, _), (call_2, k_2, fault) = arguments
    with rig.scratch() as directory:
        state = directory / "state"
        shutil.copytree(case.base, state)
        try:
            done, _ = inject(case, state, directory / "log", call, k, (KILL, ""))
            acked, sent = rig.told(done.stdout)
            check_state(case, copy_of(state), acked, sent)
            entries = lines(state)
            done, injected = inject(case, state, directory / "log", call_2, k_2, fault, 2)
            sent += rig.told(done.stdout)[1]
            assert lines(state)[:len(entries)] == entries, "entries are gone or others"
            again = case.lives.run(state, 2)
            assert again.returncode == 0, f"does not start again: {again.stderr}"
            mark, status = case.lives.check(state)
            assert status == 0, mark
            assert lines(state)[:len(entries)] == entries, "entries are gone or others"
            rig.check_sent(state, sent + rig.told(again.stdout)[1])
        except AssertionError as error:
            raise AssertionError(f"{case.name}: killed at {call} {k}, then {call_2} {fault[0]} "
                                 f"{k_2}{fault[1]}: {error}") from None
    return injected


def lines(state):
    copy = copy_of(state)
    if not rig.query(copy, "SELECT 1 FROM sqlite_master WHERE name = 'entry'"):
        return []
    return rig.query(copy, "SELECT line FROM entry ORDER BY seq")


@pytest.fixture(name="cases", scope="module")
def make_cases(lives):
    def run_command(command):
        return rig.subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    lives.run_command = run_command
    with rig.scratch() as directory:
        yield [Case(lives, directory, "new", 0), Case(lives, directory, "later", 5)]


def run_all(function, points):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(function, points))


def test_every_call_of_a_commit(cases):
    """S1, S6: kill -9, EIO and ENOSPC at the k-th call of every system call, once and for ever."""
    random, seed = rig.new_seed("syscalls")
    points = [point for case in cases for point in case.points()]
    chosen = random.sample(points, min(rig.amount(QUICK, len(points)), len(points)))
    injected = run_all(point, chosen)
    if len(chosen) == len(points):  # and after the last call there is nothing to break
        beyond = [(case, call, n + 40, (EIO, "")) for case in cases
                  for call, n in case.calls.items()]
        assert run_all(point, beyond) == 0, "there are calls that were not counted"
    rig.figures("syscalls", injected, points=len(points), run=len(chosen), violations=0,
                calls=len({call for case in cases for call in case.calls}), seed=seed)
    assert injected >= len(chosen) * 0.9, "most of what was to be broken did not happen"


def test_every_call_of_a_recovery(cases):
    """S1, S6, C2: killed while it commits, and then a fault in the recovery from that."""
    random, seed = rig.new_seed("recovery")
    kills = [p[1:] for p in cases[1].points() if p[3][0] == KILL]
    calls = sorted(cases[1].calls)
    counts = {call: max(4, cases[1].calls[call] // COMMITS * 3) for call in calls}
    seconds = [(call, k, fault) for call in calls for k in range(1, counts[call] + 1)
               for fault in FAULTS]
    second = itertools.cycle(random.sample(seconds, len(seconds)))
    # twice each in a long run, after two kills that are drawn: all pairs would take weeks
    pairs, injected = rig.until_enough(
        recovery, lambda: (cases[1], random.choice(kills), next(second)),
        rig.amount(QUICK_RECOVERIES, 2 * len(seconds)), os.cpu_count())
    rig.figures("recovery", sum(injected), run=len(pairs), points=len(seconds), violations=0,
                seed=seed)
