"""The calendar's pages: what they name, how they are reached, what a fragment answers, and the basics of access."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from marketplace_plugin.contract.module import Person
from marketplace_plugin.host.acts import Saved
from marketplace_plugin.host.steg import Steg, Tie
from marketplace_plugin.model.event import Attendee, Event, Response, Series
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.task import Call, Task
from marketplace_plugin.model.time import Timed
from marketplace_plugin.model.write import HostApplied, HostCreate
from tests.host.conftest import ANNA, JONAS, MIRA, NOW, Browser, Clock, FakeBlocks, berlin, signed_in

NINE = Timed(berlin("2026-11-18 09:00"), berlin("2026-11-18 10:00"))
FRAGMENT = {"HX-Request": "true", "HX-Target": "calview"}
PAGES = (
    "/",
    "/calendar",
    "/calendar?view=day",
    "/calendar?view=month",
    "/calendar?view=agenda",
    "/calendar?view=agenda&date=2050-01-01",
    "/calendar/of/jonas",
    "/calendar/new",
    "/tasks",
    "/tasks/new",
    "/calls",
    "/calls/new",
    "/contacts",
    "/nowhere",
)


@pytest.fixture
def meeting(steg: Steg) -> str:
    item = Event(when=NINE, title="Jour fixe <Einkauf>", location="Raum 1", attendees=(Attendee(JONAS.email),))
    return steg.acts.create_event(ANNA, item, [JONAS.id], "sales").ref


@pytest.fixture
def link(grey: FakeBlocks) -> str:
    return grey.add(
        ANNA, Timed(berlin("2026-11-18 13:00"), berlin("2026-11-18 14:00")), "Zahnarzt", location="Nürnberg"
    )


def test_the_heading_names_what_is_shown(anna: Browser) -> None:
    for url, heading in (
        ("/calendar", "16.–22. November 2026"),
        ("/calendar?view=day", "Mittwoch, 18. November"),
        ("/calendar?view=month", "November 2026"),
        ("/calendar?date=2026-12-01", "30. Nov. – 6. Dez. 2026"),
        ("/calendar?view=day&lang=en", "Wednesday 18 November"),
        ("/calendar", "16–22 November 2026"),
    ):
        page = anna.get(url, follow_redirects=True).text
        h1 = re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)
        assert h1 is not None
        assert heading in h1[1]


def test_titles_are_escaped_and_show_in_every_view(anna: Browser, meeting: str) -> None:
    for view in ("day", "week", "month", "agenda"):
        page = anna.page(f"/calendar?view={view}")
        assert "Jour fixe &lt;Einkauf&gt;" in page
        assert f"/calendar/event/{meeting}?" in page
        assert "Mittwoch, 18. November, 09:00 bis 10:00 Uhr, Raum 1" in page or view == "agenda"


def test_tasks_and_calls_have_their_lanes(steg: Steg, anna: Browser) -> None:
    steg.acts.create_todo(ANNA, Kind.TASK, Task(title="Reisekosten", due=NOW.date()))
    steg.acts.create_todo(ANNA, Kind.CALL, Call(title="Hr. Vogel", when=NINE))
    page = anna.page("/calendar")
    for text in ("Aufgaben</h3>", "Anrufe</h3>", "Reisekosten", "09:00 Hr. Vogel"):
        assert text in page
    assert "Reisekosten" not in anna.page("/calendar?hide=todos")


def test_the_boxes_lead_to_an_address(anna: Browser, meeting: str, link: str) -> None:
    page = anna.page("/calendar")
    assert "Fremdkalender: Privat" in page
    known = re.findall(r'name="known" value="([^"]+)"', page)
    response = anna.get(
        "/calendar/filter",
        query_string={"view": "week", "date": "2026-11-18", "known": known, "show": ["events"], "with": "jonas"},
    )
    where = response.headers["Location"]
    assert where.startswith("/calendar?view=week&date=2026-11-18&hide=fairs&hide=s")
    assert where.endswith("&hide=sales&hide=todos&with=jonas")
    filtered = anna.page(where)
    assert "Jour fixe" not in filtered
    assert "Zahnarzt" not in filtered
    assert "Privat" not in where


def test_a_colleague_beside_ones_own(steg: Steg, anna: Browser, meeting: str) -> None:
    steg.acts.create_event(JONAS, Event(when=NINE, title="Kundentermin"), [], "events")
    page = anna.page("/calendar?with=jonas")
    assert "Jonas: Kundentermin" in page
    assert page.count('<b class="ti">Jour fixe') == 1  # both take part: once, as her own
    assert "Kundentermin" not in anna.page("/calendar")
    assert "Kundentermin" not in anna.page("/calendar?with=otto")  # of another tenant


def test_the_own_calendar_by_its_address_of_others(anna: Browser, meeting: str) -> None:
    assert "Jour fixe" in anna.page("/calendar/of/anna")


@pytest.mark.parametrize("viewer", [ANNA, MIRA])
def test_a_declined_meeting_is_not_shown_to_colleagues(steg: Steg, app: Any, meeting: str, viewer: Person) -> None:
    view = Event(when=NINE, title="Jour fixe", response=Response.DECLINED)
    done = steg.acts.answer_event(JONAS, meeting, 1, view, frozenset({"response"}))
    assert isinstance(done, Saved)
    assert "Jour fixe" in signed_in(app, JONAS).page("/calendar")
    assert "Jour fixe" not in signed_in(app, viewer).page("/calendar/of/jonas")


def test_the_fragment_is_the_view_alone_and_304_while_nothing_moves(
    steg: Steg, anna: Browser, meeting: str, grey: FakeBlocks, clock: Clock
) -> None:
    first = anna.get("/calendar", headers=FRAGMENT)
    assert first.text.strip().startswith('<div id="calview"')
    assert "<html" not in first.text
    assert "csrf_token" not in first.text  # a fragment that is kept for long holds no token
    tag = first.headers["ETag"]
    assert tag.strip('"') in first.text  # the fragment asks again with it
    again = anna.get("/calendar", headers={**FRAGMENT, "If-None-Match": tag})
    assert (again.status_code, again.text) == (304, "")
    assert again.headers["Cache-Control"] == "private, no-store"

    def moved() -> bool:
        nonlocal tag
        answer = anna.get("/calendar", headers={**FRAGMENT, "If-None-Match": tag})
        tag = answer.headers["ETag"]
        return answer.status_code == 200

    assert not moved()
    steg.acts.create_event(ANNA, Event(when=NINE, title="neu"), [], "events")
    assert moved()
    assert not moved()
    grey.changed = NOW
    assert moved()
    steg.acts.create_event(JONAS, Event(when=NINE, title="nicht ihrer"), [], "events")
    assert not moved()
    clock.at = NOW + timedelta(minutes=6)
    assert moved()
    anna.get("/?lang=en")
    assert moved()


def test_the_page_itself_is_always_whole(anna: Browser) -> None:
    response = anna.get("/calendar", headers={"If-None-Match": "*"})
    assert response.status_code == 200
    assert "ETag" not in response.headers


def test_the_menu_of_a_block_is_its_own(anna: Browser, link: str) -> None:
    page = anna.page("/calendar")
    address = re.search(r'data-menu="([^"]+)"', page)
    assert address is not None
    menu = anna.page(address[1].replace("&amp;", "&"))
    for text in (
        "Zahnarzt",
        "Mi, 18. Nov., 13:00–14:00",
        "Nürnberg",
        f'action="/convert/{link}"',
        "/stop",
        "In Fremdkalender öffnen",
    ):
        assert text in menu
    assert 'name="next" value="/calendar"' in menu
    assert "csrf_token" in menu


def test_the_page_of_a_block_has_the_same_actions_without_script(anna: Browser, link: str) -> None:
    page = anna.page(f"/calendar/block/{link}?at=2026-11-18T13:00:00%2B01:00&back=/calendar?view%3Dday")
    for text in (
        f'action="/convert/{link}"',
        f'action="/convert/{link}/stop"',
        'value="/calendar?view=day"',
        "umwandeln",
    ):
        assert text in page
    outside = anna.page(f"/calendar/block/{link}?at=2026-11-18T13:00:00%2B01:00&back=//evil.example")
    assert not re.search(r'(href|value|action)="//evil', outside)


def test_a_converted_event_shows_an_eye_and_can_be_taken_back(steg: Steg, app: Any, anna: Browser) -> None:
    with steg.database.begin() as unit:
        (made,) = steg.modules[Kind.EVENT].apply(ANNA.id, [HostCreate("op", Event(when=NINE, title="Zahnarzt"))], unit)
    assert isinstance(made, HostApplied)
    page = anna.page("/calendar")
    assert 'class="ev c5' in page
    assert "#eye" in page
    menu = f"/calendar/event/{made.ref}/menu"
    assert "/undo" not in anna.page(menu)
    tied = Tie("L1", converted=True)
    steg.connect(ties=lambda person, ref, _kind: tied if (person, ref) == (ANNA.id, made.ref) else None)
    assert 'action="/convert/L1/undo"' in anna.page(menu)
    assert 'action="/convert/L1/undo"' in anna.page(f"/calendar/event/{made.ref}")
    theirs = signed_in(app, JONAS)
    assert "Zahnarzt" in theirs.page("/calendar/of/anna")
    assert "/undo" not in theirs.page(f"/calendar/event/{made.ref}")
    assert "data-menu" not in theirs.page("/calendar/of/anna")


def test_a_series_shows_each_occurrence_and_opens_it(steg: Steg, anna: Browser) -> None:
    series = Series(Event(when=NINE, title="Täglich"), RecurrenceRule.parse("FREQ=DAILY"))
    ref = steg.acts.create_event(ANNA, series, [], "events").ref
    page = anna.page("/calendar")
    assert page.count("Täglich") >= 5
    detail = anna.page(f"/calendar/event/{ref}?at=2026-11-20T09:00:00")
    assert "Freitag, 20. November, 09:00 bis 10:00 Uhr" in detail
    assert "Jeden Tag" in detail
    for at in ("2026-11-20T10:00:00", "yesterday", "2026-11-20"):
        assert anna.get(f"/calendar/event/{ref}?at={at}").status_code == 404


def test_a_viewer_elsewhere_sees_his_own_clock(steg: Steg, app: Any, meeting: str) -> None:
    with steg.database.begin() as unit:
        unit.connection.exec_driver_sql("UPDATE steg_person SET zone = 'America/New_York' WHERE id = 'jonas'")
    page = signed_in(app, JONAS).page("/calendar?view=day")
    assert "03:00–04:00" in page


@pytest.mark.parametrize("query", ["from=soon", "from=2026-11-16&days=x", ""])
def test_a_bad_question_for_json_is_400(anna: Browser, query: str) -> None:
    assert anna.get(f"/calendar/of/anna/events.json?{query}").status_code == 400


def test_json_of_ones_own(anna: Browser, meeting: str) -> None:
    response = anna.get("/calendar/of/anna/events.json?from=2026-11-18&days=1")
    assert response.json == {
        "events": [
            {
                "all_day": False,
                "start": "2026-11-18T09:00:00+01:00",
                "end": "2026-11-18T10:00:00+01:00",
                "busy": True,
                "title": "Jour fixe <Einkauf>",
                "place": "Raum 1",
                "kind": "event",
                "ref": meeting,
            }
        ]
    }


# ---- basics of access ----------------------------------------------------------------------------------------------


class Outline(HTMLParser):
    """What a page's markup says to a screen reader."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.h1 = 0
        self.ids: list[str] = []
        self.labels: set[str] = set()
        self.unnamed: list[str] = []
        self.fields: list[str] = []
        self._inside_label = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = dict(attrs)
        self.h1 += tag == "h1"
        if at.get("id"):
            self.ids.append(str(at["id"]))
        if tag == "label":
            self._inside_label += 1
            self.labels.add(str(at.get("for", "")))
        hidden = at.get("type") == "hidden"
        if tag in ("input", "select", "textarea") and not hidden and not self._inside_label and "aria-label" not in at:
            self.fields.append(str(at.get("id")))

    def handle_endtag(self, tag: str) -> None:
        self._inside_label -= tag == "label"


