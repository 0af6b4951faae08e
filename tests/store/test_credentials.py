"""Credentials and their tests: sealed, bound, short-lived; and what an administrator enters about servers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from marketplace_plugin.errors import SealBroken
from marketplace_plugin.store import Store, connections, credentials, server_rules
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from marketplace_plugin.store.accounts.credentials import CredentialTest
from marketplace_plugin.store.accounts.server_rules import ServerRules
from tests.store.conftest import KEY, NOW

FIELDS = {"username": "NORDWERK\\abrandt", "password": "schön-geheim-7", "url": "https://mail.example.org/EWS"}
LATER = NOW + timedelta(minutes=10)
SESSION = "a browser's secret"


@pytest.fixture
def connection(store: Store) -> str:
    with store.begin() as unit:
        connections.add(unit.connection, Connection("c1", "t1", "anna", "acme", ConnectionState.ADDED, NOW))
    return "c1"


def test_what_is_entered_is_sealed_and_comes_back(store: Store, connection: str) -> None:
    with store.begin() as unit:
        assert credentials.version(unit.connection, connection) == 0
        assert credentials.put(unit.connection, connection, FIELDS, NOW) == 1
        assert credentials.put(unit.connection, connection, FIELDS | {"password": "neu"}, NOW) == 2
    with store.read() as c:
        found = credentials.get(c, connection)
        raw = c.exec_driver_sql("SELECT fields FROM marketplace_credential").scalar_one()
    assert found is not None
    assert (found.version, found.fields["password"]) == (2, "neu")
    assert "neu" not in repr(found)
    assert b"abrandt" not in raw
    with pytest.raises(SealBroken):
        store.vault.open("credential", "fields", "another connection", raw)


def test_credentials_go_with_their_connection(store: Store, connection: str) -> None:
    with store.begin() as unit:
        credentials.put(unit.connection, connection, FIELDS, NOW)
        credentials.add_test(unit.connection, a_test(), session=SESSION)
        credentials.remove(unit.connection, [connection])
        assert credentials.get(unit.connection, connection) is None
        assert passed(store, unit.connection) is None


def a_test(test_id: str = "t1") -> CredentialTest:
    return CredentialTest(test_id, "c1", "anna", "digest", {"fields": FIELDS}, NOW, LATER)


def passed(store: Store, c: object, **other: object) -> CredentialTest | None:
    asked = {"user": "anna", "session": SESSION, "now": NOW} | other
    return credentials.passed_test(c, "c1", **asked)  # type: ignore[arg-type]  # as the cases name them


@pytest.mark.parametrize("other", [{"user": "jonas"}, {"session": "another browser"}, {"now": LATER}])
def test_a_passed_test_counts_for_its_person_and_browser_and_for_ten_minutes(
    store: Store, connection: str, other: dict[str, object]
) -> None:
    with store.begin() as unit:
        credentials.add_test(unit.connection, a_test(), session=SESSION)
        found = passed(store, unit.connection)
        assert found == a_test()
        assert passed(store, unit.connection, **other) is None


def test_the_newest_test_is_the_one_that_counts(store: Store, connection: str) -> None:
    with store.begin() as unit:
        credentials.add_test(unit.connection, a_test(), session=SESSION)
        credentials.add_test(unit.connection, replace(a_test("t2"), digest="other"), session=SESSION)
        found = passed(store, unit.connection)
    assert found is not None
    assert found.digest == "other"


def test_what_was_refused_is_known_until_it_expires(store: Store, connection: str) -> None:
    with store.begin() as unit:
        c = unit.connection
        credentials.add_test(c, replace(a_test(), outcome=None), session=SESSION)
        assert credentials.is_refused(c, "c1", "digest", NOW)
        assert not credentials.is_refused(c, "c1", "other", NOW)
        assert not credentials.is_refused(c, "c1", "digest", LATER)
        assert passed(store, c) is None
        credentials.sweep_tests(c, LATER)
        assert not credentials.is_refused(c, "c1", "digest", NOW)


def test_rules_for_servers_are_a_tenants_own(store: Store) -> None:
    rules = ServerRules(("mail.example.org", "10.0.0.0/8"), "-----BEGIN", "Rita Brandt, 5500")
    with store.begin() as unit:
        server_rules.put(unit.connection, "t1", "acme", ServerRules(), person="admin", now=NOW)
        server_rules.put(unit.connection, "t1", "acme", rules, person="admin", now=NOW)
        assert server_rules.get(unit.connection, "t1", "acme") == rules
        assert server_rules.get(unit.connection, "t2", "acme") == ServerRules()
        assert server_rules.get(unit.connection, "t1", "other") == ServerRules()


def test_what_a_former_key_sealed_is_sealed_again(database: str, store: Store, connection: str) -> None:
    with store.begin() as unit:
        credentials.put(unit.connection, connection, FIELDS, NOW)
        credentials.add_test(unit.connection, a_test(), session=SESSION)
    newer = Store.open(database, [bytes(reversed(KEY)), KEY])
    while newer.reseal():
        pass
    newer.close()
    alone = Store.open(database, [bytes(reversed(KEY))])
    with alone.read() as c:
        kept = credentials.get(c, connection)
        assert kept is not None
        assert kept.fields == FIELDS
        assert passed(alone, c) == a_test()
    alone.close()
