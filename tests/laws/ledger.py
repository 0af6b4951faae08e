"""The ledger of edits: each brings a token of its own, and no token may vanish unless somebody overwrote it knowing.

A token is a word in a text, or a length in minutes. It is superseded when a person who saw it put something else in its
place, or deleted what held it. In the end each other token stands on both sides, or in the list of conflicts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.time import Timed

_WORD = re.compile(r"\bw\d+\b")
_BIRTH = re.compile(r"\bb\d+\b")


def tokens(item: Item | None) -> set[str]:
    """All tokens that an item shows, in its occurrences too."""
    if isinstance(item, Series):
        return tokens(item.master).union(*(tokens(o.event) for o in item.overrides))
    if not isinstance(item, Event):
        return set()
    texts = " ".join(t for t in (item.title, item.description, item.location) if isinstance(t, str))
    found = set(_WORD.findall(texts))
    if isinstance(item.when, Timed):
        found.add(f"m{int(item.when.duration.total_seconds() // 60)}")
    return found


def birth(item: Item | None) -> str:
    """The mark that an event was made with, and that no edit changes: two events with one mark are a double."""
    event = item.master if isinstance(item, Series) else item
    text = event.description if isinstance(event, Event) else None
    found = _BIRTH.search(text) if isinstance(text, str) else None
    return found[0] if found else ""


@dataclass
class Ledger:
    """``written``: all tokens so far. ``superseded``: those that a person replaced or deleted where he saw them."""

    number: int = 0
    written: set[str] = field(default_factory=set)
    superseded: set[str] = field(default_factory=set)

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

    def lost(self, here: set[str], there: set[str], told: set[str]) -> set[str]:
        """Tokens that nobody replaced and that do not stand on both sides, nor in the conflicts."""
        return self.written - self.superseded - (here & there) - told
