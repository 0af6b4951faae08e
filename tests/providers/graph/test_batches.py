"""Writes that go out together: what a ``$batch`` holds, what comes of each call, what of all without an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from marketplace_plugin.contract.sending import PATIENCE
from marketplace_plugin.errors import AuthorizationExpired, ContractViolation, Unavailable
from marketplace_plugin.model.change import Found, Stamp
from marketplace_plugin.model.event import Event, Override, Series
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Deferred,
    Delete,
    Missing,
    Partial,
    Refused,
    RefusedCode,
    Stale,
    Unanswered,
    Update,
    Write,
)
from marketplace_plugin.providers.graph.errors import Refusal
from marketplace_plugin.providers.graph.transport import BATCH, Call, Client
from tests.providers.graph.world import GraphServing, World
from tests.providers.serving import STAMP, at, daily, fetch, made, meeting, push, stale, update
from tests.providers.world import Token

WRITES = ("POST", "PATCH", "DELETE")


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world
        assert not world.sandbox.state.outbox


@pytest.fixture
def serving(world: World) -> GraphServing:
    return GraphServing(world)


def creations(count: int) -> list[Create]:
    return [Create(f"op-{n}", Stamp("instance-1", f"link-{n}"), meeting(f"Nr. {n}", 1 + n % 28)) for n in range(count)]


def there(serving: GraphServing, count: int) -> list[Found]:
    outcomes = push(serving, *creations(count))
    found = [outcome.stored for outcome in outcomes if isinstance(outcome, Applied)]
    assert len(found) == count
    return [one for one in found if one is not None]


def renamed(found: Found, op: str = "op-u", title: str = "neu") -> Update:
    assert isinstance(found.item, (Event, Series))
    if isinstance(found.item, Series):
        return update(found, replace(found.item, master=replace(found.item.master, title=title)), op, "title")
    return update(found, replace(found.item, title=title), op, "title")


def batches(world: World, begin: int = 0) -> list[list[dict[str, Any]]]:
    """The calls of each batch that was sent."""
    return [row.json["requests"] for row in world.requests("POST", "/$batch")][begin:]


def alone(world: World) -> list[str]:
    """Writes that went out outside of a batch."""
    return [row.method for row in world.requests() if row.method in WRITES and not row.path.endswith("$batch")]


# --- what is sent --------------------------------------------------------------------------------------------------


def test_creations_go_out_twenty_at_a_time(serving: GraphServing, world: World) -> None:
    there(serving, 45)
    assert [len(calls) for calls in batches(world)] == [20, 20, 5]
    assert alone(world) == []
    for call in (call for calls in batches(world) for call in calls):
        assert call["body"]["transactionId"]
        assert call["body"]["singleValueExtendedProperties"]
        assert call["headers"]["Prefer"].startswith('IdType="ImmutableId"')


def test_changes_are_one_batch_that_looks_and_one_that_writes(serving: GraphServing, world: World) -> None:
    found = there(serving, 10)
    begin = len(batches(world))
    writes: list[Write] = [renamed(one, f"op-u{n}") for n, one in enumerate(found[:6])]
    writes += [Delete(f"op-d{n}", one.id, one.revision) for n, one in enumerate(found[6:])]
    assert all(isinstance(outcome, Applied) for outcome in push(serving, *writes))
    look, write = batches(world, begin)
    assert {call["method"] for call in look} == {"GET"}
    assert [call["method"] for call in write] == ["PATCH"] * 6 + ["DELETE"] * 4
    assert [call["headers"]["If-Match"] for call in write] == [one.revision.master for one in found]
    assert all("dependsOn" not in call for call in write)  # so the service keeps four of them under way, not one


def test_a_single_write_needs_no_batch(serving: GraphServing, world: World) -> None:
    made(serving, meeting())
    assert batches(world) == []
    assert alone(world) == ["POST"]


def test_writes_to_one_item_follow_each_other(serving: GraphServing, world: World) -> None:
    first, second = there(serving, 2)
    begin = len(batches(world))
    outcomes = push(
        serving,
        renamed(first, "op-1u", "eins"),
        renamed(second, "op-2u", "zwei"),
        renamed(first, "op-1v", "nie"),
        Delete("op-2d", second.id, second.revision),
    )
    assert [type(outcome) for outcome in outcomes] == [Applied, Applied, Stale, Stale]
    assert [len({call["url"] for call in calls}) for calls in batches(world, begin)] == [2, 2, 2]
    titles = [item.title for f in (first, second) if isinstance(item := fetch(serving, f.id).item, Event)]
    assert titles == ["eins", "zwei"]


def test_a_creation_and_its_repetition_are_one_item(serving: GraphServing) -> None:
    one, two = push(serving, Create("op-1", STAMP, meeting()), Create("op-1", STAMP, meeting())) or []
    assert isinstance(one, Applied)
    assert isinstance(two, Applied)
    assert one.id == two.id


def test_what_somebody_writes_after_the_look_is_not_overwritten(
    serving: GraphServing, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two batches one item is edited and another deleted: If-Match guards each call by itself."""
    one, two, three, four = there(serving, 4)
    plain, looked = Client.together, list[int]()

    def raced(client: Client, calls: Any) -> Any:
        answers = plain(client, calls)
        if not looked:
            looked.append(len(calls))
            serving.edit(serving.calendar, two.id, title="von Hand")
            serving.delete(serving.calendar, three.id)
        return answers

    monkeypatch.setattr(Client, "together", raced)
    outcomes = push(
        serving,
        renamed(one, "op-1"),
        renamed(two, "op-2"),
        renamed(three, "op-3"),
        Delete("op-4", four.id, four.revision),
    )
    assert [type(outcome) for outcome in outcomes] == [Applied, Stale, Missing, Applied]
    assert looked == [4]
    now = fetch(serving, two.id)
    assert isinstance(outcomes[1], Stale)
    assert outcomes[1].current == now
    assert isinstance(now.item, Event)
    assert now.item.title == "von Hand"


