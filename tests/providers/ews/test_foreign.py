"""Exchange's provider against a server that nobody derived from our stand-in: see ``foreign.py``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from marketplace_plugin.model.event import Event, Series
from tests.laws.world import event, moved, occurrence, series
from tests.logged import logged
from tests.providers.ews.foreign import ENVELOPE, FAULT, HOME, WORK, Answer, Foreign, Served, T, response
from tests.providers.foreign import ADA, ForeignPasses

BERLIN = '<StartTimeZone Id="W. Europe Standard Time"/>'
WEEKLY = (
    "<Recurrence><WeeklyRecurrence><Interval>1</Interval><DaysOfWeek>Monday</DaysOfWeek></WeeklyRecurrence>"
    "<NumberedRecurrence><StartDate>2026-03-09Z</StartDate><NumberOfOccurrences>6</NumberOfOccurrences>"
    "</NumberedRecurrence></Recurrence>"
)
PAUSE = "600000"


@pytest.fixture(params=["StartTimeZone", "MeetingTimeZone"])
def server(request: pytest.FixtureRequest) -> Foreign:
    return Foreign(zones=request.param)


ONE = pytest.mark.parametrize("server", ["StartTimeZone"], indirect=True)
"""For what has nothing to do with how the server tells a zone."""


@pytest.fixture
def passes(server: Foreign) -> Iterator[ForeignPasses]:
    with Served(server) as served:
        made = ForeignPasses(lambda shell: served.opened(shell.clock, shell.engine.instance), WORK, HOME)
        yield made
        made.shell.close()


def span(day: int, hour: int = 9, last: int = 10) -> str:
    return f"<Start>2026-03-{day:02}T{hour:02}:00:00</Start><End>2026-03-{day:02}T{last:02}:00:00</End>"


def seeded(server: Foreign) -> None:
    """A single event without a title, whole days of which no zone is told, a series with a changed occurrence."""
    server.put(HOME, "single/+=", span(10) + BERLIN)
    days = (
        "<Start>2026-03-11T00:00:00+01:00</Start><End>2026-03-13T00:00:00+01:00</End><IsAllDayEvent>1</IsAllDayEvent>"
    )
    server.put(HOME, "days", f"<Subject>Messe</Subject>{days}")
    server.put(HOME, "se/ries", f"<Subject>Runde</Subject>{span(9)}{BERLIN}{WEEKLY}")
    server.items["se/ries"].set("gone", "2")
    server._keep(HOME, "se/ries#3", server._regular("se/ries", 3))
    server.change("se/ries#3", Subject="Moved", Start="2026-03-24T09:00:00", End="2026-03-24T10:00:00")


def writes(server: Foreign, since: int) -> list[str]:
    return [name for name in server.log[since:] if name in ("CreateItem", "UpdateItem", "DeleteItem")]


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
    messe = blocks["Messe"]
    assert isinstance(messe, Event)
    assert (str(messe.when.start), str(messe.when.end)) == ("2026-03-11", "2026-03-13")
    asked = len(server.log)
    passes.done(3)
    assert writes(server, asked) == []


def test_what_changes_and_goes_is_told(server: Foreign, passes: ForeignPasses) -> None:
    seeded(server)
    passes.done()
    server.items["single/+="].insert(0, server.items["days"].find(f"{T}Subject").__copy__())
    server.change("single/+=", Subject="Titled")
    server.drop("days")
    server.items["se/ries"].set("gone", "2 4")
    server.change("se/ries")
    passes.done()
    blocks = passes.blocks()
    assert set(blocks) == {"Titled", "Runde"}
    assert len(blocks["Runde"].overrides) == 3  # type: ignore[union-attr]
    server.drop("se/ries")
    passes.done()
    assert set(passes.blocks()) == {"Titled"}


def test_a_copy_is_made_changed_and_deleted_and_nothing_twice(server: Foreign, passes: ForeignPasses) -> None:
    ref = passes.shell.host.create(ADA, event("made"))
    passes.done()
    assert server.subjects(WORK) == ["made"]
    passes.shell.host.edit(ADA, ref, title="renamed")
    passes.done()
    assert server.subjects(WORK) == ["renamed"]
    (there,) = server.items
    server.change(there, Subject="theirs", Start="2026-03-10T11:00:00", End="2026-03-10T12:00:00")
    passes.done(2)
    (here,) = passes.here().values()
    assert isinstance(here, Event)
    assert here.title == "theirs"
    assert here.when.start.wall == datetime(2026, 3, 10, 11)  # type: ignore[union-attr]  # noqa: DTZ001
    asked = len(server.log)
    passes.done(3)
    assert writes(server, asked) == []
    passes.shell.host.delete(ADA, ref)
    passes.done()
    assert server.subjects(WORK) == []


def test_a_series_with_a_changed_and_a_cancelled_occurrence(server: Foreign, passes: ForeignPasses) -> None:
    ref = passes.shell.host.create(ADA, series("weekly"))
    passes.shell.host.change_occurrence(ADA, ref, occurrence(1), moved(occurrence(1), "other"))
    passes.shell.host.change_occurrence(ADA, ref, occurrence(2), None)
    passes.done(2)
    (master,) = (name for name in server.items if "#" not in name)
    assert server.items[f"{master}#2"].findtext(f"{T}Subject") == "other"
    assert server.items[master].get("gone").split() == ["3"]
    asked = len(server.log)
    passes.done(2)
    assert writes(server, asked) == []
    (here,) = passes.here().values()
    assert isinstance(here, Series)
    assert [o.event is None for o in here.overrides] == [False, True]


@pytest.mark.parametrize("made", [event("made"), series("made")], ids=["single", "series"])
def test_a_worker_that_dies_leaves_one_pair(server: Foreign, passes: ForeignPasses, made: Event | Series) -> None:
    passes.shell.host.create(ADA, made)
    passes.die()
    passes.done(2)
    assert server.subjects(WORK) == ["made"]
    assert set(passes.here()) == {"made"}
    server.drop(next(iter(server.items)))
    passes.done(2)
    assert passes.here() == {}


def test_a_sync_state_that_is_no_longer_taken_deletes_nothing(server: Foreign, passes: ForeignPasses) -> None:
    seeded(server)
    passes.done()
    server.oldest = server.version + 1
    server.drop("days")
    passes.done()
    assert set(passes.blocks()) == {"", "Runde"}


def fault(code: str, status: int, pause: str = PAUSE, types: str = "urn:other", **headers: str) -> Answer:
    return status, ENVELOPE.format(body=FAULT.format(code=code, pause=pause, types=types)), headers


def stopped(name: str, request: Any) -> Answer | None:
    """The second half of a batch was not looked at."""
    if name not in ("GetItem", "SyncFolderItems"):
        return None
    messages = (
        f'<answer:{name}ResponseMessage ResponseClass="Warning"><answer:MessageText/><answer:ResponseCode>'
        "ErrorBatchProcessingStopped</answer:ResponseCode><answer:DescriptiveLinkKey>0</answer:DescriptiveLinkKey>"
        f"<answer:Items/></answer:{name}ResponseMessage>"
    ) * len(request.find("{*}ItemIds") if name == "GetItem" else [1])
    return 200, response(name, messages), {}


@ONE
@pytest.mark.parametrize(
    "refused",
    [
        lambda *_: fault("ErrorServerBusy", 500),
        lambda *_: fault("ErrorServerBusy", 200, types="http://schemas.microsoft.com/exchange/services/2006/errors"),
        lambda *_: fault("ErrorServerBusy", 503, pause="soon"),
        lambda *_: fault("ErrorExceededConnectionCount", 500, pause="9" * 30),
        lambda *_: (503, "<html>Zahnarzt</html>", {"Retry-After": "Mon, 02 Mar 2026 08:40:00 GMT"}),
        lambda *_: (429, "", {"Retry-After": "9" * 5000}),
        stopped,
    ],
)
def test_a_request_for_a_pause_is_one_however_it_is_said(server: Foreign, passes: ForeignPasses, refused: Any) -> None:
    seeded(server)
    passes.shell.host.create(ADA, event("made"))
    server.refuse.append(refused)
    result = passes.run()
    assert result.error == "throttled"
    assert result.again_at is not None
    server.refuse.clear()
    passes.shell.clock.forward(days=8)
    passes.done()
    assert len(passes.blocks()) == 3
    assert server.subjects(WORK) == ["made"]


@ONE
@pytest.mark.parametrize(
    "answer",
    [
        (500, "<html>Zahnarzt</html>", {}),
        (502, "", {}),
        (200, "", {}),
        (200, "<html>Zahnarzt</html>", {}),
        (200, ENVELOPE.format(body=""), {}),
        (200, ENVELOPE.format(body="<answer:OtherResponse/>"), {}),
        (400, ENVELOPE.format(body=""), {}),
        fault("ErrorInternalServerError", 500),
        fault("ErrorThatNobodyKnows", 200),
    ],
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
    assert server.subjects(WORK) == ["made"]
