"""Safeguards of what only time brings out: windows that move on, outages, wrong clocks, lines that grow old."""

from __future__ import annotations

from typing import Any

from tests.faults.taking import Safeguard, swap

ALONE = "tests/regressions/doubled/test_attack_left_alone.py"
OUTAGES = "tests/regressions/lost/test_long_outages.py"
SUSPECTS = "tests/regressions/lost/test_suspects.py"
LEFT = "tests/regressions/left_behind/test_edits_left_there.py"
CLOCK = "tests/regressions/stopped/test_attack_clock.py"
TROUBLE = "tests/regressions/stopped/test_long_trouble.py"
SIGNED_IN = "tests/regressions/stopped/test_attack_signed_in_again.py"


def _what_left_the_window_is_history() -> None:
    from marketplace_plugin.engine.steps.pull import reading

    swap(reading._passed, lambda *_: None)


def _a_series_is_always_there() -> None:
    from marketplace_plugin.engine.steps.pull import reading

    def spans(p: Any, item: Any, window: Any) -> bool:
        start, end = p.span(item)
        return bool(start < window.end and (end is None or end > window.start))

    swap(reading._lies_in, spans)


def _once_suspect_always_suspect() -> None:
    from marketplace_plugin.store import held

    swap(held.answered, lambda *_: None)


def _old_snapshots_go_on() -> None:
    from marketplace_plugin.engine.steps.pull import reading

    swap(reading._is_outdated, lambda _pass, _row: False)


def _the_journal_forgets_all() -> None:
    from sqlalchemy import and_, bindparam, delete

    from marketplace_plugin.store.log import journal as lines
    from marketplace_plugin.store.tables import journal

    old = and_(journal.c.connection == bindparam("connection"), journal.c.at < bindparam("before"))
    swap(lines._FORGET, delete(journal).where(old))


def _the_future_counts() -> None:
    from datetime import timedelta

    from marketplace_plugin.store import clock

    swap(clock.NEVER_AS_FAR, timedelta(days=3650))


def _each_failure_doubles_the_pause() -> None:
    from marketplace_plugin.engine import run

    fail = run._fail

    def failing(engine: Any, connection: Any, *rest: Any) -> Any:
        engine.settings.period / 32 * 2 ** (connection.failures + 1)
        return fail(engine, connection, *rest)

    swap(fail, failing)


def _a_sign_in_takes_nothing_over() -> None:
    from marketplace_plugin.engine.sign_in import authorize
    from marketplace_plugin.store import leases

    store, seize = authorize._store, leases.seize

    def stored(*known: Any, **which: Any) -> Any:
        leases.seize = lambda *_: None
        try:
            return store(*known, **which)
        finally:
            leases.seize = seize

    swap(store, stored)


def _undo_forgets_what_it_leaves() -> None:
    from dataclasses import replace

    from marketplace_plugin.engine.acts import undo

    take_back = undo.take_back

    def taken(p: Any, planned: Any, recalled: Any, asked: Any) -> Any:
        done = take_back(p, planned, recalled, asked)
        by_it = {one.link for one in done.told} & set(asked)
        kept = tuple(step for step in done.go.steps if step.link.id not in by_it)
        return replace(done, go=replace(done.go, steps=kept))

    swap(take_back, taken)


YEARS = (
    Safeguard(
        "what left the window",
        "what left the window while nobody read is asked for by id",
        "engine/steps/pull/reading.py::_passed",
        (f"{OUTAGES}::test_what_changed_in_an_event_that_ended_meanwhile_comes_here",),
        _what_left_the_window_is_history,
    ),
    Safeguard(
        "rare series",
        "a series is missed only where it has a day",
        "engine/steps/pull/reading.py::_lies_in",
        (f"{SUSPECTS}::test_a_series_is_missed_only_where_it_has_a_day",),
        _a_series_is_always_there,
    ),
    Safeguard(
        "seen again",
        "what the service tells of again is a suspect no more",
        "engine/steps/pull/reading.py::_take",
        (f"{SUSPECTS}::test_what_is_seen_again_is_no_deletion_any_more",),
        _once_suspect_always_suspect,
    ),
    Safeguard(
        "snapshots of other days",
        "an unfinished snapshot of another window is a new round",
        "engine/steps/pull/reading.py::_is_outdated",
        (f"{OUTAGES}::test_what_a_round_listed_that_died_before_is_asked_for",),
        _old_snapshots_go_on,
    ),
    Safeguard(
        "taken back for good",
        "that a copy shows something else on purpose is known while its link lives",
        "store/log/journal.py::_FORGET",
        (f"{LEFT}::test_it_stays_when_the_journal_has_forgotten_the_rest",),
        _the_journal_forgets_all,
    ),
    Safeguard(
        "clocks far ahead",
        "what was written while the clock was wrong holds nobody",
        "store/clock.py::NEVER_AS_FAR",
        (f"{CLOCK}::test_deletions_with_a_wrong_clock_are_counted_for_a_day",),
        _the_future_counts,
    ),
    Safeguard(
        "pauses up to the period",
        "however many passes fail in a row, the next one is due within the period",
        "engine/run.py::_fail",
        (f"{TROUBLE}::test_a_groupware_that_is_away_for_days_is_asked_each_period",),
        _each_failure_doubles_the_pause,
    ),
    Safeguard(
        "a new sign-in",
        "who signs in anew takes the connection over from a pass of the former grant",
        "engine/sign_in/authorize.py::_store",
        (f"{SIGNED_IN}::test_a_refusal_of_the_former_grant_ends_nothing",),
        _a_sign_in_takes_nothing_over,
    ),
    Safeguard(
        "left alone, not lost",
        "what an undo leaves alone is followed where it moved",
        "engine/acts/undo.py::take_back",
        (f"{ALONE}::test_a_copy_that_was_moved_before_its_run_is_undone_stays_one_event",),
        _undo_forgets_what_it_leaves,
    ),
)
