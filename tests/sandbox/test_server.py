"""The server, the batch endpoint, the pages for editing by hand, and the command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any

import pytest
import requests
from googleapiclient.http import BatchHttpRequest

from marketplace_plugin.sandbox.google import Account, Client, GoogleSandbox
from marketplace_plugin.sandbox.google.act import Actor
from marketplace_plugin.sandbox.google.oauth.scopes import BASE
from marketplace_plugin.sandbox.google.seed import ANNA, HOLIDAYS
from tests.sandbox.conftest import Api, all_day, timed
from tests.sandbox.contract import ContractCheck
from tests.sandbox.running import ManualClock

EVENTS = "calendars/primary/events"


def test_a_connection_is_kept_alive(sandbox: GoogleSandbox) -> None:
    token = sandbox.issue_tokens(ANNA, [BASE + "calendar.events"]).access_token
    connection = HTTPConnection(sandbox.url.removeprefix("http://"), timeout=5)
    connection.connect()
    first = connection.sock
    for verb, body, status in (("GET", None, 200), ("POST", "{", 400), ("GET", None, 200)):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request(verb, f"/calendar/v3/{EVENTS}", body, headers)
        reply = connection.getresponse()
        reply.read()
        assert (reply.status, reply.version, connection.sock is first) == (status, 11, True)
    connection.close()


def test_many_threads_lose_nothing(sandbox: GoogleSandbox) -> None:
    token = sandbox.issue_tokens(ANNA, [BASE + "calendar.events"]).access_token

    def work(number: int) -> int:
        api = Api(sandbox.url, token)
        for index in range(10):
            api.ok("POST", EVENTS, timed(id=f"thread{number}nr{index}".replace("r", "a").replace("h", "b")))
        api.session.close()
        return number

    before = len(Actor(sandbox.state, ANNA).events())
    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(work, range(8))) == list(range(8))
    events = Actor(sandbox.state, ANNA).events()
    assert len(events) == before + 80
    assert len({event["etag"] for event in events}) == len(events)


def test_start_and_stop() -> None:
    sandbox = GoogleSandbox(ManualClock(), accounts=[Account("x@gmail.example", "X", "1")], clients=[])
    with pytest.raises(RuntimeError):
        _ = sandbox.url
    url = sandbox.start()
    assert url == sandbox.url
    with pytest.raises(RuntimeError):
        sandbox.start()
    assert requests.get(f"{url}/calendar/", timeout=5).status_code == 200
    sandbox.stop()
    sandbox.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/calendar/", timeout=5)


def test_accounts_without_calendars_and_unknown_names() -> None:
    sandbox = GoogleSandbox(ManualClock(), seeded=False, clients=[Client("c", "s", ("https://x.example/cb",))])
    assert Actor(sandbox.state, ANNA).events() == []
    assert sandbox.issue_tokens(ANNA, ["openid"], "c").refresh_token
    for wrong in (("nobody@gmail.example", "c"), (ANNA, "unknown")):
        with pytest.raises(KeyError):
            sandbox.issue_tokens(wrong[0], ["openid"], wrong[1])
    with pytest.raises(KeyError):
        Actor(sandbox.state, "nobody@gmail.example")


def test_the_seed_lies_around_today(sandbox: GoogleSandbox) -> None:
    events = Actor(sandbox.state, ANNA).events()
    kinds = {event["eventType"] for event in events if "eventType" in event}
    assert kinds == {"default", "birthday", "focusTime", "outOfOffice", "workingLocation"}
    assert any("recurringEventId" in event and event["status"] == "cancelled" for event in events)
    assert any("recurringEventId" in event and event["status"] == "confirmed" for event in events)
    assert any(event.get("visibility") == "private" for event in events)
    answers = [p for event in events for p in event.get("attendees", ()) if p.get("self")]
    assert {person["responseStatus"] for person in answers} >= {"declined", "needsAction", "accepted"}
    assert all(item["summary"] for item in Actor(sandbox.state, ANNA).events(HOLIDAYS))


# --- batch ----------------------------------------------------------------------------------------


def test_a_batch_of_googleapiclient(service: Any, sandbox: GoogleSandbox, contract: ContractCheck) -> None:
    answers: dict[str, Any] = {}
    batch = BatchHttpRequest(
        callback=lambda key, reply, error: answers.update({key: error.status_code if error else reply["summary"]}),
        batch_uri=f"{sandbox.url}/batch/calendar/v3",
    )
    events = service.events()
    batch.add(events.insert(calendarId="primary", body=timed("eins", id="aaaaa")), request_id="1")
    batch.add(events.get(calendarId="primary", eventId="unknown"), request_id="2")
    batch.add(events.insert(calendarId="primary", body=timed("drei ü", id="ccccc")), request_id="3")
    batch.execute(http=service._http)
    assert answers == {"1": "eins", "2": 404, "3": "drei ü"}
    inner = [row for row in sandbox.log if row.path.startswith("/calendar/v3")]
    assert [row.status for row in inner] == [200, 404, 200]
    assert inner[0].json["id"] == "ccccc"
    contract.assert_kept()


def test_a_dropped_call_loses_the_answers_of_the_whole_batch(service: Any, sandbox: GoogleSandbox) -> None:
    sandbox.faults.add("drop_after", path=r"^/calendar/v3/.*/events\?")
    batch = BatchHttpRequest(batch_uri=f"{sandbox.url}/batch/calendar/v3")
    for event_id in ("aaaaa", "bbbbb"):
        batch.add(service.events().insert(calendarId="primary", body=timed(id=event_id)))
    with pytest.raises(requests.ConnectionError):
        batch.execute(http=service._http)
    found = {event["id"] for event in Actor(sandbox.state, ANNA).events()}
    assert found & {"aaaaa", "bbbbb"} == {"bbbbb"}
    assert [row.status for row in sandbox.log] == [0, 0]


@pytest.mark.parametrize("count,status", [(0, 400), (50, 200), (51, 400)])
def test_a_batch_has_at_most_fifty_calls(anna: Api, sandbox: GoogleSandbox, count: int, status: int) -> None:
    part = "--b\r\nContent-Type: application/http\r\n\r\nGET /calendar/v3/users/me/calendarList HTTP/1.1\r\n\r\n\r\n"
    reply = anna.session.post(
        f"{sandbox.url}/batch/calendar/v3",
        data=part * count + "--b--\r\n",
        headers={"Content-Type": "multipart/mixed; boundary=b"},
    )
    assert reply.status_code == status


@pytest.mark.parametrize(
    "data,kind",
    [
        ("{}", "application/json"),
        ("--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n", "multipart/mixed; boundary=b"),
        (
            "--b\r\nContent-Type: application/http\r\n\r\nGET /_sandbox/outbox HTTP/1.1\r\n\r\n\r\n--b--\r\n",
            "multipart/mixed; boundary=b",
        ),
    ],
)
def test_what_is_no_batch_is_refused(anna: Api, sandbox: GoogleSandbox, data: str, kind: str) -> None:
    reply = anna.session.post(f"{sandbox.url}/batch/calendar/v3", data=data, headers={"Content-Type": kind})
    assert reply.status_code == 400


# --- pages for editing by hand ----------------------------------------------------------------------


def test_edit_by_hand(sandbox: GoogleSandbox, anna: Api) -> None:
    root = f"{sandbox.url}/calendar"
    with requests.Session() as web:
        web.trust_env = False
        assert ANNA in web.get(f"{root}/").text
        page = web.get(f"{root}/u/{ANNA}/").text
        assert "Jour fixe Vertrieb (verschoben)" in page
        assert "Belegt / Busy" in page
        assert "Sandbox" in web.get(f"{root}/u/{ANNA}/{ANNA}/edit").text
        form = {"summary": "Per Hand <b>", "start": "2026-11-20T12:00", "end": "2026-11-20T13:00"}
        added = web.post(f"{root}/u/{ANNA}/{ANNA}/edit", data=form)
        assert "Per Hand &lt;b&gt;" in added.text
        event = next(item for item in anna.items(EVENTS) if item.get("summary") == "Per Hand <b>")
        edit = f"{root}/u/{ANNA}/{ANNA}/edit?event_id={event['id']}"
        assert 'value="2026-11-20T12:00"' in web.get(edit).text
        days = {"summary": "Tage", "start": "2026-11-20T00:00", "end": "2026-11-22T00:00", "all_day": "on"}
        web.post(f"{root}/u/{ANNA}/{ANNA}/edit", data={**days, "event_id": event["id"]})
        assert anna.ok("GET", f"{EVENTS}/{event['id']}")["end"] == {"date": "2026-11-22"}
        assert "checked" in web.get(edit).text
        web.post(f"{root}/u/{ANNA}/{ANNA}/edit", data={**form, "event_id": event["id"]})
        assert "dateTime" in anna.ok("GET", f"{EVENTS}/{event['id']}")["start"]
        web.post(f"{root}/u/{ANNA}/{ANNA}/delete", data={"event_id": event["id"]})
        assert anna.ok("GET", f"{EVENTS}/{event['id']}")["status"] == "cancelled"
        wrong = web.post(f"{root}/u/{ANNA}/{ANNA}/edit", data={**form, "end": "2026-11-20T11:00"})
        assert (wrong.status_code, "time range is empty" in wrong.text) == (400, True)
        assert web.get(f"{root}/u/nobody/").status_code == 404
        cross = {"Sec-Fetch-Site": "cross-site"}
        assert web.post(f"{root}/u/{ANNA}/{ANNA}/edit", data=form, headers=cross).status_code == 403


def test_an_instance_by_hand(sandbox: GoogleSandbox, anna: Api) -> None:
    series = anna.ok("POST", EVENTS, all_day(recurrence=["RRULE:FREQ=DAILY;COUNT=3"]))
    delete = f"{sandbox.url}/calendar/u/{ANNA}/{ANNA}/delete"
    requests.post(delete, data={"event_id": f"{series['id']}_20261121"}, timeout=5)
    assert len(anna.items(f"{EVENTS}/{series['id']}/instances")) == 2


# --- the command ------------------------------------------------------------------------------------


def test_the_command_serves_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-m", "marketplace_plugin.sandbox.google", "--port", "0", "--control-token", "t"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = line.split()[2]
        assert requests.get(f"{url}/calendar/", timeout=5).status_code == 200
        assert requests.get(f"{url}/_sandbox/outbox", headers={"X-Sandbox-Token": "t"}, timeout=5).json() == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
