# SPDX-License-Identifier: Apache-2.0
"""wastewatch-receiver: what a department accepts, refuses and remembers.

Signatures are made by Python's hmac and by the openssl command, not by this project.
"""

import base64
import email.utils
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECEIVER = ROOT / os.environ.get("WASTEWATCH_BUILD", "build") / "wastewatch-receiver"
SECRET = base64.b64encode(bytes(range(32))).decode()
OTHER_SECRET = base64.b64encode(bytes(range(1, 33))).decode()
LIMIT_S = 20
ANSWER = jsonschema.Draft202012Validator(json.loads(
    (ROOT / "conf/schema/answer.schema.json").read_text(encoding="utf-8")))
BOTH = object()


def report(n=1, log=None, kind="incident.opened"):
    data = {"site": "hop-thanh", "n": n}
    if log:
        data["log"] = dict(zip(("origin", "seq", "hash", "id", "prev_hash"), log))
    return json.dumps({"type": kind, "timestamp": "2026-11-24T21:05:00+07:00", "data": data}).encode()


class Keys:
    """An Ed25519 key pair made by openssl, and a secret file."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.private = self.directory / "private.pem"
        self.public_pem = self.directory / "public.pem"
        self.secret = self.directory / "secret"
        self.secret.write_text("whsec_" + SECRET + "\n", encoding="ascii")
        for arguments in (["genpkey", "-algorithm", "ed25519", "-out", self.private],
                          ["pkey", "-in", self.private, "-pubout", "-out", self.public_pem]):
            subprocess.run(["openssl", *arguments], check=True, capture_output=True)
        der = subprocess.run(["openssl", "pkey", "-in", self.private, "-pubout", "-outform", "DER"],
                             check=True, capture_output=True).stdout
        self.public = "whpk_" + base64.b64encode(der[-32:]).decode()

    def v1(self, base, secret=SECRET):
        return "v1," + base64.b64encode(hmac.digest(base64.b64decode(secret), base,
                                                    hashlib.sha256)).decode()

    def v1a(self, base):
        path = self.directory / f"base-{threading.get_ident()}"
        path.write_bytes(base)
        made = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", self.private,
                               "-in", path], check=True, capture_output=True).stdout
        return "v1a," + base64.b64encode(made).decode()

    def headers(self, ident, body, age_s=0, signatures=BOTH):
        stamp = str(int(time.time()) - age_s)
        base = f"{ident}.{stamp}.".encode() + body
        if signatures is BOTH:
            signatures = self.v1a(base) + " " + self.v1(base)
        return {"Content-Type": "application/json", "webhook-id": ident, "webhook-timestamp": stamp,
                "webhook-signature": signatures}


@pytest.fixture(scope="module", name="keys")
def fixture_keys():
    directory = tempfile.mkdtemp()
    yield Keys(directory)
    shutil.rmtree(directory)


class Receiver:
    """The program, with both keys unless told otherwise."""

    def __init__(self, store, *arguments, context=None):
        self.store, self.context = pathlib.Path(store), context
        self.process = subprocess.Popen(
            [RECEIVER, "--listen", "127.0.0.1:0", "--store", store, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        first = self.process.stdout.readline()
        assert first.startswith("listening on 127.0.0.1:"), first + self.process.stderr.read()
        self.port = int(first.rsplit(":", 1)[1])

    def connect(self):
        if self.context:
            return http.client.HTTPSConnection("localhost", self.port, timeout=LIMIT_S,
                                               context=self.context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)

    def request(self, method, body=None, headers=None, path="/"):
        connection = self.connect()
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def post(self, headers, body):
        """Status and answer."""
        status, _, text = self.request("POST", body, headers)
        return status, json.loads(text) if text else None

    def stop(self, how=signal.SIGTERM):
        """Everything printed after the first line."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        text, errors = self.process.communicate(timeout=LIMIT_S)
        assert "Sanitizer" not in errors, errors
        assert self.process.returncode == (0 if how == signal.SIGTERM else -how), errors
        return text

    def index(self):
        return [json.loads(line) for line in (self.store / "index.jsonl").read_text().splitlines()]


