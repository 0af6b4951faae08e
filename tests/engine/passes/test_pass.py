"""One pass over the memory provider: what flows where, for both hosts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.errors import Unavailable
from marketplace_plugin.providers.memory import PERSONALITIES, Moment, Personality, Request
from marketplace_plugin.sync.link import LinkKind, LinkState
from tests.laws.world import SOURCE, TARGET, World, event, moved, occurrence, series


@pytest.fixture(params=PERSONALITIES, ids=lambda p: p.name)
def personality(request: pytest.FixtureRequest) -> Personality:
    found: Personality = request.param
    return found


@pytest.fixture(params=[True, False], ids=["shared", "separate"])
def world(request: pytest.FixtureRequest, personality: Personality) -> Iterator[World]:
    made = World(personality, shared=request.param)
    yield made
    made.close()


def test_a_source_becomes_blocks_and_a_host_event_becomes_a_copy(world: World) -> None:
    account = world.account()
    account.user.create(SOURCE, event("private"))
    ref = world.host.create("ada", event("public"))
    ada = world.connect("ada", account)
    result = world.sync(ada)
    assert result.outcome is RunOutcome.DONE, result
    assert [block.item.title for block in world.blocks(ada)] == ["private"]  # type: ignore[union-attr]
    (copy,) = account.items(TARGET).values()
    assert copy.item.title == "public"  # type: ignore[union-attr]
    assert {(k.kind, k.state, k.host_ref) for k in world.links(ada)} == {
        (LinkKind.BLOCK, LinkState.LIVE, None),
        (LinkKind.EXPORT, LinkState.LIVE, ref),
    }
    assert world.quiet(world.sync(ada))
    assert account.outbox == []


def test_edits_flow_both_ways_and_meet_field_by_field(world: World) -> None:
    account = world.account()
    ref = world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    world.sync(ada)
    (copy,) = account.items(TARGET)
    world.host.edit("ada", ref, title="renamed here")
    account.user.edit(TARGET, copy, location="moved there")
    world.sync(ada)
    shown = world.host.see("ada", ref).item  # type: ignore[union-attr]
    there = account.items(TARGET)[copy].item
    assert (shown.title, shown.location) == ("renamed here", "moved there")  # type: ignore[union-attr]
    assert (there.title, there.location) == ("renamed here", "moved there")  # type: ignore[union-attr]
    assert world.settle(ada) == 0


def test_a_series_with_exceptions_goes_there_and_comes_back(world: World) -> None:
    account = world.account()
    ref = world.host.create("ada", series())
    world.host.change_occurrence("ada", ref, occurrence(1), moved(occurrence(1), "other"))
    world.host.change_occurrence("ada", ref, occurrence(2), None)
    ada = world.connect("ada", account)
    world.sync(ada)
    (copy,) = account.items(TARGET)
    assert len(account.items(TARGET)[copy].item.overrides) == 2  # type: ignore[union-attr]
    account.user.change_occurrence(TARGET, copy, occurrence(3), moved(occurrence(3), "theirs"))
    world.host.change_occurrence("ada", ref, occurrence(4), moved(occurrence(4), "ours"))
    world.sync(ada)
    assert len(world.host.see("ada", ref).item.overrides) == 4  # type: ignore[union-attr]
    assert len(account.items(TARGET)[copy].item.overrides) == 4  # type: ignore[union-attr]
    assert world.settle(ada) == 0


def test_deletions_flow_both_ways(world: World) -> None:
    account = world.account()
    here = world.host.create("ada", event("deleted here"))
    there = world.host.create("ada", event("deleted there", day=11))
    ada = world.connect("ada", account)
    world.sync(ada)
    ids = {found.item.title: found.id for found in account.items(TARGET).values()}  # type: ignore[union-attr]
    world.host.delete("ada", here)
    account.user.delete(TARGET, ids["deleted there"])
    world.sync(ada)
    world.settle(ada)
    assert account.items(TARGET) == {}
    assert world.host.all_of("ada") == {}
    assert there not in {link.host_ref for link in world.links(ada)}
    assert world.links(ada) == []


def test_a_change_that_was_not_done_makes_the_run_incomplete(world: World) -> None:
    """It was parked, and the run said that all was done."""
    account = world.account()
    ref = world.host.create("ada", event("one"))
    ada = world.connect("ada", account)
    world.settle(ada)
    world.host.edit("ada", ref, title="two")
    account.faults.add(Moment.BEFORE, Request.PATCH, Unavailable("not now"))
    world.clock.forward(minutes=31)
    result = world.sync(ada)
    assert (result.outcome, result.counts["parked"]) == (RunOutcome.INCOMPLETE, 1)
