"""Exchange: what cannot be read just now may be what is looked for, so nothing is made a second time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketplace_plugin.errors import Unavailable
from marketplace_plugin.model.change import Stamp
from marketplace_plugin.model.write import Create
from tests.laws.world import event
from tests.providers.contract_contacts import ADA
from tests.providers.contract_tasks import OFFER
from tests.providers.ews.items import ExchangeContacts, ExchangeTasks
from tests.providers.ews.world import EwsServing, World
from tests.providers.item_serving import send
from tests.providers.passes.world import EwsPasses, passes_over
from tests.providers.serving import meeting, push

BROKEN = "ErrorInternalServerError"
MARK = Stamp("instance-1", "a")
REFUSALS = (BROKEN, "ErrorItemCorrupt", "ErrorAccessDenied", "ErrorInvalidIdMalformed")


@pytest.fixture
def exchange() -> Iterator[World]:
    with World() as running:
        yield running


def spoil(world: World, *ids: str, code: str = BROKEN) -> None:
    world.sandbox.state.knobs.refused.update(dict.fromkeys(ids, code))


def step(passes: EwsPasses, times: int) -> None:
    for _ in range(times):
        passes.shell.clock.forward(minutes=31)
        passes.world.now = passes.shell.clock()
        passes.shell.sync("ada")


@pytest.mark.parametrize("code", REFUSALS)
def test_an_event_that_cannot_be_read_is_not_taken_for_missing(exchange: World, code: str) -> None:
    serving = EwsServing(exchange)
    push(serving, Create("op-1", MARK, meeting()))
    (found,) = serving.open().find(serving.calendar, [MARK])[MARK]
    spoil(exchange, found.id, code=code)
    with pytest.raises(Unavailable):
        serving.open().find(serving.calendar, [MARK])


@pytest.mark.parametrize("code", REFUSALS)
@pytest.mark.parametrize("kind", [ExchangeContacts, ExchangeTasks])
def test_nor_is_a_contact_or_task(
    exchange: World, kind: type[ExchangeContacts] | type[ExchangeTasks], code: str
) -> None:
    items = kind(exchange)
    send(items, Create("op-1", MARK, ADA if kind is ExchangeContacts else OFFER))
    (found,) = items.open().find(items.collection, [MARK])[MARK]
    spoil(exchange, found.id, code=code)
    with pytest.raises(Unavailable):
        items.open().find(items.collection, [MARK])


def test_nor_one_that_is_not_understood(exchange: World) -> None:
    serving = EwsServing(exchange)
    push(serving, Create("op-1", MARK, meeting()))
    exchange.sandbox.faults.add("malformed_item", operation="GetItem")
    with pytest.raises(Unavailable):
        serving.open().find(serving.calendar, [MARK])


def test_one_that_is_gone_meanwhile_is(exchange: World) -> None:
    serving = EwsServing(exchange)
    push(serving, Create("op-1", MARK, meeting()))
    (found,) = serving.open().find(serving.calendar, [MARK])[MARK]
    spoil(exchange, found.id, code="ErrorItemNotFound")
    assert serving.open().find(serving.calendar, [MARK]) == {}


def test_a_creation_whose_answer_was_lost_is_not_repeated_while_it_is_spoilt() -> None:
    with passes_over("ews") as passes:
        assert isinstance(passes, EwsPasses)
        step(passes, 2)
        passes.shell.host.create("ada", event("public"))
        passes.lose("drop_after")
        step(passes, 1)
        (made,) = passes.listed(passes.target)
        spoil(passes.world, made)
        step(passes, 3)
        assert list(passes.listed(passes.target)) == [made]
        passes.sandbox.state.knobs.refused.clear()
        step(passes, 4)
        assert list(passes.listed(passes.target)) == [made]
        assert passes.copies["public"] == made


@pytest.mark.parametrize("times", [2, 4])
def test_nor_where_the_service_fails_for_a_moment(times: int) -> None:
    with passes_over("ews") as passes:
        assert isinstance(passes, EwsPasses)
        step(passes, 2)
        passes.shell.host.create("ada", event("public"))
        passes.lose("drop_after")
        step(passes, 1)
        passes.sandbox.faults.add("error", operation="GetItem", code=BROKEN, times=times)
        step(passes, 8)
        assert set(passes.listed(passes.target).values()) == {"public"}
        assert len(passes.listed(passes.target)) == 1
