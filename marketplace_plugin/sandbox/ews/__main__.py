"""``python -m marketplace_plugin.sandbox.ews --port 8903``: the sandbox for ``make run``."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from marketplace_plugin.sandbox.ews import seed
from marketplace_plugin.sandbox.ews.server import EwsSandbox
from marketplace_plugin.sandbox.ews.soap.versions import SERVERS


def main(argv: list[str] | None = None) -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A stand-in of an Exchange Server for trying out; loopback only.")
    parser.add_argument("--port", type=int, default=8903, help="0 takes a free one")
    parser.add_argument("--host", action="append", default=[], help="one more host name of the certificate")
    parser.add_argument("--version", choices=list(SERVERS), default="Exchange2019")
    parser.add_argument("--ca-file", type=Path, help="where to put the authority's certificate as well")
    parser.add_argument("--control-token", help="guards /_sandbox; random if it is not given")
    options = parser.parse_args(argv)
    sandbox = EwsSandbox(hosts=options.host, control_token=options.control_token)
    sandbox.state.knobs.version = options.version
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    url = sandbox.start(options.port)
    if options.ca_file is not None:
        options.ca_file.write_text(sandbox.ca_pem, encoding="ascii")
    sys.stdout.write(f"Exchange sandbox: {sandbox.ews_url} (calendars by hand: {url}/calendar/)\n")
    sys.stdout.write(f"CA file: {options.ca_file or sandbox.ca_file}\n")
    sys.stdout.write(f"Sign-in: {seed.DOMAIN}\\anna.brandt or {seed.ANNA}, password {seed.PASSWORD}\n")
    if options.control_token is None:
        sys.stdout.write(f"Control token: {sandbox.control_token}\n")
    sys.stdout.flush()
    done.wait()
    sandbox.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
