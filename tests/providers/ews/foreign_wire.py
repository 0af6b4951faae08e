"""How the foreign Exchange server is reached: HTTPS in chunks, and all ways to sign in, each in a header of its own."""

from __future__ import annotations

import threading
from abc import abstractmethod
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from marketplace_plugin.providers.ews import ExchangeAccount
from marketplace_plugin.sandbox.ews.transport import tls
from tests.providers.foreign import session

USER, PASSWORD = "NORD\\anna", "Fischmarkt"
Answer = tuple[int, str, dict[str, str]]
"""The status, the body and headers."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @abstractmethod
    def answer(self, content: bytes) -> Answer: ...

    def do_POST(self) -> None:  # http.server's name
        content = self.rfile.read(int(self.headers["Content-Length"]))
        kind, _, given = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "basic" or b64decode(given).decode() != f"{USER}:{PASSWORD}":
            self.send_response(401)
            for scheme in ("Negotiate", "NTLM", 'Basic realm="a, b", charset="UTF-8"', "Bearer client_id=x"):
                self.send_header("WWW-Authenticate", scheme)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        status, text, headers = self.answer(content)
        self.send_response(status)
        self.send_header("Content-Type", "text/xml;charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        body = text.encode()
        for piece in [body[at : at + 1000] for at in range(0, len(body), 1000)]:
            self.wfile.write(f"{len(piece):x};ext=1\r\n".encode() + piece + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: Any) -> None:
        """Nothing on the standard error."""


class Wire:
    """What ``answer`` says of each body is told at an https address of the loopback, for the block."""

    def __init__(self, answer: Callable[[bytes], Answer]) -> None:
        self._certificates = tls.make(("localhost", "127.0.0.1"))

        class Handler(_Handler):
            def answer(self, content: bytes) -> Answer:
                return answer(content)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.socket = self._certificates.context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]

    def __enter__(self) -> Wire:
        threading.Thread(target=self._server.serve_forever, daemon=True, kwargs={"poll_interval": 0.01}).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._certificates.close()

    def opened(self, now: Callable[[], datetime], instance: str) -> ExchangeAccount:
        secrets = {
            "username": USER,
            "password": PASSWORD,
            "url": f"https://localhost:{self.port}/EWS/Exchange.asmx",
            "mailbox": "anna@foreign.example",
            "auth": "basic",
        }
        settings = {
            "allowed_hosts": f"localhost:{self.port} 127.0.0.0/8",
            "ca": self._certificates.ca_pem,
            "zone": "Europe/Berlin",
        }
        return ExchangeAccount(session(now, instance, secrets=secrets, settings=settings))
