"""Many events deleted in one act: chosen, confirmed with their number, and told to the sync as one act."""

from __future__ import annotations

import re

from marketplace_plugin.host.steg import Steg
from marketplace_plugin.model.change import BULK, HostGone
from marketplace_plugin.model.event import Attendee, Event, Series
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.recurrence import RecurrenceRule
from tests.host.conftest import ANNA, JONAS, Browser, Told
from tests.host.event_form import NINE

PAGE = "/calendar/several?date=2026-11-18"


def put(steg: Steg, title: str, *invited: str, who: str = "anna") -> str:
    person = steg.person(who)
    assert person is not None
    guests = tuple(Attendee(JONAS.email, JONAS.name) for one in invited if one == "jonas")
    item = Event(when=NINE, title=title, attendees=guests)
    return steg.acts.create_event(person, item, list(invited), "events").ref


def marks(page: str) -> list[str]:
    return re.findall(r'name="event" value="([^"]+)"', page)


def gone(steg: Steg, who: str, *refs: str) -> list[HostGone]:
    seen = steg.modules[Kind.EVENT].get(who, refs)
    return [one for one in seen if isinstance(one, HostGone)]


def test_ticked_events_go_in_one_act_after_their_number_was_confirmed(steg: Steg, anna: Browser, told: Told) -> None:
    refs = [put(steg, f"Termin {number}", "jonas") for number in range(3)]
    stays = put(steg, "bleibt")
    chosen = [mark for mark in marks(anna.page(PAGE)) if mark.partition(":")[0] in refs]
    asked = anna.post("/calendar/several", {"date": "2026-11-18", "event": chosen})
    assert asked.status_code == 200
    assert "3 Termine löschen?" in asked.text
    assert gone(steg, "anna", *refs) == [], "not before it was confirmed"
    told.calls.clear()
    done = anna.post("/calendar/several", {"date": "2026-11-18", "event": marks(asked.text), "confirmed": "1"})
    assert done.status_code == 303
    assert "3 Termine wurden gelöscht." in anna.page("/calendar")
    told_as = {one.op for who in ("anna", "jonas") for one in gone(steg, who, *refs)}
    assert len(told_as) == 1, "one act, for the participants too"
    assert told_as.pop().startswith(BULK)
    assert gone(steg, "anna", stays) == []
    assert [(who, set(changed)) for who, _, changed in told.calls] == [("anna", set(refs)), ("jonas", set(refs))]


def test_what_was_changed_meanwhile_is_left_alone(steg: Steg, anna: Browser) -> None:
    first, second = put(steg, "eins"), put(steg, "zwei")
    seen = marks(anna.page(PAGE))
    steg.acts.change_event(ANNA, first, 1, Event(when=NINE, title="anders"))
    anna.post("/calendar/several", {"date": "2026-11-18", "event": seen, "confirmed": "1"})
    assert [one.ref for one in gone(steg, "anna", first, second)] == [second]
    assert "1 Termin wurde inzwischen geändert" in anna.page("/calendar")


def test_what_others_organise_is_left_and_nothing_of_others_is_listed(steg: Steg, jonas: Browser) -> None:
    shared = put(steg, "gemeinsam", "jonas")
    hers = put(steg, "nur Annas")
    page = jonas.page(PAGE)
    assert "gemeinsam" in page
    assert "nur Annas" not in page
    forged = [*marks(page), f"{hers}:1", "ohne Version", ":1"]
    jonas.post("/calendar/several", {"date": "2026-11-18", "event": forged, "confirmed": "1"})
    assert [one.withdrawn for one in gone(steg, "jonas", shared)] == [True]
    assert gone(steg, "anna", shared, hers) == []


def test_a_series_is_listed_once_and_nothing_chosen_deletes_nothing(steg: Steg, anna: Browser) -> None:
    series = Series(Event(when=NINE, title="Jour fixe"), RecurrenceRule.parse("FREQ=WEEKLY"))
    ref = steg.acts.create_event(ANNA, series, [], "events").ref
    page = anna.page(PAGE)
    assert len(marks(page)) == 1
    assert "ganze Serie" in page
    none = anna.post("/calendar/several", {"date": "2026-11-18", "confirmed": "1"})
    assert "Nichts war ausgewählt." in none.text
    assert gone(steg, "anna", ref) == []
    assert "/calendar/several" in anna.page("/calendar?view=agenda&date=2026-11-18")
