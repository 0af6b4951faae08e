"""What autodiscover knows of a mail address.

Source: https://learn.microsoft.com/exchange/client-developer/exchange-web-services/autodiscover-for-exchange
and handling-autodiscover-error-messages.
"""

from __future__ import annotations

from dataclasses import dataclass

from marketplace_plugin.sandbox.ews.soap import versions
from marketplace_plugin.sandbox.ews.state import Account, State


@dataclass(frozen=True)
class Found:
    """Settings of a mailbox, or where else to ask: another address or another server."""

    account: Account
    ews_url: str
    redirect_address: str | None
    redirect_url: str | None

    @property
    def online(self) -> bool:
        """Whether the mailbox is in Exchange Online."""
        return "outlook.office365.com" in self.ews_url


def look_up(state: State, address: str, ews_url: str) -> Found | None:
    """What is known of an address; ``ews_url`` is this server's own. None for an unknown one."""
    account = state.mailbox(address)
    if account is None:
        return None
    return Found(account, account.settings_url or ews_url, account.redirect_address, account.redirect_url)


def server_version(server: versions.Server) -> str:
    """The build as POX writes it: a number in hexadecimal digits."""
    major, minor, build, _ = server.build
    return f"{(7 << 28) | (major << 22) | (minor << 16) | (1 << 15) | build:08X}"


def distinguished_name(account: Account) -> str:
    """The name of the mailbox before Windows 2000's."""
    group = "Exchange Administrative Group (FYDIBOHF23SPDLT)"
    return f"/o={account.domain.title()}/ou={group}/cn=Recipients/cn={account.user}"
