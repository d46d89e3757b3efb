#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tests/faults/README.md: the table of faults, with the tests that name its rows.

    fault_table.py                    print it
    fault_table.py --write            write it (make fault-table)
    fault_table.py --write --figures BUILD/faults BUILD-fuzz BUILD-coverage
                                      with the figures of the last runs (make fault-figures)

Text and rows stand in README.in; a row's tests are those that name it. A pytest test names its rows
at the beginning of its docstring, "S7, C1: what is shown", or in that of its file, or, as cmocka
tests do, in a comment above it: "faults: M1, M2[drips]" (of a test with parameters: that one). Figures are kept in figures.txt.
"""

import argparse
import ast
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ROW = r"[STRWMUDHC]\d+"
DOCSTRING = re.compile(rf"(?:Rows? )?({ROW}(?:(?:, | and )(?:{ROW}))*)[:.]\s")
NAMED = re.compile(rf"({ROW})(\[[^\]]*\])?")
COMMENT_PY = re.compile(r"((?:^[ \t]*#.*\n)+)(?:^[ \t]*@(?:.*\n)(?:^[ \t]+.*\n|^[ \t]*\].*\n)*)*"
                        r"^[ \t]*def (test_\w+)\(", re.M)
COMMENT_C = re.compile(r"/\*((?:(?!\*/).)*?)\*/\nstatic void (\w+)\(", re.S)
NONE = "*none*"


def rows_of_comment(text):
    """[(row, "[parameter]" or "")] behind "faults:" """
    text = re.sub(r"\n[ \t]*[#*]?[ \t]*", " ", text)
    match = re.search(r"faults: (.*)", text)
    if not match:
        return []
    wanted = re.match(rf"(?:{ROW}(?:\[[^\]]*\])?(?:,\s*)?)+", match[1])
    return NAMED.findall(wanted[0]) if wanted else []


def of_python(path):
    """{row: ["file::test", …]} of one file."""
    text, found = path.read_text(encoding="utf-8"), []
    name = path.relative_to(ROOT)
    for comment, test in COMMENT_PY.findall(text):
        found += [(row, f"{name}::{test}{parameter}") for row, parameter in rows_of_comment(comment)]
    tree = ast.parse(text)
    whole = DOCSTRING.match(ast.get_docstring(tree) or "")
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            match = DOCSTRING.match(ast.get_docstring(node) or "") or whole
            if match:
                found += [(row, f"{name}::{node.name}") for row in re.findall(ROW, match[1])]
    return found


def of_c(path):
    text = path.read_text(encoding="utf-8")
    return [(row, f"{path.relative_to(ROOT)}: {test}") for comment, test in COMMENT_C.findall(text)
            for row, _ in rows_of_comment(comment)]


def tests():
    """{row: [names of its tests]}"""
    table = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for row, test in of_python(path):
            table.setdefault(row, []).append(test)
    for path in sorted((ROOT / "tests" / "unit").glob("test_*.c")):
        for row, test in of_c(path):
            table.setdefault(row, []).append(test)
    return {row: list(dict.fromkeys(names)) for row, names in table.items()}


def with_tests(line, table):
    """A row of README.in has four cells; the fifth are its tests."""
    row = re.match(rf"\| ({ROW}) \|", line)
    if not row:
        return line
    names = " ".join(f"`{name}`" for name in table.get(row[1], [])) or NONE
    return f"{line} {names} |"


def figure_line(figures):
    numbers = ", ".join(f"{name.replace('_', ' ')} {value}"
                        for name, value in figures["numbers"].items() if name != "seed")
    command = "make check-faults" + (" LONG=1" if figures["long"] else "")
    if figures["long"] and figures.get("points"):  # a part of it
        command = f"WASTEWATCH_POINTS={figures['points']} {command}"
    if figures["rig"] == "soak":
        command = f"make soak T={figures['numbers']['seconds']}"
    return (f"| {figures['rig']} | {figures['date']} | `{command}` | Linux {figures['kernel']}, "
            f"SQLite {figures['sqlite']} | {numbers} |")


def fuzz_numbers(text):
    """Of libFuzzer's output; None where it has not come to its end."""
    executions = re.search(r"^stat::number_of_executed_units: *(\d+)", text, re.M)
    covered = re.findall(r"\bcov: (\d+)", text)
    if not executions or not covered:
        return None
    crashes = len(re.findall(r"^SUMMARY: ", text, re.M))
    return f"executions {executions[1]}, edges {covered[-1]}, crashes {crashes}"


def coverage_numbers(text):
    """Of gcovr's summary."""
    parts = re.findall(r"^(lines|branches): ([\d.]+%) \((\d+) out of (\d+)\)", text, re.M)
    return ", ".join(f"{what} {share} ({some} of {most})"
                     for what, share, some, most in parts) or None


def proof_line(file):
    """A line of what make has left: date, command, versions, an empty line, and a tool's output."""
    head, _, text = file.read_text(encoding="utf-8", errors="replace").partition("\n\n")
    date, command, *versions = head.splitlines()
    name, numbers = (f"coverage: {file.stem}", coverage_numbers) if file.suffix == ".txt" else \
        (f"fuzz: {file.stem}", fuzz_numbers)
    counted = numbers(text)
    return name, counted and f"| {name} | {date} | `{command}` | {', '.join(versions)} | {counted} |"


def proof_files(directory):
    return [*sorted(directory.glob("*.log")),
            *(directory / name for name in ("gates.txt", "all-branches.txt")
              if (directory / name).exists())]


def take_figures(directories, path=HERE / "figures.txt"):
    """Figures of runs into figures.txt: a longer run is not replaced by a sample."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = {(line.split(" | ")[0].strip("| "), "LONG=1" in line): line for line in lines}
    for file in (file for directory in directories for file in sorted(directory.glob("*.json"))):
        figures = json.loads(file.read_text(encoding="utf-8"))
        kept[(figures["rig"], figures["long"])] = figure_line(figures)
    for file in (file for directory in directories for file in proof_files(directory)
                 if file.name != "figures.log"):  # what the rigs have printed
        name, line = proof_line(file)
        if line:
            kept[(name, False)] = line
    path.write_text("".join(f"{kept[key]}\n" for key in sorted(kept)), encoding="utf-8")


def figure_lines(proofs):
    """Those of fuzzers and coverage, or all others."""
    path = HERE / "figures.txt"
    lines = path.read_text(encoding="utf-8").splitlines(True) if path.exists() else []
    return "".join(line for line in lines
                   if line.startswith(("| fuzz: ", "| coverage: ")) == proofs)


def readme():
    table = tests()
    lines = (HERE / "README.in").read_text(encoding="utf-8").splitlines()
    text = "\n".join(with_tests(line, table) for line in lines) + "\n"
    return text.replace("@figures@\n", figure_lines(False)).replace("@proofs@\n",
                                                                    figure_lines(True))


def rows():
    """All rows of README.in, in its order."""
    return re.findall(rf"^\| ({ROW}) \|", (HERE / "README.in").read_text(encoding="utf-8"), re.M)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--figures", metavar="DIRECTORY", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    if options.figures:
        take_figures(options.figures)
    text = readme()
    unknown = set(tests()) - set(rows())
    if unknown:
        sys.exit(f"fault_table.py: tests name rows that README.in has not: {sorted(unknown)}")
    if options.write:
        (HERE / "README.md").write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
