# SPDX-License-Identifier: Apache-2.0
"""wastewatch-sender puts files on servers: vsftpd, OpenSSH, pyftpdlib, and one that misbehaves."""

import contextlib
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

import pytest

sys.path.insert(0, os.path.dirname(__file__))
import servers  # noqa: E402
import wire  # noqa: E402
from test_sender import (LIMIT_S, LONG_MS, Server, answer, dead_port, fixture_start,  # noqa: E402,F401
                         raw, reset_now)

FILE = bytes(range(256)) * 300  # every byte, CR and LF too
LOGIN, QUOTE, TIMEOUT, NOT_ALLOWED, UNTRUSTED, NO_TLS = 67, 21, 28, 43, 60, 64


@pytest.fixture(name="credentials")
def fixture_credentials():
    directory = pathlib.Path(tempfile.mkdtemp())
    (directory / "pw").write_text(servers.Server.password + "\n", encoding="utf-8")
    yield directory
    shutil.rmtree(directory)


class Uploader:
    """A sender, and jobs for it."""

    def __init__(self, sender, credentials):
        self.sender, self.credentials = sender, credentials

    def begin(self, url, body=FILE, total_ms=LONG_MS, connect_ms=LONG_MS, **texts):
        self.sender.n_jobs += 1
        job = {**dict.fromkeys(("headers", "ca", "cert", "key", "host_key"), b""),
               "user": b"station", "password": b"pw", **texts}
        self.sender.core.send(wire.job_packet(wire.Job(
            self.sender.n_jobs, connect_ms, total_ms, url if isinstance(url, bytes) else
            url.encode(), body=body, kind=wire.JOB_UPLOAD,
            **{name: value.encode() if isinstance(value, str) else value
               for name, value in job.items()})))
        return self.sender.n_jobs

    def put(self, url, *arguments, **texts):
        ident = self.begin(url, *arguments, **texts)
        result = self.sender.result()
        assert (result.id, result.http_status) == (ident, 0)
        assert (result.uploaded == 1) == (result.curl_code == 0) == (result.error == b"")
        return result

    def save(self, name, data):
        (self.credentials / name).write_bytes(data if isinstance(data, bytes) else data.encode())

    def texts(self, server):
        """Of the jobs for one of the real servers, its credentials saved."""
        if isinstance(server, servers.SftpServer):
            self.save("hk", server.known_hosts)
            self.save("key", server.key.read_bytes())
            return {"host_key": "hk"}
        if server.ca:
            self.save("ca", server.ca.read_bytes())
            return {"ca": "ca"}
        return {}


@pytest.fixture(name="uploader")
def fixture_uploader(start, credentials):
    return Uploader(start(credentials=str(credentials)), credentials)


MAKERS = {
    "ftp": servers.FtpServer,
    "ftpes": lambda: servers.FtpServer(tls=True),
    "sftp": servers.SftpServer,
}


@pytest.fixture(name="server", params=list(MAKERS), scope="module")
def fixture_server(request):
    with MAKERS[request.param]() as server:
        yield server


@pytest.fixture(name="sshd", scope="module")
def fixture_sshd():
    with servers.SftpServer() as server:
        yield server


@pytest.fixture(name="clean", autouse=True)
def fixture_clean(request):
    """A server that several tests use begins empty."""
    for name in ("server", "sshd"):
        if name in request.fixturenames:
            for path in request.getfixturevalue(name).root.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()


# ---- a server that does as it is told ----

