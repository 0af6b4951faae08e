"""A series becomes private at its service, and one of its days was changed before: that day is private too."""

from __future__ import annotations

import pytest
from flask import Flask

from marketplace_plugin.host.steg import Steg
from marketplace_plugin.model.change import HostItem
from marketplace_plugin.model.event import Event, Override, Sensitivity, Series
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.recurrence import RecurrenceRule
from marketplace_plugin.model.time import Timed
from marketplace_plugin.model.write import HostApplied, HostCreate, HostUpdate
from tests.host.conftest import (
    ANNA,
    JONAS,
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
from tests.laws.world import replace

__all__ = ["app", "clock", "grey", "prepared", "steg", "store", "told"]
SECOND = berlin("2026-11-25 09:00")
WEEKLY = Event(when=Timed(berlin("2026-11-18 09:00"), berlin("2026-11-18 10:00")), title="Planted series")
CHANGED = Event(when=Timed(berlin("2026-11-25 11:00"), berlin("2026-11-25 12:00")), title="Planted day")


@pytest.mark.parametrize("view", ["week", "month", "agenda"])
def test_a_day_that_was_changed_before_is_as_private_as_its_series(app: Flask, steg: Steg, view: str) -> None:
    """Colleagues went on reading the title of that day."""
    series = Series(WEEKLY, RecurrenceRule.parse("FREQ=WEEKLY;COUNT=4"), (Override(SECOND, CHANGED),))
    calendar = steg.modules[Kind.EVENT]
    private = replace(series, master=replace(WEEKLY, sensitivity=Sensitivity.PRIVATE))
    with steg.database.begin() as unit:
        (made,) = calendar.apply(ANNA.id, [HostCreate("one", series)], unit)
        assert isinstance(made, HostApplied)
        update = HostUpdate("two", made.ref, made.version, private, frozenset({"sensitivity"}))
        calendar.apply(ANNA.id, [update], unit)
    (shown,) = calendar.get(ANNA.id, [made.ref])
    assert isinstance(shown, HostItem)
    colleague, owner = signed_in(app, JONAS), signed_in(app, ANNA)
    at = f"/calendar/event/{made.ref}?at=2026-11-25T09:00:00"
    page = f"?view={view}&date=2026-11-25"
    assert "Planted" not in colleague.get(f"/calendar/of/anna{page}").text
    assert colleague.get(at).status_code == 404
    assert "Planted day" in owner.get(f"/calendar{page}").text
    assert "Planted day" in owner.get(at).text
