"""The list of safeguards that `make faults` takes away: each names tests and places that exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.mutations import ALL
from tests.faults.taking import Safeguard
from tests.test_known_failures import names_in

PACKAGE = Path(__file__).resolve().parent.parent / "marketplace_plugin"


def test_each_has_a_name_of_its_own() -> None:
    assert len({one.name for one in ALL}) == len(ALL)


@pytest.mark.parametrize("safeguard", ALL, ids=lambda one: one.name)
def test_it_lives_where_it_says_and_its_tests_exist(safeguard: Safeguard) -> None:
    path, _, name = safeguard.lives.partition("::")
    source = (PACKAGE / path).read_text(encoding="utf-8")
    assert name.partition(",")[0].rpartition(".")[2] in source
    assert safeguard.tests
    for test in safeguard.tests:
        file, _, wanted = test.partition("::")
        assert wanted in names_in(file), test
