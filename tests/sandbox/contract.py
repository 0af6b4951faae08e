"""Requests and replies of the Calendar, People and Tasks APIs held against Google's published discovery documents.

``ContractCheck`` is put around the sandbox (``GoogleSandbox(wrap=ContractCheck)``); it watches every
exchange below ``/calendar/v3``, ``/v1`` and ``/tasks/v1`` and keeps what breaks the contract:

* requests: a known method and path, known query parameters of the right type and range, all that is
  required, a body without an unknown property;
* replies: the declared schema, without an unknown property; refusals in the error envelope.

A reply that a fault has spoilt (header ``X-Sandbox-Fault``) is not looked at, its request is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import googleapiclient
import jsonschema

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Json = dict[str, Any]
APIS = {"/calendar/v3/": "calendar.v3", "/v1/": "people.v1", "/tasks/v1/": "tasks.v1"}
"""The path that an API begins with, and the name of its document."""

_LOCAL_DATE_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$"
_SCALARS: Mapping[str, Callable[[str], bool]] = {
    "boolean": lambda text: text in ("true", "false"),
    "integer": lambda text: re.fullmatch(r"-?\d+", text) is not None,
    "string": lambda text: True,
}
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_ERROR: Json = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "errors"],
            "properties": {
                "code": {"type": "integer"},
                "message": {"type": "string"},
                "errors": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["domain", "reason", "message"],
                        "additionalProperties": {"type": "string"},
                    },
                },
            },
        }
    },
}


@cache
def discovery(name: str = "calendar.v3") -> Json:
    """The discovery document that google-api-python-client ships."""
    folder = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    found: Json = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return found


def schema(source: Json, *, patch: bool = False, request: bool = False, name: str = "") -> Json:
    """A discovery schema as JSON Schema that refuses unknown properties.

    ``patch`` lets every property be null; ``request`` lets a dateTime be without offset, which the
    service accepts beside a timeZone.
    """

    def inner(item: Json, key: str = "") -> Json:
        return schema(item, patch=patch, request=request, name=key)

    if "$ref" in source:
        found: Json = {"$ref": f"#/components/{source['$ref']}"}
        return {"anyOf": [found, {"type": "null"}]} if patch else found
    found = {}
    kind = source.get("type")
    if kind and kind != "any":
        found["type"] = [kind, "null"] if patch else kind
    if source.get("format") in ("date", "date-time"):
        found["format"] = source["format"]
    if request and name == "dateTime":
        found.pop("format", None)
        found["pattern"] = _LOCAL_DATE_TIME
    if source.get("format") == "int32":
        found |= {"minimum": -(2**31), "maximum": 2**31 - 1}
    if "enum" in source:
        found["enum"] = [*source["enum"], *([None] if patch else [])]
    if "properties" in source:
        found["properties"] = {key: inner(item, key) for key, item in source["properties"].items()}
        found["additionalProperties"] = False
    if "additionalProperties" in source:
        found["additionalProperties"] = inner(source["additionalProperties"])
    if "items" in source:
        # Within a patch an array replaces the old one: its items are whole.
        found["items"] = schema(source["items"], request=request)
    return found


@dataclass(frozen=True)
class Method:
    """One method of the service."""

    id: str
    verb: str
    path: re.Pattern[str]
    parameters: Mapping[str, Json]
    request: str | None
    response: str | None
    scopes: frozenset[str]
    api: str = "calendar.v3"


@cache
def methods(name: str = "calendar.v3") -> tuple[Method, ...]:
    """All methods of the service."""
    document = discovery(name)

    def walk(resources: Json) -> Iterator[Method]:
        for resource in resources.values():
            for item in resource.get("methods", {}).values():
                yield _method(document, item, name)
            yield from walk(resource.get("resources", {}))

    return tuple(walk(document["resources"]))


def _method(document: Json, item: Json, api: str) -> Method:
    template = "/" + document["servicePath"] + (item.get("flatPath") or item["path"])
    pattern = "".join(
        "[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{\+?\w+\})", template)
    )
    return Method(
        item["id"],
        item["httpMethod"],
        re.compile(pattern),
        {**document["parameters"], **item.get("parameters", {})},
        item.get("request", {}).get("$ref"),
        item.get("response", {}).get("$ref"),
        frozenset(item.get("scopes", ())),
        api,
    )


@cache
def validator(kind: str, *, patch: bool = False, request: bool = False, api: str = "calendar.v3") -> Any:
    """A JSON Schema validator of the discovery schema ``kind``."""
    schemas = discovery(api)["schemas"]
    components = {name: schema(item, patch=patch, request=request) for name, item in schemas.items()}
    return jsonschema.Draft7Validator(
        {"$ref": f"#/components/{kind}", "components": components},
        format_checker=jsonschema.FormatChecker(("date", "date-time")),
    )


@dataclass(frozen=True)
class Exchange:
    """One request and its reply; ``path`` is decoded; without status the connection was dropped."""

    verb: str
    path: str
    query: str
    body: bytes
    status: int | None = None
    reply: bytes = b""
    spoilt: bool = False


def method_of(exchange: Exchange) -> Method | None:
    """The method that the request calls."""
    found = methods(_api(exchange.path) or "calendar.v3")
    return next((m for m in found if m.verb == exchange.verb and m.path.fullmatch(exchange.path)), None)


def _api(path: str) -> str | None:
    """The document that a path belongs to; None for what is no API's."""
    return next((name for prefix, name in APIS.items() if path.startswith(prefix)), None)


