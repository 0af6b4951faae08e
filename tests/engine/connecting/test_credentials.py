"""The way through a form: what is tested, what may be saved, and how often a password is sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from marketplace_plugin.contract.hookspecs import Account, ServerSearch, StepState, TestStep
from marketplace_plugin.engine.account import connections, disconnect, market, settings
from marketplace_plugin.engine.context import RunOutcome, Trigger
from marketplace_plugin.engine.form import credentials, servers
from marketplace_plugin.engine.form.credentials import MOST_ASKED
from marketplace_plugin.engine.run import run_pass
from marketplace_plugin.engine.views import Asked, ConnectionState
from marketplace_plugin.engine.work.upkeep import Upkeep
from marketplace_plugin.errors import (
    AccountMismatch,
    AuthorizeError,
    ConfigError,
    InvalidSettings,
    NotAllowed,
    NotFound,
    NotTested,
    TooManyRequests,
)
from marketplace_plugin.store import connections as stored_connections
from marketplace_plugin.store import credentials as stored
from tests.engine.forms import ACME, ENTERED, GOOD, FormWorld, form_world
from tests.engine.shell import ADMIN, ANNA_HERE, BROWSER, JONAS_HERE
from tests.logged import logged


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FormWorld]:
    with form_world(tmp_path) as made:
        yield made


def state(world: FormWorld, connection: str) -> ConnectionState:
    return connections.one(world.engine, ANNA_HERE, connection).state


# ---- test and save -----------------------------------------------------------------------------------------------


def test_what_passed_is_saved_and_reaches_the_provider(world: FormWorld) -> None:
    connection = world.add()
    tested = world.test(connection)
    assert (tested.passed, [step.state for step in tested.steps]) == (True, [StepState.PASSED])
    assert state(world, connection) is ConnectionState.ADDED, "a test saves nothing"
    found = credentials.save(world.engine, ANNA_HERE, connection, BROWSER, ENTERED)
    assert (found.account, [info.title for info in found.collections]) == ("anna@example.org", ["Kalender"])
    assert state(world, connection) is ConnectionState.CONNECTED
    secrets = world.plugin.sessions[-1].secrets
    assert secrets == {**ENTERED, "url": "https://mail.example.org/x"}
    assert world.plugin.announced == ["connection_added"]


def test_the_secret_need_not_come_again_but_nothing_else_may_differ(world: FormWorld) -> None:
    connection = world.add()
    world.test(connection)
    for other in ({"username": "jonas"}, {"server": "mail2.example.org"}, {"password": "x"}, {"email": ""}):
        with pytest.raises(NotTested):
            world.save(connection, **other)
    assert state(world, connection) is ConnectionState.ADDED
    world.save(connection)
    assert state(world, connection) is ConnectionState.CONNECTED


def test_nothing_is_saved_without_a_test_of_this_browser_and_connection(world: FormWorld) -> None:
    connection = world.add()
    with pytest.raises(NotTested):
        world.save(connection)
    world.test(connection, browser="another browser")
    with pytest.raises(NotTested):
        world.save(connection, password=GOOD)


def test_a_proof_counts_for_ten_minutes_and_once(world: FormWorld) -> None:
    connection = world.add()
    world.test(connection)
    world.clock.advance(minutes=10)
    with pytest.raises(NotTested):
        world.save(connection)
    world.test(connection)
    world.save(connection)
    with pytest.raises(NotTested):
        world.save(connection)


def test_a_failed_test_takes_the_place_of_no_proof(world: FormWorld) -> None:
    """What passed a moment ago is still exactly what passed."""
    connection = world.add()
    world.test(connection)
    assert not world.test(connection, password="falsch").passed
    with pytest.raises(NotTested):
        world.save(connection, password="falsch")
    world.save(connection, password=GOOD)


def test_what_is_needed_must_be_there_and_short(world: FormWorld) -> None:
    connection = world.add()
    wrong: list[dict[str, Any]] = [{"username": " "}, {"password": ""}, {"server": "x" * 1001}]
    for other in wrong:
        with pytest.raises(InvalidSettings):
            world.test(connection, **other)
    assert not world.plugin.sent


def test_the_users_tick_and_the_target_reach_the_plugin(world: FormWorld) -> None:
    connection = world.add()
    (step,) = world.test(connection, write=True).steps
    assert step.facts == (("write", "True"), ("target", "None"))


def test_an_account_that_the_plugin_does_not_know_is_none(world: FormWorld) -> None:
    world.plugin.account = None
    with pytest.raises(AuthorizeError):
        world.test(world.add())


def test_nobody_elses_connection(world: FormWorld) -> None:
    connection = world.connected()
    with pytest.raises(NotFound):
        credentials.form(world.engine, JONAS_HERE, connection)
    with pytest.raises(NotFound):
        credentials.test(world.engine, JONAS_HERE, connection, BROWSER, ENTERED, write=False)
    with pytest.raises(NotFound):
        credentials.save(world.engine, JONAS_HERE, connection, BROWSER, ENTERED)


# ---- a password is sent once ---------------------------------------------------------------------------------------


def test_a_refused_password_is_not_sent_again_by_itself(world: FormWorld) -> None:
    """Reloading a page repeats its form: several failed attempts would lock the account."""
    connection = world.add()
    assert world.test(connection, password="falsch").steps[0].cause == "wrong-password"
    (step,) = world.test(connection, password="falsch").steps
    assert (step.cause, step.way_out) == ("refused-before", "wait-or-change")
    assert world.plugin.sent == ["falsch"]
    assert world.test(connection).passed
    world.clock.advance(minutes=10)
    world.test(connection, password="falsch")
    assert world.plugin.sent == ["falsch", GOOD, "falsch"]


def test_a_second_press_while_the_first_is_tried_sends_nothing(world: FormWorld) -> None:
    connection = world.add()
    seen: list[str] = []
    world.plugin.meanwhile = lambda: seen.append(world.test(connection).steps[0].cause)
    assert world.test(connection).passed
    assert (seen, world.plugin.sent) == (["refused-before"], [GOOD])


def test_an_attempt_that_broke_off_is_not_repeated_by_itself(world: FormWorld) -> None:
    """The process was killed after the password was sent: what the server said is not known."""
    connection = world.add()

    def killed() -> None:
        raise KeyboardInterrupt

    world.plugin.meanwhile = killed
    with pytest.raises(KeyboardInterrupt):
        world.test(connection)
    world.plugin.meanwhile = None
    assert world.test(connection).steps[0].cause == "refused-before"
    world.clock.advance(minutes=10)
    assert world.test(connection).passed


def test_a_failure_of_another_kind_may_be_tried_again_at_once(world: FormWorld) -> None:
    connection = world.add()
    world.plugin.fails = TestStep("tls", StepState.FAILED, 3, "unknown-authority", "store-authority")
    assert not world.test(connection).passed
    world.plugin.fails = None
    assert world.test(connection).passed


def test_a_pass_tries_once_and_the_worker_does_not_come_back(world: FormWorld) -> None:
    """Known failure 28: a password that was changed ends the connection in sight."""
    connection = world.connected()
    world.choose(connection)
    world.plugin.sent.clear()
    world.plugin.refuses = True
    assert run_pass(world.engine, connection, Trigger.SCHEDULE, "r1").outcome is RunOutcome.EXPIRED
    assert world.plugin.sent == [GOOD]
    view = connections.one(world.engine, ANNA_HERE, connection)
    assert (view.state, view.next_due, view.error) == (ConnectionState.EXPIRED, None, "authorization-expired")
    assert run_pass(world.engine, connection, Trigger.BUTTON, "r2").outcome is RunOutcome.EXPIRED
    assert settings.settings(world.engine, ANNA_HERE, connection).reload_error == "authorization-expired"
    (step,) = connections.examine(world.engine, ANNA_HERE, connection)
    assert (step.name, step.cause, step.way_out) == ("sign-in", "authorization-expired", "reauthorize")
    assert world.plugin.sent == [GOOD], "nothing is sent before the owner acts"


def test_a_reload_that_is_refused_ends_the_connection(world: FormWorld) -> None:
    connection = world.connected()
    world.plugin.refuses = True
    world.plugin.sent.clear()
    for _ in range(2):
        assert settings.settings(world.engine, ANNA_HERE, connection).reload_error == "authorization-expired"
    assert world.plugin.sent == [GOOD]
    assert state(world, connection) is ConnectionState.EXPIRED


def test_a_test_that_is_refused_ends_the_connection(world: FormWorld) -> None:
    connection = world.connected()
    world.plugin.refuses = True
    world.plugin.sent.clear()
    for _ in range(2):
        list(connections.examine(world.engine, ANNA_HERE, connection))
    assert world.plugin.sent == [GOOD]
    assert state(world, connection) is ConnectionState.EXPIRED


def test_a_new_password_takes_the_place_of_the_old_one(world: FormWorld) -> None:
    connection = world.connected()
    world.choose(connection)
    world.plugin.refuses = True
    run_pass(world.engine, connection, Trigger.SCHEDULE, "r1")
    world.plugin.refuses = False
    shown = credentials.form(world.engine, ANNA_HERE, connection)
    assert shown.stored
    assert "password" not in shown.fields
    assert shown.fields["username"] == "anna"
    world.test(connection)
    world.save(connection)
    assert state(world, connection) is ConnectionState.CONNECTED
    assert run_pass(world.engine, connection, Trigger.SCHEDULE, "r2").outcome is not RunOutcome.EXPIRED
    assert world.plugin.announced.count("connection_added") == 1


def test_another_account_is_refused_before_anything_is_stored(world: FormWorld) -> None:
    connection = world.connected()
    world.test(connection)
    world.plugin.account = Account("jonas@example.org", "jonas@example.org")
    tested = world.test(connection)
    assert (tested.passed, tested.steps[-1].cause) == (False, AccountMismatch.code)
    with pytest.raises(NotTested):
        world.save(connection, server="other.example.org")


def test_a_password_is_nowhere_to_be_seen(world: FormWorld, tmp_path: Path) -> None:
    with logged() as log:
        connection = world.connected()
        world.test(connection, password="falsch-und-geheim")
        world.plugin.refuses = True
        run_pass(world.engine, connection, Trigger.SCHEDULE, "r1")
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in (GOOD, "falsch-und-geheim"):
        assert secret not in log.getvalue()
        assert secret.encode() not in everything
        assert secret not in repr(world.plugin.sessions)
    assert "deployment-secret" not in str(world.plugin.sessions[-1].settings)


def test_credentials_go_with_the_connection(world: FormWorld) -> None:
    connection = world.connected()
    world.test(connection)
    disconnect.disconnect(world.engine, ANNA_HERE, connection)
    with world.engine.store.read() as c:
        assert stored.get(c, connection) is None
        assert c.exec_driver_sql("SELECT count(*) FROM marketplace_credential_test").scalar_one() == 0


def kept_tests(world: FormWorld) -> int:
    with world.engine.store.read() as c:
        return int(c.exec_driver_sql("SELECT count(*) FROM marketplace_credential_test").scalar_one())


def test_a_password_is_not_kept_for_a_connection_that_ends_while_it_is_tried(world: FormWorld) -> None:
    connection = world.connected()

    def disconnects() -> None:
        disconnect.disconnect(world.engine, ANNA_HERE, connection)

    world.plugin.meanwhile = disconnects
    with pytest.raises(NotFound):
        world.test(connection)
    assert kept_tests(world) == 0


def test_nor_for_one_whose_integration_is_uninstalled_while_it_is_tried(
    world: FormWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The uninstall was interrupted: whoever runs it again removes the rest."""
    connection = world.connected()
    monkeypatch.setattr(market, "disconnect", lambda *_: None)
    world.plugin.meanwhile = lambda: market.uninstall(world.engine, ADMIN, ACME)
    with pytest.raises(NotAllowed):
        world.test(connection)
    assert kept_tests(world) == 0


