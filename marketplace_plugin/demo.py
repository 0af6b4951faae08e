"""``marketplace serve --demo``: Steg with a seeded tenant beside the stand-ins of the services, all on this machine.

A service whose client id is set in the environment is used itself; its stand-in is not started.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from marketplace_plugin.sandbox import google as google_sandbox
from marketplace_plugin.sandbox import graph as graph_sandbox
from marketplace_plugin.sandbox.dns import NameServer
from marketplace_plugin.sandbox.ews import EwsSandbox
from marketplace_plugin.sandbox.google import GoogleSandbox
from marketplace_plugin.sandbox.graph import GraphSandbox
from marketplace_plugin.sandbox.graph.state import State
from marketplace_plugin.store.vault import new_key

CALLBACK = "/oauth/callback"
EXCHANGE_DOMAIN, EXCHANGE_HOST, CLOUD_DOMAIN = "nordwerk.example", "mail.nordwerk.example", "wolke.example"
EXCHANGE_HOSTS = (EXCHANGE_HOST,)
KEY_FILE = "key"


@dataclass(frozen=True, slots=True)
class Stand:
    """A stand-in that is running. ``note`` is what else there is to know about its accounts."""

    service: str
    url: str
    accounts: tuple[str, ...]
    note: str = ""


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
    base_url: str,
    environ: Mapping[str, str],
    *,
    google_port: int = 0,
    microsoft_port: int = 0,
    exchange_port: int = 0,
) -> Iterator[tuple[list[Stand], dict[str, str]]]:
    """Start what ``environ`` does not name a real service for. Yields what runs, and the settings that lead there."""
    stands, leading = list[Stand](), dict[str, str]()
    with ExitStack() as running:
        if not environ.get("MARKETPLACE_GOOGLE_CLIENT_ID"):
            google = GoogleSandbox(control_token=secrets.token_urlsafe(24))
            google.register_redirect(base_url + CALLBACK)
            url = google.start(google_port)
            running.callback(google.stop)
            stands.append(Stand("Google", url, tuple(google.state.accounts)))
            leading |= at_google(url)
        if not environ.get("MARKETPLACE_MICROSOFT_CLIENT_ID"):
            microsoft = GraphSandbox(control_token=secrets.token_urlsafe(24))
            microsoft.register_redirect(base_url + CALLBACK)
            url = microsoft.start(microsoft_port)
            running.callback(microsoft.stop)
            stands.append(Stand("Microsoft", url, tuple(microsoft.state.accounts), _blocked(microsoft.state)))
            leading |= at_microsoft(url)
        if not environ.get("MARKETPLACE_EXCHANGE_ALLOWED_HOSTS"):
            exchange, names = EwsSandbox(hosts=EXCHANGE_HOSTS, control_token=secrets.token_urlsafe(24)), NameServer({})
            leading |= start_exchange(exchange, names, exchange_port)
            running.callback(exchange.stop)
            running.callback(names.stop)
            stands.append(Stand("Exchange", exchange.url, tuple(exchange.state.accounts), _entered(exchange)))
        yield stands, leading


def _blocked(state: State) -> str:
    """Whom the consent policy of his directory keeps from connecting, and who can consent there."""
    strict = {tenant.domain for tenant in state.tenants.values() if tenant.consent != "allow"}
    here = [account for account in state.accounts.values() if account.tenant in strict]
    users = ", ".join(account.email for account in here if not account.admin)
    admins = ", ".join(account.email for account in here if account.admin)
    return f"{users} cannot connect before {admins} has consented for all"


def at_google(url: str) -> dict[str, str]:
    """The settings that lead to Google's stand-in."""
    return {
        "MARKETPLACE_GOOGLE_CLIENT_ID": google_sandbox.DEFAULT_CLIENT.client_id,
        "MARKETPLACE_GOOGLE_CLIENT_SECRET": google_sandbox.DEFAULT_CLIENT.client_secret,
        **{f"MARKETPLACE_GOOGLE_{api}_ROOT": url for api in ("API", "PEOPLE", "TASKS")},
        "MARKETPLACE_GOOGLE_AUTHORIZE_URL": f"{url}/o/oauth2/v2/auth",
        "MARKETPLACE_GOOGLE_TOKEN_URL": f"{url}/token",
        "MARKETPLACE_GOOGLE_REVOKE_URL": f"{url}/revoke",
    }


def at_microsoft(url: str) -> dict[str, str]:
    """The settings that lead to Microsoft's stand-in."""
    return {
        "MARKETPLACE_MICROSOFT_CLIENT_ID": graph_sandbox.DEFAULT_CLIENT.client_id,
        "MARKETPLACE_MICROSOFT_CLIENT_SECRET": graph_sandbox.DEFAULT_CLIENT.client_secret,
        "MARKETPLACE_MICROSOFT_AUTHORITY": url,
        "MARKETPLACE_GRAPH_ROOT": f"{url}/v1.0",
    }


def start_exchange(exchange: EwsSandbox, names: NameServer, port: int = 0) -> dict[str, str]:
    """Start Exchange's stand-in under the name that its mail domain has in ``names``. The settings that lead there."""
    at = exchange.start(port).rpartition(":")[2]
    exchange.state.knobs.public_url = f"https://{EXCHANGE_HOST}:{at}"
    names.records |= {
        (EXCHANGE_HOST, "A"): ["127.0.0.1"],
        (f"_autodiscover._tcp.{EXCHANGE_DOMAIN}", "SRV"): [f"0 0 {at} {EXCHANGE_HOST}."],
        (f"_autodiscover._tcp.{CLOUD_DOMAIN}", "SRV"): ["0 0 443 autodiscover-s.outlook.com."],
    }
    return {
        "MARKETPLACE_EXCHANGE_ALLOWED_HOSTS": f"{EXCHANGE_HOST}:{at} 127.0.0.1:{at}",
        "MARKETPLACE_EXCHANGE_CA_FILE": str(exchange.ca_file),
        "MARKETPLACE_EXCHANGE_RESOLVER": names.start(),
    }


def _entered(exchange: EwsSandbox) -> str:
    """What to type into the form."""
    account = next(iter(exchange.state.accounts.values()))
    return (
        f"user name {account.domain}\\{account.user} or the address, password {account.password}; "
        f"Suche finds the server; addresses at {CLOUD_DOMAIN} lead to Microsoft 365"
    )
