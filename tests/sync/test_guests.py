"""Guests: who takes part here is asked to the copy too, where the owner has switched that on; never the other way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from marketplace_plugin.model.change import Found, HostGone
from marketplace_plugin.model.event import UNKNOWN, Attendee, Event, Response
from marketplace_plugin.model.write import Applied
from marketplace_plugin.sync.link import Link, LinkKind, LinkState
from marketplace_plugin.sync.merge.guests import guests_of
from marketplace_plugin.sync.merge.three_way import Policy
from marketplace_plugin.sync.outcome import after
from marketplace_plugin.sync.plan.decide import decide
from marketplace_plugin.sync.plan.flows import Place, flows_of, outgoing
from marketplace_plugin.sync.plan.step import Case, Step
from marketplace_plugin.sync.plan.tables import Action
from marketplace_plugin.sync.reason import Reason
from tests.sync.made import ALL, BASE, PLACE, Access, found, host, link

ON = Place(replace(ALL, invites=True), invites=True)
EVE, TOM, IDA = (Attendee(f"{name}@elsewhere.example", name.title()) for name in ("eve", "tom", "ida"))


def with_guests(*guests: Attendee, **more: Any) -> Event:
    return replace(BASE, attendees=guests, **more)


def decided(subject: Link, here: Any = None, there: Any = None, place: Place = ON) -> Step:
    return decide(Case(subject, here, there), place, Policy.NEWEST)


def sent(step: Step) -> tuple[Attendee, ...]:
    assert step.action is Action.MERGE
    assert step.merged is not None
    assert step.merged.to_remote == {"attendees"}
    return guests_of(step.merged.remote)


def done(step: Step, reply: Event) -> Link:
    """The link after the service took the write."""
    assert step.merged is not None
    shown = found(reply, revision="3")
    ended = after(step, Applied("op", "r", shown.revision, shown), None, lambda item: repr(item))
    assert ended is not None
    return ended


@pytest.mark.parametrize(
    "subject,place",
    [
        (link(), PLACE),
        (link(), replace(ON, capabilities=replace(ALL, invites=False))),
        (link(), replace(ON, capabilities=replace(ALL, invites=True, silent=False))),
        (link(), replace(ON, writable=False)),
        (link(organised=False), ON),
        (link(access=Access.ATTENDEE), ON),
        (link(LinkKind.CONVERTED), ON),
        (link(LinkKind.MIRROR), ON),
        (link(LinkKind.BLOCK), ON),
    ],
    ids=["off", "cannot", "loud", "read-only", "participant", "invitation", "converted", "mirror", "block"],
)
def test_nobody_is_asked(subject: Link, place: Place) -> None:
    assert not flows_of(subject, place).guests
    if subject.kind is not LinkKind.BLOCK:
        assert not decided(subject, host(with_guests(EVE), organised=subject.organised), None, place).pushes


def test_who_takes_part_here_is_asked_by_name_and_address_alone() -> None:
    accepted = replace(EVE, response=Response.ACCEPTED, optional=True)
    assert sent(decided(link(), host(with_guests(accepted)))) == (replace(EVE, optional=True),)


def test_a_new_copy_is_made_without_guests_who_follow_when_it_stands() -> None:
    born = link(remote_id=None, remote=None, host=None, base=None, remote_base=None, state=LinkState.PENDING)
    item = with_guests(EVE)
    step = decided(born, host(item))
    assert (step.action, step.then) == (Action.CREATE_REMOTE, Reason.GUESTS)
    copy = outgoing(item, ON, born)
    assert isinstance(copy, Event)
    assert copy.attendees == ()
    shown = found(copy)
    made = after(step, Applied("op", "r", shown.revision, shown), None, lambda item: repr(item))
    assert made is not None
    assert (made.state, made.reason) == (LinkState.PARKED, Reason.GUESTS)
    assert sent(decided(made, host(item))) == (EVE,)


def test_copies_that_stood_before_the_switch_get_theirs_and_then_nothing_is_left() -> None:
    before = link(base=with_guests(EVE))
    step = decided(before, host(with_guests(EVE), version=1))
    assert step.reason is Reason.GUESTS
    assert sent(step) == (EVE,)
    settled = done(step, with_guests(EVE))
    assert decided(settled, host(with_guests(EVE), version=1)).action is Action.NOTHING


def test_answers_there_stay_and_are_no_news() -> None:
    both = link(base=with_guests(EVE), remote_base=with_guests(EVE))
    answered = found(with_guests(replace(EVE, response=Response.ACCEPTED)))
    assert decided(both, None, answered).action is Action.NOTHING
    joined = decided(both, host(with_guests(EVE, TOM)), answered)
    assert sent(joined) == (replace(EVE, response=Response.ACCEPTED), TOM)


def test_an_answer_here_is_given_for_nobody_there() -> None:
    both = link(base=with_guests(EVE), remote_base=with_guests(EVE))
    assert decided(both, host(with_guests(replace(EVE, response=Response.DECLINED)))).action is Action.NOTHING


def test_who_is_taken_out_here_is_taken_out_there_and_nobody_else() -> None:
    both = link(base=with_guests(EVE, TOM), remote_base=with_guests(EVE, TOM, IDA))
    step = decided(both, host(with_guests(EVE)))
    assert sent(step) == (EVE, IDA)
    assert decided(done(step, with_guests(EVE, IDA)), host(with_guests(EVE))).action is Action.NOTHING


def test_who_was_taken_out_there_is_not_asked_again() -> None:
    both = link(base=with_guests(EVE, TOM), remote_base=with_guests(EVE, TOM))
    step = decided(both, host(with_guests(EVE, TOM), version=1), found(with_guests(EVE)))
    assert step.action is Action.NOTHING
    seen = after(step, None, None, lambda item: repr(item))
    assert seen is not None
    assert decided(seen, host(with_guests(EVE, TOM), version=1)).action is Action.NOTHING
    assert sent(decided(seen, host(with_guests(EVE, TOM, IDA)), found(with_guests(EVE)))) == (EVE, IDA)


def test_a_write_that_was_not_done_stays_to_do() -> None:
    both = link(base=with_guests(EVE), remote_base=with_guests(EVE))
    step = decided(both, host(with_guests(TOM)))
    assert sent(step) == (TOM,)
    parked = after(step, None, None, lambda item: repr(item))
    assert parked is not None
    assert sent(decided(parked, host(with_guests(TOM)))) == (TOM,)


def test_switched_off_again_they_stay_as_they_are_there() -> None:
    both = link(base=with_guests(EVE, TOM), remote_base=with_guests(EVE, TOM))
    off = decided(both, host(with_guests(EVE, title="renamed")), None, PLACE)
    assert off.merged is not None
    assert off.merged.to_remote == {"title"}
    assert isinstance(off.merged.remote, Event)
    assert off.merged.remote.attendees == (EVE, TOM)


def test_masked_guests_are_not_written_over() -> None:
    masked: Found = found(replace(BASE, attendees=UNKNOWN))
    assert not decided(link(), host(with_guests(EVE)), masked).pushes


def test_to_delete_what_has_guests_is_an_act_of_its_own() -> None:
    step = decided(link(remote_base=with_guests(EVE)), HostGone("h"))
    assert (step.action, step.reason) == (Action.PARK, Reason.WOULD_MAIL)


def test_a_service_that_drops_an_address_is_asked_three_times_and_no_more() -> None:
    subject, here = link(base=with_guests(EVE)), host(with_guests(EVE), version=1)
    for _ in range(3):
        subject = done(decided(subject, here), BASE)
    assert (decided(subject, here).action, decided(subject, here).reason) == (Action.PARK, Reason.LOOP)
