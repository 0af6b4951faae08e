"""Creating, editing, answering and deleting events: the form, the three scopes, and what others did meanwhile."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from werkzeug.test import TestResponse

from marketplace_plugin.host.steg import Steg, Tie
from marketplace_plugin.model.change import HostGone
from marketplace_plugin.model.event import (
    Attendee,
    Event,
    Override,
    Response,
    Sensitivity,
    Series,
    ShowAs,
    original_key,
)
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.series.expand import occurrence_at
from marketplace_plugin.model.time import AllDay, Timed
from tests.host.conftest import ANNA, JONAS, MIRA, Browser, Told, berlin, signed_in
from tests.host.event_form import FORM, NINE, THIRD, edit, made, record, series_of, values_of

# ---- creating ------------------------------------------------------------------------------------------------------


def test_a_new_event(steg: Steg, anna: Browser, told: Told) -> None:
    response = anna.post("/calendar/new", {**FORM, "invited": ["jonas"], "private": "1"})
    assert response.status_code == 303
    assert response.headers["Location"].startswith("/calendar?view=week&date=2026-11-18")
    new = made(steg)
    assert new.item == Event(
        when=NINE,
        title="Jour fixe",
        location="Raum 1",
        description="Zeile 1\nZeile 2",
        reminder=15,
        sensitivity=Sensitivity.PRIVATE,
        attendees=(Attendee(JONAS.email, JONAS.name),),
    )
    assert (new.calendar, list(new.participants), new.owner) == ("sales", ["jonas"], "anna")
    assert sorted(told.calls) == [("anna", Kind.EVENT, (new.ref,)), ("jonas", Kind.EVENT, (new.ref,))]
    assert "Gespeichert." in anna.page("/calendar")


def test_whole_days_are_dates_and_the_last_day_is_inside(steg: Steg, anna: Browser) -> None:
    anna.post("/calendar/new", {**FORM, "all_day": "1", "end_day": "2026-11-20"})
    item = made(steg).item
    assert isinstance(item, Event)
    assert item.when == AllDay(date(2026, 11, 18), date(2026, 11, 21))


def test_another_zone_is_kept(steg: Steg, anna: Browser) -> None:
    anna.post("/calendar/new", {**FORM, "zone": "America/New_York"})
    item = made(steg).item
    assert isinstance(item, Event)
    assert isinstance(item.when, Timed)
    assert (item.when.start.zone, item.when.start.wall.hour) == ("America/New_York", 9)
    assert "15:00–16:00" in anna.page("/calendar?date=2026-11-18")


def test_a_series(steg: Steg, anna: Browser) -> None:
    anna.post("/calendar/new", {**FORM, "repeat": "weekly", "weekdays": ["MO"], "end": "count", "count": "4"})
    item = made(steg).item
    assert isinstance(item, Series)
    assert str(item.rule) == "FREQ=WEEKLY;COUNT=4;BYDAY=MO,WE"


@pytest.mark.parametrize(
    "bad, field, said",
    [
        ({"title": "  "}, "title", "Bitte geben Sie einen Titel ein."),
        ({"title": "x" * 301}, "title", "Bitte kürzen Sie dies auf 300 Zeichen."),
        ({"start_day": "gestern"}, "start_day", "Bitte geben Sie ein Datum ein"),
        ({"start_day": "0099-01-01"}, "start_day", "zwischen 1900 und 2199"),
        ({"start_time": "25:00"}, "start_time", "Bitte geben Sie eine Uhrzeit ein"),
        ({"end_time": "08:59"}, "end_time", "endet, bevor er beginnt"),
        ({"end_day": "2026-11-17", "all_day": "1"}, "end_day", "endet, bevor er beginnt"),
        ({"zone": "Europe/Nirgends"}, "zone", "Diese Zeitzone ist nicht bekannt"),
        ({"zone": "Europe"}, "zone", "Diese Zeitzone ist nicht bekannt"),
        ({"reminder": "-5"}, "reminder", "Bitte geben Sie eine Zahl"),
        ({"show_as": "asleep"}, "show_as", "Bitte wählen Sie einen der Einträge."),
        ({"repeat": "daily", "interval": "0"}, "interval", "Bitte geben Sie eine Zahl von 1 bis 999 ein."),
        ({"repeat": "daily", "end": "until", "until": "2020-01-01"}, "until", "endet vor dem ersten Termin"),
    ],
)
def test_bad_input_keeps_what_was_typed_and_says_why(
    steg: Steg, anna: Browser, bad: dict[str, str], field: str, said: str
) -> None:
    response = anna.post("/calendar/new", {**FORM, **bad, "invited": ["mira"]})
    assert response.status_code == 422
    assert f'id="{field}-h"' in response.text
    assert said in response.text
    assert 'aria-invalid="true"' in response.text
    assert "1 Feld braucht Ihre Aufmerksamkeit. Es wurde nichts gespeichert." in response.text
    assert values_of(response.text)["invited"] == ["mira"]
    assert values_of(response.text)["place"] == "Raum 1"
    assert steg.modules[Kind.EVENT].changes(ANNA.id, None, 10).changes == ()


def test_bad_input_in_english(app: Any) -> None:
    response = signed_in(app, MIRA).post("/calendar/new", {**FORM, "title": "", "start_day": ""})
    assert "Please enter a title." in response.text
    assert "2 fields need your attention." in response.text


def test_nobody_of_another_tenant_is_invited(steg: Steg, anna: Browser) -> None:
    anna.post("/calendar/new", {**FORM, "invited": ["otto", "anna", "jonas"]})
    assert list(made(steg).participants) == ["jonas"]


# ---- editing -------------------------------------------------------------------------------------------------------


def test_saving_the_form_untouched_changes_nothing(steg: Steg, anna: Browser) -> None:
    item = Event(
        when=Timed(berlin("2026-10-25 02:30"), replace(berlin("2026-10-25 02:45"), fold=1)),
        title="Umstellung",
        description="a\nb",
        show_as=ShowAs.TENTATIVE,
        sensitivity=Sensitivity.CONFIDENTIAL,
        reminder=7,
        attendees=(Attendee("kunde@extern.example", "Kunde", Response.ACCEPTED), Attendee(JONAS.email, JONAS.name)),
        conference="https://meet.example/1",
    )
    ref = steg.acts.create_event(ANNA, item, [JONAS.id], "fairs").ref
    assert edit(anna, ref).status_code == 303
    saved = record(steg, ref)
    assert saved.item == item
    assert (saved.calendar, list(saved.participants), saved.version) == ("fairs", ["jonas"], 2)


def test_two_zones_survive_the_form(steg: Steg, anna: Browser) -> None:
    flight = Event(
        when=Timed(berlin("2026-11-18 10:00"), replace(berlin("2026-11-18 13:00"), zone="America/New_York")),
        title="Flug",
    )
    ref = steg.acts.create_event(ANNA, flight, [], "events").ref
    edit(anna, ref, title="Flug nach Boston")
    assert record(steg, ref).item == replace(flight, title="Flug nach Boston")


def test_participants_come_and_go(steg: Steg, anna: Browser, app: Any) -> None:
    anna.post("/calendar/new", {**FORM, "invited": ["jonas"]})
    ref = made(steg).ref
    edit(anna, ref, invited=["mira"])
    assert list(record(steg, ref).participants) == ["mira"]
    (gone,) = steg.modules[Kind.EVENT].get(JONAS.id, [ref])
    assert isinstance(gone, HostGone)
    assert gone.withdrawn
    assert "Jour fixe" in signed_in(app, MIRA).page("/calendar")


def test_what_a_calendar_does_not_let_be_changed_is_disabled_and_ignored(steg: Steg, anna: Browser) -> None:
    item = Event(when=NINE, title="Einladung", location="dort")
    ref = steg.acts.create_event(ANNA, item, [], "events").ref
    tied = Tie("L1", converted=True, writable=frozenset({"reminder", "show_as"}))
    steg.connect(ties=lambda _person, _ref, _kind: tied)
    page = anna.page(f"/calendar/event/{ref}/edit")
    assert re.search(r'<input class="input" id="title"[^>]* disabled', page)
    assert not re.search(r'<select class="select" id="reminder"[^>]* disabled', page)
    response = anna.post(
        f"/calendar/event/{ref}/edit", {**FORM, "version": "1", "title": "meine", "reminder": "30", "repeat": "daily"}
    )
    assert response.status_code == 303
    assert record(steg, ref).item == replace(item, reminder=30)


def test_a_participant_changes_his_own_fields_alone(steg: Steg, app: Any, told: Told) -> None:
    item = Event(when=NINE, title="Runde", attendees=(Attendee(JONAS.email, JONAS.name),))
    ref = steg.acts.create_event(ANNA, item, [JONAS.id], "events").ref
    jonas = signed_in(app, JONAS)
    page = jonas.page(f"/calendar/event/{ref}/edit")
    assert "Nur Anna Brandt kann diesen Termin ändern" in page
    told.calls.clear()
    assert edit(jonas, ref, title="meine", reminder="60", show_as="free", response="tentative").status_code == 303
    saved = record(steg, ref)
    assert saved.item == item
    view = saved.item_for(JONAS.id)
    assert isinstance(view, Event)
    assert (view.title, view.reminder, view.show_as, view.response) == ("Runde", 60, ShowAs.FREE, Response.TENTATIVE)
    assert {owner for owner, _, _ in told.calls} == {"anna", "jonas"}
    told.calls.clear()
    assert edit(jonas, ref, reminder="5").status_code == 303
    assert {owner for owner, _, _ in told.calls} == {"jonas"}


@pytest.mark.parametrize("answer", ["accepted", "tentative", "declined"])
def test_answering_from_the_events_page(steg: Steg, app: Any, answer: str) -> None:
    item = Event(when=NINE, title="Runde", attendees=(Attendee(JONAS.email, JONAS.name),))
    ref = steg.acts.create_event(ANNA, item, [JONAS.id], "events").ref
    jonas = signed_in(app, JONAS)
    version = values_of(jonas.page(f"/calendar/event/{ref}"))["version"]
    jonas.post(f"/calendar/event/{ref}/answer", {"version": version, "response": answer})
    hers = record(steg, ref).item_for(ANNA.id)
    assert isinstance(hers, Event)
    assert hers.attendees == (Attendee(JONAS.email, JONAS.name, Response(answer)),)


# ---- the three scopes ----------------------------------------------------------------------------------------------


def test_only_this_one(steg: Steg, anna: Browser, weekly: str) -> None:
    edit(anna, weekly, original_key(THIRD), scope="this", title="Sonderrunde", start_time="14:00", end_time="15:00")
    series = series_of(steg, weekly)
    (override,) = series.overrides
    assert override == Override(
        THIRD,
        Event(
            when=Timed(berlin("2026-12-02 14:00"), berlin("2026-12-02 15:00")), title="Sonderrunde", location="Raum 1"
        ),
    )
    assert series.master.title == "Runde"
    assert "Sonderrunde" in anna.page("/calendar?date=2026-12-02")


def test_this_and_the_following_splits_and_tells_of_both(steg: Steg, anna: Browser, weekly: str, told: Told) -> None:
    told.calls.clear()
    edit(anna, weekly, original_key(THIRD), scope="following", title="Neue Runde", start_time="11:00", end_time="12:30")
    before, after = series_of(steg, weekly), made(steg)
    assert str(before.rule) == "FREQ=WEEKLY;COUNT=2"
    assert before.master.title == "Runde"
    assert after.ref != weekly
    assert isinstance(after.item, Series)
    assert str(after.item.rule) == "FREQ=WEEKLY;COUNT=4"
    assert after.item.master.title == "Neue Runde"
    assert after.item.master.when == Timed(berlin("2026-12-02 11:00"), berlin("2026-12-02 12:30"))
    assert after.calendar == "sales"
    assert told.calls == [("anna", Kind.EVENT, (weekly, after.ref))]


def test_following_from_the_first_one_is_all(steg: Steg, anna: Browser, weekly: str) -> None:
    edit(anna, weekly, original_key(NINE.start), scope="following", title="Neue Runde")
    assert made(steg).ref == weekly
    assert series_of(steg, weekly).master.title == "Neue Runde"
    assert str(series_of(steg, weekly).rule) == "FREQ=WEEKLY;COUNT=6"


def test_all_of_them_move_by_as_much(steg: Steg, anna: Browser, weekly: str) -> None:
    moved = {"start_day": "2026-12-03", "end_day": "2026-12-03", "start_time": "08:00", "end_time": "09:00"}
    edit(anna, weekly, original_key(THIRD), scope="all", title="Donnerstagsrunde", **moved)
    series = series_of(steg, weekly)
    assert series.master.when == Timed(berlin("2026-11-19 08:00"), berlin("2026-11-19 09:00"))
    assert (series.master.title, str(series.rule)) == ("Donnerstagsrunde", "FREQ=WEEKLY;COUNT=6")


def test_all_reaches_the_exceptions_where_they_are_like_the_others(steg: Steg, anna: Browser, weekly: str) -> None:
    edit(anna, weekly, original_key(THIRD), scope="this", start_time="14:00", end_time="15:00", place="Raum 2")
    edit(anna, weekly, original_key(NINE.start), scope="all", title="Umbenannt", place="Raum 3")
    third = occurrence_at(series_of(steg, weekly), THIRD)
    assert third is not None
    assert (third.title, third.location, third.when) == (
        "Umbenannt",
        "Raum 2",
        Timed(berlin("2026-12-02 14:00"), berlin("2026-12-02 15:00")),
    )


def test_all_from_an_exception_does_not_spread_the_exception(steg: Steg, anna: Browser, weekly: str) -> None:
    edit(anna, weekly, original_key(THIRD), scope="this", start_time="14:00", end_time="15:00", place="Raum 2")
    edit(anna, weekly, original_key(THIRD), scope="all", title="Umbenannt")
    series = series_of(steg, weekly)
    assert series.master == Event(when=NINE, title="Umbenannt", location="Raum 1")
    assert len(series.overrides) == 1


def test_the_rule_changes_for_all(steg: Steg, anna: Browser, weekly: str) -> None:
    edit(anna, weekly, original_key(NINE.start), scope="all", repeat="daily", end="count", count="3")
    assert str(series_of(steg, weekly).rule) == "FREQ=DAILY;COUNT=3"


def test_it_repeats_no_more(steg: Steg, anna: Browser, weekly: str) -> None:
    edit(anna, weekly, original_key(NINE.start), scope="all", repeat="none")
    assert record(steg, weekly).item == Event(when=NINE, title="Runde", location="Raum 1")


def test_a_rule_without_words_is_kept_through_the_form(steg: Steg, anna: Browser) -> None:
    rule = RecurrenceRule.parse("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1")
    ref = steg.acts.create_event(ANNA, Series(Event(when=NINE, title="Ultimo"), rule), [], "events").ref
    assert "Wie bisher (eigene Regel)" in anna.page(f"/calendar/event/{ref}/edit")
    edit(anna, ref, title="Ultimo neu")
    assert series_of(steg, ref).rule == rule


def test_deleting_one_the_following_and_all(steg: Steg, anna: Browser, weekly: str) -> None:
    url = f"/calendar/event/{weekly}"
    fourth = "2026-12-09T09:00:00"

    def delete(at: str, scope: str) -> TestResponse:
        values = values_of(anna.page(url, query_string={"at": at}))
        return anna.post(f"{url}/delete", {"version": values["version"], "at": at, "scope": scope})

    assert delete(original_key(THIRD), "this").status_code == 303
    assert series_of(steg, weekly).overrides == (Override(THIRD, None),)
    assert anna.get(url, query_string={"at": original_key(THIRD)}).status_code == 404
    delete(fourth, "following")
    assert str(series_of(steg, weekly).rule) == "FREQ=WEEKLY;COUNT=3"
    delete(original_key(NINE.start), "following")  # from the first one on: all
    assert anna.get(url).status_code == 404
    assert isinstance(steg.modules[Kind.EVENT].get(ANNA.id, [weekly])[0], HostGone)


def test_a_participant_leaves_one_or_all(steg: Steg, app: Any) -> None:
    master = Event(when=NINE, title="Runde", attendees=(Attendee(JONAS.email, JONAS.name),))
    series = Series(master, RecurrenceRule.parse("FREQ=WEEKLY"))
    ref = steg.acts.create_event(ANNA, series, [JONAS.id], "events").ref
    jonas = signed_in(app, JONAS)
    url = f"/calendar/event/{ref}"
    at = original_key(THIRD)
    version = values_of(jonas.page(url, query_string={"at": at}))["version"]
    jonas.post(f"{url}/delete", {"version": version, "at": at, "scope": "this"})
    assert "Runde" not in jonas.page("/calendar?date=2026-12-02")
    assert "Runde" in jonas.page("/calendar?date=2026-12-09")
    assert "Runde" in signed_in(app, ANNA).page("/calendar?date=2026-12-02")
    version = values_of(jonas.page(url))["version"]
    jonas.post(f"{url}/delete", {"version": version, "scope": "all"})
    assert jonas.get(f"{url}/edit").status_code == 404
    assert "Runde" in signed_in(app, ANNA).page("/calendar")


# ---- meanwhile -----------------------------------------------------------------------------------------------------
