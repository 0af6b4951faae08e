"""Install, request, grant, uninstall: who may do what, and what becomes of connections."""

from __future__ import annotations

import pytest

from marketplace_plugin.engine import ties
from marketplace_plugin.engine.account import connections, market
from marketplace_plugin.engine.views import Asked, Audience, ConnectionState, Permission
from marketplace_plugin.errors import NotAllowed, NotFound
from marketplace_plugin.store import connections as stored
from marketplace_plugin.store import grants
from tests.engine.shell import ADMIN, ANNA_HERE, JONAS_HERE, STRANGER, World, connect, install


def permission(world: World, person: object) -> Permission:
    (offer,) = market.offers(world.engine, person)  # type: ignore[arg-type]  # one of the four
    return offer.permission


def test_what_each_person_is_offered(world: World) -> None:
    assert permission(world, ADMIN) is Permission.INSTALL
    assert permission(world, ANNA_HERE) is Permission.REQUEST
    install(world, Audience.NOBODY)
    assert permission(world, ANNA_HERE) is Permission.REQUEST
    assert permission(world, ADMIN) is Permission.ADD
    install(world, Audience.ALL)
    assert permission(world, ANNA_HERE) is Permission.ADD
    connections.add(world.engine, ANNA_HERE, "google")
    assert permission(world, ANNA_HERE) is Permission.ADDED
    assert permission(world, STRANGER) is Permission.REQUEST, "another tenant has installed nothing"


def test_a_request_is_one_and_is_granted_for_that_user(world: World) -> None:
    market.request(world.engine, ANNA_HERE, "google")
    market.request(world.engine, ANNA_HERE, "google")
    assert permission(world, ANNA_HERE) is Permission.REQUESTED
    (row,) = market.open_requests(world.engine, ADMIN)
    assert (row.person, row.integration) == (ANNA_HERE.id, "google")
    market.settle_request(world.engine, ADMIN, row.id, grant=True)
    assert permission(world, ANNA_HERE) is Permission.ADD
    assert permission(world, JONAS_HERE) is Permission.REQUEST
    with pytest.raises(NotFound):
        market.settle_request(world.engine, ADMIN, row.id, grant=False)
    market.request(world.engine, ANNA_HERE, "google")
    assert market.open_requests(world.engine, ADMIN) == [], "who may add it needs no request"


def test_a_declined_request_can_be_made_again(world: World) -> None:
    market.request(world.engine, ANNA_HERE, "google")
    (row,) = market.open_requests(world.engine, ADMIN)
    market.settle_request(world.engine, ADMIN, row.id, grant=False)
    assert permission(world, ANNA_HERE) is Permission.REQUEST
    market.request(world.engine, ANNA_HERE, "google")
    assert permission(world, ANNA_HERE) is Permission.REQUESTED


def test_a_request_for_something_else_opens_no_integration(world: World) -> None:
    market.ask(world.engine, ANNA_HERE, "google", Asked.HOST, "mail.nordwerk.example")
    world.clock.advance(minutes=1)
    market.ask(world.engine, ANNA_HERE, "google", Asked.CONSENT, detail="https://login.service.example/adminconsent")
    assert permission(world, ANNA_HERE) is Permission.REQUEST
    host, consent = market.open_requests(world.engine, ADMIN)
    assert (host.what, host.subject) == (Asked.HOST, "mail.nordwerk.example")
    assert (consent.what, consent.detail) == (Asked.CONSENT, "https://login.service.example/adminconsent")
    for row in (host, consent):
        assert market.settle_request(world.engine, ADMIN, row.id, grant=True) is row.what
    assert permission(world, ANNA_HERE) is Permission.REQUEST
    assert permission(world, ADMIN) is Permission.INSTALL
    assert market.open_requests(world.engine, ADMIN) == []


def test_only_an_admin_decides_and_only_for_his_tenant(world: World) -> None:
    market.request(world.engine, ANNA_HERE, "google")
    (row,) = market.open_requests(world.engine, ADMIN)
    for act in (
        lambda: market.install(world.engine, ANNA_HERE, "google", Audience.ALL),
        lambda: market.uninstall(world.engine, ANNA_HERE, "google"),
        lambda: market.affected(world.engine, ANNA_HERE, "google"),
        lambda: market.open_requests(world.engine, ANNA_HERE),
        lambda: market.settle_request(world.engine, ANNA_HERE, row.id, grant=True),
        lambda: market.admin_rows(world.engine, ANNA_HERE),
        lambda: connections.add(world.engine, ANNA_HERE, "google"),
    ):
        with pytest.raises(NotAllowed):
            act()
    with pytest.raises(NotFound):
        market.install(world.engine, ADMIN, "caldav", Audience.ALL)
    with pytest.raises(NotFound):
        market.request(world.engine, ANNA_HERE, "caldav")


def test_uninstalling_ends_connections_and_deletes_nothing_remotely(world: World, connection: str) -> None:
    assert market.affected(world.engine, ADMIN, "google") == 1
    before = len(world.plugins.opened)
    market.uninstall(world.engine, ADMIN, "google")
    assert len(world.plugins.opened) == before, "no account was opened for it"
    with world.engine.store.read() as c:
        row = stored.get(c, connection)
        assert row is not None
        assert row.state is ConnectionState.REMOVED
        assert grants.get(c, connection) is None
    assert connections.mine(world.engine, ANNA_HERE) == []
    assert permission(world, ANNA_HERE) is Permission.REQUEST
    assert ("connection_removed", "google") in [call[:2] for call in world.plugins.announced]
    market.uninstall(world.engine, ADMIN, "google")


def test_what_an_interrupted_uninstall_left_asks_for_a_new_sign_in(world: World, connection: str) -> None:
    with world.engine.store.begin() as unit:
        stored.set_state(unit.connection, connection, ConnectionState.PAUSED)
    install(world)
    (view,) = connections.mine(world.engine, ANNA_HERE)
    assert view.state is ConnectionState.EXPIRED


def test_the_admin_sees_operating_data_of_his_tenant(world: World, connection: str) -> None:
    (row,) = market.admin_rows(world.engine, ADMIN)
    assert (row.connection, row.person, row.state) == (connection, ANNA_HERE.id, ConnectionState.CONNECTED)
    assert "gmail" not in repr(row)


def test_two_people_connect_each_for_himself(world: World, connection: str) -> None:
    other = connect(world, JONAS_HERE, "jonas.weber@gmail.example")
    assert {row.connection for row in market.admin_rows(world.engine, ADMIN)} == {connection, other}
    assert [view.id for view in connections.mine(world.engine, JONAS_HERE)] == [other]


def test_an_event_without_a_link_is_tied_to_nothing(world: World) -> None:
    assert ties.tie(world.engine, ANNA_HERE.id, "e1") is None
