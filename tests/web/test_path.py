"""The whole path by HTTP: the real app, the real plugin, the service's stand-in; without a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from marketplace_plugin.app import Running, assemble, seed_demo
from marketplace_plugin.config import read
from marketplace_plugin.sandbox.google import DEFAULT_CLIENT, GoogleSandbox
from marketplace_plugin.sandbox.google.seed import ANNA
from marketplace_plugin.store import tokens
from marketplace_plugin.store.vault import new_key
from tests.engine.shell import Browser
from tests.host.event_form import FORM

BASE_URL = "http://127.0.0.1:5000"


@pytest.fixture
def sandbox() -> Iterator[GoogleSandbox]:
    with GoogleSandbox() as started:
        started.register_redirect(f"{BASE_URL}/oauth/callback")
        yield started


@pytest.fixture
def running(sandbox: GoogleSandbox, tmp_path: Path) -> Iterator[Running]:
    made = assemble(
        read(
            {
                "MARKETPLACE_DATABASE_URL": f"sqlite:///{tmp_path / 'steg.db'}",
                "MARKETPLACE_SECRET_KEYS": new_key(),
                "MARKETPLACE_BASE_URL": BASE_URL,
                "MARKETPLACE_GOOGLE_CLIENT_ID": DEFAULT_CLIENT.client_id,
                "MARKETPLACE_GOOGLE_CLIENT_SECRET": DEFAULT_CLIENT.client_secret,
                "MARKETPLACE_GOOGLE_API_ROOT": sandbox.url,
                "MARKETPLACE_GOOGLE_AUTHORIZE_URL": f"{sandbox.url}/o/oauth2/v2/auth",
                "MARKETPLACE_GOOGLE_TOKEN_URL": f"{sandbox.url}/token",
                "MARKETPLACE_GOOGLE_REVOKE_URL": f"{sandbox.url}/revoke",
            }
        )
    )
    seed_demo(made)
    made.start_background(sweep=False)
    yield made
    made.close()


class Visitor:
    """Somebody at Steg, with what is on the page before him."""

    def __init__(self, running: Running, email: str, password: str) -> None:
        self.client: FlaskClient = running.flask.test_client()
        self.page = ""
        self.get("/sign-in")
        self.post("/sign-in", email=email, password=password)

    def get(self, path: str) -> str:
        return self._shown(self.client.get(path, base_url=BASE_URL, follow_redirects=True))

    def post(self, path: str, **form: Any) -> str:
        data = {"csrf_token": self._token(), **form}
        return self._shown(self.client.post(path, base_url=BASE_URL, data=data, follow_redirects=True))

    def leave(self, path: str) -> str:
        """Press a button that leads to another site; its address."""
        answer = self.client.post(path, base_url=BASE_URL, data={"csrf_token": self._token()})
        assert answer.status_code == 200
        return str(answer.headers["Refresh"]).removeprefix("0; url=")

    def _token(self) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.page)
        assert found, self.page[:500]
        return found[1]

    def _shown(self, answer: Any) -> str:
        self.page = answer.get_data(as_text=True)
        self.path = answer.request.path
        self.text = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", self.page)))
        assert answer.status_code < 500, self.text
        return self.text


@pytest.fixture
def anna(running: Running) -> Visitor:
    return Visitor(running, "anna.brandt@nordwerk.example", "anna-demo")


def connect(anna: Visitor) -> str:
    """Find it, add it, authorise it; the connection's id."""
    assert "Google Kalender" in anna.get("/marketplace?q=Google+Kalender")
    anna.post("/marketplace/google/add")
    found = re.fullmatch(r"/profile/connections/(\w+)/connect", anna.path)
    assert found
    callback = Browser(ANNA)(anna.leave(f"/profile/connections/{found[1]}/authorize"))
    assert f"Angemeldet als {ANNA}." in anna.get(callback.removeprefix(BASE_URL))
    return found[1]


