"""A host that tells of its changes twice, in another order, or of one page for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from marketplace_plugin.contract.module import HostModule
from marketplace_plugin.engine.context import RunOutcome
from marketplace_plugin.model.change import HostCursor, HostPage
from marketplace_plugin.model.item import Kind
from tests.laws.world import World, event
from tests.regressions.seeing import here, titles

Told = Callable[[HostPage], HostPage]


def telling(world: World, monkeypatch: pytest.MonkeyPatch, told: Told) -> None:
    module: HostModule = world.host.modules[Kind.EVENT]
    whole = module.changes

    def changes(owner: str, since: HostCursor | None, limit: int) -> HostPage:
        return told(whole(owner, since, limit))

    monkeypatch.setattr(module, "changes", changes)


def test_what_it_tells_last_may_be_older(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older state came behind the newer one: the newer one was never written there."""
    account = world.account()
    ref = world.host.create("ada", event("first"))
    older = world.host.all_of("ada")[ref]
    ada = world.connect("ada", account)
    world.settle(ada)
    world.host.edit("ada", ref, title="second")
    telling(world, monkeypatch, lambda page: replace(page, changes=(*page.changes, *page.changes, older)))
    world.clock.forward(minutes=31)
    world.sync(ada)
    monkeypatch.undo()
    world.settle(ada)
    assert here(world) == titles(account) == ["second"]


def test_one_page_for_ever_ends_the_pass(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker never came back."""
    account = world.account()
    world.host.create("ada", event("first"))
    ada = world.connect("ada", account)
    telling(world, monkeypatch, lambda page: replace(page, more=True))
    world.clock.forward(minutes=31)
    assert world.sync(ada).outcome is RunOutcome.FAILED
    monkeypatch.undo()
    world.settle(ada)
    assert titles(account) == ["first"]