class FakeFtp:
    """An FTP server in memory. on: {command: what}, where what is a reply, or a function that
    gets (session, argument) and returns a reply, None for the usual one, or False: it is over."""

    def __init__(self, on=None, greeting=b"220 ready"):
        self.on, self.greeting = on or {}, greeting
        self.stored, self.commands, self.n_data = {}, [], 0
        self.released = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"ftp://127.0.0.1:{self.port}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=FakeSession(self, connection).serve, daemon=True).start()

    def names(self):
        return [line.split(" ")[0] for line in self.commands]

    def close(self):
        if self.released.is_set():
            return
        self.released.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class FakeSession:
    REPLIES = {
        "USER": b"331 password?", "PASS": b"230 in", "PWD": b'257 "/"', "CWD": b"250 there",
        "TYPE": b"200 ok", "QUIT": b"221 bye", "DELE": None, "RNFR": b"350 to?",
    }

    def __init__(self, server, connection):
        self.server, self.connection = server, connection
        self.passive, self.source = None, None

    def serve(self):
        try:
            with self.connection:
                self.connection.sendall(self.server.greeting + b"\r\n")
                self.converse()
        except OSError:
            pass

    def converse(self):
        for line in self.connection.makefile("rb"):
            line = line.decode(errors="replace").rstrip("\r\n")
            self.server.commands.append(line)
            reply = self.answer(*(line.split(" ", 1) + [""])[:2])
            if reply is False:
                return
            self.connection.sendall(reply + b"\r\n")

    def converse_in_tls(self, context):
        """AUTH TLS, and the rest of the session."""
        self.connection.sendall(b"234 go on\r\n")
        with context.wrap_socket(self.connection, server_side=True) as self.connection:
            self.converse()
        return False

    def answer(self, verb, argument):
        what = self.server.on.get(verb)
        reply = what(self, argument) if callable(what) else what
        if reply is None:
            usual = getattr(self, verb.lower(), None)
            reply = usual(argument) if usual else self.REPLIES.get(verb, b"502 not here")
        return reply

    def epsv(self, _argument=""):
        self.passive = socket.create_server(("127.0.0.1", 0))
        return b"229 here (|||%d|)" % self.passive.getsockname()[1]

    def open_data(self):
        data, _ = self.passive.accept()
        self.passive.close()
        self.server.n_data += 1
        return data

    def stor(self, name):
        self.connection.sendall(b"150 go on\r\n")
        with self.open_data() as data:
            self.server.stored[name] = b"".join(iter(lambda: data.recv(65536), b""))
        return b"226 all here"

    def rnfr(self, name):
        self.source = name
        return b"350 to?" if name in self.server.stored else b"550 no such file"

    def rnto(self, name):
        if self.source not in self.server.stored:
            return b"503 first the other"
        self.server.stored[name] = self.server.stored.pop(self.source)
        return b"250 renamed"

    def dele(self, name):
        return b"250 gone" if self.server.stored.pop(name, None) is not None else b"550 no such file"

    def reset(self):
        reset_now(self.connection)
        return False

    def hang(self):
        self.server.released.wait()
        return False


# ---- what must work ----

def test_upload(uploader, server):
    """Bytes, name and directories as told, nothing else left; the same again replaces it."""
    texts = uploader.texts(server)
    for body in (FILE, b"", b"again"):
        assert uploader.put(server.url + "2026/11/24/a.txt", body=body, **texts).uploaded == 1
        assert server.files() == {"2026/11/24/a.txt": body}
    assert uploader.put(server.url + "2026/11/24/b.txt", **texts).uploaded == 1
    assert uploader.put(server.url + "top.txt", **texts).uploaded == 1
    assert server.files() == {"2026/11/24/a.txt": b"again", "2026/11/24/b.txt": FILE,
                              "top.txt": FILE}


@pytest.mark.parametrize("name, expected", [
    ("a%20b%25c.txt", "a b%c.txt"), ("%C3%81p%20su%E1%BA%A5t.txt", "Áp suất.txt"),
    ("x;type=a", "x;type=a"), ("it's", "it's"), ("%23%3F%3B%26", "#?;&"), ("-rf", "-rf"),
    ("x" * 200, "x" * 200)])
def test_names(uploader, server, name, expected):
    texts = uploader.texts(server)
    for _ in range(2):
        result = uploader.put(server.url + "d%20d/" + name, **texts)
        assert (result.uploaded, result.error) == (1, b"")
    assert server.files() == {"d d/" + expected: FILE}


def test_many_at_once(uploader, server):
    """More than run at a time: none is lost, none disturbs another."""
    texts = uploader.texts(server)
    idents = [uploader.begin(f"{server.url}d/{i}.txt", body=b"%d" % i, total_ms=LONG_MS, **texts)
              for i in range(20)]
    results = [uploader.sender.result() for _ in idents]
    assert sorted(result.id for result in results) == idents
    assert [result.error for result in results] == [b""] * 20
    assert server.files() == {f"d/{i}.txt": b"%d" % i for i in range(20)}


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
@pytest.mark.parametrize("passphrase", ["", "open sesame"])
def test_sftp_key(uploader, sshd, kind, passphrase):
    """The public key is derived; a password opens the key then."""
    name = f"{kind}-{len(passphrase)}"
    key = sshd.make_key(name, kind, passphrase)
    with open(sshd.directory / "authorized_keys", "a", encoding="ascii") as file:
        file.write((sshd.directory / f"{name}.pub").read_text(encoding="ascii"))
    texts = uploader.texts(sshd)
    uploader.save("key", key.read_bytes())
    uploader.save("phrase", passphrase)
    texts.update(key="key", password="phrase" if passphrase else "")
    assert uploader.put(sshd.home_url + "k/a.txt", **texts).error == b""
    assert sshd.files() == {"k/a.txt": FILE}
    if passphrase:
        result = uploader.put(sshd.home_url + "k/b.txt", **{**texts, "password": "pw"})
        assert result.curl_code == LOGIN


