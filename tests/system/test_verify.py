# SPDX-License-Identifier: Apache-2.0
"""Three verifiers of a real daemon's record: the command, a shell script with openssl alone, and one in
Python written from the description. They say the same of every export, good or tampered with."""

import csv
import hashlib
import io
import json
import os
import random as random_of
import re
import shutil
import sqlite3
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from plant import ATTENTION, MISSING, ROOT, Device, Plant  # noqa: E402
import verifier  # noqa: E402: plant has made the way to it

SCRIPT = ROOT / "tools" / "verify-export.sh"


@pytest.fixture(scope="module", name="plant")
def make_plant():
    """A plant with some history, which goes on running."""
    with Plant(Device()) as plant:
        plant.start()
        for value in (200, 50, 400, 50):
            mark = len(plant.entries())
            plant.device.set(COD=value)
            plant.until(lambda: len(plant.entries()) > mark + 1, "entries")
        plant.until_quiet()
        yield plant


@pytest.fixture(scope="module", name="good")
def make_good(plant, tmp_path_factory):
    """An export from the middle to the end."""
    directory = tmp_path_factory.mktemp("good") / "export"
    since = plant.entries()[4]["time"]
    done = plant.command("export", "--since", since, "-o", str(directory))
    assert done.returncode == 0, done.stderr
    return directory


def public_key(plant):
    return (plant.dir / "public-key").read_text().strip()


def public_key_of(plant):
    """Of the key that signs now, as the record names it."""
    return plant.entries("key.rotated")[-1]["public_key"]


def pem_of(text):
    """whpk_… as PEM."""
    import base64
    raw = base64.b64decode(text.removeprefix("whpk_"))
    body = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + raw).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"


def verify(plant, target, *options):
    """(exit status, what it says)"""
    done = plant.command("verify", str(target), "--json", *options)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def verdicts(plant, directory, tmp_path, key=None):
    """What the three say: [good?, good?, good?]"""
    key = key or public_key(plant)
    pem = tmp_path / "key.pem"
    pem.write_text(pem_of(key))
    status, _ = verify(plant, directory, "--key", key)
    script = subprocess.run(["sh", SCRIPT, directory, pem], capture_output=True, text=True,
                            check=False, env={"PATH": os.environ["PATH"]})
    assert script.returncode in (0, 1), script.stderr
    assert (script.returncode == 0) == script.stdout.startswith("Good: ")
    return [status == 0, script.returncode == 0, verifier.check(directory, pem.read_text()) == ""]


def test_all_three_find_it_good(plant, good, tmp_path):
    assert verdicts(plant, good, tmp_path) == [True, True, True]
    files = {path.name for path in good.iterdir()}
    assert files == {"entries.jsonl", "hashes.txt", "head.txt", "head.sig", "key.pem", "README.txt"}
    entries = [json.loads(line) for line in (good / "entries.jsonl").read_text().splitlines()]
    assert entries[0]["seq"] == 5
    assert re.search(rf"^Entries 5 to {entries[-1]['seq']} of the record of test-cluster",
                     (good / "README.txt").read_text())
    assert (good / "key.pem").read_text() == pem_of(public_key(plant))


def test_without_a_key_it_says_so(plant, good):
    status, said = verify(plant, good)
    assert status == 0 and not said["key_given"]
    assert "whether the key is the plant's" in said["not_checked"][0]
    status, said = verify(plant, good, "--key", public_key(plant))
    assert status == 0 and said["key_given"] and "key" not in said["not_checked"][0]


def lines_of(directory):
    return (directory / "entries.jsonl").read_text().splitlines(keepends=True)


def write_lines(directory, lines):
    (directory / "entries.jsonl").write_text("".join(lines))


def rehash(directory, first):
    """Hashes anew from line @first on: whoever edits can do that, too."""
    hashes = (directory / "hashes.txt").read_text().split()
    lines = [line.rstrip("\n") for line in lines_of(directory)]
    hashes = hashes[:first + 1]
    for line in lines[first:]:
        hashes.append(verifier.chain(hashes[-1], line.encode()))
    (directory / "hashes.txt").write_text("\n".join(hashes) + "\n")


def edited(directory):
    lines = lines_of(directory)
    lines[3] = lines[3].replace('"time":"2', '"time":"1')
    write_lines(directory, lines)


def edited_and_rehashed(directory):
    edited(directory)
    rehash(directory, 3)


