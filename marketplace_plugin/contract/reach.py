"""Connections to servers that a user names: only where an administrator allows it, and never without TLS checked.

A name is resolved, each address is held against the allowed hosts, and the connection goes to the very address that was
found good: a name that is resolved to another address a moment later (DNS rebinding) leads nowhere. That happens for
each connection, so also for each step of a redirect, none of which is followed by itself.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from marketplace_plugin.contract.names import Names, SystemNames
from marketplace_plugin.contract.servers import HTTPS, Address, AllowedServers, is_public, normal_host
from marketplace_plugin.errors import (
    CertificateRefused,
    ProviderError,
    ServerHandedOver,
    ServerNotAllowed,
    ServerUnknown,
    Unavailable,
)

CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
Connect = Callable[[Address, int, float], socket.socket]


@dataclass(frozen=True, slots=True)
class Handshake:
    """``protocol`` is OpenSSL's name, ``TLSv1.3``; ``until``: the end of the certificate's validity (aware UTC)."""

    protocol: str
    until: datetime


def connect(address: Address, port: int, seconds: float) -> socket.socket:
    opened = socket.create_connection((str(address), port), timeout=seconds)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # head and body of a request leave in two pieces
    return opened


@dataclass(frozen=True, slots=True)
class Reach:
    """``authorities``: PEM of certificate authorities beside the system's. ``public``: also any public address, for
    questions that carry no secret. ``names`` and ``connect`` are the network, for tests."""

    allowed: AllowedServers
    authorities: str = field(default="", repr=False)
    public: bool = False
    names: Names = field(default_factory=SystemNames)
    connect: Connect = connect

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Reach:
        """From a session's settings: ``allowed_hosts``, ``refused_hosts``, ``ca``, ``resolver``. Raises ValueError."""
        return cls(
            AllowedServers.read(settings.get("allowed_hosts", ""), settings.get("refused_hosts", "")),
            settings.get("ca", ""),
            names=SystemNames(settings.get("resolver", "")),
        )

    def without_secrets(self) -> Reach:
        """For questions that anybody may ask: any host at a public address, by http too."""
        return replace(self, public=True)

    def check(self, url: str) -> str:
        """``url``, where it is https and an entry lets its host be asked. Raises ServerNotAllowed, ServerHandedOver,
        ValueError for what is no such address. Nothing is looked up."""
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or parts.username is not None:
            raise ValueError("not an https address")
        host, port = parts.hostname, parts.port or HTTPS
        if self.allowed.refuses(host):
            raise ServerHandedOver(host)
        if not self.allowed.names(host, port):
            raise ServerNotAllowed(host, port)
        return url

    def address(self, host: str, port: int = HTTPS) -> Address:
        """An address of ``host`` that may be connected to. Raises ServerHandedOver, ServerNotAllowed, ServerUnknown."""
        return self._addresses(host, port)[0]

    def open(self, host: str, port: int, seconds: float | None = None) -> socket.socket:
        """A connection, to an address that was checked. Raises as ``address`` does, and OSError."""
        last: OSError | None = None
        for address in self._addresses(host, port):
            try:
                return self.connect(address, port, CONNECT_SECONDS if seconds is None else seconds)
            except OSError as error:
                last = error
        raise last or OSError("no address")

    def _addresses(self, host: str, port: int) -> Sequence[Address]:
        if self.allowed.refuses(host):
            raise ServerHandedOver(host)
        if not self.public and not self.allowed.names(host, port):
            raise ServerNotAllowed(host, port)
        known = normal_host(host)
        found = self.names.addresses(known) if known else []
        if not found:
            raise ServerUnknown(host)
        good = [one for one in found if self._may_connect(known, one, port)]
        if not good:
            raise ServerNotAllowed(host, port)
        return good

    def _may_connect(self, host: str, address: Address, port: int) -> bool:
        standard = port in (HTTPS, 80)
        return self.allowed.reaches(host, address, port) or (self.public and standard and is_public(address))

    def tls(self) -> ssl.SSLContext:
        """One for the process and these authorities: making one reads all the system's certificates."""
        return _context(self.authorities)

    def handshake(self, host: str, port: int = HTTPS) -> Handshake:
        """Agree on keys and look at the certificate; nothing is sent. Raises as ``open``, and CertificateRefused."""
        with self.open(host, port, READ_SECONDS) as plain:
            try:
                with self.tls().wrap_socket(plain, server_hostname=host) as secure:
                    certificate = secure.getpeercert() or {}
                    until = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
                    return Handshake(secure.version() or "", datetime.fromtimestamp(until, UTC))
            except ssl.SSLError as error:
                raise certificate_error(error) from None

    def adapter(self, **options: Any) -> HTTPAdapter:
        """``options`` as ``requests.adapters.HTTPAdapter`` takes them."""
        return _Adapter(self, **options)

    def session(self) -> requests.Session:
        """It follows no redirect, takes nothing from the environment, and speaks https alone; http as well where it
        carries no secrets (``public``)."""
        made = _Session()
        made.trust_env = False
        adapter = self.adapter()
        made.mount("https://", adapter)
        if self.public:
            made.mount("http://", adapter)
        else:
            made.adapters.pop("http://")
        return made


