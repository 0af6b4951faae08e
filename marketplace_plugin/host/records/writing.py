"""What becomes of an item when named fields of it are written (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from marketplace_plugin.model.event import Event, Override, Series, Unknown
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.task import Call, Task

_DEFAULTS = {f.name: f.default for f in fields(Event)}

T = TypeVar("T", Event, Task, Call)


def written(current: Item, new: Item, changed: frozenset[str]) -> Item:
    """``current`` with the named fields taken from ``new``: dataclass fields, ``rule``, ``rdates``, ``overrides``.

    An UNKNOWN field of ``new`` is never written (SYNC.md rule 6). Raises ValueError where the two are of different
    kinds, or the result would be no item.
    """
    match current, new:
        case Series(), Series():
            parts: dict[str, Any] = {"master": _fields(current.master, new.master, changed)}
            if "rule" in changed:
                parts["rule"] = new.rule
            if "rdates" in changed:
                parts["rdates"] = new.rdates
            if "overrides" in changed:
                parts["overrides"] = tuple(_override(current, o) for o in new.overrides)
            return replace(current, **parts)
        case Event(), Event():
            return _fields(current, new, changed)
        case Event(), Series():  # it repeats from now on
            return settled(replace(new, master=_fields(current, new.master, changed | {"when"})))
        case Series(), Event():
            return _fields(current.master, new, changed | {"when"})
        case Task(), Task():
            return _fields(current, new, changed)
        case Call(), Call():
            return _fields(current, new, changed)
    raise ValueError(f"a {type(new).__name__} cannot be written over a {type(current).__name__}")


def settled(item: Item) -> Item:
    """``item`` as a host keeps it: each UNKNOWN field has its default, since there is nothing that it could hide."""
    match item:
        case Event():
            return _known(item, _DEFAULTS)
        case Series():
            master = _known(item.master, _DEFAULTS)
            values = _values(master)
            overrides = tuple(
                o if o.event is None else replace(o, event=_known(o.event, values)) for o in item.overrides
            )
            return replace(item, master=master, overrides=overrides)
    return item


def _override(current: Series, new: Override) -> Override:
    """A field that is masked in the new override stays as it was, or as the master has it."""
    if new.event is None:
        return new
    before = current.override(new.original)
    known = before.event if before is not None and before.event is not None else current.master
    return replace(new, event=_known(new.event, _values(known)))


def _fields(current: T, new: T, changed: frozenset[str]) -> T:
    values = {name: value for name, value in _values(new).items() if name in changed and not isinstance(value, Unknown)}
    return replace(current, **values)


def _known(event: Event, otherwise: Mapping[str, Any]) -> Event:
    masked = {name: otherwise[name] for name, value in _values(event).items() if isinstance(value, Unknown)}
    return replace(event, **masked) if masked else event


def _values(item: Event | Task | Call) -> dict[str, Any]:
    return {f.name: getattr(item, f.name) for f in fields(item)}
