"""Collections, grants, OAuth flows, installations, requests, tokens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from marketplace_plugin.model.change import Cursor
from marketplace_plugin.model.collection import Capabilities, CollectionInfo, Role
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import (
    Store,
    authorizations,
    collections,
    connections,
    grants,
    installations,
    tokens,
)
from marketplace_plugin.store.accounts.authorizations import Authorization
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from marketplace_plugin.store.accounts.installations import Asked, InstallationState, RequestState
from tests.store.conftest import NOW

MINUTE = timedelta(minutes=1)


def info(remote_id: str, title: str = "Privat", role: Role = Role.OWNER) -> CollectionInfo:
    return CollectionInfo(remote_id, Kind.EVENT, title, role, Capabilities(frozenset({"title"})))


# ---- collections -------------------------------------------------------------------------------------


def test_a_reload_keeps_ticks_and_brings_new_ones_unticked(store: Store, connected: str) -> None:
    with store.begin() as unit:
        c = unit.connection
        b = collections.refresh(c, "c1", "u1", [info("a"), info("b")])[1]
        collections.choose(c, "c1", "a", ["a", "b"])
        collections.set_progress(c, [replace(b, cursor=Cursor("t", "f", None), read_at=NOW)])
        found = collections.refresh(c, "c1", "u1", [info("new"), info("b", "Umbenannt", Role.READER)])
    assert [(one.remote_id, one.listed, one.is_source, one.is_target) for one in found] == [
        ("new", True, False, False),
        ("b", True, True, False),
        ("a", False, True, True),
    ]
    assert (found[1].info.title, found[1].info.role, found[1].cursor) == (
        "Umbenannt",
        Role.READER,
        Cursor("t", "f", None),
    )


def test_one_target_per_user_and_kind_over_all_connections(store: Store, connected: str) -> None:
    with store.begin() as unit:
        c = unit.connection
        connections.add(c, Connection("c2", "t1", "u1", "google", ConnectionState.CONNECTED, NOW))
        collections.refresh(c, "c1", "u1", [info("a"), info("b")])
        collections.refresh(c, "c2", "u1", [info("a")])
        collections.choose(c, "c1", "a", [])
        collections.choose(c, "c1", "b", [])
        target = collections.target(c, "u1", Kind.EVENT)
        assert target is not None
        assert (target.connection, target.remote_id) == ("c1", "b")
        assert collections.target(c, "u1", Kind.TASK) is None
    with pytest.raises(IntegrityError), store.begin() as unit:
        collections.choose(unit.connection, "c2", "a", [])


def test_ids_are_compared_by_case(store: Store, connected: str) -> None:
    with store.begin() as unit:
        c = unit.connection
        collections.refresh(c, "c1", "u1", [info("AAMk_x"), info("AAMk-x"), info("aamk_x")])
        assert collections.get(c, "c1", "AAMK_X") is None
        collections.set_role(c, "c1", info("AAMk-x", role=Role.FREE_BUSY))
        dropped = collections.get(c, "c1", "AAMk-x")
        assert dropped is not None
        assert dropped.info.masked
        assert not dropped.is_read
        collections.remove(c, "c1", "AAMk-x")
        collections.remove(c, "c1")
        assert collections.of_connection(c, "c1") == []


# ---- grants --------------------------------------------------------------------------------------------


def put_grant(store: Store, access: str = "access-1") -> int:
    with store.begin() as unit:
        return grants.put(
            unit.connection,
            "c1",
            "google",
            "key",
            access=access,
            refresh="refresh",
            expires_at=NOW,
            scopes=["b", "a"],
            now=NOW,
        )


def test_the_right_to_refresh_belongs_to_one_and_to_a_version(store: Store, connected: str) -> None:
    version = put_grant(store)
    with store.begin() as unit:
        c = unit.connection
        assert grants.claim_refresh(c, "c1", version, "w1", NOW, NOW + MINUTE)
        assert not grants.claim_refresh(c, "c1", version, "w2", NOW, NOW + MINUTE)
        assert grants.claim_refresh(c, "c1", version, "w2", NOW + MINUTE, NOW + 2 * MINUTE)
        grants.release_refresh(c, "c1", "w1")  # lost it: changes nothing
        assert not grants.claim_refresh(c, "c1", version, "w3", NOW + MINUTE, NOW + 2 * MINUTE)
        fresh = {"access": "access-2", "refresh": "rotated", "expires_at": None, "scopes": ["a"], "now": NOW}
        assert grants.replace(c, "c1", version, **fresh)  # type: ignore[arg-type]  # by name
        assert not grants.replace(c, "c1", version, **fresh)  # type: ignore[arg-type]  # by name
        assert not grants.claim_refresh(c, "c1", version, "w1", NOW + 5 * MINUTE, NOW + 6 * MINUTE)
        assert not grants.expire(c, "c1", version, NOW)
        current = grants.get(c, "c1")
    assert current is not None
    assert (current.version, current.access, current.refresh, current.alive) == (
        version + 1,
        "access-2",
        "rotated",
        True,
    )


def test_grants_of_an_account_are_counted(store: Store, connected: str) -> None:
    first, second = put_grant(store), put_grant(store, "again")
    assert (first, second) == (1, 2)
    with store.begin() as unit:
        c = unit.connection
        assert grants.count_of_account(c, "google", "key") == 1
        assert grants.count_of_account(c, "google", "other") == 0
        assert grants.expire(c, "c1", 2, NOW)
        expired = grants.get(c, "c1")
        assert expired is not None
        assert not expired.alive
        grants.remove(c, "c1")
        assert grants.get(c, "c1") is None


# ---- OAuth flows ----------------------------------------------------------------------------------------


def begin(store: Store) -> None:
    with store.begin() as unit:
        authorizations.add(
            unit.connection,
            Authorization("a1", "c1", "u1", "verifier", frozenset({"s"})),
            state="state",
            session="browser",
            created_at=NOW,
            expires_at=NOW + 10 * MINUTE,
        )


def use(store: Store, state: str = "state", session: str = "browser", user: str = "u1", later: int = 0) -> str | None:
    with store.begin() as unit:
        flow = authorizations.use(unit.connection, state=state, session=session, user=user, now=NOW + later * MINUTE)
    return flow.verifier if flow else None


def test_a_state_is_used_once(store: Store, connected: str) -> None:
    begin(store)
    assert use(store) == "verifier"
    assert use(store) is None


@pytest.mark.parametrize("wrong", [{"session": "other"}, {"user": "u2"}, {"later": 10}])
def test_a_state_from_elsewhere_is_refused_and_used_up(store: Store, connected: str, wrong: dict[str, object]) -> None:
    begin(store)
    assert use(store, **wrong) is None  # type: ignore[arg-type]  # by name
    assert use(store) is None


def test_an_unknown_state_uses_nothing_up(store: Store, connected: str) -> None:
    begin(store)
    assert use(store, state="other") is None
    with store.begin() as unit:
        authorizations.sweep(unit.connection, NOW)
    assert use(store) == "verifier"


# ---- installations, requests, tokens --------------------------------------------------------------------


def test_an_integration_is_installed_per_tenant(store: Store) -> None:
    with store.begin() as unit:
        c = unit.connection
        for audience, state in [("all", InstallationState.INSTALLED), ("nobody", InstallationState.UNINSTALLED)]:
            installations.put(c, "t1", "google", audience=audience, state=state, version="1", person="admin", now=NOW)
        (only,) = installations.of_tenant(c, "t1")
        assert installations.get(c, "t1", "google") == only
        assert (only.audience, only.state) == ("nobody", InstallationState.UNINSTALLED)
        assert installations.get(c, "t2", "google") is None


def test_a_request_is_open_once_and_settled_by_its_tenant(store: Store) -> None:
    with store.begin() as unit:
        c = unit.connection
        first = installations.ask(c, "t1", "u1", "google", NOW)
        assert installations.ask(c, "t1", "u1", "google", NOW) == first
        assert installations.settle(c, "t2", first, RequestState.GRANTED, "foreign admin", NOW) is None
        settled = installations.settle(c, "t1", first, RequestState.DECLINED, "admin", NOW)
        assert settled is not None
        assert settled.state is RequestState.DECLINED
        assert installations.settle(c, "t1", first, RequestState.GRANTED, "admin", NOW) is None
        assert installations.ask(c, "t1", "u1", "google", NOW) != first
        assert len(installations.requests(c, "t1")) == 2
        assert len(installations.requests(c, "t1", RequestState.OPEN, user="u1")) == 1
        assert installations.requests(c, "t1", user="u2") == []


def test_requests_for_other_things_stand_side_by_side(store: Store) -> None:
    with store.begin() as unit:
        c = unit.connection
        install = installations.ask(c, "t1", "u1", "google", NOW)
        consent = installations.ask(c, "t1", "u1", "google", NOW, what=Asked.CONSENT, detail="https://a.example")
        hosts = [installations.ask(c, "t1", "u1", "google", NOW, what=Asked.HOST, subject=name) for name in "ab"]
        again = installations.ask(c, "t1", "u1", "google", NOW, what=Asked.CONSENT, detail="https://b.example")
        assert len({install, consent, *hosts}) == 4
        assert again == consent
        found = {row.id: row for row in installations.requests(c, "t1")}
        assert (found[install].what, found[install].subject, found[install].detail) == (Asked.INSTALL, "", "")
        assert (found[consent].what, found[consent].detail) == (Asked.CONSENT, "https://b.example")
        assert (found[hosts[1]].what, found[hosts[1]].subject) == (Asked.HOST, "b")


def test_a_token_counts_until_it_is_revoked_or_expires(store: Store) -> None:
    with store.begin() as unit:
        c = unit.connection
        token_id, token = tokens.create(c, "u1", "laptop", NOW, expires_at=NOW + MINUTE)
        assert token.startswith("mkt_")
        known = tokens.valid(c, token, NOW)
        assert known is not None
        assert (known.id, known.user, known.used_at) == (token_id, "u1", None)
        assert tokens.valid(c, token, NOW + MINUTE) is None
        assert tokens.valid(c, token + "x", NOW) is None
        tokens.touch(c, token, NOW)
        (listed,) = tokens.of_user(c, "u1")
        assert (listed.id, listed.name, listed.used_at) == (token_id, "laptop", NOW)
        assert tokens.revoke(c, token_id, NOW)
        assert not tokens.revoke(c, token_id, NOW)
        assert tokens.valid(c, token, NOW) is None
        assert tokens.of_user(c, "u2") == []
        assert len(tokens.of_user(c)) == 1
