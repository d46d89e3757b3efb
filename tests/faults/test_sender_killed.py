# SPDX-License-Identifier: Apache-2.0
"""wastewatch-sender itself: killed, or told of an error, at the k-th call of a delivery.

With the real core and poller and the reference receiver. How often it makes which call is counted
in a run where nothing is broken: once until it is connected to the core, and then over a spill with
its reports.
"""

import collections
import itertools
import os
import re
import signal

import pytest
import rig
from plant import Device

KILL, EIO, ENOSPC = "signal=KILL", "error=EIO", "error=ENOSPC"
FAULTS = ((KILL, ""), (EIO, ""), (EIO, "+"), (ENOSPC, ""), (ENOSPC, "+"))
# what the loop and libcurl call on the way from the core's job to its result
CALLS = ("recvfrom", "recvmsg", "sendto", "sendmsg", "socket", "connect", "poll", "getsockopt",
         "setsockopt", "getsockname", "getpeername", "epoll_ctl", "epoll_wait", "timerfd_settime",
         "read", "write", "fcntl", "openat", "newfstatat", "lseek", "close")
QUICK = 8
PLAIN_EXITS = (None, 0, 1, -signal.SIGKILL)
# sd-event's word where a descriptor cannot even be taken out of its epoll, which no kernel refuses
# with these errors: it ends the program, and systemd starts it again
ABORTED = "src/libsystemd/sd-event"


def make_plant():
    return rig.Rig(Device(), incident_clear="1s", report_interval="1s")


def is_connected(plant):
    return "connected to wastewatchd" in plant.log("sender")


def counted(log):
    with open(log, encoding="utf-8", errors="replace") as lines:
        return collections.Counter(match[1] for match in
                                   (re.match(r"\d+ +(\w+)\(", line) for line in lines) if match)


def is_all_sent(plant):
    return plant.outbox() and all(state in ("sent", "superseded") for _, state, _ in plant.outbox())


def spill(plant):
    """Reports are made and, if nothing is wrong, delivered. Return: were they?"""
    plant.device.set(COD=220)
    plant.until(lambda: plant.entries("incident.opened"), "an incident")
    plant.device.set(COD=50)
    plant.until(lambda: plant.entries("incident.ended"), "its end")
    return plant.gone_or(lambda: is_all_sent(plant), 12, "sender") and not plant.is_over("sender")


@pytest.fixture(name="calls", scope="module")
def make_calls():
    """{call: (how often before the first delivery, how often in all)}"""
    rig.need_strace()
    with make_plant() as plant:
        log = plant.dir / "strace"
        plant.start("receiver", "core", "poller")
        plant.launch("sender", before=["strace", "-f", "-qq", "-o", str(log), "-e",
                                       f"trace={','.join(CALLS)}"])
        plant.until_good("mill/outfall/COD")
        plant.until(lambda: is_connected(plant), "it is connected")
        first = counted(log)
        assert spill(plant), plant.logs()
        plant.ended("sender")
        whole = counted(log)
        plant.finish()
    return {call: (first[call], n) for call, n in sorted(whole.items()) if n > first[call]}


def point(arguments):
    """Return: did it happen?"""
    call, what, k, ever = arguments
    where = f"{call} {what} {k}{ever}"
    with make_plant() as plant:
        log = plant.dir / "strace"
        plant.start("receiver", "core", "poller")
        plant.until_good("mill/outfall/COD")
        plant.launch("sender", before=["strace", "-f", "-qq", "-o", str(log), "-e",
                                       f"trace={call}", "-e", f"inject={call}:{what}:when={k}{ever}"])
        try:
            goes_on = spill(plant)
            if not goes_on and not ever:  # a single error: it ends, or gets over that by itself
                assert plant.gone_or(lambda: is_all_sent(plant), 150, "sender"), "it does neither"
            # an error that has not come yet must not come later, when nobody starts it again
            status = plant.ended("sender")
            assert status in PLAIN_EXITS or (call == "epoll_ctl" and status == -signal.SIGABRT and
                                             ABORTED in plant.log("sender")), f"exit {status}"
            assert status != 1 or plant.log("sender").strip(), "it ended without a word"
            plant.finish()
        except AssertionError as error:
            raise AssertionError(f"{where}: {error}") from None
        injected = status == -signal.SIGKILL if what == KILL else "INJECTED" in log.read_text(
            errors="replace")
        assert injected or goes_on, f"{where}: nothing was broken, and yet\n{plant.logs()}"
        return injected


def test_sender_at_every_call(calls):
    """S1, W9: the sender is killed or gets an error wherever it delivers; every report arrives once."""
    random, seed = rig.new_seed("sender")
    points = [(call, what, k, ever) for call, (first, last) in calls.items()
              for k in range(first + 1, last + 1) for what, ever in FAULTS]
    random.shuffle(points)
    left = itertools.cycle(points)
    chosen, injected = rig.until_enough(point, lambda: next(left),
                                        min(rig.amount(QUICK, len(points)), len(points)),
                                        2 * os.cpu_count())
    rig.figures("sender", sum(injected), points=len(points), run=len(chosen), violations=0,
                calls=len(calls), seed=seed)
