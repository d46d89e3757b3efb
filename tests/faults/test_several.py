# SPDX-License-Identifier: Apache-2.0
"""Two or three faults at once, drawn with a seed that is printed; all of it must be told after."""

import contextlib
import os
import random as randoms
import signal
import tempfile

import rig
from plant import Device

QUICK, LONG = 6, 200
DISK_BYTES = 8 << 20


class Faults:
    """Each breaks something while a plant runs and gives back what mends it.

    That returns how often it happened: to be seen in what the system or the record says, not in
    what was asked for. A fault that finds nothing to break any more (it was killed) is none.
    """

    def __init__(self, plant, random):
        self.plant, self.random, self.mends = plant, random, []

    def begin(self, name):
        mend = getattr(self, name)()
        if mend:
            self.mends.append(mend)

    def undo(self):
        return sum(mend() for mend in reversed(self.mends))

    def disk_full(self):
        filler = self.plant.state / "filler"
        rig.fill(filler)

        def mend():
            is_full = os.statvfs(self.plant.state).f_bavail == 0
            filler.unlink()
            return is_full
        return mend

    def no_receiver(self):
        process = self.plant.processes["department"]
        self.plant.kill("department")

        def mend():
            self.plant.receiver.start()
            return process.returncode == -signal.SIGKILL
        return mend

    def receiver_hangs(self):
        process = self.plant.processes.get("department")
        if not process:
            return None  # it is away already
        process.send_signal(signal.SIGSTOP)
        self.plant.until(lambda: rig.state_of(process.pid) == "T", "the receiver stands still")

        def mend():
            process.send_signal(signal.SIGCONT)
            return 1
        return mend

    def clock_step(self):
        n = len(self.plant.entries("clock.stepped"))
        self.plant.clock(self.random.choice((-3600, 86400)))

        def mend():
            self.plant.clock(0)
            return int(len(self.plant.entries("clock.stepped")) > n)
        return mend

    def no_descriptor(self):
        if self.plant.is_over() or "core" not in self.plant.processes:
            return None  # it has just been killed
        held = contextlib.ExitStack()
        try:
            told_so = held.enter_context(rig.no_descriptors(self.plant.processes["core"].pid))
        except ProcessLookupError:
            return None  # an allocation has failed meanwhile

        def mend():
            held.close()
            return int(len(told_so) > 0)
        return mend

    def killed(self):
        name = self.random.choice(("core", "poller", "sender"))
        if name not in self.plant.processes or self.plant.is_over(name):
            return None
        status = self.plant.kill(name)
        return lambda: status == -signal.SIGKILL

    def no_memory(self):
        """The core starts again, and an allocation of its fails."""
        if rig.SANITIZED:
            return None
        if "core" in self.plant.processes:
            self.plant.ended()
        report = self.plant.dir / "memory"
        self.plant.launch("core", LD_PRELOAD=f"{rig.preload('wallclock')} "
                          f"{rig.preload('failing')}", WALLCLOCK=str(self.plant.dir / "clock"),
                          FAIL_AT=str(int(3000 * 10 ** self.random.random())),
                          FAIL_REPORT=str(report))

        def mend():  # the one whose allocation may yet fail ends; finish() starts another
            if "core" in self.plant.processes:
                self.plant.ended()
            return report.exists() and report.read_text(encoding="ascii")[:1] == "1"
        return mend


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
        faults.begin(name)
    if plant.is_over() or "core" not in plant.processes:
        plant.processes.pop("core", None)
        plant.launch("core", **plant.clock_environment())
    plant.device.set(COD=220)
    plant.gone_or(lambda: plant.query("SELECT 1 FROM incident WHERE state = 'open'"), 5)
    plant.device.set(COD=50)
    plant.gone_or(lambda: plant.entries("incident.ended"), 3)
    return faults.undo()


def several(arguments):
    names, seed = arguments
    random = randoms.Random(seed)
    with tempfile.TemporaryDirectory(prefix="ww-full-") as disk, \
            rig.small_tmpfs(disk, DISK_BYTES), \
            rig.Rig(Device(), incident_clear="1s", report_interval="1s",
                    state=f"{disk}/state") as plant:
        start(plant)
        try:
            happened = broken(plant, random, names)
            finish(plant)
        except AssertionError as error:
            raise AssertionError(f"{' and '.join(names)}, seed {seed}: {error}") from None
    return happened


def test_disk_full_and_no_receiver():
    """C1, S7: nothing can be stored and nothing be told; when both are back it is both."""
    rig.need_root()
    happened = several((("disk_full", "no_receiver"), 1))
    assert happened == 2
    rig.figures("disk-and-receiver", happened)


def test_several_at_once():
    """C3: full disk, lost or hanging receiver, clock, descriptors, memory, kill -9: any of these."""
    rig.need_root()
    rig.need_strace()
    random, seed = rig.new_seed("several")

    def draw():
        return tuple(random.sample(ALL, random.choice((2, 3)))), random.getrandbits(31)

    draws, injected = rig.until_enough(several, draw, rig.amount(QUICK, LONG), 3,
                                       wanted=lambda point: len(point[0]))
    rig.figures("several", sum(injected), drawn=sum(len(names) for names, _ in draws),
                plants=len(draws), violations=0, seed=seed)
