"""What is private at its service was said to be visible to colleagues once it was converted; they still see "Busy"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from marketplace_plugin.contract.module import BlockView
from marketplace_plugin.engine.acts import why
from marketplace_plugin.engine.acts.convert import convert, stays_private
from marketplace_plugin.engine.acts.why import What
from marketplace_plugin.engine.blocks import StoredBlocks
from marketplace_plugin.host.steg import Steg, Tie
from marketplace_plugin.model.event import Event, Sensitivity
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import Timed, Window
from marketplace_plugin.model.write import HostApplied, HostCreate
from tests.host.conftest import (
    ANNA,
    JONAS,
    Browser,
    FakeBlocks,
    anna,
    app,
    berlin,
    clock,
    grey,
    prepared,
    signed_in,
    steg,
    store,
    told,
)
from tests.laws.world import SOURCE, World, event, series

__all__ = ["anna", "app", "clock", "grey", "prepared", "steg", "store", "told"]
NINE = Timed(berlin("2026-11-18 09:00"), berlin("2026-11-18 10:00"))
PRIVATE = (Sensitivity.PRIVATE, Sensitivity.CONFIDENTIAL)
VIEWS = ("day", "week", "month", "agenda")


@pytest.mark.parametrize("sensitivity", PRIVATE)
@pytest.mark.parametrize("many", [False, True], ids=["event", "series"])
def test_it_is_told_before_and_after(hosted: World, sensitivity: Sensitivity, many: bool) -> None:
    account = hosted.account()
    weekly = series("Arzt")
    there = (
        replace(weekly, master=replace(weekly.master, sensitivity=sensitivity))
        if many
        else event("Arzt", sensitivity=sensitivity)
    )
    account.user.create(SOURCE, there)
    ada = hosted.connect("ada", account)
    hosted.sync(ada)
    person = hosted.host.person("ada")
    assert person is not None
    (link,) = hosted.links(ada)
    assert {block.detail.private for block in shown(hosted) if block.detail} == {True}
    ref = convert(hosted.engine, person, link.id)
    assert stays_private(hosted.engine, person, ref)
    assert why.of_event(hosted.engine, person, ref).what is What.CLOSED


def test_of_any_other_it_is_told_that_colleagues_see_it(hosted: World) -> None:
    account = hosted.account()
    account.user.create(SOURCE, event("Messe"))
    ada = hosted.connect("ada", account)
    hosted.sync(ada)
    person = hosted.host.person("ada")
    assert person is not None
    (link,) = hosted.links(ada)
    assert {block.detail.private for block in shown(hosted) if block.detail} == {False}
    ref = convert(hosted.engine, person, link.id)
    assert not stays_private(hosted.engine, person, ref)
    assert why.of_event(hosted.engine, person, ref).what is What.CONVERTED


def shown(world: World) -> Sequence[BlockView]:
    now = world.clock()
    return StoredBlocks(world.engine).blocks("ada", "ada", Window(now.replace(month=1), now.replace(month=12)))


def converted(steg: Steg, sensitivity: Sensitivity) -> str:
    there = Event(when=NINE, title="Arzt", sensitivity=sensitivity)
    with steg.database.begin() as unit:
        (made,) = steg.modules[Kind.EVENT].apply(ANNA.id, [HostCreate("op", there)], unit)
    assert isinstance(made, HostApplied)
    steg.connect(ties=lambda _person, ref, _kind: Tie("L1", converted=True) if ref == made.ref else None)
    return made.ref


@pytest.mark.parametrize("view", VIEWS)
def test_its_mark_in_the_calendar_is_the_lock(steg: Steg, anna: Browser, view: str) -> None:
    ref = converted(steg, Sensitivity.PRIVATE)
    page = anna.page(f"/calendar?view={view}&date=2026-11-18")
    assert "für Kollegen sichtbar" not in page
    assert "#lock" in page
    assert "#eye" not in page
    assert f"/calendar/event/{ref}/menu" in page, "it can still be made a grey block again"


def test_its_page_and_its_menu_say_so(steg: Steg, app: object, anna: Browser) -> None:
    ref = converted(steg, Sensitivity.PRIVATE)
    page, menu = anna.page(f"/calendar/event/{ref}"), anna.page(f"/calendar/event/{ref}/menu")
    assert "Er ist privat: Kollegen sehen weiter nur „Belegt“." in page
    assert "sichtbar gemacht" not in page
    assert "Für Kollegen sichtbar" not in menu
    assert "Kollegen sehen nur „Belegt“" in menu
    assert 'action="/convert/L1/undo"' in menu
    assert "Arzt" not in signed_in(app, JONAS).page("/calendar/of/anna?date=2026-11-18")  # type: ignore[arg-type]


def test_an_open_one_is_said_to_be_seen(steg: Steg, anna: Browser) -> None:
    ref = converted(steg, Sensitivity.NORMAL)
    assert "für Kollegen sichtbar" in anna.page("/calendar?view=week&date=2026-11-18")
    assert "sichtbar gemacht" in anna.page(f"/calendar/event/{ref}")
    assert "Für Kollegen sichtbar" in anna.page(f"/calendar/event/{ref}/menu")


@pytest.mark.parametrize("private", [True, False])
def test_what_is_asked_before_is_true(grey: FakeBlocks, anna: Browser, private: bool) -> None:
    link = grey.add(ANNA, NINE, "Arzt", private=private)
    at = "at=2026-11-18T09:00:00%2B01:00"
    for page in (anna.page(f"/calendar/block/{link}?{at}"), anna.page(f"/calendar/block/{link}/menu?{at}")):
        assert ("Kollegen sehen danach diese Angaben statt „Belegt“:" in page) is not private
        assert ("Er ist privat: Kollegen sehen weiter nur „Belegt“." in page) is private
