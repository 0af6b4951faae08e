"""Cells: what is compared and merged of an item, piece by piece.

A cell is one field of the item (``title``), one entry of a contact's list (``emails/ada@king.example``, in
``entries.py``), one changed occurrence (``overrides/2026-11-21``), one field of a changed
occurrence that all sides have (``overrides/2026-11-21/title``), or the whole recurrence (``recurrence``: times, rule,
extra dates and overrides in one) where the shape of the series differs anywhere, because then the names of its
occurrences no longer mean the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, Protocol

from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.event import Event, Override, Series, Unknown, named_original, original_key
from marketplace_plugin.model.form.canonical import CONTACT_FIELDS, EVENT_FIELDS, TASK_FIELDS, restrict, same
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.series.edit import moved_to
from marketplace_plugin.model.task import Task
from marketplace_plugin.model.time import AllDay, Original, Timed
from marketplace_plugin.sync.merge.entries import LISTS, keyed, put, same_entries

EventItem = Event | Series
Synced = Event | Series | Contact | Task
"""What is merged. A call only ever shows as the event that it is mirrored as."""
EVERY_FIELD: Final = EVENT_FIELDS | CONTACT_FIELDS | TASK_FIELDS
RECURRENCE: Final = "recurrence"
OVERRIDES: Final = "overrides"
STRUCTURE_NAMES: Final = frozenset({"when", "rule", "rdates", OVERRIDES})
_PROBE: Final = Event(when=AllDay(date(2000, 1, 1), date(2000, 1, 2)))
_PROBES: Final = {name: Task(title="") for name in TASK_FIELDS} | {name: Contact() for name in CONTACT_FIELDS}


@dataclass(frozen=True, slots=True)
class Parts:
    """An item in one form: what is no series is one without rule, extra dates and overrides."""

    master: Event | Contact | Task
    rule: RecurrenceRule | None
    rdates: tuple[Original, ...]
    overrides: Mapping[str, Override]

    @classmethod
    def of(cls, item: Synced) -> Parts:
        if not isinstance(item, Series):
            return cls(item, None, (), {})
        return cls(item.master, item.rule, item.rdates, {original_key(o.original): o for o in item.overrides})

    @property
    def event(self) -> Event:
        """The event, or the master of the series. Raises TypeError for what is neither."""
        if not isinstance(self.master, Event):
            raise TypeError("only events have times")
        return self.master

    def item(self) -> Synced:
        if self.rule is None and not self.rdates:
            return self.master
        return Series(self.event, self.rule, tuple(self.overrides[key] for key in sorted(self.overrides)), self.rdates)

    def by_rule(self, key: str) -> Override:
        """The occurrence of this name as the rule makes it: the master, at that time."""
        original = named_original(key, self.event.when.start)
        return Override(original, replace(self.event, when=moved_to(self.event.when, original)))

    def with_override(self, key: str, override: Override | None) -> Parts:
        rest = {k: o for k, o in self.overrides.items() if k != key}
        return replace(self, overrides=rest if override is None else rest | {key: override})


def is_blank(base: object) -> bool:
    """The base of two that were tied although nothing is agreed between them yet: an empty contact or task."""
    return base in (Contact(), Task(title=""))


class Cell(Protocol):
    """One piece: how to read it, write it, and compare two values of it. ``fields`` is what ``Update.changed`` says;
    ``names`` are those of which one must be allowed to flow, so that it does.

    ``allowed`` are the event fields that a write may set inside a changed occurrence: what a service must not be told
    (attendees) does not slip through with the occurrence.
    """

    @property
    def name(self) -> str: ...
    @property
    def fields(self) -> frozenset[str]: ...
    @property
    def names(self) -> frozenset[str]: ...
    def get(self, parts: Parts) -> Any: ...
    def put(self, parts: Parts, value: Any, allowed: frozenset[str], /) -> Parts: ...
    def equal(self, a: Any, b: Any) -> bool: ...


@dataclass(frozen=True, slots=True)
class FieldCell:
    """One field of a contact, a task, a single event or of the master."""

    name: str

    @property
    def fields(self) -> frozenset[str]:
        return frozenset({self.name})

    @property
    def names(self) -> frozenset[str]:
        return self.fields

    def get(self, parts: Parts) -> Any:
        return getattr(parts.master, self.name)

    def put(self, parts: Parts, value: Any, _allowed: frozenset[str]) -> Parts:
        return replace(parts, master=replace(parts.master, **{self.name: value}))

    def equal(self, a: Any, b: Any) -> bool:
        if a == b:
            return True
        probe: Any = _PROBE if self.name in EVENT_FIELDS else _PROBES[self.name]
        return same(replace(probe, **{self.name: a}), replace(probe, **{self.name: b}))


@dataclass(frozen=True, slots=True)
class EntryCell:
    """The entries of a contact's list that ``entries.keyed`` calls ``key``, so that both sides can add to it."""

    list: str
    key: str

    @property
    def name(self) -> str:
        return f"{self.list}/{self.key}"

    @property
    def fields(self) -> frozenset[str]:
        return frozenset({self.list})

    @property
    def names(self) -> frozenset[str]:
        return self.fields

    def get(self, parts: Parts) -> Any:
        return keyed(self.list, getattr(parts.master, self.list)).get(self.key)

    def put(self, parts: Parts, value: Any, _allowed: frozenset[str]) -> Parts:
        master: Any = parts.master
        entries = put(self.list, getattr(master, self.list), self.key, value)
        return replace(parts, master=replace(master, **{self.list: entries}))

    def equal(self, a: Any, b: Any) -> bool:
        return a is b if a is None or b is None else same_entries(a, b)