@pytest.mark.parametrize("url", PAGES)
def test_basics_of_access(anna: Browser, meeting: str, link: str, url: str) -> None:
    page = anna.get(url).text
    outline = Outline(page)
    assert outline.h1 == 1
    assert len(outline.ids) == len(set(outline.ids)), "an id stands twice"
    assert set(outline.fields) <= outline.labels, "a field without a label"
    for text in ('<html lang="de">', 'class="skip" href="#main"', '<main id="main"', "aria-current"):
        assert text in page
    assert "<style" not in page
    assert not re.search(r"<script(?! src)", page)
    assert not re.search(r'\son\w+="', page)


def test_the_sign_in_page_too(nobody: Browser) -> None:
    outline = Outline(nobody.page("/sign-in"))
    assert outline.h1 == 1
    assert set(outline.fields) <= outline.labels


def test_hundreds_of_events_in_a_week(steg: Steg, anna: Browser) -> None:
    start = datetime(2026, 11, 16, 7, tzinfo=UTC)
    with steg.database.begin() as unit:
        writes = []
        for n in range(300):
            begins = berlin((start + timedelta(minutes=30 * n)).replace(tzinfo=None).isoformat(" "))
            ends = replace(begins, wall=begins.wall + timedelta(minutes=30))
            writes.append(HostCreate(f"op{n}", Event(when=Timed(begins, ends), title=f"Nr. {n}")))
        steg.modules[Kind.EVENT].apply(ANNA.id, writes, unit)
    page = anna.page("/calendar")
    assert "Nr. 0<" in page
    assert "Nr. 299<" in page
