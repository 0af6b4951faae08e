"""docs/sync.md states the rules of the sync, each with the test that holds it; each test that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.test_known_failures import names_in

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "sync.md"
LAWS = re.compile(r"\blaws?: (kill and race|untouched remote|hostile echo)\b")


def rules() -> dict[str, str]:
    """What holds each rule, by its number."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [line.strip("|").split(" | ") for line in lines if re.match(r"\| [A-Z]\d+[a-z]? \|", line)]
    numbers = [row[0].strip() for row in rows]
    assert len(numbers) == len(set(numbers)), "a number stands there twice"
    return {row[0].strip(): row[-1] for row in rows}


def named(text: str) -> list[str]:
    return re.findall(r"`(tests/[^`\[]+)`", text)


@pytest.mark.parametrize("number", rules())
def test_each_rule_is_held(number: str) -> None:
    held = rules()[number]
    assert named(held) or LAWS.search(held), "no test and no law"


@pytest.mark.parametrize("test", sorted(set(named(PAGE.read_text(encoding="utf-8")))))
def test_what_the_page_names_exists(test: str) -> None:
    file, _, wanted = test.partition("::")
    assert (ROOT / file).exists()
    assert not wanted or wanted in names_in(file)
