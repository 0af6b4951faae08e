"""Safeguards of what a service may answer, or leave out: what is silent about an item is no word about it."""

from __future__ import annotations

from typing import Any

from tests.faults.taking import Safeguard, swap, swap_method

MOVED = "tests/regressions/left_behind/test_attack_moved_in_mailbox.py"
ONE_DAY = "tests/regressions/mailed/test_guest_of_one_day.py"
HALF = "tests/regressions/lost/test_half_written.py"
MIRRORS = "tests/engine/other_kinds/test_mirrors.py"


def _the_path_is_a_place() -> None:
    from marketplace_plugin.providers.graph.read import Reader

    swap_method(Reader, "placed", lambda _self, _collection, raws: list(raws))


def _guests_of_the_series_alone() -> None:
    from marketplace_plugin.providers.graph.shape import decode

    def would_mail(given: Any) -> bool:
        return bool(decode.is_own(given.master) and decode.has_guests(given.master))

    swap(decode.would_mail, would_mail)


def _guests_of_a_day_are_forgotten() -> None:
    from marketplace_plugin.sync.merge import occurrences

    swap(occurrences._invites, lambda *_: False)


def _a_day_is_its_series() -> None:
    """What is wrong with one occurrence is told of the master, as if that had been refused."""
    from marketplace_plugin.providers.ews.soap.errors import Refusal

    absent: Any = property(lambda self: self.reason.removesuffix(" for an exception") == "ErrorItemNotFound")
    swap_method(Refusal, "absent", absent)


def _no_days_no_question() -> None:
    from marketplace_plugin.engine.steps.pull import reading

    swap(reading._is_empty, lambda *_: False)


def _his_words_are_agreed() -> None:
    from marketplace_plugin.sync import outcome

    swap(outcome._without_his_words, lambda _said, found: found)


def _mirrors_are_open() -> None:
    from dataclasses import replace

    from marketplace_plugin.model.event import Sensitivity
    from marketplace_plugin.sync.plan import mirror

    private = mirror._private
    swap(private, lambda *known: replace(private(*known), sensitivity=Sensitivity.NORMAL))


def _half_is_nothing() -> None:
    from marketplace_plugin.engine.steps import commit
    from marketplace_plugin.sync.outcome import arrived

    swap(commit._comes_in, arrived)


ANSWERS = (
    Safeguard(
        "the path is no place",
        "that Graph answers for an item says nothing of the calendar it lies in",
        "providers/graph/read.py::placed",
        (f"{MOVED}::test_where_nobody_looks_it_is_gone",),
        _the_path_is_a_place,
    ),
    Safeguard(
        "guests of one day",
        "who is asked to one occurrence is a guest of its series",
        "providers/graph/shape/decode.py::would_mail",
        ("tests/providers/graph/test_writing.py::test_a_series_with_a_guest_of_one_occurrence_is_not_written",),
        _guests_of_the_series_alone,
    ),
    Safeguard(
        "guests of one day are agreed",
        "what was agreed keeps an occurrence that differs by its guests alone",
        "sync/merge/occurrences.py::_invites",
        (f"{ONE_DAY}::test_a_series_with_a_guest_of_one_day_is_not_deleted_without_asking",),
        _guests_of_a_day_are_forgotten,
    ),
    Safeguard(
        "one day is no series",
        "an occurrence that cannot be had is no deletion of its series",
        "providers/ews/read.py::wholes",
        (
            "tests/regressions/lost/test_ews_exceptions.py::test_the_series_here_stays_and_follows_when_it_is_whole_again",
        ),
        _a_day_is_its_series,
    ),
    Safeguard(
        "series without days",
        "what lies in no window is asked for by id",
        "engine/steps/pull/reading.py::_is_empty",
        ("tests/regressions/lost/test_suspects.py::test_a_series_without_days_that_was_deleted_goes",),
        _no_days_no_question,
    ),
    Safeguard(
        "his own words",
        "what a participant wrote into his copy is never agreed on",
        "sync/outcome.py::_without_his_words",
        ("tests/regressions/left_behind/test_edits_left_there.py::test_disconnecting_with_the_copies_leaves_it",),
        _his_words_are_agreed,
    ),
    Safeguard(
        "closed mirrors",
        "a task or a call stands in the calendar as a private entry",
        "sync/plan/mirror.py::_private",
        (f"{MIRRORS}::test_whoever_may_read_the_calendar_there_sees_a_busy_time_alone",),
        _mirrors_are_open,
    ),
    Safeguard(
        "half a write",
        "what was read comes in though our own write arrived by half",
        "engine/steps/commit.py::_comes_in",
        (f"{HALF}::test_a_day_that_was_changed_there_outlives_new_times_that_arrived_by_half",),
        _half_is_nothing,
    ),
)
