"""One request and its answer, between the fault that may change it and the log that keeps it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from flask import Request

from marketplace_plugin.sandbox.frame.faults import FAULT_HEADER, Rule

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

BODY_LIMIT = 64 * 1024
"""Longer bodies are logged cut, so that the log's memory is bounded."""


@dataclass(frozen=True)
class Logged:
    """One request and how it was answered; ``status`` 0 is a dropped connection."""

    method: str
    path: str
    params: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int
    reply: bytes
    fault: str | None
    at: datetime
    batched: bool = False
    """A call inside a batch that is logged by itself; the batch has a row of its own after those of its calls."""

    @property
    def json(self) -> Any:
        """The request's body; None without one."""
        return json.loads(self.body) if self.body else None


class Exchange:
    """What is kept of a request until it is answered."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        inner = Request(environ)
        self.body = inner.get_data(cache=True)
        environ["wsgi.input"] = BytesIO(self.body)
        self.method, self.path = inner.method, inner.path
        query = inner.query_string.decode()
        self.target = f"{self.path}?{query}" if query else self.path
        self.params = tuple(parse_qsl(query, keep_blank_values=True))
        self.request_headers = tuple((name, value) for name, value in inner.headers if name != "Authorization")
        self.status_line, self.headers = "500 ", list[tuple[str, str]]()

    @property
    def status(self) -> int:
        return int(self.status_line.split(" ", 1)[0])

    def catch(self, status: str, headers: list[tuple[str, str]], _exc_info: object = None) -> Callable[[bytes], object]:
        """Stands in for start_response until the fault is applied."""
        self.status_line, self.headers = status, headers
        return lambda _: None

    def send(self, start_response: StartResponse, body: bytes, rule: Rule | None) -> list[bytes]:
        """What was caught, with the length that ``body`` has now, and marked if a fault has changed it."""
        headers = [pair for pair in self.headers if pair[0].lower() != "content-length"]
        if self.status not in (204, 304):
            headers.append(("Content-Length", str(len(body))))
        if rule is not None:
            headers.append((FAULT_HEADER, rule.action))
        start_response(self.status_line, headers)
        return [body]

    def logged(self, status: int, reply: bytes, rule: Rule | None, at: datetime, *, batched: bool = False) -> Logged:
        """The row of the log."""
        return Logged(
            self.method,
            self.path,
            self.params,
            self.request_headers,
            self.body[:BODY_LIMIT],
            status,
            reply[:BODY_LIMIT],
            None if rule is None else rule.action,
            at,
            batched,
        )
