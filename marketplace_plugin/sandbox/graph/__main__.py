"""``python -m marketplace_plugin.sandbox.graph --port 8902``: the sandbox for ``make run``."""

from __future__ import annotations

import sys

from marketplace_plugin.sandbox.frame import oauth, stand_in
from marketplace_plugin.sandbox.graph.server import DEFAULT_CLIENT, GraphSandbox


def main(argv: list[str] | None = None) -> int:
    """Serve until interrupted."""
    parser = stand_in.arguments("A stand-in of Microsoft 365 for trying out", 8902)
    oauth.add_client(parser, DEFAULT_CLIENT)
    options = parser.parse_args(argv)
    client = oauth.with_options(DEFAULT_CLIENT, options)
    sandbox = GraphSandbox(clients=[client], control_token=options.control_token)
    return stand_in.serve(
        sandbox, options, lambda url: [f"Microsoft sandbox: {url} (calendars by hand: {url}/calendar/)"]
    )


if __name__ == "__main__":
    sys.exit(main())
