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
