"""How requests reach an Exchange server: signed in once, over checked TLS, to allowed hosts, and never twice."""

from __future__ import annotations

import logging
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from marketplace_plugin.errors import (
    AnswerLost,
    AuthorizationExpired,
    CertificateRefused,
    ContractViolation,
    InsecureTransport,
    ServerNotAllowed,
    Throttled,
    Unavailable,
)
from marketplace_plugin.model.change import Stamp
from marketplace_plugin.model.write import Create, Deferred
from marketplace_plugin.providers.ews import ExchangeAccount
from marketplace_plugin.providers.ews.soap.errors import UnsupportedVersion
from tests.providers.ews.world import ANNA, JONAS, World
from tests.providers.serving import meeting
from tests.providers.world import WINDOW


def primary(provider: ExchangeAccount) -> str:
    return next(info.id for info in provider.collections() if info.primary)


# ---- signing in ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", ["ntlm", "basic"])
@pytest.mark.parametrize("username", [ANNA, "NORDWERK\\anna"])
def test_each_scheme_signs_in_with_each_form_of_name(world: World, auth: str, username: str) -> None:
    provider = world.open(auth=auth, username=username)
    assert provider.sign_in().name == "Exchange Server SE"
    assert provider.sign_in().version == "15.2.2562.17"
    assert all(one.accepted for one in world.sandbox.sign_ins)


@pytest.mark.parametrize("auth", ["ntlm", "basic"])
def test_a_password_may_hold_any_letter(world: World, auth: str) -> None:
    password = "Grüße-für-5-€-Ωmega"
    world.sandbox.state.accounts[ANNA].password = password
    world.open(auth=auth, password=password).sign_in()


def test_ntlm_signs_in_a_connection_once(world: World) -> None:
    provider = world.open()
    for _ in range(3):
        provider.sign_in()
    assert len(world.sandbox.sign_ins) == 1


def test_ntlm_is_bound_to_the_certificate(world: World) -> None:
    world.sandbox.state.knobs.extended_protection = True
    world.open().sign_in()


@pytest.mark.parametrize("auth", ["ntlm", "basic"])
def test_a_wrong_password_is_tried_once(world: World, auth: str) -> None:
    provider = world.open(auth=auth, password="falsch")
    for _ in range(2):
        with pytest.raises(AuthorizationExpired):
            provider.collections()
    with pytest.raises(AuthorizationExpired):
        list(provider.pull("calendar", None, WINDOW))
    with pytest.raises(AuthorizationExpired):
        list(
            provider.push(
                "calendar", [Create("op", Stamp("i", "l"), meeting()), Create("op2", Stamp("i", "m"), meeting())]
            )
        )
    assert [one.accepted for one in world.sandbox.sign_ins] == [False]


def test_a_password_that_was_changed_ends_the_pass(world: World) -> None:
    provider = world.open(auth="basic")
    calendar = primary(provider)
    world.sandbox.state.accounts[ANNA].password = "anders"
    with pytest.raises(AuthorizationExpired):
        list(provider.push(calendar, [Create("op", Stamp("i", "l"), meeting())]))
    assert sum(not one.accepted for one in world.sandbox.sign_ins) == 1
    assert world.user().items() == []


def test_two_accounts_never_share_a_connection(world: World) -> None:
    """NTLM signs in the connection: whoever came second would read as the first."""
    world.user(ANNA).create("Annas", meeting().when.start.wall)  # type: ignore[union-attr]  # a timed event
    world.user(JONAS).create("Jonas'", meeting().when.start.wall)  # type: ignore[union-attr]  # a timed event
    seen = {}
    for email in (ANNA, JONAS, ANNA):
        provider = world.open(email, shared="")
        (page,) = provider.pull(primary(provider), None, WINDOW)
        (change,) = page.changes
        seen[email] = repr(change)
    assert "Annas" in seen[ANNA]
    assert "Jonas'" in seen[JONAS]
    assert {one.user for one in world.sandbox.sign_ins} == {ANNA, JONAS}


# ---- TLS and hosts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flaw, why", [("expired", "expired"), ("other host", "other-name"), ("self-signed", "unknown-authority")]
)
def test_a_certificate_that_is_not_to_be_trusted_ends_everything(flaw: Any, why: str) -> None:
    with World(options={"flaw": flaw}) as world, pytest.raises(CertificateRefused) as caught:
        world.open().sign_in()
    assert caught.value.why == why
    assert not world.sandbox.sign_ins