@dataclass(frozen=True, slots=True)
class OverrideFieldCell:
    """One field of a changed occurrence that every side has, or shows as its rule makes it (occurrences.py)."""

    key: str
    inner: str

    @property
    def name(self) -> str:
        return f"{OVERRIDES}/{self.key}/{self.inner}"

    @property
    def fields(self) -> frozenset[str]:
        return frozenset({OVERRIDES})

    @property
    def names(self) -> frozenset[str]:
        """Its own: a participant's answer to one occurrence flows like his answer to all, and a status never out."""
        return frozenset({self.inner})

    def get(self, parts: Parts) -> Any:
        event = self._override(parts).event
        return None if event is None else getattr(event, self.inner)

    def put(self, parts: Parts, value: Any, _allowed: frozenset[str]) -> Parts:
        override = self._override(parts)
        if override.event is None:
            return parts
        event = replace(override.event, **{self.inner: value})
        return parts.with_override(self.key, replace(override, event=event))

    def _override(self, parts: Parts) -> Override:
        return parts.overrides.get(self.key) or parts.by_rule(self.key)

    def equal(self, a: Any, b: Any) -> bool:
        return FieldCell(self.inner).equal(a, b)


@dataclass(frozen=True, slots=True)
class OverrideCell:
    """One occurrence: an Override, or None where it is as the rule makes it. ``held``: the fields that are compared."""

    key: str
    held: frozenset[str]

    @property
    def name(self) -> str:
        return f"{OVERRIDES}/{self.key}"

    @property
    def fields(self) -> frozenset[str]:
        return frozenset({OVERRIDES})

    @property
    def names(self) -> frozenset[str]:
        return self.fields

    def get(self, parts: Parts) -> Override | None:
        return parts.overrides.get(self.key)

    def put(self, parts: Parts, value: Override | None, allowed: frozenset[str]) -> Parts:
        if value is None or value.event is None:
            return parts.with_override(self.key, value)
        kept = parts.overrides.get(self.key)
        below = kept.event if kept is not None and kept.event is not None else parts.event
        return parts.with_override(self.key, replace(value, event=overlay(below, value.event, allowed)))

    def equal(self, a: Override | None, b: Override | None) -> bool:
        if a is None or b is None:
            return a is b
        if a.event is None or b.event is None:
            return a.event is b.event
        return same(restrict(a.event, self.held), restrict(b.event, self.held))


@dataclass(frozen=True, slots=True)
class RecurrenceCell:
    """Times, rule, extra dates and overrides in one; the value is the Parts."""

    held: frozenset[str]
    name: str = RECURRENCE

    @property
    def fields(self) -> frozenset[str]:
        return STRUCTURE_NAMES

    @property
    def names(self) -> frozenset[str]:
        return self.fields

    def get(self, parts: Parts) -> Parts:
        return parts

    def put(self, parts: Parts, value: Parts, allowed: frozenset[str]) -> Parts:
        bare = Parts(replace(parts.event, when=value.event.when), value.rule, value.rdates, {})
        for key, override in value.overrides.items():
            kept = parts.overrides.get(key)
            below = bare if kept is None else bare.with_override(key, kept)
            bare = OverrideCell(key, self.held).put(below, override, allowed)
        return bare

    def equal(self, a: Parts, b: Parts) -> bool:
        return same(restrict(a.item(), self.held & {"when"}), restrict(b.item(), self.held & {"when"})) and all(
            OverrideCell(key, self.held).equal(a.overrides.get(key), b.overrides.get(key))
            for key in {*a.overrides, *b.overrides}
        )


