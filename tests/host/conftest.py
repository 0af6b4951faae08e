"""Steg on a database of its own, with a clock that stands still."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from marketplace_plugin.contract.module import Person
from marketplace_plugin.host.records import persons
from marketplace_plugin.host.steg import Steg, create_steg
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import Zoned
from marketplace_plugin.store import Store

NOW = datetime(2026, 11, 18, 9, 42, tzinfo=UTC)  # a Wednesday, 10:42 in Berlin
FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse"

ANNA = Person("anna", "nordwerk", "Anna Brandt", "anna.brandt@nordwerk.example", "Europe/Berlin")
JONAS = Person("jonas", "nordwerk", "Jonas Weber", "jonas.weber@nordwerk.example", "Europe/Berlin")
MIRA = Person("mira", "nordwerk", "Mira Sommer", "mira.sommer@nordwerk.example", "Europe/Berlin", "en")
STRANGER = Person("otto", "suedwerk", "Otto Fremd", "otto@suedwerk.example", "Europe/Berlin")


def berlin(wall: str) -> Zoned:
    return Zoned(datetime.fromisoformat(wall), "Europe/Berlin")


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


class Told:
    """What was announced."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Kind, tuple[str, ...]]] = []

    def __call__(self, owner: str, kind: Kind, refs: Sequence[str]) -> None:
        self.calls.append((owner, kind, tuple(refs)))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 'steg.sqlite'}", [bytes(32)])
    yield store
    store.close()


def numbered(prefix: str = "ref") -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"{prefix}{next(numbers)}"


@pytest.fixture
def steg(store: Store, clock: Clock, told: Told) -> Steg:
    steg = create_steg(store, now=clock, hasher=FAST, new_ref=numbered())
    steg.connect(notify=told)
    kept = FAST.hash(PASSWORD)
    with store.begin() as unit:
        for who in (ANNA, JONAS, MIRA, STRANGER):
            persons.add(unit.connection, who, kept, "Vertrieb")
    return steg
