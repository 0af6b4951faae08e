"""A copy was made, and nobody heard of it. What somebody does to it before we look is his edit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import product

import pytest

from marketplace_plugin.engine.account.disconnect import disconnect
from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.engine.acts.waiting.conflicts import listed
from marketplace_plugin.errors import Throttled, Unavailable
from marketplace_plugin.model.change import Found, Stamp
from marketplace_plugin.model.event import Series
from marketplace_plugin.providers.memory import PERSONALITIES, Crash, MemoryProvider, Moment, Request
from tests.laws.edits import Edit
from tests.laws.scene import Scene
from tests.laws.world import OTHER, SOURCE, TARGET, World

DEATHS = [(Moment.AFTER, Request.INSERT), (Moment.BEFORE, Request.OVERRIDE), (Moment.AFTER, Request.OVERRIDE)]


@pytest.fixture(params=product(PERSONALITIES, [True, False]), ids=lambda p: f"{p[0].name}-{p[1]}")
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    personality, shared = request.param
    made = Scene(personality, shared=shared)
    yield made
    made.close()


@pytest.mark.parametrize("edit", [Edit.TITLE, Edit.LENGTH, Edit.OCCURRENCE, Edit.CANCEL])
@pytest.mark.parametrize("death", DEATHS, ids=lambda d: f"{d[0]} {d[1]}")
def test_an_edit_of_a_copy_that_nobody_heard_of_comes_here(
    scene: Scene, death: tuple[Moment, Request], edit: Edit
) -> None:
    """It was taken for what the service had made of our text: both sides differed until the user had decided."""
    scene.make_here("series")
    scene.edit_here(0, Edit.OCCURRENCE, 1)
    scene.connect()
    scene.account.faults.add(*death, Crash("killed"))
    with pytest.raises(Crash):
        scene.world.sync(scene.ada)
    scene.world.clock.forward(minutes=11)
    scene.edit_there(0, edit, 3)
    scene.rest()
    scene.check()


def test_a_split_whose_new_half_was_edited_before_we_knew_of_it(scene: Scene) -> None:
    """A split (this and following) makes an event of its own; its way ended half way, and somebody edited it there."""
    scene.make_here("series")
    scene.connect()
    scene.world.settle(scene.ada)
    scene.edit_here(0, Edit.SPLIT, 2)
    scene.account.faults.add(Moment.AFTER, Request.INSERT, Crash("killed"))
    with pytest.raises(Crash):
        scene.world.sync(scene.ada)
    scene.world.clock.forward(minutes=11)
    scene.edit_there(-1, Edit.OCCURRENCE, 1)
    scene.rest()
    scene.check()


def test_who_comes_back_before_his_copies_were_heard_of_goes_on(world: World) -> None:
    """His target shows as blocks too: one pass adopted the copy and made a block of it, and failed for ever."""
    scene = Scene(world.personality, shared=True, sources=(SOURCE, TARGET))
    scene.make_here("series")
    scene.make_here("event")
    scene.connect()
    account = scene.account
    account.faults.add(
        Moment.AFTER, Request.INSERT, lambda: disconnect(scene.world.engine, scene.person, scene.ada), skip=1
    )
    scene.world.sync(scene.ada)
    scene.connect()
    scene.rest()
    scene.nothing_doubled()
    assert len(scene.world.host.all_of("ada")) == 2
    assert len(account.items(TARGET)) == 2
    assert scene.world.blocks(scene.ada) == []
    scene.close()


@pytest.mark.parametrize("pages", [0, 3], ids=["listed", "not listed"])
@pytest.mark.parametrize("edited", [True, False])
def test_a_copy_that_cannot_be_looked_up_is_not_made_again(scene: Scene, pages: int, edited: bool) -> None:
    """Its stamp could not be looked for: it was made a second time where creates are not idempotent, and an edit of it
    was overwritten, or differed for ever, where they are."""
    scene.make_here("event")
    scene.connect()
    scene.account.faults.add(Moment.AFTER, Request.INSERT, Crash("killed"))
    with pytest.raises(Crash):
        scene.world.sync(scene.ada)
    scene.world.clock.forward(minutes=11)
    if edited:
        scene.edit_here(0, Edit.TITLE)
        scene.edit_there(0, Edit.PLACE)
    scene.account.faults.add(Moment.BEFORE, Request.FIND, Unavailable("no answer"), times=3)
    if pages:
        scene.account.faults.add(Moment.BEFORE, Request.PAGE, Unavailable("no answer"), times=pages)
    scene.world.sync(scene.ada)
    scene.rest()
    scene.check()
    assert len(scene.all_there()) == 1


def test_who_comes_back_finds_his_copy_where_he_moved_it(scene: Scene) -> None:
    """It was looked for under its id, in its old calendar alone, and made a second time."""
    scene.make_here("event")
    scene.connect()
    scene.world.settle(scene.ada)
    disconnect(scene.world.engine, scene.person, scene.ada)
    scene.move_there(0, OTHER)
    scene.connect()
    scene.rest()
    scene.check()
    assert len(scene.all_there()) == 1


@pytest.mark.parametrize("after", [True, False])
def test_a_conversion_that_died_and_is_asked_for_again_makes_one_event(scene: Scene, after: bool) -> None:
    def die(_: object) -> None:
        host.before_apply = host.after_apply = None
        raise Crash("killed")

    scene.make_there("event")
    scene.connect()
    scene.world.settle(scene.ada)
    host, (block,) = scene.world.host, scene.world.blocks(scene.ada)
    host.before_apply, host.after_apply = (None, die) if after else (die, None)
    with pytest.raises(Crash):
        convert(scene.world.engine, scene.person, block.link)
    convert(scene.world.engine, scene.person, block.link)
    scene.rest()
    scene.check()
    assert len(host.all_of("ada")) == 1


def test_a_copy_that_was_deleted_before_we_heard_of_it_is_made_anew(scene: Scene) -> None:
    """The service knew the key of what was made and is gone: each repetition was refused, five times, and then it was
    left. Nobody told us that she had deleted it, so nothing is deleted here."""
    scene.make_here("event")
    scene.connect()
    scene.account.faults.add(Moment.AFTER, Request.INSERT, Crash("killed"))
    with pytest.raises(Crash):
        scene.world.sync(scene.ada)
    scene.world.clock.forward(minutes=11)
    scene.delete_there(0)
    scene.rest()
    scene.check()


@pytest.mark.parametrize("kind", ["event", "series"])
@pytest.mark.parametrize("edit", [Edit.TITLE, Edit.LENGTH])
def test_what_was_made_by_a_service_that_said_not_now_is_our_copy(scene: Scene, kind: str, edit: Edit) -> None:
    """It was taken for something that stood there before, so an edit of it differed for ever."""
    scene.make_here(kind)
    scene.connect()
    scene.account.faults.add(Moment.AFTER, Request.INSERT, Throttled("slow down"))
    scene.world.sync(scene.ada)
    scene.edit_there(0, edit)
    scene.rest()
    scene.check()
    assert len(scene.all_there()) == 1


@pytest.mark.parametrize("place", [SOURCE, OTHER])
def test_such_a_copy_is_ours_wherever_it_was_moved_since(scene: Scene, place: str) -> None:
    """In a calendar that is read it became a block, and the event got a second copy; the second copy in one that is
    not synced, too."""
    scene.make_here("event")
    scene.connect()
    scene.account.faults.add(Moment.AFTER, Request.INSERT, Throttled("slow down"))
    scene.world.sync(scene.ada)
    scene.move_there(0, place)
    scene.rest()
    scene.check()
    assert len(scene.all_there()) == 1
    assert scene.world.blocks("ada") == []


@pytest.mark.parametrize("dies", [False, True])
def test_a_day_that_was_changed_there_before_ours_came_is_a_clash(scene: Scene, dies: bool) -> None:
    """A series is made, and then its days: she had changed one of them there in between. Her words were taken for an
    edit of ours, which nobody there had seen, and ours were gone without a line."""
    scene.make_here("series")
    scene.edit_here(0, Edit.OCCURRENCE, 3)
    scene.connect()
    scene.account.faults.add(Moment.AFTER, Request.INSERT, lambda: scene.edit_there(0, Edit.OCCURRENCE, 3))
    if dies:
        scene.account.faults.add(Moment.BEFORE, Request.OVERRIDE, Crash("killed"))
    with pytest.raises(Crash) if dies else nullcontext():
        scene.world.sync(scene.ada)
    scene.rest()
    scene.check()
    lines = listed(scene.world.engine, scene.person)
    assert {view.cell.rpartition("/")[2] for view in lines} == {"title", "when"}


@pytest.mark.parametrize("left", [False, True])
def test_of_a_copy_that_was_moved_and_split_the_first_half_is_the_event(scene: Scene, left: bool) -> None:
    """Its second half was moved back, or its first half on: the calendar that it was made in had the mark, and was
    believed first, also where she had disconnected meanwhile."""
    scene.make_here("series")
    scene.connect()
    end = partial(disconnect, scene.world.engine, scene.person, scene.ada)
    scene.account.faults.add(Moment.AFTER, Request.INSERT, end if left else Crash("killed"))
    with nullcontext() if left else pytest.raises(Crash):
        scene.world.sync(scene.ada)
    scene.world.clock.forward(minutes=11)
    (head,) = scene.all_there()
    scene.edit_there(0, Edit.SPLIT, 2, kind=Series)
    scene.move_there(sorted(scene.all_there()).index(head), OTHER)
    if left:
        scene.connect()
    scene.rest()
    (link,) = [k for k in scene.world.links(scene.ada) if k.host_ref]
    assert link.collection == OTHER
    scene.nothing_doubled()
    scene.nothing_gone()


@pytest.mark.parametrize("end", [Crash("killed"), Throttled("not now")], ids=["killed", "put off"])
def test_no_half_is_believed_while_a_calendar_does_not_answer(scene: Scene, end: BaseException) -> None:
    """What the round showed was taken, although the look-up had not come to its end: it was the second half."""
    scene.make_here("series")
    scene.connect()
    scene.account.faults.add(Moment.AFTER, Request.INSERT, end)
    with pytest.raises(Crash) if isinstance(end, Crash) else nullcontext():
        scene.world.sync(scene.ada)
    scene.world.clock.forward(minutes=11)
    (head,) = scene.all_there()
    scene.edit_there(0, Edit.SPLIT, 2, kind=Series)
    scene.move_there(sorted(scene.all_there()).index(head), OTHER)
    scene.account.faults.add(Moment.BEFORE, Request.FIND, Unavailable("no answer"), skip=1)
    scene.world.sync(scene.ada)
    scene.rest()
    scene.check()


def test_a_calendar_that_never_answers_is_waited_for_a_day(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not synced, and may hold what came of a create that was put off. No event waits for it for ever."""
    scene.account.user.add_calendar("broken")
    find = MemoryProvider.find

    def broken(provider: MemoryProvider, collection: str, stamps: Sequence[Stamp]) -> Mapping[Stamp, Sequence[Found]]:
        if collection == "broken":
            raise Unavailable("never")
        return find(provider, collection, stamps)

    monkeypatch.setattr(MemoryProvider, "find", broken)
    scene.make_here("event")
    scene.connect()
    scene.account.faults.add(Moment.BEFORE, Request.INSERT, Throttled("not now"))
    for _ in range(3):
        scene.world.sync(scene.ada)
        scene.world.clock.forward(minutes=31)
    assert scene.all_there() == {}
    scene.rest()
    scene.check()
    assert len(scene.all_there()) == 1


