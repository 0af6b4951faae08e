"""A stand-in as one object: its application, the server that carries it in the background, and the command for it."""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

from marketplace_plugin.sandbox.frame.faults import Queue
from marketplace_plugin.sandbox.frame.http import HttpServer
from marketplace_plugin.sandbox.frame.state import State

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOG_LIMIT = 5_000


class StandIn(ABC):
    """A service for tests and for ``make run``: ``app`` is WSGI, ``start`` serves it.

    ``control_token`` guards ``/_sandbox``, random by default; ``wrap`` is put around the
    application, for tests that watch requests and replies. ``log`` has the requests, oldest first.
    """

    state: State
    faults: Queue[Any]
    log: deque[Any]

    def __init__(
        self, control_token: str | None = None, wrap: Callable[[WSGIApplication], WSGIApplication] | None = None
    ) -> None:
        self.log = deque(maxlen=LOG_LIMIT)
        self.control_token = control_token or secrets.token_urlsafe(24)
        self.app: WSGIApplication = self._serve if wrap is None else wrap(self._serve)
        self._server: HttpServer | None = None

    @abstractmethod
    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The application, with limits, faults and the log around it."""

    def _listen(self, port: int) -> HttpServer:
        return HttpServer(self.app, port)

    def start(self, port: int = 0) -> str:
        """Serve on 127.0.0.1 in the background; the base URL without a slash at its end."""
        if self._server is not None:
            raise RuntimeError("the sandbox is already running")
        self._server = self._listen(port)
        self._server.start()
        return self._server.url

    def stop(self) -> None:
        """Stop serving; does nothing if it is not running."""
        if self._server is not None:
            self.faults.release()
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
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


# --- as a command -----------------------------------------------------------------------------


def arguments(description: str, port: int) -> argparse.ArgumentParser:
    """What each stand-in's command takes; ``port`` is the one that it serves by itself."""
    parser = argparse.ArgumentParser(description=f"{description}; loopback only.")
    parser.add_argument("--port", type=int, default=port, help="0 takes a free one")
    parser.add_argument("--control-token", help="guards /_sandbox; random if it is not given")
    return parser


def serve(sandbox: StandIn, options: argparse.Namespace, said: Callable[[str], Sequence[str]]) -> int:
    """Serve until interrupted; ``said`` makes the lines that are printed of the base URL."""
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    url = sandbox.start(options.port)
    token = [] if options.control_token is not None else [f"Control token: {sandbox.control_token}"]
    sys.stdout.write("".join(f"{line}\n" for line in [*said(url), *token]))
    sys.stdout.flush()
    done.wait()
    sandbox.stop()
    return 0
