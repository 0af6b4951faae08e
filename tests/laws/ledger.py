"""The ledger of edits: each brings a token of its own, and no token may vanish unless somebody overwrote it knowing.

A token is a word in a text, or a length in minutes. It is superseded when a person who saw it put something else in its
place, or deleted what held it. In the end each other token stands on both sides, or in the list of conflicts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from marketplace_plugin.model.event import Override, Series, original_key
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.task import Task
from marketplace_plugin.model.time import Timed
from marketplace_plugin.sync.merge.cells import Parts

Place = tuple[str, str, str]
"""The mark of the event, the key of the occurrence (empty for what is said of all), and the token."""
_WORD = re.compile(r"\bw\d+\b")
_BIRTH = re.compile(r"\bb\d+\b")


def tokens(item: Item | None) -> set[str]:
    """All tokens that an item shows, in its occurrences too."""
    if isinstance(item, Series):
        return tokens(item.master).union(*(tokens(o.event) for o in item.overrides))
    when = item.due if isinstance(item, Task) else getattr(item, "when", None)
    return set(_WORD.findall(_text(item))) | said(when)


def places(item: Item | None) -> set[Place]:
    """Each token with where it stands: an occurrence that was changed shows those of its series too."""
    if not isinstance(item, Series):
        return {(birth(item), "", token) for token in tokens(item)}
    found = places(item.master)
    for one in item.overrides:
        found |= {(birth(item), original_key(one.original), token) for token in tokens(one.event)}
    return found


def said(value: Any) -> set[str]:
    """All tokens of one value of a field, of an occurrence, or of the times and occurrences of a series."""
    match value:
        case str():
            return set(_WORD.findall(value))
        case Timed():
            return {f"m{int(value.duration.total_seconds() // 60)}"}
        case Override():
            return tokens(value.event)
        case Parts():
            return said(value.event.when).union(*map(said, value.overrides.values()))
    return set()


def birth(item: Item | None) -> str:
    """The mark that an item was made with, and that no edit changes: two items with one mark are a double."""
    found = _BIRTH.search(_text(item.master if isinstance(item, Series) else item))
    return found[0] if found else ""


def _text(item: Item | None) -> str:
    names = ("title", "description", "location", "notes", "given_name", "company", "job_title")
    return " ".join(text for name in names if isinstance(text := getattr(item, name, None), str))


@dataclass
class Ledger:
    """``written``: all tokens so far. ``superseded``: those that a person replaced or deleted where he saw them."""

    number: int = 0
    written: set[str] = field(default_factory=set)
    superseded: set[str] = field(default_factory=set)
    stood: set[Place] = field(default_factory=set)
    replaced: set[Place] = field(default_factory=set)

    def word(self) -> str:
        self.number += 1
        self.written.add(f"w{self.number}")
        return f"w{self.number}"

    def birth(self) -> str:
        self.number += 1
        return f"b{self.number}"

    def minutes(self) -> int:
        """A length that no event had before, up to ten hours."""
        self.number += 1
        length = self.number
        self.written.add(f"m{length}")
        return length

    def overwrite(self, before: Item | None, *after: Item | None) -> None:
        """A person who saw ``before`` made ``after`` of it (two items where he split a series); None is a deletion."""
        self.superseded |= tokens(before).difference(*map(tokens, after))
        kept = set[Place]().union(*map(places, after))
        self.stood |= places(before) | kept
        self.replaced |= places(before) - kept
        # One person replaced it for all occurrences, and another one in each that had kept it by itself.
        self.superseded |= {t for *_, t in self.replaced} - {t for *_, t in self.stood - self.replaced}

    def lost(self, here: set[str], there: set[str], told: set[str]) -> set[str]:
        """Tokens that nobody replaced and that do not stand on both sides, nor in the conflicts."""
        return self.written - self.superseded - (here & there) - told
