"""Texts as Unicode has them. Services that count in UTF-16 cut texts in the middle of a character, and JSON can carry
what is left: half of a surrogate pair, which is no character, in no encoding. It is shown as U+FFFD."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import cache
from operator import is_
from typing import Any


def well_formed(value: Any) -> Any:
    """``value`` (a text; or a tuple, list, dict or dataclass of them) with U+FFFD for each unpaired surrogate; the very
    same object where there is none."""
    if isinstance(value, str):
        return value if value.isascii() or isinstance(value, Enum) else _text(value)
    if isinstance(value, tuple | list):
        parts = [well_formed(part) for part in value]
        return value if all(map(is_, parts, value)) else type(value)(parts)
    if isinstance(value, dict):
        return {well_formed(key): well_formed(part) for key, part in value.items()}
    cls: Any = type(value)
    changes = {n: new for n in _names(cls) if (new := well_formed(part := getattr(value, n))) is not part}
    return replace(value, **changes) if changes else value


def lenient_json(content: bytes) -> Any:
    """JSON in which a text may end in the middle of a character. Raises ValueError for what is no JSON."""
    try:
        return well_formed(json.loads(content))
    except RecursionError:
        raise ValueError("nested too deeply") from None


@cache
def _names(cls: Any) -> tuple[str, ...]:
    """The fields of a dataclass; none of anything else."""
    return tuple(field.name for field in fields(cls)) if is_dataclass(cls) else ()


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
