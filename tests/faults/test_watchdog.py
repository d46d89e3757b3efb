# SPDX-License-Identifier: Apache-2.0
"""A poller that turns and does not poll: systemd's watchdog must get to know."""

import os
import shutil
import socket
import tempfile
from pathlib import Path

import pytest
import rig
from plant import until
from test_poller import Core, Device, Plan

FED = b"WATCHDOG=1"
TURNS = 30  # of the loop, each of which could feed the watchdog


@pytest.fixture(name="directory")
def make_directory():
    directory = tempfile.mkdtemp(prefix="ww-")
    yield Path(directory)
    shutil.rmtree(directory)


def listen(path):
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(path))
    notify.setblocking(False)
    return notify


def take(notify):
    """What has come until now."""
    messages = []
    while True:
        try:
            messages.append(notify.recv(4096))
        except BlockingIOError:
            return messages


def test_the_poller_s_watchdog_starves_when_nothing_is_polled(directory, monkeypatch):
    """H7: its loop turns, its timers run, only that of the polling never comes again: after the
    time that was promised the watchdog is fed no more, and systemd ends it."""
    stuck = directory / "stuck"
    monkeypatch.setenv("NOTIFY_SOCKET", str(directory / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    monkeypatch.setenv("LD_PRELOAD", os.environ.get("LD_PRELOAD", "") + " " + rig.preload("notimer"))
    monkeypatch.setenv("NOTIMER", str(stuck))
    plan, device, fed = Plan(), Device(), []
    plan.add_device(device, 50)
    with listen(directory / "notify") as notify:
        core = Core(plan)
        core.greet().until(lambda c: c.count(50) >= 1)
        until(lambda: fed.extend(m for m in take(notify) if m == FED) or len(fed) > 2, "it is fed")
        stuck.touch()
        until(lambda: stuck.read_bytes().count(b"n") >= 1, "the timer of the polling is gone")
        fed.clear()
        # taken as it comes: whoever tells a full socket waits
        until(lambda: fed.extend(m for m in take(notify) if m == FED) or
              stuck.read_bytes().count(b"t") > TURNS, "the loop turns", say=stuck.read_bytes)
        core.stop()
        device.stop()
    # it may be before the time it was set to, a second ahead at most, and half the watchdog's
    assert len(fed) < TURNS / 2, "it was fed as if it polled"
    rig.figures("watchdog-poller", stuck.read_bytes().count(b"n"))