@pytest.fixture(name="start")
def fixture_start(keys):
    """start(...) makes a Receiver on one store; the first argument may name the keys."""
    directory = tempfile.mkdtemp()
    receivers = []

    def start(*arguments, known=None, context=None):
        known = known or ("--secret", keys.secret, "--public-key", keys.public)
        receivers.append(Receiver(directory + "/store", *known, *arguments, context=context))
        return receivers[-1]
    yield start
    for receiver in receivers:
        if receiver.process.poll() is None:
            receiver.stop()
    shutil.rmtree(directory)


# ---- accepted ----

def test_genuine(start, keys):
    receiver = start()
    body = report()
    assert receiver.post(keys.headers("3f-12-department", body), body) == (
        200, {"received": "3f-12-department", "duplicate": False})
    assert (receiver.store / "3f-12-department.json").read_bytes() == body
    line, = receiver.index()
    assert line["id"] == "3f-12-department" and line["type"] == "incident.opened"
    assert line["sha256"] == hashlib.sha256(body).hexdigest()
    assert line["attempt"] == 1 and line["outcome"] == "stored"
    assert abs(line["timestamp"] - time.time()) < 60
    assert receiver.request("GET")[2] == b"1 reports\n"
    text = receiver.stop()
    assert "received incident.opened 3f-12-department, both signatures good\n" in text
    assert "1 reports held; 1 stored, 0 received again" in text.splitlines()[-1]


@pytest.mark.parametrize("known, signature, words", [
    ("secret", "v1", "v1 signature good"),
    ("public", "v1a", "v1a signature good"),
    ("pem", "v1a", "v1a signature good"),
    ("file", "v1a", "v1a signature good"),
    ("rotation", "v1", "v1 signature good")])
def test_one_key_is_enough(start, keys, known, signature, words):
    file = keys.directory / "public"
    file.write_text(keys.public + "\n", encoding="ascii")
    other = keys.directory / "other"
    other.write_text("whsec_" + OTHER_SECRET, encoding="ascii")
    receiver = start(known={
        "secret": ("--secret", keys.secret), "public": ("--public-key", keys.public),
        "pem": ("--public-key", keys.public_pem), "file": ("--public-key", file),
        "rotation": ("--secret", other, "--secret", keys.secret)}[known])
    body = report()
    headers = keys.headers("a", body, signatures="")
    base = f"a.{headers['webhook-timestamp']}.".encode() + body
    headers["webhook-signature"] = getattr(keys, signature)(base)
    assert receiver.post(headers, body)[0] == 200
    assert words in receiver.stop()


def test_good_among_many(start, keys):
    """During rotation the list holds signatures that we cannot verify, and unknown kinds."""
    receiver = start()
    body = report()
    headers = keys.headers("a", body)
    good = headers["webhook-signature"]
    base = f"a.{headers['webhook-timestamp']}.".encode() + body
    headers["webhook-signature"] = f"v2,AAAA {keys.v1(base, OTHER_SECRET)} {good}"
    assert receiver.post(headers, body)[0] == 200


def test_bytes_are_kept(start, keys):
    receiver = start()
    body = b' {"type" : "a.b_C1",\r\n "data":{"n": 1.50, "text":"N\xc6\xb0\xe1\xbb\x9bc"} }\n\n'
    assert receiver.post(keys.headers("A_z-9", body), body)[0] == 200
    assert (receiver.store / "A_z-9.json").read_bytes() == body
    assert sorted(p.name for p in receiver.store.iterdir()) == ["A_z-9.json", "index.jsonl"]


def test_largest_body(start, keys):
    receiver = start()
    body = report().ljust(1 << 20)
    assert receiver.post(keys.headers("big", body), body)[0] == 200
    assert receiver.post(keys.headers("more", body + b" "), body + b" ")[0] == 413
    assert not (receiver.store / "more.json").exists()


