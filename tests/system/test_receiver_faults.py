# SPDX-License-Identifier: Apache-2.0
"""Receivers that misbehave, each as a destination of one plant, all at once, beside a good one.

What must hold of all of them (rows W of tests/faults/README.md): the good one gets everything; a
faulty one's reports are kept, with words that say what is wrong; nothing goes anywhere else; and
when the fault is gone each has every report, once, with its bytes and its webhook-id.
"""

import contextlib
import http.client
import http.server
import json
import shutil
import socket
import ssl
import tempfile
import threading
import time

import pytest

from plant import Device, Plant
from test_sender import Server, answer, make_certificate, raw

pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
LIMIT_S = 90  # an attempt of the core's may take 30 s, and one more after it


class Faulty(Server):
    """A server that can be mended, and knows by webhook-id what it has accepted."""

    def __init__(self, behave, context=None):
        self.held = {}
        super().__init__(behave, context)

    def good(self, server, connection):
        _, headers, body = self.requests[-1]
        self.held.setdefault(headers["webhook-id"], set()).add(body)
        return answer(200)(server, connection)


def listening_on(port):
    """A server of Python's on a port that was given up a moment ago."""
    held = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            held.setdefault(self.headers["webhook-id"], set()).add(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, held


class Blackhole:
    """Connections are neither taken nor refused: the kernel drops what a full queue has no room
    for."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.fill = []
        for _ in range(3):
            sock = socket.socket()
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                sock.connect(("127.0.0.1", self.port))
            self.fill.append(sock)

    def close(self):
        for sock in (self.listener, *self.fill):
            sock.close()


def tls(directory, name, newest=None, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{directory}/{name}.pem", f"{directory}/{name}.key")
    if newest:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = newest
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(f"{directory}/{client_ca}.pem")
    return context


def stalls_handshake(server):
    """Takes connections and says nothing, before any TLS."""
    def serve(connection):
        with connection:
            server.released.wait()
    server._serve = serve


def make_pki():
    directory = tempfile.mkdtemp()
    authority = "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign"
    make_certificate(directory, "ca", extension=authority)
    make_certificate(directory, "other", extension=authority)
    make_certificate(directory, "good", "ca")
    make_certificate(directory, "wrong", "ca", "subjectAltName=DNS:elsewhere.example")
    make_certificate(directory, "old", "ca", dates=("20200101000000Z", "20200201000000Z"))
    make_certificate(directory, "stranger", "other")
    return directory


OK_HEAD = b"HTTP/1.1 200 OK\r\n"
ERROR_HEAD = b"HTTP/1.1 500 Broken\r\n"
GZIP_BOMB = bytes.fromhex("1f8b08000000000000ff") + b"\xed\xc1\x01\x0d" * 4000

# name: (behaviour, a word of what is said about it; None: it counts as delivered at once)
PLAIN = {
    "slow-head": (raw(OK_HEAD + b"X-Slow: ", endless=b"x", pause_s=1),
                  "no answer in time"),                                                  # W3
    "no-http": (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "does not speak HTTP"),                 # W8
    "hangs": (raw(hang=True), "no answer in time"),                                      # W3
    "endless-200": (raw(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
                        endless=b"4000\r\n" + b"x" * 16384 + b"\r\n"), None),           # W8
    "endless-500": (raw(ERROR_HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
                        endless=b"4000\r\n" + b"x" * 16384 + b"\r\n"), "500"),           # W8
    "gzip": (raw(ERROR_HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
                 % len(GZIP_BOMB), GZIP_BOMB), "500"),                                   # W8
    "huge-head": (raw(OK_HEAD, *[b"X-%d: " % n + b"y" * 1000 + b"\r\n" for n in range(1024)]),
                  "too long"),                                                           # W8
    "binary": (raw(ERROR_HEAD + b"Content-Length: 300\r\n\r\n" + b"\0\xff\x1b[31m" * 43 + b"\0" * 42),
               "500"),                                                                   # W8
    "reset-first": (raw(reset=True), "reset"),                                           # W9
    "reset-after-200": (raw(OK_HEAD + b"Content-Length: 5\r\n\r\n", reset=True), None),  # W9
}
HTTPS = {  # certificate, newest TLS, CA asked of the client, words
    "tls-old": ("old", None, None, "expired"),
    "tls-host": ("wrong", None, None, "another host name"),
    "tls-ca": ("stranger", None, None, "unknown CA"),
    "tls-11": ("good", ssl.TLSVersion.TLSv1_1, None, "TLS 1.2"),
    "tls-client": ("good", None, "other", "certificate"),
}
REDIRECTS = {"to-301": 301, "to-302": 302, "to-307": 307, "to-308": 308}


def destination(name, url, ca=False):
    return f'  - {{name: {name}, url: "{url}"{", ca: ca.pem" if ca else ""}}}\n'


class World:
    """The plant, its faulty receivers, and a trap that nothing may ever come to."""

    def __init__(self):
        self.pki = make_pki()
        self.trap = Server(answer(200))
        self.servers, self.words, self.urls = {}, {}, {}
        self.make_plain()
        self.make_https()
        self.make_redirects()
        self.refused = socket.create_server(("127.0.0.1", 0))
        self.refused_port = self.refused.getsockname()[1]
        self.refused.close()
        self.blackhole = Blackhole()
        self.urls["refuses"] = f"http://127.0.0.1:{self.refused_port}/"
        self.urls["blackhole"] = f"http://127.0.0.1:{self.blackhole.port}/"
        self.urls["no-name"] = "https://department.invalid/"
        self.words.update({"refuses": "refuses the connection", "blackhole": "no answer in time",
                           "no-name": "cannot be resolved"})
        self.mended = []

    def add(self, name, server, words, secure=False):
        self.servers[name], self.words[name] = server, words
        self.urls[name] = server.url().decode()
        assert self.urls[name].startswith("https" if secure else "http:")

    def make_plain(self):
        for name, (behave, words) in PLAIN.items():
            self.add(name, Faulty(behave), words)

    def make_https(self):
        for name, (certificate, newest, client_ca, words) in HTTPS.items():
            self.add(name, Faulty(answer(200), tls(self.pki, certificate, newest, client_ca)),
                     words, secure=True)
        stalled = Faulty(answer(200), tls(self.pki, "good"))
        self.stalled_serve = stalled._serve
        stalls_handshake(stalled)
        self.add("tls-stalls", stalled, "no answer in time", secure=True)

    def make_redirects(self):
        targets = [self.trap.url().decode(), "file:///etc/passwd", "http://169.254.169.254/", ""]
        for (name, status), target in zip(REDIRECTS.items(), targets):
            server = Faulty(None)
            server.behave = answer(status, f"Location: {target or server.url().decode()}")
            self.add(name, server, str(status))

    def mend(self):
        """All faults end, each where it was."""
        for name, server in self.servers.items():
            if server.context:
                server.context = tls(self.pki, "good")
            if name == "tls-stalls":
                server._serve = self.stalled_serve
            server.behave = server.good
        self.mended.append(listening_on(self.refused_port))
        self.blackhole.close()
        self.mended.append(listening_on(self.blackhole.port))

    def held(self, name):
        if name == "refuses":
            return self.mended[0][1]
        if name == "blackhole":
            return self.mended[1][1]
        return self.servers[name].held

    def close(self):
        for server in (self.trap, *self.servers.values()):
            server.close()
        self.blackhole.close()
        for server, _ in self.mended:
            server.shutdown()
            server.server_close()
        shutil.rmtree(self.pki)


class FaultyPlant(Plant):
    """With proxies of an attacker's in the environment of every program (W13)."""

    world = None

    def environment(self):
        names = ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        trap = f"http://127.0.0.1:{self.world.trap.port}" if self.world else ""
        return {**Plant.environment(), **({name: trap for name in names} if self.world else {}),
                "OPENSSL_CONF": str(self.dir / "lax.cnf")}

    def write(self, urls):
        """The good destination and these; wastewatch.yaml as plant.py makes it, and more."""
        self.configure()
        path = self.config / "wastewatch.yaml"
        extra = "".join(destination(name, url, url.startswith("https://127"))
                        for name, url in urls.items())
        self._write(path, path.read_text(encoding="utf-8") + extra)


def chunks(names, size=15):
    return [names[i:i + size] for i in range(0, len(names), size)]


@pytest.fixture(scope="module", name="run", params=[0, 1])
def fixture_run(request):
    """(world, plant, names) after faults and mending; what was seen meanwhile is in world.seen."""
    world = World()
    names = chunks(sorted(world.urls))[request.param]
    device = Device()
    with FaultyPlant(device, incident_clear="1s", report_interval="1s") as plant:
        (plant.dir / "lax.cnf").write_text(
            "openssl_conf=a\n[a]\nssl_conf=b\n[b]\nsystem_default=c\n[c]\nMinProtocol=TLSv1\n"
            "CipherString=DEFAULT:@SECLEVEL=0\n", encoding="ascii")
        for file in ("ca.pem",):
            shutil.copy(f"{world.pki}/{file}", plant.credentials / file)
        plant.world = world
        try:
            plant.write({name: world.urls[name] for name in names})
            observe(world, plant, names)
            yield world, plant, names
        finally:
            world.close()


def rows(plant, *columns):
    return plant.query(f"SELECT destination, {', '.join(columns)} FROM outbox ORDER BY id")


def observe(world, plant, names):
    plant.start()
    device = plant.device
    device.set(COD=200)
    incident = plant.until_entry("incident.opened")["incident"]
    device.set(COD=50)
    plant.until_entry("incident.ended", incident=incident)
    plant.until(lambda: all(state == "sent" for d, state in rows(plant, "state")
                            if d == "department"), "the good one has everything")
    tried = [n for n in names if world.words[n] is not None]
    # every fault has shown itself, the one that takes longest after 30 s
    plant.until(lambda: {d for d, attempts in rows(plant, "attempts") if attempts} >= set(tried),
                "each was tried", LIMIT_S)
    world.seen = {d: (state, error) for d, state, error in rows(plant, "state", "error")
                  if error is not None}
    world.sent_meanwhile = {d for d, state in rows(plant, "state") if state == "sent"}
    world.mend()
    urls = {name: world.urls[name] for name in names}
    if "no-name" in urls:
        server = Faulty(None)
        server.behave = server.good
        world.servers["no-name"] = server
        urls["no-name"] = server.url().decode()
    plant.write(urls)
    plant.reload()
    plant.until_entry("config.loaded", 2)
    plant.until(lambda: all(state == "sent" for _, state in rows(plant, "state")),
                "all is delivered", LIMIT_S)


def test_w1_w2_w3_w7_w8_w9_w10_w12_what_is_wrong_is_said(run):
    """W1, W2, W3, W7, W8, W9, W10, W12: kept as pending or held, in words, without odd bytes."""
    world, _, names = run
    for name in names:
        if world.words[name] is None:
            continue
        state, error = world.seen[name]
        assert state in ("pending", "held"), name
        assert world.words[name] in error, (name, error)
        assert len(error) <= 1024 and error.isprintable(), (name, error)


def test_w2_w3_the_good_one_is_not_delayed(run):
    """W2, W3: it had everything while others hung."""
    world, plant, _ = run
    assert "department" in world.sent_meanwhile
    assert set(plant.receiver.bodies()) == {
        ident for d, ident in rows(plant, "webhook_id") if d == "department"}


def test_w8_w9_what_was_accepted_is_delivered(run):
    """W8, W9: 2xx counts as soon as it is there, whatever comes behind it; without it nothing."""
    world, _, names = run
    for name in names:
        assert (name in world.sent_meanwhile) == (world.words[name] is None), name


def test_w7_w13_nothing_goes_anywhere_else(run):
    """W7, W13: neither a redirect nor a proxy of the environment's was followed."""
    world, _, names = run
    assert world.trap.n_connections == 0
    for name in set(names) & set(REDIRECTS):
        asked = [line for line, _, _ in world.servers[name].requests]
        assert set(asked) == {"POST /reports HTTP/1.1"}, name


def test_w10_nothing_was_sent_to_a_stranger(run):
    """W10: a report goes out only after the other end has been found to be the right one."""
    world, _, names = run
    for name in set(names) & set(HTTPS):
        server = world.servers[name]
        for _, headers, body in server.requests:
            assert body in server.held[headers["webhook-id"]], "before it was mended"


def test_w1_to_w13_mended_all_is_there(run):
    """W1-W3, W7-W10, W12, W13: afterwards each holds every report with its bytes; in the order
    of the incident where it had none before."""
    world, plant, names = run
    plant.check_chain()
    for name in names:
        if world.words[name] is None:
            continue
        bodies = {ident: body.encode() for d, ident, body in rows(plant, "webhook_id", "body")
                  if d == name}
        held = world.held(name)
        assert {k: {v} for k, v in bodies.items()} == held, name
        order = [json.loads(*held[ident])["type"] for ident in held]
        assert order[0] == "incident.opened" and order[-1] == "incident.ended", (name, order)


def post(port, headers, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", "/reports", body, {k: v for k, v in headers.items()
                                                      if k != "host"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_w16_a_request_that_is_replayed():
    """W16: the same request again is known by its id; after the tolerance its time stamp is
    refused, and with a fresh one its signature."""
    recorder = Faulty(None)
    recorder.behave = recorder.good
    try:
        with Plant(Device(), incident_clear="1s", report_interval="1s",
                   ) as plant:
            plant.configure(destinations=[("department", recorder.url().decode(), "limit")])
            plant.start("core", "poller", "sender")
            plant.device.set(COD=200)
            plant.until(lambda: recorder.requests, "a report")
            _, headers, body = recorder.requests[0]
            plant.receiver.start()
            assert post(plant.receiver.port, headers, body)[0] == 200
            status, said = post(plant.receiver.port, headers, body)
            assert (status, said["duplicate"]) == (200, True)
            plant.stop("department")
            plant.receiver.start("--clock", "301")
            assert post(plant.receiver.port, headers, body)[0] == 401
            fresh = {**headers, "webhook-timestamp": str(int(time.time()) + 301)}
            status, said = post(plant.receiver.port, fresh, body)
            assert status == 401 and "signature" in said["error"]
            assert len(plant.receiver.bodies()) == 1
    finally:
        recorder.close()
