"""Tokens and scopes, throttling, faults, the log."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests

from marketplace_plugin.sandbox.graph import GraphSandbox
from marketplace_plugin.sandbox.graph.seed import ANNA, JONAS
from tests.sandbox.graph.conftest import Api, timed
from tests.sandbox.running import ManualClock


@pytest.mark.parametrize(
    "header, text",
    [
        ({}, "Access token is empty."),
        ({"Authorization": "Basic eA=="}, "Access token is empty."),
        ({"Authorization": "Bearer nonsense"}, "CompactToken parsing failed with error code: 80049217"),
    ],
)
def test_without_a_good_token(sandbox: GraphSandbox, header: dict[str, str], text: str) -> None:
    reply = requests.get(f"{sandbox.url}/v1.0/me", headers=header, timeout=10)
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["message"]) == (401, "InvalidAuthenticationToken", text)
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")
    assert set(error["innerError"]) == {"date", "request-id", "client-request-id"}


def test_tokens_expire(anna: Api, clock: ManualClock, sandbox: GraphSandbox) -> None:
    clock.advance(seconds=4498)
    anna.ok("GET", "me")
    clock.advance(seconds=1)
    assert anna.refused("GET", "me") == (401, "InvalidAuthenticationToken")


def test_tokens_are_ended_by_hand(anna: Api, sandbox: GraphSandbox) -> None:
    sandbox.grants.expire_access_tokens(JONAS)
    anna.ok("GET", "me")
    sandbox.grants.expire_access_tokens(ANNA)
    assert anna.refused("GET", "me")[0] == 401


def test_scopes_are_needed(connect: Callable[..., Api]) -> None:
    reader = connect(scopes=("Calendars.Read",))
    assert len(reader.items("me/events")) > 10
    assert reader.refused("POST", "me/events", timed()) == (403, "ErrorAccessDenied")
    assert reader.refused("POST", "me/calendars", {"name": "x"}) == (403, "ErrorAccessDenied")
    nobody = connect(scopes=("User.Read",))
    assert nobody.refused("GET", "me/events") == (403, "ErrorAccessDenied")
    assert nobody.refused("GET", "me/calendars") == (403, "ErrorAccessDenied")


# --- throttling -----------------------------------------------------------------------------------


def test_the_fifth_request_at_a_time_is_throttled(
    anna: Api, connect: Callable[..., Api], sandbox: GraphSandbox
) -> None:
    sandbox.faults.add("hold", path="/me/calendars", times=4)
    clients = [connect() for _ in range(4)]
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda api=api: answers.append(api("GET", "me/calendars").status_code))
        for api in clients
    ]
    for thread in threads:
        thread.start()
    assert sandbox.faults.wait_held(4)
    reply = anna("GET", "me/events")
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "1")
    assert reply.json()["error"]["message"] == "Application is over its MailboxConcurrency limit."
    call = {"id": "1", "method": "GET", "url": "/me/events"}
    assert anna.ok("POST", "$batch", {"requests": [call]})["responses"][0]["status"] == 429
    connect(JONAS).ok("GET", "me/events")
    sandbox.faults.release()
    for thread in threads:
        thread.join()
    assert answers == [200] * 4
    anna.ok("GET", "me/events")


def test_ten_thousand_requests_in_ten_minutes(anna: Api, clock: ManualClock, sandbox: GraphSandbox) -> None:
    sandbox.state.knobs.requests_in_ten_minutes = 3
    for _ in range(3):
        anna.ok("GET", "me/calendar")
    clock.advance(minutes=4)
    reply = anna("GET", "me/calendar")
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "360")
    clock.advance(minutes=6)
    anna.ok("GET", "me/calendar")


# --- faults ---------------------------------------------------------------------------------------


def test_a_fault_before_anything_happens(anna: Api, sandbox: GraphSandbox) -> None:
    rule = sandbox.faults.add("status", method="POST", path="/events", status=503, retry_after=3)
    reply = anna("POST", "me/events", timed("Neu"))
    assert (reply.status_code, reply.headers["Retry-After"], rule.hits) == (503, "3", 1)
    assert anna.items("me/events", filter="subject eq 'Neu'") == []
    assert sandbox.faults.pending() == []


def test_a_dropped_connection_before_and_after(anna: Api, sandbox: GraphSandbox) -> None:
    sandbox.faults.add("drop_before", method="POST")
    with pytest.raises(requests.ConnectionError):
        anna("POST", "me/events", timed("Neu"))
    assert anna.items("me/events", filter="subject eq 'Neu'") == []
    sandbox.faults.add("drop_after", method="POST")
    with pytest.raises(requests.ConnectionError):
        anna("POST", "me/events", timed("Neu"))
    assert len(anna.items("me/events", filter="subject eq 'Neu'")) == 1
    assert [row.status for row in sandbox.requests("POST")] == [0, 0]


def test_cut_and_broken_answers(anna: Api, sandbox: GraphSandbox) -> None:
    sandbox.faults.add("truncate", path="/events")
    with pytest.raises(requests.JSONDecodeError):
        anna("GET", "me/events").json()
    sandbox.faults.add("malformed_event", path="/events", index=1)
    found = anna.ok("GET", "me/events")["value"]
    assert (found[1]["start"]["dateTime"], "subject" in found[0]) == ("yesterday at nine", True)
    assert found[1]["id"]


def test_the_version_moves_once_more(anna: Api, sandbox: GraphSandbox) -> None:
    sandbox.faults.add("bump_etag", method="POST")
    made = anna.create(timed())
    assert anna.ok("GET", f"me/events/{made['id']}")["@odata.etag"] != made["@odata.etag"]


def test_unknown_faults_are_refused(sandbox: GraphSandbox) -> None:
    wrong: Any = "explode"
    with pytest.raises(ValueError, match="unknown action"):
        sandbox.faults.add(wrong)
    with pytest.raises(TypeError):
        sandbox.faults.add("status", colour="red")


def test_the_log_keeps_no_token(anna: Api, sandbox: GraphSandbox) -> None:
    sandbox.log.clear()
    anna.create(timed())
    row = sandbox.requests("POST", "/events")[0]
    assert (row.status, row.json["subject"], row.fault) == (201, "Termin", None)
    assert "Authorization" not in dict(row.headers)