@pytest.mark.parametrize("left", [ConnectionState.PAUSED, ConnectionState.EXPIRED])
def test_nothing_is_saved_for_an_integration_that_is_uninstalled(
    world: FormWorld, monkeypatch: pytest.MonkeyPatch, left: ConnectionState
) -> None:
    connection = world.connected()
    world.test(connection)
    monkeypatch.setattr(market, "disconnect", lambda *_: None)
    market.uninstall(world.engine, ADMIN, ACME)
    with world.engine.store.begin() as unit:
        stored_connections.set_state(unit.connection, connection, left)
    with pytest.raises(AuthorizeError):
        world.save(connection)
    with pytest.raises(NotAllowed):
        world.test(connection)
    assert world.plugin.sent == [GOOD, GOOD, GOOD]


def test_a_paused_connection_sends_nothing(world: FormWorld) -> None:
    connection = world.add()
    market.uninstall(world.engine, ADMIN, ACME)
    with pytest.raises((NotAllowed, NotFound)):
        world.test(connection)
    assert not world.plugin.sent


# ---- servers ---------------------------------------------------------------------------------------------------------


def test_a_server_that_nobody_allows_is_not_told_the_password(world: FormWorld) -> None:
    connection = world.add()
    tested = world.test(connection, server="https://mail.elsewhere.example/EWS/Exchange.asmx")
    assert [(step.name, step.cause) for step in tested.steps] == [("server", "server-not-allowed")]
    assert tested.refused == "mail.elsewhere.example"
    assert not world.plugin.sessions, "the plugin is not even called"