def test_in_pieces(start, keys):
    receiver = start()
    body = report()
    connection = receiver.connect()
    connection.request("POST", "/", iter([body[:10], body[10:11], body[11:]]),
                       keys.headers("a", body), encode_chunked=True)
    assert connection.getresponse().status == 200


# ---- refused ----

EDITS = {
    "nothing": (lambda h, b: (h, b), 200),
    "body": (lambda h, b: (h, b.replace(b"hop", b"hip")), 401),
    "body longer": (lambda h, b: (h, b + b" "), 401),
    "id": (lambda h, b: ({**h, "webhook-id": "b"}, b), 401),
    "time": (lambda h, b: ({**h, "webhook-timestamp": str(int(h["webhook-timestamp"]) + 1)}, b), 401),
    "no id": (lambda h, b: ({k: v for k, v in h.items() if k != "webhook-id"}, b), 400),
    "no time": (lambda h, b: ({k: v for k, v in h.items() if k != "webhook-timestamp"}, b), 400),
    "no signature": (lambda h, b: ({k: v for k, v in h.items() if k != "webhook-signature"}, b), 400),
    "v1 alone": (lambda h, b: ({**h, "webhook-signature": h["webhook-signature"].split()[1]}, b), 401),
    "v1a alone": (lambda h, b: ({**h, "webhook-signature": h["webhook-signature"].split()[0]}, b), 401),
    "empty": (lambda h, b: ({**h, "webhook-signature": ""}, b), 401),
    "swapped": (lambda h, b: ({**h, "webhook-signature": h["webhook-signature"].replace(
        "v1a,", "v1x,").replace("v1,", "v1a,").replace("v1x,", "v1,")}, b), 401),
    "short": (lambda h, b: ({**h, "webhook-signature": "v1,AAAA v1a,AAAA"}, b), 401),
    "not base64": (lambda h, b: ({**h, "webhook-signature": "v1,%%%% v1a,====" }, b), 401),
    "not padded": (lambda h, b: ({**h, "webhook-signature": h["webhook-signature"].replace("=", "")}, b),
                   401),
    "time no number": (lambda h, b: ({**h, "webhook-timestamp": "now"}, b), 400),
    "time negative": (lambda h, b: ({**h, "webhook-timestamp": "-1"}, b), 400),
    "time huge": (lambda h, b: ({**h, "webhook-timestamp": "9" * 30}, b), 400),
    "time zero": (lambda h, b: ({**h, "webhook-timestamp": "0"}, b), 400),
    "time with blank": (lambda h, b: ({**h, "webhook-timestamp": h["webhook-timestamp"] + " 1"}, b), 400),
    "time padded": (lambda h, b: ({**h, "webhook-timestamp": "0" + h["webhook-timestamp"]}, b), 400),
}


@pytest.mark.parametrize("name", EDITS)
def test_edited(start, keys, name):
    receiver = start()
    edit, expected = EDITS[name]
    body = report()
    headers, sent = edit(keys.headers("a", body), body)
    status, answered = receiver.post(headers, sent)
    assert status == expected
    assert (receiver.store / "a.json").exists() == (expected == 200)
    assert ("error" in answered) == (expected != 200)
    assert ("refused" in receiver.stop().splitlines()[0]) == (expected != 200)


# faults: W16
@pytest.mark.parametrize("age_s, arguments, expected", [
    (290, (), 200), (310, (), 401), (-290, (), 200), (-310, (), 401),
    (310, ("--tolerance", "3600"), 200), (30, ("--tolerance", "10"), 401)])
def test_time_stamp(start, keys, age_s, arguments, expected):
    receiver = start(*arguments)
    body = report()
    assert receiver.post(keys.headers("a", body, age_s), body)[0] == expected


