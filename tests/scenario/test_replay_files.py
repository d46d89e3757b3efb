# SPDX-License-Identifier: Apache-2.0
"""wastewatch replay with the department's data files (Circular 10/2021): read without loss, and
written again as the core would send them."""

import json
import os
import pathlib
import random
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / os.environ.get("WASTEWATCH_BUILD", "build")
CONF = HERE / "department" / "conf"
GOLDEN = ROOT / "tests" / "data" / "circular10"
WATER = "TB_CAPH_NUOSXL_20260325000000.txt"
STACK = "TB_NMAM_KHIAMO_20260325000000.txt"
SYMBOLS = [("Nhiệtđộ", ""), ("Flow", "m3/h"), ("Ápsuất", ""), ("NH3", "mg/Nm3"), ("PM", "mg/Nm3")]


def replay(*arguments, conf=CONF):
    return subprocess.run([BUILD / "wastewatch", "replay", "--config", conf, *arguments],
                          capture_output=True, timeout=120, check=False)


def written(out):
    return {path.name: path.read_bytes() for path in sorted(out.rglob("*.txt"))}


def good(*arguments, conf=CONF):
    done = replay(*arguments, conf=conf)
    assert done.returncode == 0, done.stderr.decode()
    return done


def refused(tmp_path, *arguments):
    done = replay("--files", tmp_path / "out", *arguments)
    assert done.returncode == 1
    assert not (tmp_path / "out").exists()
    return done.stderr.decode()


def stack_file(stamp, values, status="00", end="\r\n"):
    return "".join(f"{symbol}\t{value}\t{unit}\t{stamp}\t{status}{end}"
                   for (symbol, unit), value in zip(SYMBOLS, values)).encode()


def write(directory, name, text):
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_real_files_come_out_as_they_went_in(tmp_path):
    done = good("--files", tmp_path / "out", GOLDEN)
    assert not done.stderr and not done.stdout
    assert written(tmp_path / "out") == {name: (GOLDEN / name).read_bytes()
                                         for name in (WATER, STACK)}
    assert (tmp_path / "out/data/NUOSXL/2026/03/25" / WATER).exists()
    assert (tmp_path / "out/data" / STACK).exists()


def test_one_file_gives_one_file_and_what_lies_there_is_not_written_over(tmp_path):
    good("--files", tmp_path / "out", GOLDEN / STACK)
    assert list(written(tmp_path / "out")) == [STACK]
    done = replay("--files", tmp_path / "out", GOLDEN / STACK)
    assert done.returncode == 1 and b"File exists" in done.stderr
    # what is read may lie where it was written: it is found in directories below
    assert good("--files", tmp_path / "again", tmp_path / "out").returncode == 0
    assert written(tmp_path / "again") == written(tmp_path / "out")


def test_minutes_are_what_the_file_says():
    minutes = [json.loads(line) for line in good("--minutes", GOLDEN).stdout.splitlines()]
    cod = [m for m in minutes if m["channel"] == "caph/outfall/COD"]
    assert [(m["time"][11:16], m["mean"], m["valid"]) for m in cod] == \
        [(f"23:5{i}", "16.2482", True) for i in range(5, 10)]
    assert len(minutes) == 12 * 5


def test_random_days_come_out_as_they_went_in(tmp_path):
    """Two hours of both stations, random values: nothing is lost, moved or smoothed."""
    rng = random.Random(20260325)
    wanted = {}
    for i in range(24):
        stamp = f"20260325{i // 12 + 1:02}{i % 12 * 5:02}00"
        values = [f"{rng.uniform(0, top):.4f}".rstrip("0").rstrip(".")
                  for top in (400, 200000, 200, 300, 600)]
        wanted[f"TB_NMAM_KHIAMO_{stamp}.txt"] = stack_file(stamp, values)
    for name, text in rng.sample(sorted(wanted.items()), len(wanted)):
        write(tmp_path / "in", f"{rng.randrange(3)}/{name}", text)
    good("--files", tmp_path / "out", tmp_path / "in")
    assert written(tmp_path / "out") == wanted


def test_gaps_and_states(tmp_path):
    """A gap is told with 02 and no value; calibrating stays 01; a value out of range is 02."""
    stamps = [f"202603250{i // 12 + 1}{i % 12 * 5:02}00" for i in range(6)]
    files = {
        stamps[0]: stack_file(stamps[0], ["1", "2", "3", "4", "5"]),
        stamps[1]: stack_file(stamps[1], ["1", "2", "3", "4", "5"], "01", "\n"),
        # stamps[2], stamps[3]: nothing was sent
        stamps[4]: stack_file(stamps[4], ["---", "", "3", "4", "601"], "00"),
        stamps[5]: stack_file(stamps[5], ["1", "2", "3", "4", "5"], "02"),
    }
    for stamp, text in files.items():
        write(tmp_path / "in", f"TB_NMAM_KHIAMO_{stamp}.txt", text)
    good("--files", tmp_path / "out", tmp_path / "in")
    out = written(tmp_path / "out")
    assert [name[-18:-4] for name in out] == stamps
    rows = {name[-18:-4]: [line.split("\t") for line in text.decode().splitlines()]
            for name, text in out.items()}
    assert [(r[1], r[4]) for r in rows[stamps[0]]] == [(str(i), "00") for i in range(1, 6)]
    assert [(r[1], r[4]) for r in rows[stamps[1]]] == [("---", "01")] * 5
    assert [(r[1], r[4]) for r in rows[stamps[2]]] == [("---", "02")] * 5
    assert [(r[1], r[4]) for r in rows[stamps[3]]] == [("---", "02")] * 5
    assert [(r[1], r[4]) for r in rows[stamps[4]]] == \
        [("---", "02"), ("---", "02"), ("3", "00"), ("4", "00"), ("---", "02")]
    assert [(r[1], r[4]) for r in rows[stamps[5]]] == [("---", "02")] * 5
    assert all(r[3] == stamp for stamp in stamps for r in rows[stamp])


