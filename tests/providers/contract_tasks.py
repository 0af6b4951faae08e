"""One set of tests that every task list must pass: ``TaskContract`` with a fixture ``serving``."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.task import Priority, Task, TaskStatus
from marketplace_plugin.model.time import Timed, Zoned
from tests.providers.contract_items import ItemContract
from tests.providers.item_serving import ItemServing, Kept, applied, capabilities, changing, equal, read, send, written

OFFER = Task(title="Angebot senden", notes="an Lindner\nbis mittags", due=date(2026, 11, 24))


def zoned(day: int, hour: int) -> Zoned:
    return Zoned(datetime(2026, 11, day, hour), "Europe/Berlin")  # noqa: DTZ001 - a wall time


class TaskContract(ItemContract):
    kind = Kind.TASK

    def item(self, name: str = "first") -> Task:
        return replace(OFFER, title=name)

    def renamed(self, item: Kept, text: str) -> Task:
        assert isinstance(item, Task)
        return replace(item, title=text)

    def rename(self, serving: ItemServing, item_id: str, text: str) -> None:
        serving.edit(item_id, title=text)

    @pytest.mark.parametrize("day", [date(2026, 11, 24), date(2026, 3, 29), date(2026, 10, 25), date(2026, 12, 31)])
    def test_due_is_a_date_in_every_zone(self, serving: ItemServing, day: date) -> None:
        found = written(serving, replace(OFFER, due=day))
        assert isinstance(found.item, Task)
        assert found.item.due == day
        again = read(serving).found()[found.id].item
        assert isinstance(again, Task)
        assert again.due == day

    def test_of_a_time_the_day_is_held(self, serving: ItemServing) -> None:
        found = written(serving, replace(OFFER, due=Timed(zoned(24, 23), zoned(25, 1))))
        assert isinstance(found.item, Task)
        assert found.item.due == date(2026, 11, 24)

    def test_without_a_day(self, serving: ItemServing) -> None:
        found = written(serving, replace(OFFER, due=None))
        assert isinstance(found.item, Task)
        assert found.item.due is None
        undated = applied(send(serving, changing(found, replace(found.item, due=date(2026, 12, 1))))[0])
        assert isinstance(undated.item, Task)
        cleared = applied(send(serving, changing(undated, replace(undated.item, due=None), "op-c"))[0])
        assert isinstance(cleared.item, Task)
        assert cleared.item.due is None

    @pytest.mark.parametrize("status", TaskStatus)
    def test_a_service_holds_five_states_or_two(self, serving: ItemServing, status: TaskStatus) -> None:
        found = written(serving, replace(OFFER, status=status))
        assert isinstance(found.item, Task)
        assert (found.item.status is TaskStatus.COMPLETED) == (status is TaskStatus.COMPLETED)
        assert found.item.status in (status, TaskStatus.NOT_STARTED)

    def test_done_and_to_be_done_again(self, serving: ItemServing) -> None:
        found = written(serving, OFFER)
        assert isinstance(found.item, Task)
        done = applied(send(serving, changing(found, replace(found.item, status=TaskStatus.COMPLETED)))[0])
        assert isinstance(done.item, Task)
        assert done.item.status is TaskStatus.COMPLETED
        assert read(serving).found()[found.id].item == done.item, "what is done is still read"
        again = replace(done.item, status=TaskStatus.NOT_STARTED, completed=None)
        reopened = applied(send(serving, changing(done, again, "op-r"))[0])
        assert isinstance(reopened.item, Task)
        assert (reopened.item.status, reopened.item.completed) == (TaskStatus.NOT_STARTED, None)

    def test_priority_and_reminder_where_they_are_held(self, serving: ItemServing) -> None:
        wanted = replace(OFFER, priority=Priority.HIGH, reminder=zoned(24, 8))
        found = written(serving, wanted)
        assert isinstance(found.item, Task)
        held = capabilities(serving).fields
        assert found.item.priority is (Priority.HIGH if "priority" in held else Priority.NORMAL)
        told = found.item.reminder
        assert (told.instant() if told else None) == (zoned(24, 8).instant() if "reminder" in held else None)

    def test_a_whole_task_survives_as_far_as_it_can_be_held(self, serving: ItemServing) -> None:
        assert equal(serving, written(serving, OFFER).item, OFFER)
