"""The sandbox as one object: state, WSGI application, and a server on the loopback address."""

from __future__ import annotations

import json
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from flask import Flask, request
from werkzeug.exceptions import HTTPException

from marketplace_plugin.sandbox.frame.http import ConnectionDropped, HttpServer
from marketplace_plugin.sandbox.google import faults, seed
from marketplace_plugin.sandbox.google.calendar import routes
from marketplace_plugin.sandbox.google.faults import Fault, Faults
from marketplace_plugin.sandbox.google.oauth import authorize, tokens
from marketplace_plugin.sandbox.google.oauth.grants import Grants, Issued
from marketplace_plugin.sandbox.google.people import routes as people
from marketplace_plugin.sandbox.google.people.book import Books
from marketplace_plugin.sandbox.google.state import Account, Client, Clock, State, system_clock
from marketplace_plugin.sandbox.google.tasks import routes as tasks
from marketplace_plugin.sandbox.google.tasks.lists import Tasks
from marketplace_plugin.sandbox.google.web import batch, browse, control

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOG_LIMIT = 2_000
FAULT_HEADER = "X-Sandbox-Fault"
"""Marks a reply that a fault has changed, for tests that check replies."""
BODY_LIMIT = 64 * 1024
"""Longer bodies of requests are logged cut, so that the log's memory is bounded."""
REPLY_LIMIT = 16 * 1024
"""The same for replies."""

DEFAULT_CLIENT = Client(
    client_id="sandbox-client.apps.googleusercontent.example",
    client_secret="sandbox-secret",
    redirect_uris=("http://127.0.0.1:5000/oauth/callback", "http://localhost:5000/oauth/callback"),
)


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

    @property
    def json(self) -> Any:
        """The request's body; None without one."""
        return json.loads(self.body) if self.body else None


class GoogleSandbox:
    """A Google for tests and for ``make run``: ``.app`` is WSGI, ``.start()`` serves it.

    Args:
        clock: aware "now"; all times of the sandbox come from it.
        accounts: who can sign in; the seeded three (with calendars) by default.
        clients: registered OAuth clients; one by default.
        control_token: guards ``/_sandbox``; random by default.
        wrap: put around the application, for tests that watch requests and replies.
        seeded: whether the default accounts come with calendars and events.
    """

    def __init__(
        self,
        clock: Clock = system_clock,
        accounts: Sequence[Account] | None = None,
        clients: Sequence[Client] = (DEFAULT_CLIENT,),
        control_token: str | None = None,
        wrap: Callable[[WSGIApplication], WSGIApplication] | None = None,
        *,
        seeded: bool = True,
    ) -> None:
        self.state = State(clock)
        self.grants = Grants(self.state)
        self.books, self.tasks = Books(self.state), Tasks(self.state)
        self.faults = Faults()
        self.log: deque[Logged] = deque(maxlen=LOG_LIMIT)
        self.control_token = control_token or secrets.token_urlsafe(24)
        for client in clients:
            self.state.clients[client.client_id] = client
        for account in seed.ACCOUNTS if accounts is None else accounts:
            self.state.add_account(account)
        if accounts is None and seeded:
            seed.fill(self.state)
        self.app: WSGIApplication = self._serve
        if wrap is not None:
            self.app = wrap(self.app)
        self._inner = _flask(self)
        self._server: HttpServer | None = None

    # --- serving ----------------------------------------------------------------------------

    def start(self, port: int = 0) -> str:
        """Serve on 127.0.0.1 in the background; the base URL without a slash at its end."""
        if self._server is not None:
            raise RuntimeError("the sandbox is already running")
        self._server = HttpServer(self.app, port)
        self._server.start()
        return self._server.url

    def stop(self) -> None:
        """Stop serving; does nothing if it is not running."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> GoogleSandbox:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The base URL while it is running. Raises RuntimeError otherwise."""
        if self._server is None:
            raise RuntimeError("the sandbox is not running")
        return self._server.url

    # --- for tests ----------------------------------------------------------------------------

    def register_redirect(self, uri: str, client_id: str = DEFAULT_CLIENT.client_id) -> None:
        """Allow a redirect URI, exactly as written. Raises KeyError for an unknown client."""
        with self.state.lock:
            client = self.state.clients[client_id]
            uris = dict.fromkeys((*client.redirect_uris, uri))
            self.state.clients[client_id] = replace(client, redirect_uris=tuple(uris))

    def issue_tokens(self, email: str, scopes: Iterable[str], client_id: str = DEFAULT_CLIENT.client_id) -> Issued:
        """Tokens as after a full consent, without the pages."""
        with self.state.lock:
            if email not in self.state.accounts:
                raise KeyError(email)
            return self.grants.issue(email, self.state.clients[client_id], scopes)

    def requests(self, method: str = "", path: str = "") -> list[Logged]:
        """The logged API requests whose method is ``method`` and whose path contains ``path``."""
        return [row for row in list(self.log) if method in ("", row.method) and path in row.path]

    # --- one request --------------------------------------------------------------------------

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Faults and the log around the application; one request at a time."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if path.startswith("/_sandbox"):
            with self.state.lock:
                return [b"".join(self._inner(environ, start_response))]
        query = environ.get("QUERY_STRING", "")
        rule = self.faults.take(method, f"{path}?{query}" if query else path)
        with self.state.lock:
            row = _Exchange(environ)
            if rule is not None and rule.action == "drop_before":
                self.log.append(row.logged(0, b"", rule, self.state.now()))
                raise ConnectionDropped
            if rule is not None and rule.action == "status":
                status, headers, body = faults.error_body(rule)
                start_response(f"{status} Injected", [*headers.items(), (FAULT_HEADER, rule.action)])
                self.log.append(row.logged(status, body, rule, self.state.now()))
                return [body]
            try:
                body = b"".join(self._inner(environ, row.catch))
            except ConnectionDropped:  # by a call inside a batch: the whole answer is lost
                self.log.append(row.logged(0, b"", rule, self.state.now()))
                raise
            if rule is not None:
                body = self._after(rule, row, body)
            self.log.append(row.logged(row.status, body, rule, self.state.now()))
        headers_out = [pair for pair in row.headers if pair[0].lower() != "content-length"]
        if row.status not in (204, 304):
            headers_out.append(("Content-Length", str(len(body))))
        if rule is not None:
            headers_out.append((FAULT_HEADER, rule.action))
        start_response(row.status_line, headers_out)
        return [body]

    def _after(self, rule: Fault, row: _Exchange, body: bytes) -> bytes:
        """What a fault does once the request has been carried out."""
        if rule.action == "drop_after":
            self.log.append(row.logged(0, b"", rule, self.state.now()))
            raise ConnectionDropped
        if rule.action == "bump_etag":
            self._bump(body)
            return body
        return faults.spoil(rule, body)

    def _bump(self, body: bytes) -> None:
        """Move the etag of the event that was just sent."""
        event_id = json.loads(body).get("id") if body else None
        for calendar in self.state.calendars.values():
            if event_id in calendar.events:
                self.state.touch(calendar.events[event_id])


