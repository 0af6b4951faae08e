"""Contacts, tasks and calls on the pages: switches, pickers, the permission that is asked for, the review list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from werkzeug.test import TestResponse

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.acts.waiting.matches import Candidate, MatchView
from marketplace_plugin.engine.views import CollectionView, SettingsForm
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.item import Kind
from tests.web.conftest import Site
from tests.web.fakes import ANNA, JONAS, add_connection

BOOK = CollectionView("b1", "Meine Kontakte", Kind.CONTACT, Role.OWNER, primary=True, can_be_target=True)
OTHERS = CollectionView("b2", "Team", Kind.CONTACT, Role.READER)
LIST = CollectionView("l1", "Aufgaben", Kind.TASK, Role.OWNER, can_be_target=True)
ALL = frozenset({Kind.EVENT, Kind.CONTACT, Kind.TASK, Kind.CALL})
FORM = {
    "version": "0",
    "target": "k1",
    "sources": ["k1"],
    "switch_event": "1",
    "past_days": "30",
    "future_days": "365",
    "shown": ["contact", "todos"],
}
PAGE = "/profile/connections/c1"


class Visit:
    """One person's browser on a connection whose account has address books and a list."""

    def __init__(self, site: Site, who: Person = ANNA) -> None:
        self.site, self.actions, self.client = site, site.actions, site.as_(who)

    def get(self, url: str = PAGE) -> TestResponse:
        return self.client.get(url)

    def post(self, changes: Mapping[str, Any] = MappingProxyType({}), url: str = PAGE) -> TestResponse:
        return self.client.post(url, data={**FORM, **changes} if url == PAGE else changes)


@pytest.fixture
def offering(site: Site) -> Visit:
    add_connection(site)
    site.actions.collections = (*site.actions.collections, BOOK, OTHERS, LIST)
    site.actions.offered = ALL
    return Visit(site)


def saved(site: Visit) -> SettingsForm:
    return site.actions.stored["c1"]


def test_all_is_off_and_offered(offering: Visit) -> None:
    page = offering.get()
    for name in (
        "switch_contact",
        "switch_todos",
        "switch_task",
        "switch_call",
        "whole_days",
        "other_contact",
        "other_task",
    ):
        assert f'name="{name}"' in page.text
    assert page.text.count('name="sources"') == len(offering.actions.collections) - 1  # a list is no source of its own
    assert 'value="b2"' in page.text
    offering.post()
    assert saved(offering).switches == {Kind.EVENT}
    assert saved(offering).others == frozenset()


def test_contacts_with_their_books(offering: Visit) -> None:
    form = FORM | {"switch_contact": "1", "other_contact": "b1", "sources": ["k1", "b1", "b2"]}
    assert offering.post(form).status_code == 303
    assert saved(offering) == SettingsForm(
        "k1",
        frozenset({"k1", "b1", "b2"}),
        frozenset({Kind.EVENT, Kind.CONTACT}),
        others=frozenset({"b1"}),
        timed_only=True,
        invites=saved(offering).invites,
    )


def test_books_of_a_switch_that_is_off_are_not_looked_at(offering: Visit) -> None:
    offering.post({"other_contact": "b1", "sources": ["k1", "b1"], "switch_task": "1"})
    assert saved(offering).switches == {Kind.EVENT}
    assert (saved(offering).sources, saved(offering).others) == (frozenset({"k1"}), frozenset())


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"switch_contact": "1"}, "Adressbuch"),
        ({"switch_contact": "1", "other_contact": "b2"}, "kann nicht geschrieben werden"),
        ({"switch_contact": "1", "other_contact": "k1"}, "kann nicht geschrieben werden"),
        ({"switch_todos": "1", "switch_call": "1", "target": ""}, "Zielkalender"),
    ],
)
def test_what_does_not_go_together_is_said(offering: Visit, changes: dict[str, str], words: str) -> None:
    answer = offering.post(changes)
    assert answer.status_code == 422
    assert words in answer.text
    assert "c1" not in offering.actions.stored


