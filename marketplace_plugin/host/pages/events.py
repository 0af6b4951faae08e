"""One event: its page, creating, editing, answering and deleting, of a series one, the following, or all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from marketplace_plugin.contract.module import Person
from marketplace_plugin.host import editing
from marketplace_plugin.host.acts import Done, Missing, Saved
from marketplace_plugin.host.calendar.entries import shown_at
from marketplace_plugin.host.forms import event as form
from marketplace_plugin.host.forms import repetition
from marketplace_plugin.host.forms.event import Scope
from marketplace_plugin.host.forms.fields import Fields
from marketplace_plugin.host.pages import wording
from marketplace_plugin.host.pages.page import as_values, inside, now, posted, show, steg, today, viewer
from marketplace_plugin.host.records import events, participation
from marketplace_plugin.model.event import Event, Response, Series
from marketplace_plugin.model.form.outline import hidden_in, outline
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.series.expand import is_original, occurrence_at
from marketplace_plugin.model.time import Original, When

MOST_TIMES = (8, 18)
"""The hours between which an empty form proposes the next full one."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The event that the address names, as the viewer has it; ``event`` is the chosen occurrence of a series, and for
    who has no part in it what a colleague may see."""

    record: events.Record
    item: Event | Series
    event: Event
    original: Original | None

    @property
    def series(self) -> Series | None:
        return self.item if isinstance(self.item, Series) else None

    @property
    def version(self) -> int:
        return self.record.version_for(viewer().id)

    @property
    def rule_when(self) -> When:
        """What the form's words for the rule refer to."""
        return editing.regular_when(self.item, self.original, self.event.when)

    @property
    def at(self) -> str:
        return request.values.get("at", "")


