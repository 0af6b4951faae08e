"""Somebody who was invited at the service to one occurrence alone was forgotten by what both sides had agreed on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marketplace_plugin.model.event import Attendee
from marketplace_plugin.store import held
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import TARGET, World, moved, occurrence, series
from tests.regressions.seeing import only, titles

EVE = Attendee("eve@elsewhere.example")


def reasons(world: World, connection: str) -> list[Reason]:
    with world.store.read() as c:
        return [one.reason for one in held.of_connection(c, connection)]


@pytest.mark.parametrize("other", [False, True], ids=["no other exception", "another exception"])
def test_a_series_with_a_guest_of_one_day_is_not_deleted_without_asking(hosted: World, other: bool) -> None:
    world, account = hosted, hosted.account()
    ref = world.host.create("ada", series())
    if other:
        world.host.change_occurrence("ada", ref, occurrence(2), moved(occurrence(2), "other"))
    ada = world.connect("ada", account)
    world.settle(ada)
    day = replace(moved(occurrence(1), "Series", 0), attendees=(EVE,))  # as the rule has it, but for the guest
    account.user.change_occurrence(TARGET, only(account).id, occurrence(1), day)
    world.settle(ada)
    world.host.delete("ada", ref)
    world.clock.forward(minutes=31)
    world.sync(ada)
    assert titles(account) == ["Series"]
    assert reasons(world, ada) == [Reason.WOULD_MAIL]
    assert account.outbox == []
