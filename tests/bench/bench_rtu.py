# SPDX-License-Identifier: Apache-2.0
"""A serial line at 9,600 baud with ten units: how much of it is used?

The device end of a pty stands for the line and its units: it holds an answer back for as long
as the bytes of request and answer, and the silence between them, would take on a wire. The
poller is asked for more than the line bears, so that it is never without work; what it reads
per second is held against what the line could carry at most.

    bench_rtu.py FD        the units, on the master end FD of a pty
"""

import os
import struct
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "system"))
import wire  # noqa: E402  pylint: disable=wrong-import-position

BAUD, BITS, UNITS, REGISTERS = 9600, 11, 10, 10  # 8E1
CHARACTER_S = BITS / BAUD
GAP_S = 3.5 * CHARACTER_S
N_OUT, N_IN = 8, 5 + 2 * REGISTERS
CYCLE_S = (N_OUT + N_IN) * CHARACTER_S + 2 * GAP_S


def crc(data):
    """CRC-16 of Modbus over Serial Line V1.02 §6.2.2."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return struct.pack("<H", value)


def answer(request):
    unit, function, address, count = struct.unpack(">BBHH", request[:6])
    body = struct.pack(f">BBB{count}H", unit, function, 2 * count,
                       *(unit * 100 + address + i for i in range(count)))
    return body + crc(body)


def serve(fd):
    """Answer for ever, at the line's pace."""
    while True:
        request = b""
        while len(request) < N_OUT:
            request += os.read(fd, N_OUT - len(request))
        began = time.monotonic()
        reply = answer(request)
        ends = began + (N_OUT + len(reply)) * CHARACTER_S + GAP_S
        time.sleep(max(0.0, ends - time.monotonic()))
        os.write(fd, reply)


def plan(device):
    gap_us = -(-3_500_000 * BITS // BAUD)
    link = wire.Link(1, device, 0, 1000, 100, 1000, wire.LINK_RTU, BAUD, 0, gap_us, 0, 0,
                     ord("E"), 1, 0)
    # a round is due again before it can be through
    interval_ms = max(10, int(UNITS * CYCLE_S * 1000) // 10 * 10 - 20)
    units = [wire.Unit(0, 1 + i, interval_ms, 500, 0, 0, 500) for i in range(UNITS)]
    requests = [wire.Request(1 + i, i, 3, 0, REGISTERS) for i in range(UNITS)]
    return wire.plan_packets(1, [link], units, requests)


def measure(start_poller, runtime, window_s):
    """Start the poller on a line; return (answers per second of each unit, the line's most)."""
    master, slave = os.openpty()
    device = os.ttyname(slave)
    core = wire.Listener(str(runtime) + "/poller.sock")
    units = subprocess.Popen([sys.executable, __file__, str(master)], pass_fds=[master],
                             stdin=subprocess.DEVNULL)
    os.close(slave)
    poller = start_poller()
    try:
        link = core.accept()
        link.receive()
        link.send(wire.hello_packet(wire.ROLE_CORE))
        for packet in plan(device):
            link.send(packet)
        link.send(wire.ack_packet(0))
        return count(link, window_s), 1 / CYCLE_S
    finally:
        poller.end()
        units.kill()
        units.wait()
        os.close(master)
        core.close()


def count(link, window_s):
    """Answers per second and unit, from two seconds on."""
    answers, began = dict.fromkeys(range(1, UNITS + 1), 0), time.monotonic() + 2
    while (now := time.monotonic()) < began + window_s:
        message = link.receive()
        for reading in message if isinstance(message[0], wire.Reading) else []:
            if reading.key and reading.status == wire.OK and now >= began:
                answers[reading.key] += 1
        if isinstance(message[0], wire.Reading):
            link.send(wire.ack_packet(message[-1].seq))
    return {key: n / window_s for key, n in answers.items()}


if __name__ == "__main__":
    try:
        serve(int(sys.argv[1]))
    except OSError:
        pass  # the poller has closed the line
