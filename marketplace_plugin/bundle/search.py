"""Finding integrations by words, in either language."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence

from marketplace_plugin.bundle.manifest import Integration


def search(integrations: Sequence[Integration], query: str) -> list[Integration]:
    """Those in which each word of ``query`` begins a word of name, search words, vendor or service; best first.

    Case and accents do not matter. All of them, in their order, for a query without words.
    """
    wanted = _words(query)
    if not wanted:
        return list(integrations)
    ranked = []
    for at, integration in enumerate(integrations):
        name, rest = _name_words(integration), _other_words(integration)
        if all(any(word.startswith(w) for word in name | rest) for w in wanted):
            in_name = sum(any(word.startswith(w) for word in name) for w in wanted)
            ranked.append((-in_name, at, integration))
    return [integration for _, _, integration in sorted(ranked, key=lambda r: r[:2])]


def similar(integrations: Sequence[Integration], query: str) -> list[Integration]:
    """Those with a word much like one of ``query``: for a search without hits, and beside the hits."""
    wanted = _words(query)
    return [
        i
        for i in integrations
        if any(difflib.get_close_matches(w, _name_words(i) | _other_words(i), n=1, cutoff=0.75) for w in wanted)
    ]


def _name_words(integration: Integration) -> frozenset[str]:
    return frozenset(_words(f"{integration.name.de} {integration.name.en}"))


def _other_words(integration: Integration) -> frozenset[str]:
    return frozenset(_words(" ".join((*integration.search, integration.vendor, integration.service))))


def _words(text: str) -> list[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return re.findall(r"\w+", plain)
