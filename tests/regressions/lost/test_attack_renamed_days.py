"""One side renames a series, the other one moves a day of it: that day kept its old name on both sides."""

from __future__ import annotations

from marketplace_plugin.model.event import Series
from marketplace_plugin.model.series.edit import change_this
from tests.laws.world import TARGET, World, moved, occurrence, series
from tests.regressions.seeing import only, shown


def days(item: object) -> list[tuple[str, int]]:
    """Title and hour of each changed day."""
    assert isinstance(item, Series)
    events = [o.event for o in item.overrides if o.event is not None]
    return [(str(e.title), e.when.start.wall.hour) for e in events]  # type: ignore[union-attr]  # all of them are timed


def test_renamed_here_and_moved_there(world: World) -> None:
    account = world.account()
    ref = world.host.create("ada", series("old"))
    ada = world.connect("ada", account)
    world.settle(ada)
    world.host.edit("ada", ref, title="new")
    account.user.change_occurrence(TARGET, only(account).id, occurrence(1), moved(occurrence(1), "old"))
    world.settle(ada)
    assert days(shown(world, ref)) == days(only(account).item) == [("new", 11)]


def test_moved_here_and_renamed_there(world: World) -> None:
    account = world.account()
    ref = world.host.create("ada", series("old"))
    ada = world.connect("ada", account)
    world.settle(ada)
    here = shown(world, ref)
    assert isinstance(here, Series)
    account.user.edit(TARGET, only(account).id, title="new")
    changed = change_this(here, occurrence(1), moved(occurrence(1), "old"))
    world.host.put("ada", ref, changed, frozenset({"overrides"}))
    world.settle(ada)
    assert days(shown(world, ref)) == days(only(account).item) == [("new", 11)]
