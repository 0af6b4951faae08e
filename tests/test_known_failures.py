"""docs/known-failures.md names every known failure once, and each test that it names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "known-failures.md"
WANTED = [*map(str, range(1, 47)), *(f"D{number}" for number in range(1, 14))]
CONTRACTS = {
    "ReadingContract": "ProviderContract",
    "WritingContract": "ProviderContract",
    "HostModuleContract": "HostModuleContract",
}
"""Classes whose tests run where somebody inherits them: under this name."""


def rows() -> dict[str, list[str]]:
    """The cells of each row, by number."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if re.match(r"\| D?\d+ \|", line)]
    numbers = [cells[0] for cells in found]
    assert len(numbers) == len(set(numbers)), "a number stands there twice"
    return {cells[0]: cells[1:] for cells in found}


def named(text: str) -> list[str]:
    return re.findall(r"`(tests/[^`]+)`", text)


@cache
def names_in(path: str) -> frozenset[str]:
    """``name`` and ``Class::name`` of all tests in a file, without running it."""
    found: set[str] = set()
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        found |= {f"{prefix}{m.name}" for m in members if isinstance(m, ast.FunctionDef) and m.name.startswith("test_")}
    return frozenset(found)


def test_every_known_failure_stands_there_once() -> None:
    assert list(rows()) == WANTED


@pytest.mark.parametrize("number", WANTED)
def test_each_is_held(number: str) -> None:
    failure, answer, held = rows()[number]
    assert failure
    assert answer
    assert named(held), "no test"


@pytest.mark.parametrize("number", WANTED)
def test_each_test_that_is_named_exists(number: str) -> None:
    for test in named(rows()[number][-1]):
        path, _, name = test.partition("::")
        assert (ROOT / path).is_file(), f"no file {path}"
        assert name in names_in(path), f"no test {name} in {path}"


def test_contracts_are_inherited_by_tests() -> None:
    """A test in a contract runs only where a class of tests inherits it."""
    used = {test.split("::")[1] for cells in rows().values() for test in named(cells[-1]) if test.count("::") == 2}
    assert used <= CONTRACTS.keys()
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    for contract in {CONTRACTS[name] for name in used}:
        assert any(re.search(rf"^class Test\w*\([^)]*\b{contract}\b", text, re.MULTILINE) for text in texts), contract


OWN = (
    "doubled/test_doubles.py",
    "doubled/test_races.py",
    "garbled/test_days.py",
    "lost/test_deletions.py",
    "mailed/test_mail.py",
    "shown/test_others.py",
    "stopped/test_trouble.py",
)
"""Files of regressions that were written for this page."""


@pytest.mark.parametrize("file", OWN)
def test_each_regression_is_on_the_page(file: str) -> None:
    path = f"tests/regressions/{file}"
    told = {test.partition("::")[2] for cells in rows().values() for test in named(cells[-1]) if test.startswith(path)}
    assert told == names_in(path)
