"""The hostile echo: the server keeps something else than it was given, of the same meaning.

Switched on by ``Knobs.hostile_echo``; each rewriting is one that users of the service have seen:
HTML is normalised and runs of blanks are one, a zone comes back under an alias, rule parts and guests in another order.
"""

from __future__ import annotations

import re
from copy import deepcopy

from marketplace_plugin.sandbox.google.errors import Json
from marketplace_plugin.sandbox.google.state import State

_ALIASES = {
    "Europe/Berlin": "Arctic/Longyearbyen",
    "Europe/Vienna": "Europe/Vienna",
    "Europe/Zurich": "Europe/Vaduz",
    "UTC": "Etc/UTC",
    "America/New_York": "US/Eastern",
    "Asia/Kolkata": "Asia/Calcutta",
}


def rewritten(state: State, body: Json) -> Json:
    """The body as the server keeps it."""
    if not state.knobs.hostile_echo:
        return body
    changed = deepcopy(body)
    for name in ("start", "end"):
        zone = changed[name].get("timeZone")
        if zone in _ALIASES:
            changed[name]["timeZone"] = _ALIASES[zone]
    if "description" in changed:
        changed["description"] = _html(changed["description"])
    if "recurrence" in changed:
        changed["recurrence"] = [_reordered(line) for line in reversed(changed["recurrence"])]
    if "attendees" in changed:
        changed["attendees"].reverse()
    return changed


def _html(text: str) -> str:
    lines = text.replace("<br/>", "<br>").replace("<br />", "<br>").replace("\r\n", "\n").split("\n")
    return "<br>".join(re.sub(" +", " ", line.rstrip()).replace("&nbsp;", "\u00a0") for line in lines)


def _reordered(line: str) -> str:
    """RRULE parts in another order, with the default that was left out."""
    name, _, rule = line.partition(":")
    if name != "RRULE":
        return line
    parts = sorted(rule.split(";"), key=lambda part: (not part.startswith("FREQ="), part))
    if "FREQ=WEEKLY" in parts and not any(part.startswith("WKST=") for part in parts):
        parts.insert(1, "WKST=MO")
    return f"RRULE:{';'.join(parts)}"
