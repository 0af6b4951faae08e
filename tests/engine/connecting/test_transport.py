"""The one gate for plain http, and the way past oauthlib without its environment variable."""

from __future__ import annotations

import os

import pytest

from marketplace_plugin.contract.servers import is_loopback
from marketplace_plugin.engine.sign_in.transport import https_shaped, oauth_session, require_secure
from marketplace_plugin.errors import InsecureTransport


@pytest.mark.parametrize(
    "url",
    [
        "https://accounts.example.org/auth?x=1",
        "https://192.0.2.1:8443/",
        "http://127.0.0.1:5000/token",
        "http://127.8.9.10/",
        "http://localhost:1/",
        "http://[::1]:5000/",
    ],
)
def test_let_through(url: str) -> None:
    assert require_secure(url) == url
    assert https_shaped(url) == "https" + url[url.index(":") :]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "http://127.0.0.1.example.org/",
        "http://localhost.example.org/",
        "http://user@127.0.0.1/",
        "http://127.0.0.1@example.org/",
        "http://example.org\\@127.0.0.1/",
        "http://0.0.0.0/",
        "http://10.0.0.1/",
        "http://169.254.169.254/",
        "http://[::ffff:10.0.0.1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http:///token",
        "http://127.0.0.1:port/",
        "ftp://127.0.0.1/",
        "javascript:alert(1)",
        "//127.0.0.1/",
        "",
        "https://",
        "https://user:password@example.org/",
    ],
)
def test_refused(url: str) -> None:
    with pytest.raises(InsecureTransport) as caught:
        require_secure(url)
    assert "password" not in str(caught.value)


def test_a_session_sends_plain_http_to_the_named_loopback_address_only() -> None:
    session = oauth_session("client", "http://127.0.0.1:5000/token", "https://example.org/token")
    kinds = {prefix: type(adapter).__name__ for prefix, adapter in session.adapters.items()}
    assert kinds["https://127.0.0.1:5000/"] == "_PlainLoopback"
    assert kinds["https://"] == "HTTPAdapter"
    assert type(session.get_adapter("https://127.0.0.1:5001/token")).__name__ == "HTTPAdapter"
    assert not session.trust_env
    with pytest.raises(InsecureTransport):
        oauth_session("client", "http://example.org/token")


def test_no_switch_of_oauthlib_is_set() -> None:
    assert not [name for name in os.environ if name.startswith("OAUTHLIB_")]


def test_names_are_not_looked_up() -> None:
    assert not is_loopback("ip6-localhost")
