# SPDX-License-Identifier: Apache-2.0
"""A third verifier of exports, written from the description alone: hashlib, json, and Ed25519 as
RFC 8032 §5.1.7 and its appendix define it. Shares no code with daemon/ or tools/.

    problem = verifier.check(directory, public_pem)    # "" all of it holds
"""

import base64
import hashlib
import json
import pathlib

P = 2 ** 255 - 19
L = 2 ** 252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)


def _add(a, b):
    """Extended coordinates (X, Y, Z, T)."""
    m, n = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(number, point):
    result = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = _add(result, point)
        point = _add(point, point)
        number >>= 1
    return result


def _point(data):
    """A compressed point; None it is none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_1 % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


_BASE = _point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519(public, signature, message):
    a, r = _point(public), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = _times(s, _BASE), _add(r, _times(h, a))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or
                (left[1] * right[2] - right[1] * left[2]) % P)


def public_bytes(pem):
    """The 32 bytes behind the 12 of RFC 8410."""
    body = "".join(line for line in pem.split("\n") if not line.startswith("-----"))
    der = base64.b64decode(body, validate=True)
    assert der[:12].hex() == "302a300506032b6570032100" and len(der) == 44
    return der[12:]


def _no_float(text):
    raise ValueError(f"{text} is no integer")


def canonical(line):
    """The only way to write what the line says; numbers are integers, and nothing is null."""
    def look(value):
        assert value is not None
        for item in value.values() if isinstance(value, dict) else \
                value if isinstance(value, list) else ():
            look(item)
        return value
    entry = look(json.loads(line, parse_float=_no_float, parse_constant=_no_float))
    return entry, json.dumps(entry, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def chain(before, line):
    return hashlib.sha256(f"wastewatch-log/1\n{before}\n".encode() + line).hexdigest()


def check(directory, pem=None):
    directory = pathlib.Path(directory)
    try:
        return _check(directory, pem or key_beside(directory))
    except (AssertionError, ValueError, OSError, KeyError, IndexError) as error:
        return f"{type(error).__name__}: {error}"


def key_beside(directory):
    """Three lines and nothing else."""
    pem = (directory / "key.pem").read_bytes().decode("ascii")
    body = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + public_bytes(pem)).decode()
    assert pem == f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"
    return pem


def whpk(public):
    return "whpk_" + base64.b64encode(public).decode()


def successor(public, entry):
    """The key from an entry "key.rotated" on; None: the one before has not signed it."""
    new = base64.b64decode(entry["public_key"].removeprefix("whpk_"), validate=True)
    if new == public:
        return new
    text = (f"wastewatch-key/1\n{entry['origin']}\n{entry['old_public_key']}\n"
            f"{entry['public_key']}\n")
    good = (entry["old_public_key"] == whpk(public) and "signature" in entry and len(new) == 32 and
            ed25519(public, base64.b64decode(entry["signature"]), text.encode()))
    return new if good else None


def _check(directory, pem):
    public, note = public_bytes(pem), (directory / "head.txt").read_bytes()
    hashes = (directory / "hashes.txt").read_bytes().decode("ascii").split("\n")
    lines = (directory / "entries.jsonl").read_bytes().split(b"\n")
    if lines.pop() != b"":
        return "the last line is cut"
    if hashes[len(lines) + 1:] != [""]:
        return "there are not as many hashes as entries"
    digest, first = hashes[0], json.loads(lines[0])["seq"]
    for i, line in enumerate(lines):
        entry, again = canonical(line.decode())
        if entry["seq"] != first + i:
            return f"entry {first + i} is missing"
        if again.encode() != line:
            return f"entry {first + i} is not canonical"
        digest = chain(digest, line)
        if digest != hashes[i + 1]:
            return f"entry {first + i} or its hash was changed"
        if entry["type"] == "key.rotated":
            public = successor(public, entry)
            if public is None:
                return f"entry {first + i} names a key that the one before has not signed"
    if not ed25519(public, (directory / "head.sig").read_bytes(), note):
        return "the head is not signed by the key"
    _, number, signed, _, key_id, rest = note.decode().split("\n")
    if rest or key_id != hashlib.sha256(public).hexdigest()[:8]:
        return "the head names another key"
    if number != str(first + len(lines) - 1):
        return "the end is missing"
    return "" if digest == signed else "the hash is not the signed one"
