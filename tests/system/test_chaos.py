# SPDX-License-Identifier: Apache-2.0
"""kill -9 of each program at random moments during incidents.

WASTEWATCH_SEED gives a printed seed back, WASTEWATCH_KILLS how often (100).
"""

import os
import sys
import threading
import time

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from plant import Device, Plant, check_all_told, seed, until  # noqa: E402

KILLS = int(os.environ.get("WASTEWATCH_KILLS", "100"))
CORE_KILLS = 20
MINUTE_S = 60


class Spills:
    """Repeated spills: some short, some rising to an emergency, now and then at the stack."""

    def __init__(self, device, random):
        self.device, self.random = device, random
        self.stopped = threading.Event()
        self.n = 0
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopped.is_set():
            self.n += 1
            self._hold(COD=self.random.choice((160, 220)), SO2=self.random.choice((100, 700)))
            if self.random.random() < 0.5:
                self._hold(COD=400)
            self._hold(COD=50, SO2=100, low_s=2.0)
        self.device.set(COD=50, SO2=100)

    def _hold(self, low_s=0.4, **values):
        self.device.set(**values)
        self.stopped.wait(low_s + self.random.random() * 1.6)

    def stop(self):
        self.stopped.set()
        self.thread.join()


def kill_often(plant, random, n):
    """Kill one of the three every 0.2 to 1 s; it starts again at once."""
    for _ in range(n):
        time.sleep(random.uniform(0.2, 1.0))
        name = random.choice(("core", "core", "poller", "sender"))
        plant.kill(name)
        plant.start_one(name)


class CountedRun:
    """A plant whose core alone is killed, for at least one whole minute of the wall clock.

    The channel Reads counts at the device how often it was read. One poller lives through all
    of it, so the minutes must hold each number once: nothing lost, nothing counted twice.
    """

    def __init__(self, random):
        self.device = Device()
        self.plant = Plant(self.device, lost_after="30s")
        self.random = random
        self.error = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            self._kill_for_a_minute()
        except BaseException as error:  # shown by the test that waits for it
            self.error = error

    def _kill_for_a_minute(self):
        self.plant.start("core", "poller")
        began = time.time()
        ends = (began // MINUTE_S + 2) * MINUTE_S  # one whole minute is surely behind us then
        # once away for so long that the poller tries rarely and has much to send again
        self.plant.kill("core")
        time.sleep(8)
        self.plant.start_core()
        pause = (ends - time.time()) / CORE_KILLS
        for _ in range(CORE_KILLS - 1):
            time.sleep(self.random.uniform(0.5, 1.2) * pause)
            self.plant.kill("core")
            self.plant.start_core()
        until(lambda: time.time() > ends + 1, "the minute is over", 2 * MINUTE_S)
        until(lambda: self.plant.query("SELECT 1 FROM minute WHERE t >= ?",
                                       ends // MINUTE_S - 1), "its row is there")

    def rows(self):
        return self.plant.query(
            "SELECT t, n, min, max, mean FROM minute JOIN channel ON channel.id = minute.channel"
            " WHERE path = 'mill/outfall/Reads' ORDER BY t")


@pytest.fixture(scope="module")
def random():
    return seed()


@pytest.fixture(scope="module", autouse=True)
def counted(random):
    """Begins first, because it takes a minute; the other test runs beside it."""
    run = CountedRun(random)
    yield run
    run.plant.close()


# faults: S2
def test_every_program_killed_during_incidents(random):
    with Plant(Device(), report_interval="1s", incident_clear="1s") as plant:
        plant.start()
        spills = Spills(plant.device, random)
        kill_often(plant, random, KILLS)
        spills.stop()
        plant.until_good("mill/outfall/COD")
        plant.until_quiet()
        plant.until(lambda: len(plant.types("report.delivered")) ==
                    sum(state == "sent" for _, state, _ in plant.outbox()),
                    "all deliveries are entries")
        opened = check_all_told(plant)
        print(f"{spills.n} spills, {len(opened)} incidents, {len(plant.outbox())} reports, "
              f"{len(plant.receiver.index())} received, {len(plant.entries())} entries")
        assert len(opened) >= KILLS // 20
        starts = plant.entries("core.started")
        assert any(e["reason"] == "after an unclean stop" for e in starts)
        assert plant.stop() == 0
        plant.check_chain()


# faults: S2
def test_core_killed_loses_and_doubles_no_reading(counted):
    counted.thread.join(3 * MINUTE_S)
    assert not counted.thread.is_alive()
    if counted.error:
        raise counted.error
    plant, rows = counted.plant, counted.rows()
    assert not plant.entries("readings.lost"), plant.logs()
    assert len(rows) >= 2
    next_read = 1
    for _, n, least, most, mean in rows:
        assert least == next_read, (rows, "a reading between two minutes")
        assert n == most - least + 1, (rows, "readings within a minute")
        assert abs(mean - (least + most) / 2) < 1e-3
        next_read = most + 1
    assert next_read - 1 <= counted.device.n_reads
    assert max(n for _, n, *_ in rows) > 400
    plant.check_chain()
