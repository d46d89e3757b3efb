# SPDX-License-Identifier: Apache-2.0
"""What sensors say when they are broken, being calibrated, or just at a limit: poller to receiver.

One device, one core. Every register is set by its bits, so that what the device sends is no
encoder's opinion.
"""

import json
import os
import re
import struct
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from plant import Device, Plant, Receiver  # noqa: E402

INVALID, RANGE = "not a number", "out of range"
WIDE = "[-1.0e+25, 1.0e+25]"
FLOATS = {
    # bits of a float32, bits of a float64: the value, or what is wrong
    "quiet-nan": (0x7fc00000, 0x7ff8000000000000, INVALID),
    "signalling-nan": (0x7fa00000, 0x7ff0000000000001, INVALID),
    "nan-with-all-ones": (0xffffffff, 0xffffffffffffffff, INVALID),
    "infinity": (0x7f800000, 0x7ff0000000000000, INVALID),
    "minus-infinity": (0xff800000, 0xfff0000000000000, INVALID),
    "minus-zero": (0x80000000, 0x8000000000000000, 0.0),
    "denormal": (0x00000001, 0x0000000000000001, 0.0),
    "greatest": (0x7f7fffff, 0x7fefffffffffffff, RANGE),
    "least": (0xff7fffff, 0xffefffffffffffff, RANGE),
}
BITS = {"int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "int32": 32, "uint32": 32, "int64": 64,
        "uint64": 64, "float32": 32, "float64": 64}


