# SPDX-License-Identifier: Apache-2.0
"""Every report that `wastewatch replay` prints in any test is judged: see judge.py."""

import functools
import subprocess

import judge
import pytest


def wants_reports(arguments):
    return isinstance(arguments, (list, tuple)) and "replay" in map(str, arguments) and \
        "--reports" in map(str, arguments)


@pytest.fixture(scope="session", autouse=True)
def fixture_judge_replays():
    real = subprocess.run

    @functools.wraps(real)
    def run(*arguments, **options):
        done = real(*arguments, **options)
        if arguments and wants_reports(arguments[0]) and done.returncode == 0 and done.stdout:
            judge.judge(judge.split(done.stdout))
        return done

    subprocess.run = run
    yield
    subprocess.run = real


# Files that take a minute or more begin first, or one of them is left over at the end, alone.
LONG = ("test_storage.py", "test_wrong_answers.py", "test_chaos.py", "test_package.py",
        "test_systemd.py", "test_receiver_faults.py", "test_outbox.py", "test_damage.py",
        "test_gas_turbine.py", "test_syscalls.py", "test_power.py", "test_power_start.py")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG
               else len(LONG))
