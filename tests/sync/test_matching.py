"""Whether a contact there is one that is here: never silently where there is a doubt."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from marketplace_plugin.model.contact import Contact, Labelled
from marketplace_plugin.model.task import Task, TaskStatus
from marketplace_plugin.sync.merge.entries import digits
from marketplace_plugin.sync.merge.matching import Doubtful, Known, Match, Sure

ADA = Contact(
    given_name="Ada",
    family_name="King",
    company="Nordwerk",
    emails=(Labelled("work", "ada@nordwerk.example"),),
    phones=(Labelled("work", "+49 911 5550142"),),
)
BARE = Contact(given_name="Ada", family_name="King")


def known(**contacts: Contact) -> Known:
    found = Known(digits)
    for ref, contact in contacts.items():
        found.add(ref, contact)
    return found


def mail(address: str, **more: str) -> Contact:
    return Contact(emails=(Labelled("home", address),), **more)  # type: ignore[arg-type]  # texts alone


@pytest.mark.parametrize(
    "found, match",
    [
        pytest.param(mail("ADA@nordwerk.example", given_name="King", family_name="Ada"), Sure("a"), id="mail and name"),
        pytest.param(mail("ada@nordwerk.example"), Sure("a"), id="mail, and no name"),
        pytest.param(mail("ada@nordwerk.example", company="Nordwerk "), Sure("a"), id="mail, and the same firm"),
        pytest.param(mail("ada@nordwerk.example", company="Lindner"), Doubtful(("a",)), id="mail, another firm"),
        pytest.param(
            mail("ada@nordwerk.example", given_name="Eva", family_name="Klug"), Doubtful(("a",)), id="renamed"
        ),
        pytest.param(replace(BARE, phones=(Labelled("", "0049 (911) 5550142"),)), Sure("a"), id="number and name"),
        pytest.param(Contact(phones=(Labelled("", "+499115550142"),)), Doubtful(("a",)), id="number, and no name"),
        pytest.param(
            Contact(given_name="Eva", family_name="Klug", phones=ADA.phones), None, id="a colleague at the same number"
        ),
        pytest.param(BARE, Doubtful(("a",)), id="the name alone"),
        pytest.param(
            mail("eva@nordwerk.example", given_name="Ada", family_name="King"), Doubtful(("a",)), id="new mail"
        ),
        pytest.param(Contact(given_name="Ada"), None, id="half a name"),
        pytest.param(Contact(company="Nordwerk"), None, id="the firm alone"),
        pytest.param(Contact(), None, id="nothing"),
    ],
)
def test_one_candidate(found: Contact, match: Match) -> None:
    assert known(a=ADA).match(found) == match


def test_more_than_one_is_never_sure() -> None:
    assert known(a=ADA, b=ADA).match(ADA) == Doubtful(("a", "b"))
    shared = known(a=ADA, b=replace(BARE, phones=ADA.phones))
    assert shared.match(replace(BARE, phones=ADA.phones)) == Doubtful(("a", "b"))


def test_what_the_user_said_it_is_not_is_asked_no_more() -> None:
    assert known(a=ADA, b=ADA).match(ADA, {"b"}) == Sure("a")
    assert known(a=ADA).match(ADA, {"a"}) is None


def test_tasks_are_never_tied_without_asking() -> None:
    here = Known(digits)
    here.add("t", Task(title="Angebot senden", due=date(2026, 11, 24)))
    here.add("done", Task(title="Reisekosten", status=TaskStatus.COMPLETED))
    assert here.match(Task(title="angebot senden ", due=date(2026, 11, 24))) == Doubtful(("t",))
    assert here.match(Task(title="Angebot senden", due=date(2026, 11, 25))) is None
    assert here.match(Task(title="Reisekosten")) is None
    assert here.match(Task(title="Angebot senden", due=date(2026, 11, 24), status=TaskStatus.COMPLETED)) is None