def deleted(directory):
    lines = lines_of(directory)
    write_lines(directory, lines[:3] + lines[4:])


def deleted_and_rehashed(directory):
    lines = lines_of(directory)
    later = [re.sub(r'"seq":(\d+)', lambda m: f'"seq":{int(m[1]) - 1}', line) for line in lines[4:]]
    write_lines(directory, lines[:3] + later)
    rehash(directory, 3)


def inserted(directory):
    lines = lines_of(directory)
    write_lines(directory, lines[:3] + [lines[2]] + lines[3:])


def reordered(directory):
    lines = lines_of(directory)
    write_lines(directory, lines[:3] + [lines[4], lines[3]] + lines[5:])


def truncated(directory):
    write_lines(directory, lines_of(directory)[:-1])


def cut_in_a_line(directory):
    lines = lines_of(directory)
    write_lines(directory, lines[:-1] + [lines[-1][:-1]])


def cut_at_the_front(directory):
    write_lines(directory, lines_of(directory)[1:])


def emptied(directory):
    write_lines(directory, [])


def other_hash_before(directory):
    text = (directory / "hashes.txt").read_text()
    (directory / "hashes.txt").write_text(("0" if text[0] != "0" else "1") + text[1:])


def other_hash_beside(directory):
    hashes = (directory / "hashes.txt").read_text().split()
    hashes[2] = hashes[3]
    (directory / "hashes.txt").write_text("\n".join(hashes) + "\n")


def spaced(directory):
    lines = lines_of(directory)
    lines[3] = lines[3].replace('","', '", "', 1)
    write_lines(directory, lines)


def zero_byte(directory):
    data = (directory / "entries.jsonl").read_bytes()
    (directory / "entries.jsonl").write_bytes(data.replace(b"\n", b"\0\n", 1))


def forged_head(directory):
    note = (directory / "head.txt").read_text().split("\n")
    note[1] = str(int(note[1]) - 1)
    (directory / "head.txt").write_text("\n".join(note))


def forged_signature(directory):
    signature = bytearray((directory / "head.sig").read_bytes())
    signature[5] ^= 1
    (directory / "head.sig").write_bytes(signature)


def short_signature(directory):
    (directory / "head.sig").write_bytes((directory / "head.sig").read_bytes()[:63])


def no_head(directory):
    (directory / "head.txt").write_text("")


def other_head(directory):
    """A genuine head of the same record, of an entry before: of a commit that ended earlier."""
    with sqlite3.connect(directory / ".." / "record.db") as db:
        last = json.loads(lines_of(directory)[-1])["seq"]
        note, signature = db.execute("SELECT note, signature FROM signed_head WHERE seq < ?"
                                     " ORDER BY seq DESC", (last,)).fetchone()
    (directory / "head.txt").write_text(note)
    (directory / "head.sig").write_bytes(signature)


def signed_by_another(directory):
    """All of it anew, well signed, by a key that is not the plant's; it lies beside."""
    edited_and_rehashed(directory)
    key, pem = directory / ".." / "other.pem", directory / "key.pem"
    run = {"check": True, "capture_output": True}
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], **run)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", pem], **run)
    public = verifier.public_bytes(pem.read_text())
    note = (directory / "head.txt").read_text().split("\n")
    note[2] = (directory / "hashes.txt").read_text().split()[-1]
    note[4] = hashlib.sha256(public).hexdigest()[:8]
    (directory / "head.txt").write_text("\n".join(note))
    subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", key, "-rawin", "-in",
                    directory / "head.txt", "-out", directory / "head.sig"], **run)


def added_without_an_end(directory):
    """What a reader of lines may pass over, tail(1) and jq(1) show."""
    last = (directory / "entries.jsonl").read_text().splitlines()[-1]
    forged = re.sub(r'"seq":(\d+)', lambda m: f'"seq":{int(m[1]) + 1}', last)
    with open(directory / "entries.jsonl", "a", encoding="utf-8") as file:
        file.write(forged)


def more_hashes(directory):
    with open(directory / "hashes.txt", "a", encoding="ascii") as file:
        file.write("0" * 64 + "\n")


def rubbish_behind_the_hashes(directory):
    with open(directory / "hashes.txt", "a", encoding="ascii") as file:
        file.write("x")


def without(name):
    """A file of it is not there."""
    def missing(directory):
        (directory / name).unlink()
    missing.__name__ = f"without_{name.replace('.', '_')}"
    return missing


