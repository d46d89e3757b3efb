# SPDX-License-Identifier: Apache-2.0
"""Descriptors, threads, processor time and a slow disk; signals by the hundred; a dump."""

import os
import resource
import signal
import subprocess
import sys
import time

import pytest
import rig
from plant import Device

PROGRAMS = ("core", "poller", "sender")
STORM, STOPS = 300, 12


@pytest.fixture(name="plant")
def make_plant():
    with rig.Rig(Device(), incident_clear="1s", report_interval="1s") as plant:
        yield plant


def open_descriptors(pid):
    return sorted(int(name) for name in os.listdir(f"/proc/{pid}/fd"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_descriptor_is_free(plant, name):
    """R3: none is free during a spill: what can go on does, and all is well when there are some."""
    plant.start()
    pid = plant.processes[name].pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (max(open_descriptors(pid)) + 1, hard))
    cpu_before = cpu_s(pid)
    plant.device.drop()  # whoever polls must connect again, and cannot
    plant.watch(name)
    if not plant.is_over(name):
        assert cpu_s(pid) - cpu_before < 5, "a busy loop"
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    plant.finish()
    rig.figures(f"descriptors-{name}", 1)


def cpu_s(pid):
    fields = open(f"/proc/{pid}/stat", encoding="ascii", errors="replace").read().rsplit(")")[1]
    return sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("name", ["core", "sender"])
def test_no_thread_can_be_started(plant, name):
    """R4: the attempt fails and is made again, or the program ends with a word."""
    rig.need_plain_allocator()
    lock = plant.dir / "no-thread"
    lock.touch()
    plant.configure(destinations=[("department", plant.receiver.url.replace("127.0.0.1",
                                                                            "localhost"), "limit")])
    plant.start(*{"receiver", *PROGRAMS} - {name})
    plant.launch(name, LD_PRELOAD=rig.preload("nothread"), NOTHREAD=str(lock))
    plant.watch(name)
    status = plant.processes[name].poll()
    assert status in (None, 1), f"{status}\n{plant.log(name)}"
    assert status is None or plant.log(name).strip()
    lock.unlink()
    if status is not None:
        plant.ended(name)
    plant.finish()
    rig.figures(f"threads-{name}", 1, ended_with_a_word=int(status is not None))


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
    slowed = log.read_text().count("DELAYED") or log.read_text().count("fdatasync(")
    plant.ended()
    plant.finish()
    rig.figures("slow-disk", slowed)


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
    for _ in range(STOPS):
        assert plant.stop() == 0, plant.log()
        plant.start_core()
        time.sleep(random.uniform(0, 0.4))
    plant.finish()
    rig.figures("stops", STOPS, seed=seed)


def test_no_dump_holds_a_key(plant):
    """H12: whatever the limit says, an abort of the core leaves no dump of its memory."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        plant.start("core")
        plant.until(plant.status, "it runs")
        pid = plant.processes["core"].pid
        os.kill(pid, signal.SIGABRT)
        _, status = os.waitpid(pid, 0)
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    plant.processes.pop("core").returncode = -signal.SIGABRT
    assert os.WTERMSIG(status) == signal.SIGABRT and not os.WCOREDUMP(status)
    rig.figures("dump", 1)
