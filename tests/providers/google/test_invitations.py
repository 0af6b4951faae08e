"""Two users with Google accounts, and the switch for invitations: Google puts the invitation into the other's calendar
by itself, and it takes the place of his copy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from marketplace_plugin.contract.provider import Provider, Session
from marketplace_plugin.model.event import Response
from marketplace_plugin.model.item import Kind
from marketplace_plugin.sandbox.google import Account
from marketplace_plugin.store import collections, connections, host_positions
from marketplace_plugin.store.accounts.connections import INVITES, Connection, ConnectionState, Policy
from marketplace_plugin.sync.link import LinkKind
from tests.laws.world import event, moved, occurrence, series
from tests.providers.google.world import ANNA, Json, World
from tests.providers.passes.world import GooglePasses
from tests.regressions.seeing import master

BOB = "bob@acme.example"
"""The address that the host has of Bob is that of his account."""
OWNERS = {"ada": ANNA, "bob": BOB}


class Two(GooglePasses):
    def __init__(self, google: World) -> None:
        google.sandbox.state.add_account(Account(BOB, "Bob", "sub-bob"))
        super().__init__(google)
        object.__setattr__(self.shell.engine, "plugins", _ByOwner(google, self.shell.plugins))
        now = self.shell.clock()
        with self.shell.store.begin() as unit:
            c = unit.connection
            row = Connection("bob", "acme", "bob", "google", ConnectionState.CONNECTED, now, connected_at=now)
            connections.add(c, row)
            collections.refresh(c, "bob", "bob", google.open(BOB).collections())
            collections.choose(c, "bob", BOB, [BOB])
            connections.approve(c, "bob", 0)

    def switch_on(self) -> None:
        """Ada switches it on, and approves the plan."""
        with self.shell.store.begin() as unit:
            c = unit.connection
            version = connections.save_settings(
                c, "ada", 0, policy=Policy.NEWEST, past_days=30, future_days=365, switches={INVITES: True}
            )
            connections.approve(c, "ada", version)
            host_positions.drop(c, "ada", Kind.EVENT)  # as saving the settings does: every event is looked at

    def both(self) -> None:
        for _ in range(4):
            for name in ("ada", "bob"):
                self.shell.clock.forward(minutes=31)
                self.world.now = self.shell.clock()
                assert not self.shell.sync(name).error

    def of_bob(self) -> list[Json]:
        return [one for one in self.world.user(BOB).events() if one.get("status") != "cancelled"]


class _ByOwner:
    def __init__(self, google: World, others: Any) -> None:
        self._google, self._others = google, others

    def open_provider(self, integration: str, session: Session) -> Provider:
        return self._google.open(OWNERS[session.connection])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._others, name)


@pytest.fixture
def two() -> Iterator[Two]:
    with World() as google:
        made = Two(google)
        yield made
        made.shell.close()
        assert not google.sandbox.state.outbox


@pytest.mark.parametrize("first", [True, False], ids=["his copy stands", "he is asked at once"])
def test_the_invitation_takes_the_place_of_the_copy(two: Two, first: bool) -> None:
    ref = two.shell.host.create("ada", event("meeting"), guests=["bob"])
    if first:
        two.both()
        assert [one["summary"] for one in two.of_bob()] == ["meeting"]
    two.switch_on()
    two.both()
    (one,) = two.of_bob()
    assert (one["summary"], one["organizer"].get("self", False)) == ("meeting", False)
    (link,) = two.shell.links("bob")
    assert (link.kind, link.host_ref, link.organised) == (LinkKind.EXPORT, ref, False)
    assert two.shell.blocks("bob") == []
    two.world.user(BOB).patch(one["id"], {"attendees": [{"email": BOB, "responseStatus": "accepted"}]})
    two.both()
    assert master(two.there(ref)).attendees[0].response is Response.ACCEPTED  # type: ignore[index]  # they are known
    two.shell.host.edit("ada", ref, title="renamed")
    two.both()
    assert [one["summary"] for one in two.of_bob()] == ["renamed"]


def test_a_series_with_a_moved_occurrence_comes_whole(two: Two) -> None:
    ref = two.shell.host.create("ada", series("weekly"), guests=["bob"])
    two.shell.host.change_occurrence("ada", ref, occurrence(1), moved(occurrence(1), "weekly"))
    two.both()
    two.switch_on()
    two.both()
    starts = sorted(one["start"]["dateTime"][:16] for one in two.of_bob())
    assert two.shell.blocks("bob") == []
    assert len([link for link in two.shell.links("bob") if link.kind is LinkKind.EXPORT]) == 1
    assert len(starts) == len(set(starts))


def test_who_is_taken_out_here_loses_the_invitation(two: Two) -> None:
    ref = two.shell.host.create("ada", event("meeting"), guests=["bob"])
    two.switch_on()
    two.both()
    assert len(two.of_bob()) == 1
    two.shell.host.invite("ada", ref, [])
    two.both()
    assert two.of_bob() == []
    assert two.shell.links("bob") == []
    assert set(two.copies) == {"meeting"}
