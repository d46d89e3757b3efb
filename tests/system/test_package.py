# SPDX-License-Identifier: Apache-2.0
"""The Debian package on a clean Debian, as an ops team uses it: install, configure, upgrade,
remove, purge; and that it is the same whoever builds it. nspawn/debian.py says where both come
from.
"""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "nspawn"))
from debian import OFFERED, ROOT, build, package, repack, sources, tree, why_no_package  # noqa: E402
from machine import Machine, wait_for, why_not  # noqa: E402

RECORD = ROOT / "tests" / "data" / "records" / "v4.sql"
UNITS = ("wastewatchd", "wastewatch-poller", "wastewatch-sender")
KEYS = "/etc/wastewatch/credentials"
DROP_INS = "/usr/share/doc/wastewatch/systemd"
# What a purge may leave changed, and who keeps it: apt and dpkg what they know and log, passwd the
# copies of its files, the boot its journal, and root's own directory the packages.
OF_OTHERS = re.compile(
    "/(var/(lib|cache)/(dpkg|apt|debconf)|var/log/(dpkg.log|apt|journal/[0-9a-f]{32})"
    "|var/cache/ldconfig|var/tmp/systemd-private-.*|etc/(passwd|shadow|group|gshadow)-|root)(/|$)")

REASON = why_not() or why_no_package()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no package here: {REASON}")


class Host(Machine):
    def apt(self, *arguments):
        """Without a network: the tree has what the package needs."""
        done = self.run("env", "DEBIAN_FRONTEND=noninteractive", "apt", "--yes", *arguments)
        return done.stdout + done.stderr

    def files(self):
        """{path: kind, mode, owner, size or contents} of all there is, and what of /run is ours."""
        found = self.run("find", "/", "-xdev", "-printf", r"%p\t%y %m %u:%g %l %s\n").stdout
        found += self.run("find", "/run", "-path", "*wastewatch*",
                          "-printf", r"%p\t%y %m %u:%g %l %s\n").stdout
        files = dict(line.split("\t") for line in found.splitlines())
        files = {path: what.rpartition(" ")[0] if what.startswith("d") else what
                 for path, what in files.items() if not OF_OTHERS.match(path)}
        sums = self.run("find", "/etc", "-type", "f", "-exec", "sha256sum", "{}", "+").stdout
        for line in sums.splitlines():
            digest, path = line.split("  ", 1)
            if path in files:
                files[path] += " " + digest
        return files

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
            repack(deb, host.root / "root" / "older.deb", "0.3.0")
            # where containers are made, it forbids packages to stop and start anything
            (host.root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)
            host.boot()
            host.run("systemctl", "start", "dbus")
            # what it needs stays when it goes, until somebody says autoremove
            host.apt("install", *OFFERED.split(","))
            host.before = host.files()
            yield host
        finally:
            host.close()


def test_nothing_is_watched_before_somebody_has_said_what(host):
    said = host.apt("install", "/root/first.deb")
    assert "there is no configuration" in said and "README" in said
    assert host.states() == ["inactive"] * 3
    assert host.run("systemctl", "is-enabled", UNITS[0], check=False).stdout.strip() == "disabled"
    assert host.run("systemctl", "start", UNITS[0], check=False).returncode != 0
    status = host.run("systemctl", "--no-pager", "status", UNITS[0], check=False).stdout
    assert re.search(r"AssertPathExists=/etc/wastewatch/\S+ was not met", status), status
    assert "man:wastewatchd(8)" in status
    assert host.run("stat", "-c", "%U %a", KEYS).stdout == "root 700\n"


