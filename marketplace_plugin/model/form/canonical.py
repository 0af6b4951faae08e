"""What is compared of an Item, and how: digests, projections, changed fields.

* ``normal`` takes away what services rewrite without meaning anything by it: newlines, trailing white space, Unicode
  composition (NFC), letter case of mail addresses, the order of attendees and of a contact's lists. ``digest`` is over
  the normal form.
* ``project`` sets to their defaults the fields that a collection cannot hold; that both sides are equal means equal
  under it.

``encode``, ``decode``, ``dumps`` and ``loads`` are the exact form, from ``codec.py``. ``UNKNOWN`` equals only itself.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import fields, replace
from typing import Any

from marketplace_plugin.model.collection import Capabilities
from marketplace_plugin.model.contact import Contact, Labelled, PostalAddress
from marketplace_plugin.model.event import Attendee, Event, Override, Series, Unknown, original_key
from marketplace_plugin.model.form.codec import Json, decode, dumps, encode, loads, to_bytes
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.names.zones import same_rules
from marketplace_plugin.model.task import Call, Task
from marketplace_plugin.model.time import Timed, Zoned

__all__ = [
    "CONTACT_FIELDS",
    "EVENT_FIELDS",
    "SERIES_FIELDS",
    "STRUCTURE",
    "TASK_FIELDS",
    "Json",
    "changed_fields",
    "decode",
    "digest",
    "dumps",
    "encode",
    "loads",
    "normal",
    "normal_entry",
    "normal_text",
    "project",
    "restrict",
    "same",
]

EVENT_FIELDS = frozenset(field.name for field in fields(Event))
SERIES_FIELDS = frozenset({"rule", "rdates", "overrides"})
STRUCTURE = SERIES_FIELDS | {"when"}
"""Every calendar holds these; ``Capabilities.fields`` need not name them."""
CONTACT_FIELDS = frozenset(field.name for field in fields(Contact))
TASK_FIELDS = frozenset(field.name for field in fields(Task))


def digest(item: Item, fields: frozenset[str] | None = None) -> str:
    """SHA-256 (hex) over the normal form, of the named fields only where ``fields`` is given.

    A series' fields are its master's and ``rule``, ``rdates``, ``overrides`` (these whole). ``v`` and ``type`` always
    take part, so a digest of another version or kind never equals.
    """
    data = encode(normal(item))
    if fields is not None:
        data = {key: value for key, value in data.items() if key in fields or key in ("v", "type")}
    return hashlib.sha256(to_bytes(data)).hexdigest()


def normal(item: Item) -> Item:
    """``item`` without what services rewrite at will. Idempotent. See the module's docstring."""
    match item:
        case Event():
            return _normal_event(item)
        case Series():
            return replace(
                item,
                master=_normal_event(item.master),
                rdates=tuple(sorted(item.rdates, key=original_key)),
                overrides=tuple(
                    replace(o, event=None if o.event is None else _normal_event(o.event)) for o in item.overrides
                ),
            )
        case Contact():
            changes: dict[str, Any] = {}
            for field in fields(item):
                value = getattr(item, field.name)
                changes[field.name] = normal_text(value) if isinstance(value, str) else _normal_list(value)
            return replace(item, **changes)
        case Task():
            return replace(item, title=normal_text(item.title), notes=normal_text(item.notes))
        case Call():
            return replace(
                item, title=normal_text(item.title), notes=normal_text(item.notes), phone=normal_text(item.phone)
            )


def normal_text(text: str) -> str:
    """NFC, newlines as LF, no white space at the end of a line or of the text."""
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).rstrip("\n")


def project(item: Item, capabilities: Capabilities) -> Item:
    """``item`` as a collection with ``capabilities`` can hold it: all other fields at their defaults.

    Overrides are projected like their master. A call is held whole.
    """
    return restrict(item, capabilities.fields)


