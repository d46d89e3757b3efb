# SPDX-License-Identifier: Apache-2.0
"""The wire between the three programs (include/common/wire.h) in Python.

For tests: a fake core that speaks to the poller or to the sender, a fake poller that speaks
to the core. One packet is one message on a SOCK_SEQPACKET Unix socket, in host byte order.

    core = Listener(directory + "/poller.sock")
    link = core.accept()                  # a Packets: send(bytes), receive() -> message
    hello = link.receive()                # Hello(...)
    link.send(hello_packet(ROLE_CORE))
    for packet in plan_packets(plan_id, links, units, requests):
        link.send(packet)
    link.send(ack_packet(0))
    link.receive()                        # [Reading(...), ...]

decode() turns a packet into one of the message classes below and checks lengths on the way;
what is not well-formed raises WireError.
"""

import fcntl
import os
import select
import socket
import struct
import sys
import termios
from collections import namedtuple

VERSION = 3
MAGIC = 0x57573031
PACKET_MAX = 131072

(HELLO, PLAN_BEGIN, PLAN_LINKS, PLAN_UNITS, PLAN_REQUESTS, PLAN_END, ACK, READINGS, LINKS, JOB,
 RESULT, TRIALS) = range(1, 13)
ROLE_CORE, ROLE_POLLER, ROLE_SENDER = 1, 2, 3
LINK_TCP, LINK_RTU, LINK_RTU_TCP = 1, 2, 3
JOB_POST, JOB_UPLOAD = 1, 2
OK, TIMEOUT, DISCONNECTED, MALFORMED, FOREIGN, EXCEPTION = range(6)
CONNECTING, IDLE, WAITING, BACKING_OFF = range(1, 5)

_HEADER = struct.Struct("=HHI")
_HELLO = struct.Struct("=IHHQQQ16s")
_PLAN_BEGIN = struct.Struct("=QIIII")
_LINK = struct.Struct("=QHHIIIIIIHHBBB5x160s")
_UNIT = struct.Struct("=IIIIIIB7x")
_REQUEST = struct.Struct("=QIHHBB6x16s16s")
_U64 = struct.Struct("=Q")
_READING = struct.Struct("=QQqqIBBHHH4x")
_LINK_REPORT = struct.Struct("=QIi8QIIIHH")
_JOB = struct.Struct("=Q12I")
_RESULT = struct.Struct("=Qqqii4I")
_TRIAL = struct.Struct("=HHi160s")
TRIAL_FAMILY, TRIAL_FILE, TRIAL_ADDRESS = 1, 2, 3
NOT_TRIED, REFUSED, OPEN, UNKNOWN = range(4)

Hello = namedtuple("Hello", "role instance plan first_seq boot_id version magic")
PlanBegin = namedtuple("PlanBegin", "plan n_links n_units n_requests grid_us")
PlanEnd = namedtuple("PlanEnd", "plan")
Ack = namedtuple("Ack", "seq")
Reading = namedtuple("Reading",
                     "seq key boot_us wall_us took_us status exception words first count",
                     defaults=(0, 0))
LinkReport = namedtuple(
    "LinkReport", "key state error n_requests n_answers n_exceptions n_timeouts n_malformed "
    "n_late n_connects n_overruns worst_us n_degraded worst_round_us busy_permille n_refused")
Job = namedtuple("Job", "id connect_timeout_ms total_timeout_ms url headers body ca cert key "
                 "user password host_key kind", defaults=(b"", b"", b"", JOB_POST))
Result = namedtuple("Result", "id date_s retry_after_s curl_code http_status took_ms error answer "
                    "uploaded", defaults=(0,))

# what a sandbox must refuse; an error is an errno
Trial = namedtuple("Trial", "kind outcome error target", defaults=(0, 0, b""))

# what a plan is made of; times in milliseconds, phase and grid in microseconds
Link = namedtuple(
    "Link", "key host port connect_timeout_ms backoff_min_ms backoff_max_ms kind baud "
    "first_delay_ms frame_gap_us rts_before_ms rts_after_ms parity stop_bits rs485",
    defaults=(1000, 100, 1000, LINK_TCP, 0, 0, 0, 0, 0, ord("N"), 1, 0))
Unit = namedtuple("Unit", "link id interval_ms timeout_ms phase_us turnaround_ms quiet_ms",
                  defaults=(100, 300, 0, 0, 0))
Request = namedtuple("Request", "key unit function address count used starts barred",
                     defaults=(3, 0, 1, bytes(16), bytes(16), 0))


class WireError(Exception):
    """A packet that the wire does not allow, or a peer that has gone."""


