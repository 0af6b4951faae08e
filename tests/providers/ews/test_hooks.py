"""The hook module of the Exchange integration: search, test with a named cause for each failure, whose mailbox."""

from __future__ import annotations

import socket
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from marketplace_plugin import Account, Credentials, StepState, TestStep
from marketplace_plugin.bundle.load import open_bundle, own_root
from marketplace_plugin.contract.provider import Session
from marketplace_plugin.sandbox.ews.transport import tls
from tests.providers.ews.world import ANNA, BOSS, JONAS, PASSWORD, WRITES, World

hooks: Any = open_bundle(own_root()).import_hooks("exchange")  # as a host does: never as a global `hooks`
PASSED, FAILED, SKIPPED = StepState.PASSED, StepState.FAILED, StepState.SKIPPED
STEPS = ["server", "tls", "sign-in", "calendars", "target"]


def entered(world: World, **fields: str) -> Session:
    """What a person has typed in, before anything is known."""
    session = world.session(ANNA)
    typed = {"username": ANNA, "password": PASSWORD, "server": origin(world), "email": ANNA, **fields}
    return replace(session, secrets=typed)


def origin(world: World) -> str:
    return world.sandbox.url.removeprefix("https://")


def tried(session: Session, *, write: bool = False, target: str | None = None) -> tuple[dict[str, TestStep], Any]:
    steps: dict[str, TestStep] = {}
    kept = None
    for one in hooks.test_credentials(session=session, target=target, write=write):
        if isinstance(one, Credentials):
            kept = one
        else:
            steps[one.name] = one
    assert list(steps) == STEPS
    return steps, kept


def fails_at(steps: dict[str, TestStep], name: str) -> tuple[str, str]:
    """Cause and way out of the one step that failed; what comes after is left out."""
    at = STEPS.index(name)
    assert [step.state for step in steps.values()] == [PASSED] * at + [FAILED] + [SKIPPED] * (4 - at)
    return steps[name].cause, steps[name].way_out


@pytest.mark.parametrize("username", [ANNA, "NORDWERK\\anna"])
def test_all_is_well(world: World, username: str) -> None:
    steps, kept = tried(entered(world, username=username), write=True)
    assert [step.state for step in steps.values()] == [PASSED] * 5
    facts = {name: dict(step.facts) for name, step in steps.items()}
    assert facts["server"] == {"server": "localhost", "address": "127.0.0.1"}
    assert facts["tls"]["protocol"] == "TLS 1.3"
    assert facts["sign-in"] == {"account": ANNA, "scheme": "NTLM", "version": "Exchange Server SE"}
    assert int(facts["calendars"]["calendars"]) >= 1
    assert "taken-away" in facts["target"]
    assert dict(kept.fields) == {
        "url": world.sandbox.ews_url,
        "auth": "ntlm",
        "version": "15.2.2562.17",
        "mailbox": ANNA,
        "shared": "",
    }
    assert hooks.authorized_account(claims=kept.claims) == Account(f"{ANNA} localhost", ANNA)
    assert hooks.authorized_account(claims={}) is None
    assert not world.user().items()
    assert all(attempt.accepted for attempt in world.sandbox.sign_ins)


def test_what_was_kept_opens_the_provider_and_the_connection_test(world: World) -> None:
    session = entered(world, shared=f"{JONAS}; {BOSS}")
    _, kept = tried(session)
    assert kept.fields["shared"] == f"{JONAS} {BOSS}"
    later = replace(session, secrets={**session.secrets, **kept.fields})
    provider = hooks.open_provider(session=later)
    assert any(info.primary for info in provider.collections())
    provider.close()
    steps = list(hooks.test_connection(session=later, target=None, write=False))
    assert [step.state for step in steps] == [PASSED] * 4 + [SKIPPED]


def test_without_the_tick_nothing_is_written(world: World) -> None:
    steps, kept = tried(entered(world))
    assert (steps["target"].state, steps["target"].cause) == (SKIPPED, "not-ticked")
    assert kept is not None
    assert not {row.operation for row in world.sandbox.requests()} & WRITES


def test_basic_is_taken_where_nothing_better_is_offered(world: World) -> None:
    world.sandbox.state.knobs.schemes = ("Basic",)
    steps, kept = tried(entered(world, username="NORDWERK\\anna"))
    assert dict(steps["sign-in"].facts)["scheme"] == "Basic"
    assert kept.fields["auth"] == "basic"


def test_a_whole_address_is_taken_as_it_is(world: World) -> None:
    _, kept = tried(entered(world, server=world.sandbox.ews_url))
    assert kept.fields["url"] == world.sandbox.ews_url
    assert not [row for row in world.sandbox.log if "autodiscover" in row.path.lower()]


