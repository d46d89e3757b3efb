# SPDX-License-Identifier: Apache-2.0
"""The journal's catalogs against what is sent: a text that names a field which the message lacks
shows the field's bare name to whoever reads it.
"""

import functools
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("wastewatch.catalog", "wastewatch.vi.catalog")
EVENT = re.compile(r'"([a-z]+\.[a-z_]+)",\s*"([0-9a-f]{32})"')
FIELD = re.compile(r"@([A-Z_]+)@")


@functools.cache
def events():
    """Type → MESSAGE_ID of everything that can come into the journal."""
    return dict(EVENT.findall((ROOT / "daemon/core/event.c").read_text(encoding="utf-8")))


@functools.cache
def texts(name):
    """MESSAGE_ID → text of one catalog."""
    parts = re.split(r"^-- ([0-9a-f]{32})$",
                     (ROOT / "systemd/catalog" / name).read_text(encoding="utf-8"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


@functools.cache
def fields():
    """Type → fields that a text of one of the catalogs names, as keys of an entry."""
    return {kind: {field.removeprefix("WASTEWATCH_").lower() for name in NAMES
                   for field in FIELD.findall(texts(name).get(ident, ""))}
            for kind, ident in events().items()}


@functools.cache
def sent():
    """Keys of an entry that become fields of the journal's message."""
    source = (ROOT / "daemon/core/journal_send.c").read_text(encoding="utf-8")
    return set(re.findall(r'"([a-z_]+)"', source.partition("keys[] = {")[2].partition("};")[0]))


def missing(entry):
    """Fields that the texts for an entry name, and that it does not have."""
    return fields().get(entry["type"], set()) - set(entry)
