"""Entra's OAuth: the sign-in's pages, codes, tokens, refusals."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from marketplace_plugin.sandbox.graph import DEFAULT_CLIENT, GraphSandbox
from marketplace_plugin.sandbox.graph.seed import (
    ANNA,
    ANNA_PRIVATE,
    LENA,
    NORDWERK,
    NORDWERK_ADMIN,
    STRIKT,
    STRIKT_ADMIN,
)
from tests.sandbox.running import ManualClock

Json = dict[str, Any]

REDIRECT = DEFAULT_CLIENT.redirect_uris[0]
ASKED = "offline_access openid profile email user.read https://graph.microsoft.com/Calendars.ReadWrite"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class Browser:
    """A person in front of the pages; never follows the redirect to the client."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False

    def authorize(self, tenant: str | None = "common", **more: str | None) -> requests.Response:
        """The client's request; None leaves a parameter out."""
        asked: dict[str, str | None] = {
            "client_id": DEFAULT_CLIENT.client_id,
            "redirect_uri": REDIRECT,
            "response_type": "code",
            "scope": ASKED,
            "state": "s-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **more,
        }
        return self.get(f"{tenant}/oauth2/v2.0/authorize", asked)

    def get(self, path: str, params: dict[str, str | None]) -> requests.Response:
        given = {name: value for name, value in params.items() if value is not None}
        return self.session.get(f"{self.url}/{path}", params=given, allow_redirects=False, timeout=10)

    def press(self, page: requests.Response, action: str, **form: str) -> requests.Response:
        """Send the form of a page."""
        found = re.search(r'name="flow" value="([^"]+)"', page.text)
        assert found is not None, page.text
        form["flow"] = found.group(1)
        return self.session.post(f"{self.url}/signin/{action}", data=form, allow_redirects=False, timeout=10)

    def sign_in(self, email: str, tenant: str | None = "common", **more: str | None) -> requests.Response:
        """As far as the page after the choice of the account."""
        return self.press(self.authorize(tenant, **more), "account", account=email)

    def code(self, email: str = ANNA, **more: str | None) -> str:
        """The whole way, all accepted."""
        page = self.sign_in(email, **more)
        if page.status_code == 200:
            page = self.press(page, "consent", decision="accept")
        return answer(page)["code"]

    def token(self, tenant: str | None = "common", **form: str | None) -> requests.Response:
        """A token request; None leaves a parameter out."""
        given: dict[str, str | None] = {
            "client_id": DEFAULT_CLIENT.client_id,
            "client_secret": DEFAULT_CLIENT.client_secret,
            **form,
        }
        sent = {name: value for name, value in given.items() if value is not None}
        return self.session.post(f"{self.url}/{tenant}/oauth2/v2.0/token", data=sent, timeout=10)

    def exchange(self, code: str, **more: str | None) -> requests.Response:
        return self.token(
            **{
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": REDIRECT,
                "code_verifier": VERIFIER,
                **more,
            }
        )

    def refresh(self, token: str, **more: str | None) -> requests.Response:
        return self.token(**{"grant_type": "refresh_token", "refresh_token": token, **more})


