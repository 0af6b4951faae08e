"""Any series that Graph can say becomes any other, occurrence by occurrence, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice

import pytest
from hypothesis import HealthCheck, assume, given, settings

from marketplace_plugin.model.collection import Capabilities
from marketplace_plugin.model.event import Event, Series, Status
from marketplace_plugin.model.form.canonical import changed_fields, project, same
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.series.expand import is_original, occurrence_at, originals
from marketplace_plugin.model.time import Original, Window, Zoned, span
from marketplace_plugin.model.write import Applied, Create, Delete, Refused, RefusedCode, Update
from marketplace_plugin.providers.graph.read import CAPABILITIES
from marketplace_plugin.providers.graph.series import check
from marketplace_plugin.providers.graph.shape import encode, recurrence
from marketplace_plugin.providers.graph.shape.recurrence import Unencodable
from tests.model import strategies
from tests.providers.graph.world import World
from tests.providers.serving import STAMP

HELD = Capabilities(fields=CAPABILITIES.fields - {"status", "response"})


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World() as world:
        yield world
        assert not world.sandbox.state.outbox


def held(series: Series) -> Series:
    """As Graph holds it: without what it cannot, in its spelling, without overrides that change nothing."""
    item = project(series, HELD)
    assert isinstance(item, Series)
    bare = replace(item, overrides=())
    said = (o for o in item.overrides if o.event is None or not same(o.event, regular(bare, o.original)))
    return replace(item, overrides=tuple(said))


def regular(bare: Series, original: Original) -> Event:
    event = occurrence_at(bare, original)
    assert event is not None
    return event


def holdable(series: Series) -> bool:
    """Graph can say it, some occurrences are left, and every time exists, once."""
    spans = [series.master.when, *(o.event.when for o in series.overrides if o.event is not None)]
    times = [o.original for o in series.overrides] + [end for when in spans for end in (when.start, when.end)]
    if not all(not isinstance(at, Zoned) or (Zoned.at(at.instant(), at.zone) == at and not at.fold) for at in times):
        return False
    try:
        check(series)
        for when in spans:
            encode.times(when, repeats=True)
    except Unencodable:
        return False
    events = [series.master, *(o.event for o in series.overrides if o.event is not None)]
    if any(event.status is Status.CANCELLED for event in events):
        return False
    begin, _ = span(series.master.when, "UTC")
    named = list(islice(originals(series, Window(begin - timedelta(days=2), begin + timedelta(days=400))), 9))
    real = sum(o.event is None for o in series.overrides)
    return len(named) > real and all(is_original(series, o.original) for o in series.overrides)


def alike(a: Item, b: Series) -> bool:
    """Equal but for the spelling of the rule."""
    assert isinstance(a, Series)
    told = held(a)
    spelled = recurrence.pattern_of(told) == recurrence.pattern_of(b)
    return spelled and same(replace(told, rule=b.rule), b)


@settings(
    max_examples=20,  # each is some twenty requests
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(before=strategies.series(), after=strategies.series())
def test_any_series_becomes_any_other(world: World, before: Series, after: Series) -> None:
    first, second = held(before), held(after)
    assume(holdable(first) and holdable(second))
    graph, calendar = world.open(), world.user().calendar().id
    (created,) = graph.push(calendar, [Create(f"op-{world.sandbox.state.tick}", STAMP, first)])
    if isinstance(created, Refused):  # more occurrences or a longer interval than Exchange takes
        assert created.code is RefusedCode.INVALID
        return
    assert isinstance(created, Applied), created
    assert created.stored is not None
    assert created.revision is not None
    assert alike(created.stored.item, first)
    changed = changed_fields(first, second)
    (updated,) = graph.push(calendar, [Update("op-u", created.id, created.revision, first, second, changed)])
    if isinstance(updated, Refused):
        assert updated.code is RefusedCode.INVALID
        return
    assert isinstance(updated, Applied), updated
    assert updated.stored is not None
    assert alike(updated.stored.item, second)
    assert list(graph.fetch(calendar, [created.id])) == [updated.stored]
    assert updated.revision is not None
    assert isinstance(next(iter(graph.push(calendar, [Delete("op-d", created.id, updated.revision)]))), Applied)
