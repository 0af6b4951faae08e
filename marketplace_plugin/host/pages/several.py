"""Many events deleted in one act: chosen from a list, and confirmed with their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from marketplace_plugin.host.calendar import views
from marketplace_plugin.host.calendar.asked import day_of
from marketplace_plugin.host.calendar.entries import Shown, shown_at, text
from marketplace_plugin.host.forms.fields import is_number
from marketplace_plugin.host.pages.page import posted, show, steg, today, viewer
from marketplace_plugin.host.records import events
from marketplace_plugin.model.event import Series
from marketplace_plugin.model.series.expand import occurrences

DAYS = 92
"""So far ahead the list reaches; longer lists are for another day."""


@dataclass(frozen=True, slots=True)
class Row:
    """``mark`` names the event and the version that the viewer saw; ``when`` is its first occurrence in the list."""

    mark: str
    title: str
    when: Shown
    repeats: bool
    organised: bool


def add(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/calendar/several", view_func=events_several, methods=["GET", "POST"])


def events_several() -> ResponseReturnValue:
    """The list; what was ticked, to be confirmed with its number; and then the deletion."""
    if request.method == "GET":
        return _list(_day(request.args.get("date", "")))
    fields = posted()
    chosen, day = _chosen(fields.many("event")), _day(fields.raw("date"))
    if not chosen:
        flash(_("Nothing was chosen."), "warn")
        return _list(day)
    if not fields.ticked("confirmed"):
        rows = [row for row in _rows(day) if row.mark.rpartition(":")[0] in chosen]
        return show("event/several_confirm.html", rows=rows, day=day, crumbs=_crumbs())
    done = steg().acts.delete_events(viewer(), chosen)
    flash(ngettext("%(num)d event was deleted.", "%(num)d events were deleted.", done), "ok")
    if left := len(chosen) - done:
        said = ngettext(
            "%(num)d event was changed meanwhile, so it was left alone.",
            "%(num)d events were changed meanwhile, so they were left alone.",
            left,
        )
        flash(said, "warn")
    return redirect(url_for(".calendar", view="agenda", date=day.isoformat()), 303)


def _list(day: date) -> ResponseReturnValue:
    return show("event/several.html", rows=_rows(day), day=day, days=DAYS, crumbs=_crumbs())


def _rows(day: date) -> list[Row]:
    """All that the viewer organises or takes part in, each once, by its first time from ``day`` on."""
    who = viewer()
    window = views.window_of(day, DAYS, who.zone)
    with steg().database.read() as c:
        records = events.in_window(c, who.id, window)
    rows = []
    for record in records:
        item = record.item_for(who.id)
        found = occurrences(item, window, who.zone, limit=1).occurrences
        if found:
            event, mark = found[0].event, f"{record.ref}:{record.version_for(who.id)}"
            shown, own = shown_at(event.when, who.zone), who.id == record.owner
            rows.append(Row(mark, text(event.title), shown, isinstance(item, Series), own))
    return sorted(rows, key=lambda row: (_first(row.when), row.title))


def _first(when: Shown) -> str:
    return when.start.isoformat()


def _chosen(marks: Sequence[str]) -> dict[str, int]:
    pairs = (mark.rpartition(":") for mark in marks)
    return {ref: int(version) for ref, _colon, version in pairs if ref and is_number(version)}


def _day(text_: str) -> date:
    try:
        return day_of(text_)
    except ValueError:
        return today()


def _crumbs() -> list[tuple[str, str | None]]:
    return [(_("Calendar"), url_for(".calendar")), (_("Delete several events"), None)]
