# SPDX-License-Identifier: Apache-2.0
"""From a register of pymodbus to a report that others than we verify.

pymodbus is the device, the openssl command verifies the head, hashlib recomputes the chain,
jsonschema judges the bodies: none of them is ours.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import pathlib
import subprocess
import sys
import threading

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from plant import (HAS_JOURNAL, NORMAL, ROOT, Device, Plant, check_all_told,  # noqa: E402
                   encode, free_port, until)

pytest.importorskip("pymodbus")
from pymodbus.datastore import (ModbusSequentialDataBlock, ModbusServerContext,  # noqa: E402
                                ModbusSlaveContext)
from pymodbus.server.async_io import ModbusTcpServer  # noqa: E402


class Pymodbus:
    """pymodbus' own server with the registers of plant.CHANNELS."""

    def __init__(self, port=None):
        self.port = port or free_port()
        self.slave = ModbusSlaveContext(hr=ModbusSequentialDataBlock(0, [0] * 64),
                                        ir=ModbusSequentialDataBlock(0, [0] * 64),
                                        zero_mode=True)
        self.set(**NORMAL)
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.server = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        assert self.ready.wait(10)

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve())

    async def _serve(self):
        self.server = ModbusTcpServer(ModbusServerContext(slaves=self.slave, single=True),
                                      address=("127.0.0.1", self.port), allow_reuse_address=True)
        self.loop.call_soon(self.ready.set)
        try:
            await self.server.serve_forever()
        except asyncio.CancelledError:
            pass

    def set(self, **values):
        for name, value in values.items():
            function, address, words = encode(name, value)
            self.slave.setValues(function, address, words)

    def close(self):
        if not self.loop.is_running():
            return
        asyncio.run_coroutine_threadsafe(self.server.shutdown(), self.loop).result(10)
        self.thread.join(10)


@pytest.fixture(scope="module", name="plant")
def make_plant():
    """One plant for the tests that follow; each leaves it quiet."""
    with Plant(Pymodbus()) as plant:
        plant.start()
        yield plant


@pytest.fixture(autouse=True)
def quiet(request):
    """Every test begins with nothing open, and ends so."""
    yield
    if "plant" in request.fixturenames:
        plant = request.getfixturevalue("plant")
        plant.device.set(**NORMAL)
        plant.until_quiet()


def last(plant):
    """Number of the last entry."""
    return len(plant.entries())


def since(plant, mark, *types):
    return [e for e in plant.entries(*types) if e["seq"] > mark]


def wait_for(plant, mark, entry, /, **fields):
    def found():
        return [e for e in since(plant, mark, entry)
                if all(e.get(k) == v for k, v in fields.items())]
    return plant.until(found, f"{entry} {fields} after entry {mark}")[0]


def test_a_spill_from_register_to_report(plant):
    mark = last(plant)
    plant.device.set(COD=187.5)
    raised = wait_for(plant, mark, "alarm.raised", **{"class": "limit"})
    opened = wait_for(plant, mark, "incident.opened")
    assert raised["incident"] == opened["incident"]
    assert (raised["value"], raised["unit"], raised["bound"]) == ("187.5", "mg/l", "150")
    assert opened["kind"] == "liquid" and opened["site"] == "mill"
    ident = opened["incident"]
    plant.until(lambda: plant.receiver.types(ident), "the report has arrived")
    delivered = wait_for(plant, mark, "report.delivered")
    assert delivered["name"] == "department"
    body = json.loads(plant.receiver.bodies()[delivered["report"]])
    assert body["type"] == "incident.opened"
    alarm = [a for a in body["data"]["alarms"] if a["class"] == "limit"][0]
    assert alarm["limit"] == "mill/outfall/COD/limit-high"
    assert alarm["peak"] == "187.5" and alarm["unit"] == "mg/l" and alarm["state"] == "raised"
    assert alarm["origin"] == "QCVN 40:2011/BTNMT, cột B"
    channel = body["data"]["channels"][0]
    assert channel["channel"] == "COD" and channel["quality"] == "good"
    assert body["data"]["site"]["title"] == "Nhà máy giấy"
    assert body["data"]["log"]["seq"] == opened["seq"]
    plant.device.set(COD=50)
    wait_for(plant, mark, "alarm.cleared", **{"class": "limit"})
    ended = wait_for(plant, mark, "incident.ended")
    assert ended["incident"] == ident
    plant.until(lambda: "incident.ended" in plant.receiver.types(ident), "the end has arrived")
    types = plant.receiver.types(ident)
    assert types[0] == "incident.opened" and types[-1] == "incident.ended"
    assert set(types[1:-1]) <= {"incident.updated"}


