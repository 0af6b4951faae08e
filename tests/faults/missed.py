"""Safeguards of what is missed: was it deleted, moved, or is it only out of sight?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.faults.taking import Safeguard, swap, swap_method

DELETIONS = "tests/regressions/lost/test_deletions.py"
MOVES = "tests/regressions/lost/test_attack_moves.py"
TAILS = "tests/regressions/left_behind/test_tails.py"
KEPT = "tests/regressions/left_behind/test_kept_copies.py"


def _absence_is_deletion() -> None:
    from marketplace_plugin.engine.steps.pull import reading
    from marketplace_plugin.model.change import Tombstone
    from marketplace_plugin.store import links, rounds

    def question(p: Any, row: Any, round_id: str, _checkpoint: Any, covers: Any, _window: Any) -> None:
        with p.write() as unit:
            c = unit.connection
            absent = links.unseen(c, p.connection.id, row.remote_id, round_id)
            gone = [Tombstone(k.remote_id or "") for k in absent if reading._within(c, p, k, covers)]
            rounds.put(c, p.connection.id, row.remote_id, round_id, gone)

    swap(reading._question, question)


def _removed_is_deleted() -> None:
    from marketplace_plugin.engine.steps import recall
    from marketplace_plugin.model.change import Tombstone

    def confirm(_p: Any, changes: dict[str, list[Any]]) -> None:
        for told in changes.values():
            told[:] = [replace(one, confirmed=True) if isinstance(one, Tombstone) else one for one in told]

    swap(recall._confirm, confirm)


def siblings_count_as_read() -> None:
    from marketplace_plugin.engine.steps.one_pass import Pass

    ground = Pass.ground
    swap_method(Pass, "ground", lambda p, row, _complete=True: ground(p, row))


def _window_is_everything() -> None:
    from marketplace_plugin.engine.steps.pull import reading

    swap(reading._within, lambda *_: True)


def _a_uid_is_no_trace() -> None:
    from marketplace_plugin.engine.steps.pull import elsewhere

    swap(elsewhere._by_uid, lambda *_: ([], []))


def _unreadable_elsewhere_is_nothing() -> None:
    from marketplace_plugin.engine.steps.pull import elsewhere

    find_moved = elsewhere.find_moved
    swap(find_moved, lambda *known, **which: (find_moved(*known, **which)[0], []))


def _every_stray_is_a_copy() -> None:
    from marketplace_plugin.engine.steps.pull import strays

    swap(strays._standing, lambda _p, links: {link.id: True for link in links})


def _a_mark_is_enough() -> None:
    from marketplace_plugin.sync import diff

    swap(diff.is_same, lambda _link, _found: True)


def _silence_is_an_answer() -> None:
    from marketplace_plugin.engine.steps import recall

    swap(recall._is_answered, lambda _pass, _link, _answered: True)


def _what_rests_is_parked() -> None:
    from marketplace_plugin.engine.steps import recall

    swap(recall._let_rest, lambda _found: None)


MISSED = (
    Safeguard(
        "absence is not deletion",
        "what a snapshot leaves out is asked for by id",
        "engine/steps/pull/reading.py::_question",
        (f"{DELETIONS}::test_what_a_complete_read_leaves_out_is_asked_for",),
        _absence_is_deletion,
    ),
    Safeguard(
        "removed is not deleted",
        "a removal that may mean out of the window is asked for by id",
        "engine/steps/recall.py::_confirm",
        (f"{DELETIONS}::test_dragged_out_of_the_window_is_not_deleted",),
        _removed_is_deleted,
    ),
    Safeguard(
        "siblings first",
        "a deletion waits while a sibling could not be read",
        "engine/steps/one_pass.py::Pass.ground",
        (f"{DELETIONS}::test_a_move_is_no_deletion_while_the_other_calendar_cannot_be_read",),
        siblings_count_as_read,
    ),
    Safeguard(
        "window roll",
        "what the window leaves behind is not suspect",
        "engine/steps/pull/reading.py::_within",
        (f"{DELETIONS}::test_time_that_goes_by_deletes_nothing",),
        _window_is_everything,
    ),
    Safeguard(
        "moved without a mark",
        "a converted event that vanished is looked for by its UID in all calendars",
        "engine/steps/pull/elsewhere.py::_by_uid",
        (f"{MOVES}::test_a_converted_event_that_moves_into_a_calendar_that_is_not_synced_is_followed",),
        _a_uid_is_no_trace,
    ),
    Safeguard(
        "moved or copied",
        "what carries the mark of a link at rest is a copy only while what the link names still stands",
        "engine/steps/pull/strays.py::_standing",
        (
            f"{KEPT}::test_a_kept_copy_that_is_moved_into_a_source_is_no_block",
            f"{KEPT}::test_a_copy_of_a_connection_that_ended_is_known_too",
        ),
        _every_stray_is_a_copy,
    ),
    Safeguard(
        "moved or split off",
        "our mark alone is a move only where nothing has the id or the UID of what is missed",
        "sync/diff.py::is_same",
        (
            f"{TAILS}::test_the_first_half_is_the_event_wherever_it_is_moved",
            f"{TAILS}::test_who_comes_back_finds_the_first_half_where_it_was_moved",
        ),
        _a_mark_is_enough,
    ),
    Safeguard(
        "nobody could ask",
        "what nobody could be asked about is not unchanged",
        "engine/steps/recall.py::_is_answered",
        (f"{MOVES}::test_what_came_back_while_its_calendar_did_not_answer_is_the_event_still",),
        _silence_is_an_answer,
    ),
    Safeguard(
        "links at rest",
        "a link at rest is never parked, which would wake it",
        "engine/steps/recall.py::_let_rest",
        (f"{KEPT}::test_a_kept_copy_that_is_missed_comes_to_life_no_more",),
        _what_rests_is_parked,
    ),
    Safeguard(
        "unreadable elsewhere",
        "what cannot be read in another calendar may be what is missed",
        "engine/steps/pull/elsewhere.py::find_moved",
        (f"{MOVES}::test_what_cannot_be_read_there_may_be_the_event",),
        _unreadable_elsewhere_is_nothing,
    ),
)
