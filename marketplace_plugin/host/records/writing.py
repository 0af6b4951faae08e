"""What becomes of a host item when a service's named fields are written over it (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from marketplace_plugin.model.edit import master_of, patch
from marketplace_plugin.model.event import Event, Override, Series, Unknown
from marketplace_plugin.model.item import Item

_DEFAULTS = {f.name: f.default for f in fields(Event)}


def written(current: Item, new: Item, changed: frozenset[str]) -> Item:
    """``current`` with the named fields taken from ``new``, but never an UNKNOWN one (SYNC.md rule 6).

    Raises ValueError where the result would be no item.
    """
    if isinstance(current, Event | Series) and isinstance(new, Event | Series):
        changed -= {name for name, value in _values(master_of(new)).items() if isinstance(value, Unknown)}
    return settled(patch(current, new, changed), current)


def settled(item: Item, before: Item | None = None) -> Item:
    """``item`` as a host keeps it. A field that is masked in an override is as it was there, or as the master has it;
    elsewhere it has its default, since there is nothing that it could hide."""
    match item:
        case Event():
            return _known(item, _DEFAULTS)
        case Series():
            master = _known(item.master, _DEFAULTS)
            overrides = tuple(_settled_override(o, before, master) for o in item.overrides)
            return replace(item, master=master, overrides=overrides)
    return item


def _settled_override(new: Override, before: Item | None, master: Event) -> Override:
    if new.event is None:
        return new
    old = before.override(new.original) if isinstance(before, Series) else None
    known = old.event if old is not None and old.event is not None else master
    return replace(new, event=_known(new.event, _values(known)))


def _known(event: Event, otherwise: Mapping[str, Any]) -> Event:
    masked = {name: otherwise[name] for name, value in _values(event).items() if isinstance(value, Unknown)}
    return replace(event, **masked) if masked else event


def _values(event: Event) -> dict[str, Any]:
    return {f.name: getattr(event, f.name) for f in fields(event)}