TAMPERINGS = [edited, edited_and_rehashed, deleted, deleted_and_rehashed, inserted, reordered,
              truncated, cut_in_a_line, cut_at_the_front, emptied, other_hash_before,
              other_hash_beside, spaced, zero_byte, forged_head, forged_signature, short_signature,
              no_head, other_head, signed_by_another, added_without_an_end, more_hashes,
              rubbish_behind_the_hashes,
              *map(without, ("entries.jsonl", "hashes.txt", "head.txt", "head.sig"))]


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda f: f.__name__)
def test_all_three_find_what_was_done(plant, good, tmp_path, tamper):
    directory = tmp_path / "export"
    shutil.copytree(good, directory)
    with sqlite3.connect(f"file:{plant.state}/record.db?mode=ro", uri=True) as db:
        db.backup(sqlite3.connect(tmp_path / "record.db"))
    tamper(directory)
    assert verdicts(plant, directory, tmp_path) == [False, False, False]


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda f: f.__name__)
def test_all_three_find_it_from_the_first_entry_on(plant, tmp_path, tamper):
    """An export of all there is, where nothing comes before: the same verdicts."""
    directory = tmp_path / "export"
    assert plant.command("export", "-o", str(directory)).returncode == 0
    assert verdicts(plant, directory, tmp_path) == [True, True, True]
    with sqlite3.connect(f"file:{plant.state}/record.db?mode=ro", uri=True) as db:
        db.backup(sqlite3.connect(tmp_path / "record.db"))
    tamper(directory)
    assert verdicts(plant, directory, tmp_path) == [False, False, False]


def edit(data, random):
    """One edit of a file's bytes, as a hand, an editor or a bad disk makes it."""
    at = random.randrange(len(data) + 1)
    lines = data.split(b"\n")
    i, j = random.randrange(len(lines)), random.randrange(len(lines))
    what = random.randrange(10)
    if what == 0:
        return data[:at] + bytes([random.choice(b" \r\n\t\0x0\xff\xef")]) + data[at:]
    if what == 1:
        return data + random.choice([b"\n", b"x", b" ", b"\0", b"\r\n", b"\n\n", b"\0\n", b"#\n"])
    if what == 2:
        return data.replace(b"\n", random.choice([b"\r\n", b"\n\n", b" \n", b"\0\n", b"\r"]))
    if what == 3:
        return random.choice([b"", data.rstrip(b"\n"), data[:at], data[at:]])
    if what == 4:
        return random.choice([b"\n", b"\0", b" ", b"x\n", b"\xef\xbb\xbf"]) + data
    if what == 5:
        return b"\n".join(lines[:i] + [lines[j]] + lines[i:])
    if what == 6:
        return b"\n".join(lines[:i] + lines[i + 1:])
    if what == 7:
        return random.choice([data.upper(), data.lower(), data.swapcase()])
    if what == 8:
        return data[:at] + data[at + 1:]
    at = min(at, len(data) - 1)
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1:]


def test_all_three_agree_on_random_edits(plant, tmp_path):
    """Any byte of any file: the three say the same, and none says good of what was changed.

    WASTEWATCH_EDITS=n, WASTEWATCH_SEED=n: more, others."""
    number = int(os.environ.get("WASTEWATCH_SEED", "0")) or 20110716
    random = random_of.Random(number)
    good = tmp_path / "good"
    since = plant.entries()[-3]["time"]
    assert plant.command("export", "--since", since, "-o", str(good)).returncode == 0
    names = ["entries.jsonl", "hashes.txt", "head.txt", "head.sig", "key.pem"]
    for i in range(int(os.environ.get("WASTEWATCH_EDITS", "100"))):
        name = random.choice(names)
        data = (good / name).read_bytes()
        changed = edit(data, random)
        directory = tmp_path / "edited"
        shutil.copytree(good, directory)
        (directory / name).write_bytes(changed)
        script = subprocess.run(["sh", SCRIPT, directory], capture_output=True, check=False,
                                env={"PATH": os.environ["PATH"]})
        told = [verify(plant, directory)[0] == 0, script.returncode == 0,
                verifier.check(directory) == ""]
        assert told == [changed == data] * 3, \
            f"WASTEWATCH_SEED={number}, edit {i} of {name}: {changed!r}"
        shutil.rmtree(directory)


