"""A calendar page per account, to view and edit a service's side by hand: ``/calendar/``.

The pages are the same for all services; ``Calendars`` is what a service says of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from flask import Blueprint, abort, redirect, render_template_string, request, url_for
from flask.typing import ResponseReturnValue

PAST, AHEAD = timedelta(days=7), timedelta(days=60)
"""How far before and after now events are shown."""


@dataclass(frozen=True)
class Row:
    """An event or occurrence of a calendar, as it is listed."""

    id: str
    title: str
    when: str
    series: bool


@dataclass(frozen=True)
class Shown:
    """A calendar and what is in it; ``role`` is what the service calls the account's rights."""

    id: str
    name: str
    role: str
    writable: bool
    rows: Iterable[Row]


@dataclass(frozen=True)
class Form:
    """An event in the form; ``start`` and ``end`` as datetime-local has them, the end of whole days exclusive."""

    event: str
    title: str
    start: str
    end: str
    all_day: bool


@dataclass(frozen=True)
class Chosen:
    """What a request is about; ``event`` is empty for a new one, ``calendar`` where the event says it."""

    email: str
    calendar: str
    event: str


class Calendars(ABC):
    """The calendars of a service's accounts. All methods raise ``refusals`` for what cannot be."""

    service: ClassVar[str]
    accounts_are: ClassVar[str] = "Konten / Accounts"
    event_is: ClassVar[str] = "event"
    title_field: ClassVar[str] = "subject"
    event_field: ClassVar[str] = "event_id"
    edit_rule: ClassVar[str] = "/u/<email>/<calendar>/edit"
    delete_rule: ClassVar[str] = "/u/<email>/delete"
    refusals: ClassVar[tuple[type[Exception], ...]]

    @abstractmethod
    def accounts(self) -> Mapping[str, str]:
        """Mail addresses, and how each account is shown."""

    @abstractmethod
    def shown(self, email: str) -> Iterable[Shown]: ...

    @abstractmethod
    def form(self, at: Chosen) -> Form:
        """What the form begins with; an empty one, in an hour, without an event."""

    @abstractmethod
    def save(self, at: Chosen, given: Mapping[str, str]) -> None:
        """Write what the form brought: title, start, end, and all_day if it is ticked."""

    @abstractmethod
    def delete(self, at: Chosen) -> None: ...


def new_form(now: datetime) -> Form:
    """An event of one hour from the next full hour on; ``now`` as its zone's clocks show it."""
    begin = now.replace(minute=0, second=0) + timedelta(hours=1)
    start, end = (f"{begin + timedelta(hours=number):%Y-%m-%dT%H:%M}" for number in (0, 1))
    return Form("", "", start, end, all_day=False)


def blueprint(calendars: Calendars) -> Blueprint:
    """The pages under ``/calendar/``."""
    pages = Blueprint("browse", __name__, url_prefix="/calendar")

    def page(name: str, **shown: Any) -> str:
        return render_template_string(_LAYOUT, page=name, at=calendars, **shown)

    def refuse(error: Any) -> ResponseReturnValue:
        return page("accounts", accounts={}, error=error.message), getattr(error, "status", 400)

    for kind in calendars.refusals:
        pages.register_error_handler(kind, refuse)

    pages.before_request(lambda: _guard(calendars))

    @pages.get("/")
    def accounts() -> ResponseReturnValue:
        return page("accounts", accounts=calendars.accounts())

    @pages.get("/u/<email>/")
    def account(email: str) -> ResponseReturnValue:
        return page("account", email=email, calendars=calendars.shown(email))

    @pages.route(calendars.edit_rule, methods=["GET", "POST"])
    def edit(email: str, calendar: str = "") -> ResponseReturnValue:
        at = _chosen(calendars, email, calendar)
        if request.method == "GET":
            return page("edit", email=email, form=calendars.form(at))
        given = request.form.to_dict()
        calendars.save(at, given | {"title": given.get(calendars.title_field, "")})
        return redirect(url_for("browse.account", email=email), 303)

    @pages.post(calendars.delete_rule)
    def delete(email: str, calendar: str = "") -> ResponseReturnValue:
        calendars.delete(_chosen(calendars, email, calendar))
        return redirect(url_for("browse.account", email=email), 303)

    return pages


def _guard(calendars: Calendars) -> None:
    """Another site's form may not edit here, and there is nothing of unknown accounts."""
    if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        abort(403)
    email = (request.view_args or {}).get("email")
    if email is not None and email not in calendars.accounts():
        abort(404)


def _chosen(calendars: Calendars, email: str, calendar: str) -> Chosen:
    event = request.values.get(calendars.event_field, "")
    return Chosen(email, calendar or request.args.get("calendar", ""), event)


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
<header class="banner">Sandbox: Das ist nicht {{ at.service }}. / This is not {{ at.service }}.</header><main>
{% if error %}<p class="error" role="alert">{{ error }}</p>{% endif %}
{% if page == "accounts" %}
<h1>{{ at.accounts_are }}</h1><ul>{% for email, label in accounts.items() %}
<li><a href="{{ url_for('browse.account', email=email) }}">{{ label }}</a></li>{% endfor %}</ul>
{% elif page == "account" %}
<p><a href="{{ url_for('browse.accounts') }}">{{ at.accounts_are }}</a></p><h1>{{ email }}</h1>
{% for calendar in calendars %}<section aria-label="{{ calendar.name }}">
<h2>{{ calendar.name }} <small>({{ calendar.role }})</small></h2>
{% if calendar.writable %}<p><a href="{{ url_for('browse.edit', email=email, calendar=calendar.id) }}">
Termin hinzufügen / Add {{ at.event_is }}</a></p>{% endif %}
<table><thead><tr><th>Wann / When</th><th>Titel / Title</th><th>Aktion / Action</th></tr></thead><tbody>
{% for event in calendar.rows %}<tr><td>{{ event.when }}</td>
<td>{{ event.title }}{% if event.series %} ↻{% endif %}</td><td>{% if calendar.writable %}
<a href="{{ url_for('browse.edit', email=email, calendar=calendar.id, **{at.event_field: event.id}) }}">
Bearbeiten / Edit</a>
<form class="row" method="post" action="{{ url_for('browse.delete', email=email, calendar=calendar.id) }}">
<input type="hidden" name="{{ at.event_field }}" value="{{ event.id }}"><button>Löschen / Delete</button></form>
{% endif %}</td></tr>{% endfor %}</tbody></table></section>{% endfor %}
{% else %}
<p><a href="{{ url_for('browse.account', email=email) }}">{{ email }}</a></p>
<h1>Termin {{ "bearbeiten / Edit" if form.event else "hinzufügen / Add" }} {{ at.event_is }}</h1>
<form method="post"><input type="hidden" name="{{ at.event_field }}" value="{{ form.event }}">
<label>Titel / Title <input name="{{ at.title_field }}" value="{{ form.title }}"></label>
<label>Beginn / Start <input type="datetime-local" name="start" value="{{ form.start }}" required></label>
<label>Ende / End <input type="datetime-local" name="end" value="{{ form.end }}" required></label>
<label><input type="checkbox" name="all_day" {% if form.all_day %}checked{% endif %}> Ganztägig / All day
(Ende ist der Tag danach / the end is the day after)</label>
<button>Speichern / Save</button></form>
{% endif %}</main></body></html>"""