def test_a_server_of_another_integration_is_handed_over(world: FormWorld) -> None:
    connection = world.add()
    servers.save(world.engine, ADMIN, ACME, "*.cloud.example mail.cloud.example", "", "")
    tested = world.test(connection, server="Mail.Cloud.Example")
    assert (tested.passed, tested.handed_over, tested.refused) == (False, "cloud", "")
    assert not world.plugin.sessions, "an administrator cannot allow it"
    world.plugin.searches = ServerSearch((), "mail.cloud.example")
    assert credentials.search(world.engine, ANNA_HERE, connection, "a@b.example").handed_over == "cloud"


@pytest.mark.parametrize(
    "server, cause",
    [("mein server", "no-address"), ("http://mail.example.org/EWS", "not-encrypted"), ("HTTP://mail", "not-encrypted")],
)
def test_what_is_no_server_is_said_so(world: FormWorld, server: str, cause: str) -> None:
    tested = world.test(world.add(), server=server)
    assert (tested.steps[0].cause, tested.refused, tested.passed) == (cause, "", False)
    assert not world.plugin.sessions


def test_a_search_knows_no_secret(world: FormWorld) -> None:
    connection = world.connected()
    step = TestStep("service-record", StepState.PASSED, 3)
    world.plugin.searches = ServerSearch((step,), "mail2.example.org:8443")
    found = credentials.search(world.engine, ANNA_HERE, connection, "anna@example.org")
    assert (found.server, found.refused, found.steps) == ("mail2.example.org:8443", "mail2.example.org:8443", (step,))
    assert world.plugin.sessions[-1].secrets == {}
    world.plugin.searches = ServerSearch((step,), "mail.example.org")
    assert credentials.search(world.engine, ANNA_HERE, connection, "anna@example.org").refused == ""


