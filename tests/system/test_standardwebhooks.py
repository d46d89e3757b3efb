# SPDX-License-Identifier: Apache-2.0
"""The public npm package "standardwebhooks" verifies what core/sign.c makes.

Skipped, with the reason, where npm or its registry cannot be reached; the published vectors
are unit tests (tests/unit/test_sign.c) in any case. The package knows v1 only; v1a is judged
by the openssl command here.
"""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parents[1] / os.environ.get("WASTEWATCH_BUILD", "build")
SIGN = BUILD / "unit" / "test_sign"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
PRIVATE = "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk="
PUBLIC_DER = bytes.fromhex("302a300506032b6570032100") + base64.b64decode(
    "ZlN4eg7dSSqi0moX9hQUk3orrOouK3QVQSlJa248c/g=")  # RFC 8410 §4
BODY = json.dumps({"type": "incident.opened", "timestamp": "2026-11-24T21:05:00+07:00",
                   "data": {"site": "hop-thanh", "name": "Nhà máy"}}, ensure_ascii=False).encode()


@pytest.fixture(scope="module", name="package")
def fixture_package():
    """A directory with verify.js and the installed package."""
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("npm is not installed")
    directory = tempfile.mkdtemp()
    for file in (HERE / "npm").iterdir():
        if file.is_file():
            shutil.copy(file, directory)
    try:
        made = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts",
             "--fetch-retries=1", "--fetch-timeout=20000"], cwd=directory, capture_output=True,
            text=True, timeout=120, check=False)
        if made.returncode != 0:
            pytest.skip("npm cannot install standardwebhooks: " + made.stderr.strip()[-300:])
        yield directory
    except subprocess.TimeoutExpired:
        pytest.skip("npm cannot reach its registry")
    finally:
        shutil.rmtree(directory)


def sign(ident, stamp, body, *keys):
    assert SIGN.exists(), f"{SIGN} is not built; build the unit tests first"
    made = subprocess.run([SIGN, "sign", ident, str(stamp), *keys], input=body, capture_output=True,
                          check=True)
    return made.stdout.decode().strip()


def judge(package, secret, ident, stamp, signature, body):
    question = {"secret": secret, "body": base64.b64encode(body).decode(),
                "headers": {"webhook-id": ident, "webhook-timestamp": str(stamp),
                            "webhook-signature": signature}}
    return subprocess.run(["node", "verify.js"], cwd=package, input=json.dumps(question).encode(),
                          capture_output=True, check=True).stdout.decode().strip()


def test_public_library_accepts(package):
    stamp = int(time.time())
    both = sign("3f-12-department", stamp, BODY, PRIVATE, SECRET)
    assert judge(package, SECRET, "3f-12-department", stamp, both, BODY) == "good"
    rotating = sign("3f-12-department", stamp, BODY, SECRET, OLD_SECRET)
    for secret in (SECRET, OLD_SECRET):
        assert judge(package, secret, "3f-12-department", stamp, rotating, BODY) == "good"


def test_public_library_refuses(package):
    """The judge can say no, so its yes means something."""
    stamp = int(time.time())
    good = sign("a", stamp, BODY, SECRET)
    for arguments in (("a", stamp, good, BODY + b" "), ("b", stamp, good, BODY),
                      ("a", stamp + 1, good, BODY), ("a", stamp, sign("a", stamp, BODY, PRIVATE), BODY),
                      ("a", stamp, sign("a", stamp, BODY, OLD_SECRET), BODY)):
        assert judge(package, SECRET, *arguments).startswith("bad: ")
    late = stamp - 400
    assert judge(package, SECRET, "a", late, sign("a", late, BODY, SECRET), BODY).startswith("bad: ")


@pytest.mark.parametrize("edit, good", [(b"", True), (b" ", False)])
def test_openssl_judges_v1a(edit, good):
    stamp = int(time.time())
    version, signature = sign("a", stamp, BODY, PRIVATE).split(",")
    assert version == "v1a"
    directory = pathlib.Path(tempfile.mkdtemp())
    (directory / "public.der").write_bytes(PUBLIC_DER)
    (directory / "base").write_bytes(f"a.{stamp}.".encode() + BODY + edit)
    (directory / "signature").write_bytes(base64.b64decode(signature, validate=True))
    result = subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "public.der",
         "-rawin", "-in", "base", "-sigfile", "signature"], cwd=directory, capture_output=True,
        check=False)
    shutil.rmtree(directory)
    assert (result.returncode == 0) == good
