"""The pages on which a user decides, in both languages: conflicts, held deletions, parked items, undo, "Why?"."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from marketplace_plugin.engine.acts.waiting.held import BrakeView
from marketplace_plugin.engine.acts.why import What
from marketplace_plugin.engine.views import Audience
from marketplace_plugin.errors import Conflict, NotAllowed
from marketplace_plugin.model.event import UNKNOWN, Event, Override, Response, Sensitivity, ShowAs
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import AllDay, Timed
from marketplace_plugin.store.log.journal import Side
from marketplace_plugin.sync.merge.cells import Parts
from marketplace_plugin.sync.merge.three_way import Winner
from marketplace_plugin.sync.reason import Reason
from tests.web.conftest import Site
from tests.web.fake_decisions import AT, FACTS, NINE, PARKED, TEN, UNDONE, a_why, clash, deletion
from tests.web.fakes import ANNA, JONAS, connected, run_view, text


@pytest.fixture
def mine(site: Site) -> Site:
    """Anna has a connection, and something of each kind waits."""
    site.actions.connections["c1"] = (ANNA.id, connected())
    site.actions.installed["google"] = Audience.ALL
    site.actions.history = [run_view(), run_view("run2")]
    site.actions.clashes = [
        clash(kept=Winner.NOBODY, reason=Reason.CONFLICT_ASK, takes={Winner.HOST, Winner.REMOTE}),
        clash("location", "Raum 1", ""),
    ]
    site.actions.deletions = [deletion("d1"), deletion("d2", decided=True), deletion("m1", Reason.WOULD_MAIL)]
    site.actions.resting = list(PARKED)
    site.actions.undo_told, site.actions.undone_told = FACTS, UNDONE
    site.actions.whys = {"e1": a_why(What.COPY, clashes=(clash(),), held=(deletion(),), parked=True)}
    return site


PAGES = [
    ("/profile/decisions", "Zurückgehaltene Löschungen", "Held deletions"),
    ("/profile/runs/run1/undo", "Diesen Lauf rückgängig machen", "Undo this run"),
    ("/profile/runs/run2/undone", "Warum er unverändert blieb", "Why it was left alone"),
    ("/profile/runs/run1", "Diesen Lauf rückgängig machen", "Undo this run"),
    ("/why/event/e1", "Welche Seite bei welchem Feld gewann", "Which side won which field"),
]


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("path, german, english", PAGES, ids=[path for path, *_ in PAGES])
def test_every_page_in_both_languages(mine: Site, path: str, german: str, english: str, language: str) -> None:
    answer = mine.as_(ANNA, language).get(path)
    assert answer.status_code == 200
    assert (german if language == "de" else english) in text(answer)


@pytest.mark.parametrize("path", [path for path, *_ in PAGES[1:]])
def test_nobody_else_finds_any_of_it(mine: Site, path: str) -> None:
    assert mine.as_(JONAS).get(path).status_code == 404


def test_a_colleague_s_list_is_empty(mine: Site) -> None:
    said = text(mine.as_(JONAS).get("/profile/decisions"))
    assert "Nichts wartet auf Sie" in said
    assert "Angebot" not in said


# ---- conflicts ------------------------------------------------------------------------------------------------------


def test_a_conflict_shows_both_values_and_what_can_be_taken(mine: Site) -> None:
    page = mine.as_(ANNA).get("/profile/decisions").get_data(as_text=True)
    said = text(mine.as_(ANNA).get("/profile/decisions"))
    assert "Angebot prüfen: Titel" in said
    assert "Angebot prüfen: Titel Freitag, 20. November 2026, 09:00 bis 10:00 · Arbeit" in said
    assert "Hier Hier Diesen Wert übernehmen" in said
    assert "Im verbundenen Kalender Dort Diesen Wert übernehmen" in said
    assert "Raum 1" in said
    assert "(leer)" in said
    assert "behalten" in said
    assert page.count('name="take" value="remote"') == 2
    assert page.count('name="take" value="host"') == 1
    assert page.count('name="take" value="leave"') == 2


def test_earlier_conflicts_about_a_field_stand_below_its_last_one(mine: Site) -> None:
    former = [clash("title", f"Hier {n}", f"Dort {n}") for n in (3, 2)]
    older = [replace(one, id=f"k{n}", until=AT + timedelta(days=n)) for one, n in zip(former, (3, 2), strict=True)]
    mine.actions.clashes = [clash("title"), *older, clash("location", "Raum 1", "")]
    page = mine.as_(ANNA).get("/profile/decisions").get_data(as_text=True)
    said = text(mine.as_(ANNA).get("/profile/decisions"))
    assert page.count("<h3>Angebot prüfen: Titel</h3>") == 1
    assert "2 frühere Konflikte um dieses Feld" in said
    places = [said.index(value) for value in ("Dort", "Dort 3", "Dort 2", "Raum 1")]
    assert places == sorted(places)
    assert "in der Liste bis Sa., 21. Nov." in said
    assert page.count('name="take" value="leave"') == 4
    mine.actions.whys = {"e1": a_why(What.COPY, clashes=(clash("title"), older[0]))}
    assert "1 früherer Konflikt um dieses Feld" in text(mine.as_(ANNA).get("/why/event/e1"))


def test_a_long_list_has_pages(mine: Site) -> None:
    mine.actions.clashes = [clash(f"overrides/2026-{m:02}-{d:02}/title") for m in (10, 11, 12) for d in range(1, 21)]
    client = mine.as_(ANNA)
    first, second = (client.get(f"/profile/decisions{more}") for more in ("", "?from=50"))
    assert (text(first).count("Angebot prüfen: Titel am"), text(second).count("Angebot prüfen: Titel am")) == (50, 10)
    assert 'href="/profile/decisions?from=50">Ältere Konflikte' in first.get_data(as_text=True)
    assert 'href="/profile/decisions">Neuere Konflikte' in second.get_data(as_text=True)
    for beyond in ("60", "-1", "x"):
        assert text(client.get(f"/profile/decisions?from={beyond}")).count("Angebot prüfen: Titel am") == 50


@pytest.mark.parametrize("choice, side", [("host", Winner.HOST), ("remote", Winner.REMOTE)])
def test_taking_a_value(mine: Site, choice: str, side: Winner) -> None:
    client = mine.as_(ANNA)
    answer = client.post("/profile/conflicts/k-title", data={"take": choice})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/profile/decisions")
    assert ("take", ANNA.id, "k-title", side) in mine.actions.called
    assert "Der nächste Abgleich bringt den Wert auf die andere Seite" in text(client.get("/profile/decisions"))


def test_leaving_it_and_going_back_to_where_one_came_from(mine: Site) -> None:
    answer = mine.as_(ANNA).post("/profile/conflicts/k-title", data={"take": "leave", "next": "/why/event/e1"})
    assert answer.headers["Location"] == "/why/event/e1"
    assert ("leave", ANNA.id, "k-title") in mine.actions.called
    for elsewhere in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        answer = mine.as_(ANNA).post("/profile/conflicts/k-title", data={"take": "leave", "next": elsewhere})
        assert answer.headers["Location"] == "/profile/decisions"


@pytest.mark.parametrize(
    "error, said",
    [
        (Conflict("x"), "wurde inzwischen geändert, deshalb wurde nichts überschrieben"),
        (NotAllowed("x"), "Dieser Wert lässt sich nicht übernehmen"),
    ],
)
def test_what_cannot_be_taken_is_told(mine: Site, error: Exception, said: str) -> None:
    mine.actions.fail["take"] = error
    client = mine.as_(ANNA)
    assert client.post("/profile/conflicts/k-title", data={"take": "host"}).status_code == 303
    assert said in text(client.get("/profile/decisions"))


def test_a_choice_that_is_none_and_a_conflict_of_somebody_else(mine: Site) -> None:
    assert mine.as_(ANNA).post("/profile/conflicts/k-title", data={"take": "both"}).status_code == 422
    assert mine.as_(JONAS).post("/profile/conflicts/k-title", data={"take": "host"}).status_code == 404
    assert not [call for call in mine.actions.called if call[0] in ("take", "leave")]


@pytest.mark.parametrize(
    "cell, value, said",
    [
        ("when", Timed(NINE, TEN), "Freitag, 20. November 2026, 09:00 bis 10:00"),
        ("when", AllDay(date(2026, 11, 20), date(2026, 11, 21)), "Freitag, 20. November 2026, ganztägig"),
        ("show_as", ShowAs.OUT_OF_OFFICE, "Abwesend"),
        ("sensitivity", Sensitivity.PRIVATE, "Privat"),
        ("response", Response.TENTATIVE, "Mit Vorbehalt"),
        ("reminder", 15, "15 Minuten vorher"),
        ("reminder", None, "(keiner)"),
        ("title", UNKNOWN, "(verborgen)"),
        ("overrides/2026-11-21T09:00:00", Override(NINE, None), "Termin am 21. November 2026"),
        ("overrides/2026-11-21T09:00:00", Override(NINE, Event(when=Timed(NINE, TEN), title="Neu")), "Neu, Freitag"),
        ("overrides/2026-11-21/title", "Neu", "Titel am 21. November 2026"),
        (
            "recurrence",
            Parts(Event(when=Timed(NINE, TEN)), RecurrenceRule.parse("FREQ=WEEKLY"), (), {}),
            "09:00 bis 10:00, jede Woche",
        ),
        (
            "recurrence",
            Parts(
                Event(when=Timed(NINE, TEN)),
                RecurrenceRule.parse("FREQ=WEEKLY"),
                (),
                {
                    "2026-11-27T09:00:00": Override(NINE, Event(when=Timed(NINE, TEN), title="Messe")),
                    "2026-12-04T09:00:00": Override(NINE, None),
                },
            ),
            "20. November 2026, 09:00 bis 10:00 Termin am 4. Dezember 2026: Abgesagt",
        ),
    ],
)
def test_every_kind_of_value_is_told_in_words(mine: Site, cell: str, value: Any, said: str) -> None:
    mine.actions.clashes = [clash(cell, value, value)]
    assert said in text(mine.as_(ANNA).get("/profile/decisions"))


# ---- held and parked ------------------------------------------------------------------------------------------------


def test_held_deletions_are_counted_and_those_that_would_mail_stand_apart(mine: Site) -> None:
    page = mine.as_(ANNA).get("/profile/decisions").get_data(as_text=True)
    said = text(mine.as_(ANNA).get("/profile/decisions"))
    assert "Bei anna@gmail.example warten 3 Löschungen. 3 Einträge wurden in den letzten 24 Stunden gelöscht." in said
    assert "Bis zu 10 Löschungen am Tag werden von selbst ausgeführt." in said
    assert "Termin d1" in said
    assert page.count('type="checkbox" name="held"') == 2
    assert "kann den Teilnehmern aber trotzdem Bescheid geben" in said
    assert "Dort trotzdem löschen" in said
    assert "Entscheidungen 3 wartend" in said


@pytest.mark.parametrize("side, where", [(Side.HOST, "Hier in Steg"), (Side.REMOTE, "Bei anna@gmail.example")])
def test_one_deletion_is_told_as_one(mine: Site, side: Side, where: str) -> None:
    mine.actions.braked = [BrakeView("c1", "google", "anna@gmail.example", side, 1, 1, 10)]
    said = text(mine.as_(ANNA).get("/profile/decisions"))
    assert f"{where} wartet 1 Löschung. 1 Eintrag wurde in den letzten 24 Stunden gelöscht." in said


@pytest.mark.parametrize(
    "fields, called",
    [
        ({"decision": "approve", "held": ["d1"]}, ("approve_held", ANNA.id, ["d1"])),
        ({"decision": "restore", "held": ["d1", "d2"]}, ("restore_held", ANNA.id, ["d1", "d2"])),
        ({"decision": "approve", "held": ["m1"]}, ("approve_held", ANNA.id, ["m1"])),
        ({"decision": "approve-all"}, ("approve_held", ANNA.id, ["d1", "d2"])),
    ],
)
def test_deciding_about_deletions(mine: Site, fields: dict[str, Any], called: tuple[Any, ...]) -> None:
    """ "All" never holds what a service might announce."""
    assert mine.as_(ANNA).post("/profile/held", data=fields).status_code == 303
    assert called in mine.actions.called


def test_nothing_chosen_is_told(mine: Site) -> None:
    client = mine.as_(ANNA)
    client.post("/profile/held", data={"decision": "approve"})
    assert "Nichts war ausgewählt" in text(client.get("/profile/decisions"))
    assert client.post("/profile/held", data={"decision": "burn"}).status_code == 422


def test_parked_items_have_a_reason_and_another_try(mine: Site) -> None:
    client = mine.as_(ANNA)
    said = text(client.get("/profile/decisions"))
    assert "Wiederkehrer" in said
    assert "2-mal versucht" in said
    assert "Ein Eintrag, der sich nicht lesen lässt" in said
    assert client.post("/profile/parked/l9").status_code == 303
    assert ("try_again", ANNA.id, "l9") in mine.actions.called
    assert mine.as_(JONAS).post("/profile/parked/l9").status_code == 404


# ---- undo -----------------------------------------------------------------------------------------------------------


def test_an_undo_says_what_the_run_wrote_before_it_is_pressed(mine: Site) -> None:
    client = mine.as_(ANNA)
    said = text(client.get("/profile/runs/run1/undo"))
    assert re.search(r"Verbundener Kalender: \w+ – 5", said)
    assert "Möglich bis" in said
    answer = client.post("/profile/runs/run1/undo")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/profile/runs/run2/undone")


def test_pressed_twice_the_second_finds_the_first(mine: Site) -> None:
    mine.actions.undo_told = replace(FACTS, possible=False, undone_by="run2")
    client = mine.as_(ANNA)
    assert client.post("/profile/runs/run1/undo").headers["Location"] == "/profile/runs/run2/undone"
    assert "wurde schon rückgängig gemacht" in text(client.get("/profile/runs/run1/undo"))
    mine.actions.undo_told = replace(FACTS, possible=False)
    assert client.post("/profile/runs/run1/undo").headers["Location"] == "/profile/runs/run1"
    assert "lässt sich derzeit nichts zurücknehmen" in text(client.get("/profile/runs/run1/undo"))


def test_the_result_says_what_was_taken_back_and_what_was_left(mine: Site) -> None:
    said = text(mine.as_(ANNA).get("/profile/runs/run2/undone"))
    assert "Zurückgenommen 1 " in said
    assert "Messe Freitag, 20. November 2026 bis Samstag, 21. November 2026, ganztägig" in said
    assert "Er wurde nach diesem Lauf geändert" in said
    assert "(nicht mehr bekannt)" in said


# ---- "Why?" ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", What)
def test_each_kind_of_event_is_told(mine: Site, what: What) -> None:
    mine.actions.whys = {"e1": a_why(what, Reason.MASKED, Reason.BRAKE, elsewhere=("Familie",))}
    for path in ("/why/event/e1", "/why/block/e1"):
        said = text(mine.as_(ANNA).get(path))
        assert "Warum? Angebot prüfen" in said
        assert "anna@gmail.example" in said
        assert "Auch in Familie" in said
        assert "viele Löschungen auf einmal" in said


def test_a_series_is_named_as_one_with_the_occurrence_that_was_asked_about(mine: Site) -> None:
    rule = RecurrenceRule.parse("FREQ=WEEKLY")
    third = Timed(replace(NINE, wall=NINE.wall + timedelta(weeks=2)), replace(TEN, wall=TEN.wall + timedelta(weeks=2)))
    mine.actions.whys = {"e1": a_why(repeats=True, rule=rule), "l1": a_why(repeats=True, occurrence=third)}
    said = text(mine.as_(ANNA).get("/why/event/e1"))
    assert "Serie: jede Woche, zum ersten Mal Freitag, 20. November 2026, 09:00 bis 10:00" in said
    said = text(mine.as_(ANNA).get("/why/block/l1?at=2026-12-04T09:00:00%2B01:00"))
    assert "Freitag, 4. Dezember 2026, 09:00 bis 10:00 Serie: an einzelnen Tagen, zum ersten Mal Freitag, 20." in said
    assert ("why", "l1", third.start.instant()) in mine.actions.called
    for odd in ("", "morgen", "2026-12-04T09:00:00"):
        mine.as_(ANNA).get("/why/event/e1", query_string={"at": odd})
        assert mine.actions.called[-1] == ("why", "e1", None)


def test_one_that_is_simply_synced_says_so_and_leads_back(mine: Site) -> None:
    mine.actions.whys = {"e1": a_why()}
    answer = mine.as_(ANNA).get("/why/event/e1?back=/calendar?view=week")
    assert "Keine, die ihn verbirgt, zurückhält oder einschränkt" in text(answer)
    assert 'href="/calendar?view=week"' in answer.get_data(as_text=True)
    assert "evil" not in mine.as_(ANNA).get("/why/event/e1?back=//evil.example").get_data(as_text=True)
