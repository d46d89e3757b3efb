#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A plant for hours: memory and descriptors of the three programs must stay flat.

    soak.py SECONDS     (make soak: 8 hours)

Spills come and go all the time. Prints a table; exit status 0 if nothing grew and receiver and
record hold the same in the end. The first tenth, five minutes at most, is for warming up.
"""

import os
import pathlib
import random
import sys
import threading
import time

os.environ.setdefault("WASTEWATCH_BUILD", os.environ.get("B", "build"))
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent)]

import rig  # noqa: E402: found by the line above
from plant import Device  # noqa: E402

PROGRAMS = ("core", "poller", "sender")
ROWS, WARM_MAX_S = 24, 300
GROWTH_KIB, GROWTH_DESCRIPTORS = 1024, 1  # what the steadiest of programs may differ by


def look(pid):
    """(KiB of memory of its own, descriptors)"""
    private = 0
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        for line in lines:
            if line.startswith("Private_"):
                private += int(line.split()[1])
    return private, len(os.listdir(f"/proc/{pid}/fd"))


def spills(device, stopped):
    draw = random.Random(8)
    while not stopped.wait(draw.uniform(2, 10)):
        device.set(COD=draw.choice((50, 50, 120, 220, 400)), SO2=draw.choice((100, 100, 700)))
    device.set(COD=50, SO2=100)


def say(plant, elapsed_s, samples):
    columns = "".join(f"{kib:>9}{descriptors:>5}" for kib, descriptors in samples)
    print(f"{elapsed_s:>7.0f}{columns}{len(plant.entries()):>9}{len(plant.outbox()):>9}", flush=True)


def run(plant, duration_s):
    """[[(KiB, descriptors) of each program] at each look after warming up]"""
    warm_s, looks = min(duration_s / 10, WARM_MAX_S), []
    began = time.monotonic()
    print(f"{'s':>7}" + "".join(f"{name:>9}{'fds':>5}" for name in PROGRAMS) +
          f"{'entries':>9}{'reports':>9}  (KiB of memory of its own)")
    for n in range(ROWS + 1):
        wait_s = began + warm_s + n * (duration_s - warm_s) / ROWS - time.monotonic()
        time.sleep(max(0, wait_s))
        samples = [look(plant.processes[name].pid) for name in PROGRAMS]
        looks.append(samples)
        say(plant, time.monotonic() - began, samples)
    return looks


def grown(looks):
    """What the last quarter needs more than the first one, of each program: [(name, KiB, n)]"""
    quarter = len(looks) // 4
    first, last = looks[:quarter], looks[-quarter:]
    return [(name, *(min(look[i][what] for look in last) - max(look[i][what] for look in first)
                     for what in (0, 1))) for i, name in enumerate(PROGRAMS)]


def main():
    duration_s = float(sys.argv[1])
    stopped = threading.Event()
    with rig.Rig(Device(), incident_clear="5s", report_interval="5s") as plant:
        plant.start()
        thread = threading.Thread(target=spills, args=(plant.device, stopped), daemon=True)
        thread.start()
        looks = run(plant, duration_s)
        stopped.set()
        thread.join()
        plant.finish()
        growth, entries = grown(looks), len(plant.entries())
    for name, kib, descriptors in growth:
        print(f"{name}: {max(kib, 0)} KiB and {max(descriptors, 0)} descriptors more in the last "
              "quarter than at most in the first")
    assert all(kib <= GROWTH_KIB and n <= GROWTH_DESCRIPTORS for _, kib, n in growth), "it grows"
    rig.figures("soak", len(looks), seconds=int(duration_s), entries=entries,
                **{f"{name}_grew_KiB": max(kib, 0) for name, kib, _ in growth})
    print("flat; receiver and record hold the same")


if __name__ == "__main__":
    main()
