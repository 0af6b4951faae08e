"""Safeguards of the decisions: what may flow where, and what waits for the owner."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.faults.taking import Safeguard, swap, swap_method

ALONE = "tests/regressions/left_behind/test_edits_left_there.py"
LEFT = "tests/regressions/left_behind/test_left_copies.py"
APPROVED = "tests/regressions/mailed/test_attack_approved.py"
AT_REST = "tests/regressions/lost/test_attack_undo_at_rest.py"
DELETIONS = "tests/regressions/lost/test_deletions.py"
TROUBLE = "tests/regressions/stopped/test_trouble.py"
MAIL = "tests/regressions/mailed/test_mail.py"
OTHERS = "tests/regressions/shown/test_others.py"
RACES = "tests/regressions/doubled/test_races.py"
PLAN = "tests/sync/test_plan.py"
UNDONE = "tests/regressions/lost/test_attack_undone_conversions.py"
UNTICKED = "tests/regressions/left_behind/test_attack_undone_in_unticked.py"


def _forgotten_refusals() -> None:
    from marketplace_plugin.sync import outcome
    from marketplace_plugin.sync.link import Link, LinkState

    def parked(link: Link, _reason: Any) -> Link:
        return replace(link, state=LinkState.LIVE, reason=None)

    swap(outcome.parked, parked)


def _no_brake() -> None:
    from marketplace_plugin.sync import guard

    swap(guard.brake, lambda plan, _count, _approved: guard.Braked(plan, ()))


def _no_limit_of_suspects() -> None:
    from marketplace_plugin.sync import guard

    swap(guard.suspects, lambda absent, _links: guard.Suspects(tuple(absent), ()))


def _masked_is_told() -> None:
    from marketplace_plugin.sync.merge import cells

    swap(cells.told, lambda _value: True)


def _blocks_delete() -> None:
    from marketplace_plugin.sync.plan import tables

    assert isinstance(tables.BLOCK, dict)
    tables.BLOCK[tables.Did.SAME] = (tables.NOTHING, tables.PUT, tables.PUT, tables.DEL_REMOTE)


def _participants_carry_content() -> None:
    from marketplace_plugin.sync.plan import flows

    flows_of = flows.flows_of
    swap(flows_of, lambda link, place: flows_of(replace(link, organised=True), place))


def _participants_delete() -> None:
    from marketplace_plugin.sync.plan import tables

    assert isinstance(tables.EXPORT_PARTICIPANT, dict)
    tables.EXPORT_PARTICIPANT.update(tables.EXPORT_ORGANISED)


def _no_loop_counter() -> None:
    from marketplace_plugin.sync.plan import decide

    decide.MOST_AUTOMATIC = 1_000_000


def _nobody_left_anything() -> None:
    from marketplace_plugin.engine.steps.plan import adopting

    swap(adopting.take_up, lambda _pass: None)


def _what_was_read_is_ours() -> None:
    from marketplace_plugin.engine.acts.chosen import left

    swap(left.last_seen, lambda _engine, link: link.remote or left.NOT_SEEN)


def _nothing_differs_on_purpose() -> None:
    from marketplace_plugin.engine.acts.chosen import left

    swap(left.disputed, lambda _c, _copies: set())


def _no_reply_is_kept() -> None:
    from marketplace_plugin.sync import outcome

    swap(outcome._differs, lambda _base: None)


def _every_block_is_news() -> None:
    from marketplace_plugin.engine.steps.one_pass import Pass

    def fresh(p: Any, _found: Any) -> str:
        return str(p.engine.new_id())

    swap_method(Pass, "digest_found", fresh)


def _would_mail_is_not_held() -> None:
    from marketplace_plugin.sync.plan import decide

    swap(decide.invites_others, lambda _step: False)


def _all_is_let_go() -> None:
    from marketplace_plugin.engine.steps import recall

    retried = recall._retried

    def blind(c: Any, p: Any, again: Any, rows: Any, found: Any) -> Any:
        answer = retried(c, p, again, rows, found)
        found.announced = found.approved
        return answer

    swap(retried, blind)


def _one_name_for_two_questions() -> None:
    from marketplace_plugin.engine.steps import written

    swap(written.held_id, lambda link, _reason: f"deletion:{link.id}")


def _attendees_flow() -> None:
    from marketplace_plugin.sync.merge.three_way import Flows
    from marketplace_plugin.sync.plan import flows

    flows_of = flows.flows_of

    def loud(link: Any, place: Any) -> Flows:
        flows = flows_of(link, place)
        return Flows(flows.inward, flows.outward | ({"attendees"} if flows.outward else frozenset()))

    swap(flows_of, loud)


def _approval_binds_nothing() -> None:
    from marketplace_plugin.engine.steps.plan import planning

    swap(planning.is_approved, lambda _pass, _step: True)


def _edits_do_not_count() -> None:
    from marketplace_plugin.sync.plan import tables

    for table in (tables.EXPORT_ORGANISED, tables.CONVERTED_FULL):
        assert isinstance(table, dict)
        table[tables.Did.EDITED] = (*table[tables.Did.EDITED][:3], tables.DEL_HOST)
        table[tables.Did.DELETED] = (*table[tables.Did.DELETED][:2], tables.DEL_REMOTE, table[tables.Did.DELETED][3])


def _everybody_is_asked() -> None:
    from marketplace_plugin.sync.plan import flows

    swap(flows._asks, lambda link, _place: link.host_ref is not None)


def _invitations_are_strangers() -> None:
    from marketplace_plugin.store.work import links

    swap(links.meetings, lambda *_: {})


def _plan_dies_with_its_run() -> None:
    from marketplace_plugin.engine.acts import preview

    in_force = preview.in_force
    swap(in_force, lambda engine, connection: (in_force(engine, connection)[0], None))


def _status_of_an_occurrence_flows() -> None:
    from marketplace_plugin.sync.merge.cells import OverrideFieldCell

    OverrideFieldCell.names = property(lambda cell: cell.fields)  # type: ignore[assignment,method-assign]  # taken away


def _rest_keeps_nothing() -> None:
    from marketplace_plugin.engine.steps import written
    from marketplace_plugin.model.change import Found

    before = written._remote_before
    swap(before, lambda step: before(step) if isinstance(step.case.remote, Found) else step.link.remote_base)


def _every_calendar_shows_blocks() -> None:
    from marketplace_plugin.engine.acts import convert

    swap(convert._shows_blocks, lambda _c, _link: True)


def _nobody_was_faster() -> None:
    from marketplace_plugin.engine.acts import convert

    swap(convert._is_open, lambda _c, _link, _write: True)


def _agreed_is_shown() -> None:
    from marketplace_plugin.engine.acts import convert

    as_looked_at = convert._as_looked_at
    swap(as_looked_at, lambda link, _digest=None: as_looked_at(link))


def _nobody_else_is_woken() -> None:
    from marketplace_plugin.engine import others

    swap(others.wake_others, lambda _c, _engine, _person, _shown: None)


DECISIONS = (
    Safeguard(
        "parking",
        "what was refused stays, with its reason",
        "sync/outcome.py::parked",
        (
            f"{TROUBLE}::test_a_write_that_failed_is_not_forgotten",
            f"{TROUBLE}::test_a_refused_change_is_kept_shown_and_not_repeated_for_ever",
        ),
        _forgotten_refusals,
    ),
    Safeguard(
        "brake",
        "many deletions in a day wait for the owner",
        "sync/guard.py::brake",
        (
            f"{DELETIONS}::test_a_service_that_lost_everything_does_not_empty_the_host",
            f"{DELETIONS}::test_a_host_that_lost_everything_does_not_empty_the_service",
        ),
        _no_brake,
    ),
    Safeguard(
        "mass absence",
        "more suspects than the guard allows are held unfetched",
        "sync/guard.py::suspects",
        (f"{DELETIONS}::test_an_empty_answer_deletes_nothing_and_asks_for_nothing",),
        _no_limit_of_suspects,
    ),
    Safeguard(
        "masking",
        "an unknown field is neither merged nor pushed",
        "sync/merge/cells.py::told",
        (
            f"{PLAN}::test_masked_fields_are_neither_merged_nor_pushed",
            f"{OTHERS}::test_what_is_masked_is_neither_emptied_nor_written",
        ),
        _masked_is_told,
    ),
    Safeguard(
        "block table",
        "a block never writes anywhere",
        "sync/plan/tables.py::BLOCK",
        (f"{PLAN}::test_each_table_is_complete", f"{PLAN}::test_a_block_never_writes_anywhere"),
        _blocks_delete,
    ),
    Safeguard(
        "own fields",
        "a participant's link carries his own fields alone",
        "sync/plan/flows.py::flows_of",
        (f"{OTHERS}::test_a_participant_who_syncs_does_not_become_the_organiser",),
        _participants_carry_content,
    ),
    Safeguard(
        "own deletion",
        "a participant's deletion concerns him alone",
        "sync/plan/tables.py::EXPORT_PARTICIPANT",
        (f"{OTHERS}::test_a_participants_deletion_concerns_him_alone",),
        _participants_delete,
    ),
    Safeguard(
        "edit beats deletion",
        "what was edited is not deleted by the other side",
        "sync/plan/tables.py::EXPORT_ORGANISED, CONVERTED_FULL",
        (f"{PLAN}::test_the_tables", f"{RACES}::test_an_occurrence_edited_in_between_keeps_its_series_from_deletion"),
        _edits_do_not_count,
    ),
    Safeguard(
        "loop counter",
        "three automatic writes without a user's edit park the link",
        "sync/plan/decide.py::MOST_AUTOMATIC",
        (f"{PLAN}::test_three_automatic_writes_park_the_link",),
        _no_loop_counter,
    ),
    Safeguard(
        "echo of blocks",
        "what comes back unchanged is not shown anew",
        "sync/diff.py::Reader, engine/steps/one_pass.py::digest_found",
        (f"{RACES}::test_what_is_read_anew_without_a_change_is_no_news",),
        _every_block_is_news,
    ),
    Safeguard(
        "echo of writes",
        "what the service made of our write is kept beside what we wrote",
        "sync/outcome.py::_differs",
        (
            "tests/providers/passes/test_pass.py::test_a_hostile_echo_is_written_to_once",
            f"{RACES}::test_a_server_that_rewrites_our_text_is_not_corrected",
        ),
        _no_reply_is_kept,
    ),
    Safeguard(
        "announced deletions",
        "a deletion that others would hear of waits for its owner",
        "sync/plan/decide.py::invites_others",
        (f"{MAIL}::test_a_deletion_that_others_would_hear_of_waits_for_its_owner",),
        _would_mail_is_not_held,
    ),
    Safeguard(
        "attendees",
        "attendees are never written",
        "sync/plan/flows.py::flows_of",
        (f"{PLAN}::test_attendees_never_flow", f"{MAIL}::test_a_copy_names_no_participants"),
        _attendees_flow,
    ),
    Safeguard(
        "bound approval",
        "what was not in the approved plan is asked again",
        "engine/acts/preview.py::bound",
        (
            "tests/engine/acts/test_preview.py::test_what_was_not_shown_is_asked_again",
            "tests/engine/acts/test_preview.py::test_a_run_that_takes_over_is_bound_to_the_plan_too",
        ),
        _approval_binds_nothing,
    ),
    Safeguard(
        "invitations",
        "nobody is asked to a copy unless its owner switched it on and the service can be silent",
        "sync/plan/flows.py::_asks",
        (
            "tests/sync/test_guests.py::test_nobody_is_asked",
            "tests/regressions/mailed/test_invitations.py::test_only_where_it_is_switched_on_and_the_service_can_be_silent",
        ),
        _everybody_is_asked,
    ),
    Safeguard(
        "let go as one of many",
        "what guests would be told of is asked about, although it was let go with many others",
        "sync/plan/decided.py::as_decided",
        (f"{APPROVED}::test_what_was_let_go_as_one_of_many_is_asked_about_when_guests_would_be_told",),
        _all_is_let_go,
    ),
    Safeguard(
        "names of questions",
        "an answer from an old page counts for no other question",
        "engine/steps/written.py::held_id",
        (f"{APPROVED}::test_an_answer_from_an_old_page_counts_for_no_other_question",),
        _one_name_for_two_questions,
    ),
    Safeguard(
        "known invitations",
        "an invitation to another user's event takes the place of the copy",
        "engine/steps/pull/reading.py::_meetings",
        (
            "tests/regressions/mailed/test_invitations.py::test_an_invitation_that_arrives_takes_the_place_of_the_guests_copy",
        ),
        _invitations_are_strangers,
    ),
    Safeguard(
        "plan in force",
        "an approved plan binds until a pass has carried it out, whichever run that is",
        "engine/acts/preview.py::in_force",
        ("tests/engine/acts/test_preview.py::test_a_run_that_takes_over_is_bound_to_the_plan_too",),
        _plan_dies_with_its_run,
    ),
    Safeguard(
        "status of an occurrence",
        "what would cancel an occurrence at the service is never written there",
        "sync/merge/cells.py::OverrideFieldCell",
        ("tests/sync/test_merge.py::test_a_status_of_an_occurrence_never_goes_out",),
        _status_of_an_occurrence_flows,
    ),
    Safeguard(
        "copies left behind",
        "copies that wait to be removed are known again when their account is back",
        "engine/steps/plan/adopting.py::take_up",
        (f"{LEFT}::test_who_comes_back_finds_each_event_once", f"{LEFT}::test_it_is_removed_where_it_was_moved_to"),
        _nobody_left_anything,
    ),
    Safeguard(
        "read is not agreed",
        "what was read in a copy and has not come here is no word of ours",
        "engine/acts/chosen/left.py::last_seen",
        (f"{ALONE}::test_another_target_leaves_it",),
        _what_was_read_is_ours,
    ),
    Safeguard(
        "differs on purpose",
        "a copy that shows what the event here does not is not deleted with the others",
        "engine/acts/chosen/left.py::disputed",
        (f"{ALONE}::test_disconnecting_with_the_copies_leaves_it",),
        _nothing_differs_on_purpose,
    ),
    Safeguard(
        "undo at rest",
        "what a run wrote over is kept, also where nobody had read it for that",
        "engine/steps/written.py::_remote_before",
        (f"{AT_REST}::test_what_a_run_did_to_a_copy_at_rest_is_taken_back",),
        _rest_keeps_nothing,
    ),
    Safeguard(
        "blocks of sources",
        "an undone conversion is a block only where its calendar is a source",
        "engine/acts/convert.py::_shows_blocks",
        (f"{UNTICKED}::test_no_block_is_left_and_it_is_one_when_its_calendar_is_ticked_again",),
        _every_calendar_shows_blocks,
    ),
    Safeguard(
        "finished once",
        "a conversion, or its undo, that somebody else has finished while the host was asked is not written again",
        "engine/acts/convert.py::_is_open",
        (
            f"{UNDONE}::test_a_pass_runs_while_the_host_is_asked",
            f"{UNDONE}::test_she_disconnects_while_the_event_is_made_visible",
        ),
        _nobody_was_faster,
    ),
    Safeguard(
        "agreed is not shown",
        "a block that is made of what was agreed is asked for where the service showed something else",
        "engine/acts/convert.py::_as_looked_at",
        (f"{UNDONE}::test_the_block_shows_what_the_service_shows_while_a_clash_waits",),
        _agreed_is_shown,
    ),
    Safeguard(
        "who took part",
        "whoever takes part in an event that was changed, or made grey again, is due at once",
        "engine/others.py::wake_others",
        (
            "tests/regressions/shown/test_attack_undone_and_told.py::test_whoever_took_part_is_due_at_once",
            "tests/regressions/mailed/test_participants.py::test_a_conflict_that_is_turned_makes_the_others_due",
        ),
        _nobody_else_is_woken,
    ),
)