def test_wrong_keys(start, keys):
    other = keys.directory / "other"
    other.write_text("whsec_" + OTHER_SECRET, encoding="ascii")
    body = report()
    for known in (("--secret", other, "--public-key", keys.public),
                  ("--secret", keys.secret, "--public-key", "whpk_" + OTHER_SECRET)):
        receiver = start(known=known)
        assert receiver.post(keys.headers("a", body), body)[0] == 401


@pytest.mark.parametrize("ident", ["..", "a/b", "../a", "a.b", "a b", "a" * 129, "\xe9", "a%2fb"])
def test_bad_id(start, keys, ident):
    receiver = start()
    body = report()
    headers = {k: v.encode("latin-1") for k, v in keys.headers(ident, body).items()}
    assert receiver.post(headers, body)[0] == 400
    assert [p.name for p in receiver.store.iterdir()] == ["index.jsonl"]


@pytest.mark.parametrize("body", [
    b"", b"{}", b"[]", b"text", b'{"type":"a"}', b'{"type":"a","data":1}', b'{"type":1,"data":{}}',
    b'{"type":"a b","data":{}}', b'{"type":"","data":{}}', b'{"type":"a","data":{}} x',
    b'{"type":"a","type":"b","data":{}}', b'{"type":"' + b"a" * 65 + b'","data":{}}'])
def test_signed_but_no_report(start, keys, body):
    receiver = start()
    assert receiver.post(keys.headers("a", body), body)[0] == 400
    assert not (receiver.store / "a.json").exists()
    assert receiver.index()[0]["outcome"] == "no report"


def test_methods(start):
    receiver = start()
    assert receiver.request("GET")[2] == b"0 reports\n"
    assert receiver.request("GET", path="/index.jsonl")[0] == 404
    assert receiver.request("PUT", b"x")[0] == 405
    assert receiver.request("DELETE")[0] == 405


# ---- known once ----

# faults: W9, W16
def test_repeated(start, keys):
    """The same id with the same body again: 200 again, kept once; a new signature each time."""
    receiver = start()
    body = report()
    for age_s, duplicate in ((0, False), (5, True), (0, True)):
        assert receiver.post(keys.headers("a", body, age_s), body) == (
            200, {"received": "a", "duplicate": duplicate})
    assert [line["attempt"] for line in receiver.index()] == [1, 2, 3]
    text = receiver.stop()
    assert text.count("received again, kept once: incident.opened a") == 2
    assert "1 reports held; 1 stored, 2 received again" in text


# faults: W16
def test_same_id_other_body(start, keys):
    receiver = start("--quiet")
    body, other = report(1), report(2)
    assert receiver.post(keys.headers("a", body), body)[0] == 200
    assert receiver.post(keys.headers("a", other), other)[0] == 409
    assert receiver.post(keys.headers("a", body), body)[0] == 200
    assert (receiver.store / "a.json").read_bytes() == body
    lines = receiver.stop().splitlines()
    assert len(lines) == 2 and "CONFLICT! Another body" in lines[0]  # even with --quiet


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_restart_keeps_ids(start, keys, how):
    body, other = report(1, ("here", 7, "7" * 64)), report(2)
    receiver = start()
    assert receiver.post(keys.headers("a", body), body)[0] == 200
    receiver.stop(how)
    (receiver.store / ".incoming").write_bytes(b"half a bo")  # as a crash leaves it
    receiver = start()
    assert receiver.request("GET")[2] == b"1 reports\n"
    assert receiver.post(keys.headers("a", body), body) == (
        200, {"received": "a", "duplicate": True, "last_seq": 7, "held_seq": 7,
              "last_hash": "7" * 64})
    assert receiver.post(keys.headers("a", other), other)[0] == 409
    assert receiver.post(keys.headers("b", other), other)[0] == 200
    assert receiver.request("GET")[2] == b"2 reports\n"


