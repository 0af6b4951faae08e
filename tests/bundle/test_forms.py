"""Integrations that are authorised by a form: what their manifest says of it, and the two hooks behind its buttons."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from marketplace_plugin.bundle.manifest import AuthType, FormField, HandOver
from marketplace_plugin.bundle.registry import Registry
from marketplace_plugin.bundle.schema import read_manifest
from marketplace_plugin.contract.hookspecs import Credentials, ServerSearch, StepState, TestStep
from marketplace_plugin.contract.provider import Session
from tests.bundle.test_manifest import entry
from tests.bundle.test_registry import GOOD, SESSION, WriteBundle

FIELDS = [{"name": "username"}, {"name": "password", "secret": True}, {"name": "email", "required": False}]
FORM = {"type": "form", "fields": FIELDS, "hand_over": {"to": "other", "hosts": ["*.cloud.example"]}}
HOOKS = """
from marketplace_plugin import Credentials, ServerSearch, StepState, TestStep, hookimpl

@hookimpl
def search_server(email, session):
    if email == "nobody@example.org":
        raise RuntimeError(email)
    return ServerSearch((TestStep("service-record", StepState.PASSED),), "mail.example.org")

@hookimpl
def test_credentials(session, write):
    yield TestStep("sign-in", StepState.PASSED)
    if write:
        raise RuntimeError(session.secrets["password"])
    yield Credentials({"url": "https://mail.example.org"}, {"account": "anna"})
"""
Change = Callable[[dict[str, Any]], None]


def test_a_form_names_its_fields_and_what_it_hands_over(acme: Path) -> None:
    assert entry(acme, lambda e: e.update(auth=FORM)) == []
    auth = read_manifest(acme / "manifest.yaml").integrations[0].auth
    assert auth.type is AuthType.FORM
    assert auth.fields == (
        FormField("username"),
        FormField("password", secret=True),
        FormField("email", required=False),
    )
    assert auth.hand_over == HandOver("other", ("*.cloud.example",))


@pytest.mark.parametrize(
    "auth, said",
    [
        (FORM | {"token_url": "https://x.example/t"}, "auth.token_url: unknown key for type form"),
        (FORM | {"fields": [{"nmae": "username"}]}, "did you mean name?"),
        (FORM | {"hand_over": {"to": "other", "hosts": ["https://x.example"]}}, "expected the name of a server"),
        (FORM | {"hand_over": {"to": "other", "hosts": []}}, "expected at least one"),
    ],
)
def test_what_a_form_cannot_say(acme: Path, auth: dict[str, Any], said: str) -> None:
    assert any(said in error for error in entry(acme, lambda e: e.update(auth=auth)))


@pytest.mark.parametrize("key", ["fields", "hand_over"])
def test_a_sign_in_at_the_service_has_no_form(acme: Path, key: str) -> None:
    (error,) = entry(acme, lambda e: e["auth"].update({key: FORM[key]}))
    assert f"auth.{key}: only for type form" in error


def test_the_hooks_behind_the_buttons(write_bundle: WriteBundle, caplog: pytest.LogCaptureFixture) -> None:
    registry = Registry.of(write_bundle("one", {"a": HOOKS, "b": GOOD}))
    found = registry.search_server("one_a", "anna@example.org", SESSION)
    assert found.server == "mail.example.org"
    passed, kept = registry.test_credentials("one_a", SESSION, None, False)
    assert passed == TestStep("sign-in", StepState.PASSED)
    assert isinstance(kept, Credentials)
    assert "mail.example.org" not in repr(kept)
    assert registry.search_server("one_b", "anna@example.org", SESSION) == ServerSearch(())
    assert list(registry.test_credentials("one_b", SESSION, None, False)) == []


def test_a_raise_is_a_failed_step_and_tells_nothing(
    write_bundle: WriteBundle, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registry.of(write_bundle("one", {"a": HOOKS}))
    session = Session("c1", "", "i1", SESSION.now, secrets={"password": "planted"})
    with caplog.at_level(logging.DEBUG):
        (step,) = registry.search_server("one_a", "nobody@example.org", session).steps
        *_, last = registry.test_credentials("one_a", session, None, True)
    assert step == last == TestStep("unexpected", StepState.FAILED, cause="plugin-failed")
    assert "planted" not in caplog.text
    assert "nobody" not in caplog.text
    assert "planted" not in repr(session)


def test_our_own_form_sends_no_password_to_the_cloud() -> None:
    path = Path(__file__).resolve().parents[2] / "manifest.yaml"
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))["integrations"]
    forms = [one for one in entries if one["auth"]["type"] == "form"]
    assert forms
    for one in forms:
        assert [field["name"] for field in one["auth"]["fields"] if field.get("secret")] == ["password"]
        assert one["auth"]["hand_over"]["to"] in {other["id"] for other in entries}
