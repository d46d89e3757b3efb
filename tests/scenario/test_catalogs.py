# SPDX-License-Identifier: Apache-2.0
"""Every MESSAGE_ID has a text in English and in Vietnamese that says what it means and what to do.

That a message has the fields which its texts name is asked of every entry that any system test
makes: Plant.judge().
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import catalogs  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", catalogs.NAMES)
def test_each_event_has_its_text_and_nothing_else_has(name):
    assert len(catalogs.events()) == len(set(catalogs.events().values())) > 60
    assert set(catalogs.texts(name)) == set(catalogs.events().values())


@pytest.mark.parametrize("name", catalogs.NAMES)
def test_each_text_has_a_subject_and_says_more_than_that(name):
    for ident, text in catalogs.texts(name).items():
        head, _, body = text.strip().partition("\n\n")
        assert re.match(r"Subject: \S.*\nDefined-By: wastewatch", head), ident
        assert len(body.split()) >= 10, ident
        assert "TODO" not in text and "@@" not in text, ident


# what somebody can type: programs of systemd and of ours
COMMAND = re.compile(r"(?<![/\w])(?:wastewatch [a-z-]+|systemctl [a-z-]+|journalctl [-A-Z]|timedatectl|"
                     r"wastewatch-[a-z]+ -)")


def commands_of_wastewatch():
    source = (ROOT / "tools/wastewatch/commands.c").read_text(encoding="utf-8")
    return set(re.findall(r'^\t\{(?:NULL|N_\("[^"]*"\)), "([a-z-]+)"', source, re.M))


@pytest.mark.parametrize("name", catalogs.NAMES)
def test_each_text_names_a_command_that_there_is(name):
    """Whoever reads it at three in the morning wants to know what to type."""
    known = commands_of_wastewatch()
    assert len(known) > 20
    for ident, text in catalogs.texts(name).items():
        assert COMMAND.search(text), f"{name} {ident} names nothing to type:{text}"
        for command in re.findall(r"(?:^|: |, |\()wastewatch ([a-z][a-z-]*)", text, re.M):
            assert command in known, f"{name} {ident}: wastewatch {command}"


def test_both_languages_name_the_same_commands():
    """No reader is sent somewhere else."""
    find = re.compile(r"(?<![/\w])(?:wastewatch|systemctl|journalctl|timedatectl|df|dmesg) (?!@)[a-z-]+")
    for kind, ident in catalogs.events().items():
        english, vietnamese = (
            {c for c in find.findall(catalogs.texts(name)[ident])
             if not c.startswith("wastewatch ") or c.split()[1] in commands_of_wastewatch()}
            for name in catalogs.NAMES)
        assert english == vietnamese, kind


def test_a_missing_credential_is_not_reloaded():
    """They are read at the start: a reload cannot find a new one."""
    for name in catalogs.NAMES:
        text = catalogs.texts(name)[catalogs.events()["config.refused"]]
        assert "LoadCredential" in text and "systemctl restart wastewatchd" in text


def test_both_languages_name_the_same_fields():
    for kind, ident in catalogs.events().items():
        english, vietnamese = (set(catalogs.FIELD.findall(catalogs.texts(name)[ident]))
                               for name in catalogs.NAMES)
        assert english == vietnamese, kind


def test_each_field_that_a_text_names_is_one_that_is_sent():
    for kind, fields in catalogs.fields().items():
        assert fields <= catalogs.sent(), kind


def test_journalctl_takes_both(tmp_path):
    root = tmp_path / "usr/lib/systemd/catalog"
    root.mkdir(parents=True)
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    for name in catalogs.NAMES:
        (root / name).write_bytes((ROOT / "systemd/catalog" / name).read_bytes())
    done = subprocess.run(["journalctl", f"--root={tmp_path}", "--update-catalog"], check=False,
                          capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    listed = subprocess.run(["journalctl", f"--root={tmp_path}", "--list-catalog"], check=True,
                            capture_output=True, encoding="utf-8").stdout
    assert len(listed.splitlines()) >= len(catalogs.events())
