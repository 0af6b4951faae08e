"""An application served by the server of production, on the loopback address, for as long as a test needs it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

import waitress

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@contextmanager
def served(application: WSGIApplication, listening: socket.socket | None = None) -> Iterator[str]:
    """The base URL. ``listening`` is a bound socket, by default one on a free port."""
    bound = listening or socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    server = waitress.create_server(application, sockets=[bound], threads=8, ident=None)
    thread = Thread(target=server.run, name="served", daemon=True)
    thread.start()
    try:
        yield url
    finally:
        # Closed by its own thread, in the middle of its loop: its sockets are nobody else's.
        server.trigger.pull_trigger(lambda: waitress.wasyncore.close_all(server._map, ignore_all=True))
        thread.join(10)
        server.task_dispatcher.shutdown()
