# SPDX-License-Identifier: Apache-2.0
"""The table of faults is that of the tests, names tests that exist, and leaves out no row."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "faults"))
import fault_table  # noqa: E402: found by the line above

COUNTS = {"S": 15, "T": 5, "R": 5, "W": 16, "M": 12, "U": 3, "D": 7, "H": 12, "C": 3}
ROWS = [f"{letter}{i}" for letter, n in COUNTS.items() for i in range(1, n + 1)]
TABLE = fault_table.readme()


def named(text=TABLE):
    """[(file, test)] of the table's last columns."""
    return [(file, test or unit) for file, test, unit in
            re.findall(r"`(tests/[\w/]+\.(?:py|c))(?:::([^`]+)|: ([^`]+))`", text)]


def test_the_file_is_what_the_tests_say():
    text = (ROOT / "tests" / "faults" / "README.md").read_text(encoding="utf-8")
    assert text == TABLE, "make fault-table writes it"


def test_every_row_is_there_once():
    assert sorted(fault_table.rows()) == sorted(ROWS)
    assert set(fault_table.tests()) <= set(ROWS)


def test_what_each_row_names_is_written_as_the_others():
    rows = [line.split("|")[1:-1] for line in TABLE.splitlines()
            if re.match(rf"\| {fault_table.ROW} \|", line)]
    for row in rows:
        assert len(row) == 5, row
        assert row[4].strip() == fault_table.NONE or named(row[4]), row
        assert len(named(row[4])) == row[4].count("`") / 2, row


def test_devices_lines_and_sensors_have_tests():
    assert {row for row in ROWS if row[0] in "MUD"} <= set(fault_table.tests())


def test_what_is_named_exists():
    files = sorted({file for file, _ in named() if file.endswith(".py")})
    done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only",
                           "-q", *files], cwd=ROOT, capture_output=True, text=True, check=True)
    collected = set(done.stdout.splitlines())
    for file, test in named():
        if file.endswith(".c"):
            source = (ROOT / file).read_text(encoding="utf-8")
            assert re.search(rf"(?:cmocka_unit_test\w*|TEST)\({test}\b", source), f"{file}: {test}"
        else:
            name = f"{file}::{test}"
            assert name in collected or any(c.startswith(name + "[") for c in collected), name