@pytest.mark.skipif(HAS_JOURNAL, reason="a journal takes the sentences")
def test_sentences_on_stderr_where_no_journal_listens(plant):
    log = plant.log()
    assert "<4>mill/outfall/COD is at 187.5 mg/l (value), above its limit of 150 mg/l, " \
        "QCVN 40:2011/BTNMT, cột B. Close the gate." in log
    assert "<2>Liquid waste incident of class limit at mill has begun" in log


def test_warnings_open_nothing(plant):
    mark = last(plant)
    plant.device.set(COD=120)
    raised = wait_for(plant, mark, "alarm.raised", **{"class": "warning"})
    assert "incident" not in raised
    plant.device.set(COD=50)
    wait_for(plant, mark, "alarm.cleared", **{"class": "warning"})
    assert not since(plant, mark, "incident.opened")


def test_kinds_are_separate_incidents(plant):
    mark = last(plant)
    plant.device.set(COD=200, SO2=600)
    ids = {wait_for(plant, mark, "incident.opened", kind=kind)["incident"]
           for kind in ("liquid", "gas")}
    assert len(ids) == 2
    plant.device.set(COD=50)
    liquid = wait_for(plant, mark, "incident.ended", kind="liquid")
    assert not since(plant, mark, "incident.ended")[1:], "the gas goes on"
    plant.device.set(SO2=100)
    gas = wait_for(plant, mark, "incident.ended", kind="gas")
    assert {liquid["incident"], gas["incident"]} == ids
    plant.until_quiet()
    for report in plant.receiver.reports():
        if report["data"]["incident"]["id"] == gas["incident"]:
            assert {a["limit"] for a in report["data"]["alarms"]} == {"mill/stack/SO2/limit-high"}


def test_a_rising_class_is_told_at_once(plant):
    """report-interval is 1 s; the emergency comes sooner than that after the opening."""
    mark = last(plant)
    plant.device.set(COD=200)
    opened = wait_for(plant, mark, "incident.opened")
    plant.device.set(COD=400)
    raised = wait_for(plant, mark, "alarm.raised", **{"class": "emergency"})
    updated = wait_for(plant, mark, "incident.updated", reason="its class has risen")
    assert updated["seq"] == raised["seq"] + 1 and updated["time"] == raised["time"]
    assert updated["class"] == "emergency" and updated["incident"] == opened["incident"]
    plant.device.set(COD=50)
    assert wait_for(plant, mark, "incident.ended")["class"] == "emergency"


def test_alarms_join_one_incident(plant):
    mark = last(plant)
    plant.device.set(COD=200)
    opened = wait_for(plant, mark, "incident.opened")
    plant.device.set(NH4=50, pH=4)
    for channel in ("NH4", "pH"):
        assert wait_for(plant, mark, "alarm.raised", channel=channel)["incident"] == \
            opened["incident"]
    plant.device.set(**NORMAL)
    wait_for(plant, mark, "incident.ended")
    assert len(since(plant, mark, "incident.opened")) == 1
    row = plant.query("SELECT n_alarms, first_out, state FROM incident WHERE id = ?",
                      opened["incident"])[0]
    assert row[1:] == ("mill/outfall/COD/limit-high", "ended")
    assert row[0] == 3  # COD, NH4, pH; the warning came before it opened


@pytest.mark.parametrize("name, value, text", [
    ("COD", 12.25, "12.25"), ("pH", 6.5, "6.5"), ("NH4", 0.125, "0.125"),
    ("Reads", 3000000001, "3000000001"), ("SO2", 123.4, "123.4")])
def test_byte_orders_are_decoded(plant, name, value, text):
    plant.device.set(**{name: value})
    path = f"mill/{'stack' if name == 'SO2' else 'outfall'}/{name}"
    plant.until(lambda: plant.channel(path).get("value") == text, f"{path} shows {text}")


