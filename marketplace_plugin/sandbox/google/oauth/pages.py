"""The HTML of the sign-in: account, consent, error. German and English, no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import render_template_string, request

from marketplace_plugin.sandbox.google.oauth import scopes as scope_names
from marketplace_plugin.sandbox.google.state import Account, Client

_TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Sign in - sandbox",
        "banner": "Sandbox: this is not Google. No real account, no real data.",
        "choose": "Choose an account",
        "to": "to continue to",
        "wants": "wants access to your account",
        "select": "Select what the app can access",
        "already": "It already has some access.",
        "continue": "Continue",
        "deny": "Deny",
        "error": "Access blocked: authorization error",
        "code": "Error",
    },
    "de": {
        "title": "Anmelden - Sandbox",
        "banner": "Sandbox: Das ist nicht Google. Kein echtes Konto, keine echten Daten.",
        "choose": "Konto auswählen",
        "to": "um fortzufahren mit",
        "wants": "möchte auf Ihr Konto zugreifen",
        "select": "Auswählen, worauf die App zugreifen darf",
        "already": "Ein Teil ist schon erlaubt.",
        "continue": "Weiter",
        "deny": "Ablehnen",
        "error": "Zugriff blockiert: Autorisierungsfehler",
        "code": "Fehler",
    },
}

_GERMAN_SCOPES: Mapping[str, str] = {
    scope_names.BASE + "calendar": "Alle Ihre Kalender ansehen, bearbeiten, freigeben und löschen",
    scope_names.BASE + "calendar.events": "Termine in allen Ihren Kalendern ansehen und bearbeiten",
    scope_names.BASE + "calendar.events.readonly": "Termine in allen Ihren Kalendern ansehen",
    scope_names.BASE + "calendar.events.owned": "Termine in Ihren eigenen Kalendern ansehen und bearbeiten",
    scope_names.BASE + "calendar.calendarlist": "Die Liste Ihrer Kalender ansehen und ändern",
    scope_names.BASE + "calendar.calendarlist.readonly": "Die Liste Ihrer Kalender ansehen",
    scope_names.BASE + "calendar.readonly": "Alle Kalender ansehen, auf die Sie Zugriff haben",
    scope_names.BASE + "calendar.settings.readonly": "Ihre Kalendereinstellungen ansehen",
    scope_names.BASE + "calendar.freebusy": "Ihre Verfügbarkeit ansehen",
    scope_names.BASE + "contacts": "Ihre Kontakte ansehen und bearbeiten",
    scope_names.BASE + "tasks": "Ihre Aufgaben ansehen und bearbeiten",
}

_LAYOUT = """<!doctype html>
<html lang="{{ lang }}">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ t.title }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; background: #f3f4f6; color: #1f2328 }
.banner { background: #7a3e00; color: #fff; padding: .5rem 1rem; text-align: center }
main { max-width: 30rem; margin: 2rem auto; background: #fff; padding: 2rem; border-radius: 12px }
button { font: inherit; padding: .6rem 1rem; border-radius: 8px; border: 1px solid #57606a;
  background: #fff; color: inherit; cursor: pointer }
button.account { display: block; width: 100%; text-align: left; margin: .5rem 0 }
button.primary { background: #0b57d0; border-color: #0b57d0; color: #fff }
fieldset { border: 1px solid #8c959f; border-radius: 8px; margin: 1rem 0 }
label { display: block; margin: .4rem 0 } code { overflow-wrap: anywhere }
</style>
</head>
<body><header class="banner">{{ t.banner }}</header><main>
{% if page == "choose" %}
<h1>{{ t.choose }}</h1><p>{{ t.to }} <strong>{{ client.name }}</strong></p>
<form method="post" action="{{ root }}/o/oauth2/v2/auth/account">
<input type="hidden" name="flow" value="{{ flow }}">
{% for account in accounts %}
<button class="account" name="account" value="{{ account.email }}">
{{ account.name }}<br>{{ account.email }}</button>
{% endfor %}
</form>
{% elif page == "consent" %}
<h1>{{ client.name }} {{ t.wants }}</h1><p>{{ account.name }} &lt;{{ account.email }}&gt;</p>
{% if already %}<p>{{ t.already }}</p>{% endif %}
<form method="post" action="{{ root }}/o/oauth2/v2/auth/consent">
<input type="hidden" name="flow" value="{{ flow }}">
{% if wanted %}<fieldset><legend>{{ t.select }}</legend>
{% for scope, text in wanted %}
<label><input type="checkbox" name="scope" value="{{ scope }}" checked> {{ text }}</label>
{% endfor %}
</fieldset>{% endif %}
<button name="decision" value="deny">{{ t.deny }}</button>
<button class="primary" name="decision" value="allow">{{ t["continue"] }}</button>
</form>
{% else %}
<h1>{{ t.error }}</h1><p>{{ t.code }} {{ status }}: <code>{{ error }}</code></p><p>{{ detail }}</p>
{% endif %}
</main></body></html>"""


def language() -> str:
    """``de`` or ``en``, from the parameter ``hl``, then from Accept-Language."""
    asked = request.values.get("hl", "")[:2]
    if asked in _TEXTS:
        return asked
    return request.accept_languages.best_match(list(_TEXTS), "en") or "en"


def _page(page: str, **context: object) -> str:
    lang = language()
    root = request.script_root
    return render_template_string(_LAYOUT, page=page, lang=lang, t=_TEXTS[lang], root=root, **context)


def choose(flow: str, client: Client, accounts: Sequence[Account]) -> str:
    """One button per account."""
    return _page("choose", flow=flow, client=client, accounts=accounts)


def consent(flow: str, client: Client, account: Account, wanted: Sequence[str], *, already: bool) -> str:
    """A checkbox per sensitive scope, all ticked."""
    texts = _GERMAN_SCOPES if language() == "de" else {}
    rows = [(scope, texts.get(scope) or scope_names.SENSITIVE[scope]) for scope in wanted]
    return _page("consent", flow=flow, client=client, account=account, wanted=rows, already=already)


def error(status: int, code: str, detail: str) -> tuple[str, int]:
    """Shown, never redirected: the redirect target cannot be trusted."""
    return _page("error", status=status, error=code, detail=detail), status
