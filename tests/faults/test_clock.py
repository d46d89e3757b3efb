# SPDX-License-Identifier: Apache-2.0
"""The wall clock is set while the plant runs: wallclock.c; the others go on."""

import signal
import time

import pytest
import rig
from plant import Device

HOUR, DAY, YEAR = 3600, 86400, 31557600
END_OF_32_BITS = 2**31
PROGRAMS = ("core", "poller", "sender")
REST_S = 100  # a receiver that has refused three times is left alone for so long: outbox.c


@pytest.fixture(name="plant")
def make_plant():
    rig.need_plain_allocator()
    with rig.Rig(Device(), incident_clear="1s", report_interval="1s") as plant:
        yield plant


def spill(plant):
    n = len(plant.entries("incident.ended"))
    plant.device.set(COD=220)
    plant.until(lambda: plant.query("SELECT 1 FROM incident WHERE state = 'open'"), "an incident")
    plant.device.set(COD=50)
    plant.until(lambda: len(plant.entries("incident.ended")) > n, "its end")


@pytest.mark.parametrize("step", [-HOUR, DAY, 40 * YEAR, None], ids=["-1h", "+1d", "+40y", "1970"])
def test_a_step(plant, step):
    """T1: an hour back, a day and forty years on, 1970: it is said, nothing stalls or storms.

    One step for each plant: of three within three minutes each cuts a minute short, and then it is
    said that too few values come, until a minute is whole again.
    """
    plant.clock(0)
    plant.start_with_clock("receiver", *PROGRAMS)
    plant.until_good("mill/outfall/COD")
    began, n_first = time.monotonic(), plant.device.n_requests
    plant.clock(step if step is not None else DAY - int(time.time()))
    plant.until_entry("clock.stepped")
    plant.until_good("mill/outfall/COD")
    spill(plant)
    elapsed_s = time.monotonic() - began
    requests = plant.device.n_requests - n_first
    per_second = 10 * 4  # an interval of 100 ms, at most four requests for the channels
    assert requests < 2 * per_second * (elapsed_s + 1), "a storm of polls"
    plant.until_quiet()
    seqs = [entry["seq"] for entry in plant.entries()]
    assert seqs == list(range(1, len(seqs) + 1))
    plant.finish()
    rig.figures(f"clock-step-{step or 1970}", 1, incidents=len(plant.entries("incident.ended")))


def test_a_clock_that_the_receiver_does_not_believe(plant):
    """T2: ten minutes slow: refused, kept, and delivered when the clock is right again."""
    plant.clock(-600)
    plant.receiver.start()
    plant.start_with_clock(*PROGRAMS)
    plant.until_good("mill/outfall/COD")
    spill(plant)
    plant.until(lambda: plant.query("SELECT 1 FROM outbox WHERE attempts > 0"), "an attempt")
    assert not plant.receiver.bodies(), "it was believed"
    assert not plant.query("SELECT 1 FROM outbox WHERE state = 'sent'")
    plant.until_entry("clock.differs")
    plant.clock(0)
    plant.until_entry("clock.stepped")
    plant.until_quiet(REST_S)  # by itself: nobody retries or reloads
    assert not plant.entries("report.held")
    rig.figures("clock-skew", 1, reports=len(plant.outbox()))


@pytest.mark.parametrize("step", [-HOUR, DAY], ids=["-1h", "+1d"])
def test_a_step_while_a_receiver_thinks(plant, step):
    """T1, T2: what got its time stamp from the wrong clock is refused after it was set: not held."""
    plant.clock(0)
    plant.receiver.start()
    plant.start_with_clock(*PROGRAMS)
    plant.until_good("mill/outfall/COD")
    plant.processes["department"].send_signal(signal.SIGSTOP)
    plant.clock(step)
    plant.until_entry("clock.stepped")
    plant.device.set(COD=220)
    plant.until(lambda: talks_to(plant.receiver.port), "an attempt is under way")
    plant.device.set(COD=50)
    plant.clock(0)
    plant.until_entry("clock.stepped", 2)
    plant.processes["department"].send_signal(signal.SIGCONT)
    plant.until(lambda: plant.query("SELECT 1 FROM outbox WHERE http_status IN (400, 401)") or
                plant.log().count("webhook-timestamp"), "it is refused")
    plant.until_quiet(REST_S)
    assert not plant.entries("report.held")
    plant.finish()
    rig.figures(f"clock-step-under-way-{step}", 1)


def talks_to(port):
    """Is somebody connected to this port, and has sent something that is not read yet?"""
    lines = [line.split() for line in open("/proc/net/tcp", encoding="ascii")][1:]
    return any(int(line[1].split(":")[1], 16) == port and line[3] == "01" and
               int(line[4].split(":")[1], 16) > 0 for line in lines)


def test_no_clock_at_boot(plant):
    """T5: it starts in 1970 and is set later: the entries keep their order, the step is one."""
    plant.clock(-int(time.time()) + DAY)
    plant.start_with_clock("receiver", *PROGRAMS)
    plant.until_good("mill/outfall/COD")
    spill(plant)
    plant.clock(0)
    plant.until_entry("clock.stepped")
    spill(plant)
    plant.until_quiet()
    entries = plant.entries("incident.opened")
    assert entries[0]["time"] < "1971" < "2020" < entries[-1]["time"]
    plant.finish()
    rig.figures("clock-at-boot", 1, incidents=len(entries))


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Bratislava", "Asia/Ho_Chi_Minh"])
def test_2038_whatever_the_zone(plant, zone):
    """T3: over the end of 32 bits; the process' zone says nothing, the configured one does."""
    plant.clock(END_OF_32_BITS - int(time.time()) - 5)
    receiver = plant.receiver
    real = plant.environment
    plant.environment = lambda: {**real(), "TZ": zone}
    plant.start_with_clock("receiver", *PROGRAMS)
    plant.environment = real
    assert receiver is plant.receiver
    plant.until_good("mill/outfall/COD")
    plant.until(lambda: plant.status().get("time", "2038-01-19T10:14:09") > "2038-01-19T10:14:08"
                and spilled(plant), "it is 2038")
    plant.until_quiet()
    times = [entry["time"] for entry in plant.entries()]
    assert all(text.endswith("+07:00") for text in times), times
    assert times[0] < "2038-01-19T10:14:08" < times[-1], times
    assert not plant.entries("clock.stepped"), "no clock was set"
    rig.figures(f"clock-2038-{zone.replace('/', '-')}", 1)


def spilled(plant):
    spill(plant)
    return plant.entries("incident.ended")[-1]["time"] > "2038-01-19T10:14:08"
