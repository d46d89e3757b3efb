# SPDX-License-Identifier: Apache-2.0
"""Manual pages, completion and metrics: what they say is what there is."""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml

sys.path.insert(0, os.path.dirname(__file__))
from plant import BUILD, LIMIT_S, ROOT, Device, Plant, program  # noqa: E402

PAGES = sorted((ROOT / "tools" / "man").glob("*.[1-8]")) + [BUILD / "man" / "wastewatch.yaml.5"]
COMPLETION = ROOT / "tools" / "wastewatch" / "completion.bash"


def output(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=True,
                          **more).stdout


def page_text(path):
    return re.sub(".\b", "", output("mandoc", "-T", "utf8", "-O", "width=1000", str(path)))


def commands():
    usage = output(program("wastewatch"), "--help")
    return re.findall(r"^  ([a-z][a-z-]*) ", usage, re.MULTILINE)


def options():
    """Of all commands."""
    helps = [output(program("wastewatch"), "--help")]
    helps += [output(program("wastewatch"), name, "--help") for name in commands()
              if name != "assess"]
    return set(re.findall(r"^  (--[a-z][a-z-]*)", "".join(helps), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_are_well_formed(page):
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(page)],
                          capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_reference_leads_to_a_page():
    ours = {page.name for page in PAGES}
    for page in PAGES:
        for name, section in re.findall(r"^\.Xr (\S+) (\d)", page.read_text(), re.MULTILINE):
            assert not name.startswith("wastewatch") or f"{name}.{section}" in ours, (page, name)


def test_the_page_names_every_command_and_option():
    page = page_text(ROOT / "tools" / "man" / "wastewatch.1")
    for command in commands():
        assert re.search(rf"^ +{re.escape(command)}\b", page, re.MULTILINE), command
    for option in options():
        assert option in page, option


@pytest.mark.parametrize("name", ("wastewatchd", "wastewatch-poller", "wastewatch-sender"))
def test_pages_of_programs_name_every_option(name):
    page = page_text(ROOT / "tools" / "man" / f"{name}.8")
    for option in set(re.findall(r"--[a-z][a-z-]*", output(program(name), "--help"))):
        assert option in page, option


def keys_of(node):
    if isinstance(node, dict):
        yield from node
        node = node.values()
    if not isinstance(node, str) and hasattr(node, "__iter__"):
        for child in node:
            yield from keys_of(child)


@pytest.mark.parametrize("file", sorted((ROOT / "conf").glob("**/*.yaml")),
                         ids=lambda file: file.name)
def test_every_key_of_the_samples_is_in_the_page(file):
    """Those of optional parts, too, which stand behind "#: "."""
    page = page_text(BUILD / "man" / "wastewatch.yaml.5")
    text = re.sub(r"^#: ", "", file.read_text(), flags=re.MULTILINE)
    for key in set(keys_of(yaml.load(text, yaml.BaseLoader))):
        assert re.search(rf"^ +{re.escape(key)}\b", page, re.MULTILINE), key


def complete(environment, *words):
    return complete_word(environment, "''", *words)


def complete_word(environment, word, *words):
    script = (f"source {COMPLETION}; COMP_WORDS=({' '.join(words)} {word}); "
              "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _wastewatch; "
              'printf "%s\\n" "${COMPREPLY[@]}"')
    return output("bash", "-c", script, env=environment).split()


def test_completion(tmp_path):
    environment = dict(os.environ, PATH=f"{BUILD.resolve()}:{os.environ['PATH']}")
    assert set(complete(environment, "wastewatch")) == set(commands())
    assert complete(environment, "wastewatch", "drill") == ["start", "stop", "list", "scenarios"]
    assert complete(environment, "wastewatch", "outbox") == \
        ["list", "show", "retry", "hold", "release", "abandon", "resume"]
    assert complete(environment, "wastewatch", "--window") == ["1min", "5min", "1h", "24h"]
    assert complete(environment, "wastewatch", "--lang") == ["en", "vi"]
    assert complete(environment, "wastewatch", "--format") == ["jsonl", "csv"]
    assert complete(environment, "wastewatch", "record") == ["seen"]
    assert not complete(environment, "wastewatch", "shelve", "x", "--for")
    for language in ("C", "vi_VN.UTF-8"):
        environment["LANG"] = language
        assert set(complete_word(environment, "--", "wastewatch", "shelve")) >= {
            "--for", "--until", "--once", "--reason", "--json", "--lang"}
        assert "--measures" not in complete_word(environment, "--", "wastewatch", "shelve")
        assert set(complete_word(environment, "--", "wastewatch", "probe")) >= {"--table", "--watch"}
    assert set(complete(environment, "wastewatch", "limits", "--config", str(ROOT / "conf"))) <= {
        "hop-thanh/outfall-1", "hop-thanh/stack-1"}
    assert not complete(environment, "wastewatch", "--state", str(tmp_path), "show")


# ---- metrics ----

def samples_of(text):
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    samples = {}
    for family in parser.text_string_to_metric_families(text):  # a strict reader, not ours
        assert family.name.startswith("wastewatch_") and family.documentation
        for sample in family.samples:
            samples[sample.name, *sorted(sample.labels.values())] = sample.value
    return samples


def metrics(plant):
    return samples_of(plant.command("metrics").stdout)


def test_metrics():
    with Plant(Device()) as plant:
        plant.start()
        plant.device.set(COD=200)
        plant.until_entry("incident.opened")
        plant.until(lambda: metrics(plant).get(("wastewatch_alarms", "standing")))
        found = metrics(plant)
        assert found["wastewatch_up",] == 1 and found["wastewatch_healthy",] == 1
        assert found["wastewatch_incidents_running",] == 1
        assert found["wastewatch_link_up", "line", "mill"] == 1
        assert found["wastewatch_link_requests_total", "line", "mill"] > 0
        assert found["wastewatch_channel_value", "mg/l", "mill/outfall/COD"] == 200
        assert found["wastewatch_channel_good", "mill/outfall/COD"] == 1
        assert found["wastewatch_alarms", "standing"] >= 1
        plant.stop()
        found = metrics(plant)
        assert found["wastewatch_up",] == 0 and found["wastewatch_healthy",] == 0
        assert found["wastewatch_record_entries",] > 3 and found["wastewatch_record_readable",] == 1
        assert not any(name[0].startswith("wastewatch_channel") for name in found)


@pytest.mark.parametrize("record", (None, b"", b"no database" * 400))
def test_metrics_where_nothing_can_be_read_say_so(tmp_path, record):
    """Whoever collects them would keep the last ones, of a daemon that was up."""
    if record is not None:
        (tmp_path / "record.db").write_bytes(record)
    done = subprocess.run([program("wastewatch"), "metrics", "--state", tmp_path, "--runtime", tmp_path],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "record" in done.stderr
    assert samples_of(done.stdout) == {("wastewatch_up",): 0, ("wastewatch_healthy",): 0,
                                       ("wastewatch_record_readable",): 0}


def test_metrics_of_a_daemon_whose_record_others_may_not_read(tmp_path):
    with Plant(Device()) as plant:
        plant.start()
        plant.until(lambda: plant.status().get("health"), "live")
        done = plant.command("metrics", "--state", str(tmp_path))
        assert done.returncode == 0
        found = samples_of(done.stdout)
        assert found["wastewatch_up",] == 1 and found["wastewatch_record_readable",] == 0
        assert ("wastewatch_record_entries",) not in found


def test_metrics_as_json_are_the_same():
    with Plant(Device()) as plant:
        plant.start()
        plant.until(lambda: metrics(plant).get(("wastewatch_link_up", "line", "mill")))
        lines = [json.loads(line) for line in plant.command("metrics", "--json").stdout.splitlines()]
        found = {(sample["name"], *sorted(sample["labels"].values())): float(sample["value"])
                 for family in lines for sample in family["samples"]}
        assert set(found) == set(metrics(plant))
        assert all(family["family"].startswith("wastewatch_") and family["help"] for family in lines)
        assert found["wastewatch_link_requests_total", "line", "mill"] > 0


# ---- the receiver of wastewatch-report(7) ----

def test_the_receiver_of_the_page_takes_reports(tmp_path):
    """Its lines, as they are printed, get a real report and keep its bytes."""
    page = (ROOT / "tools" / "man" / "wastewatch-report.7").read_text()
    source = re.search(r"^\.Bd -literal\n(.*?)^\.Ed$", page, re.MULTILINE | re.DOTALL)[1]
    (tmp_path / "receiver.py").write_text(source.replace(r"\e", "\\"))
    (tmp_path / "store").mkdir()
    with Plant(Device()) as plant:
        receiver = subprocess.Popen(
            [sys.executable, tmp_path / "receiver.py", str(plant.receiver.port),
             plant.credentials / "department-secret"], cwd=tmp_path / "store",
            stderr=subprocess.DEVNULL)
        try:
            plant.start("core", "poller", "sender")
            plant.device.set(COD=200)
            plant.until_entry("report.delivered")
            bodies = [path.read_bytes() for path in (tmp_path / "store").iterdir()]
            assert b'"type":"incident.opened"' in bodies[0]
        finally:
            receiver.kill()
            receiver.wait()
