# SPDX-License-Identifier: Apache-2.0
"""The least that a core must do for a poller: send the plan, acknowledge readings.

Stands in for wastewatchd where it is not built, so that the poller can be measured alone.
    bench_core.py RUNTIME < PLAN      with PLAN as bench-plan prints it
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "system"))
import wire  # noqa: E402  pylint: disable=wrong-import-position

ACK_EVERY_S = 0.25


def read_plan():
    grid_us = int(sys.stdin.readline().split()[1])
    links, units, requests = {}, [], []
    for line in sys.stdin:
        link, host, port, unit, interval_us, phase_us, function, address, count = line.split()
        links[int(link)] = wire.Link(1 + int(link), host, int(port), 3000, 100, 1000)
        units.append(wire.Unit(int(link), int(unit), int(interval_us) // 1000, 500,
                               int(phase_us)))
        requests.append(wire.Request(1 + len(requests), len(requests), int(function),
                                     int(address), int(count)))
    return [links[i] for i in sorted(links)], units, requests, grid_us


def main():
    links, units, requests, grid_us = read_plan()
    core = wire.Listener(sys.argv[1] + "/poller.sock")
    print("running", flush=True)
    poller = core.accept()
    poller.receive()
    poller.send(wire.hello_packet(wire.ROLE_CORE))
    for packet in wire.plan_packets(1, links, units, requests, grid_us):
        poller.send(packet)
    poller.send(wire.ack_packet(0))
    acknowledged = time.monotonic()
    while (message := poller.receive()) is not None:
        readings = isinstance(message, list) and message and isinstance(message[0], wire.Reading)
        if readings and time.monotonic() - acknowledged > ACK_EVERY_S:
            poller.send(wire.ack_packet(message[-1].seq))
            acknowledged = time.monotonic()


if __name__ == "__main__":
    main()
