# SPDX-License-Identifier: Apache-2.0
"""Power losses of a whole plant: the disk of the record stops, what was not synced is gone.

wastewatchd runs with the real poller and sender; device and receiver are elsewhere and stay. The
disk is an ext4 in a file, shut down without flushing its log (EXT4_IOC_SHUTDOWN). That the rig can
see a loss is shown by a control: the same with fsync and fdatasync doing nothing.
"""

import json
import signal
import threading
import time

import rig
from plant import Device

QUICK, LONG, CONTROL = 50, 1000, 12


class Spills:
    """COD up and down, several times a second: entries and reports all the time."""

    def __init__(self, device, random):
        self.device, self.random = device, random
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopped.wait(self.random.uniform(0.25, 0.6)):
            self.device.set(COD=self.random.choice((50, 120, 220, 400)),
                            SO2=self.random.choice((100, 700)))

    def stop(self):
        self.stopped.set()
        self.thread.join()
        self.device.set(COD=50, SO2=100)


def held(plant):
    return plant.receiver.bodies()


def check_held(plant, before):
    """What was told is in the record, byte for byte, with the same hashes. Return: all lines."""
    record = dict(plant.query("SELECT webhook_id, body FROM outbox"))
    lost = [ident for ident in before if ident not in record]
    assert not lost, f"told and not in the record any more: {lost}"
    superseded = {ident for ident, in
                  plant.query("SELECT webhook_id FROM outbox WHERE state = 'superseded'")}
    other = [ident for ident, body in before.items()
             if record[ident].encode() != body and ident not in superseded]
    assert not other, f"told otherwise than the record has it: {other}"
    return check_hashes(plant, before)


def check_hashes(plant, before):
    hashes = {seq: hexa for seq, hexa in plant.query("SELECT seq, lower(hex(hash)) FROM entry")}
    for ident, body in before.items():
        log = json.loads(body)["data"]["log"]
        if "hash" in log:
            assert hashes.get(log["seq"]) == log["hash"], f"{ident}: two hashes for one entry"
    return [line for line, in plant.query("SELECT line FROM entry ORDER BY seq")]


def lose_power(plant, disk):
    """Return: what the receiver had when the disk was gone."""
    plant.processes["core"].send_signal(signal.SIGSTOP)  # without power it tells nobody anything
    disk.power_off()
    plant.ended("core")
    before = held(plant)  # nothing more comes, but what was on its way
    disk.power_on()
    return before


def cycle(plant, disk, random, lines):
    """One loss at a random moment. Return: (lines of the record, reports held then)."""
    plant.until_good("mill/outfall/COD")
    time.sleep(random.uniform(0, 0.6))
    before = lose_power(plant, disk)
    now = check_held(plant, before)
    assert now[:len(lines)] == lines, "entries are gone, or others"
    plant.check_chain()
    plant.start_core()
    return now, before


def test_power_losses_of_a_plant():
    """S3, H9: nothing that was told is lost, no entry has two hashes, every report arrives."""
    random, seed = rig.new_seed("power")
    n, lines, before = rig.amount(QUICK, LONG), [], {}
    with rig.Disk() as disk, rig.Rig(Device(), state=disk.root / "state", incident_clear="1s",
                                     report_interval="1s") as plant:
        plant.start()
        spills = Spills(plant.device, random)
        for _ in range(n):
            lines, before = cycle(plant, disk, random, lines)
        spills.stop()
        assert len(before) > n // 2, "hardly anything was reported, so nothing could be lost"
        plant.finish()
        rig.figures("power", n, entries=len(lines), reports_told=len(before), lost=0, seed=seed)


def test_without_syncs_something_is_lost():
    """The control: the rig sees it when a disk lies about having written."""
    rig.need_plain_allocator()
    random, seed = rig.new_seed("power-control")
    lost = cycles = 0
    for cycles in range(1, CONTROL + 1):
        with rig.Disk() as disk, rig.Rig(Device(), state=disk.root / "state",
                                         incident_clear="1s", report_interval="1s") as plant:
            plant.broken_record = True
            plant.start("receiver", "poller", "sender")
            plant.launch("core", LD_PRELOAD=rig.preload("nosync"))
            spills = Spills(plant.device, random)
            plant.until(lambda p=plant: len(held(p)) >= 2, "two reports are held")
            before = lose_power(plant, disk)
            spills.stop()
            try:
                there = dict(plant.query("SELECT webhook_id, body FROM outbox"))
            except rig.sqlite3.Error:
                there = {}
            lost += len(set(before) - set(there))
        if lost:
            break
    rig.figures("power-control", cycles, reports_lost=lost, seed=seed)
    assert lost > 0, "nothing was lost without syncs: this rig proves nothing"