def test_an_unknown_authority_is_refused(world: World) -> None:
    session = world.session()
    provider = ExchangeAccount(replace(session, settings={**session.settings, "ca": ""}))
    with pytest.raises(CertificateRefused):
        provider.sign_in()
    assert not world.sandbox.log


def test_an_authority_of_the_environment_is_none_of_ours(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(world.sandbox.ca_file))
    test_an_unknown_authority_is_refused(world)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    world.open().sign_in()


def test_a_password_goes_to_allowed_hosts_only(world: World) -> None:
    session = world.session()
    for allowed in ("", "mail.nordwerk.example", "localhost", "*.nordwerk.example"):
        provider = ExchangeAccount(replace(session, settings={**session.settings, "allowed_hosts": allowed}))
        with pytest.raises(ServerNotAllowed):
            provider.sign_in()
    assert not world.sandbox.log


def test_http_is_refused(world: World) -> None:
    with pytest.raises(InsecureTransport):
        world.open(url=world.sandbox.ews_url.replace("https:", "http:"))


@pytest.mark.parametrize("missing", ["username", "password"])
def test_without_a_sign_in_nothing_is_opened(world: World, missing: str) -> None:
    with pytest.raises(AuthorizationExpired):
        world.open(**{missing: ""})


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(world: World, status: int) -> None:
    world.sandbox.faults.add("status", status=status)
    with pytest.raises(ContractViolation):
        world.open().sign_in()
    assert len([row for row in world.sandbox.log if row.account is not None]) == 1


