"""Writes whose answer does not come, and requests for a pause; over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest

from marketplace_plugin.errors import AuthorizationExpired, Unavailable
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Deferred,
    DeferScope,
    Delete,
    Outcome,
    Stale,
    Unanswered,
)
from marketplace_plugin.providers.google import GoogleAccount
from tests.providers.google.world import (
    ANNA,
    World,
    changes,
    found,
    one,
    pages,
    push,
    stamp,
)
from tests.providers.google.writes import OURS, SERIES, create, silent_world, update
from tests.providers.world import Token


@pytest.fixture
def world() -> Iterator[World]:
    with silent_world() as world:
        yield world


@pytest.fixture
def google(world: World) -> GoogleAccount:
    return world.open()


# --- answers that do not come --------------------------------------------------------------------------------------

Lost = Literal["drop_before", "drop_after", "truncate"]


@pytest.mark.parametrize("lost", ["drop_before", "drop_after", "truncate"])
def test_an_answer_that_did_not_come_is_found_by_its_stamp(world: World, google: GoogleAccount, lost: Lost) -> None:
    world.sandbox.faults.add(lost, method="POST")
    assert one(google, Create("create", stamp("link"), OURS)) == Unanswered("create")
    there = google.find(ANNA, [stamp("link")])
    assert len(there) == (0 if lost == "drop_before" else 1)
    create(google)
    assert len(found(changes(pages(google)))) == 1


@pytest.mark.parametrize("lost", ["drop_before", "drop_after", "truncate"])
def test_an_update_whose_answer_did_not_come_is_unknown(world: World, google: GoogleAccount, lost: Lost) -> None:
    there = create(google)
    write = update(there, replace(OURS, title="New"), "title")
    world.sandbox.faults.add(lost, method="PATCH")
    assert one(google, write) == Unanswered("update")
    again = one(google, write)
    assert isinstance(again, Applied if lost == "drop_before" else Stale)


def test_a_500_on_a_write_is_unknown(world: World, google: GoogleAccount) -> None:
    world.sandbox.faults.add("status", status=500, method="POST")
    assert one(google, Create("create", stamp("link"), OURS)) == Unanswered("create")


def test_one_item_that_cannot_be_read_does_not_stop_the_others(world: World, google: GoogleAccount) -> None:
    there = create(google, SERIES)
    world.sandbox.faults.add("status", status=500, method="GET")
    outcomes = push(google, Delete("d", there.id, there.revision), Create("op2", stamp("link2"), OURS))
    assert outcomes[0] == Deferred("d", None, DeferScope.ITEM)
    assert isinstance(outcomes[1], Applied)


def test_a_service_that_answers_nothing_is_given_up(world: World, google: GoogleAccount) -> None:
    world.sandbox.faults.add("drop_before", method="POST", times=9)
    writes = [Create(f"op{number}", stamp(f"link{number}"), OURS) for number in range(9)]
    outcomes: list[Outcome] = []
    with pytest.raises(Unavailable):
        outcomes.extend(google.push(ANNA, writes))
    assert len(world.requests("POST")) == 3


def test_a_service_that_is_not_reached_stops_the_rest(world: World, google: GoogleAccount) -> None:
    world.sandbox.stop()
    with pytest.raises(Unavailable):
        push(google, Create("op", stamp("link"), OURS))
    world.sandbox.start()


# --- pauses and sign-in --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status, reason, scope",
    [
        (429, "rateLimitExceeded", DeferScope.CONNECTION),
        (403, "rateLimitExceeded", DeferScope.CONNECTION),
        (403, "userRateLimitExceeded", DeferScope.CONNECTION),
        (403, "quotaExceeded", DeferScope.CONNECTION),
        (403, "dailyLimitExceeded", DeferScope.PROJECT),
    ],
)
def test_a_pause_holds_for_all_that_follows(
    world: World, google: GoogleAccount, status: int, reason: str, scope: DeferScope
) -> None:
    world.sandbox.faults.add("status", status=status, reason=reason, retry_after=60, method="POST")
    writes = [Create(f"op{number}", stamp(f"link{number}"), OURS) for number in range(3)]
    outcomes = push(google, *writes)
    assert outcomes == [Deferred(w.op, timedelta(seconds=60), scope, sent=w is writes[0]) for w in writes]
    assert len(world.requests("POST")) == 1


def test_a_pause_while_reading_first_is_a_pause(world: World, google: GoogleAccount) -> None:
    there = create(google, SERIES)
    world.sandbox.faults.add("status", status=429, retry_after=60, method="GET")
    assert one(google, Delete("d", there.id, there.revision)) == Deferred("d", timedelta(seconds=60))


def test_a_grant_that_ended_stops_the_rest(world: World) -> None:
    google = world.open(bearer=Token("unknown", "unknown too", "and this"))
    with pytest.raises(AuthorizationExpired):
        push(google, Create("op", stamp("link"), OURS))
