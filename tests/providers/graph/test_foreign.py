"""Graph's provider against a server that nobody derived from our stand-in: see ``foreign.py``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from marketplace_plugin.contract.provider import Session
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.time import Timed
from marketplace_plugin.providers.graph.shape import decode
from marketplace_plugin.providers.graph.shape.decode import Calendar
from marketplace_plugin.providers.graph.shape.recurrence import Undecodable
from marketplace_plugin.providers.graph.transport import Client
from tests.laws.world import event, moved, occurrence, series
from tests.logged import logged
from tests.providers.foreign import ADA, ForeignPasses
from tests.providers.graph.foreign import HTML, Answer, Foreign, opened
from tests.serving import served

WORK, HOME = "AAMk+work/==", "AAMk+home/=="
BERLIN = "W. Europe Standard Time"


@pytest.fixture(params=[True, False], ids=["etags", "no etags"])
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


def at(day: int, hour: int = 9, zone: str | None = BERLIN) -> dict[str, Any]:
    return {"dateTime": f"2026-03-{day:02}T{hour:02}:00:00", "timeZone": zone}


def seeded(server: Foreign) -> None:
    """A single event without a title, whole days, a series of six with an exception and a cancelled occurrence."""
    server.put(HOME, "single/+=", {"subject": None, "start": at(10), "end": at(10, 10), "isOrganizer": None})
    days = {"dateTime": "2026-03-11T00:00:00.0000000", "timeZone": "UTC"}
    body = {"subject": "Messe", "isAllDay": True, "start": days, "end": {**days, "dateTime": "2026-03-13T00:00:00"}}
    server.put(HOME, "days", body | {"isOrganizer": True})
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": None, "index": None}
    weeks = {"type": "numbered", "startDate": "2026-03-09", "numberOfOccurrences": 6, "recurrenceTimeZone": None}
    runde = {"subject": "Runde", "start": at(9), "end": at(9, 10), "isOrganizer": True, "body": None}
    server.put(
        HOME, "se/ries", runde | {"recurrence": {"pattern": pattern, "range": weeks}, "_cancelled": ["2026-03-16"]}
    )
    exception = server._regular(server.events[HOME]["se/ries"], datetime(2026, 3, 23).date())  # noqa: DTZ001
    server.put(HOME, exception["id"], exception | {"type": "exception", "start": at(24), "end": at(24, 10)})


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
    ]
    asked = len(server.log)
    passes.done(3)
    assert {method for method, _ in server.log[asked:]} == {"GET"}


def test_what_changes_and_goes_is_told(server: Foreign, passes: ForeignPasses) -> None:
    seeded(server)
    passes.done()
    server.change(HOME, "single/+=", subject="Titled")
    server.drop(HOME, "days")
    server.change(HOME, "se/ries", _cancelled=["2026-03-16", "2026-03-30"])
    passes.done()
    blocks = passes.blocks()
    assert set(blocks) == {"Titled", "Runde"}
    assert len(blocks["Runde"].overrides) == 3  # type: ignore[union-attr]
    server.drop(HOME, "se/ries")
    passes.done()
    assert set(passes.blocks()) == {"Titled"}


def test_a_copy_is_made_changed_and_deleted_and_nothing_twice(server: Foreign, passes: ForeignPasses) -> None:
    ref = passes.shell.host.create(ADA, event("made"))
    passes.done()
    (there,) = server.live(WORK)
    passes.shell.host.edit(ADA, ref, title="renamed")
    passes.done()
    assert [body["subject"] for body in server.live(WORK)] == ["renamed"]
    server.change(WORK, there["id"], subject="theirs", start=at(10, 11), end=at(10, 12))
    passes.done(2)
    (here,) = passes.here().values()
    assert isinstance(here, Event)
    assert here.title == "theirs"
    assert here.when.start.wall == datetime(2026, 3, 10, 11)  # type: ignore[union-attr]  # noqa: DTZ001
    asked = len(server.log)
    passes.done(3)
    assert {method for method, _ in server.log[asked:]} == {"GET"}
    passes.shell.host.delete(ADA, ref)
    passes.done()
    assert server.live(WORK) == []


def test_many_at_once_are_answered_from_behind(server: Foreign, passes: ForeignPasses) -> None:
    for number in range(5):
        passes.shell.host.create(ADA, event(f"event {number}", day=10 + number))
    passes.done()
    assert {body["subject"]: body["start"]["dateTime"][:10] for body in server.live(WORK)} == {
        f"event {number}": f"2026-03-{10 + number}" for number in range(5)
    }


def test_a_series_with_a_changed_and_a_cancelled_occurrence(server: Foreign, passes: ForeignPasses) -> None:
    ref = passes.shell.host.create(ADA, series("weekly"))
    passes.shell.host.change_occurrence(ADA, ref, occurrence(1), moved(occurrence(1), "other"))
    passes.shell.host.change_occurrence(ADA, ref, occurrence(2), None)
    passes.done(2)
    bodies = {body["subject"]: body for body in server.live(WORK)}
    assert set(bodies) == {"weekly", "other"}
    assert bodies["weekly"]["_cancelled"] == ["2026-03-23"]
    asked = len(server.log)
    passes.done(2)
    assert {method for method, path in server.log[asked:] if path != "/$batch"} == {"GET"}
    (here,) = passes.here().values()
    assert isinstance(here, Series)
    assert [o.event is None for o in here.overrides] == [False, True]


@pytest.mark.parametrize("made", [event("made"), series("made")], ids=["single", "series"])
def test_a_worker_that_dies_leaves_one_pair(server: Foreign, passes: ForeignPasses, made: Event | Series) -> None:
    passes.shell.host.create(ADA, made)
    passes.die()
    passes.done(2)
    assert [body["subject"] for body in server.live(WORK)] == ["made"]
    assert set(passes.here()) == {"made"}
    server.drop(WORK, server.live(WORK)[0]["id"])
    passes.done(2)
    assert passes.here() == {}


def test_a_creation_whose_answer_was_lost_is_found_by_its_mark(server: Foreign, passes: ForeignPasses) -> None:
    """The repetition is a 409 that does not say what it met."""
    insert, lost = server._insert, [Answer(502, HTML)]

    def losing(calendar: str, sent: dict[str, Any]) -> Answer:
        answer = insert(calendar, sent)
        return lost.pop() if lost else answer

    server._insert = losing  # type: ignore[method-assign]
    passes.shell.host.create(ADA, event("made"))
    passes.run()
    passes.run()
    passes.done()
    assert [body["subject"] for body in server.live(WORK)] == ["made"]


@ONE
@pytest.mark.parametrize(
    "answer",
    [
        Answer(410),
        Answer(410, HTML, [("Location", "https://elsewhere.example/v1.0/me/calendarView/delta")]),
        Answer(410, {"error": {"code": "SyncStateInvalid"}}),
        Answer(400, {"error": {"code": "SyncStateNotFound", "message": "Zahnarzt"}}),
        Answer(400, {"error": {"code": "ErrorInvalidSyncStateData"}}),
        Answer(400, {"error": {"code": "badRequest", "innerError": {"code": "syncStateInvalid"}}}),
        Answer(404, {"error": {"code": "syncStateNotFound"}}),
        Answer(404),
    ],
)
def test_a_token_that_is_no_longer_taken_deletes_nothing(
    server: Foreign, passes: ForeignPasses, answer: Answer
) -> None:
    seeded(server)
    passes.done()
    server.refuse.append(lambda _, __, query: answer if "$deltatoken" in query else None)
    server.drop(HOME, "days")
    passes.done()
    assert set(passes.blocks()) == {"", "Runde"}


@ONE
@pytest.mark.parametrize(
    "answer",
    [
        Answer(429, HTML, [("Retry-After", "Mon, 02 Mar 2026 08:40:00 GMT")]),
        Answer(429, None, [("Retry-After", "99999999999999999999")]),
        Answer(429, {"error": {"code": "ApplicationThrottled"}}),
        Answer(503, {"error": "busy"}, [("retry-after", "1.5")]),
    ],
)
@pytest.mark.parametrize("inside", [True, False], ids=["inside of a batch", "everywhere"])
def test_a_request_for_a_pause_is_one_however_it_is_said(
    server: Foreign, passes: ForeignPasses, answer: Answer, inside: bool
) -> None:
    seeded(server)
    for number in range(3):
        passes.shell.host.create(ADA, event(f"made {number}"))
    server.refuse.append(lambda _, path, __: answer if "/events" in path or not inside else None)
    result = passes.run()
    assert result.error == "throttled"
    assert result.again_at is not None
    server.refuse.clear()
    passes.shell.clock.forward(days=8)
    passes.done()
    assert len(passes.blocks()) == 3
    assert len(server.live(WORK)) == 3


@ONE
@pytest.mark.parametrize(
    "answer", [Answer(500, HTML), Answer(502), Answer(200, b""), Answer(200, HTML), Answer(200, []), Answer(200, {})]
)
def test_no_answer_concludes_nothing_and_leaks_nothing(server: Foreign, passes: ForeignPasses, answer: Answer) -> None:
    seeded(server)
    passes.shell.host.create(ADA, event("made"))
    passes.done()
    blocks = passes.blocks()
    server.oldest = server.version + 1  # a whole round is due
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


@ONE
@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_a_service_without_batches_is_asked_one_by_one(server: Foreign, passes: ForeignPasses, status: int) -> None:
    seeded(server)
    server.refuse.append(lambda _, path, __: Answer(status) if path == "/$batch" else None)
    for number in range(3):
        passes.shell.host.create(ADA, event(f"made {number}"))
    passes.done()
    assert len(passes.blocks()) == 3
    assert len(server.live(WORK)) == 3


# ---- single answers -----------------------------------------------------------------------------------------------

OWN = Calendar("own", Role.OWNER, shared=False, private=True)


def told(**more: Any) -> dict[str, Any]:
    """An event with what has to be there, at nine in Berlin."""
    utc = {"dateTime": "2026-03-10T08:00:00.0000000", "timeZone": "UTC"}
    return {"id": "a", "start": utc, "end": {**utc, "dateTime": "2026-03-10T09:00:00Z"}, **more}


WEEKLY = {
    "pattern": {"type": "relativeMonthly", "interval": 1, "daysOfWeek": ["tuesday"], "index": None},
    "range": {"type": "noEnd", "startDate": "2026-03-10", "endDate": None, "recurrenceTimeZone": None},
}


def span(given: dict[str, Any]) -> Timed:
    item = decode.found(decode.whole(given), OWN).item
    assert isinstance(item, Event)
    assert isinstance(item.when, Timed)
    return item.when


def test_an_event_without_an_etag_has_a_revision_all_the_same() -> None:
    before = decode.found(decode.whole(told()), OWN).revision
    assert decode.found(decode.whole(told(unheardOf=[1], changeKey=None)), OWN).revision == before
    assert decode.found(decode.whole(told(subject="another")), OWN).revision != before


@pytest.mark.parametrize(
    "zones, expected",
    [
        ({"originalStartTimeZone": "Europe/Berlin", "originalEndTimeZone": None}, ("Europe/Berlin",) * 2),
        ({"originalStartTimeZone": BERLIN}, ("Europe/Berlin",) * 2),
        ({"originalStartTimeZone": None, "originalEndTimeZone": None}, ("UTC",) * 2),
        ({"originalStartTimeZone": "tzone://Microsoft/Custom"}, ("UTC",) * 2),
        ({"start": at(10), "end": at(10, 10)}, ("Europe/Berlin",) * 2),
        ({"start": at(10, zone="Asia/Tokyo"), "end": at(10, 10, "Asia/Tokyo")}, ("Asia/Tokyo",) * 2),
    ],
)
def test_names_of_zones_may_be_null(zones: dict[str, Any], expected: tuple[str, str]) -> None:
    when = span(told(**zones))
    assert (when.start.zone, when.end.zone) == expected


def test_an_index_that_is_not_given_is_the_first() -> None:
    item = decode.found(decode.whole(told(recurrence=WEEKLY, originalStartTimeZone=BERLIN)), OWN).item
    assert isinstance(item, Series)
    assert str(item.rule) == "FREQ=MONTHLY;BYDAY=1TU"


def test_a_series_whose_zone_nobody_names_is_not_guessed_at() -> None:
    with pytest.raises(Undecodable):
        decode.found(decode.whole(told(recurrence=WEEKLY)), OWN)


def test_an_exception_that_names_no_occurrence_is_not_guessed_at() -> None:
    series_of_one = told(recurrence=WEEKLY, originalStartTimeZone=BERLIN, exceptionOccurrences=[told(id="b")])
    with pytest.raises(Undecodable):
        decode.found(decode.whole(series_of_one), OWN)


@pytest.mark.parametrize(
    "root, link",
    [
        ("https://graph.microsoft.com", "https://graph.microsoft.com:443/v1.0/me/x?%24skiptoken=a%2Fb"),
        ("https://graph.microsoft.com:443", "HTTPS://GRAPH.microsoft.com/v1.0/me/x"),
        ("http://127.0.0.1:80/v1.0", "http://127.0.0.1/v1.0/me/x"),
    ],
)
def test_the_usual_port_may_be_named_or_not(root: str, link: str) -> None:
    session = Session(
        "c", "a", "i", lambda: datetime.now(UTC), lambda refused=None: "token", settings={"graph_root": root}
    )
    assert Client(session).is_ours(link)
