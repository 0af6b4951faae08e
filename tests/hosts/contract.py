"""What every host module must do. A host's test inherits ``HostModuleContract`` and says how to reach the host.

The suite drives calendars; a host without a database transaction of ours sets ``unit`` to a context that gives None.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from marketplace_plugin.model.change import HostGone, HostItem
from marketplace_plugin.model.event import UNKNOWN, Attendee, Event, Override, Response, Series, ShowAs
from marketplace_plugin.model.form.canonical import same
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.task import Call, Task
from marketplace_plugin.model.time import AllDay, Timed
from marketplace_plugin.model.write import (
    HostApplied,
    HostCreate,
    HostDelete,
    HostMissing,
    HostRefused,
    HostStale,
    HostUpdate,
    RefusedCode,
)
from tests.hosts.hosting import (
    Hosting,
    apply,
    at,
    current,
    daily,
    event_of,
    meeting,
    module_of,
    read,
    replace_event,
    title_of,
    update,
)


class HostModuleContract:
    """Inherit it and give a fixture ``hosting``."""

    @pytest.fixture
    def hosting(self) -> Hosting:
        raise NotImplementedError

    # ---- reading ----------------------------------------------------------------------------------------------

    def test_everything_comes_without_a_cursor_and_nothing_after(self, hosting: Hosting) -> None:
        refs = {hosting.create(hosting.organiser, meeting(str(n))) for n in range(3)}
        changes, cursor = read(hosting, hosting.organiser)
        assert {change.ref for change in changes} == refs
        assert all(isinstance(change, HostItem) for change in changes)
        again, cursor = read(hosting, hosting.organiser, cursor)
        assert again == []

    def test_each_ref_once_with_its_newest_state_oldest_change_first(self, hosting: Hosting) -> None:
        first = hosting.create(hosting.organiser, meeting("eins"))
        second = hosting.create(hosting.organiser, meeting("zwei"))
        _, cursor = read(hosting, hosting.organiser)
        hosting.edit(hosting.organiser, first, title="eins a")
        hosting.edit(hosting.organiser, second, title="zwei a")
        hosting.edit(hosting.organiser, first, title="eins b")
        changes, _ = read(hosting, hosting.organiser, cursor)
        assert [(c.ref, title_of(c)) for c in changes] == [(second, "zwei a"), (first, "eins b")]

    def test_pages_lose_nothing(self, hosting: Hosting) -> None:
        refs = [hosting.create(hosting.organiser, meeting(str(n))) for n in range(5)]
        module = hosting.host.modules[Kind.EVENT]
        page = module.changes(hosting.organiser, None, 2)
        assert len(page.changes) <= 2
        assert page.more
        hosting.edit(hosting.organiser, refs[0], title="inzwischen")
        rest, _ = read(hosting, hosting.organiser, page.cursor, limit=2)
        seen = {c.ref: title_of(c) for c in [*page.changes, *rest]}
        assert set(seen) == set(refs)
        assert seen[refs[0]] == "inzwischen"

    def test_a_deletion_is_told(self, hosting: Hosting) -> None:
        ref = hosting.create(hosting.organiser, meeting())
        _, cursor = read(hosting, hosting.organiser)
        hosting.delete(hosting.organiser, ref)
        (gone,), _ = read(hosting, hosting.organiser, cursor)
        assert isinstance(gone, HostGone)
        assert not gone.withdrawn
        changes, _ = read(hosting, hosting.organiser)
        assert changes == []

    def test_get_answers_in_the_order_asked(self, hosting: Hosting) -> None:
        first = hosting.create(hosting.organiser, meeting("eins"))
        second = hosting.create(hosting.organiser, meeting("zwei"))
        hosting.delete(hosting.organiser, first)
        module = hosting.host.modules[Kind.EVENT]
        gone, item, unknown = module.get(hosting.organiser, [first, second, "no-such-ref"])
        assert isinstance(gone, HostGone)
        assert isinstance(item, HostItem)
        assert item.ref == second
        assert isinstance(unknown, HostGone)

    @pytest.mark.parametrize(
        "item",
        [
            meeting(description="Zeile 1\nZeile 2", location="Raum 4", reminder=10),
            Event(when=AllDay(date(2026, 11, 23), date(2026, 11, 26)), title="Messe"),
            Event(when=Timed(at(23, 22), at(25, 6)), title="Nachtzug"),
            daily("Stand-up", Override(at(24, 9), meeting("verlegt", 24, 15)), Override(at(25, 9), None)),
            Series(
                Event(when=AllDay(date(2026, 11, 23), date(2026, 11, 24)), title="Urlaub"),
                RecurrenceRule.parse("FREQ=WEEKLY;COUNT=4"),
                (Override(date(2026, 11, 30), None),),
            ),
        ],
        ids=["plain", "all-day", "overnight", "series", "all-day-series"],
    )
    def test_items_are_held_exactly(self, hosting: Hosting, item: Item) -> None:
        (made,) = apply(hosting, HostCreate("op-1", item))
        assert isinstance(made, HostApplied)
        assert made.stored is not None
        assert same(made.stored.item, item)
        ref = hosting.create(hosting.organiser, item)
        assert same(current(hosting, ref).item, item)

    def test_tasks_and_calls_have_modules_of_their_own(self, hosting: Hosting) -> None:
        task = hosting.create(hosting.organiser, Task(title="Angebot", due=date(2026, 11, 24)), kind=Kind.TASK)
        call = hosting.create(
            hosting.organiser, Call(title="Rückruf", when=Timed(at(23, 10), at(23, 11))), kind=Kind.CALL
        )
        for kind, ref in ((Kind.TASK, task), (Kind.CALL, call)):
            (found,) = hosting.host.modules[kind].changes(hosting.organiser, None, 10).changes
            assert found.ref == ref
            assert hosting.host.modules[kind].kind is kind
        assert read(hosting, hosting.organiser)[0] == []

    # ---- several persons --------------------------------------------------------------------------------------

    def test_a_guest_sees_it_with_his_own_response(self, hosting: Hosting) -> None:
        ref = hosting.create(hosting.organiser, meeting(), [hosting.guest])
        mine, his = current(hosting, ref), current(hosting, ref, hosting.guest)
        assert mine.organised
        assert not his.organised
        assert event_of(mine).organizer is None
        assert event_of(his).organizer is not None
        assert event_of(his).response is Response.NEEDS_ACTION
        hosting.respond(hosting.guest, ref, Response.ACCEPTED)
        assert event_of(current(hosting, ref, hosting.guest)).response is Response.ACCEPTED
        attendees = event_of(current(hosting, ref)).attendees
        assert attendees is not UNKNOWN
        assert [a.response for a in attendees] == [Response.ACCEPTED]

    def test_a_guests_reminder_is_his_alone(self, hosting: Hosting) -> None:
        ref = hosting.create(hosting.organiser, meeting(reminder=5), [hosting.guest])
        before = current(hosting, ref)
        his = current(hosting, ref, hosting.guest)
        (outcome,) = apply(hosting, update(his, replace_event(his.item, reminder=30), "reminder"), owner=hosting.guest)
        assert isinstance(outcome, HostApplied)
        assert event_of(current(hosting, ref, hosting.guest)).reminder == 30
        assert current(hosting, ref) == before

    def test_what_is_written_of_a_series_is_not_said_of_its_changed_occurrences(self, hosting: Hosting) -> None:
        ref = hosting.create(
            hosting.organiser, daily("Runde", Override(at(24, 9), meeting("verlegt", 24, 15))), [hosting.guest]
        )
        fields: list[tuple[str, Any]] = [("reminder", 30), ("show_as", ShowAs.FREE), ("reminder", 5)]
        for n, (name, value) in enumerate(fields):
            his = current(hosting, ref, hosting.guest)
            assert isinstance(his.item, Series)
            written = replace(his.item, master=replace(his.item.master, **{name: value}))
            write = replace(update(his, written, name), op=f"op-{n}")
            (outcome,) = apply(hosting, write, owner=hosting.guest)
            assert isinstance(outcome, HostApplied)
            assert current(hosting, ref, hosting.guest).item == written

    def test_an_answer_for_all_is_said_of_the_changed_occurrences_too(self, hosting: Hosting) -> None:
        """By himself, here: whatever a sync has written of the series alone before."""
        ref = hosting.create(
            hosting.organiser, daily("Runde", Override(at(24, 9), meeting("verlegt", 24, 15))), [hosting.guest]
        )
        his = current(hosting, ref, hosting.guest)
        assert isinstance(his.item, Series)
        apply(
            hosting,
            update(his, replace(his.item, master=replace(his.item.master, reminder=30)), "reminder"),
            owner=hosting.guest,
        )
        hosting.respond(hosting.guest, ref, Response.DECLINED)
        item = current(hosting, ref, hosting.guest).item
        assert isinstance(item, Series)
        assert [o.event and o.event.response for o in item.overrides] == [Response.DECLINED]

    def test_a_guest_cannot_write_content(self, hosting: Hosting) -> None:
        ref = hosting.create(hosting.organiser, meeting("Runde"), [hosting.guest])
        his = current(hosting, ref, hosting.guest)
        (outcome,) = apply(hosting, update(his, replace_event(his.item, title="meine"), "title"), owner=hosting.guest)
        assert outcome == HostRefused("op-u", RefusedCode.NOT_ORGANIZER)
        assert title_of(current(hosting, ref)) == "Runde"

    def test_who_is_taken_out_hears_of_it(self, hosting: Hosting) -> None:
        ref = hosting.create(hosting.organiser, meeting(), [hosting.guest])
        _, cursor = read(hosting, hosting.guest)
        hosting.invite(hosting.organiser, ref, [])
        (gone,), cursor = read(hosting, hosting.guest, cursor)
        assert isinstance(gone, HostGone)
        assert gone.withdrawn
        hosting.edit(hosting.organiser, ref, title="geheim")
        assert read(hosting, hosting.guest, cursor)[0] == []
        hosting.invite(hosting.organiser, ref, [hosting.guest])
        (back,), _ = read(hosting, hosting.guest, cursor)
        assert isinstance(back, HostItem)

    def test_a_guests_deletion_concerns_him_alone(self, hosting: Hosting) -> None:
        ref = hosting.create(hosting.organiser, meeting(), [hosting.guest])
        his = current(hosting, ref, hosting.guest)
        (outcome,) = apply(hosting, HostDelete("op-d", ref, his.version), owner=hosting.guest)
        assert isinstance(outcome, HostApplied)
        assert isinstance(hosting.host.modules[Kind.EVENT].get(hosting.guest, [ref])[0], HostGone)
        assert title_of(current(hosting, ref)) == "Runde"

    def test_the_organisers_deletion_is_everybodys(self, hosting: Hosting) -> None:
        ref = hosting.create(hosting.organiser, meeting(), [hosting.guest])
        _, cursor = read(hosting, hosting.guest)
        (outcome,) = apply(hosting, HostDelete("op-d", ref, current(hosting, ref).version))
        assert isinstance(outcome, HostApplied)
        (gone,), _ = read(hosting, hosting.guest, cursor)
        assert isinstance(gone, HostGone)

    def test_an_invitation_from_elsewhere_is_not_organised_here(self, hosting: Hosting) -> None:
        item = meeting(organizer=Attendee("boss@elsewhere.example"), response=Response.TENTATIVE)
        (made,) = apply(hosting, HostCreate("op-1", item, uids=("uid-1",)))
        assert isinstance(made, HostApplied)
        found = current(hosting, made.ref)
        assert not found.organised
        assert found.uids == ("uid-1",)
        assert event_of(found).response is Response.TENTATIVE

    # ---- writing ----------------------------------------------------------------------------------------------

    def test_a_write_is_in_the_log_under_its_op(self, hosting: Hosting) -> None:
        (made,) = apply(hosting, HostCreate("op-1", meeting()))
        assert isinstance(made, HostApplied)
        (told,), cursor = read(hosting, hosting.organiser)
        assert isinstance(told, HostItem)
        assert (told.ref, told.version, told.op) == (made.ref, made.version, "op-1")
        hosting.edit(hosting.organiser, made.ref, title="von Hand")
        (told,), cursor = read(hosting, hosting.organiser, cursor)
        assert told.op == ""
        assert told.version > made.version
        (gone,) = apply(hosting, HostDelete("op-2", made.ref, told.version))
        assert isinstance(gone, HostApplied)
        assert gone.stored is None
        (told,), _ = read(hosting, hosting.organiser, cursor)
        (stands,) = module_of(hosting).get(hosting.organiser, [made.ref])
        for gone_now in (told, stands):
            assert isinstance(gone_now, HostGone)
            assert gone_now.op == "op-2"

    def test_the_same_op_is_done_once(self, hosting: Hosting) -> None:
        create = HostCreate("op-1", meeting())
        (first,) = apply(hosting, create)
        (second,) = apply(hosting, create)
        assert isinstance(first, HostApplied)
        assert isinstance(second, HostApplied)
        assert (second.ref, second.version) == (first.ref, first.version)
        assert len(read(hosting, hosting.organiser)[0]) == 1
        change = HostUpdate("op-2", first.ref, first.version, meeting("neu"), frozenset({"title"}))
        (third,) = apply(hosting, change)
        (fourth,) = apply(hosting, change)
        assert isinstance(third, HostApplied)
        assert isinstance(fourth, HostApplied)
        assert fourth.version == third.version
        delete = HostDelete("op-3", first.ref, third.version)
        assert apply(hosting, delete) == apply(hosting, delete)

    def test_an_op_done_before_tells_what_it_made_not_what_was_edited_since(self, hosting: Hosting) -> None:
        create = HostCreate("op-1", meeting("unseres"))
        (first,) = apply(hosting, create)
        assert isinstance(first, HostApplied)
        hosting.edit(hosting.organiser, first.ref, title="von Hand")
        (again,) = apply(hosting, create)
        assert isinstance(again, HostApplied)
        assert again.version == first.version
        assert again.stored is not None
        assert again.stored.version == first.version
        assert title_of(again.stored) == "unseres"
        assert title_of(current(hosting, first.ref)) == "von Hand"

    def test_an_unseen_edit_is_never_overwritten(self, hosting: Hosting) -> None:
        ref = hosting.create(hosting.organiser, meeting())
        seen = current(hosting, ref)
        hosting.edit(hosting.organiser, ref, title="von Hand")
        stale, delete = apply(
            hosting,
            update(seen, replace_event(seen.item, title="fern"), "title"),
            HostDelete("op-d", ref, seen.version),
        )
        for outcome in (stale, delete):
            assert isinstance(outcome, HostStale)
            assert outcome.current is not None
            assert title_of(outcome.current) == "von Hand"

    def test_only_the_named_fields_are_written(self, hosting: Hosting) -> None:
        ref = hosting.create(hosting.organiser, meeting("Runde", location="Raum 1"))
        seen = current(hosting, ref)
        (outcome,) = apply(hosting, update(seen, meeting("neu", location="falsch"), "title"))
        assert isinstance(outcome, HostApplied)
        event = event_of(current(hosting, ref))
        assert (event.title, event.location) == ("neu", "Raum 1")

    def test_what_is_gone_is_missing(self, hosting: Hosting) -> None:
        ref = hosting.create(hosting.organiser, meeting())
        seen = current(hosting, ref)
        hosting.delete(hosting.organiser, ref)
        assert apply(hosting, update(seen, meeting("neu"), "title"), HostDelete("op-d", ref, seen.version)) == [
            HostMissing("op-u"),
            HostMissing("op-d"),
        ]

    def test_unknown_is_refused(self, hosting: Hosting) -> None:
        assert apply(hosting, HostCreate("op-1", meeting(location=UNKNOWN))) == [
            HostRefused("op-1", RefusedCode.INVALID)
        ]
        assert read(hosting, hosting.organiser)[0] == []

    def test_series_take_and_keep_overrides(self, hosting: Hosting) -> None:
        ref = hosting.create(hosting.organiser, daily("Stand-up", Override(at(24, 9), meeting("verlegt", 24, 15))))
        seen = current(hosting, ref)
        renamed = daily("Neu", Override(at(25, 9), None))
        (outcome,) = apply(hosting, update(seen, renamed, "title"))
        assert isinstance(outcome, HostApplied)
        kept = current(hosting, ref).item
        assert isinstance(kept, Series)
        assert kept.master.title == "Neu"
        assert [o.original for o in kept.overrides] == [at(24, 9)]
        (outcome,) = apply(hosting, replace(update(current(hosting, ref), renamed, "overrides"), op="op-2"))
        assert isinstance(outcome, HostApplied)
        kept = current(hosting, ref).item
        assert isinstance(kept, Series)
        assert kept.overrides == renamed.overrides

    def test_a_single_event_becomes_a_series_and_whole_days(self, hosting: Hosting) -> None:
        ref = hosting.create(hosting.organiser, meeting())
        (outcome,) = apply(
            hosting, update(current(hosting, ref), daily("Runde"), "type", "rule", "rdates", "overrides")
        )
        assert isinstance(outcome, HostApplied)
        assert same(current(hosting, ref).item, daily("Runde"))
        days = Event(when=AllDay(date(2026, 11, 23), date(2026, 11, 24)), title="Runde")
        (outcome,) = apply(hosting, replace(update(current(hosting, ref), days, "type", "when"), op="op-2"))
        assert isinstance(outcome, HostApplied)
        assert same(current(hosting, ref).item, days)

    def test_writes_are_done_in_order_and_one_bad_one_stops_nobody(self, hosting: Hosting) -> None:
        made, bad, also = apply(
            hosting,
            HostCreate("op-1", meeting("eins")),
            HostDelete("op-2", "no-such-ref", 1),
            HostCreate("op-3", meeting("drei")),
        )
        assert isinstance(made, HostApplied)
        assert isinstance(bad, HostMissing)
        assert isinstance(also, HostApplied)

    def test_uids_are_gathered(self, hosting: Hosting) -> None:
        (made,) = apply(hosting, HostCreate("op-1", meeting(), uids=("uid-1",)))
        assert isinstance(made, HostApplied)
        write = replace(update(current(hosting, made.ref), meeting("neu"), "title"), uids=("uid-2",))
        apply(hosting, write)
        assert set(current(hosting, made.ref).uids) == {"uid-1", "uid-2"}

    def test_apply_mails_nobody(self, hosting: Hosting) -> None:
        ref = hosting.create(hosting.organiser, meeting(), [hosting.guest])
        before = list(hosting.mails())
        seen = current(hosting, ref)
        later = replace_event(seen.item, when=Timed(at(24, 9), at(24, 10)))
        (moved,) = apply(hosting, update(seen, later, "when"))
        assert isinstance(moved, HostApplied)
        apply(hosting, HostDelete("op-d", ref, moved.version))
        assert list(hosting.mails()) == before

    def test_our_transaction_decides_where_it_is_shared(self, hosting: Hosting) -> None:
        """Rolled back with ours, or (a database of its own) done for good and recognised when it is repeated."""
        create = HostCreate("op-1", meeting())

        def break_off() -> None:
            with hosting.unit() as unit:
                module_of(hosting).apply(hosting.organiser, [create], unit)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            break_off()
        expected = 0 if hosting.host.shares_transaction else 1
        assert len(read(hosting, hosting.organiser)[0]) == expected
        (made,) = apply(hosting, create)
        assert isinstance(made, HostApplied)
        assert len(read(hosting, hosting.organiser)[0]) == 1

    # ---- people -----------------------------------------------------------------------------------------------

    def test_people(self, hosting: Hosting) -> None:
        organiser = hosting.host.person(hosting.organiser)
        assert organiser is not None
        ids = [person.id for person in hosting.host.people(organiser.tenant)]
        assert {hosting.organiser, hosting.guest} <= set(ids)
        assert hosting.host.may_see(organiser, hosting.guest)
        assert hosting.host.person("nobody") is None


# ---- steps --------------------------------------------------------------------------------------------------------