def test_heads(start, keys):
    """The highest head per origin is kept and answered; another one for its number is a fork."""
    receiver = start()
    steps = [
        # id, (origin, seq, hash), status, last_seq, digit of last_hash
        ("a", ("x", 5, "5" * 64), 200, 5, "5"),
        ("b", ("x", 3, "3" * 64), 200, 5, "5"),   # late, as after an outage
        ("c", ("y", 1, "1" * 64), 200, 1, "1"),   # another record
        ("d", ("x", 6, "6" * 64), 200, 6, "6"),
        ("e", ("x", 6, "6" * 64), 200, 6, "6"),   # two reports with one head
        ("f", ("x", 6, "0" * 64), 409, 6, "6"),
        ("f", ("x", 3, "0" * 64), 409, 6, "6"),   # not only the last one counts
        ("g", ("x", 0, "0" * 64), 200, None, None),
        ("h", ("x", 7, "short"), 200, None, None),
        ("i", ("x", "7", "7" * 64), 200, None, None),
        ("j", None, 200, None, None),
    ]
    for ident, log, expected, last_seq, digit in steps:
        body = report(1, log)
        status, answered = receiver.post(keys.headers(ident, body), body)
        assert (status, answered.get("last_seq")) == (expected, last_seq), ident
        assert answered.get("last_hash") == (digit * 64 if digit else None)
    assert "CONFLICT! The record there" in receiver.stop()


def test_chains_and_neighbours(start, keys):
    """Per origin and chain; an entry must fit what is held of those before and behind it."""
    receiver = start()
    one, two = "1" * 16, "2" * 16
    steps = [
        # (origin, seq, hash, id, prev_hash), status, last_seq
        (("x", 5, "5" * 64, one, "4" * 64), 200, 5),
        (("x", 6, "6" * 64, one, "5" * 64), 200, 6),
        (("x", 7, "7" * 64, one, "0" * 64), 409, 6),  # not behind the 6 that is held
        (("x", 4, "0" * 64, one, "3" * 64), 409, 6),  # not before the 5 that is held
        (("x", 4, "4" * 64, one, "3" * 64), 200, 6),
        (("x", 2, "2" * 64, one, "1" * 64), 200, 6),  # late, and nothing speaks against it
        (("x", 6, "a" * 64, two, "5" * 64), 200, 6),  # another chain of the same origin
        (("x", 1, "b" * 64, two, "0" * 64), 200, 6),
        (("z", 6, "a" * 64, one, "5" * 64), 200, 6),
    ]
    for round_ in range(2):
        for n, (log, expected, last_seq) in enumerate(steps):
            body = report(n, log)
            status, answered = receiver.post(keys.headers(f"r-{n}", body), body)
            ANSWER.validate(answered)
            # the last one as it is now, not as it was the first time
            wanted = last_seq if round_ == 0 else 6
            assert (status, answered["last_seq"], answered["log_id"]) == (expected, wanted, log[3])
        receiver.stop()
        receiver = start()


def test_lost_as_told(start, keys):
    """A receiver that says 200 and keeps nothing: its last entry gives it away."""
    receiver = start("--lose", "2")
    for n, last_seq in ((1, 0), (2, 0), (3, 3), (2, 3)):
        body = report(n, ("x", n, str(n) * 64, "c" * 16, str(n - 1) * 64))
        status, answered = receiver.post(keys.headers(f"r-{n}", body), body)
        assert (status, answered["last_seq"], answered["duplicate"]) == (200, last_seq, False)
        ANSWER.validate(answered)
    assert receiver.request("GET")[2] == b"2 reports\n"
    assert "lost, as told" in receiver.stop()


@pytest.mark.parametrize("ahead_s", [-4000, 0, 4000])
def test_clock_as_told(start, keys, ahead_s):
    receiver = start("--clock", str(ahead_s))
    body = report()
    status, headers, _ = receiver.request("POST", body, keys.headers("a", body))
    date = email.utils.parsedate_to_datetime(headers["Date"]).timestamp()
    assert abs(date - time.time() - ahead_s) < LIMIT_S
    assert status == (200 if ahead_s == 0 else 401)
    assert len(headers.get_all("Date")) == 1


