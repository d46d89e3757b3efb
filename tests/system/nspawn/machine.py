# SPDX-License-Identifier: Apache-2.0
"""A machine with a systemd of its own, for tests of what systemd makes of the units."""

import os
import shutil
import subprocess
import time
from pathlib import Path

SCRIPT = Path(__file__).with_name("machine.sh")
PATIENCE_S = 20


def why_not():
    """Why there can be no machine here, or None."""
    if os.geteuid() != 0:
        return "needs root: boots a systemd of its own in systemd-nspawn"
    for program in ("systemd-nspawn", "nsenter", "unshare"):
        if shutil.which(program) is None:
            return f"needs {program}"
    if Path("/proc/filesystems").read_text(encoding="ascii").find("\toverlay\n") < 0:
        return "needs the overlay file system in the kernel"
    return None


def wait_for(condition, what):
    """Until condition() gives something true, which is returned."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.02)  # between two looks at another machine
    raise AssertionError(f"waited {PATIENCE_S} s for: {what}")


class Machine:
    """DIR/root is its file system, made of tree's files; run() runs a command inside."""

    def __init__(self, directory, tree="/"):
        self.directory = Path(directory)
        self.root = self.directory / "root"
        self.process = None
        self.leader = None
        subprocess.run([SCRIPT, "up", self.directory, tree], check=True)

    def boot(self):
        self.leader = None
        with open(self.directory / "console", "ab") as console:
            self.process = subprocess.Popen(
                [SCRIPT, "boot", self.directory, f"ww-{os.getpid()}"],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        wait_for(self.is_up, "the machine's boot")

    def find_leader(self):
        """The machine's first process: the child of nspawn's that has become systemd."""
        assert self.process.poll() is None, \
            (self.directory / "console").read_text(errors="replace")
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in children.read_text(encoding="ascii").split():
            try:
                if Path(f"/proc/{pid}/comm").read_text(encoding="ascii") == "systemd\n":
                    return pid
            except (FileNotFoundError, ProcessLookupError):  # a helper that has done its work
                pass
        return None

    def is_up(self):
        self.leader = self.find_leader()
        if not self.leader:
            return False
        done = self.run("systemctl", "is-active", "machine.target", check=False)
        return done.stdout.strip() == "active"

    def run(self, *command, check=True, text=None):
        done = subprocess.run(["nsenter", "-t", self.leader, "-a", *command], input=text,
                              stdin=None if text is not None else subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              encoding="utf-8", errors="replace", timeout=120)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit code {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def reboot(self):
        """An orderly one: systemd-nspawn ends, and the same files boot again."""
        self.run("systemctl", "reboot", check=False)
        self.process.wait(PATIENCE_S)
        self.boot()

    def close(self):
        if self.process and self.process.poll() is None:
            if self.leader:
                self.run("systemctl", "poweroff", "--force", check=False)
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        subprocess.run([SCRIPT, "down", self.directory], check=False)
