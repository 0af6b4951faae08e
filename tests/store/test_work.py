"""Links, blocks, intents and what is held: they come back as they were put, and the constraints hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from marketplace_plugin.model.change import Access, HostCursor, Revision, Stamp, Tombstone, Unreadable, UnreadableReason
from marketplace_plugin.model.event import Attendee, Event, Override, Sensitivity, Series, ShowAs
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import Timed, Window, Zoned
from marketplace_plugin.model.write import Create, HostDelete
from marketplace_plugin.store import Store, blocks, conflicts, connections, held, host_positions, intents, links, rounds
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from marketplace_plugin.store.work.blocks import Block
from marketplace_plugin.store.work.conflicts import Conflict, ConflictState
from marketplace_plugin.store.work.held import Held, What
from marketplace_plugin.store.work.intents import Intent, IntentState
from marketplace_plugin.sync.link import HostShowing, Link, LinkKind, LinkState, RemoteShowing, Wrote
from marketplace_plugin.sync.reason import Reason
from tests.store.conftest import NOW

NewLink = Callable[..., Link]
WALL = Zoned(NOW.replace(tzinfo=None), "Europe/Berlin")
EVENT = Event(
    when=Timed(WALL, WALL),
    title="Zahnarzt",
    description="Wurzel",
    location="Praxis Nord",
    attendees=(Attendee("dentist@example.org"),),
    sensitivity=Sensitivity.PRIVATE,
    conference="https://meet.example/x",
)
SERIES = Series(
    EVENT,
    RecurrenceRule.parse("FREQ=WEEKLY"),
    (Override(WALL, replace(EVENT, title="Verschoben", show_as=ShowAs.FREE)),),
)


def put(store: Store, *new: Link) -> None:
    with store.begin() as unit:
        links.put(unit.connection, new, NOW)


def test_a_link_comes_back_as_it_was_put(store: Store, new_link: NewLink) -> None:
    full = new_link(
        "l1",
        kind=LinkKind.EXPORT,
        host_ref="7",
        uid="uid@google.com",
        organised=False,
        access=Access.ATTENDEE,
        remote=RemoteShowing(Revision('"1"', (("2026-11-21", '"2"'),)), "digest"),
        host=HostShowing(4, "other"),
        base=SERIES,
        remote_base=EVENT,
        state=LinkState.PARKED,
        reason=Reason.LOOP,
        attempts=2,
        automatic=3,
        wrote=Wrote.HOST,
    )
    bare = new_link("l2", uid="u2")
    put(store, full, bare)
    put(store, full)  # again, over itself
    with store.read() as c:
        assert links.get(c, ["l1", "l2", "l3"]) == {"l1": full, "l2": bare}
        assert links.by_remote(c, "c1", ["remote-l1", "x"]) == {"remote-l1": [full]}
        assert links.by_remote(c, "c1", ["remote-l1"], collection="other") == {}
        assert links.by_host(c, "u1", Kind.EVENT, ["7"]) == {"7": [full]}
        assert links.by_host(c, "u2", Kind.EVENT, ["7"]) == {}
        assert links.by_uid(c, "u1", ["u2", "", "x"]) == {"u2": [bare]}
        assert links.by_uid(c, "u2", ["u2"]) == {}
        assert list(links.of_connection(c, "c1", batch=1)) == [full, bare]
        assert list(links.of_connection(c, "c1", kinds=[LinkKind.BLOCK], states=[LinkState.LIVE])) == [bare]
        assert links.count(c, "c1", "cal") == {
            (LinkKind.EXPORT, LinkState.PARKED): 1,
            (LinkKind.BLOCK, LinkState.LIVE): 1,
        }


def test_every_field_of_a_link_is_tried_above(store: Store, new_link: NewLink) -> None:
    """A field that is added to Link and forgotten in the table would come back as its default."""
    assert {field.name for field in fields(Link)} - {"id", "user", "connection", "collection"} == {
        *("kind", "remote_id", "host_kind", "host_ref", "uid", "organised", "access", "remote", "host", "base"),
        *("remote_base", "state", "reason", "attempts", "automatic", "wrote"),
    }


def test_a_block_keeps_no_base(store: Store, new_link: NewLink) -> None:
    with pytest.raises(ValueError, match="no base"):
        put(store, new_link("l1", base=EVENT))


def test_one_live_link_per_remote_item(store: Store, new_link: NewLink) -> None:
    put(store, new_link("l1", remote_id="r"), new_link("l2", remote_id="R"))  # case counts
    with pytest.raises(IntegrityError):
        put(store, new_link("l3", remote_id="r"))
    put(store, new_link("l4", remote_id="r", state=LinkState.DETACHED), new_link("l5", remote_id=None))
    put(store, new_link("l6", remote_id="r", collection="other"))


def test_one_export_per_user_and_host_item(store: Store, new_link: NewLink) -> None:
    put(store, new_link("l1", kind=LinkKind.CONVERTED, host_ref="7"))
    with pytest.raises(IntegrityError):
        put(store, new_link("l2", kind=LinkKind.EXPORT, host_ref="7"))
    put(store, new_link("l3", kind=LinkKind.EXPORT, host_ref="7", user="u2"))
    put(store, new_link("l4", kind=LinkKind.MIRROR, host_ref="7", host_kind=Kind.TASK))


def test_suspects_of_a_round(store: Store, new_link: NewLink) -> None:
    put(store, new_link("l1"), new_link("l2"), new_link("l3", remote_id=None), new_link("l4", state=LinkState.DETACHED))
    with store.begin() as unit:
        links.mark_seen(unit.connection, "c1", "cal", ["remote-l1", "unknown"], "round-1")
        assert [one.id for one in links.unseen(unit.connection, "c1", "cal", "round-1")] == ["l2"]
        assert [one.id for one in links.unseen(unit.connection, "c1", "cal", "round-2")] == ["l1", "l2"]


def test_many_links_in_chunks(store: Store, new_link: NewLink) -> None:
    many = [new_link(f"l{number:05}") for number in range(2500)]
    put(store, *many)
    with store.read() as c:
        assert len(links.by_remote(c, "c1", [str(one.remote_id) for one in many])) == 2500


# ---- blocks ----------------------------------------------------------------------------------------


def a_block(
    link: str,
    start: datetime = NOW,
    end: datetime | None = None,
    *,
    item: Event | Series = EVENT,
    uid: str | None = None,
) -> Block:
    own = f"uid-{link}" if uid is None else uid
    return Block(link, "u1", "c1", "cal", (start, end), item, own, "https://example/x", "2026a", NOW)


def test_a_colleague_gets_the_shape_and_the_owner_all(store: Store, new_link: NewLink) -> None:
    put(store, new_link("l1"))
    one = a_block("l1", item=SERIES)
    with store.begin() as unit:
        blocks.put(unit.connection, [one])
    window = Window(NOW - timedelta(days=1), NOW + timedelta(days=1))
    with store.read() as c:
        assert blocks.opened(c, "u1", window) == [one]
        assert blocks.get(c, ["l1", "x"]) == {"l1": one}
        (shape,) = blocks.shapes(c, "u1", window)
        assert blocks.shapes(c, "u2", window) == []
    bare = Event(when=EVENT.when)
    assert shape.item == Series(bare, SERIES.rule, (Override(WALL, replace(bare, show_as=ShowAs.FREE)),))
    assert "uid-l1" not in shape.identity


def test_copies_of_one_meeting_share_their_identity_and_others_never(store: Store, new_link: NewLink) -> None:
    put(store, *(new_link(f"l{n}") for n in range(4)))
    with store.begin() as unit:
        blocks.put(
            unit.connection,
            [a_block("l0", uid="same"), a_block("l1", uid="same"), a_block("l2", uid=""), a_block("l3", uid="")],
        )
        window = Window(NOW, NOW + timedelta(days=1))
        ids = {shape.link: shape.identity for shape in blocks.shapes(unit.connection, "u1", window)}
    assert ids["l0"] == ids["l1"]
    assert len(set(ids.values())) == 3


@pytest.mark.parametrize(
    "start, end, inside",
    [
        (-2, -1, False),
        (-2, 0, False),
        (-2, 1, True),
        (-2, None, True),
        (0, 0, True),
        (5, 6, True),
        (10, 11, False),
        (10, None, False),
    ],
)
def test_which_blocks_touch_a_window(
    store: Store, new_link: NewLink, start: int, end: int | None, inside: bool
) -> None:
    put(store, new_link("l1"))
    finish = None if end is None else NOW + timedelta(hours=end)
    with store.begin() as unit:
        blocks.put(unit.connection, [a_block("l1", NOW + timedelta(hours=start), finish)])
        found = blocks.shapes(unit.connection, "u1", Window(NOW, NOW + timedelta(hours=10)))
    assert bool(found) is inside


def test_a_block_goes_with_its_link_and_the_change_shows(store: Store, new_link: NewLink) -> None:
    put(store, new_link("l1"))
    later = NOW + timedelta(hours=1)
    with store.begin() as unit:
        c = unit.connection
        assert blocks.changed_at(c, "u1") is None
        blocks.put(c, [a_block("l1", end=NOW)])
        assert blocks.changed_at(c, "u1") == NOW
        assert blocks.count(c, "c1", "cal") == 1
        assert blocks.before(c, "c1", NOW, 10) == ["l1"]
        assert [one.link for one in blocks.stale_zones(c, "2026b", 10)] == ["l1"]
        links.remove(c, ["l1"], later)
        assert blocks.count(c, "c1") == 0
        assert blocks.changed_at(c, "u1") == later


def test_a_block_needs_its_link(store: Store, connected: str) -> None:
    with pytest.raises(IntegrityError), store.begin() as unit:
        blocks.put(unit.connection, [a_block("nowhere")])


# ---- intents, held, conflicts, rounds, positions ------------------------------------------------------


def test_intents_are_open_until_settled(store: Store, new_link: NewLink) -> None:
    put(store, new_link("l1"))
    intent = Intent("op1", "c1", "cal", "l1", "run", Reason.NEW_HOST, Create("op1", Stamp("i", "l1"), EVENT), NOW)
    with store.begin() as unit:
        c = unit.connection
        intents.put(c, [intent])
        assert intents.open_ones(c, "c1") == [intent]
        assert intents.open_ones(c, "c1", ["other"]) == []
        intents.settle(c, ["op1"], IntentState.DONE, NOW)
        assert intents.open_ones(c, "c1") == []
        assert intents.forget(c, "c1", NOW) == 0
        assert intents.forget(c, "c1", NOW + timedelta(seconds=1)) == 1


def test_deletions_in_the_host_are_known_while_their_link_lives(store: Store, new_link: NewLink) -> None:
    put(store, new_link("l1"))
    write = HostDelete("op1", "ref", 3)
    intent = Intent("op1", "c1", "cal", "l1", "run", Reason.DELETED_REMOTE, write, NOW)
    later = NOW + timedelta(days=9)
    with store.begin() as unit:
        c = unit.connection
        intents.put(c, [intent])
        assert intents.deletions_here(c, "c1", ["op1", "op2"]) == {"op1": "l1"}
        assert intents.deletions_here(c, "c2", ["op1"]) == {}
        intents.settle(c, ["op1"], IntentState.DROPPED, NOW)
        assert intents.forget(c, "c1", later) == 0
        assert intents.deletions_here(c, "c1", ["op1"]) == {"op1": "l1"}
        links.remove(c, ["l1"], NOW)
        assert intents.forget(c, "c1", later) == 1
        assert intents.deletions_here(c, "c1", ["op1"]) == {}


def test_held_changes(store: Store, connected: str) -> None:
    entry = Held(
        "h1",
        "c1",
        "cal",
        What.REMOTE_DELETION,
        Reason.BRAKE,
        NOW,
        link="l1",
        remote_id="r1",
        body=Tombstone("r1"),
        attempts=1,
    )
    with store.begin() as unit:
        c = unit.connection
        held.put(c, [entry, replace(entry, id="h2", what=What.SUSPECT, link=None, body=None)])
        assert held.by_link(c, ["l1"]) == [entry]
        assert len(held.by_remote(c, "c1", ["r1"])) == 2
        assert held.of_connection(c, "c1", [What.REMOTE_DELETION]) == [entry]
        assert held.count(c, "c1") == {(What.REMOTE_DELETION, Reason.BRAKE): 1, (What.SUSPECT, Reason.BRAKE): 1}
        held.remove(c, ["h1"])
        held.remove_of(c, "c1", "cal")
        assert held.of_connection(c, "c1") == []


def test_conflicts_wait_for_their_user(store: Store, connected: str) -> None:
    clash = Conflict(
        "k1",
        "c1",
        "u1",
        "l1",
        "run",
        "title",
        "",
        Reason.CONFLICT_ASK,
        NOW,
        ConflictState.OPEN,
        base="a",
        host="b",
        remote=EVENT,
    )
    with store.begin() as unit:
        c = unit.connection
        conflicts.put(c, [clash])
        assert conflicts.of_user(c, "u1", ConflictState.OPEN) == [clash]
        assert conflicts.of_user(c, "u2") == []
        assert conflicts.of_links(c, ["l1"], ConflictState.OPEN) == [clash]
        conflicts.close(c, ["k1"], "host", NOW)
        closed = conflicts.get(c, "k1")
        assert closed is not None
        assert (closed.state, closed.winner) == (ConflictState.CLOSED, "host")


def test_conflicts_are_kept_for_a_time_and_questions_until_they_are_answered(store: Store, connected: str) -> None:
    def one(name: str, state: ConflictState, at: datetime) -> Conflict:
        winner = "" if state is ConflictState.OPEN else "remote"
        return Conflict(name, "c1", "u1", "l1", "run", "title", winner, Reason.MERGED, at, state, host="a", remote="b")

    day = timedelta(days=1)
    with store.begin() as unit:
        c = unit.connection
        conflicts.put(c, [one("k1", ConflictState.SETTLED, NOW), one("k2", ConflictState.OPEN, NOW)])
        conflicts.put(c, [one("k3", ConflictState.SETTLED, NOW + day), one("k4", ConflictState.OPEN, NOW)])
        conflicts.close(c, ["k4"], "", NOW + day)
        assert conflicts.forget(c, "c1", NOW) == 0
        assert conflicts.forget(c, "c2", NOW + 2 * day) == 0
        assert conflicts.forget(c, "c1", NOW + day) == 1
        listed = conflicts.of_user(c, "u1", ConflictState.OPEN, ConflictState.SETTLED)
        assert [row.id for row in listed] == ["k3", "k2"]
        conflicts.follow(c, "l1", "l2", Reason.TARGET_CHANGED, NOW + day)
        assert conflicts.forget(c, "c1", NOW + day) == 0
        assert {(row.state, row.winner) for row in conflicts.of_links(c, ["l2"], ConflictState.SETTLED)} == {
            (ConflictState.SETTLED, "remote"),
            (ConflictState.SETTLED, "host"),
        }


def test_what_was_left_as_it_is_is_known_while_its_link_lives(store: Store, new_link: NewLink) -> None:
    put(store, new_link("l1"))

    def one(name: str, state: ConflictState, winner: str = "", link: str = "l1") -> Conflict:
        return Conflict(name, "c1", "u1", link, "run", "title", winner, Reason.MERGED, NOW, state, "a", "b", EVENT)

    left = one("k1", ConflictState.CLOSED)
    others = [one("k2", ConflictState.CLOSED, "host"), one("k3", ConflictState.CLOSED, link="gone")]
    later = NOW + timedelta(days=9)
    with store.begin() as unit:
        c = unit.connection
        conflicts.put(c, [left, *others, one("k4", ConflictState.OPEN)])
        assert conflicts.forget(c, "c1", NOW) == 0
        assert conflicts.get(c, "k1") == left
        for _ in range(2):
            conflicts.forget(c, "c1", later)
            bare = replace(left, run="", base=None, host=None, remote=None)
            assert conflicts.of_links(c, ["l1", "gone"]) == [bare, one("k4", ConflictState.OPEN)]
        links.remove(c, ["l1"], NOW)
        assert conflicts.forget(c, "c1", later) == 1


def test_what_waits_for_the_complete_round(store: Store, connected: str) -> None:
    with store.begin() as unit:
        c = unit.connection
        rounds.put(c, "c1", "cal", "r1", [Tombstone("b"), Unreadable("a", UnreadableReason.ORPHAN)])
        rounds.put(c, "c1", "cal", "r1", [Tombstone("a")])
        assert rounds.waiting(c, "c1", "cal", "r1") == [Tombstone("a"), Tombstone("b")]
        assert rounds.waiting(c, "c1", "cal", "r2") == []
        rounds.drop(c, "c1", "cal")
        assert rounds.waiting(c, "c1", "cal", "r1") == []


def test_host_positions(store: Store, connected: str) -> None:
    with store.begin() as unit:
        c = unit.connection
        assert host_positions.get(c, "c1", Kind.TASK) is None
        host_positions.put(c, "c1", Kind.TASK, HostCursor("1"))
        host_positions.put(c, "c1", Kind.TASK, HostCursor("2"))
        assert host_positions.get(c, "c1", Kind.TASK) == HostCursor("2")
        host_positions.drop(c, "c1")
        assert host_positions.get(c, "c1", Kind.TASK) is None


def test_nothing_refers_to_an_unknown_connection(store: Store, new_link: NewLink) -> None:
    with pytest.raises(IntegrityError):
        put(store, new_link("l1", connection="nowhere"))


def test_erasing_a_connection_takes_all_with_it(store: Store, new_link: NewLink) -> None:
    put(store, new_link("l1"))
    with store.begin() as unit:
        c = unit.connection
        connections.add(c, Connection("c2", "t1", "u1", "google", ConnectionState.ADDED, datetime.now(UTC)))
        blocks.put(c, [a_block("l1")])
        connections.erase(c, "c1")
        assert links.get(c, ["l1"]) == {}
        assert [one.id for one in connections.of_user(c, "u1")] == ["c2"]
