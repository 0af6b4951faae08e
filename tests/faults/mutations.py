"""A pytest plugin that takes one safeguard away before any test is collected.

``SAFEGUARD=brake python -m pytest -p tests.faults.mutations TESTS``; without the variable it does nothing.
"""

from __future__ import annotations

import os

from tests.faults.answers import ANSWERS
from tests.faults.choices import CHOICES
from tests.faults.decisions import DECISIONS
from tests.faults.edges import EDGES
from tests.faults.exchange import EXCHANGE
from tests.faults.missed import MISSED
from tests.faults.passes import PASSES
from tests.faults.passwords import PASSWORDS
from tests.faults.taking import Safeguard
from tests.faults.years import YEARS

VARIABLE = "SAFEGUARD"
ALL: tuple[Safeguard, ...] = (*PASSES, *MISSED, *DECISIONS, *CHOICES, *EDGES, *EXCHANGE, *PASSWORDS, *YEARS, *ANSWERS)
BY_NAME = {one.name: one for one in ALL}


def pytest_configure() -> None:
    name = os.environ.get(VARIABLE)
    if name:
        BY_NAME[name].take_away()
