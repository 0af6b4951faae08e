"""Single days of series at Google: what was changed here goes there, and what stands there alone is shown here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import pytest

from marketplace_plugin.engine.acts.waiting.held import parked
from marketplace_plugin.model.event import Event
from marketplace_plugin.model.time import Timed
from marketplace_plugin.sync.outcome import GIVE_UP
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import moved, occurrence, series
from tests.providers.foreign import ADA, Answer, ForeignPasses, Json
from tests.providers.google.foreign import Foreign, at
from tests.regressions.seeing import person


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


def test_a_day_that_the_service_never_lists_is_given_up() -> None:
    """It is asked for some times, and then waits visibly."""
    server = Foreign()
    with passes(server) as ours:
        ref = ours.shell.host.create(ADA, series("weekly"))
        ours.done()
        answer = server._answer

        def spoilt(method: str, path: str, *more: Any) -> Answer:
            return Answer(200, {"items": []}) if path.endswith("/instances") else answer(method, path, *more)

        server._answer = spoilt  # type: ignore[method-assign,assignment]
        ours.shell.host.change_occurrence(ADA, ref, occurrence(2), None)
        for _ in range(GIVE_UP):
            ours.run()
        asked_so_far = len(server.log)
        ours.done(2)
        assert not any(path.endswith("/instances") for _, path, _ in server.log[asked_so_far:])
        assert [link.reason for link in parked(ours.shell.engine, person(ours.shell))] == [Reason.STALE]


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


# --- what had its series here -----------------------------------------------------------------------------------------


class Remembering(Foreign):
    """As Google does, it tells a deleted series by its id too."""

    def _one(self, method: str, calendar: str, event: str, sent: Json, match: str) -> Answer:
        there = self.events[calendar].get(event)
        if method == "GET" and there is not None and there.get("status") == "cancelled":
            return Answer(200, self.shown(there))
        return super()._one(method, calendar, event, sent, match)


def asked_to_all(server: Foreign) -> None:
    body = {"iCalUID": "s@boss", "organizer": {"email": "boss@x.example"}, "summary": "all"}
    times = {"start": at(9, timeZone="Europe/Berlin"), "end": at(9, 10), "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]}
    server.put(server.home, "s", {**body, **times})


def left_on(server: Foreign, *march: int) -> None:
    """Of a series she was asked to only these days are left to her."""
    server.put(server.home, "s", {"status": "cancelled"})
    for day in march:
        asked(server, day)


@pytest.mark.parametrize("first", ["the series", "the days"])
@pytest.mark.parametrize("made", [Foreign, Remembering])
def test_the_days_that_are_left_of_a_series_are_shown(made: type[Foreign], first: str) -> None:
    """They came with the deletion of their series, and went with it."""
    server = made()
    asked_to_all(server)
    with passes(server) as ours:
        ours.done(2)
        if first == "the series":
            left_on(server, 16, 17, 23)
        else:  # a list tells the newest first, two on a page
            for day in (16, 17, 23):
                asked(server, day)
            server.put(server.home, "s", {"status": "cancelled"})
        ours.done(2)
        assert days(ours) == nine(16, 17, 23)
        assert len(ours.shell.blocks(ADA)) == 3
        server.change(server.home, "s_20260317T080000Z", summary="Touched")
        server.drop(server.home, "s_20260316T080000Z")
        ours.done()
        assert days(ours) == nine(17, 23)
        assert "Touched" in ours.blocks()
        server.oldest = server.version + 1  # all is read again
        ours.done(2)
        assert days(ours) == nine(17, 23)


def test_a_day_that_was_left_and_goes_with_its_series_again_is_not_left_behind() -> None:
    server = Remembering()
    asked_to_all(server)
    with passes(server) as ours:
        ours.done(2)
        left_on(server, 17)
        ours.done()
        assert days(ours) == nine(17)
        kept = {"recurringEventId": "s", "originalStartTime": at(17)}
        server.put(server.home, "s_20260317T080000Z", {"status": "cancelled", **kept})
        server.put(server.home, "s", {"status": "cancelled"})
        ours.done()
        assert ours.shell.blocks(ADA) == []


@pytest.mark.parametrize("made", [Foreign, Remembering])
def test_days_of_a_deleted_series_that_a_list_tells_too_late_do_not_come_back(made: type[Foreign]) -> None:
    server = made()
    asked_to_all(server)
    asked(server, 16)
    with passes(server) as ours:
        ours.done(2)
        listed = server._list

        def late(calendar: str, query: dict[str, str]) -> Answer:
            """The day as it was before, beside the deletion of its series."""
            there = server.events[calendar]
            day = "s_20260316T080000Z"
            if day not in there:
                return listed(calendar, query)
            now, then = there[day], {**there[day], "status": "confirmed"}
            there[day] = then
            try:
                return listed(calendar, query)
            finally:
                there[day] = now

        for name in ("s", "s_20260316T080000Z"):
            server.put(server.home, name, {**server.events[server.home][name], "status": "cancelled"})
        server._list = late  # type: ignore[method-assign]
        ours.done(3)
        assert ours.shell.blocks(ADA) == []


def test_a_series_whose_days_alone_are_told_now_goes_when_they_come() -> None:
    """Who may read the calendar's busy times only is told of its days, and never that the series went."""
    server = Foreign()
    asked_to_all(server)
    listed, role = server._list, ["reader"]

    def shared(calendar: str, query: dict[str, str]) -> Answer:
        answer = listed(calendar, query)
        if calendar == server.home and isinstance(answer.body, dict):
            answer.body["accessRole"] = role[0]
        return answer

    server._list = shared  # type: ignore[method-assign]
    with passes(server) as ours:
        ours.done(2)
        assert list(ours.blocks()) == ["all"]
        role[0] = "freeBusyReader"
        del server.events[server.home]["s"]
        for day in (16, 17, 23):
            alone(server, day)
        ours.done(2)
        assert days(ours) == nine(16, 17, 23)
        assert len(ours.shell.blocks(ADA)) == 3
        ours.done(2)
        assert len(ours.shell.blocks(ADA)) == 3
