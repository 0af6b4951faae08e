"""Settings of the deployment: what is read, and how each mistake is named."""

from __future__ import annotations

import pytest

from marketplace_plugin import config
from marketplace_plugin.errors import ConfigError

GOOD = {
    "MARKETPLACE_DATABASE_URL": "sqlite:////var/lib/steg/steg.db",
    "MARKETPLACE_SECRET_KEYS": "a2V5LTE=, a2V5LTI=",
    "MARKETPLACE_BASE_URL": "https://steg.example.org/",
}


def test_a_full_set_is_read() -> None:
    read = config.read({**GOOD, "MARKETPLACE_PROXIES": "1", "MARKETPLACE_GOOGLE_CLIENT_ID": "id"})
    assert read.base_url == read.origin == "https://steg.example.org"
    assert read.secret_keys == ("a2V5LTE=", "a2V5LTI=")
    assert (read.proxies, read.workers, read.log_level, read.secure) == (1, 4, "info", True)
    assert read.environ["MARKETPLACE_GOOGLE_CLIENT_ID"] == "id"


def test_secrets_do_not_show_in_repr() -> None:
    shown = repr(config.read(GOOD))
    assert "a2V5" not in shown
    assert "steg.db" not in shown


def test_everything_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        config.read({})
    for name in GOOD:
        assert name in str(caught.value)


@pytest.mark.parametrize(
    "name,value,said",
    [
        ("MARKETPLACE_BASE_URL", "http://steg.example.org", "loopback"),
        ("MARKETPLACE_BASE_URL", "steg.example.org", "https://"),
        ("MARKETPLACE_BASE_URL", "https://steg.example.org/crm", "no path"),
        ("MARKETPLACE_PROXIES", "two", "number"),
        ("MARKETPLACE_WORKERS", "0", "at least 1"),
        ("MARKETPLACE_JOURNAL_DAYS", "0", "at least 1"),
        ("MARKETPLACE_LOG_LEVEL", "loud", "debug"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(name: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        config.read({**GOOD, name: value})
    assert name in str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_plain_http_is_accepted_for_loopback(host: str) -> None:
    netloc = f"[{host}]" if ":" in host else host
    assert not config.read({**GOOD, "MARKETPLACE_BASE_URL": f"http://{netloc}:5000"}).secure


@pytest.mark.parametrize("host", ["localhost.example.org", "10.0.0.1", "0.0.0.0", "2130706433"])
def test_plain_http_is_refused_for_what_only_looks_like_loopback(host: str) -> None:
    with pytest.raises(ConfigError, match="loopback"):
        config.read({**GOOD, "MARKETPLACE_BASE_URL": f"http://{host}"})
