"""Two presses of one button are one undo."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest

from marketplace_plugin.contract.module import UnitOfWork
from marketplace_plugin.engine.acts.undo import result, undo
from marketplace_plugin.engine.context import Trigger
from marketplace_plugin.errors import Conflict
from tests.laws.world import World, event
from tests.regressions.seeing import person, titles


def test_the_second_press_finds_what_the_first_has_done(hosted: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looked before the first one was written down, and wrote after its pass: it took the lines over, and each of
    both told that nothing was taken back."""
    account = hosted.account()
    ada = hosted.connect("ada", account)
    hosted.settle(ada)
    hosted.host.create("ada", event("hers"))
    run = hosted.sync(ada).run
    assert titles(account) == ["hers"]
    begin, first = hosted.store.begin, list[str]()

    def overtaken() -> AbstractContextManager[UnitOfWork]:
        monkeypatch.undo()
        first.append(undo(hosted.engine, person(hosted), run))
        hosted.sync(ada, Trigger.UNDO, first[0])
        return begin()

    monkeypatch.setattr(hosted.store, "begin", overtaken)
    with pytest.raises(Conflict):
        undo(hosted.engine, person(hosted), run)
    done = result(hosted.engine, person(hosted), first[0])
    assert (len(done.taken), done.left, titles(account)) == (1, (), [])
