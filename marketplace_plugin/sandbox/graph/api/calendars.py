"""/me, /me/calendars, /me/calendar, /me/calendarGroups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from marketplace_plugin.sandbox.graph import errors
from marketplace_plugin.sandbox.graph.api import listing, query
from marketplace_plugin.sandbox.graph.api.calls import CALENDAR_SCOPES, WRITE_SCOPES, body, caller, context, page, reply
from marketplace_plugin.sandbox.graph.entra.grants import AccessToken
from marketplace_plugin.sandbox.graph.outlook import access, ids, view
from marketplace_plugin.sandbox.graph.outlook.access import Seen
from marketplace_plugin.sandbox.graph.state import State

if TYPE_CHECKING:
    from marketplace_plugin.sandbox.graph.server import GraphSandbox

Json = dict[str, Any]

COLORS = (
    "auto", "lightBlue", "lightGreen", "lightOrange", "lightGray", "lightYellow", "lightTeal", "lightPink",
    "lightBrown", "lightRed", "maxColor",
)  # fmt: skip


def me(state: State, token: AccessToken) -> Json:
    """The signed-in user. Raises GraphError 403 without User.Read."""
    if not token.scopes & {"User.Read", "User.ReadWrite", "User.ReadBasic.All"}:
        raise errors.insufficient_privileges()
    account = state.accounts[token.email]
    given, _, surname = account.name.rpartition(" ")
    return {
        "id": account.oid,
        "displayName": account.name,
        "givenName": given,
        "surname": surname,
        "mail": account.email,
        "userPrincipalName": account.email,
        "preferredLanguage": account.language,
        "businessPhones": [],
        "jobTitle": None,
        "mobilePhone": None,
        "officeLocation": None,
    }


def routes(pages: Blueprint, sandbox: GraphSandbox) -> None:
    """Add the routes of calendars and their groups."""
    _collections(pages, sandbox)
    _single(pages, sandbox)


def _collections(pages: Blueprint, sandbox: GraphSandbox) -> None:
    state = sandbox.state

    @pages.get("/me/calendars")
    def calendars() -> ResponseReturnValue:
        user = caller(sandbox)
        user.needs(CALENDAR_SCOPES)
        asked = page(query.CALENDAR_PROPERTIES)
        if asked.options.filter is not None or asked.options.order is not None:
            raise errors.invalid_query("$filter and $orderby are not supported on this resource.")
        shown = [
            _selected(view.calendar(state, seen), asked.options.select) for seen in access.calendars(state, user.email)
        ]
        return reply(listing.slice_of(state, shown, asked), context("calendars"))

    @pages.post("/me/calendars")
    def create() -> ResponseReturnValue:
        user = caller(sandbox)
        user.needs(WRITE_SCOPES)
        given = _checked(body())
        if not given.get("name"):
            raise errors.invalid_property()
        names = [item.name.lower() for item in state.calendars.values() if item.mailbox == user.email]
        if given["name"].lower() in names:
            raise errors.GraphError(409, "ErrorFolderExists", "A folder with the specified name already exists.")
        made = state.add_calendar(user.email, given["name"], color=given.get("color", "auto"))
        return reply(view.calendar(state, Seen(user.email, made)), context("calendars/$entity"), 201)

    @pages.get("/me/calendarGroups")
    def groups() -> ResponseReturnValue:
        user = caller(sandbox)
        user.needs(CALENDAR_SCOPES)
        return reply({"value": _groups(user.email)}, context("calendarGroups"))


def _single(pages: Blueprint, sandbox: GraphSandbox) -> None:
    state = sandbox.state

    @pages.get("/me/calendar")
    @pages.get("/me/calendars/<calendar_id>")
    def get(calendar_id: str | None = None) -> ResponseReturnValue:
        seen = caller(sandbox).calendar(calendar_id, listed=True)
        asked = page(query.CALENDAR_PROPERTIES)
        return reply(_selected(view.calendar(state, seen), asked.options.select), context("calendars/$entity"))

    @pages.patch("/me/calendars/<calendar_id>")
    def patch(calendar_id: str) -> ResponseReturnValue:
        seen = caller(sandbox).calendar(calendar_id, write=True)
        given = _checked(body())
        if seen.share is not None:
            seen.share.name = given.get("name", seen.share.name)
        else:
            seen.calendar.name = given.get("name", seen.calendar.name)
            seen.calendar.color = given.get("color", seen.calendar.color)
            seen.calendar.change = state.next_tick()
        return reply(view.calendar(state, seen), context("calendars/$entity"))

    @pages.delete("/me/calendars/<calendar_id>")
    def delete(calendar_id: str) -> ResponseReturnValue:
        seen = caller(sandbox).calendar(calendar_id, write=True)
        if seen.share is not None:
            del state.shares[seen.share.key]
        elif not seen.calendar.removable:
            raise errors.GraphError(400, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted.")
        else:
            state.remove_calendar(seen.calendar)
        return "", 204


def _checked(given: Any) -> Json:
    if not isinstance(given, dict):
        raise errors.unreadable_body("A JSON object is expected as the body of the request.")
    for name, value in given.items():
        if name not in query.CALENDAR_PROPERTIES:
            raise errors.unknown_property(name, "microsoft.graph.calendar")
        if name == "color" and value not in COLORS:
            raise errors.unreadable_body(f"Requested value '{value}' was not found.")
        if name == "name" and not isinstance(value, str):
            raise errors.unreadable_body("Cannot convert the value of 'name' to the expected type 'Edm.String'.")
    return given


def _selected(shown: Json, names: tuple[str, ...]) -> Json:
    return {name: value for name, value in shown.items() if not names or name in (*names, "id")}


def _groups(email: str) -> list[Json]:
    """The groups that every mailbox has."""
    names = ("Meine Kalender", "Andere Kalender", "Kalender von Personen")
    return [
        {
            "id": ids.calendar_id(email, 10**9 + number),
            "name": name,
            "classId": f"0006f0b{7 + number}-0000-0000-c000-000000000046",
            "changeKey": view.change_key(number + 1),
        }
        for number, name in enumerate(names)
    ]