@pytest.mark.parametrize("name, bad", [("COD", float("nan")), ("COD", 5000.0), ("pH", -3.0)])
def test_values_that_are_none_neither_raise_nor_clear(plant, name, bad):
    mark = last(plant)
    plant.device.set(SO2=600)  # an alarm of another channel, so that time can be seen to pass
    wait_for(plant, mark, "incident.opened", kind="gas")
    plant.device.set(**{name: bad})
    lost = wait_for(plant, mark, "measurement.lost", channel=name)
    assert lost["reason"] in ("not a number", "out of range")
    assert not since(plant, mark, "alarm.raised")[1:]
    plant.device.set(COD=200)
    if name == "COD":
        wait_for(plant, mark, "measurement.restored", channel="COD")
        wait_for(plant, mark, "alarm.raised", channel="COD", **{"class": "limit"})
        plant.device.set(COD=bad)
        wait_for(plant, mark + 5, "measurement.lost", channel="COD")
        assert not since(plant, mark, "alarm.cleared"), "not measured is not in order"


def test_a_device_that_goes_and_comes(plant):
    mark = last(plant)
    plant.device.set(COD=200)
    opened = wait_for(plant, mark, "incident.opened")
    port = plant.device.port
    plant.device.close()
    for name in NORMAL:
        lost = wait_for(plant, mark, "measurement.lost", channel=name)
        assert lost["reason"] in ("link is down", "no answer in time")
    assert wait_for(plant, mark, "measurement.lost", channel="COD")["incident"] == \
        opened["incident"]
    assert not since(plant, mark, "alarm.cleared", "incident.ended")
    plant.until(lambda: "is not being measured" in plant.command("status").stdout,
                "the status says it")
    plant.device = Pymodbus(port)
    for name in NORMAL:
        wait_for(plant, mark, "measurement.restored", channel=name)
    wait_for(plant, mark, "incident.ended")


def test_bodies_keep_to_the_schema(plant):
    jsonschema = pytest.importorskip("jsonschema")
    path = ROOT / "conf" / "schema" / "report.schema.json"
    if not path.exists():
        pytest.skip("no conf/schema/report.schema.json")
    schema = json.loads(path.read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    reports = plant.receiver.reports()
    assert {r["type"] for r in reports} == {"incident.opened", "incident.updated",
                                            "incident.ended"}
    for report in reports:
        validator.validate(report)


def test_stored_byte_for_byte_and_told_once(plant):
    check_all_told(plant)


def public_pem(plant, path):
    """The whpk_ key as openssl wants it: RFC 8410 puts 12 bytes before the 32."""
    raw = base64.b64decode((plant.dir / "public-key").read_text().strip().removeprefix("whpk_"))
    der = bytes.fromhex("302a300506032b6570032100") + raw
    path.write_text("-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(der).decode() +
                    "\n-----END PUBLIC KEY-----\n")
    return hashlib.sha256(raw).hexdigest()[:8]


def openssl_verify(pem, signature, data, tmp_path):
    (tmp_path / "signature").write_bytes(signature)
    (tmp_path / "data").write_bytes(data)
    return subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", pem, "-rawin",
                           "-sigfile", tmp_path / "signature", "-in", tmp_path / "data"],
                          capture_output=True, check=False).returncode == 0


def test_chain_and_signed_head(plant, tmp_path):
    last_hash = plant.check_chain()
    n = len(plant.entries())
    (seq, digest, note, signature), = plant.query("SELECT seq, hash, note, signature FROM head")
    if seq == n:  # nothing came in between
        assert digest.hex() == last_hash
    key_id = public_pem(plant, tmp_path / "public.pem")
    lines = note.split("\n")
    assert lines[0] == "test-cluster" and lines[1] == str(seq) and lines[2] == digest.hex()
    assert lines[4] == key_id and lines[5:] == [""]
    assert openssl_verify(tmp_path / "public.pem", signature, note.encode(), tmp_path)
    assert not openssl_verify(tmp_path / "public.pem", signature,
                              note.replace(lines[1], str(seq + 1), 1).encode(), tmp_path)


