#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""analyzer.py KNOWN BUILD: what gcc's -fanalyzer has said, less what is known to be wrong.

KNOWN has a line "FILE FUNCTION OPTION: why it is wrong" for each finding. Exit status: 1 something
is not in it, or stands there and is not found any more (with the gcc that the file names).
"""

import pathlib
import re
import subprocess
import sys

FUNCTION = re.compile(r"[^ ]+: In function [‘'](\w+)[’']:")
FINDING = re.compile(r"([^ :]+):\d+:\d+: warning: .*\[-W(analyzer-[\w-]+)\]$")
KNOWN = re.compile(r"(\S+) (\w+) (analyzer-[\w-]+): (.+)")


def findings(build):
    """{(file, function, option): [lines]}"""
    found = {}
    for log in sorted(pathlib.Path(build).rglob("*.o.log")):
        function = ""
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            if match := FUNCTION.match(line):
                function = match[1]
            elif match := FINDING.match(line):
                found.setdefault((match[1], function, match[2]), []).append(line)
    return found


def main():
    lines = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    gcc = next(line.split()[-1] for line in lines if line.startswith("# gcc "))
    known = {match.group(1, 2, 3) for match in map(KNOWN.fullmatch, lines) if match}
    found = findings(sys.argv[2])
    new = sorted(found.keys() - known)
    for key in new:
        print("\n".join(found[key]), f"in {key[1]}()", sep="\n")
    version = subprocess.run(["gcc", "-dumpversion"], capture_output=True, text=True, check=True)
    gone = sorted(known - found.keys()) if version.stdout.strip() == gcc else []
    for key in gone:
        print(f"{sys.argv[1]}: no longer found, take it out: {' '.join(key)}")
    print(f"analyze: {len(found)} findings, {len(found) - len(new)} of them explained")
    return bool(new or gone)


if __name__ == "__main__":
    sys.exit(main())
