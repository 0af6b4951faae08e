"""One scenario after the other, stopped at every boundary of what it runs, and raced there by an edit of either side.

Where the machines of the first law find what nobody thought of, this one leaves none of the known places out. `make
laws` meets all boundaries, `make test` a few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, product

import pytest

from marketplace_plugin.engine.acts.chosen.migrate import choose
from marketplace_plugin.engine.acts.convert import convert, undo_conversion
from marketplace_plugin.errors import Conflict
from marketplace_plugin.providers.memory import PERSONALITIES, Personality
from marketplace_plugin.store import connections
from tests.laws.boundaries import Boundaries, die, watched
from tests.laws.counting import DONE
from tests.laws.edits import Edit
from tests.laws.scene import Scene
from tests.laws.world import OTHER, SOURCE, TARGET, is_long

Act = Callable[[], object]
Scenario = Callable[[Scene], Act]


def _synced(scene: Scene, kind: str = "series") -> None:
    """One event on both sides; of a series the third occurrence is one of its own."""
    scene.make_here(kind)
    scene.connect()
    _pass(scene)
    scene.edit_here(0, Edit.OCCURRENCE, 2)
    _pass(scene)
    _pass(scene)


def _pass(scene: Scene) -> None:
    scene.world.clock.forward(minutes=1)
    scene.world.sync(scene.ada)


def _then(scene: Scene, *edits: Act) -> Act:
    for edit in edits:
        edit()
    return lambda: _pass(scene)


# --- scenarios: what stands before it, and what is run and interrupted ----------------------------------------------


def a_first_export(scene: Scene) -> Act:
    scene.make_here("series")
    scene.edit_here(0, Edit.OCCURRENCE, 2)
    scene.make_here("event")
    scene.connect()
    return lambda: _pass(scene)


def an_edit_on_each_side(scene: Scene) -> Act:
    _synced(scene)
    return _then(scene, lambda: scene.edit_here(0, Edit.PLACE), lambda: scene.edit_there(0, Edit.OCCURRENCE, 1))


def a_split_here(scene: Scene) -> Act:
    _synced(scene)
    return _then(scene, lambda: scene.edit_here(0, Edit.SPLIT, 1))


def a_split_here_of_what_was_edited_there(scene: Scene) -> Act:
    _synced(scene)
    return _then(scene, lambda: scene.edit_there(0, Edit.OCCURRENCE, 3), lambda: scene.edit_here(0, Edit.SPLIT, 1))


def a_split_there(scene: Scene) -> Act:
    _synced(scene)
    return _then(scene, lambda: scene.edit_there(0, Edit.SPLIT, 1))


def a_split_there_of_what_was_edited_here(scene: Scene) -> Act:
    _synced(scene)
    return _then(scene, lambda: scene.edit_here(0, Edit.OCCURRENCE, 3), lambda: scene.edit_there(0, Edit.SPLIT, 1))


def a_split_on_each_side(scene: Scene) -> Act:
    _synced(scene)
    return _then(scene, lambda: scene.edit_here(0, Edit.SPLIT, 3), lambda: scene.edit_there(0, Edit.SPLIT, 1))


def another_kind_of_day_on_each_side(scene: Scene) -> Act:
    _synced(scene)
    return _then(scene, lambda: scene.edit_here(0, Edit.WHOLE_DAYS), lambda: scene.edit_there(0, Edit.OCCURRENCE, 1))


def a_deletion_there_of_what_is_edited_here(scene: Scene) -> Act:
    _synced(scene)
    return _then(scene, lambda: scene.delete_there(0), lambda: scene.edit_here(0, Edit.TITLE))


def a_deletion_here_of_what_is_edited_there(scene: Scene) -> Act:
    _synced(scene)
    return _then(scene, lambda: scene.delete_here(0), lambda: scene.edit_there(0, Edit.OCCURRENCE, 1))


def a_move_there(scene: Scene) -> Act:
    _synced(scene)
    return _then(scene, lambda: scene.move_there(0, OTHER), lambda: scene.edit_here(0, Edit.TITLE))


def _converted(scene: Scene) -> str:
    scene.make_there("series")
    scene.connect()
    scene.world.settle(scene.ada)
    (block,) = scene.world.blocks(scene.ada)
    return block.link


def a_conversion(scene: Scene) -> Act:
    link = _converted(scene)
    return lambda: convert(scene.world.engine, scene.person, link)


def a_conversion_of_what_was_split_there(scene: Scene) -> Act:
    link = _converted(scene)
    scene.edit_there(0, Edit.SPLIT, 2)

    def run() -> None:
        convert(scene.world.engine, scene.person, link)
        _pass(scene)

    return run


def a_conversion_taken_back(scene: Scene) -> Act:
    link = _converted(scene)
    convert(scene.world.engine, scene.person, link)
    scene.world.settle(scene.ada)

    def back() -> None:
        try:
            undo_conversion(scene.world.engine, scene.person, link)
        except Conflict:  # it was changed since
            return

    return back


def a_converted_split_here(scene: Scene) -> Act:
    convert(scene.world.engine, scene.person, _converted(scene))
    scene.world.settle(scene.ada)
    return _then(scene, lambda: scene.edit_here(0, Edit.SPLIT, 1))


def another_target(scene: Scene) -> Act:
    _synced(scene)

    def save() -> None:
        with scene.world.store.begin() as unit:
            choose(scene.world.engine, unit, scene.ada, OTHER, [SOURCE, TARGET], keep=False)
            connections.approve(unit.connection, scene.ada, 0)
        _pass(scene)
        _pass(scene)

    return save


def an_approved_plan(scene: Scene) -> Act:
    scene.make_here("series")
    scene.edit_here(0, Edit.OCCURRENCE, 2)
    scene.connect(approved=False)
    _pass(scene)
    return lambda: scene.world.start(scene.ada, "ada")


SCENARIOS: tuple[Scenario, ...] = (
    a_first_export,
    an_edit_on_each_side,
    a_split_here,
    a_split_here_of_what_was_edited_there,
    a_split_there,
    a_split_there_of_what_was_edited_here,
    a_split_on_each_side,
    another_kind_of_day_on_each_side,
    a_deletion_there_of_what_is_edited_here,
    a_deletion_here_of_what_is_edited_there,
    a_move_there,
    a_conversion,
    a_conversion_of_what_was_split_there,
    a_conversion_taken_back,
    a_converted_split_here,
    another_target,
    an_approved_plan,
)


# --- what happens at the boundary ------------------------------------------------------------------------------------


def _tail_here(scene: Scene) -> None:
    """Somebody edits the last occurrences meanwhile: of the newest event that she has here."""
    scene.edit_here(-1, Edit.OCCURRENCE, 0)
    scene.edit_here(0, Edit.OCCURRENCE, 3)


def _tail_there(scene: Scene) -> None:
    scene.edit_there(0, Edit.OCCURRENCE, 3)
    scene.edit_there(-1, Edit.OCCURRENCE, 0)


MOMENTS: dict[str, tuple[Callable[[Scene], None] | None, Callable[[Scene], None] | None]] = {
    "dies": (None, None),
    "dies, then an edit here": (None, _tail_here),
    "dies, then an edit there": (None, _tail_there),
    "an edit here": (_tail_here, None),
    "an edit there": (_tail_there, None),
}
"""What gets in between, None for death; and what is done after it, before the next pass."""


@contextmanager
def _scene(personality: Personality, shared: bool) -> Iterator[Scene]:
    made = Scene(personality, shared=shared, sources=(SOURCE, TARGET, OTHER))
    try:
        yield made
    finally:
        made.close()


def _met(personality: Personality, shared: bool, scenario: Scenario, moment: str, number: int) -> bool:
    """Run the scenario with something at its boundary ``number``. Whether there was one."""
    meanwhile, afterwards = MOMENTS[moment]
    with _scene(personality, shared) as scene:
        run = scenario(scene)
        act = die if meanwhile is None else lambda: meanwhile(scene)
        boundaries = Boundaries(number, act, deaths=meanwhile is None)
        with watched(scene, boundaries):
            run()
        if boundaries.reached:
            DONE.boundaries += 1
            if afterwards is not None:
                afterwards(scene)
            scene.rest()
            scene.check()
        return boundaries.reached


CASES = [
    pytest.param(personality, shared, scenario, id=f"{scenario.__name__}-{personality.name}-{shared}")
    for n, (scenario, personality, shared) in enumerate(product(SCENARIOS, PERSONALITIES, (True, False)))
    if is_long() or n % 6 == n // 6 % 6  # in the sample each scenario with one service and one host
]


@pytest.mark.parametrize("personality, shared, scenario", CASES)
def test_stopped_or_raced_at_every_boundary(personality: Personality, shared: bool, scenario: Scenario) -> None:
    for first, moment in enumerate(MOMENTS, 1):
        for number in count(1) if is_long() else (first,):
            try:
                if not _met(personality, shared, scenario, moment, number):
                    break
            except AssertionError as error:
                raise AssertionError(f"{moment} at boundary {number}: {error}") from error
