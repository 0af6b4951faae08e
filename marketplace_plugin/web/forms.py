"""Reading the settings form. Nothing that a browser sends is believed: ids are those offered, days are bounded."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from marketplace_plugin.engine.views import Policy, SettingsForm, SettingsView, TargetChange
from marketplace_plugin.model.item import Kind

PAST_DAYS = range(366)
FUTURE_DAYS = range(1, 1827)


@dataclass
class Entered:
    """What was handed in. ``errors`` maps a field's name to a sentence; "" is the form as a whole."""

    form: SettingsForm | None
    version: int
    errors: dict[str, str] = field(default_factory=dict)


def read_settings(fields: MultiDict[str, str], present: SettingsView) -> Entered:
    """The form against what was offered: ``present``."""
    errors: dict[str, str] = {}
    switches = _switches(fields)
    hidden = "event" in fields.getlist("follows") and Kind.EVENT not in switches  # calendars that the page did not show
    target = None if hidden else fields.get("target") or None
    offered = {c.id: c for c in present.collections}
    calendars = {c.id for c in present.collections if c.kind is Kind.EVENT}
    sources = frozenset(fields.getlist("sources")) - (calendars if hidden else set())
    sources -= {c.id for c in present.collections if c.kind is not Kind.EVENT and c.kind not in switches}
    others = _others(fields, present, switches, errors)
    lists = others & {c.id for c in present.collections if c.kind is Kind.TASK}
    if target is not None and (target not in offered or not offered[target].can_be_target):
        errors["target"] = _("This calendar cannot be written to. Please choose another one.")
        target = None
    if sources - set(offered):
        errors["sources"] = _("A chosen calendar is no longer there. Please check your choice.")
    if (target or sources & calendars) and Kind.EVENT not in switches:
        errors["switches"] = _(
            "“Calendar” is switched off, so nothing would be synced. Switch it on, or choose no calendar."
        )
    form = SettingsForm(
        target=target,
        sources=(sources & set(offered)) | lists,  # a list is synced both ways
        switches=switches,
        past_days=_days(fields, "past_days", present.past_days, PAST_DAYS, errors),
        future_days=_days(fields, "future_days", present.future_days, FUTURE_DAYS, errors),
        target_change=_target_change(fields.get("target_change", "")),
        policy=_policy(fields.get("policy", "")),
        invites=fields.get("switch_invites") == "1" if present.can_invite else None,
        others=others,
        timed_only=fields.get("whole_days") != "1" if "todos" in fields.getlist("shown") else None,
    )
    if Kind.CONTACT in switches and any(c.kind is Kind.CONTACT for c in present.collections):
        books = {c.id for c in present.collections if c.kind is Kind.CONTACT}
        if not books & (form.sources | form.others):
            errors.setdefault("contacts", _("Please choose an address book, or switch “Contacts” off."))
    if switches & _MIRRORED and target is None and not (lists and Kind.CALL not in switches):
        errors.setdefault("todos", _("Please choose a target calendar: that is where tasks and calls are shown."))
    return Entered(form, _int(fields.get("version", "")) or 0, errors)


_MIRRORED = frozenset({Kind.TASK, Kind.CALL})
ASK = "?"
"""In the place of a list: there is none yet, because the service has not been asked for them."""


def asked_for(fields: MultiDict[str, str], form: SettingsForm) -> frozenset[Kind]:
    """Kinds whose collections the user wants to choose from, and cannot yet."""
    return frozenset({Kind.TASK}) & form.switches if fields.get("other_task") == ASK else frozenset()


def _switches(fields: MultiDict[str, str]) -> frozenset[Kind]:
    """Tasks and calls have one switch above their boxes: off, it counts for both."""
    on = frozenset(kind for kind in Kind if fields.get(f"switch_{kind}") == "1")
    below = "todos" in fields.getlist("shown") and fields.get("switch_todos") != "1"
    return on - _MIRRORED if below else on


def _others(
    fields: MultiDict[str, str], present: SettingsView, switches: frozenset[Kind], errors: dict[str, str]
) -> frozenset[str]:
    """The address book and the list that what is made here goes to."""
    chosen: set[str] = set()
    for kind, name in ((Kind.CONTACT, "contacts"), (Kind.TASK, "todos")):
        one = fields.get(f"other_{kind}", "")
        if one in ("", ASK) or kind not in switches:
            continue
        row = next((c for c in present.collections if c.id == one and c.kind is kind), None)
        if row is None or not (row.can_be_target or row.is_target):
            errors[name] = _("This one cannot be written to. Please choose another one.")
        else:
            chosen.add(one)
    return frozenset(chosen)


def _days(fields: MultiDict[str, str], name: str, present: int, allowed: range, errors: dict[str, str]) -> int:
    text = fields.get(name, "").strip()
    if not text:
        return present
    days = _int(text)
    if days is None or days not in allowed:
        errors[name] = _("Please enter a number of days from %(low)d to %(high)d.", low=allowed[0], high=allowed[-1])
        return present
    return days


def _target_change(text: str) -> TargetChange | None:
    return TargetChange(text) if text in set(TargetChange) else None


def _policy(text: str) -> Policy | None:
    return Policy(text) if text in set(Policy) else None


def _int(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