def test_a_key_beside_that_was_changed_is_named(plant, good, tmp_path):
    """Not the head, of which nothing is wrong."""
    directory = tmp_path / "export"
    shutil.copytree(good, directory)
    pem = (directory / "key.pem").read_bytes()
    for changed in (pem.replace(b"\n", b"\r\n"), pem + b"\n", pem + pem, b"x\n" + pem, b""):
        (directory / "key.pem").write_bytes(changed)
        done = plant.command("verify", str(directory))
        assert done.returncode == 1 and "key.pem was changed" in done.stderr
        done = subprocess.run(["sh", SCRIPT, directory], capture_output=True, text=True,
                              check=False, env={"PATH": os.environ["PATH"]})
        assert done.returncode == 1 and "key.pem was changed" in done.stdout
        # who gives the key needs none beside
        assert verify(plant, directory, "--key", public_key(plant))[0] == 0


def test_a_forger_needs_the_departments_key(plant, good, tmp_path):
    """With the key that comes along it holds: which is why that proves nothing."""
    directory = tmp_path / "export"
    shutil.copytree(good, directory)
    signed_by_another(directory)
    status, said = verify(plant, directory)
    assert status == 0 and "whether the key is the plant's" in said["not_checked"][0]
    status, said = verify(plant, directory, "--key", public_key(plant))
    assert status == 1 and said["fault"] == "key-unknown"


@pytest.mark.parametrize("tamper, fault, entry", [
    (edited, "line", 8), (deleted, "missing", 8), (inserted, "twice", 7), (reordered, "missing", 8),
    (spaced, "not-canonical", 8), (forged_head, "signature", None), (truncated, "truncated", None)])
def test_the_first_bad_entry_is_named(plant, good, tmp_path, tamper, fault, entry):
    directory = tmp_path / "export"
    shutil.copytree(good, directory)
    tamper(directory)
    status, said = verify(plant, directory, "--key", public_key(plant))
    assert status == 1 and said["fault"] == fault
    assert entry in (None, said["bad_entry"])
    assert str(said["bad_entry"]) in said["text"]
    done = plant.command("verify", str(directory))
    assert done.returncode == 1 and f"BAD: {said['text']}." in done.stdout


def test_the_record_of_a_running_daemon(plant):
    status, said = verify(plant, plant.state, "--key", public_key(plant))
    assert status == 0, said
    assert said["first"] == 1 and said["last"] >= len(lines_of_record(plant)) - 1
    assert said["heads"] > 5 and said["origin"] == "test-cluster"
    assert plant.command("verify").returncode == 0  # --state is its default
    assert verify(plant, plant.state / "record.db")[0] == 0
    assert verify(plant, plant.dir / "nowhere")[0] == MISSING
    assert verify(plant, plant.config)[0] == MISSING
    assert verify(plant, plant.state, "--key", "whpk_nonsense")[0] == 1


@pytest.mark.parametrize("change", [
    "time_ms = time_ms + 86400000", "type = 'core.stopped'", "incident = 'mill-liquid-x'"])
def test_what_is_kept_beside_a_line(plant, tmp_path, change):
    """No hash covers it, but people are shown and an export is cut by it."""
    with sqlite3.connect(f"file:{plant.state}/record.db?mode=ro", uri=True) as db, \
            sqlite3.connect(tmp_path / "record.db") as copy:
        db.backup(copy)
    key = public_key(plant)
    assert verify(plant, tmp_path / "record.db", "--key", key)[0] == 0
    with sqlite3.connect(tmp_path / "record.db") as copy:
        copy.execute(f"UPDATE entry SET {change} WHERE seq = 4")
    status, said = verify(plant, tmp_path / "record.db", "--key", key)
    assert (status, said["fault"], said["bad_entry"]) == (1, "kept", 4)


def lines_of_record(plant):
    return plant.query("SELECT line FROM entry ORDER BY seq")


def test_every_commit_keeps_its_head(plant):
    heads = plant.query("SELECT seq, note, signature FROM signed_head ORDER BY seq")
    public = verifier.public_bytes(pem_of(public_key(plant)))
    hashes = {seq: digest.hex() for seq, digest in plant.query("SELECT seq, hash FROM entry")}
    assert len(heads) > 5
    for seq, note, signature in heads[:5] + heads[-5:]:
        lines = note.split("\n")
        assert lines[1:3] == [str(seq), hashes[seq]]
        assert verifier.ed25519(public, signature, note.encode())


