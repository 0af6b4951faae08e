"""What a colleague could conclude from what tells nothing by itself: keys, tags and colours."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from marketplace_plugin.app import assemble
from marketplace_plugin.config import read
from marketplace_plugin.contract.module import Person
from marketplace_plugin.host.steg import Steg
from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.event import Event, Override, Sensitivity, Series
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.task import Task
from marketplace_plugin.model.time import Timed
from marketplace_plugin.model.write import HostApplied, HostCreate
from marketplace_plugin.store import tokens
from marketplace_plugin.store.vault import new_key
from marketplace_plugin.web.engine_actions import EngineActions
from tests.host.conftest import (
    ANNA,
    JONAS,
    NOW,
    FakeBlocks,
    app,
    berlin,
    clock,
    grey,
    prepared,
    signed_in,
    steg,
    store,
    told,
)

__all__ = ["app", "clock", "grey", "prepared", "steg", "store", "told"]
NINE = Timed(berlin("2026-11-18 09:00"), berlin("2026-11-18 10:00"))
VIEWS = ("day", "week", "month", "agenda")
FRAGMENT = {"HX-Request": "true", "HX-Target": "calview"}


# ---- the key of what is hidden ---------------------------------------------------------------------------------------


class Served:
    """The whole application, and time that stands still."""

    def __init__(self, path: Any) -> None:
        settings = {
            "MARKETPLACE_DATABASE_URL": f"sqlite:///{path / 'steg.db'}",
            "MARKETPLACE_SECRET_KEYS": new_key(),
            "MARKETPLACE_BASE_URL": "http://127.0.0.1:5000",
        }
        self.now = NOW
        self.running = assemble(read(settings), now=lambda: self.now)
        self.running.steg.seed(NOW.date())

    def person(self, name: str) -> Person:
        found = self.running.steg.person(name)
        assert found is not None
        return found

    def token(self, name: str) -> str:
        with self.running.store.begin() as unit:
            return tokens.create(unit.connection, name, "script", self.now)[1]

    def events(self, viewer: str, owner: str) -> list[dict[str, Any]]:
        answer = self.running.flask.test_client().get(
            "/api/v1/events",
            query_string={"start": "2026-11-16T00:00:00Z", "end": "2026-12-05T00:00:00Z", "owner": owner},
            headers={"Authorization": f"Bearer {self.token(viewer)}"},
        )
        assert answer.json is not None
        found: list[dict[str, Any]] = answer.json["entries"]
        return found


@pytest.fixture
def served(tmp_path: Any) -> Any:
    made = Served(tmp_path)
    yield made
    made.running.close()


def test_nobody_computes_which_series_a_busy_time_is_of(served: Served) -> None:
    """The key was a hash of what a colleague knows of the days before and after."""
    day = Timed(berlin("2026-11-30 04:00"), berlin("2026-11-30 04:20"))
    override = Override(berlin("2026-11-22 05:00"), Event(when=day, title="Planted", sensitivity=Sensitivity.PRIVATE))
    first = Timed(berlin("2026-11-20 05:00"), berlin("2026-11-20 05:30"))
    daily = Series(Event(when=first, title="Serie"), RecurrenceRule.parse("FREQ=DAILY;COUNT=4"), (override,))
    served.running.steg.acts.create_event(served.person("anna"), daily, [], "events")
    seen = served.events("jonas", "anna")
    ref = next(one["id"] for one in seen if one.get("title") == "Serie").partition(":")[0]
    (hidden,) = [one for one in seen if one["start"] == "2026-11-30T04:00:00"]
    for name in (f"jonas\0{ref}:2026-11-22T05:00:00", f"{ref}:2026-11-22T05:00:00"):
        assert hidden["id"] != hashlib.blake2s(name.encode(), digest_size=12).hexdigest()
    assert "2026-11-22" not in hidden["id"]
    again = [one["id"] for one in served.events("jonas", "anna") if one["start"] == hidden["start"]]
    assert again == [hidden["id"]], "and it stays the same for him"
    others = [one["id"] for one in served.events("sabine", "anna") if one["start"] == hidden["start"]]
    assert others != [hidden["id"]], "and two cannot compare theirs"


def test_an_unknown_token_waits_for_nobody_who_writes(served: Served) -> None:
    """Whoever sent any token at all took the only place of a writer."""
    actions = EngineActions(served.running.engine)
    known = served.token("anna")
    assert actions.person_of_token(known) is not None
    answers: list[Person | None] = []
    with served.running.store.begin():
        asking = threading.Thread(
            target=lambda: answers.extend((actions.person_of_token("nonsense"), actions.person_of_token(known)))
        )
        asking.start()
        asking.join(10)
        assert not asking.is_alive()
    assert [person.id if person else None for person in answers] == [None, "anna"]


def test_when_a_token_was_used_is_known_to_the_minute(served: Served) -> None:
    actions = EngineActions(served.running.engine)
    token = served.token("anna")

    def used() -> Any:
        actions.person_of_token(token)
        with served.running.store.read() as c:
            (row,) = tokens.of_user(c, "anna")
        return row.used_at

    first = used()
    assert first == served.now
    served.now += timedelta(seconds=59)
    assert used() == first
    served.now += timedelta(seconds=2)
    assert used() == served.now
    served.now -= timedelta(days=400)
    assert used() == served.now, "also after the clock was far ahead"


# ---- the tag of a calendar -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("page", ["/calendar/of/anna?", "/calendar?with=anna&"])
def test_the_tag_tells_a_colleague_nothing_of_what_she_does(
    app: Flask, steg: Steg, grey: FakeBlocks, view: str, page: str
) -> None:
    """It changed with each of her contacts, tasks and hidden events: whoever asked now and then read when she works."""
    steg.acts.create_event(ANNA, Event(when=NINE, title="Messe"), [], "events")
    theirs = signed_in(app, JONAS)

    def tag() -> str | None:
        answer = theirs.get(f"{page}view={view}&date=2026-11-18", headers=FRAGMENT)
        assert answer.status_code == 200
        return answer.headers["ETag"]

    first = tag()
    steg.acts.create_contact(ANNA, Contact(given_name="Planted"))
    steg.acts.create_todo(ANNA, Kind.TASK, Task(title="Planted", due=NOW.date()))
    far = Timed(berlin("2027-06-01 09:00"), berlin("2027-06-01 10:00"))
    steg.acts.create_event(ANNA, Event(when=far, title="Planted", sensitivity=Sensitivity.PRIVATE), [], "events")
    grey.changed = NOW
    assert tag() == first
    steg.acts.create_event(ANNA, Event(when=NINE, title="Zweite"), [], "events")
    second = tag()
    assert second != first
    known = {**FRAGMENT, "If-None-Match": second or ""}
    assert theirs.get(f"{page}view={view}&date=2026-11-18", headers=known).status_code == 304
    grey.add(ANNA, replace(NINE, end=berlin("2026-11-18 11:00")), "Planted")
    assert tag() != second


# ---- the colour of what was imported ---------------------------------------------------------------------------------


@pytest.mark.parametrize("view", VIEWS)
def test_its_colour_does_not_tell_that_it_was_imported(app: Flask, steg: Steg, view: str) -> None:
    with steg.database.begin() as unit:
        (made,) = steg.modules[Kind.EVENT].apply(ANNA.id, [HostCreate("op", Event(when=NINE, title="Messe"))], unit)
    assert isinstance(made, HostApplied)
    own = signed_in(app, ANNA).page(f"/calendar?view={view}&date=2026-11-18")
    theirs = signed_in(app, JONAS).page(f"/calendar/of/anna?view={view}&date=2026-11-18")
    assert "Messe" in own
    assert "Messe" in theirs
    assert "c5" not in theirs.partition('id="calview"')[2]
    if view != "agenda":
        assert 'class="ev c5' in own
