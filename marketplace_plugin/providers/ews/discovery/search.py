"""Where a mail domain's autodiscover is: asked without a password, so that any server may answer.

The order is ours: the name service first, as it costs one question; then the referral by plain http and the usual
addresses (https://learn.microsoft.com/exchange/client-developer/exchange-web-services/autodiscover-for-exchange).
No redirect is followed: the server that it names is the answer, and the form shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

import requests

from marketplace_plugin.contract.hookspecs import ServerSearch
from marketplace_plugin.contract.reach import Reach
from marketplace_plugin.contract.servers import HTTPS, ServerEntry, as_address, normal_host
from marketplace_plugin.contract.steps import Facts, StepFailed, StepSkipped, run_steps
from marketplace_plugin.errors import ProviderError

PATH = "/autodiscover/autodiscover.xml"
SECONDS = (3.0, 5.0)  # to connect, and between two bytes


def search(email: str, reach: Reach, now: Callable[[], datetime]) -> ServerSearch:
    """Steps and the first server that was found, as ``name`` or ``name:port``. Never raises for what is out there."""
    asked = _Search(email.rpartition("@")[2], reach.without_secrets())
    checks = {"service-record": asked.service_record, "redirect": asked.referral, "well-known": asked.well_known}
    return ServerSearch(tuple(run_steps(checks, now, lambda error: StepSkipped(error.code))), asked.server)


class _Search:
    """``server`` is empty until something is found; what comes after is left out."""

    def __init__(self, domain: str, reach: Reach) -> None:
        self._domain, self._reach = normal_host(domain), reach
        self.server = ""

    def service_record(self) -> Facts:
        if not self._domain or "." not in self._domain or as_address(self._domain) is not None:
            raise StepFailed("no-address", "check-server")
        records = self._reach.names.services(f"_autodiscover._tcp.{self._domain}")
        return self._found(records[0].host, records[0].port) if records else self._nothing()

    def referral(self) -> Facts:
        self._only_if_needed()
        return self._ask(f"http://autodiscover.{self._domain}{PATH}")

    def well_known(self) -> Facts:
        self._only_if_needed()
        try:
            return self._ask(f"https://autodiscover.{self._domain}{PATH}")
        except StepSkipped:
            return self._ask(f"https://{self._domain}{PATH}")

    def _ask(self, url: str) -> Facts:
        """Autodiscover answers 401 to whoever has not signed in, or with another server's address."""
        try:
            with self._reach.session() as http, http.get(url, stream=True, timeout=SECONDS) as answer:
                status, leads = answer.status_code, answer.headers.get("location", "")
        except (requests.RequestException, OSError, ProviderError):
            return self._nothing()
        here = urlsplit(url)
        if status == 401 and here.scheme == "https":
            return self._found(here.hostname or "", here.port or HTTPS)
        try:
            there = urlsplit(leads)
            if 300 <= status < 400 and there.scheme == "https" and there.hostname:
                return self._found(there.hostname, there.port or HTTPS)
        except ValueError:
            return self._nothing()
        return self._nothing()

    def _found(self, host: str, port: int) -> Facts:
        """Raises StepSkipped for what is no server."""
        try:
            self.server = str(ServerEntry.of(host, port))
        except ValueError:
            self._nothing()
        return (("server", self.server),)

    def _nothing(self) -> Facts:
        raise StepSkipped("nothing-found")

    def _only_if_needed(self) -> None:
        if self.server:
            raise StepSkipped("")
