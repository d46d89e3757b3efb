# SPDX-License-Identifier: Apache-2.0
"""Uploads by the sender as systemd runs it: what the unit forbids is not needed for them."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "nspawn"))
from machine import Machine, why_not  # noqa: E402

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / os.environ.get("WASTEWATCH_BUILD", "build")
REASON = why_not() or ("sanitizers need what the unit forbids"
                       if os.environ.get("WASTEWATCH_SANITIZE") else None)
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no machine of its own: {REASON}")


def test_uploads_under_systemd():
    with tempfile.TemporaryDirectory(prefix="wastewatch-machine-") as directory:
        machine = Machine(directory)
        try:
            environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS")}
            subprocess.run(["make", "-C", ROOT, "-s", f"B={BUILD}", f"DESTDIR={machine.root}",
                            "install"], check=True, stdout=subprocess.DEVNULL, env=environment)
            inside = machine.root / "opt/wastewatch-test"
            inside.mkdir(parents=True)
            for file in (HERE / "servers.py", HERE / "wire.py", HERE / "nspawn/upload.py"):
                shutil.copy(file, inside)
            machine.boot()
            machine.run("systemd-sysusers")
            done = machine.run("/usr/bin/python3", "/opt/wastewatch-test/upload.py", check=False)
            log = machine.run("journalctl", "--no-pager", "-u", "wastewatch-sender").stdout
            assert done.stdout.splitlines() == [
                f"{kind}: there" for kind in ("ftp", "ftpes", "ftpes by name", "sftp",
                                              "sftp with key")], done.stdout + done.stderr + log
        finally:
            machine.close()
