"""What a service does with the content of items: whom it would mail, what it hides, what lies in a window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from marketplace_plugin.model.change import Access
from marketplace_plugin.model.contact import Contact, Labelled
from marketplace_plugin.model.event import UNKNOWN, Event, Override, Series, Unknown, original_key
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.series.edit import master_of
from marketplace_plugin.model.series.expand import touches
from marketplace_plugin.model.task import Task, TaskStatus, due_day
from marketplace_plugin.model.time import Window


def with_override(series: Series, key: str, override: Override | None) -> Series:
    """``series`` with one override put in its place, or taken away."""
    kept = [o for o in series.overrides if original_key(o.original) != key]
    if override is not None:
        kept.append(override)
    return replace(series, overrides=tuple(sorted(kept, key=lambda o: original_key(o.original))))


def over_events(item: Event | Series, change: Callable[[Event], Event]) -> Event | Series:
    """``item`` with each event in it changed: itself, or the master and the changed occurrences."""
    if isinstance(item, Event):
        return change(item)
    overrides = tuple(replace(o, event=None if o.event is None else change(o.event)) for o in item.overrides)
    return replace(item, master=change(item.master), overrides=overrides)


def lower_case_addresses(event: Event) -> Event:
    """Addresses in lower case, as the model has them."""
    if isinstance(event.attendees, Unknown):
        return event
    return replace(event, attendees=tuple(replace(a, address=a.address.lower()) for a in event.attendees))


def hidden(event: Event) -> Event:
    """What a calendar shows that tells free and busy times only."""
    return Event(
        when=event.when,
        title=UNKNOWN,
        description=UNKNOWN,
        location=UNKNOWN,
        show_as=event.show_as,
        sensitivity=UNKNOWN,
        status=event.status,
        reminder=UNKNOWN,
        attendees=UNKNOWN,
    )


def overrides_of(item: Item) -> tuple[Override, ...]:
    return item.overrides if isinstance(item, Series) else ()


def guests(item: Item, access: Access) -> list[str]:
    """Who would get a mail if the account changed the item: all attendees of what it organises."""
    if access is not Access.FULL or not isinstance(item, Event | Series):
        return []
    events = [master_of(item), *(o.event for o in overrides_of(item) if o.event is not None)]
    return sorted({a.address for e in events if not isinstance(e.attendees, Unknown) for a in e.attendees})


def is_in(item: Item, window: Window, zone: str) -> bool:
    """Whether something of the item lies in the window; what is no event always does."""
    return touches(item, window, zone) if isinstance(item, Event | Series) else True


# ---- contacts and tasks -------------------------------------------------------------------------------------------

_TWO_STATES = "google-like"
_SLOTS = {"graph-like": (3, {"work": 2, "home": 2, "mobile": 1}), "ews-like": (3, {"work": 2, "home": 2, "mobile": 1})}
"""Mail addresses, and phone numbers by label, that a contact has room for."""


def as_held(item: Item, service: str) -> Item:
    """What the service makes of a contact or task: due on a day, done or not; as many entries as there is room."""
    match item:
        case Task():
            status = item.status
            if service == _TWO_STATES and status is not TaskStatus.COMPLETED:
                status = TaskStatus.NOT_STARTED
            return replace(item, due=due_day(item), status=status)
        case Contact() if service in _SLOTS:
            mails, numbers = _SLOTS[service]
            return replace(
                item,
                emails=item.emails[:mails],
                phones=_in_slots(item.phones, numbers),
                addresses=tuple({address.label: address for address in reversed(item.addresses)}.values()),
                websites=item.websites[:1],
            )
        case _:
            return item


def _in_slots(phones: tuple[Labelled, ...], room: dict[str, int]) -> tuple[Labelled, ...]:
    """As many of each label as there are slots; a label without one stands in the single other one."""
    kept: list[Labelled] = []
    for phone in phones:
        label = phone.label if phone.label in room else "other"
        if sum(1 for one in kept if one.label == label) < room.get(label, 1):
            kept.append(Labelled(label, phone.value))
    return tuple(kept)
