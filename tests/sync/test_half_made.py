"""A series is made, and then its changed days: which of them arrived as they were said (docs/sync.md, W3g)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from marketplace_plugin.model.event import Attendee, Override
from marketplace_plugin.sync.outcome import without_missing
from tests.laws.world import moved, occurrence, series

AT = occurrence(1)
SAID = replace(series("weekly"), overrides=(Override(AT, moved(AT, "day one")),))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"title": "day one\r\n"},
        {"title": "day  one"},
        {"attendees": (Attendee("bob@example.org"),)},
        {"organizer": Attendee("ada@example.org")},
        {"conference": "https://meet.example/1"},
    ],
    ids=str,
)
def test_what_a_service_writes_otherwise_has_arrived(changes: dict[str, Any]) -> None:
    shown = replace(SAID, overrides=(Override(AT, replace(moved(AT, "day one"), **changes)),))
    assert without_missing(SAID, shown) == SAID


@pytest.mark.parametrize(
    "there",
    [(), (Override(AT, None),), (Override(AT, moved(AT, "hers")),), (Override(AT, moved(AT, "day one", hours=4)),)],
    ids=["not there", "cancelled", "another title", "another time"],
)
def test_what_is_not_there_or_another_was_not_said(there: tuple[Override, ...]) -> None:
    assert without_missing(SAID, replace(SAID, overrides=there)) == replace(SAID, overrides=())
