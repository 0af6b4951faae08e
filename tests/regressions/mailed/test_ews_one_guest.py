"""Exchange: somebody who is invited to one occurrence alone is seen there, kept, and never mailed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from marketplace_plugin.model.change import Found
from marketplace_plugin.model.event import Event, Override, Series
from marketplace_plugin.model.time import Timed
from marketplace_plugin.model.write import Applied, Delete
from marketplace_plugin.sync.link import LinkState
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import moved, occurrence, series
from tests.providers.ews.world import EwsServing, World, day_of
from tests.providers.passes.world import EwsPasses, passes_over
from tests.providers.serving import at, daily, fetch, made, push, update

GUEST = "guest@elsewhere.example"
DAY = at(24, 9)


@pytest.fixture
def exchange() -> Iterator[World]:
    with World() as running:
        yield running
        assert not running.sandbox.state.outbox


@pytest.fixture
def serving(exchange: World) -> EwsServing:
    return EwsServing(exchange)


def invite(world: World, master: str) -> None:
    """As Outlook does for one occurrence: nothing else of it changes."""
    person = world.user()
    person.update(person.occurrence(master, day_of(DAY)), attendees=[GUEST])
    assert [mail.to for mail in world.sandbox.state.outbox] == [(GUEST,)]
    world.sandbox.state.outbox.clear()


@pytest.fixture
def found(exchange: World, serving: EwsServing) -> Found:
    master = made(serving, daily()).id
    invite(exchange, master)
    return fetch(serving, master)


def whole(found: Found) -> Series:
    assert isinstance(found.item, Series)
    return found.item


def guests(item: Series) -> dict[str, list[str]]:
    events = {f"{o.original}": o.event for o in item.overrides}
    told = {key: e.attendees for key, e in events.items() if e is not None}
    return {key: [one.address for one in those] for key, those in told.items() if isinstance(those, tuple)}


def test_an_occurrence_that_differs_by_its_guest_alone_is_kept(found: Found) -> None:
    assert list(guests(whole(found)).values()) == [[GUEST]]
    assert whole(found).master.attendees == ()


@pytest.fixture(params=["delete", "cancel", "move", "rename", "time", "rule"])
def write(request: pytest.FixtureRequest, found: Found) -> Delete | tuple[Series, str]:
    item = whole(found)
    (there,) = (o.event for o in item.overrides)
    assert isinstance(there, Event)
    later = Timed(at(24, 14), at(24, 15))
    match request.param:
        case "delete":
            return Delete("op-d", found.id, found.revision)
        case "cancel":
            return replace(item, overrides=(Override(DAY, None),)), "overrides"
        case "move":
            return replace(item, overrides=(Override(DAY, replace(there, when=later)),)), "overrides"
        case "rename":
            named = Override(DAY, replace(there, title="neu"))
            return replace(item, master=replace(item.master, title="neu"), overrides=(named,)), "title overrides"
        case "time":
            when = Timed(at(23, 11), at(23, 12))
            return replace(item, master=replace(item.master, when=when), overrides=()), "when"
        case _:
            return replace(item, rule=daily(rule="FREQ=DAILY;COUNT=9").rule), "rule"


def test_no_write_mails_him(serving: EwsServing, found: Found, write: Delete | tuple[Series, str]) -> None:
    """The stand-in would write to him: without silence each of these tells those who are invited."""
    asked = write if isinstance(write, Delete) else update(found, write[0], "op-u", *write[1].split())
    (outcome,) = push(serving, asked)
    assert isinstance(outcome, Applied), outcome
    assert serving.mails() == []


def test_he_stays_invited_where_his_occurrence_is_moved(serving: EwsServing, found: Found) -> None:
    item = whole(found)
    (there,) = (o.event for o in item.overrides)
    assert isinstance(there, Event)
    moved_there = Override(DAY, replace(there, when=Timed(at(24, 14), at(24, 15))))
    push(serving, update(found, replace(item, overrides=(moved_there,)), "op-u", "overrides"))
    assert list(guests(whole(fetch(serving, found.id))).values()) == [[GUEST]]


@pytest.fixture
def passes() -> Iterator[EwsPasses]:
    """At the end nobody was mailed."""
    with passes_over("ews") as opened:
        assert isinstance(opened, EwsPasses)
        yield opened


def step(passes: EwsPasses) -> None:
    for _ in range(3):
        passes.shell.clock.forward(minutes=31)
        passes.world.now = passes.shell.clock()
        passes.shell.sync("ada")


def exported(passes: EwsPasses, *, other: bool) -> tuple[str, str]:
    """A series of hers and its copy, to one occurrence of which a person has invited somebody there."""
    host = passes.shell.host
    ref = host.create("ada", series())
    if other:
        host.change_occurrence("ada", ref, occurrence(2), moved(occurrence(2), "other"))
    passes.settle()
    copy = passes.copies["Series"]
    passes.person.update(passes.person.occurrence(copy, occurrence(1).wall.date()), attendees=[GUEST], send=False)
    return ref, copy


@pytest.mark.parametrize("other", [False, True], ids=["no other exception", "another exception"])
def test_the_deletion_here_is_held_for_his_sake(passes: EwsPasses, other: bool) -> None:
    ref, copy = exported(passes, other=other)
    passes.settle()
    passes.shell.host.delete("ada", ref)
    step(passes)
    assert passes.copies == {"Series": copy}
    (link,) = passes.shell.links("ada")
    assert (link.state, link.reason) == (LinkState.PARKED, Reason.WOULD_MAIL)


def test_it_is_not_deleted_there_before_anybody_has_seen_him(passes: EwsPasses) -> None:
    ref, copy = exported(passes, other=False)
    passes.shell.host.delete("ada", ref)
    step(passes)
    assert passes.copies == {"Series": copy}


def test_who_was_taken_out_again_holds_nothing(passes: EwsPasses) -> None:
    ref, copy = exported(passes, other=False)
    passes.settle()
    passes.person.update(passes.person.occurrence(copy, occurrence(1).wall.date()), attendees=[], send=False)
    passes.settle()
    passes.shell.host.delete("ada", ref)
    step(passes)
    assert passes.copies == {}


def test_edits_here_go_out_beside_him_and_he_stays(passes: EwsPasses) -> None:
    ref, copy = exported(passes, other=True)
    passes.settle()
    host = passes.shell.host
    host.edit("ada", ref, title="renamed")
    passes.settle()
    assert passes.occurrence(copy, occurrence(1)) == "renamed"
    invited = passes.person.find(passes.person.occurrence(copy, occurrence(1).wall.date())).occurrence
    assert invited.override.attendees[0].address == GUEST
    host.change_occurrence("ada", ref, occurrence(1), None)
    passes.settle()
    written = passes.written()
    passes.settle()
    assert passes.written() == written
    assert passes.copies == {"renamed": copy}
