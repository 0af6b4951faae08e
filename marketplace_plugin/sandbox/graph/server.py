"""The sandbox as one object: state, WSGI application, and a server on the loopback address."""

from __future__ import annotations

import json
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from marketplace_plugin.sandbox.frame import browse as pages
from marketplace_plugin.sandbox.frame.exchange import Exchange, Logged
from marketplace_plugin.sandbox.frame.faults import FAULT_HEADER
from marketplace_plugin.sandbox.frame.http import ConnectionDropped
from marketplace_plugin.sandbox.frame.oauth import OAuthStandIn
from marketplace_plugin.sandbox.frame.state import Clock, system_clock
from marketplace_plugin.sandbox.graph import errors, faults, seed
from marketplace_plugin.sandbox.graph.api import routes
from marketplace_plugin.sandbox.graph.api.calls import error_reply
from marketplace_plugin.sandbox.graph.api.delta import Deltas
from marketplace_plugin.sandbox.graph.entra import authorize, tokens
from marketplace_plugin.sandbox.graph.entra.grants import AccessToken, Grants
from marketplace_plugin.sandbox.graph.faults import Fault, Faults
from marketplace_plugin.sandbox.graph.items.folders import Folders
from marketplace_plugin.sandbox.graph.items.tracking import Tracking
from marketplace_plugin.sandbox.graph.limits import Limits
from marketplace_plugin.sandbox.graph.outlook import ids
from marketplace_plugin.sandbox.graph.state import Account, Client, Event, State, Tenant
from marketplace_plugin.sandbox.graph.web import browse, control

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

DEFAULT_CLIENT = Client(
    client_id="5b4a7d0e-1c7f-4f5e-9a53-2f6f6d2f1e01",
    client_secret="sandbox-secret",
    redirect_uris=("http://127.0.0.1:5000/oauth/callback", "http://localhost:5000/oauth/callback"),
)


