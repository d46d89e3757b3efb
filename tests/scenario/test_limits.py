# SPDX-License-Identifier: Apache-2.0
"""wastewatch limits and check: every shipped standard, its Cmax computed here once more from the figures
of the regulations as they are known (a second copy, not the catalogues), and what is said of force and
certainty."""

import decimal
import itertools
import json
import os
import pathlib
import shutil
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("WASTEWATCH_BUILD", "build")
LIMITS = ROOT / "conf" / "limits"
FILES = sorted(LIMITS.glob("*.yaml"))
D = decimal.Decimal
MARKS = {"V", "C", "M"}

# Figures per column, None none; * is not multiplied. QCVN 40:2011 Cmax = C x Kq x Kf.
WASTEWATER = {
    "Temp*": (40, 40), "Color*": (50, 150), "pH*": (9, 9), "BOD5": (30, 50), "COD": (75, 150),
    "TSS": (50, 100), "NH4-N": (5, 10), "TN": (20, 40), "TP": (4, 6), "As": ("0.05", "0.1"),
    "Hg": ("0.005", "0.01"), "Pb": ("0.1", "0.5"), "Cd": ("0.05", "0.1"), "Cr6": ("0.05", "0.1"),
    "Cr3": ("0.2", 1), "Cu": (2, 2), "Zn": (3, 3), "Ni": ("0.2", "0.5"), "Mn": ("0.5", 1),
    "Fe": (1, 5), "CN": ("0.07", "0.1"), "Phenol": ("0.1", "0.5"), "Oil": (5, 10),
    "Sulphide": ("0.2", "0.5"), "Fluoride": (5, 10), "Chloride": (500, 1000),
    "Residual-Cl": (1, 2), "Coliform*": (3000, 5000), "PCB": ("0.003", "0.01"),
}
LIVESTOCK = {"pH*": (9, 9), "BOD5": (40, 100), "COD": (100, 300), "TSS": (50, 150),
             "TN": (50, 150), "Coliform*": (3000, 5000)}
# QCVN 19:2009 Cmax = C x Kp x Kv
EMISSION = {
    "PM": (400, 200), "PM-silica": (50, 50), "NH3": (76, 50), "Sb": (20, 10), "As": (20, 10),
    "Cd": (20, 5), "Pb": (10, 5), "CO": (1000, 1000), "Cl2": (32, 10), "Cu": (20, 10),
    "Zn": (30, 30), "HCl": (200, 50), "HF": (50, 20), "H2S": ("7.5", "7.5"), "SO2": (1500, 500),
    "NOx": (1000, 850), "H2SO4": (100, 50), "HNO3": (1000, 500),
}
LOW = {"A": 6, "B": D("5.5")}  # pH
# what it goes by, in the unit of the table, and the coefficient
KQ = [(50, "0.9"), (D("50.1"), 1), (200, 1), (D("200.1"), "1.1"), (500, "1.1"), (501, "1.2")]
LAKE = [(10000000, "0.6"), (10000001, "0.8"), (100000000, "0.8"), (100000001, 1)]
KF = [(50, "1.2"), (51, "1.1"), (500, "1.1"), (501, 1), (5000, 1), (5001, "0.9")]
KP = [(20000, 1), (20001, "0.9"), (100000, "0.9"), (100001, "0.8")]
KV = [(1, "0.6"), (2, "0.8"), (3, 1), (4, "1.2"), (5, "1.4")]


def run(*arguments):
    return subprocess.run([BUILD / "wastewatch", *arguments], capture_output=True, text=True,
                          timeout=60, check=False)


def site(kind, channels, standards, limits="", derived=""):
    lines = "".join(f"      - {{name: {name}, from: u, address: {2 * i}, type: float32, "
                    f"range: [0, 90000000], unit: '{unit}'}}\n"
                    for i, (name, unit) in enumerate(channels))
    return ("site: a\nlinks: [{name: l, tcp: '127.0.0.1:502'}]\nunits: [{name: u, link: l, id: 1}]\n"
            f"sources:\n  - name: s\n    kind: {kind}\n    channels:\n{lines}{derived}"
            f"    standards: [{standards}]\n{limits}")


@pytest.fixture(name="conf")
def fixture_conf(tmp_path):
    (tmp_path / "sites.d").mkdir()
    (tmp_path / "limits").symlink_to(LIMITS)
    (tmp_path / "wastewatch.yaml").write_text("origin: here\n", encoding="utf-8")

    def write(text):
        (tmp_path / "sites.d" / "a.yaml").write_text(text, encoding="utf-8")
        return tmp_path
    return write