# --- what comes of each --------------------------------------------------------------------------------------------


def test_each_outcome_follows_its_own_status(serving: GraphServing, world: World) -> None:
    good, edited, gone = there(serving, 3)
    serving.delete(serving.calendar, gone.id)
    world.sandbox.faults.add("status", method="POST", path="/events$", status=400)
    outcomes = push(
        serving,
        renamed(good, "op-a"),
        renamed(stale(edited), "op-b"),
        renamed(gone, "op-c"),
        Create("op-d", Stamp("instance-1", "d"), meeting()),
    )
    assert [type(outcome) for outcome in outcomes] == [Applied, Stale, Missing, Refused]
    world.sandbox.faults.add("status", method="PATCH", path="/events/", status=500)
    one, two = push(serving, renamed(fetch(serving, good.id), "op-e"), renamed(edited, "op-f"))
    assert [type(one), type(two)] == [Unanswered, Applied]


def test_what_is_throttled_waits_and_what_is_not_is_done(serving: GraphServing, world: World) -> None:
    world.sandbox.faults.add("status", method="POST", path="/events$", status=429, retry_after=9, skip=7)
    begin = len(world.requests())
    outcomes = push(serving, *creations(25))
    pause = timedelta(seconds=9)
    assert [type(o) for o in outcomes] == [Applied] * 7 + [Deferred] + [Applied] * 12 + [Deferred] * 5
    assert [o for o in outcomes if isinstance(o, Deferred)] == [
        Deferred(f"op-{n}", pause, sent=n == 7) for n in (7, 20, 21, 22, 23, 24)
    ]
    assert len(world.requests()) - begin == 2  # the calendar, and one batch: nothing after the pause was asked for


def test_a_pause_leaves_a_series_half_way(serving: GraphServing, world: World) -> None:
    series = made(serving, daily())
    changed = (Override(at(24, 9), meeting("eins", 24, 15)), Override(at(25, 9), meeting("zwei", 25, 15)))
    world.sandbox.faults.add("status", method="POST", path="/events$", status=429, retry_after=5)
    assert isinstance(series.item, Series)
    wanted = replace(series.item, master=replace(series.item.master, title="neu"), overrides=changed)
    later = [Create("op-c", Stamp("instance-1", "c"), meeting())]
    outcomes = push(serving, update(series, wanted, "op-u", "title", "overrides"), *later)
    assert isinstance(outcomes[1], Deferred)
    assert isinstance(outcomes[0], Deferred)  # nothing of it was begun: it had only looked
    world.sandbox.faults.add("status", method="GET", path="/instances", status=429, retry_after=5)
    (outcome,) = push(serving, update(series, wanted, "op-u", "title", "overrides"))
    assert isinstance(outcome, Partial)
    assert outcome.left == ("2026-11-24T09:00:00", "2026-11-25T09:00:00")
    (again,) = push(serving, update(fetch(serving, series.id), wanted, "op-v", "title", "overrides"))
    assert isinstance(again, Applied)