def test_every_report_carries_its_entry_signed(plant, tmp_path):
    """What an inspector needs to hold a report against the record: number, hash, signature."""
    key_id = public_pem(plant, tmp_path / "public.pem")
    (log_id,), = plant.query("SELECT value FROM meta WHERE key = 'log_id'")
    rows = dict(plant.query("SELECT seq, hash FROM entry"))
    reports = plant.receiver.reports()
    assert reports
    for report in reports:
        log = report["data"]["log"]
        assert (log["origin"], log["id"], log["key_id"]) == ("test-cluster", log_id, key_id)
        assert rows[log["seq"]].hex() == log["hash"]
        assert rows.get(log["seq"] - 1, bytes(32)).hex() == log["prev_hash"]
        lines = log["head"].split("\n")
        assert lines[:3] == ["test-cluster", str(log["seq"]), log["hash"]]
        assert lines[4:] == [key_id, ""]
        signature = base64.b64decode(log["signature"])
        assert openssl_verify(tmp_path / "public.pem", signature, log["head"].encode(), tmp_path)
        assert not openssl_verify(tmp_path / "public.pem", signature,
                                  log["head"].replace(log["hash"], log["prev_hash"]).encode(),
                                  tmp_path)


class Recorder:
    """An HTTP server that keeps requests as they are and says 200."""

    def __init__(self):
        import http.server
        outer, self.requests = self, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.requests.append((dict(self.headers.items()), body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def test_signatures_verify_with_other_code_and_secrets_stay_home(tmp_path):
    recorder = Recorder()
    with Plant(Device(), destinations=[("department", recorder.url, "limit")]) as plant:
        plant.start("core", "poller", "sender")
        plant.device.set(COD=200)
        until(lambda: recorder.requests, "a request", say=plant.logs)
        plant.device.set(COD=50)
        plant.until_quiet()
        check_signatures(plant, recorder, tmp_path)
        check_secrets(plant, recorder)
        assert plant.command("show", plant.entries("incident.opened")[0]["incident"],
                             "--json").returncode == 0
    recorder.close()


def check_signatures(plant, recorder, tmp_path):
    secret = (plant.credentials / "department-secret").read_text().strip()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    public_pem(plant, tmp_path / "public.pem")
    stored = dict(plant.query("SELECT webhook_id, body FROM outbox"))
    for headers, body in recorder.requests:
        headers = {name.lower(): value for name, value in headers.items()}
        ident = headers["webhook-id"]
        assert stored[ident].encode() == body
        assert headers["content-type"] == "application/json"
        signed = f"{ident}.{headers['webhook-timestamp']}.".encode() + body
        given = dict(part.split(",") for part in headers["webhook-signature"].split(" "))
        assert set(given) == {"v1", "v1a"}
        wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert given["v1"] == wanted
        assert openssl_verify(tmp_path / "public.pem", base64.b64decode(given["v1a"]), signed,
                              tmp_path)


def check_secrets(plant, recorder):
    """Neither as text nor as bytes nor as hexadecimal, in any place that others can read."""
    needles = set()
    for path in plant.credentials.iterdir():
        text = path.read_text().strip().split("_", 1)[1]
        raw = base64.b64decode(text)
        needles |= {text.encode(), raw, raw.hex().encode(), raw[:16], text[:20].encode()}
        assert path.stat().st_mode & 0o077 == 0
    assert len(needles) == 10
    places = {}
    for name, process in plant.processes.items():
        for what in ("cmdline", "environ"):
            places[f"{name} {what}"] = pathlib.Path(f"/proc/{process.pid}/{what}").read_bytes()
    for directory in (plant.state, plant.run):
        for path in directory.iterdir():
            if path.is_file():
                places[str(path)] = path.read_bytes()
    places.update({str(path): path.read_bytes() for path in plant.dir.glob("*.log")})
    places["requests"] = repr(recorder.requests).encode()
    for command in ("status", "incidents"):
        done = plant.command(command, "--json")
        places[command] = (done.stdout + done.stderr).encode()
    assert any(path.endswith("record.db") for path in places)
    assert any(path.endswith("status.json") for path in places)
    for place, content in places.items():
        for needle in needles:
            assert needle not in content, place
