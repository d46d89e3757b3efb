# SPDX-License-Identifier: Apache-2.0
"""Independent judges of every report that any test produces.

JSON reports are held against the published schema by jsonschema; alerts against the schema of
OASIS CAP 1.2 by xmllint, and against what its text says beyond the schema by the code below. A
test need not call them: conftest.py judges what `wastewatch replay --reports` prints, plant.py what
lies in outbox and receivers when a plant is closed.
"""

import json
import pathlib
import re
import subprocess
import tempfile
import xml.etree.ElementTree as ET

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[1]
SCHEMA = json.loads((ROOT / "conf/schema/report.schema.json").read_text(encoding="utf-8"))
XSD = ROOT / "tests/data/cap/CAP-v1.2.xsd"
SPACE = "{urn:oasis:names:tc:emergency:cap:1.2}"
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
TOKEN = re.compile(r"[^\s,<&]+")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")
# the real one: tests put another into its place
_run = subprocess.run


def split(output):
    """The bodies in what `replay --reports` prints: JSON, a line each, and XML documents."""
    text = output.decode("utf-8") if isinstance(output, bytes) else output
    # only a document goes over lines; a JSON body begins and ends with its own
    return re.findall(r"^<\?xml(?s:.*?)</alert>$\n?|^\{.*\}$", text, re.M)


def is_cap(body):
    return body.lstrip()[:1] in ("<", b"<")


def judge(bodies):
    """All of them; says which is wrong, and why."""
    alerts = []
    for body in bodies:
        text = body.decode("utf-8") if isinstance(body, bytes) else body
        if is_cap(text):
            judge_alert(text)
            alerts.append(text)
        else:
            errors = [f"{list(e.absolute_path)}: {e.message}"
                      for e in VALIDATOR.iter_errors(json.loads(text))]
            assert not errors, (errors, text)
    xmllint(alerts)


def xmllint(alerts):
    if not alerts:
        return
    with tempfile.TemporaryDirectory() as directory:
        paths = []
        for i, text in enumerate(alerts):
            paths.append(pathlib.Path(directory) / f"{i}.xml")
            paths[-1].write_text(text, encoding="utf-8")
        for i in range(0, len(paths), 500):
            done = _run(["xmllint", "--nonet", "--noout", "--schema", XSD, *paths[i:i + 500]],
                        capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr[-4000:]


def texts(element, name):
    return [e.text or "" for e in element.iter(SPACE + name)]


def parameters(info):
    """{valueName: value} of an info block; of several of a name the last."""
    return {p.find(SPACE + "valueName").text: p.find(SPACE + "value").text or ""
            for p in info.iter(SPACE + "parameter")}


def judge_alert(text):
    """What CAP 1.2 says in words only, and what cap.h promises."""
    alert = ET.fromstring(text)

    def one(name):
        return alert.findtext(SPACE + name)

    assert TOKEN.fullmatch(one("identifier")) and TOKEN.fullmatch(one("sender"))
    for name in ("sent", "effective", "onset", "expires"):
        for time in texts(alert, name):
            assert TIME.fullmatch(time), time
            assert not time.endswith("+00:00"), "UTC is -00:00 there"
    heartbeat = parameters(alert.find(SPACE + "info"))["webhook-type"] == "heartbeat"
    assert one("status") in (("System",) if heartbeat else ("Actual", "Exercise"))
    assert (one("note") is not None) == (one("status") == "Exercise")
    assert one("scope") == "Restricted" and one("restriction")
    assert (one("msgType") == "Alert") == (texts(alert, "value")[1] == "incident.opened" or heartbeat)
    for reference in (one("references") or "").split():
        sender, identifier, sent = reference.split(",")
        assert sender == one("sender") and identifier != one("identifier") and TIME.fullmatch(sent)
    infos = alert.findall(SPACE + "info")
    assert sorted(texts(alert, "language")) == ["en", "vi-VN"] and len(infos) == 2
    assert parameters(infos[0]) == parameters(infos[1])
    for info in infos:
        judge_info(info)


def judge_info(info):
    assert texts(info, "category") == ["Env"]
    assert 0 < len(info.findtext(SPACE + "headline")) <= 640
    assert info.findtext(SPACE + "description") and texts(info, "areaDesc")
    assert info.findtext(SPACE + "effective") <= info.findtext(SPACE + "expires")
    for polygon in texts(info, "polygon"):
        points = polygon.split(" ")
        assert 4 <= len(points) <= 100 and points[0] == points[-1], polygon
        for point in points:
            judge_point(point)
        judge_ring([tuple(map(float, point.split(","))) for point in points])
    for circle in texts(info, "circle"):
        point, radius = circle.split(" ")
        judge_point(point)
        assert float(radius) >= 0


def judge_ring(points):
    """Not over the 180th meridian, counterclockwise, and no side crosses another."""
    longitudes = [lon for _, lon in points]
    assert max(longitudes) - min(longitudes) < 180, points

    def turn(a, b, c):
        return (b[1] - a[1]) * (c[0] - a[0]) - (b[0] - a[0]) * (c[1] - a[1])

    assert sum(a[1] * b[0] - b[1] * a[0] for a, b in zip(points, points[1:])) > 0, points
    sides = list(zip(points, points[1:]))
    for i, (a, b) in enumerate(sides):
        for c, d in sides[i + 2:len(sides) - (i == 0)]:
            assert turn(a, b, c) * turn(a, b, d) >= 0 or turn(c, d, a) * turn(c, d, b) >= 0, points


def judge_point(point):
    latitude, longitude = map(float, point.split(","))
    assert abs(latitude) <= 90 and abs(longitude) <= 180, point
