"""Somebody's free and busy times: all that most colleagues may see of each other's calendars.

Source: getuseravailability-operation. Items of such a calendar are not to be had, so there are no ids but the times
themselves, no changes but a comparison with what was there before, and nothing but times and how they show.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from marketplace_plugin.errors import (
    AnswerLost,
    CollectionGone,
    ContractViolation,
    NotSent,
    PermissionDenied,
    Unavailable,
)
from marketplace_plugin.model.change import Access, Checkpoint, Cursor, Found, Gone, Page, Revision, Upsert
from marketplace_plugin.model.event import UNKNOWN, Event, ShowAs
from marketplace_plugin.model.time import Timed, Window, Zoned
from marketplace_plugin.providers.ews.shape.decode import SHOW_AS
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.client import Client
from marketplace_plugin.providers.ews.soap.errors import for_read, problem_of
from marketplace_plugin.providers.ews.soap.xml import Element, make

LONGEST = timedelta(days=42)
"""What one request may ask for (MaximumQueryIntervalDays)."""

_NO_ADDRESS = frozenset({"ErrorMailRecipientNotFound", "ErrorInvalidSmtpAddress", "ErrorNonExistentMailbox"})
_FORMAT = "%Y%m%dT%H%M%SZ"


def answers(client: Client, owner: str) -> bool:
    """Whether the times of this address are to be had now. Raises what concerns the whole account."""
    day = datetime(2026, 1, 1, tzinfo=UTC)
    try:
        _ask(client, owner, Window(day, day + timedelta(days=1)))
    except (NotSent, AnswerLost):
        raise
    except (CollectionGone, PermissionDenied, ContractViolation, Unavailable):  # nobody, not for us, or not served
        return False
    return True


def page(client: Client, collection: str, since: Cursor | Checkpoint | None, window: Window, home: str) -> Page:
    """The one page of a round: everything, or nothing where nothing changed. ``home``: the IANA zone of the times."""
    found = list(_found(client, _owner(collection), window, home))
    mark = hashlib.sha256(repr([(item.id, item.revision) for item in found]).encode()).hexdigest()
    fingerprint = f"times:{hashlib.sha256(collection.encode()).hexdigest()[:16]}"
    cursor = Cursor(mark, fingerprint, window)
    if since == cursor:
        return Page((), cursor=cursor)
    return Page(tuple(Upsert(item) for item in found), snapshot=True, covers=window, cursor=cursor)


def fetch(client: Client, collection: str, ids: Sequence[str], home: str) -> list[Found | Gone]:
    """What these ids name, which are times themselves."""
    spans = [span for identity in ids if (span := _span(identity)) is not None]
    known: dict[str, Found] = {}
    if spans:
        window = Window(min(start for start, _ in spans), max(end for _, end in spans) + timedelta(minutes=1))
        known = {item.id: item for item in _found(client, _owner(collection), window, home)}
    return [known.get(identity) or Gone(identity) for identity in ids]


# ---- parts --------------------------------------------------------------------------------------------------------


def _owner(collection: str) -> str:
    return collection.partition(" ")[2]


def _found(client: Client, owner: str, window: Window, home: str) -> Iterator[Found]:
    """Everything that touches the window, each once."""
    told: set[str] = set()
    start = window.start
    while start < window.end:
        end = min(start + LONGEST, window.end)
        here: dict[str, int] = {}  # two events may have the same times
        for event in _ask(client, owner, Window(start, end)):
            item = _item(event, here, home)
            if item is not None and item.id not in told:
                told.add(item.id)
                yield item
        start = end


def _item(event: Element, here: dict[str, int], home: str) -> Found | None:
    """None for what shows as free."""
    try:
        start, end = _instant(xml.text(event, "t:StartTime")), _instant(xml.text(event, "t:EndTime"))
        when = Timed(Zoned.at(start, home), Zoned.at(end, home))
    except ValueError as error:
        raise ContractViolation("a busy time without its times") from error
    show_as = SHOW_AS.get(xml.text(event, "t:BusyType"), ShowAs.BUSY)
    if show_as is ShowAs.FREE:
        return None
    name = _name(start, end)
    here[name] = here.get(name, 0) + 1
    return Found(
        id=name if here[name] == 1 else f"{name}/{here[name]}",
        revision=Revision(show_as.value),
        item=Event(
            when=when,
            title=UNKNOWN,
            description=UNKNOWN,
            location=UNKNOWN,
            show_as=show_as,
            sensitivity=UNKNOWN,
            reminder=UNKNOWN,
            attendees=UNKNOWN,
        ),
        access=Access.NONE,
    )


def _name(start: datetime, end: datetime) -> str:
    return f"{start:{_FORMAT}}/{end:{_FORMAT}}"


def _span(identity: str) -> tuple[datetime, datetime] | None:
    """None for what is no id of ours."""
    try:
        start, end, *_ = (datetime.strptime(part, _FORMAT) for part in identity.split("/")[:2])  # noqa: DTZ007  # UTC
    except ValueError:
        return None
    return start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)


def _instant(text: str) -> datetime:
    """Wall times of the request's zone, which is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _ask(client: Client, owner: str, window: Window) -> list[Element]:
    """The events of one request. Raises CollectionGone for no address, and what a read may raise."""
    request = make(
        "m:GetUserAvailabilityRequest",
        make(
            "t:TimeZone",
            make("t:Bias", "0"),
            _switch("t:StandardTime", "10"),
            _switch("t:DaylightTime", "3"),
        ),
        make(
            "m:MailboxDataArray",
            make(
                "t:MailboxData",
                make("t:Email", make("t:Address", owner)),
                make("t:AttendeeType", "Required"),
                make("t:ExcludeConflicts", "false"),
            ),
        ),
        make(
            "t:FreeBusyViewOptions",
            make(
                "t:TimeWindow",
                make("t:StartTime", _wall(window.start)),
                make("t:EndTime", _wall(window.end)),
            ),
            make("t:MergedFreeBusyIntervalInMinutes", "30"),
            make("t:RequestedView", "FreeBusy"),
        ),
    )
    (answer,) = client.ask_all(request, 1)
    message = xml.find(answer, "m:FreeBusyResponseArray/m:FreeBusyResponse/m:ResponseMessage")
    if message is None:
        raise ContractViolation("no answer for one address")
    problem = problem_of(message)
    if problem is not None and problem.reason in _NO_ADDRESS:
        raise CollectionGone("nobody has this address") from problem
    if problem is not None:
        raise for_read(problem) from problem
    events = "m:FreeBusyResponseArray/m:FreeBusyResponse/m:FreeBusyView/t:CalendarEventArray"
    return xml.children(answer, events)


def _switch(name: str, month: str) -> Element:
    """The schema wants two changes of the clock, also of a zone that has none: by nothing."""
    parts = {"Bias": "0", "Time": "02:00:00", "DayOrder": "5", "Month": month, "DayOfWeek": "Sunday"}
    return make(name, *(make(f"t:{part}", value) for part, value in parts.items()))


def _wall(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
