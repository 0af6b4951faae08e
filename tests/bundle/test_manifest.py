"""The manifest: what it may say, and what its errors tell."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from marketplace_plugin.bundle import open_bundle, own_root
from marketplace_plugin.bundle.fragments import breaches
from marketplace_plugin.bundle.manifest import AuthType, Integration, Stage
from marketplace_plugin.bundle.schema import SLOTS, read_manifest
from marketplace_plugin.errors import ConfigError, ManifestError
from marketplace_plugin.model.item import Kind

ICONS = own_root() / "marketplace_plugin" / "web" / "static" / "icons.svg"


def entry(path: Path, change: Callable[[dict[str, Any]], None]) -> list[str]:
    """What the errors say after ``change`` to the example's entry."""
    file = path / "manifest.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    change(document["integrations"][0])
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return [str(error) for broken in read_manifest(file).broken for error in broken.errors]


def test_our_own_manifest_is_whole() -> None:
    manifest = open_bundle(own_root()).manifest
    assert not manifest.broken
    assert [i.id for i in manifest.integrations] == ["google", "exchange", "office365"]
    google = manifest.integrations[0]
    assert google.auth.type is AuthType.OAUTH2
    assert {s.name for s in google.auth.scopes_for()} == {
        "openid",
        "email",
        "https://www.googleapis.com/auth/calendar.events",
        "https://www.googleapis.com/auth/calendar.calendarlist.readonly",
    }
    assert dict(google.auth.params)["access_type"] == "offline"
    assert "select_account" in dict(google.auth.params)["prompt"]


@pytest.mark.parametrize("integration", open_bundle(own_root()).manifest.integrations, ids=lambda i: i.id)
def test_our_entries_keep_the_guide(integration: Integration) -> None:
    assert f'id="{integration.icon}"' in ICONS.read_text(encoding="utf-8")
    assert integration.available == bool(integration.hooks)
    texts = [integration.name, integration.summary, *integration.points, *integration.requirements]
    assert all(text.de != text.en or text.de == "" for text in texts)
    for _, file in integration.fragments:
        source = (own_root() / "ui_fragments" / file).read_text(encoding="utf-8")
        assert list(breaches(integration.id, source)) == []


def test_deployment_settings_come_from_the_environment_then_the_manifest() -> None:
    google = open_bundle(own_root()).manifest.integrations[0]
    environ = {
        "MARKETPLACE_GOOGLE_CLIENT_ID": "id",
        "MARKETPLACE_GOOGLE_CLIENT_SECRET": "secret",
        "MARKETPLACE_GOOGLE_TOKEN_URL": "http://127.0.0.1:1/token",
    }
    values = google.require_settings(environ)
    assert values["token_url"] == "http://127.0.0.1:1/token"
    assert values["authorize_url"] == "https://accounts.google.com/o/oauth2/v2/auth"
    assert values["revoke_url"] == "https://oauth2.googleapis.com/revoke"
    assert [s.name for s in google.settings if s.secret] == ["client_secret"]
    with pytest.raises(
        ConfigError, match=r"google: set MARKETPLACE_GOOGLE_CLIENT_ID, MARKETPLACE_GOOGLE_CLIENT_SECRET"
    ):
        google.require_settings({})


MICROSOFT = {"MARKETPLACE_MICROSOFT_CLIENT_ID": "id", "MARKETPLACE_MICROSOFT_CLIENT_SECRET": "secret"}


def test_addresses_are_made_of_settings_and_each_can_be_replaced_whole() -> None:
    office = next(i for i in open_bundle(own_root()).manifest.integrations if i.id == "office365")
    values = office.require_settings(MICROSOFT)
    login = "https://login.microsoftonline.com"
    assert values["authorize_url"] == f"{login}/common/oauth2/v2.0/authorize"
    assert values["token_url"] == f"{login}/common/oauth2/v2.0/token"
    assert values["admin_consent_url"] == f"{login}/organizations/v2.0/adminconsent"
    assert values["graph_root"] == "https://graph.microsoft.com/v1.0"
    assert "revoke_url" not in values
    elsewhere = {
        "MARKETPLACE_MICROSOFT_TENANT": "contoso.example",
        "MARKETPLACE_MICROSOFT_AUTHORITY": "https://login.microsoftonline.us",
        "MARKETPLACE_MICROSOFT_TOKEN_URL": "https://token.example/{tenant}",
    }
    values = office.require_settings(MICROSOFT | elsewhere)
    assert values["authorize_url"] == "https://login.microsoftonline.us/contoso.example/oauth2/v2.0/authorize"
    assert values["token_url"] == "https://token.example/{tenant}", "what a deployment sets stands as it is"
    assert values["admin_consent_url"] == "https://login.microsoftonline.us/contoso.example/v2.0/adminconsent"


