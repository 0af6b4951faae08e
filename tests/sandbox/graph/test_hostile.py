"""Whatever is sent, the sandbox answers as the service would: never with a failure of its own."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client

from marketplace_plugin.sandbox.graph import GraphSandbox
from marketplace_plugin.sandbox.graph.outlook import fields
from marketplace_plugin.sandbox.graph.seed import ANNA
from tests.sandbox.graph.conftest import SCOPES, ZONE, recurrence, timed
from tests.sandbox.running import ManualClock

Json = dict[str, Any]

NAMES = sorted({*fields.READ_ONLY, *fields.DEFAULTS, "attendees", "isAllDay", "isDraft", "transactionId"})
INNER = ["dateTime", "timeZone", "content", "contentType", "emailAddress", "address", "pattern", "range", "type", "id"]
scalars = (
    st.none() | st.booleans() | st.integers(-5, 5000) | st.text(max_size=8) | st.sampled_from([ZONE, "UTC", "html"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(INNER), inner, max_size=3),
    max_leaves=6,
)
moments = st.datetimes().map(lambda moment: {"dateTime": moment.isoformat(), "timeZone": ZONE})
changes = st.dictionaries(st.sampled_from([*NAMES, "singleValueExtendedProperties"]), values, max_size=4)
edges = st.fixed_dictionaries({}, optional={"start": moments | values, "end": moments | values, "recurrence": values})
options = st.dictionaries(
    st.sampled_from(["$select", "$filter", "$expand", "$orderby", "$top", "$skip", "$skiptoken", "$count"]),
    st.text(max_size=12) | st.sampled_from(["subject", "subject eq 'x'", "isAllDay eq true and (", "1"]),
    max_size=3,
)

_sandbox = GraphSandbox(ManualClock())
_client = Client(_sandbox.app)
_token = _sandbox.issue_tokens(ANNA, SCOPES).access_token


def send(method: str, path: str, body: Any = None, query: dict[str, str] | None = None) -> int:
    """The status; a refusal has to carry an error with a code."""
    _sandbox.state.knobs.requests_in_ten_minutes = 10**9
    reply = _client.open(
        f"/v1.0/{path}",
        method=method,
        data=None if body is None else json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {_token}"},
        query_string=query,
    )
    if reply.status_code >= 400:
        assert json.loads(reply.data)["error"]["code"]
    return reply.status_code


@given(changes, edges)
def test_bodies(change: Json, edge: Json) -> None:
    assert send("POST", "me/events", {**timed(), **change, **edge}) in (201, 400)


@given(changes, edges)
def test_changes_of_a_series_and_its_occurrences(change: Json, edge: Json) -> None:
    rule = recurrence("2026-11-23", until=5, daysOfWeek=["monday"])
    actor_body = timed("Serie", "2026-11-23", recurrence=rule)
    made = json.loads(
        _client.post(
            "/v1.0/me/events",
            data=json.dumps(actor_body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {_token}"},
        ).data
    )
    window = "startDateTime=2026-11-01T00:00:00Z&endDateTime=2027-01-01T00:00:00Z"
    found = _client.get(
        f"/v1.0/me/events/{made['id']}/instances?{window}", headers={"Authorization": f"Bearer {_token}"}
    )
    first = json.loads(found.data)["value"][0]
    assert send("PATCH", f"me/events/{first['id']}", {**change, **edge}) in (200, 400)
    assert send("PATCH", f"me/events/{made['id']}", {**change, **edge}) in (200, 400)
    assert send("GET", f"me/calendarView/delta?{window}") == 200
    assert send("DELETE", f"me/events/{made['id']}") == 204


@given(options)
def test_queries(query: dict[str, str]) -> None:
    assert send("GET", "me/events", query=query) in (200, 400)


@given(st.text(max_size=60))
def test_ids(text: str) -> None:
    path = text.replace("/", "").replace("?", "").replace("#", "") or "x"
    assert send("GET", f"me/events/AAMkAGI1{path}AAA=") in (400, 404)


@given(values)
def test_batches(body: Any) -> None:
    assert send("POST", "$batch", {"requests": body}) == 400
