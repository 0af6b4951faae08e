"""The calendar: day, week, month and agenda, one's own and a colleague's, and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

from flask import Blueprint, Response, abort, jsonify, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace_plugin.contract.module import Person
from marketplace_plugin.host.calendar import reading, views
from marketplace_plugin.host.calendar.asked import Asked, View, day_of, source_key
from marketplace_plugin.host.calendar.entries import Entry
from marketplace_plugin.host.pages.page import language, now, private, show, steg, today, viewer
from marketplace_plugin.model.time import AllDay

LONGEST_LIST = 62
"""Days of one JSON answer."""


@dataclass(frozen=True, slots=True)
class Colleague:
    person: Person
    colour: str
    shown: bool


def add(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/calendar", view_func=calendar, methods=["GET"])
    blueprint.add_url_rule("/calendar/of/<person>", view_func=colleague, methods=["GET"])
    blueprint.add_url_rule("/calendar/filter", view_func=calendar_filter, methods=["GET"])
    blueprint.add_url_rule("/calendar/of/<person>/events.json", view_func=events_json, methods=["GET"])


def calendar() -> ResponseReturnValue:
    return _page(viewer())


def colleague(person: str) -> ResponseReturnValue:
    return _page(_visible(person))


def calendar_filter() -> ResponseReturnValue:
    """The boxes beside the calendar: what is not ticked is hidden. The answer is an address without the form."""
    asked = Asked.parse(request.args.to_dict(flat=False), today())
    hidden = set(request.args.getlist("known")) - set(request.args.getlist("show"))
    return redirect(url_for(".calendar", **asked.params(hidden=frozenset(hidden))), 303)


def events_json(person: str) -> ResponseReturnValue:
    """What the page shows, redacted alike, for ``days`` from ``from`` on; what may be opened has a ref."""
    owner = _visible(person)
    try:
        first = day_of(request.args.get("from", ""))
        days = min(max(int(request.args.get("days", "7")), 1), LONGEST_LIST)
    except ValueError:
        abort(400)
    window = views.window_of(first, days, viewer().zone)
    found = reading.entries(steg().database, steg().blocks, viewer(), owner, (), window)
    response = jsonify(events=[_as_json(entry) for entry in found])
    private(response)
    return response


def _visible(person: str) -> Person:
    owner = steg().person(person)
    if owner is None or not steg().may_see(viewer(), person):
        abort(404)
    return owner


def _page(owner: Person) -> Response:
    who = viewer()
    own = owner.id == who.id
    asked = Asked.parse(request.args.to_dict(flat=False), today(), "" if own else owner.id)
    colleagues = _colleagues(who, asked)
    beside = [(c.person, c.colour) for c in colleagues if c.shown] if own else []
    window = views.window_of(asked.first, asked.days, who.zone)
    read = partial(reading.entries, steg().database, steg().blocks, who, owner, beside, window)
    found: list[Entry] | None = None
    if own and not beside:
        with steg().database.read() as c:
            etag = reading.etag(c, steg().blocks, who, steg().now(), request.full_path, language())
    else:
        found = read()
        etag = reading.etag_of(found, who, steg().now(), request.full_path, language())
    fragment = request.headers.get("HX-Target") == "calview"
    if fragment and etag in request.if_none_match:
        return _tagged(make_response("", 304), etag)
    found = read() if found is None else found
    response = show(
        "calendar/_calview.html" if fragment else "calendar/calendar.html",
        View=View,
        asked=asked,
        owner=owner,
        own=own,
        colleagues=colleagues,
        sources=[(source_key(source), source) for source in reading.sources(found)],
        etag_header=json.dumps({"If-None-Match": f'"{etag}"'}),
        link=lambda **changes: url_for(request.endpoint or ".calendar", **_view_args(), **asked.params(**changes)),
        here=request.full_path.rstrip("?"),
        mini=_mini(asked),
        today=today(),
        **_view(asked, [entry for entry in found if asked.shows(entry)]),
    )
    return _tagged(response, etag) if fragment else response


def _view_args() -> dict[str, Any]:
    return dict(request.view_args or {})


def _tagged(response: Response, etag: str) -> Response:
    response.set_etag(etag)
    private(response)
    return response


def _colleagues(who: Person, asked: Asked) -> list[Colleague]:
    others = [person for person in steg().people(who.tenant) if person.id != who.id]
    colours = reading.COLOURS
    return [Colleague(p, colours[n % len(colours)], p.id in asked.beside) for n, p in enumerate(others)]


def _view(asked: Asked, shown: Sequence[Entry]) -> dict[str, Any]:
    """What the template of the view needs, and the days that its heading names."""
    match asked.view:
        case View.MONTH:
            return {"month": views.month(shown, asked.day, today()), "following": asked.following}
        case View.AGENDA:
            agenda = views.agenda(shown, asked.day)
            last = agenda.days[-1].day if agenda.days else asked.day + timedelta(days=views.AGENDA_DAYS - 1)
            return {"agenda": agenda, "last": last, "following": agenda.following}
    grid = views.grid(shown, asked.first, asked.days, now(), viewer().zone)
    last = asked.first + timedelta(days=asked.days - 1)
    return {"grid": grid, "last": last, "following": asked.following}


def _mini(asked: Asked) -> list[list[date]]:
    """The month beside the calendar, in weeks."""
    first, days = views.month_days(asked.day)
    return [[first + timedelta(days=n + k) for k in range(7)] for n in range(0, days, 7)]


def _as_json(entry: Entry) -> dict[str, object]:
    when = entry.when
    data: dict[str, object] = {
        "all_day": isinstance(when, AllDay),
        "start": when.start.isoformat(),
        "end": when.end.isoformat(),
        "busy": not entry.free,
        "title": entry.title,
        "place": entry.place,
    }
    if entry.ref:
        data |= {"kind": entry.sort.value, "ref": entry.ref}
    return data