def packet(kind, body=b"", count=0):
    """A packet of type kind around body, with its length filled in."""
    return _HEADER.pack(kind, count, _HEADER.size + len(body)) + body


def boot_id():
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return bytes.fromhex(file.read().strip().replace("-", ""))


def hello_packet(role, instance=1, plan=0, first_seq=0, version=VERSION, magic=MAGIC):
    return packet(HELLO, _HELLO.pack(magic, version, role, instance, plan, first_seq, boot_id()))


def ack_packet(seq):
    return packet(ACK, _U64.pack(seq))


def plan_packets(plan, links, units, requests, grid_us=10000, per_packet=500):
    """All packets of a plan, in the order to send them."""
    yield packet(PLAN_BEGIN,
                 _PLAN_BEGIN.pack(plan, len(links), len(units), len(requests), grid_us))
    lists = (
        (PLAN_LINKS, [_LINK.pack(x.key, x.kind, x.port, x.baud, x.connect_timeout_ms,
                                 x.backoff_min_ms, x.backoff_max_ms, x.first_delay_ms,
                                 x.frame_gap_us, x.rts_before_ms, x.rts_after_ms, x.parity,
                                 x.stop_bits, x.rs485,
                                 x.host if isinstance(x.host, bytes) else x.host.encode())
                      for x in links]),
        (PLAN_UNITS, [_UNIT.pack(x.link, x.interval_ms, x.timeout_ms, x.phase_us,
                                 x.turnaround_ms, x.quiet_ms, x.id)
                      for x in units]),
        (PLAN_REQUESTS, [_REQUEST.pack(x.key, x.unit, x.address, x.count, x.function,
                                       x.barred, x.used, x.starts)
                         for x in requests]),
    )
    for kind, items in lists:
        for i in range(0, len(items), per_packet):
            part = items[i:i + per_packet]
            yield packet(kind, b"".join(part), len(part))
    yield packet(PLAN_END, _U64.pack(plan))


def readings_packet(readings):
    """Readings as a poller sends them."""
    body = b""
    for r in readings:
        words = struct.pack(f"={len(r.words)}H", *r.words)
        body += _READING.pack(r.seq, r.key, r.boot_us, r.wall_us, r.took_us, r.status,
                              r.exception, len(r.words), r.first, r.count)
        body += words + bytes(-len(words) % 8)
    return packet(READINGS, body, len(readings))


def links_packet(reports):
    return packet(LINKS, b"".join(_LINK_REPORT.pack(*r) for r in reports), len(reports))


def job_packet(job):
    """A delivery attempt as the core hands it to the sender; texts are bytes."""
    texts = (job.url, job.headers, job.body, job.ca, job.cert, job.key, job.user, job.password,
             job.host_key)
    return packet(JOB, _JOB.pack(job.id, job.kind, job.connect_timeout_ms, job.total_timeout_ms,
                                 *map(len, texts)) + b"".join(texts))


def result_packet(result):
    return packet(RESULT, _RESULT.pack(result.id, result.date_s, result.retry_after_s,
                                       result.curl_code, result.http_status, result.took_ms,
                                       len(result.error), len(result.answer),
                                       result.uploaded)
                  + result.error + result.answer)


def trials_packet(trials):
    return packet(TRIALS, b"".join(_TRIAL.pack(*t) for t in trials), len(trials))


def _unpack(shape, data, offset=0):
    if len(data) - offset < shape.size:
        raise WireError("packet too short")
    return shape.unpack_from(data, offset)


def _exact(shape, body):
    if len(body) != shape.size:
        raise WireError("packet of the wrong length")
    return shape.unpack(body)


def _decode_hello(body, _count):
    magic, version, role, instance, plan, first_seq, boot = _exact(_HELLO, body)
    return Hello(role, instance, plan, first_seq, boot, version, magic)


def _decode_readings(body, count):
    readings, at = [], 0
    for _ in range(count):
        *fields, n_words, first, count_of = _unpack(_READING, body, at)
        at += _READING.size
        words = _unpack(struct.Struct(f"={n_words}H"), body, at)
        at += (n_words * 2 + 7) // 8 * 8
        readings.append(Reading(*fields, words, first, count_of))
    if at != len(body):
        raise WireError("readings of the wrong length")
    return readings


def _decode_links(body, count):
    if len(body) != count * _LINK_REPORT.size:
        raise WireError("links of the wrong length")
    return [LinkReport(*_LINK_REPORT.unpack_from(body, i * _LINK_REPORT.size))
            for i in range(count)]


def _split(body, lengths):
    if sum(lengths) != len(body):
        raise WireError("texts of the wrong length")
    texts, at = [], 0
    for n in lengths:
        texts.append(body[at:at + n])
        at += n
    return texts


