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
            assert re.search(rf"(cmocka_unit_test\w*|\bTEST)\({test}\b", source), f"{file}: {test}"
        else:
            name = f"{file}::{test}"
            assert name in collected or any(c.startswith(name + "[") for c in collected), name


FUZZ = """2026-01-02
make fuzz T=60
clang version 14.0.6

#2\tINITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 30Mb
#99\tDONE   cov: 345 ft: 678 corp: 90/12Kb exec/s: 4 rss: 60Mb
stat::number_of_executed_units: 98765
"""
COVERAGE = """2026-01-02
make coverage
gcovr 5.2
cc 12.2.0

lines: 95.2% (100 out of 105)
functions: 99.0% (10 out of 11)
branches: 85.5% (200 out of 234)
"""


def test_figures_of_fuzzers_and_coverage_are_what_these_have_printed(tmp_path):
    """A target that did not come to its end has none, and one that crashed says so."""
    figures = tmp_path / "figures.txt"
    figures.write_text("| fuzz: wire | 2025-12-31 | `make fuzz T=1` | old | executions 1 |\n")
    (tmp_path / "wire.log").write_text(FUZZ)
    (tmp_path / "csv.log").write_text(FUZZ + "SUMMARY: AddressSanitizer: heap-buffer-overflow\n")
    (tmp_path / "cap.log").write_text(FUZZ.split("stat::", maxsplit=1)[0])
    (tmp_path / "figures.log").write_text("2026-01-02 figures of the rigs\n")
    (tmp_path / "gates.txt").write_text(COVERAGE)
    (tmp_path / "all-branches.txt").write_text(COVERAGE.split("lines", maxsplit=1)[0])
    fault_table.take_figures([tmp_path], figures)
    assert figures.read_text().splitlines() == [
        "| coverage: gates | 2026-01-02 | `make coverage` | gcovr 5.2, cc 12.2.0 | lines 95.2% "
        "(100 of 105), branches 85.5% (200 of 234) |",
        "| fuzz: csv | 2026-01-02 | `make fuzz T=60` | clang version 14.0.6 | executions 98765, "
        "edges 345, crashes 1 |",
        "| fuzz: wire | 2026-01-02 | `make fuzz T=60` | clang version 14.0.6 | executions 98765, "
        "edges 345, crashes 0 |"]
