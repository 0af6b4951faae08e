"""Both hosts of the tests keep the contract that Steg and a CRM keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from marketplace_plugin.contract.module import UnitOfWork
from marketplace_plugin.errors import HostError
from marketplace_plugin.model.event import Response
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.write import HostCreate
from marketplace_plugin.store.database import Store
from tests.hosts.contract import HostModuleContract
from tests.hosts.host import TestHost
from tests.hosts.hosting import Hosting, meeting
from tests.hosts.same_database import SharedHost
from tests.hosts.separate import SeparateHost

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class OnTestHost(Hosting):
    organiser, guest = "ada", "bob"

    def __init__(self, host: TestHost, store: Store | None = None) -> None:
        self.host = self.test_host = host
        self._store = store

    def create(self, person: str, item: Item, guests: Sequence[str] = (), *, kind: Kind = Kind.EVENT) -> str:
        return self.test_host.create(person, item, guests, kind=kind)

    def edit(self, person: str, ref: str, **changes: Any) -> None:
        self.test_host.edit(person, ref, **changes)

    def invite(self, person: str, ref: str, guests: Sequence[str]) -> None:
        self.test_host.invite(person, ref, guests)

    def respond(self, person: str, ref: str, response: Response) -> None:
        self.test_host.respond(person, ref, response)

    def delete(self, person: str, ref: str) -> None:
        self.test_host.delete(person, ref)

    def unit(self) -> AbstractContextManager[UnitOfWork | None]:
        return nullcontext() if self._store is None else self._store.begin()

    def mails(self) -> Sequence[str]:
        return self.test_host.mails


class TestSharedHost(HostModuleContract):
    @pytest.fixture
    def hosting(self, tmp_path: Path) -> Iterator[Hosting]:
        store = Store.open(f"sqlite:///{tmp_path / 'ours.db'}", [b"k" * 32])
        yield OnTestHost(SharedHost(store, lambda: NOW), store)
        store.close()


class TestSeparateHost(HostModuleContract):
    @pytest.fixture
    def hosting(self, tmp_path: Path) -> Hosting:
        return OnTestHost(SeparateHost(tmp_path / "theirs.db", lambda: NOW))

    def test_it_survives_its_process(self, hosting: Hosting, tmp_path: Path) -> None:
        ref = hosting.create("ada", meeting("bleibt"))
        assert SeparateHost(tmp_path / "theirs.db", lambda: NOW).see("ada", ref).ref == ref
        assert "bleibt" in str(SeparateHost(tmp_path / "theirs.db", lambda: NOW).all_of("ada"))

    def test_a_crash_after_the_first_write_leaves_it_done(self, hosting: Hosting) -> None:
        assert isinstance(hosting.host, TestHost)
        host = hosting.host

        def crash(_outcomes: object) -> None:
            raise KeyboardInterrupt

        host.after_apply = crash
        with pytest.raises(KeyboardInterrupt):
            host.modules[Kind.EVENT].apply("ada", [HostCreate("op-1", meeting())], None)
        assert len(host.all_of("ada")) == 1

    def test_a_host_that_does_not_answer(self, hosting: Hosting) -> None:
        assert isinstance(hosting.host, TestHost)
        hosting.host.broken = True
        with pytest.raises(HostError):
            hosting.host.modules[Kind.EVENT].changes("ada", None, 10)
