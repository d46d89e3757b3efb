# SPDX-License-Identifier: Apache-2.0
"""The daily sign of life, in the core's own time: who gets one, when, and what stands in it."""

import datetime
import json
import os
import pathlib
import subprocess
import xml.etree.ElementTree as ET

import pytest

import judge

ROOT = pathlib.Path(__file__).resolve().parents[2]
WASTEWATCH = ROOT / os.environ.get("WASTEWATCH_BUILD", "build") / "wastewatch"
START = datetime.datetime(2026, 3, 2, 8, tzinfo=datetime.timezone(datetime.timedelta(hours=7)))
DAY = 86400

SITE = """\
site: mill
province: Lạng Sơn
sources:
  - name: outfall
    kind: liquid
    channels:
      - {name: COD, unit: mg/l, range: [0, 1000], from: analyser, table: input, address: 0,
         type: float32, lost-after: 1d}
    limits:
      - {channel: COD, class: limit, high: 150, origin: permit}
links:
  - {name: line, tcp: "127.0.0.1:502"}
units:
  - {name: analyser, link: line, id: 1, interval: 1h, timeout: 1s}
"""


def destination(name, keys=""):
    return f"  - {{name: {name}, url: \"https://{name}.example/\", hmac-secret: s{keys}}}\n"


