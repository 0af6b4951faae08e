"""Answers of Google that stopped a calendar, an address book or a whole account for good."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.providers.foreign import Answer, ForeignPasses
from tests.providers.google import foreign
from tests.providers.google.foreign import Foreign, at


@contextmanager
def passes(server: Foreign) -> Iterator[ForeignPasses]:
    with server.served() as opening:
        made = ForeignPasses(opening, server.work, server.home)
        yield made
        made.close()


def weekly(server: Foreign, name: str) -> None:
    body = {"summary": name, "start": at(10, timeZone="Europe/Berlin"), "end": at(10, 10), "iCalUID": f"{name}@x"}
    server.put(server.home, name, body | {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]})


@pytest.mark.parametrize(
    "zone", ["GMT+01:00", "GMT+05:45", "W. Europe Standard Time", "Europe", "../x", "(none)", "Mars/Olympus"]
)
def test_a_calendar_in_a_zone_that_nobody_knows_is_read(zone: str) -> None:
    """Its zone bounds the first read alone: each pass ended as an error of ours."""
    server = Foreign()
    listed = server._list

    def zoned(calendar: str, query: dict[str, str]) -> Answer:
        answer = listed(calendar, query)
        if isinstance(answer.body, dict):
            answer.body["timeZone"] = zone
        return answer

    server._list = zoned  # type: ignore[method-assign]
    server.seed()
    with passes(server) as ours:
        ours.done(2)
        assert set(ours.blocks()) == {"", "Messe", "Runde"}


@pytest.mark.parametrize("refusal", [Answer(400, foreign.HTML), Answer(403, foreign.HTML)], ids=["400", "403"])
def test_one_series_that_is_refused_leaves_its_calendar_alone(refusal: Answer) -> None:
    server = Foreign()
    server.seed()
    weekly(server, "poison")
    weekly(server, "fine")

    def refused(method: str, path: str, query: dict[str, str]) -> Answer | None:
        return refusal if query.get("iCalUID") == "poison@x" or path.endswith("/events/poison") else None

    server.refuse.append(refused)
    with passes(server) as ours:
        ours.run()
        assert set(ours.blocks()) == {"", "Messe", "Runde", "fine"}
        server.refuse.clear()
        server.change(server.home, "poison", summary="read again")
        ours.done()
        assert set(ours.blocks()) == {"", "Messe", "Runde", "fine", "read again"}


def test_a_calendar_of_many_series_comes_in_though_the_service_slows_us_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each series is a request, and the place to go on at is the end of a page: no page may cost more than the service
    lets through."""
    monkeypatch.setattr(foreign, "PAGE", 2500)
    server, left = Foreign(), [10**6]
    for number in range(360):
        weekly(server, f"s{number}")

    def slow(*_: Any) -> Answer | None:
        left[0] -= 1
        limit = {"error": {"errors": [{"domain": "usageLimits", "reason": "rateLimitExceeded"}]}}
        return Answer(403, limit) if left[0] < 0 else None

    server.refuse.append(slow)
    with passes(server) as ours:
        for _ in range(3):
            left[0] = 700
            ours.shell.clock.forward(hours=24)
            ours.shell.sync("ada")
        assert len(ours.blocks()) == 360
