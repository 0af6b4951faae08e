"""What RFC 6749, RFC 7636 and RFC 7515 say of all authorization servers, and what tests ask of those played here."""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote_plus

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import request

from marketplace_plugin.sandbox.frame import state
from marketplace_plugin.sandbox.frame.stand_in import StandIn

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True)
class Client:
    """A registered client."""

    client_id: str
    client_secret: str
    redirect_uris: tuple[str, ...]
    name: str = "Steg"


AnyClient = TypeVar("AnyClient", bound=Client)


@dataclass(frozen=True)
class Issued:
    """The outcome of a token request; ``lifetime`` in seconds."""

    access_token: str
    refresh_token: str | None
    email: str
    scopes: frozenset[str]
    lifetime: int
    nonce: str | None = None


class State(state.State):
    """``clients`` by their ids."""

    clients: dict[str, Any]


class Grants(Protocol):
    """Consents and tokens, as far as tests ask for them."""

    def issue(self, email: str, client: Any, scopes: Iterable[str]) -> Issued: ...

    def expire_access_tokens(self, email: str | None = None) -> None: ...


class OAuthStandIn(StandIn):
    """A stand-in that users sign in to by OAuth. Clients are named by their ids; None is the first one."""

    state: State
    grants: Grants

    def register_redirect(self, uri: str, client_id: str | None = None) -> None:
        """Allow a redirect URI, exactly as written. Raises KeyError for an unknown client."""
        with self.state.lock:
            client = self._client(client_id)
            uris = tuple(dict.fromkeys((*client.redirect_uris, uri)))
            self.state.clients[client.client_id] = replace(client, redirect_uris=uris)

    def issue_tokens(self, email: str, scopes: Iterable[str], client_id: str | None = None) -> Issued:
        """Tokens as after a full consent, without the pages. Raises KeyError for an unknown account or client."""
        with self.state.lock:
            if email not in self.state.accounts:
                raise KeyError(email)
            return self.grants.issue(email, self._client(client_id), scopes)

    def _client(self, client_id: str | None) -> Any:
        clients = self.state.clients
        return clients[next(iter(clients), "") if client_id is None else client_id]


def credentials() -> tuple[str, str | None]:
    """The client's id and secret, of a Basic header or the form (RFC 6749, section 2.3.1); empty and None without.

    Raises:
        ValueError: for a header that cannot be read.
    """
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return request.form.get("client_id", ""), request.form.get("client_secret")
    name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    return unquote_plus(name), unquote_plus(secret)


def proves(verifier: str, challenge: str, method: str = "S256") -> bool:
    """Whether it is a verifier, and the challenge was made of it (RFC 7636, sections 4.1 and 4.6)."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    derived = encoded(hashlib.sha256(verifier.encode("ascii")).digest()) if method == "S256" else verifier
    return hmac.compare_digest(derived, challenge)


def encoded(raw: bytes) -> str:
    """base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class SigningKey:
    """What a server signs its tokens with; made when it is first asked for."""

    ID = "sandbox-1"

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def public(self, **more: str) -> dict[str, str]:
        """As a JWK, with what a service says beside it."""
        numbers = self._key.public_key().public_numbers()
        return {"kty": "RSA", "use": "sig", "kid": self.ID, **more, "n": _integer(numbers.n), "e": _integer(numbers.e)}

    def signed(self, claims: Mapping[str, Any]) -> str:
        """A JWT, signed with RS256."""
        head = {"alg": "RS256", "kid": self.ID, "typ": "JWT"}
        text = ".".join(encoded(json.dumps(part).encode()) for part in (head, claims))
        return f"{text}.{encoded(self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _integer(number: int) -> str:
    return encoded(number.to_bytes((number.bit_length() + 7) // 8, "big"))


# --- as a command -----------------------------------------------------------------------------


def add_client(parser: argparse.ArgumentParser, client: Client) -> None:
    """What the command takes of the client that is registered."""
    parser.add_argument("--client-id", default=client.client_id)
    parser.add_argument("--client-secret", default=client.client_secret)
    parser.add_argument("--redirect-uri", action="append", help="an allowed redirect URI; may be repeated")


def with_options(client: AnyClient, options: argparse.Namespace) -> AnyClient:
    """The client as the command's arguments have it."""
    uris = tuple(options.redirect_uri or client.redirect_uris)
    return replace(client, client_id=options.client_id, client_secret=options.client_secret, redirect_uris=uris)