def test_asking_for_a_server_and_granting_it_opens_it(world: FormWorld) -> None:
    connection = world.add()
    for _ in range(2):
        credentials.ask_for(world.engine, ANNA_HERE, connection, "mail2.example.org:8443")
    (row,) = market.open_requests(world.engine, ADMIN)
    assert (row.what, row.subject, row.person) == (Asked.HOST, "mail2.example.org:8443", ANNA_HERE.id)
    market.settle_request(world.engine, ADMIN, row.id, grant=True)
    assert world.test(connection, server="mail2.example.org:8443").passed
    credentials.ask_for(world.engine, ANNA_HERE, connection, "mail.cloud.example")
    with pytest.raises(InvalidSettings):
        credentials.ask_for(world.engine, ANNA_HERE, connection, "*.example.org")
    assert not market.open_requests(world.engine, ADMIN), "nor can a cloud's server be asked for"


def test_nobody_floods_the_admin_with_servers(world: FormWorld) -> None:
    connection = world.add()
    for n in range(MOST_ASKED):
        credentials.ask_for(world.engine, ANNA_HERE, connection, f"mail{n}.elsewhere.example")
    for _ in range(2):
        with pytest.raises(TooManyRequests):
            credentials.ask_for(world.engine, ANNA_HERE, connection, "mail.more.example")
    credentials.ask_for(world.engine, ANNA_HERE, connection, "mail3.elsewhere.example")
    rows = market.open_requests(world.engine, ADMIN)
    assert len(rows) == MOST_ASKED == 10
    market.settle_request(world.engine, ADMIN, rows[0].id, grant=False)
    credentials.ask_for(world.engine, ANNA_HERE, connection, "mail.more.example")
    assert len(market.open_requests(world.engine, ADMIN)) == MOST_ASKED


