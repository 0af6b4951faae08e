"""A password never shows: not in the log at its most talkative, however the sign-in ends."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator

import pytest

from tests.logged import logged
from tests.providers.ews.test_hooks import entered, tried
from tests.providers.ews.world import ANNA, World

SECRET = "Geheim-77-äöü"


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        yield made


@pytest.mark.parametrize("schemes", [("NTLM",), ("Basic",)], ids=str)
@pytest.mark.parametrize("lost", [False, True], ids=["refused", "lost"])
def test_the_log_at_debug(world: World, schemes: tuple[str, ...], lost: bool) -> None:
    """Whoever reads the log of an installation reads the passwords of its people."""
    world.sandbox.state.knobs.schemes = schemes
    if lost:
        world.sandbox.faults.add("drop_before")
    with logged() as stream:
        logging.getLogger("urllib3").setLevel(logging.DEBUG)
        steps, kept = tried(entered(world, password=SECRET))
        logging.getLogger("urllib3").setLevel(logging.NOTSET)
    assert kept is None
    said = stream.getvalue() + repr(steps)
    for shape in (SECRET, base64.b64encode(f"{ANNA}:{SECRET}".encode()).decode()[:-4]):
        assert shape not in said
    assert "authorization" not in said.lower()
