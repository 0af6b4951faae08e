"""The exact JSON form of every Item, versioned: what bases, intents and pre-images are stored as.

``UNKNOWN`` is a value of its own, never an empty field. What is compared, and how, is in ``canonical.py``.
"""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date, datetime
from typing import Any

from marketplace_plugin.model.contact import Contact, Labelled, PostalAddress
from marketplace_plugin.model.event import (
    UNKNOWN,
    Attendee,
    Event,
    Override,
    Response,
    Sensitivity,
    Series,
    ShowAs,
    Status,
    Unknown,
)
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.task import Call, Priority, Task, TaskStatus
from marketplace_plugin.model.time import AllDay, Original, Timed, When, Zoned

VERSION = 1

Json = dict[str, Any]


def encode(item: Item) -> Json:
    """``item`` as JSON values, exactly; ``decode`` gives an equal one back."""
    match item:
        case Event():
            return {"v": VERSION, "type": "event", **_event(item)}
        case Series():
            return {
                "v": VERSION,
                "type": "series",
                **_event(item.master),
                "rule": None if item.rule is None else str(item.rule),
                "rdates": [_original(original) for original in item.rdates],
                "overrides": [
                    {"original": _original(o.original), "event": None if o.event is None else _event(o.event)}
                    for o in item.overrides
                ],
            }
        case Contact():
            return {"v": VERSION, "type": "contact", **_contact(item)}
        case Task():
            return {"v": VERSION, "type": "task", **_task(item)}
        case Call():
            return {
                "v": VERSION,
                "type": "call",
                "title": item.title,
                "when": _when(item.when),
                "phone": item.phone,
                "notes": item.notes,
                "done": item.done,
            }


def decode(data: Json) -> Item:
    """The item that ``encode`` wrote. Raises ValueError for another version or type, or a malformed body."""
    if data.get("v") != VERSION:
        raise ValueError(f"item form version {data.get('v')!r} is not {VERSION}")
    try:
        match data.get("type"):
            case "event":
                return _read_event(data)
            case "series":
                return Series(
                    master=_read_event(data),
                    rule=None if data["rule"] is None else RecurrenceRule.parse(data["rule"]),
                    rdates=tuple(_read_original(o) for o in data["rdates"]),
                    overrides=tuple(
                        Override(
                            _read_original(o["original"]),
                            None if o["event"] is None else _read_event(o["event"]),
                        )
                        for o in data["overrides"]
                    ),
                )
            case "contact":
                return _read_contact(data)
            case "task":
                return _read_task(data)
            case "call":
                return Call(
                    title=data["title"],
                    when=_read_timed(data["when"]),
                    phone=data["phone"],
                    notes=data["notes"],
                    done=data["done"],
                )
            case other:
                raise ValueError(f"unknown type of item: {other!r}")
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"malformed item: {error!r}") from error


def dumps(item: Item) -> bytes:
    """``encode`` as canonical bytes: ASCII, keys sorted, no spaces; equal items give equal bytes."""
    return to_bytes(encode(item))


def loads(text: bytes) -> Item:
    """Raises ValueError for what ``dumps`` did not write."""
    data = json.loads(text)
    if not isinstance(data, dict):
        raise ValueError("malformed item: not an object")  # noqa: TRY004 - one kind of error for all malformed text
    return decode(data)


