"""``python -m marketplace_plugin.sandbox.google --port 8901``: the sandbox for ``make run``."""

from __future__ import annotations

import sys

from marketplace_plugin.sandbox.frame import oauth, stand_in
from marketplace_plugin.sandbox.google.server import DEFAULT_CLIENT, GoogleSandbox


def main(argv: list[str] | None = None) -> int:
    """Serve until interrupted."""
    parser = stand_in.arguments("A stand-in of Google for trying out", 8901)
    oauth.add_client(parser, DEFAULT_CLIENT)
    options = parser.parse_args(argv)
    client = oauth.with_options(DEFAULT_CLIENT, options)
    sandbox = GoogleSandbox(clients=[client], control_token=options.control_token)
    return stand_in.serve(sandbox, options, lambda url: [f"Google sandbox: {url} (calendars by hand: {url}/calendar/)"])


if __name__ == "__main__":
    sys.exit(main())
