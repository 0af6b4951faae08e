"""The sandbox as one object: state, WSGI application, and an HTTPS server on the loopback address."""

from __future__ import annotations

import threading
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask

from marketplace_plugin.sandbox.ews import faults, seed
from marketplace_plugin.sandbox.ews.autodiscover import pox, soap
from marketplace_plugin.sandbox.ews.dispatch import carry_out
from marketplace_plugin.sandbox.ews.faults import Fault, Faults
from marketplace_plugin.sandbox.ews.operations.calls import Call
from marketplace_plugin.sandbox.ews.outlook import ids
from marketplace_plugin.sandbox.ews.soap import envelope, errors, versions
from marketplace_plugin.sandbox.ews.soap.names import Element, children, find, full, local
from marketplace_plugin.sandbox.ews.state import Account, State
from marketplace_plugin.sandbox.ews.transport import tls
from marketplace_plugin.sandbox.ews.transport.http import HttpServer
from marketplace_plugin.sandbox.ews.transport.signin import Gate, Refused, SignIn
from marketplace_plugin.sandbox.ews.web import browse, control
from marketplace_plugin.sandbox.frame import browse as pages
from marketplace_plugin.sandbox.frame.faults import FAULT_HEADER
from marketplace_plugin.sandbox.frame.http import ConnectionDropped
from marketplace_plugin.sandbox.frame.stand_in import StandIn
from marketplace_plugin.sandbox.frame.state import Clock, system_clock

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

EWS_PATH = "/EWS/Exchange.asmx"
BODY_LIMIT = 256 * 1024
"""Longer bodies are logged cut, so that the log's memory is bounded."""
_XML = "text/xml; charset=utf-8"
_POX, _SVC = "/autodiscover/autodiscover.xml", "/autodiscover/autodiscover.svc"
_SIGNED_IN = (EWS_PATH.casefold(), _POX, _SVC)
"""Paths that ask for a password; IIS does not look at their case."""


@dataclass(frozen=True)
class Logged:
    """One request and how it was answered; ``status`` 0 is a dropped connection.

    ``operation`` is the EWS operation, or the path of a request that is none; ``account`` is None
    for a request that was not signed in.
    """

    method: str
    path: str
    operation: str
    account: str | None
    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int
    reply: bytes
    fault: str | None
    at: datetime