def test_known_hosts_forms(uploader, sshd):
    texts = uploader.texts(sshd)
    kind, key = (sshd.directory / "host.pub").read_text(encoding="ascii").split()[:2]
    uploader.save("hk", f"# from the department\n\n127.0.0.1 {kind} {key} comment\n")
    assert uploader.put(sshd.url + "d/a.txt", **texts).error == b""
    uploader.save("hk", sshd.known_hosts)
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", uploader.credentials / "hk"], check=True,
                   capture_output=True)
    assert b"127.0.0.1" not in (uploader.credentials / "hk").read_bytes()
    assert uploader.put(sshd.url + "d/a.txt", **texts).error == b""


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_host_keys_of_several_kinds(uploader, kind):
    """The server has keys of every kind, the department has sent one: that one is asked for."""
    with servers.SftpServer() as server:
        texts = uploader.texts(server)
        server.stop()
        server.settings["HostKey"] = [server.make_key("host-" + name, name)
                                      for name in ("rsa", "ecdsa", "ed25519")]
        server.start()
        uploader.save("hk", server.host_line(server.directory / f"host-{kind}.pub"))
        result = uploader.put(server.url + "d/a.txt", **texts)
        if kind == "rsa":  # the library knows it with SHA-1 only, which is no longer spoken
            assert result.uploaded == 0 and b"Ed25519 or ECDSA host key" in result.error
        else:
            assert result.error == b""


@pytest.mark.parametrize("make", [servers.FtpServer, servers.SftpServer])
def test_disk_is_full(uploader, make):
    with make(disk_bytes=40960) as server:
        texts = uploader.texts(server)
        result = uploader.put(server.url + "a.txt", **texts)
        assert b"disk" in result.error or b"451 Failure writing" in result.error
        assert uploader.put(server.url + "a.txt", body=b"small", **texts).error == b""


def test_nothing_from_the_environment(start, credentials):
    """No proxy, no .netrc, no keys and agents of a home directory."""
    home = credentials / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".netrc").write_text("default login wrong password wrong\n", encoding="ascii")
    proxy = f"http://127.0.0.1:{dead_port()}"
    uploader = Uploader(start({
        "HOME": str(home), "ftp_proxy": proxy, "all_proxy": proxy, "ALL_PROXY": proxy,
        "SSH_AUTH_SOCK": str(home / "agent"), "SSLKEYLOGFILE": str(home / "keys"),
    }, credentials=str(credentials)), credentials)
    for make in MAKERS.values():
        with make() as server:
            assert uploader.put(server.url + "d/a.txt", **uploader.texts(server)).error == b""
            if isinstance(server, servers.SftpServer):
                shutil.copy(server.key, home / ".ssh" / "id_rsa")
                shutil.copy(server.key, home / ".ssh" / "id_ed25519")
                uploader.save("bad", "wrong")
                result = uploader.put(server.url + "d/b.txt", host_key="hk", password="bad")
                assert result.curl_code == LOGIN
                assert "publickey" not in server.log_text()
    assert not (home / "keys").exists()


# ---- what must be refused ----

def test_wrong_password(uploader, server):
    texts = uploader.texts(server)
    uploader.save("bad", "wrong")
    result = uploader.put(server.url + "d/a.txt", **{**texts, "password": "bad"})
    assert result.curl_code == LOGIN and b"refuses the login" in result.error
    assert server.files() == {}


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_sftp_key_refused(uploader, sshd, kind):
    """A key that the server does not know; and RSA, which OpenSSH no longer takes with SHA-1."""
    key = sshd.make_key("stranger-" + kind, kind)
    if kind == "rsa":
        with open(sshd.directory / "authorized_keys", "a", encoding="ascii") as file:
            file.write((sshd.directory / "stranger-rsa.pub").read_text(encoding="ascii"))
    texts = uploader.texts(sshd)
    uploader.save("key", key.read_bytes())
    result = uploader.put(sshd.url + "d/a.txt", key="key", password="", **texts)
    assert result.curl_code == LOGIN
    assert b"Ed25519" in result.error and b"known there" in result.error
    assert sshd.files() == {}


@pytest.mark.parametrize("what, words", [
    ("other", b"another than the credential"), ("unknown", b"not in the credential"),
    ("empty", b"not in the credential"), ("garbage", b"not in the credential"),
    ("port", b"not in the credential")])