def test_a_range_ends_at_a_signed_head(plant, tmp_path):
    heads = {seq for seq, in plant.query("SELECT seq FROM signed_head")}
    inside = next(e for e in plant.entries() if e["seq"] > 2 and e["seq"] not in heads)
    done = plant.command("export", "--since", inside["time"], "--until", inside["time"], "-o",
                         str(tmp_path / "export"))
    assert done.returncode == 0, done.stderr
    last = json.loads(lines_of(tmp_path / "export")[-1])["seq"]
    assert last in heads and last >= inside["seq"]
    assert verdicts(plant, tmp_path / "export", tmp_path) == [True, True, True]
    again = plant.command("export", "-o", str(tmp_path / "export"))
    assert again.returncode == 1 and "holds an export already" in again.stderr


def test_times_that_are_none(plant):
    for options, status in ((("--since", "tomorrow"), 1), (("--since", "2099-01-01"), 3),
                            (("--since", "2026-01-02", "--until", "2026-01-01"), 1),
                            (("--format", "xml"), 2)):
        assert plant.command("export", *options).returncode == status, options


def test_lines_and_tables_on_stdout(plant):
    lines = plant.command("export")
    assert "Lines alone cannot be verified" in lines.stderr
    entries = [json.loads(line) for line in lines.stdout.splitlines()]
    assert [e["seq"] for e in entries] == list(range(1, len(entries) + 1))
    table = plant.command("export", "--format", "csv")
    assert "cannot be verified" in table.stderr and table.stdout.startswith("\ufeffseq,time,type,")
    rows = list(csv.DictReader(io.StringIO(table.stdout.removeprefix("\ufeff"))))
    for row, entry in zip(rows, entries):
        assert row["seq"] == str(entry["seq"]) and json.loads(row["entry"]) == entry
        assert row["type"] == entry["type"] and row["user"] == entry.get("user", "")


def test_it_works_while_the_daemon_is_down(tmp_path):
    with Plant(Device()) as plant:
        plant.start("core")
        plant.until_entry("config.loaded")
        assert plant.stop() == 0
        assert verify(plant, plant.state, "--key", public_key(plant))[0] == 0
        done = plant.command("export", "-o", str(tmp_path / "export"))
        assert done.returncode == 0, done.stderr
        assert verdicts(plant, tmp_path / "export", tmp_path) == [True, True, True]


def test_what_the_record_says_of_itself(tmp_path):
    """Genesis, version, key, clean and unclean stop, configuration with its hash."""
    with Plant(Device()) as plant:
        plant.start("core")
        created = plant.until_entry("record.created")
        started = plant.until_entry("core.started")
        assert created["seq"] == 1 and created["public_key"] == public_key(plant)
        assert started["public_key"] == public_key(plant) and started["name"] == \
            plant.command("--version").stdout.split()[-1]
        assert started["reason"] == "for the first time"
        assert re.fullmatch("[0-9a-f]{64}", plant.until_entry("config.loaded")["name"])
        assert plant.stop() == 0
        assert plant.entries()[-1]["type"] == "core.stopped"
        plant.start("core")
        assert plant.until_entry("core.started", n=2)["reason"] == "after a clean stop"
        plant.kill("core")
        plant.start("core")
        assert plant.until_entry("core.started", n=3)["reason"] == "after an unclean stop"
        assert verify(plant, plant.state)[0] == 0


def test_a_key_is_rotated_by_a_reload(tmp_path):
    """Where the keys are files that the service itself reads, no restart is needed."""
    with Plant(Device()) as plant:
        plant.start("core")
        plant.until_entry("config.loaded")
        first = public_key(plant)
        second = plant.command("keygen", "--rotate").stdout.split()[-1]
        plant.reload()
        rotated = plant.until_entry("key.rotated")
        loaded = plant.until_entry("config.loaded", n=2)
        assert (rotated["old_public_key"], rotated["public_key"]) == (first, second)
        assert rotated["seq"] < loaded["seq"] and rotated["signature"]
        plant.reload()
        plant.until_entry("config.loaded", n=3)
        assert len(plant.entries("key.rotated")) == 1
        # behind the rotation, by the second alone
        since = plant.entries("config.loaded")[-1]["time"]
        assert plant.command("export", "--since", since, "-o", str(tmp_path / "behind"))\
            .returncode == 0
        assert verdicts(plant, tmp_path / "behind", tmp_path, first) == [False, False, False]
        assert verdicts(plant, tmp_path / "behind", tmp_path, second) == [True, True, True]
        status, said = verify(plant, plant.state, "--key", first)
        assert status == 0 and said["key"] == rotated["key"], said
        assert plant.command("keygen", "--rotate", "no-such-key").returncode == 1
        secret = (plant.credentials / "department-secret").read_text()
        assert plant.command("keygen", "--rotate", "department-secret").returncode == 0
        assert (plant.credentials / "department-secret.old").read_text() == secret
        assert (plant.credentials / "department-secret").read_text() != secret


