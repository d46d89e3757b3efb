# SPDX-License-Identifier: Apache-2.0
"""The Debian package on a clean Debian, as an ops team uses it: install, configure, upgrade,
remove, purge. nspawn/debian.py says where both come from.
"""

import re
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "nspawn"))
from debian import package, repack, tree, why_no_package  # noqa: E402
from machine import Machine, wait_for, why_not  # noqa: E402

UNITS = ("wastewatchd", "wastewatch-poller", "wastewatch-sender")
EXAMPLES = "/usr/share/doc/wastewatch/examples"

REASON = why_not() or why_no_package()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no package here: {REASON}")


class Host(Machine):
    def dpkg(self, *arguments):
        return self.run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", *arguments)

    def states(self):
        done = self.run("systemctl", "is-active", *UNITS, check=False)
        return done.stdout.split()

    def pid(self):
        return int(self.run("systemctl", "show", "-P", "MainPID", UNITS[0]).stdout)

    def entries(self, kind):
        return self.run("sqlite3", "file:/var/lib/wastewatch/record.db?mode=ro",
                        f"SELECT count(*) FROM entry WHERE type = '{kind}'").stdout.strip()


@pytest.fixture(scope="module", name="host")
def make_host():
    deb = package()
    with tempfile.TemporaryDirectory(prefix="wastewatch-package-") as directory:
        host = Host(directory, tree())
        try:
            shutil.copy(deb, host.root / "root" / "first.deb")
            repack(deb, host.root / "root" / "second.deb", "999")
            # where containers are made, it forbids packages to stop and start anything
            (host.root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)
            host.before = {path.relative_to(host.root) for path in traces(host)}
            host.boot()
            host.run("systemctl", "start", "dbus")
            yield host
        finally:
            host.close()


def traces(host):
    """Whatever bears the name, where a package may leave something."""
    return {path for top in ("etc", "lib/systemd", "usr", "var/lib", "run")
            for path in (host.root / top).glob("**/*wastewatch*")
            if "dpkg" not in path.parts}


def test_nothing_is_watched_before_somebody_has_said_what(host):
    host.dpkg("-i", "/root/first.deb")
    assert host.states() == ["inactive"] * 3
    assert host.run("systemctl", "is-enabled", UNITS[0], check=False).stdout.strip() == "disabled"
    assert host.run("systemctl", "start", UNITS[0], check=False).returncode != 0
    status = host.run("systemctl", "--no-pager", "status", UNITS[0], check=False).stdout
    assert re.search(r"AssertPathExists=/etc/wastewatch/\S+ was not met", status), status
    assert "man:wastewatchd(8)" in status
    assert host.run("stat", "-c", "%U %a", "/etc/wastewatch/credentials").stdout == "root 700\n"


def test_the_page_s_commands_start_it(host):
    host.run("sh", "-c", f"cp -r {EXAMPLES}/. /etc/wastewatch/")
    host.run("wastewatch", "keygen")
    host.run("wastewatch", "check")
    host.run("systemctl", "enable", "--now", UNITS[0])
    wait_for(lambda: host.states() == ["active"] * 3, "all three run")
    wait_for(lambda: host.entries("core.started") == "1", "the first start is in the record")


def test_an_upgrade_keeps_record_and_configuration_and_restarts_what_runs(host):
    host.run("sh", "-c", "echo '# ours' >>/etc/wastewatch/wastewatch.yaml")
    before = host.pid()
    host.dpkg("-i", "/root/second.deb")
    wait_for(lambda: host.states() == ["active"] * 3, "all three run again")
    assert host.pid() != before
    wait_for(lambda: host.entries("core.started") == "2", "the second start in the same record")
    assert host.entries("record.created") == "1"
    assert "# ours" in host.run("cat", "/etc/wastewatch/wastewatch.yaml").stdout
    assert host.run("systemctl", "is-enabled", UNITS[0]).stdout.strip() == "enabled"


def test_an_upgrade_starts_nothing_that_was_stopped(host):
    host.run("systemctl", "stop", UNITS[0])
    wait_for(lambda: host.states() == ["inactive"] * 3, "none runs")
    host.dpkg("-i", "/root/first.deb")  # a downgrade, for once
    assert host.states() == ["inactive"] * 3


def test_remove_stops_and_keeps_what_is_ours_to_keep(host):
    host.run("systemctl", "start", UNITS[0])
    host.dpkg("--remove", "wastewatch")
    wait_for(lambda: "active" not in host.states(), "none runs")
    for path in ("/etc/wastewatch/wastewatch.yaml", "/etc/wastewatch/credentials/sign-key",
                 "/var/lib/wastewatch/record.db"):
        host.run("test", "-e", path)


def test_purge_leaves_nothing(host):
    host.dpkg("--purge", "wastewatch")
    left = {path.relative_to(host.root) for path in traces(host)} - host.before
    assert not left, sorted(map(str, left))
    users = host.run("getent", "passwd").stdout + host.run("getent", "group").stdout
    assert "wastewatch" not in users
