"""$batch: up to 20 calls in one JSON request, each with a status of its own.

Source: https://learn.microsoft.com/graph/json-batching. Calls are carried out in waves of four as
the service runs Outlook's, and answered in reverse order, because no order is promised. What other
requests of the same mailbox leave of the four is all that a wave gets: the rest of it is throttled.
"""

from __future__ import annotations

import base64
import json
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from flask import request

from marketplace_plugin.sandbox.graph import errors

if TYPE_CHECKING:
    from marketplace_plugin.sandbox.graph.server import GraphSandbox

Json = dict[str, Any]

CALL_LIMIT = 20
_KNOWN = {"id", "method", "url", "headers", "body", "dependsOn"}
_METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")


def run(sandbox: GraphSandbox, body: Any) -> Json:
    """Carry out a batch. Raises GraphError 400 for a batch that is malformed as a whole."""
    calls = _checked(body)
    answers: dict[str, Json] = {}
    waiting = list(calls)
    while waiting:
        ready = [call for call in waiting if all(name in answers for name in _needs(call))]
        wave = ready[: sandbox.state.knobs.concurrent_requests]
        running = 0
        for call in wave:
            if any(answers[name]["status"] >= 400 for name in _needs(call)):
                answers[_name(call)] = _failed_dependency(sandbox, call)
            else:
                answers[_name(call)] = _call(sandbox, call, running)
                running += 1
            waiting.remove(call)
    return {"responses": [answers[_name(call)] for call in reversed(calls)]}


def _name(call: Json) -> str:
    return str(call["id"]).lower()


def _needs(call: Json) -> list[str]:
    return [str(name).lower() for name in call.get("dependsOn") or []]


def _checked(body: Any) -> list[Json]:
    calls = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(calls, list) or not calls or not all(isinstance(call, dict) for call in calls):
        raise errors.bad_request("Invalid batch payload format.")
    if len(calls) > CALL_LIMIT:
        raise errors.bad_request(f"Number of batch request steps exceeds the maximum value of {CALL_LIMIT}.")
    seen: set[str] = set()
    for call in calls:
        if set(call) - _KNOWN or not isinstance(call.get("id"), str) or not isinstance(call.get("url"), str):
            raise errors.bad_request("Invalid batch payload format.")
        if str(call.get("method", "")).upper() not in _METHODS:
            raise errors.bad_request(f"Write request id : {call['id']} has no supported method.")
        headers = {str(name).lower() for name in call.get("headers") or {}}
        if "body" in call and "content-type" not in headers:
            raise errors.bad_request(f"Write request id : {call['id']} does not contain Content-Type header or body.")
        if _name(call) in seen:
            raise errors.bad_request(f"Request Id {call['id']} has to be unique in a batch.")
        if not set(_needs(call)) <= seen:
            raise errors.bad_request(f"Request Id {call['id']} depends on an unknown or a later request.")
        seen.add(_name(call))
    return calls


def _failed_dependency(sandbox: GraphSandbox, call: Json) -> Json:
    error = errors.GraphError(424, "FailedDependency", "A request that this one depends on has failed.")
    return {"id": call["id"], "status": 424, "headers": {}, "body": error.envelope(sandbox.inner_error())}


def _call(sandbox: GraphSandbox, call: Json, running: int) -> Json:
    path, _, query = str(call["url"]).partition("?")
    body = b"" if "body" not in call else json.dumps(call["body"]).encode()
    headers = {str(name): str(value) for name, value in (call.get("headers") or {}).items()}
    environ: dict[str, Any] = {
        "REQUEST_METHOD": str(call["method"]).upper(),
        "SCRIPT_NAME": "",
        "PATH_INFO": "/v1.0/" + unquote_to_bytes(path.lstrip("/")).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": request.environ["SERVER_NAME"],
        "SERVER_PORT": request.environ["SERVER_PORT"],
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": request.host,
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": request.headers.get("Authorization", ""),
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ["CONTENT_TYPE" if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    status, found, reply = sandbox.inside_batch(environ, running)
    answer: Json = {"id": call["id"], "status": status, "headers": found}
    if reply:
        try:
            answer["body"] = json.loads(reply)
        except ValueError:
            answer["body"] = base64.b64encode(reply).decode()
    return answer
