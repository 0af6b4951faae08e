"""``marketplace serve --demo``: Steg with a seeded tenant beside the stand-ins of the services, all on this machine.

A service whose client id is set in the environment is used itself; its stand-in is not started.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from marketplace_plugin.sandbox.google import DEFAULT_CLIENT, GoogleSandbox
from marketplace_plugin.store.vault import new_key

CALLBACK = "/oauth/callback"
KEY_FILE = "key"


@dataclass(frozen=True, slots=True)
class Stand:
    """A stand-in that is running."""

    service: str
    url: str
    accounts: tuple[str, ...]


def environment(data: Path, base_url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The settings of the demo; what ``environ`` sets wins. The key lies in ``data``, beside a database that holds
    nothing but invented content."""
    key_file = data / KEY_FILE
    if not key_file.exists():
        with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(new_key())
    return {
        "MARKETPLACE_DATABASE_URL": f"sqlite:///{data / 'steg.db'}",
        "MARKETPLACE_SECRET_KEYS": key_file.read_text(),
        "MARKETPLACE_BASE_URL": base_url,
        **environ,
    }


@contextmanager
def stand_ins(
    base_url: str, environ: Mapping[str, str], google_port: int
) -> Iterator[tuple[list[Stand], dict[str, str]]]:
    """Start what ``environ`` does not name a real service for. Yields what runs, and the settings that lead there."""
    if environ.get("MARKETPLACE_GOOGLE_CLIENT_ID"):
        yield [], {}
        return
    google = GoogleSandbox(control_token=secrets.token_urlsafe(24))
    google.register_redirect(base_url + CALLBACK)
    url = google.start(google_port)
    try:
        accounts = tuple(google.state.accounts)
        yield (
            [Stand("Google", url, accounts)],
            {
                "MARKETPLACE_GOOGLE_CLIENT_ID": DEFAULT_CLIENT.client_id,
                "MARKETPLACE_GOOGLE_CLIENT_SECRET": DEFAULT_CLIENT.client_secret,
                "MARKETPLACE_GOOGLE_API_ROOT": url,
                "MARKETPLACE_GOOGLE_AUTHORIZE_URL": f"{url}/o/oauth2/v2/auth",
                "MARKETPLACE_GOOGLE_TOKEN_URL": f"{url}/token",
                "MARKETPLACE_GOOGLE_REVOKE_URL": f"{url}/revoke",
            },
        )
    finally:
        google.stop()
