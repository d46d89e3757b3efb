# SPDX-License-Identifier: Apache-2.0
"""Descriptors, threads, processor time and a slow disk; signals by the hundred; a dump."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import datetime

import pytest
import rig
from plant import Device
from test_sender import Sender, Server, answer

PROGRAMS = ("core", "poller", "sender")
STORM, STOPS = 300, 12
SUSPENDED_S = 8
NO_HOST = 6  # CURLE_COULDNT_RESOLVE_HOST


@pytest.fixture(name="plant")
def make_plant():
    with rig.Rig(Device(), incident_clear="1s", report_interval="1s") as plant:
        yield plant


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_descriptor_is_free(plant, name):
    """R3: none is free during a spill: what can go on does, and all is well when there are some."""
    rig.need_strace()
    plant.start()
    pid = plant.processes[name].pid
    cpu_before = cpu_s(pid)
    with rig.no_descriptors(pid) as told_so:
        plant.device.drop()  # whoever polls must connect again, and cannot
        if name == "core":
            plant.kill("poller")  # and the core has to take it in anew
            plant.start_poller()
        plant.watch(name)
        used_s = 0 if plant.is_over(name) else cpu_s(pid) - cpu_before
    assert used_s < 5, "a busy loop"
    plant.finish()
    rig.figures(f"descriptors-{name}", len(told_so))


def cpu_s(pid):
    fields = open(f"/proc/{pid}/stat", encoding="ascii", errors="replace").read().rsplit(")")[1]
    return sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")


def test_the_core_without_a_thread(plant):
    """R4: no thread can be started: it ends with a word, or does without."""
    rig.need_plain_allocator()
    lock = plant.dir / "no-thread"
    lock.touch()
    plant.start("receiver", "poller", "sender")
    plant.launch("core", LD_PRELOAD=rig.preload("nothread"), NOTHREAD=str(lock))
    plant.watch()
    refused = lock.stat().st_size
    status = plant.ended()
    assert status in (None, 1), f"{status}\n{plant.log()}"
    assert status is None or plant.log().strip()
    lock.unlink()
    plant.finish()
    rig.figures("threads-core", refused, ended_with_a_word=int(status is not None))


def test_the_sender_without_a_thread(tmp_path):
    """R4: libcurl's for a name cannot be started: that attempt fails, the next one is made."""
    rig.need_plain_allocator()
    lock = tmp_path / "no-thread"
    lock.touch()
    directory = tempfile.mkdtemp()
    sender = Sender(directory, {"LD_PRELOAD": rig.preload("nothread"), "NOTHREAD": str(lock)})
    try:
        with Server(answer(200)) as server:
            assert sender.attempt(b"https://receiver.invalid/reports").curl_code == NO_HOST
            refused = lock.stat().st_size
            assert sender.attempt(server.url()).http_status == 200, "one by its address goes on"
            lock.unlink()
            assert sender.attempt(b"https://receiver.invalid/reports").curl_code == NO_HOST
            assert sender.attempt(server.url()).http_status == 200
            assert not lock.exists()
    finally:
        sender.stop()
        shutil.rmtree(directory)
    rig.figures("threads-sender", refused)