def add(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/calendar/event/<ref>", view_func=event_page, methods=["GET"])
    blueprint.add_url_rule("/calendar/event/<ref>/menu", view_func=event_menu, methods=["GET"])
    blueprint.add_url_rule("/calendar/new", view_func=event_new, methods=["GET", "POST"])
    blueprint.add_url_rule("/calendar/event/<ref>/edit", view_func=event_edit, methods=["GET", "POST"])
    blueprint.add_url_rule("/calendar/event/<ref>/answer", view_func=event_answer, methods=["POST"])
    blueprint.add_url_rule("/calendar/event/<ref>/delete", view_func=event_delete, methods=["POST"])


def event_page(ref: str) -> ResponseReturnValue:
    chosen = _chosen(ref)
    return show("event/event.html", **_detail(chosen))


def event_menu(ref: str) -> ResponseReturnValue:
    chosen = _chosen(ref)
    return show("event/_event_menu.html", **_detail(chosen))


def event_new() -> ResponseReturnValue:
    who = viewer()
    if request.method == "GET":
        values = form.new_values(_asked_day(), _next_hour(), who.zone) | dict(repetition.Repetition().values())
        return _form(values, {}, action=url_for(".event_new"), title=_("New event"))
    fields = posted()
    blank = Event(when=_blank(who).when)
    event = form.read(fields, blank, _colleagues(who))
    rule = repetition.read(fields, event.when, None, event.when)
    if fields.errors:
        return _form(as_values(), fields.errors, action=url_for(".event_new"), title=_("New event"), status=422)
    item = event if rule is None else Series(event, rule)
    saved = steg().acts.create_event(who, item, _invited(fields, who), form.read_calendar(fields))
    flash({"text": _("Saved."), "undo": ""}, "toast")  # type: ignore[arg-type]  # the session's JSON carries it
    return redirect(_back(event, saved.ref), 303)


def event_edit(ref: str) -> ResponseReturnValue:
    try:
        chosen = _chosen(ref, takes_part=True)
    except NotFound:
        if request.method == "POST" and request.form.get("title"):
            return _anew()
        raise
    if request.method == "GET":
        return _edit_form(chosen, _values(chosen), {})
    fields = posted()
    if viewer().id == chosen.record.owner:
        return _save(chosen, fields)
    return _save_own(chosen, fields)


def event_answer(ref: str) -> ResponseReturnValue:
    """Accept, tentative or decline, for the whole event."""
    chosen = _chosen(ref, takes_part=True)
    fields = posted()
    master = chosen.item.master if isinstance(chosen.item, Series) else chosen.item
    own = replace(master, response=fields.one_of("response", Response, Response.ACCEPTED))
    view = replace(chosen.item, master=own) if isinstance(chosen.item, Series) else own
    done = steg().acts.answer_event(viewer(), ref, _version(fields), view, frozenset({"response"}))
    return _after(done, chosen, _("Your answer was saved."))


def event_delete(ref: str) -> ResponseReturnValue:
    """What a participant deletes, he leaves; the others keep it."""
    chosen = _chosen(ref, takes_part=True)
    fields = posted()
    who, expected = viewer(), _version(fields)
    scope = fields.one_of("scope", Scope, Scope.ALL)
    series, original = chosen.series, chosen.original
    left = None
    if series is not None and original is not None and scope is not Scope.ALL:
        left = editing.without(series, original, scope)
    done: Done
    if left is None:
        done = steg().acts.delete_event(who, ref, expected)
    elif who.id == chosen.record.owner:
        done = steg().acts.change_event(who, ref, expected, left)
    else:
        done = steg().acts.answer_event(who, ref, expected, left, frozenset({"overrides"}))
    return _after(done, chosen, _("Deleted."), gone=left is None)


# ---- reading the request -------------------------------------------------------------------------------------------


def _chosen(ref: str, *, takes_part: bool = False) -> Chosen:
    """404 for what does not exist, and alike for what the viewer may not know."""
    who = viewer()
    with steg().database.read() as c:
        record = events.one(c, ref)
    if record is None or not (record.concerns(who.id) or steg().may_see(who, record.owner)):
        raise NotFound
    item = record.item_for(who.id)
    event, original = item if isinstance(item, Event) else item.master, None
    at = request.values.get("at", "")
    if isinstance(item, Series) and at:
        original = _original(item, at)
        found = occurrence_at(item, original)
        if found is None:
            raise NotFound
        event = found
    if not record.concerns(who.id):
        seen = outline(item, event, who.zone)
        if takes_part or seen is None or hidden_in(item, event):
            raise NotFound
        event = seen
    return Chosen(record, item, event, original)


def _original(series: Series, at: str) -> Original:
    try:
        original = participation.original_of(at, series.master.when)
    except ValueError:
        raise NotFound from None
    if series.override(original) is None and not is_original(series, original):
        raise NotFound
    return original


def _version(fields: Fields) -> int:
    return fields.number("version", 0, 10**11, 0)


def _colleagues(who: Person) -> Sequence[Person]:
    return [person for person in steg().people(who.tenant) if person.id != who.id]


def _invited(fields: Fields, who: Person) -> list[str]:
    return [person.id for person in _colleagues(who) if person.id in fields.many("invited")]


def _asked_day() -> date:
    try:
        return date.fromisoformat(request.args.get("date", ""))
    except ValueError:
        return today()


def _next_hour() -> datetime:
    earliest, latest = MOST_TIMES
    hour = min(max(now().hour + 1, earliest), latest)
    return datetime.combine(today(), time(hour))


def _blank(who: Person) -> Event:
    begins = _next_hour()
    return Event(when=editing.an_hour(begins, who.zone))


# ---- saving --------------------------------------------------------------------------------------------------------


def _save(chosen: Chosen, fields: Fields) -> ResponseReturnValue:
    who = viewer()
    fields_open = _open_fields(chosen)
    event = form.read(fields, chosen.event, _colleagues(who))
    kept = chosen.series.rule if chosen.series is not None else None
    rule = repetition.read(fields, event.when, kept, chosen.rule_when)
    if fields_open is not None:
        event = editing.only(chosen.event, event, fields_open)
        rule = rule if "rule" in fields_open else kept
    scope = fields.one_of("scope", Scope, Scope.ALL) if chosen.original is not None else Scope.ALL
    if fields.errors:
        return _edit_form(chosen, as_values(), fields.errors, status=422)
    try:
        item, rest = editing.with_change(chosen.item, chosen.original, event, rule, scope)
    except ValueError:
        fields.wrong("start_day", _("This occurrence cannot be moved there. Please choose another day."))
        return _edit_form(chosen, as_values(), fields.errors, status=422)
    done = steg().acts.change_event(
        who,
        chosen.record.ref,
        _version(fields),
        item,
        invited=None if fields_open is not None or scope is Scope.THIS else _invited(fields, who),
        calendar=None if scope is Scope.THIS else form.read_calendar(fields),
        rest=rest,
    )
    return _after(done, chosen, _("Saved."), event)


def _save_own(chosen: Chosen, fields: Fields) -> ResponseReturnValue:
    """A participant's answer, reminder and show-as, for this occurrence or for all."""
    own = form.read_own(fields, chosen.event)
    if fields.errors:
        return _edit_form(chosen, as_values(), fields.errors, status=422)
    series, names = chosen.series, participation.OWN_FIELDS
    view: Event | Series = own
    if series is not None and chosen.original is not None and fields.raw("scope") == Scope.THIS:
        view, _rest = editing.with_change(series, chosen.original, own, series.rule, Scope.THIS)
        names = frozenset({"overrides"})
    elif series is not None:
        view = replace(series, master=editing.only(series.master, own, participation.OWN_FIELDS))
    done = steg().acts.answer_event(viewer(), chosen.record.ref, _version(fields), view, names)
    return _after(done, chosen, _("Saved."), own)


def _after(
    done: Done, chosen: Chosen, said: str, event: Event | None = None, *, gone: bool = False
) -> ResponseReturnValue:
    if isinstance(done, Saved):
        flash({"text": said, "undo": ""}, "toast")  # type: ignore[arg-type]  # the session's JSON carries it
        return redirect(_back(event or chosen.event, "" if gone else done.ref), 303)
    if event is None:  # nothing was typed that could be lost: the page shows the present state
        flash(_("Somebody changed this event meanwhile, so nothing was done. Please look at it again."), "warn")
        return redirect(url_for(".event_page", ref=chosen.record.ref, at=chosen.at or None), 303)
    return _anew() if isinstance(done, Missing) else _stale(chosen)


def _anew() -> ResponseReturnValue:
    """What was typed for an event that is gone meanwhile."""
    said = _("This event was deleted meanwhile. Your entries are kept here: “Save” creates it anew.")
    return _form(as_values(), {}, action=url_for(".event_new"), title=_("New event"), status=409, warning=said)


def _stale(chosen: Chosen) -> ResponseReturnValue:
    """What was typed stays; what others changed is named; saving again is then a decision."""
    with steg().database.read() as c:
        record = events.one(c, chosen.record.ref)
    if record is None or not record.concerns(viewer().id):
        return _anew()
    item = record.item_for(viewer().id)
    event: Event | None = item if isinstance(item, Event) else item.master
    if isinstance(item, Series) and chosen.original is not None:
        event = occurrence_at(item, chosen.original)
    if event is None:
        return _anew()
    fresh = Chosen(record, item, event, chosen.original if isinstance(item, Series) else None)
    values, typed = _values(fresh), as_values()
    typed["version"] = str(record.version_for(viewer().id))
    warning = _(
        "Somebody, or the sync, changed this event while you were editing it. Nothing was overwritten. Your entries "
        "are kept here: “Save” puts them in the place of the present ones."
    )
    differs = wording.differences(values, typed)
    return _edit_form(fresh, typed, {}, status=409, warning=warning, differs=differs)


def _back(event: Event, ref: str) -> str:
    """Where the form came from, else the week of the event."""
    day = shown_at(event.when, viewer().zone).start
    shown = day.date() if isinstance(day, datetime) else day
    otherwise = url_for(".calendar", view="week", date=shown.isoformat(), _anchor=ref or None)
    return inside(request.form.get("back", ""), otherwise)


# ---- showing -------------------------------------------------------------------------------------------------------


def _detail(chosen: Chosen) -> dict[str, Any]:
    record, who = chosen.record, viewer()
    concerned = record.concerns(who.id)
    tie = steg().tie(who.id, record.ref, Kind.EVENT) if concerned else None
    when = shown_at(chosen.event.when, who.zone)
    return {
        "chosen": chosen,
        "event": chosen.event,
        "when": when,
        "starts": None if chosen.original is None else when.start.isoformat(),
        "concerned": concerned,
        "organised": who.id == record.owner,
        "private": hidden_in(chosen.item, chosen.event),
        "tie": tie,
        "repeats": wording.repetition(chosen.series),
        "people": wording.people(chosen.event, record) if concerned else [],
        "organizer": record.organizer.name if chosen.event.organizer is None else chosen.event.organizer.name,
        "back": inside(request.args.get("back", ""), url_for(".calendar")),
        "crumbs": [(_("Calendar"), url_for(".calendar")), (_("Details"), None)],
    }


def _values(chosen: Chosen) -> dict[str, Any]:
    record, who = chosen.record, viewer()
    rule = chosen.series.rule if chosen.series is not None else None
    return {
        **form.values_of(chosen.event, who.zone, list(record.participants), record.calendar),
        **repetition.of_rule(rule, chosen.rule_when).values(),
        "version": str(chosen.version),
        "at": chosen.at,
        "scope": Scope.THIS.value if chosen.original is not None else Scope.ALL.value,
    }


def _open_fields(chosen: Chosen) -> frozenset[str] | None:
    """The event's fields that may be written here, None for all: a participant has his own, a tie may hold some."""
    if viewer().id != chosen.record.owner:
        return participation.OWN_FIELDS
    tie = steg().tie(viewer().id, chosen.record.ref, Kind.EVENT)
    return None if tie is None else tie.writable


def _edit_form(
    chosen: Chosen,
    values: Mapping[str, Any],
    errors: Mapping[str, Any],
    *,
    status: int = 200,
    warning: str = "",
    differs: Sequence[tuple[str, str]] = (),
) -> ResponseReturnValue:
    return _form(
        values,
        errors,
        action=url_for(".event_edit", ref=chosen.record.ref),
        title=_("Edit event"),
        status=status,
        warning=warning,
        differs=differs,
        chosen=chosen,
        fields_open=_open_fields(chosen),
    )


def _form(
    values: Mapping[str, Any], errors: Mapping[str, Any], *, status: int = 200, **context: Any
) -> ResponseReturnValue:
    who = viewer()
    defaults = {"warning": "", "differs": (), "chosen": None, "fields_open": None}
    return show(
        "event/event_form.html",
        status,
        values=values,
        errors=errors,
        colleagues=_colleagues(who),
        back=inside(request.values.get("back", ""), url_for(".calendar")),
        crumbs=[(_("Calendar"), url_for(".calendar")), (context["title"], None)],
        choices=wording.choices(values),
        tomorrow=today() + timedelta(days=1),
        **{**defaults, **context},
    )