@pytest.mark.parametrize("tenant", ["common", "consumers", "organizations"])
def test_the_address_for_an_administrator_takes_no_tenant_that_has_none(tenant: str) -> None:
    office = next(i for i in open_bundle(own_root()).manifest.integrations if i.id == "office365")
    values = office.setting_values(MICROSOFT | {"MARKETPLACE_MICROSOFT_TENANT": tenant})
    assert f"/{tenant}/oauth2/" in values["authorize_url"]
    assert "/organizations/v2.0/adminconsent" in values["admin_consent_url"]


@pytest.mark.parametrize(
    "auth, key, said",
    [
        ({"token_url": "{login}/token"}, "auth.token_url", "expected {login} to name a setting that has a default"),
        ({"token_url": "https://{tenant}.example/"}, "auth.token_url", "expected {tenant} to name a setting"),
        ({"token_url": "{plain}/token"}, "auth.token_url", "expected an address that starts with https://"),
        ({"admin_consent": {"url": "{plain}/c"}}, "auth.admin_consent.url", "expected an address that starts with"),
        ({"admin_consent": {"address": "x"}}, "auth.admin_consent.url", "missing"),
        ({"admin_consent": {"url": "https://a.example", "neded": []}}, "auth.admin_consent.neded", "mean needed?"),
        ({"scope_match": "prefix"}, "auth.scope_match", "expected one of: exact, last-segment"),
        ({"scopes": [{"name": "a", "feature": "calender"}]}, "auth.scopes[0].feature", "shared"),
    ],
)
def test_facts_about_signing_in_are_checked(acme: Path, auth: dict[str, Any], key: str, said: str) -> None:
    def change(entry: dict[str, Any]) -> None:
        entry["auth"] |= auth
        entry["settings"] = {"plain": {"env": "PLAIN", "default": "http://plain.example"}, "tenant": {"env": "TENANT"}}

    errors = entry(acme, change)
    assert any(key in error and said in error for error in errors), errors


def test_the_vendors_example_is_read(acme: Path) -> None:
    manifest = read_manifest(acme / "manifest.yaml")
    (integration,) = manifest.integrations
    assert integration.kinds == (Kind.EVENT, Kind.TASK, Kind.CALL)
    assert integration.stage is Stage.AVAILABLE
    assert integration.name.in_("en_GB") == "Acme Calendar"
    assert [s.name for s in integration.auth.scopes_for(frozenset({"contact"}))] == ["events", "contacts"]
    assert [s.name for s in integration.auth.scopes_for()] == ["events"]


