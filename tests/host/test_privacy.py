"""Planted titles: what is private is in no colleague's page, fragment, JSON or header, in no view."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from werkzeug.test import TestResponse

from marketplace_plugin.host.steg import Steg
from marketplace_plugin.model.event import Attendee, Event, Sensitivity, ShowAs, Status
from marketplace_plugin.model.time import AllDay, Timed
from tests.host.conftest import ANNA, JONAS, MIRA, STRANGER, Browser, FakeBlocks, berlin, signed_in

PLANTED = "Zahnarzt-geheim"
PLACE = "Rathausplatz-geheim"
WEDNESDAY = Timed(berlin("2026-11-18 13:00"), berlin("2026-11-18 14:00"))
AT = "2026-11-18T13:00:00%2B01:00"
VIEWS = ("day", "week", "month", "agenda")


@pytest.fixture
def link(app: Any, grey: FakeBlocks) -> str:
    grey.add(ANNA, AllDay(date(2026, 11, 20), date(2026, 11, 23)), f"Eltern {PLANTED}")
    return grey.add(ANNA, WEDNESDAY, PLANTED, location=PLACE, description=f"Text {PLANTED}")


@pytest.fixture
def private_ref(steg: Steg) -> str:
    when = Timed(berlin("2026-11-19 15:30"), berlin("2026-11-19 16:30"))
    secret = Event(when=when, title=f"Gehalt {PLANTED}", location=PLACE, sensitivity=Sensitivity.PRIVATE)
    return steg.acts.create_event(ANNA, secret, [], "events").ref


def everything(response: TestResponse) -> str:
    return response.text + str(response.headers)


def test_the_owner_reads_her_own(anna: Browser, link: str, private_ref: str) -> None:
    for view in VIEWS:
        shown = anna.page(f"/calendar?view={view}&date=2026-11-18")
        assert PLANTED in shown
        assert "Belegt" in shown
    page = anna.page(f"/calendar/block/{link}?at={AT}")
    assert f"Text {PLANTED}" in page
    assert PLACE in page
    assert PLANTED in anna.page(f"/calendar/block/{link}/menu?at={AT}")
    assert PLANTED in anna.page(f"/calendar/event/{private_ref}")


@pytest.mark.parametrize("view", VIEWS)
def test_a_colleague_sees_busy_and_nothing_else(jonas: Browser, link: str, private_ref: str, view: str) -> None:
    for url in (f"/calendar/of/anna?view={view}&date=2026-11-18", f"/calendar?with=anna&view={view}&date=2026-11-18"):
        for headers in ({}, {"HX-Request": "true", "HX-Target": "calview"}):
            shown = everything(jonas.get(url, headers=headers))
            for secret in (PLANTED, PLACE, "Fremdkalender", "Privat", link, private_ref, "data-menu", "data-busy"):
                assert secret not in shown, (secret, url)
            assert "Belegt" in shown


def test_json_is_redacted_alike(jonas: Browser, link: str, private_ref: str) -> None:
    response = jonas.get("/calendar/of/anna/events.json?from=2026-11-16&days=7")
    assert response.json is not None
    entries = response.json["events"]
    assert len(entries) == 3
    for secret in (PLANTED, PLACE, link, private_ref, "Fremd"):
        assert secret not in everything(response)
    assert all(e["title"] == "" and e["busy"] and "ref" not in e for e in entries)
    assert response.headers["Cache-Control"] == "private, no-store"


def test_asking_for_it_by_name_finds_nothing(jonas: Browser, link: str, private_ref: str) -> None:
    for url in (
        f"/calendar/block/{link}?at={AT}",
        f"/calendar/block/{link}/menu?at={AT}",
        f"/calendar/event/{private_ref}",
        f"/calendar/event/{private_ref}/menu",
        f"/calendar/event/{private_ref}/edit",
    ):
        response = jonas.get(url)
        assert response.status_code == 404
        assert PLANTED not in everything(response)
    for url in (f"/calendar/event/{private_ref}/delete", f"/calendar/event/{private_ref}/answer"):
        assert jonas.post(url, {"version": "1"}).status_code == 404


def test_what_is_free_or_cancelled_blocks_nobody(jonas: Browser, anna: Browser, grey: FakeBlocks) -> None:
    grey.add(ANNA, WEDNESDAY, PLANTED, show_as=ShowAs.FREE)
    grey.add(ANNA, WEDNESDAY, PLANTED, status=Status.CANCELLED)
    assert "Belegt</b>" not in jonas.page("/calendar/of/anna?date=2026-11-18")
    assert PLANTED in anna.page("/calendar?date=2026-11-18")


def test_who_takes_part_in_a_private_event_reads_it(app: Any, steg: Steg, jonas: Browser) -> None:
    secret = Event(
        when=WEDNESDAY,
        title=f"Gespräch {PLANTED}",
        sensitivity=Sensitivity.PRIVATE,
        attendees=(Attendee(JONAS.email, JONAS.name),),
    )
    steg.acts.create_event(ANNA, secret, [JONAS.id], "events")
    assert PLANTED in jonas.page("/calendar?date=2026-11-18")
    assert PLANTED in jonas.page("/calendar/of/anna?date=2026-11-18")
    assert PLANTED not in signed_in(app, MIRA).page("/calendar/of/anna?date=2026-11-18")


def test_a_colleague_reads_title_time_and_place_of_what_is_not_private(steg: Steg, jonas: Browser) -> None:
    event = Event(
        when=WEDNESDAY,
        title="Vertrag",
        location="Raum 1",
        description=f"Text {PLANTED}",
        attendees=(Attendee("kunde@extern.example", PLANTED),),
    )
    ref = steg.acts.create_event(ANNA, event, [], "events").ref
    page = jonas.page(f"/calendar/event/{ref}")
    assert "Vertrag" in page
    assert "Raum 1" in page
    assert PLANTED not in page
    assert "Bearbeiten" not in page
    assert jonas.get(f"/calendar/event/{ref}/edit").status_code == 404


@pytest.mark.parametrize(
    "url", ["/calendar/of/anna", "/calendar/of/anna/events.json?from=2026-11-16", "/calendar/of/x"]
)
def test_another_tenant_does_not_exist(app: Any, link: str, url: str) -> None:
    stranger = signed_in(app, STRANGER)
    assert stranger.get(url).status_code == 404
    assert "Anna" not in stranger.page("/calendar")


def test_nobody_sees_nothing(nobody: Browser, link: str) -> None:
    for url in ("/", "/calendar", "/calendar/of/anna", f"/calendar/block/{link}?at={AT}", "/tasks", "/contacts"):
        response = nobody.get(url)
        assert response.status_code == 303
        assert response.headers["Location"].startswith("/sign-in?next=")


@pytest.mark.parametrize(
    "at", ["", "x", "2026-11-18", "2026-11-18T13:00:00", "9999-12-31T23:59:59%2B00:00", "0001-01-01"]
)
def test_a_block_is_found_by_its_own_start_alone(anna: Browser, link: str, at: str) -> None:
    assert anna.get(f"/calendar/block/{link}?at={at}").status_code == 404
