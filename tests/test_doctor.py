"""What the doctor says of a deployment."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketplace_plugin.doctor import Finding, Verdict, examine
from marketplace_plugin.store.vault import new_key


@pytest.fixture
def good(tmp_path: Path) -> dict[str, str]:
    return {
        "MARKETPLACE_DATABASE_URL": f"sqlite:///{tmp_path / 'steg.db'}",
        "MARKETPLACE_SECRET_KEYS": new_key(),
        "MARKETPLACE_BASE_URL": "https://steg.example.org",
        "MARKETPLACE_GOOGLE_CLIENT_ID": "id",
        "MARKETPLACE_GOOGLE_CLIENT_SECRET": "hush-hush",
    }


MICROSOFT = {"MARKETPLACE_MICROSOFT_CLIENT_ID": "id", "MARKETPLACE_MICROSOFT_CLIENT_SECRET": "hush-hush"}


def about(findings: list[Finding], name: str) -> list[Finding]:
    return [finding for finding in findings if finding.about == name]


def test_a_good_deployment_has_nothing_bad(good: dict[str, str]) -> None:
    findings = list(examine(good | MICROSOFT))
    assert [f for f in findings if f.verdict is not Verdict.GOOD] == []
    assert "hush-hush" not in repr(findings)
    assert good["MARKETPLACE_SECRET_KEYS"] not in repr(findings)


def test_each_missing_setting_is_a_finding_with_a_way_out() -> None:
    findings = list(examine({}))
    assert len(findings) == 3
    assert all(f.verdict is Verdict.BAD and f.todo for f in findings)


def test_another_key_is_told_from_a_broken_database(good: dict[str, str], tmp_path: Path) -> None:
    list(examine(good))
    (found,) = about(list(examine(good | {"MARKETPLACE_SECRET_KEYS": new_key()})), "database")
    assert (found.verdict, "another key" in found.found) == (Verdict.BAD, True)
    (tmp_path / "no.db").write_text("this is no database, but it is long enough to be taken for one" * 20)
    (found,) = about(list(examine(good | {"MARKETPLACE_DATABASE_URL": f"sqlite:///{tmp_path / 'no.db'}"})), "database")
    assert (found.verdict, "another key" in found.found) == (Verdict.BAD, False)


def test_a_key_of_the_wrong_length_is_named_by_position(good: dict[str, str]) -> None:
    (found,) = about(list(examine(good | {"MARKETPLACE_SECRET_KEYS": "c2hvcnQ="})), "keys")
    assert "key 1" in found.found
    assert "c2hvcnQ" not in found.found


def test_an_integration_without_its_client_is_a_warning_with_the_names(good: dict[str, str]) -> None:
    del good["MARKETPLACE_GOOGLE_CLIENT_SECRET"]
    (found,) = about(list(examine(good)), "google")
    assert found.verdict is Verdict.WARNING
    assert "MARKETPLACE_GOOGLE_CLIENT_SECRET" in found.found


def test_plain_http_for_a_service_is_bad(good: dict[str, str]) -> None:
    (found,) = about(list(examine(good | {"MARKETPLACE_GOOGLE_TOKEN_URL": "http://oauth.example/token"})), "google")
    assert (found.verdict, "token_url" in found.found) == (Verdict.BAD, True)


@pytest.mark.parametrize(
    "setting, wrong",
    [
        ("MICROSOFT_AUTHORITY", "admin_consent_url, authorize_url, token_url"),
        ("MICROSOFT_TOKEN_URL", "token_url"),
        ("MICROSOFT_ADMIN_CONSENT_URL", "admin_consent_url"),
        ("GRAPH_ROOT", "graph_root"),
    ],
)
def test_every_address_of_a_service_is_looked_at(good: dict[str, str], setting: str, wrong: str) -> None:
    environ = good | MICROSOFT | {f"MARKETPLACE_{setting}": "http://plain.example"}
    (found,) = about(list(examine(environ)), "office365")
    assert (found.verdict, found.found) == (Verdict.BAD, f"not https: {wrong}")
    (fine,) = about(list(examine(environ | {f"MARKETPLACE_{setting}": "http://127.0.0.1:9"})), "office365")
    assert fine.verdict is Verdict.GOOD


@pytest.mark.parametrize(
    "setting, value, said",
    [
        ("ALLOWED_HOSTS", "mail.firma.de https://x", "allowed_hosts: https://x is no entry"),
        ("CA_FILE", "none.pem", "ca_file: cannot be read (FileNotFoundError)"),
        ("CA_FILE", "empty.pem", "ca_file: it holds no certificate"),
        ("CA_FILE", "text.pem", "ca_file: not-pem"),
    ],
)
def test_settings_of_servers_are_looked_at(
    good: dict[str, str], tmp_path: Path, setting: str, value: str, said: str
) -> None:
    (tmp_path / "empty.pem").write_text("")
    (tmp_path / "text.pem").write_text("hello")
    value = str(tmp_path / value) if setting == "CA_FILE" else value
    (found,) = about(list(examine(good | {f"MARKETPLACE_EXCHANGE_{setting}": value})), "exchange")
    assert (found.verdict, found.found) == (Verdict.BAD, said)
    opened = {"MARKETPLACE_EXCHANGE_ALLOWED_HOSTS": "mail.firma.de *.firma.de"}
    (fine,) = about(list(examine(good | opened)), "exchange")
    assert fine.verdict is Verdict.GOOD


def test_a_bundle_that_is_none_is_a_warning(good: dict[str, str], tmp_path: Path) -> None:
    found = about(list(examine(good | {"MARKETPLACE_BUNDLE_PATH": str(tmp_path / "nowhere")})), "bundles")
    assert Verdict.WARNING in {f.verdict for f in found}


def test_reach_names_who_does_not_answer(good: dict[str, str]) -> None:
    dead = "http://127.0.0.1:9"
    urls = {f"MARKETPLACE_GOOGLE_{n}": dead for n in ("API_ROOT", "AUTHORIZE_URL", "TOKEN_URL", "REVOKE_URL")}
    (found,) = about(list(examine(good | urls, reach=True)), "google")
    assert (found.verdict, dead in found.found) == (Verdict.BAD, True)
