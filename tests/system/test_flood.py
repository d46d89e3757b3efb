# SPDX-License-Identifier: Apache-2.0
"""A poller that was taken over must not fill the record with entries."""

import os
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(__file__))
import wire  # noqa: E402
from plant import Plant, until  # noqa: E402


@pytest.fixture(name="plant")
def make_plant():
    with Plant() as plant:
        plant.start("core")
        plant.until_entry("core.started")
        yield plant


def greet(plant, instance):
    link = wire.connect(str(plant.run / "poller.sock"))
    link.send(wire.hello_packet(wire.ROLE_POLLER, instance=instance))
    while not isinstance(message := link.receive(), wire.Ack):
        assert message is not None
    return link


def ticks(numbers):
    boot = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
    return wire.readings_packet([wire.Reading(n, 0, boot, time.time_ns() // 1000, 0, wire.OK, 0,
                                              ()) for n in numbers])


def test_numbers_that_jump_make_few_entries_and_are_all_counted(plant):
    link = greet(plant, 1)
    for first in range(1, 20001, 400):  # every other number: 10,000 losses of one
        link.send(ticks(range(first, first + 400, 2)))
    seen = 0
    while seen < 19999:
        message = link.receive()
        seen = message.seq if isinstance(message, wire.Ack) else seen
    plant.until_entry("readings.lost")
    plant.stop()
    entries = plant.entries("readings.lost")
    assert len(entries) <= 4
    assert sum(entry["readings"] for entry in entries) == 9999


def test_pollers_that_begin_anew_make_few_entries(plant):
    for instance in range(1, 60):
        greet(plant, instance).close()
        until(lambda n=instance: plant.log().count("the poller is gone") >= n, "it is noticed")
    plant.stop()
    entries = plant.entries("poller.started")
    assert len(entries) <= 4
    assert sum(entry["times"] for entry in entries) == 59