def test_a_converted_event_that_was_made_anew_is_known_by_who_comes_back(scene: Scene) -> None:
    """Deleted there and edited here, so it is made again; nobody heard of it, and she disconnected: two of it."""
    scene.make_there("event")
    scene.connect()
    scene.world.settle(scene.ada)
    (block,) = scene.world.blocks(scene.ada)
    convert(scene.world.engine, scene.person, block.link)
    scene.world.settle(scene.ada)
    scene.delete_there(0)
    scene.edit_here(0, Edit.TITLE)
    scene.account.faults.add(Moment.AFTER, Request.INSERT, Crash("killed"))
    with pytest.raises(Crash):
        scene.world.sync(scene.ada)
    scene.world.clock.forward(minutes=11)
    disconnect(scene.world.engine, scene.person, scene.ada)
    scene.connect()
    scene.rest()
    scene.check()
    assert len(scene.all_there()) == 1


@pytest.mark.parametrize("others", range(4))
def test_a_split_of_a_copy_that_nobody_had_heard_of_leaves_the_event_its_first_half(world: World, others: int) -> None:
    """She had disconnected while it was made, and split it there before she came back: some services give the mark to
    both halves, and the second one was taken for the event."""
    scene = Scene(world.personality, shared=True, sources=(SOURCE, TARGET))
    for _ in range(others):
        scene.make_here("event")
    scene.make_here("series")
    scene.connect()
    scene.account.faults.add(
        Moment.AFTER, Request.INSERT, lambda: disconnect(scene.world.engine, scene.person, scene.ada), skip=others
    )
    scene.world.sync(scene.ada)
    scene.edit_there(0, Edit.SPLIT, 2, kind=Series)
    scene.connect()
    scene.rest()
    scene.nothing_doubled()
    scene.close()
