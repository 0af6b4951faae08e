"""$batch: statuses of single calls, order, limits."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from marketplace_plugin.sandbox.graph import GraphSandbox
from marketplace_plugin.sandbox.graph.seed import OUTSIDE
from tests.sandbox.graph.conftest import IMMUTABLE, Api, guest, timed
from tests.sandbox.graph.contract import GraphContractCheck

Json = dict[str, Any]

JSON_BODY = {"Content-Type": "application/json"}


def post(name: str, subject: str, **more: Any) -> Json:
    return {"id": name, "method": "POST", "url": "/me/events", "headers": JSON_BODY, "body": timed(subject), **more}


def run(anna: Api, *calls: Json) -> dict[str, Json]:
    return {item["id"]: item for item in anna.ok("POST", "$batch", {"requests": list(calls)})["responses"]}


def test_each_call_has_its_own_status(anna: Api) -> None:
    read = {"id": "2", "method": "GET", "url": "/me/events?$top=2", "headers": {"Prefer": IMMUTABLE}}
    lost = {"id": "3", "method": "GET", "url": "/me/events/nonsense"}
    reply = anna.ok("POST", "$batch", {"requests": [post("1", "Neu"), read, lost]})["responses"]
    assert [item["id"] for item in reply] == ["3", "2", "1"]
    assert [item["status"] for item in reply] == [400, 200, 201]
    assert reply[2]["body"]["subject"] == "Neu"
    assert reply[1]["body"]["@odata.nextLink"].startswith(f"{anna.root}/me/events?")
    assert reply[1]["headers"]["Preference-Applied"] == IMMUTABLE
    assert reply[0]["body"]["error"]["code"] == "ErrorInvalidIdMalformed"


def test_deletions_have_no_body(anna: Api) -> None:
    made = anna.create(timed())
    call = {"id": "1", "method": "DELETE", "url": f"me/events/{made['id']}"}
    assert "body" not in run(anna, call)["1"]
    assert run(anna, {**call, "headers": {"If-Match": made["@odata.etag"]}})["1"]["status"] == 404


def test_calls_depend_on_each_other(anna: Api) -> None:
    bad = {**post("1", "x"), "body": {"subject": "x"}}
    found = run(anna, bad, post("2", "nie", dependsOn=["1"]), post("3", "auch nie", dependsOn=["2"]), post("4", "ja"))
    assert [found[name]["status"] for name in "1234"] == [400, 424, 424, 201]
    assert {item["subject"] for item in anna.items("me/events", filter="startswith(subject,'nie')")} == set()


@pytest.mark.parametrize(
    "calls",
    [
        [],
        [post(str(number), "x") for number in range(21)],
        [post("1", "x"), post("1", "y")],
        [{"id": "1", "method": "POST", "url": "/me/events", "body": timed()}],
        [post("1", "x", dependsOn=["2"]), post("2", "y")],
        [{"id": "1", "method": "TRACE", "url": "/me"}],
        [{"id": 1, "method": "GET", "url": "/me"}],
        [{"id": "1", "method": "GET", "url": "/me", "priority": 1}],
    ],
    ids=["empty", "21", "same id", "no type", "later", "method", "number", "unknown"],
)
def test_malformed_batches_are_refused_as_a_whole(anna: Api, calls: list[Json]) -> None:
    assert anna.refused("POST", "$batch", {"requests": calls}) == (400, "BadRequest")


def test_twenty_calls_run_without_being_throttled(anna: Api) -> None:
    found = run(anna, *[post(str(number), f"Nr. {number}") for number in range(20)])
    assert {item["status"] for item in found.values()} == {201}


def test_single_calls_are_throttled(anna: Api, sandbox: GraphSandbox) -> None:
    sandbox.faults.add("status", path="/v1.0/me/events", status=429, retry_after=7, skip=1, times=2)
    found = run(anna, *[post(str(number), f"Nr. {number}") for number in range(4)])
    assert [found[name]["status"] for name in "0123"] == [201, 429, 429, 201]
    assert found["1"]["headers"]["Retry-After"] == "7"
    assert found["1"]["body"]["error"]["code"] == "ApplicationThrottled"


def test_a_broken_event_in_a_call(anna: Api, sandbox: GraphSandbox, contract: GraphContractCheck) -> None:
    sandbox.faults.add("malformed_event", path="/v1.0/me/events")
    found = run(anna, {"id": "1", "method": "GET", "url": "/me/events"})
    assert found["1"]["body"]["value"][0]["start"]["dateTime"] == "yesterday at nine"
    assert contract.replies == []


def test_a_lost_answer_of_a_batch_that_was_carried_out(anna: Api, sandbox: GraphSandbox) -> None:
    sandbox.faults.add("drop_after", path="batch")
    with pytest.raises(requests.ConnectionError):
        run(anna, post("1", "Neu"))
    assert len(anna.items("me/events", filter="subject eq 'Neu'")) == 1
    sandbox.faults.add("drop_before", path="/me/events", method="POST")
    with pytest.raises(requests.ConnectionError):
        run(anna, post("1", "Zwei"), post("2", "Drei"))
    assert len(anna.items("me/events", filter="subject eq 'Zwei'")) == 0
    assert len(anna.items("me/events", filter="subject eq 'Drei'")) == 1


def test_calls_are_logged_beside_their_batch(anna: Api, sandbox: GraphSandbox) -> None:
    sandbox.log.clear()
    run(anna, post("1", "Neu"), {"id": "2", "method": "GET", "url": "/me/calendars"})
    assert [row.path for row in sandbox.requests()] == ["/v1.0/$batch"]
    assert [row.path for row in sandbox.requests(batched=True)] == ["/v1.0/me/events", "/v1.0/me/calendars"]


def test_guests_of_a_batch_are_invited(anna: Api, sandbox: GraphSandbox) -> None:
    run(anna, {**post("1", "x"), "body": timed(attendees=[guest(OUTSIDE)])})
    assert [mail.kind for mail in sandbox.state.outbox] == ["invitation"]
