# SPDX-License-Identifier: Apache-2.0
"""Two or three faults at once, drawn with a seed that is printed; all of it must be told after."""

import os
import random as randoms
import resource
import signal
import tempfile

import rig
from plant import Device

QUICK, LONG = 6, 200
DISK_BYTES = 8 << 20


class Faults:
    """Each breaks something while a plant runs; undo() mends all of it."""

    def __init__(self, plant, random):
        self.plant, self.random, self.undone = plant, random, []

    def disk_full(self):
        filler = self.plant.state / "filler"
        rig.fill(filler)
        self.undone.append(filler.unlink)

    def no_receiver(self):
        self.plant.kill("department")
        self.undone.append(self.plant.receiver.start)

    def receiver_hangs(self):
        process = self.plant.processes.get("department")
        if not process:
            return  # it is away already
        process.send_signal(signal.SIGSTOP)
        self.undone.append(lambda: process.send_signal(signal.SIGCONT))

    def clock_step(self):
        self.plant.clock(self.random.choice((-3600, 86400)))
        self.undone.append(lambda: self.plant.clock(0))

    def no_descriptor(self):
        if self.plant.is_over() or "core" not in self.plant.processes:
            return  # it has just been killed
        pid = self.plant.processes["core"].pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE,
                         (max(map(int, os.listdir(f"/proc/{pid}/fd"))) + 1, limits[1]))

        def mend():
            if not self.plant.is_over() and self.plant.processes["core"].pid == pid:
                resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        self.undone.append(mend)

    def killed(self):
        name = self.random.choice(("core", "poller", "sender"))
        if name in self.plant.processes and not self.plant.is_over(name):
            self.plant.kill(name)

    def no_memory(self):
        """The core starts again, and an allocation of its fails."""
        if not rig.SANITIZED:
            if "core" in self.plant.processes:
                self.plant.ended()
            self.plant.launch("core", LD_PRELOAD=f"{rig.preload('wallclock')} "
                              f"{rig.preload('failing')}", WALLCLOCK=str(self.plant.dir / "clock"),
                              FAIL_AT=str(int(3000 * 10 ** self.random.random())))
            self.undone.append(self.no_failing_core)

    def no_failing_core(self):
        """The one whose allocation may yet fail ends with the fault; finish() starts another."""
        if "core" in self.plant.processes:
            self.plant.ended()

    def undo(self):
        for mend in reversed(self.undone):
            mend()


ALL = ("disk_full", "no_receiver", "receiver_hangs", "clock_step", "no_descriptor", "killed",
       "no_memory")


def start(plant):
    plant.clock(0)
    plant.start_with_clock("receiver", "core", "poller", "sender")
    plant.until_good("mill/outfall/COD")


def finish(plant):
    for name in ("core", "poller", "sender"):
        if name not in plant.processes or plant.is_over(name):
            plant.processes.pop(name, None)
            plant.launch(name, **plant.clock_environment())
    plant.finish()


def broken(plant, random, names):
    faults = Faults(plant, random)
    for name in names:
        getattr(faults, name)()
    if plant.is_over() or "core" not in plant.processes:
        plant.processes.pop("core", None)
        plant.launch("core", **plant.clock_environment())
    plant.device.set(COD=220)
    plant.gone_or(lambda: plant.query("SELECT 1 FROM incident WHERE state = 'open'"), 5)
    plant.device.set(COD=50)
    plant.gone_or(lambda: plant.entries("incident.ended"), 3)
    faults.undo()


def several(arguments):
    names, seed = arguments
    random = randoms.Random(seed)
    with tempfile.TemporaryDirectory(prefix="ww-full-") as disk, \
            rig.small_tmpfs(disk, DISK_BYTES), \
            rig.Rig(Device(), incident_clear="1s", report_interval="1s",
                    state=f"{disk}/state") as plant:
        start(plant)
        try:
            broken(plant, random, names)
            finish(plant)
        except AssertionError as error:
            raise AssertionError(f"{' and '.join(names)}, seed {seed}: {error}") from None
    return len(names)


def test_disk_full_and_no_receiver():
    """C1, S7: nothing can be stored and nothing be told; when both are back it is both."""
    rig.need_root()
    rig.figures("disk-and-receiver", several((("disk_full", "no_receiver"), 1)))


def test_several_at_once():
    """C3: full disk, lost or hanging receiver, clock, descriptors, memory, kill -9: any of these."""
    rig.need_root()
    random, seed = rig.new_seed("several")
    draws = [(tuple(random.sample(ALL, random.choice((2, 3)))), random.getrandbits(31))
             for _ in range(rig.amount(QUICK, LONG))]
    injected = rig.in_parallel(several, draws, 3)
    rig.figures("several", sum(injected), draws=len(draws), violations=0, seed=seed)
