"""The HTML of the sign-in. German and English, no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import render_template_string, request
from flask.typing import ResponseReturnValue

from marketplace_plugin.sandbox.graph.entra import scopes as scope_names
from marketplace_plugin.sandbox.graph.state import Account

_TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "banner": "Sandbox: this is not Microsoft. No real account, no real data.",
        "choose": "Pick an account",
        "previous": "Back",
        "to": "to continue to",
        "requested": "Permissions requested",
        "app": "This application is not published by Microsoft or your organization:",
        "wants": "This app would like to:",
        "everybody": "Consent on behalf of your organization",
        "for_all": "If you accept, this app will get access to the specified resources for all users in your "
        "organization.",
        "accept": "Accept",
        "cancel": "Cancel",
        "approval": "Need admin approval",
        "needs": "needs permission to access resources in your organization that only an admin can grant. Please ask "
        "an admin to grant permission to this app before you can use it.",
        "back": "Return to the application without granting consent",
        "ask": "Request approval",
        "reason": "Enter justification for requesting this app",
        "sent": "Request sent",
        "sent_text": "Your admins have been told. You can use the app once one of them has approved it.",
        "sorry": "Sorry, but we’re having trouble signing you in.",
        "signed_in": "Signed in as",
    },
    "de": {
        "banner": "Sandbox: Das ist nicht Microsoft. Kein echtes Konto, keine echten Daten.",
        "choose": "Konto auswählen",
        "previous": "Zurück",
        "to": "um fortzufahren mit",
        "requested": "Angeforderte Berechtigungen",
        "app": "Diese Anwendung wurde weder von Microsoft noch von Ihrer Organisation veröffentlicht:",
        "wants": "Diese App möchte:",
        "everybody": "Zustimmung im Namen Ihrer Organisation",
        "for_all": "Wenn Sie akzeptieren, erhält die App für alle Benutzer Ihrer Organisation Zugriff auf das "
        "Genannte.",
        "accept": "Akzeptieren",
        "cancel": "Abbrechen",
        "approval": "Administratorgenehmigung erforderlich",
        "needs": "benötigt eine Berechtigung für den Zugriff auf Ressourcen in Ihrer Organisation, die nur ein "
        "Administrator erteilen kann. Bitten Sie einen Administrator darum, bevor Sie die App verwenden.",
        "back": "Ohne Zustimmung zur Anwendung zurückkehren",
        "ask": "Genehmigung anfordern",
        "reason": "Begründung für die Anforderung dieser App",
        "sent": "Anforderung gesendet",
        "sent_text": "Ihre Administratoren wurden benachrichtigt. Nach der Genehmigung können Sie die App verwenden.",
        "sorry": "Bei der Anmeldung ist ein Problem aufgetreten.",
        "signed_in": "Angemeldet als",
    },
}

_LAYOUT = """<!doctype html>
<html lang="{{ lang }}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{{ title }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; background: #f0f2f5; color: #1b1b1b }
.banner { background: #7a3e00; color: #fff; padding: .5rem 1rem; text-align: center }
main { max-width: 28rem; margin: 2rem auto; padding: 2rem; background: #fff }
button { font: inherit; padding: .5rem 1.25rem; margin: .25rem .5rem .25rem 0; cursor: pointer }
.account { display: block; width: 100%; text-align: left } label { display: block; margin: 1rem 0 }
textarea { width: 100%; box-sizing: border-box }
</style></head><body><div class="banner" role="note">{{ t.banner }}</div><main><h1>{{ title }}</h1>
{% if page == "choose" %}<p>{{ t.to }} <strong>{{ app }}</strong></p>
<form method="post" action="/signin/account"><input type="hidden" name="flow" value="{{ flow }}">
{% for account in accounts %}<button class="account" name="account" value="{{ account.email }}">
{{ account.name }}<br>{{ account.email }}</button>{% endfor %}
<button name="decision" value="back">{{ t.previous }}</button></form>
{% elif page == "consent" %}<p>{{ t.signed_in }} {{ account.email }}</p><p>{{ t.app }} <strong>{{ app }}</strong></p>
<p>{{ t.wants }}</p><ul>{% for text in wanted %}<li>{{ text }}</li>{% endfor %}</ul>
{% if everybody %}<p>{{ t.for_all }}</p>{% endif %}
<form method="post" action="/signin/consent"><input type="hidden" name="flow" value="{{ flow }}">
{% if may_choose %}<label><input type="checkbox" name="everybody"> {{ t.everybody }}</label>{% endif %}
<button name="decision" value="cancel">{{ t.cancel }}</button>
<button name="decision" value="accept">{{ t.accept }}</button></form>
{% elif page == "approval" %}<p>{{ t.signed_in }} {{ account.email }}</p><p><strong>{{ app }}</strong></p>
<p>{{ app }} {{ t.needs }}</p><p>AADSTS90094</p>
<form method="post" action="/signin/consent"><input type="hidden" name="flow" value="{{ flow }}">
{% if may_ask %}<label>{{ t.reason }} <textarea name="reason"></textarea></label>
<button name="decision" value="request">{{ t.ask }}</button>{% endif %}
<button name="decision" value="back">{{ t.back }}</button></form>
{% elif page == "requested" %}<p>{{ t.sent_text }}</p>
<form method="post" action="/signin/consent"><input type="hidden" name="flow" value="{{ flow }}">
<button name="decision" value="leave">{{ t.back }}</button></form>
{% else %}<p>AADSTS{{ number }}: {{ text }}</p>{% endif %}
</main></body></html>"""


def _show(page: str, title: str, **values: object) -> str:
    lang = request.accept_languages.best_match(["de", "en"]) or "en"
    texts = _TEXTS[lang]
    return render_template_string(_LAYOUT, page=page, title=texts[title], lang=lang, t=texts, **values)


def choose(flow: str, app: str, accounts: Sequence[Account]) -> ResponseReturnValue:
    """The account picker."""
    return _show("choose", "choose", flow=flow, app=app, accounts=accounts)


def consent(
    flow: str, app: str, account: Account, names: Sequence[str], *, may_choose: bool, everybody: bool
) -> ResponseReturnValue:
    """What the app asks for; ``may_choose`` lets an admin consent for everybody."""
    german = request.accept_languages.best_match(["de", "en"]) == "de"
    wanted = [scope_names.DESCRIPTIONS[name][0 if german else 1] for name in names]
    return _show(
        "consent",
        "requested",
        flow=flow,
        app=app,
        account=account,
        wanted=wanted,
        may_choose=may_choose,
        everybody=everybody,
    )


def approval(flow: str, app: str, account: Account, *, may_ask: bool) -> ResponseReturnValue:
    """Only an admin can allow this."""
    return _show("approval", "approval", flow=flow, app=app, account=account, may_ask=may_ask)


def requested(flow: str, app: str) -> ResponseReturnValue:
    """The admins have been asked."""
    return _show("requested", "sent", flow=flow, app=app)


def error(status: int, number: int, text: str) -> ResponseReturnValue:
    """A mistake of the client, shown to the user."""
    return _show("error", "sorry", number=number, text=text), status
