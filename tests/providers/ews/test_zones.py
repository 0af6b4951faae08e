"""Zones that a client made up: known by their rules, or not at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from marketplace_plugin.model.change import Found, Unreadable
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.names.windows_zones import IANA_OF
from marketplace_plugin.model.time import AllDay, zone
from marketplace_plugin.providers.ews.shape.zones import zone_of
from marketplace_plugin.sandbox.ews.act import weekly
from marketplace_plugin.sandbox.ews.outlook.times import CUSTOM, names
from marketplace_plugin.sandbox.ews.wire.zones import definition
from tests.providers.ews.messages import element
from tests.providers.ews.world import ANNA, EwsServing, World
from tests.providers.serving import at

NAMES = sorted(set(names()) & set(IANA_OF))
OTHER_EACH_YEAR = {
    "Cen. Australia Standard Time",
    "Egypt Standard Time",
    "Greenland Standard Time",
    "Israel Standard Time",
    "Lord Howe Standard Time",
    "Morocco Standard Time",
    "Newfoundland Standard Time",
    "Pacific SA Standard Time",
    "West Bank Standard Time",
    "Western Sahara Standard Time",
}
"""Their changes of 2026, as the sandbox tells them (to the hour), are no rule that holds for years."""

PERIODS = (
    '<Periods><Period Bias="-PT60M" Name="Standard" Id="s"/><Period Bias="-PT120M" Name="Daylight" Id="d"/></Periods>'
)
SUMMER = (
    "<RecurringDayTransition><To Kind='Period'>d</To><TimeOffset>PT2H</TimeOffset><Month>3</Month>"
    "<DayOfWeek>Sunday</DayOfWeek><Occurrence>-1</Occurrence></RecurringDayTransition>"
)
WINTER = (
    "<RecurringDayTransition><To Kind='Period'>s</To><TimeOffset>PT2H59M59.999S</TimeOffset><Month>10</Month>"
    "<DayOfWeek>Sunday</DayOfWeek><Occurrence>-1</Occurrence></RecurringDayTransition>"
)


ONLY = "<Transition><To Kind='Group'>0</To></Transition>"


def made_up(group: str, transitions: str = ONLY) -> str | None:
    return zone_of(
        element(
            f'<StartTimeZone Id="{CUSTOM}" Name="">{PERIODS}<TransitionsGroups><TransitionsGroup Id="0">{group}'
            f"</TransitionsGroup></TransitionsGroups><Transitions>{transitions}</Transitions></StartTimeZone>"
        )
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_definition_without_a_name_is_known_by_its_rules(name: str) -> None:
    found = zone_of(definition("t:StartTimeZone", name, CUSTOM))
    if found is None:
        assert name in OTHER_EACH_YEAR
        return
    here, there = zone(IANA_OF[name]), zone(found)
    moments = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours) for hours in range(0, 24 * 365, 6)]
    assert all(moment.astimezone(here).utcoffset() == moment.astimezone(there).utcoffset() for moment in moments)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_taken_at_its_word(name: str) -> None:
    assert zone_of(definition("t:StartTimeZone", name)) == ("UTC" if name == "UTC" else IANA_OF[name])


def test_rules_as_a_server_writes_them() -> None:
    assert made_up(SUMMER + WINTER) == "Europe/Berlin"
    assert made_up("<Transition><To Kind='Period'>s</To></Transition>") == "Africa/Lagos"


@pytest.mark.parametrize(
    "group",
    [
        "",
        SUMMER,
        SUMMER + WINTER.replace("<Month>10", "<Month>11"),
        SUMMER + WINTER.replace("PT2H59M59.999S", "two"),
        SUMMER + WINTER.replace("Sunday", "Day"),
        SUMMER + WINTER.replace(">s<", ">x<"),
        SUMMER.replace("<Occurrence>-1", "<Occurrence>7") + WINTER,
        "<Transition><To Kind='Period'>x</To></Transition>",
        "<RecurringDateTransition><To>s</To></RecurringDateTransition>" * 2,
    ],
)
def test_rules_of_no_zone_are_none(group: str) -> None:
    assert made_up(group) is None


def test_a_name_without_rules_is_none() -> None:
    assert zone_of(element(f'<StartTimeZone Id="{CUSTOM}"/>')) is None
    assert zone_of(element("<StartTimeZone/>")) is None
    assert zone_of(None) is None
    assert made_up(SUMMER + WINTER, transitions="") is None


def test_events_of_such_zones_are_read_whole() -> None:
    """Whole days and series, which an instant alone does not tell."""
    with World() as world:
        serving = EwsServing(world)
        anna = world.user(ANNA)
        days = anna.create("Urlaub", date(2026, 11, 23), date(2026, 11, 25), custom_zone=True)
        start = at(23, 9).wall
        series = anna.create("Montags", start, rule=weekly(start.date()), custom_zone=True)
        told = {one.id: one for one in serving.open().fetch(serving.calendar, [days, series])}
        assert not any(isinstance(one, Unreadable) for one in told.values())
        whole, repeated = told[days], told[series]
        assert isinstance(whole, Found)
        assert isinstance(whole.item, Event)
        assert whole.item.when == AllDay(date(2026, 11, 23), date(2026, 11, 25))
        assert isinstance(repeated, Found)
        assert isinstance(repeated.item, Series)
        assert repeated.item.master.when.start == at(23, 9)