class GraphSandbox(OAuthStandIn):
    """A Microsoft 365 for tests and for ``make run``: ``.app`` is WSGI, ``.start()`` serves it.

    Entra's endpoints lie at ``/{tenant}/oauth2/v2.0/``, Graph at ``/v1.0``.

    Args:
        clock: aware "now"; all times of the sandbox come from it.
        accounts: who can sign in; the seeded ones (with calendars) by default.
        clients: registered applications; one by default.
        control_token: guards ``/_sandbox``; random by default.
        wrap: put around the application, for tests that watch requests and replies.
        tenants: the directories of ``accounts``; the seeded ones by default.
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
        tenants: Sequence[Tenant] = seed.TENANTS,
        seeded: bool = True,
    ) -> None:
        super().__init__(control_token, wrap)
        self.state = State(clock)
        self.grants = Grants(self.state)
        self.deltas = Deltas(self.state)
        self.folders, self.tracking = Folders(self.state), Tracking(self.state)
        self.faults = Faults()
        for tenant in tenants:
            self.state.add_tenant(tenant)
        for client in clients:
            self.state.clients[client.client_id] = client
        for account in seed.ACCOUNTS if accounts is None else accounts:
            self.state.add_account(account)
        if accounts is None and seeded:
            seed.fill(self.state)
        self._limits = Limits(self.state, self.grants)
        self._dropped = False
        self._inner = _flask(self)

    # --- for tests ----------------------------------------------------------------------------

    def requests(self, method: str = "", path: str = "", *, batched: bool = False) -> list[Logged]:
        """The logged requests whose method is ``method`` and whose path contains ``path``.

        Calls inside a $batch are listed with ``batched`` only, and then without the others.
        """
        rows = [row for row in list(self.log) if row.batched == batched]
        return [row for row in rows if method in ("", row.method) and path in row.path]

    # --- for the routes -------------------------------------------------------------------------

    def bearer(self, header: str) -> AccessToken:
        """The token of an Authorization header. Raises GraphError 401."""
        scheme, _, value = header.partition(" ")
        if scheme.lower() != "bearer" or not value.strip():
            raise errors.invalid_token("Access token is empty.")
        token = self.grants.access(value.strip())
        if token is None or token.email not in self.state.accounts:
            raise errors.invalid_token("CompactToken parsing failed with error code: 80049217")
        if token.expires <= self.state.now():
            raise errors.invalid_token("Lifetime validation failed, the token is expired.")
        return token

    def inner_error(self, client_request_id: str | None = None) -> dict[str, str]:
        """innerError of a refusal."""
        request_id = str(uuid.uuid4())
        return {
            "date": f"{self.state.now():%Y-%m-%dT%H:%M:%S}",
            "request-id": request_id,
            "client-request-id": client_request_id or request_id,
        }

    def written(self, event: Event) -> None:
        """An event was written and its reply is made: with ``late_bump`` its version moves on."""
        if self.state.knobs.late_bump:
            self._touch(event)

    def inside_batch(self, environ: WSGIEnvironment, running: int) -> tuple[int, dict[str, str], bytes]:
        """Carry out one call of a $batch: status, headers, body. ``running`` calls run beside it."""
        row = Exchange(environ)
        rule = self.faults.take(row.method, row.target)
        if rule is not None and rule.action == "drop_before":
            self._dropped = True
            self.log.append(row.logged(0, b"", rule, self.state.now(), batched=True))
            return 504, {}, b""
        refused = self._limits.exceeded(environ, running)
        if rule is not None and rule.action == "status":
            refused = errors.injected(rule.status, rule.code, rule.retry_after)
        if refused is not None:
            body = self._refuse(row, refused)
        else:
            body = b"".join(self._inner(environ, row.catch))
        if rule is not None:
            body = self._after(rule, body)
            row.headers.append((FAULT_HEADER, rule.action))
        self.log.append(row.logged(row.status, body, rule, self.state.now(), batched=True))
        kept = {name: value for name, value in row.headers if name.lower() not in ("content-length", "date")}
        return row.status, kept, body

    # --- one request ----------------------------------------------------------------------------

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Limits, faults and the log around the application; one request at a time."""
        if environ["PATH_INFO"].startswith("/_sandbox"):
            with self.state.lock:
                return [b"".join(self._inner(environ, start_response))]
        row = Exchange(environ)
        rule = self.faults.take(row.method, row.target)
        with self._limits.place(environ) as refused:
            if rule is not None and rule.action == "hold":
                self.faults.hold()
            with self.state.lock:
                body = self._answer(environ, row, rule, refused)
        return row.send(start_response, body, rule)

    def _answer(
        self, environ: WSGIEnvironment, row: Exchange, rule: Fault | None, refused: errors.GraphError | None
    ) -> bytes:
        if rule is not None and rule.action == "drop_before":
            self.log.append(row.logged(0, b"", rule, self.state.now()))
            raise ConnectionDropped
        if rule is not None and rule.action == "status":
            refused = errors.injected(rule.status, rule.code, rule.retry_after)
        self._dropped = False
        body = b"".join(self._inner(environ, row.catch)) if refused is None else self._refuse(row, refused)
        if rule is not None:
            body = self._after(rule, body)
        if self._dropped:
            self.log.append(row.logged(0, b"", rule, self.state.now()))
            raise ConnectionDropped
        self.log.append(row.logged(row.status, body, rule, self.state.now()))
        return body

    def _refuse(self, row: Exchange, error: errors.GraphError) -> bytes:
        headers = [("Content-Type", "application/json"), *error.headers.items()]
        row.catch(f"{error.status} Refused", headers)
        return json.dumps(error.envelope(self.inner_error())).encode()

    def _after(self, rule: Fault, body: bytes) -> bytes:
        """What a fault does once the request has been carried out."""
        if rule.action == "drop_after":
            self._dropped = True
        if rule.action == "bump_etag":
            self._bump(body)
        if rule.action in ("truncate", "malformed_event"):
            return faults.spoil(rule, body)
        return body

    def _bump(self, body: bytes) -> None:
        """Move the version of the event that was just sent."""
        event_id = json.loads(body).get("id") if body else None
        if event_id is None:
            return
        reference = ids.read_event(event_id)
        for calendar in self.state.calendars.values():
            event = calendar.events.get(reference.key)
            if event is not None:
                self._touch(event)

    def _touch(self, event: Event) -> None:
        self.state.touch(event)
        for override in event.overrides.values():
            override.change = event.change


def _flask(sandbox: GraphSandbox) -> Flask:
    """The application behind limits, faults and log."""
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(routes.blueprint(sandbox))
    app.register_blueprint(authorize.blueprint(sandbox.state, sandbox.grants))
    app.register_blueprint(tokens.blueprint(sandbox.state, sandbox.grants))
    app.register_blueprint(pages.blueprint(browse.Calendars(sandbox.state)))
    app.register_blueprint(control.blueprint(sandbox))

    @app.errorhandler(HTTPException)
    def unknown(error: HTTPException) -> Any:
        if not request.path.startswith("/v1.0"):
            return error
        if error.code == 405:
            message = "Specified HTTP method is not allowed for the request target."
            return error_reply(sandbox, errors.GraphError(405, "Request_BadRequest", message))
        segment = request.path.rstrip("/").rpartition("/")[2]
        return error_reply(sandbox, errors.unknown_segment(segment))

    @app.after_request
    def name_request(found: Response) -> Response:
        if request.path.startswith("/v1.0") and "request-id" not in found.headers:
            request_id = str(uuid.uuid4())
            found.headers["request-id"] = request_id
            found.headers["client-request-id"] = request.headers.get("client-request-id", request_id)
            found.headers["Cache-Control"] = "private"
        return found

    return app
