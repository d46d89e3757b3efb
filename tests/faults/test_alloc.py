# SPDX-License-Identifier: Apache-2.0
"""The n-th allocation fails, once and for ever: in each module (alloc.c), in the running programs.

It may fail then, with a word, or do without. It may not end by a signal, leave memory behind, or
come to something else than without the fault: a report that lacks a part must not go out.
"""

import os
import shutil
import subprocess

import pytest
import rig
from plant import Device

ALLOC = str(rig.BUILD / "faults" / "alloc")
CONFIGS = {"plain": None, "crossing": "tests/scenario/crossing/conf",
           "files": "tests/scenario/department/conf"}
SCENES = [(scene, "plain") for scene in ("config", "core", "snapshot", "record", "drill", "sign",
                                         "circular", "boundary", "job")] + \
    [("config", "crossing"), ("core", "crossing"), ("config", "files"), ("core", "files"),
     ("cap", "crossing")]
QUICK = 250
SEPARATE = {"core": (20, 30000), "poller": (20, 600), "sender": (20, 4000)}
QUICK_RUNS = {"core": 6, "poller": 2, "sender": 2}


@pytest.fixture(name="lives", scope="module")
def make_lives():
    rig.need_plain_allocator()
    with rig.Lives() as lives:
        yield lives


def configuration(lives, name, directory, cap=False):
    """A copy, with the drill's and the destinations' kind that the scene wants."""
    source = rig.ROOT / CONFIGS[name] if CONFIGS[name] else lives.config
    copy = directory / "conf"
    shutil.copytree(source, copy)
    if cap:
        path = copy / "wastewatch.yaml"
        text = path.read_text(encoding="utf-8")
        assert 'url: "http://127.0.0.1:1/"}' in text
        path.write_text(text.replace('url: "http://127.0.0.1:1/"}',
                                     'url: "http://127.0.0.1:1/", format: cap, language: vi}'),
                        encoding="utf-8")
    return copy


def scene(arguments):
    lives, (name, config), n, seed = arguments
    with rig.scratch() as directory:
        conf = configuration(lives, config, directory, name == "cap")
        done = subprocess.run([ALLOC, str(conf), lives.key, str(directory),
                               "core" if name == "cap" else name, str(seed), str(n)],
                              capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{name} {config}: {done.stdout}{done.stderr}"
    words = done.stdout.splitlines()[-1].split()
    return dict(zip(words[::2], map(int, words[1::2])))


def test_every_allocation_of_every_module(lives):
    """R1: configuration, core, reports, CAP, state, record, drills, keys, files, deliveries."""
    random, seed = rig.new_seed("alloc")
    known = subprocess.run([ALLOC, "list"], capture_output=True, text=True, check=True).stdout
    assert set(known.split()) == {name for name, _ in SCENES} - {"cap"}
    n = rig.amount(QUICK, 0)
    total = rig.in_parallel(scene, [(lives, which, n, random.getrandbits(31))
                                    for which in SCENES], os.cpu_count())
    figures = {key: sum(one[key] for one in total) for key in total[0]}
    rig.figures("alloc", figures.pop("injected"), scenes=len(SCENES), **figures, seed=seed)


def is_said(plant):
    """One that never gets memory again may go on trying, if it can be seen that it fails."""
    return plant.entries("poller.silent", "measurement.lost") or \
        not plant.status().get("sender", {}).get("connected", True)


def running(arguments):
    """One point in a running program. Return: (injected, ended by itself)"""
    name, at, ever = arguments
    with rig.Rig(Device(), incident_clear="1s") as plant:
        report = plant.dir / "failing"
        environment = {"LD_PRELOAD": rig.preload("failing"), "FAIL_AT": str(at),
                       "FAIL_REPORT": str(report), **({"FAIL_EVER": "1"} if ever else {})}
        where = f"{name}, allocation {at}{' and all after it' if ever else ''}"
        plant.start(*{"receiver", "core", "poller", "sender"} - {name})
        plant.launch(name, **environment)
        went_on = plant.watch(name)
        injected = report.exists() and report.read_text()[0] == "1"
        status = plant.ended(name)
        assert status is None or status >= 0, f"{where}: signal {-status}\n{plant.log(name)}"
        assert status is None or status in (0, 1, 127), f"{where}: exit {status}"
        assert went_on or status is not None or (ever and is_said(plant)), \
            f"{where}: neither went on nor ended\n{plant.logs()}"
        assert status != 1 or not injected or plant.log(name).strip(), f"{where}: without a word"
        plant.finish()
        return injected, status is not None


def test_allocations_of_the_running_programs(lives):
    """R1: wastewatchd, poller and sender end with a word or go on; nothing is lost either way."""
    del lives
    random, seed = rig.new_seed("alloc-running")
    results = []
    for name, (low, high) in SEPARATE.items():
        def draw(name=name, low=low, high=high):
            return name, int(low * (high / low) ** random.random()), random.random() < 0.5

        results += rig.until_enough(running, draw, rig.amount(QUICK_RUNS[name], 60),
                                    happened=lambda result: int(result[0]))[1]
    rig.figures("alloc-running", sum(injected for injected, _ in results), run=len(results),
                ended_with_a_word=sum(ended for _, ended in results), violations=0, seed=seed)
