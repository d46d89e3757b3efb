# SPDX-License-Identifier: Apache-2.0
"""The bus takes no call: what cannot be asked about is not done."""

import shlex

import rig
import test_polkit
from bus import Bus
from plant import Device, Plant
from polkit import Polkit
from test_polkit import DENIED, MEMBER, STRANGER, _groups, reload

pytestmark = test_polkit.pytestmark
groups = _groups  # a fixture


def test_what_polkit_cannot_be_asked_is_refused(groups, tmp_path):
    """H2: its rules may say no, so a queue that is full must not be the way past them."""
    tmp_path.chmod(0o755)
    full = tmp_path / "full"
    command = (f"mount --bind {shlex.quote(str(groups))} /etc/group && exec env LD_PRELOAD="
               f"{shlex.quote(rig.preload('noask'))} NOASK={shlex.quote(str(full))} \"$@\"")
    with Bus(polkit=True, everybody=True) as bus, Plant(Device(), bus=bus.address) as plant, \
            Polkit(bus, "no") as polkit:
        plant.start_core("unshare", "--mount", "sh", "-c", command, "sh")
        plant.until(bus.has_core, "the core is on the bus")
        full.touch()
        for who in (MEMBER, STRANGER):
            assert reload(bus, who) == DENIED
        assert bus.send("Reload") == "", "root needs no polkit"
        assert not polkit.asked()
        refused = full.read_bytes().count(b"1")
        full.unlink()
        polkit.tell("yes")
        assert reload(bus, STRANGER) == "", "and all is as before"
        users = [entry.get("user") for entry in plant.entries("config.loaded")]
        assert "daemon" not in users and users[-1] == "nobody"
    rig.figures("polkit-not-asked", refused)
