"""Tasks and calls: listed, made, edited, done, deleted; and told to the sync."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from marketplace_plugin.host.records import todos
from marketplace_plugin.host.steg import Steg, Tie
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.task import Call, Task, TaskStatus
from marketplace_plugin.model.time import Timed
from marketplace_plugin.model.write import HostCreate
from tests.host.conftest import ANNA, JONAS, Browser, Told, berlin, signed_in

TASK = {"title": "Reisekosten", "notes": "Belege", "due_day": "2026-11-20", "status": "in-progress"}
CALL = {"title": "Hr. Vogel", "phone": "+49 9131 5550177", "day": "2026-11-18", "clock": "11:30", "minutes": "20"}


def of(steg: Steg, kind: Kind) -> todos.Record:
    with steg.database.read() as c:
        (record,) = todos.of(c, ANNA.id, kind)
    return record


@pytest.mark.parametrize(
    "form, due",
    [
        (TASK, date(2026, 11, 20)),
        ({**TASK, "due_day": ""}, None),
        (
            {**TASK, "due_from": "09:00", "due_to": "10:30"},
            Timed(berlin("2026-11-20 09:00"), berlin("2026-11-20 10:30")),
        ),
        ({**TASK, "due_from": "09:00"}, Timed(berlin("2026-11-20 09:00"), berlin("2026-11-20 09:00"))),
    ],
)
def test_a_new_task(steg: Steg, anna: Browser, told: Told, form: dict[str, str], due: Any) -> None:
    assert anna.post("/tasks/new", form).status_code == 303
    task = of(steg, Kind.TASK)
    assert task.item == Task(title="Reisekosten", notes="Belege", due=due, status=TaskStatus.IN_PROGRESS)
    assert told.calls == [("anna", Kind.TASK, (task.ref,))]
    page = anna.page("/tasks")
    assert "Reisekosten" in page
    assert "In Arbeit" in page
    assert 'value="Reisekosten"' in anna.page(f"/tasks/{task.ref}")


def test_a_new_call(steg: Steg, anna: Browser, told: Told) -> None:
    anna.post("/calls/new", CALL)
    call = of(steg, Kind.CALL)
    assert call.item == Call(
        title="Hr. Vogel",
        phone="+49 9131 5550177",
        when=Timed(berlin("2026-11-18 11:30"), berlin("2026-11-18 11:50")),
    )
    assert told.calls == [("anna", Kind.CALL, (call.ref,))]
    assert "Mi, 18. Nov., 11:30–11:50" in anna.page("/calls")


@pytest.mark.parametrize(
    "kind, form, field",
    [
        ("tasks", {**TASK, "title": ""}, "title"),
        ("tasks", {**TASK, "due_day": "", "due_from": "09:00"}, "due_day"),
        ("tasks", {**TASK, "due_from": "09:00", "due_to": "08:00"}, "due_to"),
        ("tasks", {**TASK, "due_from": "nine"}, "due_from"),
        ("tasks", {**TASK, "status": "lost"}, "status"),
        ("calls", {**CALL, "minutes": "1441"}, "minutes"),
        ("calls", {**CALL, "day": ""}, "day"),
        ("calls", {**CALL, "phone": "1" * 61}, "phone"),
    ],
)
def test_bad_input(anna: Browser, told: Told, kind: str, form: dict[str, str], field: str) -> None:
    response = anna.post(f"/{kind}/new", form)
    assert response.status_code == 422
    assert f'id="{field}-h"' in response.text
    assert told.calls == []


@pytest.mark.parametrize("kind, form", [("tasks", TASK), ("calls", CALL)])
def test_done_and_to_be_done_again(steg: Steg, anna: Browser, kind: str, form: dict[str, str]) -> None:
    anna.post(f"/{kind}/new", form)
    ref = of(steg, Kind.TASK if kind == "tasks" else Kind.CALL).ref
    anna.post(f"/{kind}/{ref}/done", {"version": "1", "done": "1"})
    assert "Wieder öffnen" in anna.page(f"/{kind}")
    anna.post(f"/{kind}/{ref}/done", {"version": "1", "done": ""})  # an old page: nothing is done
    assert "Wieder öffnen" in anna.page(f"/{kind}")
    anna.post(f"/{kind}/{ref}/done", {"version": "2", "done": ""})
    assert "Wieder öffnen" not in anna.page(f"/{kind}")
    anna.post(f"/{kind}/{ref}/delete", {"version": "3"})
    assert form["title"] not in anna.page(f"/{kind}")


def test_changed_and_deleted_meanwhile(steg: Steg, anna: Browser) -> None:
    anna.post("/tasks/new", TASK)
    ref = of(steg, Kind.TASK).ref
    anna.post(f"/tasks/{ref}", {**TASK, "version": "1", "title": "neu"})
    stale = anna.post(f"/tasks/{ref}", {**TASK, "version": "1", "notes": "meine Arbeit"})
    assert stale.status_code == 409
    assert "meine Arbeit" in stale.text
    assert 'name="version" value="2"' in stale.text
    assert of(steg, Kind.TASK).item.title == "neu"


def test_another_persons_tasks_are_nobodys_business(steg: Steg, anna: Browser, app: Any) -> None:
    anna.post("/tasks/new", TASK)
    ref = of(steg, Kind.TASK).ref
    jonas = signed_in(app, JONAS)
    assert "Reisekosten" not in jonas.page("/tasks")
    assert jonas.get(f"/tasks/{ref}").status_code == 404
    assert anna.get(f"/calls/{ref}").status_code == 404
    assert jonas.post(f"/tasks/{ref}/done", {"version": "1", "done": "1"}).status_code == 404
    jonas.post(f"/tasks/{ref}/delete", {"version": "1"})
    assert of(steg, Kind.TASK).version == 1


def test_what_is_overdue_says_so(anna: Browser) -> None:
    anna.post("/tasks/new", {**TASK, "due_day": "2026-11-17"})
    assert "überfällig" in anna.page("/tasks")
    assert "Reisekosten" in anna.page("/")


def test_where_a_call_is_mirrored_is_said_and_that_it_is_no_longer(steg: Steg, anna: Browser) -> None:
    anna.post("/calls/new", CALL)
    ref = of(steg, Kind.CALL).ref
    asked: list[tuple[str, str, Kind]] = []

    def ties(person: str, ref: str, kind: Kind) -> Tie:
        asked.append((person, ref, kind))
        return Tie("L1", mirrored=True, integration="Google Kalender", account="anna@gmail.example")

    steg.connect(ties=ties)
    assert "anna@gmail.example" in anna.page(f"/calls/{ref}")
    assert asked == [("anna", ref, Kind.CALL)]
    steg.connect(ties=lambda _person, _ref, _kind: Tie("L1", dropped=True, integration="Google Kalender"))
    page = anna.page(f"/calls/{ref}")
    assert "Nicht mehr gespiegelt" in page
    assert 'action="/mirror/L1"' in page
    assert "Wieder spiegeln" in page


def test_what_is_done_says_when(steg: Steg, anna: Browser) -> None:
    anna.post("/tasks/new", TASK)
    task = of(steg, Kind.TASK)
    anna.post(f"/tasks/{task.ref}/done", {"version": "1", "done": "1"})
    done = of(steg, Kind.TASK).item
    assert isinstance(done, Task)
    assert done.completed == date(2026, 11, 18)
    anna.post(f"/tasks/{task.ref}/done", {"version": "2", "done": ""})
    again = of(steg, Kind.TASK).item
    assert isinstance(again, Task)
    assert again.completed is None


def test_a_task_without_a_title_can_be_opened_all_the_same(steg: Steg, anna: Browser) -> None:
    """Lists at Google hold such tasks: a link without words cannot be seen."""
    steg.modules[Kind.TASK].apply(ANNA.id, [HostCreate("op", Task(title=""))], None)
    for page in ("/tasks", "/"):
        assert "Ohne Titel</a>" in anna.page(page)
