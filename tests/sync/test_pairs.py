"""Contacts and tasks, cell by cell: entries of lists, what one side alone tells, what a lost answer leaves agreed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_plugin.model.change import Found, HostItem, Revision
from marketplace_plugin.model.collection import Capabilities
from marketplace_plugin.model.contact import Contact, Labelled, PostalAddress
from marketplace_plugin.model.form.canonical import CONTACT_FIELDS, TASK_FIELDS, same
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.task import Task, TaskStatus
from marketplace_plugin.model.time import Timed, Zoned
from marketplace_plugin.sync.link import Link, LinkKind
from marketplace_plugin.sync.merge.cells import Parts, cells, named
from marketplace_plugin.sync.merge.three_way import Base, Flows, Policy, Showing, merge
from marketplace_plugin.sync.plan.flows import Place
from marketplace_plugin.sync.plan.pairs import as_said, united
from marketplace_plugin.sync.plan.step import Step
from tests.model import strategies

FLOWS = Flows(CONTACT_FIELDS, CONTACT_FIELDS)
ADA = Contact(given_name="Ada", emails=(Labelled("work", "a@king.example"),), phones=(Labelled("work", "+49 911 1"),))


def mails(*values: str, label: str = "work") -> tuple[Labelled, ...]:
    return tuple(Labelled(label, value) for value in values)


def merged(host: Contact, remote: Contact, base: Contact = ADA, policy: Policy = Policy.NEWEST) -> Any:
    return merge(Base(base, base), Showing(host), Showing(remote), FLOWS, policy)


def test_both_add_to_a_list() -> None:
    result = merged(
        replace(ADA, emails=mails("a@king.example", "b@king.example")),
        replace(ADA, emails=mails("c@king.example", "a@king.example")),
    )
    assert {e.value for e in result.host.emails} == {"a@king.example", "b@king.example", "c@king.example"}
    assert same(result.host, result.remote)
    assert (result.to_host, result.to_remote, result.clashes) == ({"emails"}, {"emails"}, ())


def test_one_takes_an_address_away_and_the_other_adds_one() -> None:
    result = merged(replace(ADA, emails=()), replace(ADA, emails=mails("a@king.example", "b@king.example")))
    assert result.host.emails == result.remote.emails == mails("b@king.example")


@pytest.mark.parametrize("policy", Policy)
def test_a_label_is_no_conflict_and_an_address_is_never_lost(policy: Policy) -> None:
    relabelled = replace(ADA, emails=mails("a@king.example", label="home"))
    for host, remote in ((replace(ADA, emails=()), relabelled), (relabelled, replace(ADA, emails=()))):
        result = merged(host, remote, policy=policy)
        assert result.host.emails == result.remote.emails == relabelled.emails
        assert result.clashes == ()
    other = replace(ADA, emails=mails("a@king.example", label="other"))
    result = merged(relabelled, other, policy=policy)
    assert result.host.emails == result.remote.emails == relabelled.emails


def test_a_number_written_in_another_way_is_no_change() -> None:
    result = merged(ADA, replace(ADA, phones=(Labelled("work", "0049 (911) 1"),)))
    assert (result.to_host, result.to_remote) == (frozenset(), frozenset())


def test_addresses_clash_by_their_place_and_their_names_tell_nothing() -> None:
    base = replace(ADA, addresses=(PostalAddress(label="Omas Haus", city="Fürth"),))
    result = merged(
        replace(base, addresses=(PostalAddress(label="Omas Haus", city="Erlangen"),)),
        replace(base, addresses=(PostalAddress(label="Omas Haus", city="Bamberg"),)),
        base,
        Policy.ASK,
    )
    (clash,) = result.clashes
    assert clash.cell == "addresses/-"
    assert named(clash.cell, CONTACT_FIELDS).get(Parts.of(base)) == base.addresses


@given(strategies.contacts, strategies.contacts, strategies.contacts, st.sampled_from(Policy))
def test_no_conflict_is_named_after_what_is_in_it(
    base: Contact, host: Contact, remote: Contact, policy: Policy
) -> None:
    result = merged(host, remote, base, policy)
    assert all(clash.cell.partition("/")[2] in ("", "work", "home") for clash in result.clashes)


@given(strategies.contacts, strategies.contacts, strategies.contacts)
def test_equal_after_it_and_a_second_time_finds_nothing(base: Contact, host: Contact, remote: Contact) -> None:
    result = merged(host, remote, base)
    assert same(result.host, result.remote)
    again = merged(result.host, result.remote, result.host)
    assert (again.to_host, again.to_remote) == (frozenset(), frozenset())


@given(strategies.contacts)
def test_each_cell_gives_back_what_was_put(contact: Contact) -> None:
    parts, blank = Parts.of(contact), Parts.of(Contact())
    for cell in cells([parts, blank], CONTACT_FIELDS):
        blank = cell.put(blank, cell.get(parts), CONTACT_FIELDS)
    assert same(blank.item(), contact)


def unite(host: Contact | Task, found: Contact | Task) -> Step:
    kind, fields = (Kind.CONTACT, CONTACT_FIELDS) if isinstance(host, Contact) else (Kind.TASK, TASK_FIELDS)
    link = Link("l", LinkKind.PAIR, "ada", "c", "book", "r", kind, None)
    place = Place(Capabilities(fields))
    return united(link, HostItem("h", 3, host), Found("r", Revision("1"), found), place, Policy.NEWEST)


def test_two_become_one_and_neither_is_overwritten() -> None:
    step = unite(replace(ADA, notes="hier", company="A"), replace(ADA, birthday=date(1815, 12, 10), company="B"))
    assert step.merged is not None
    host, remote = step.merged.host, step.merged.remote
    assert isinstance(host, Contact)
    assert isinstance(remote, Contact)
    assert (host.birthday, remote.notes) == (date(1815, 12, 10), "hier")
    assert (host.company, remote.company) == ("A", "B")
    assert [clash.cell for clash in step.clashes] == ["company"]


def test_a_lost_answer_counts_what_was_sent_and_whatever_else_is_there_is_news() -> None:
    sent = replace(ADA, notes="hier", emails=mails("a@x.example", "b@x.example", "c@x.example"))
    found = replace(sent, notes="dort geändert", emails=mails("a@x.example", "new@x.example"), company="dort")
    said = as_said(sent, found)
    assert isinstance(said, Contact)
    assert said.notes == "hier"
    assert said.company == ""
    assert said.emails == mails("a@x.example"), "an entry that is missing may have had no room"
    clock = Timed(Zoned(datetime(2026, 3, 10, 9), "Europe/Berlin"), Zoned(datetime(2026, 3, 10, 10), "Europe/Berlin"))  # noqa: DTZ001 - wall times
    told = as_said(Task(title="x", due=clock, status=TaskStatus.WAITING), Task(title="anders", due=date(2026, 3, 11)))
    assert told == Task(title="x", due=date(2026, 3, 10))