def request_violations(exchange: Exchange) -> list[str]:
    """What in the request breaks the contract."""
    method = method_of(exchange)
    if method is None:
        return [f"{exchange.verb} {exchange.path}: no such method"]
    found = [*_query_violations(method, exchange.query), *_body_violations(method, exchange.body)]
    return [f"{method.id}: {text}" for text in found]


def reply_violations(exchange: Exchange) -> list[str]:
    """What in the reply breaks the contract; nothing for a dropped connection or a spoilt reply."""
    method = method_of(exchange)
    if exchange.status is None or exchange.spoilt:
        return []
    return [f"{method.id if method else exchange.path}: {text}" for text in _reply_violations(method, exchange)]


def _query_violations(method: Method, query: str) -> Iterator[str]:
    given: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        given.setdefault(name, []).append(value)
    for name, values in given.items():
        spec = method.parameters.get(name)
        if spec is None or spec["location"] != "query":
            yield f"unknown query parameter {name}"
            continue
        if len(values) > 1 and not spec.get("repeated"):
            yield f"query parameter {name} is repeated"
        for value in values:
            yield from _value_violations(name, value, spec)
    for name, spec in method.parameters.items():
        if spec.get("required") and spec["location"] == "query" and name not in given:
            yield f"query parameter {name} is missing"


def _value_violations(name: str, value: str, spec: Json) -> Iterator[str]:
    if not _SCALARS[spec["type"]](value):
        yield f"query parameter {name}: {value!r} is no {spec['type']}"
    elif "enum" in spec and value not in spec["enum"]:
        yield f"query parameter {name}: {value!r} is not allowed"
    elif spec.get("format") == "date-time" and not _RFC3339.fullmatch(value):
        yield f"query parameter {name}: {value!r} is no RFC 3339 time with an offset"
    elif spec["type"] == "integer":
        low, high = int(spec.get("minimum", -(2**31))), int(spec.get("maximum", 2**31 - 1))
        if not low <= int(value) <= high:
            yield f"query parameter {name}: {value} is out of range"


def _body_violations(method: Method, body: bytes) -> Iterator[str]:
    if method.request is None:
        if body:
            yield "a body where there is none"
        return
    try:
        given = json.loads(body)
    except ValueError:
        yield "the body is no JSON"
        return
    check = validator(method.request, patch=method.verb == "PATCH", request=True, api=method.api)
    for error in check.iter_errors(given):
        yield f"request {error.json_path}: {error.message}"
    if isinstance(given, dict):
        for name, item in discovery(method.api)["schemas"][method.request].get("properties", {}).items():
            if method.id in item.get("annotations", {}).get("required", ()) and given.get(name) is None:
                yield f"request: {name} is missing"


def _reply_violations(method: Method | None, exchange: Exchange) -> Iterator[str]:
    status = exchange.status or 0
    if status in (204, 304):
        if exchange.reply:
            yield f"reply {status} with a body"
        return
    if status < 400 and (method is None or method.response is None):
        yield f"reply {status} where none is declared"
        return
    try:
        sent = json.loads(exchange.reply)
    except ValueError:
        yield "the reply is no JSON"
        return
    check = jsonschema.Draft7Validator(_ERROR)
    if status < 400 and method is not None and method.response is not None:
        check = validator(method.response, api=method.api)
    for error in check.iter_errors(sent):
        yield f"reply {status} {error.json_path}: {error.message}"


@dataclass
class ContractCheck:
    """WSGI middleware that keeps every violation; see the module's docstring."""

    app: WSGIApplication
    requests: list[str] = field(default_factory=list)
    """Violations in requests."""
    replies: list[str] = field(default_factory=list)
    """Violations in replies."""
    exchanges: int = 0

    def assert_kept(self) -> None:
        """Fail with all violations so far."""
        found = [*self.requests, *self.replies]
        assert not found, "\n".join(found)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"].encode("latin-1").decode()
        if _api(path) is None:
            return self.app(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        exchange = Exchange(environ["REQUEST_METHOD"], path, environ.get("QUERY_STRING", ""), body)
        self.exchanges += 1
        self.requests += request_violations(exchange)
        answer: list[Any] = []

        def catch(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            answer[:] = [status, headers, exc_info]
            return answer.append

        reply = b"".join(self.app(environ, catch))
        status, headers, _ = answer
        spoilt = any(name.lower() == "x-sandbox-fault" for name, _ in headers)
        self.replies += reply_violations(
            replace(exchange, status=int(status.split(" ")[0]), reply=reply, spoilt=spoilt)
        )
        start_response(status, headers)
        return [reply]
