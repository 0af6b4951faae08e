"""A calendar page per account, to view and edit the Exchange side by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, abort, redirect, render_template_string, request, url_for
from flask.typing import ResponseReturnValue

from marketplace_plugin.sandbox.ews.act import Actor
from marketplace_plugin.sandbox.ews.outlook import access, ids, times
from marketplace_plugin.sandbox.ews.outlook.access import Found
from marketplace_plugin.sandbox.ews.soap.errors import EwsError, SoapFault
from marketplace_plugin.sandbox.ews.state import Folder, State

_PAST, _AHEAD = timedelta(days=7), timedelta(days=60)

_LAYOUT = """<!doctype html>
<html lang="de"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Sandbox-Kalender</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; color: #1b1b1b }
.banner { background: #7a3e00; color: #fff; padding: .5rem 1rem; text-align: center }
main { max-width: 60rem; margin: 1rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3rem .5rem;
  border-bottom: 1px solid #d1d1d1 } form.row { display: inline } label { display: block; margin: .5rem 0 }
.error { border: 1px solid #a4262c; color: #7a1a1f; padding: .5rem 1rem }
</style></head><body>
<div class="banner" role="note">Sandbox: Das ist kein Exchange. / This is not Exchange.</div><main>
{% if error %}<p class="error" role="alert">{{ error }}</p>{% endif %}
{% if page == "accounts" %}
<h1>Postfächer / Mailboxes</h1><ul>{% for account in accounts %}
<li><a href="{{ url_for('browse.account', email=account.email) }}">{{ account.name }} ({{ account.email }},
{{ account.domain }}\\{{ account.user }})</a></li>{% endfor %}</ul>
{% elif page == "account" %}
<p><a href="{{ url_for('browse.accounts') }}">Postfächer / Mailboxes</a></p><h1>{{ email }}</h1>
{% for calendar in calendars %}<section aria-label="{{ calendar.name }}">
<h2>{{ calendar.name }} <small>({{ calendar.level }})</small></h2>
{% if calendar.writable %}<p><a href="{{ url_for('browse.edit', email=email, folder=calendar.id) }}">
Termin hinzufügen / Add appointment</a></p>{% endif %}
<table><thead><tr><th>Wann / When</th><th>Titel / Title</th><th></th></tr></thead><tbody>
{% for item in calendar.items_ %}<tr><td>{{ item.when }}</td>
<td>{{ item.title }}{% if item.series %} ↻{% endif %}</td><td>
{% if calendar.writable %}<a href="{{ url_for('browse.edit', email=email, folder=calendar.id, item=item.id) }}">
Bearbeiten / Edit</a>
<form class="row" method="post" action="{{ url_for('browse.delete', email=email) }}">
<input type="hidden" name="item" value="{{ item.id }}"><button>Löschen / Delete</button></form>{% endif %}
</td></tr>{% endfor %}</tbody></table></section>{% endfor %}
{% else %}
<p><a href="{{ url_for('browse.account', email=email) }}">{{ email }}</a></p>
<h1>{{ "Termin bearbeiten / Edit appointment" if form.item else "Termin hinzufügen / Add appointment" }}</h1>
<form method="post"><input type="hidden" name="item" value="{{ form.item }}">
<label>Titel / Title <input name="subject" value="{{ form.subject }}"></label>
<label>Beginn / Start <input type="datetime-local" name="start" value="{{ form.start }}" required></label>
<label>Ende / End <input type="datetime-local" name="end" value="{{ form.end }}" required></label>
<label><input type="checkbox" name="all_day" {% if form.all_day %}checked{% endif %}> Ganztägig / All day
(Ende ist der Tag danach / the end is the day after)</label>
<button>Speichern / Save</button></form>
{% endif %}</main></body></html>"""


def blueprint(state: State) -> Blueprint:
    """The pages under ``/calendar/``."""
    pages = Blueprint("browse", __name__, url_prefix="/calendar")

    @pages.errorhandler(EwsError)
    @pages.errorhandler(SoapFault)
    def refuse(error: EwsError | SoapFault) -> ResponseReturnValue:
        return render_template_string(_LAYOUT, page="accounts", accounts=[], error=error.message), 400

    @pages.before_request
    def same_origin() -> None:
        """Another site's form may not edit here."""
        if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            abort(403)

    @pages.get("/")
    def accounts() -> ResponseReturnValue:
        return render_template_string(_LAYOUT, page="accounts", accounts=list(state.accounts.values()))

    @pages.get("/u/<email>/")
    def account(email: str) -> ResponseReturnValue:
        actor = _actor(state, email)
        shown = [_calendar(state, actor, folder) for folder in _calendars(state, email)]
        return render_template_string(_LAYOUT, page="account", email=email, calendars=shown)

    @pages.route("/u/<email>/edit", methods=["GET", "POST"])
    def edit(email: str) -> ResponseReturnValue:
        actor = _actor(state, email)
        item, folder = request.values.get("item", ""), request.args.get("folder", "")
        if request.method == "GET":
            found = actor.find(item) if item else None
            return render_template_string(_LAYOUT, page="edit", email=email, form=_form(state, actor, found))
        given = request.form
        start, end = (datetime.fromisoformat(given[name]) for name in ("start", "end"))
        whole = "all_day" in given
        if item:
            flag = "true" if whole else "false"
            actor.update(item, start, end, Subject=given.get("subject", ""), IsAllDayEvent=flag)
        else:
            edges = (start.date(), end.date()) if whole else (start, end)
            actor.create(given.get("subject", ""), *edges, folder=folder or None)
        return redirect(url_for("browse.account", email=email), 303)

    @pages.post("/u/<email>/delete")
    def delete(email: str) -> ResponseReturnValue:
        _actor(state, email).delete(request.form.get("item", ""))
        return redirect(url_for("browse.account", email=email), 303)

    return pages


def _actor(state: State, email: str) -> Actor:
    if email not in state.accounts:
        abort(404)
    return Actor(state, email)


def _calendars(state: State, email: str) -> list[Folder]:
    """The account's calendars, its own first."""
    found = [item for item in state.folders.values() if item.kind == "CalendarItem" and access.rights(item, email).read]
    return sorted(found, key=lambda item: item.mailbox != email)


def _calendar(state: State, actor: Actor, folder: Folder) -> dict[str, Any]:
    now, rights = state.now(), access.rights(folder, actor.email)
    identity = ids.folder_id(folder.mailbox, folder.key)
    rows = [_row(actor, found) for found in actor.view(now - _PAST, now + _AHEAD, identity)]
    owner = "" if folder.mailbox == actor.email else f" – {folder.mailbox}"
    return {
        "id": identity,
        "name": folder.name + owner,
        "level": rights.level,
        "writable": rights.modify,
        "items_": rows,
    }


def _row(actor: Actor, found: Found) -> dict[str, Any]:
    at = found.item.calendar if found.occurrence is None else found.occurrence
    edges = [f"{times.wall(moment, actor.zone):%Y-%m-%d %H:%M}" for moment in (at.start, at.end)]
    return {
        "id": found.id,
        "title": actor.get(found.id).fields.get("Subject", ""),
        "when": " – ".join(edges),
        "series": found.occurrence is not None,
    }


def _form(state: State, actor: Actor, found: Found | None) -> dict[str, Any]:
    if found is None:
        start = times.wall(state.now(), actor.zone).replace(minute=0)
        edges, subject, whole = (start + timedelta(hours=1), start + timedelta(hours=2)), "", False
    else:
        at = found.item.calendar if found.occurrence is None else found.occurrence
        edges = (times.wall(at.start, actor.zone), times.wall(at.end, actor.zone))
        subject, whole = str(actor.get(found.id).fields.get("Subject", "")), found.item.calendar.all_day
    return {
        "item": "" if found is None else found.id,
        "subject": subject,
        "start": f"{edges[0]:%Y-%m-%dT%H:%M}",
        "end": f"{edges[1]:%Y-%m-%dT%H:%M}",
        "all_day": whole,
    }