# ---- what goes wrong ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault, pause",
    [
        ({"action": "fault", "code": "ErrorServerBusy", "back_off": 297_749}, timedelta(seconds=297.749)),
        ({"action": "fault", "code": "ErrorServerBusy"}, None),
        ({"action": "fault", "code": "ErrorTooManyObjectsOpened"}, None),
        ({"action": "error", "code": "ErrorServerBusy"}, None),
        ({"action": "status", "status": 503, "retry_after": 30}, timedelta(seconds=30)),
        ({"action": "status", "status": 429, "retry_after": 5}, timedelta(seconds=5)),
    ],
    ids=lambda value: (
        "" if not isinstance(value, dict) else f"{value['action']}-{value.get('code', value.get('status'))}"
    ),
)
def test_a_wish_for_a_pause_is_told_and_not_waited_for(
    world: World, fault: dict[str, Any], pause: timedelta | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = world.open()
    calendar = primary(provider)
    monkeypatch.setattr("time.sleep", _never)
    before = len(world.requests())
    world.sandbox.faults.add(**fault)
    with pytest.raises(Throttled) as caught:
        list(provider.pull(calendar, None, WINDOW))
    assert caught.value.retry_after == pause
    world.sandbox.faults.add(**fault)
    (outcome,) = provider.push(calendar, [Create("op", Stamp("i", "l"), meeting())])
    assert outcome == Deferred("op", pause)
    assert len(world.requests()) == before + 2


def _never(seconds: float) -> None:
    raise AssertionError(f"slept {seconds} s")


def test_an_answer_that_was_cut_off_is_none(world: World) -> None:
    """exchangelib's parser mends it, and what was lost of a page of changes would be lost for good."""
    provider = world.open()
    calendar = primary(provider)
    world.sandbox.faults.add("truncate", operation="SyncFolderItems")
    with pytest.raises(AnswerLost):
        list(provider.pull(calendar, None, WINDOW))


@pytest.mark.parametrize("action", ["drop_before", "drop_after"])
def test_a_connection_that_breaks_is_unavailable_and_the_next_one_works(world: World, action: Any) -> None:
    provider = world.open()
    world.sandbox.faults.add(action)
    with pytest.raises(Unavailable):
        provider.sign_in()
    provider.sign_in()


def test_nobody_answers(world: World) -> None:
    session = world.session()
    world.sandbox.stop()
    with pytest.raises(Unavailable):
        ExchangeAccount(session).sign_in()


def test_a_mailbox_without_ews_is_told_apart(world: World) -> None:
    world.sandbox.state.knobs.ews_enabled = False
    with pytest.raises(Exception, match="403"):
        world.open().sign_in()


def test_an_answer_without_end_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from marketplace_plugin.providers.ews.soap import wire

    provider = world.open()
    monkeypatch.setattr(wire, "LARGEST", 100)
    with pytest.raises(ContractViolation):
        provider.sign_in()
    monkeypatch.setattr(wire, "LARGEST", 10_000_000)
    monkeypatch.setattr(wire, "SLOWEST", -1)
    with pytest.raises(AnswerLost):
        provider.sign_in()


# ---- versions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("server", ["Exchange2007", "Exchange2007_SP1"])
def test_exchange_2007_is_refused_by_name(world: World, server: str) -> None:
    world.sandbox.state.knobs.version = server
    with pytest.raises(UnsupportedVersion) as caught:
        world.open(version="").sign_in()
    assert caught.value.name == "Exchange 2007"
    with pytest.raises(UnsupportedVersion):
        world.open(version="8.3.83.6").sign_in()


@pytest.mark.parametrize(
    "server, name",
    [
        ("Exchange2010", "Exchange Server 2010"),
        ("Exchange2010_SP3", "Exchange Server 2010 SP3"),
        ("Exchange2013_SP1", "Exchange Server 2013 SP1"),
        ("Exchange2016", "Exchange Server 2016"),
        ("Exchange2019", "Exchange Server 2019"),
        ("ExchangeSE", "Exchange Server SE"),
    ],
)
def test_every_later_version_is_known_by_name(world: World, server: str, name: str) -> None:
    world.sandbox.state.knobs.version = server
    told = world.open(version="").sign_in()
    assert told.name == name
    assert world.open(version=told.version).sign_in() == told


# ---- runtime ------------------------------------------------------------------------------------------------------


def test_nothing_is_kept_of_an_account_after_its_pass(world: World) -> None:
    """exchangelib keeps each of its protocols, with the password, until the process ends."""
    from exchangelib.protocol import CachingProtocol

    for email in (ANNA, JONAS) * 3:
        provider = world.open(email, shared="")
        provider.collections()
        line = provider._reader.client._line
        provider.close()
        assert line is not None
        assert line._session_pool.empty()
    assert CachingProtocol._protocol_cache == {}


def test_one_context_of_tls_serves_all_accounts(world: World) -> None:
    from marketplace_plugin.contract.reach import Reach

    contexts = {id(Reach.of(world.session(email).settings).tls()) for email in (ANNA, JONAS)}
    assert len(contexts) == 1


def test_the_library_is_imported_with_the_first_request(tmp_path: Path) -> None:
    """And its cache on disk, which anybody could have filled, is not made."""
    script = """
import sys
import hooks.exchange
from datetime import UTC, datetime
from marketplace_plugin.contract.provider import Session
from marketplace_plugin.providers.ews import ExchangeAccount
secrets = {"username": "a@b.example", "password": "p", "url": "https://127.0.0.1:9/EWS/Exchange.asmx"}
session = Session("c", "a", "i", lambda: datetime.now(UTC), None, secrets, {"allowed_hosts": "127.0.0.1:9"})
provider = ExchangeAccount(session)
assert not [name for name in sys.modules if name.partition(".")[0] == "exchangelib"], "too early"
try:
    provider.collections()
except Exception as error:
    print(type(error).__name__)
assert "exchangelib" in sys.modules
"""
    environment = {"TMPDIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment, cwd=Path.cwd()
    )
    assert done.stdout.strip() == "NotSent", done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_library_writes_no_requests_into_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    provider = world.open()
    list(provider.push(primary(provider), [Create("op", Stamp("i", "l"), meeting("GEHEIM"))]))
    world.sandbox.faults.add("drop_before")
    list(provider.push("calendar", [Create("op", Stamp("i", "l"), meeting("GEHEIM"))]))
    assert "GEHEIM" not in caplog.text
    assert world.session().secrets["password"] not in caplog.text


def test_secrets_do_not_show(world: World) -> None:
    provider = world.open()
    provider.sign_in()
    line = provider._reader.client._line
    for shown in (repr(world.session()), repr(line), repr(line.config if line else None)):
        assert world.session().secrets["password"] not in shown