def test_forms_of_stations(tmp_path):
    conf = shutil.copytree(CONF, tmp_path / "conf")
    site = conf / "sites.d" / "nmam.yaml"
    site.write_text(site.read_text().replace(
        "    line-end: crlf\n",
        "    form: one-line\n    decimals: 1\n    missing: \"\"\n    time: start\n"))
    stamp = "20260325010000"
    write(tmp_path / "in", f"TB_NMAM_KHIAMO_{stamp}.txt",
          stack_file(stamp, ["44.9342", "61617.0875", "100", "0.04", "---"]))
    good("--files", tmp_path / "out", tmp_path / "in", conf=conf)
    assert written(tmp_path / "out") == {f"TB_NMAM_KHIAMO_{stamp}.txt": (
        f"Nhiệtđộ\t44.9\t\t{stamp}\t00\tFlow\t61617.1\tm3/h\t{stamp}\t00\tÁpsuất\t100\t\t{stamp}\t00"
        f"\tNH3\t0\tmg/Nm3\t{stamp}\t00\tPM\t\tmg/Nm3\t{stamp}\t02\n").encode()}
    # and that form is read as well
    good("--files", tmp_path / "again", tmp_path / "out", conf=conf)
    assert written(tmp_path / "again") == written(tmp_path / "out")


def test_limits_judge_what_the_files_say(tmp_path):
    text = (GOLDEN / WATER).read_bytes().replace(b"16.2482", b"151")
    entries = [json.loads(line) for line in
               good(write(tmp_path, WATER, text)).stdout.splitlines()]
    raised = [e for e in entries if e["type"] == "alarm.raised"]
    assert [(e["channel"], e["value"], e["time"][:19]) for e in raised] == \
        [("COD", "151", "2026-03-25T00:00:00")]


def test_what_belongs_to_nothing_is_said_once(tmp_path):
    for i in range(3):
        stamp = f"2026032501{i * 5:02}00"
        write(tmp_path / "in", f"TB_NMAM_KHIAMO_{stamp}.txt",
              stack_file(stamp, [str(i)] * 5) + f"NOx\t7\tppm\t{stamp}\t00\n".encode())
        write(tmp_path / "in", f"XX_OTHER_NUO_{stamp}.txt", "anything")
    write(tmp_path / "in", "README", "no data file")
    done = good("--files", tmp_path / "out", tmp_path / "in")
    said = done.stderr.decode().splitlines()
    assert len(said) == 2
    assert sum("XX_OTHER_NUO" in line for line in said) == 1
    assert sum("NOx in files of TB_NMAM_KHIAMO" in line for line in said) == 1
    assert len(written(tmp_path / "out")) == 3


def test_another_unit_is_said(tmp_path):
    text = (GOLDEN / WATER).read_bytes().replace(b"16.2482\tmg/l", b"16.2482\tmg/L")
    done = good("--files", tmp_path / "out", write(tmp_path, WATER, text))
    assert b'COD in files of TB_CAPH_NUOSXL: the unit there is "mg/L"' in done.stderr


STAMP = "20260325000000"


@pytest.mark.parametrize("text, wanted", [
    (f"COD\t1,5\tmg/l\t{STAMP}\t00\n", "line 1: the value is no decimal number: 1,5"),
    (f"\nCOD\tnan\tmg/l\t{STAMP}\t00\n", "line 2: the value is no decimal number: nan"),
    ("COD\t1\tmg/l\t20260332000000\t00\n", "line 1: the time is not yyyyMMddHHmmss"),
    (f"COD\t1\tmg/l\t{STAMP}\t7\n", "line 1: the status is none of 00, 01, 02, 03: 7"),
    (f"COD\t1\tmg/l\t{STAMP}\n", "line 1: a row has five columns"),
    (f"COD\t1\tmg/l\t{STAMP}\t00\0\n", "line 1: there is a NUL byte in it"),
    ("COD\t1\tmg/l\t20260326000000\t00\n", "the time of a row is far from that of the file's"),
    (f"COD\t1\tmg/l\t{STAMP}\t00\nCOD\t2\tmg/l\t{STAMP}\t00\n", "a symbol comes twice: COD"),
    ("x" * 1100000, "it is too long for such a file"),
], ids=range(9))
def test_what_would_make_a_value_up_is_refused(tmp_path, text, wanted):
    path = write(tmp_path, WATER, text)
    assert f"{path}: {wanted}" in refused(tmp_path, path)


def test_two_files_of_one_window_are_refused(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / "in" / name, WATER, (GOLDEN / WATER).read_bytes())
    said = refused(tmp_path, tmp_path / "in")
    assert f"in/b/{WATER}: it stands for the same five minutes as: {tmp_path}/in/a/{WATER}" in said
    write(tmp_path / "in2", WATER, (GOLDEN / WATER).read_bytes())
    write(tmp_path / "in2", WATER.replace("000000.txt", "000459.txt"), "")
    assert "the same five minutes" in refused(tmp_path, tmp_path / "in2")


def test_arguments_that_do_not_fit(tmp_path):
    (tmp_path / "empty").mkdir()
    assert "no data file of a station" in refused(tmp_path, tmp_path / "empty")
    assert "several files at once" in refused(tmp_path, GOLDEN / WATER, GOLDEN / "README.md")
    assert "cannot be read" in refused(tmp_path, tmp_path / WATER)