def restrict(item: Item, kept: frozenset[str]) -> Item:
    """``item`` with all fields outside ``kept`` at their defaults; what gives an event its shape, and a task its title,
    always stays."""
    match item:
        case Event():
            return _restrict_event(item, kept)
        case Series():
            return replace(
                item,
                master=_restrict_event(item.master, kept),
                overrides=tuple(
                    replace(o, event=None if o.event is None else _restrict_event(o.event, kept))
                    for o in item.overrides
                ),
            )
        case Contact():
            return replace(item, **{name: getattr(Contact(), name) for name in CONTACT_FIELDS - kept})
        case Task():
            blank = Task(title=item.title)
            return replace(item, **{name: getattr(blank, name) for name in TASK_FIELDS - kept})
        case _:
            return item


def changed_fields(before: Item, after: Item) -> frozenset[str]:
    """Names of the fields whose normal forms differ; the names that ``Update.changed`` holds.

    A zone under another name with the same rules is no change (Europe/Berlin, Europe/Busingen). ``type`` is among them
    where an event became a series, or the other way round.
    """
    before, after = normal(before), normal(after)
    olds, news = _values(before), _values(after)
    names = {name for name, new in news.items() if name not in olds or not _equal(olds[name], new)}
    return frozenset(names if type(before) is type(after) else names | {"type"})


def same(a: Item, b: Item) -> bool:
    """Equal in normal form, with zones compared by their rules."""
    return type(a) is type(b) and not changed_fields(a, b)


def _values(item: Item) -> dict[str, Any]:
    """The values of an item by field name; a series' are its master's and its own."""
    if isinstance(item, Series):
        own: dict[str, Any] = {"rule": item.rule, "rdates": item.rdates, "overrides": item.overrides}
        return _values(item.master) | own
    return {f.name: getattr(item, f.name) for f in fields(item)}


def _equal(a: object, b: object) -> bool:
    """Equality that looks through zone names, wherever a wall time stands."""
    match a, b:
        case Zoned(), Zoned():
            return (a.wall, a.fold) == (b.wall, b.fold) and same_rules(a.zone, b.zone)
        case Timed(), Timed():
            return _equal(a.start, b.start) and _equal(a.end, b.end)
        case Override(), Override():
            return _equal(a.original, b.original) and _equal(a.event, b.event)
        case Event(), Event():
            return all(_equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
        case tuple(), tuple():
            return len(a) == len(b) and all(_equal(x, y) for x, y in zip(a, b, strict=True))
        case _:
            return a == b


def normal_entry(entry: Labelled | PostalAddress | str) -> Labelled | PostalAddress | str:
    """One entry of a contact's lists: labels in lower case, values without white space around them, mail addresses in
    lower case."""
    match entry:
        case Labelled(label, value):
            value = normal_text(value).strip()
            return Labelled(label.strip().lower(), value.lower() if "@" in value else value)
        case PostalAddress():
            parts = {f.name: normal_text(getattr(entry, f.name)).strip() for f in fields(entry)}
            return replace(entry, **parts | {"label": entry.label.strip().lower()})
        case str():
            return normal_text(entry).strip()


def _normal_list(value: Any) -> Any:
    """A list of a contact without its order, which services change; anything else as it is."""
    return tuple(sorted({normal_entry(entry) for entry in value}, key=repr)) if isinstance(value, tuple) else value


def _normal_event(event: Event) -> Event:
    attendees = event.attendees
    if not isinstance(attendees, Unknown):
        attendees = tuple(
            sorted((_normal_attendee(a) for a in attendees), key=lambda a: (a.address, a.name, a.response))
        )
    return replace(
        event,
        title=_normal_masked(event.title),
        description=_normal_masked(event.description),
        location=_normal_masked(event.location),
        organizer=None if event.organizer is None else _normal_attendee(event.organizer),
        attendees=attendees,
    )


def _normal_masked(text: str | Unknown) -> Any:
    return text if isinstance(text, Unknown) else normal_text(text)


def _normal_attendee(attendee: Attendee) -> Attendee:
    return replace(attendee, address=attendee.address.strip().lower(), name=normal_text(attendee.name).strip())


def _restrict_event(event: Event, kept: frozenset[str]) -> Event:
    default = Event(when=event.when)
    return replace(event, **{name: getattr(default, name) for name in EVENT_FIELDS - kept - {"when"}})