def test_host_key(uploader, sshd, what, words):
    """Never trust on first use: no name and no password reach a server that is not known."""
    texts = uploader.texts(sshd)
    if what == "other" and not (sshd.directory / "other.pub").exists():
        sshd.make_key("other")
    uploader.save("hk", {
        "other": lambda: sshd.host_line(sshd.directory / "other.pub"),
        "unknown": lambda: sshd.known_hosts.replace("127.0.0.1", "127.0.0.2"),
        "port": lambda: sshd.known_hosts.replace(str(sshd.port), "22022"),
        "empty": lambda: "", "garbage": lambda: "\x00\xff nonsense\n",
    }[what]())
    before = sshd.log_text().count("Failed") + sshd.log_text().count("Accepted")
    result = uploader.put(sshd.url + "d/a.txt", **texts)
    assert result.curl_code == UNTRUSTED and words in result.error
    assert sshd.log_text().count("Failed") + sshd.log_text().count("Accepted") == before
    assert (uploader.credentials / "hk").stat().st_size == len(
        (uploader.credentials / "hk").read_bytes())
    assert sshd.files() == {}


def test_certificates(uploader):
    with servers.FtpServer(tls=True) as server:
        texts = uploader.texts(server)
        servers.make_ca(server.directory, "stranger")
        uploader.save("stranger", (server.directory / "stranger.pem").read_bytes())
        for ca, words in (("stranger", b"unknown CA"), ("", b"unknown CA"),
                          ("missing", b"CA file cannot be read")):
            result = uploader.put(server.url + "d/a.txt", ca=ca)
            assert words in result.error and result.curl_code in (UNTRUSTED, 77)
        url = server.url.replace("127.0.0.1", "localhost")
        assert uploader.put(url + "d/a.txt", **texts).error == b""
        assert "FAIL LOGIN" not in server.log_text()
        server.stop()
        servers.make_certificate(server.directory, names="DNS:ftp.example.com")
        server.start()
        result = uploader.put(server.url + "d/b.txt", **texts)
        assert result.curl_code == UNTRUSTED and b"another host name" in result.error
        assert list(server.files()) == ["d/a.txt"]


def test_no_tls(uploader):
    """Where TLS is told, no name goes over the line before it; nor does a file after it."""
    with FakeFtp({"AUTH": b"502 not here"}) as server:
        result = uploader.put(server.url.replace("ftp:", "ftpes:") + "a.txt")
        assert result.curl_code == NO_TLS and b"offers no TLS" in result.error
        assert "USER" not in server.names() and server.stored == {}
    with servers.FtpServer() as server:
        url = server.url.replace("ftp:", "ftpes:")
        assert uploader.put(url + "a.txt").curl_code == NO_TLS
        assert '"USER' not in server.log_text() and server.files() == {}


@pytest.mark.parametrize("prot, code", [(b"536 in the clear only", NO_TLS), (b"200 private", None)])
def test_data_without_tls(uploader, prot, code):
    """A server that says no to encrypted data, or yes and does not: no byte of the file goes."""
    servers.make_ca(uploader.credentials)
    servers.make_certificate(uploader.credentials)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(uploader.credentials / "server.pem", uploader.credentials / "server.key")
    with FakeFtp({"AUTH": lambda session, _: session.converse_in_tls(context),
                  "PBSZ": b"200 ok", "PROT": prot}) as server:
        body = b"the file's own words"
        result = uploader.put(server.url.replace("ftp:", "ftpes:") + "a.txt", body=body,
                              ca="ca.pem", total_ms=1500)
        assert result.uploaded == 0 and code in (None, result.curl_code)
        assert "PASS" in server.names() or code
        assert body not in b"".join(server.stored.values())


def test_tls_demanded_by_the_server(uploader):
    with servers.FtpServer(tls=True) as server:
        result = uploader.put(server.url.replace("ftpes:", "ftp:") + "a.txt")
        assert result.uploaded == 0 and server.files() == {}


def test_rights(uploader, server):
    texts = uploader.texts(server)
    (server.root / "closed").mkdir(mode=0o755)  # root's: the user may look
    (server.root / "closed" / "old.txt").write_bytes(b"old")
    for path in ("closed/a.txt", "closed/old.txt", "closed/more/a.txt"):
        result = uploader.put(server.url + path, **texts)
        assert b"rights" in result.error or b"closed to us" in result.error, result.error
    assert server.files() == {"closed/old.txt": b"old"}
    (server.root / "file").mkdir()
    (server.root / "file" / "a").write_bytes(b"")  # a directory's name is a file's
    result = uploader.put(server.url + "file/a/b.txt", **texts)
    assert result.uploaded == 0 and server.files()["file/a"] == b""