def limits_of(directory, *arguments):
    done = run("limits", "--config", directory, "--json", *arguments)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def bounds_of(directory):
    return {(row["channel"].rpartition("/")[2], row["side"]): D(row["bound"])
            for row in limits_of(directory)}


def channels_of(catalogue):
    return list({p["parameter"]: p.get("unit", "") for p in catalogue["parameters"]}.items())


def read(name):
    return yaml.safe_load((LIMITS / f"{name}.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_number_has_its_mark_and_every_mark_its_source(path):
    """Read without the program: a file of law must say it whoever reads it."""
    catalogue = yaml.safe_load(path.read_text(encoding="utf-8"))
    used = set()

    def walk(node, key=""):
        if isinstance(node, dict):
            figures = {"value", "high", "low", "reference-oxygen"} & node.keys()
            if figures:
                assert node["mark"] in MARKS, node
            if "window" in node:
                assert node["window-mark"] in MARKS, node
            if "source" not in node and key != "marks":
                used.update({node[k] for k in node if k.endswith("mark")})
            for name, child in node.items():
                walk(child, name)
        elif isinstance(node, list):
            for child in node:
                walk(child, key)
    walk(catalogue)
    for name in ("since", "until", "transition-until", "formula"):
        assert (name in catalogue) == (f"{name.split('-', maxsplit=1)[0]}-mark" in catalogue), name
    assert used <= {mark["mark"] for mark in catalogue["marks"]}
    assert catalogue["standard"] == path.stem and catalogue["document"]


def test_all_standards_are_shipped():
    assert {path.stem for path in FILES} == {
        "qcvn-40-2011", "qcvn-19-2009", "qcvn-62-mt-2016", "qcvn-40-2025", "qcvn-19-2024",
        "qcvn-05-2023", "qcvn-08-2023"}
    assert "parameters" not in read("qcvn-40-2025")  # its tables could not be read


def check_table(conf, name, kind, figures, keys, factors):
    """All figures of both columns with one set of coefficients."""
    product = D(1)
    for factor in factors:
        product *= D(str(factor))
    channels = channels_of(read(name))
    assert {c for c, _ in channels} == {p.rstrip("*") for p in figures}
    for i, column in enumerate("AB"):
        got = bounds_of(conf(site(kind, channels, f"{{standard: {name}, column: {column}, {keys}}}")))
        wanted = {}
        for parameter, values in figures.items():
            plain = parameter.rstrip("*")
            figure = D(str(values[i]))
            wanted[plain, "high"] = figure if plain != parameter else figure * product
        if "pH*" in figures:
            wanted["pH", "low"] = D(LOW[column])
        assert got.keys() == wanted.keys()
        for key, bound in wanted.items():
            assert abs(got[key] - bound) < D("0.00005") * max(1, bound), (column, key, keys)


@pytest.mark.parametrize("river, discharge", itertools.product(
    [("river-flow", "m3/s", *row) for row in KQ] + [("lake-volume", "m3", *row) for row in LAKE], KF))
def test_cmax_of_wastewater(conf, river, discharge):
    by, unit, quantity, kq = river
    check_table(conf, "qcvn-40-2011", "liquid", WASTEWATER,
                f"{by}: {quantity} {unit}, discharge: {discharge[0]} m3/day", (kq, discharge[1]))


def test_cmax_of_livestock(conf):
    check_table(conf, "qcvn-62-mt-2016", "liquid", LIVESTOCK, "kq: 0.9, kf: 1.1", ("0.9", "1.1"))


@pytest.mark.parametrize("flow, zone", itertools.product(KP, KV))
def test_cmax_of_emissions(conf, flow, zone):
    check_table(conf, "qcvn-19-2009", "gas", EMISSION,
                f"gas-flow: {flow[0]} m3/h, zone-type: {zone[0]}", (flow[1], zone[1]))


BOILER = {"SO2": (130, 200, 250), "NOx": (150, 250, 350), "CO": (200, 300, 350)}


@pytest.mark.parametrize("plant, oxygen, figures", (
    ("boiler-below-20", 7, {"PM": (40, 50, 60), **BOILER}),
    ("boiler-from-20", 7, {"PM": (30, 40, 50), **BOILER}),
    ("gas-turbine-above-1200", 15, {"SO2": (50, 60, 70), "NOx": (50, 70, 90), "PM": (15, 15, 20)}),
))
def test_figures_at_a_reference_oxygen(conf, plant, oxygen, figures):
    derived = "    derived:\n" + "".join(
        f"      - {{name: {name}-r, formula: oxygen, inputs: [{name}, O2], reference: {oxygen}, "
        "range: [0, 9000000], unit: mg/Nm3}\n" for name in figures)
    channels = [(name, "mg/Nm3") for name in figures] + [("O2", "%")]
    for i, zone in enumerate("ABC"):
        rows = limits_of(conf(site("gas", channels, f"{{standard: qcvn-19-2024, zone: {zone}, "
                                   f"for: {plant}}}", derived=derived)))
        assert {r["channel"]: int(r["bound"]) for r in rows} == \
            {f"a/s/{name}-r": values[i] for name, values in figures.items()}
        assert all(f"at {oxygen} % O2" in r["origin"] for r in rows)


def test_ambient_air_in_every_unit(conf):
    """ppb by the molar volume of 24.465 l and IUPAC's molar masses."""
    figures = {"SO2": (350, "64.066"), "SO2-24h": (125, "64.066"), "NO2": (200, "46.006"),
               "CO": (30000, "28.010"), "PM10": (100, None), "PM25": (45, None)}
    for unit, per in (("ug/Nm3", D(1)), ("mg/Nm3", D("0.001")), ("ppb", None)):
        channels = [(name, unit) for name, (_, mass) in figures.items() if unit != "ppb" or mass]
        got = bounds_of(conf(site("gas", channels,
                                  "{standard: qcvn-05-2023, column: since-2026, limits: named}",
                                  "    limits:\n" + "".join(
                                      f"      - {{channel: {name}, parameter: {name}}}\n"
                                      for name, _ in channels))))
        for name, _ in channels:
            figure, mass = figures[name]
            wanted = figure * per if per else figure * D("24.465") / D(mass)
            assert abs(got[name, "high"] - wanted) < D("0.00005") * wanted, (name, unit)


def test_surface_water_at_the_border(conf):
    table_1 = {"NH4-N": "0.3", "As": "0.01", "Cd": "0.005", "Pb": "0.02", "Cr6": "0.01",
               "CN": "0.01", "Hg": "0.001"}
    got = bounds_of(conf(site("liquid", [(name, "mg/l") for name in table_1],
                              "{standard: qcvn-08-2023, column: table-1, on: mean-24h}")))
    assert got == {(name, "high"): D(value) for name, value in table_1.items()}
    class_b = {"BOD5": "6", "COD": "15", "NH4-N": "0.3"}
    got = bounds_of(conf(site("liquid", [(name, "mg/l") for name in class_b],
                              "{standard: qcvn-08-2023, column: B, on: mean-24h}")))
    assert got == {(name, "high"): D(value) for name, value in class_b.items()}


OUTFALL = ([("COD", "mg/l"), ("pH", ""), ("Flow", "m3/h")],
           "{standard: qcvn-40-2011, column: B, river-flow: 44.7 m3/s, discharge: 500 m3/day, "
           "operating-since: 2019-06-01}")


def test_what_applies_as_a_document(conf):
    rows = limits_of(conf(site("liquid", *OUTFALL)), "--date", "2026-11-27")
    assert [r["limit"] for r in rows] == ["a/s/COD/limit-24h", "a/s/pH/limit-24h",
                                          "a/s/pH/limit-24h-low"]
    cod = rows[0]
    assert (cod["bound"], cod["unit"], cod["on"], cod["class"], cod["side"], cod["certainty"]) == \
        ("148.5", "mg/l", "mean-24h", "limit", "high", "M")
    assert cod["arithmetic"] == "C 150 mg/l × Kq 0.9 × Kf 1.1 = 148.5 mg/l"
    assert cod["origin"].startswith("QCVN 40:2011/BTNMT column B, COD: " + cod["arithmetic"])
    standard = cod["standard"]
    assert (standard["state"], standard["until"]) == ("in-force", "2031-12-31")
    assert standard["factors"]["Kq"] == {"value": "0.9", "certainty": "M",
                                         "how": "river flow 44.7 m3/s, up to 50 m3/s"}


def test_what_applies_as_a_page(conf):
    directory = conf(site("liquid", *OUTFALL))
    done = run("limits", "--config", directory, "--date", "2026-11-27", "a/s")
    assert done.returncode == 0 and not done.stderr
    for words in ("in force since 2012-02-15 [M] until 2031-12-31 [C]", "148.5 mg/l, 24-h mean [M]",
                  "Kf 1.1: discharge 500 m3/day, up to 500 m3/day [M]", "no limit: Flow",
                  "Certainty: V read in the law"):
        assert words in done.stdout, done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) < 160
    assert run("limits", "--config", directory, "a").stdout == \
        run("limits", "--config", directory).stdout
    assert "ENDED" in run("limits", "--config", directory, "--date", "2032-01-01").stdout
    missing = run("limits", "--config", directory, "b/s")
    assert missing.returncode == 3 and "no source \"b/s\"" in missing.stderr
    assert run("limits", "--config", directory, "--date", "27.11.2026").returncode == 2
    assert run("check", "--config", directory, "--date", "2026-02-30").returncode == 2


def warnings_of(directory, date):
    done = run("check", "--config", directory, "--date", date)
    assert done.returncode == 0
    return done.stderr.splitlines()


def test_check_warns_once_and_by_name(conf):
    lines = warnings_of(conf(site("liquid", *OUTFALL)), "2026-11-27")
    assert len(lines) == 1
    assert "not checked against any text [M]: Kq, Kf, the formula, the window; seen in public " \
        "sources only [C]: COD, pH;" in lines[0]
    assert ":11:17: warning: QCVN 40:2011/BTNMT column B at a/s: " in lines[0]
    lines = warnings_of(conf(site("liquid", *OUTFALL)), "2031-01-01")
    assert len(lines) == 2 and "it ends on 2031-12-31 [C]" in lines[0]
    confirmed = OUTFALL[1].replace("column: B", "column: B, confirmed: permit 5/GPMT")
    assert not warnings_of(conf(site("liquid", OUTFALL[0], confirmed)), "2026-11-27")
    young = OUTFALL[1].replace("2019-06-01", "2025-09-01")
    assert "it has ended on 2025-08-31 [V]; then: QCVN 40:2025" in \
        warnings_of(conf(site("liquid", OUTFALL[0], young)), "2026-11-27")[0]
    old = OUTFALL[1].replace(", operating-since: 2019-06-01", "")
    assert "may keep it until 2031-12-31 [C]: if this is one, say so with operating-since" in \
        warnings_of(conf(site("liquid", OUTFALL[0], old)), "2026-11-27")[0]


def test_units_that_do_not_match_are_an_error(conf):
    directory = conf(site("gas", [("SO2", "mg/m3")],
                          "{standard: qcvn-19-2009, column: B, kp: 1, kv: 1}"))
    for command in ("check", "limits"):
        done = run(command, "--config", directory)
        assert done.returncode == 1
        assert ":9:17: \"SO2\" is measured in mg/m3" in done.stderr


def test_entries_name_law_and_permit(conf):
    """The origin goes with the alarm: what it is, how it comes about, and what it goes before."""
    directory = conf(site("liquid", [("COD", "mg/l"), ("TSS", "mg/l")],
                          OUTFALL[1].replace("column: B", "column: B, on: value"),
                          "    limits:\n      - {channel: TSS, class: limit, high: 60, origin: "
                          "'permit 5/GPMT, annex 2'}\n"))
    readings = directory / "readings.csv"
    readings.write_text("time,channel,value,status\n" + "".join(
        f"2026-03-02T08:00:{second:02}+07:00,a/s/{channel},{value},00\n" for second, channel, value in
        ((0, "COD", 148.5), (0, "TSS", 60), (1, "COD", 148.6), (1, "TSS", 60.1))), encoding="utf-8")
    done = run("replay", "--config", directory, readings)
    assert done.returncode == 0, done.stderr
    raised = {e["channel"]: e for e in map(json.loads, done.stdout.splitlines())
              if e["type"] == "alarm.raised"}
    assert raised.keys() == {"COD", "TSS"}
    assert "QCVN 40:2011/BTNMT column B, COD: C 150 mg/l × Kq 0.9 × Kf 1.1 = 148.5 mg/l; each value " \
        "(own choice) [C, seen" in raised["COD"]["limit_origin"]
    assert raised["TSS"]["limit_origin"] == (
        "permit 5/GPMT, annex 2; goes before QCVN 40:2011/BTNMT column B, suspended solids: 99 mg/l "
        "(the own number is stricter)")


# ---- delays of limits on long means ----

@pytest.mark.parametrize("more, warned", [("", False), ("raise-delay: 60s, ", True),
                                          ("raise-delay: 0s, ", False)])
def test_a_delay_on_a_long_mean_is_said(tmp_path, more, warned):
    """It would make a legal limit wait for a second window: a day more, with nothing said."""
    text = (ROOT / "conf" / "sites.d" / "hop-thanh.yaml").read_text(encoding="utf-8")
    line = ('      - {channel: COD, name: own, class: warning, high: 90, on: mean-1h, ' + more +
            'origin: "permit 1"}\n')
    assert "    limits:\n" in text
    config = tmp_path / "conf"
    shutil.copytree(ROOT / "conf", config)
    (config / "sites.d" / "hop-thanh.yaml").write_text(
        text.replace("    limits:\n", "    limits:\n" + line, 1), encoding="utf-8")
    done = subprocess.run([BUILD / "wastewatch", "check", "--config", config], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert ("raises nothing, the next one has to be beyond it" in done.stderr) == warned
