"""Answers of Google that were spoilt on their way."""

from __future__ import annotations

from tests.providers.google.world import ANNA, World, by_title, changes, cursor, found, instance_id, pages, timed, wall


def test_an_exception_whose_answer_was_spoilt_is_no_event_of_its_own() -> None:
    """What was left of an exception in a list had no series: it came in a second time, as an event beside it."""
    with World() as google:
        person, account = google.user(), google.open()
        series = person.insert(timed("series", wall(23), recurrence=["RRULE:FREQ=WEEKLY;COUNT=6"]))["id"]
        since = cursor(pages(account))
        person.patch(instance_id(series, wall(30)), {"summary": "other"})
        google.sandbox.faults.add("malformed_event", path=r"/events\?.*syncToken", method="GET", index=0)
        told = changes(pages(account, since))
        assert set(found(told)) <= {series}
        person.patch(instance_id(series, wall(30)), {"summary": "again"}, ANNA)
        told = changes(pages(account, since))
        assert set(by_title(told)) == {"series"}
