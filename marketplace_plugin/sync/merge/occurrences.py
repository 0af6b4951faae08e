"""Occurrences that one side alone has changed: the other side shows them as its rule makes them.

So they meet field by field as well: a series that was renamed here, and one day of it that was moved there, becomes one
day that is moved and renamed (rule M1a).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from marketplace_plugin.model.event import Override, Unknown
from marketplace_plugin.model.form.canonical import restrict, same
from marketplace_plugin.sync.merge.cells import Parts, in_occurrences, recurs, same_shape


@dataclass(frozen=True, slots=True)
class Spelt:
    """The showings of both sides, each with its half of the base first, with what their rules make spelt out as changed
    occurrences where another one has changed it; ``keys`` are their names."""

    host: tuple[Parts, ...]
    remote: tuple[Parts, ...]
    keys: frozenset[str]


def spelt(host: Sequence[Parts], remote: Sequence[Parts], held: frozenset[str]) -> Spelt:
    """What a side has cancelled, or made regular again, is one change of the whole occurrence, and stays as it is."""
    sides = [*host, *remote]
    keys = {key for side in sides for key in side.overrides}
    if not keys or not all(recurs(side) and same_shape(sides[0], side) for side in sides):
        return Spelt(tuple(host), tuple(remote), frozenset())
    chosen = frozenset(
        key
        for key in keys
        if any(key not in side.overrides for side in sides)
        and not any(key in side.overrides and side.overrides[key].event is None for side in sides)
        and not _made_regular(key, host, held)
        and not _made_regular(key, remote, held)
    )
    return Spelt(tuple(_spell(one, chosen) for one in host), tuple(_spell(one, chosen) for one in remote), chosen)


def terse(parts: Parts, keys: frozenset[str], held: frozenset[str]) -> Parts:
    """Without those of the named occurrences that are as the rule makes them. Guests are no field that flows; who is
    invited to an occurrence alone has to be known all the same (rule D4)."""
    rest = {
        k: o for k, o in parts.overrides.items() if k not in keys or not _regular(parts, k, held) or _invites(parts, o)
    }
    return replace(parts, overrides=rest)


def _spell(parts: Parts, keys: frozenset[str]) -> Parts:
    missing = {key: parts.by_rule(key) for key in keys if key not in parts.overrides}
    return replace(parts, overrides={**parts.overrides, **missing}) if missing else parts


def _invites(parts: Parts, override: Override) -> bool:
    """Whether somebody takes part in an occurrence who takes no part in its series."""
    if override.event is None:
        return False
    here, all_of_them = override.event.attendees, parts.event.attendees
    if isinstance(here, Unknown) or isinstance(all_of_them, Unknown):
        return here is not all_of_them
    return bool({one.address for one in here} - {one.address for one in all_of_them})


def _made_regular(key: str, sides: Sequence[Parts], held: frozenset[str]) -> bool:
    """Its half of the base had changed the occurrence, and now it shows something else, by its rule."""
    base, *later = sides
    if key not in base.overrides:
        return False
    return any(
        key not in side.overrides and not _regular(side.with_override(key, base.overrides[key]), key, held)
        for side in later
    )


def _regular(parts: Parts, key: str, held: frozenset[str]) -> bool:
    shown, regular = parts.overrides[key].event, parts.by_rule(key).event
    names = in_occurrences(held)
    return shown is not None and regular is not None and same(restrict(shown, names), restrict(regular, names))