class Channel:
    """A value in registers of its own; what is no good value has limits that it must not break."""

    def __init__(self, name, kind, bits, want, options=""):
        self.name, self.kind, self.bits, self.want, self.options = name, kind, bits, want, options
        self.words = max(1, BITS[kind] // 16)
        self.address = 0

    def put(self, device, address):
        self.address = address
        words = struct.unpack(f">{self.words}H", self.bits.to_bytes(2 * self.words, "big"))
        device.tables[3][address:address + self.words] = words

    def line(self):
        return (f"      - {{name: {self.name}, from: u, address: {self.address}, type: {self.kind}, "
                f"range: {WIDE}, lost-after: 1s{self.options}}}\n")

    def limits(self):
        if isinstance(self.want, float) and self.want != 0:
            return ""
        return "".join(f"      - {{channel: {self.name}, name: {side}, class: limit, {side}: "
                       f"{bound}, origin: none, clear-delay: 0s}}\n"
                       for side, bound in (("high", 1), ("low", -1)))


def channels():
    for what, (short, wide, want) in FLOATS.items():
        yield Channel(f"float32-{what}", "float32", short, want)
        yield Channel(f"float64-{what}", "float64", wide, want)
    for kind, n in BITS.items():
        if kind.startswith("float"):
            continue
        for code in (1 << (n - 1), (1 << n) - 1):  # 0x8000, 0xFFFF and their like
            signed = code - (1 << n) if kind.startswith("int") else code
            byte = ", byte: low" if n == 8 else ""
            yield Channel(f"{kind}-{code:x}", kind, code, float(signed), byte)
            yield Channel(f"{kind}-{code:x}-invalid", kind, code, INVALID,
                          f"{byte}, invalid: [0x{code:X}]")


# the registers that tests change
STATUS, CALIBRATED, TENTHS, HUNDREDTHS, SPIKE, RIVER, SWAPPED = 900, 901, 902, 903, 904, 905, 906
SOURCE = """\
  - name: others
    kind: liquid
    channels:
      - {{name: calibrated, from: u, address: 901, type: uint16, range: [0, 1000],
         states: [status], lost-after: 60s}}
      - {{name: tenths, from: u, address: 902, type: uint16, scale: 0.1, range: [0, 1000]}}
      - {{name: hundredths, from: u, address: 903, type: uint16, scale: 0.01, range: [0, 14]}}
      - {{name: spike, from: u, address: 904, type: uint16, range: [0, 1000], max-rate: 60,
         lost-after: 60s}}
      - {{name: swapped, from: u, address: 906, type: float32, order: CDAB, range: [0, 1000],
         lost-after: 1s}}
    limits:
      - {{channel: calibrated, class: limit, high: 100, origin: permit, clear-delay: 0s}}
      - {{channel: tenths, class: limit, high: 0.3, origin: permit, clear-delay: 0s}}
      - {{channel: hundredths, class: limit, low: 6.55, origin: permit, clear-delay: 0s}}
      - {{channel: spike, class: limit, high: 100, origin: permit, clear-delay: 0s}}
      - {{channel: swapped, class: limit, high: 100, origin: permit, clear-delay: 0s}}
"""
SITE = """\
site: {site}
links: [{{name: l, tcp: "127.0.0.1:{port}", backoff: [50ms, 300ms]}}]
units:
  - name: u
    link: l
    id: 1
    interval: 200ms
    timeout: 150ms
    states:
      - name: status
        address: 900
        type: uint16
        rules: [{{mask: 1, quality: calibrating}}, {{mask: 2, quality: maintenance}}]
sources:
{sources}  - name: river
    kind: liquid
    channels:
      - {{name: COD, from: u, address: 905, type: uint16, range: [0, 1000], unit: mg/l}}
    limits:
      - {{channel: COD, class: limit, high: {bound}, origin: "{origin}", clear-delay: 0s}}
"""
SITES = {"upstream": (150, "QCVN 40:2011/BTNMT"), "downstream": (100, "GB 8978-1996")}


class Registers(Device):
    """A device whose registers are set one by one."""

    def __init__(self):
        super().__init__()
        self.tables = {3: [0] * 1000, 4: [0] * 1000}

    def put(self, address, *words):
        with self.lock:
            self.tables[3][address:address + len(words)] = words


@pytest.fixture(scope="module", name="plant")
def make_plant():
    device, broken, address = Registers(), list(channels()), 100  # below, Device counts reads
    sources = "  - name: broken\n    kind: liquid\n    channels:\n"
    for channel in broken:
        channel.put(device, address)
        address += channel.words
        sources += channel.line()
    sources += "    limits:\n" + "".join(c.limits() for c in broken) + SOURCE.format()
    device.put(CALIBRATED, 5, 0, 700, 50, 50)
    device.put(SWAPPED, *struct.unpack(">2H", struct.pack(">f", 148.5)))
    with Plant(device) as plant:
        url = Receiver(plant, "neighbour")
        plant.configure(destinations=[("department", plant.receiver.url, "limit"),
                                      ("neighbour", url.url, "limit")])
        for site, (bound, origin) in SITES.items():
            text = SITE.format(site=site, port=device.port, bound=bound, origin=origin,
                               sources=sources if site == "upstream" else "")
            (plant.config / "sites.d" / f"{site}.yaml").write_text(text, encoding="utf-8")
        (plant.config / "sites.d" / "mill.yaml").unlink()
        plant.keygen()
        plant.broken, plant.neighbour, plant.began_s = broken, url, time.time()
        url.start()
        plant.receiver.start()
        plant.start_core()
        plant.start_poller()
        plant.start_sender()
        plant.until_good("upstream/river/COD")
        plant.until_good("downstream/river/COD")
        yield plant


def until_shown(plant, name, value):
    plant.until(lambda: plant.channel(name).get("value") == value, f"{name} is {value}")


def alarms(plant, channel):
    return [(e["type"], e["value"]) for e in plant.entries("alarm.raised", "alarm.cleared")
            if e["channel"] == channel]


def no_constant(text):
    raise AssertionError(f"{text} in JSON")


def is_told(plant, channel):
    seen = plant.channel(f"upstream/broken/{channel.name}")
    if isinstance(channel.want, float):
        return seen.get("quality") == "good"
    return seen.get("quality") == channel.want and seen.get("lost")


# faults: D1
def test_what_is_no_number_is_no_value(plant):
    plant.until(lambda: all(is_told(plant, c) for c in plant.broken), "all are told apart")
    status = json.loads((plant.run / "status.json").read_text(), parse_constant=no_constant)
    seen = {c["channel"]: c for c in status["channels"]}
    for channel in plant.broken:
        shown = seen[f"upstream/broken/{channel.name}"]
        if isinstance(channel.want, float):
            assert float(shown["value"]) == pytest.approx(channel.want, rel=1e-9, abs=1e-9)
            assert not shown["value"].startswith("-0"), shown
        else:
            assert "value" not in shown and "mean_1min" not in shown, shown
            if channel.want == INVALID:
                assert "raw" not in shown, shown
            else:  # what the instrument says is still to be seen
                assert abs(float(shown["raw"])) > 1e38, shown
            assert not alarms(plant, channel.name)
    lost = {e["channel"]: e for e in plant.entries("measurement.lost")}
    for channel in plant.broken:
        assert (channel.name in lost) == (not isinstance(channel.want, float)), channel.name


# faults: M10
def test_words_in_the_wrong_order_are_out_of_range(plant):
    """148.5 with its registers swapped is no value of this instrument, and no alarm."""
    name = "upstream/others/swapped"
    plant.until(lambda: plant.channel(name).get("lost"), "it is lost")
    assert plant.channel(name)["quality"] == RANGE
    assert "value" not in plant.channel(name)
    assert not alarms(plant, "swapped")


# faults: D5
def test_calibration_is_an_entry_and_no_incident(plant):
    device, name = plant.device, "upstream/others/calibrated"
    until_shown(plant, name, "5")
    for bit, word in ((1, "calibrating"), (2, "maintenance")):
        device.put(STATUS, bit, 500)
        plant.until(lambda w=word: plant.channel(name).get("quality") == w, word)
        plant.until(lambda: plant.channel(name).get("raw") == "500", "the value is to be seen")
        assert plant.channel(name)["value"] == "5", "the last good one, and its age"
    device.put(STATUS, 0, 6)
    until_shown(plant, name, "6")
    states = plant.entries("device.state")
    assert states[0]["reason"] == "calibrating" and states[0]["name"] == "upstream/u/status"
    assert states[0]["since"] and not alarms(plant, "calibrated")


# faults: D6
@pytest.mark.parametrize("name, address, steps", [
    # at the limit it stands, a step beyond it is broken, and at the limit it is over
    ("tenths", TENTHS, (("0.2", 2), ("0.3", 3), ("0.4", 4), ("0.3", 3))),
    ("hundredths", HUNDREDTHS, (("6.56", 656), ("6.55", 655), ("6.54", 654), ("6.55", 655))),
])
def test_exactly_at_the_limit(plant, name, address, steps):
    path = f"upstream/others/{name}"
    for i, (text, raw) in enumerate(steps):
        plant.device.put(address, raw)
        until_shown(plant, path, text)
        plant.until(lambda n=max(0, i - 1): len(alarms(plant, name)) >= n, "it is on record")
        assert len(alarms(plant, name)) == max(0, i - 1), (text, alarms(plant, name))
    assert alarms(plant, name) == [("alarm.raised", steps[2][0]), ("alarm.cleared", steps[3][0])]


# faults: D3
def test_a_jump_is_seen_and_not_believed(plant):
    """While it lasts, what the instrument reads and what is made of it are both to be seen."""
    path = "upstream/others/spike"
    until_shown(plant, path, "50")
    seen = []

    def jump():
        plant.device.put(SPIKE, 300 + 300 * (len(seen) % 2))  # wild: never three that agree
        shown = plant.channel(path)
        seen.append(shown)
        return shown.get("quality") == "implausible rate" and shown
    shown = plant.until(jump, "the jump is seen")
    assert shown["value"] == "50" and shown["raw"] in ("300", "600"), shown
    plant.device.put(SPIKE, 50)
    plant.until(lambda: plant.channel(path).get("quality") == "good", "it is over")
    assert not alarms(plant, "spike")


# faults: D7
def test_each_site_and_destination_is_told_by_its_own_limit(plant):
    """Two sites see the same water under laws of their own."""
    plant.device.put(RIVER, 120)
    plant.until_entry("alarm.raised", site="downstream", channel="COD")
    until_shown(plant, "upstream/river/COD", "120")
    plant.device.put(RIVER, 200)
    plant.until_entry("alarm.raised", site="upstream", channel="COD")
    raised = [e for e in plant.entries("alarm.raised") if e["channel"] == "COD"]
    assert [(e["site"], e["value"], e["bound"], e["limit_origin"]) for e in raised] == [
        ("downstream", "120", "100", SITES["downstream"][1]),
        ("upstream", "200", "150", SITES["upstream"][1])]
    plant.device.put(RIVER, 50)
    plant.until_quiet()
    for receiver in (plant.receiver, plant.neighbour):
        told = {}
        for body in receiver.bodies().values():
            data = json.loads(body, parse_constant=no_constant)["data"]
            told.setdefault(data["site"]["name"], set()).update(
                (a["bound"], a["origin"]) for a in data["alarms"] if "/COD/" in a["limit"])
        for site, (bound, origin) in SITES.items():
            assert told[site] == {(str(bound), origin)}, (receiver.name, told)


# faults: D1
def test_minutes_hold_numbers_or_nothing(plant):
    """The last test: meanwhile a whole minute may have passed."""
    paths = {f"upstream/broken/{c.name}": c for c in plant.broken}
    plant.until(lambda: len(plant.query("SELECT DISTINCT channel FROM minutes")) >= len(paths),
                "a minute has ended", 75)
    rows = plant.query("SELECT path, mean, min, max, n FROM minutes JOIN channel "
                       "ON channel.id = minutes.channel")
    assert set(paths) <= {row[0] for row in rows}
    for path, *numbers, n in rows:
        channel = paths.get(path)
        if channel and not isinstance(channel.want, float):
            assert n == 0 and numbers == [None] * 3, path
        elif channel:
            assert n > 0 and all(v == pytest.approx(channel.want, abs=1e-9) for v in numbers), path
    for form in ("--json", "--csv"):
        said = plant.command("means", "upstream/broken/float64-greatest", "--window", "1min", form)
        assert said.returncode == 0 and RANGE in said.stdout, said
        assert not re.search(r"\b(nan|inf|infinity)\b", said.stdout, re.IGNORECASE), said.stdout
    for line, in plant.query("SELECT line FROM entry"):
        json.loads(line, parse_constant=no_constant)
    plant.check_chain()
