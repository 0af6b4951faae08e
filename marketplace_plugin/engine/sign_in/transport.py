"""The one gate for addresses that secrets are sent to: https, or plain http to this machine itself.

oauthlib knows https alone, and its only switch is an environment variable that opens every address. Here a loopback
address is shown to it with https and sent with http by an adapter of its own, so nothing else is ever let through.
"""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests_oauthlib import OAuth2Session

from marketplace_plugin.contract.servers import is_loopback
from marketplace_plugin.errors import InsecureTransport

TIMEOUT = (5.0, 30.0)  # seconds to connect, and between two bytes of the answer
POOL = 16


def require_secure(url: str) -> str:
    """``url``, where it may be trusted with a secret. Raises InsecureTransport otherwise; the text names no secret."""
    parts = _split(url)
    if parts is None or not parts.hostname or parts.username is not None or parts.password is not None:
        raise InsecureTransport("not an absolute address")
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname)):
        return url
    raise InsecureTransport(f"plain http to {parts.hostname}: only loopback addresses are accepted")


def https_shaped(url: str) -> str:
    """``url`` as oauthlib wants to see it. Raises InsecureTransport."""
    require_secure(url)
    return "https" + url[url.index(":") :]


def oauth_session(client_id: str, *endpoints: str, **options: Any) -> OAuth2Session:
    """A session that sends to ``endpoints`` and follows no redirect: a secret goes where the deployment said, or
    nowhere.

    Call it with ``https_shaped`` addresses. Raises InsecureTransport.
    """
    session = OAuth2Session(client_id, **options)
    session.trust_env = False  # neither proxies nor other certificates from the environment
    session.max_redirects = 0
    session.mount("https://", _pool())
    for endpoint in endpoints:
        parts = urlsplit(require_secure(endpoint))
        if parts.scheme == "http":
            session.mount(f"https://{parts.netloc}/", _plain_loopback())
    return session


class _PlainLoopback(HTTPAdapter):
    """Sends what is addressed to https on this machine by http."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        plain = "http" + str(request.url).removeprefix("https")
        request.url = require_secure(plain)
        return super().send(request, *args, **options)


@cache
def _pool() -> HTTPAdapter:
    """One for the process: a new one would load the certificates again."""
    return HTTPAdapter(pool_connections=POOL, pool_maxsize=POOL)


@cache
def _plain_loopback() -> HTTPAdapter:
    return _PlainLoopback(pool_connections=POOL, pool_maxsize=POOL)


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number
    except ValueError:
        return None
    return parts
