"""Graph's provider against a server that nobody derived from our stand-in: see ``foreign.py``."""

from __future__ import annotations

from collections.abc import Callable
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
from tests.laws.world import event
from tests.providers.contract_foreign import ForeignContract, TroubleContract, one_of
from tests.providers.foreign import ADA, Answer, ForeignPasses
from tests.providers.graph.foreign import BERLIN, HTML, Foreign, at


class TestForeign(ForeignContract):
    @pytest.fixture(params=[True, False], ids=["etags", "no etags"])
    def server(self, request: pytest.FixtureRequest) -> Foreign:
        return Foreign(etags=request.param)

    @pytest.fixture(
        params=[
            Answer(410),
            Answer(410, HTML, [("Location", "https://elsewhere.example/v1.0/me/calendarView/delta")]),
            Answer(410, {"error": {"code": "SyncStateInvalid"}}),
            Answer(400, {"error": {"code": "SyncStateNotFound", "message": "Zahnarzt"}}),
            Answer(400, {"error": {"code": "ErrorInvalidSyncStateData"}}),
            Answer(400, {"error": {"code": "badRequest", "innerError": {"code": "syncStateInvalid"}}}),
            Answer(404, {"error": {"code": "syncStateNotFound"}}),
            Answer(404),
        ]
    )
    def outdate(self, request: pytest.FixtureRequest, server: Foreign) -> Callable[[], None]:
        return lambda: server.refuse.append(lambda _, __, query: request.param if "$deltatoken" in query else None)

    def test_many_at_once_are_answered_from_behind(self, server: Foreign, passes: ForeignPasses) -> None:
        for number in range(5):
            passes.shell.host.create(ADA, event(f"event {number}", day=10 + number))
        passes.done()
        assert {body["subject"]: body["start"]["dateTime"][:10] for body in server.live(server.work)} == {
            f"event {number}": f"2026-03-{10 + number}" for number in range(5)
        }

    def test_a_creation_whose_answer_was_lost_is_found_by_its_mark(
        self, server: Foreign, passes: ForeignPasses
    ) -> None:
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
        assert [body["subject"] for body in server.live(server.work)] == ["made"]


class TestTrouble(TroubleContract):
    @pytest.fixture
    def server(self) -> Foreign:
        return Foreign()

    asking = one_of(
        Answer(429, HTML, [("Retry-After", "Mon, 02 Mar 2026 08:40:00 GMT")]),
        Answer(429, None, [("Retry-After", "99999999999999999999")]),
        Answer(429, {"error": {"code": "ApplicationThrottled"}}),
        Answer(503, {"error": "busy"}, [("retry-after", "1.5")]),
    )

    @pytest.fixture(params=[True, False], ids=["inside of a batch", "everywhere"])
    def pause(self, request: pytest.FixtureRequest, asking: Answer) -> Callable[..., Any]:
        return lambda _, path, __: asking if "/events" in path or not request.param else None

    no_answer = one_of(
        Answer(500, HTML), Answer(502), Answer(200, b""), Answer(200, HTML), Answer(200, []), Answer(200, {})
    )

    @pytest.mark.parametrize("status", [400, 404, 405, 501])
    def test_a_service_without_batches_is_asked_one_by_one(
        self, server: Foreign, passes: ForeignPasses, status: int
    ) -> None:
        server.seed()
        server.refuse.append(lambda _, path, __: Answer(status) if path == "/$batch" else None)
        for number in range(3):
            passes.shell.host.create(ADA, event(f"made {number}"))
        passes.done()
        assert len(passes.blocks()) == 3
        assert len(server.live(server.work)) == 3


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