def test_other_requests_of_the_mailbox_take_their_share_of_the_four(serving: GraphServing, world: World) -> None:
    """The service throttles the rest of each wave, call by call: those wait, the others are done."""
    world.sandbox.faults.add("hold", path="/me/calendars$")
    elsewhere = threading.Thread(target=lambda: Client(world.session()).call(Call("GET", "/me/calendars")))
    elsewhere.start()
    try:
        assert world.sandbox.faults.wait_held(1)
        outcomes = push(serving, *creations(8))
    finally:
        world.sandbox.faults.release()
        elsewhere.join()
    assert {type(outcome) for outcome in outcomes} == {Applied, Deferred}
    left = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, Deferred)]
    again = push(serving, *(creations(8)[n] for n in left))
    assert all(isinstance(outcome, Applied) for outcome in again)
    assert len(serving.open().find(serving.calendar, [w.stamp for w in creations(8)])) == 8


# --- when the batch itself fails -----------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["drop_before", "drop_after", "truncate"])
def test_a_batch_without_an_answer_is_unknown_for_all(serving: GraphServing, world: World, action: Any) -> None:
    world.sandbox.faults.add(action, path="/\\$batch")
    outcomes = push(serving, *creations(5))
    assert outcomes == [Unanswered(f"op-{n}") for n in range(5)]
    done = serving.open().find(serving.calendar, [write.stamp for write in creations(5)])
    assert len(done) == (0 if action == "drop_before" else 5)
    again = push(serving, *creations(5))
    assert all(isinstance(outcome, Applied) for outcome in again)
    done = serving.open().find(serving.calendar, [write.stamp for write in creations(5)])
    assert [len(found) for found in done.values()] == [1] * 5


def test_what_had_only_looked_when_the_answer_was_lost_was_not_done(serving: GraphServing, world: World) -> None:
    found = there(serving, 3)
    world.sandbox.faults.add("drop_before", path="/\\$batch")
    outcomes = push(serving, *(renamed(one, f"op-u{n}") for n, one in enumerate(found)))
    assert [type(outcome) for outcome in outcomes] == [Deferred] * 3


def test_after_three_lost_answers_no_more_is_tried(serving: GraphServing, world: World) -> None:
    world.sandbox.faults.add("drop_after", path="/\\$batch", times=9)
    told = serving.open().push(serving.calendar, creations(BATCH * PATIENCE + 1))
    outcomes = [next(told) for _ in range(BATCH * PATIENCE)]
    assert {type(outcome) for outcome in outcomes} == {Unanswered}
    with pytest.raises(Unavailable):
        next(told)
    assert len(batches(world)) == PATIENCE


@pytest.mark.parametrize("status", [400, 413])
def test_a_batch_that_is_refused_as_a_whole_says_nothing_of_its_calls(
    serving: GraphServing, world: World, status: int
) -> None:
    world.sandbox.faults.add("status", path="/\\$batch", status=status)
    outcomes = push(serving, *creations(3))
    assert all(isinstance(outcome, Applied) for outcome in outcomes)
    assert alone(world) == ["POST"] * 3


def test_one_by_one_a_pause_holds_for_the_rest(serving: GraphServing, world: World) -> None:
    world.sandbox.faults.add("status", path="/\\$batch", status=400)
    world.sandbox.faults.add("status", method="POST", path="/events$", status=429, retry_after=7, skip=1)
    outcomes = push(serving, *creations(4))
    assert [type(outcome) for outcome in outcomes] == [Applied, Deferred, Deferred, Deferred]
    assert alone(world) == ["POST"] * 2


@pytest.mark.parametrize("status", [429, 503])
def test_a_batch_that_is_throttled_as_a_whole_waits(serving: GraphServing, world: World, status: int) -> None:
    world.sandbox.faults.add("status", path="/\\$batch", status=status, retry_after=3)
    assert push(serving, *creations(3)) == [Deferred(f"op-{n}", timedelta(seconds=3)) for n in range(3)]
    assert alone(world) == []


