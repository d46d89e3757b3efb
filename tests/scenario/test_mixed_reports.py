# SPDX-License-Identifier: Apache-2.0
"""JSON and CAP bodies beside each other in what `wastewatch replay --reports` prints."""

import datetime
import json
import os
import pathlib
import shutil
import subprocess

import judge

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parents[1] / os.environ.get("WASTEWATCH_BUILD", "build")
START = datetime.datetime.fromisoformat("2026-03-02T08:00:00+07:00")
ALERT = '<?xml version="1.0"?>\n<alert>\n  <note>{\n}\n</note>\n</alert>\n'
DESTINATIONS = """destinations:
  - {name: department, url: "http://127.0.0.1:1/"}
  - {name: hotline, url: "http://127.0.0.1:2/", format: cap}
"""


def test_every_order_is_taken_apart():
    """A line of JSON is one body, however many come before or behind, and a document is one."""
    one, two = '{"a":{}}', '{"b":"</alert>"}'
    for bodies in ([], [one], [ALERT], [one, two], [ALERT, ALERT], [one, ALERT], [ALERT, one],
                   [one, two, ALERT, one, ALERT, ALERT, two, one]):
        printed = "".join(body + "\n" for body in bodies)
        assert judge.split(printed) == bodies
        assert judge.split(printed.encode()) == bodies


def test_a_department_with_json_and_a_hotline_with_cap(tmp_path):
    conf = tmp_path / "conf"
    shutil.copytree(HERE / "alarms" / "conf", conf)
    with (conf / "wastewatch.yaml").open("a", encoding="utf-8") as file:
        file.write(DESTINATIONS)
    rows = [f"{(START + datetime.timedelta(seconds=s)).isoformat(timespec='milliseconds')},"
            f"mill/outfall/COD,{400 if 60 <= s < 200 else 100},00\n" for s in range(0, 600, 10)]
    csv = tmp_path / "readings.csv"
    csv.write_text("time,channel,value,status\n" + "".join(rows))
    done = subprocess.run([BUILD / "wastewatch", "replay", "--config", conf, "--reports", csv],
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    bodies = judge.split(done.stdout)
    alerts = [body for body in bodies if judge.is_cap(body)]
    reports = [json.loads(body) for body in bodies if not judge.is_cap(body)]
    assert "".join(body + "\n" for body in bodies) == done.stdout.decode()
    assert [r["type"] for r in reports][0] == "incident.opened" and len(reports) >= 3
    assert len(alerts) == len(reports)
    judge.judge(bodies)
