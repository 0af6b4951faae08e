"""The catalogues of texts: which there are, what belongs into each, and how they are written.

A catalogue is a folder `translations/`. It holds the texts of what lies beside and below it, except what a
deeper one holds: the library's in `marketplace_plugin/`, Steg's in `marketplace_plugin/host/`, the bundle's
(hooks/ too) in `ui_fragments/`. Texts are written in English; each other language has a `messages.po`.

    python -m tests.catalogues    what `make messages` runs: collect the texts, then compile
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("de",)
LIBRARY = ROOT / "marketplace_plugin" / "translations"
BUNDLE = ROOT / "ui_fragments" / "translations"

KEYWORDS = {**DEFAULT_KEYWORDS, "lazy_gettext": None, "lazy_ngettext": (1, 2), "lazy_pgettext": ((1, "c"), 2)}
METHODS = {".py": "python", ".html": "jinja2"}
OPTIONS = {".py": {}, ".html": {"silent": "false"}}  # a template that does not parse is an error


def sources() -> Iterator[Path]:
    """The files that may hold texts. The sandbox plays other people's pages: it has none of ours."""
    sandbox = ROOT / "marketplace_plugin" / "sandbox"
    for folder in ("marketplace_plugin", "hooks", "ui_fragments"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in METHODS and not path.is_relative_to(sandbox):
                yield path


def home_of(source: Path) -> Path:
    """The catalogue that the texts of a file belong to."""
    if source.is_relative_to(ROOT / "hooks") or source.is_relative_to(ROOT / "ui_fragments"):
        return BUNDLE
    for folder in source.parents:
        if (folder / "translations").is_dir() and folder.is_relative_to(LIBRARY.parent):
            return folder / "translations"
    return LIBRARY


def asked_for() -> dict[Path, Catalog]:
    """What the sources ask for, by catalogue."""
    found: dict[Path, Catalog] = {}
    for source in sources():
        home, place = home_of(source), source.relative_to(ROOT).as_posix()
        for line, text, comments, context in extract_from_file(
            METHODS[source.suffix], source, KEYWORDS, ("TRANSLATORS:",), OPTIONS[source.suffix]
        ):
            catalogue = found.setdefault(home, Catalog(project="marketplace-plugin", charset="utf-8"))
            catalogue.add(text, locations=[(place, line)], auto_comments=comments, context=context)
    return found


def messages(home: Path, language: str) -> Path:
    return home / language / "LC_MESSAGES" / "messages.po"


def read(po: Path, language: str) -> Catalog:
    if not po.exists():
        return Catalog(locale=language, project="marketplace-plugin", charset="utf-8", fuzzy=False)
    with po.open("rb") as source:
        return read_po(source, locale=language)


def collect() -> None:
    """Bring each `messages.po` up to what the sources ask for; translations whose text is gone go too."""
    for home, template in asked_for().items():
        for language in LANGUAGES:
            po = messages(home, language)
            catalogue = read(po, language)
            before = {(m.context, str(m.id)) for m in catalogue}
            catalogue.update(template, no_fuzzy_matching=True)
            after = {(m.context, str(m.id)) for m in catalogue}
            empty = sum(1 for m in catalogue if m.id and not m.string)
            print(f"{po.relative_to(ROOT)}: {len(after) - 1} texts, {empty} without a translation")
            if before != after or not po.exists():  # otherwise only its date would change
                po.parent.mkdir(parents=True, exist_ok=True)
                with po.open("wb") as target:
                    write_po(target, catalogue, width=100, sort_output=True, no_location=True, ignore_obsolete=True)


def compile_changed() -> None:
    """Make each .mo that is missing or older than its .po."""
    for folder in ("marketplace_plugin", "ui_fragments"):
        for po in (ROOT / folder).rglob("*.po"):
            mo = po.with_suffix(".mo")
            if mo.exists() and mo.stat().st_mtime_ns >= po.stat().st_mtime_ns:
                continue
            part = mo.with_suffix(f".mo.{os.getpid()}")
            with part.open("wb") as target:
                write_mo(target, read(po, po.parent.parent.name))
            part.replace(mo)


if __name__ == "__main__":
    collect()
    compile_changed()
