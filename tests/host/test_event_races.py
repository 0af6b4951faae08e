"""Saving and deleting what somebody else changed meanwhile: nothing is overwritten, nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from marketplace_plugin.host.steg import Steg
from marketplace_plugin.model.event import (
    Event,
    Override,
    original_key,
)
from tests.host.conftest import ANNA, Browser
from tests.host.event_form import FORM, THIRD, edit, made, record, series_of, values_of


def test_changed_meanwhile_nothing_is_overwritten_and_nothing_lost(steg: Steg, anna: Browser) -> None:
    anna.post("/calendar/new", FORM)
    ref = made(steg).ref
    url = f"/calendar/event/{ref}/edit"
    values = values_of(anna.page(url))
    edit(anna, ref, title="von der Synchronisation", reminder="30")
    response = anna.post(url, {**values, "place": "mein neuer Raum"})
    assert response.status_code == 409
    assert "Es wurde nichts überschrieben" in response.text
    assert "Titel: von der Synchronisation" in response.text
    assert "Erinnerung: 30 Minuten vorher" in response.text
    item = record(steg, ref).item
    assert isinstance(item, Event)
    assert (item.title, item.location) == ("von der Synchronisation", "Raum 1")
    again = values_of(response.text)
    assert again["place"] == "mein neuer Raum"
    assert anna.post(url, again).status_code == 303  # now it is a decision
    item = record(steg, ref).item
    assert isinstance(item, Event)
    assert (item.title, item.location) == ("Jour fixe", "mein neuer Raum")


def test_deleted_meanwhile_the_entries_can_be_saved_anew(steg: Steg, anna: Browser, app: Any) -> None:
    anna.post("/calendar/new", FORM)
    ref = made(steg).ref
    url = f"/calendar/event/{ref}/edit"
    values = values_of(anna.page(url))
    steg.acts.delete_event(ANNA, ref, 1)
    response = anna.post(url, {**values, "title": "meine Arbeit"})
    assert response.status_code == 409
    assert 'action="/calendar/new"' in response.text
    assert values_of(response.text)["title"] == "meine Arbeit"


def test_deleting_what_was_changed_meanwhile_does_nothing(steg: Steg, anna: Browser) -> None:
    anna.post("/calendar/new", FORM)
    ref = made(steg).ref
    edit(anna, ref, title="neu")
    response = anna.post(f"/calendar/event/{ref}/delete", {"version": "1"}, follow_redirects=True)
    assert "inzwischen geändert, deshalb wurde nichts ausgeführt" in response.text
    assert record(steg, ref).version == 2
    anna.post(f"/calendar/event/{ref}/delete", {"version": "x"})
    assert record(steg, ref).version == 2


def test_an_occurrence_that_was_cancelled_meanwhile(steg: Steg, anna: Browser, weekly: str) -> None:
    url = f"/calendar/event/{weekly}/edit"
    values = values_of(anna.page(url, query_string={"at": original_key(THIRD)}))
    series = replace(series_of(steg, weekly), overrides=(Override(THIRD, None),))
    steg.acts.change_event(ANNA, weekly, 1, series)
    response = anna.post(url, {**values, "title": "meine Arbeit"})
    assert response.status_code == 409
    assert values_of(response.text)["title"] == "meine Arbeit"


def test_a_colleague_cannot_write(steg: Steg, anna: Browser, jonas: Browser) -> None:
    anna.post("/calendar/new", FORM)
    ref = made(steg).ref
    for act in ("edit", "delete", "answer"):
        assert jonas.post(f"/calendar/event/{ref}/{act}", {"version": "1"}).status_code == 404
    kept = jonas.post(f"/calendar/event/{ref}/edit", {**FORM, "version": "1"})
    assert kept.status_code == 409
    assert 'action="/calendar/new"' in kept.text  # as for one that does not exist
    assert record(steg, ref).version == 1
