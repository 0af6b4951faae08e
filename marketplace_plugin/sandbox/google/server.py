"""The sandbox as one object: state, WSGI application, and a server on the loopback address."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from flask import Flask, request
from werkzeug.exceptions import HTTPException

from marketplace_plugin.sandbox.frame import browse as pages
from marketplace_plugin.sandbox.frame.exchange import Exchange, Logged
from marketplace_plugin.sandbox.frame.http import ConnectionDropped
from marketplace_plugin.sandbox.frame.oauth import OAuthStandIn
from marketplace_plugin.sandbox.frame.state import Clock, system_clock
from marketplace_plugin.sandbox.google import errors, faults, seed
from marketplace_plugin.sandbox.google.calendar import routes
from marketplace_plugin.sandbox.google.faults import Fault, Faults
from marketplace_plugin.sandbox.google.oauth import authorize, tokens
from marketplace_plugin.sandbox.google.oauth.grants import Grants
from marketplace_plugin.sandbox.google.people import routes as people
from marketplace_plugin.sandbox.google.people.book import Books
from marketplace_plugin.sandbox.google.state import Account, Client, State
from marketplace_plugin.sandbox.google.tasks import routes as tasks
from marketplace_plugin.sandbox.google.tasks.lists import Tasks
from marketplace_plugin.sandbox.google.web import batch, browse, control

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

DEFAULT_CLIENT = Client(
    client_id="sandbox-client.apps.googleusercontent.example",
    client_secret="sandbox-secret",
    redirect_uris=("http://127.0.0.1:5000/oauth/callback", "http://localhost:5000/oauth/callback"),
)


class GoogleSandbox(OAuthStandIn):
    """A Google for tests and for ``make run``: ``.app`` is WSGI, ``.start()`` serves it.

    Args:
        clock: aware "now"; all times of the sandbox come from it.
        accounts: who can sign in; the seeded three (with calendars) by default.
        clients: registered OAuth clients; one by default.
        control_token: guards ``/_sandbox``; random by default.
        wrap: put around the application, for tests that watch requests and replies.
        seeded: whether the default accounts come with calendars and events.
    """

    state: State
    grants: Grants
    faults: Faults
    log: deque[Logged]

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
        super().__init__(control_token, wrap)
        self.state = State(clock)
        self.grants = Grants(self.state)
        self.books, self.tasks = Books(self.state), Tasks(self.state)
        self.faults = Faults()
        for client in clients:
            self.state.clients[client.client_id] = client
        for account in seed.ACCOUNTS if accounts is None else accounts:
            self.state.add_account(account)
        if accounts is None and seeded:
            seed.fill(self.state)
        self._inner = _flask(self)

    # --- for tests ----------------------------------------------------------------------------

    def requests(self, method: str = "", path: str = "") -> list[Logged]:
        """The logged API requests whose method is ``method`` and whose path contains ``path``."""
        return [row for row in list(self.log) if method in ("", row.method) and path in row.path]

    # --- one request --------------------------------------------------------------------------

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Faults and the log around the application; one request at a time."""
        if environ["PATH_INFO"].startswith("/_sandbox"):
            with self.state.lock:
                return [b"".join(self._inner(environ, start_response))]
        row = Exchange(environ)
        rule = self.faults.take(row.method, row.target)
        with self.state.lock:
            try:
                body = self._answer(environ, row, rule)
            except ConnectionDropped:  # also by a call inside a batch: the whole answer is lost
                self.log.append(row.logged(0, b"", rule, self.state.now()))
                raise
            self.log.append(row.logged(row.status, body, rule, self.state.now()))
        return row.send(start_response, body, rule)

    def _answer(self, environ: WSGIEnvironment, row: Exchange, rule: Fault | None) -> bytes:
        if rule is None:
            return b"".join(self._inner(environ, row.catch))
        if rule.action == "drop_before":
            raise ConnectionDropped
        if rule.action == "status":
            error = errors.injected(rule.status, rule.reason, rule.retry_after)
            headers = {"Content-Type": "application/json; charset=UTF-8", **error.headers}
            row.catch(f"{error.status} Injected", list(headers.items()))
            return json.dumps(error.envelope()).encode()
        body = b"".join(self._inner(environ, row.catch))
        if rule.action == "drop_after":
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
    app.register_blueprint(pages.blueprint(browse.Calendars(state)))
    app.register_blueprint(control.blueprint(sandbox))

    @app.errorhandler(HTTPException)
    def unknown(error: HTTPException) -> Any:
        ours = request.path.startswith(("/calendar/v3", "/tasks/v1", "/v1/"))
        return routes.unknown_path(error) if ours else error

    return app
