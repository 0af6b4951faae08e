"""What every provider stands at a server that nobody derived from our stand-ins: see ``foreign.py``.

Inherit both classes, each with a fixture ``server``; what a service peculiarly answers is given by the other fixtures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime
from typing import Any, ClassVar

import pytest

from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.time import AllDay, Timed, Zoned
from tests.laws.world import event, moved, occurrence, series
from tests.logged import logged
from tests.providers.foreign import ADA, ForeignPasses, ForeignServer

MESSE = AllDay(date(2026, 3, 11), date(2026, 3, 13))


def occurrences(item: Event | Series) -> list[tuple[str, bool]]:
    """Of each override its day, and whether it is cancelled."""
    assert isinstance(item, Series)
    originals = [override.original for override in item.overrides]
    days = [str(at.wall.date() if isinstance(at, Zoned) else at) for at in originals]
    return list(zip(days, [override.event is None for override in item.overrides], strict=True))


def one_of(*params: Any) -> Any:
    """A fixture of a test class: each of them in turn."""

    @pytest.fixture(params=params)
    def given(self: object, request: pytest.FixtureRequest) -> Any:
        return request.param

    return given


class _Passes:
    @pytest.fixture
    def server(self) -> ForeignServer:
        raise NotImplementedError

    @pytest.fixture
    def passes(self, server: ForeignServer) -> Iterator[ForeignPasses]:
        with server.served() as opening, closing(ForeignPasses(opening, server.work, server.home)) as passes:
            yield passes


class ForeignContract(_Passes):
    """Whole passes at a server in a good mood."""

    told: ClassVar[list[tuple[str, bool]]] = [("2026-03-16", True), ("2026-03-23", False)]
    """The occurrences of what ``seed`` makes."""
    told_later: ClassVar[list[tuple[str, bool]]] = [*told, ("2026-03-30", True)]
    """The same after ``change_seeded``."""

    @pytest.fixture
    def outdate(self, server: Any) -> Callable[[], None]:
        """From now on the server no longer takes the tokens that it gave."""
        raise NotImplementedError

    def nothing_is_written(self, server: ForeignServer, passes: ForeignPasses, times: int) -> None:
        asked = len(server.log)
        passes.done(times)
        assert server.log[asked:]
        assert server.writes(asked) == []

    def test_everything_of_a_first_read_arrives(self, server: ForeignServer, passes: ForeignPasses) -> None:
        server.seed()
        passes.done()
        blocks = passes.blocks()
        assert set(blocks) == {"", "Messe", "Runde"}
        assert occurrences(blocks["Runde"]) == self.told
        messe = blocks["Messe"]
        assert isinstance(messe, Event)
        assert messe.when == MESSE
        self.nothing_is_written(server, passes, 3)

    def test_what_changes_and_goes_is_told(self, server: ForeignServer, passes: ForeignPasses) -> None:
        server.seed()
        passes.done()
        server.change_seeded()
        passes.done()
        blocks = passes.blocks()
        assert set(blocks) == {"Titled", "Runde"}
        assert occurrences(blocks["Runde"]) == self.told_later
        server.drop(server.home, server.named(server.home, "Runde"))
        passes.done()
        assert set(passes.blocks()) == {"Titled"}

    def test_a_copy_is_made_changed_and_deleted_and_nothing_twice(
        self, server: ForeignServer, passes: ForeignPasses
    ) -> None:
        ref = passes.shell.host.create(ADA, event("made"))
        passes.done()
        ((there, title),) = server.titles(server.work).items()
        assert title == "made"
        passes.shell.host.edit(ADA, ref, title="renamed")
        passes.done()
        assert server.titles(server.work) == {there: "renamed"}
        server.edit(server.work, there, "theirs", 11)
        passes.done(2)
        (here,) = passes.here().values()
        assert isinstance(here, Event)
        assert here.title == "theirs"
        assert isinstance(here.when, Timed)
        assert here.when.start.wall == datetime(2026, 3, 10, 11)  # noqa: DTZ001 - a wall time
        self.nothing_is_written(server, passes, 3)
        passes.shell.host.delete(ADA, ref)
        passes.done()
        assert server.titles(server.work) == {}

    def test_a_series_with_a_changed_and_a_cancelled_occurrence(
        self, server: ForeignServer, passes: ForeignPasses
    ) -> None:
        ref = passes.shell.host.create(ADA, series("weekly"))
        passes.shell.host.change_occurrence(ADA, ref, occurrence(1), moved(occurrence(1), "other"))
        passes.shell.host.change_occurrence(ADA, ref, occurrence(2), None)
        passes.done(2)
        ((there, title),) = server.titles(server.work).items()
        assert title == "weekly"
        assert server.exceptions(server.work, there) == {date(2026, 3, 16): "other", date(2026, 3, 23): None}
        self.nothing_is_written(server, passes, 2)
        (here,) = passes.here().values()
        assert isinstance(here, Series)
        assert [o.event is None for o in here.overrides] == [False, True]

    @pytest.mark.parametrize("made", [event("made"), series("made")], ids=["single", "series"])
    def test_a_worker_that_dies_leaves_one_pair(
        self, server: ForeignServer, passes: ForeignPasses, made: Event | Series
    ) -> None:
        passes.shell.host.create(ADA, made)
        passes.die()
        passes.done(2)
        ((there, title),) = server.titles(server.work).items()
        assert title == "made"
        assert server.exceptions(server.work, there) == {}
        assert set(passes.here()) == {"made"}
        server.drop(server.work, there)
        passes.done(2)
        assert passes.here() == {}

    def test_a_token_that_is_no_longer_taken_deletes_nothing(
        self, server: ForeignServer, passes: ForeignPasses, outdate: Callable[[], None]
    ) -> None:
        server.seed()
        passes.done()
        outdate()
        server.drop(server.home, server.named(server.home, "Messe"))
        passes.done()
        assert set(passes.blocks()) == {"", "Runde"}


class TroubleContract(_Passes):
    """A server that does not answer."""

    @pytest.fixture
    def pause(self) -> Callable[..., Any]:
        """For ``ForeignServer.refuse``: a request for a pause."""
        raise NotImplementedError

    @pytest.fixture
    def no_answer(self) -> Any:
        """An answer from which nothing can be concluded."""
        raise NotImplementedError

    def test_a_request_for_a_pause_is_one_however_it_is_said(
        self, server: ForeignServer, passes: ForeignPasses, pause: Callable[..., Any]
    ) -> None:
        server.seed()
        titles = [f"made {number}" for number in range(3)]
        for title in titles:
            passes.shell.host.create(ADA, event(title))
        server.refuse.append(pause)
        result = passes.run()
        assert result.error == "throttled"
        assert result.again_at is not None
        server.refuse.clear()
        passes.shell.clock.forward(days=8)
        passes.done()
        assert len(passes.blocks()) == 3
        assert sorted(server.titles(server.work).values()) == titles

    def test_no_answer_concludes_nothing_and_leaks_nothing(
        self, server: ForeignServer, passes: ForeignPasses, no_answer: Any
    ) -> None:
        server.seed()
        passes.shell.host.create(ADA, event("made"))
        passes.done()
        blocks = passes.blocks()
        server.oldest = server.version + 1  # all is to be read anew
        with logged() as log:
            server.refuse.append(lambda *_: no_answer)
            passes.run()
            server.refuse.clear()
        assert "Zahnarzt" not in log.getvalue()
        assert "Runde" not in log.getvalue()
        assert passes.blocks() == blocks
        assert set(passes.here()) == {"made"}
        passes.shell.clock.forward(days=1)
        passes.done()
        assert passes.blocks() == blocks
        assert list(server.titles(server.work).values()) == ["made"]
