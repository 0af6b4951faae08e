"""Consent by an organisation's admin: what the blocked user reads, what his administrator sees, and the way back."""

from __future__ import annotations

from html import escape

import pytest

from marketplace_plugin.engine.views import Asked, ConnectionState, ConnectionView
from marketplace_plugin.errors import AdminConsentNeeded
from marketplace_plugin.store.accounts.installations import RequestState
from marketplace_plugin.web.actions import RequestRow
from tests.web.conftest import Site
from tests.web.fakes import ADMIN, ANNA, CONSENT_ADDRESS, JONAS, NOW, text

PAGE = "/profile/connections/c1/consent"
BACK = "/oauth/callback?admin_consent=True&tenant=t&state=consent.c1.mark"
REFUSED = "/oauth/callback?admin_consent=True&error=access_denied&error_description=no&state=consent.c1.mark"


@pytest.fixture
def blocked(site: Site) -> Site:
    site.actions.connections["c1"] = (ANNA.id, ConnectionView("c1", "office365", ConnectionState.ADDED))
    return site


def test_a_blocked_sign_in_leads_to_a_page_of_its_own(blocked: Site) -> None:
    blocked.actions.fail["finish"] = AdminConsentNeeded("x", "c1")
    answer = blocked.as_(ANNA).get("/oauth/callback?state=x&error=consent_required")
    assert (answer.status_code, answer.location) == (303, PAGE)
    page = blocked.as_(ANNA).get(PAGE)
    said = text(page)
    assert "Zuerst muss Ihre Verwaltung zustimmen" in said
    assert "Es wurde nichts gespeichert und nichts geändert." in said
    assert escape(CONSENT_ADDRESS) in page.get_data(as_text=True)
    for act in ("Kopieren", "Adresse öffnen", "Bei Ihrem Administrator anfragen", "Erneut versuchen"):
        assert act in said


def test_the_request_to_the_administrator_and_its_states(blocked: Site) -> None:
    client = blocked.as_(ANNA)
    answer = client.post(PAGE, follow_redirects=True)
    assert ("ask_consent", "anna", "c1") in blocked.actions.called
    assert "Ihre Anfrage wurde gesendet." in text(answer)
    assert "hat Ihre Anfrage mit der Adresse" in text(client.get(PAGE))
    assert "Bei Ihrem Administrator anfragen" not in text(client.get(PAGE))
    blocked.actions.consent_request = RequestState.GRANTED
    assert "Bei Ihrem Administrator anfragen" in text(client.get(PAGE)), "it may not have been enough"
    assert "meldet, dass die Zustimmung erteilt ist. Bitte versuchen Sie es erneut." in text(client.get(PAGE))
    blocked.actions.consent_request = RequestState.DECLINED
    assert "hat die Anfrage abgelehnt" in text(client.get(PAGE))
    assert "Bei Ihrem Administrator anfragen" in text(client.get(PAGE))


def test_the_administrator_sees_whom_it_concerns_and_what_to_open(blocked: Site) -> None:
    blocked.actions.asked["r1"] = RequestRow("r1", ANNA.id, "office365", NOW, Asked.CONSENT, detail=CONSENT_ADDRESS)
    page = blocked.as_(ADMIN).get("/admin/connections")
    assert "Anna Brandt Zustimmung bei Microsoft nötig für Office365 Kalender" in text(page)
    assert page.get_data(as_text=True).count(escape(CONSENT_ADDRESS)) == 2, "to copy and to open"
    done = blocked.as_(ADMIN).post("/admin/requests/r1", data={"decision": "grant"}, follow_redirects=True)
    assert "Die Anfrage ist erledigt." in text(done)
    assert blocked.actions.granted == set(), "no integration was opened by it"


def test_a_request_for_a_server_names_it(blocked: Site) -> None:
    blocked.actions.asked["r1"] = RequestRow("r1", ANNA.id, "office365", NOW, Asked.HOST, "mail.nordwerk.example")
    page = text(blocked.as_(ADMIN).get("/admin/connections"))
    assert "Zugriff auf den Server mail.nordwerk.example nötig für Office365 Kalender" in page
    done = blocked.as_(ADMIN).post("/admin/requests/r1", data={"decision": "grant"}, follow_redirects=True)
    assert "Die Anfrage wurde freigegeben." in text(done)


def test_whoever_consents_needs_no_account_here_and_learns_no_name(blocked: Site) -> None:
    answer = blocked.as_(None).get(BACK)
    assert answer.status_code == 200
    said = text(answer)
    assert "Die Zustimmung ist erteilt" in said
    assert "Sie können dieses Fenster schließen." in said
    assert "Anna" not in said
    assert "Erneut versuchen" not in said
    assert blocked.actions.called == [], "the way back changes nothing"


def test_the_way_back_says_what_is_next(blocked: Site) -> None:
    own = blocked.as_(ANNA).get(BACK)
    assert "Erneut versuchen" in text(own)
    assert "/profile/connections/c1/authorize" in own.get_data(as_text=True)
    assert "/admin/connections" in blocked.as_(ADMIN).get(BACK).get_data(as_text=True)
    assert "/profile/connections" not in blocked.as_(JONAS).get(BACK).get_data(as_text=True)


def test_a_refusal_is_told_as_one(blocked: Site) -> None:
    for person in (None, ANNA, ADMIN):
        said = text(blocked.as_(person).get(REFUSED))
        assert "Die Zustimmung ist nicht erteilt" in said
        assert "Erneut versuchen" not in said


@pytest.mark.parametrize("state", ["", "&state=", "&state=consent.c1.forged", "&state=x"])
def test_a_made_up_way_back_is_refused(blocked: Site, state: str) -> None:
    answer = blocked.as_(None).get(f"/oauth/callback?admin_consent=True{state}")
    assert answer.status_code == 400
    assert "Diese Anmeldung gilt nicht mehr" in text(answer)
    assert blocked.actions.called == []


def test_the_page_is_its_owners(blocked: Site) -> None:
    for person in (JONAS, ADMIN):
        assert blocked.as_(person).get(PAGE).status_code == 404
        assert blocked.as_(person).post(PAGE).status_code == 404
    assert blocked.actions.called == []


def test_what_is_asked_for_on_top_is_said_at_the_beginning(blocked: Site) -> None:
    blocked.as_(ANNA).post("/profile/connections/c1/authorize", data={"feature": "shared"})
    assert blocked.actions.called[-1][-1] == "shared"
