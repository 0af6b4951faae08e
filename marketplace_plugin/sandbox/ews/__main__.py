"""``python -m marketplace_plugin.sandbox.ews --port 8903``: the sandbox for ``make run``."""

from __future__ import annotations

import sys
from pathlib import Path

from marketplace_plugin.sandbox.ews import seed
from marketplace_plugin.sandbox.ews.server import EwsSandbox
from marketplace_plugin.sandbox.ews.soap.versions import SERVERS
from marketplace_plugin.sandbox.frame import stand_in


def main(argv: list[str] | None = None) -> int:
    """Serve until interrupted."""
    parser = stand_in.arguments("A stand-in of an Exchange Server for trying out", 8903)
    parser.add_argument("--host", action="append", default=[], help="one more host name of the certificate")
    parser.add_argument("--version", choices=list(SERVERS), default="Exchange2019")
    parser.add_argument("--ca-file", type=Path, help="where to put the authority's certificate as well")
    options = parser.parse_args(argv)
    sandbox = EwsSandbox(hosts=options.host, control_token=options.control_token)
    sandbox.state.knobs.version = options.version
    if options.ca_file is not None:
        options.ca_file.write_text(sandbox.ca_pem, encoding="ascii")
    return stand_in.serve(
        sandbox,
        options,
        lambda url: [
            f"Exchange sandbox: {sandbox.ews_url} (calendars by hand: {url}/calendar/)",
            f"CA file: {options.ca_file or sandbox.ca_file}",
            f"Sign-in: {seed.DOMAIN}\\anna.brandt or {seed.ANNA}, password {seed.PASSWORD}",
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