def test_keys_are_followed(tmp_path):
    """From the first one on, which the department has, whatever came after it."""
    with Plant(Device()) as plant:
        plant.start("core")
        plant.until_entry("config.loaded")
        plant.stop()
        first = public_key(plant)
        done = plant.command("keygen", "--rotate")
        assert done.returncode == 0, done.stderr
        second = done.stdout.split()[-1]
        assert second.startswith("whpk_") and second != first
        assert plant.command("keygen", "--rotate").returncode == 1, "one rotation at a time"
        plant.start("core")
        rotated = plant.until_entry("key.rotated")
        assert rotated["old_public_key"] == first and rotated["public_key"] == second
        assert rotated["origin"] == "test-cluster" and "reason" not in rotated
        assert verifier.ed25519(
            verifier.public_bytes(pem_of(first)),
            __import__("base64").b64decode(rotated["signature"]),
            f"wastewatch-key/1\ntest-cluster\n{first}\n{second}\n".encode())
        plant.until_entry("config.loaded", n=2)
        status, said = verify(plant, plant.state, "--key", first)
        assert status == 0, said
        assert said["key"] == rotated["key"]
        # back from the second: what it has signed holds the first one's word for it
        assert verify(plant, plant.state, "--key", second)[0] == 0
        # an export with the rotation in it, by either key
        assert plant.command("export", "-o", str(tmp_path / "all")).returncode == 0
        assert verdicts(plant, tmp_path / "all", tmp_path, first) == [True, True, True]
        assert verdicts(plant, tmp_path / "all", tmp_path, second) == [True, True, True]
        # a rotation that the first key has not signed, in an export that is well made otherwise
        shutil.copytree(tmp_path / "all", tmp_path / "forged")
        lines = lines_of(tmp_path / "forged")
        at = next(i for i, line in enumerate(lines) if '"key.rotated"' in line)
        lines[at] = lines[at].replace(rotated["signature"], "A" * 86 + "==")
        write_lines(tmp_path / "forged", lines)
        rehash(tmp_path / "forged", at)
        assert verdicts(plant, tmp_path / "forged", tmp_path, first) == [False, False, False]
        # the old key goes, and is not replaced again
        plant.stop()
        (plant.credentials / "sign-key.old").unlink()
        plant.start("core")
        plant.until_entry("config.loaded", n=3)
        assert len(plant.entries("key.rotated")) == 1
        # one that nobody vouches for
        plant.stop()
        (plant.credentials / "sign-key").unlink()
        assert plant.command("keygen").returncode == 0
        plant.start("core")
        rotated = plant.until_entry("key.rotated", n=2)
        assert "signature" not in rotated and "not here" in rotated["reason"]
        plant.until_entry("config.loaded", n=4)
        status, said = verify(plant, plant.state, "--key", first)
        assert status == 1 and said["fault"] == "rotation" and said["bad_entry"] == rotated["seq"]
        # and somebody has to know, over a start, too
        for _ in range(2):
            plant.until(lambda: plant.status().get("pid") == plant.processes["core"].pid and
                        not plant.status()["record"]["seen"], "to be seen")
            assert plant.status()["health"] is False
            done = plant.command("status")
            assert done.returncode == ATTENTION
            assert "is signed by key " + rotated["key"] in " ".join(done.stdout.split())
            plant.stop()
            plant.start("core")
        assert plant.command("export", "-o", str(tmp_path / "unsigned")).returncode == 0
        assert verdicts(plant, tmp_path / "unsigned", tmp_path, first) == [False, False, False]
        # whoever holds all keys, from the department, needs no key's word for the next
        third = public_key_of(plant)
        (tmp_path / "keys").write_text(f"{first}\n{second}\n{third}\n")
        assert verify(plant, plant.state, "--key", str(tmp_path / "keys"))[0] == 0
