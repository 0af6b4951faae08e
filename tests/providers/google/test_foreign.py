"""Google's provider against a server that nobody derived from our stand-in: see ``foreign.py``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from marketplace_plugin.model.event import Event, Series
from tests.laws.world import event, moved, occurrence, series
from tests.logged import logged
from tests.providers.foreign import ADA, ForeignPasses
from tests.providers.google.foreign import HTML, Answer, Foreign, opened
from tests.serving import served

WORK, HOME = "work@group.calendar.google.com", "anna@foreign.example"


@pytest.fixture(params=[True, False], ids=["weak etags", "no etags"])
def server(request: pytest.FixtureRequest) -> Foreign:
    return Foreign(HOME, WORK, etags=request.param)


ONE = pytest.mark.parametrize("server", [True], indirect=True)
"""For what has nothing to do with ETags."""


@pytest.fixture
def passes(server: Foreign) -> Iterator[ForeignPasses]:
    with served(server) as url:
        made = ForeignPasses(lambda shell: opened(url, shell.clock, shell.engine.instance), WORK, HOME)
        yield made
        made.shell.close()


def at(day: int, hour: int = 9, **more: Any) -> dict[str, Any]:
    return {"dateTime": f"2026-03-{day:02}T{hour:02}:00:00+01:00", **more}


def seeded(server: Foreign) -> None:
    """A single event without a title, whole days, a series whose lines stand in another order, and an exception."""
    server.put(HOME, "untitled", {"start": at(10, timeZone="Europe/Berlin"), "end": at(10, 10)})
    server.put(HOME, "days", {"summary": "Messe", "start": {"date": "2026-03-11"}, "end": {"date": "2026-03-13"}})
    lines = ["EXDATE;VALUE=DATE-TIME;TZID=Europe/Berlin:20260316T090000", "rrule:freq=weekly;count=4;byday=mo"]
    body = {"summary": "Runde", "start": at(9, timeZone="Europe/Berlin"), "end": at(9, 10), "iCalUID": "uid@x"}
    server.put(HOME, "series", body | {"recurrence": lines})
    exception = {"recurringEventId": "series", "iCalUID": "uid@x", "originalStartTime": at(23, 9)}
    server.put(HOME, "series_20260323T080000Z", exception | {"summary": "Moved", "start": at(24), "end": at(24, 10)})
    gone = {"recurringEventId": "series", "originalStartTime": at(30, 9, timeZone="Europe/Berlin")}
    server.put(HOME, "gone", {**gone, "originalStartTime": at(30, 8), "status": "cancelled"})


def test_everything_of_a_first_read_arrives(server: Foreign, passes: ForeignPasses) -> None:
    seeded(server)
    passes.done()
    blocks = passes.blocks()
    assert set(blocks) == {"", "Messe", "Runde"}
    runde = blocks["Runde"]
    assert isinstance(runde, Series)
    assert [(str(o.original.wall.date()), o.event is None) for o in runde.overrides] == [  # type: ignore[union-attr]
        ("2026-03-16", True),
        ("2026-03-23", False),
        ("2026-03-30", True),
    ]
    asked = len(server.log)
    passes.done(3)
    assert {method for method, _, _ in server.log[asked:]} == {"GET"}


def test_what_changes_and_goes_is_told(server: Foreign, passes: ForeignPasses) -> None:
    seeded(server)
    passes.done()
    server.change(HOME, "untitled", summary="Titled")
    server.drop(HOME, "days")
    server.drop(HOME, "series_20260323T080000Z")
    passes.done()
    blocks = passes.blocks()
    assert set(blocks) == {"Titled", "Runde"}
    assert [o.event for o in blocks["Runde"].overrides] == [None] * 3  # type: ignore[union-attr]
    server.drop(HOME, "series")
    passes.done()
    assert set(passes.blocks()) == {"Titled"}


def test_a_copy_is_made_changed_and_deleted_and_nothing_twice(server: Foreign, passes: ForeignPasses) -> None:
    ref = passes.shell.host.create(ADA, event("made"))
    passes.done()
    (there,) = server.live(WORK)
    passes.shell.host.edit(ADA, ref, title="renamed")
    passes.done()
    assert [body["summary"] for body in server.live(WORK)] == ["renamed"]
    server.change(WORK, there["id"], summary="theirs", start=at(10, 11), end=at(10, 12))
    passes.done(2)
    (here,) = passes.here().values()
    assert isinstance(here, Event)
    assert here.title == "theirs"
    assert here.when.start.wall == datetime(2026, 3, 10, 11)  # type: ignore[union-attr]  # noqa: DTZ001
    asked = len(server.log)
    passes.done(3)
    assert {method for method, _, _ in server.log[asked:]} == {"GET"}
    passes.shell.host.delete(ADA, ref)
    passes.done()
    assert server.live(WORK) == []
    assert all(query.get("sendUpdates") == "none" for method, _, query in server.log if method != "GET")


def test_a_series_with_a_changed_and_a_cancelled_occurrence(server: Foreign, passes: ForeignPasses) -> None:
    ref = passes.shell.host.create(ADA, series("weekly"))
    passes.shell.host.change_occurrence(ADA, ref, occurrence(1), moved(occurrence(1), "other"))
    passes.shell.host.change_occurrence(ADA, ref, occurrence(2), None)
    passes.done(2)
    bodies = {body["summary"]: body for body in server.live(WORK)}
    assert set(bodies) == {"weekly", "other"}
    assert bodies["other"]["originalStartTime"] == {"dateTime": "2026-03-16T08:00:00Z"}
    asked = len(server.log)
    passes.done(2)
    assert {method for method, _, _ in server.log[asked:]} == {"GET"}
    (here,) = passes.here().values()
    assert isinstance(here, Series)
    assert [o.event is None for o in here.overrides] == [False, True]


@pytest.mark.parametrize("made", [event("made"), series("made")], ids=["single", "series"])
def test_a_worker_that_dies_leaves_one_pair(server: Foreign, passes: ForeignPasses, made: Event | Series) -> None:
    passes.shell.host.create(ADA, made)
    passes.die()
    passes.done(2)
    assert [body["summary"] for body in server.live(WORK)] == ["made"]
    assert set(passes.here()) == {"made"}
    server.drop(WORK, server.live(WORK)[0]["id"])
    passes.done(2)
    assert passes.here() == {}


@ONE
@pytest.mark.parametrize(
    "answer",
    [
        Answer(410),
        Answer(410, HTML),
        Answer(410, {"error": {"code": 410, "errors": [{"reason": "updatedMinTooLongAgo"}]}}),
        Answer(410, {"error": {"code": 410, "errors": [{"reason": "fullSyncRequired", "location": "syncToken"}]}}),
        Answer(400, {"error": {"code": 400, "errors": [{"reason": "invalid"}], "message": "Invalid sync token."}}),
        Answer(400, {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "Invalid sync token value."}}),
    ],
)
def test_a_token_that_is_no_longer_taken_deletes_nothing(
    server: Foreign, passes: ForeignPasses, answer: Answer
) -> None:
    seeded(server)
    passes.done()
    server.refuse.append(lambda _, __, query: answer if "syncToken" in query else None)
    server.drop(HOME, "days")
    passes.done()
    assert set(passes.blocks()) == {"", "Runde"}


@ONE
@pytest.mark.parametrize(
    "answer",
    [
        Answer(403, {"error": {"errors": [{"domain": "usageLimits", "reason": "userRateLimitExceeded"}]}}),
        Answer(403, {"error": {"errors": [{"domain": "usageLimits", "reason": "somethingLimitExceeded"}]}}),
        Answer(403, {"error": {"status": "RESOURCE_EXHAUSTED", "details": [{"reason": "RATE_LIMIT_EXCEEDED"}]}}),
        Answer(403, HTML, [("Retry-After", "Mon, 02 Mar 2026 08:40:00 GMT")]),
        Answer(429, HTML, [("Retry-After", "99999999999999999999")]),
        Answer(429, None, [("Retry-After", "soon")]),
        Answer(429, {"error": "slow down"}, [("Retry-After", "1.5")]),
    ],
)
def test_a_request_for_a_pause_is_one_however_it_is_said(
    server: Foreign, passes: ForeignPasses, answer: Answer
) -> None:
    seeded(server)
    passes.shell.host.create(ADA, event("made"))
    server.refuse.append(lambda *_: answer)
    result = passes.run()
    assert result.error == "throttled"
    assert result.again_at is not None
    server.refuse.clear()
    passes.shell.clock.forward(days=8)
    passes.done()
    assert len(passes.blocks()) == 3
    assert len(server.live(WORK)) == 1


@ONE
@pytest.mark.parametrize(
    "answer", [Answer(500, HTML), Answer(502), Answer(503, HTML), Answer(200, b""), Answer(200, HTML), Answer(200, [])]
)
def test_no_answer_concludes_nothing_and_leaks_nothing(server: Foreign, passes: ForeignPasses, answer: Answer) -> None:
    seeded(server)
    passes.shell.host.create(ADA, event("made"))
    passes.done()
    blocks = passes.blocks()
    server.oldest = server.version + 1  # a full list is due
    with logged() as log:
        server.refuse.append(lambda *_: answer)
        passes.run()
        server.refuse.clear()
    assert "Zahnarzt" not in log.getvalue()
    assert "Runde" not in log.getvalue()
    assert passes.blocks() == blocks
    assert set(passes.here()) == {"made"}
    passes.shell.clock.forward(days=1)
    passes.done()
    assert passes.blocks() == blocks
    assert len(server.live(WORK)) == 1


def test_a_list_that_names_neither_role_nor_sync_token_is_read_whole_each_time(
    server: Foreign, passes: ForeignPasses
) -> None:
    """As the npm package emulate answers."""
    seeded(server)
    listed = server._list
    server._list = lambda calendar, query: _without_token(listed(calendar, query))  # type: ignore[method-assign]
    passes.done()
    assert set(passes.blocks()) == {"", "Messe", "Runde"}
    server.drop(HOME, "days")
    passes.done()
    assert set(passes.blocks()) == {"", "Runde"}


def _without_token(answer: Answer) -> Answer:
    if answer.status == 200 and answer.body.pop("nextSyncToken", None):
        answer.body.setdefault("items", [])
        answer.body["nextPageToken"] = ""
    return answer