def choose(anna: Visitor, connection: str, *, write: bool = True, read: bool = True) -> None:
    """Target: the main calendar; sources: all that can be ticked. Nothing is chosen at first."""
    anna.get(f"/profile/connections/{connection}")
    ticked = set(re.findall(r'<input type="checkbox"[^>]*name="(\w+)"[^>]* checked', anna.page))
    assert ticked <= {"switch_task", "switch_call", "whole_days"}, "what stands below a switch that is off"
    sources = re.findall(r'name="sources" value="(\w+)"', anna.page) if read else []
    (target,) = re.findall(r'<option value="(\w+)">[^<]*\(Hauptkalender\)', anna.page) if write else [""]
    version = re.findall(r'name="version" value="(\d+)"', anna.page)[0]
    form = {"version": version, "target": target, "sources": sources, "switch_event": "1"}
    assert "So sähe der erste Abgleich aus" in anna.post(f"/profile/connections/{connection}", **form)


def test_from_the_marketplace_to_a_sync_and_out_again(running: Running, anna: Visitor, sandbox: GoogleSandbox) -> None:
    connection = connect(anna)
    assert "bestanden" in anna.post(f"/profile/connections/{connection}/test")
    choose(anna, connection)
    assert "Verschickte E-Mails 0" in anna.text
    (plan,) = re.findall(r'name="plan" value="(\w+)"', anna.page)
    anna.post(f"/profile/connections/{connection}/start", plan=plan)
    assert running.pool.wait_until_idle(30)
    assert "nach „Starten“" in anna.get(f"/profile/connections/{connection}/runs")
    (first,) = set(re.findall(r"/profile/runs/(\w+)[^<]*<", anna.page)) & set(_started(anna.page))
    assert "Hier neu." in anna.get(f"/profile/runs/{first}")
    assert not sandbox.state.outbox
    anna.get("/profile/synchronisation")
    assert "Google Kalender" in anna.post("/sync")
    assert running.pool.wait_until_idle(30)
    assert "Keine Änderungen" in anna.get("/sync")
    anna.get(f"/profile/connections/{connection}/disconnect")
    assert "Die Verbindung ist getrennt." in anna.post(f"/profile/connections/{connection}/disconnect")
    assert "Noch kein Konto verbunden" in anna.text
    assert not sandbox.state.outbox


def _started(page: str) -> list[str]:
    """The runs whose line says that a plan was approved."""
    lines = re.findall(r"<li>.*?</li>", page, re.DOTALL)
    return [run for line in lines if "nach „Starten“" in line for run in re.findall(r"/profile/runs/(\w+)", line)]


@pytest.mark.parametrize("write, read", [(True, False), (False, True)], ids=["writes only", "reads only"])
def test_each_direction_works_alone(running: Running, anna: Visitor, write: bool, read: bool) -> None:
    connection = connect(anna)
    choose(anna, connection, write=write, read=read)
    written, blocks = (re.findall(rf"{row} (\d+)", anna.text)[0] for row in ("Bei Google", "Graue Blöcke in Steg"))
    assert (written != "0", blocks != "0") == (write, read)
    (plan,) = re.findall(r'name="plan" value="(\w+)"', anna.page)
    anna.post(f"/profile/connections/{connection}/start", plan=plan)
    assert running.pool.wait_until_idle(30)
    assert "In Ordnung" in anna.get(f"/profile/connections/{connection}")
    assert f"Geschrieben {written} Termine" in anna.text
    assert f"Importiert {blocks} Termine" in anna.text


def test_many_events_deleted_in_one_act_go_without_being_asked_for_again(
    running: Running, anna: Visitor, sandbox: GoogleSandbox
) -> None:
    day = (running.engine.now() + timedelta(days=3)).date().isoformat()
    for number in range(12):
        anna.get("/calendar/new")
        anna.post("/calendar/new", **{**FORM, "title": f"Termin {number}", "start_day": day, "end_day": day})
    connection = connect(anna)
    choose(anna, connection, read=False)
    (plan,) = re.findall(r'name="plan" value="(\w+)"', anna.page)
    anna.post(f"/profile/connections/{connection}/start", plan=plan)
    assert running.pool.wait_until_idle(30)
    written = {event.id for event in sandbox.state.calendars[ANNA].events.values() if not event.cancelled}
    anna.get("/calendar/several")
    ticked = re.findall(r'name="event" value="([^"]+)"', anna.page)
    assert f"{len(ticked)} Termine löschen?" in anna.post("/calendar/several", event=ticked)
    anna.post("/calendar/several", event=ticked, confirmed="1")
    assert f"{len(ticked)} Termine wurden gelöscht." in anna.text
    anna.post("/sync")
    assert running.pool.wait_until_idle(30)
    assert "Nichts wartet auf Sie" in anna.get("/profile/decisions")
    left = {event.id for event in sandbox.state.calendars[ANNA].events.values() if not event.cancelled}
    assert len(written) - len(left) > 10, "more than the brake lets through"
    assert not sandbox.state.outbox


