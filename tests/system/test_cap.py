# SPDX-License-Identifier: Apache-2.0
"""Alerts of CAP 1.2 from register to receiver, and the texts that they are made of.

What is valid is judged by xmllint (judge.py) when a plant is closed; here: that they arrive as they
are in the record, signed, labelled and linked to each other, in words that gettext's own reader
finds in the catalogue.
"""

import gettext
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading
import xml.etree.ElementTree as ET

import judge
import pytest
from plant import Device, Plant, Receiver, until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("WASTEWATCH_BUILD", "build")
SPACE = judge.SPACE
CAP = "limit, format: cap"


class Alert:
    def __init__(self, body):
        self.root = ET.fromstring(body)
        self.infos = {i.findtext(SPACE + "language"): i for i in self.root.findall(SPACE + "info")}
        self.parameters = judge.parameters(self.infos["en"])

    def __getitem__(self, name):
        return self.root.findtext(SPACE + name)

    def info(self, language, name):
        return self.infos[language].findtext(SPACE + name)

    @property
    def reference(self):
        return ",".join((self["sender"], self["identifier"], self["sent"]))


def alerts_of(bodies):
    return sorted((Alert(body) for body in bodies),
                  key=lambda a: int(a.parameters["log-seq"]))


@pytest.fixture(scope="module", name="spill")
def fixture_spill():
    """A spill, told to one department in JSON and to another as alerts."""
    with Plant(Device()) as plant:
        alerts = Receiver(plant, "alerts")
        plant.configure(destinations=[("department", plant.receiver.url, "limit"),
                                      ("alerts", alerts.url, CAP)])
        plant.keygen()
        alerts.start()
        plant.start()
        plant.device.set(COD=200)
        plant.until_entry("alarm.raised", **{"class": "limit"})
        plant.device.set(COD=250)
        plant.until_entry("incident.updated")
        plant.device.set(COD=50)
        plant.until_entry("incident.ended")
        plant.until_quiet()
        until(lambda: not plant.query("SELECT 1 FROM outbox WHERE state NOT IN ('sent', 'superseded')"),
              "all is delivered", say=plant.logs)
        yield plant, alerts


def test_the_receiver_holds_what_the_record_holds(spill):
    plant, alerts = spill
    stored = dict(plant.query("SELECT webhook_id, body FROM outbox WHERE destination = 'alerts'"))
    assert {k: v.encode() for k, v in stored.items()} == alerts.bodies() and stored
    assert all(path.suffix == ".xml" for path in alerts.store.glob("*-alerts.*"))
    assert {line["outcome"] for line in alerts.index()} == {"stored"}
    assert [line["type"] for line in alerts.index()][::len(stored) - 1] == \
        ["incident.opened", "incident.ended"]


def test_both_forms_say_the_same(spill):
    plant, alerts = spill
    told = {r["data"]["log"]["seq"]: r for r in plant.receiver.reports()}
    for alert in alerts_of(alerts.bodies().values()):
        report = told.pop(int(alert.parameters["log-seq"]))
        incident = report["data"]["incident"]
        assert alert.parameters["webhook-type"] == report["type"]
        assert alert.parameters["log-hash"] == report["data"]["log"]["hash"]
        assert alert.parameters["notice"] == incident["notice"]
        assert alert["incidents"] == incident["id"]
        assert alert["sent"] == report["timestamp"][:19] + report["timestamp"][23:]
        assert alert["status"] == "Actual"
        for path in ("peak", "bound", "origin"):
            assert report["data"]["alarms"][0][path] in alert.info("vi-VN", "description")
    assert not told


def test_alerts_refer_to_those_before(spill):
    _, alerts = spill
    course = alerts_of(alerts.bodies().values())
    assert len(course) >= 3
    assert [a["msgType"] for a in course] == ["Alert"] + ["Update"] * (len(course) - 1)
    assert len({a["identifier"] for a in course}) == len(course)
    for i, alert in enumerate(course):
        wanted = {course[0].reference, course[i - 1].reference} if i else set()
        assert set((alert["references"] or "").split()) == wanted
    responses = [e.text for e in course[-1].infos["en"].findall(SPACE + "responseType")]
    assert responses == ["AllClear"]
    assert course[-1].info("en", "urgency") == "Past"


def catalogue():
    with open(BUILD / "po/vi.mo", "rb") as file:
        return gettext.GNUTranslations(file)


def test_words_are_those_of_the_catalogue(spill):
    """Without any locale but C there: Python's own reader of .mo files finds the same."""
    _, alerts = spill
    assert Plant.environment().get("LC_ALL", "C") in ("C", "C.UTF-8", "POSIX")
    vi = catalogue().gettext
    for alert in alerts_of(alerts.bodies().values()):
        assert vi(alert.info("en", "event")) == alert.info("vi-VN", "event") == \
            "Sự cố chất thải: nước thải"
        english = alert.info("en", "description").splitlines()
        vietnamese = alert.info("vi-VN", "description").splitlines()
        assert len(english) == len(vietnamese)
        for text in ("Place: {what}", "Began: {what}"):
            value = next(line for line in english if line.startswith(text[:5]))[len(text) - 6:]
            assert vi(text).replace("{what}", value) in vietnamese


