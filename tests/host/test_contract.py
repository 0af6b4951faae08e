"""Steg keeps the contract of every host."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from marketplace_plugin.contract.module import Person, UnitOfWork
from marketplace_plugin.host.acts import Saved
from marketplace_plugin.host.records import events
from marketplace_plugin.host.steg import Steg
from marketplace_plugin.model.event import Attendee, Event, Response, Series
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.series.edit import master_of
from marketplace_plugin.model.task import Call, Task
from tests.host.conftest import ANNA, JONAS, MIRA
from tests.hosts.contract import HostModuleContract
from tests.hosts.hosting import Hosting

PEOPLE = {person.id: person for person in (ANNA, JONAS, MIRA)}


class OnSteg(Hosting):
    organiser, guest = ANNA.id, JONAS.id

    def __init__(self, steg: Steg) -> None:
        self.host = self.steg = steg

    def create(self, person: str, item: Item, guests: Sequence[str] = (), *, kind: Kind = Kind.EVENT) -> str:
        if isinstance(item, Task | Call):
            return self.steg.acts.create_todo(PEOPLE[person], kind, item).ref
        assert isinstance(item, Event | Series)
        return self.steg.acts.create_event(PEOPLE[person], _asking(item, guests), guests, "events").ref

    def edit(self, person: str, ref: str, **changes: Any) -> None:
        item = self._of(person, ref)
        self._save(person, ref, _with(item, replace(master_of(item), **changes)))

    def invite(self, person: str, ref: str, guests: Sequence[str]) -> None:
        self._save(person, ref, _asking(self._of(person, ref), guests), guests)

    def respond(self, person: str, ref: str, response: Response) -> None:
        item = self._of(person, ref)
        view = _with(item, replace(master_of(item), response=response))
        version = self._version(person, ref)
        done = self.steg.acts.answer_event(PEOPLE[person], ref, version, view, frozenset({"response"}))
        assert isinstance(done, Saved)

    def delete(self, person: str, ref: str) -> None:
        done = self.steg.acts.delete_event(PEOPLE[person], ref, self._version(person, ref))
        assert isinstance(done, Saved)

    def unit(self) -> AbstractContextManager[UnitOfWork]:
        return self.steg.database.begin()

    def mails(self) -> Sequence[str]:
        return ()  # Steg has no mail code at all

    def _save(self, person: str, ref: str, item: Event | Series, guests: Sequence[str] | None = None) -> None:
        who: Person = PEOPLE[person]
        done = self.steg.acts.change_event(who, ref, self._version(person, ref), item, invited=guests)
        assert isinstance(done, Saved)

    def _record(self, ref: str) -> events.Record:
        with self.steg.database.read() as c:
            record = events.one(c, ref)
        assert record is not None
        return record

    def _version(self, person: str, ref: str) -> int:
        return self._record(ref).version_for(person)

    def _of(self, person: str, ref: str) -> Event | Series:
        return self._record(ref).item_for(person)


def _with(item: Event | Series, master: Event) -> Event | Series:
    return replace(item, master=master) if isinstance(item, Series) else master


def _asking(item: Event | Series, guests: Sequence[str]) -> Event | Series:
    asked = tuple(Attendee(PEOPLE[guest].email, PEOPLE[guest].name) for guest in guests)
    return _with(item, replace(master_of(item), attendees=asked))


class TestSteg(HostModuleContract):
    @pytest.fixture
    def hosting(self, steg: Steg) -> Hosting:
        return OnSteg(steg)