def page_s_lines():
    """What README has a new user type."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("\\\n", "")
    lines = [line.partition(" # ")[0].strip() for line in text.splitlines()
             if line.startswith("    ")]
    start = lines.index("apt install ./wastewatch_*.deb")
    return lines[start:lines.index("systemctl stop plant receiver wastewatchd") + 1]


def test_the_page_s_commands_lead_to_a_verified_report(host):
    host.run("cp", "/root/first.deb", "/root/wastewatch_first.deb")
    for line in page_s_lines():
        if line.startswith("sleep"):  # a person waits; a test looks
            wait_for(lambda: re.search("incident.opened .*, both signatures good", host.run(
                "journalctl", "-u", "receiver").stdout), "the report, verified")
            line = line.partition(";")[2] + "; test $? = 4"
        host.run("sh", "-c", "cd /root; " + line)
    assert host.states() == ["inactive"] * 3


def test_after_it_the_plant_s_own_record_begins(host):
    """As README says; what the trial has left beside ours goes."""
    host.run("sh", "-c", "rm /var/lib/wastewatch/*; rm -r /var/lib/receiver")
    host.run("systemctl", "start", UNITS[0])
    wait_for(lambda: host.states() == ["active"] * 3, "all three run")
    wait_for(lambda: host.entries("core.started") == "1", "the first start is in the record")


def test_an_upgrade_keeps_record_and_configuration_and_restarts_what_runs(host):
    host.run("sh", "-c", "echo '# ours' >>/etc/wastewatch/wastewatch.yaml")
    before = host.pid()
    host.apt("install", "/root/second.deb")
    wait_for(lambda: host.states() == ["active"] * 3, "all three run again")
    assert host.pid() != before
    wait_for(lambda: host.entries("core.started") == "2", "the second start in the same record")
    assert host.entries("record.created") == "1"
    assert "# ours" in host.run("cat", "/etc/wastewatch/wastewatch.yaml").stdout
    assert host.run("systemctl", "is-enabled", UNITS[0]).stdout.strip() == "enabled"


def ask(host, sql):
    return host.run("sqlite3", "file:/var/lib/wastewatch/record.db?mode=ro", sql).stdout.split()


def test_an_upgrade_takes_over_the_record_of_an_older_version(host):
    """That of 0.3.0, as it was when its core was killed, with an incident that was going on."""
    hashes = "SELECT hex(hash) FROM entry WHERE seq <= 13 ORDER BY seq"
    host.run("systemctl", "stop", UNITS[0])
    host.apt("install", "--allow-downgrades", "/root/older.deb")
    host.run("sh", "-c", "mkdir /root/kept && mv /var/lib/wastewatch/* /root/kept/")
    host.run("sqlite3", "/var/lib/wastewatch/record.db",
             text=RECORD.read_text(encoding="utf-8") + "PRAGMA journal_mode = WAL;\n")
    host.run("sh", "-c", "chown wastewatch:wastewatch /var/lib/wastewatch/*")
    before = ask(host, hashes)
    assert len(before) == 13
    host.apt("install", "/root/first.deb")
    assert host.states() == ["inactive"] * 3
    host.run("systemctl", "start", UNITS[0])
    wait_for(lambda: host.states() == ["active"] * 3, "all three run")
    wait_for(lambda: host.entries("core.started") == "2", "it goes on in the same record")
    assert ask(host, "PRAGMA user_version") > ["4"]
    assert ask(host, hashes) == before and host.entries("record.created") == "1"
    going_on = "SELECT state FROM incident WHERE id LIKE 'mill-liquid-%'"
    wait_for(lambda: ask(host, going_on) != ["open"], "an incident of no site is ended")
    shown = host.run("wastewatch", "incidents").stdout
    assert "mill-gas-20261128T015502Z" in shown and "mill-liquid-20261128T015502Z" in shown
    host.run("systemctl", "stop", UNITS[0])
    host.run("sh", "-c", "rm /var/lib/wastewatch/* && mv /root/kept/* /var/lib/wastewatch/")


def test_an_upgrade_starts_nothing_that_was_stopped(host):
    host.run("systemctl", "stop", UNITS[0])
    wait_for(lambda: host.states() == ["inactive"] * 3, "none runs")
    said = host.apt("install", "/root/second.deb")
    assert host.states() == ["inactive"] * 3
    assert "nothing is watched now" in said


def test_an_upgrade_does_not_end_what_runs_for_errors_in_the_configuration(host):
    """Somebody edits it, and an unattended upgrade comes in between: it is watched
    all the same."""
    host.run("systemctl", "start", UNITS[0])
    host.run("cp", "/etc/wastewatch/wastewatch.yaml", "/root/good.yaml")
    host.run("sh", "-c", "echo 'half a li' >>/etc/wastewatch/wastewatch.yaml")
    before = host.pid()
    # a downgrade, for once
    assert "has errors" in host.apt("install", "--allow-downgrades", "/root/first.deb")
    assert host.states() == ["active"] * 3 and host.pid() == before
    host.run("cp", "/root/good.yaml", "/etc/wastewatch/wastewatch.yaml")
    host.run("systemctl", "restart", UNITS[0])
    wait_for(lambda: host.states() == ["active"] * 3, "all three run")
    assert host.pid() != before


def what_texts_tell_people_to_make(host):
    """Drop-ins, credentials, a journal of its own: all that README and the examples speak of."""
    for unit in UNITS:
        host.run("install", "-D", "-m", "644", f"{DROP_INS}/own-journal.conf",
                 f"/etc/systemd/system/{unit}.service.d/journal.conf")
    host.run("install", "-m", "644", f"{DROP_INS}/journald@wastewatch.conf", "/etc/systemd/")
    host.run("install", "-d", "-m", "700", "/etc/credstore")
    for name in credentials_of_units(host):
        like = "sign-key" if name.startswith("sign") else "department-secret"
        host.run("install", "-m", "600", f"{KEYS}/{like}", f"/etc/credstore/{name}")
    host.run("systemctl", "set-property", f"{UNITS[0]}.service", "MemoryMax=300M")
    host.run("systemctl", "daemon-reload")


def credentials_of_units(host):
    """Names in LoadCredential= lines without a path: files in /etc/credstore."""
    text = "".join(host.run("cat", f"/lib/systemd/system/{unit}.service").stdout for unit in UNITS)
    return re.findall(r"^LoadCredential=([\w.-]+)$", text, re.M)


def test_remove_stops_and_keeps_what_is_ours_to_keep(host):
    what_texts_tell_people_to_make(host)
    host.run("systemctl", "restart", UNITS[0])
    wait_for(lambda: host.run("journalctl", "--namespace=wastewatch", "-q",
                              "WASTEWATCH_TYPE=core.started").stdout, "it has its own journal")
    said = host.apt("remove", "wastewatch")
    assert "the record stays in /var/lib/wastewatch" in said
    wait_for(lambda: "active" not in host.states(), "none runs")
    for path in ("/etc/wastewatch/wastewatch.yaml", "/etc/wastewatch/credentials/sign-key",
                 "/var/lib/wastewatch/record.db"):
        host.run("test", "-e", path)
    assert "wastewatch" not in host.run("systemctl", "--failed", "--no-legend").stdout


def test_installed_again_it_goes_on_with_the_same_record(host):
    assert "nothing is watched now" in host.apt("install", "/root/first.deb")
    assert host.run("systemctl", "is-enabled", UNITS[0]).stdout.strip() == "enabled"
    host.run("systemctl", "start", UNITS[0])
    wait_for(lambda: host.states() == ["active"] * 3, "all three run")
    assert host.entries("record.created") == "1"


def test_purge_leaves_nothing(host):
    """The machine's files are what they were before it came; what others put there is there."""
    host.run("sh", "-c", "ls /etc/credstore/sign-key.old /var/log/journal/*.wastewatch/*")
    strange = ("/etc/credstore/of-another", "/etc/systemd/system/other.service")
    for path in strange:
        host.run("install", "-m", "600", "/dev/null", path)
    host.apt("purge", "wastewatch")
    for path in strange:
        host.run("rm", path)
    host.run("rmdir", "/etc/credstore")
    after = host.files()
    changed = {path: (host.before.get(path), after.get(path)) for path in host.before | after
               if host.before.get(path) != after.get(path)}
    assert not changed, "\n".join(f"{path}: {was} -> {now}" for path, (was, now) in
                                  sorted(changed.items()))
    users = host.run("getent", "passwd").stdout + host.run("getent", "group").stdout
    assert "wastewatch" not in users
    assert "wastewatch" not in host.run("systemctl", "list-units", "--all", "--no-legend").stdout


def epoch(deb):
    """SOURCE_DATE_EPOCH of a package: when its first member was made."""
    return int(deb.read_bytes()[24:36])


@pytest.mark.skipif(not sources(), reason="needs git, which says what the sources are")
def test_built_twice_it_is_the_same(tmp_path):
    """By somebody else, from an unpacked archive, elsewhere, later, with other habits."""
    ours = package()
    other = tmp_path / "another directory, with a longer name"
    for name in sources():
        copy = other / name.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(name, copy)
        copy.chmod(0o700 if os.access(name, os.X_OK) else 0o600)
    os.utime(other / "NEWS.md", (epoch(ours),) * 2)  # as "make dist" packs it
    theirs = build(tmp_path / "deb", other, umask=0o077, LC_ALL="vi_VN.UTF-8", LANGUAGE="vi",
                   TZ="Pacific/Kiritimati", HOME="/nonexistent", USER="somebody",
                   TMPDIR=str(tmp_path))
    assert theirs.name == ours.name
    assert theirs.read_bytes() == ours.read_bytes(), f"diffoscope {ours} {theirs}"
