# SPDX-License-Identifier: Apache-2.0
"""A private D-Bus daemon for tests, with the system bus's rules and the policy that is installed.

    with Bus() as bus:
        bus.call("Acknowledge", "s", "mill/outfall/COD/limit")

It can be killed and started again at the same address.
"""

import pathlib
import shutil
import signal
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
  {own}
</busconfig>
"""
# the tests' core runs as whoever runs the tests, not as user wastewatch
OWN = '<policy user="{user}"><allow own="vn.wastewatch1"/>' \
      '<allow send_destination="vn.wastewatch1"/></policy>'


class Bus:
    def __init__(self, own=True):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ww-bus-"))
        self.dir.chmod(0o755)
        self.socket = self.dir / "socket"
        self.address = f"unix:path={self.socket}"
        self.process = None
        self.configure(own)

    def configure(self, own=True):
        user = subprocess.run(["id", "-un"], capture_output=True, text=True,
                              check=True).stdout.strip()
        (self.dir / "bus.conf").write_text(CONFIG.format(
            socket=self.socket, policy=POLICY, own=OWN.format(user=user) if own else ""))

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
