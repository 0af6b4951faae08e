"""Texts that are no Unicode: half a character, as services that count in UTF-16 cut them. Each stopped all of it."""

from __future__ import annotations

import json

import pytest

from marketplace_plugin.model.form.text import lenient_json, well_formed
from marketplace_plugin.providers.google.transport import _whole_json as from_google
from marketplace_plugin.providers.graph.transport import _whole_json as from_graph
from tests.laws.world import SOURCE, TARGET, World, event
from tests.regressions.seeing import blocked, here, only, titles

CUT = "Offsite \ud83c"
"""A title that ended in an emoji."""
SHOWN = "Offsite \ufffd"


def test_a_title_that_was_cut_inside_a_character_is_a_block_like_others(world: World) -> None:
    """No pass of the connection came to its end any more."""
    account = world.account()
    account.user.create(SOURCE, event(CUT, description=CUT))
    account.user.create(SOURCE, event("good", day=11))
    ada = world.connect("ada", account)
    world.settle(ada)
    assert blocked(world, ada) == [SHOWN, "good"]


def test_a_copy_whose_title_was_cut_there_flows_back_and_then_rests(world: World) -> None:
    account = world.account()
    world.host.create("ada", event("good"))
    ada = world.connect("ada", account)
    world.settle(ada)
    account.user.edit(TARGET, only(account).id, title=CUT)
    written = len(account.writes)
    world.settle(ada)
    assert here(world) == [SHOWN]
    assert len(account.writes) == written
    world.host.create("ada", event("second", day=12))
    world.settle(ada)
    assert len(titles(account)) == 2


def test_a_title_that_a_host_has_cut_is_exported_all_the_same(world: World) -> None:
    account = world.account()
    ref = world.host.create("ada", event(CUT))
    world.host.create("ada", event("good", day=11))
    ada = world.connect("ada", account)
    world.settle(ada)
    assert titles(account) == [SHOWN, "good"]
    account.user.edit(TARGET, next(iter(account.items(TARGET))), location="there")
    world.host.edit("ada", ref, description="here")
    world.settle(ada)
    assert titles(account) == [SHOWN, "good"]


def test_a_calendar_whose_title_was_cut_can_be_connected(world: World) -> None:
    account = world.account()
    account.user.rename_calendar(SOURCE, CUT)
    account.user.create(SOURCE, event("good"))
    ada = world.connect("ada", account)
    world.settle(ada)
    assert blocked(world, ada) == ["good"]


@pytest.mark.parametrize("read", [from_google, from_graph])
def test_one_such_text_does_not_make_the_whole_page_unreadable(read: object) -> None:
    """The page counted as broken off, so the calendar was never read again."""
    page = json.dumps({"value": [{"subject": CUT}, {"subject": "\U0001f600"}]}).encode()
    assert callable(read)
    assert read(page) == {"value": [{"subject": SHOWN}, {"subject": "\U0001f600"}]}


def test_what_is_whole_is_the_very_same() -> None:
    item = event("Grüße \U0001f600")
    assert well_formed(item) is item
    for cut_off in (b'{"value": [', b'"\\ud83c', b"[" * 100_000):
        with pytest.raises(ValueError, match=r"Expecting|Invalid|nested"):
            lenient_json(cut_off)