@pytest.mark.parametrize(
    "key, value, said",
    [
        ("name", {"de": "Acme"}, "name.en: missing: expected the English text"),
        ("name", "Acme", "name: expected the keys de and en, each with a text"),
        ("version", 2.1, "version: expected a text (put quotes around it)"),
        ("version", "newest", 'version: expected a version such as "1.0.0", in quotes'),
        ("category", "calender", "category: expected one of: calendar, contacts,"),
        ("kinds", [], "kinds: expected at least one"),
        ("kinds", ["event", "mail"], "kinds[1]: expected one of: event, contact, task, call"),
        ("id", "Acme!", "id: expected lower-case letters, digits and _, starting with a letter"),
        ("hooks", "acme.py", "hooks: expected the name of a module below hooks/, without .py"),
        ("summry", {"de": "a", "en": "b"}, "summry: unknown; did you mean summary?"),
        ("auth", {"type": "saml"}, "auth.type: expected one of: oauth2, form"),
        ("auth", {"type": "oauth2"}, "auth.authorize_url: missing: expected an address, as the type is oauth2"),
        ("auth", {"type": "form", "token_url": "https://a.example"}, "auth.token_url: unknown key for type form"),
        (
            "auth",
            {"type": "oauth2", "authorize_url": "http://a.example", "token_url": "https://a.example"},
            "auth.authorize_url: expected an address that starts with https://",
        ),
        ("settings", {"client_id": {"env": "acme"}}, "settings.client_id.env: expected the name of an environment"),
        ("fragments", {"profile.conect": "a.html"}, "fragments.profile.conect: unknown; did you mean profile.connect?"),
        ("permissions", [{"area": {"de": "a", "en": "b"}, "level": "all", "why": {"de": "a", "en": "b"}}],
         "permissions[0].level: expected one of: read, write, none"),
        ("tone", "t9", "tone: expected a tone from t0 to t5"),
    ],
)  # fmt: skip
def test_an_error_names_file_key_and_what_was_expected(acme: Path, key: str, value: Any, said: str) -> None:
    errors = entry(acme, lambda e: e.update({key: value}))
    assert any(error.startswith(f"manifest.yaml: integrations[0].{said}") for error in errors), errors


@pytest.mark.parametrize(
    "key, said",
    [("vendor", "missing: expected a text"), ("hooks", "missing: expected the name of a module below hooks/")],
)
def test_an_entry_without_a_key_says_so(acme: Path, key: str, said: str) -> None:
    assert entry(acme, lambda e: e.pop(key)) == [f"manifest.yaml: integrations[0].{key}: {said}"]


def test_errors_carry_their_parts(acme: Path) -> None:
    file = acme / "manifest.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("category: calendar", "category: x"), encoding="utf-8")
    (broken,) = read_manifest(file).broken
    (error,) = broken.errors
    assert (broken.id, error.file, error.key) == ("acme", "manifest.yaml", "integrations[0].category")
    assert error.expected.startswith("expected one of")


@pytest.mark.parametrize(
    "text, said",
    [
        ("bundle: acme\n  integrations: [", "line 2"),
        ("bundle: acme\nbundle: acme\nintegrations: []", "line 2: the key 'bundle' is given twice"),
        ("[]", "expected the keys bundle and integrations, and no other"),
        ("bundle: acme\nintegrations: []\nplugins: []", "expected the keys bundle and integrations, and no other"),
        ("bundle: Acme\nintegrations: [1]", "bundle: expected lower-case letters"),
        ("bundle: acme\nintegrations: {}", "integrations: expected a list with at least one entry"),
        ("bundle: !!python/object:os.system x\nintegrations: []", "line 1"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "manifest.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError, match=re.escape(said)):
        read_manifest(tmp_path / "manifest.yaml")


def test_a_missing_or_binary_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"manifest.yaml: cannot be read \(FileNotFoundError\)"):
        read_manifest(tmp_path / "manifest.yaml")
    (tmp_path / "manifest.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ManifestError, match=r"cannot be read \(UnicodeDecodeError\)"):
        read_manifest(tmp_path / "manifest.yaml")


def test_one_bad_entry_leaves_the_others(acme: Path) -> None:
    file = acme / "manifest.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    good = document["integrations"][0]
    bad, twin, thief = {**good, "id": "bad", "kinds": 7}, dict(good), {**good, "id": "thief"}
    document["integrations"] = [bad, good, twin, thief, "text"]
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    manifest = read_manifest(file)
    assert [i.id for i in manifest.integrations] == ["acme"]
    said = {broken.id: str(broken.errors[0]) for broken in manifest.broken}
    assert said["bad"] == "manifest.yaml: integrations[0].kinds: expected a list"
    assert "expected an id of its own" in said["acme"]
    assert "hooks/acme.py belongs to an entry above" in said["thief"]
    assert said["integrations[4]"] == "manifest.yaml: integrations[4]: expected a mapping of keys to values"


def test_every_slot_is_named_in_the_guide() -> None:
    guide = (own_root() / "docs" / "vendor-guide.md").read_text(encoding="utf-8")
    assert [slot for slot in sorted(SLOTS) if f"`{slot}`" not in guide] == []
