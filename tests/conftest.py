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


# Files with tests that take a minute or more begin first, or one of them is left over at the end.
LONG = ("test_storage.py", "test_wrong_answers.py", "test_chaos.py", "test_package.py",
        "test_same_hours.py", "test_profiles.py", "test_systemd.py", "test_receiver_faults.py",
        "test_outbox.py", "test_damage.py", "test_gas_turbine.py", "test_syscalls.py",
        "test_power.py", "test_power_start.py")


MACHINES = ("test_package.py", "test_systemd.py", "test_upload_unit.py")


def shared_fixtures(item):
    """Those that are made once for a whole file."""
    return [name for name, made in item._fixtureinfo.name2fixturedefs.items()
            if made[-1].scope in ("module", "class")]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests that share a fixture go to one worker together; every other one goes to the next."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG
               else len(LONG))
    for item in items:
        if shared_fixtures(item):
            item.add_marker(pytest.mark.xdist_group(item.path.name))


def pytest_terminal_summary(terminalreporter):
    """How long each file with a machine of its own took; test_systemd.py may take four minutes."""
    took = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            name = getattr(report, "nodeid", "").partition("::")[0].rpartition("/")[2]
            if name in MACHINES and hasattr(report, "duration"):
                took[name] = took.get(name, 0) + report.duration
    for name, seconds in sorted(took.items()):
        terminalreporter.write_line(f"{name}: {seconds:.0f} s with its machine")