def test_who_is_overdue(start, keys):
    """Silence is seen by the department only if it looks for it."""
    receiver = start("--overdue", "1")
    body = report(1, ("quiet", 3, "3" * 64, "c" * 16))
    assert receiver.post(keys.headers("a", body), body)[0] == 200
    beat = json.dumps({"type": "heartbeat", "timestamp": "2026-11-24T21:05:00+07:00", "data": {
        "interval_s": 86400,
        "log": {"origin": "alive", "seq": 9, "hash": "9" * 64, "id": "d" * 16}}}).encode()
    assert receiver.post(keys.headers("b", beat), beat)[0] == 200
    line = next(line for line in receiver.process.stdout if "OVERDUE" in line)
    assert "Nothing from quiet since" in line
    origins = {o["origin"]: o for o in json.loads(receiver.request("GET", path="/origins")[2])}
    assert origins["quiet"]["overdue"] and not origins["alive"]["overdue"]
    assert (origins["alive"]["last_seq"], origins["alive"]["log_id"]) == (9, "d" * 16)
    # a sign of life ends it, and it is said again when it comes back
    again = report(2, ("quiet", 4, "4" * 64, "c" * 16))
    assert receiver.post(keys.headers("c", again), again)[0] == 200
    assert any("OVERDUE" in line for line in receiver.process.stdout)
    assert "alive" not in receiver.stop()


def test_many_at_once(start, keys):
    receiver = start()
    bodies = [report(n) for n in range(20)]
    signed = [(keys.headers(f"n-{n}", body), body) for n, body in enumerate(bodies)] * 3
    results = [None] * len(signed)

    def post(i):
        results[i] = receiver.post(*signed[i])
    threads = [threading.Thread(target=post, args=(i,)) for i in range(len(signed))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _ in results} == {200}
    assert sum(not answered["duplicate"] for _, answered in results) == 20
    assert receiver.request("GET")[2] == b"20 reports\n"
    assert len(receiver.index()) == 60


def test_store_that_cannot_be_written(start, keys):
    """No 2xx for what is not on the disk."""
    receiver = start()
    body = report()
    (receiver.store / "a.json").mkdir()
    assert receiver.post(keys.headers("a", body), body)[0] == 500
    assert receiver.request("GET")[2] == b"0 reports\n"
    (receiver.store / "a.json").rmdir()
    assert receiver.post(keys.headers("a", body), body) == (200, {"received": "a", "duplicate": False})
    (receiver.store / ".incoming").unlink(missing_ok=True)


# ---- misbehaving as told ----

def test_fail_then_reset_then_good(start, keys):
    receiver = start("--fail", "503:2", "--retry-after", "17", "--reset", "1")
    body = report()
    for _ in range(2):
        status, headers, _ = receiver.request("POST", body, keys.headers("a", body))
        assert (status, headers["Retry-After"]) == (503, "17")
        assert not (receiver.store / "a.json").exists()
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        receiver.post(keys.headers("a", body), body)
    assert (receiver.store / "a.json").read_bytes() == body
    assert receiver.post(keys.headers("a", body), body)[1]["duplicate"] is True
    assert "3 faults as told" in receiver.stop()


def test_hang(start, keys):
    receiver = start("--hang", "1")
    body = report()
    hung = receiver.connect()
    hung.request("POST", "/", body, keys.headers("a", body))
    assert "left without an answer" in receiver.process.stdout.readline()
    assert receiver.post(keys.headers("b", body), body)[0] == 200  # the others go on
    hung.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        hung.sock.recv(1)
    hung.close()
    receiver.stop()


def test_redirect(start, keys):
    receiver = start("--redirect", "http://127.0.0.1:1/else")
    body = report()
    status, headers, _ = receiver.request("POST", body, keys.headers("a", body))
    assert (status, headers["Location"]) == (307, "http://127.0.0.1:1/else")
    assert not (receiver.store / "a.json").exists()


