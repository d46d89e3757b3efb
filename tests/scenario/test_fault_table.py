# SPDX-License-Identifier: Apache-2.0
"""The table of faults names tests that exist, and leaves out no row."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = (ROOT / "tests" / "faults" / "README.md").read_text(encoding="utf-8")
ROWS = [f"M{i}" for i in range(1, 13)] + [f"U{i}" for i in range(1, 4)] + \
    [f"D{i}" for i in range(1, 8)]


def named():
    """[(file, test)] of the table's last columns."""
    return [(file, test or unit) for file, test, unit in
            re.findall(r"`(tests/[\w/]+\.(?:py|c))(?:::([^`]+)|: ([^`]+))`", TABLE)]


def test_every_row_is_there_with_a_test():
    rows = [line.split("|")[1:-1] for line in TABLE.splitlines()
            if re.match(r"\| [MUD]\d", line)]
    assert {row[0].strip() for row in rows} == set(ROWS)
    for row in rows:
        assert len(row) == 5 and "`tests/" in row[4], row


def test_what_is_named_exists():
    files = sorted({file for file, _ in named() if file.endswith(".py")})
    done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only",
                           "-q", *files], cwd=ROOT, capture_output=True, text=True, check=True)
    collected = set(done.stdout.splitlines())
    for file, test in named():
        if file.endswith(".c"):
            source = (ROOT / file).read_text(encoding="utf-8")
            assert re.search(rf"cmocka_unit_test\w*\({test}\b", source), f"{file}: {test}"
        else:
            name = f"{file}::{test}"
            assert name in collected or any(c.startswith(name + "[") for c in collected), name
