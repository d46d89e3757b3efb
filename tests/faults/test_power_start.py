# SPDX-License-Identifier: Apache-2.0
"""Power losses while a record is made, recovered, migrated, and between commits at full speed.

With the driver (driver.c), which says which commit it has acknowledged.
"""

import shutil
import signal
import subprocess
import time

import pytest
import rig
from plant import until

QUICK, LONG = 40, 1000
QUICK_STARTS, LONG_STARTS = 20, 300
STEP_S = 7  # of life.c: the poller's sequence number tells how many commits the record holds
RECORDS = rig.ROOT / "tests" / "data" / "records"


@pytest.fixture(name="lives", scope="module")
def make_lives():
    with rig.Lives() as lives:
        yield lives


def run_until_loss(lives, disk, state, wait_s, commits=100000, least=0, kind="run"):
    """Return: (commits acknowledged, what was handed out). @least: so many before the wait."""
    output = disk.directory / "output"
    with open(output, "wb") as out:
        process = subprocess.Popen(lives.command(state, commits, kind), stdout=out,
                                   stderr=subprocess.DEVNULL)
    until(lambda: rig.told(output.read_text())[0] >= least, "commits")
    time.sleep(wait_s)
    process.send_signal(signal.SIGSTOP)  # without power nobody acknowledges anything any more
    disk.power_off()
    process.kill()
    process.wait()
    disk.power_on()
    text = output.read_text(encoding="utf-8", errors="replace")
    return rig.told(text[:text.rfind("\n") + 1])


def commits_of(state):
    return (rig.query(state, "SELECT max(seq) FROM poller")[0][0] or 0) // STEP_S


def test_losses_at_full_speed(lives):
    """S3: hundreds of commits a second; each that was acknowledged is there."""
    random, seed = rig.new_seed("power-driver")
    n, acknowledged, had = rig.amount(QUICK, LONG), 0, 0
    with rig.Disk(mib=256) as disk:
        for i in range(n):
            if i % 20 == 0:  # a long record only makes this slower
                shutil.rmtree(disk.root / "state", ignore_errors=True)
                (disk.root / "state").mkdir()
                had = 0
            state = disk.root / "state"
            acked, sent = run_until_loss(lives, disk, state, random.uniform(0.05, 0.35))
            mark, status = lives.check(state)
            if status in (3, 4) and had + acked == 0:
                continue  # there was nothing yet
            assert status == 0, mark
            assert commits_of(state) >= had + acked, f"cycle {i}: a commit is lost"
            rig.check_sent(state, sent)
            acknowledged += acked
            had = commits_of(state)
    assert acknowledged > n, "hardly anything was written"
    rig.figures("power-driver", n, commits_acknowledged=acknowledged, lost=0, seed=seed)


def test_losses_while_a_record_is_made(lives):
    """S4, S10: the first start: there is a whole record afterwards, or none that is in the way."""
    random, seed = rig.new_seed("power-first-start")
    n, unborn = rig.amount(QUICK_STARTS, LONG_STARTS), 0
    with rig.Disk() as disk:
        state = disk.root / "state"
        for i in range(n):
            shutil.rmtree(state, ignore_errors=True)
            state.mkdir()
            rig.os.sync()
            acked, _ = run_until_loss(lives, disk, state, random.uniform(0.004, 0.06))
            _, status = lives.check(state)
            unborn += status == 4
            assert status == 0 or acked == 0, f"cycle {i}"
            again = lives.run(state, 2)
            assert again.returncode == 0, f"cycle {i}: does not start again: {again.stderr}"
            assert lives.check(state)[1] == 0
    rig.figures("power-first-start", n, without_a_record=unborn, stuck=0, seed=seed)


def test_losses_during_recovery(lives):
    """S4, C2: the power goes again while the record is being recovered."""
    random, seed = rig.new_seed("power-recovery")
    n = rig.amount(QUICK_STARTS, LONG_STARTS)
    with rig.Disk() as disk:
        state = disk.root / "state"
        for i in range(n):
            shutil.rmtree(state, ignore_errors=True)
            state.mkdir()
            acked, sent = run_until_loss(lives, disk, state, random.uniform(0, 0.2), least=1)
            more, sent_2 = run_until_loss(lives, disk, state, random.uniform(0.004, 0.06))
            mark, status = lives.check(state)
            assert status == 0, mark
            assert commits_of(state) >= acked + more, f"cycle {i}"
            rig.check_sent(state, sent + sent_2)
            assert lives.run(state, 2).returncode == 0, f"cycle {i}"
    rig.figures("power-recovery", n, lost=0, seed=seed)


def old_records(directory):
    """Records as released versions have left them, made from their texts."""
    records = []
    for text in sorted(RECORDS.glob("*.sql")) if RECORDS.is_dir() else []:
        path = directory / f"{text.stem}.db"
        with rig._closing(rig.sqlite3.connect(path)) as db:
            db.executescript(text.read_text(encoding="utf-8"))
        records.append(path)
    return records


def look(state, sql):
    """As rig.query(), in a copy: a transaction that was cut off is rolled back, which writes."""
    with rig.scratch() as directory:
        copy = directory / "copy"
        shutil.copytree(state, copy)
        with rig._closing(rig.sqlite3.connect(copy / "record.db")) as db:
            return db.execute(sql).fetchall()


def test_losses_during_migration(lives):
    """S4, H11: a record of an older version is of that version afterwards, or of the new one."""
    random, seed = rig.new_seed("power-migration")
    n, seen = rig.amount(QUICK_STARTS, LONG_STARTS), {"old": 0, "new": 0}
    with rig.Disk() as disk:
        state, records = disk.root / "state", old_records(disk.directory)
        if not records:
            pytest.skip("no records of released versions in tests/data/records")
        # as fast or as slow as this machine is: both must have been seen
        i, least_s, most_s = 0, 0.004, 0.06
        while i < n or (min(seen.values()) == 0 and i < 4 * n):
            if i >= n:
                least_s, most_s = (least_s / 2, most_s / 2) if seen["new"] else (most_s, 2 * most_s)
            source = records[i % len(records)]
            shutil.rmtree(state, ignore_errors=True)
            state.mkdir()
            shutil.copy(source, state / "record.db")
            rig.os.sync()
            lines = look(state, "SELECT line FROM entry ORDER BY seq")
            old = look(state, "PRAGMA user_version")[0][0]
            acked, _ = run_until_loss(lives, disk, state, random.uniform(least_s, most_s),
                                      kind="upgrade")
            now = look(state, "PRAGMA user_version")[0][0]
            seen["old" if now == old else "new"] += 1
            assert look(state, "PRAGMA integrity_check") == [("ok",)]
            assert look(state, "SELECT line FROM entry ORDER BY seq")[:len(lines)] == lines
            assert now > old or acked == 0, "acknowledged with a record of the old version"
            again = lives.run(state, 2, "upgrade")
            assert again.returncode == 0, f"cycle {i}: does not start again: {again.stderr}"
            assert rig.told(again.stdout)[0] == 2
            assert lives.check(state)[1] == 0, lives.check(state)[0]
            assert look(state, "PRAGMA user_version")[0][0] > old
            assert look(state, "SELECT line FROM entry ORDER BY seq")[:len(lines)] == lines
            i += 1
    assert seen["old"] > 0, "no loss came before the new version was there"
    assert seen["new"] > 0, "no loss came after it was"
    rig.figures("power-migration", i, records=len(records), **seen, lost=0, seed=seed)