def answer(reply: requests.Response) -> dict[str, str]:
    """What the client gets to know by the redirect."""
    assert reply.status_code == 302, reply.text
    assert reply.headers["Location"].startswith(f"{REDIRECT}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(reply.headers["Location"]).query).items()}


def number(reply: requests.Response) -> tuple[int, str, int]:
    """Status, OAuth error and AADSTS number of a refused token request."""
    found = reply.json()
    assert found["error_description"].startswith(f"AADSTS{found['error_codes'][0]}: ")
    return reply.status_code, found["error"], found["error_codes"][0]


@pytest.fixture
def browser(sandbox: GraphSandbox) -> Iterator[Browser]:
    found = Browser(sandbox.url)
    yield found
    found.session.close()


def claims(browser: Browser, id_token: str) -> Json:
    """The claims of an id_token whose signature holds."""
    head, body, mark = id_token.split(".")
    keys = browser.get("common/discovery/v2.0/keys", {}).json()["keys"]
    numbers = [int.from_bytes(_decode(keys[0][name]), "big") for name in ("e", "n")]
    public = rsa.RSAPublicNumbers(*numbers).public_key()
    public.verify(_decode(mark), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    found: Json = json.loads(_decode(body))
    return found


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


# --- the way through the pages --------------------------------------------------------------------


def test_the_whole_way(browser: Browser, sandbox: GraphSandbox) -> None:
    page = browser.authorize(nonce="n-1")
    assert ANNA in page.text
    page = browser.press(page, "account", account=ANNA)
    assert "Steg" in page.text
    back = answer(browser.press(page, "consent", decision="accept"))
    assert back["state"] == "s-1"
    tokens = browser.exchange(back["code"]).json()
    assert tokens["token_type"] == "Bearer"
    assert tokens["scope"] == (
        "https://graph.microsoft.com/User.Read https://graph.microsoft.com/Calendars.ReadWrite profile openid email"
    )
    found = claims(browser, tokens["id_token"])
    assert (found["preferred_username"], found["nonce"], found["aud"]) == (ANNA, "n-1", DEFAULT_CLIENT.client_id)
    account = sandbox.state.accounts[ANNA]
    assert (found["oid"], found["tid"]) == (account.oid, sandbox.state.tenants[NORDWERK].id)
    assert found["iss"].endswith(f"/{found['tid']}/v2.0")
    me = requests.get(
        f"{sandbox.url}/v1.0/me", headers={"Authorization": f"Bearer {tokens['access_token']}"}, timeout=10
    )
    assert me.json()["id"] == account.oid


def test_consent_is_asked_for_once(browser: Browser) -> None:
    browser.code()
    assert "code" in answer(browser.sign_in(ANNA))
    assert "code" in answer(browser.authorize(login_hint=ANNA))
    assert browser.sign_in(ANNA, prompt="consent").status_code == 200
    assert browser.sign_in(ANNA, scope=f"{ASKED} Calendars.ReadWrite.Shared").status_code == 200
    assert browser.authorize(login_hint=ANNA, prompt="select_account").status_code == 200


def test_denying(browser: Browser) -> None:
    back = answer(browser.press(browser.sign_in(ANNA), "consent", decision="cancel"))
    assert (back["error"], back["state"]) == ("consent_required", "s-1")
    assert back["error_description"].startswith("AADSTS65004")
    early = answer(browser.press(browser.authorize(), "account", decision="back"))
    assert early == {"error": "access_denied", "error_subcode": "cancel", "state": "s-1"}


def test_the_picker_shows_who_can_sign_in_there(browser: Browser) -> None:
    assert ANNA_PRIVATE in browser.authorize("common").text
    assert ANNA_PRIVATE not in browser.authorize("organizations").text
    consumers = browser.authorize("consumers").text
    assert (ANNA_PRIVATE in consumers, ANNA in consumers) == (True, False)
    own = browser.authorize(NORDWERK).text
    assert (ANNA in own, LENA in own) == (True, False)
    assert LENA not in browser.authorize(domain_hint=NORDWERK).text
    assert browser.press(browser.authorize(NORDWERK), "account", account=LENA).status_code == 400
    assert browser.authorize(NORDWERK, login_hint=LENA).status_code == 200


@pytest.mark.parametrize(
    "change, code",
    [
        ({"client_id": "unknown"}, "AADSTS700016"),
        ({"redirect_uri": REDIRECT + "/"}, "AADSTS50011"),
        ({"redirect_uri": REDIRECT.upper()}, "AADSTS50011"),
        ({"scope": None}, "AADSTS900144"),
        ({"tenant": "unknown.example"}, "AADSTS90002"),
    ],
)
def test_mistakes_that_are_shown_to_the_user(browser: Browser, change: dict[str, str], code: str) -> None:
    page = browser.authorize(**change)
    assert (page.status_code, code in page.text) == (400, True)


@pytest.mark.parametrize(
    "change, error",
    [
        ({"scope": "Calendars.Everything"}, "invalid_client"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"prompt": "admin_consent"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"prompt": "none", "login_hint": ANNA}, "interaction_required"),
    ],
)
def test_mistakes_that_the_client_is_told(browser: Browser, change: dict[str, str], error: str) -> None:
    back = answer(browser.authorize(**change))
    assert (back["error"], back["state"]) == (error, "s-1")
    assert "error_uri" in back


def test_a_silent_sign_in_after_consent(browser: Browser) -> None:
    browser.code()
    assert "code" in answer(browser.authorize(prompt="none", login_hint=ANNA))


def test_a_flow_cannot_be_changed(browser: Browser) -> None:
    form = {"flow": "e30=.00", "account": ANNA}
    reply = browser.session.post(f"{browser.url}/signin/account", data=form, timeout=10)
    assert (reply.status_code, "AADSTS90013" in reply.text) == (400, True)


# --- tokens ---------------------------------------------------------------------------------------


def test_a_code_works_once(browser: Browser) -> None:
    code = browser.code()
    assert browser.exchange(code).status_code == 200
    assert number(browser.exchange(code)) == (400, "invalid_grant", 54005)


@pytest.mark.parametrize(
    "change, expected",
    [
        ({"code_verifier": "w" * 64}, (400, "invalid_grant", 501481)),
        ({"code_verifier": None}, (400, "invalid_grant", 501481)),
        ({"redirect_uri": DEFAULT_CLIENT.redirect_uris[1]}, (400, "invalid_client", 500112)),
        ({"client_secret": "wrong"}, (401, "invalid_client", 7000215)),
        ({"client_secret": None}, (401, "invalid_client", 7000218)),
        ({"client_id": "unknown"}, (400, "unauthorized_client", 700016)),
        ({"grant_type": "password"}, (400, "unsupported_grant_type", 70003)),
        ({"grant_type": None}, (400, "invalid_request", 900144)),
        ({"code": "nonsense"}, (400, "invalid_grant", 9002313)),
        ({"tenant": "unknown.example"}, (400, "invalid_request", 90002)),
    ],
)
def test_bad_token_requests(browser: Browser, change: dict[str, str], expected: tuple[int, str, int]) -> None:
    assert number(browser.exchange(**{"code": browser.code(), **change})) == expected


def test_a_code_expires(browser: Browser, clock: ManualClock) -> None:
    code = browser.code()
    clock.advance(minutes=10)
    assert number(browser.exchange(code)) == (400, "invalid_grant", 70008)


def test_the_client_can_authenticate_by_header(browser: Browser) -> None:
    basic = (DEFAULT_CLIENT.client_id, DEFAULT_CLIENT.client_secret)
    form = {"grant_type": "authorization_code", "code": browser.code(), "redirect_uri": REDIRECT}
    reply = browser.session.post(
        f"{browser.url}/common/oauth2/v2.0/token", data={**form, "code_verifier": VERIFIER}, auth=basic, timeout=10
    )
    assert reply.status_code == 200


def test_without_offline_access_there_is_no_refresh_token(browser: Browser) -> None:
    tokens = browser.exchange(browser.code(scope="User.Read")).json()
    assert "refresh_token" not in tokens
    assert "id_token" not in tokens


def test_refresh_tokens_rotate_and_the_old_one_stays_good(browser: Browser) -> None:
    first = browser.exchange(browser.code()).json()["refresh_token"]
    second = browser.refresh(first).json()["refresh_token"]
    assert first != second
    assert browser.refresh(first).status_code == browser.refresh(second).status_code == 200
    narrowed = browser.refresh(second, scope="User.Read").json()
    assert narrowed["scope"] == "https://graph.microsoft.com/User.Read"
    assert "refresh_token" in narrowed
    wider = browser.refresh(second, scope="Contacts.ReadWrite")
    assert number(wider) == (400, "invalid_grant", 65001)
    assert wider.json()["suberror"] == "consent_required"
    assert number(browser.refresh(second, scope="Nonsense")) == (400, "invalid_scope", 70011)


def test_ninety_days_without_use(browser: Browser, clock: ManualClock) -> None:
    first = browser.exchange(browser.code()).json()["refresh_token"]
    clock.advance(days=89)
    second = browser.refresh(first).json()["refresh_token"]
    clock.advance(days=2)
    assert number(browser.refresh(first)) == (400, "invalid_grant", 700082)
    assert browser.refresh(second).status_code == 200


@pytest.mark.parametrize(
    "code, error",
    [(50173, "invalid_grant"), (700082, "invalid_grant"), (65001, "invalid_grant"), (50076, "interaction_required")],
)
def test_grants_end(browser: Browser, sandbox: GraphSandbox, code: int, error: str) -> None:
    tokens = browser.exchange(browser.code()).json()
    sandbox.grants.end(ANNA, code)
    assert number(browser.refresh(tokens["refresh_token"])) == (400, error, code)
    header = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert requests.get(f"{sandbox.url}/v1.0/me", headers=header, timeout=10).status_code == 200
    asked_again = browser.sign_in(ANNA)
    assert asked_again.status_code == (200 if code == 65001 else 302)


def test_there_is_no_endpoint_to_revoke(browser: Browser) -> None:
    assert browser.session.post(f"{browser.url}/common/oauth2/v2.0/revoke", timeout=10).status_code == 404


def test_the_published_configuration(browser: Browser) -> None:
    common = browser.get("common/v2.0/.well-known/openid-configuration", {}).json()
    assert common["issuer"] == f"{browser.url}/{{tenantid}}/v2.0"
    assert "revocation_endpoint" not in common
    own = browser.get(f"{NORDWERK}/v2.0/.well-known/openid-configuration", {}).json()
    assert own["token_endpoint"].startswith(f"{browser.url}/7d1f3a52-")


# --- consent that only an admin can give ----------------------------------------------------------


def test_a_policy_blocks_the_user_with_a_page(browser: Browser) -> None:
    page = browser.sign_in(LENA)
    assert (page.status_code, "AADSTS90094" in page.text) == (200, True)
    back = answer(browser.press(page, "consent", decision="back"))
    assert (back["error"], back["state"]) == ("consent_required", "s-1")
    assert back["error_description"].startswith("AADSTS90094")
    forced = browser.press(page, "consent", decision="accept")
    assert (forced.status_code, "AADSTS90094" in forced.text) == (200, True)


def test_a_policy_blocks_the_user_with_a_redirect(browser: Browser, sandbox: GraphSandbox) -> None:
    sandbox.state.set_policy(STRIKT, blocked="redirect")
    back = answer(browser.sign_in(LENA))
    assert (back["error"], "AADSTS90094" in back["error_description"]) == ("consent_required", True)


def test_a_user_can_ask_his_admins(browser: Browser, sandbox: GraphSandbox) -> None:
    sandbox.state.set_policy(STRIKT, blocked="workflow")
    sent = browser.press(browser.sign_in(LENA), "consent", decision="request", reason="Ich brauche das")
    assert sandbox.grants.requests == [(LENA, DEFAULT_CLIENT.client_id, "Ich brauche das")]
    back = answer(browser.press(sent, "consent", decision="leave"))
    assert (back["error"], back["error_description"][:11]) == ("consent_required", "AADSTS90095")


def test_what_the_managed_policy_leaves_to_users(browser: Browser, sandbox: GraphSandbox) -> None:
    page = browser.sign_in(LENA, scope="openid profile User.Read")
    assert "code" in answer(browser.press(page, "consent", decision="accept"))
    sandbox.state.set_policy(STRIKT, consent="admin_only")
    assert "AADSTS90094" in browser.sign_in(LENA, scope="openid Contacts.ReadWrite").text


def admin_consent(browser: Browser, tenant: str, **more: str | None) -> requests.Response:
    asked = {"client_id": DEFAULT_CLIENT.client_id, "redirect_uri": REDIRECT, "state": "a-1", **more}
    version = "v2.0/" if "scope" in asked else ""
    return browser.get(f"{tenant}/{version}adminconsent", asked)


def test_an_admin_consents_for_everybody(browser: Browser, sandbox: GraphSandbox) -> None:
    page = browser.press(admin_consent(browser, STRIKT), "account", account=STRIKT_ADMIN)
    back = answer(browser.press(page, "consent", decision="accept"))
    assert (back["admin_consent"], back["state"]) == ("True", "a-1")
    assert back["tenant"] == sandbox.state.tenants[STRIKT].id
    assert "https://graph.microsoft.com/Calendars.ReadWrite" in back["scope"].split()
    assert "code" in answer(browser.sign_in(LENA))


def test_an_admin_declines(browser: Browser) -> None:
    page = browser.press(admin_consent(browser, STRIKT, scope=ASKED), "account", account=STRIKT_ADMIN)
    back = answer(browser.press(page, "consent", decision="cancel"))
    assert (back["error"], back["admin_consent"], "tenant" in back) == ("access_denied", "True", False)


def test_admin_consent_is_not_for_users(browser: Browser) -> None:
    page = browser.press(admin_consent(browser, "organizations"), "account", account=LENA)
    assert "AADSTS90094" in page.text
    assert admin_consent(browser, "common").status_code == 400
    assert admin_consent(browser, STRIKT, scope="Nonsense").status_code == 400
    assert admin_consent(browser, STRIKT, scope=" ").status_code == 400


def test_an_admin_who_signs_in_can_consent_for_everybody(browser: Browser) -> None:
    page = browser.sign_in(STRIKT_ADMIN)
    assert "code" in answer(browser.press(page, "consent", decision="accept"))
    assert "AADSTS90094" in browser.sign_in(LENA).text
    page = browser.sign_in(STRIKT_ADMIN, prompt="consent")
    browser.press(page, "consent", decision="accept", everybody="on")
    assert "code" in answer(browser.sign_in(LENA))


def test_pages_speak_german_too(browser: Browser) -> None:
    browser.session.headers["Accept-Language"] = "de"
    assert "Konto auswählen" in browser.authorize().text
    assert "Vollzugriff auf Ihre Kalender" in browser.sign_in(NORDWERK_ADMIN).text
    assert "Administratorgenehmigung erforderlich" in browser.sign_in(LENA).text
