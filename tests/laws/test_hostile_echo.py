"""The third test: the server rewrites texts, zones and order, bumps tags late, and tells things twice. Then twenty
passes make no write after the first, and an event that was moved between calendars stays one event."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_plugin.model.event import Event, Override, Series, ShowAs
from marketplace_plugin.providers.memory import PERSONALITIES, Delivery, Personality, Rewrite
from marketplace_plugin.sync.link import LinkKind
from tests.laws.world import OTHER, SOURCE, TARGET, World, all_day, event, moved, occurrence, sample, series

PASSES = 20
BOTH = pytest.mark.parametrize("shared", [True, False], ids=["shared", "separate"])
EACH = pytest.mark.parametrize("personality", PERSONALITIES, ids=lambda p: p.name)

TEXTS = st.sampled_from(["plain", "two  blanks", "line\nline", " padded ", "Umläute", "trailing \n\n"])
EVENTS = st.one_of(
    st.builds(lambda title, text: replace(event(title), description=text), TEXTS, TEXTS),
    st.builds(all_day, TEXTS, st.integers(5, 20), st.integers(1, 3)),
    st.builds(
        lambda title, text, cancelled: replace(
            series(title),
            overrides=(
                Override(occurrence(1), moved(occurrence(1), text)),
                *((Override(occurrence(2), None),) if cancelled else ()),
            ),
        ),
        TEXTS,
        TEXTS,
        st.booleans(),
    ),
    st.builds(lambda title: replace(event(title), show_as=ShowAs.FREE, reminder=10), TEXTS),
)
DELIVERIES = st.builds(
    Delivery,
    page_size=st.sampled_from([1, 2, 50]),
    empty_pages=st.booleans(),
    duplicates=st.booleans(),
    replays=st.booleans(),
    exceptions_first=st.booleans(),
)


@contextmanager
def hostile(personality: Personality, shared: bool, delivery: Delivery) -> Iterator[World]:
    made = World(personality, shared=shared, rewrites=frozenset(Rewrite), late_bumps=True, delivery=delivery)
    try:
        yield made
    finally:
        made.close()


@EACH
@BOTH
@sample(0.03)
@given(
    here=st.lists(EVENTS, max_size=4),
    there=st.lists(EVENTS, max_size=4),
    edits=st.lists(st.tuples(st.booleans(), st.integers(0, 9), TEXTS), max_size=4),
    delivery=DELIVERIES,
)
def test_twenty_passes_write_nothing_after_the_first(
    personality: Personality,
    shared: bool,
    here: list[Event | Series],
    there: list[Event | Series],
    edits: list[tuple[bool, int, str]],
    delivery: Delivery,
) -> None:
    with hostile(personality, shared, delivery) as world:
        account = world.account()
        for item in here:
            world.host.create("ada", item)
        for item in there:
            account.user.create(SOURCE, item)
        ada = world.connect("ada", account)
        world.sync(ada)
        for in_host, n, text in edits:
            refs, ids = sorted(world.host.all_of("ada")), sorted(account.items(TARGET))
            if in_host and refs:
                world.host.edit("ada", refs[n % len(refs)], title=text)
            elif ids:
                account.user.edit(TARGET, ids[n % len(ids)], title=text)
        world.settle(ada)
        pushed, applied = list(account.writes), list(world.host.applied)
        for _ in range(PASSES):
            world.clock.forward(minutes=31)
            world.sync(ada)
        assert account.writes == pushed
        assert world.host.applied == applied
        assert account.outbox == []
        assert len(world.blocks(ada)) == len(there)
        assert len(account.items(TARGET)) == len(here)


@EACH
@BOTH
@sample(0.03)
@given(item=EVENTS, way=st.lists(st.sampled_from([TARGET, OTHER]), min_size=1, max_size=4), delivery=DELIVERIES)
def test_a_move_between_calendars_stays_one_event(
    personality: Personality, shared: bool, item: Event | Series, way: list[str], delivery: Delivery
) -> None:
    with hostile(personality, shared, delivery) as world:
        account = world.account()
        ref = world.host.create("ada", item)
        ada = world.connect("ada", account)
        world.sync(ada)
        (place,) = account.items(TARGET)
        calendar = TARGET
        for to in way:
            if to != calendar:
                place, calendar = account.user.move(calendar, place, to), to
                world.settle(ada)
        world.host.edit("ada", ref, title="renamed")
        world.settle(ada)
        (link,) = world.links(ada)
        assert (link.kind, link.collection, link.remote_id, link.host_ref) == (LinkKind.EXPORT, calendar, place, ref)
        assert sum(len(account.items(c)) for c in (TARGET, OTHER)) == 1
        shown = account.items(calendar)[place].item
        assert isinstance(shown, Event | Series)
        master = shown.master if isinstance(shown, Series) else shown
        assert str(master.title).strip() == "renamed"
        assert list(world.host.all_of("ada")) == [ref]
