# SPDX-License-Identifier: Apache-2.0
"""A cable that is pulled, a switch that dies, a device that loses its power: nothing comes back, no
end, no reset, and nobody acknowledges what is sent any more.

Poller and device have network namespaces of their own and a pair of virtual interfaces between
them; a second device is on the poller's side. While the first is out of reach it has no value, the
second keeps its pace; when it is back it is read again, on a new connection, although it may still
believe in the old one.
"""

import contextlib
import ctypes
import os
import socket
import subprocess
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from plant import LIMIT_S, Device, Plant, until  # noqa: E402

CLONE_NEWNET = 0x40000000  # sched.h
HERE, THERE, PORT = "10.91.0.1", "10.91.0.2", 1502
BEFORE, MEANWHILE, AFTER = 50.0, 61.0, 77.0
SITE = f"""\
site: mill
links:
  - {{name: far, tcp: "{THERE}:{PORT}", connect-timeout: 400ms, backoff: [50ms, 300ms]}}
  - {{name: near, tcp: "127.0.0.1:{PORT}"}}
units:
  - {{name: far, link: far, id: 1, interval: 100ms, timeout: 80ms}}
  - {{name: near, link: near, id: 1, interval: 100ms, timeout: 80ms}}
sources:
  - name: outfall
    kind: liquid
    channels:
      - {{name: COD, from: far, table: input, address: 0, type: float32, order: ABCD,
         range: [0, 1000], lost-after: 1s}}
      - {{name: other, from: near, table: input, address: 0, type: float32, order: ABCD,
         range: [0, 1000], lost-after: 1s}}
"""


def enter(namespace):
    fd = os.open(f"/proc/{namespace.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET) < 0:
        raise OSError(ctypes.get_errno(), "setns")
    os.close(fd)


def run(namespace, *command):
    subprocess.run(["nsenter", "-t", str(namespace.pid), "-n", *command], check=True,
                   timeout=LIMIT_S)


def listen(namespace, address):
    """A socket that listens inside: it stays there, whoever uses it."""
    sockets = []

    def make():
        enter(namespace)
        sockets.append(socket.create_server((address, PORT)))
    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return sockets[0]


@contextlib.contextmanager
def namespaces():
    """Two networks with a wire between them; they end with the processes that hold them."""
    mine = os.readlink("/proc/self/ns/net")
    holders = [subprocess.Popen(["unshare", "--net", "sleep", "infinity"]) for _ in range(2)]
    try:
        here, there = holders
        for holder in holders:
            until(lambda pid=holder.pid: os.readlink(f"/proc/{pid}/ns/net") != mine, "a network")
            run(holder, "ip", "link", "set", "lo", "up")
        run(here, "ip", "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns",
            str(there.pid))
        for holder, address in ((here, HERE), (there, THERE)):
            run(holder, "ip", "address", "add", f"{address}/30", "dev", "wire")
            run(holder, "ip", "link", "set", "wire", "up")
        yield here, there
    finally:
        for holder in holders:
            holder.kill()
            holder.wait()


class Far:
    """The device at the other end of the wire, and what may happen to it."""

    def __init__(self, namespace):
        self.namespace = namespace
        self.device = Device(listener=listen(namespace, THERE))
        self.n_connects = 0

    def cable(self):
        run(self.namespace, "ip", "link", "set", "wire", "down")

    def cable_back(self):
        run(self.namespace, "ip", "link", "set", "wire", "up")

    def switch(self):
        """The interface stays up, whatever is sent is lost without a word."""
        run(self.namespace, "ip", "address", "del", f"{THERE}/30", "dev", "wire")

    def switch_back(self):
        run(self.namespace, "ip", "address", "add", f"{THERE}/30", "dev", "wire")

    def power(self):
        self.cable()
        self.device.close()

    def power_back(self):
        """Started anew, it knows of no connection."""
        self.cable_back()
        self.device = Device(listener=listen(self.namespace, THERE))


@pytest.fixture
def network():
    if os.geteuid() != 0:
        pytest.skip("needs root, for networks of its own")
    with namespaces() as both:
        yield both


def channel(plant, name):
    return next((c for c in plant.status().get("channels", ())
                 if c["channel"] == f"mill/outfall/{name}"), {})


def is_read(plant, value):
    shown = channel(plant, "COD")
    return shown.get("quality") == "good" and float(shown["value"]) == value


# faults: M1[cable], M1[switch], M1[power]
@pytest.mark.parametrize("fault", ("cable", "switch", "power"))
def test_out_of_reach_and_back(network, fault):
    here, there = network
    far, near = Far(there), Device(listener=listen(here, "127.0.0.1"))
    far.device.set(COD=BEFORE)
    with Plant() as plant:
        (plant.config / "sites.d" / "mill.yaml").write_text(SITE)
        plant.start("core")
        plant.spawn("poller", "wastewatch-poller", "--runtime", str(plant.run),
                    preexec_fn=lambda: enter(here))
        plant.until(lambda: is_read(plant, BEFORE), "the device is read")
        n_connects = far.device.n_connects
        getattr(far, fault)()
        far.device.set(COD=MEANWHILE)
        lost = plant.until_entry("measurement.lost")
        assert lost["channel"] == "COD" and lost["reason"] in (
            "no answer in time", "link is down"), lost
        plant.until(lambda: channel(plant, "COD").get("lost"), "status.json says so")
        assert channel(plant, "COD")["quality"] == "communication lost"
        n_read = near.n_requests
        plant.until(lambda: near.n_requests > n_read + 30, "the other one is read")
        assert channel(plant, "other")["quality"] == "good"
        assert float(channel(plant, "COD")["value"]) == BEFORE  # with its age, not as new
        assert channel(plant, "COD")["age_ms"] > 1000
        getattr(far, f"{fault}_back")()
        far.device.set(COD=AFTER)
        plant.until(lambda: is_read(plant, AFTER), "it is read again")
        assert far.device.n_connects > (0 if fault == "power" else n_connects)
        assert plant.until_entry("measurement.restored")["channel"] == "COD"
        assert [e["channel"] for e in plant.entries("measurement.lost")] == ["COD"]
        assert plant.stop() == 0
        minutes = plant.query("SELECT min, max FROM minutes JOIN channel ON id = channel "
                              "WHERE n > 0 AND path = 'mill/outfall/COD'")
        assert all(low in (BEFORE, AFTER) and high in (BEFORE, AFTER) for low, high in minutes)
    near.close()
    far.device.close()
