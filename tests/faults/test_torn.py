# SPDX-License-Identifier: Apache-2.0
"""Power losses below SQLite: unsynced writes reordered, torn at 512 bytes, or missing (torn.h)."""

import concurrent.futures
import os
import subprocess

import rig

CRASHES = str(rig.BUILD / "faults" / "crashes")
QUICK, LONG, CONTROL = 1000, 20000, 60


def crashes(lives, directory, seed, n, *options):
    """({name: number}, exit status, what was printed)"""
    directory.mkdir()
    done = subprocess.run([CRASHES, lives.config, lives.key, str(directory), str(seed), str(n),
                           *options], capture_output=True, text=True, check=False)
    assert done.stdout.strip(), (done.returncode, done.stderr)
    words = done.stdout.splitlines()[-1].split()
    return dict(zip(words[::2], map(int, words[1::2]))), done.returncode, done.stdout


def test_torn_and_reordered_writes():
    """S3, S4, S5: what was acknowledged is there, whole, whatever of the rest was written."""
    random, seed = rig.new_seed("torn")
    n, cpus = rig.amount(QUICK, LONG), os.cpu_count()
    with rig.Lives() as lives, rig.scratch() as directory, \
            concurrent.futures.ThreadPoolExecutor(cpus) as pool:
        parts = list(pool.map(
            lambda i: crashes(lives, directory / str(i), random.getrandbits(31), n // cpus),
            range(cpus)))
        control, status, _ = crashes(lives, directory / "control", seed % 2**31, CONTROL,
                                     "ignore-sync")
    for _, failed, output in parts:
        assert not failed, output
    total = {name: sum(part[name] for part, _, _ in parts) for name in parts[0][0]}
    assert total["written"] > 0 and total["sectors"] > total["written"], "nothing was torn"
    assert status and control["lost"] + control["damaged"] > 0, "the control has lost nothing"
    rig.figures("torn", total["crashes"], sectors_unsynced=total["sectors"],
                of_these_written=total["written"], lost=total["lost"], damaged=total["damaged"],
                control_crashes=control["crashes"],
                control_lost_or_damaged=control["lost"] + control["damaged"], seed=seed)
