"""``python -m marketplace_plugin.sandbox.graph --port 8902``: the sandbox for ``make run``."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from marketplace_plugin.sandbox.graph.server import DEFAULT_CLIENT, GraphSandbox
from marketplace_plugin.sandbox.graph.state import Client


def main(argv: list[str] | None = None) -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A stand-in of Microsoft 365 for trying out; loopback only.")
    parser.add_argument("--port", type=int, default=8902, help="0 takes a free one")
    parser.add_argument("--client-id", default=DEFAULT_CLIENT.client_id)
    parser.add_argument("--client-secret", default=DEFAULT_CLIENT.client_secret)
    parser.add_argument("--redirect-uri", action="append", help="an allowed redirect URI; may be repeated")
    parser.add_argument("--control-token", help="guards /_sandbox; random if it is not given")
    options = parser.parse_args(argv)
    redirect_uris = tuple(options.redirect_uri or DEFAULT_CLIENT.redirect_uris)
    client = Client(options.client_id, options.client_secret, redirect_uris)
    sandbox = GraphSandbox(clients=[client], control_token=options.control_token)
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    url = sandbox.start(options.port)
    sys.stdout.write(f"Microsoft sandbox: {url} (calendars by hand: {url}/calendar/)\n")
    if options.control_token is None:
        sys.stdout.write(f"Control token: {sandbox.control_token}\n")
    sys.stdout.flush()
    done.wait()
    sandbox.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
