# SPDX-License-Identifier: Apache-2.0
"""What either side has lost is seen by the other: lost reports, a record set back, clocks.

Real programs and the reference receiver; a receiver's loss is a deleted file, a rollback a copied
state directory, a wrong clock the receiver's own.
"""

import http.server
import json
import shutil
import threading

import pytest

from bus import Bus
from plant import Device, Plant

ODD = [
    b"", b"ok", b"[]", b"null", b"{}", b"\0" * 100, b"\xff\xfe" * 500,
    b'{"last_seq":9007199254740991}',
    b'{"last_seq":99999999999999999999,"last_hash":"' + b"0" * 64 + b'"}',
    b'{"last_seq":-1,"last_hash":"' + b"0" * 64 + b'"}',
    b'{"last_seq":1e9,"last_hash":"' + b"0" * 64 + b'"}',
    b'{"last_seq":"1","last_hash":"' + b"0" * 64 + b'"}',
    b'{"last_seq":5,"last_hash":"' + b"0" * 63 + b'g"}',
    b'{"last_seq":5,"last_seq":6,"last_hash":"' + b"0" * 64 + b'"}',
    b'{"last_seq":5,"last_hash":"' + b"0" * 64 + b'","x":{"deep":[' + b"[" * 200 + b"]}}",
    b'{"last_seq":5,"last_hash":"' + b"0" * 64 + b'"' + b" " * 2000 + b"}",  # beyond 1 KiB
]


@pytest.fixture(name="plant")
def fixture_plant():
    with Plant(Device(), incident_clear="1s", report_interval="1s") as plant:
        yield plant


def spill(plant, value=200):
    """An incident from its first report to its last; returns its id."""
    n = len(plant.entries("incident.opened"))
    plant.device.set(COD=value)
    incident = plant.until_entry("incident.opened", n + 1)["incident"]
    plant.device.set(COD=50)
    plant.until_entry("incident.ended", incident=incident)
    return incident


def until_all_sent(plant):
    plant.until(lambda: all(state == "sent" for _, state, _ in plant.outbox()), "all is sent")


def anchor(plant):
    (found,) = plant.status().get("anchors") or [{}]
    return found


def check_same_set(plant):
    """The receiver holds what the record has sent, each with its bytes."""
    held = plant.receiver.bodies()
    sent = {ident: body.encode() for ident, body in
            plant.query("SELECT webhook_id, body FROM outbox")}
    assert held == sent


def test_agreed_is_kept_and_shown(plant):
    plant.start()
    spill(plant)
    until_all_sent(plant)
    plant.until(lambda: anchor(plant).get("state") == "agreed", "the receiver agrees")
    shown = plant.until(lambda: plant.status() if plant.status()["anchors"][0]["seq"] ==
                        plant.receiver.reports()[-1]["data"]["log"]["seq"] else None,
                        "the last report's entry is confirmed")
    log = plant.receiver.reports()[-1]["data"]["log"]
    seen = shown["anchors"][0]
    assert (seen["hash"], seen["log_id"]) == (log["hash"], log["id"])
    assert shown["anchored"] and not seen["unseen"] and not seen["clock_differs"]
    assert not plant.entries("anchor.agreed"), "agreement at the first time is no news"
    plant.stop()
    plant.start("core", "poller", "sender")
    assert anchor(plant)["seq"] == seen["seq"], "it is known after a restart"


def test_w15_accepted_and_lost_at_once(plant):
    """W15: 200, and nothing is kept: seen by the first answer, sent again, there in the end."""
    plant.receiver.start("--lose", "1")
    plant.start("core", "poller", "sender")
    spill(plant)
    behind = plant.until_entry("anchor.behind", name="department")
    assert behind["department_seq"] == 0
    plant.until_entry("anchor.agreed", name="department")
    until_all_sent(plant)
    check_same_set(plant)
    assert plant.log("department").count("lost, as told") == 1