def told(error: requests.RequestException) -> ProviderError:
    """What a failed request comes to: the certificate, or that nobody answered."""
    certificate = _caused_by(error, ssl.SSLCertVerificationError)
    if certificate is not None:
        return CertificateRefused(_why(certificate))
    if isinstance(error, requests.exceptions.SSLError):
        return CertificateRefused("protocol")
    return Unavailable(type(error).__name__)


def certificate_error(error: ssl.SSLError) -> CertificateRefused:
    return CertificateRefused(_why(error) if isinstance(error, ssl.SSLCertVerificationError) else "protocol")


def _why(error: ssl.SSLCertVerificationError) -> str:
    """OpenSSL's numbers (x509_vfy.h): 10 expired, 9 not yet valid, 62 another host's, 64 another address's."""
    return {10: "expired", 9: "expired", 62: "other-name", 64: "other-name"}.get(error.verify_code, "unknown-authority")


def _caused_by(error: BaseException, kind: type[ssl.SSLCertVerificationError]) -> ssl.SSLCertVerificationError | None:
    """requests and urllib3 wrap what went wrong several times, partly as an argument."""
    seen: list[BaseException] = [error]
    for one in seen:
        if isinstance(one, kind):
            return one
        more = [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
        seen += [e for e in more if isinstance(e, BaseException) and e not in seen]
    return None


@lru_cache(maxsize=32)
def _context(authorities: str) -> ssl.SSLContext:
    """Raises ssl.SSLError where ``authorities`` are no certificates."""
    made = ssl.create_default_context()
    made.load_verify_locations(certifi.where())  # a slim system has no list of its own
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if authorities:
        made.load_verify_locations(cadata=authorities)
    return made


class _Session(requests.Session):
    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]  # requests names two dozen
        options.setdefault("timeout", (CONNECT_SECONDS, READ_SECONDS))
        options["allow_redirects"] = False
        return super().request(method, url, **options)

    def get_redirect_target(self, resp: Any) -> None:
        """requests would read the whole answer, however long, to prepare the next request that nobody sends."""


class _Adapter(HTTPAdapter):
    """Its connections are opened by ``Reach.open``; its certificates are checked whatever is asked for."""

    def __init__(self, reach: Reach, **options: Any) -> None:
        self._reach = reach
        super().__init__(**options)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        self.poolmanager = PoolManager(
            num_pools=connections, maxsize=maxsize, block=block, ssl_context=self._reach.tls(), **options
        )
        self.poolmanager.pool_classes_by_scheme = _pools(self._reach)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:  # noqa: ARG002  # requests' signature: whatever is asked for, certificates are checked
        return super().build_connection_pool_key_attributes(request, True, cert)

    def cert_verify(self, conn: Any, *_: Any) -> None:
        """The context of ``Reach.tls`` decides; requests would load another list into it for each connection."""
        conn.cert_reqs = "CERT_REQUIRED"

    def proxy_manager_for(self, proxy: str, **_: Any) -> Any:
        raise requests.exceptions.ProxyError(f"no proxy is used here, not {proxy}")


def _opened(reach: Reach, connection: HTTPConnection, standard: int) -> socket.socket:
    """As urllib3 says it: a request whose connection did not come about was never sent."""
    try:
        return reach.open(connection.host, connection.port or standard)
    except OSError as error:
        raise NewConnectionError(connection, f"no connection: {type(error).__name__}") from error


def _pools(reach: Reach) -> dict[str, type[HTTPConnectionPool]]:
    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _opened(reach, self, HTTPS)

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _opened(reach, self, 80)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    return {"https": SecurePool, "http": PlainPool} if reach.public else {"https": SecurePool}
