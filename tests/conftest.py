"""What holds for every test: no outside network, no real credentials, one machine zone, the two
Hypothesis profiles, compiled catalogues and the browser's path."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.catalogues import compile_changed

# What a contract or a world asserts fails with its values too, though no test module.
pytest.register_assert_rewrite("tests.providers")

# "too slow" is measured by the wall clock of a machine that others share: it says nothing here.
_NO_CLOCK: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

# `make test`: a sample, the same at each run, so that a red build is red everywhere.
settings.register_profile("default", **_NO_CLOCK, derandomize=True, max_examples=50, stateful_step_count=30)
# `make laws`: new random ones each time, more than 200,000 steps over all machines; they are counted, and too few fail.
# How many of the 700 examples a law runs is said there. A failure prints the blob that reproduces it.
settings.register_profile(
    "laws",
    **_NO_CLOCK,
    derandomize=False,
    max_examples=700,
    stateful_step_count=50,
    print_blob=True,
)
settings.load_profile("default")


def pytest_configure(config: pytest.Config) -> None:
    """Shut out the machine's own settings, then compile the catalogues (once, not in each worker)."""
    for name in list(os.environ):
        if name.startswith("MARKETPLACE_") or name.lower() in {"http_proxy", "https_proxy", "all_proxy"}:
            del os.environ[name]
    # A half-hour offset with summer time: code that leans on the machine's zone cannot pass by luck.
    os.environ["TZ"] = "America/St_Johns"
    time.tzset()
    if not hasattr(config, "workerinput"):
        compile_changed()


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """No test reaches another machine: a connection that would leave is refused."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def check(sock: socket.socket, address: Any) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
            raise ConnectionRefusedError(f"tests reach loopback addresses only, not {address[0]}:{address[1]}")

    def guarded_connect(sock: socket.socket, address: Any) -> None:
        check(sock, address)
        connect(sock, address)

    def guarded_connect_ex(sock: socket.socket, address: Any) -> int:
        check(sock, address)
        return connect_ex(sock, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        yield


def _is_loopback(host: str) -> bool:
    if host in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The Chromium of the browser tests: the one that CHROMIUM names, else the lightest on the PATH."""
    named = os.environ.get("CHROMIUM")
    found = next(filter(None, map(shutil.which, [named] if named else ["chromium-headless-shell", "chromium"])), None)
    if found is None:
        pytest.fail(
            f"Chromium not found: {named or 'chromium'!r} is no program. Install Debian's package "
            "'chromium-headless-shell', or name another one with CHROMIUM=/path/to/chromium."
        )
    return found