def test_delay_ends_with_the_program(start, keys):
    receiver = start("--delay", "1m")
    body = report()
    waiting = receiver.connect()
    waiting.request("POST", "/", body, keys.headers("a", body))
    assert receiver.request("GET")[0] == 200
    receiver.stop()  # does not wait for the minute
    waiting.close()


def test_delay(start, keys):
    receiver = start("--delay", "50ms")
    body = report()
    before = time.monotonic()
    assert receiver.post(keys.headers("a", body), body)[0] == 200
    assert time.monotonic() - before >= 0.05


def test_json_lines(start, keys):
    receiver = start("--json")
    body = report()
    receiver.post(keys.headers("a", body), body)
    receiver.post(keys.headers("a", body), body)
    receiver.post(keys.headers("b", body), body + b" ")
    *lines, summary = map(json.loads, receiver.stop().splitlines())
    assert [line["status"] for line in lines] == [200, 200, 401]
    assert lines[0]["id"] == "a" and lines[0]["type"] == "incident.opened"
    assert "id" not in lines[2]
    assert summary == {"held": 1, "stored": 1, "duplicates": 1, "conflicts": 0, "refused": 1,
                       "faults": 0}


def test_tls(start, keys):
    certificate, key = keys.directory / "tls.pem", keys.directory / "tls.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out",
                    certificate, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-days", "2"], check=True, capture_output=True)
    receiver = start("--tls-cert", certificate, "--tls-key", key,
                     context=ssl.create_default_context(cafile=certificate))
    body = report()
    assert receiver.post(keys.headers("a", body), body)[0] == 200
    with socket.create_connection(("127.0.0.1", receiver.port)) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert not plain.recv(100).startswith(b"HTTP/")


# ---- command line ----

@pytest.mark.parametrize("arguments, words", [
    ([], "--listen"),
    (["--listen", "127.0.0.1:0"], "--store"),
    (["--listen", "127.0.0.1:0", "--store", "x"], "no key"),
    (["--listen", "127.0.0.1"], "ADDR:PORT"),
    (["--listen", "127.0.0.1:65536"], "ADDR:PORT"),
    (["--listen", ":80"], "ADDR:PORT"),
    (["--secret", "/nonexistent"], "whsec_"),
    (["--secret", "@public"], "whsec_"),
    (["--public-key", "@secret"], "whpk_"),
    (["--public-key", "whpk_AAAA"], "whpk_"),
    (["--public-key", "@private.pem"], "whpk_"),
    (["--fail", "503"], "STATUS:COUNT"),
    (["--fail", "99:1"], "STATUS:COUNT"),
    (["--fail", "503:-1"], "STATUS:COUNT"),
    (["--delay", "5"], "duration"),
    (["--delay", "2h"], "duration"),
    (["--tolerance", "x"], "seconds"),
    (["--nonsense"], "nonsense"),
    (["extra"], "extra"),
])
def test_command_line(keys, arguments, words):
    (keys.directory / "public").write_text(keys.public, encoding="ascii")
    arguments = [str(keys.directory / a[1:]) if a.startswith("@") else a for a in arguments]
    result = subprocess.run([RECEIVER, *arguments], capture_output=True, text=True, check=False,
                            timeout=LIMIT_S)
    assert result.returncode == 2 and words in result.stderr and not result.stdout
    assert SECRET not in result.stderr


def test_port_in_use(start, keys):
    receiver = start()
    directory = tempfile.mkdtemp()
    result = subprocess.run([RECEIVER, "--listen", f"127.0.0.1:{receiver.port}", "--store", directory,
                             "--secret", keys.secret], capture_output=True, text=True, check=False,
                            timeout=LIMIT_S)
    shutil.rmtree(directory)
    assert result.returncode == 1 and "Address already in use" in result.stderr


def test_help():
    for option in ("--help", "--version"):
        result = subprocess.run([RECEIVER, option], capture_output=True, text=True, check=True)
        assert result.stdout.startswith("wastewatch-receiver ")
