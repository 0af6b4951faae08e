"""The sandbox's own tables, and the validator, against the discovery document."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import marketplace_plugin.sandbox.google as package
from marketplace_plugin.sandbox.google import GoogleSandbox
from marketplace_plugin.sandbox.google.calendar import access, params
from marketplace_plugin.sandbox.google.event import shape
from marketplace_plugin.sandbox.google.event.shape import Each, Values
from marketplace_plugin.sandbox.google.oauth.scopes import BASE, SENSITIVE
from marketplace_plugin.sandbox.google.people import person
from marketplace_plugin.sandbox.google.people import routes as people
from marketplace_plugin.sandbox.google.tasks import lists
from marketplace_plugin.sandbox.google.tasks import routes as tasks
from tests.sandbox.conftest import Api, timed
from tests.sandbox.contract import ContractCheck, Exchange, discovery, methods, request_violations

ALLOWED = {"flask", "werkzeug", "dateutil", "cryptography", "_typeshed"}


def test_imports_nothing_of_the_rest_of_the_package() -> None:
    for path in Path(next(iter(package.__path__))).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                top = name.partition(".")[0]
                ours = name.startswith("marketplace_plugin.sandbox")
                assert ours or top in ALLOWED or top in sys.stdlib_module_names, f"{path}: {name}"


def _same(ours: Any, theirs: Mapping[str, Any], api: str = "calendar.v3") -> bool:
    if ours == "any":
        return True  # a part that the sandbox hands back as it came
    if "$ref" in theirs:
        theirs = discovery(api)["schemas"][theirs["$ref"]]
    if isinstance(ours, str):
        return bool(ours == theirs["type"])
    if isinstance(ours, Each):
        return bool(theirs["type"] == "array") and _same(ours.item, theirs["items"], api)
    if isinstance(ours, Values):
        return _same(ours.value, theirs["additionalProperties"], api)
    return set(ours) == set(theirs["properties"]) and all(
        _same(item, theirs["properties"][name], api) for name, item in ours.items()
    )


@pytest.mark.parametrize(
    "ours,name",
    [
        (shape.EVENT, "Event"),
        (shape.EVENTS, "Events"),
        (shape.CALENDAR_LIST_ENTRY, "CalendarListEntry"),
        (shape.CALENDAR_LIST, "CalendarList"),
        (shape.SETTING, "Setting"),
        (shape.SETTINGS, "Settings"),
        (shape.CALENDAR, "Calendar"),
        (shape.FREE_BUSY_REQUEST, "FreeBusyRequest"),
    ],
)
def test_shapes_are_those_of_the_document(ours: Any, name: str) -> None:
    assert _same(ours, {"$ref": name})


@pytest.mark.parametrize(
    "ours,name,api",
    [
        (person.PERSON, "Person", "people.v1"),
        (person.CONNECTIONS, "ListConnectionsResponse", "people.v1"),
        (lists.TASK, "Task", "tasks.v1"),
        (lists.TASKS, "Tasks", "tasks.v1"),
        (lists.TASK_LIST, "TaskList", "tasks.v1"),
        (lists.TASK_LISTS, "TaskLists", "tasks.v1"),
    ],
)
def test_shapes_of_contacts_and_tasks_are_those_of_their_documents(ours: Any, name: str, api: str) -> None:
    assert _same(ours, {"$ref": name}, api)


@pytest.mark.parametrize("table", [people, tasks], ids=["people", "tasks"])
def test_parameters_of_contacts_and_tasks_are_those_of_their_documents(table: Any) -> None:
    api = f"{table.__name__.split('.')[-2]}.v1"
    found = {method.id: method for method in methods(api)}
    for name, own in table.PARAMS.items():
        theirs = {key: spec for key, spec in found[name].parameters.items() if spec["location"] == "query"}
        assert {*own, *params.COMMON, *tasks.COMMON} - {"userIp"} == set(theirs), name
        for key, kind in own.items():
            assert theirs[key].get("repeated", False) == (kind == "strings" or kind[0] == "*"), key
            if isinstance(kind, tuple):
                assert {value for value in kind if value != "*"} == set(theirs[key]["enum"]), key
        assert {BASE + scope for scope in table.SCOPES[name]} <= found[name].scopes, name


def test_parameters_and_scopes_are_those_of_the_document() -> None:
    found = {method.id: method for method in methods()}
    kinds = {"boolean": "boolean", "integer": "integer"}
    for name, table in params.PARAMS.items():
        theirs = {key: spec for key, spec in found[name].parameters.items() if spec["location"] == "query"}
        assert {*table, *params.COMMON} == set(theirs), name
        for key, kind in table.items():
            spec = theirs[key]
            assert spec.get("repeated", False) == (kind == "strings" or kind[0] == "*"), key
            if isinstance(kind, tuple):
                assert {value for value in kind if value != "*"} == set(spec["enum"]), key
            else:
                assert kinds.get(kind.replace("version", "integer"), "string") == spec["type"], key
                assert (kind == "instant") == (spec.get("format") == "date-time"), key
        assert {BASE + scope for scope in access.SCOPES[name]} == found[name].scopes, name
    assert set(params.PARAMS) == set(access.SCOPES)
    assert set(discovery()["auth"]["oauth2"]["scopes"]) <= set(SENSITIVE)


def test_googleapiclient_works_against_the_sandbox(service: Any, contract: ContractCheck) -> None:
    events = service.events()
    listed = service.calendarList().list(minAccessRole="writer").execute()
    assert [item["summary"] for item in listed["items"]] == ["anna.brandt@gmail.example", "Familie", "Vertrieb"]
    made = events.insert(calendarId="primary", body=timed("Neu"), sendUpdates="none").execute()
    request = events.patch(calendarId="primary", eventId=made["id"], body={"summary": "Anders"})
    request.headers["If-Match"] = made["etag"]
    changed = request.execute()
    moved = events.move(calendarId="primary", eventId=made["id"], destination=listed["items"][1]["id"]).execute()
    events.delete(calendarId=listed["items"][1]["id"], eventId=made["id"]).execute()
    page = events.list(calendarId="primary", maxResults=5, fields="items(id,etag),nextPageToken").execute()
    assert (changed["summary"], moved["id"], len(page["items"])) == ("Anders", made["id"], 5)
    assert events.list_next(events.list(calendarId="primary", maxResults=5), page) is not None
    assert contract.exchanges == 6
    contract.assert_kept()


@pytest.mark.parametrize(
    "exchange,said",
    [
        (Exchange("POST", "/calendar/v3/calendars/x/events", "", b'{"titel": "x"}'), "titel"),
        (Exchange("POST", "/calendar/v3/calendars/x/events", "", b'{"summary": 3}'), "summary"),
        (Exchange("POST", "/calendar/v3/calendars/x/events", "", b'{"summary": "x"}'), "start is missing"),
        (Exchange("PATCH", "/calendar/v3/calendars/x/events/y", "sendUpdates=maybe", b"{}"), "sendUpdates"),
        (Exchange("GET", "/calendar/v3/calendars/x/events", "pageSize=3", b""), "pageSize"),
        (Exchange("GET", "/calendar/v3/calendars/x/events", "timeMin=2026-11-20T09:00:00", b""), "timeMin"),
        (Exchange("GET", "/calendar/v3/calendars/x/events", "singleEvents=True", b""), "singleEvents"),
        (Exchange("GET", "/calendar/v3/calendars/x/termine", "", b""), "no such method"),
        (Exchange("POST", "/calendar/v3/calendars/x/events/y/move", "", b""), "destination is missing"),
        (Exchange("DELETE", "/calendar/v3/calendars/x/events/y", "", b"{}"), "body"),
    ],
)
def test_the_validator_finds_bad_requests(exchange: Exchange, said: str) -> None:
    assert any(said in text for text in request_violations(exchange))


def test_the_validator_accepts_null_in_a_patch_and_a_local_time() -> None:
    body = b'{"start": {"date": null, "dateTime": "2026-11-20T09:00:00", "timeZone": "UTC"}, "attendees": null}'
    assert not request_violations(Exchange("PATCH", "/calendar/v3/calendars/x/events/y", "", body))


def test_the_validator_watches_what_goes_over_http(sandbox: GoogleSandbox, anna: Api, contract: ContractCheck) -> None:
    anna("GET", "calendars/primary/events", colour="blue")
    assert contract.requests == ["calendar.events.list: unknown query parameter colour"]