def test_w15_receiver_restored_from_a_backup(plant):
    """W15: what was confirmed is gone; the next answer shows it, and the lost are sent again."""
    plant.start()
    spill(plant)
    until_all_sent(plant)
    kept = set(plant.receiver.bodies())
    spill(plant)
    until_all_sent(plant)
    plant.stop("department")
    lost = set(plant.receiver.bodies()) - kept
    assert len(lost) >= 2
    for ident in lost:
        (plant.receiver.store / f"{ident}.json").unlink()
    plant.receiver.start()
    spill(plant)
    plant.until_entry("anchor.behind", name="department")
    plant.until_entry("anchor.agreed", name="department")
    until_all_sent(plant)
    check_same_set(plant)
    assert lost <= set(plant.receiver.bodies()), "with the same ids"
    assert len(plant.entries("anchor.behind")) == 1


def test_w15_no_loop_with_one_that_never_keeps_anything(plant):
    """W15: a receiver that says 200 for ever and keeps nothing gets each report once more, no
    oftener."""
    plant.receiver.start("--lose", "1000000")
    plant.start("core", "poller", "sender")
    spill(plant)
    plant.until_entry("anchor.behind")
    plant.until(lambda: plant.query("SELECT 1 FROM anchor WHERE round_ms > 0"), "a round")
    spill(plant)
    until_all_sent(plant)
    plant.until(lambda: plant.query("SELECT 1 FROM anchor WHERE again_from < again_to"),
                "the next round waits for its hour")
    times = {}
    for line in plant.receiver.index():
        times[line["id"]] = times.get(line["id"], 0) + 1
    assert max(times.values()) <= 2, times
    assert len(plant.entries("anchor.behind")) == 1
    assert plant.receiver.bodies() == {}


def restored(plant):
    """Stop, go back to a copy of the state directory that was made before the last incident."""
    plant.start()
    spill(plant)
    until_all_sent(plant)
    plant.stop()
    copy = plant.dir / "copy"
    shutil.copytree(plant.state, copy)
    plant.start("core")
    plant.until_good("mill/outfall/COD")
    spill(plant)
    until_all_sent(plant)
    plant.stop()
    before = {path.stem: json.loads(path.read_bytes()) for path in
              plant.receiver.store.glob("*.json")}
    shutil.rmtree(plant.state)
    copy.rename(plant.state)
    plant.start("core")
    plant.until_good("mill/outfall/COD")
    return before


def numbers(bodies):
    """{(chain, number): {hash, …}} of what the receiver holds."""
    found = {}
    for report in bodies:
        log = report["data"]["log"]
        found.setdefault((log["id"], log["seq"]), set()).add(log["hash"])
    return found


