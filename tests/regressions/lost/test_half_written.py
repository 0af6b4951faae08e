"""Half of a write arrived, and it had undone there what nobody here had taken in yet."""

from __future__ import annotations

from marketplace_plugin.model.event import Series
from marketplace_plugin.model.series.edit import master_of
from marketplace_plugin.providers.memory import Moment, Request
from tests.laws.world import TARGET, World, moved, occurrence, series, timed
from tests.regressions.seeing import only


def test_a_day_that_was_changed_there_outlives_new_times_that_arrived_by_half(hosted: World) -> None:
    """New times make Exchange forget the days that were changed; somebody was faster than our putting them back."""
    account = hosted.account()
    ref = hosted.host.create("ada", series("weekly"))
    ada = hosted.connect("ada", account)
    hosted.settle(ada)
    item = only(account).id
    hosted.host.edit("ada", ref, when=timed(occurrence(0).wall, 90))
    account.user.change_occurrence(TARGET, item, occurrence(1), moved(occurrence(1), "there"))
    account.faults.add(Moment.AFTER, Request.PATCH, lambda: account.user.edit(TARGET, item, title="renamed"))
    hosted.clock.forward(minutes=31)
    hosted.sync(ada)
    hosted.settle(ada)
    for shown in (hosted.host.all_of("ada")[ref].item, only(account).item):
        assert isinstance(shown, Series)
        assert master_of(shown).title == "renamed"
        assert shown.master.when == timed(occurrence(0).wall, 90)
        assert [o.event and o.event.title for o in shown.overrides] == ["there"]
