"""One try at an account, from what a person has entered: the address of EWS, the sign-in, the mailbox behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from marketplace_plugin.contract.provider import Session
from marketplace_plugin.contract.reach import Reach
from marketplace_plugin.contract.servers import HTTPS, ServerEntry, named_server
from marketplace_plugin.model.collection import CollectionInfo
from marketplace_plugin.providers.ews import trial
from marketplace_plugin.providers.ews.discovery import autodiscover, mailbox
from marketplace_plugin.providers.ews.discovery.endpoint import EWS_PATH, offer_of
from marketplace_plugin.providers.ews.read import Reader
from marketplace_plugin.providers.ews.trial import SignedIn

_SEPARATORS = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class Opened:
    """``version`` and ``name`` are the server's, ``auth`` is "ntlm" or "basic", ``mailbox`` the primary address, empty
    where the server does not tell it, ``shared`` the addresses of colleagues, joined by blanks."""

    url: str
    auth: str
    version: str
    name: str
    mailbox: str
    shared: str

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def fields(self) -> Mapping[str, str]:
        """What the provider reads in ``session.secrets``."""
        names = ("url", "auth", "version", "mailbox", "shared")
        return {name: getattr(self, name) for name in names}


class Trial:
    """``session.secrets`` is what was entered: username, password, server, email; or what was kept of an earlier trial.

    A password is sent to allowed servers only, and once it was refused not again. Close it at the end.
    """

    def __init__(self, session: Session) -> None:
        self._session, self._reach = session, Reach.of(session.settings)
        self._entered = session.secrets
        self._reader: Reader | None = None

    @property
    def server(self) -> tuple[str, int]:
        """Host and port. Raises ValueError for what is no server."""
        return named_server(self._entered.get("url") or self._entered.get("server", ""))

    def is_plain(self) -> bool:
        """Whether http was asked for by name."""
        return self._entered.get("server", "").strip().lower().startswith("http://")

    def address(self) -> str:
        """Where the server's name leads. Raises ServerUnknown, ServerNotAllowed, ServerHandedOver."""
        return str(self._reach.address(*self.server))

    def handshake(self) -> tuple[str, str]:
        """The version of TLS, ``TLS 1.3``, and the last day of the certificate, ISO 8601. Raises OSError and what
        ``Reach.handshake`` raises."""
        made = self._reach.handshake(*self.server)
        return made.protocol.replace("TLSv", "TLS "), made.until.date().isoformat()

    def open(self) -> Opened | None:
        """Sign in; None where no Exchange answers. Raises SignInRefused, UnsupportedVersion and what requests raise."""
        url = self._url()
        auth = offer_of(url, self._reach).scheme
        if not auth:
            return None
        shared = " ".join(_SEPARATORS.split(self._entered.get("shared", "").strip()))
        opened = {**self._entered, "url": url, "auth": auth, "shared": shared}
        self._reader = Reader(replace(self._session, secrets=opened))
        told: SignedIn = trial.sign_in(self._reader)
        claimed = (self._email, self._entered["username"])
        found = self._entered.get("mailbox") or mailbox.primary_address(self._reader.client, claimed)
        return Opened(url, auth, told.version, told.name, found, shared)

    def calendars(self) -> Sequence[CollectionInfo]:
        """Those that the account reaches; the first one was read from. After ``open``."""
        found = self._signed_in.collections()
        first = next((one for one in found if one.primary), None) or next(iter(found), None)
        if first is not None:
            self._signed_in.check(first.id)
        return found

    def try_write(self, calendar: str) -> None:
        """Make an entry and remove it. After ``open``. Raises ProviderError."""
        trial.try_write(self._signed_in, calendar)

    def close(self) -> None:
        if self._reader is not None:
            self._reader.client.close()

    @property
    def _signed_in(self) -> Reader:
        if self._reader is None:
            raise RuntimeError("nothing is open")
        return self._reader

    @property
    def _email(self) -> str:
        """Whose mailbox: the user name where it is an address."""
        username = self._entered.get("username", "")
        return username if "@" in username else self._entered.get("email", "")

    def _url(self) -> str:
        """A whole address is taken as it is; a server's name is asked where its EWS is."""
        if url := self._entered.get("url"):
            return self._reach.check(url)
        entered = self._entered["server"].strip()
        if urlsplit(entered).path.strip("/") and "://" in entered:
            return self._reach.check(entered)
        host, port = self.server
        origin = f"https://{ServerEntry.of(host, port)}" if port != HTTPS else f"https://{host}"
        asked = autodiscover.Asked(self._email, self._entered["username"], self._entered["password"])
        found = autodiscover.ews_url(origin, asked, self._reach) if asked.email else ""
        return found or self._reach.check(origin + EWS_PATH)