def test_hardly_any_processor_time(plant):
    """R5: at the lowest priority beside busy loops: late, and nothing is lost."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"])
             for _ in range(os.cpu_count() * 2)]
    try:
        plant.receiver.start()
        for name in PROGRAMS:
            plant.launch(name, before=["nice", "-n", "19"])
        plant.until_good("mill/outfall/COD")
        assert plant.watch(), plant.logs()
        plant.finish()
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    assert not plant.entries("readings.lost")
    rig.figures("starved", len(loops))


def test_a_slow_disk(plant):
    """S12: every sync takes a fifth of a second: the devices are read as before."""
    rig.need_strace()
    plant.start("receiver", "poller", "sender")
    log = plant.dir / "strace"
    plant.launch("core", before=["strace", "-f", "-qq", "-o", str(log), "-e", "trace=fdatasync",
                                 "-e", "inject=fdatasync:delay_enter=200000"])
    plant.until(lambda: plant.channel("mill/outfall/COD").get("quality") == "good", "a value")
    began, n = time.monotonic(), plant.device.n_reads
    assert plant.watch(), plant.logs()
    elapsed_s = time.monotonic() - began
    assert plant.device.n_reads - n > elapsed_s * 10 / 2, "polled half as often as it should be"
    slowed = log.read_text().count("(DELAYED)")
    plant.ended()
    plant.finish()
    rig.figures("slow-disk", slowed)


def test_suspended_and_woken(plant):
    """T4: all that ran stands still for a while: a gap that is said, no burst of polls, no alarm.

    As in a suspend, devices and receivers go on, and so does CLOCK_BOOTTIME.
    """
    plant.start()
    pids = [plant.processes[name].pid for name in PROGRAMS]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    plant.until(lambda: time.monotonic() - began > SUSPENDED_S, "time goes by")
    n_asleep = plant.device.n_reads
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    woke = time.monotonic()
    plant.until(lambda: plant.device.n_reads > n_asleep + 10, "it is polled again")
    least_s = 0.1 * (plant.device.n_reads - n_asleep - 3)  # the interval; answers that waited
    assert time.monotonic() - woke > least_s * 0.8, "missed polls were made up for"
    gap = plant.until_entry("measurement.lost", channel="COD")
    back = plant.until_entry("measurement.restored", channel="COD")
    seconds = (datetime.fromisoformat(back["time"]) -
               datetime.fromisoformat(gap["since"])).total_seconds()
    assert SUSPENDED_S - 1 < seconds, "the gap begins with what was read last"
    assert not plant.entries("alarm.raised", "incident.opened", "clock.stepped"), plant.logs()
    assert all(plant.processes[name].poll() is None for name in PROGRAMS)
    plant.finish()
    rig.figures("suspended", len(pids), seconds=round(seconds))


@pytest.mark.parametrize("names", [*((name,) for name in PROGRAMS), PROGRAMS], ids="-".join)
def test_killed_for_lack_of_memory(plant, names):
    """R2: what the kernel kills in the middle of a spill, one or all, goes on where it was."""
    plant.start()
    plant.device.set(COD=220)
    plant.until_entry("incident.opened")
    processes = [plant.processes[name] for name in names]
    for process in processes:
        process.send_signal(signal.SIGKILL)
    killed = sum(plant.ended(name) == -signal.SIGKILL or process.wait() == -signal.SIGKILL
                 for name, process in zip(names, processes))
    plant.finish()
    unclean = [e for e in plant.entries("core.started") if "unclean" in e.get("reason", "")]
    assert len(unclean) == ("core" in names), plant.entries("core.started")
    rig.figures(f"memory-killed-{'-'.join(names)}", killed)


def test_signals_by_the_hundred(plant):
    """H4: SIGHUP again and again: the last configuration counts; nothing is lost."""
    plant.start()
    core = plant.processes["core"]
    for n in range(STORM):
        if n % 50 == 0:
            plant.configure(report_interval=f"{1 + n // 50}s")
        core.send_signal(signal.SIGHUP)
        time.sleep(0.002)
    plant.configure(report_interval="1s")
    core.send_signal(signal.SIGHUP)
    assert plant.watch(), plant.logs()
    assert core.poll() is None
    plant.finish()
    rig.figures("signals", STORM + 1, configurations=len(plant.entries("config.loaded")))


def test_stopped_in_every_state(plant):
    """H4: SIGTERM at any moment of a start and of a run ends it in order, within its time."""
    random, seed = rig.new_seed("stops")
    plant.start()
    plant.device.set(COD=220)
    said = ""
    for _ in range(STOPS):
        status = plant.stop()
        # before the first line of main() a signal ends a program as it does any
        assert status == 0 or (status == -signal.SIGTERM and plant.log() == said), plant.log()
        said = plant.log()
        plant.start_core()
        time.sleep(random.uniform(0, 0.4))
    plant.finish()
    rig.figures("stops", STOPS, seed=seed)


def test_no_dump_holds_a_key(plant):
    """H12: whatever the limit says, an abort of the core leaves no dump of its memory.

    The control: another program, at the same place under the same limit, leaves one.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        other = subprocess.Popen(["sleep", "60"], cwd=plant.dir)
        if not dumps(other):
            pytest.skip("no program leaves a dump here: see ulimit -Hc and core(5)")
        plant.start("core")
        plant.until(plant.status, "it runs")
        assert not dumps(plant.processes.pop("core"))
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    rig.figures("dump", 1, control_dumps=1)


def dumps(process):
    """Abort it. Return: was its memory dumped, as the kernel tells whoever waits for it?"""
    process.send_signal(signal.SIGABRT)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = -os.WTERMSIG(status)
    assert os.WTERMSIG(status) == signal.SIGABRT
    return os.WCOREDUMP(status)
