"""Replies read through Microsoft's own SDK, and the contract check itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kiota_serialization_json.json_parse_node_factory import JsonParseNodeFactory
from msgraph.generated.models.calendar import Calendar
from msgraph.generated.models.calendar_collection_response import CalendarCollectionResponse
from msgraph.generated.models.event import Event
from msgraph.generated.models.event_collection_response import EventCollectionResponse
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.user import User
from msgraph.generated.users.item.calendar_view.delta.delta_get_response import DeltaGetResponse
from msgraph.generated.users.item.events.item.accept.accept_post_request_body import AcceptPostRequestBody
from msgraph.generated.users.item.events.item.decline.decline_post_request_body import DeclinePostRequestBody
from msgraph.generated.users.item.events.item.tentatively_accept.tentatively_accept_post_request_body import (
    TentativelyAcceptPostRequestBody,
)

from marketplace_plugin.sandbox.graph import GraphSandbox
from marketplace_plugin.sandbox.graph.seed import JONAS
from tests.sandbox.graph.conftest import OUR_ID, Api, guest, recurrence, timed
from tests.sandbox.graph.contract import ANSWERS, BATCH, GraphContractCheck, breaches, find, operations

Json = dict[str, Any]

WINDOW = {"startDateTime": "2026-11-01T00:00:00Z", "endDateTime": "2026-12-31T00:00:00Z"}
ANNOTATIONS = {"@odata.context", "@odata.etag", "@odata.type", "@removed"}
"""What the models keep beside their own properties because it is no property."""


def unknown(model: Any) -> set[str]:
    """Names that landed in additional_data, here or deeper."""
    found: set[str] = set()
    if isinstance(model, list):
        return found.union(*(unknown(item) for item in model)) if model else found
    if not hasattr(model, "additional_data"):
        return found
    found |= set(model.additional_data) - ANNOTATIONS
    for name in type(model).__dataclass_fields__:
        if name not in ("additional_data", "backing_store"):
            found |= unknown(getattr(model, name))
    return found


def read(reply: Json, kind: Any) -> Any:
    """A reply as the SDK reads it; everything in it has to be known to the SDK."""
    node = JsonParseNodeFactory().get_root_parse_node("application/json", json.dumps(reply).encode())
    model = node.get_object_value(kind)
    assert unknown(model) == set()
    return model


@pytest.fixture
def rich(anna: Api) -> Json:
    """A series with everything: guests, mark, online meeting, exception, cancelled occurrence."""
    made = anna.create(
        timed(
            "Serie",
            "2026-11-23",
            recurrence=recurrence("2026-11-23", until=4, daysOfWeek=["monday"]),
            attendees=[guest(JONAS)],
            location={"displayName": "Raum 2"},
            body={"contentType": "html", "content": "<p>Text</p>"},
            isOnlineMeeting=True,
            transactionId="t-1",
            singleValueExtendedProperties=[{"id": OUR_ID, "value": "42"}],
        )
    )
    items = anna.items(f"me/events/{made['id']}/instances", **WINDOW)
    anna.ok("PATCH", f"me/events/{items[1]['id']}", {"subject": "Ausnahme"})
    anna("DELETE", f"me/events/{items[2]['id']}")
    return made


def test_an_event(anna: Api, rich: Json) -> None:
    expand = f"exceptionOccurrences,singleValueExtendedProperties($filter=id eq '{OUR_ID}')"
    select = "subject,start,end,recurrence,attendees,body,location,onlineMeeting,cancelledOccurrences,type,organizer"
    event = read(anna.ok("GET", f"me/events/{rich['id']}", expand=expand, select=select), Event)
    assert event.recurrence.pattern.days_of_week[0].value == "monday"
    assert event.recurrence.range.start_date.isoformat() == "2026-11-23"
    assert event.exception_occurrences[0].subject == "Ausnahme"
    assert event.cancelled_occurrences == [f"OID.{rich['id']}.2026-12-07"]
    assert event.single_value_extended_properties[0].value == "42"
    assert event.attendees[0].email_address.address == JONAS
    assert read(anna.ok("GET", f"me/events/{rich['id']}"), Event).transaction_id == "t-1"


def test_collections(anna: Api, rich: Json) -> None:
    events = read(anna.ok("GET", "me/events", count="true"), EventCollectionResponse)
    assert len(events.value) == 10
    assert events.odata_next_link.startswith(anna.root)
    instances = read(anna.ok("GET", f"me/events/{rich['id']}/instances", **WINDOW), EventCollectionResponse)
    assert [item.type.value for item in instances.value] == ["occurrence", "exception", "occurrence"]
    view = read(anna.ok("GET", "me/calendarView", top=100, **WINDOW), EventCollectionResponse)
    assert all(item.original_start for item in view.value if item.series_master_id)
    calendars = read(anna.ok("GET", "me/calendars"), CalendarCollectionResponse)
    assert [item.is_default_calendar for item in calendars.value] == [True, False, False, False, False]
    assert read(anna.ok("GET", "me/calendar"), Calendar).owner.address


def test_a_delta(anna: Api, rich: Json) -> None:
    reply = anna.ok("GET", "me/calendarView/delta", prefer="odata.maxpagesize=200", **WINDOW)
    page = read(reply, DeltaGetResponse)
    assert page.odata_delta_link is not None
    anna("DELETE", f"me/events/{rich['id']}")
    after = read(anna.ok("GET", page.odata_delta_link), DeltaGetResponse)
    assert after.value[0].additional_data["@removed"] == {"reason": "deleted"}


def test_me_and_errors(anna: Api) -> None:
    assert read(anna.ok("GET", "me"), User).display_name == "Anna Brandt"
    reply = anna("GET", "me/events/nonsense").json()
    error = read({"error": reply["error"]}, ODataError).error
    assert error.code == "ErrorInvalidIdMalformed"
    assert error.inner_error.request_id


# --- the check ------------------------------------------------------------------------------------


def test_the_contract_names_the_calendars() -> None:
    assert len(operations()) == 69 + 9  # those of the document, and three answers at three places
    event = find("PATCH", "/v1.0/me/calendars/x/events/y")
    assert event is not None
    assert event.path == "/v1.0/me/calendars/{cid}/events/{eid}"
    delta = find("GET", "/v1.0/me/events/delta()")
    assert delta is not None
    assert delta.path == "/v1.0/me/events/delta"
    assert find("GET", "/v1.0/me/messages") is None


def test_the_check_sees_breaches() -> None:
    schema = {"$ref": "#/components/schemas/microsoft.graph.event"}
    assert breaches({"subject": 1}, schema) != []
    assert breaches({"start": {"dateTime": "x", "zone": "y"}}, schema) != []
    assert breaches({"start": {"dateTime": "x", "zone": "y"}}, schema, open_types=True) == []
    assert breaches({"showAs": "perhaps"}, schema, open_types=True) != []
    assert breaches({"subject": "x", "isAllDay": True}, schema) == []


@pytest.mark.parametrize(
    "call",
    [
        {"method": "GET", "url": "/me"},
        {"id": 1, "method": "GET", "url": "/me"},
        {"id": "1", "method": "LIST", "url": "/me"},
        {"id": "1", "method": "GET", "url": "me"},
        {"id": "1", "method": "GET", "url": "/v1.0/me"},
        {"id": "1", "method": "GET", "url": "https://graph.microsoft.com/v1.0/me"},
        {"id": "1", "method": "PATCH", "url": "/me/events/x", "body": {}},
        {"id": "1", "method": "PATCH", "url": "/me/events/x", "body": {}, "headers": {"Prefer": "x"}},
        {"id": "1", "method": "GET", "url": "/me", "if": "x"},
    ],
)
def test_the_frame_of_a_batch_is_checked(call: Json) -> None:
    assert breaches({"requests": [call]}, BATCH) != []


def test_batches_as_they_should_be() -> None:
    call = {"id": "1", "method": "GET", "url": "/me", "headers": {"Prefer": "x"}, "dependsOn": ["0"]}
    assert breaches({"requests": [call] * 20}, BATCH) == []
    assert breaches({"requests": [call] * 21}, BATCH) != []
    assert breaches({"requests": []}, BATCH) != []


@pytest.mark.parametrize(
    "name, model",
    [
        ("accept", AcceptPostRequestBody),
        ("tentativelyAccept", TentativelyAcceptPostRequestBody),
        ("decline", DeclinePostRequestBody),
    ],
)
def test_answers_have_the_parameters_of_the_metadata(name: str, model: Any) -> None:
    """Written with a capital in the metadata, without one in the reference; the service understands both."""
    assert {field.lower() for field in model().get_field_deserializers()} == {field.lower() for field in ANSWERS[name]}


def test_requests_are_watched(anna: Api, contract: GraphContractCheck, sandbox: GraphSandbox) -> None:
    anna("POST", "me/events", timed(summary="x"))
    anna("GET", "me/events", apply="x")
    anna("GET", "me/messages")
    call = {"id": "1", "method": "GET", "url": "/me/people"}
    anna("POST", "$batch", {"requests": [call]})
    assert [text.partition(": ")[0] for text in contract.requests] == [
        "POST /v1.0/me/events",
        "GET /v1.0/me/events",
        "GET /v1.0/me/messages",
        "GET /v1.0/me/people",
    ]
    before = contract.seen
    sandbox.faults.add("truncate")
    anna("GET", "me")
    assert (contract.seen, contract.replies) == (before + 1, [])
