"""The batch endpoint ``/batch/calendar/v3``: up to 50 calls in one multipart request.

Source: https://developers.google.com/workspace/calendar/api/guides/batch. The calls are carried out in
reverse order, because no order is promised; the answers come in the order of the calls.
"""

from __future__ import annotations

import email.message
import email.parser
import email.policy
import secrets
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from marketplace_plugin.sandbox.google import errors
from marketplace_plugin.sandbox.google.calendar.routes import error_reply

if TYPE_CHECKING:
    from marketplace_plugin.sandbox.google.server import GoogleSandbox

CALL_LIMIT = 50
_VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class _Part:
    """One call; header names in lower case."""

    content_id: str
    verb: str
    target: str
    headers: dict[str, str]
    body: bytes


def blueprint(sandbox: GoogleSandbox) -> Blueprint:
    """The endpoint of the Calendar API alone; the global one is gone."""
    pages = Blueprint("batch", __name__)

    @pages.post("/batch/calendar/v3")
    def batch() -> ResponseReturnValue:
        try:
            parts = _parts(request.headers.get("Content-Type", ""), request.get_data())
        except errors.ApiError as error:
            return error_reply(error)
        answers = {index: _call(sandbox, part) for index, part in reversed(list(enumerate(parts)))}
        boundary = f"batch_{secrets.token_hex(12)}"
        text = b""
        for index, part in enumerate(parts):
            text += f"--{boundary}\r\nContent-Type: application/http\r\n".encode()
            text += f"Content-ID: {_response_id(part.content_id)}\r\n\r\n".encode()
            text += answers[index] + b"\r\n"
        text += f"--{boundary}--\r\n".encode()
        return Response(text, content_type=f"multipart/mixed; boundary={boundary}")

    return pages


def _response_id(content_id: str) -> str:
    return f"<response-{content_id[1:]}" if content_id.startswith("<") else f"response-{content_id}"


def _parts(content_type: str, body: bytes) -> list[_Part]:
    """Raises ApiError 400 for what is no batch, or too large a one."""
    parser = email.parser.BytesParser(policy=email.policy.HTTP)
    whole = parser.parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    if whole.get_content_type() != "multipart/mixed" or not whole.is_multipart():
        raise errors.invalid("Failed to parse batch request, a multipart/mixed body is expected.")
    found = [_part(item) for item in whole.iter_parts() if isinstance(item, email.message.EmailMessage)]
    if not found:
        raise errors.invalid("The batch request must not be empty.")
    if len(found) > CALL_LIMIT:
        raise errors.invalid(f"The batch request must not have more than {CALL_LIMIT} calls.")
    return found


def _part(item: email.message.EmailMessage) -> _Part:
    if item.get_content_type() != "application/http":
        raise errors.invalid("Each part of a batch request must be application/http.")
    raw = item.get_payload(decode=True)
    head, _, body = (raw if isinstance(raw, bytes) else b"").replace(b"\r\n", b"\n").partition(b"\n\n")
    first, *lines = head.decode("latin-1").split("\n")
    verb, _, rest = first.partition(" ")
    target = rest.rsplit(" HTTP/", 1)[0].strip()
    if verb not in _VERBS or not target.startswith("/calendar/v3/"):
        raise errors.invalid("A part of the batch request is not a call of the Calendar API.")
    headers = {name.strip().lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    return _Part(item.get("Content-ID", ""), verb, target, headers, body)


def _call(sandbox: GoogleSandbox, part: _Part) -> bytes:
    """Carry out one call through faults and log, and write its answer as HTTP."""
    path, _, query = part.target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": part.verb,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(part.body),
        "CONTENT_LENGTH": str(len(part.body)),
        "CONTENT_TYPE": part.headers.get("content-type", ""),
    }
    if "Authorization" in request.headers:
        environ["HTTP_AUTHORIZATION"] = request.headers["Authorization"]
    for name, value in part.headers.items():
        if name not in ("content-type", "content-length"):
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    head: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]], _exc: object = None) -> Any:
        head[:] = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
        return head.append

    body = b"".join(sandbox.app(environ, start_response))
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body