def shown(cell: Cell, item: object) -> Any:
    """What ``item`` shows in the cell; None where it has no such occurrence, or is nothing that is merged."""
    if not isinstance(item, Synced):
        return None
    try:
        return cell.get(Parts.of(item))
    except KeyError:
        return None


def overlay(below: Event, above: Event, allowed: frozenset[str]) -> Event:
    """``above`` where it tells a field that is allowed, else ``below``: UNKNOWN never replaces anything."""
    taken = {n: getattr(above, n) for n in (allowed & EVENT_FIELDS) | {"when"} if told(getattr(above, n))}
    return replace(below, **taken)


def told(value: Any) -> bool:
    """False for a field that the service masks."""
    return not isinstance(value, Unknown)


def same_shape(a: Parts, b: Parts) -> bool:
    """Occurrences keep their names: same kind of start, same wall time and zone, same rule and extra dates."""
    if type(a.event.when) is not type(b.event.when):
        return False
    starts = Event(when=_point(a)), Event(when=_point(b))
    return (
        a.rule == b.rule
        and sorted(map(original_key, a.rdates)) == sorted(map(original_key, b.rdates))
        and same(*starts)
    )


def _point(parts: Parts) -> AllDay | Timed:
    """The start alone, as a When."""
    when = parts.event.when
    if isinstance(when, AllDay):
        return AllDay(when.start, date.fromordinal(when.start.toordinal() + 1))
    return Timed(when.start, when.start)


def recurs(parts: Parts) -> bool:
    return parts.rule is not None or bool(parts.rdates)


def cells(sides: Sequence[Parts], held: frozenset[str]) -> list[Cell]:
    """The cells that take part for these showings of one item; ``held`` are the fields that are compared."""
    match sides[0].master:
        case Contact():
            return _contact_cells(sides, held)
        case Task():
            return [FieldCell(name) for name in sorted(held & TASK_FIELDS)]
    plain: list[Cell] = [FieldCell(name) for name in sorted(held & EVENT_FIELDS - {"when"})]
    first = sides[0]
    if not any(map(recurs, sides)):
        return [FieldCell("when"), *plain]
    if not all(same_shape(first, other) for other in sides[1:]):
        return [RecurrenceCell(held), *plain]
    occurrences: list[Cell] = []
    for key in sorted({key for side in sides for key in side.overrides}):
        occurrences += _occurrence_cells(key, sides, held)
    return [FieldCell("when"), *plain, *occurrences]


def _contact_cells(sides: Sequence[Parts], held: frozenset[str]) -> list[Cell]:
    found: list[Cell] = [FieldCell(name) for name in sorted(held & CONTACT_FIELDS - LISTS)]
    for name in sorted(held & LISTS):
        keys = {key for side in sides for key in keyed(name, getattr(side.master, name))}
        found += [EntryCell(name, key) for key in sorted(keys)]
    return found


def _occurrence_cells(key: str, sides: Sequence[Parts], held: frozenset[str]) -> list[Cell]:
    found = [side.overrides.get(key) for side in sides]
    if any(o is None or o.event is None for o in found):
        return [OverrideCell(key, held)]
    return [OverrideFieldCell(key, name) for name in sorted(in_occurrences(held))]


def in_occurrences(held: frozenset[str]) -> frozenset[str]:
    """The fields of a changed occurrence that are compared."""
    return (held & EVENT_FIELDS) | {"when"}


def named(name: str, held: frozenset[str]) -> Cell:
    """The cell of this name, as ``cells`` made it."""
    top, _, rest = name.partition("/")
    if name == RECURRENCE:
        return RecurrenceCell(held)
    if top in LISTS:
        return EntryCell(top, rest)
    if top != OVERRIDES:
        return FieldCell(name)
    key, _, inner = rest.partition("/")
    return OverrideFieldCell(key, inner) if inner else OverrideCell(key, held)
