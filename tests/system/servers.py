# SPDX-License-Identifier: Apache-2.0
"""FTP and SFTP servers on loopback, for tests: vsftpd and OpenSSH as Debian has them.

    with FtpServer(tls=True) as server:
        server.url            # "ftpes://127.0.0.1:PORT/": add directories and a file's name
        server.user, server.password
        server.ca             # path of the CA's certificate, None without TLS
        server.root           # pathlib.Path of the directory that the user sees as "/"
        server.files()        # {"2026/11/24/x.txt": b"..."}
        server.log_text()
    with SftpServer() as server:
        server.url            # "sftp://127.0.0.1:PORT/…/": the directory's path is in it
        server.home_url       # the same relative to the user's home: "sftp://…/~/"
        server.key            # path of a private key that may log in
        server.known_hosts    # text for the credential "host_key"

Both need root, and run in a mount namespace of their own in which the user exists: nothing
of this machine's users is changed. Only the processes started here are ended.
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

LIMIT_S = 20  # a server that does not start until then never will
UID = 64871  # of the user who owns the uploaded files; no name on this machine has it


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def run(*command, cwd=None):
    subprocess.run(command, check=True, capture_output=True, cwd=cwd)


def make_ca(directory, name="ca"):
    """NAME.pem and NAME.key: a CA."""
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-days", "2", "-subj", f"/CN=wastewatch test {name}", "-keyout", f"{name}.key",
        "-out", f"{name}.pem", cwd=directory)


def make_certificate(directory, name="server", ca="ca",
                     names="IP:127.0.0.1,DNS:localhost", days=2):
    """NAME.pem and NAME.key, signed by the CA; names are the certificate's."""
    directory = pathlib.Path(directory)
    (directory / f"{name}.ext").write_text(f"subjectAltName={names}\n", encoding="ascii")
    run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr", cwd=directory)
    run("openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key",
        "-CAcreateserial", "-days", str(days), "-extfile", f"{name}.ext", "-out", f"{name}.pem",
        cwd=directory)


class Server:
    """A directory, a user who owns a part of it, and a process.

    disk_bytes: the user's directory is a file system of that size (pages of 4 KiB), which
    nobody but the server sees.
    """

    user, password = "station", "p%ss wörd#1"

    def __init__(self, program, disk_bytes=None):
        if os.geteuid() != 0:
            pytest.skip("the servers' user needs root")
        if not shutil.which(program, path="/usr/sbin:/usr/bin"):
            pytest.skip(f"{program} is not installed")
        self.directory = pathlib.Path(tempfile.mkdtemp())
        self.directory.chmod(0o755)
        self.root = self.directory / "root"
        self.root.mkdir()
        os.chown(self.root, UID, UID)
        self.port = free_port()
        self.process = None
        self.disk_bytes = disk_bytes
        self._write_users()

    def _write_users(self):
        """This machine's users and one more, for the mount namespace alone."""
        secret = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=self.password,
                                capture_output=True, encoding="utf-8", check=True).stdout.strip()
        lines = {
            "passwd": f"{self.user}:x:{UID}:{UID}::{self.root}:/bin/sh\n",
            "group": f"{self.user}:x:{UID}:\n",
            "shadow": f"{self.user}:{secret}:19000:0:99999:7:::\n",
        }
        for name, line in lines.items():
            file = self.directory / name
            file.touch(0o600 if name == "shadow" else 0o644)
            file.write_bytes(pathlib.Path("/etc", name).read_bytes() + line.encode())
        (self.directory / "pam").write_text(
            "auth required pam_unix.so\naccount required pam_unix.so\n"
            "session required pam_permit.so\n", encoding="ascii")

    def _start(self, command, mounts):
        script = "set -e; mount -t tmpfs tmpfs /run; mkdir /run/sshd /run/empty; "
        for source, target in mounts:
            script += f"mount --bind '{source}' {target}; "
        if self.disk_bytes:
            script += (f"mount -t tmpfs -o size={self.disk_bytes},uid={UID},gid={UID},mode=755 "
                       f"tmpfs '{self.root}'; ")
        inside = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
        if subprocess.run([*inside[:-1], "mount -t tmpfs tmpfs /run"], capture_output=True,
                          check=False).returncode != 0:
            pytest.skip("no mount namespace here, which gives the server its user")
        inside[-1] += 'exec "$@"'
        with open(self.directory / "stderr", "ab") as stderr:
            self.process = subprocess.Popen([*inside, "sh", *command], stdout=stderr, stderr=stderr,
                                            stdin=subprocess.DEVNULL, start_new_session=True)
        self._wait()

    def _wait(self):
        until = time.monotonic() + LIMIT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert self.process.poll() is None and time.monotonic() < until, self.log_text()
                time.sleep(0.02)

    def mounts(self):
        return [(self.directory / name, f"/etc/{name}") for name in ("passwd", "group", "shadow")]

    def files(self, root=None):
        """What the user has uploaded: names below root, and their bytes."""
        root = root or self.root
        return {str(path.relative_to(root)): path.read_bytes()
                for path in sorted(root.rglob("*")) if path.is_file()}

    def log_text(self):
        return "".join(path.read_text(encoding="utf-8", errors="replace")
                       for path in (self.directory / "log", self.directory / "stderr")
                       if path.exists())

    def stop(self):
        """At once. What sshd has started for a connection ends with the connection."""
        if self.process:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()
            self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()


