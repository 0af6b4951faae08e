"""calendarList, calendars, settings, free/busy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from marketplace_plugin.sandbox.google import GoogleSandbox
from marketplace_plugin.sandbox.google.oauth.scopes import BASE
from marketplace_plugin.sandbox.google.seed import ANNA, FAMILY, HOLIDAYS, JONAS, SALES
from tests.sandbox.conftest import Api
from tests.sandbox.running import ManualClock

LIST = "users/me/calendarList"


def test_annas_list(anna: Api) -> None:
    found = anna.ok("GET", LIST)
    assert [(item["id"], item["accessRole"]) for item in found["items"]] == [
        (ANNA, "owner"),
        (FAMILY, "owner"),
        (SALES, "writer"),
        (HOLIDAYS, "reader"),
        (JONAS, "freeBusyReader"),
    ]
    primary, family, _, holidays, jonas = found["items"]
    assert primary["primary"] is True
    assert "dataOwner" not in primary
    assert (family["dataOwner"], family["selected"]) == (ANNA, True)
    assert "selected" not in holidays
    assert jonas["summaryOverride"] == "Jonas (frei/belegt)"
    assert "primary" not in jonas
    assert found["nextSyncToken"]


def test_one_entry(anna: Api) -> None:
    assert anna.ok("GET", f"{LIST}/primary")["id"] == ANNA
    assert anna.refused("GET", f"{LIST}/nobody@gmail.example") == (404, "notFound")


@pytest.mark.parametrize(
    "role,count", [("freeBusyReader", 5), ("reader", 4), ("writerWithoutPrivateAccess", 3), ("writer", 3), ("owner", 2)]
)
def test_min_access_role(anna: Api, role: str, count: int) -> None:
    assert len(anna.items(LIST, minAccessRole=role)) == count


def test_paging_and_hidden_entries(anna: Api, sandbox: GoogleSandbox) -> None:
    sandbox.state.lists[ANNA][FAMILY].hidden = True
    pages = anna.pages(LIST, maxResults=2)
    assert [len(page["items"]) for page in pages] == [2, 2]
    assert "nextSyncToken" in pages[-1]
    assert "nextSyncToken" not in pages[0]
    assert len(anna.items(LIST, showHidden=True)) == 5


def test_sync_tokens_show_entries_that_come_go_and_are_hidden(anna: Api, sandbox: GoogleSandbox) -> None:
    state = sandbox.state
    token = anna.ok("GET", LIST)["nextSyncToken"]
    assert anna.ok("GET", LIST, syncToken=token)["items"] == []
    state.set_role(SALES, ANNA, "reader")
    assert anna.ok("GET", LIST, syncToken=token)["items"] == []
    state.set_role(HOLIDAYS, ANNA, None)
    entry = state.lists[ANNA][FAMILY]
    entry.hidden, entry.seq = True, state.next_tick()
    state.add_calendar(ANNA, calendar_id="new@group.calendar.google.com", summary="Neu")
    items = anna.ok("GET", LIST, syncToken=token)["items"]
    assert [(i["id"], i.get("deleted"), i.get("hidden")) for i in items] == [
        (HOLIDAYS, True, None),
        (FAMILY, None, True),
        ("new@group.calendar.google.com", None, None),
    ]
    assert "summary" not in items[0]
    assert anna.refused("GET", f"{LIST}/{HOLIDAYS.replace('#', '%23')}") == (404, "notFound")
    state.set_role(HOLIDAYS, ANNA, "reader")
    assert len(anna.items(LIST)) == 5


@pytest.mark.parametrize(
    "params",
    [{"minAccessRole": "reader"}, {"showDeleted": False}, {"showHidden": False}, {"showOwnOrganizationOnly": True}],
)
def test_what_excludes_a_sync_token(anna: Api, params: dict[str, object]) -> None:
    token = anna.ok("GET", LIST)["nextSyncToken"]
    assert anna.refused("GET", LIST, syncToken=token, **params)[0] == 400


def test_sync_tokens_expire(anna: Api, sandbox: GoogleSandbox) -> None:
    token = anna.ok("GET", LIST)["nextSyncToken"]
    sandbox.state.expire_sync_tokens()
    assert anna.refused("GET", LIST, syncToken=token) == (410, "fullSyncRequired")


def test_calendars_get(connect: Callable[..., Api]) -> None:
    api = connect(scopes=(BASE + "calendar.calendars.readonly",))
    found = api.ok("GET", f"calendars/{SALES}")
    assert (found["summary"], found["timeZone"], found["dataOwner"]) == ("Vertrieb", "Europe/Berlin", JONAS)
    assert [label["id"] for label in found["labelProperties"]["eventLabels"]] == ["kunde", "intern"]
    assert api.refused("GET", "calendars/unknown") == (404, "notFound")


def test_settings(connect: Callable[..., Api]) -> None:
    api = connect(scopes=(BASE + "calendar.settings.readonly",))
    assert api.ok("GET", "users/me/settings/timezone")["value"] == "Europe/Berlin"
    assert api.refused("GET", "users/me/settings/unknown") == (404, "notFound")
    found = api.ok("GET", "users/me/settings")
    assert {item["id"] for item in found["items"]} >= {"timezone", "locale", "weekStart"}
    assert api.ok("GET", "users/me/settings", syncToken=found["nextSyncToken"])["items"] == []


def test_free_busy_gives_times_only(connect: Callable[..., Api], clock: ManualClock) -> None:
    api = connect(scopes=(BASE + "calendar.freebusy",))
    body = {
        "timeMin": "2026-11-19T00:00:00Z",
        "timeMax": "2026-11-20T00:00:00Z",
        "items": [{"id": JONAS}, {"id": "unknown"}],
    }
    found = api.ok("POST", "freeBusy", body)["calendars"]
    assert found[JONAS]["busy"] == [{"start": "2026-11-19T07:00:00Z", "end": "2026-11-19T08:00:00Z"}]
    assert found["unknown"]["errors"][0]["reason"] == "notFound"
    assert api.refused("POST", "freeBusy", {**body, "timeMax": body["timeMin"]}) == (400, "timeRangeEmpty")
    assert api.refused("POST", "freeBusy", {"items": []}) == (400, "required")
