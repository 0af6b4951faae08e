"""What providers tell alike of writes that end early, of pauses, and of answers that do not come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from marketplace_plugin.contract.sending import PATIENCE, broken_off, one_by_one, pause_of
from marketplace_plugin.errors import AnswerLost, ContractViolation, NotSent, Throttled, Unavailable
from marketplace_plugin.model.change import Revision
from marketplace_plugin.model.write import Applied, Deferred, DeferScope, Delete, Outcome, Unanswered, Write

NOW = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def deletions(count: int) -> list[Delete]:
    return [Delete(f"op-{n}", f"id-{n}", Revision("1")) for n in range(count)]


def answering(*outcomes: Callable[[str], Outcome]) -> Callable[[Write], Outcome]:
    told = iter(outcomes)
    return lambda write: next(told)(write.op)


def done(op: str) -> Outcome:
    return Applied(op, "", None, None)


def paused(op: str) -> Outcome:
    return Deferred(op, MINUTE)


def unsent(op: str) -> Outcome:
    return Deferred(op, MINUTE, sent=False)


def this_one_later(op: str) -> Outcome:
    return Deferred(op, None, DeferScope.ITEM)


def test_each_write_has_one_outcome_in_its_order() -> None:
    told = list(one_by_one(deletions(3), answering(done, Unanswered, done)))
    assert told == [done("op-0"), Unanswered("op-1"), done("op-2")]
    assert list(one_by_one([], answering())) == []


def test_after_a_request_for_a_pause_nothing_more_is_sent() -> None:
    told = list(one_by_one(deletions(4), answering(done, paused)))
    assert told == [done("op-0"), paused("op-1"), unsent("op-2"), unsent("op-3")]


def test_a_pause_of_one_item_is_none_of_the_others() -> None:
    assert list(one_by_one(deletions(2), answering(this_one_later, done))) == [this_one_later("op-0"), done("op-1")]


def test_answers_that_do_not_come_end_the_rest() -> None:
    told = one_by_one(deletions(PATIENCE + 1), answering(*[Unanswered, this_one_later] * PATIENCE))
    assert len([next(told) for _ in range(PATIENCE)]) == PATIENCE
    with pytest.raises(Unavailable):
        next(told)


def test_one_answer_starts_the_count_again() -> None:
    silences = [Unanswered] * (PATIENCE - 1)
    told = list(one_by_one(deletions(2 * PATIENCE - 1), answering(*silences, done, *silences)))
    assert len(told) == 2 * PATIENCE - 1


@pytest.mark.parametrize("error", [Throttled("", MINUTE), NotSent(), AnswerLost(), Unavailable(), ContractViolation()])
def test_what_has_begun_is_unknown(error: Throttled | Unavailable | ContractViolation) -> None:
    assert broken_off("op", error, begun=True) == Unanswered("op")


def test_what_has_not_begun_was_not_done() -> None:
    assert broken_off("op", Throttled("", MINUTE), begun=False) == Deferred("op", MINUTE)
    for error in (AnswerLost(), Unavailable(), ContractViolation()):
        assert broken_off("op", error, begun=False) == Deferred("op", None, DeferScope.ITEM)
    with pytest.raises(NotSent):  # the others would not fare better
        broken_off("op", NotSent(), begun=False)


@pytest.mark.parametrize(
    "header, pause",
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("²", None),
        ("120", timedelta(seconds=120)),
        (" 5 ", timedelta(seconds=5)),
        ("99999999999999999999", timedelta(days=7)),
        ("Wed, 18 Nov 2026 09:31:00 GMT", MINUTE),
        ("Wed, 18 Nov 2026 09:00:00 GMT", timedelta()),
        ("Wed, 18 Nov 2099 09:00:00 GMT", timedelta(days=7)),
        ("Wed, 18 Nov 2026 09:31:00 -0000", MINUTE),
        ("Wed, 18 Nov 2026 99999999999:00:00 GMT", None),
        ("Wed, 18 Nov 99999999999999999999 09:31:00 GMT", None),
        ("Wed, 18 Nov 2026 09:31:00 +99999999999999999999", None),
    ],
)
def test_how_long_to_pause(header: str | None, pause: timedelta | None) -> None:
    assert pause_of(header, NOW) == pause
