# SPDX-License-Identifier: Apache-2.0
"""A polkit of the tests' own, which says what it is told to say.

    with Polkit(bus, "yes") as polkit:
        bus.call("Reload", user="nobody")
        assert polkit.asked()[-1]["action"] == "vn.wastewatch1.reload"

yes, no, challenge (a password would do, but none is given), password (one is given), breaks (while
a password is asked for), error, silent (never answers), dies (instead of
answering), nonsense (an answer of another type). It may be told otherwise at any time.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from bus import POLKIT
from plant import LIMIT_S, until

INTERFACE = """<node><interface name="org.freedesktop.PolicyKit1.Authority">
<method name="CheckAuthorization"><arg type="(sa{sv})" direction="in"/>
<arg type="s" direction="in"/><arg type="a{ss}" direction="in"/><arg type="u" direction="in"/>
<arg type="s" direction="in"/><arg type="(bba{ss})" direction="out"/></method>
</interface></node>"""


class Polkit:
    def __init__(self, bus, says):
        self.bus, self.process = bus, None
        handle, name = tempfile.mkstemp(prefix="ww-polkit-")
        os.close(handle)
        self.file = pathlib.Path(name)
        self.log = self.file.with_suffix(".log")
        self.tell(says)

    def tell(self, says):
        self.file.write_text(says)

    def start(self):
        self.process = subprocess.Popen([sys.executable, __file__, self.bus.address,
                                         str(self.file), str(self.log)])
        until(lambda: self.bus.busctl("status", POLKIT).returncode == 0, "polkit has its name")
        return self

    def stop(self):
        self.process.kill()
        self.process.wait(LIMIT_S)
        until(lambda: self.bus.busctl("status", POLKIT).returncode != 0, "polkit is gone")

    def asked(self):
        """What it was asked, oldest first: subject, action, flags."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] \
            if self.log.exists() else []

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(LIMIT_S)
        self.file.unlink()
        self.log.unlink(missing_ok=True)


def serve(address, file, log):
    from gi.repository import Gio, GLib

    kept = []  # calls that are never answered

    def on_call(_connection, _sender, _path, _interface, _method, parameters, call):
        (kind, details), action, _, flags, _ = parameters.unpack()
        with open(log, "a", encoding="utf-8") as out:
            out.write(json.dumps({"kind": kind, "name": details.get("name"), "action": action,
                                  "flags": flags}) + "\n")
        says = pathlib.Path(file).read_text(encoding="utf-8")
        if says == "silent":
            kept.append(call)
        elif says == "dies":
            os._exit(1)
        elif says == "error" or (says == "breaks" and flags):
            call.return_dbus_error(POLKIT + ".Error.Failed", "Action is not registered")
        elif says == "nonsense":
            # the library keeps its own server from this, so by hand
            reply = Gio.DBusMessage.new_method_reply(call.get_message())
            reply.set_body(GLib.Variant("(s)", ("yes",)))
            call.get_connection().send_message(reply, Gio.DBusSendMessageFlags.NONE)
        else:
            call.return_value(GLib.Variant("((bba{ss}))",
                                           ((says == "yes" or (says == "password" and flags == 1),
                                             says in ("challenge", "password", "breaks"), {}),)))

    bus = Gio.DBusConnection.new_for_address_sync(
        address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
        Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
    bus.register_object("/org/freedesktop/PolicyKit1/Authority",
                        Gio.DBusNodeInfo.new_for_xml(INTERFACE).interfaces[0], on_call, None, None)
    Gio.bus_own_name_on_connection(bus, POLKIT, Gio.BusNameOwnerFlags.NONE, None, None)
    GLib.MainLoop().run()


if __name__ == "__main__":
    serve(*sys.argv[1:])
