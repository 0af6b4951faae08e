"""The lists of a contact, entry by entry: what names an entry, so that both sides can add to one list.

A mail address is named by itself, a number by its digits, a web address by its text: to change one is to take it away
and to add another, and what both sides add stays. A postal address is named by its label and its place among those of
that label, because services with one address of a kind change it in place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from marketplace_plugin.model.contact import Labelled, PostalAddress
from marketplace_plugin.model.form.canonical import normal_entry

Entry = Labelled | PostalAddress | str
LISTS: Final = frozenset({"emails", "phones", "addresses", "websites"})


def keyed(name: str, entries: Iterable[Entry]) -> dict[str, Entry]:
    """The entries of the list ``name`` by their names, in their order; of equal ones the first."""
    found: dict[str, Entry] = {}
    for entry in entries:
        key = _key(name, entry)
        if name == "addresses":
            place = sum(1 for known in found if known.partition("#")[0] == key)
            key = f"{key}#{place + 1}" if place else key
        if key:
            found.setdefault(key, entry)
    return found


def put(name: str, entries: Iterable[Entry], key: str, value: Entry | None) -> tuple[Entry, ...]:
    """The list with the entry ``key`` in its place, at the end, or (None) without it."""
    known = keyed(name, entries)
    if value is None:
        known.pop(key, None)
    else:
        known[key] = value
    return tuple(known.values())


def same_entry(a: Entry, b: Entry) -> bool:
    """Label and value are the same but for what services rewrite; a number's punctuation is nothing."""
    a, b = normal_entry(a), normal_entry(b)
    if isinstance(a, Labelled) and isinstance(b, Labelled) and "@" not in a.value:
        return (a.label, digits(a.value)) == (b.label, digits(b.value))
    return a == b


def digits(number: str) -> str:
    """A phone number without its punctuation: ``+49 (911) 555-01`` and ``0049 911 55501`` are ``+4991155501``."""
    kept = "".join(c for c in number if c.isalnum() or c == "+")
    return "+" + kept[2:] if kept.startswith("00") else kept


def _key(name: str, entry: Any) -> str:
    entry = normal_entry(entry)
    match name, entry:
        case "phones", Labelled(value=value):
            return digits(value) or value
        case _, Labelled(value=value):
            return value
        case _, PostalAddress(label=label):
            return label or "-"
        case _, text:
            return str(text)