def test_one_switch_with_two_boxes_below(offering: Visit) -> None:
    offering.post({"switch_todos": "1", "switch_call": "1", "whole_days": "1"})
    assert saved(offering).switches == {Kind.EVENT, Kind.CALL}
    assert saved(offering).timed_only is False
    offering.post({"version": "1", "switch_task": "1", "switch_call": "1"})
    assert saved(offering).switches == {Kind.EVENT}, "the switch above counts for both"


def test_a_list_in_the_place_of_the_calendar_is_synced_both_ways(offering: Visit) -> None:
    offering.post({"switch_todos": "1", "switch_task": "1", "other_task": "l1", "target": ""})
    assert saved(offering).others == {"l1"}
    assert saved(offering).sources == {"k1", "l1"}


def test_a_permission_is_asked_for_when_it_is_switched_on_and_not_before(offering: Visit) -> None:
    offering.actions.unpermitted = frozenset({Kind.CONTACT})
    offering.post()
    assert not begun(offering)
    form = {"version": "1", "switch_contact": "1", "other_contact": "b1"}
    answer = offering.post(form)
    assert answer.status_code == 200
    assert answer.headers["Refresh"].startswith("0; url=")
    assert begun(offering) == ["contact"]
    page = offering.get().text
    assert "Eine Berechtigung fehlt" in page
    assert 'name="feature" value="contact"' in page
    offering.post(form)
    assert begun(offering) == ["contact"], "once: from then on the page offers it"


def test_a_list_is_asked_for_when_it_is_wanted(offering: Visit) -> None:
    offering.actions.collections = tuple(c for c in offering.actions.collections if c.kind is not Kind.TASK)
    offering.post({"switch_todos": "1", "switch_task": "1"})
    assert begun(offering) == [], "to show tasks in the calendar needs nothing more"
    assert '<option value="?">' in offering.get().text
    offering.post({"version": "1", "switch_todos": "1", "switch_task": "1", "other_task": "?"})
    assert begun(offering) == ["task"]
    assert saved(offering).others == frozenset()


def begun(visit: Visit) -> list[str]:
    return [call[-1] for call in visit.actions.called if call[0] == "begin"]


DOUBT = MatchView(
    "m1",
    Kind.CONTACT,
    "Eva Klug",
    ("Nordwerk", "info@nordwerk.example"),
    "c1",
    "google",
    "anna@gmail.example",
    "Meine Kontakte",
    (Candidate("r1", "Ada King", ("info@nordwerk.example",)), Candidate("r2", "Eva Groß")),
)


def test_the_review_list_is_its_owners(site: Site) -> None:
    site.actions.in_doubt = [DOUBT, replace(DOUBT, link="m2", name="Schon gesagt", candidates=(), decided=True)]
    anna = site.as_(ANNA)
    page = anna.get("/profile/decisions")
    for word in (
        "Derselbe Eintrag?",
        "Eva Klug",
        "Ada King",
        "Eva Groß",
        "Dieselbe Person",
        "Andere Person",
        "Schon gesagt",
    ):
        assert word in page.text
    assert page.text.count('action="/profile/matches/m1"') == 3
    assert 'action="/profile/matches/m2"' not in page.text
    for decision in ({"decision": "same", "ref": "r1"}, {"decision": "different"}):
        assert anna.post("/profile/matches/m1", data=decision).status_code == 303
    assert anna.post("/profile/matches/m1", data={"decision": "perhaps"}).status_code >= 400
    told = [call for call in site.actions.called if call[0] in ("same", "different")]
    assert told == [("same", "anna", "m1", "r1"), ("different", "anna", "m1")]
    jonas = site.as_(JONAS)
    assert "Eva Klug" not in jonas.get("/profile/decisions").text
    assert jonas.post("/profile/matches/m1", data={"decision": "different"}).status_code == 404


def test_mirrored_again_and_back_to_where_it_was_asked(site: Site) -> None:
    anna = site.as_(ANNA)
    answer = anna.post("/mirror/l9", data={"next": "/calls/r1"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/calls/r1")
    assert ("mirror_again", "anna", "l9") in site.actions.called
    assert (
        anna.post("/mirror/l9", data={"next": "//elsewhere.example"}).headers["Location"] == "/profile/synchronisation"
    )
