"""A calendar in a window, for its owner or for a colleague. What a colleague may not know never reaches a schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from marketplace_plugin.contract.module import BlockView, Person
from marketplace_plugin.model.change import HostItem
from marketplace_plugin.model.event import UNKNOWN, Event, Masked, Series, ShowAs, original_key
from marketplace_plugin.model.form.outline import hidden_in, outline
from marketplace_plugin.model.series.expand import occurrences
from marketplace_plugin.model.time import AllDay, When, Window

MOST_ENTRIES = 10_000
Entry = dict[str, Any]


def entries(
    viewer: Person,
    owner: str,
    blocks: Sequence[BlockView],
    items: Iterable[HostItem],
    window: Window,
    keyed: Callable[[str], str],
) -> tuple[list[Entry], bool]:
    """Sorted by start; the flag tells that the window holds more than ``MOST_ENTRIES``. ``keyed`` makes of a name one
    that tells nothing, for this viewer."""
    found = [_block(block) for block in blocks]
    truncated = False
    for item in items:
        if isinstance(item.item, Event | Series):
            expansion = occurrences(item.item, window, viewer.zone, MOST_ENTRIES)
            truncated = truncated or expansion.truncated
            for one in expansion.occurrences:
                key = item.ref if one.original is None else f"{item.ref}:{original_key(one.original)}"
                if viewer.id == owner:
                    found.append(_event(key, one.event) | _texts({"description": one.event.description}))
                elif (seen := outline(item.item, one.event, viewer.zone)) is not None:
                    hidden = hidden_in(item.item, one.event)
                    found.append(_busy(keyed(key), seen) if hidden else _event(key, seen))
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


def _event(key: str, event: Event) -> Entry:
    show_as = ShowAs.BUSY if event.show_as is UNKNOWN else event.show_as
    entry = {"id": key, "type": "event", **_times(event.when), "show_as": show_as, "status": event.status}
    return entry | _texts({"title": event.title, "location": event.location})


def _busy(key: str, event: Event) -> Entry:
    """What is hidden, without texts. Its key tells nothing: which series it is of, or when it was to be at first."""
    return {"id": key, "type": "event", **_times(event.when), "show_as": event.show_as, "status": event.status}


def _texts(texts: Mapping[str, str | Masked]) -> Entry:
    return {name: text for name, text in texts.items() if text is not UNKNOWN}


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
