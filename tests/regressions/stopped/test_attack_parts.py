"""Microsoft Graph is asked for many things in one request: one of its parts that fails stops nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.errors import Unavailable
from marketplace_plugin.model.change import Stamp
from marketplace_plugin.model.write import Create
from marketplace_plugin.providers.graph import GraphAccount
from tests.providers.foreign import Answer, ForeignPasses, Json, session
from tests.providers.graph.foreign import Foreign, at
from tests.providers.serving import meeting
from tests.serving import served


class InParts(Foreign):
    """``moods`` answer parts of batches before they are carried out."""

    def __init__(self) -> None:
        super().__init__()
        self.moods: list[Any] = []

    def _part(self, asked: Json) -> Json:
        for mood in self.moods:
            if (answer := mood(asked)) is not None:
                body = {"error": {"code": "X", "message": "Zahnarzt"}}
                return {"id": asked["id"], "status": answer, "headers": {"Retry-After": "1"}, "body": body}
        return super()._part(asked)


@pytest.fixture
def server() -> InParts:
    return InParts()


def put(server: Foreign, name: str, day: int = 12) -> None:
    server.put(server.home, name, {"subject": name, "start": at(day), "end": at(day, 10), "isOrganizer": True})


@pytest.mark.parametrize("status", [400, 403, 500, 504, 507])
@pytest.mark.parametrize("beside", [True, False], ids=["beside others", "alone"])
def test_an_event_that_is_always_refused(server: InParts, passes: ForeignPasses, status: int, *, beside: bool) -> None:
    """Its calendar told no news any more."""
    server.seed()
    passes.done()
    put(server, "bad")
    if beside:
        put(server, "good")
    server.refuse.append(lambda _, path, __: Answer(status) if path.endswith("/events/bad") else None)
    first = passes.run()
    assert (first.outcome, first.counts["unreadable"]) == (RunOutcome.INCOMPLETE, 1)
    put(server, "later", 13)
    assert passes.run().outcome is RunOutcome.DONE  # listed already: no news
    expected = {"", "Messe", "Runde", "later"} | ({"good"} if beside else set())
    assert passes.blocks().keys() == expected
    server.refuse.clear()
    put(server, "bad")
    passes.done()
    assert passes.blocks().keys() == expected | {"bad"}


@pytest.mark.parametrize("statuses", [(400,), (403,), (400, 500)], ids=str)
@pytest.mark.parametrize("spoilt", [1, 2, 3])
def test_several_events_that_are_always_refused_alone_in_their_delta(
    server: InParts, passes: ForeignPasses, spoilt: int, statuses: tuple[int, ...]
) -> None:
    """Two of them stopped their calendar for ever."""
    server.seed()
    names = [f"bad{number}" for number in range(spoilt)]
    for name in names:
        put(server, name)
    passes.done()
    refused = {f"/events/{name}": statuses[number % len(statuses)] for number, name in enumerate(names)}
    server.refuse.append(
        lambda _, path, __: next((Answer(code) for end, code in refused.items() if path.endswith(end)), None)
    )
    for name in names:
        server.change(server.home, name, subject=f"{name}, changed")
    first = passes.run()
    assert (first.outcome, first.counts["unreadable"]) == (RunOutcome.INCOMPLETE, spoilt)
    server.edit(server.home, "single/+=", "good", 12)
    passes.run()
    assert "good" in passes.blocks()
    server.refuse.clear()
    passes.done(2)
    assert {f"{name}, changed" for name in names} <= passes.blocks().keys()


@pytest.mark.parametrize("status", [500, 502])
def test_one_that_failed_for_a_moment_is_read_though_nothing_changes_it(
    server: InParts, passes: ForeignPasses, status: int
) -> None:
    """No delta told of it again."""
    server.seed()
    passes.done()
    server.edit(server.home, "single/+=", "changed there", 12)
    server.refuse.append(lambda _, path, __: Answer(status) if path.endswith("/events/single/+=") else None)
    passes.run()
    server.refuse.clear()
    passes.done(2)
    assert "changed there" in passes.blocks()


@pytest.mark.parametrize("status", [400, 403, 500])
def test_what_may_be_looked_for_and_cannot_be_read_is_not_missing(server: InParts, status: int) -> None:
    """Where it is refused, a calendar is passed over that holds what was made."""
    mark = Stamp("instance-1", "a")
    with server.served() as opening:
        account = opening(lambda: datetime(2026, 3, 1, tzinfo=UTC), mark.instance)
        list(account.push(server.work, [Create("op-1", mark, meeting())]))
        assert account.find(server.work, [mark]).keys() == {mark}
        server.refuse.append(lambda method, path, _: Answer(status) if method == "GET" and "/events/" in path else None)
        with pytest.raises(Unavailable):
            account.find(server.work, [mark])


@pytest.mark.parametrize("status", [500, 504])
def test_one_that_fails_once_is_asked_for_again(server: InParts, passes: ForeignPasses, status: int) -> None:
    put(server, "late")
    put(server, "good")
    failing = [status]
    server.moods.append(
        lambda asked: failing.pop() if asked["url"].partition("?")[0].endswith("late") and failing else None
    )
    passes.done()
    assert passes.blocks().keys() == {"late", "good"}


def test_where_none_is_answered_it_is_the_service(server: InParts, passes: ForeignPasses) -> None:
    server.seed()
    server.refuse.append(lambda _, path, __: Answer(500) if "/events/" in path else None)
    assert "unreadable" not in passes.run().counts
    assert passes.blocks() == {}
    server.refuse.clear()
    passes.done()
    assert passes.blocks().keys() == {"", "Messe", "Runde"}


def test_a_token_that_ends_inside_of_a_batch() -> None:
    """She was told to sign in again."""
    server, refused = InParts(), list[str]()

    def bearer(old: str | None = None) -> str:
        refused.extend([old] if old else [])
        return "new" if refused else "old"

    server.seed()
    server.moods.append(lambda _: None if refused else 401)
    with served(server) as url:
        passes = ForeignPasses(
            lambda now, instance: GraphAccount(
                session(
                    now, instance, bearer=lambda refused=None: bearer(refused), settings={"graph_root": f"{url}/v1.0"}
                )
            ),
            server.work,
            server.home,
        )
        passes.done()
        assert refused == ["old"]
        assert passes.blocks().keys() == {"", "Messe", "Runde"}
        server.moods[:] = [lambda _: 401]
        server.seed()
        assert passes.run().outcome is RunOutcome.EXPIRED
        passes.close()


def test_many_that_are_throttled_in_part_come_in(server: InParts, passes: ForeignPasses) -> None:
    """Each pass began again, and was throttled again."""
    for number in range(60):
        put(server, f"e{number}", 1 + number % 28)
    parts = [0]

    def throttled(_: Json) -> int | None:
        parts[0] += 1
        return 429 if parts[0] % 15 == 0 else None

    server._delta = lambda calendar, asked: Answer(  # type: ignore[method-assign]  # one page for all
        200,
        {
            "value": list(server._touched(calendar, 0)) if "$deltatoken" not in asked else [],
            "@odata.deltaLink": f"{server.base}/me/calendars/x/calendarView/delta?$deltatoken=1",
        },
    )
    server.moods.append(throttled)
    passes.done()
    assert len(passes.blocks()) == 60


def test_where_all_are_throttled_nothing_more_is_asked(server: InParts, passes: ForeignPasses) -> None:
    server.seed()
    server.moods.append(lambda _: 429)
    since = len(server.log)
    assert passes.run().outcome is RunOutcome.DEFERRED
    assert sum(path == "/$batch" for _, path in server.log[since:]) == 1


def test_an_occurrence_without_its_series_is_listed(server: InParts, passes: ForeignPasses) -> None:
    """Who is invited to a single one need not have the others: it came in nowhere, and nobody was told."""
    put(server, "good")
    touched = server._touched

    def with_orphan(calendar: str, since: int) -> Iterator[Json]:
        yield from touched(calendar, since)
        if calendar == server.home and not since:
            times = {"start": at(12), "end": at(12, 10)}
            yield {"id": "one", "type": "exception", "seriesMasterId": "elsewhere", "subject": "one of many", **times}

    server._touched = with_orphan  # type: ignore[method-assign]
    result = passes.run()
    assert (result.outcome, result.counts["unreadable"]) == (RunOutcome.INCOMPLETE, 1)
    assert passes.blocks().keys() == {"good"}