def test_the_chosen_target_is_the_one_that_is_tested(world: World) -> None:
    other = world.user().add_folder("Zweiter")
    session = entered(world)
    infos = world.open().collections()
    target = next(info.id for info in infos if info.title == other.name)
    steps, _ = tried(session, target=target, write=True)
    assert dict(steps["target"].facts)["calendar"] == "Zweiter"
    steps, _ = tried(session, target="gone")
    assert fails_at(steps, "target") == ("target-gone", "choose-target")


# ---- each failure has a cause and a way out ----------------------------------------------------------------------


def test_a_wrong_password_is_tried_once(world: World) -> None:
    """Autodiscover would ask twice more, and EWS a third time: an account is locked after a few."""
    steps, kept = tried(entered(world, password="falsch"))
    assert fails_at(steps, "sign-in") == ("wrong-password", "check-password")
    assert kept is None
    assert [attempt.accepted for attempt in world.sandbox.sign_ins] == [False]


def test_a_whole_address_with_a_wrong_password_is_tried_once_too(world: World) -> None:
    steps, _ = tried(entered(world, password="falsch", server=world.sandbox.ews_url))
    assert fails_at(steps, "sign-in") == ("wrong-password", "check-password")
    assert len(world.sandbox.sign_ins) == 1


@pytest.mark.parametrize(
    "server, cause",
    [
        ("http://localhost/EWS/Exchange.asmx", ("not-encrypted", "check-server")),
        ("mein server", ("no-address", "check-server")),
        ("mail.elsewhere.example", ("server-not-allowed", "request-server")),
        ("outlook.office365.com", ("server-handed-over", "")),
    ],
)
def test_a_server_that_cannot_be_is_named_before_anything_is_sent(
    world: World, server: str, cause: tuple[str, str]
) -> None:
    session = entered(world, server=server)
    settings = {**session.settings, "refused_hosts": "*.office365.com"}
    steps, _ = tried(replace(session, settings=settings))
    assert fails_at(steps, "server") == cause
    assert not world.sandbox.log


def test_a_name_that_leads_nowhere(world: World) -> None:
    session = entered(world, server="nowhere.invalid")
    steps, _ = tried(replace(session, settings={**session.settings, "allowed_hosts": "nowhere.invalid"}))
    assert fails_at(steps, "server") == ("server-unknown", "check-server")


def test_a_server_that_does_not_answer(world: World) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        session = entered(world, server=f"localhost:{port}")
        steps, _ = tried(replace(session, settings={**session.settings, "allowed_hosts": f"localhost:{port}"}))
    assert fails_at(steps, "tls") == ("silent", "ask-contact")


@pytest.mark.parametrize(
    "flaw, cause",
    [
        ("expired", ("certificate-expired", "ask-contact")),
        ("other host", ("certificate-of-another", "check-server")),
        ("self-signed", ("unknown-authority", "store-authority")),
    ],
)
def test_a_bad_certificate_is_named_and_no_password_is_sent(flaw: tls.Flaw, cause: tuple[str, str]) -> None:
    """Known failure 40: the step that fails is shown; the certificate's authority can be stored, never ignored."""
    with World(options={"flaw": flaw}) as world:
        steps, _ = tried(entered(world))
        assert fails_at(steps, "tls") == cause
        assert not world.sandbox.sign_ins


def test_an_authority_that_is_not_stored_is_named(world: World) -> None:
    session = entered(world)
    steps, _ = tried(replace(session, settings={**session.settings, "ca": ""}))
    assert fails_at(steps, "tls") == ("unknown-authority", "store-authority")


def test_exchange_2007_is_refused_by_name() -> None:
    with World() as world:
        world.sandbox.state.knobs.version = "Exchange2007"
        steps, _ = tried(entered(world))
    assert fails_at(steps, "sign-in") == ("version-too-old", "ask-contact")
    assert dict(steps["sign-in"].facts) == {"version": "Exchange 2007"}


def test_a_server_without_web_services(world: World) -> None:
    steps, _ = tried(entered(world, server=world.sandbox.url + "/owa/"))
    assert fails_at(steps, "sign-in") == ("no-interface", "check-server")


def test_a_mailbox_whose_web_services_are_switched_off(world: World) -> None:
    world.sandbox.state.knobs.ews_enabled = False
    steps, _ = tried(entered(world))
    assert fails_at(steps, "sign-in") == ("permission-denied", "ask-contact")


def test_a_server_that_asks_for_a_pause(world: World) -> None:
    world.sandbox.state.knobs.throttled_until = world.now + timedelta(minutes=5)
    steps, _ = tried(entered(world))
    assert fails_at(steps, "sign-in") == ("throttled", "try-later")


