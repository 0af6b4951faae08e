"""The log holds no credential, no address and no text of an exception."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from tests.logged import logged


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    with logged() as stream:
        yield stream


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer ya29.secret",
        "access_token=ya29.secret&x=1",
        '{"refresh_token": "ya29.secret"}',
        "GET /oauth/callback?state=ya29.secret&code=4/abc",
        "password: ya29.secret",
    ],
)
def test_what_looks_like_a_credential_is_taken_out(text: str, lines: io.StringIO) -> None:
    logging.getLogger("any").warning(text)
    assert "ya29" not in lines.getvalue()
    assert "4/abc" not in lines.getvalue()
    assert "redacted" in lines.getvalue()


def test_addresses_are_taken_out(lines: io.StringIO) -> None:
    logging.getLogger("any").warning("for %s", "anna.brandt@nordwerk.example")
    assert "anna" not in lines.getvalue()


def test_an_exception_leaves_kind_and_place_only(lines: io.StringIO) -> None:
    try:
        int("Zahnarzt um 13 Uhr")
    except ValueError:
        logging.getLogger("any").exception("E-1234 failed")
    line = lines.getvalue()
    assert "Zahnarzt" not in line
    assert "ValueError" in line
    assert "test_logs.py:" in line
    assert "E-1234" in line
    assert line.count("\n") == 1


@pytest.mark.parametrize("name", ["oauthlib", "requests_oauthlib", "exchangelib", "spnego"])
def test_libraries_that_print_tokens_are_held_above_debug(name: str, lines: io.StringIO) -> None:
    logging.getLogger(f"{name}.oauth2").debug("token: %s", "ya29.secret")
    assert lines.getvalue() == ""