def test_a_calendar_that_may_not_be_asked_for_yet_waits(serving: GraphServing, world: World) -> None:
    world.sandbox.faults.add("status", method="GET", path="/me/calendars/", status=429, retry_after=3)
    assert push(serving, *creations(2)) == [Deferred(f"op-{n}", timedelta(seconds=3), sent=False) for n in range(2)]


def test_a_token_that_ends_between_two_batches(serving: GraphServing, world: World) -> None:
    """What was begun is unknown; for the rest the error is raised."""

    class Ending(Token):
        def __call__(self, refused: str | None = None) -> str:
            if len(world.requests("POST", "/$batch")) == 1:
                raise AuthorizationExpired("no token left")
            return super().__call__(refused)

    found = made(serving, meeting())
    provider = world.open(bearer=Ending(world.token()))
    series = Create("op-s", Stamp("instance-1", "s"), daily())
    told = provider.push(serving.calendar, [series, renamed(found)])
    assert next(told) == Unanswered("op-s")  # it was made, and what became of it could not be read
    with pytest.raises(AuthorizationExpired):
        next(told)


@pytest.mark.parametrize("odd", [{}, {"id": "1"}, {"id": "1", "status": "x"}, {"id": "1", "status": 200, "body": 7}, 3])
def test_a_call_without_an_answer_is_unknown_alone(world: World, monkeypatch: pytest.MonkeyPatch, odd: Any) -> None:
    client = Client(world.session())
    monkeypatch.setattr(Client, "call", lambda *_: {"responses": [{"id": "0", "status": 200, "body": {"a": 1}}, odd]})
    good, missing = client.together([Call("GET", "/me"), Call("GET", "/me")])
    assert good == {"a": 1}
    assert isinstance(missing, ContractViolation)


@pytest.mark.parametrize("reply", [{}, {"responses": None}, {"responses": {"0": {}}}])
def test_a_batch_that_answers_none(world: World, monkeypatch: pytest.MonkeyPatch, reply: Any) -> None:
    client = Client(world.session())
    monkeypatch.setattr(Client, "call", lambda *_: reply)
    assert [type(answer) for answer in client.together([Call("GET", "/me")] * 2)] == [ContractViolation] * 2


@pytest.mark.parametrize("more", [True, False])
def test_a_long_answer_goes_on_behind_a_link(world: World, monkeypatch: pytest.MonkeyPatch, more: bool) -> None:
    client = Client(world.session())
    first = {"responses": [{"id": "1", "status": 204}], "@odata.nextLink": f"{client.root}/$batch?$skiptoken=x"}

    def follow(_: Client, link: str) -> Any:
        if not more:
            raise Unavailable(link)
        return {"responses": [{"id": "0", "status": 404, "body": {"error": {"code": "X"}}}]}

    monkeypatch.setattr(Client, "call", lambda *_: first)
    monkeypatch.setattr(Client, "follow", follow)
    zero, one = client.together([Call("DELETE", "/me")] * 2)
    assert one == {}
    assert isinstance(zero, Refusal if more else ContractViolation)


def test_a_call_inside_a_batch_has_its_own_pause(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(world.session())
    refused = {"id": "1", "status": 429, "headers": {"Retry-After": "11"}, "body": {"error": {"code": "X"}}}
    monkeypatch.setattr(Client, "call", lambda *_: {"responses": [refused, {"id": "0", "status": 204}]})
    good, bad = client.together([Call("DELETE", "/me"), Call("GET", "/me")])
    assert good == {}
    assert isinstance(bad, Refusal)
    assert (bad.status, bad.pause) == (429, timedelta(seconds=11))


def test_a_next_link_is_a_call_like_any_other(world: World) -> None:
    client = Client(world.session())
    assert client.at(f"{client.root}/me/x?$skip=2").target == "/me/x?$skip=2"
    assert client.at(f"{client.root}/me/x").target == "/me/x"
    with pytest.raises(ContractViolation):
        client.at("https://evil.example/v1.0/me/x")


def test_a_refusal_for_one_is_none_for_its_neighbours(serving: GraphServing) -> None:
    guests = serving.invite(serving.calendar, meeting("Einladung", 12))
    found = fetch(serving, guests)
    good, bad = push(serving, *creations(1), renamed(found))
    assert isinstance(good, Applied)
    assert bad == Refused("op-u", RefusedCode.NOT_ORGANIZER)