@pytest.mark.parametrize(
    "manner, said",
    [
        ({"allow": False}, "Sie haben die Zustimmung nicht erteilt"),
        ({"untick": "calendar.events"}, "Eine Berechtigung fehlt"),
    ],
)
def test_consent_denied_or_given_by_half_stores_nothing(anna: Visitor, manner: dict[str, Any], said: str) -> None:
    anna.get("/marketplace/google")
    anna.post("/marketplace/google/add")
    connection = anna.path.split("/")[3]
    callback = Browser(ANNA)(anna.leave(f"/profile/connections/{connection}/authorize"), **manner)
    assert said in anna.get(callback.removeprefix(BASE_URL))
    assert "Noch kein Konto angegeben" in anna.get("/profile/synchronisation")


def test_a_callback_works_once_and_in_its_own_browser(running: Running, anna: Visitor) -> None:
    anna.get("/marketplace/google")
    anna.post("/marketplace/google/add")
    connection = anna.path.split("/")[3]
    callback = Browser(ANNA)(anna.leave(f"/profile/connections/{connection}/authorize")).removeprefix(BASE_URL)
    other = Visitor(running, "anna.brandt@nordwerk.example", "anna-demo")
    assert "Diese Anmeldung gilt nicht mehr" in other.get(callback)
    anna.get("/profile/synchronisation")
    again = Browser(ANNA)(anna.leave(f"/profile/connections/{connection}/authorize")).removeprefix(BASE_URL)
    assert "Angemeldet als" in anna.get(again)
    assert "Diese Anmeldung gilt nicht mehr" in anna.get(again)


def test_no_colleague_and_no_admin_can_do_it_for_her(running: Running, anna: Visitor) -> None:
    connection = connect(anna)
    for email, password in (("jonas.weber", "jonas-demo"), ("sabine.keller", "sabine-demo")):
        other = Visitor(running, f"{email}@nordwerk.example", password)
        for page in ("", "/connect", "/test", "/plan", "/disconnect", "/runs"):
            assert "Das gibt es nicht" in other.get(f"/profile/connections/{connection}{page}")
            assert ANNA not in other.page


def test_the_api_shows_times_to_a_colleague_and_titles_to_nobody_else(running: Running, anna: Visitor) -> None:
    connection = connect(anna)
    choose(anna, connection)
    with running.store.begin() as unit:
        made = {p: tokens.create(unit.connection, p, "test", running.engine.now())[1] for p in ("anna", "jonas")}
    today = running.engine.now().date().isoformat()
    window = {"owner": "anna", "start": f"{today[:7]}-01T00:00:00Z", "end": f"{today[:7]}-28T00:00:00Z"}

    def entries(person: str) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {made[person]}"}
        answer: Any = anna.client.get("/api/v1/events", base_url=BASE_URL, query_string=window, headers=headers).json
        return [entry for entry in answer["entries"] if entry["type"] == "block"]

    own, seen = entries("anna"), entries("jonas")
    assert [e["start"] for e in seen] == [e["start"] for e in own if e["show_as"] != "free"] != []
    titles = {entry["title"] for entry in own if entry["title"]}
    assert titles
    assert not any(title in str(seen) for title in titles)
    assert {frozenset(entry) for entry in seen} <= {
        frozenset({"id", "type", "all_day", "start", "end", "zone", "end_zone", "show_as", "status"}),
        frozenset({"id", "type", "all_day", "start", "end", "show_as", "status"}),
    }
