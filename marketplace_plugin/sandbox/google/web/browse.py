"""A calendar page per account, to view and edit the "Google" side by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, redirect, render_template_string, request, url_for
from flask.typing import ResponseReturnValue

from marketplace_plugin.sandbox.google import errors
from marketplace_plugin.sandbox.google.act import Actor
from marketplace_plugin.sandbox.google.event import writes
from marketplace_plugin.sandbox.google.state import State

_PAST, _AHEAD = timedelta(days=7), timedelta(days=60)

_LAYOUT = """<!doctype html>
<html lang="de"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Sandbox-Kalender</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; color: #1f2328 }
.banner { background: #7a3e00; color: #fff; padding: .5rem 1rem; text-align: center }
main { max-width: 60rem; margin: 1rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3rem .5rem;
  border-bottom: 1px solid #d0d7de } form.row { display: inline } label { display: block; margin: .5rem 0 }
.error { border: 1px solid #b42318; color: #7a271a; padding: .5rem 1rem }
</style></head><body>
<header class="banner">Sandbox: Das ist nicht Google. / This is not Google.</header><main>
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
<table><thead><tr><th>Wann / When</th><th>Titel / Title</th><th>Aktion / Action</th></tr></thead><tbody>
{% for event in calendar.events %}<tr><td>{{ event.when }}</td>
<td>{{ event.title }}{% if event.series %} ↻{% endif %}</td><td>
{% if calendar.writable %}<a href="{{ url_for('browse.edit', email=email, calendar_id=calendar.id,
event_id=event.id) }}">Bearbeiten / Edit</a>
<form class="row" method="post" action="{{ url_for('browse.delete', email=email, calendar_id=calendar.id) }}">
<input type="hidden" name="event_id" value="{{ event.id }}"><button>Löschen / Delete</button></form>{% endif %}
</td></tr>{% endfor %}</tbody></table></section>{% endfor %}
{% else %}
<p><a href="{{ url_for('browse.account', email=email) }}">{{ email }}</a></p>
<h1>{{ "Termin bearbeiten / Edit event" if form.event_id else "Termin hinzufügen / Add event" }}</h1>
<form method="post"><input type="hidden" name="event_id" value="{{ form.event_id }}">
<label>Titel / Title <input name="summary" value="{{ form.summary }}"></label>
<label>Beginn / Start <input type="datetime-local" name="start" value="{{ form.start }}" required></label>
<label>Ende / End <input type="datetime-local" name="end" value="{{ form.end }}" required></label>
<label><input type="checkbox" name="all_day" {% if form.all_day %}checked{% endif %}> Ganztägig / All day
(Ende ist der Tag danach / the end is the day after)</label>
<button>Speichern / Save</button></form>
{% endif %}</main></body></html>"""


def blueprint(state: State) -> Blueprint:
    """The pages under ``/calendar/``."""
    pages = Blueprint("browse", __name__, url_prefix="/calendar")

    @pages.errorhandler(errors.ApiError)
    def refuse(error: errors.ApiError) -> ResponseReturnValue:
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
        shown = [_calendar(state, actor, key) for key, item in state.lists[email].items() if not item.deleted]
        return render_template_string(_LAYOUT, page="account", email=email, calendars=shown)

    @pages.route("/u/<email>/<calendar_id>/edit", methods=["GET", "POST"])
    def edit(email: str, calendar_id: str) -> ResponseReturnValue:
        actor = _actor(state, email)
        zone = actor.access(calendar_id).calendar.time_zone
        event_id = request.values.get("event_id", "")
        if request.method == "GET":
            event = actor.get(event_id, calendar_id) if event_id else None
            return render_template_string(_LAYOUT, page="edit", email=email, form=_form(state, event, zone))
        body = _body(request.form.to_dict(), zone)
        if event_id:
            actor.patch(event_id, body, calendar_id)
        else:
            actor.insert(body, calendar_id)
        return redirect(url_for("browse.account", email=email), 303)

    @pages.post("/u/<email>/<calendar_id>/delete")
    def delete(email: str, calendar_id: str) -> ResponseReturnValue:
        _actor(state, email).delete(request.form.get("event_id", ""), calendar_id)
        return redirect(url_for("browse.account", email=email), 303)

    return pages


def _actor(state: State, email: str) -> Actor:
    if email not in state.accounts:
        raise errors.not_found()
    return Actor(state, email)


def _calendar(state: State, actor: Actor, calendar_id: str) -> dict[str, Any]:
    access = actor.access(calendar_id)
    now = state.now()
    events = actor.events(
        calendar_id, singleEvents=True, orderBy="startTime", timeMin=now - _PAST, timeMax=now + _AHEAD
    )
    item = state.lists[actor.email][calendar_id]
    rows = [
        {
            "id": event["id"],
            "title": event.get("summary", "Belegt / Busy"),
            "when": f"{_when(event['start'])} – {_when(event['end'])}",
            "series": "recurringEventId" in event,
        }
        for event in events
    ]
    name = item.summary_override or access.calendar.summary
    return {
        "id": calendar_id,
        "name": name,
        "role": access.role,
        "writable": writes.may_write(access),
        "events": rows,
    }


def _when(value: dict[str, str]) -> str:
    if "date" in value:
        return value["date"]
    return datetime.fromisoformat(value["dateTime"]).strftime("%Y-%m-%d %H:%M")


def _form(state: State, event: dict[str, Any] | None, zone: str) -> dict[str, Any]:
    if event is None:
        begin = state.now().astimezone(ZoneInfo(zone)).replace(minute=0, second=0) + timedelta(hours=1)
        ends = [(begin + timedelta(hours=number)).strftime("%Y-%m-%dT%H:%M") for number in (0, 1)]
        return {"event_id": "", "summary": "", "start": ends[0], "end": ends[1], "all_day": False}
    start, end = (
        f"{event[name]['date']}T00:00" if "date" in event[name] else event[name]["dateTime"][:16]
        for name in ("start", "end")
    )
    return {
        "event_id": event["id"],
        "summary": event.get("summary", ""),
        "start": start,
        "end": end,
        "all_day": "date" in event["start"],
    }


def _body(form: dict[str, str], zone: str) -> dict[str, Any]:
    body: dict[str, Any] = {"summary": form.get("summary", "")}
    for name in ("start", "end"):
        text = form.get(name, "")
        if form.get("all_day"):
            body[name] = {"date": text[:10], "dateTime": None, "timeZone": None}
        else:
            body[name] = {"dateTime": f"{text[:16]}:00", "timeZone": zone, "date": None}
    return body