def test_name_is_a_directory(uploader, server):
    texts = uploader.texts(server)
    (server.root / "d" / "a.txt").mkdir(parents=True)
    for path in (server.root / "d", server.root / "d" / "a.txt"):
        os.chown(path, servers.UID, servers.UID)
    result = uploader.put(server.url + "d/a.txt", **texts)
    assert result.curl_code == QUOTE and b"cannot be renamed" in result.error
    assert server.files() == {"d/a.txt.part": FILE}


@pytest.mark.parametrize("url, texts, words", [
    ("ftp://h", {}, b"without the name"), ("ftp://h/d/", {}, b"without the name"),
    ("ftps://h/a", {}, b"use ftpes"), ("https://h/a", {}, b"none of ftp"),
    ("file:///a", {}, b"none of ftp"), ("scp://h/a", {}, b"none of ftp"),
    ("ftp://me@h/a", {}, b"user name"), ("ftp://me:pw@h/a", {}, b"user name"),
    ("ftp://h/a?b", {}, b'"?"'), ("ftp://h/a#b", {}, b'"?"'),
    ("ftp://h/a%0d%0aDELE%20b", {}, b"decoded"), ("ftp://h/a%00", {}, b"decoded"),
    ("ftp://h/a%7f", {}, b"control"), ("ftp://h/a%22b", {}, b"quotation"),
    ("ftp://h/a%5cb", {}, b"backslash"), ("ftp://h/%2e%2e%2fa", {}, b'".."'),
    ("ftp://h/%2e/a", {}, b'"."'), ("ftp://h/" + "x" * 201, {}, b"too long"),
    ("ftp://h/a b", {}, b"blank"), ("ftp://h:x/a", {}, b"understood"),
    ("ftp://169.254.169.254/a", {}, b"link-local"), ("ftp://0.0.0.0/a", {}, b"unspecified"),
    ("ftp://h/a", {"user": ""}, b"\"user\": it is empty"),
    ("ftp://h/a", {"user": "a\r\nDELE x"}, b"control character"),
    ("ftp://h/a", {"user": "a\0b"}, b"control character"),
    ("ftp://h/a", {"user": "x" * 257}, b"too long"),
    ("ftp://h/a", {"password": ""}, b"nothing to log in with"),
    ("ftp://h/a", {"password": "missing"}, b"credential missing cannot be read"),
    ("ftp://h/a", {"password": "../pw"}, b"file name alone"),
    ("ftp://h/a", {"password": "empty"}, b"\"password\": it is empty"),
    ("ftp://h/a", {"password": "long"}, b"\"password\": it is too long"),
    ("ftp://h/a", {"password": "control"}, b"\"password\": it holds a control"),
    ("ftp://h/a", {"ca": "pw"}, b"use ftpes"), ("ftp://h/a", {"host_key": "pw"}, b"sftp"),
    ("ftpes://h/a", {"cert": "pw"}, b"pairs"), ("sftp://h/a", {}, b"host-key"),
    ("sftp://h/a", {"host_key": "missing"}, b"missing cannot be read"),
    ("sftp://h/a", {"host_key": "pw", "ca": "pw"}, b"no certificates"),
    ("sftp://h/a", {"host_key": "pw", "key": "missing"}, b"missing cannot be read"),
    ("sftp://h/a", {"host_key": "pw", "password": ""}, b"nothing to log in with"),
])
def test_not_allowed(uploader, url, texts, words):
    for name, text in (("empty", ""), ("long", "x" * 257), ("control", "a\tb\n")):
        uploader.save(name, text)
    result = uploader.put(url, **{"user": "station", "password": "pw", **texts})
    assert words in result.error, result.error
    assert result.curl_code in (NOT_ALLOWED, 7)


# ---- servers that misbehave ----

def test_fake_server(uploader):
    """The one below is as good as a real one, where nothing is told otherwise."""
    with FakeFtp() as server:
        assert uploader.put(server.url + "d/a.txt").error == b""
        assert server.stored == {"a.txt": FILE}
        assert "PORT" not in server.names() and "EPRT" not in server.names()


def test_rename_refused_where_the_name_is_taken(uploader):
    """Windows servers do so. The old file goes only when the new one is there as a whole."""
    def rnto(session, name):
        return b"553 exists" if name in session.server.stored else None
    with FakeFtp({"RNTO": rnto}) as server:
        for body in (b"one", b"two", b"two"):
            assert uploader.put(server.url + "d/a.txt", body=body).error == b""
            assert server.stored == {"a.txt": body}
        server.on["DELE"] = b"550 not allowed"
        result = uploader.put(server.url + "d/a.txt", body=b"three")
        assert result.curl_code == QUOTE and b"553 exists" in result.error
        assert server.stored == {"a.txt": b"two", "a.txt.part": b"three"}


