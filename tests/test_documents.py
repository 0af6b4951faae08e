"""What the documents name exists: files, tests, rules, decisions, tables. Cheap, so that no rename is forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from marketplace_plugin.store.tables import metadata
from tests.test_known_failures import names_in
from tests.test_repository import ROOT, repository_files, sources
from tests.test_sync_rules import rules

DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
SUFFIXES = "py|md|txt|yaml|toml|html|json|svg|xsd"
PATH = re.compile(rf"`([A-Za-z][\w.-]*(?:/[\w.{{}},-]+)*(?:/|/[\w{{}},-]+\.(?:{SUFFIXES})))(?:::(\w+(?:::\w+)?))?`")
NUMBERS = r"[A-Z]\d+[a-z]?(?:(?:, | and | to )[A-Z]\d+[a-z]?)*"
RULE = re.compile(rf"(?:\brules? |docs/sync\.md, )({NUMBERS})")
DECISION = re.compile(r"\bdecisions?(?:/0*| )(\d+)")
LONGEST_DECISION = 12
MADE_ELSEWHERE = {"hooks/", "ui_fragments/", "marketplace/"}
"""Folders of vendors' bundles, and a template's name."""


@cache
def places() -> frozenset[str]:
    """Each file and folder of the repository, folders with a slash at the end."""
    files = [path.relative_to(ROOT) for path in repository_files()]
    folders = {f"{folder.as_posix()}/" for file in files for folder in file.parents if folder.parts}
    return frozenset({file.as_posix() for file in files} | folders)


def expanded(path: str) -> Iterator[str]:
    """``a/{b,c}.py`` as ``a/b.py`` and ``a/c.py``."""
    found = re.search(r"\{([^}]*)\}", path)
    if found is None:
        yield path
    else:
        for name in found[1].split(","):
            yield from expanded(path.replace(found[0], name, 1))


def located(path: str) -> list[str]:
    """The places that a document can mean: it may leave out what its reader knows, such as ``marketplace_plugin/``."""
    return [place for place in places() if place == path or place.endswith(f"/{path}")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_each_file_and_test_that_a_document_names_exists(document: Path) -> None:
    wrong = []
    for path, name in PATH.findall(document.read_text(encoding="utf-8")):
        for one in expanded(path):
            at = located(one)
            if not at and one not in MADE_ELSEWHERE:
                wrong.append(one)
            elif name and not any(name in names_in(place) for place in at):
                wrong.append(f"{one}::{name}")
    assert not wrong


def test_each_rule_that_a_comment_names_stands_on_the_page() -> None:
    known, wrong = rules(), []
    for source in sources():
        for found in RULE.finditer(source.read_text(encoding="utf-8")):
            cited = re.findall(r"[A-Z]\d+[a-z]?", found[1])
            wrong += [f"{source.relative_to(ROOT)}: {number}" for number in cited if number not in known]
    assert not wrong


def test_decisions_are_short_and_counted_without_a_gap() -> None:
    pages = sorted((ROOT / "docs" / "decisions").iterdir())
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        lines = page.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith(f"# {int(page.name[:4])}. "), page.name
        assert len(lines) <= LONGEST_DECISION, page.name


def test_each_decision_that_is_named_was_taken() -> None:
    taken = {int(page.name[:4]) for page in (ROOT / "docs" / "decisions").iterdir()}
    for source in (*sources(), *DOCUMENTS):
        named = {int(number) for number in DECISION.findall(source.read_text(encoding="utf-8"))}
        assert named <= taken, f"{source.relative_to(ROOT)}: {named - taken}"


def test_the_page_on_architecture_has_every_table() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([a-z_]+)` \|", page.partition("## Store")[2].partition("\n## ")[0], re.MULTILINE)
    assert sorted(told) == sorted(name.removeprefix("marketplace_") for name in metadata.tables)
