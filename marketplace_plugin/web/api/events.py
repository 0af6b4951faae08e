"""A calendar in a window, for its owner or for a colleague. What a colleague may not know never reaches a schema."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from marketplace_plugin.contract.module import BlockView, Person
from marketplace_plugin.model.change import HostItem
from marketplace_plugin.model.event import UNKNOWN, Event, Sensitivity, Series, ShowAs, original_key
from marketplace_plugin.model.series.expand import occurrences
from marketplace_plugin.model.time import AllDay, When, Window

MOST_ENTRIES = 10_000
Entry = dict[str, Any]


def entries(
    viewer: Person, owner: str, blocks: Sequence[BlockView], items: Iterable[HostItem], window: Window
) -> tuple[list[Entry], bool]:
    """Sorted by start; the flag tells that the window holds more than ``MOST_ENTRIES``."""
    found = [_block(block) for block in blocks]
    truncated = False
    for item in items:
        if isinstance(item.item, Event | Series):
            expansion = occurrences(item.item, window, viewer.zone, MOST_ENTRIES)
            truncated = truncated or expansion.truncated
            for one in expansion.occurrences:
                key = item.ref if one.original is None else f"{item.ref}:{original_key(one.original)}"
                found.append(_event(key, one.event, own=viewer.id == owner))
    found.sort(key=lambda entry: (entry["start"], entry["id"]))
    return found[:MOST_ENTRIES], truncated or len(found) > MOST_ENTRIES


def _block(block: BlockView) -> Entry:
    entry = {"id": block.key, "type": "block", **_times(block.when), "show_as": block.show_as, "status": block.status}
    if block.detail is not None:
        detail = block.detail
        entry |= {
            "title": detail.title,
            "location": detail.location,
            "description": detail.description,
            "link": detail.link,
            "integration": detail.integration,
            "calendar": detail.calendar,
        }
    return entry


def _event(key: str, event: Event, *, own: bool) -> Entry:
    show_as = ShowAs.BUSY if event.show_as is UNKNOWN else event.show_as
    entry = {"id": key, "type": "event", **_times(event.when), "show_as": show_as, "status": event.status}
    texts: Entry = {}
    if own or event.sensitivity is Sensitivity.NORMAL:
        texts = {"title": event.title, "location": event.location}
    if own:  # a colleague is told what and where; that a converted event's text stays hidden is promised
        texts["description"] = event.description
    entry |= {name: text for name, text in texts.items() if text is not UNKNOWN}
    return entry


def _times(when: When) -> Entry:
    if isinstance(when, AllDay):
        return {"all_day": True, "start": when.start.isoformat(), "end": when.end.isoformat()}
    return {
        "all_day": False,
        "start": _wall(when.start.wall),
        "end": _wall(when.end.wall),
        "zone": when.start.zone,
        "end_zone": when.end.zone,
    }


def _wall(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
