"""What a colleague may learn of a grey block, what stays in files, and where a form may lead."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from argon2 import PasswordHasher
from flask import Flask

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.acts.convert import convert, undo_conversion
from marketplace_plugin.engine.blocks import StoredBlocks
from marketplace_plugin.host.pages.page import inside as inside_steg
from marketplace_plugin.host.records import persons
from marketplace_plugin.host.steg import Steg, create_steg
from marketplace_plugin.model.event import Event
from marketplace_plugin.model.time import Timed, Window, Zoned
from marketplace_plugin.store import blocks
from marketplace_plugin.web.blueprint import inside
from tests.host.conftest import ANNA, app, clock, grey, prepared, signed_in, steg, store, told
from tests.laws.world import SOURCE, World, event
from tests.regressions.seeing import person

__all__ = ["app", "clock", "grey", "prepared", "steg", "store", "told"]
"""Fixtures of Steg's own tests."""


def test_a_colleague_does_not_learn_the_zone_of_a_block(world: World) -> None:
    """The times of a grey block came with the zone that it was made in: a journey to Tokyo was told to everybody."""
    account = world.account()
    start, end = (Zoned(datetime.fromisoformat(f"2026-03-10T{hour}:00"), "Asia/Tokyo") for hour in (10, 11))
    account.user.create(SOURCE, Event(when=Timed(start, end), title="private"))
    ada = world.connect("ada", account)
    world.sync(ada)
    march = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
    (seen,) = StoredBlocks(world.engine).blocks("bob", "ada", march)
    assert isinstance(seen.when, Timed)
    assert (seen.when.start.instant(), seen.when.end.instant()) == (start.instant(), end.instant())
    assert {seen.when.start.zone, seen.when.end.zone} == {person(world, "bob").zone}


def test_a_conversion_that_was_undone_leaves_its_title_in_no_file() -> None:
    """The event was grey again, and its title stood in the log of writes beside the database."""
    world = World()
    steg = create_steg(world.store, now=world.clock, hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    ada = Person("ada", "acme", "Ada", "ada@acme.example", "Europe/Berlin")
    with world.store.begin() as unit:
        persons.add(unit.connection, ada, "no password")
    object.__setattr__(world.engine, "host", steg)
    account = world.account()
    account.user.create(SOURCE, event("planted-title"))
    connection = world.connect("ada", account, approved=True)
    world.sync(connection)
    (block,) = world.blocks(connection)
    convert(world.engine, ada, block.link)
    undo_conversion(world.engine, ada, block.link)
    files = b"".join(path.read_bytes() for path in world.folder.iterdir() if path.is_file())
    world.close()
    assert b"planted-title" not in files


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r\nX-Injected: 1",
        "\t//evil.example",
        "https://evil.example",
        "/\x00/evil.example",
        "",
    ],
)
def test_a_form_leads_to_no_other_site(path: str) -> None:
    """Browsers drop a tab in an address: ``/<tab>/evil.example`` led there, and a line end was an error of ours."""
    assert inside(path) == ""
    assert inside_steg(path, "/calendar") == "/calendar"


def test_a_form_leads_back_to_where_it_came_from() -> None:
    for path in ("/calendar?view=week&day=2026-11-18", "/calendar?q=Übung eins"):
        assert inside(path) == inside_steg(path, "/") == path


@pytest.mark.parametrize("address, shown", [("javascript:alert(1)", False), ("https://meet.example/abc", True)])
def test_an_invitation_brings_no_script_as_its_meeting(steg: Steg, app: Flask, address: str, shown: bool) -> None:
    """What a stranger wrote as the address of the meeting became a link of ours, whatever its scheme."""
    start, end = (Zoned(datetime.fromisoformat(f"2026-11-18T{hour}:00"), "Europe/Berlin") for hour in (10, 11))
    meeting = Event(when=Timed(start, end), title="meeting", conference=address)
    ref = steg.acts.create_event(ANNA, meeting, [], "events").ref
    page = signed_in(app, ANNA).page(f"/calendar/event/{ref}")
    assert (f'href="{address}"' in page) is shown


def test_a_block_leads_to_no_script(world: World) -> None:
    """The same for the address under which the service shows the event."""
    account = world.account()
    account.user.create(SOURCE, event("private"))
    ada = world.connect("ada", account)
    world.sync(ada)
    (block,) = world.blocks(ada)
    with world.store.begin() as unit:
        blocks.put(unit.connection, [replace(block, href="javascript:alert(1)")])
    march = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
    (seen,) = StoredBlocks(world.engine).blocks("ada", "ada", march)
    assert seen.detail is not None
    assert seen.detail.href == ""


@pytest.mark.parametrize("query", ["_external=1&_scheme=evil", "_anchor=x", "_method=POST", "endpoint=x"])
def test_another_language_is_no_way_out(app: Flask, query: str) -> None:
    """What stood in the address beside the language was taken for arguments of ours: an error, or another scheme."""
    answer = app.test_client().get(f"/sign-in?lang=en&{query}")
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/sign-in?{query}"
