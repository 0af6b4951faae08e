"""What a clash overrules is told, even where the pass that wrote over it died before it could say so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import product

import pytest

from marketplace_plugin.engine.account.disconnect import disconnect
from marketplace_plugin.engine.acts.chosen.migrate import choose
from marketplace_plugin.engine.acts.waiting.conflicts import listed
from marketplace_plugin.errors import Throttled, Unavailable
from marketplace_plugin.providers.memory import PERSONALITIES, Crash, Moment, Personality, Request
from marketplace_plugin.store.accounts.connections import Policy
from marketplace_plugin.sync.merge.three_way import Winner
from tests.laws.edits import Edit
from tests.laws.scene import Scene
from tests.laws.world import OTHER, SOURCE


@pytest.fixture(params=product(PERSONALITIES, [True, False]), ids=lambda p: f"{p[0].name}-{p[1]}")
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    personality, shared = request.param
    made = Scene(personality, shared=shared)
    yield made
    made.close()


def _clash(scene: Scene, policy: Policy, kind: str = "event") -> None:
    scene.make_here(kind)
    scene.connect(policy)
    scene.world.settle(scene.ada)
    scene.edit_there(0, Edit.TITLE)
    scene.edit_here(0, Edit.TITLE)


def _sync(scene: Scene) -> None:
    with suppress(Crash):
        scene.world.sync(scene.ada)
    scene.world.clock.forward(minutes=11)


@pytest.mark.parametrize(
    "end", [Crash("killed"), Unavailable("no answer"), Throttled("not now")], ids=["killed", "unanswered", "put off"]
)
def test_a_pass_that_dies_behind_its_write_there_has_told_what_it_overruled(scene: Scene, end: BaseException) -> None:
    """The list of conflicts was written with the answers: with them it was lost, and the other title with it."""
    _clash(scene, Policy.HOST)
    scene.account.faults.add(Moment.AFTER, Request.PATCH, end)
    _sync(scene)
    scene.rest()
    scene.check()
    (view,) = listed(scene.world.engine, scene.person)
    assert view.id


def test_a_pass_that_dies_behind_its_write_here_has_told_what_it_overruled(scene: Scene) -> None:
    def die(_: object) -> None:
        scene.world.host.after_apply = None
        raise Crash("killed")

    _clash(scene, Policy.REMOTE)
    scene.world.host.after_apply = die
    _sync(scene)
    scene.rest()
    scene.check()
    (view,) = listed(scene.world.engine, scene.person)
    assert view.id


def test_a_split_that_dies_behind_its_first_half_has_told_what_it_overruled(scene: Scene) -> None:
    """An occurrence was edited there; here the series was split before it, so that the service's one lost its place."""
    scene.make_here("series")
    scene.connect(Policy.HOST)
    scene.world.settle(scene.ada)
    scene.edit_there(0, Edit.OCCURRENCE, 3)
    scene.edit_here(0, Edit.SPLIT, 1)
    scene.account.faults.add(Moment.AFTER, Request.PATCH, Crash("killed"))
    _sync(scene)
    scene.rest()
    scene.check()


def test_a_write_that_was_not_done_overrules_nothing(scene: Scene) -> None:
    """Of two the first is put off, and nobody knows for certain; after that nothing is sent."""
    scene.make_here("event")
    _clash(scene, Policy.HOST)
    scene.edit_there(1, Edit.TITLE)
    scene.edit_here(1, Edit.TITLE)
    scene.account.faults.add(Moment.BEFORE, Request.PATCH, Throttled("slow down"))
    _sync(scene)
    assert len(listed(scene.world.engine, scene.person)) == 1
    scene.rest()
    assert len(listed(scene.world.engine, scene.person)) == 2


@pytest.mark.parametrize("moment", Moment)
def test_the_same_clash_is_one_line_however_often_a_pass_dies_of_it(scene: Scene, moment: Moment) -> None:
    """Told with the intents of each attempt; what else of the event is edited meanwhile makes it no other one."""
    _clash(scene, Policy.HOST)
    for number in range(3):
        scene.account.faults.add(moment, Request.PATCH, Crash("killed"))
        _sync(scene)
        scene.world.host.edit("ada", scene.here(0)[0], location=f"Room {number}")  # type: ignore[index]  # it is there
        scene.account.faults.clear()
    scene.rest()
    scene.check()
    (view,) = listed(scene.world.engine, scene.person)
    assert view.cell == "title"


def test_the_same_clash_is_one_line_where_the_host_wrote_before_the_pass_died(scene: Scene) -> None:
    def die(_: object) -> None:
        scene.world.host.before_apply = None
        raise Crash("killed")

    _clash(scene, Policy.REMOTE)
    for _ in range(2):
        scene.world.host.before_apply = die
        _sync(scene)
    scene.rest()
    scene.check()
    (view,) = listed(scene.world.engine, scene.person)
    assert view.kept is Winner.REMOTE


@pytest.mark.parametrize("personality", PERSONALITIES, ids=lambda p: p.name)
def test_what_its_author_replaced_before_the_write_was_not_overruled(personality: Personality) -> None:
    """The host did not let its newer value be written over; it is the only one that was overruled then."""
    scene = Scene(personality, shared=False)

    def edit(_: object) -> None:
        scene.world.host.before_apply = None
        scene.edit_here(0, Edit.TITLE)

    _clash(scene, Policy.REMOTE)
    scene.world.host.before_apply = edit
    _sync(scene)
    scene.rest()
    scene.check()
    (view,) = listed(scene.world.engine, scene.person)
    assert view.kept is Winner.REMOTE
    scene.close()


def test_what_a_field_lost_first_is_told_too(scene: Scene) -> None:
    """The list knew each field's last clash alone."""
    _clash(scene, Policy.HOST)
    _sync(scene)
    scene.edit_there(0, Edit.TITLE)
    scene.edit_here(0, Edit.TITLE)
    scene.rest()
    scene.check()
    assert len(listed(scene.world.engine, scene.person)) == 2


def test_what_was_overruled_stays_told_when_the_copy_is_made_anew(scene: Scene) -> None:
    """Deleted there, edited here: the new copy has a link of its own, and the list knew the former one alone."""
    _clash(scene, Policy.HOST)
    _sync(scene)
    scene.delete_there(0)
    scene.edit_here(0, Edit.TITLE)
    scene.rest()
    scene.check()
    (view,) = listed(scene.world.engine, scene.person)
    assert view.id


def test_what_was_overruled_stays_told_when_the_copy_was_not_made_before_another_target_is_chosen(scene: Scene) -> None:
    _clash(scene, Policy.HOST)
    _sync(scene)
    scene.delete_there(0)
    scene.edit_here(0, Edit.TITLE)
    scene.account.faults.add(Moment.BEFORE, Request.INSERT, Throttled("slow down"))
    _sync(scene)
    with scene.world.store.begin() as unit:
        choose(scene.world.engine, unit, scene.ada, OTHER, (SOURCE,), keep=True)
    scene.rest()
    scene.nothing_gone()
    (view,) = listed(scene.world.engine, scene.person)
    assert view.cell == "title"


def test_a_series_that_differs_when_it_is_found_again_is_listed(scene: Scene) -> None:
    """Its rule was changed on one side while the connection was ended; the list of conflicts could not be shown."""
    scene.make_here("series")
    scene.connect()
    scene.world.settle(scene.ada)
    disconnect(scene.world.engine, scene.person, scene.ada)
    scene.edit_here(0, Edit.RULE, 3)
    scene.edit_here(0, Edit.DAY)
    scene.connect()
    scene.rest()
    assert len(listed(scene.world.engine, scene.person)) == 1