def test_s11_state_directory_restored(plant):
    """S11: the department holds more than the restored record: it is said, the chain goes on
    under another id, what was refused is said again, no number stands for two entries."""
    before = restored(plant)
    (old_id,) = {report["data"]["log"]["id"] for report in before.values()}
    highest = max(report["data"]["log"]["seq"] for report in before.values())
    incident = spill(plant)
    found = plant.until(lambda: plant.entries("anchor.ahead", "anchor.conflict"), "it is said")[0]
    assert found["name"] == "department"
    (new_id,), = plant.query("SELECT value FROM meta WHERE key = 'log_id'")
    assert new_id != old_id and new_id in found["reason"]
    until_all_sent(plant)
    plant.until_entry("anchor.agreed", name="department")
    held = {path.stem: json.loads(path.read_bytes()) for path in
            plant.receiver.store.glob("*.json")}
    assert {k: held[k] for k in before} == before, "what was held stays"
    assert all(len(hashes) == 1 for hashes in numbers(held.values()).values())
    # each report of the incident is there, whatever was refused on the way
    types = [r["type"] for r in held.values() if r["data"]["incident"]["id"] == incident]
    assert sorted(types)[0] == "incident.ended" and "incident.opened" in types
    for _, ident in ((r, i) for i, r in held.items() if i not in before):
        assert ident.startswith(held[ident]["data"]["log"]["id"] + "-")
    # until somebody has seen it
    status = plant.until(lambda: plant.status() if anchor(plant).get("unseen") else None, "unseen")
    assert not status["anchored"] and status["log_id"] == new_id
    told = plant.command("status")
    assert told.returncode == 4 and "HOLDS ANOTHER RECORD" in told.stdout
    spill(plant)
    until_all_sent(plant)
    assert len(plant.entries("anchor.ahead")) + len(plant.entries("anchor.conflict")) == 1
    assert highest  # it was ahead of the copy
    plant.stop()
    plant.start("core")
    plant.until_good("mill/outfall/COD")
    assert anchor(plant)["unseen"] and plant.status()["log_id"] == new_id
    plant.check_chain()
    plant.stop()
    verified = plant.command("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    with Bus() as bus:
        plant.options["bus"] = bus.address
        plant.start("core")
        plant.until(bus.has_core, "it is on the bus")
        done = plant.command("record", "seen", "--reason", "restored by me", "--bus", bus.address)
        assert done.returncode == 0, done.stderr
        assert plant.until_entry("anchor.seen", name="department", reason="restored by me")["user"]
        plant.until(lambda: plant.status().get("anchored"), "a person has seen it")
        assert not anchor(plant)["unseen"]
        assert plant.command("record", "seen", "--bus", bus.address).returncode == 1
        plant.stop()


def test_s11_restored_twice_within_an_hour(plant):
    """S11: a machine of snapshots: set back, and set back again to a copy that knows of the first
    time. The receiver shows what this key has signed, so the chain has a new id again, and the
    emergency after the second time arrives."""
    restored(plant)
    spill(plant)
    until_all_sent(plant)
    plant.until_entry("anchor.agreed", name="department")
    second = plant.status()["log_id"]
    plant.stop("core")
    shutil.copytree(plant.state, plant.dir / "second")
    plant.start("core")
    plant.until_good("mill/outfall/COD")
    spill(plant)
    spill(plant)
    until_all_sent(plant)
    plant.stop("core")
    shutil.rmtree(plant.state)
    (plant.dir / "second").rename(plant.state)
    plant.start("core")
    plant.until_good("mill/outfall/COD")
    incident = spill(plant, 900)
    until_all_sent(plant)
    third = plant.status()["log_id"]
    reports = [json.loads(body) for body in plant.receiver.bodies().values()]
    told = [r for r in reports if r["data"]["incident"]["id"] == incident]
    assert any(r["data"]["incident"]["class"] == "emergency" for r in told)
    assert {r["data"]["log"]["id"] for r in reports} >= {second, third} and second != third
    assert all(len(hashes) == 1 for hashes in numbers(reports).values())
    assert not plant.query("SELECT 1 FROM outbox WHERE state = 'held'")
    plant.check_chain()


def test_an_old_proof_shown_again_begins_no_chain(plant):
    """S11: a branch that was left once proves nothing of the chain that came after it."""
    before = restored(plant)
    last = max((report["data"]["log"] for report in before.values()), key=lambda log: log["seq"])
    spill(plant)
    until_all_sent(plant)
    plant.stop("department")
    second = plant.status()["log_id"]
    shown = json.dumps({"last_seq": 10**6, "last_hash": last["hash"],
                        "last_time": last["head"].split("\n")[3],
                        "last_signature": last["signature"]}).encode()
    genuine = shown.replace(b"1000000", b"%d" % last["seq"])
    odd = Odd(plant.receiver.port, [shown, genuine] * 4)
    try:
        while odd.left:
            spill(plant)
            until_all_sent(plant)
    finally:
        odd.close()
    assert plant.status()["log_id"] == second


def test_s11_restored_and_run_past_the_department(plant):
    """S11: by the time it can send again it has more entries than the department saw: the hash
    tells."""
    plant.start()
    spill(plant)
    until_all_sent(plant)
    plant.stop()
    copy = plant.dir / "copy"
    shutil.copytree(plant.state, copy)
    plant.start("core")
    plant.until_good("mill/outfall/COD")
    spill(plant)
    until_all_sent(plant)
    plant.stop()
    highest = max(r["data"]["log"]["seq"] for r in plant.receiver.reports())
    plant.stop("department")
    shutil.rmtree(plant.state)
    copy.rename(plant.state)
    plant.start("core")
    plant.until_good("mill/outfall/COD")
    while len(plant.entries()) <= highest + 1:
        spill(plant)
    plant.receiver.start()
    # what waits is due again when the configuration is read anew
    plant.reload()
    found = plant.until_entry("anchor.conflict", name="department")
    assert found["department_seq"] == highest
    until_all_sent(plant)
    reports = [json.loads(body) for body in plant.receiver.bodies().values()]
    assert all(len(hashes) == 1 for hashes in numbers(reports).values())
    plant.check_chain()


def test_t2_clock_beyond_what_the_receiver_bears(plant):
    """T2: refused for its time stamp: said with the difference, not held, and delivered when the
    clocks are together again."""
    plant.receiver.start("--clock", "600")
    plant.start("core", "poller", "sender")
    spill(plant)
    differs = plant.until_entry("clock.differs", name="department")
    assert 590 < differs["seconds"] < 610
    plant.until(lambda: any(attempts > 1 for _, _, attempts in plant.outbox()), "tried again")
    assert {state for _, state, _ in plant.outbox()} == {"pending"}
    assert not plant.entries("report.held")
    status = plant.until(lambda: plant.status() if anchor(plant).get("clock_differs") else None,
                         "it is shown")
    assert not status["anchored"]
    told = plant.command("status")
    assert told.returncode == 4 and "so it refuses reports" in " ".join(told.stdout.split())
    plant.stop("department")
    plant.receiver.start()
    plant.reload()
    plant.until_entry("anchor.agreed", name="department")
    until_all_sent(plant)
    check_same_set(plant)
    plant.until(lambda: plant.status().get("anchored"), "all is well")


@pytest.mark.parametrize("seconds", [-150, 150])
def test_t2_clock_that_will_soon_be_beyond(plant, seconds):
    """T2: said before anything is refused; nothing is wrong yet."""
    plant.receiver.start("--clock", str(seconds))
    plant.start("core", "poller", "sender")
    spill(plant)
    differs = plant.until_entry("clock.differs", name="department")
    assert abs(differs["seconds"] - seconds) < 10
    until_all_sent(plant)
    plant.until(lambda: anchor(plant).get("clock_differs"), "it is shown")
    assert plant.status()["anchored"]
    assert len(plant.entries("clock.differs")) == 1


class Odd:
    """A receiver that says 200 and a body of the test's choosing, one after the other."""

    def __init__(self, port, bodies):
        self.left = list(bodies)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                body = outer.left.pop(0) if outer.left else b"ok"
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def test_odd_answers_are_no_information(plant):
    """W8: whatever stands in a body, 2xx is 2xx and nothing else follows from it."""
    odd = Odd(plant.receiver.port, ODD)
    try:
        plant.start("core", "poller", "sender")
        while odd.left:
            spill(plant)
            until_all_sent(plant)
    finally:
        odd.close()
    assert not plant.entries("anchor.behind", "anchor.ahead", "anchor.conflict", "anchor.agreed")
    assert not plant.query("SELECT 1 FROM anchor WHERE seq > 0 OR unseen OR said <> 'unknown'")
    assert plant.status()["anchored"]


def test_a_liar_is_bounded(plant):
    """Heads that lie: one new chain, one entry, and reports go on being delivered."""
    lies = [b'{"last_seq":%d,"last_hash":"%s"}' % (10**9 + n, b"%064x" % n) for n in range(12)]
    odd = Odd(plant.receiver.port, lies)
    try:
        plant.start("core", "poller", "sender")
        while odd.left:
            spill(plant)
            until_all_sent(plant)
    finally:
        odd.close()
    assert len(plant.entries("anchor.ahead")) == 1
    ids = {ident.split("-")[0] for ident, _, _ in plant.outbox()}
    assert len(ids) == 2, "one new chain a day, whatever is said"
    plant.check_chain()


def test_a_sign_of_life_is_delivered(plant):
    """Heartbeats of a running service: delivered, judged by the schema, with what it knows."""
    path = plant.config / "wastewatch.yaml"
    path.write_text(path.read_text().replace("min-class: limit", "min-class: limit, heartbeat: 1s"))
    plant.start()
    found = plant.until(lambda: [r for r in plant.receiver.reports() if r["type"] == "heartbeat"],
                        "a heartbeat")[0]
    health = found["data"]["health"]
    assert health["channels"] == 5 and health["incidents"] == []
    assert health["disk_free_bytes"] > 0 and health["reports_waiting"] >= 0
    entry = plant.until_entry("report.heartbeat")
    assert found["data"]["log"]["seq"] == entry["seq"]
    plant.until(lambda: anchor(plant).get("state") == "agreed", "the receiver has the head")
