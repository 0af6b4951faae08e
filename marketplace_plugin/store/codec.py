"""Values of the model as JSON bytes and back, for sealed columns and JSON columns.

An item has the exact form of ``model.codec``. What stands around it (changes, writes, cursors, roles) is written
under the name of its class with the fields that differ from their defaults, so a field that is added later with a
default needs no migration. Only the classes of ``_CLASSES`` are ever made when reading.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache
from types import ModuleType
from typing import Any

import orjson

from marketplace_plugin.model import change, collection, event, item, recurrence, time, write
from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.form import codec
from marketplace_plugin.model.task import Call, Task
from marketplace_plugin.sync import link, reason

_TAG = "$"
_VALUE = "v"


def _declared(module: ModuleType) -> list[type]:
    return [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and value.__module__ == module.__name__
        and (is_dataclass(value) or issubclass(value, Enum))
    ]


_MODULES = (change, collection, event, item, link, reason, recurrence, time, write)
_CLASSES: dict[str, type] = {cls.__name__: cls for module in _MODULES for cls in _declared(module)}


def encode(value: Any) -> bytes:
    """Raises TypeError for a type that is not the model's."""
    return orjson.dumps(to_plain(value))


def decode(data: bytes) -> Any:
    """The inverse of ``encode``. Raises ValueError for a name that is not the model's."""
    return from_plain(orjson.loads(data))


def to_plain(value: Any) -> Any:
    """``value`` as dicts, lists and scalars of JSON."""
    match value:
        case event.Event() | event.Series() | Contact() | Task() | Call():
            return _tagged("item", codec.encode(value))
        case Enum():
            return _tagged(type(value).__name__, value.value)
        case None | bool() | str() | int() | float():
            return value
        case tuple() | list():
            return [to_plain(part) for part in value]
        case frozenset() | set():
            return _tagged("set", sorted((to_plain(part) for part in value), key=orjson.dumps))
        case Mapping():
            return _tagged("map", [[to_plain(key), to_plain(part)] for key, part in value.items()])
        case date() | timedelta():
            return _time(value)
    return _record(value)


def _tagged(name: str, value: Any) -> dict[str, Any]:
    return {_TAG: name, _VALUE: value}


def _time(value: date | timedelta) -> dict[str, Any]:
    if isinstance(value, timedelta):
        return _tagged("timedelta", value // timedelta(microseconds=1))
    if isinstance(value, datetime):
        return {**_tagged("datetime", value.isoformat()), "fold": value.fold}
    return _tagged("date", value.isoformat())


def _record(value: Any) -> dict[str, Any]:
    cls = type(value)
    if _CLASSES.get(cls.__name__) is not cls:
        raise TypeError(f"{cls.__name__} is no value of the model")
    plain: dict[str, Any] = {_TAG: cls.__name__}
    for name, default in _defaults(cls.__name__).items():
        part = getattr(value, name)
        if default is MISSING or part != default:
            plain[name] = to_plain(part)
    return plain


@cache
def _defaults(name: str) -> dict[str, Any]:
    """The fields of a class with their defaults; MISSING where there is none."""
    return {field.name: field.default for field in fields(_CLASSES[name])}


def from_plain(plain: Any) -> Any:
    """The inverse of ``to_plain``; lists come back as tuples, sets as frozensets."""
    if isinstance(plain, list):
        return tuple(from_plain(part) for part in plain)
    if not isinstance(plain, dict):
        return plain
    match plain.get(_TAG):
        case "item":
            return codec.decode(plain[_VALUE])
        case "datetime":
            return datetime.fromisoformat(plain[_VALUE]).replace(fold=plain["fold"])
        case "date":
            return date.fromisoformat(plain[_VALUE])
        case "timedelta":
            return timedelta(microseconds=plain[_VALUE])
        case "set":
            return frozenset(from_plain(part) for part in plain[_VALUE])
        case "map":
            return {from_plain(key): from_plain(part) for key, part in plain[_VALUE]}
        case name if name in _CLASSES:
            cls = _CLASSES[name]
            if issubclass(cls, Enum):
                return cls(plain[_VALUE])
            return cls(**{key: from_plain(part) for key, part in plain.items() if key != _TAG})
        case name:
            raise ValueError(f"{name!r} is no class of the model")
