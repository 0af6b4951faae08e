"""The texts: each one that the code or a template asks for has its German, with the same placeholders."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
TRANSLATIONS = ROOT / "marketplace_plugin" / "translations"
HOW = "run `make messages`, then translate"


def key(message_id: str | tuple[str, ...] | list[str]) -> str:
    return message_id if isinstance(message_id, str) else message_id[0]


@pytest.fixture(scope="module")
def asked_for(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """What the sources ask for, extracted as `make messages` does."""
    pot = tmp_path_factory.mktemp("texts") / "messages.pot"
    keywords = [
        line.partition(":=")[2].split()
        for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
        if line.startswith("KEYWORDS :=")
    ]
    pybabel = (sys.executable, "-m", "babel.messages.frontend", "--quiet")
    extract = ("extract", "--mapping=pyproject.toml", *keywords[0], f"--output={pot}", ".")
    subprocess.run((*pybabel, *extract), cwd=ROOT, check=True)
    with pot.open("rb") as source:
        return read_po(source)


@pytest.fixture(scope="module")
def german() -> Catalog:
    with (TRANSLATIONS / "de" / "LC_MESSAGES" / "messages.po").open("rb") as source:
        return read_po(source, locale="de")


def test_each_text_has_its_german(asked_for: Catalog, german: Catalog) -> None:
    translated = {(m.context, key(m.id)) for m in german if m.id and all(_strings(m.string)) and not m.fuzzy}
    missing = [key(m.id) for m in asked_for if m.id and (m.context, key(m.id)) not in translated]
    assert not missing, f"{HOW}:\n" + "\n".join(missing)


def test_no_translation_has_lost_its_text(asked_for: Catalog, german: Catalog) -> None:
    asked = {(m.context, key(m.id)) for m in asked_for}
    left_over = [key(m.id) for m in german if m.id and (m.context, key(m.id)) not in asked]
    assert not left_over, f"{HOW}:\n" + "\n".join(left_over)


def test_placeholders_agree(german: Catalog) -> None:
    wrong = [f"{key(message.id)}: {errors[0]}" for message, errors in german.check()]
    assert not wrong, "\n".join(wrong)


def _strings(string: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [string or ""] if isinstance(string, str | None) else list(string)
