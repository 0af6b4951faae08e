"""Query options, paging, and the lists of calendars."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from marketplace_plugin.sandbox.graph import GraphSandbox
from marketplace_plugin.sandbox.graph.seed import ANNA, FAMILY, HOLIDAYS, JONAS, SALES
from tests.sandbox.graph.conftest import IMMUTABLE, OUR_ID, Api, recurrence, timed
from tests.sandbox.running import ManualClock

WINDOW = {"startDateTime": "2026-11-01T00:00:00Z", "endDateTime": "2026-12-31T00:00:00Z"}


def test_lists_come_in_pages_of_ten(anna: Api) -> None:
    first = anna.ok("GET", "me/events", count="true")
    assert len(first["value"]) == 10
    everything = anna.items("me/events")
    assert len(everything) == first["@odata.count"] == len({item["id"] for item in everything})
    assert {item["type"] for item in everything} == {"singleInstance", "seriesMaster"}


def test_the_size_of_pages(anna: Api, sandbox: GraphSandbox) -> None:
    assert len(anna.ok("GET", "me/events", top=3)["value"]) == 3
    assert len(anna.ok("GET", "me/events", prefer="odata.maxpagesize=4")["value"]) == 4
    assert len(anna.items("me/events", top=7)) == len(anna.items("me/events", prefer="odata.maxpagesize=1000"))
    sandbox.state.knobs.max_page_size = 2
    assert len(anna.ok("GET", "me/events", top=3)["value"]) == 2
    assert anna.refused("GET", "me/events", top=1001) == (400, "ErrorInvalidUrlQuery")
    assert anna.refused("GET", "me/events", skip="x") == (400, "ErrorInvalidUrlQuery")


def test_select_keeps_id_and_version(anna: Api) -> None:
    made = anna.create(timed())
    found = anna.ok("GET", f"me/events/{made['id']}", select="subject,start")
    assert set(found) == {"@odata.context", "@odata.etag", "id", "subject", "start"}
    assert anna.refused("GET", "me/events", select="summary") == (400, "RequestBroker--ParseUri")


def test_order(anna: Api) -> None:
    found = anna.items("me/events", orderby="subject desc")
    names = [item["subject"] for item in found]
    assert names == sorted(names, reverse=True)
    assert len(anna.items("me/calendarView", orderby="start/dateTime", **WINDOW)) > 20
    assert anna.refused("GET", "me/events", orderby="body") == (400, "ErrorInvalidUrlQuery")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("subject eq 'Urlaub'", {"Urlaub"}),
        ("startswith(subject,'mess')", {"Messe Hamburg"}),
        ("type eq 'seriesMaster' and sensitivity eq 'private'", {"Yoga"}),
        ("isAllDay eq true and not (subject ne 'Urlaub')", {"Urlaub"}),
        ("subject eq 'Urlaub' or subject eq 'Yoga'", {"Urlaub", "Yoga"}),
        (
            "start/dateTime ge '2026-11-19T07:00' and start/dateTime lt '2026-11-19T13:00'",
            {"Abstimmung Vertrieb online"},
        ),
        ("end/dateTime le '2026-11-17T08:45:00'", None),
    ],
)
def test_filters(anna: Api, text: str, expected: set[str] | None) -> None:
    default = f"me/calendars/{anna.calendars()['Kalender']['id']}/events"
    found = {item["subject"] for item in anna.items(default, filter=text)}
    assert found == expected if expected is not None else "Zahnarzt Dr. Ebert" in found


@pytest.mark.parametrize(
    "text",
    [
        "body eq 'x'",
        "subject eq Urlaub",
        "subject like 'x'",
        "contains(subject,'x')",
        "subject eq 'x' and",
        "lastModifiedDateTime ge '2026-01-01T00:00:00Z'",
        "singleValueExtendedProperties/Any(p: p/value eq 'x')",
        "start/dateTime ge 'yesterday'",
        "(subject eq 'x'",
        "§",
    ],
)
def test_filters_that_are_not_supported(anna: Api, text: str) -> None:
    assert anna.refused("GET", "me/events", filter=text) == (400, "ErrorInvalidUrlQueryFilter")


def test_finding_our_events(anna: Api) -> None:
    mark = [{"id": OUR_ID, "value": "42"}]
    made = anna.create(timed(singleValueExtendedProperties=mark), prefer=IMMUTABLE)

    def valued(value: str) -> str:
        return f"singleValueExtendedProperties/Any(ep: ep/id eq '{OUR_ID}' and ep/value eq '{value}')"

    assert [item["id"] for item in anna.items("me/events", filter=valued("42"), prefer=IMMUTABLE)] == [made["id"]]
    assert anna.items("me/events", filter=valued("43")) == []
    present = f"singleValueExtendedProperties/Any(ep: ep/id eq '{OUR_ID}' and ep/value ne null)"
    assert len(anna.items("me/events", filter=present)) == 1
    uid = f"iCalUId eq '{made['iCalUId']}'"
    assert [item["id"] for item in anna.items("me/events", filter=uid, prefer=IMMUTABLE)] == [made["id"]]


def test_changes_since_a_moment(anna: Api, clock: ManualClock) -> None:
    clock.advance(hours=1)
    made = anna.create(timed("Neu"))
    found = anna.items("me/events", filter="lastModifiedDateTime gt 2026-11-18T10:00:00Z")
    assert [item["id"] for item in found] == [made["id"]]


@pytest.mark.parametrize("option", [{"search": "x"}, {"apply": "x"}])
def test_options_that_are_not_supported(anna: Api, option: dict[str, str]) -> None:
    assert anna.refused("GET", "me/events", **option) == (400, "ErrorInvalidUrlQuery")


def test_expand_knows_little(anna: Api) -> None:
    made = anna.create(timed())
    assert anna.refused("GET", f"me/events/{made['id']}", expand="attachments") == (400, "RequestBroker--ParseUri")


def test_a_view_shows_occurrences_and_no_masters(anna: Api) -> None:
    rule = recurrence("2026-11-23", until=3, daysOfWeek=["monday"])
    anna.create(timed("Serie", "2026-11-23", recurrence=rule))
    found = anna.items("me/calendarView", **WINDOW)
    assert "seriesMaster" not in {item["type"] for item in found}
    assert len([item for item in found if item["subject"] == "Serie"]) == 3


def test_the_edges_of_a_view(anna: Api) -> None:
    made = anna.create(timed("Rand", "2027-02-01", 9), prefer=IMMUTABLE)

    def seen(begin: str, until: str) -> bool:
        window = {"startDateTime": f"2027-02-01T{begin}:00Z", "endDateTime": f"2027-02-01T{until}:00Z"}
        return made["id"] in {item["id"] for item in anna.items("me/calendarView", prefer=IMMUTABLE, **window)}

    assert seen("08:00", "09:00")
    assert seen("08:59", "10:00")
    assert not seen("09:00", "10:00")
    assert not seen("07:00", "08:00")


# --- calendars ------------------------------------------------------------------------------------


def test_the_list_of_calendars(anna: Api) -> None:
    found = anna.calendars()
    assert list(found) == ["Kalender", FAMILY, HOLIDAYS, SALES, "Jonas Weber"]
    own, busy = found["Kalender"], found["Jonas Weber"]
    assert (own["isDefaultCalendar"], own["canEdit"], own["canShare"], own["isRemovable"]) == (True, True, True, False)
    assert (busy["canEdit"], busy["canViewPrivateItems"], busy["owner"]["address"]) == (False, False, JONAS)
    assert found[HOLIDAYS]["canEdit"] is False
    assert found[SALES]["canEdit"] is True
    assert anna.ok("GET", "me/calendar")["id"] == own["id"]
    assert len(anna.ok("GET", "me/calendars", top=2)["value"]) == 2
    assert anna.refused("GET", "me/calendars", orderby="subject") == (400, "ErrorInvalidUrlQuery")
    assert len(anna.ok("GET", "me/calendarGroups")["value"]) == 3


def test_calendars_are_made_renamed_and_removed(anna: Api) -> None:
    made = anna.ok("POST", "me/calendars", {"name": "Steg"})
    path = f"me/calendars/{made['id']}"
    assert anna.refused("POST", "me/calendars", {"name": "steg"}) == (409, "ErrorFolderExists")
    assert anna.ok("PATCH", path, {"name": "Steg 2", "color": "lightRed"})["name"] == "Steg 2"
    assert anna.refused("PATCH", path, {"color": "pink"}) == (400, "RequestBodyRead")
    assert anna.refused("PATCH", path, {"summary": "x"}) == (400, "RequestBodyRead")
    assert anna("DELETE", path).status_code == 204
    assert anna.refused("GET", path) == (404, "ErrorItemNotFound")
    default = anna.calendars()["Kalender"]["id"]
    assert anna.refused("DELETE", f"me/calendars/{default}")[0] == 400


def test_who_i_am(anna: Api, connect: Callable[..., Api]) -> None:
    assert anna.ok("GET", "me")["mail"] == ANNA
    without = connect(scopes=("Calendars.Read",))
    assert without.refused("GET", "me") == (403, "Authorization_RequestDenied")


def test_unknown_paths_and_methods(anna: Api) -> None:
    assert anna.refused("GET", "me/messages") == (400, "BadRequest")
    assert anna.refused("PUT", "me/events", {})[0] == 405


def test_a_read_only_calendar(anna: Api) -> None:
    path = f"me/calendars/{anna.calendars()[HOLIDAYS]['id']}/events"
    assert len(anna.items(path)) == 10
    assert anna.refused("POST", path, timed()) == (403, "ErrorAccessDenied")
