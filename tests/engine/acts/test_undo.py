"""A run is taken back: what it wrote is written back over what it left there; what has changed since is named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine import run as passes
from marketplace_plugin.engine.acts import undo
from marketplace_plugin.engine.acts.convert import convert
from marketplace_plugin.engine.acts.undo import Undone
from marketplace_plugin.engine.acts.waiting.subject import headline
from marketplace_plugin.engine.context import EngineSettings, Trigger
from marketplace_plugin.engine.steps import push as pushing
from marketplace_plugin.errors import Conflict, NotFound, Unavailable
from marketplace_plugin.model.event import Attendee
from marketplace_plugin.providers.memory import PERSONALITIES, Personality
from marketplace_plugin.providers.memory.faults import Crash, Moment, Request
from marketplace_plugin.store import connections
from marketplace_plugin.store.log.journal import Action, Side
from marketplace_plugin.sync.link import LinkState
from marketplace_plugin.sync.reason import Reason
from tests.laws.world import SOURCE, TARGET, World, event, moved, occurrence, series


@pytest.fixture(params=[True, False], ids=["shared", "separate"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(shared=request.param)
    yield made
    made.close()


class Ada:
    """Ada with one account; ``sync`` returns the id of the run. Passes without news lie between connecting and all that
    follows: what a link keeps at rest is less than what it keeps behind a write."""

    def __init__(self, world: World, quiet: int = 2) -> None:
        self.world, self.account, self.quiet = world, world.account(), quiet
        person = world.host.person("ada")
        assert person is not None
        self.person = person
        self.connection = ""

    def connect(self) -> str:
        self.connection = self.world.connect("ada", self.account)
        run = self.sync()
        for _ in range(self.quiet):
            self.sync()
        return run

    def sync(self) -> str:
        self.world.clock.forward(minutes=31)
        return self.world.sync(self.connection).run

    def undo(self, run: str) -> Undone:
        self.world.clock.forward(minutes=1)
        new = undo.undo(self.world.engine, self.person, run)
        self.world.sync(self.connection, Trigger.UNDO, new)
        return undo.result(self.world.engine, self.person, new)

    @property
    def here(self) -> list[str]:
        return sorted(headline(one.item)[0] for one in self.world.host.all_of("ada").values())

    def there(self, calendar: str = TARGET) -> list[str]:
        return sorted(headline(one.item)[0] for one in self.account.items(calendar).values())

    @property
    def blocks(self) -> list[str]:
        return sorted(headline(block.item)[0] for block in self.world.blocks(self.connection))

    def copy(self, title: str) -> str:
        (found,) = [i for i, one in self.account.items(TARGET).items() if headline(one.item)[0] == title]
        return found

    def rests(self) -> None:
        before = self.here, self.there(), self.blocks
        assert self.world.settle(self.connection) == 0
        assert (self.here, self.there(), self.blocks) == before
        assert self.account.outbox == []


@pytest.fixture(params=[0, 2], ids=["at once", "at rest"])
def ada(request: pytest.FixtureRequest, world: World) -> Ada:
    return Ada(world, request.param)


def told(lines: tuple[undo.UndoLine, ...]) -> set[tuple[str, Side, Action, Reason]]:
    return {(line.title, line.side, line.action, line.reason) for line in lines}


# ---- what is taken back --------------------------------------------------------------------------------------------


def test_the_first_sync_is_taken_back_and_stays_away(ada: Ada) -> None:
    ada.world.host.create("ada", event("mine"))
    ada.account.user.create(SOURCE, event("theirs"))
    run = ada.connect()
    assert (ada.there(), ada.blocks) == (["mine"], ["theirs"])
    done = ada.undo(run)
    assert told(done.taken) == {
        ("mine", Side.REMOTE, Action.CREATE, Reason.UNDONE),
        ("", Side.BLOCK, Action.CREATE, Reason.UNDONE),
    }, "of a block that is gone nothing is kept"
    assert done.left == ()
    assert (ada.here, ada.there(), ada.there(SOURCE), ada.blocks) == (["mine"], [], ["theirs"], [])
    ada.rests()
    ada.account.user.expire_cursors(SOURCE)
    ada.account.user.expire_cursors(TARGET)
    ada.rests()


def test_a_block_comes_again_when_its_item_changes(ada: Ada) -> None:
    remote = ada.account.user.create(SOURCE, event("theirs"))
    ada.undo(ada.connect())
    ada.account.user.edit(SOURCE, remote, title="changed")
    ada.sync()
    assert ada.blocks == ["changed"]


def test_a_change_that_came_in_is_taken_back_here_alone(ada: Ada) -> None:
    ref = ada.world.host.create("ada", event("before", location="Room 1"))
    ada.connect()
    copy = ada.copy("before")
    ada.account.user.edit(TARGET, copy, title="after")
    run = ada.sync()
    done = ada.undo(run)
    assert told(done.taken) == {("before", Side.HOST, Action.UPDATE, Reason.UNDONE)}
    assert (ada.here, ada.there()) == (["before"], ["after"])
    ada.rests()
    ada.account.user.edit(TARGET, copy, location="Room 2")
    ada.sync()
    shown = ada.world.host.see("ada", ref).item  # type: ignore[union-attr]
    assert (shown.title, shown.location) == ("before", "Room 2"), "what was taken back stays, the rest flows"  # type: ignore[union-attr]
    ada.account.user.edit(TARGET, copy, title="changed again")
    ada.sync()
    assert ada.here == ada.there() == ["changed again"]
    ada.rests()


def test_a_change_that_went_out_is_taken_back_there_alone(ada: Ada) -> None:
    ref = ada.world.host.create("ada", event("before"))
    ada.connect()
    ada.world.host.edit("ada", ref, title="after")
    done = ada.undo(ada.sync())
    assert told(done.taken) == {("before", Side.REMOTE, Action.UPDATE, Reason.UNDONE)}
    assert (ada.here, ada.there()) == (["after"], ["before"])
    ada.rests()


def test_both_sides_of_one_merge_are_taken_back(ada: Ada) -> None:
    ref = ada.world.host.create("ada", event("title", location="place"))
    ada.connect()
    ada.world.host.edit("ada", ref, title="title here")
    ada.account.user.edit(TARGET, ada.copy("title"), location="place there")
    done = ada.undo(ada.sync())
    assert {(line.side, line.action) for line in done.taken} == {
        (Side.HOST, Action.UPDATE),
        (Side.REMOTE, Action.UPDATE),
    }
    here = ada.world.host.see("ada", ref).item  # type: ignore[union-attr]
    (there,) = (one.item for one in ada.account.items(TARGET).values())
    assert (here.title, here.location) == ("title here", "place")  # type: ignore[union-attr]
    assert (there.title, there.location) == ("title", "place there")  # type: ignore[union-attr]
    ada.rests()


def test_an_occurrence_is_taken_back(ada: Ada) -> None:
    ref = ada.world.host.create("ada", series())
    ada.connect()
    ada.account.user.change_occurrence(TARGET, ada.copy("Series"), occurrence(1), moved(occurrence(1), "moved"))
    run = ada.sync()
    assert len(ada.world.host.see("ada", ref).item.overrides) == 1  # type: ignore[union-attr]
    assert ada.undo(run).left == ()
    assert ada.world.host.see("ada", ref).item.overrides == ()  # type: ignore[union-attr]
    ada.rests()


def test_what_was_deleted_here_is_made_again_and_not_exported(ada: Ada) -> None:
    ada.world.host.create("ada", event("mine", location="Room 1"))
    ada.connect()
    ada.account.user.delete(TARGET, ada.copy("mine"))
    run = ada.sync()
    assert ada.here == []
    done = ada.undo(run)
    assert told(done.taken) == {("mine", Side.HOST, Action.DELETE, Reason.UNDONE)}
    assert (ada.here, ada.there()) == (["mine"], [])
    ada.rests()


def test_what_was_deleted_there_is_made_again_and_not_deleted(ada: Ada) -> None:
    ref = ada.world.host.create("ada", event("mine", location="Room 1"))
    ada.connect()
    ada.world.host.delete("ada", ref)
    run = ada.sync()
    assert ada.there() == []
    done = ada.undo(run)
    assert told(done.taken) == {("mine", Side.REMOTE, Action.DELETE, Reason.UNDONE)}
    assert (ada.here, ada.there()) == ([], ["mine"])
    ada.rests()
    assert ada.blocks == []
    ada.account.user.edit(TARGET, ada.copy("mine"), title="wanted after all")
    ada.sync()
    assert ada.here == ada.there() == ["wanted after all"]
    ada.rests()


# ---- what is left alone --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("synced", [True, False])
@pytest.mark.parametrize("side", ["here", "there"])
def test_what_changed_since_is_left_alone_and_named(ada: Ada, side: str, synced: bool) -> None:
    ref = ada.world.host.create("ada", event("mine"))
    run = ada.connect()
    if side == "here":
        ada.world.host.edit("ada", ref, title="changed since")
    else:
        ada.account.user.edit(TARGET, ada.copy("mine"), title="changed since")
    if synced:
        ada.sync()
    done = ada.undo(run)
    assert done.taken == ()
    assert {(line.action, line.reason) for line in done.left} == {(Action.CREATE, Reason.CHANGED_SINCE)}
    ada.sync()
    assert ada.here == ada.there() == ["changed since"]
    ada.rests()


def test_a_copy_with_guests_or_an_online_meeting_is_not_deleted(ada: Ada) -> None:
    ada.world.host.create("ada", event("with guests"))
    ada.world.host.create("ada", event("online", day=12))
    run = ada.connect()
    ada.account.user.edit(TARGET, ada.copy("with guests"), attendees=(Attendee("guest@else.example"),))
    ada.account.user.edit(TARGET, ada.copy("online"), conference="https://meet.example/1")
    ada.sync()
    done = ada.undo(run)
    assert done.taken == ()
    assert {line.reason for line in done.left} <= {Reason.WOULD_MAIL, Reason.ONLINE_MEETING, Reason.CHANGED_SINCE}
    assert ada.there() == ["online", "with guests"]


def test_a_change_of_a_meeting_with_guests_is_left_at_the_service(ada: Ada) -> None:
    remote = ada.account.user.create(SOURCE, event("meeting", attendees=(Attendee("guest@else.example"),)))
    ada.connect()
    (link,) = ada.world.links(ada.connection)
    ref = convert(ada.world.engine, ada.person, link.id)
    ada.world.host.edit("ada", ref, title="renamed")
    run = ada.sync()
    assert ada.there(SOURCE) == ["renamed"]
    done = ada.undo(run)
    assert [line.reason for line in done.left] == [Reason.WOULD_MAIL]
    assert ada.account.items(SOURCE)[remote].item.title == "renamed"  # type: ignore[union-attr]


def test_a_changed_block_is_not_kept(ada: Ada) -> None:
    remote = ada.account.user.create(SOURCE, event("theirs"))
    ada.connect()
    ada.account.user.edit(SOURCE, remote, title="changed")
    done = ada.undo(ada.sync())
    assert [line.reason for line in done.left] == [Reason.NOT_KEPT]
    assert ada.blocks == ["changed"]


def test_it_is_no_reason_to_brake_afterwards(ada: Ada) -> None:
    refs = [ada.world.host.create("ada", event(f"event {n}", day=10 + n)) for n in range(14)]
    run = ada.connect()
    assert len(ada.undo(run).taken) == 14
    assert ada.there() == []
    ada.world.host.create("ada", event("new"))
    ada.sync()
    ada.world.host.delete("ada", refs[0])
    ada.sync()
    assert ada.there() == ["new"]
    ada.rests()


# ---- when it can be asked for --------------------------------------------------------------------------------------


def test_once_by_the_owner_within_the_time_that_the_journal_is_kept(ada: Ada) -> None:
    ada.world.host.create("ada", event("mine"))
    run = ada.connect()
    bob = ada.world.host.person("bob")
    assert isinstance(bob, Person)
    with pytest.raises(NotFound):
        undo.undo(ada.world.engine, bob, run)
    done = ada.undo(run)
    for again in (run, done.run):
        with pytest.raises(Conflict):
            undo.undo(ada.world.engine, ada.person, again)
    quiet = ada.sync()
    assert not undo.facts(ada.world.engine, ada.person, quiet).possible


def test_a_shorter_time_is_a_setting(ada: Ada) -> None:
    ada.world.host.create("ada", event("mine"))
    run = ada.connect()
    engine = replace(ada.world.engine, settings=EngineSettings(journal_kept=timedelta(days=2)))
    assert undo.facts(engine, ada.person, run).possible
    ada.world.clock.forward(days=3)
    assert not undo.facts(engine, ada.person, run).possible


def test_nothing_is_taken_back_while_a_plan_waits(ada: Ada) -> None:
    ada.world.host.create("ada", event("mine"))
    run = ada.connect()
    with ada.world.store.begin() as unit:
        connections.approve(unit.connection, ada.connection, None)
    with pytest.raises(Conflict):
        undo.undo(ada.world.engine, ada.person, run)


@pytest.mark.parametrize("personality", PERSONALITIES, ids=lambda p: p.name)
def test_over_all_personalities(personality: Personality) -> None:
    world = World(personality)
    ada = Ada(world)
    for n in range(3):
        world.host.create("ada", event(f"event {n}", day=10 + n))
    run = ada.connect()
    done = ada.undo(run)
    assert len(done.taken) == 3
    assert (ada.there(), len(ada.here)) == ([], 3)
    ada.rests()
    world.close()


# ---- what dies on the way ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("case", ["created", "deleted", "changed"])
def test_an_undo_that_dies_loses_and_doubles_nothing(
    ada: Ada, case: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = ada.world.host.create("ada", event("mine"))
    run = ada.connect()
    if case == "deleted":
        ada.world.host.delete("ada", ref)
        run = ada.sync()
    if case == "changed":
        ada.world.host.edit("ada", ref, title="changed")
        run = ada.sync()
    new = undo.undo(ada.world.engine, ada.person, run)
    die_at_push(monkeypatch, where)
    with pytest.raises(Crash):
        ada.world.sync(ada.connection, Trigger.UNDO, new)
    monkeypatch.undo()
    ada.world.clock.forward(minutes=31)
    ada.sync()
    ada.rests()
    assert ada.here == ([] if case == "deleted" else ["changed"] if case == "changed" else ["mine"])
    assert len(ada.there()) <= 1
    if where == "after":
        assert ada.there() == {"created": [], "deleted": ["mine"], "changed": ["mine"]}[case]


def die_at_push(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    push = pushing.push

    def dying(p: object, work: object) -> None:
        if where == "after":
            push(p, work)  # type: ignore[arg-type]  # passed on as they came
        raise Crash

    monkeypatch.setattr(passes, "push", dying)


def test_an_answer_that_does_not_come_is_never_taken_for_the_user_s_deletion(ada: Ada) -> None:
    ada.world.host.create("ada", event("mine"))
    run = ada.connect()
    ada.account.faults.add(Moment.AFTER, Request.DELETE, Unavailable("the answer is lost"))
    done = ada.undo(run)
    assert [line.reason for line in done.left] == [Reason.UNANSWERED]
    ada.sync()
    assert (ada.here, ada.there()) == (["mine"], [])
    assert {link.state for link in ada.world.links(ada.connection)} == {LinkState.DECLINED}
    ada.rests()
