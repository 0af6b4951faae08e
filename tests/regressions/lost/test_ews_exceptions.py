"""Exchange: what cannot be had of one occurrence, or by an id that the server takes for none, deletes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from marketplace_plugin.model.change import Found, Gone, Tombstone, Unreadable
from marketplace_plugin.model.event import Event, Override, Series
from marketplace_plugin.model.write import Delete, Stale
from tests.laws.world import event, moved, occurrence, series
from tests.providers.ews.world import EwsServing, World, day_of
from tests.providers.passes.world import EwsPasses, passes_over
from tests.providers.serving import at, daily, made, meeting, pull, push, update

REFUSALS = ("ErrorItemNotFound", "ErrorInvalidIdMalformed", "ErrorInternalServerError", "ErrorItemCorrupt")


@pytest.fixture
def exchange() -> Iterator[World]:
    with World() as running:
        yield running


@pytest.fixture
def serving(exchange: World) -> EwsServing:
    return EwsServing(exchange)


@pytest.fixture
def spoilt(exchange: World, serving: EwsServing) -> Found:
    """A series as it was read before one of its exceptions could no longer be had."""
    return made(serving, daily("Stand-up", Override(at(24, 9), meeting("verlegt", 24, 15))))


def refuse_exception(world: World, master: str, code: str) -> None:
    exception = world.user().occurrence(master, day_of(at(24, 9)))
    world.sandbox.state.knobs.refused[exception] = code


@pytest.mark.parametrize("code", REFUSALS)
def test_a_series_of_which_an_exception_is_not_to_be_had_is_unreadable(
    exchange: World, serving: EwsServing, spoilt: Found, code: str
) -> None:
    refuse_exception(exchange, spoilt.id, code)
    assert pull(serving).unreadable() == {spoilt.id}
    (answer,) = serving.open().fetch(serving.calendar, [spoilt.id])
    assert isinstance(answer, Unreadable)


@pytest.mark.parametrize("code", REFUSALS)
def test_nothing_is_written_to_it(exchange: World, serving: EwsServing, spoilt: Found, code: str) -> None:
    refuse_exception(exchange, spoilt.id, code)
    assert isinstance(spoilt.item, Series)
    renamed = replace(spoilt.item, master=replace(spoilt.item.master, title="neu"))
    writes = update(spoilt, renamed), Delete("op-d", spoilt.id, spoilt.revision)
    before = serving.writes()
    assert push(serving, *writes) == [Stale("op-u", None), Stale("op-d", None)]
    assert serving.writes() == before


@pytest.mark.parametrize("code", ["ErrorInvalidIdMalformed", "ErrorInvalidIdMalformedEwsLegacyIdFormat"])
def test_an_id_that_the_server_gave_and_takes_no_more_is_no_deletion(
    exchange: World, serving: EwsServing, code: str
) -> None:
    """As after a move of the mailbox to a server that writes its ids otherwise."""
    found = made(serving, meeting())
    exchange.sandbox.state.knobs.refused[found.id] = code
    assert pull(serving).unreadable() == {found.id}
    (answer,) = serving.open().fetch(serving.calendar, [found.id])
    assert isinstance(answer, Unreadable)
    item = found.item
    assert isinstance(item, Event)
    writes = update(found, replace(item, title="neu")), Delete("op-d", found.id, found.revision)
    assert push(serving, *writes) == [Stale("op-u", None), Stale("op-d", None)]


def test_what_goes_while_a_page_is_read_is_asked_for_again(exchange: World, serving: EwsServing) -> None:
    found = made(serving, meeting())
    exchange.sandbox.state.knobs.refused[found.id] = "ErrorItemNotFound"
    assert pull(serving).gone() == {found.id: Tombstone(found.id, confirmed=False)}
    (answer,) = serving.open().fetch(serving.calendar, [found.id])
    assert answer == Gone(found.id)


def step(passes: EwsPasses) -> None:
    """Two passes, of which something may be told."""
    for _ in range(2):
        passes.shell.clock.forward(minutes=31)
        passes.world.now = passes.shell.clock()
        passes.shell.sync("ada")


@pytest.mark.parametrize("code", REFUSALS)
def test_the_series_here_stays_and_follows_when_it_is_whole_again(code: str) -> None:
    with passes_over("ews") as passes:
        assert isinstance(passes, EwsPasses)
        host = passes.shell.host
        ref = host.create("ada", series())
        host.change_occurrence("ada", ref, occurrence(1), moved(occurrence(1), "other"))
        passes.settle()
        before, copy = passes.there(ref), passes.copies["Series"]
        exception = passes.person.occurrence(copy, occurrence(1).wall.date())
        passes.sandbox.state.knobs.refused[exception] = code
        passes.put(copy, "somewhere")
        step(passes)
        assert passes.there(ref) == before
        host.create("ada", event("another"))
        step(passes)
        assert set(passes.copies) == {"Series", "another"}
        passes.sandbox.state.knobs.refused.clear()
        passes.put(copy, "elsewhere")
        passes.settle()
        item = passes.there(ref)
        assert isinstance(item, Series)
        assert item.master.location == "elsewhere"
        assert [one.event and one.event.title for one in item.overrides] == ["other"]
