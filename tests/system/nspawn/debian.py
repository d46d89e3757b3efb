# SPDX-License-Identifier: Apache-2.0
"""A clean Debian 12 for tests, and our package of it.

The tree comes from debootstrap, once (a minute and a half), into WASTEWATCH_CACHE or
~/.cache/wastewatch, and with it what our package needs, as apt has downloaded it; the machines of
the tests write into a layer above it. Where it cannot be built, this machine's own files have to
do, and tree() says so.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / os.environ.get("WASTEWATCH_BUILD", "build")
CACHE = Path(os.environ.get("WASTEWATCH_CACHE") or
             Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wastewatch")
MIRROR = os.environ.get("WASTEWATCH_MIRROR", "http://deb.debian.org/debian")
# a Debian that boots, and what the tests themselves run inside
PACKAGES = ("systemd,systemd-sysv,dbus,libnss-systemd,libpam-systemd,locales,sqlite3,"
            "python3-minimal,adduser")
# what apt finds in its cache when it installs our package without a network: all that it depends on
# and recommends
OFFERED = ("libcurl4,libjansson4,libmicrohttpd12,libmodbus5,libssl3,libxml2,libyaml-0-2,procps,"
           "openssl,polkitd,ca-certificates")


def why_no_package():
    """Why no package can be built here, or None."""
    if not (shutil.which("dpkg-buildpackage") and shutil.which("dh")):
        return "needs dpkg-dev and debhelper"
    if os.environ.get("WASTEWATCH_SANITIZE"):
        return "a sanitizer's build is no package"
    return None


class Alone:
    """One of the tests' processes at a time; the others wait, and find what it has made."""

    def __init__(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(path, "w", encoding="ascii")

    def __enter__(self):
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_):
        self.file.close()


def _is_there(url):
    try:
        with urllib.request.urlopen(url, timeout=10):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _build_tree(path):
    """Why it could not be built, or None."""
    if shutil.which("debootstrap") is None:
        return "needs debootstrap"
    if not _is_there(f"{MIRROR}/dists/bookworm/Release"):
        return f"{MIRROR} cannot be reached"
    new = path.with_name(path.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    done = subprocess.run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm",
                           new, MIRROR], capture_output=True, encoding="utf-8", check=False)
    for archive in (new / "var/cache/apt/archives").glob("*.deb"):
        archive.unlink()
    if done.returncode == 0:
        done = subprocess.run(["chroot", new, "apt-get", "--yes", "--download-only", "install",
                               *OFFERED.split(",")],
                              capture_output=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        shutil.rmtree(new, ignore_errors=True)
        return f"{done.args[0]} failed: " + (done.stdout + done.stderr)[-300:]
    new.rename(path)
    return None


def tree():
    """Where a clean Debian is; "/", with a warning, where none can be had."""
    path = CACHE / ("bookworm-" + hashlib.sha256((PACKAGES + OFFERED).encode()).hexdigest()[:12])
    with Alone(CACHE / "lock"):
        why = None if path.is_dir() else _build_tree(path)
    if why is None:
        return path
    warnings.warn(f"no clean Debian, this machine's own files instead: {why}")
    return Path("/")


def sources():
    """The files that a package is made of; none where git does not know them."""
    done = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], check=False,
                          capture_output=True, encoding="utf-8")
    names = [ROOT / name for name in done.stdout.split("\0") if name]
    # tests are no part of a package
    return [name for name in names if name.is_file() and ROOT / "tests" not in name.parents]


def _built(directory):
    return sorted(directory.glob("wastewatch_*.deb"))


def build(directory, root=ROOT, umask=-1, **more):
    """The package of root's files in @directory, without optimisation, which no test here is about.
    "make deb" builds the one that is handed out, and lintian judges it."""
    version = re.search(r"^## ([0-9.]+)", (root / "NEWS.md").read_text("utf-8"), re.MULTILINE)[1]
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS")}
    environment |= {"DEB_BUILD_OPTIONS": "noopt nocheck noautodbgsym", "LINTIAN": "no"} | more
    subprocess.run([root / "tools" / "deb.sh", version, directory], check=True, cwd=root,
                   env=environment, stdout=subprocess.DEVNULL, umask=umask)
    return _built(directory)[-1]


def package():
    """That of this tree, kept for as long as no source is newer."""
    kept = BUILD / "deb-test"
    with Alone(BUILD / "deb-test.lock"):
        newest = max((name.stat().st_mtime for name in sources()), default=float("inf"))
        if not _built(kept) or _built(kept)[-1].stat().st_mtime < newest:
            shutil.rmtree(kept, ignore_errors=True)
            build(kept)
        return _built(kept)[-1]


def repack(deb, target, version):
    """The same under a later version."""
    work = target.with_suffix(".tree")
    subprocess.run(["dpkg-deb", "--raw-extract", deb, work], check=True)
    control = work / "DEBIAN" / "control"
    control.write_text(re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(),
                              flags=re.MULTILINE))
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", work, target], check=True,
                   stdout=subprocess.DEVNULL)
    shutil.rmtree(work)