class _Exchange:
    """What is kept of a request until it is answered."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        inner = Flask.request_class(environ)
        self.body = inner.get_data(cache=True)
        environ["wsgi.input"] = BytesIO(self.body)
        self.method, self.path = inner.method, inner.path
        self.params = tuple(parse_qsl(inner.query_string.decode(), keep_blank_values=True))
        self.request_headers = tuple((name, value) for name, value in inner.headers if name != "Authorization")
        self.status_line, self.headers = "500 ", list[tuple[str, str]]()

    @property
    def status(self) -> int:
        return int(self.status_line.split(" ", 1)[0])

    def catch(self, status: str, headers: list[tuple[str, str]], _exc_info: object = None) -> Callable[[bytes], object]:
        """Stands in for start_response until the fault is applied."""
        self.status_line, self.headers = status, headers
        return lambda _: None

    def logged(self, status: int, reply: bytes, rule: Fault | None, at: datetime) -> Logged:
        """The row of the log."""
        return Logged(
            self.method,
            self.path,
            self.params,
            self.request_headers,
            self.body[:BODY_LIMIT],
            status,
            reply[:REPLY_LIMIT],
            None if rule is None else rule.action,
            at,
        )


def _flask(sandbox: GoogleSandbox) -> Flask:
    """The application behind faults and log."""
    app = Flask(__name__, static_folder=None)
    app.config["PROPAGATE_EXCEPTIONS"] = True  # a dropped call of a batch, and the sandbox's own faults, loudly
    state, grants = sandbox.state, sandbox.grants
    app.register_blueprint(authorize.blueprint(state, grants))
    app.register_blueprint(tokens.blueprint(state, grants))
    app.register_blueprint(routes.blueprint(state, grants))
    app.register_blueprint(people.blueprint(state, grants, sandbox.books))
    app.register_blueprint(tasks.blueprint(state, grants, sandbox.tasks))
    app.register_blueprint(batch.blueprint(sandbox))
    app.register_blueprint(browse.blueprint(state))
    app.register_blueprint(control.blueprint(sandbox))

    @app.errorhandler(HTTPException)
    def unknown(error: HTTPException) -> Any:
        ours = request.path.startswith(("/calendar/v3", "/tasks/v1", "/v1/"))
        return routes.unknown_path(error) if ours else error

    return app
