"""An edit came over just when its event was deleted here. It could not be written, and by the next pass it was no news:
the copy went with it. And an edited event is not deleted."""

from __future__ import annotations

import pytest

from marketplace_plugin.providers.memory import Moment, Request
from tests.laws.world import TARGET, World, event
from tests.regressions.seeing import here, titles


@pytest.mark.parametrize("deleted", [True, False], ids=["deleted", "edited"])
def test_what_could_not_be_taken_over_is_still_news(world: World, deleted: bool) -> None:
    account, host = world.account(), world.host
    first, second = host.create("ada", event("one")), host.create("ada", event("two"))
    ada = world.connect("ada", account)
    world.settle(ada)
    (copy,) = (key for key, one in account.items(TARGET).items() if getattr(one.item, "title", "") == "one")
    account.user.edit(TARGET, copy, title="renamed there")
    host.edit("ada", second, location="Room 2")

    def meanwhile() -> None:
        if deleted:
            host.delete("ada", first)
        else:
            host.edit("ada", first, location="Room 1")

    account.faults.add(Moment.BEFORE, Request.PATCH, meanwhile)
    world.sync(ada)
    world.settle(ada)
    assert here(world) == titles(account) == ["renamed there", "two"]