@pytest.mark.parametrize("again", ["replaces", "refuses"])
def test_confirmation_lost(uploader, again):
    """The rename is done and its reply is lost: not uploaded; the next attempt ends as done."""
    lost = []

    def rnto(session, name):
        if not lost:
            lost.append(session.rnto(name))
            return session.reset()
        return b"550 exists" if again == "refuses" and name in session.server.stored else None
    with FakeFtp({"RNTO": rnto}) as server:
        result = uploader.put(server.url + "a.txt")
        assert result.uploaded == 0 and b"connection broke" in result.error
        assert server.stored == {"a.txt": FILE}
        assert uploader.put(server.url + "a.txt").uploaded == 1
        assert server.stored == {"a.txt": FILE}


@pytest.mark.parametrize("verb", ["USER", "PASS", "PWD", "CWD", "EPSV", "TYPE", "STOR", "RNFR",
                                  "RNTO"])
@pytest.mark.parametrize("how", ["reset", "hang", "500", "421", "199", "garbage"])
def test_every_step_fails(uploader, verb, how):
    """Whatever goes wrong wherever: not uploaded, and a sentence."""
    do = {"reset": FakeSession.reset, "hang": FakeSession.hang}.get(how)
    reply = {"500": b"500 no", "421": b"421 too many", "199": b"199 what", "garbage": b"\xff\0zz"}
    with FakeFtp({verb: (lambda session, _: do(session)) if do else reply[how],
                  "PASV": b"500 no", "MKD": b"550 no"}) as server:
        result = uploader.put(server.url + "d/a.txt",
                              total_ms=700 if how in ("hang", "garbage", "199") else LONG_MS)
        if (verb, how) in (("PWD", "500"), ("PWD", "199"), ("PWD", "garbage")):
            return  # nobody needs its answer
        assert result.uploaded == 0 and "a.txt" not in server.stored, server.commands
        assert result.error.startswith(b"127.0.0.1:%d: " % server.port)


def read_some(session, _name):
    """STOR: take a little of the data, then break both connections."""
    session.connection.sendall(b"150 go on\r\n")
    data = session.open_data()
    data.recv(1000)
    reset_now(data)
    return session.reset()


def data_only_reset(session, _name):
    session.connection.sendall(b"150 go on\r\n")
    data = session.open_data()
    data.recv(1000)
    reset_now(data)
    return b"426 broken"


def stall(session, _name):
    """STOR: take a data connection and not a byte of it."""
    session.connection.sendall(b"150 go on\r\n")
    with session.open_data():
        return session.hang()


def silent_after_data(session, name):
    session.stor(name)
    return session.hang()


@pytest.mark.parametrize("stor, words", [
    (read_some, b""), (data_only_reset, b""), (stall, b"stopped taking"),
    (silent_after_data, b"stopped taking"),
    (lambda session, name: session.stor(name) and b"452 disk full", b"disk is full"),
    (lambda session, name: session.stor(name) and b"552 quota", b"our share of it"),
    (lambda session, name: session.stor(name) and b"451 no", b"451 no"),
    (b"553 not this name", b"553 not this name"),
], ids=["reset", "data-reset", "stall", "silent", "452", "552", "451", "553"])
def test_transfer_fails(uploader, stor, words):
    with FakeFtp({"STOR": stor}) as server:
        waits = stor in (stall, silent_after_data)
        result = uploader.put(server.url + "a.txt", total_ms=1000 if waits else LONG_MS)
        assert result.uploaded == 0 and words in result.error and result.error
        assert "RNFR" not in server.names()


def test_passive_address_is_not_believed(uploader):
    """"Connect to 192.0.2.1" is no order: the data goes where the login went."""
    def pasv(session, _):
        session.epsv()
        port = session.passive.getsockname()[1]
        return b"227 there (192,0,2,1,%d,%d)" % (port >> 8, port & 255)
    with FakeFtp({"EPSV": b"500 no", "PASV": pasv}) as server:
        assert uploader.put(server.url + "a.txt").error == b""
        assert server.stored == {"a.txt": FILE} and server.n_data == 1


def test_data_connection_blocked(uploader):
    port = dead_port()
    with FakeFtp({"EPSV": b"229 here (|||%d|)" % port,
                  "PASV": b"227 here (127,0,0,1,%d,%d)" % (port >> 8, port & 255)}) as server:
        result = uploader.put(server.url + "a.txt")
        assert b"firewall must let its passive ports through" in result.error
    with FakeFtp({"EPSV": b"500 no", "PASV": b"500 no"}) as server:
        result = uploader.put(server.url + "a.txt")
        assert b"refuses passive" in result.error
        assert not {"PORT", "EPRT"} & set(server.names())


