"""What holds for address books and task lists alike: rounds without a window, writes under their precondition."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

import pytest

from marketplace_plugin.errors import ProviderError, Throttled
from marketplace_plugin.model.change import Access, Found, Gone, Revision, Unreadable, Upsert
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.item import Kind, kind_of
from marketplace_plugin.model.task import Task
from marketplace_plugin.model.write import Applied, Create, Deferred, Delete, Missing, Refused, Stale, Unanswered
from tests.providers.item_serving import (
    ANOTHER,
    ItemServing,
    Kept,
    applied,
    capabilities,
    changing,
    equal,
    read,
    send,
    written,
)
from tests.providers.serving import STAMP


class ItemContract:
    """Inherit one of the two contracts below it, and give a fixture ``serving``."""

    kind: Kind

    @pytest.fixture
    def serving(self) -> ItemServing:
        raise NotImplementedError

    @abstractmethod
    def item(self, name: str = "first") -> Kept:
        """An item with something in it, another one for each ``name``."""

    @abstractmethod
    def renamed(self, item: Kept, text: str) -> Kept: ...

    # ---- reading ----------------------------------------------------------------------------------------------

    def test_the_collection_tells_what_it_is(self, serving: ItemServing) -> None:
        infos = {info.id: info for info in serving.open().collections()}
        info = infos[serving.collection]
        assert info.kind is self.kind
        assert info.can_be_target
        assert info.capabilities.fields
        if serving.read_only:
            assert infos[serving.read_only].role < Role.WRITER

    def test_a_first_round_is_a_snapshot_of_all(self, serving: ItemServing) -> None:
        ids = {serving.create(self.item(name)) for name in ("first", "second", "third")}
        told = read(serving)
        assert told.snapshot
        assert told.found().keys() == ids
        assert all(kind_of(found.item) is self.kind for found in told.found().values())
        assert all(found.access is Access.FULL for found in told.found().values())

    def test_what_the_person_wrote_is_what_is_read(self, serving: ItemServing) -> None:
        own = serving.create(self.item())
        assert equal(serving, read(serving).found()[own].item, self.item())

    def test_a_further_round_tells_changes_alone(self, serving: ItemServing) -> None:
        kept, changed, gone = (serving.create(self.item(name)) for name in ("first", "second", "third"))
        cursor = read(serving).cursor
        self.rename(serving, changed, "anders")
        serving.delete(gone)
        new = serving.create(self.item("fourth"))
        told = read(serving, cursor)
        assert not told.snapshot
        assert told.found().keys() - {kept} == {changed, new}
        assert told.gone().keys() == {gone}
        assert told.gone()[gone].confirmed, "nothing leaves a window here: what is gone is gone"
        assert read(serving, told.cursor).gone() == {}

    def test_the_window_is_ignored(self, serving: ItemServing) -> None:
        serving.create(self.item())
        cursor = read(serving).cursor
        assert not read(serving, cursor, window=ANOTHER).snapshot

    def test_all_pages_are_read(self, serving: ItemServing) -> None:
        serving.small_pages()
        ids = {serving.create(self.item(name)) for name in ("first", "second", "third", "fourth", "fifth")}
        assert read(serving).found().keys() == ids

    def test_an_expired_cursor_ends_in_one_snapshot(self, serving: ItemServing) -> None:
        own = serving.create(self.item())
        cursor = read(serving).cursor
        serving.expire_cursors()
        told = read(serving, cursor)
        assert told.snapshot
        assert told.found().keys() == {own}

    def test_unreadable_is_not_deleted(self, serving: ItemServing) -> None:
        own = serving.create(self.item())
        serving.garble(own)
        assert isinstance(read(serving).last[own], Unreadable)

    def test_fetch_answers_each_id_once(self, serving: ItemServing) -> None:
        there, gone = serving.create(self.item()), serving.create(self.item("second"))
        serving.delete(gone)
        answers = {one.id: one for one in serving.open().fetch(serving.collection, [there, gone])}
        assert isinstance(answers[there], Found)
        assert isinstance(answers[gone], Gone)

    def test_a_pause_is_told_as_one(self, serving: ItemServing) -> None:
        serving.throttle()
        with pytest.raises(Throttled):
            list(serving.open().pull(serving.collection, None, ANOTHER))

    # ---- stamps -----------------------------------------------------------------------------------------------

    def test_a_stamp_is_found_where_the_service_can_hold_one(self, serving: ItemServing) -> None:
        found = written(serving, self.item())
        carried = serving.open().find(serving.collection, [STAMP])
        if not capabilities(serving).stamps:
            assert found.stamp is None
            assert carried == {}
            return
        assert found.stamp == STAMP
        assert [one.id for one in carried[STAMP]] == [found.id]
        assert read(serving).found()[found.id].stamp == STAMP

    def test_a_stamp_outlives_edits_of_both(self, serving: ItemServing) -> None:
        if not capabilities(serving).stamps:
            return
        found = written(serving, self.item())
        self.rename(serving, found.id, "dort geändert")
        (there,) = serving.open().fetch(serving.collection, [found.id])
        assert isinstance(there, Found)
        done = applied(send(serving, changing(there, self.renamed(self._kept(there), "hier geändert")))[0])
        assert done.stamp == STAMP

    # ---- writing ----------------------------------------------------------------------------------------------

    def test_what_was_written_is_there(self, serving: ItemServing) -> None:
        cursor = read(serving).cursor
        found = written(serving, self.item())
        assert equal(serving, found.item, self.item())
        told = read(serving, cursor).found()
        assert told.keys() == {found.id}
        assert told[found.id].revision == found.revision
        assert read(serving, read(serving).cursor).found() in ({}, told)
        assert serving.mails() == []

    def test_only_named_fields_are_written(self, serving: ItemServing) -> None:
        found = written(serving, self.item())
        wanted = self.renamed(self._kept(found), "neu")
        done = applied(send(serving, changing(found, wanted))[0])
        assert equal(serving, done.item, wanted)
        assert done.revision != found.revision

    def test_an_update_over_an_edit_is_stale(self, serving: ItemServing) -> None:
        found = written(serving, self.item())
        self.rename(serving, found.id, "dort geändert")
        before = serving.writes()
        (outcome,) = send(serving, changing(found, self.renamed(self._kept(found), "hier geändert")))
        assert isinstance(outcome, Stale)
        assert serving.writes() == before

    def test_a_deletion_over_an_edit_is_stale(self, serving: ItemServing) -> None:
        found = written(serving, self.item())
        self.rename(serving, found.id, "dort geändert")
        (outcome,) = send(serving, Delete("op-d", found.id, found.revision))
        assert isinstance(outcome, Stale)
        assert found.id in read(serving).found()

    def test_deleted_is_gone(self, serving: ItemServing) -> None:
        found = written(serving, self.item())
        (outcome,) = send(serving, Delete("op-d", found.id, found.revision))
        assert isinstance(outcome, Applied)
        assert read(serving).found() == {}
        assert isinstance(send(serving, Delete("op-e", found.id, found.revision))[0], Missing)
        assert isinstance(send(serving, changing(found, self.renamed(self._kept(found), "x")))[0], Missing)

    def test_each_write_has_one_outcome(self, serving: ItemServing) -> None:
        creates = [
            Create(f"op-{name}", replace(STAMP, link=name), self.item(name)) for name in ("first", "second", "third")
        ]
        assert all(isinstance(outcome, Applied) for outcome in send(serving, *creates))
        assert len(read(serving).found()) == 3

    def test_an_answer_that_does_not_come_is_unknown(self, serving: ItemServing) -> None:
        serving.lose_answer()
        (outcome,) = send(serving, Create("op-1", STAMP, self.item()))
        assert isinstance(outcome, Unanswered)
        assert len(read(serving).found()) == 1

    def test_a_pause_while_writing_defers(self, serving: ItemServing) -> None:
        serving.throttle()
        try:
            (outcome,) = send(serving, Create("op-1", STAMP, self.item()))
        except Throttled:
            return
        assert isinstance(outcome, Deferred)

    def test_what_may_not_be_written_is_refused(self, serving: ItemServing) -> None:
        if not serving.read_only:
            return
        before = serving.writes()
        try:
            (outcome,) = list(serving.open().push(serving.read_only, [Create("op-1", STAMP, self.item())]))
        except ProviderError:
            pass
        else:
            assert isinstance(outcome, Refused)
        assert serving.writes() == before

    def test_a_stale_revision_is_never_taken(self, serving: ItemServing) -> None:
        found = replace(written(serving, self.item()), revision=Revision('"0"'))
        (outcome,) = send(serving, changing(found, self.renamed(self._kept(found), "x")))
        assert isinstance(outcome, Stale | Missing)
        assert isinstance(read(serving).last[found.id], Upsert)

    # ---- parts ------------------------------------------------------------------------------------------------

    @abstractmethod
    def rename(self, serving: ItemServing, item_id: str, text: str) -> None:
        """By the person, in the service's own pages."""

    @staticmethod
    def _kept(found: Found) -> Kept:
        assert isinstance(found.item, Contact | Task), "an address book holds contacts, a list tasks"
        return found.item
