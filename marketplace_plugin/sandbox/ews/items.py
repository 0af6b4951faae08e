"""The items of a folder: calendar items with their series, contacts, tasks.

Names of fields and their values are those of the EWS schema (types.xsd), values as text unless the
comment says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

Kind = Literal["CalendarItem", "Contact", "DistributionList", "Task"]
"""A distribution list lies among contacts; it can only be read."""


class Property(NamedTuple):
    """The name of an extended property: a tag, or a property set with a name or a number.

    ``property_set`` is a GUID in lower case. Names of properties are case-sensitive.
    """

    property_set: str
    name: str
    type: str


@dataclass(frozen=True)
class Recurrence:
    """A pattern and a range, as their elements are called.

    ``values`` are the pattern's children by name; ``until`` is the last day, ``count`` the number
    of occurrences, without either it goes on for ever. ``first`` is the range's StartDate.
    """

    pattern: str
    values: dict[str, str]
    first: date
    until: date | None = None
    count: int | None = None


@dataclass
class Override:
    """An exception of a series: its own times, and the fields that differ from the master."""

    start: datetime
    end: datetime
    start_zone: str
    end_zone: str
    all_day: bool
    created: datetime
    modified: datetime
    change: int
    fields: dict[str, Any] = field(default_factory=dict)
    extended: dict[Property, str | tuple[str, ...]] = field(default_factory=dict)
    attendees: list[Attendee] | None = None
    """None: the master's."""


@dataclass
class Attendee:
    """Somebody who is invited; ``role`` is the element that lists him."""

    address: str
    name: str
    role: str = "RequiredAttendees"
    response: str = "Unknown"
    replied: datetime | None = None


@dataclass
class Event:
    """What makes an item a calendar item.

    ``start`` and ``end`` are instants, the end exclusive; the zones say which wall times they are.
    """

    uid: str
    start: datetime
    end: datetime
    start_zone: str
    end_zone: str
    organizer: str
    all_day: bool = False
    recurrence: Recurrence | None = None
    overrides: dict[date, Override] = field(default_factory=dict)
    deleted: set[date] = field(default_factory=set)
    """Original local days of the occurrences that were deleted."""
    attendees: list[Attendee] = field(default_factory=list)
    response: str = "Organizer"
    replied: datetime | None = None
    sequence: int = 0
    cancelled: bool = False
    request_sent: bool = False
    custom_zone: bool = False
    """The zone comes with rules and the id ``Customized Time Zone`` only."""


@dataclass
class Item:
    """One item in one folder of a mailbox.

    ``fields`` has the properties that a client can write and that do not stand here. Special
    values: ``Body`` is HTML; ``Categories``, ``Companies``, ``Children`` and ``Contacts`` are lists,
    ``Members`` one of pairs of name and address; ``EmailAddresses``, ``PhoneNumbers``,
    ``ImAddresses`` map keys to texts, ``PhysicalAddresses`` keys to mappings; ``Birthday``,
    ``WeddingAnniversary`` and ``CompleteDate`` are instants; ``StartDate`` and ``DueDate`` are
    dates; a task's ``Recurrence`` is a ``Recurrence``.
    """

    key: int
    """Another one after each move between folders."""
    mailbox: str
    folder: int
    kind: Kind
    fields: dict[str, Any]
    created: datetime
    modified: datetime
    modified_by: str
    change: int = 0
    event: Event | None = None
    extended: dict[Property, str | tuple[str, ...]] = field(default_factory=dict)

    @property
    def calendar(self) -> Event:
        """The calendar item's part. Raises TypeError for other items."""
        if self.event is None:
            raise TypeError(f"{self.kind} is no calendar item")
        return self.event
