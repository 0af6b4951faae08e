"""What stands there against what is wanted: what a write has to change, and whether a person has been there."""

from __future__ import annotations

from marketplace_plugin.model.event import UNKNOWN, Event, Series, original_key
from marketplace_plugin.model.form.canonical import changed_fields
from marketplace_plugin.model.item import Item
from marketplace_plugin.providers.ews.shape.encode import COPIED
from marketplace_plugin.providers.ews.shape.recurrence import Unencodable, element_of
from marketplace_plugin.providers.ews.soap import xml

_LIMITS = {"title": 255, "location": 255, "description": None}
"""Texts, and how many characters Exchange keeps of them."""


def to_write(before: Event, after: Event) -> frozenset[str]:
    """The fields that differ and that we would write; times that are the same instants in one zone's rules do not."""
    names = changed_fields(before, after) & COPIED - {"status"}
    return frozenset(name for name in names if getattr(after, name) is not UNKNOWN)


def differs(there: Item, wanted: Item) -> bool:
    """Whether a person has been there: the server itself cuts and respaces texts."""
    if not isinstance(there, (Event, Series)) or type(there) is not type(wanted):
        return True
    if isinstance(there, Event) and isinstance(wanted, Event):
        return _is_other(there, wanted)
    if not isinstance(there, Series) or not isinstance(wanted, Series):
        return True
    if _is_other(there.master, wanted.master) or not _same_pattern(there, wanted):
        return True
    here = {original_key(o.original): o.event for o in there.overrides}
    goal = {original_key(o.original): o.event for o in wanted.overrides}
    for key in here.keys() & goal.keys():
        left, right = here[key], goal[key]
        if (left is None) != (right is None) or (left is not None and right is not None and _is_other(left, right)):
            return True
    return bool(here.keys() - goal.keys())


def _same_pattern(a: Series, b: Series) -> bool:
    """Whether both rules are said alike: what a start implies need not be spelled out."""
    try:
        return xml.written(element_of(a)) == xml.written(element_of(b))
    except Unencodable:
        return a.rule == b.rule


def _is_other(there: Event, wanted: Event) -> bool:
    names = to_write(there, wanted)
    return any(name not in _LIMITS or _spaced(there, name) != _spaced(wanted, name) for name in names)


def _spaced(event: Event, name: str) -> str:
    return " ".join(str(getattr(event, name)).split())[: _LIMITS[name]].rstrip()
