"""A small threaded HTTP/1.1 server with kept connections, on the loopback address only.

werkzeug's development server always closes the connection; clients that pool connections would
then never meet a reused one.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

IDLE_SECONDS = 30.0
_NO_BODY = (204, 304)


class ConnectionDropped(Exception):  # it is an event, not an error of the sandbox
    """Raised through WSGI: the server closes the connection without an answer."""


class Handler(BaseHTTPRequestHandler):
    """One connection. Larger bodies than ``body_limit`` (bytes) are refused unread."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024  # head and body leave together
    server: HttpServer
    body_limit: ClassVar[int] = 20 * 1024 * 1024
    hang_ups: ClassVar[tuple[type[OSError], ...]] = (ConnectionError,)
    """How it shows that a client has hung up."""

    def handle_one_request(self) -> None:
        """One request of a connection; a client that hangs up ends it quietly."""
        with contextlib.suppress(*self.hang_ups):
            super().handle_one_request()
            return
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Quiet: the sandbox has a log of its own."""

    def run(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > self.body_limit:
            self.send_error(413)
            self.close_connection = True
            return
        environ = self.environ(self.rfile.read(length))
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
        if int(code) not in _NO_BODY:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and int(code) not in _NO_BODY:
            self.wfile.write(body)
        self.wfile.flush()

    def environ(self, body: bytes) -> WSGIEnvironment:
        """The request as WSGI wants it."""
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
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": self.server.scheme,
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

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = run  # noqa: N815  # http.server's names


class HttpServer(ThreadingHTTPServer):
    """Serves a WSGI application on 127.0.0.1 in the background; port 0 takes a free one."""

    daemon_threads = True
    block_on_close = False
    scheme = "http"
    handler: ClassVar[type[Handler]] = Handler
    name: ClassVar[str] = "127.0.0.1"
    """By which the base URL names the machine."""

    def __init__(self, app: WSGIApplication, port: int = 0) -> None:
        self.app = app
        self.open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), self.handler)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """The base URL without a slash at its end."""
        return f"{self.scheme}://{self.name}:{self.server_address[1]}"

    def start(self) -> None:
        """Serve in a background thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and close the connections that are kept."""
        self.shutdown()
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()
        self._thread.join(timeout=5)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)
