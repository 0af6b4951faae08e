"""One set of tests that every provider must pass, ours and vendors'.

Inherit ``ProviderContract`` in a test class and give a fixture ``serving`` that returns a ``Serving`` (``serving.py``
says what it has to offer): a fresh account with four empty calendars, and ways to act as its owner.
"""

from __future__ import annotations

import pytest

from tests.providers.contract_guests import GuestsContract
from tests.providers.contract_reading import ReadingContract
from tests.providers.contract_series import SeriesContract
from tests.providers.contract_writing import WritingContract
from tests.providers.serving import Serving


class ProviderContract(ReadingContract, WritingContract, SeriesContract, GuestsContract):
    @pytest.fixture
    def serving(self) -> Serving:
        raise NotImplementedError
