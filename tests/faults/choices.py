"""Safeguards of what a user chooses while passes run: another target, an approval, an undo, the end of a connection."""

from __future__ import annotations

from tests.faults.taking import Safeguard, swap

BETWEEN = "tests/regressions/left_behind/test_attack_move_between.py"
DIED = "tests/regressions/lost/test_attack_died_disconnect.py"


def _another_account_is_not_waited_for() -> None:
    from marketplace_plugin.engine.steps import recall

    swap(recall._unborn_elsewhere, lambda *_: False)


def _what_was_put_back_waits_to_be_removed() -> None:
    from marketplace_plugin.engine.acts.chosen import left

    swap(left.put_back, lambda _begun: set())


def _nothing_is_taken_over() -> None:
    from marketplace_plugin.store import leases

    swap(leases.seize, lambda c, connection, due: leases.mark_dirty(c, [connection], due))


def _no_position_is_dropped() -> None:
    from marketplace_plugin.store import host_positions

    swap(host_positions.drop, lambda *_: None)


CHOICES = (
    Safeguard(
        "create before delete, elsewhere",
        "copies in an old account wait until those in the new one stand",
        "engine/steps/recall.py::_unborn_elsewhere",
        (
            f"{BETWEEN}::test_the_old_copies_stand_until_the_new_ones_do",
            f"{BETWEEN}::test_they_stand_while_a_new_one_could_not_be_made",
        ),
        _another_account_is_not_waited_for,
    ),
    Safeguard(
        "put back",
        "what an undo put back at the service is no copy that waits to be removed",
        "engine/acts/chosen/left.py::put_back",
        ("tests/regressions/lost/test_attack_put_back.py::test_it_stays_when_she_disconnects_and_comes_back",),
        _what_was_put_back_waits_to_be_removed,
    ),
    Safeguard(
        "decisions take over",
        "a pass that is under way while its owner decides writes nothing more",
        "store/accounts/leases.py::seize",
        ("tests/regressions/stopped/test_attack_approval.py::test_what_she_approved_is_not_asked_again",),
        _nothing_is_taken_over,
    ),
    Safeguard(
        "known again",
        "what a disconnect that died has let go is known again when its owner signs in",
        "engine/account/market.py::install",
        (f"{DIED}::test_who_signs_in_again_after_a_disconnect_that_died_syncs_again",),
        _no_position_is_dropped,
    ),
)
