"""Recurring calendar items by raw requests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import pytest

from marketplace_plugin.sandbox.ews import Actor, EwsSandbox
from marketplace_plugin.sandbox.ews.act import monthly, weekly
from marketplace_plugin.sandbox.ews.items import Recurrence
from marketplace_plugin.sandbox.ews.outlook import recurrence
from marketplace_plugin.sandbox.ews.seed import ANNA
from tests.sandbox.ews.conftest import CALENDAR, ZONE, Answer, Ews, reference, set_field, timed
from tests.sandbox.ews.contract import EwsContractCheck

WEEKLY = (
    "<t:Recurrence><t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Friday</t:DaysOfWeek>"
    "</t:WeeklyRecurrence><t:NumberedRecurrence><t:StartDate>2026-10-02</t:StartDate>"
    "<t:NumberOfOccurrences>6</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>"
)


def create(anna: Ews, rule: str = WEEKLY, day: str = "2026-10-02") -> Answer:
    return anna.create(timed("Serie", day=day, after=rule))


def occurrence(made: Answer, index: int) -> str:
    return f'<t:OccurrenceItemId RecurringMasterId="{made.one("//t:ItemId/@Id")}" InstanceIndex="{index}"/>'


def item_id(answer: Answer) -> str:
    return answer.one("//t:CalendarItem/t:ItemId/@Id")


def test_a_master_shows_its_rule_and_its_first_and_last_occurrence(anna: Ews, contract: EwsContractCheck) -> None:
    master = anna.get(create(anna).one("//t:ItemId/@Id"))
    assert master.one("//t:CalendarItemType") == "RecurringMaster"
    assert master.one("//t:WeeklyRecurrence/t:DaysOfWeek") == "Friday"
    assert master.one("//t:NumberedRecurrence/t:StartDate") == "2026-10-02+02:00"
    assert master.one("//t:NumberOfOccurrences") == "6"
    assert master.one("//t:FirstOccurrence/t:Start") == "2026-10-02T07:00:00Z"
    # Germany has put its clocks back meanwhile: the wall time stays, the instant moves.
    assert master.one("//t:LastOccurrence/t:Start") == "2026-11-06T08:00:00Z"
    assert master.all("//t:ModifiedOccurrences | //t:DeletedOccurrences") == []
    assert contract.requests == []


def test_an_occurrence_is_found_by_its_place_and_leads_back(anna: Ews) -> None:
    made = create(anna)
    second = anna.get(occurrence(made, 2))
    assert second.one("//t:CalendarItemType") == "Occurrence"
    assert second.one("//t:RecurrenceId") == second.one("//t:OriginalStart") == "2026-10-09T07:00:00Z"
    assert second.all("//t:Recurrence") == []
    back = anna.get(f'<t:RecurringMasterItemId OccurrenceId="{item_id(second)}"/>')
    assert item_id(back) == made.one("//t:ItemId/@Id")


@pytest.mark.parametrize(
    "index, code",
    [
        (0, "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange"),
        (7, "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange"),
        (3, "ErrorCalendarOccurrenceIsDeletedFromRecurrence"),
    ],
)
def test_places_without_an_occurrence(index: int, code: str, anna: Ews) -> None:
    made = create(anna)
    assert anna.delete(occurrence(made, 3)).codes == ["NoError"]
    assert anna.get(occurrence(made, index)).codes == [code]


def test_a_changed_occurrence_is_an_exception_of_the_master(anna: Ews) -> None:
    made = create(anna)
    second = anna.get(occurrence(made, 2))
    changed = anna.update(
        reference(second),
        set_field("item:Subject", "<t:Subject>verschoben</t:Subject>"),
        set_field("calendar:Start", "<t:Start>2026-10-10T12:00:00Z</t:Start>"),
        set_field("calendar:End", "<t:End>2026-10-10T13:00:00Z</t:End>"),
    )
    assert item_id(changed) == item_id(second)
    exception = anna.get(item_id(second))
    assert exception.one("//t:CalendarItemType") == "Exception"
    assert exception.one("//t:CalendarItem/t:Subject") == "verschoben"
    assert exception.one("//t:OriginalStart") == "2026-10-09T07:00:00Z"
    master = anna.get(made.one("//t:ItemId/@Id"))
    assert master.one("//t:CalendarItem/t:Subject") == "Serie"
    assert master.one("//t:ModifiedOccurrences/t:Occurrence/t:ItemId/@Id") == item_id(second)
    assert master.one("//t:Occurrence/t:OriginalStart") == "2026-10-09T07:00:00Z"
    assert master.one("//t:Occurrence/t:Start") == "2026-10-10T12:00:00Z"
    assert master.one("//t:CalendarItem/t:ItemId/@ChangeKey") != made.one("//t:ItemId/@ChangeKey")


def test_a_deleted_occurrence_is_listed_by_its_original_start(anna: Ews) -> None:
    made = create(anna)
    anna.delete(occurrence(made, 3))
    master = anna.get(made.one("//t:ItemId/@Id"))
    assert master.one("//t:DeletedOccurrences/t:DeletedOccurrence/t:Start") == "2026-10-16T07:00:00Z"


@pytest.mark.parametrize(
    "change",
    [
        set_field("calendar:Start", "<t:Start>2026-10-02T07:00:00Z</t:Start>"),
        set_field("calendar:Recurrence", WEEKLY),
        set_field("calendar:StartTimeZone", f'<t:StartTimeZone Id="{ZONE}"/>'),
        set_field("calendar:IsAllDayEvent", "<t:IsAllDayEvent>true</t:IsAllDayEvent>"),
    ],
)
def test_a_reshaped_series_forgets_its_exceptions_even_by_equal_values(change: str, anna: Ews) -> None:
    made = create(anna)
    anna.delete(occurrence(made, 3))
    second = anna.get(occurrence(made, 2))
    anna.update(reference(second), set_field("item:Subject", "<t:Subject>anders</t:Subject>"))
    master = anna.get(made.one("//t:ItemId/@Id"), base="IdOnly")
    assert anna.update(reference(master), change).codes == ["NoError"]
    assert anna.get(made.one("//t:ItemId/@Id")).all("//t:ModifiedOccurrences | //t:DeletedOccurrences") == []


def test_a_new_subject_keeps_the_exceptions(anna: Ews) -> None:
    made = create(anna)
    anna.delete(occurrence(made, 3))
    master = anna.get(made.one("//t:ItemId/@Id"), base="IdOnly")
    anna.update(reference(master), set_field("item:Subject", "<t:Subject>anders</t:Subject>"))
    assert len(anna.get(made.one("//t:ItemId/@Id")).all("//t:DeletedOccurrence")) == 1


def test_an_exception_stays_between_its_neighbours(anna: Ews) -> None:
    second = anna.get(occurrence(create(anna), 2))
    for day in ("2026-10-02", "2026-10-16"):
        reply = anna.update(
            reference(second),
            set_field("calendar:Start", f"<t:Start>{day}T12:00:00Z</t:Start>"),
            set_field("calendar:End", "<t:End>2026-10-16T13:00:00Z</t:End>"),
        )
        assert reply.codes == ["ErrorOccurrenceCrossingBoundary"]


@pytest.mark.parametrize(
    "change", [set_field("calendar:Recurrence", WEEKLY), set_field("calendar:UID", "<t:UID>x</t:UID>")]
)
def test_what_belongs_to_the_series_cannot_be_set_on_an_occurrence(change: str, anna: Ews) -> None:
    second = anna.get(occurrence(create(anna), 2))
    assert anna.update(reference(second), change).codes == ["ErrorInvalidPropertySet"]


def test_a_series_becomes_a_single_item_without_its_rule(anna: Ews) -> None:
    made = create(anna)
    remove = '<t:DeleteItemField><t:FieldURI FieldURI="calendar:Recurrence"/></t:DeleteItemField>'
    assert anna.update(reference(made), remove).codes == ["NoError"]
    assert anna.get(made.one("//t:ItemId/@Id")).one("//t:CalendarItemType") == "Single"


def test_a_start_that_the_rule_does_not_hit_is_moved_to_its_first_day(anna: Ews) -> None:
    item = anna.get(create(anna, day="2026-09-30").one("//t:ItemId/@Id"))
    assert item.one("//t:CalendarItem/t:Start") == "2026-10-02T07:00:00Z"


@pytest.mark.parametrize(
    "old, new, code",
    [
        ("<t:Interval>1", "<t:Interval>100", "ErrorCalendarInvalidRecurrence"),
        ("<t:NumberOfOccurrences>6", "<t:NumberOfOccurrences>1000", "ErrorCalendarInvalidRecurrence"),
        ("Friday", "Freitag", "ErrorSchemaValidation"),
        ("<t:Interval>1</t:Interval>", "", "ErrorSchemaValidation"),
        ("<t:StartDate>2026-10-02", "<t:StartDate>2026-10-02T00:00:00", "ErrorSchemaValidation"),
        ("<t:StartDate>2026-10-02", "<t:StartDate>02.10.2026", "ErrorSchemaValidation"),
    ],
)
def test_rules_that_are_refused(old: str, new: str, code: str, anna: Ews) -> None:
    assert create(anna, WEEKLY.replace(old, new)).codes == [code]


def days(rule: Recurrence, count: int) -> list[str]:
    found = recurrence.days(recurrence.check(rule))
    return [next(found).isoformat()[5:] for _ in range(count)]


@pytest.mark.parametrize(
    "pattern, values, expected",
    [
        ("DailyRecurrence", {"Interval": "10"}, ["01-31", "02-10", "02-20", "03-02"]),
        ("AbsoluteMonthlyRecurrence", {"Interval": "1", "DayOfMonth": "31"}, ["01-31", "02-28", "03-31", "04-30"]),
        ("AbsoluteMonthlyRecurrence", {"Interval": "2", "DayOfMonth": "15"}, ["03-15", "05-15", "07-15", "09-15"]),
        ("RelativeMonthlyRecurrence", {"Interval": "1", "DaysOfWeek": "Friday", "DayOfWeekIndex": "Last"},
         ["02-27", "03-27", "04-24", "05-29"]),
        ("RelativeMonthlyRecurrence", {"Interval": "1", "DaysOfWeek": "Weekday", "DayOfWeekIndex": "First"},
         ["02-02", "03-02", "04-01", "05-01"]),
        ("AbsoluteYearlyRecurrence", {"DayOfMonth": "29", "Month": "February"}, ["02-28", "02-28", "02-29", "02-28"]),
        ("RelativeYearlyRecurrence", {"DaysOfWeek": "Sunday", "DayOfWeekIndex": "Second", "Month": "May"},
         ["05-10", "05-09", "05-14", "05-13"]),
        ("WeeklyRecurrence", {"Interval": "2", "DaysOfWeek": "Sunday Monday", "FirstDayOfWeek": "Monday"},
         ["02-01", "02-09", "02-15", "02-23"]),
    ],
)  # fmt: skip
def test_the_days_of_each_pattern(pattern: str, values: dict[str, str], expected: list[str]) -> None:
    assert days(Recurrence(pattern, values, date(2026, 1, 31)), 4) == expected


def test_the_end_date_is_the_last_possible_day() -> None:
    rule = weekly(date(2026, 11, 2), until=date(2026, 11, 16))
    assert [day.day for day in recurrence.days(rule)] == [2, 9, 16]
    assert recurrence.last(rule) == date(2026, 11, 16)
    assert recurrence.last(monthly(date(2026, 1, 31))) is None


def test_a_calendar_view_has_occurrences_and_no_masters(anna: Ews) -> None:
    made = create(anna)
    anna.delete(occurrence(made, 2))
    view = anna(
        '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>'
        '<t:FieldURI FieldURI="calendar:Start"/><t:FieldURI FieldURI="calendar:CalendarItemType"/>'
        '<t:FieldURI FieldURI="item:Subject"/></t:AdditionalProperties></m:ItemShape>'
        '<m:CalendarView StartDate="2026-10-01T00:00:00Z" EndDate="2026-10-31T00:00:00Z"/>'
        f"<m:ParentFolderIds>{CALENDAR}</m:ParentFolderIds></m:FindItem>"
    )
    starts = [item.text for item in view.all("//t:CalendarItem[t:Subject='Serie']/t:Start")]
    assert starts == [f"2026-10-{day}T0{hour}:00:00Z" for day, hour in (("02", 7), ("16", 7), ("23", 7), ("30", 8))]
    assert {item.text for item in view.all("//t:CalendarItem[t:Subject='Serie']/t:CalendarItemType")} == {"Occurrence"}


def test_a_calendar_view_is_at_most_two_years(anna: Ews) -> None:
    view = anna(
        '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>'
        '<m:CalendarView StartDate="2026-10-01T00:00:00Z" EndDate="2029-10-31T00:00:00Z"/>'
        f"<m:ParentFolderIds>{CALENDAR}</m:ParentFolderIds></m:FindItem>"
    )
    assert view.codes == ["ErrorCalendarViewRangeTooBig"]


def test_a_custom_zone_comes_with_rules_and_without_a_name(
    anna: Ews, act: Callable[[str], Actor], sandbox: EwsSandbox
) -> None:
    identity = act(ANNA).named("Anruf aus Lissabon")
    item = anna.get(identity)
    assert item.one("//t:StartTimeZone/@Id") == "Customized Time Zone"
    assert len(item.all("//t:StartTimeZone/t:Periods/t:Period")) == 2
    assert [rule.text for rule in item.all("//t:StartTimeZone//t:Month")] == ["3", "10"]


def test_an_all_day_series_is_at_midnight_of_its_zone(anna: Ews, act: Callable[[str], Actor]) -> None:
    outlook = act(ANNA)
    identity = outlook.create("Miete", date(2026, 1, 31), rule=monthly(date(2026, 1, 31)))
    assert anna.get(identity).one("//t:FirstOccurrence/t:Start") == "2026-01-30T23:00:00Z"
    june = outlook.occurrence(identity, date(2026, 6, 30))
    assert anna.get(june).one("//t:OriginalStart") == "2026-06-29T22:00:00Z"
    outlook.delete(june)
    assert anna.get(identity).one("//t:DeletedOccurrence/t:Start") == "2026-06-29T22:00:00Z"


def test_an_exception_of_an_actor_is_seen(anna: Ews, act: Callable[[str], Actor]) -> None:
    outlook = act(ANNA)
    friday = date(2026, 11, 20)
    identity = outlook.create("Runde", datetime(2026, 11, 20, 10), rule=weekly(friday))  # noqa: DTZ001  # a wall time
    outlook.update(outlook.occurrence(identity, date(2026, 11, 27)), Location="Kiel")
    assert anna.get(identity).one("//t:ModifiedOccurrences//t:OriginalStart") == "2026-11-27T09:00:00Z"