def to_bytes(data: Json) -> bytes:
    """JSON values as canonical bytes."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


# ---- parts --------------------------------------------------------------------------------------------------------

_MASKED: Json = {"unknown": True}


def _masked(value: Any) -> Any:
    return _MASKED if value is UNKNOWN else value


def _read_masked(value: Any) -> Any:
    return UNKNOWN if value == _MASKED else value


def _event(event: Event) -> Json:
    attendees = event.attendees
    return {
        "when": _when(event.when),
        "title": _masked(event.title),
        "description": _masked(event.description),
        "location": _masked(event.location),
        "show_as": _masked(event.show_as),
        "sensitivity": _masked(event.sensitivity),
        "status": event.status.value,
        "reminder": _masked(event.reminder),
        "organizer": None if event.organizer is None else _attendee(event.organizer),
        "attendees": _MASKED if isinstance(attendees, Unknown) else [_attendee(a) for a in attendees],
        "response": None if event.response is None else event.response.value,
        "conference": event.conference,
    }


def _read_event(data: Json) -> Event:
    attendees = _read_masked(data["attendees"])
    show_as, sensitivity = _read_masked(data["show_as"]), _read_masked(data["sensitivity"])
    return Event(
        when=_read_when(data["when"]),
        title=_read_masked(data["title"]),
        description=_read_masked(data["description"]),
        location=_read_masked(data["location"]),
        show_as=show_as if show_as is UNKNOWN else ShowAs(show_as),
        sensitivity=sensitivity if sensitivity is UNKNOWN else Sensitivity(sensitivity),
        status=Status(data["status"]),
        reminder=_read_masked(data["reminder"]),
        organizer=None if data["organizer"] is None else _read_attendee(data["organizer"]),
        attendees=attendees if attendees is UNKNOWN else tuple(_read_attendee(a) for a in attendees),
        response=None if data["response"] is None else Response(data["response"]),
        conference=data["conference"],
    )


def _attendee(attendee: Attendee) -> list[Any]:
    return [attendee.address, attendee.name, attendee.response.value, attendee.optional]


def _read_attendee(data: list[Any]) -> Attendee:
    address, name, response, optional = data
    return Attendee(address, name, Response(response), optional)


def _when(when: When) -> list[Any]:
    if isinstance(when, AllDay):
        return [when.start.isoformat(), when.end.isoformat()]
    return [_zoned(when.start), _zoned(when.end)]


def _read_when(data: list[Any]) -> When:
    start, end = data
    if isinstance(start, str):
        return AllDay(date.fromisoformat(start), date.fromisoformat(end))
    return Timed(_read_zoned(start), _read_zoned(end))


def _read_timed(data: list[Any]) -> Timed:
    when = _read_when(data)
    if not isinstance(when, Timed):
        raise ValueError("malformed item: dates where wall times belong")  # noqa: TRY004 - as in loads()
    return when


def _read_due(data: Any) -> date | Timed | None:
    if data is None:
        return None
    return date.fromisoformat(data) if isinstance(data, str) else _read_timed(data)


def _zoned(zoned: Zoned) -> list[Any]:
    return [zoned.wall.isoformat(), zoned.zone, zoned.fold]


def _read_zoned(data: list[Any]) -> Zoned:
    wall, zone, fold = data
    return Zoned(datetime.fromisoformat(wall), zone, fold)


def _original(original: Original) -> Any:
    return _zoned(original) if isinstance(original, Zoned) else original.isoformat()


def _read_original(data: Any) -> Original:
    return date.fromisoformat(data) if isinstance(data, str) else _read_zoned(data)


def _task(task: Task) -> Json:
    due = task.due
    return {
        "title": task.title,
        "notes": task.notes,
        "due": due if due is None else _when(due) if isinstance(due, Timed) else due.isoformat(),
        "status": task.status.value,
        "priority": task.priority.value,
        "reminder": None if task.reminder is None else _zoned(task.reminder),
        "completed": None if task.completed is None else task.completed.isoformat(),
    }


def _read_task(data: Json) -> Task:
    """What was written before a field was known lacks it."""
    reminder, completed = data.get("reminder"), data.get("completed")
    return Task(
        title=data["title"],
        notes=data["notes"],
        due=_read_due(data["due"]),
        status=TaskStatus(data["status"]),
        priority=Priority(data.get("priority", Priority.NORMAL)),
        reminder=None if reminder is None else _read_zoned(reminder),
        completed=None if completed is None else date.fromisoformat(completed),
    )


_TYPED_LISTS = ("emails", "phones")
_ADDRESS = tuple(f.name for f in fields(PostalAddress))


def _contact(contact: Contact) -> Json:
    data: Json = {f.name: getattr(contact, f.name) for f in fields(contact)}
    for name in _TYPED_LISTS:
        data[name] = [[entry.label, entry.value] for entry in data[name]]
    data["addresses"] = [{name: getattr(address, name) for name in _ADDRESS} for address in contact.addresses]
    data["websites"] = list(contact.websites)
    data["birthday"] = None if contact.birthday is None else contact.birthday.isoformat()
    return data


def _read_contact(data: Json) -> Contact:
    values = {key: value for key, value in data.items() if key not in ("v", "type")}
    for name in _TYPED_LISTS:
        values[name] = tuple(Labelled(label, value) for label, value in values[name])
    values["addresses"] = tuple(PostalAddress(**address) for address in values["addresses"])
    values["websites"] = tuple(values["websites"])
    values["birthday"] = None if values["birthday"] is None else date.fromisoformat(values["birthday"])
    return Contact(**values)
