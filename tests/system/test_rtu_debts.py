# SPDX-License-Identifier: Apache-2.0
"""Answers on a line that are still under way when the poller does not know of them any more.

The fake core checks the value of each reading, as in test_rtu.py.
"""

import time

import pytest
from test_poller import Plan, cleanup, start  # noqa: F401 (two are fixtures)
from test_rtu import (add_line, add_server, add_unit, good, line,  # noqa: F401 (two are fixtures)
                      serial_server)

SLOW_S = 0.6  # longer than a line is silent after it was opened
TIMEOUT_MS = 1000


def slow(_slave, request):
    time.sleep(SLOW_S)  # this is the fault: there is time to be killed, or told another plan
    return good(*request)


def twice_and_late(slave, request):
    """The right answer in time, and once more in answer to the next request."""
    slave.write(slave.previous.get(request[0], b""))
    slave.previous[request[0]] = good(*request)
    time.sleep(0.03)  # this is the fault: the repeat is there first
    return good(*request)


def plan_of(number, path, **fields):
    plan = Plan(number)
    add_unit(plan, add_line(plan, path), 1, 10)
    plan.links[0] = plan.links[0]._replace(**fields)
    plan.units[0] = plan.units[0]._replace(timeout_ms=TIMEOUT_MS)
    return plan


@pytest.mark.parametrize("fields", [{}, {"backoff_max_ms": 201}, {"key": 9}],
                         ids=["the same", "other settings", "another key"])
def test_reload_with_an_answer_owed(start, line, fields):  # noqa: F811
    on = line({1: slow})
    core = start(plan_of(1, on.path)).until(lambda c: c.count(10) >= 1)
    for number in range(2, 5):
        n, n_requests = core.count(10), len(on.slave.requests)
        core.until(lambda c, n=n_requests: len(on.slave.requests) > n)
        core.send_plan(plan_of(number, on.path, **(fields if number % 2 == 0 else {})))
        core.until(lambda c, n=n: c.count(10) > n)


def test_killed_with_a_request_outstanding(start, line):  # noqa: F811
    on = line({1: slow})
    for _ in range(3):
        core = start(plan_of(1, on.path)).until(lambda c: c.count(10) >= 1)
        n_requests = len(on.slave.requests)
        core.until(lambda c, n=n_requests: len(on.slave.requests) > n)
        core.process.kill()
        core.process.wait()
        core.process.returncode = 0


@pytest.mark.parametrize("kind", ["line", "server"])
def test_answers_that_come_twice(start, line, serial_server, kind):  # noqa: F811
    behaviours = {1: twice_and_late}
    plan = Plan()
    if kind == "line":
        on = line(behaviours)
        link = add_line(plan, on.path)
    else:
        on = serial_server(behaviours)
        link = add_server(plan, on.port)
    add_unit(plan, link, 1, 10)
    core = start(plan)
    core.until(lambda c: all(c.count(10 + i) >= 3 for i in range(5)))
