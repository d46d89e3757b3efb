# SPDX-License-Identifier: Apache-2.0
"""A private D-Bus daemon for tests, with the system bus's rules and the policy that is installed.

    with Bus() as bus:
        bus.call("Acknowledge", "ss", "mill/outfall/COD/limit-high", "")

It can be killed and started again at the same address.
"""

import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile

from plant import LIMIT_S, ROOT, until

NAME, PATH, INTERFACE = "vn.wastewatch1", "/vn/wastewatch1", "vn.wastewatch1.Manager"
POLICY = ROOT / "systemd" / "vn.wastewatch1.conf"

CONFIG = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
  </policy>
  <include>{policy}</include>
  {more}
  <!-- what floods shall reach the core -->
  <limit name="max_replies_per_connection">100000</limit>
</busconfig>
"""
# the tests' core runs as whoever runs the tests, not as user wastewatch
OWN = '<policy user="{user}"><allow own="vn.wastewatch1"/>' \
      '<allow send_destination="vn.wastewatch1"/></policy>'
EVERYBODY = '<policy context="default"><allow send_destination="vn.wastewatch1"/></policy>'
POLKIT = "org.freedesktop.PolicyKit1"
A_POLKIT = f'<policy context="default"><allow own="{POLKIT}"/>' \
           f'<allow send_destination="{POLKIT}"/></policy>'


class Bus:
    def __init__(self, own=True, everybody=False, polkit=False):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ww-bus-"))
        self.dir.chmod(0o755)
        self.socket = self.dir / "socket"
        self.address = f"unix:path={self.socket}"
        self.process = None
        user = subprocess.run(["id", "-un"], capture_output=True, text=True,
                              check=True).stdout.strip()
        more = (OWN.format(user=user) if own else "") + (EVERYBODY if everybody else "") + \
            (A_POLKIT if polkit else "")
        (self.dir / "bus.conf").write_text(CONFIG.format(socket=self.socket, policy=POLICY,
                                                         more=more))

    def start(self):
        with open(self.dir / "log", "ab") as log:
            self.process = subprocess.Popen(
                ["dbus-daemon", f"--config-file={self.dir}/bus.conf", "--nofork", "--nopidfile",
                 "--nosyslog"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        until(lambda: self.busctl("call", "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                  "org.freedesktop.DBus", "GetId").returncode == 0,
              "the bus answers", say=(self.dir / "log").read_text)
        return self

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        self.process.wait(LIMIT_S)
        self.process = None
        self.socket.unlink(missing_ok=True)

    def busctl(self, *arguments, **options):
        return subprocess.run(["busctl", f"--address={self.address}", "--no-pager", *arguments],
                              capture_output=True, text=True, timeout=60, check=False, **options)

    def call(self, method, *arguments, path=PATH, **options):
        return self.busctl("call", NAME, path, INTERFACE, method, *arguments, **options)

    def send(self, method, *arguments, path=PATH, **options):
        """The name of the error, "" where there was none; dbus-send tells it, busctl does not."""
        done = subprocess.run(
            ["dbus-send", f"--bus={self.address}", "--print-reply", f"--dest={NAME}", path,
             method if "." in method else f"{INTERFACE}.{method}", *arguments],
            capture_output=True, text=True, timeout=60, check=False, **options)
        if done.returncode == 0:
            return ""
        return done.stderr.removeprefix("Error ").partition(":")[0]

    def has_core(self):
        return self.busctl("status", NAME).returncode == 0

    def close(self):
        if self.process:
            self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()


class Caller:
    """A connection that can do what libraries do not: send without waiting, and go away."""

    def __init__(self, bus):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(LIMIT_S)
        self.sock.connect(str(bus.socket))
        self.serial, self.data = 0, b""
        self.sock.sendall(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() +
                          b"\r\n")
        assert self.sock.recv(100).startswith(b"OK ")
        self.sock.sendall(b"BEGIN\r\n")
        self.send("Hello", destination="org.freedesktop.DBus", path="/org/freedesktop/DBus",
                  interface="org.freedesktop.DBus")
        assert self.answer() is None

    @staticmethod
    def _string(text):
        raw = text if isinstance(text, bytes) else text.encode()
        return struct.pack("<I", len(raw)) + raw + b"\0"

    @staticmethod
    def _pad(data, to):
        return data + bytes(-len(data) % to)

    def message(self, member, *strings, destination=NAME, path=PATH, interface=INTERFACE,
                signature=None):
        """A method call whose arguments are strings."""
        self.serial += 1
        body = b""
        for string in strings:
            body = self._pad(body, 4) + self._string(string)
        fields = b""
        for code, kind, value in ((1, "o", path), (2, "s", interface), (3, "s", member),
                                  (6, "s", destination)):
            fields = self._pad(fields, 8) + bytes((code, 1, ord(kind), 0)) + self._string(value)
        text = ("s" * len(strings) if signature is None else signature).encode()
        if text:
            fields = self._pad(fields, 8) + b"\x08\x01g\x00" + bytes((len(text),)) + text + b"\0"
        head = b"l\x01\x00\x01" + struct.pack("<III", len(body), self.serial, len(fields))
        return self._pad(head + fields, 8) + body

    def send(self, *arguments, **options):
        self.sock.sendall(self.message(*arguments, **options))

    def _take(self, n):
        while len(self.data) < n:
            piece = self.sock.recv(1 << 16)
            if not piece:
                raise EOFError("the bus has closed the connection")
            self.data += piece
        taken, self.data = self.data[:n], self.data[n:]
        return taken

    def receive(self):
        """(serial of the call that it answers, name of the error or None)"""
        head = self._take(16)
        n_body, _, n_fields = struct.unpack("<III", head[4:])
        fields = self._take(n_fields + -n_fields % 8)[:n_fields]
        self._take(n_body)
        answered, error, at = None, None, 0
        while at < len(fields):
            at += -at % 8
            code, kind = fields[at], chr(fields[at + 2])
            at += 4
            if kind == "g":
                at += fields[at] + 2
                continue
            number, = struct.unpack_from("<I", fields, at)
            at += 4
            if kind == "u":
                answered = number if code == 5 else answered
                continue
            error = fields[at:at + number].decode() if code == 4 else error
            at += number + 1
        return answered, error

    def answer(self):
        """To the last call: the name of the error or None."""
        while True:
            answered, error = self.receive()
            if answered == self.serial:
                return error

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
