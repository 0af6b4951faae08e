"""Settings, plan, and the end of a connection."""

from __future__ import annotations

import re
from typing import Any

import pytest

from marketplace_plugin.engine.views import SettingsForm, TargetChange
from marketplace_plugin.errors import (
    Throttled,
    Unavailable,
)
from marketplace_plugin.model.item import Kind
from marketplace_plugin.web.actions import PlanNotMade
from tests.web.conftest import Site
from tests.web.fakes import ANNA, add_connection, text

# ---- settings and plan ---------------------------------------------------------------------------------------------


def test_settings_are_off_at_first_and_the_list_is_reloaded(site: Site) -> None:
    add_connection(site, saved=False, started=False)
    html = site.as_(ANNA).get("/profile/connections/c1").get_data(as_text=True)
    assert ("settings", "anna", "c1", True) in site.actions.called
    assert not re.search(r'type="checkbox"[^>]* checked', html)
    assert not re.search(r"<option value=\"k\d\" selected", html)
    targets = re.findall(r'<option value="(\w*)"', html)
    assert targets == ["", "k1", "k2", "k3"], "one target, writable, or none"
    assert re.findall(r'name="sources" value="(\w+)"', html) == ["k1", "k2", "k3", "k4", "k5"]
    said = text(site.as_(ANNA).get("/profile/connections/c1"))
    assert "Familie Neu" in said
    assert "Freigegeben von jonas@nordwerk.example" in said
    assert "Zeigt nur belegte Zeiten · nicht mehr vorhanden" in said
    assert "Titel anzeigen" not in said


def test_saving_leads_to_the_plan_and_starting_to_the_sync(site: Site) -> None:
    add_connection(site, saved=False, started=False)
    client = site.as_(ANNA)
    form = {
        "version": "0",
        "target": "k1",
        "sources": ["k1", "k3"],
        "switch_event": "1",
        "past_days": "30",
        "future_days": "400",
    }
    saved = client.post("/profile/connections/c1", data=form)
    assert (saved.status_code, saved.location) == (303, "/profile/connections/c1/plan")
    assert site.actions.stored["c1"] == SettingsForm("k1", frozenset({"k1", "k3"}), frozenset({Kind.EVENT}), 30, 400)
    plan = client.get(saved.location)
    assert "Gespeichert. So sähe der erste Abgleich aus:" in text(plan)
    assert "Bei Google 5 0 0" in text(plan)
    assert "Graue Blöcke in Steg 233" in text(plan)
    assert "Verschickte E-Mails 0" in text(plan)
    assert "Starten" in text(plan)
    started = client.post("/profile/connections/c1/start", data={"plan": "p1"})
    assert started.location == "/profile/connections/c1"
    again = client.post("/profile/connections/c1/start", data={"plan": "p1"})
    assert again.location == "/profile/connections/c1", "a second press finds the run of the first"
    assert [call[0] for call in site.actions.called].count("preview") == 1


def test_a_later_plan_is_not_called_the_first_sync(site: Site) -> None:
    add_connection(site, started=False, begun=True, plan="p1")
    client = site.as_(ANNA)
    settings, plan = (text(client.get(f"/profile/connections/c1{page}")) for page in ("", "/plan"))
    assert "Der Plan zu Ihren neuen Einstellungen wartet auf Sie" in settings
    assert "Nach dem Speichern sehen Sie, was sich ändern würde." in settings
    assert "Gespeichert. So sähe der nächste Abgleich aus:" in plan
    for said in (settings, plan):
        assert not re.search("erste[rns]* Abgleich", said, re.IGNORECASE)


def test_what_was_approved_needs_no_plan_again(site: Site) -> None:
    add_connection(site)
    site.actions.stored["c1"] = SettingsForm("k1", frozenset(), frozenset({Kind.EVENT}))
    client = site.as_(ANNA)
    form = {"version": "1", "target": "k1", "sources": ["k3"], "switch_event": "1"}
    saved = client.post("/profile/connections/c1", data=form, follow_redirects=True)
    assert "Gespeichert. Geschrieben wird weiter, wie Sie es bestätigt haben." in text(saved)
    assert client.get("/profile/connections/c1/plan").location == "/profile/connections/c1"
    assert "preview" not in [call[0] for call in site.actions.called]


def test_an_outdated_plan_is_shown_again(site: Site) -> None:
    add_connection(site, started=False)
    answer = site.as_(ANNA).post("/profile/connections/c1/start", data={"plan": "old"}, follow_redirects=True)
    assert "Der Plan hat sich inzwischen geändert." in text(answer)
    assert "Starten" in text(answer)


