"""HTTP as IIS serves it: over TLS, and with something to remember of each connection.

Each connection has an object of its own in ``environ["sandbox.connection"]``: NTLM signs in
connections, not requests. With a TLS context, the handshake is done in the connection's thread.
"""

from __future__ import annotations

import contextlib
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marketplace_plugin.sandbox.frame import http

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

CONNECTION = "sandbox.connection"


@dataclass
class Connection:
    """What the server remembers of a TCP connection: its half-done or finished NTLM sign-in."""

    challenge: bytes | None = None
    scheme: str = "NTLM"
    """How the client named NTLM: NTLM or Negotiate."""
    account: str | None = None
    """The mail address of the account that the connection is signed in as."""


class _Handler(http.Handler):
    server: HttpServer
    body_limit = 40 * 1024 * 1024
    hang_ups = (OSError,)  # in the middle of TLS it shows in many ways

    def setup(self) -> None:
        if self.server.context is not None:
            self.request.settimeout(http.IDLE_SECONDS)
            plain, self.request = self.request, self.server.context.wrap_socket(self.request, server_side=True)
            self.server.open.discard(plain)
            self.server.open.add(self.request)
        self.state = Connection()
        super().setup()

    def finish(self) -> None:
        """The TLS socket took the place of the one that the server knows and closes."""
        with contextlib.suppress(OSError):
            super().finish()
        if self.server.context is not None:
            self.server.open.discard(self.request)
            self.request.close()

    def version_string(self) -> str:
        """What IIS calls itself."""
        return "Microsoft-IIS/10.0"

    def environ(self, body: bytes) -> WSGIEnvironment:
        return {**super().environ(body), CONNECTION: self.state}

    def do_PATCH(self) -> None:  # noqa: N802  # http.server's name
        """No verb of EWS, of autodiscover or of the pages."""
        self.send_error(501)


class HttpServer(http.HttpServer):
    """A context makes it HTTPS; its URL is by name, as certificates are for names."""

    handler = _Handler
    name = "localhost"

    def __init__(self, app: WSGIApplication, port: int = 0, context: ssl.SSLContext | None = None) -> None:
        self.context = context
        self.scheme = "http" if context is None else "https"
        super().__init__(app, port)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """A client that does not trust the certificate hangs up during the handshake."""
        with contextlib.suppress(ssl.SSLError, OSError):
            super().finish_request(request, client_address)
