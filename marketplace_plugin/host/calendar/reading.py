"""Reading a calendar for a viewer: one's own or a colleague's, with others laid over it. Redaction happens here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from marketplace_plugin.contract.module import Blocks, Person
from marketplace_plugin.host.calendar.entries import Entry, laid_over, of_block, of_event, of_todo
from marketplace_plugin.host.records import events, log, spans, todos
from marketplace_plugin.host.records.tables import Database
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import Window

COLOURS = ("c4", "c5", "c3", "c2")
"""Of colleagues laid over one's own calendar, in the order of their names."""
_FRESH = timedelta(minutes=5)


def entries(
    database: Database,
    blocks: Blocks,
    viewer: Person,
    owner: Person,
    beside: Sequence[tuple[Person, str]],
    window: Window,
) -> list[Entry]:
    """What ``viewer`` may see of ``owner`` in the window, and of ``beside`` (person, colour). Sorted.

    A meeting that both have is shown once, as the viewer's own.
    """
    with database.read() as c:
        records = events.in_window(c, owner.id, window)
        found = [entry for record in records for entry in of_event(record, owner, viewer, window)]
        for kind in (Kind.TASK, Kind.CALL):
            shown = (of_todo(record, viewer) for record in todos.of(c, owner.id, kind))
            found += [entry for entry in shown if entry is not None]
        known = {record.ref for record in records}
        for colleague, colour in beside:
            for record in events.in_window(c, colleague.id, window):
                if record.ref not in known:
                    theirs = of_event(record, colleague, viewer, window)
                    found += [laid_over(entry, colleague, colour) for entry in theirs]
    found += _blocks(blocks, viewer, owner, window)
    for colleague, colour in beside:
        found += [laid_over(entry, colleague, colour) for entry in _blocks(blocks, viewer, colleague, window)]
    return sorted(found, key=lambda entry: (*entry.order[:2], entry.order[2].isoformat(), entry.title))


def _blocks(blocks: Blocks, viewer: Person, owner: Person, window: Window) -> list[Entry]:
    shown = (of_block(block, viewer) for block in blocks.blocks(viewer.id, owner.id, window))
    return [entry for entry in shown if entry is not None]


def etag(c: sa.Connection, blocks: Blocks, viewer: Person, now: datetime, *also: str) -> str:
    """Of one's own calendar alone: changes whenever something that the page shows may have changed."""
    changed = blocks.changed_at(viewer.id)
    return _tag(viewer, now, str(log.head(c, viewer.id)), changed.isoformat() if changed else "", *also)


def etag_of(found: Sequence[Entry], viewer: Person, now: datetime, *also: str) -> str:
    """Of a calendar with something of others in it: changes with what the viewer may see and with nothing else, which
    would tell him when they are at work."""
    return _tag(viewer, now, *sorted(map(repr, found)), *also)


def _tag(viewer: Person, now: datetime, *parts: str) -> str:
    """The line of the present time moves in steps."""
    step = str(int(now.timestamp() // _FRESH.total_seconds()))
    known = "\0".join([viewer.id, spans.tz_version(), step, *parts])
    return hashlib.blake2s(known.encode(), digest_size=12).hexdigest()


def sources(found: Sequence[Entry]) -> list[str]:
    """The imported calendars that one's own entries come from, by name."""
    return sorted({entry.source for entry in found if entry.source})


def touching(found: Sequence[Entry], first: date, days: int) -> list[Entry]:
    last = first + timedelta(days=days)
    return [entry for entry in found if entry.days[0] < last and entry.days[1] > first]