def test_while_a_sync_runs_the_plan_comes_by_itself(site: Site) -> None:
    add_connection(site, started=False)
    path, client = "/profile/connections/c1/plan", site.as_(ANNA)
    site.actions.fail["preview"] = PlanNotMade("busy")
    waiting = client.get(path)
    assert f'id="plan" hx-get="{path}" hx-trigger="load delay:1s"' in waiting.get_data(as_text=True)
    assert "Ein Abgleich läuft bereits" in text(waiting)
    del site.actions.fail["preview"]
    there = client.get(path, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert 'id="plan">' in there
    assert "Starten" in there
    client.post("/profile/connections/c1/start", data={"plan": "p1"})
    assert client.get(path, headers={"HX-Request": "true"}).headers["HX-Redirect"] == "/profile/connections/c1"


@pytest.mark.parametrize("error", [Unavailable("x"), Throttled("x"), PlanNotMade("busy"), PlanNotMade("expired")])
def test_a_plan_that_does_not_come_about(site: Site, error: Exception) -> None:
    add_connection(site, started=False)
    site.actions.fail["preview"] = error
    answer = site.as_(ANNA).get("/profile/connections/c1/plan")
    assert answer.status_code == 200
    assert "Die Einstellungen sind gespeichert." in text(answer)
    assert "Jetzt erneut versuchen" in text(answer)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"target": "k4"}, "In diesen Kalender kann nicht geschrieben werden."),
        ({"target": "zz"}, "In diesen Kalender kann nicht geschrieben werden."),
        ({"sources": ["zz"]}, "Ein gewählter Kalender ist nicht mehr vorhanden."),
        ({"past_days": "-1"}, "Bitte geben Sie eine Anzahl von Tagen zwischen 0 und 365 ein."),
        ({"future_days": "zehn"}, "Bitte geben Sie eine Anzahl von Tagen zwischen 1 und 1826 ein."),
        ({"future_days": "99999999999999"}, "zwischen 1 und 1826"),
    ],
)
def test_wrong_settings_are_told_at_the_field_and_keep_the_rest(site: Site, change: dict[str, Any], said: str) -> None:
    add_connection(site)
    form = {
        "version": "0",
        "target": "k1",
        "sources": ["k3"],
        "past_days": "60",
        "future_days": "200",
        "switch_event": "1",
        **change,
    }
    answer = site.as_(ANNA).post("/profile/connections/c1", data=form)
    assert answer.status_code == 422
    assert said in text(answer)
    assert "save" not in [call[0] for call in site.actions.called]
    if "past_days" not in change:
        assert 'value="60"' in answer.get_data(as_text=True)


def test_settings_saved_elsewhere_are_not_overwritten(site: Site) -> None:
    add_connection(site)
    site.actions.stored["c1"] = SettingsForm(None, frozenset(), frozenset())
    answer = site.as_(ANNA).post("/profile/connections/c1", data={"version": "0", "target": "k1", "switch_event": "1"})
    assert answer.status_code == 409
    assert "deshalb wurde nichts überschrieben" in text(answer)
    assert site.actions.stored["c1"].target is None
    assert 'name="version" value="1"' in answer.get_data(as_text=True)


def test_another_target_asks_move_or_keep_with_counts(site: Site) -> None:
    add_connection(site)
    site.actions.stored["c1"] = SettingsForm("k1", frozenset(), frozenset({Kind.EVENT}))
    site.actions.copies = 57
    client = site.as_(ANNA)
    asked = client.post("/profile/connections/c1", data={"version": "1", "target": "k3", "switch_event": "1"})
    assert asked.status_code == 422
    assert "Dort liegen 57 von Steg geschriebene Termine." in text(asked)
    assert '<option value="k3" selected' in asked.get_data(as_text=True)
    assert site.actions.stored["c1"].target == "k1"
    form = {"version": "1", "target": "k3", "switch_event": "1", "target_change": "move"}
    assert client.post("/profile/connections/c1", data=form).status_code == 303
    assert site.actions.stored["c1"].target_change is TargetChange.MOVE


def test_calendars_without_their_switch_are_no_silent_nothing(site: Site) -> None:
    add_connection(site)
    answer = site.as_(ANNA).post("/profile/connections/c1", data={"version": "0", "target": "k1"})
    assert answer.status_code == 422
    assert "„Kalender“ ist ausgeschaltet" in text(answer)


def test_nothing_has_to_be_transferred_or_read(site: Site) -> None:
    add_connection(site)
    assert site.as_(ANNA).post("/profile/connections/c1", data={"version": "0", "target": ""}).status_code == 303
    assert site.actions.stored["c1"] == SettingsForm(None, frozenset(), frozenset())


# ---- ending --------------------------------------------------------------------------------------------------------


def test_disconnecting_says_what_goes_and_deletes_remotely_only_when_ticked(site: Site) -> None:
    add_connection(site)
    client = site.as_(ANNA)
    said = text(client.get("/profile/connections/c1/disconnect"))
    assert "233 importierte Termine" in said
    assert "4 sichtbar gemachte Termine" in said
    assert "57 Termine im Kalender „Arbeit“" in said
    done = client.post("/profile/connections/c1/disconnect", follow_redirects=True)
    assert "Die Verbindung ist getrennt." in text(done)
    assert ("disconnect", "anna", "c1", False) in site.actions.called
    assert client.post("/profile/connections/c1/disconnect").status_code == 303, "a second press harms nothing"
    add_connection(site)
    assert "was dort jemand geändert hat" in said.lower()
    ended = client.post("/profile/connections/c1/disconnect", data={"delete_remote": "1"}, follow_redirects=True)
    assert ("disconnect", "anna", "c1", True) in site.actions.called
    assert "2 Termine bleiben im verbundenen Kalender" in text(ended)
    assert "bleib" not in text(done).split("Die Verbindung ist getrennt.")[1][:200]
