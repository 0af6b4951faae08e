"""The habits in which the three services differ, as one value each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from enum import StrEnum

from marketplace_plugin.model.collection import Capabilities
from marketplace_plugin.model.event import Event, Override, Series, Unknown
from marketplace_plugin.model.form.canonical import (
    CONTACT_FIELDS,
    EVENT_FIELDS,
    SERIES_FIELDS,
    TASK_FIELDS,
    normal_text,
)
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.time import Timed, Zoned
from marketplace_plugin.providers.memory.content import over_events

_WHOLE_CONTACTS, _WHOLE_TASKS = Capabilities(CONTACT_FIELDS), Capabilities(TASK_FIELDS)


@dataclass(frozen=True, slots=True)
class Personality:
    """How a service behaves.

    ``case_ids``: ids are handed out in pairs that differ in the case of one letter, and change when an item moves.
    ``override_etags``: an exception has a tag of its own, and changing it leaves the master's.
    ``lists_all``: a snapshot lists the whole folder, whatever the window.
    ``reshaping_drops``: another time or rule of a series undoes all its exceptions.
    ``remembers_deleted``: a create with the key of a deleted item is refused; else it makes a new one.
    ``batch``: so many writes are sent before the first outcome is told, in reverse order.
    ``capabilities`` are a calendar's, ``contacts`` an address book's, ``tasks`` a list's.
    """

    name: str
    capabilities: Capabilities
    contacts: Capabilities = _WHOLE_CONTACTS
    tasks: Capabilities = _WHOLE_TASKS
    case_ids: bool = False
    override_etags: bool = False
    lists_all: bool = False
    reshaping_drops: bool = False
    remembers_deleted: bool = False
    batch: int = 1

    def holds(self, kind: Kind) -> Capabilities:
        """Of a collection of ``kind``."""
        return {Kind.CONTACT: self.contacts, Kind.TASK: self.tasks}.get(kind, self.capabilities)


_HELD = (EVENT_FIELDS | SERIES_FIELDS) - {"organizer", "conference"}
_EXCHANGE_RULES = frozenset(
    {"daily", "weekly", "absolute-monthly", "relative-monthly", "absolute-yearly", "relative-yearly"}
)

GOOGLE = Personality(
    name="google-like",
    capabilities=Capabilities(fields=_HELD, move=True, stable_ids=True, idempotent_create=True, invites=True),
    contacts=Capabilities(fields=CONTACT_FIELDS - {"display_name"}),
    tasks=Capabilities(fields=TASK_FIELDS - {"priority", "reminder"}, stamps=False),
    override_etags=True,
    remembers_deleted=True,
    batch=3,
)
GRAPH = Personality(
    name="graph-like",
    capabilities=Capabilities(
        fields=_HELD - {"attendees"},  # writing them mails them, so they are never written
        idempotent_create=True,
        silent=False,
        rules=_EXCHANGE_RULES,
        override_crossing=False,
        windowed=True,  # a delta is of a fixed window; what left it looks like a removal
    ),
    case_ids=True,
    reshaping_drops=True,
    batch=2,
)
EWS = Personality(
    name="ews-like",
    capabilities=Capabilities(fields=_HELD, invites=True, rules=_EXCHANGE_RULES, override_crossing=False),
    case_ids=True,
    lists_all=True,
    reshaping_drops=True,
)
PERSONALITIES = (GOOGLE, GRAPH, EWS)


class Rewrite(StrEnum):
    """What a server does to what it is given."""

    WHITE_SPACE = "white-space"  # CRLF, blanks at line ends, a newline at the end
    INNER_SPACE = "inner-space"  # two blanks become one: not undone by the normal form
    ZONE_ALIAS = "zone-alias"  # Europe/Berlin comes back as Europe/Busingen
    ATTENDEE_ORDER = "attendee-order"  # another order at each reading
    ATTENDEE_CASE = "attendee-case"


_ALIASES = {"Europe/Berlin": "Europe/Busingen", "Asia/Kolkata": "Asia/Calcutta", "America/New_York": "US/Eastern"}


def rewritten(item: Item, how: frozenset[Rewrite]) -> Item:
    """``item`` as the server keeps it; what was rewritten once stays as it is."""
    if not isinstance(item, Event | Series):
        return item
    for rewrite, change in _REWRITES.items():
        if rewrite in how:
            item = over_events(item, change)
    if Rewrite.ZONE_ALIAS in how and isinstance(item, Series):
        item = replace(
            item,
            overrides=tuple(
                Override(_alias(o.original) if isinstance(o.original, Zoned) else o.original, o.event)
                for o in item.overrides
            ),
        )
    return item


def reordered(item: Item, turn: int) -> Item:
    """``item`` with its attendees in another order, by ``turn``."""
    if not isinstance(item, Event | Series):
        return item

    def turned(event: Event) -> Event:
        if isinstance(event.attendees, Unknown) or not event.attendees:
            return event
        by = turn % len(event.attendees)
        return replace(event, attendees=event.attendees[by:] + event.attendees[:by])

    return over_events(item, turned)


def _texts(event: Event, change: Callable[[str], str]) -> Event:
    values: dict[str, object] = {f.name: getattr(event, f.name) for f in fields(Event)}
    for name in ("title", "description", "location"):
        text = values[name]
        values[name] = change(text) if isinstance(text, str) else text
    return Event(**values)  # type: ignore[arg-type]  # the values of an Event, under their names


def _white_space(event: Event) -> Event:
    return _texts(event, lambda text: normal_text(text).replace("\n", " \r\n") + "\r\n" if text else text)


def _inner_space(event: Event) -> Event:
    return _texts(event, lambda text: " ".join(part for part in text.split(" ") if part))


def _zone_alias(event: Event) -> Event:
    when = event.when
    return replace(event, when=Timed(_alias(when.start), _alias(when.end))) if isinstance(when, Timed) else event


def _alias(zoned: Zoned) -> Zoned:
    return replace(zoned, zone=_ALIASES.get(zoned.zone, zoned.zone))


def _attendee_case(event: Event) -> Event:
    if isinstance(event.attendees, Unknown):
        return event
    return replace(event, attendees=tuple(replace(a, address=a.address.title()) for a in event.attendees))


_REWRITES: dict[Rewrite, Callable[[Event], Event]] = {
    Rewrite.INNER_SPACE: _inner_space,
    Rewrite.WHITE_SPACE: _white_space,
    Rewrite.ZONE_ALIAS: _zone_alias,
    Rewrite.ATTENDEE_CASE: _attendee_case,
}
