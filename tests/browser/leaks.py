"""Texts of one language on a page in the other, found by the catalogues: whole texts, not single words in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache

from lxml import html

from tests.catalogues import LANGUAGES, ROOT, messages, read

_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")
_ATTRIBUTES = ("aria-label", "placeholder", "title", "alt", "data-failed")
_DATA = frozenset({"Vertrieb", "Einkauf", "Familie", "Urlaub", "Start"})
"""Names that people gave, and a word that stands in both languages for different things."""


def leaks(page: str, language: str) -> list[str]:
    """The texts on a German (English) page that are English (German)."""
    foreign = _foreign()[language]
    return sorted({text for text in _texts(page) if text not in _DATA and foreign(text)})


@cache
def _foreign() -> Mapping[str, Callable[[str], bool]]:
    english, german = set[str](), set[str]()
    for home in sorted({*(ROOT / "marketplace_plugin").rglob("translations"), ROOT / "ui_fragments" / "translations"}):
        for message in read(messages(home, LANGUAGES[0]), LANGUAGES[0]):
            if message.id:
                english |= _forms(message.id)
                german |= _forms(message.string)
    return {"de": _one_of(english - german), "en": _one_of(german - english)}


def _forms(text: object) -> set[str]:
    return {text} if isinstance(text, str) else {str(form) for form in text or ()}  # type: ignore[attr-defined]


def _one_of(texts: set[str]) -> Callable[[str], bool]:
    plain = {text for text in texts if not _PLACEHOLDER.search(text)}
    # A text that is little more than its placeholders would be found everywhere.
    patterns = [t for t in texts - plain if sum(map(str.isalpha, _PLACEHOLDER.sub("", t))) >= 8]
    whole = re.compile("|".join(".+".join(map(re.escape, _PLACEHOLDER.split(text))) for text in sorted(patterns)))
    return lambda text: text in plain or whole.fullmatch(text) is not None


def _texts(page: str) -> Iterator[str]:
    root = html.document_fromstring(page)
    for element in root.iter():
        if not isinstance(element.tag, str) or element.tag in ("script", "style", "option", "meta"):
            continue
        if any("lang" in up.attrib for up in (element, *element.iterancestors()) if up.tag != "html"):
            continue
        found = [element.text, *(child.tail for child in element)]
        found += [element.get(name) for name in _ATTRIBUTES]
        yield from (" ".join(text.split()) for text in found if text and text.strip())
