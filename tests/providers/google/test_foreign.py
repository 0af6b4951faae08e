"""Google's provider against a server that nobody derived from our stand-in: see ``foreign.py``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from tests.providers.contract_foreign import ForeignContract, TroubleContract, one_of
from tests.providers.foreign import Answer, ForeignPasses, ForeignServer
from tests.providers.google.foreign import HTML, Foreign


@pytest.fixture(autouse=True)
def nobody_is_mailed(server: Foreign) -> Iterator[None]:
    yield
    assert all(query.get("sendUpdates") == "none" for _, _, query in server.writes(0))


class TestForeign(ForeignContract):
    told: ClassVar = [*ForeignContract.told, ("2026-03-30", True)]
    told_later: ClassVar = [(day, True) for day, _ in told]

    @pytest.fixture(params=[True, False], ids=["weak etags", "no etags"])
    def server(self, request: pytest.FixtureRequest) -> Foreign:
        return Foreign(etags=request.param)

    @pytest.fixture(
        params=[
            Answer(410),
            Answer(410, HTML),
            Answer(410, {"error": {"code": 410, "errors": [{"reason": "updatedMinTooLongAgo"}]}}),
            Answer(410, {"error": {"code": 410, "errors": [{"reason": "fullSyncRequired", "location": "syncToken"}]}}),
            Answer(400, {"error": {"code": 400, "errors": [{"reason": "invalid"}], "message": "Invalid sync token."}}),
            Answer(400, {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "Invalid sync token value."}}),
        ]
    )
    def outdate(self, request: pytest.FixtureRequest, server: Foreign) -> Callable[[], None]:
        return lambda: server.refuse.append(lambda _, __, query: request.param if "syncToken" in query else None)

    def test_a_series_with_a_changed_and_a_cancelled_occurrence(
        self, server: ForeignServer, passes: ForeignPasses
    ) -> None:
        """The exception keeps the original start that the server gave it, to the letter."""
        super().test_a_series_with_a_changed_and_a_cancelled_occurrence(server, passes)
        assert isinstance(server, Foreign)
        (other,) = (body for body in server.events[server.work].values() if body.get("summary") == "other")
        assert other["originalStartTime"] == {"dateTime": "2026-03-16T08:00:00Z"}

    def test_a_list_that_names_neither_role_nor_sync_token_is_read_whole_each_time(
        self, server: Foreign, passes: ForeignPasses
    ) -> None:
        """As the npm package emulate answers."""
        server.seed()
        listed = server._list
        server._list = lambda calendar, query: _without_token(listed(calendar, query))  # type: ignore[method-assign]
        passes.done()
        assert set(passes.blocks()) == {"", "Messe", "Runde"}
        server.drop(server.home, "days")
        passes.done()
        assert set(passes.blocks()) == {"", "Runde"}


def _without_token(answer: Answer) -> Answer:
    if answer.status == 200 and answer.body.pop("nextSyncToken", None):
        answer.body.setdefault("items", [])
        answer.body["nextPageToken"] = ""
    return answer


class TestTrouble(TroubleContract):
    @pytest.fixture
    def server(self) -> Foreign:
        return Foreign()

    @pytest.fixture(
        params=[
            Answer(403, {"error": {"errors": [{"domain": "usageLimits", "reason": "userRateLimitExceeded"}]}}),
            Answer(403, {"error": {"errors": [{"domain": "usageLimits", "reason": "somethingLimitExceeded"}]}}),
            Answer(403, {"error": {"status": "RESOURCE_EXHAUSTED", "details": [{"reason": "RATE_LIMIT_EXCEEDED"}]}}),
            Answer(403, HTML, [("Retry-After", "Mon, 02 Mar 2026 08:40:00 GMT")]),
            Answer(429, HTML, [("Retry-After", "99999999999999999999")]),
            Answer(429, None, [("Retry-After", "soon")]),
            Answer(429, {"error": "slow down"}, [("Retry-After", "1.5")]),
        ]
    )
    def pause(self, request: pytest.FixtureRequest) -> Callable[..., Any]:
        return lambda *_: request.param

    no_answer = one_of(
        Answer(500, HTML),
        Answer(502),
        Answer(503, HTML),
        Answer(200, b""),
        Answer(200, HTML),
        Answer(200, []),
    )
