#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tests/faults/README.md: the table of faults, with the tests that name its rows.

    fault_table.py                    print it
    fault_table.py --write            write it (make fault-table)
    fault_table.py --write --figures BUILD/faults
                                      with the figures of the last run (make fault-figures)

Text and rows stand in README.in; a row's tests are those that name it. A pytest test names its rows
at the beginning of its docstring, "S7, C1: what is shown", or in that of its file, or, as cmocka tests do, in a comment above
it: "faults: M1, M2[drips]" (of a test with parameters: that one). Figures are kept in figures.txt.
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
    return (f"| {figures['rig']} | {figures['date']} | `{command}` | Linux {figures['kernel']}, "
            f"SQLite {figures['sqlite']} | {numbers} |")


def take_figures(directory):
    """Figures of a run into figures.txt: a longer run is not replaced by a sample."""
    path = HERE / "figures.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = {(line.split(" | ")[0].strip("| "), "LONG=1" in line): line for line in lines}
    for file in sorted(pathlib.Path(directory).glob("*.json")):
        figures = json.loads(file.read_text(encoding="utf-8"))
        kept[(figures["rig"], figures["long"])] = figure_line(figures)
    path.write_text("".join(f"{kept[key]}\n" for key in sorted(kept)), encoding="utf-8")


def readme():
    table = tests()
    lines = (HERE / "README.in").read_text(encoding="utf-8").splitlines()
    figures = HERE / "figures.txt"
    text = "\n".join(with_tests(line, table) for line in lines) + "\n"
    return text.replace("@figures@\n",
                        figures.read_text(encoding="utf-8") if figures.exists() else "")


def rows():
    """All rows of README.in, in its order."""
    return re.findall(rf"^\| ({ROW}) \|", (HERE / "README.in").read_text(encoding="utf-8"), re.M)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--figures", metavar="DIRECTORY")
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
