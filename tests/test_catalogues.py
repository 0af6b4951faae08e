"""The texts: each one that the code or a template asks for has its German, with the same placeholders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message

from tests.catalogues import LANGUAGES, ROOT, asked_for, messages, read

HOW = "run `make messages`, then translate"
Key = tuple[Path, str | None, str]


def key(home: Path, message: Message) -> Key:
    singular = message.id if isinstance(message.id, str) else message.id[0]
    return home, message.context, singular


def is_translated(message: Message) -> bool:
    strings = [message.string] if isinstance(message.string, str) else message.string or [""]
    return all(strings) and not message.fuzzy


@pytest.fixture(scope="module")
def wanted() -> dict[Path, Catalog]:
    return asked_for()


@pytest.fixture(scope="module", params=LANGUAGES)
def translations(request: pytest.FixtureRequest, wanted: dict[Path, Catalog]) -> dict[Path, Catalog]:
    """Each catalogue in one language, those that no source asks for included."""
    homes = {*wanted, *(ROOT / "marketplace_plugin").rglob("translations")}
    return {home: read(messages(home, request.param), request.param) for home in homes}


def every(catalogues: dict[Path, Catalog]) -> Iterator[tuple[Path, Message]]:
    for home, catalogue in sorted(catalogues.items()):
        yield from ((home, message) for message in catalogue if message.id)


def shown(keys: set[Key]) -> str:
    lines = sorted(f"{home.relative_to(ROOT)}: {text!r}" for home, _, text in keys)
    return "\n".join([f"{HOW}:", *lines])


def test_each_text_is_translated(wanted: dict[Path, Catalog], translations: dict[Path, Catalog]) -> None:
    done = {key(home, message) for home, message in every(translations) if is_translated(message)}
    missing = {key(home, message) for home, message in every(wanted)} - done
    assert not missing, shown(missing)


def test_no_translation_has_lost_its_text(wanted: dict[Path, Catalog], translations: dict[Path, Catalog]) -> None:
    left_over = {key(*entry) for entry in every(translations)} - {key(*entry) for entry in every(wanted)}
    assert not left_over, shown(left_over)


def test_placeholders_agree(translations: dict[Path, Catalog]) -> None:
    wrong = [
        f"{home.relative_to(ROOT)}: {message.id!r}: {error}"
        for home, catalogue in translations.items()
        for message, errors in catalogue.check()
        for error in errors
    ]
    assert not wrong, "\n".join(wrong)
