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
    switches = frozenset(kind for kind in Kind if fields.get(f"switch_{kind}") == "1")
    hidden = "event" in fields.getlist("follows") and Kind.EVENT not in switches  # calendars that the page did not show
    target = None if hidden else fields.get("target") or None
    sources = frozenset[str]() if hidden else frozenset(fields.getlist("sources"))
    offered = {c.id: c for c in present.collections}
    if target is not None and (target not in offered or not offered[target].can_be_target):
        errors["target"] = _("This calendar cannot be written to. Please choose another one.")
        target = None
    if sources - set(offered):
        errors["sources"] = _("A chosen calendar is no longer there. Please check your choice.")
    if (target or sources) and Kind.EVENT not in switches:
        errors["switches"] = _(
            "“Calendar” is switched off, so nothing would be synced. Switch it on, or choose no calendar."
        )
    form = SettingsForm(
        target=target,
        sources=sources & set(offered),
        switches=switches,
        past_days=_days(fields, "past_days", present.past_days, PAST_DAYS, errors),
        future_days=_days(fields, "future_days", present.future_days, FUTURE_DAYS, errors),
        target_change=_target_change(fields.get("target_change", "")),
        policy=_policy(fields.get("policy", "")),
        invites=fields.get("switch_invites") == "1" if present.can_invite else None,
    )
    return Entered(form, _int(fields.get("version", "")) or 0, errors)


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
