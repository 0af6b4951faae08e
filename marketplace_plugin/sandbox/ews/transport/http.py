"""A small threaded HTTP/1.1 server with kept connections, on the loopback address only.

Each connection has an object of its own in ``environ["sandbox.connection"]``: NTLM signs in
connections, not requests. With a TLS context, the handshake is done in the connection's thread.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

BODY_LIMIT = 40 * 1024 * 1024
IDLE_SECONDS = 30.0
CONNECTION = "sandbox.connection"


class ConnectionDropped(Exception):
    """Raised inside the application to close the connection without an answer."""


@dataclass
class Connection:
    """What the server remembers of a TCP connection: its half-done or finished NTLM sign-in."""

    challenge: bytes | None = None
    scheme: str = "NTLM"
    """How the client named NTLM: NTLM or Negotiate."""
    account: str | None = None
    """The mail address of the account that the connection is signed in as."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024  # head and body leave together
    server: _Threaded

    def setup(self) -> None:
        if self.server.context is not None:
            self.request.settimeout(IDLE_SECONDS)
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

    def handle_one_request(self) -> None:
        """One request of a connection; a client that hangs up ends it quietly."""
        with contextlib.suppress(OSError):
            super().handle_one_request()
            return
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Quiet: the sandbox has a log of its own."""

    def _run(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_LIMIT:
            self.send_error(413)
            self.close_connection = True
            return
        environ = self._environ(self.rfile.read(length))
        answer: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc: object = None) -> Any:
            answer[:] = [status, headers]
            return answer.append

        try:
            body = b"".join(self.server.app(environ, start_response))
        except ConnectionDropped:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._answer(answer[0], answer[1], body)

    def _answer(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        code, _, phrase = status.partition(" ")
        self.send_response(int(code), phrase)
        for name, value in headers:
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def version_string(self) -> str:
        """What IIS calls itself."""
        return "Microsoft-IIS/10.0"

    def _environ(self, body: bytes) -> WSGIEnvironment:
        path, _, query = self.path.partition("?")
        host, port = self.server.server_address[:2]
        environ: WSGIEnvironment = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": str(host),
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "CONTENT_LENGTH": str(len(body)),
            CONNECTION: self.state,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http" if self.server.context is None else "https",
            "wsgi.input": BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            if key == "CONTENT_TYPE":
                environ[key] = value
            elif key != "CONTENT_LENGTH":
                environ[f"HTTP_{key}"] = value
        return environ

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = _run  # noqa: N815  # http.server's names


class _Threaded(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, app: WSGIApplication, port: int, context: ssl.SSLContext | None) -> None:
        self.app = app
        self.context = context
        self.open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """A client that does not trust the certificate hangs up during the handshake."""
        with contextlib.suppress(ssl.SSLError, OSError):
            super().finish_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def close_all(self) -> None:
        """End kept connections."""
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class HttpServer:
    """Serves a WSGI application on 127.0.0.1; port 0 takes a free one; a context makes it HTTPS."""

    def __init__(self, app: WSGIApplication, port: int = 0, context: ssl.SSLContext | None = None) -> None:
        self._server = _Threaded(app, port, context)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """The base URL without a slash at its end; by name, as certificates are for names."""
        scheme = "http" if self._server.context is None else "https"
        return f"{scheme}://localhost:{self._server.server_address[1]}"

    def start(self) -> None:
        """Serve in a background thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and close the connections that are kept."""
        self._server.shutdown()
        self._server.close_all()
        self._server.server_close()
        self._thread.join(timeout=5)
