"""Injected faults and knobs: what a client meets, and what the service has done meanwhile."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from marketplace_plugin.sandbox.google import GoogleSandbox
from marketplace_plugin.sandbox.google.seed import ANNA, SALES
from tests.sandbox.conftest import Api, timed
from tests.sandbox.contract import ContractCheck
from tests.sandbox.running import Json, ManualClock

EVENTS = "calendars/primary/events"


@pytest.mark.parametrize(
    "options,status,reason,after",
    [
        ({"status": 500}, 500, "backendError", None),
        ({"status": 503, "retry_after": 7}, 503, "backendError", "7"),
        ({"status": 403}, 403, "rateLimitExceeded", None),
        ({"status": 403, "reason": "userRateLimitExceeded"}, 403, "userRateLimitExceeded", None),
        ({"status": 403, "reason": "quotaExceeded"}, 403, "quotaExceeded", None),
        ({"status": 429, "retry_after": 30}, 429, "rateLimitExceeded", "30"),
    ],
)
def test_refusals(
    anna: Api, sandbox: GoogleSandbox, options: dict[str, Any], status: int, reason: str, after: str | None
) -> None:
    sandbox.faults.add("status", method="POST", path="/events", times=2, **options)
    for _ in range(2):
        reply = anna("POST", EVENTS, timed())
        error = reply.json()["error"]
        assert (reply.status_code, error["errors"][0]["reason"]) == (status, reason)
        assert reply.headers.get("Retry-After") == after
        if status in (403, 429):
            assert error["errors"][0]["domain"] == "usageLimits"
    assert anna("POST", EVENTS, timed()).status_code == 200
    assert sandbox.faults.pending() == []


def test_a_rule_hits_only_what_it_names_and_skips_first(anna: Api, sandbox: GoogleSandbox) -> None:
    rule = sandbox.faults.add("status", method="GET", path=r"events\?.*pageToken=", skip=1)
    first = anna.ok("GET", EVENTS, maxResults=5)
    second = anna.ok("GET", EVENTS, maxResults=5, pageToken=first["nextPageToken"])
    token = second["nextPageToken"]
    assert anna("GET", EVENTS, maxResults=5, pageToken=token).status_code == 503
    assert anna("GET", EVENTS, maxResults=5, pageToken=token).status_code == 200
    assert (rule.hits, rule.skip) == (1, 0)


def test_a_connection_dropped_before_and_after_the_write(anna: Api, sandbox: GoogleSandbox) -> None:
    body = timed(id="abcdef")
    sandbox.faults.add("drop_before", method="POST")
    with pytest.raises(requests.ConnectionError):
        anna("POST", EVENTS, body)
    assert anna.refused("GET", f"{EVENTS}/abcdef") == (404, "notFound")
    sandbox.faults.add("drop_after", method="POST")
    with pytest.raises(requests.ConnectionError):
        anna("POST", EVENTS, body)
    assert anna.ok("GET", f"{EVENTS}/abcdef")["status"] == "confirmed"
    assert anna.refused("POST", EVENTS, body) == (409, "duplicate")
    log = sandbox.requests("POST")
    assert [(row.status, row.fault) for row in log] == [(0, "drop_before"), (0, "drop_after"), (409, None)]


def test_a_truncated_reply(anna: Api, sandbox: GoogleSandbox) -> None:
    sandbox.faults.add("truncate", path="calendarList")
    reply = anna("GET", "users/me/calendarList")
    assert reply.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.text)
    assert anna.ok("GET", "users/me/calendarList")["items"]


def test_a_malformed_event_in_a_page(anna: Api, sandbox: GoogleSandbox, contract: ContractCheck) -> None:
    good = anna.ok("GET", EVENTS)["items"]
    sandbox.faults.add("malformed_event", path="/events", index=2)
    found = anna.ok("GET", EVENTS)["items"]
    assert found[:2] + found[3:] == good[:2] + good[3:]
    assert (found[2]["id"], found[2]["recurrence"]) == (good[2]["id"], ["RRULE:FREQ=SOMETIMES"])
    assert contract.replies == []


def test_a_late_etag(anna: Api, sandbox: GoogleSandbox) -> None:
    sandbox.faults.add("bump_etag", method="POST")
    made = anna.ok("POST", EVENTS, timed())
    assert anna.ok("GET", f"{EVENTS}/{made['id']}")["etag"] != made["etag"]


def test_a_wrong_rule_is_refused(sandbox: GoogleSandbox) -> None:
    with pytest.raises(ValueError, match="unknown action"):
        sandbox.faults.add("explode")  # type: ignore[arg-type]  # what a JSON body may bring
    with pytest.raises(TypeError):
        sandbox.faults.add("status", code=500)


def test_the_hostile_echo_means_the_same(anna: Api, sandbox: GoogleSandbox, clock: ManualClock) -> None:
    sandbox.state.knobs.hostile_echo = True
    body = timed(
        description="Zeile 1\nZeile 2",
        recurrence=["RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=FR;COUNT=2", "EXDATE:20261204T080000Z"],
        attendees=[{"email": "a@kunde.example"}, {"email": "b@kunde.example"}],
    )
    token = anna.ok("GET", EVENTS)["nextSyncToken"]
    made = anna.ok("POST", EVENTS, body)
    assert made["start"]["timeZone"] == "Arctic/Longyearbyen"
    assert made["start"]["dateTime"] == "2026-11-20T09:00:00+01:00"
    assert made["description"] == "Zeile 1<br>Zeile 2"
    assert made["recurrence"] == [
        "EXDATE:20261204T080000Z",
        "RRULE:FREQ=WEEKLY;WKST=MO;BYDAY=FR;COUNT=2;INTERVAL=2",
    ]
    assert [person["email"] for person in made["attendees"]] == ["b@kunde.example", "a@kunde.example"]
    found = anna.ok("GET", EVENTS, syncToken=token)["items"]
    assert [item["id"] for item in found] == [made["id"]]
    assert found[0]["etag"] != made["etag"]
    assert {**found[0], "etag": ""} == {**made, "etag": ""}
    stale = anna.refused("PATCH", f"{EVENTS}/{made['id']}", {"summary": "x"}, headers={"If-Match": made["etag"]})
    assert stale == (412, "conditionNotMet")
    again = anna.ok("GET", EVENTS)["nextSyncToken"]
    assert anna.ok("GET", EVENTS, syncToken=again)["items"] == []


def test_a_role_that_drops_and_access_that_is_taken(anna: Api, sandbox: GoogleSandbox) -> None:
    sandbox.state.set_role(SALES, ANNA, "freeBusyReader")
    assert anna.refused("POST", f"calendars/{SALES}/events", timed()) == (403, "requiredAccessLevel")
    with pytest.raises(ValueError, match="unknown role"):
        sandbox.state.set_role(SALES, ANNA, "chief")
    sandbox.grants.revoke_account(ANNA)
    assert anna.refused("GET", EVENTS) == (401, "authError")


# --- the control endpoint -------------------------------------------------------------------------


class Control:
    """A client of ``/_sandbox``."""

    def __init__(self, sandbox: GoogleSandbox) -> None:
        self.root = f"{sandbox.url}/_sandbox"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["X-Sandbox-Token"] = sandbox.control_token

    def __call__(self, verb: str, path: str, body: Any = None, **params: str) -> Any:
        reply = self.session.request(verb, f"{self.root}/{path}", json=body, params=params)
        assert reply.status_code < 400, reply.text
        return reply.json() if reply.content else None


@pytest.fixture
def control(sandbox: GoogleSandbox) -> Any:
    found = Control(sandbox)
    yield found
    found.session.close()


def test_the_control_endpoint_asks_for_its_token(sandbox: GoogleSandbox) -> None:
    for headers in ({}, {"X-Sandbox-Token": "wrong"}):
        assert requests.get(f"{sandbox.url}/_sandbox/outbox", headers=headers, timeout=5).status_code == 403


def test_faults_and_state_by_http(control: Control, anna: Api, sandbox: GoogleSandbox) -> None:
    control("POST", "faults", {"action": "status", "status": 429})
    assert [rule["action"] for rule in control("GET", "faults")] == ["status"]
    assert anna("GET", EVENTS).status_code == 429
    control("POST", "faults", {"action": "status", "times": 9})
    control("DELETE", "faults")
    token = anna.ok("GET", EVENTS)["nextSyncToken"]
    control("POST", "expire-sync-tokens", {"calendar": ANNA})
    assert anna("GET", EVENTS, syncToken=token).status_code == 410
    assert control("POST", "clock", {"advance_seconds": 60})["now"].startswith("2026-11-18T09:31:00")
    assert control("POST", "knobs", {"max_page_size": 1})["max_page_size"] == 1
    assert len(anna.ok("GET", EVENTS)["items"]) == 1
    control("POST", "role", {"calendar": SALES, "account": ANNA, "role": "reader"})
    assert anna.ok("GET", f"calendars/{SALES}/events")["accessRole"] == "reader"
    new = {"owner": ANNA, "calendar_id": "neu@group.calendar.google.com", "summary": "Neu"}
    assert control("POST", "calendars", new) == {"id": new["calendar_id"]}
    control("POST", "redirect-uris", {"uri": "https://crm.example/cb"})
    issued = control("POST", "tokens", {"email": ANNA, "scopes": ["openid"]})
    assert issued["scopes"] == ["openid"]
    control("POST", "expire-access-tokens", {"account": ANNA})
    assert anna("GET", EVENTS).status_code == 401
    control("POST", "revoke", {"account": ANNA})


@pytest.mark.parametrize(
    "path,body",
    [
        ("faults", {"action": "explode"}),
        ("faults", {"action": "status", "code": 3}),
        ("knobs", {"speed": 3}),
        ("role", {"calendar": "x", "account": ANNA, "role": "reader"}),
        ("clock", {"advance_seconds": "soon"}),
        ("clock", []),
    ],
)
def test_bad_control_requests_are_refused(control: Control, path: str, body: Any) -> None:
    reply = control.session.post(f"{control.root}/{path}", json=body)
    assert reply.status_code == 400


def test_another_clients_edits_by_http(control: Control, anna: Api, sandbox: GoogleSandbox) -> None:
    path = f"calendars/{ANNA}/events"
    body: Json = timed("von Hand", attendees=[{"email": "petra@kunde.example"}])
    made = control("POST", path, body, **{"as": ANNA, "sendUpdates": "all"})
    control("PATCH", f"{path}/{made['id']}", {"summary": "geändert"}, **{"as": ANNA})
    assert control("GET", f"{path}/{made['id']}", **{"as": ANNA})["summary"] == "geändert"
    assert anna.ok("GET", f"{EVENTS}/{made['id']}")["summary"] == "geändert"
    mails = control("GET", "outbox")
    assert [(mail["kind"], mail["to"]) for mail in mails] == [("invitation", ["petra@kunde.example"])]
    control("DELETE", "outbox")
    assert not sandbox.state.outbox
    other = "familie-7f3a@group.calendar.google.com"
    control("POST", f"{path}/{made['id']}/move", {"destination": other}, **{"as": ANNA})
    control("DELETE", f"calendars/{other}/events/{made['id']}", **{"as": ANNA})
    assert made["id"] not in {item["id"] for item in control("GET", path, **{"as": ANNA})}
    refused = control.session.get(f"{control.root}/{path}/unknown", params={"as": ANNA})
    assert (refused.status_code, refused.json()["error"]["errors"][0]["reason"]) == (404, "notFound")


def test_the_log_has_each_request_and_no_token(control: Control, anna: Api, sandbox: GoogleSandbox) -> None:
    anna.ok("POST", EVENTS, timed("x"), sendUpdates="none")
    anna("GET", EVENTS, colour="red")
    rows = control("GET", "requests")
    assert [(row["method"], row["status"]) for row in rows] == [("POST", 200), ("GET", 400)]
    assert rows[0]["params"] == [["sendUpdates", "none"]]
    assert json.loads(rows[0]["body"])["summary"] == "x"
    assert sandbox.requests("POST", "/events")[0].json["summary"] == "x"
    assert not any(name == "Authorization" for row in sandbox.log for name, _ in row.headers)
    control("DELETE", "requests")
    assert control("GET", "requests") == []