@dataclass
class Answer:
    """Status, headers and body of a reply."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = _XML

    def send(self, start_response: StartResponse) -> list[bytes]:
        start_response(
            f"{self.status} {HTTPStatus(self.status).phrase}", [("Content-Type", self.content_type), *self.headers]
        )
        return [self.body]


class EwsSandbox(StandIn):
    """An Exchange Server for tests and for ``make run``: ``.app`` is WSGI, ``.start()`` serves it.

    EWS lies at ``/EWS/Exchange.asmx``, autodiscover at ``/autodiscover/``. The certificate is for
    ``localhost`` and ``127.0.0.1`` and for ``hosts``; ``ca_file`` and ``ca_pem`` are the authority
    that signed it.

    Args:
        now: aware "now"; all times of the sandbox but those of certificates come from it.
        accounts: who has a mailbox; the seeded ones (with calendars) by default.
        hosts: more host names of the certificate.
        flaw: what is wrong with the certificate; see ``tls.FLAWS``.
        control_token: guards ``/_sandbox``; random by default.
        wrap: put around the application, for tests that watch requests and replies.
        seeded: whether the default accounts come with items.
    """

    state: State
    faults: Faults
    log: deque[Logged]

    def __init__(
        self,
        now: Clock = system_clock,
        accounts: Sequence[Account] | None = None,
        *,
        hosts: Sequence[str] = (),
        flaw: tls.Flaw = "none",
        control_token: str | None = None,
        wrap: Callable[[WSGIApplication], WSGIApplication] | None = None,
        seeded: bool = True,
    ) -> None:
        super().__init__(control_token, wrap)
        self.state = State(now)
        self.certificates = tls.make(("localhost", "127.0.0.1", *hosts), flaw)
        self.gate = Gate(self.state, self.certificates.binding)
        self.faults = Faults()
        for account in seed.accounts() if accounts is None else accounts:
            self.state.add_account(account)
        if accounts is None and seeded:
            seed.fill(self.state)
        self._pages = _flask(self)
        self._running: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._plain: HttpServer | None = None

    # --- serving ------------------------------------------------------------------------------

    def _listen(self, port: int) -> HttpServer:
        return HttpServer(self.app, port, self.certificates.context)

    def start_redirect(self, port: int = 0) -> str:
        """Serve a second listener without TLS, where autodiscover.xml leads to HTTPS; its base URL."""
        if self._plain is not None:
            raise RuntimeError("the redirect is already running")
        self._plain = HttpServer(self._redirecting, port)
        self._plain.start()
        return self._plain.url

    def stop(self) -> None:
        """Stop serving, and delete the authority's file; also for a sandbox that was never started."""
        if self._plain is not None:
            self._plain.stop()
            self._plain = None
        super().stop()
        self.certificates.close()

    @property
    def ews_url(self) -> str:
        """The address of EWS while it is running."""
        return self.url + EWS_PATH

    @property
    def ca_file(self) -> Path:
        """The authority's certificate as a PEM file; there until ``stop``."""
        return self.certificates.ca_file

    @property
    def ca_pem(self) -> str:
        """The authority's certificate as PEM."""
        return self.certificates.ca_pem

    # --- for tests ----------------------------------------------------------------------------

    def requests(self, operation: str = "") -> list[Logged]:
        """The logged requests that were signed in, of one operation or of all."""
        return [row for row in list(self.log) if row.account is not None and operation in ("", row.operation)]

    @property
    def sign_ins(self) -> list[SignIn]:
        """Every password that was tried, right or wrong, oldest first."""
        return list(self.gate.attempts)

    @property
    def server(self) -> versions.Server:
        """The version that the sandbox is now."""
        return versions.SERVERS[self.state.knobs.version]

    # --- one request ----------------------------------------------------------------------------

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Sign-in, faults and the log around the operations; one at a time."""
        path = environ["PATH_INFO"]
        if path.casefold() not in _SIGNED_IN:
            with self.state.lock:
                return [b"".join(self._pages(environ, start_response))]
        row = _Exchange(environ)
        with self.state.lock:
            elsewhere = self.state.knobs.autodiscover_moved_to
            if elsewhere is not None and path.casefold() in (_POX, _SVC):
                answer = Answer(302, b"", (("Location", elsewhere),), "text/html")
                self._note(row, path, None, answer, None)
                return answer.send(start_response)
            account = self.gate.account(environ)
            if isinstance(account, Refused):
                answer = self._unauthorized(account.offers)
                self._note(row, path, None, answer, None)
                return answer.send(start_response)
        operation = path if path.casefold() in (_POX, _SVC) else _operation(row.body) or path
        rule = self.faults.take(operation)
        with self._place(account.email) as free:
            if rule is not None and rule.action == "hold":
                self.faults.hold()
            with self.state.lock:
                answer = self._answer(row, operation, account, rule) if free else self._too_many()
        return answer.send(start_response)

    @contextmanager
    def _place(self, email: str) -> Iterator[bool]:
        """Count the request among those of its account; whether there was room for it."""
        limit = self.state.knobs.concurrent_requests or (10 if self.server.build[0] < 15 else 27)
        with self._counting:
            free = self._running[email] < limit
            self._running[email] += 1
        try:
            yield free
        finally:
            with self._counting:
                self._running[email] -= 1

    def _too_many(self) -> Answer:
        error = errors.SoapFault(
            "ErrorExceededConnectionCount", "You have exceeded the available concurrent connections."
        )
        return Answer(500, envelope.fault(self.server, error))

    def _unauthorized(self, offers: tuple[str, ...]) -> Answer:
        body = b"<!DOCTYPE html><html><head><title>401</title></head><body>401 - Unauthorized</body></html>"
        return Answer(401, body, tuple(("WWW-Authenticate", offer) for offer in offers), "text/html")

    def _answer(self, row: _Exchange, operation: str, account: Account, rule: Fault | None) -> Answer:
        if rule is not None and rule.action == "drop_before":
            self._note(row, operation, account, Answer(0), rule)
            raise ConnectionDropped
        answer = self._injected(rule) or self._autodiscover(row) or self._ews(row, account, rule)
        if rule is not None:
            answer.headers += ((FAULT_HEADER, rule.action),)
            if rule.action in ("truncate", "malformed_item"):
                answer.body = faults.spoil(rule, answer.body)
            if rule.action == "drop_after":
                self._note(row, operation, account, Answer(0), rule)
                raise ConnectionDropped
        self._note(row, operation, account, answer, rule)
        return answer

    def _injected(self, rule: Fault | None) -> Answer | None:
        """The reply of a fault that keeps the request from being carried out."""
        if rule is None or rule.action not in ("status", "fault"):
            return None
        if rule.action == "status":
            if rule.status == 401:
                return self._unauthorized(("NTLM",))
            more = () if rule.retry_after is None else (("Retry-After", str(rule.retry_after)),)
            return Answer(rule.status, b"", more, "text/html")
        values = {} if rule.back_off is None else {"BackOffMilliseconds": str(rule.back_off)}
        return Answer(500, envelope.fault(self.server, errors.SoapFault(rule.code, values=values)))

    def _autodiscover(self, row: _Exchange) -> Answer | None:
        """The reply to a request for settings; None for one of EWS. Exchange 2007 knows plain XML only."""
        path = row.path.casefold()
        if path not in (_POX, _SVC):
            return None
        if row.method != "POST" or (path == _SVC and self.server.build[0] < 14):
            return Answer(404 if row.method == "POST" else 405, b"", content_type="text/html")
        url = (self.state.knobs.public_url or self.url) + EWS_PATH
        try:
            return Answer(200, (soap if path == _SVC else pox).reply(self.state, self.server, row.body, url))
        except errors.SoapFault as error:
            return Answer(500, envelope.fault(self.server, error))

    def _redirecting(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The listener without TLS: leads a GET of autodiscover.xml to HTTPS, answers nothing else."""
        row = _Exchange(environ)
        wanted = row.method == "GET" and row.path.casefold() in (_POX, _SVC)
        with self.state.lock:
            to = self.state.knobs.redirect_to or (self.state.knobs.public_url or self.url) + _POX
            answer = Answer(302, b"", (("Location", to),), "text/html") if wanted else Answer(404, b"")
            self._note(row, f"http:{row.path}", None, answer, None)
        return answer.send(start_response)

    def _ews(self, row: _Exchange, account: Account, rule: Fault | None) -> Answer:
        if not self.state.knobs.ews_enabled:
            return Answer(403, b"EWS is not enabled for this mailbox.", content_type="text/plain")
        if row.method != "POST":
            return Answer(302, b"", (("Location", "/EWS/Services.wsdl"),))
        headers = (("request-id", str(uuid.uuid4())), ("X-FEServer", "EXCHANGE01"), ("Cache-Control", "private"))
        if not row.content_type.startswith("text/xml"):
            return Answer(415, b"", headers)
        try:
            until = self.state.knobs.throttled_until
            if until is not None and self.state.now() < until:
                raise errors.busy(max(1, round((until - self.state.now()).total_seconds() * 1000)))
            call = Call(self.state, account.email, envelope.read(row.body, self.server))
            if rule is not None and rule.action == "error":
                reply = _refusing(call, rule)
            else:
                reply = carry_out(call)
            if rule is not None and rule.action == "bump":
                self._bump(reply)
            return Answer(200, envelope.reply(self.server, reply), headers)
        except errors.SoapFault as error:
            return Answer(500, envelope.fault(self.server, error), headers)

    def _bump(self, reply: Element) -> None:
        """Move the versions of the items that a reply names."""
        named = {element.get("Id") for element in reply.iter(full("t:ItemId"))}
        items = [item for folder in self.state.folders.values() for item in folder.items.values()]
        for item in items:
            if ids.item_id(item.mailbox, item.key) in named:
                self.state.touch(item)

    def _note(
        self, row: _Exchange, operation: str, account: Account | None, answer: Answer, rule: Fault | None
    ) -> None:
        self.log.append(
            Logged(
                row.method,
                row.path,
                operation,
                None if account is None else account.email,
                row.headers,
                row.body[:BODY_LIMIT],
                answer.status,
                answer.body[:BODY_LIMIT],
                None if rule is None else rule.action,
                self.state.now(),
            )
        )


