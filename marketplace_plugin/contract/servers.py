"""Which servers a password may be sent to: entries as an administrator writes them, matched without any look-up.

An entry is one of

* ``mail.example.org``: this name, at port 443; private addresses as well, for the administrator named this very host
* ``*.example.org``: every name below it, but not the name itself; public addresses only, unless an address entry covers
  them, for whoever may add a name below it decides where it leads
* ``10.1.2.3`` or ``10.0.0.0/8``: these addresses, whatever name leads there, and hosts that are written as an address

with ``:8443`` behind it (an IPv6 address then in brackets) for another port than 443. Loopback addresses are reached
through ``localhost`` or an address entry; multicast, link-local and unspecified ones never.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

HTTPS = 443
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
_SEPARATORS = re.compile(r"[\s,;]+")
# Ranges that ``is_global`` takes for public and that lead into networks of somebody's own.
_INWARD = tuple(
    map(
        ipaddress.ip_network,
        (
            *("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100.64.0.0/10", "192.88.99.0/24", "2001:20::/28"),
            *("2002::/16", "3fff::/20", "5f00::/16", "fec0::/10"),
        ),
    )
)


@dataclass(frozen=True, slots=True)
class ServerEntry:
    """One entry, read: exactly one of ``name``, ``below`` and ``network`` is set."""

    name: str = ""
    below: str = ""
    network: Network | None = None
    port: int = HTTPS

    @classmethod
    def of(cls, host: str, port: int = HTTPS) -> ServerEntry:
        """The entry for one server. Raises ValueError."""
        bracketed = f"[{host}]" if ":" in host else host
        return read_entry(bracketed if port == HTTPS else f"{bracketed}:{port}")

    def __str__(self) -> str:
        if self.network is not None:
            single = self.network.num_addresses == 1
            text = str(self.network.network_address) if single else str(self.network)
            if self.port != HTTPS and self.network.version == 6:
                text = f"[{text}]"
        else:
            text = self.name or f"*.{self.below}"
        return text if self.port == HTTPS else f"{text}:{self.port}"


@dataclass(frozen=True, slots=True)
class AllowedServers:
    """``refused`` are entries that no other entry makes up for: servers that take no passwords."""

    entries: tuple[ServerEntry, ...] = ()
    refused: tuple[ServerEntry, ...] = ()

    @classmethod
    def read(cls, entries: str, refused: str = "") -> AllowedServers:
        """Entries joined by blanks, commas or line ends. Raises ValueError with the first one that is none."""
        return cls(tuple(read_entries(entries)), tuple(read_entries(refused)))

    def refuses(self, host: str) -> bool:
        """At whatever port."""
        return any(_fits_name(entry, normal_host(host)) for entry in self.refused)

    def names(self, host: str, port: int = HTTPS) -> bool:
        """Whether an entry lets ``host`` be asked at all; where it leads is asked of ``reaches``."""
        known = normal_host(host)
        if not known or self.refuses(known):
            return False
        address = as_address(known)
        if address is not None:
            return not _never(address) and self._covers(address, port)
        return any(entry.port == port and _fits_name(entry, known) for entry in self.entries)

    def reaches(self, host: str, address: Address, port: int = HTTPS) -> bool:
        """Whether a connection to ``host`` may be made to ``address``, which its name was resolved to."""
        known, address = normal_host(host), plain(address)
        if not self.names(known, port) or _never(address):
            return False
        if is_public(address) or self._covers(address, port):
            return True
        if address.is_loopback and known != "localhost":
            return False
        return any(entry.port == port and entry.name == known for entry in self.entries)

    def _covers(self, address: Address, port: int) -> bool:
        return any(e.port == port and e.network is not None and plain(address) in e.network for e in self.entries)


def read_entries(text: str) -> Iterable[ServerEntry]:
    """Each entry of a text. Raises ValueError with the first one that is none."""
    return [read_entry(one) for one in _SEPARATORS.split(text.strip()) if one]


def read_entry(text: str) -> ServerEntry:
    """Raises ValueError with the text where it is no entry."""
    host, port = _split_port(text)
    if (network := _as_network(host)) is not None:
        return ServerEntry(network=network, port=port)
    if host.startswith("*."):
        below = _name(host[2:], text)
        if "." not in below:
            raise ValueError(text)  # all of a country
        return ServerEntry(below=below, port=port)
    return ServerEntry(name=_name(host, text), port=port)


def named_server(text: str) -> tuple[str, int]:
    """Host and port of what a person enters: a name, an address, either with a port, or a whole address of the web.

    Raises ValueError for what is none of these.
    """
    entered = text.strip()
    try:
        parts = urlsplit(entered if "://" in entered else f"//{entered}")
        host, port = normal_host(parts.hostname or ""), parts.port
    except ValueError:
        raise ValueError(entered) from None
    if not host or parts.username is not None or (port is not None and not port):
        raise ValueError(entered)
    return host, port or (80 if parts.scheme == "http" else HTTPS)


def normal_host(host: str) -> str:
    """As it is compared: lower case, IDNA, without brackets and final dot. Empty for what is no host."""
    bare = host.strip().removeprefix("[").removesuffix("]").rstrip(".").lower()
    if as_address(bare) is not None:
        return bare
    try:
        known = bare.encode("idna").decode() if not bare.isascii() else bare
    except UnicodeError:
        return ""
    labels = known.split(".")
    numeric = labels[-1].isdigit() or re.fullmatch(r"0x[0-9a-f]*", labels[-1])  # 0x7f.1, 2130706433: resolvers differ
    return known if len(known) <= 253 and all(map(_LABEL.match, labels)) and not numeric else ""


def as_address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def plain(address: Address) -> Address:
    """An IPv4 address that is written as IPv6 is the IPv4 one."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def is_loopback(host: str) -> bool:
    """``localhost``, 127.0.0.0/8 and ::1 as they are written; no name is looked up."""
    address = as_address(host)
    return host == "localhost" if address is None else address.is_loopback


def is_public(address: Address) -> bool:
    """An address of the internet that leads to no network of somebody's own."""
    known = plain(address)
    inward = any(known.version == network.version and known in network for network in _INWARD)
    return known.is_global and not known.is_multicast and not inward


def _never(address: Address) -> bool:
    known = plain(address)
    return known.is_multicast or known.is_link_local or known.is_unspecified


def _fits_name(entry: ServerEntry, host: str) -> bool:
    if entry.name:
        return entry.name == host
    return bool(entry.below) and host.endswith(f".{entry.below}")


def _split_port(text: str) -> tuple[str, int]:
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::(\d{1,5}))?", text)
    named = re.fullmatch(r"([^:]+):(\d{1,5})", text)
    found = bracketed or named
    if found is None:
        return text, HTTPS
    port = int(found[2]) if found[2] else HTTPS
    if not 0 < port < 65536:
        raise ValueError(text)
    return found[1], port


def _as_network(host: str) -> Network | None:
    try:
        return ipaddress.ip_network(host, strict=False)
    except ValueError:
        return None


def _name(host: str, text: str) -> str:
    known = normal_host(host)
    if not known or as_address(known) is not None:
        raise ValueError(text)
    return known
