"""Single days of series at Google: what was changed here goes there, and what stands there alone is shown here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import pytest

from marketplace_plugin.model.event import Event
from marketplace_plugin.model.time import Timed
from tests.laws.world import moved, occurrence, series
from tests.providers.foreign import ADA, Answer, ForeignPasses
from tests.providers.google.foreign import Foreign, at


@contextmanager
def passes(server: Foreign) -> Iterator[ForeignPasses]:
    with server.served() as opening:
        made = ForeignPasses(opening, server.work, server.home)
        yield made
        made.close()


@pytest.mark.parametrize("etags", [True, False], ids=["weak etags", "no etags"])
def test_a_day_that_was_deleted_or_moved_here_goes_there_though_its_page_comes_late(*, etags: bool) -> None:
    """The list of a series' days begins with an empty page and names other days too: the deletion counted as done."""
    server = Foreign(etags=etags)
    with passes(server) as ours:
        ref = ours.shell.host.create(ADA, series("weekly"))
        ours.done()
        ours.shell.host.change_occurrence(ADA, ref, occurrence(2), None)
        ours.done(2)
        (there,) = server.titles(server.work)
        assert server.exceptions(server.work, there) == {date(2026, 3, 23): None}
        ours.shell.host.change_occurrence(ADA, ref, occurrence(1), moved(occurrence(1), "other"))
        ours.done(2)
        assert server.exceptions(server.work, there) == {date(2026, 3, 16): "other", date(2026, 3, 23): None}
        (here,) = ours.here().values()
        assert not isinstance(here, Event)
        assert [o.event is None for o in here.overrides] == [False, True]


def test_a_day_that_the_service_does_not_list_is_not_done() -> None:
    """The rule names it, so its deletion waits for a list that has it."""
    server = Foreign()
    with passes(server) as ours:
        ref = ours.shell.host.create(ADA, series("weekly"))
        ours.done()
        answer, hidden = server._answer, [True]

        def spoilt(method: str, path: str, *more: Any) -> Answer:
            if hidden[0] and path.endswith("/instances"):
                return Answer(200, {"items": []})
            return answer(method, path, *more)

        server._answer = spoilt  # type: ignore[method-assign,assignment]
        ours.shell.host.change_occurrence(ADA, ref, occurrence(2), None)
        ours.run()
        (there,) = server.titles(server.work)
        assert server.exceptions(server.work, there) == {}
        hidden[0] = False
        ours.run()
        ours.done()
        assert server.exceptions(server.work, there) == {date(2026, 3, 23): None}


# --- what has no series here -----------------------------------------------------------------------------------------


def alone(server: Foreign, day: int, **more: Any) -> None:
    """One day of somebody else's series, which is in no calendar of hers."""
    body = {"recurringEventId": "s", "originalStartTime": at(day), "start": at(day, timeZone="Europe/Berlin")}
    server.put(server.home, f"s_202603{day}T080000Z", {**body, "end": at(day, 10), **more})


def asked(server: Foreign, day: int, **more: Any) -> None:
    mine = [{"email": server.home, "self": True, "responseStatus": "accepted"}]
    boss = {"email": "boss@x.example"}
    alone(server, day, iCalUID="s@boss", summary=f"on {day}", organizer=boss, attendees=mine, **more)


def days(ours: ForeignPasses) -> list[datetime]:
    """The starts of the blocks."""
    items = [block.item for block in ours.shell.blocks(ADA)]
    return sorted(item.when.start.wall for item in items if isinstance(item, Event) and isinstance(item.when, Timed))


def nine(*march: int) -> list[datetime]:
    return [datetime.fromisoformat(f"2026-03-{day}T09:00") for day in march]


def test_the_busy_times_of_a_calendar_without_details_are_all_shown() -> None:
    """Google lists each day of a series by itself there, and no series: none of them was shown."""
    server = Foreign()
    listed = server._list

    def masked(calendar: str, query: dict[str, str]) -> Answer:
        answer = listed(calendar, query)
        if calendar == server.home and isinstance(answer.body, dict):
            answer.body["accessRole"] = "freeBusyReader"
        return answer

    server._list = masked  # type: ignore[method-assign]
    for day in (16, 20, 23):
        alone(server, day)
    server.put(server.home, "one", {"start": at(11, timeZone="Europe/Berlin"), "end": at(11, 10)})
    with passes(server) as ours:
        ours.done(2)
        assert days(ours) == nine(11, 16, 20, 23)
        server.change(server.home, "s_20260323T080000Z", start=at(24, timeZone="Europe/Berlin"), end=at(24, 10))
        server.drop(server.home, "s_20260320T080000Z")
        ours.done()
        assert days(ours) == nine(11, 16, 24)
        ours.done()
        assert days(ours) == nine(11, 16, 24)


def test_who_is_asked_to_single_days_of_a_series_sees_each_of_them() -> None:
    server = Foreign()
    with passes(server) as ours:
        for day in (16, 20, 23):  # on two pages
            asked(server, day)
        ours.done()
        assert days(ours) == nine(16, 20, 23)
        asked(server, 17)
        ours.done()
        assert days(ours) == nine(16, 17, 20, 23)
        server.drop(server.home, "s_20260316T080000Z")
        ours.done(2)
        assert days(ours) == nine(17, 20, 23)


def test_who_is_asked_to_the_whole_series_later_sees_each_day_once() -> None:
    server = Foreign()
    with passes(server) as ours:
        asked(server, 16)
        asked(server, 23)
        ours.done()
        body = {"iCalUID": "s@boss", "organizer": {"email": "boss@x.example"}, "summary": "all"}
        line = "RRULE:FREQ=WEEKLY;COUNT=4"
        server.put(
            server.home, "s", {**body, "start": at(9, timeZone="Europe/Berlin"), "end": at(9, 10), "recurrence": [line]}
        )
        ours.done(2)
        assert days(ours) == []
        assert list(ours.blocks()) == ["all"]
        assert len(ours.shell.blocks(ADA)) == 1