def _flask(sandbox: EwsSandbox) -> WSGIApplication:
    """The pages beside EWS: calendars by hand, and the control."""
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(pages.blueprint(browse.Calendars(sandbox.state)))
    app.register_blueprint(control.blueprint(sandbox))
    return app


def _operation(body: bytes) -> str | None:
    """The name of the operation in a body, without judging the rest."""
    try:
        content = find(envelope.parse(body), "s:Body")
    except errors.SoapFault:
        return None
    operations = [] if content is None else children(content)
    return local(operations[0]) if operations else None


def _refusing(call: Call, rule: Fault) -> Element:
    """A response whose one message is the fault's."""
    outer, messages = envelope.response(call.request.name)
    values = {} if rule.back_off is None else {"BackOffMilliseconds": str(rule.back_off)}
    envelope.message(messages, call.request.name, errors.EwsError(rule.code, values=values))
    return outer


class _Exchange:
    """What is kept of a request until it is answered."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.body: bytes = environ["wsgi.input"].read()
        environ["wsgi.input"] = BytesIO(self.body)
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ["PATH_INFO"]
        self.content_type: str = environ.get("CONTENT_TYPE", "")
        self.headers = tuple(
            (name.removeprefix("HTTP_").replace("_", "-").title(), str(value))
            for name, value in environ.items()
            if name.startswith("HTTP_") and name != "HTTP_AUTHORIZATION"
        )
