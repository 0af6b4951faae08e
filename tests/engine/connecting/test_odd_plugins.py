"""A plugin that raises what it must not, answers nothing, or tells a calendar twice: nobody meets an error page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from marketplace_plugin.contract.hookspecs import StepState, TestStep
from marketplace_plugin.contract.steps import run_steps
from marketplace_plugin.engine.account import connections, settings
from marketplace_plugin.engine.context import RunOutcome, Trigger
from marketplace_plugin.engine.form import credentials
from marketplace_plugin.engine.run import run_pass
from marketplace_plugin.engine.views import ConnectionState
from marketplace_plugin.errors import ServerHandedOver, ServerNotAllowed
from tests.engine.forms import AUTH, ENTERED, Calendars, FormPlugin, FormWorld, form_world
from tests.engine.shell import ANNA_HERE, BROWSER, START, a_world, connect, install
from tests.logged import logged


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FormWorld]:
    with form_world(tmp_path) as made:
        yield made


def boom(*arguments: Any) -> Any:
    raise KeyError("Zahnarzt")


def twice(account: Calendars) -> Any:
    return [*LISTED(account), *LISTED(account)]


LISTED = Calendars.collections
ODD: dict[str, tuple[type, str, Callable[..., Any]]] = {
    "opening raises": (FormPlugin, "open_provider", boom),
    "nothing is opened": (FormPlugin, "open_provider", lambda *arguments: None),
    "the list raises": (Calendars, "collections", boom),
    "there is no list": (Calendars, "collections", lambda account: None),
    "the list holds something else": (Calendars, "collections", lambda account: ["cal"]),
    "a calendar comes twice": (Calendars, "collections", twice),
}


@pytest.mark.parametrize("odd", ODD)
def test_the_settings_show_the_list_as_it_was(world: FormWorld, odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = world.connected()
    monkeypatch.setattr(*ODD[odd])
    shown = settings.settings(world.engine, ANNA_HERE, connection)
    assert shown.reload_error == "contract-violation"
    assert [one.title for one in shown.collections] == ["Kalender"]


@pytest.mark.parametrize("odd", ODD)
def test_what_was_saved_is_told_as_saved(world: FormWorld, odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = world.add()
    assert world.test(connection).passed
    monkeypatch.setattr(*ODD[odd])
    with logged() as log:
        found = credentials.save(world.engine, ANNA_HERE, connection, BROWSER, ENTERED)
    assert (found.collections, found.reload_error) == ((), "contract-violation")
    assert connections.one(world.engine, ANNA_HERE, connection).state is ConnectionState.CONNECTED
    assert "Zahnarzt" not in log.getvalue(), "an error's text may hold somebody's data"


def test_an_authorisation_stands_where_the_list_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_world(tmp_path) as world:
        monkeypatch.setattr("tests.engine.shell.ListsCalendars.collections", boom)
        install(world)
        connection = connect(world)
        assert connections.one(world.engine, ANNA_HERE, connection).state is ConnectionState.CONNECTED


def test_closing_that_raises_ends_neither_a_pass_nor_a_page(world: FormWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = world.connected()
    world.choose(connection)
    monkeypatch.setattr(Calendars, "close", boom)
    with logged() as log:
        ended = run_pass(world.engine, connection, Trigger.BUTTON, "run-1")
        shown = settings.settings(world.engine, ANNA_HERE, connection)
    assert (ended.outcome, ended.error) == (RunOutcome.WAITS, "")
    assert shown.reload_error == ""
    assert "KeyError" in log.getvalue()
    assert "Zahnarzt" not in log.getvalue()


# ---- tests -----------------------------------------------------------------------------------------------------------


def test_no_step_is_no_pass(world: FormWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = world.connected()
    for name in ("test_connection", "test_credentials"):
        monkeypatch.setattr(FormPlugin, name, lambda *arguments, **named: ())
    (step,) = connections.examine(world.engine, ANNA_HERE, connection)
    assert (step.state, step.cause) == (StepState.FAILED, "plugin-failed")
    tried = world.test(connection)
    assert [(one.state, one.cause) for one in tried.steps] == [(StepState.FAILED, "plugin-failed")]
    assert not tried.passed


def test_a_form_without_a_server_names_the_one_that_the_plugin_asked(world: FormWorld) -> None:
    fields = tuple(one for one in AUTH.fields if one.name != "server")
    world.plugin.entry = replace(world.plugin.entry, auth=replace(AUTH, fields=fields))
    world.plugin.fails = TestStep("server", StepState.FAILED, 0, ServerNotAllowed.code, "ask-admin")
    connection = world.add()
    tried = world.test(connection)
    assert (tried.passed, tried.refused, len(tried.steps)) == (False, "", 1)
    world.plugin.fails = TestStep(
        "server", StepState.FAILED, 0, ServerNotAllowed.code, "ask-admin", (("server", "cal.acme.example"),)
    )
    assert world.test(connection).refused == "cal.acme.example"


def test_a_step_tells_which_server_is_not_allowed() -> None:
    def check() -> Any:
        raise ServerNotAllowed("cal.acme.example", 8443)

    def other() -> Any:
        raise ServerHandedOver("cal.acme.example")

    (step,) = run_steps({"server": check}, lambda: START)
    assert (step.cause, dict(step.facts)) == (ServerNotAllowed.code, {"server": "cal.acme.example:8443"})
    (step,) = run_steps({"server": other}, lambda: START)
    assert (step.cause, dict(step.facts)) == (ServerHandedOver.code, {"server": "cal.acme.example"})