def _decode_job(body, _count):
    ident, kind, connect_ms, total_ms, *lengths = _unpack(_JOB, body)
    return Job(ident, connect_ms, total_ms, *_split(body[_JOB.size:], lengths), kind)


def _decode_result(body, _count):
    *fields, n_error, n_answer, uploaded = _unpack(_RESULT, body)
    return Result(*fields, *_split(body[_RESULT.size:], (n_error, n_answer)), uploaded)


def _decode_items(cls, shape, fields):
    def decode_list(body, count):
        if len(body) != count * shape.size:
            raise WireError("list of the wrong length")
        return [cls(**dict(zip(fields, shape.unpack_from(body, i * shape.size))))
                for i in range(count)]
    return decode_list


_DECODERS = {
    HELLO: _decode_hello,
    PLAN_BEGIN: lambda body, _: PlanBegin(*_exact(_PLAN_BEGIN, body)),
    PLAN_LINKS: _decode_items(Link, _LINK, (
        "key", "kind", "port", "baud", "connect_timeout_ms", "backoff_min_ms", "backoff_max_ms",
        "first_delay_ms", "frame_gap_us", "rts_before_ms", "rts_after_ms", "parity", "stop_bits",
        "rs485", "host")),
    PLAN_UNITS: _decode_items(Unit, _UNIT, ("link", "interval_ms", "timeout_ms", "phase_us",
                                            "turnaround_ms", "quiet_ms", "id")),
    PLAN_REQUESTS: _decode_items(Request, _REQUEST, ("key", "unit", "address", "count",
                                                     "function", "barred", "used", "starts")),
    PLAN_END: lambda body, _: PlanEnd(*_exact(_U64, body)),
    ACK: lambda body, _: Ack(*_exact(_U64, body)),
    READINGS: _decode_readings,
    LINKS: _decode_links,
    JOB: _decode_job,
    RESULT: _decode_result,
    TRIALS: _decode_items(Trial, _TRIAL, ("kind", "outcome", "error", "target")),
}


def kind_of(data):
    """Type of a packet."""
    return _unpack(_HEADER, data)[0]


def decode(data):
    """A packet as one of the classes above, or a list of them; raises WireError."""
    kind, count, length = _unpack(_HEADER, data)
    if length != len(data) or kind not in _DECODERS:
        raise WireError(f"malformed packet of type {kind}")
    return _DECODERS[kind](data[_HEADER.size:], count)


class Packets:
    """One connection."""

    def __init__(self, sock, timeout=10):
        self.sock = sock
        self.sock.settimeout(timeout)

    def send(self, data):
        self.sock.send(data)

    def all_taken(self):
        """Has the peer taken all that was sent?"""
        left = fcntl.ioctl(self.sock.fileno(), termios.TIOCOUTQ, bytes(4))
        return int.from_bytes(left, sys.byteorder) == 0

    def receive_raw(self):
        """Bytes of the next packet; b"" the peer has closed."""
        try:
            return self.sock.recv(PACKET_MAX)
        except ConnectionResetError:
            return b""

    def receive(self):
        """The next message; None the peer has closed; raises TimeoutError.

        What a core asks of sandboxes is left out: see receive_trials().
        """
        data = self.receive_raw()
        while data and kind_of(data) == TRIALS:
            data = self.receive_raw()
        return decode(data) if data else None

    def is_waiting(self, seconds=0.05):
        """Does a message come in that time, other than what receive() leaves out?"""
        while select.select([self.sock], [], [], seconds)[0]:
            data = self.sock.recv(PACKET_MAX, socket.MSG_PEEK)
            if not data or kind_of(data) != TRIALS:
                return True
            self.sock.recv(PACKET_MAX)
        return False

    def receive_trials(self):
        """The next of them; whatever comes before is left out."""
        data = self.receive_raw()
        while data and kind_of(data) != TRIALS:
            data = self.receive_raw()
        return decode(data) if data else None

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Listener:
    """The core's end of a socket, at path (short: sun_path has 108 bytes)."""

    def __init__(self, path, timeout=10):
        self.path = path
        if os.path.exists(path):
            os.unlink(path)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.bind(path)
        self.sock.listen(16)
        self.sock.settimeout(timeout)
        self.timeout = timeout

    def accept(self):
        return Packets(self.sock.accept()[0], self.timeout)

    def close(self):
        self.sock.close()
        if os.path.exists(self.path):
            os.unlink(self.path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def connect(path, timeout=10):
    """A client's end: a fake poller or sender."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.connect(path)
    return Packets(sock, timeout)