def test_rules_of_the_deployment_and_of_the_tenant_are_one(world: FormWorld) -> None:
    servers.save(world.engine, ADMIN, ACME, "mail2.example.org\n*.nordwerk.example", "", " Rita Brandt, 5500 ")
    connection = world.add()
    world.test(connection)
    given = world.plugin.sessions[-1].settings
    assert given["allowed_hosts"] == "mail.example.org mail2.example.org *.nordwerk.example"
    assert given["refused_hosts"] == "*.cloud.example"
    assert given["zone"] == "Europe/Berlin"
    (view,) = servers.listed(world.engine, ADMIN)
    assert (view.allowed, view.deployment) == (("mail2.example.org", "*.nordwerk.example"), ("mail.example.org",))
    assert credentials.form(world.engine, ANNA_HERE, connection).contact == "Rita Brandt, 5500"


@pytest.mark.parametrize("allowed, authorities", [("https://x", ""), ("*", ""), ("", "no PEM")])
def test_what_an_administrator_cannot_enter(world: FormWorld, allowed: str, authorities: str) -> None:
    with pytest.raises(InvalidSettings):
        servers.save(world.engine, ADMIN, ACME, allowed, authorities, "")
    with pytest.raises(NotAllowed):
        servers.save(world.engine, ANNA_HERE, ACME, "mail.example.org", "", "")


@pytest.mark.parametrize(
    "deployment, said",
    [
        ({"ca_file": "none.pem"}, "certificate authorities"),
        ({"ca_file": "text.pem"}, "certificate authorities"),
        ({"allowed_hosts": "mail.example.org *"}, r"allowed hosts cannot be read: \*"),
    ],
)
def test_settings_of_the_deployment_that_are_none_are_named(
    tmp_path: Path, deployment: dict[str, str], said: str
) -> None:
    (tmp_path / "text.pem").write_text("hello")
    if name := deployment.get("ca_file"):
        deployment = {"ca_file": str(tmp_path / name)}
    with form_world(tmp_path, **deployment) as world:
        connection = world.add()
        with pytest.raises(ConfigError, match=said):
            world.test(connection)
        assert not world.plugin.sessions


def test_what_was_tested_and_not_saved_is_forgotten_in_time(world: FormWorld) -> None:
    upkeep = Upkeep(world.engine)
    connection = world.add()
    world.test(connection)
    upkeep.tick(world.clock())
    assert _tests(world) == 1
    world.clock.advance(minutes=10)
    assert not upkeep.tick(world.clock()), "the rest of the upkeep has time"
    assert _tests(world) == 0


def _tests(world: FormWorld) -> int:
    with world.engine.store.read() as c:
        return int(c.exec_driver_sql("SELECT count(*) FROM marketplace_credential_test").scalar_one())