def entries(path):
    """{msgid: msgstr} of a .po or .pot file."""
    done = subprocess.run(["msgcat", "--no-wrap", path], capture_output=True, text=True, check=True)
    found, key, where = {}, "", None
    for line in done.stdout.splitlines():
        if line.startswith(("msgid ", "msgstr ")):
            where, line = line.split(" ", 1)
            key = json.loads(line) if where == "msgid" else key
            found[key] = "" if where == "msgid" else json.loads(line)
        elif line.startswith('"'):
            if where == "msgid":
                del found[key]
                key += json.loads(line)
                found[key] = ""
            else:
                found[key] += json.loads(line)
    found.pop("", None)
    return found


def test_translations_keep_the_places():
    """Each {place} of a text is in its translation, once for once; no text lacks a translation."""
    template, vi = entries(ROOT / "po/wastewatch.pot"), entries(ROOT / "po/vi.po")
    assert set(template) == set(vi) and len(vi) > 60
    for english, vietnamese in vi.items():
        assert vietnamese, english
        assert sorted(re.findall(r"\{\w+\}", english)) == \
            sorted(re.findall(r"\{\w+\}", vietnamese)), english
        assert english[0] == vietnamese[0] or english[0].isalnum() or english[0] in "{%", \
            english


def test_a_missing_translation_is_noticed(tmp_path):
    """make check-po, with a text more in the source than in the catalogue."""
    for part in ("Makefile", "po", "daemon", "tools", "NEWS.md"):
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / part)
    run = ["make", "-s", "-C", tmp_path, "check-po"]
    assert subprocess.run(run, capture_output=True, check=False).returncode == 0
    source = tmp_path / "daemon/core/cap_words.c"
    source.write_text(source.read_text(encoding="utf-8").replace('N_("Place: {what}")',
                                                                 'N_("Where: {what}")'))
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "make po" in done.stderr


class Recorder(http.server.ThreadingHTTPServer):
    """Says 503 until it is told to be well; keeps (content type, body)."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.well, self.seen = False, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/"


class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.server.well:
            self.server.seen.append((self.headers["content-type"], body))
        self.send_response(200 if self.server.well else 503)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def test_what_waits_keeps_its_label_when_the_form_changes():
    """A report goes as it went into the record, whatever the destination's form is by then."""
    recorder = Recorder()
    with Plant(Device(), destinations=[("department", recorder.url, CAP)]) as plant:
        plant.start("core", "poller", "sender")
        plant.device.set(COD=200)
        plant.until_entry("incident.opened")
        plant.configure(destinations=[("department", recorder.url, "limit, format: json")])
        plant.reload()
        plant.until_entry("config.loaded", n=2)
        plant.device.set(COD=50)
        plant.until_entry("incident.ended")
        recorder.well = True
        until(lambda: not plant.query("SELECT 1 FROM outbox WHERE state NOT IN ('sent', 'superseded')"),
              "all is delivered", say=plant.logs, limit_s=60)
        labels = {body[:1]: label for label, body in recorder.seen}
        assert labels == {b"<": "application/cap+xml", b"{": "application/json"}
    recorder.shutdown()
    recorder.server_close()


def test_receivers_of_their_own():
    """A neighbour who wants gas only is told of that incident, from its start to its end."""
    with Plant(Device()) as plant:
        neighbour = Receiver(plant, "neighbour")
        plant.configure(destinations=[
            ("department", plant.receiver.url, "limit"),
            ("neighbour", neighbour.url, "limit, format: cap, language: en, kinds: [gas]")])
        plant.keygen()
        neighbour.start()
        plant.start()
        plant.device.set(COD=200, SO2=900)
        plant.until_entry("incident.opened", kind="liquid")
        gas = plant.until_entry("incident.opened", kind="gas")
        plant.device.set(COD=50, SO2=50)
        plant.until_entry("incident.ended", n=2)
        plant.until_quiet()
        until(lambda: not plant.query("SELECT 1 FROM outbox WHERE state NOT IN ('sent', 'superseded')"),
              "all is delivered", say=plant.logs)
        told = alerts_of(neighbour.bodies().values())
        assert {a["incidents"] for a in told} == {gas["incident"]}
        assert [a.parameters["notice"] for a in told][::len(told) - 1] == \
            ["early-warning", "end-of-alert"]
        assert list(told[0].infos) == ["en", "vi-VN"]
        assert len({r["data"]["incident"]["id"] for r in plant.receiver.reports()}) == 2
