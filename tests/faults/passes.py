"""Safeguards of the pass: what keeps it from losing, doubling and overtaking itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from tests.faults.missed import siblings_count_as_read
from tests.faults.taking import Safeguard, swap, swap_method

DELETIONS = "tests/regressions/lost/test_deletions.py"
ANSWERS = "tests/regressions/doubled/test_lost_answers.py"
DOUBLES = "tests/regressions/doubled/test_doubles.py"
TROUBLE = "tests/regressions/stopped/test_trouble.py"
POSITIONS = "tests/regressions/lost/test_attack_host_positions.py"
RACES = "tests/regressions/doubled/test_races.py"
RESTORED = "tests/regressions/lost/test_attack_restored.py"
BEGUN = "tests/regressions/doubled/test_attack_begun.py"
LEASE = "tests/regressions/lost/test_attack_lost_lease.py"


def _no_stamps() -> None:
    from marketplace_plugin.engine.steps import settle

    def look_up(_p: Any, _collection: str, creates: Sequence[Any]) -> Iterator[tuple[Any, Sequence[Any]]]:
        for one in creates:
            yield one, ()

    swap(settle._look_up, look_up)


def _hasty_cursor() -> None:
    from marketplace_plugin.engine.steps.pull import reading
    from marketplace_plugin.store import collections, rounds

    read = reading._read

    def hasty(p: Any, row: Any, *since: Any) -> Any:
        done = read(p, row, *since)
        if done.complete:
            with p.write() as unit:
                read_to = replace(p.collections[row.remote_id], cursor=p.cursors[row.remote_id], read_at=p.now)
                collections.set_progress(unit.connection, [replace(read_to, round=None, checkpoint=None)])
                rounds.drop(unit.connection, p.connection.id, row.remote_id)
        return done

    swap(read, hasty)


def _hasty_position() -> None:
    from marketplace_plugin.engine.steps import host_side
    from marketplace_plugin.store import host_positions

    told = host_side.changes

    def hasty(p: Any) -> Any:
        changed, reached = told(p)
        with p.write() as unit:
            for kind, position in reached.items():
                host_positions.put(unit.connection, p.connection.id, kind, position)
        return changed, reached

    swap(told, hasty)


def _no_fence() -> None:
    from marketplace_plugin.store import leases

    swap(leases.check_fence, lambda *_: None)


def _no_intents() -> None:
    from marketplace_plugin.engine.steps import push

    swap(push._intents, lambda *_: [])


def _no_settling() -> None:
    from marketplace_plugin.engine.steps import settle

    swap(settle.settle, lambda _p: settle.Settled())


def _half_a_round() -> None:
    from marketplace_plugin.engine.steps.pull import reading
    from marketplace_plugin.errors import ProviderError
    from marketplace_plugin.store import collections, rounds

    whole = reading._pull

    def half(p: Any, row: Any, *refused: Any) -> Any:
        failed = dict(p.errors)
        done = whole(p, row, *refused)
        if done.complete or p.errors == failed:
            return done
        with p.engine.store.read() as c:
            now = collections.get(c, p.connection.id, row.remote_id)
        if now is None or now.round is None:
            return done
        try:
            reading._question(p, row, now.round, now.checkpoint, None, p.window(row))
        except ProviderError:
            return done
        with p.engine.store.read() as c:
            return reading.Round(tuple(rounds.waiting(c, p.connection.id, row.remote_id, now.round)), complete=False)

    swap(whole, half)
    siblings_count_as_read()  # it holds the same deletions back a second time


def _links_of_others_do_not_count() -> None:
    from marketplace_plugin.engine.steps import recall
    from marketplace_plugin.store import links
    from marketplace_plugin.sync.link import LinkKind

    by_host = links.by_host
    join = recall._join

    def own(c: Any, user: str, kind: Any, refs: Any) -> dict[str, list[Any]]:
        found = by_host(c, user, kind, refs)
        return {ref: [k for k in known if k.kind is not LinkKind.CONVERTED] for ref, known in found.items()}

    def blind(*arguments: Any) -> None:
        links.by_host = own
        try:
            join(*arguments)
        finally:
            links.by_host = by_host

    swap(join, blind)
    _no_unique_export()


def _no_unique_export() -> None:
    from sqlalchemy import text

    from marketplace_plugin.store import Store

    opened = Store.open

    def without_index(url: str, keys: Any) -> Any:
        store = opened(url, keys)
        with store.begin() as unit:
            unit.connection.execute(text("DROP INDEX IF EXISTS uq_marketplace_link_host"))
        return store

    swap_method(Store, "open", staticmethod(without_index))


def _no_unseen_edit() -> None:
    from marketplace_plugin.providers.memory.account import MemoryAccount

    expect = MemoryAccount._expect

    def trusting(account: MemoryAccount, collection: str, item: str, _expected: Any, names: frozenset[str]) -> Any:
        return expect(account, collection, item, account.revision(account.record(collection, item)), names)

    swap_method(MemoryAccount, "_expect", trusting)


def _a_beginning_tells_all() -> None:
    from marketplace_plugin.store.work import links

    swap(links.refs, lambda *_: [])


def _answers_are_believed() -> None:
    from marketplace_plugin.engine.steps import commit

    swap(commit._may_be_there, lambda _outcome: False)


def _what_we_deleted_was_her_wish() -> None:
    from marketplace_plugin.engine.steps import recall

    swap(recall._deleted_by_us, lambda *_: {})


def _what_was_begun_is_forgotten() -> None:
    from marketplace_plugin.engine.acts.chosen import begun

    swap(begun.finish, lambda *_: None)


def _no_fence_before_the_host() -> None:
    from marketplace_plugin.engine.steps.one_pass import Pass

    swap_method(Pass, "still_ours", lambda _p: None)


PASSES = (
    Safeguard(
        "precondition",
        "a write counts only over the revision that was merged",
        "providers/memory/account.py::_expect",
        (f"{RACES}::test_an_edit_in_between_is_not_overwritten",),
        _no_unseen_edit,
    ),
    Safeguard(
        "adoption by stamp",
        "a create whose answer was lost is looked up before it is repeated",
        "engine/steps/settle.py::_look_up",
        (f"{DOUBLES}::test_a_lost_answer_is_looked_up_though_the_service_lists_it_late",),
        _no_stamps,
    ),
    Safeguard(
        "cursor with links",
        "a cursor commits with the links of its round",
        "engine/steps/commit.py::_positions",
        (f"{DELETIONS}::test_a_crash_after_reading_loses_nothing_of_what_was_read",),
        _hasty_cursor,
    ),
    Safeguard(
        "position with links",
        "the host's position commits with what was decided on it",
        "engine/steps/commit.py::_positions",
        (f"{TROUBLE}::test_what_the_host_told_before_it_failed_is_told_again",),
        _hasty_position,
    ),
    Safeguard(
        "fencing token",
        "a worker that was overtaken writes nothing",
        "store/accounts/leases.py::check_fence",
        (
            f"{RACES}::test_a_worker_that_was_overtaken_writes_nothing",
            "tests/store/test_leases.py::test_a_late_worker_cannot_commit_beside_the_new_one",
        ),
        _no_fence,
    ),
    Safeguard(
        "fence before the host",
        "a worker that was overtaken writes nothing to a host with a database of its own",
        "engine/steps/one_pass.py::still_ours",
        (f"{LEASE}::test_a_worker_that_lost_its_lease_in_its_last_push_writes_nothing_here",),
        _no_fence_before_the_host,
    ),
    Safeguard(
        "what was begun",
        "who disconnects has the host asked first what became of what was begun in it",
        "engine/acts/chosen/begun.py::finish",
        (
            f"{BEGUN}::test_who_comes_back_finds_one_copy",
            f"{BEGUN}::test_what_was_just_made_visible_is_known_to_who_comes_back",
        ),
        _what_was_begun_is_forgotten,
    ),
    Safeguard(
        "our own deletion",
        "what we deleted here ourselves is no wish of the user",
        "engine/steps/recall.py::_deleted_by_us",
        (f"{RESTORED}::test_what_she_restored_there_while_a_pass_died_stands_on_both_sides",),
        _what_we_deleted_was_her_wish,
    ),
    Safeguard(
        "intents first",
        "what will be pushed is committed before it is sent",
        "engine/steps/push.py::_intents",
        (f"{RACES}::test_a_crash_after_the_host_wrote_makes_no_second_event",),
        _no_intents,
    ),
    Safeguard(
        "settling",
        "open intents are settled before anything else",
        "engine/steps/settle.py::settle",
        (f"{RACES}::test_a_crash_after_the_host_wrote_makes_no_second_event",),
        _no_settling,
    ),
    Safeguard(
        "complete round",
        "nothing is concluded from a round that broke off",
        "engine/steps/pull/reading.py::_pull",
        (f"{DELETIONS}::test_nothing_is_concluded_from_half_a_round",),
        _half_a_round,
    ),
    Safeguard(
        "one export",
        "an event with a live link of the user is not exported again",
        "engine/steps/recall.py::_join",
        (f"{DOUBLES}::test_what_one_connection_brought_is_not_written_into_the_other",),
        _links_of_others_do_not_count,
    ),
    Safeguard(
        "one export in the store",
        "two live links of one event are refused by the database",
        "store/tables.py::uq_marketplace_link_host",
        ("tests/store/test_work.py::test_one_export_per_user_and_host_item",),
        _no_unique_export,
    ),
    Safeguard(
        "not now",
        "what may have been made although the answer says otherwise is looked up before it is made again",
        "engine/steps/commit.py::_may_be_there",
        (f"{ANSWERS}::test_such_a_copy_is_ours_wherever_it_was_moved_since",),
        _answers_are_believed,
    ),
    Safeguard(
        "read from the beginning",
        "a host that is read from its beginning is asked for what is tied and it did not tell of",
        "engine/steps/host_side.py::changes",
        (
            f"{POSITIONS}::test_between_the_plan_and_its_approval_it_is_asked",
            f"{POSITIONS}::test_a_converted_event_before_another_target_is_chosen",
        ),
        _a_beginning_tells_all,
    ),
)
