"""Outlook lets an organiser invite somebody to a single occurrence: the series itself shows no guest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest

from marketplace_plugin.model.event import Override
from tests.laws.world import moved, occurrence, series, timed
from tests.providers.foreign import ADA, ForeignPasses
from tests.providers.graph.foreign import Foreign

GUEST = {"type": "required", "status": {"response": "none"}, "emailAddress": {"address": "guest@foreign.example"}}
NINE_TO_TWO = timed(datetime(2026, 3, 9, 14))  # noqa: DTZ001  # a wall time
EDITS: dict[str, dict[str, Any]] = {
    "it is cancelled": {"overrides": (Override(occurrence(1), None),)},
    "it is moved": {"overrides": (Override(occurrence(1), moved(occurrence(1), "weekly")),)},
    "another one is cancelled": {"overrides": (Override(occurrence(3), None),)},
    "the series is moved": {"when": NINE_TO_TWO},
    "the series is renamed": {"title": "another title"},
}


@pytest.fixture
def server() -> Foreign:
    return Foreign()


def invited(server: Foreign, passes: ForeignPasses) -> str:
    """An exported series with a guest of its second occurrence."""
    passes.shell.host.create(ADA, series("weekly"))
    passes.done(2)
    (ref,), (name,) = passes.shell.host.all_of(ADA), server.titles(server.work)
    one = server._regular(server.events[server.work][name], date(2026, 3, 16))
    server.put(server.work, one["id"], one | {"type": "exception", "attendees": [GUEST], "isOrganizer": True})
    server.change(server.work, name, isOrganizer=True)
    passes.done(2)
    return ref


def told(act: Callable[[], object], server: Foreign, passes: ForeignPasses) -> list[Any]:
    """The requests that he would be mailed about."""
    since = len(server.log)
    act()
    for _ in range(3):
        passes.run()
    return [asked for asked in server.writes(since) if asked[0] in ("PATCH", "DELETE")]


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_he_is_not_told_of_an_edit(server: Foreign, passes: ForeignPasses, edit: dict[str, Any]) -> None:
    ref = invited(server, passes)
    assert told(lambda: passes.shell.host.edit(ADA, ref, **edit), server, passes) == []


def test_he_is_not_told_of_a_deletion(server: Foreign, passes: ForeignPasses) -> None:
    ref = invited(server, passes)
    assert told(lambda: passes.shell.host.delete(ADA, ref), server, passes) == []


def test_without_a_guest_it_is_written(server: Foreign, passes: ForeignPasses) -> None:
    ref = invited(server, passes)
    (name,) = server.titles(server.work)
    server.change(server.work, f"{name}#2026-03-16", attendees=[])
    server.change(server.work, name)
    passes.done()
    assert told(lambda: passes.shell.host.delete(ADA, ref), server, passes)