def test_no_way_to_sign_in_with_a_password(world: World) -> None:
    world.sandbox.state.knobs.schemes = ("Kerberos",)
    steps, _ = tried(entered(world))
    assert fails_at(steps, "sign-in") == ("no-interface", "check-server")


# ---- whose mailbox, and where it is --------------------------------------------------------------------------------


def test_the_mailbox_is_the_one_that_is_signed_in_whatever_address_is_entered(world: World) -> None:
    world.sandbox.state.share(world.sandbox.state.distinguished(JONAS, "calendar"), ANNA, "Editor")
    _, kept = tried(entered(world, username="NORDWERK\\anna", email=JONAS))
    assert kept.fields["mailbox"] == ANNA


def test_autodiscover_leads_to_the_cloud(world: World) -> None:
    world.sandbox.state.accounts[ANNA].settings_url = "https://outlook.office365.com/EWS/Exchange.asmx"
    session = entered(world)
    settings = {
        **session.settings,
        "refused_hosts": "*.office365.com",
        "allowed_hosts": f"{world.allowed} *.office365.com",
    }
    steps, kept = tried(replace(session, settings=settings))
    assert fails_at(steps, "sign-in") == ("server-handed-over", "")
    assert kept is None


def test_autodiscover_that_leads_to_a_server_that_is_not_opened(world: World) -> None:
    world.sandbox.state.accounts[ANNA].settings_url = "https://mail2.nordwerk.example/EWS/Exchange.asmx"
    steps, _ = tried(entered(world))
    assert fails_at(steps, "sign-in") == ("server-not-allowed", "request-server")
    assert dict(steps["sign-in"].facts) == {"server": "mail2.nordwerk.example"}


def test_a_referral_to_another_server_is_followed_where_that_is_opened(world: World) -> None:
    port = world.sandbox.url.rpartition(":")[2]
    world.sandbox.state.accounts[ANNA].redirect_url = f"https://127.0.0.1:{port}/autodiscover/autodiscover.xml"
    steps, _ = tried(entered(world))
    assert fails_at(steps, "sign-in")[0] == "server-not-allowed", "the address is an entry for no server of that port"
    world.sandbox.state.accounts[ANNA].redirect_url = "https://outside.example/autodiscover/autodiscover.xml"
    steps, _ = tried(entered(world))
    assert dict(steps["sign-in"].facts) == {"server": "outside.example"}


def test_without_soap_plain_xml_is_asked(world: World) -> None:
    world.sandbox.state.accounts[ANNA].settings_url = f"{world.sandbox.url}/EWS/exchange.asmx"
    rule = world.sandbox.faults.add("status", operation="/autodiscover/autodiscover.svc", status=500)
    _, kept = tried(entered(world))
    assert rule.hits == 1
    assert kept.fields["url"] == f"{world.sandbox.url}/EWS/exchange.asmx"


def test_without_autodiscover_the_usual_address_is_taken(world: World) -> None:
    _, kept = tried(entered(world, username="NORDWERK\\anna", email="nobody@elsewhere.example"))
    assert (kept.fields["url"], kept.fields["mailbox"]) == (world.sandbox.ews_url, ANNA)


@pytest.mark.parametrize(
    "to, at, cause",
    [
        ("https://autodiscover-s.outlook.com/autodiscover/autodiscover.svc", "sign-in", "server-handed-over"),
        ("https://outside.example/autodiscover/autodiscover.svc", "sign-in", "server-not-allowed"),
    ],
)
def test_a_redirect_before_the_sign_in_gets_no_password(world: World, to: str, at: str, cause: str) -> None:
    world.sandbox.state.knobs.autodiscover_moved_to = to
    session = entered(world)
    steps, _ = tried(replace(session, settings={**session.settings, "refused_hosts": "*.outlook.com"}))
    assert fails_at(steps, at)[0] == cause
    assert not world.sandbox.sign_ins


def test_a_redirect_to_plain_http_is_not_taken(world: World) -> None:
    world.sandbox.state.knobs.autodiscover_moved_to = "http://localhost/autodiscover/autodiscover.svc"
    _, kept = tried(entered(world))
    assert kept.fields["url"] == world.sandbox.ews_url, "the usual address"


def test_nothing_is_kept_in_files_for_a_whole_domain(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """exchangelib keeps what its autodiscover found in a pickle below the temporary folder, by domain alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    tried(entered(world))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("schemes", [("Basic",), ("NTLM",)], ids=["basic", "ntlm"])
@pytest.mark.parametrize("password", ["Fähre-Größe-7", "price 5 € ☂", ' "quoted" & <tag> '])
def test_a_password_may_hold_anything(world: World, schemes: tuple[str, ...], password: str) -> None:
    world.sandbox.state.knobs.schemes = schemes
    world.sandbox.state.accounts[ANNA].password = password
    _, kept = tried(entered(world, password=password))
    assert kept is not None
