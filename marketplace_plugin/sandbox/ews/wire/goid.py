"""GlobalObjectId and CleanGlobalObjectId: the binary properties that a UID stands for.

Source: MS-OXOCAL 2.2.1.27 and 2.2.1.28: a UID that is no GlobalObjectId in hexadecimal digits is
wrapped in one.
"""

from __future__ import annotations

import base64
import struct

from marketplace_plugin.sandbox.ews.items import Property
from marketplace_plugin.sandbox.ews.wire.paths import SETS

_HEAD = bytes.fromhex("040000008200E00074C5B7101A82E008")
GLOBAL = Property(SETS["Meeting"], "id:0x0003", "Binary")
CLEAN = Property(SETS["Meeting"], "id:0x0023", "Binary")


def of(uid: str) -> bytes:
    """The CleanGlobalObjectId of a UID."""
    if uid.upper().startswith(_HEAD.hex().upper()):
        try:
            return bytes.fromhex(uid)
        except ValueError:
            return _wrapped(uid)
    return _wrapped(uid)


def _wrapped(uid: str) -> bytes:
    data = b"vCal-Uid" + struct.pack("<I", 1) + uid.encode() + b"\0"
    return _HEAD + bytes(20) + struct.pack("<I", len(data)) + data


def properties(uid: str) -> dict[Property, str]:
    """Both properties as the values of extended properties."""
    value = base64.b64encode(of(uid)).decode()
    return {GLOBAL: value, CLEAN: value}
