# SPDX-License-Identifier: Apache-2.0
"""The example plant in conf/ is what people start from: it is good as it stands, and with its
optional parts, the lines that begin with "#: ", taken in."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from plant import LIMIT_S, ROOT, program  # noqa: E402

FILES = ("wastewatch.yaml", "sites.d/hop-thanh.yaml")


def copy(directory, change=lambda text: text):
    (directory / "sites.d").mkdir()
    for name in FILES:
        text = (ROOT / "conf" / name).read_text(encoding="utf-8")
        (directory / name).write_text(change(text), encoding="utf-8")
    for name in ("profiles", "limits", "boundaries"):
        shutil.copytree(ROOT / "conf" / name, directory / name)


def uncomment(text):
    return re.sub(r"^#: ", "", text, flags=re.MULTILINE)


def command(directory, *arguments, said=0):
    """@said: lines on stderr"""
    done = subprocess.run([program("wastewatch"), *arguments, "--config", directory], text=True,
                          capture_output=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0 and len(done.stderr.splitlines()) == said, done.stderr
    return done.stdout if not said else done.stdout + done.stderr


@pytest.mark.parametrize("change", (lambda text: text, uncomment))
def test_no_error_and_no_warning_but_of_the_law(tmp_path, change):
    """The example's permit is made up, so its standards' figures cannot be confirmed: once each."""
    copy(tmp_path, change)
    said = command(tmp_path, "check", "--date", "2026-11-27", said=3)
    assert "is good" in said and said.count("figures that were not verified") == 3
    plan = command(tmp_path, "plan")
    assert ("/dev/serial/by-id/" in plan) == (change is uncomment)


@pytest.mark.parametrize("name", FILES)
def test_optional_parts_are_marked_in_one_way(name):
    lines = (ROOT / "conf" / name).read_text(encoding="utf-8").splitlines()
    assert any(line.startswith("#: ") for line in lines)
    assert not [line for line in lines if re.match(r"\s*#:(?! )|\s+#:|# +- \{", line)]


def test_no_optional_part_is_needed_by_the_rest(tmp_path):
    """Each file alone with its parts, where the other file need not know."""
    copy(tmp_path)
    path = tmp_path / "wastewatch.yaml"
    path.write_text(uncomment(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert "3 destinations" in command(tmp_path, "check", "--date", "2026-11-27", said=3)


def test_every_figure_of_the_law_says_how_sure_it_is(tmp_path):
    copy(tmp_path)
    rows = [json.loads(line) for line in command(tmp_path, "limits", "--json").splitlines()]
    law = [row for row in rows if row["class"] == "limit"]
    assert {row["channel"].split("/")[1] for row in law} == {"outfall-1", "stack-1"}
    for row in law:
        assert row["origin"].startswith("QCVN ") and row["certainty"] in "VCM", row
        # what the window is by hearsay only is said where it counts
        own = "(own choice)" in row["origin"]
        assert own or re.search(r"not checked against any text: [^;]*window", row["origin"]), row
