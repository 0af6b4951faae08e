"""Many deletions were let go at once, and one of them was by then one that guests would be told of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketplace_plugin.engine.acts.waiting import held
from marketplace_plugin.model.event import Attendee
from marketplace_plugin.providers.memory import GRAPH, PERSONALITIES
from marketplace_plugin.store.log.journal import Side
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import TARGET, World, event
from tests.regressions.seeing import here, person, title, titles

MANY = 14
"""More than the brake lets through."""
GUEST = Attendee("guest@else.example", "Guest")


@pytest.fixture(params=PERSONALITIES, ids=lambda p: p.name)
def world(request: pytest.FixtureRequest, shared: bool) -> Iterator[World]:
    made = World(request.param, shared=shared)
    yield made
    made.close()


@pytest.fixture(params=[True, False], ids=["shared", "separate"])
def shared(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


class Ada:
    """She exported many events and deleted all of them here; the brake holds their copies."""

    def __init__(self, world: World) -> None:
        self.world, self.account, self.person = world, world.account(), person(world)
        refs = [world.host.create("ada", event(f"event {n:02}", day=3 + n)) for n in range(MANY)]
        self.connection = world.connect("ada", self.account)
        world.settle(self.connection)
        for ref in refs:
            world.host.delete("ada", ref)
        self.sync()

    def sync(self) -> None:
        self.world.clock.forward(minutes=31)
        self.world.sync(self.connection)

    @property
    def ids(self) -> list[str]:
        return [one.id for one in held.deletions(self.world.engine, self.person)]

    @property
    def listed(self) -> list[tuple[str, Side, Reason, bool]]:
        found = held.deletions(self.world.engine, self.person)
        return [(one.about.title, one.side, one.reason, one.decided) for one in found]

    def somebody_is_asked(self) -> None:
        (copy,) = [name for name, found in self.account.items(TARGET).items() if title(found.item) == "event 00"]
        self.account.user.edit(TARGET, copy, attendees=(GUEST,))


ASKED = [("event 00", Side.REMOTE, Reason.WOULD_MAIL, False)]


@pytest.fixture
def ada(world: World) -> Ada:
    return Ada(world)


def test_what_was_let_go_as_one_of_many_is_asked_about_when_guests_would_be_told(ada: Ada) -> None:
    """It was deleted with the others; where the service refused that, it stood in the list as decided for ever."""
    assert {reason for _, _, reason, _ in ada.listed} == {Reason.BRAKE}
    assert held.approve(ada.world.engine, ada.person, ada.ids) == MANY
    ada.somebody_is_asked()
    ada.sync()
    assert (titles(ada.account), ada.listed) == (["event 00"], ASKED)
    assert held.brakes(ada.world.engine, ada.person) == []
    ada.sync()
    assert (titles(ada.account), ada.listed) == (["event 00"], ASKED)
    held.restore(ada.world.engine, ada.person, ada.ids)
    ada.sync()
    assert (titles(ada.account), here(ada.world), ada.listed) == (["event 00"], ["event 00"], [])
    assert ada.account.outbox == []


def test_it_is_deleted_by_an_act_of_its_own(ada: Ada) -> None:
    """A service that is silent for nobody refuses it all the same: then it is asked about again."""
    held.approve(ada.world.engine, ada.person, ada.ids)
    ada.somebody_is_asked()
    ada.sync()
    assert held.approve(ada.world.engine, ada.person, ada.ids) == 1
    ada.sync()
    refused = ada.world.personality is GRAPH
    assert (titles(ada.account), ada.listed) == ((["event 00"], ASKED) if refused else ([], []))
    assert ada.account.outbox == []


def test_an_answer_from_an_old_page_counts_for_no_other_question(ada: Ada) -> None:
    """She ticked all that the brake held, and a pass had found the guest before she pressed the button."""
    ticked = ada.ids
    ada.somebody_is_asked()
    held.approve(ada.world.engine, ada.person, ticked[:1])  # a pass looks at the one alone
    ada.sync()
    assert ("event 00", Side.REMOTE, Reason.WOULD_MAIL, False) in ada.listed
    assert held.approve(ada.world.engine, ada.person, ticked) == MANY - 1
    ada.sync()
    assert (titles(ada.account), ada.listed) == (["event 00"], ASKED)