def run(tmp_path, destinations, hours, spills=(), extra=""):
    """[(type, hours since the start, body), …] per destination, and the entries."""
    (tmp_path / "sites.d").mkdir(exist_ok=True)
    (tmp_path / "wastewatch.yaml").write_text(
        "origin: test\nreporter-name: The mill\nincident-clear: 1min\ndestinations:\n"
        + "".join(destinations) + extra, encoding="utf-8")
    (tmp_path / "sites.d/mill.yaml").write_text(SITE, encoding="utf-8")
    lines = ["time,channel,value,status"]
    for hour in range(hours + 1):
        time = START + datetime.timedelta(hours=hour)
        lines.append(f"{time.isoformat()},mill/outfall/COD,{200 if hour in spills else 50},00")
    (tmp_path / "plant.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = {}
    for option in ("--reports", None):
        done = subprocess.run([WASTEWATCH, "replay", "--config", tmp_path,
                               *([option] if option else []), tmp_path / "plant.csv"],
                              capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        out[option] = [json.loads(line) for line in done.stdout.splitlines() if line[:1] == b"{"]
    judge.judge([json.dumps(body) for body in out["--reports"]])
    return out["--reports"], out[None]


def hour_of(time):
    return (datetime.datetime.fromisoformat(time) - START).total_seconds() / 3600


def beats(bodies):
    return [body for body in bodies if body["type"] == "heartbeat"]


def test_a_quiet_plant_says_so_every_day(tmp_path):
    bodies, entries = run(tmp_path, [destination("department")], 24 * 5 + 2)
    assert [b["type"] for b in bodies] == ["heartbeat"] * 5
    said = [e for e in entries if e["type"] == "report.heartbeat"]
    assert len(said) == 5
    for n, (body, entry) in enumerate(zip(bodies, said), 1):
        assert 24 * n <= hour_of(body["timestamp"]) < 24 * n + 0.1
        data = body["data"]
        assert data["log"]["seq"] == entry["seq"] and body["timestamp"] == entry["time"]
        assert data["interval_s"] == DAY and data["reporter"]["name"] == "The mill"
        # what only a running service knows is not made up
        assert data["health"] == {"channels": 1, "channels_lost": 0, "incidents": []}
    heads = [(b["data"]["log"]["seq"], b["data"]["log"]["hash"]) for b in bodies]
    assert len(set(heads)) == 5 and heads == sorted(heads)


def test_a_report_is_a_sign_of_life_too(tmp_path):
    """A spill at hour 30: its last report counts, and a day after it is the next."""
    bodies, _ = run(tmp_path, [destination("department")], 24 * 3, spills=(30,))
    others = [b for b in bodies if b["type"] != "heartbeat"]
    last = max(hour_of(b["timestamp"]) for b in others)
    times = [hour_of(b["timestamp"]) for b in beats(bodies)]
    assert len(times) == 2 and 24 <= times[0] < 24.1
    assert last + 24 <= times[1] < last + 24.1


def test_each_destination_for_itself(tmp_path):
    """One entry for all that are due together; one that was told of the spill waits for its day;
    0s is never; another interval is another."""
    bodies, entries = run(tmp_path, [
        destination("all"), destination("never", ", heartbeat: 0s"),
        destination("gas", ", kinds: [gas]"), destination("often", ", heartbeat: 12h")],
        24 * 2, spills=(12,))
    seqs = [b["data"]["log"]["seq"] for b in beats(bodies)]
    intervals = [(b["data"]["interval_s"], round(hour_of(b["timestamp"]))) for b in beats(bodies)]
    # all, often and never are told of the spill of hour 12 until it has ended; gas is not
    last = round(max(hour_of(b["timestamp"]) for b in bodies if b["type"] != "heartbeat"))
    assert 12 < last < 24
    assert sorted(h for i, h in intervals if i == DAY) == [24, last + 24, 48], intervals
    assert sorted(h for i, h in intervals if i == DAY // 2) == [last + 12, last + 24], intervals
    said = [e["seq"] for e in entries if e["type"] == "report.heartbeat"]
    assert sorted(set(seqs)) == said and len(seqs) > len(said)


def test_an_open_incident_is_named(tmp_path):
    """Nothing changes for a day while an incident stands: it is in the sign of life."""
    bodies, _ = run(tmp_path, [destination("department")], 24 * 3, spills=range(10, 100))
    opened = next(b for b in bodies if b["type"] == "incident.opened")
    named = [b["data"]["health"]["incidents"] for b in beats(bodies)]
    if named:
        assert named[-1] == [opened["data"]["incident"]["id"]]
    # updates come by themselves as long as something changes; then it is the heartbeat's turn
    heads = [hour_of(b["timestamp"]) for b in bodies]
    assert max(b - a for a, b in zip([0, *heads], heads)) <= 24.1


def test_as_an_alert_of_cap(tmp_path):
    """status System, in two languages, judged by xmllint; the same head as in the JSON report."""
    bodies, entries = run(tmp_path, [destination("json"), destination("cap", ", format: cap")], 50)
    done = subprocess.run([WASTEWATCH, "replay", "--config", tmp_path, "--reports",
                           tmp_path / "plant.csv"], capture_output=True, check=True, timeout=60)
    alerts = [text for text in judge.split(done.stdout) if judge.is_cap(text)]
    judge.judge(alerts)
    assert len(alerts) == len(beats(bodies)) == 2
    for alert, report in zip(alerts, beats(bodies)):
        root = ET.fromstring(alert)
        info = root.find(judge.SPACE + "info")
        found, log = judge.parameters(info), report["data"]["log"]
        assert (found["log-seq"], found["log-hash"]) == (str(log["seq"]), log["hash"])
        assert (found["interval-s"], found["channels"], found["incidents"]) == ("86400", "1", "0")
        assert root.findtext(judge.SPACE + "status") == "System"
        assert "call the plant" in alert and "gọi" in alert


@pytest.mark.parametrize("value, words", [
    ("8d", "too long"), ("-1s", "cannot be"), ("daily", "cannot be")])
def test_interval_is_checked(tmp_path, value, words):
    (tmp_path / "sites.d").mkdir()
    (tmp_path / "wastewatch.yaml").write_text(
        "origin: test\ndestinations:\n" + destination("department", f", heartbeat: {value}"),
        encoding="utf-8")
    (tmp_path / "sites.d/mill.yaml").write_text(SITE, encoding="utf-8")
    done = subprocess.run([WASTEWATCH, "check", "--config", tmp_path], capture_output=True,
                          text=True, check=False, timeout=60)
    assert done.returncode != 0 and words in done.stderr + done.stdout
