"""SIGKILL between push and commit, start again: one pair, nothing doubled, nothing lost."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.providers.memory import EWS, GOOGLE, GRAPH, Request
from marketplace_plugin.store import links
from marketplace_plugin.sync.link import LinkState
from tests.engine.killed import Files
from tests.laws.world import TARGET, event, moved, occurrence, series

ROOT = Path(__file__).resolve().parents[3]


class Killed:
    """One folder, and workers on it that die where they are told to."""

    def __init__(self, folder: Path, personality: str, shared: str) -> None:
        self.folder, self.personality, self.shared = folder, personality, shared
        files = self.open()
        files.connect()
        files.close()

    def open(self) -> Files:
        return Files(self.folder, self.personality, self.shared == "shared")

    def work(self, after: str = "none") -> None:
        arguments = [str(self.folder), self.personality, self.shared, after]
        done = subprocess.run([sys.executable, "-m", "tests.engine.killed", *arguments], cwd=ROOT, check=False)
        assert done.returncode == (0 if after == "none" else -signal.SIGKILL)

    def pair(self) -> tuple[Event | Series, Event | Series]:
        """The one event of the host and its one copy; fails where there is not exactly one of each."""
        files = self.open()
        (here,) = files.host.all_of("ada").values()
        (there,) = files.account.items(TARGET).values()
        with files.store.read() as c:
            (link,) = links.of_connection(c, "ada")
        files.close()
        assert (link.host_ref, link.remote_id, link.state) == (here.ref, there.id, LinkState.LIVE)
        assert isinstance(here.item, Event | Series)
        assert isinstance(there.item, Event | Series)
        return here.item, there.item


# Each service once, each kind of host at least once; tests/laws stops all six at every boundary, in one process.
WORLDS = [(GOOGLE.name, "shared"), (GRAPH.name, "separate"), (EWS.name, "shared")]


@pytest.fixture(params=WORLDS, ids="-".join)
def killed(request: pytest.FixtureRequest, tmp_path: Path) -> Killed:
    personality, shared = request.param
    return Killed(tmp_path, personality, shared)


def test_a_killed_create_leaves_one_pair(killed: Killed) -> None:
    files = killed.open()
    files.host.create("ada", event("made"))
    files.close()
    killed.work(after=Request.INSERT)
    killed.work()
    here, there = killed.pair()
    assert here.title == there.title == "made"  # type: ignore[union-attr]


def test_a_killed_update_arrives_once(killed: Killed) -> None:
    files = killed.open()
    ref = files.host.create("ada", event("before"))
    files.sync()
    files.host.edit("ada", ref, title="after")
    files.close()
    killed.work(after=Request.PATCH)
    killed.work()
    here, there = killed.pair()
    assert here.title == there.title == "after"  # type: ignore[union-attr]


def test_a_killed_deletion_stays_a_deletion(killed: Killed) -> None:
    files = killed.open()
    ref = files.host.create("ada", event("to go"))
    files.sync()
    files.host.delete("ada", ref)
    files.close()
    killed.work(after=Request.DELETE)
    killed.work()
    files = killed.open()
    assert files.host.all_of("ada") == {}
    assert files.account.items(TARGET) == {}
    with files.store.read() as c:
        assert list(links.of_connection(c, "ada")) == []
    files.close()


@pytest.mark.parametrize("after", [Request.INSERT, Request.OVERRIDE])
def test_a_killed_series_arrives_whole(killed: Killed, after: Request) -> None:
    files = killed.open()
    ref = files.host.create("ada", series("weekly"))
    files.host.change_occurrence("ada", ref, occurrence(1), moved(occurrence(1), "other"))
    files.host.change_occurrence("ada", ref, occurrence(2), None)
    files.close()
    killed.work(after=after)
    killed.work()
    killed.work()
    here, there = killed.pair()
    assert isinstance(here, Series)
    assert isinstance(there, Series)
    assert [o.event is None for o in here.overrides] == [o.event is None for o in there.overrides] == [False, True]