@pytest.mark.parametrize("greeting, words", [
    (b"421 too many connections", b"no more connections at present"),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", b""), (b"SSH-2.0-x", b""), (b"\0" * 5000, b"")])
def test_greeting(uploader, greeting, words):
    with FakeFtp(greeting=greeting) as server:
        result = uploader.put(server.url + "a.txt", total_ms=700)
        assert result.uploaded == 0 and words in result.error and server.stored == {}
        assert b"\n" not in result.error


def test_endless_greeting(uploader):
    def flood(session, _):
        while True:
            session.connection.sendall(b"230-" + b"x" * 500 + b"\r\n")
    with FakeFtp({"PASS": flood}) as server:
        result = uploader.put(server.url + "a.txt", total_ms=LONG_MS)
        assert result.curl_code == 23 and b"more than can be taken" in result.error


def test_sftp_silent_or_no_ssh(uploader, credentials):
    (credentials / "hk").write_text("x ssh-ed25519 AAAA\n", encoding="ascii")
    with FakeFtp(greeting=b"220 this is FTP") as server:
        result = uploader.put(server.url.replace("ftp:", "sftp:") + "a.txt", host_key="hk",
                              total_ms=1500)
        assert result.uploaded == 0 and result.error
    url = f"sftp://127.0.0.1:{dead_port()}/a.txt"
    assert b"cannot be reached" in uploader.put(url, host_key="hk").error


def test_sftp_killed_in_mid_session(uploader):
    """The server's processes are stopped, then killed: no answer, then a broken connection."""
    with servers.SftpServer() as server:
        texts = uploader.texts(server)
        os.killpg(server.process.pid, signal.SIGSTOP)
        result = uploader.put(server.url + "d/a.txt", total_ms=1500, **texts)
        assert result.curl_code == TIMEOUT and b"no answer in time" in result.error
        os.killpg(server.process.pid, signal.SIGCONT)
        assert uploader.put(server.url + "d/a.txt", **texts).error == b""
        server.stop()
        assert b"cannot be reached" in uploader.put(server.url + "d/a.txt", **texts).error
        server.start()
        assert uploader.put(server.url + "d/a.txt", **texts).error == b""


# ---- a second judge ----

@contextlib.contextmanager
def pyftpdlib(rights):
    """pyftpdlib in a process of its own; yields (url, root). Needs no root."""
    root = pathlib.Path(tempfile.mkdtemp())
    script = ("import sys; from pyftpdlib.authorizers import DummyAuthorizer as A; "
              "from pyftpdlib.handlers import FTPHandler as H; from pyftpdlib.servers import FTPServer; "
              "a = A(); a.add_user('station', sys.argv[1], sys.argv[2], perm=sys.argv[3]); "
              "H.authorizer = a; s = FTPServer(('127.0.0.1', 0), H); "
              "print(s.socket.getsockname()[1], flush=True); s.serve_forever()")
    with subprocess.Popen([sys.executable, "-c", script, servers.Server.password, root, rights],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield f"ftp://127.0.0.1:{int(process.stdout.readline())}/", root
        finally:
            process.kill()
            shutil.rmtree(root)


@pytest.mark.parametrize("rights, code, words", [
    ("elradfmw", 0, b""),
    ("elradfw", 9, b"closed to us"),    # no directories
    ("elradmw", QUOTE, b"allowed to rename"),
    ("elradfm", 25, b"refuses to take"),
])
def test_pyftpdlib(uploader, rights, code, words):
    pytest.importorskip("pyftpdlib")
    with pyftpdlib(rights) as (url, root):
        for _ in range(2):
            result = uploader.put(url + "2026/11/a.txt")
            assert result.curl_code == code and words in result.error
        assert (root / "2026/11/a.txt").exists() == (code == 0)
        if code == 0:
            uploader.save("bad", "wrong")
            assert uploader.put(url + "a.txt", password="bad").curl_code == LOGIN


# ---- processes ----

def children(process):
    path = f"/proc/{process.pid}/task/{process.pid}/children"
    return [int(pid) for pid in pathlib.Path(path).read_text(encoding="ascii").split()]


def descriptors(pid):
    return [os.readlink(path) for path in pathlib.Path(f"/proc/{pid}/fd").iterdir()]


def is_upload(pid):
    """Between vfork() and exec() it holds its parent: nobody must stop it then."""
    try:
        return b"--one-upload" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def wait_child(uploader):
    until = time.monotonic() + LIMIT_S
    while not (found := [pid for pid in children(uploader.sender.process) if is_upload(pid)]):
        assert time.monotonic() < until
        time.sleep(0.01)
    return found[0]


def test_no_report_waits(uploader):
    """Uploads that hang, more than run at a time: reports go out meanwhile."""
    with FakeFtp({"RNTO": lambda session, _: session.hang()}) as hung, Server(answer(200)) as good:
        idents = [uploader.begin(hung.url + "a.txt", total_ms=LONG_MS) for _ in range(12)]
        while "RNTO a.txt" not in hung.commands:
            time.sleep(0.01)
        for _ in range(20):
            assert uploader.sender.attempt(good.url()).http_status == 200
        hung.close()
        results = [uploader.sender.result() for _ in idents]
        assert sorted(result.id for result in results) == idents
        assert {result.uploaded for result in results} == {0}


def test_process_dies(uploader):
    with FakeFtp({"USER": lambda session, _: session.hang()}) as server:
        ident = uploader.begin(server.url + "a.txt", total_ms=LONG_MS)
        os.kill(wait_child(uploader), signal.SIGSEGV)
        result = uploader.sender.result()
        assert (result.id, result.uploaded) == (ident, 0) and b"died of signal 11" in result.error
    with FakeFtp() as server:
        assert uploader.put(server.url + "a.txt").error == b""


def test_process_hangs(uploader):
    """One that does not keep to its own limit is killed."""
    with FakeFtp({"USER": lambda session, _: session.hang()}) as server:
        uploader.begin(server.url + "a.txt", total_ms=1000)
        os.kill(wait_child(uploader), signal.SIGSTOP)
        result = uploader.sender.result()
        assert result.curl_code == TIMEOUT and b"was killed after 6000 ms" in result.error


def test_farewell_unanswered(uploader):
    """The result does not wait for the answer to QUIT; nor does the end of the sender."""
    with FakeFtp({"QUIT": lambda session, _: session.hang()}) as server:
        for _ in range(3):
            assert uploader.put(server.url + "a.txt", total_ms=LONG_MS).uploaded == 1
        assert children(uploader.sender.process)


def test_stops(uploader):
    """The sender's end is the uploads'; nothing secret is to be seen of them before."""
    with FakeFtp({"STOR": lambda session, _: session.hang()}) as server:
        uploader.begin(server.url + "a.txt", total_ms=LONG_MS)
        child = wait_child(uploader)
        while "STOR a.txt.part" not in server.commands:
            time.sleep(0.01)
        shared = set(descriptors(child)) & set(descriptors(uploader.sender.process.pid))
        assert not any(name.startswith(("socket:", "anon_inode:")) for name in shared), shared
        seen = b"".join(pathlib.Path(f"/proc/{child}/{name}").read_bytes()
                        for name in ("cmdline", "environ"))
        assert servers.Server.password.encode() not in seen
        assert FILE[:100] not in seen
        uploader.sender.process.send_signal(signal.SIGTERM)
        assert uploader.sender.process.wait(LIMIT_S) == 0
        assert not pathlib.Path(f"/proc/{child}").exists()
        text = uploader.sender.log_text()
        assert "1 attempts in flight are given up" in text
        assert servers.Server.password not in text


def test_core_restarts(uploader):
    with FakeFtp({"RNTO": lambda session, _: session.hang()}) as hung:
        uploader.begin(hung.url + "a.txt", total_ms=LONG_MS)
        wait_child(uploader)
        uploader.sender.core.close()
        uploader.sender.core = uploader.sender.meet()
    with FakeFtp() as server:
        assert uploader.put(server.url + "a.txt").error == b""


def test_unknown_kind(uploader):
    uploader.sender.core.send(wire.job_packet(wire.Job(1, 1, 1, b"x", b"", b"", b"", b"", b"",
                                                       kind=3)))
    assert uploader.sender.core.receive() is None
    assert "kind that is not known" in uploader.sender.log_text()


def test_no_credentials_directory(start):
    sender = start()
    result = Uploader(sender, pathlib.Path("/nonexistent")).put("ftp://127.0.0.1/a.txt")
    assert b"no directory of them" in result.error


def test_one_upload_alone():
    """The way the program starts itself takes jobs of the wire and nothing else."""
    program = os.fspath(pathlib.Path(__file__).resolve().parents[2] /
                        os.environ.get("WASTEWATCH_BUILD", "build") / "wastewatch-sender")
    for data in (b"x", wire.ack_packet(1), wire.job_packet(
            wire.Job(1, 1, 1, b"http://127.0.0.1/", b"", b"", b"", b"", b""))):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            ours.send(data)
            done = subprocess.run([program, "--one-upload"], stdin=theirs, check=False,
                                  capture_output=True, text=True, timeout=LIMIT_S)
            assert done.returncode == 1 and "no upload" in done.stderr
    done = subprocess.run([program, "--one-upload"], stdin=subprocess.DEVNULL, check=False,
                          capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 1 and "no upload" in done.stderr
