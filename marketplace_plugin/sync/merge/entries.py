"""The lists of a contact, entry by entry: what names an entry, so that both sides can add to one list.

A mail address is named by itself, a number by its digits, a web address by its text: to change one is to take it away
and to add another, and what both sides add stays. Postal addresses are named by their label, all of one label together,
because services change the one that they have of a kind in place. The names of conflicts lie in clear in the database:
so labels of a person's own making are no names, and what is named by its value makes no conflict.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from marketplace_plugin.model.contact import LABELS, Labelled, PostalAddress
from marketplace_plugin.model.form.canonical import normal_entry

Entry = Labelled | PostalAddress | str
Entries = tuple[Entry, ...]
LISTS: Final = frozenset({"emails", "phones", "addresses", "websites"})
NAMED_BY_VALUE: Final = LISTS - {"addresses"}
"""Their entries can only clash in their labels."""


def keyed(name: str, entries: Iterable[Entry]) -> dict[str, Entries]:
    """The entries of the list ``name`` by their names, in their order; mostly one of each name."""
    found: dict[str, Entries] = {}
    for entry in entries:
        if key := _key(name, entry):
            found[key] = (*found.get(key, ()), entry)
    return found


def put(name: str, entries: Iterable[Entry], key: str, value: Entries | None) -> Entries:
    """The list with the entries ``value`` in the place of those called ``key``, at the end, or (None) without them."""
    known = keyed(name, entries)
    if value is None:
        known.pop(key, None)
    else:
        known[key] = value
    return tuple(entry for group in known.values() for entry in group)


def same_entries(a: Entries, b: Entries) -> bool:
    """Labels and values are the same but for what services rewrite; a number's punctuation is nothing."""
    return {_meant(entry) for entry in a} == {_meant(entry) for entry in b}


def digits(number: str) -> str:
    """A phone number without its punctuation: ``+49 (911) 555-01`` and ``0049 911 55501`` are ``+4991155501``."""
    kept = "".join(c for c in number if c.isalnum() or c == "+")
    return "+" + kept[2:] if kept.startswith("00") else kept


def _meant(entry: Entry) -> Entry:
    normal = normal_entry(entry)
    if isinstance(normal, Labelled) and "@" not in normal.value:
        return Labelled(normal.label, digits(normal.value))
    return normal


def _key(name: str, entry: Any) -> str:
    entry = normal_entry(entry)
    match name, entry:
        case "phones", Labelled(value=value):
            return digits(value) or value
        case _, Labelled(value=value):
            return value
        case _, PostalAddress(label=label):
            return label if label in LABELS else "-"
        case _, text:
            return str(text)
