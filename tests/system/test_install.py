# SPDX-License-Identifier: Apache-2.0
"""make install and make uninstall, into a directory: complete, and reversible."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("WASTEWATCH_BUILD", "build")
OURS = {"etc/wastewatch/wastewatch.yaml", "etc/wastewatch/sites.d/hop-thanh.yaml"}


def make(target, destination):
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS")}
    subprocess.run(["make", "-C", ROOT, "-s", f"B={BUILD}", f"DESTDIR={destination}", target],
                   check=True, stdout=subprocess.DEVNULL, env=environment)


def files(top):
    return {str(path.relative_to(top)) for path in top.rglob("*") if not path.is_dir()}


@pytest.fixture(scope="module", name="installed")
def make_installed(tmp_path_factory):
    top = tmp_path_factory.mktemp("install")
    make("install", top)
    return top


def test_what_units_and_pages_name_is_there(installed):
    """Programs, man pages, drop-ins: every path that a unit names has been installed."""
    for unit in (installed / "lib/systemd/system").iterdir():
        text = unit.read_text()
        assert "@" not in re.sub(r"^#.*|modprobe@|@system-service|@privileged|@resources", "",
                                 text, flags=re.M), unit
        for path in re.findall(r"/usr/(?:s?bin|libexec|share)/[\w./-]*wastewatch[\w./-]*", text):
            assert (installed / path[1:].rstrip(".")).exists(), f"{unit.name}: {path}"
        for page, section in re.findall(r"man:([\w.-]+)\((\d)\)", text):
            assert (installed / f"usr/share/man/man{section}/{page}.{section}").exists()


def test_documents_that_texts_point_to_are_there(installed):
    names = set()
    for path in [ROOT / "README.md", *(ROOT / "systemd/catalog").iterdir(),
                 *(ROOT / "systemd/examples").iterdir()]:
        names |= set(re.findall(r"\b([a-z@-]+\.conf)\b", path.read_text(encoding="utf-8")))
    drop_ins = {path.name for path in (installed / "usr/share/doc/wastewatch/systemd").iterdir()}
    assert drop_ins == {path.name for path in (ROOT / "systemd/examples").iterdir()}
    mentioned = {name for name in names if name in drop_ins}
    assert drop_ins <= mentioned, f"no text says what they are for: {drop_ins - mentioned}"


def test_once_more_keeps_what_somebody_wrote(installed):
    configuration = installed / "etc/wastewatch/wastewatch.yaml"
    kept = configuration.read_text()
    configuration.write_text("# ours\n" + kept)
    make("install", installed)
    assert configuration.read_text() == "# ours\n" + kept


def test_uninstall_leaves_the_configuration_and_nothing_else(installed):
    key = installed / "etc/wastewatch/credentials/sign-key"
    key.write_text("a key\n")
    strange = installed / "usr/bin/strange"
    strange.write_text("of somebody else\n")
    make("uninstall", installed)
    assert files(installed) == OURS | {"etc/wastewatch/credentials/sign-key", "usr/bin/strange"}
    assert not (installed / "usr/share/wastewatch").exists()
    assert not (installed / "usr/libexec/wastewatch").exists()
    assert not (installed / "usr/share/doc/wastewatch").exists()
