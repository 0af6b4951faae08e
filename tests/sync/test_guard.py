"""The brake and the suspects."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marketplace_plugin.sync.guard import Count, Side, brake, limit, suspects
from marketplace_plugin.sync.link import LinkKind
from marketplace_plugin.sync.plan.step import Case, Plan, Step
from marketplace_plugin.sync.plan.tables import Action
from marketplace_plugin.sync.reason import Reason
from tests.sync.made import link


def deletions(number: int, action: Action = Action.DELETE_REMOTE) -> tuple[Step, ...]:
    made = [replace(link(LinkKind.EXPORT), id=f"{action}-{n}") for n in range(number)]
    return tuple(Step(action, Reason.DELETED_HOST, one, Case(one)) for one in made)


@pytest.mark.parametrize("links,allowed", [(0, 10), (40, 10), (41, 10), (44, 11), (400, 100)])
def test_ten_or_a_quarter(links: int, allowed: int) -> None:
    assert limit(links) == allowed


@pytest.mark.parametrize("number,done,held", [(10, 0, 0), (11, 0, 11), (5, 6, 5), (4, 6, 0)])
def test_over_the_limit_all_of_that_side_wait(number: int, done: int, held: int) -> None:
    braked = brake(Plan(deletions(number)), Count(20, {Side.REMOTE: done}), frozenset())
    assert len(braked.held) == held
    assert len(braked.go.steps) == number - held


def test_the_other_side_and_everything_else_goes_on() -> None:
    merge = Step(Action.MERGE, Reason.MERGED, link(), Case(link()))
    wanted = Plan((*deletions(11), *deletions(3, Action.DELETE_HOST), merge))
    braked = brake(wanted, Count(20, {}), frozenset())
    assert {step.action for step in braked.held} == {Action.DELETE_REMOTE}
    assert len(braked.go.steps) == 4


def test_blocks_that_are_gone_are_exempt() -> None:
    assert brake(Plan(deletions(500, Action.DROP_BLOCK)), Count(20, {}), frozenset()).held == ()


def test_what_the_owner_approved_goes_and_counts_no_more() -> None:
    steps = deletions(12)
    approved = frozenset(step.link.id for step in steps[:2])
    assert brake(Plan(steps), Count(20, {}), approved).held == ()


def test_more_suspects_than_the_brake_allows_are_not_even_asked_for() -> None:
    absent = [replace(link(), id=str(n)) for n in range(11)]
    assert suspects(absent, 20).held == tuple(absent)
    assert suspects(absent[:10], 20).fetch == tuple(absent[:10])
