"""Looking names up: addresses, and the records that say where a service of a domain is (RFC 2782)."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from marketplace_plugin.contract.servers import Address, as_address, normal_host

SECONDS = 5.0  # for all answers to one question


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """Where a service is. Lower ``priority`` first, then higher ``weight``."""

    host: str
    port: int
    priority: int = 0
    weight: int = 0


class Names(Protocol):
    """A resolver. Both return nothing where a name is unknown or nobody answers."""

    def addresses(self, host: str) -> Sequence[Address]: ...

    def services(self, name: str) -> Sequence[ServiceRecord]:
        """The records of ``_service._tcp.domain``, the best first."""
        ...


@dataclass(frozen=True, slots=True)
class SystemNames:
    """Addresses as this machine resolves them. ``server``: a DNS server, ``address:port``, that is asked instead."""

    server: str = ""

    def addresses(self, host: str) -> Sequence[Address]:
        literal = as_address(host)
        if literal is not None:
            return [literal]
        if self.server and host != "localhost":
            return [ipaddress.ip_address(text) for kind in ("A", "AAAA") for text in self._texts(host, kind)]
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return []
        return list(dict.fromkeys(ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found))

    def services(self, name: str) -> Sequence[ServiceRecord]:
        found = []
        for text in self._texts(name, "SRV"):
            priority, weight, port, host = text.split()
            known = normal_host(host)
            if known:  # a single dot: the service is not offered
                found.append(ServiceRecord(known, int(port), int(priority), int(weight)))
        return sorted(found, key=lambda one: (one.priority, -one.weight, one.host))

    def _texts(self, name: str, kind: str) -> Sequence[str]:
        import dns.exception
        import dns.resolver

        resolver = dns.resolver.Resolver(configure=not self.server)
        if self.server:
            address, _, port = self.server.rpartition(":")
            resolver.nameservers = [address.strip("[]")]
            resolver.port = int(port)
        try:
            return [row.to_text() for row in resolver.resolve(f"{name}.", kind, lifetime=SECONDS)]
        except (dns.exception.DNSException, OSError):
            return []
