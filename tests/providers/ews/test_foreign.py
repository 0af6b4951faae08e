"""Exchange's provider against a server that nobody derived from our stand-in: see ``foreign.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.providers.contract_foreign import ForeignContract, TroubleContract, one_of
from tests.providers.ews.foreign import ENVELOPE, FAULT, Foreign, response
from tests.providers.ews.foreign_wire import Answer

PAUSE = "600000"


class TestForeign(ForeignContract):
    @pytest.fixture(params=["StartTimeZone", "MeetingTimeZone"])
    def server(self, request: pytest.FixtureRequest) -> Foreign:
        return Foreign(zones=request.param)

    @pytest.fixture
    def outdate(self, server: Foreign) -> Callable[[], None]:
        def outdate() -> None:
            server.oldest = server.version + 1

        return outdate


def fault(code: str, status: int, pause: str = PAUSE, types: str = "urn:other", **headers: str) -> Answer:
    return status, ENVELOPE.format(body=FAULT.format(code=code, pause=pause, types=types)), headers


def stopped(name: str, request: Any) -> Answer | None:
    """The second half of a batch was not looked at."""
    if name not in ("GetItem", "SyncFolderItems"):
        return None
    messages = (
        f'<answer:{name}ResponseMessage ResponseClass="Warning"><answer:MessageText/><answer:ResponseCode>'
        "ErrorBatchProcessingStopped</answer:ResponseCode><answer:DescriptiveLinkKey>0</answer:DescriptiveLinkKey>"
        f"<answer:Items/></answer:{name}ResponseMessage>"
    ) * len(request.find("{*}ItemIds") if name == "GetItem" else [1])
    return 200, response(name, messages), {}


class TestTrouble(TroubleContract):
    @pytest.fixture
    def server(self) -> Foreign:
        return Foreign()

    pause = one_of(
        lambda *_: fault("ErrorServerBusy", 500),
        lambda *_: fault("ErrorServerBusy", 200, types="http://schemas.microsoft.com/exchange/services/2006/errors"),
        lambda *_: fault("ErrorServerBusy", 503, pause="soon"),
        lambda *_: fault("ErrorExceededConnectionCount", 500, pause="9" * 30),
        lambda *_: (503, "<html>Zahnarzt</html>", {"Retry-After": "Mon, 02 Mar 2026 08:40:00 GMT"}),
        lambda *_: (429, "", {"Retry-After": "9" * 5000}),
        stopped,
    )

    no_answer = one_of(
        (500, "<html>Zahnarzt</html>", {}),
        (502, "", {}),
        (200, "", {}),
        (200, "<html>Zahnarzt</html>", {}),
        (200, ENVELOPE.format(body=""), {}),
        (200, ENVELOPE.format(body="<answer:OtherResponse/>"), {}),
        (400, ENVELOPE.format(body=""), {}),
        fault("ErrorInternalServerError", 500),
        fault("ErrorThatNobodyKnows", 200),
    )