class FtpServer(Server):
    """vsftpd. tls: explicit TLS, demanded for login and data; settings: more of vsftpd.conf."""

    def __init__(self, tls=False, certificate="server", disk_bytes=None, **settings):
        super().__init__("vsftpd", disk_bytes)
        self.tls = tls
        self.ca = None
        self.url = f"{'ftpes' if tls else 'ftp'}://127.0.0.1:{self.port}/"
        self.settings = {
            "listen": "YES", "listen_address": "127.0.0.1", "listen_port": self.port,
            "background": "NO", "anonymous_enable": "NO", "local_enable": "YES",
            "write_enable": "YES", "local_umask": "022", "chroot_local_user": "YES",
            "allow_writeable_chroot": "YES", "secure_chroot_dir": "/run/empty",
            "pam_service_name": "vsftpd", "seccomp_sandbox": "NO", "log_ftp_protocol": "YES",
            "xferlog_enable": "YES", "xferlog_std_format": "NO",
            "vsftpd_log_file": self.directory / "log",
        }
        if tls:
            make_ca(self.directory)
            make_certificate(self.directory, certificate)
            self.ca = self.directory / "ca.pem"
            self.settings.update(
                ssl_enable="YES", force_local_logins_ssl="YES", force_local_data_ssl="YES",
                ssl_tlsv1="YES", rsa_cert_file=self.directory / f"{certificate}.pem",
                rsa_private_key_file=self.directory / f"{certificate}.key", ssl_ciphers="HIGH")
        self.settings.update(settings)

    def start(self):
        conf = self.directory / "vsftpd.conf"
        conf.write_text("".join(f"{key}={value}\n" for key, value in self.settings.items()),
                        encoding="ascii")
        self._start(["/usr/sbin/vsftpd", conf],
                    self.mounts() + [(self.directory / "pam", "/etc/pam.d/vsftpd")])


class SftpServer(Server):
    """OpenSSH's sshd with sftp only; settings: more of sshd_config, a list for several lines."""

    def __init__(self, key_type="ed25519", disk_bytes=None, **settings):
        super().__init__("sshd", disk_bytes)
        self.url = f"sftp://127.0.0.1:{self.port}{self.root}/"
        self.home_url = f"sftp://127.0.0.1:{self.port}/~/"
        self.key = self.make_key("key", key_type)
        shutil.copy(self.directory / "key.pub", self.directory / "authorized_keys")
        self.make_key("host", "ed25519")
        self.known_hosts = self.host_line(self.directory / "host.pub")
        self.settings = settings

    def make_key(self, name, key_type="ed25519", passphrase=""):
        """NAME and NAME.pub in the server's directory; returns NAME's path."""
        path = self.directory / name
        run("ssh-keygen", "-q", "-t", key_type, "-N", passphrase, "-C", "", "-f", path)
        return path

    def host_line(self, public):
        return f"[127.0.0.1]:{self.port} {public.read_text(encoding='ascii')}"

    def start(self):
        settings = {
            "Port": self.port, "ListenAddress": "127.0.0.1",
            "HostKey": self.directory / "host", "PidFile": "none", "UsePAM": "no",
            "StrictModes": "no", "AuthorizedKeysFile": self.directory / "authorized_keys",
            "PasswordAuthentication": "yes", "KbdInteractiveAuthentication": "no",
            "AllowUsers": self.user, "Subsystem": "sftp internal-sftp",
            "ForceCommand": "internal-sftp", "LogLevel": "VERBOSE", **self.settings,
        }
        conf = self.directory / "sshd_config"
        conf.write_text("".join(
            f"{key} {line}\n" for key, value in settings.items()
            for line in (value if isinstance(value, list) else [value])), encoding="ascii")
        self._start(["/usr/sbin/sshd", "-D", "-e", "-f", conf], self.mounts())
