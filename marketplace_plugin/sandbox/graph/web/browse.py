"""A calendar page per account, to view and edit the "Microsoft" side by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, abort, redirect, render_template_string, request, url_for
from flask.typing import ResponseReturnValue

from marketplace_plugin.sandbox.graph import errors
from marketplace_plugin.sandbox.graph.act import Actor
from marketplace_plugin.sandbox.graph.outlook import access
from marketplace_plugin.sandbox.graph.outlook.access import Seen
from marketplace_plugin.sandbox.graph.outlook.time import times
from marketplace_plugin.sandbox.graph.state import State

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
<div class="banner" role="note">Sandbox: Das ist nicht Microsoft. / This is not Microsoft.</div><main>
{% if error %}<p class="error" role="alert">{{ error }}</p>{% endif %}
{% if page == "accounts" %}
<h1>Konten / Accounts</h1><ul>{% for account in accounts %}
<li><a href="{{ url_for('browse.account', email=account.email) }}">{{ account.name }} ({{ account.email }})</a></li>
{% endfor %}</ul>
{% elif page == "account" %}
<p><a href="{{ url_for('browse.accounts') }}">Konten / Accounts</a></p><h1>{{ email }}</h1>
{% for calendar in calendars %}<section aria-label="{{ calendar.name }}">
<h2>{{ calendar.name }} <small>({{ calendar.role }})</small></h2>
{% if calendar.writable %}<p><a href="{{ url_for('browse.edit', email=email, calendar_id=calendar.id) }}">
Termin hinzufügen / Add event</a></p>{% endif %}
<table><thead><tr><th>Wann / When</th><th>Titel / Title</th><th></th></tr></thead><tbody>
{% for event in calendar.events %}<tr><td>{{ event.when }}</td>
<td>{{ event.title }}{% if event.series %} ↻{% endif %}</td><td>
{% if calendar.writable %}<a href="{{ url_for('browse.edit', email=email, calendar_id=calendar.id,
event_id=event.id) }}">Bearbeiten / Edit</a>
<form class="row" method="post" action="{{ url_for('browse.delete', email=email) }}">
<input type="hidden" name="event_id" value="{{ event.id }}"><button>Löschen / Delete</button></form>{% endif %}
</td></tr>{% endfor %}</tbody></table></section>{% endfor %}
{% else %}
<p><a href="{{ url_for('browse.account', email=email) }}">{{ email }}</a></p>
<h1>{{ "Termin bearbeiten / Edit event" if form.event_id else "Termin hinzufügen / Add event" }}</h1>
<form method="post"><input type="hidden" name="event_id" value="{{ form.event_id }}">
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

    @pages.errorhandler(errors.GraphError)
    def refuse(error: errors.GraphError) -> ResponseReturnValue:
        return render_template_string(_LAYOUT, page="accounts", accounts=[], error=error.message), error.status

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
        shown = [_calendar(state, actor, seen) for seen in access.calendars(state, email)]
        return render_template_string(_LAYOUT, page="account", email=email, calendars=shown)

    @pages.route("/u/<email>/<calendar_id>/edit", methods=["GET", "POST"])
    def edit(email: str, calendar_id: str) -> ResponseReturnValue:
        actor = _actor(state, email)
        event_id = request.values.get("event_id", "")
        zone = state.accounts[email].time_zone
        if request.method == "GET":
            event = actor.get(event_id) if event_id else None
            return render_template_string(_LAYOUT, page="edit", email=email, form=_form(state, event, zone))
        body = _body(request.form.to_dict(), zone)
        if event_id:
            actor.patch(event_id, body)
        else:
            actor.insert(body, calendar_id)
        return redirect(url_for("browse.account", email=email), 303)

    @pages.post("/u/<email>/delete")
    def delete(email: str) -> ResponseReturnValue:
        _actor(state, email).delete(request.form.get("event_id", ""))
        return redirect(url_for("browse.account", email=email), 303)

    return pages


def _actor(state: State, email: str) -> Actor:
    if email not in state.accounts:
        raise errors.not_found()
    return Actor(state, email)


def _calendar(state: State, actor: Actor, seen: Seen) -> dict[str, Any]:
    now = state.now()
    rows = [
        {
            "id": event["id"],
            "title": event["subject"],
            "when": f"{_when(event['start'])} – {_when(event['end'])}",
            "series": event["seriesMasterId"] is not None,
        }
        for event in actor.view(now - _PAST, now + _AHEAD, seen.id)
    ]
    owner = "" if seen.share is None else f" – {seen.calendar.mailbox}"
    return {
        "id": seen.id,
        "name": seen.calendar.name + owner,
        "role": seen.role,
        "writable": seen.can_edit,
        "events": rows,
    }


def _when(value: dict[str, str]) -> str:
    return value["dateTime"][:16].replace("T", " ")


def _form(state: State, event: dict[str, Any] | None, zone: str) -> dict[str, Any]:
    if event is None:
        begin = state.now().astimezone(times.zone_of(zone)).replace(minute=0, second=0) + timedelta(hours=1)
        ends = [(begin + timedelta(hours=number)).strftime("%Y-%m-%dT%H:%M") for number in (0, 1)]
        return {"event_id": "", "subject": "", "start": ends[0], "end": ends[1], "all_day": False}
    return {
        "event_id": event["id"],
        "subject": event["subject"],
        "start": event["start"]["dateTime"][:16],
        "end": event["end"]["dateTime"][:16],
        "all_day": event["isAllDay"],
    }


def _body(form: dict[str, str], zone: str) -> dict[str, Any]:
    all_day = form.get("all_day") == "on"
    try:
        moments = [datetime.fromisoformat(form[name]) for name in ("start", "end")]
    except (KeyError, ValueError) as error:
        raise errors.invalid_property() from error
    if all_day:
        moments = [moment.replace(hour=0, minute=0) for moment in moments]
    start, end = ({"dateTime": moment.isoformat(), "timeZone": zone} for moment in moments)
    return {"subject": form.get("subject", ""), "start": start, "end": end, "isAllDay": all_day}
