# SPDX-License-Identifier: Apache-2.0
"""wastewatch-sender against a fake core and receivers that misbehave.

The core's end is tests/system/wire.py; receivers are raw sockets that send exactly the bytes
written here, and wastewatch-receiver for the good case.
"""

import base64
import hmac
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from email.utils import formatdate

import pytest

sys.path.insert(0, os.path.dirname(__file__))
import wire  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("WASTEWATCH_BUILD", "build")
SENDER = BUILD / "wastewatch-sender"
RECEIVER = BUILD / "wastewatch-receiver"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"type":"incident.opened","timestamp":"2026-11-24T21:05:00+07:00","data":{}}'
LIMIT_S = 20  # nothing here should take longer; only reached when something is broken
LONG_MS = 60000  # of an attempt that must end for another reason, beyond LIMIT_S

REFUSED, RESET, TIMEOUT, UNTRUSTED, NOTHING, LONG_HEADER = 7, 56, 28, 60, 52, 23


# ---- receivers ----

class Server:
    """A TCP server on a free port that calls behave(connection, request) per request."""

    def __init__(self, behave, context=None, host="127.0.0.1"):
        self.behave, self.context = behave, context
        self.requests, self.n_connections = [], 0
        self.lock = threading.Lock()
        self.released = threading.Event()  # ends everything that hangs
        self.n_ended = threading.Semaphore(0)  # connections that the sender closed
        self.listener = socket.create_server(
            (host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.n_connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            with connection:
                while (request := read_request(connection)) is not None:
                    with self.lock:
                        self.requests.append(request)
                    if self.behave(self, connection) is False:
                        return
                self.n_ended.release()
        except OSError:
            pass

    def url(self, host="127.0.0.1", path="/reports"):
        return f"{'https' if self.context else 'http'}://{host}:{self.port}{path}".encode()

    def close(self):
        if self.released.is_set():
            return
        self.released.set()
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes the accept() that waits on it
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def read_request(connection):
    """(request line, {header: value}, body), None at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
        if data[0] == 22:  # a TLS handshake where none is spoken
            return "TLS", {}, data
    head, body = data.split(b"\r\n\r\n", 1)
    line, *fields = head.split(b"\r\n")
    headers = {}
    for field in fields:
        name, value = field.split(b": ", 1)
        headers[name.lower().decode()] = value.decode()
    while len(body) < int(headers.get("content-length", 0)):
        piece = connection.recv(65536)
        if not piece:
            return None
        body += piece
    return line.decode(), headers, body


def answer(status, *fields, body=b"", close=False):
    """Behaviour: one whole answer."""
    def behave(_server, connection):
        connection.sendall(b"HTTP/1.1 %d Whatever\r\nContent-Length: %d\r\n" % (status, len(body))
                           + b"".join(f.encode() + b"\r\n" for f in fields) + b"\r\n" + body)
        return not close
    return behave


def reset_now(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def raw(*pieces, reset=False, endless=None, pause_s=0, hang=False):
    """Behaviour: these bytes, then perhaps the same bytes for ever, a reset or silence."""
    def behave(server, connection):
        for piece in pieces:
            connection.sendall(piece)
        while endless and not server.released.wait(pause_s):
            connection.sendall(endless)
        if hang:
            server.released.wait()
        if reset:
            reset_now(connection)
        return False
    return behave


# ---- the sender and its core ----

class Sender:
    """The program and the core that it talks to."""

    def __init__(self, directory, environment=None, credentials=None, inside=()):
        self.directory, self.environment = directory, environment or {}
        self.credentials, self.inside = credentials, inside
        self.listener = wire.Listener(directory + "/sender.sock", timeout=LIMIT_S)
        self.log = open(directory + "/log", "a+", encoding="utf-8")
        self.n_jobs = 0
        self.start()
        self.core = self.meet()

    def start(self):
        arguments = [*self.inside, SENDER, "--runtime", self.directory, "--verbose"]
        if self.credentials:
            arguments += ["--credentials", self.credentials]
        self.process = subprocess.Popen(arguments, stderr=self.log,
                                        env={**os.environ, **self.environment})

    def accept(self):
        link = self.listener.accept()
        hello = link.receive()
        assert hello.role == wire.ROLE_SENDER
        assert hello.version == wire.VERSION and hello.boot_id == wire.boot_id()
        return link

    def meet(self):
        link = self.accept()
        link.send(wire.hello_packet(wire.ROLE_CORE))
        return link

    def post(self, url, body=BODY, headers=b"Content-Type: application/json\n", connect_ms=5000,
             total_ms=15000, ca=b"", cert=b"", key=b""):
        self.n_jobs += 1
        self.core.send(wire.job_packet(wire.Job(self.n_jobs, connect_ms, total_ms, url, headers,
                                                body, ca, cert, key)))
        return self.n_jobs

    def result(self):
        return self.core.receive()

    def attempt(self, url, **job):
        ident = self.post(url, **job)
        result = self.result()
        assert result.id == ident
        return result

    def log_text(self):
        with open(self.directory + "/log", encoding="utf-8") as file:
            return file.read()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(LIMIT_S)
        self.core.close()
        self.listener.close()
        self.log.close()
        return status


@pytest.fixture(name="start")
def fixture_start():
    """start(...) makes a Sender; all are stopped, and must stop well, at the end."""
    senders = []

    def start(environment=None, credentials=None, inside=()):
        senders.append(Sender(tempfile.mkdtemp(), environment, credentials, inside))
        return senders[-1]
    yield start
    for sender in senders:
        status = sender.stop()
        text = sender.log_text()
        shutil.rmtree(sender.directory)
        assert status == 0, text
        assert "Sanitizer" not in text, text


@pytest.fixture(name="sender")
def fixture_sender(start):
    return start()


def with_mount(source, target):
    """Start of a command line that sees source at target, in a mount namespace of its own."""
    inside = ["unshare", "--map-root-user", "--mount", "sh", "-c",
              f'mount --bind {source} {target} && exec "$@"', "sh"]
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"no mount namespace here to give the sender another {target}")
    return inside


def dead_port():
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


# ---- what is sent ----

def test_request(sender):
    with Server(answer(200, "Date: Tue, 24 Nov 2026 14:05:00 GMT", body=b'{"received":"x"}')) as server:
        lines = b"Content-Type: application/json\nwebhook-id: a-1\nwebhook-signature: v1,x v1a,y\n"
        result = sender.attempt(server.url(path="/in?site=1"), headers=lines)
        assert (result.curl_code, result.http_status, result.error) == (0, 200, b"")
        assert result.answer == b'{"received":"x"}'
        assert result.date_s == 1795529100
        assert result.retry_after_s == -1
        (line, headers, body), = server.requests
        assert server.n_ended.acquire(timeout=LIMIT_S)  # each attempt has its own connection
    assert line == "POST /in?site=1 HTTP/1.1"
    assert body == BODY
    assert headers.pop("host") == f"127.0.0.1:{server.port}"
    assert headers.pop("user-agent").startswith("wastewatch/")
    assert headers == {
        "content-type": "application/json", "content-length": str(len(BODY)),
        "webhook-id": "a-1", "webhook-signature": "v1,x v1a,y", "accept": "application/json"}


def test_body_is_byte_exact(sender):
    body = bytes(range(256)) * 400  # 100 kB, NUL and all; no "Expect: 100-continue" either
    with Server(answer(204)) as server:
        assert sender.attempt(server.url(), body=body).http_status == 204
        assert sender.attempt(server.url(), body=b"").http_status == 204
        assert [request[2] for request in server.requests] == [body, b""]
        assert "expect" not in server.requests[0][1]


def test_localhost_and_ipv6(sender):
    with Server(answer(200)) as server:
        assert sender.attempt(server.url("localhost")).http_status == 200
    with Server(answer(200), host="::1") as server:
        assert sender.attempt(server.url("[::1]")).http_status == 200


# ---- what comes back ----

# faults: W4
@pytest.mark.parametrize("status, words", [
    (200, ""), (201, ""), (299, ""), (301, "redirects"), (302, "redirects"), (307, "redirects"),
    (308, "redirects"), (400, "does not understand"), (401, "signature"), (404, "no receiver"),
    (409, "something else"), (410, "gone"), (413, "too big"), (418, "refuses"), (429, "fewer"),
    (500, "fault of its own"), (503, "fault of its own")])
def test_status(sender, status, words):
    with Server(answer(200)) as elsewhere:
        location = "Location: " + elsewhere.url().decode()
        with Server(answer(status, location, body=b"why")) as server:
            result = sender.attempt(server.url())
            assert (result.curl_code, result.http_status) == (0, status)
            assert result.answer == b"why"
            assert words in result.error.decode()
            assert bool(result.error) == (status >= 300)
            if result.error:
                assert result.error.startswith(b"127.0.0.1:%d answered %d" % (server.port, status))
            assert len(server.requests) == 1
        assert elsewhere.n_connections == 0


# faults: W5
@pytest.mark.parametrize("fields, expected", [
    (["Retry-After: 120"], 120),
    (["Retry-After:  0 "], 0),
    (["RETRY-AFTER: 315360000"], 315360000),
    (["Retry-After: 99999999999999999999999"], 3153600000),
    (["Retry-After: -1"], -1),
    (["Retry-After: 12.5"], -1),
    (["Retry-After: 0x10"], -1),
    (["Retry-After: soon"], -1),
    (["Retry-After:"], -1),
    (["Retry-After: " + "1" * 5000], -1),
    (["Date: Tue, 24 Nov 2026 14:05:00 GMT", "Retry-After: Tue, 24 Nov 2026 14:06:40 GMT"], 100),
    (["Retry-After: Tue, 24 Nov 2026 14:06:40 GMT", "Date: Tue, 24 Nov 2026 14:05:00 GMT"], 100),
    (["Date: Tue, 24 Nov 2026 14:05:00 GMT", "Retry-After: Tue, 24 Nov 2026 14:04:00 GMT"], 0),
    (["Date: Tue, 24 Nov 2026 14:05:00 GMT", "Retry-After: Tue Nov 24 14:05:09 2026"], 9),
])
def test_retry_after(sender, fields, expected):
    with Server(answer(429, *fields)) as server:
        result = sender.attempt(server.url())
        assert (result.http_status, result.retry_after_s) == (429, expected)
        assert result.date_s == (1795529100 if len(fields) == 2 else -1)


# faults: W5
def test_retry_after_by_our_clock(sender):
    with Server(answer(503, "Retry-After: " + formatdate(time.time() + 3600, usegmt=True))) as server:
        assert 3500 < sender.attempt(server.url()).retry_after_s <= 3600


def test_interim_answer_is_no_answer(sender):
    interim = b"HTTP/1.1 102 Processing\r\nRetry-After: 7\r\n\r\n"
    with Server(raw(interim, b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")) as server:
        result = sender.attempt(server.url())
        assert (result.curl_code, result.http_status, result.retry_after_s) == (0, 500, -1)
    with Server(raw(interim, reset=True)) as server:
        result = sender.attempt(server.url())
        assert result.curl_code > 0 and result.http_status == 0


# ---- receivers that misbehave ----

# faults: W1
def test_refused(sender):
    port = dead_port()
    result = sender.attempt(b"http://127.0.0.1:%d/" % port)
    assert (result.curl_code, result.http_status) == (REFUSED, 0)
    assert b"127.0.0.1:%d: it refuses the connection" % port in result.error


# faults: W2
def test_hang(sender):
    with Server(raw(hang=True)) as server:
        result = sender.attempt(server.url(), total_ms=300)
        assert (result.curl_code, result.http_status) == (TIMEOUT, 0)
        assert b"no answer in time" in result.error
        assert result.took_ms >= 300
        assert len(server.requests) == 1


# faults: W3
def test_slow_head(sender):
    with Server(raw(b"HTTP/1.1 200 OK\r\nX-Slow: ", endless=b"x", pause_s=0.01)) as server:
        result = sender.attempt(server.url(), total_ms=300)
        assert (result.curl_code, result.http_status) == (TIMEOUT, 0)


# faults: W3
def test_slow_body(sender):
    """The status has been seen: what the body does changes nothing, but it ends in time."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    with Server(raw(head, endless=b"x", pause_s=0.01)) as server:
        result = sender.attempt(server.url(), total_ms=300)
        assert (result.curl_code, result.http_status) == (0, 200)
        assert 0 < len(result.answer) < 1000


# faults: W8
@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("head, piece", [
    (b"Content-Length: 99999999999\r\n\r\n", b"y" * 1024),
    (b"\r\n", b"y" * 1024),
    (b"Transfer-Encoding: chunked\r\n\r\n", b"400\r\n" + b"y" * 1024 + b"\r\n")])
def test_endless_body(sender, status, head, piece):
    with Server(raw(b"HTTP/1.1 %d X\r\n" % status + head, endless=piece)) as server:
        result = sender.attempt(server.url(), total_ms=LONG_MS)
        assert (result.curl_code, result.http_status) == (0, status)
        assert result.answer == b"y" * 1024
        assert bool(result.error) == (status == 500)


# faults: W8
def test_compressed_body_is_not_unpacked(sender):
    with Server(answer(200, "Content-Encoding: gzip", body=b"\x1f\x8bnot gzip")) as server:
        result = sender.attempt(server.url())
        assert (result.http_status, result.answer) == (200, b"\x1f\x8bnot gzip")
        assert "accept-encoding" not in server.requests[0][1]


# faults: W9
def test_reset_before_reply(sender):
    with Server(raw(reset=True)) as server:
        result = sender.attempt(server.url())
        assert result.curl_code in (NOTHING, RESET) and result.http_status == 0
        assert len(server.requests) == 1


def test_closed_before_reply(sender):
    with Server(raw()) as server:
        result = sender.attempt(server.url())
        assert (result.curl_code, result.http_status) == (NOTHING, 0)
        assert b"without an answer" in result.error


# faults: W9
def test_status_then_reset(sender):
    with Server(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", reset=True)) as server:
        result = sender.attempt(server.url())
        assert (result.curl_code, result.http_status) == (0, 200)
    with Server(raw(b"HTTP/1.1 200 OK\r\nContent-Le", reset=True)) as server:
        result = sender.attempt(server.url())
        assert result.curl_code > 0 and result.http_status == 0


# faults: W8
@pytest.mark.parametrize("lines", [
    [b"X: " + b"h" * (1 << 20) + b"\r\n"],          # one of a mebibyte
    [b"X: " + b"h" * 1000 + b"\r\n"] * 20,          # 20 kB
    [b"X: h\r\n"] * 200])                           # many
def test_huge_head(sender, lines):
    with Server(raw(b"HTTP/1.1 200 OK\r\n", *lines, b"\r\n")) as server:
        result = sender.attempt(server.url())
        assert result.curl_code > 0 and result.http_status == 0
        assert b"too long" in result.error


# faults: W8
@pytest.mark.parametrize("reply", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\0\0\0\0\0\0\0\0\r\n\r\n",
                                   b"HTTP/1.1 abc\r\n\r\n", b"ICY 200 OK\r\n\r\n"])
def test_not_http(sender, reply):
    with Server(raw(reply)) as server:
        result = sender.attempt(server.url())
        assert result.curl_code > 0 and result.http_status == 0
        assert result.error


# faults: W7
def test_redirect_loop_and_other_schemes(sender):
    for target in ("http://127.0.0.1:1/", "file:///etc/passwd", "//[::1]/", "/reports"):
        with Server(answer(307, "Location: " + target)) as server:
            assert sender.attempt(server.url()).http_status == 307
            assert len(server.requests) == 1


# ---- what is not allowed: nothing leaves the machine ----

@pytest.mark.parametrize("url, words", [
    (b"", "no URL"),
    (b"reports", "understood"),
    (b"ftp://127.0.0.1/x", "https"),
    (b"file:///etc/passwd", "https"),
    (b"gopher://127.0.0.1/", "https"),
    (b"http://192.0.2.1/", "loopback"),
    (b"http://10.0.0.1/", "loopback"),
    (b"http://0.0.0.0/", "loopback"),
    (b"http://[::]/", "loopback"),
    (b"http://[::ffff:192.0.2.1]/", "loopback"),
    (b"http://example.com/", "loopback"),
    (b"http://localhost.example.com/", "loopback"),
    (b"http://127.0.0.1.example.com/", "loopback"),
    (b"http://127.0.0.1@192.0.2.1/", "user name"),
    (b"https://user:hunter2@127.0.0.1/", "user name"),
    (b"https://:hunter2@127.0.0.1/", "user name"),
    (b"https://127.0.0.1/\nX: y", "control character"),
    (b"https://127.0.0.1/\0", "control character"),
    (b"https://127.0.0.1/" + b"x" * 2048, "too long"),
    (b"https://169.254.169.254/", "link-local"),
    (b"https://[fe80::1]/", "link-local"),
    (b"https://224.0.0.1/", "multicast"),
    (b"https://[ff02::1]/", "multicast"),
    (b"https://255.255.255.255/", "broadcast"),
    (b"https://0.0.0.0/", "unspecified"),
    (b"https://[::ffff:169.254.169.254]/", "link-local"),
])
def test_url_refused(sender, url, words):
    result = sender.attempt(url)
    assert result.curl_code > 0 and result.http_status == 0
    assert words in result.error.decode()
    assert b"hunter2" not in result.error


# faults: W12
@pytest.mark.parametrize("address, words", [
    ("169.254.169.254", "link-local"), ("fe80::1", "link-local"), ("224.0.0.1", "multicast"),
    ("0.0.0.0", "unspecified"), ("::ffff:169.254.169.254", "link-local")])
def test_name_leads_astray(start, address, words):
    """What counts is the address that a name resolves to."""
    directory = tempfile.mkdtemp()
    pathlib.Path(directory, "hosts").write_text(f"{address} astray.example\n", encoding="ascii")
    sender = start(inside=with_mount(directory + "/hosts", "/etc/hosts"))
    result = sender.attempt(b"https://astray.example/")
    assert result.curl_code > 0
    assert f"astray.example:443: the name leads to a{'n' if words[0] == 'u' else ''} {words}" in (
        result.error.decode())
    shutil.rmtree(directory)


# faults: W12
def test_silent_name_server(start):
    """An attempt ends in its time, and the loop goes on, while the resolver waits."""
    directory = tempfile.mkdtemp()
    pathlib.Path(directory, "resolv.conf").write_text(
        "nameserver 127.0.0.97\noptions timeout:30 attempts:1\n", encoding="ascii")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent, Server(answer(200)) as server:
        try:
            silent.bind(("127.0.0.97", 53))
        except OSError as error:
            pytest.skip(f"no name server can be played on port 53: {error}")
        sender = start(inside=with_mount(directory + "/resolv.conf", "/etc/resolv.conf"))
        unresolved = sender.post(b"https://department.example/", total_ms=300)
        silent.settimeout(LIMIT_S)
        assert b"department" in silent.recv(512)
        result = sender.result()
        assert (result.id, result.curl_code) == (unresolved, TIMEOUT)
        assert sender.attempt(server.url()).http_status == 200
    shutil.rmtree(directory)


@pytest.mark.parametrize("lines, words", [
    (b"webhook-id: a\rX: y\n", "control character"),
    (b"webhook-id: a\0\n", "control character"),
    (b"webhook-id: \xff\n", "ASCII"),
    (b"webhook-id: a", "does not end"),
    (b"webhook-id\n", "Name: value"),
    (b"webhook-id:\n", "Name: value"),
    (b": a\n", "Name: value"),
    (b"\n", "Name: value"),
    (b" folded: a\n", "Name: value"),
    (b"content-LENGTH: 1\n", "not the job's"),
    (b"Transfer-Encoding: chunked\n", "not the job's"),
    (b"Host: example.com\n", "not the job's"),
    (b"X: " + b"x" * 4096 + b"\n", "too long"),
    (b"X: y\n" * 33, "too many")])
def test_header_refused(sender, lines, words):
    with Server(answer(200)) as server:
        result = sender.attempt(server.url(), headers=lines)
        assert result.curl_code > 0 and words in result.error.decode()
        assert server.n_connections == 0


@pytest.mark.parametrize("job, words", [
    ({"ca": b"../ca.pem"}, "credential"),
    ({"ca": b".ca"}, "credential"),
    ({"ca": b"/etc/ssl/ca.pem"}, "credential"),
    ({"ca": b"a\0b"}, "credential"),
    ({"cert": b"cert.pem"}, "pairs"),
    ({"key": b"key.pem"}, "pairs"),
    ({"ca": b"ca.pem"}, "no directory"),
    ({"total_ms": 0}, "time limit"),
    ({"connect_ms": 0}, "time limit")])
def test_job_refused(sender, job, words):
    result = sender.attempt(b"https://127.0.0.1:1/", **job)
    assert result.curl_code > 0 and words in result.error.decode()


# faults: W13
def test_environment_is_ignored(start):
    proxy = f"http://127.0.0.1:{dead_port()}"
    names = ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    home = tempfile.mkdtemp()
    with open(home + "/.netrc", "w", encoding="ascii") as file:
        file.write("machine 127.0.0.1 login me password secret\n")
    sender = start({**{name: proxy for name in names}, "HOME": home, "no_proxy": ""})
    with Server(answer(200)) as server:
        assert sender.attempt(server.url()).http_status == 200
        assert "authorization" not in server.requests[0][1]
    shutil.rmtree(home)


# ---- TLS ----

def openssl(directory, *arguments, text=None):
    subprocess.run(["openssl", *arguments], cwd=directory, input=text, check=True,
                   capture_output=True, text=True)


def make_certificate(directory, name, issuer=None, extension="subjectAltName=IP:127.0.0.1",
                     dates=None):
    """NAME.pem and NAME.key, by a CA of the directory or by itself."""
    openssl(directory, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=" + name)
    (pathlib.Path(directory) / (name + ".ext")).write_text(extension, encoding="ascii")
    if dates:
        for file in ("index.txt", "index.txt.attr"):
            (pathlib.Path(directory) / file).write_text("", encoding="ascii")
        (pathlib.Path(directory) / "ca.cnf").write_text(
            "[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\n"
            "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n", encoding="ascii")
        openssl(directory, "ca", "-batch", "-config", "ca.cnf", "-in", name + ".csr", "-out",
                name + ".pem", "-cert", issuer + ".pem", "-keyfile", issuer + ".key", "-startdate",
                dates[0], "-enddate", dates[1], "-extfile", name + ".ext", "-notext")
        return
    by = ["-CA", issuer + ".pem", "-CAkey", issuer + ".key", "-CAcreateserial"] if issuer else [
        "-signkey", name + ".key"]
    openssl(directory, "x509", "-req", "-in", name + ".csr", "-out", name + ".pem", "-days", "30",
            "-extfile", name + ".ext", *by)


@pytest.fixture(scope="module", name="pki")
def fixture_pki():
    directory = tempfile.mkdtemp()
    authority = "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign"
    make_certificate(directory, "ca", extension=authority)
    make_certificate(directory, "other", extension=authority)
    make_certificate(directory, "good", "ca")
    make_certificate(directory, "again", "ca")
    make_certificate(directory, "wrong", "ca", "subjectAltName=DNS:elsewhere.example")
    make_certificate(directory, "old", "ca", dates=("20200101000000Z", "20200201000000Z"))
    make_certificate(directory, "early", "ca", dates=("20980101000000Z", "20990101000000Z"))
    make_certificate(directory, "alone")
    make_certificate(directory, "client", "ca", "extendedKeyUsage=clientAuth")
    make_certificate(directory, "stranger", "other", "extendedKeyUsage=clientAuth")
    # OpenSSL itself would allow TLS 1.0 with this, so that a refusal is the sender's
    pathlib.Path(directory, "lax.cnf").write_text(
        "openssl_conf=a\n[a]\nssl_conf=b\n[b]\nsystem_default=c\n[c]\nMinProtocol=TLSv1\n"
        "CipherString=DEFAULT:@SECLEVEL=0\n", encoding="ascii")
    yield directory
    shutil.rmtree(directory)


def serve_tls(pki, name, newest=None, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{pki}/{name}.pem", f"{pki}/{name}.key")
    if newest:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = newest
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(f"{pki}/{client_ca}.pem")
    return Server(answer(200), context)


# faults: W10
@pytest.mark.parametrize("name, ca, words", [
    ("good", b"ca.pem", None),
    ("good", b"other.pem", "unknown CA"),
    ("good", b"", "unknown CA"),
    ("wrong", b"ca.pem", "another host name"),
    ("old", b"ca.pem", "expired"),
    ("early", b"ca.pem", "not valid yet"),
    ("alone", b"ca.pem", "signed by itself"),
])
def test_tls(start, pki, name, ca, words):
    sender = start(credentials=pki)
    with serve_tls(pki, name) as server:
        result = sender.attempt(server.url(), ca=ca)
        if words is None:
            assert (result.curl_code, result.http_status, result.error) == (0, 200, b"")
            assert len(server.requests) == 1
        else:
            assert (result.curl_code, result.http_status) == (UNTRUSTED, 0)
            assert words in result.error.decode()
            assert f"127.0.0.1:{server.port}: " in result.error.decode()
            assert not server.requests


def test_tls_own_ca_replaces_the_systems(start, pki):
    """With a CA of its own a destination does not trust the system's besides."""
    store = pki + "/store"
    os.makedirs(store, exist_ok=True)
    shutil.copy(pki + "/ca.pem", store)
    shutil.copy(pki + "/ca.pem", store + "/ca-certificates.crt")
    openssl(pki, "rehash", store)
    sender = start(credentials=pki, inside=with_mount(store, "/etc/ssl/certs"))
    with serve_tls(pki, "good") as server:
        assert sender.attempt(server.url()).http_status == 200
        assert sender.attempt(server.url(), ca=b"other.pem").curl_code == UNTRUSTED


# faults: W10
def test_the_certificate_alone_is_trusted(start, pki):
    """A pin: with the receiver's own certificate as "ca" no other counts, be it of the same CA and
    for the same host."""
    sender = start(credentials=pki)
    with serve_tls(pki, "good") as server:
        assert sender.attempt(server.url(), ca=b"good.pem").http_status == 200
    with serve_tls(pki, "again") as server:
        assert sender.attempt(server.url(), ca=b"ca.pem").http_status == 200
        refused = sender.attempt(server.url(), ca=b"good.pem")
        assert (refused.curl_code, refused.http_status) == (UNTRUSTED, 0)
        assert len(server.requests) == 1


def put(directory, name, source):
    """In one step, as an administrator's tools do it."""
    shutil.copy(source, f"{directory}/{name}.new")
    os.rename(f"{directory}/{name}.new", f"{directory}/{name}")


def test_replaced_files_count_for_the_next_attempt(start, pki, tmp_path):
    """W11: CA, client certificate and key are read anew for each attempt: neither libcurl's store
    of CAs (kept for a day since 7.87) nor a TLS session of before may stand in for them."""
    for name, source in (("ca", "ca.pem"), ("cert", "client.pem"), ("key", "client.key")):
        shutil.copy(f"{pki}/{source}", tmp_path / name)
    sender = start(credentials=str(tmp_path))
    with serve_tls(pki, "good", client_ca="ca") as server:
        def attempt():
            return sender.attempt(server.url(), ca=b"ca", cert=b"cert", key=b"key")

        assert [attempt().http_status for _ in range(3)] == [200, 200, 200]
        put(tmp_path, "ca", f"{pki}/other.pem")
        assert attempt().curl_code == UNTRUSTED
        put(tmp_path, "ca", f"{pki}/ca.pem")
        assert attempt().http_status == 200
        put(tmp_path, "cert", f"{pki}/stranger.pem")
        put(tmp_path, "key", f"{pki}/stranger.key")
        assert attempt().http_status == 0
        put(tmp_path, "cert", f"{pki}/client.pem")
        put(tmp_path, "key", f"{pki}/client.key")
        assert attempt().http_status == 200
        assert len(server.requests) == 5


def test_replaced_server_certificate_counts(start, pki):
    """W11: a receiver that comes back at its port with a certificate of another CA is refused."""
    sender = start(credentials=pki)
    with serve_tls(pki, "good") as server:
        port = server.port
        assert sender.attempt(server.url(), ca=b"ca.pem").http_status == 200
        server.context.load_cert_chain(f"{pki}/alone.pem", f"{pki}/alone.key")
        assert sender.attempt(server.url(), ca=b"ca.pem").curl_code == UNTRUSTED
        server.context.load_cert_chain(f"{pki}/good.pem", f"{pki}/good.key")
        assert sender.attempt(server.url(), ca=b"ca.pem").http_status == 200
        assert server.port == port


# faults: W10
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("newest, good", [(ssl.TLSVersion.TLSv1_1, False),
                                          (ssl.TLSVersion.TLSv1_2, True),
                                          (ssl.TLSVersion.TLSv1_3, True)])
def test_tls_version(start, pki, newest, good):
    sender = start({"OPENSSL_CONF": pki + "/lax.cnf"}, credentials=pki)
    with serve_tls(pki, "good", newest) as server:
        result = sender.attempt(server.url(), ca=b"ca.pem")
        assert (result.http_status == 200) == good
        assert good or (result.curl_code == 35 and b"TLS 1.2" in result.error)


# faults: W10
@pytest.mark.parametrize("name, good", [(b"client", True), (b"stranger", False), (b"", False)])
@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_client_certificate(start, pki, newest, name, good):
    sender = start(credentials=pki)
    with serve_tls(pki, "good", newest, client_ca="ca") as server:
        result = sender.attempt(server.url(), ca=b"ca.pem", cert=name and name + b".pem",
                                key=name and name + b".key")
        assert (result.http_status == 200) == good
        assert len(server.requests) == (1 if good else 0)
        assert good or b"certificate" in result.error


# faults: W10
def test_client_certificate_unusable(start, pki):
    sender = start(credentials=pki)
    with serve_tls(pki, "good") as server:
        for cert, key in ((b"missing.pem", b"client.key"), (b"client.pem", b"stranger.key"),
                          (b"client.key", b"client.pem")):
            result = sender.attempt(server.url(), ca=b"ca.pem", cert=cert, key=key)
            assert result.curl_code == 58 and b"client certificate" in result.error
        result = sender.attempt(server.url(), ca=b"missing.pem")
        assert result.curl_code == 77 and b"CA file" in result.error


def test_tls_is_wanted(sender):
    with Server(answer(200)) as server:  # speaks plain HTTP
        result = sender.attempt(server.url().replace(b"http:", b"https:"))
        assert result.curl_code == 35
        assert [request[0] for request in server.requests] == ["TLS"]


# ---- several at once, and the core ----

# faults: W2
def test_one_slow_receiver_delays_nobody(sender):
    with Server(raw(hang=True)) as hung, Server(answer(200)) as good:
        slow = [sender.post(hung.url()) for _ in range(5)]
        for _ in range(20):
            quick = sender.post(good.url())
            result = sender.result()
            assert (result.id, result.http_status) == (quick, 200)
        hung.close()
        assert sorted(sender.result().id for _ in slow) == slow


def test_more_jobs_than_fit(sender):
    """More than the sender takes at once wait in the socket; each has one result."""
    with Server(answer(200)) as server:
        idents = []
        for _ in range(300):
            idents.append(sender.post(server.url()))
            if len(idents) >= 100 and len(idents) % 100 == 0:
                results = [sender.result() for _ in range(100)]
                assert sorted(r.id for r in results) == idents[-100:]
                assert {r.http_status for r in results} == {200}
        assert len(server.requests) == 300


# faults: W2
def test_a_hundred_hang(sender):
    """All places taken by receivers that hang: the end of the core is seen nevertheless."""
    with Server(raw(hang=True)) as server:
        for _ in range(100):
            sender.post(server.url(), total_ms=LONG_MS)
        sender.core.close()
        sender.core = sender.meet()
    with Server(answer(200)) as server:
        assert sender.attempt(server.url()).http_status == 200


def test_core_restarts(sender):
    """A result never goes to another core than the one that asked."""
    with Server(raw(hang=True)) as hung, Server(answer(200)) as good:
        sender.post(hung.url())
        sender.core.close()
        sender.core = sender.meet()
        hung.close()
        for _ in range(3):
            assert sender.attempt(good.url()).http_status == 200
    assert "connecting again" in sender.log_text()


# faults: W9
def test_sender_killed(sender):
    with Server(raw(hang=True)) as hung:
        sender.post(hung.url())
        sender.process.kill()
        sender.process.wait()
        assert sender.core.receive() is None
        sender.core.close()
        sender.start()
        sender.core = sender.meet()
    with Server(answer(200)) as good:
        assert sender.attempt(good.url()).http_status == 200


def test_stops_with_attempts_in_flight(sender):
    with Server(raw(hang=True)) as hung:
        sender.post(hung.url())
        while not hung.requests:
            time.sleep(0.01)
        sender.process.send_signal(signal.SIGTERM)
        assert sender.process.wait(LIMIT_S) == 0
    assert "1 attempts in flight are given up" in sender.log_text()


@pytest.mark.parametrize("data, words", [
    (b"x", "malformed"),
    (wire.packet(wire.JOB, b"short"), "malformed"),
    (wire.packet(99), "malformed"),
    (wire.ack_packet(1), "not meant for a sender"),
    (wire.hello_packet(wire.ROLE_CORE), "not meant for a sender"),
    (wire.job_packet(wire.Job(1, 1, 1, b"x", b"", b"", b"", b"", b""))[:-1], "malformed"),
], ids=["byte", "short", "type", "ack", "hello", "cut"])
def test_malformed_packet(sender, data, words):
    sender.core.send(data)
    assert sender.core.receive() is None
    assert words in sender.log_text()


@pytest.mark.parametrize("data, words", [
    (wire.hello_packet(wire.ROLE_POLLER), "another program"),
    (wire.hello_packet(wire.ROLE_CORE, version=99), "another version"),
    (wire.hello_packet(wire.ROLE_CORE, magic=1), "no hello of ours"),
    (wire.job_packet(wire.Job(1, 1, 1, b"x", b"", b"", b"", b"", b"")), "no hello"),
], ids=["role", "version", "magic", "job"])
def test_bad_hello(start, data, words):
    sender = start()
    sender.core.close()
    link = sender.accept()
    link.send(data)
    assert link.receive() is None
    assert words in sender.log_text()
    link.close()


def test_command_line():
    run = lambda *a: subprocess.run([SENDER, *a], capture_output=True, text=True, check=False,
                                    timeout=LIMIT_S)
    assert run("--help").stdout.startswith("wastewatch-sender ")
    assert run("--version").stdout.startswith("wastewatch-sender ")
    for arguments in (("--nonsense",), ("extra",), ("--runtime",)):
        result = run(*arguments)
        assert result.returncode == 2 and result.stderr


def test_notifies(start):
    """READY, STATUS, STOPPING and the watchdog, as systemd hears them."""
    directory = tempfile.mkdtemp()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(directory + "/notify")
        manager.settimeout(LIMIT_S)
        sender = start({"NOTIFY_SOCKET": directory + "/notify", "WATCHDOG_USEC": "200000"})
        heard = ""
        for wanted in ("READY=1", "Waiting for wastewatchd", "Connected to wastewatchd", "WATCHDOG=1"):
            while wanted not in heard:
                heard += manager.recv(4096).decode() + "\n"
        with Server(answer(200)) as server:
            sender.attempt(server.url())
        while "1 delivered, 0 failed" not in heard:
            heard += manager.recv(4096).decode() + "\n"
        sender.process.send_signal(signal.SIGTERM)
        while "STOPPING=1" not in heard:
            heard += manager.recv(4096).decode() + "\n"
    shutil.rmtree(directory)


def test_reference_receiver(sender):
    """End to end with wastewatch-receiver, which verifies and stores."""
    directory = tempfile.mkdtemp()
    pathlib.Path(directory, "secret").write_text(SECRET, encoding="ascii")
    receiver = subprocess.Popen(
        [RECEIVER, "--listen", "127.0.0.1:0", "--store", directory + "/store", "--secret",
         directory + "/secret", "--fail", "503:1", "--retry-after", "9", "--reset", "1"],
        stdout=subprocess.PIPE, text=True)
    try:
        port = int(receiver.stdout.readline().rsplit(":", 1)[1])
        stamp = int(time.time())
        mac = hmac.digest(base64.b64decode(SECRET[6:]), f"x-1.{stamp}.".encode() + BODY, "sha256")
        lines = (f"Content-Type: application/json\nwebhook-id: x-1\nwebhook-timestamp: {stamp}\n"
                 f"webhook-signature: v1,{base64.b64encode(mac).decode()}\n").encode()
        url = b"http://127.0.0.1:%d/" % port
        first = sender.attempt(url, headers=lines)
        assert (first.http_status, first.retry_after_s) == (503, 9)
        second = sender.attempt(url, headers=lines)
        assert second.http_status == 0 and second.curl_code in (NOTHING, RESET)
        third = sender.attempt(url, headers=lines)
        assert third.http_status == 200
        assert third.answer == b'{"received":"x-1","duplicate":true}'
        receiver.send_signal(signal.SIGTERM)
        assert "1 reports held; 1 stored, 1 received again" in receiver.stdout.read()
        assert receiver.wait(LIMIT_S) == 0
    finally:
        receiver.kill()
        receiver.wait()
    assert pathlib.Path(directory, "store", "x-1.json").read_bytes() == BODY
    shutil.rmtree(directory)
