"""Requests and replies of Graph held against the contract made from Microsoft's published metadata.

``GraphContractCheck`` is put around the sandbox (``GraphSandbox(wrap=GraphContractCheck)``); it watches
every exchange below ``/v1.0``, calls inside a ``$batch`` too, and keeps what breaks the contract. What the document
does not hold (a guest's answers, the frame of a ``$batch``) is written down here, by the reference and msgraph-sdk:

* ``requests``: unknown paths, methods, query options or properties, wrong types, properties that only
  the service sets;
* ``replies``: wrong types or values, refusals without the error envelope;
* ``warnings``: properties of replies that the contract does not name (``event`` is an open type).

A reply that a fault has spoilt (header ``X-Sandbox-Fault``) is not looked at, its request is.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import jsonschema

from marketplace_plugin.sandbox.frame.faults import FAULT_HEADER

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Json = dict[str, Any]

ONLY_THE_SERVICE_SETS = frozenset(
    [
        "id",
        "changeKey",
        "createdDateTime",
        "lastModifiedDateTime",
        "bodyPreview",
        "cancelledOccurrences",
        "iCalUId",
        "isCancelled",
        "isOrganizer",
        "onlineMeeting",
        "onlineMeetingUrl",
        "organizer",
        "originalStart",
        "responseStatus",
        "seriesMasterId",
        "type",
        "webLink",
    ]
)


_TEXT, _FLAG = {"type": "string"}, {"type": "boolean"}
ANSWERS: dict[str, Json] = {
    "accept": {"comment": _TEXT, "sendResponse": _FLAG},
    "tentativelyAccept": {"comment": _TEXT, "sendResponse": _FLAG, "proposedNewTime": {"type": "object"}},
    "decline": {"comment": _TEXT, "sendResponse": _FLAG, "proposedNewTime": {"type": "object"}},
}
"""The actions of an event by which a guest answers, and their parameters: event-accept and its siblings."""

_HEADERS = {"type": "object", "additionalProperties": _TEXT}
BATCH: Json = {
    "type": "object",
    "required": ["requests"],
    "additionalProperties": False,
    "properties": {
        "requests": {
            "type": "array",
            "minItems": 1,
            "maxItems": 20,
            "items": {
                "type": "object",
                "required": ["id", "method", "url"],
                "additionalProperties": False,
                "properties": {
                    "id": {"type": "string", "minLength": 1},
                    "method": {"enum": ["GET", "POST", "PATCH", "PUT", "DELETE"]},
                    "url": {"type": "string", "pattern": "^/(?!v1\\.0|beta|/)"},
                    "headers": _HEADERS,
                    "body": {"type": "object"},
                    "dependsOn": {"type": "array", "items": _TEXT},
                },
                "if": {"required": ["body"]},
                "then": {"required": ["headers"], "properties": {"headers": {"required": ["Content-Type"]}}},
            },
        }
    },
}
BATCH_REPLY: Json = {
    "type": "object",
    "required": ["responses"],
    "properties": {
        "responses": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "status"],
                "properties": {
                    "id": _TEXT,
                    "status": {"type": "integer", "minimum": 100, "maximum": 599},
                    "headers": _HEADERS,
                },
            },
        }
    },
}
"""The frame of a ``$batch`` and of its answer: json-batching."""


@cache
def document() -> Json:
    """The calendar part of the OpenAPI contract."""
    text = (Path(__file__).parent / "graph-calendar.openapi.json").read_text(encoding="utf-8")
    found: Json = json.loads(text)
    return found


@cache
def _schemas(*, open_types: bool) -> Json:
    """The components; ``open_types`` lets unknown properties pass."""

    def opened(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: opened(value) for key, value in item.items() if key != "additionalProperties"}
        return [opened(value) for value in item] if isinstance(item, list) else item

    found: Json = copy.deepcopy(document()["components"])
    return opened(found) if open_types else found


def breaches(value: Any, schema: Json, *, open_types: bool = False) -> list[str]:
    """How a value breaks a schema of the contract."""
    root = {**schema, "components": _schemas(open_types=open_types)}
    checker = jsonschema.Draft202012Validator(root, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {_reason(error)}" for error in checker.iter_errors(value)]


def _reason(error: Any) -> str:
    """The message of the innermost error: what anyOf says is of no help."""
    while error.context:
        error = max(error.context, key=lambda inner: len(inner.absolute_path))
    return f"{error.json_path}: {error.message}"


@dataclass(frozen=True)
class Operation:
    """A method of a path in the contract."""

    path: str
    method: str
    pattern: re.Pattern[str]
    parameters: frozenset[str]
    request: Json | None
    responses: Json


@cache
def operations() -> tuple[Operation, ...]:
    """All operations; literal paths before those with a variable."""
    found = []
    for path, methods in document()["paths"].items():
        pattern = re.compile(
            "".join("[^/]+" if "{" in part else re.escape(part) for part in re.split(r"({\w+})", path))
        )
        for method, item in methods.items():
            names = frozenset(p["name"] for p in item.get("parameters", []) if p["in"] == "query")
            body = item.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            found.append(Operation(path, method.upper(), pattern, names, body, item["responses"]))
        if path.endswith("/events/{eid}"):
            found += [_answer(path, pattern, name, methods["get"]["responses"]) for name in ANSWERS]
    return tuple(sorted(found, key=lambda operation: operation.path.count("{")))


def _answer(path: str, event: re.Pattern[str], name: str, responses: Json) -> Operation:
    schema = {"type": "object", "additionalProperties": False, "properties": ANSWERS[name]}
    refusals = {"202": {}, "default": responses["default"]}
    pattern = re.compile(f"{event.pattern}/{name}")
    return Operation(f"{path}/{name}", "POST", pattern, frozenset(), schema, refusals)


def find(method: str, path: str) -> Operation | None:
    """The operation of a request."""
    plain = path.replace("delta()", "delta")
    return next((o for o in operations() if o.method == method and o.pattern.fullmatch(plain)), None)


@dataclass
class GraphContractCheck:
    """WSGI middleware that watches; it never changes anything."""

    app: WSGIApplication
    requests: list[str] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seen: int = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if not path.startswith("/v1.0"):
            return self.app(environ, start_response)
        sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(sent)
        head: list[Any] = []

        def catch(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            head[:] = [int(status.split(maxsplit=1)[0]), dict(headers)]
            return start_response(status, headers)

        body = b"".join(self.app(environ, catch))
        query = [name for name, _ in parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)]
        reply = None if FAULT_HEADER in head[1] else (head[0], body)
        if path == "/v1.0/$batch":
            self._batch(sent, reply)
        else:
            self.exchange(method, path, query, _json(sent), reply and (reply[0], _json(reply[1])))
        return [body]

    def _batch(self, sent: bytes, reply: tuple[int, bytes] | None) -> None:
        given, answered = _json(sent), _json(reply[1]) if reply else None
        self.seen += 1
        self.requests += [f"$batch: {breach}" for breach in breaches(given, BATCH)]
        if reply is not None and reply[0] == 200:
            self.replies += [f"$batch: {breach}" for breach in breaches(answered, BATCH_REPLY)]
        calls = given.get("requests", []) if isinstance(given, dict) else []
        answers = {item["id"]: item for item in (answered or {}).get("responses", [])}
        for call in calls:
            path, _, query = str(call.get("url", "")).partition("?")
            answer = answers.get(call.get("id"))
            names = [name for name, _ in parse_qsl(query, keep_blank_values=True)]
            if answer is not None and FAULT_HEADER in answer["headers"]:
                answer = None
            self.exchange(
                str(call.get("method")),
                "/v1.0/" + path.lstrip("/"),
                names,
                call.get("body"),
                None if answer is None else (answer["status"], answer.get("body")),
            )

    def exchange(self, method: str, path: str, query: list[str], sent: Any, reply: tuple[int, Any] | None) -> None:
        """One request and (unless a fault spoilt it) its reply."""
        self.seen += 1
        operation = find(method, path)
        where = f"{method} {path}"
        if operation is None:
            self.requests.append(f"{where}: not in the contract")
        else:
            self._request(operation, where, query, sent)
        if reply is not None:
            self._reply(operation, where, *reply)

    def _request(self, operation: Operation, where: str, query: list[str], sent: Any) -> None:
        known = {name.lower() for name in operation.parameters}
        self.requests += [f"{where}: query option {name}" for name in query if name.lower() not in known]
        if operation.request is None:
            return
        self.requests += [f"{where}: {breach}" for breach in breaches(sent, operation.request)]
        if isinstance(sent, dict):
            wrong = sorted(ONLY_THE_SERVICE_SETS & set(sent))
            self.requests += [f"{where}: sets {name}" for name in wrong]

    def _reply(self, operation: Operation | None, where: str, status: int, body: Any) -> None:
        if status == 204 or (operation is not None and operation.responses.get(str(status)) == {}):
            self.replies += [f"{where}: {status} with a body"] if body else []
            return
        responses = {} if operation is None else operation.responses
        schema = responses.get(str(status), responses.get("default") if status >= 400 else None)
        content = (schema or {}).get("content", {}).get("application/json", {}).get("schema")
        if operation is None and status >= 400:
            content = {"type": "object", "required": ["error"]}
        if content is None:
            self.replies.append(f"{where}: status {status} is not in the contract")
            return
        wrong = breaches(body, content, open_types=True)
        self.replies += [f"{where} {status}: {breach}" for breach in wrong]
        if not wrong and status < 400:
            self.warnings += [f"{where}: {breach}" for breach in breaches(body, content)]


def _json(text: bytes) -> Any:
    """What was sent as JSON; as text where it is none, which no schema allows."""
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text.decode(errors="replace")
