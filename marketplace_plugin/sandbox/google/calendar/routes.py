"""The HTTP side of the Calendar API: routes, tokens, parameters, ETags, partial replies."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from marketplace_plugin.sandbox.google import errors
from marketplace_plugin.sandbox.google.calendar import access, fields, listing, lists, params
from marketplace_plugin.sandbox.google.calendar.access import Access
from marketplace_plugin.sandbox.google.calendar.params import Kind
from marketplace_plugin.sandbox.google.errors import Json
from marketplace_plugin.sandbox.google.event import shape, view, writes
from marketplace_plugin.sandbox.google.event.body import Options
from marketplace_plugin.sandbox.google.oauth.grants import AccessToken, Grants
from marketplace_plugin.sandbox.google.state import State, StoredEvent

_CAL = "/calendars/<calendar_id>"
_EVENT = f"{_CAL}/events/<event_id>"


@dataclass(frozen=True)
class Call:
    """An authenticated request of one method with its typed parameters."""

    state: State
    method: str
    token: AccessToken
    args: dict[str, Any]

    def access(self, calendar_id: str) -> Access:
        """The user's access to a calendar. Raises ApiError 403, 404."""
        return access.calendar_access(self.state, self.token.email, calendar_id, self.method, self.token.scopes)

    def options(self) -> Options:
        """What the query says about a write."""
        deprecated = "all" if self.args.get("sendNotifications") else "none"
        return Options(
            self.args.get("sendUpdates", deprecated),
            self.args.get("conferenceDataVersion") == 1,
            bool(self.args.get("supportsAttachments")),
            self.args.get("eventLabelVersion") == 1,
        )

    def reply(self, body: Json, kind: shape.Shape) -> Response:
        """The reply, partial if asked; 304 if the client has it already."""
        etag = body.get("etag")
        if request.method == "GET" and etag and request.headers.get("If-None-Match") == etag:
            return Response(status=304, headers={"ETag": etag})
        if "fields" in self.args:
            body = fields.select(body, fields.parse(self.args["fields"], kind))
        indent = 1 if self.args.get("prettyPrint", True) else None
        reply = Response(json.dumps(body, indent=indent, ensure_ascii=False))
        reply.headers["Content-Type"] = "application/json; charset=UTF-8"
        if etag:
            reply.headers["ETag"] = etag
        return reply

    def event(self, granted: Access, event: StoredEvent) -> Response:
        """The reply of a write; under the hostile echo the etag moves once more behind its back."""
        reader = granted.reader(max_attendees=self.args.get("maxAttendees"))
        reply = self.reply(view.render(event, granted.calendar, reader), shape.EVENT)
        if self.state.knobs.hostile_echo:
            self.state.touch(event)
        return reply


def json_body() -> Json:
    """The request's body as an object.

    Raises:
        ApiError: 400 for anything else.
    """
    if request.mimetype != "application/json":
        raise errors.ApiError(400, "parseError", "This API does not support parsing form-encoded input.")
    try:
        given = json.loads(request.get_data())
    except ValueError as error:
        raise errors.ApiError(400, "parseError", "Parse Error") from error
    if not isinstance(given, dict):
        raise errors.ApiError(400, "parseError", "Parse Error")
    return given


def error_reply(error: errors.ApiError) -> Response:
    """A refusal in the service's envelope."""
    reply = Response(json.dumps(error.envelope(), indent=1), status=error.status, headers=error.headers)
    reply.headers["Content-Type"] = "application/json; charset=UTF-8"
    return reply


Work = Callable[..., ResponseReturnValue]
Register = Callable[[str, str, str], Callable[[Work], Work]]


def new_api(
    api_name: str,
    prefix: str,
    state: State,
    grants: Grants,
    *,
    parameters: Mapping[str, Mapping[str, Kind]] = params.PARAMS,
    scopes: Mapping[str, tuple[str, ...]] = access.SCOPES,
    asked: Callable[[Call], Any] = lambda call: call,
) -> tuple[Blueprint, Register]:
    """An API, and how its methods are registered: token, scopes and parameters are checked before one is called.

    Args:
        parameters: of each method of the API.
        scopes: those that allow each method.
        asked: makes what a method is called with of the checked call.
    """
    api = Blueprint(api_name, __name__, url_prefix=prefix)

    @api.errorhandler(errors.ApiError)
    def refuse(error: errors.ApiError) -> ResponseReturnValue:
        return error_reply(error)

    def method(verb: str, rule: str, name: str) -> Callable[[Work], Work]:
        def register(work: Work) -> Work:
            def view_function(**parts: str) -> ResponseReturnValue:
                token = authenticate(grants)
                access.usable_scopes(name, token.scopes, scopes)
                given = params.parse(name, request.args, parameters)
                return work(asked(Call(state, name, token, given)), **parts)

            api.add_url_rule(rule, name.replace(".", "_"), view_function, methods=[verb])
            return work

        return register

    return api, method


def blueprint(state: State, grants: Grants) -> Blueprint:
    """All methods under ``/calendar/v3``."""
    api, method = new_api("calendar", "/calendar/v3", state, grants)
    _lists(state, method)
    _reads(state, method)
    _writes(state, method)
    return api


def authenticate(grants: Grants) -> AccessToken:
    """The live token of the request. Raises ApiError 401."""
    header = request.headers.get("Authorization")
    if not header:
        raise errors.login_required()
    scheme, _, value = header.partition(" ")
    token = grants.access(value.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        raise errors.invalid_credentials()
    return token


def _lists(state: State, method: Register) -> None:
    @method("GET", "/users/me/calendarList", "calendar.calendarList.list")
    def list_calendars(call: Call) -> ResponseReturnValue:
        body = lists.calendar_list(state, call.token.email, call.args)
        return call.reply(body, shape.CALENDAR_LIST)

    @method("GET", "/users/me/calendarList/<calendar_id>", "calendar.calendarList.get")
    def get_entry(call: Call, calendar_id: str) -> ResponseReturnValue:
        body = lists.list_entry(state, call.token.email, calendar_id)
        return call.reply(body, shape.CALENDAR_LIST_ENTRY)

    @method("GET", _CAL, "calendar.calendars.get")
    def get_calendar(call: Call, calendar_id: str) -> ResponseReturnValue:
        return call.reply(lists.calendar(call.access(calendar_id)), shape.CALENDAR)

    @method("GET", "/users/me/settings", "calendar.settings.list")
    def list_settings(call: Call) -> ResponseReturnValue:
        return call.reply(lists.settings_list(state, call.token.email, call.args), shape.SETTINGS)

    @method("GET", "/users/me/settings/<setting>", "calendar.settings.get")
    def get_setting(call: Call, setting: str) -> ResponseReturnValue:
        for found in lists.settings(state, call.token.email):
            if found["id"] == setting:
                return call.reply(found, shape.SETTING)
        raise errors.not_found()

    @method("POST", "/freeBusy", "calendar.freebusy.query")
    def free_busy(call: Call) -> ResponseReturnValue:
        return call.reply(lists.free_busy(state, call.token.email, json_body()), shape.FREE_BUSY)


def _reads(state: State, method: Register) -> None:
    @method("GET", f"{_CAL}/events", "calendar.events.list")
    def list_events(call: Call, calendar_id: str) -> ResponseReturnValue:
        return call.reply(listing.events(state, call.access(calendar_id), call.args), shape.EVENTS)

    @method("GET", f"{_EVENT}/instances", "calendar.events.instances")
    def list_instances(call: Call, calendar_id: str, event_id: str) -> ResponseReturnValue:
        body = listing.instances(state, call.access(calendar_id), event_id, call.args)
        return call.reply(body, shape.EVENTS)

    @method("GET", _EVENT, "calendar.events.get")
    def get_event(call: Call, calendar_id: str, event_id: str) -> ResponseReturnValue:
        granted = call.access(calendar_id)
        target = access.locate(granted, event_id)
        reader = granted.reader(call.args.get("timeZone"), call.args.get("maxAttendees"))
        if isinstance(target, StoredEvent) and "recurrence" in target.body and access.sees_days_only(state, granted):
            raise errors.not_found()
        if isinstance(target, view.Instance):
            return call.reply(view.render_instance(target, granted.calendar, reader), shape.EVENT)
        return call.reply(view.render(target, granted.calendar, reader), shape.EVENT)


def _writes(state: State, method: Register) -> None:
    @method("POST", f"{_CAL}/events", "calendar.events.insert")
    def insert(call: Call, calendar_id: str) -> ResponseReturnValue:
        granted = call.access(calendar_id)
        return call.event(granted, writes.insert(state, granted, json_body(), call.options()))

    @method("POST", f"{_CAL}/events/import", "calendar.events.import")
    def import_(call: Call, calendar_id: str) -> ResponseReturnValue:
        granted = call.access(calendar_id)
        return call.event(granted, writes.import_(state, granted, json_body(), call.options()))

    def change(call: Call, calendar_id: str, event_id: str, *, replace: bool) -> ResponseReturnValue:
        granted = call.access(calendar_id)
        event = writes.change(
            state,
            granted,
            event_id,
            json_body(),
            call.options(),
            replace=replace,
            if_match=request.headers.get("If-Match"),
        )
        return call.event(granted, event)

    @method("PATCH", _EVENT, "calendar.events.patch")
    def patch(call: Call, calendar_id: str, event_id: str) -> ResponseReturnValue:
        return change(call, calendar_id, event_id, replace=False)

    @method("PUT", _EVENT, "calendar.events.update")
    def update(call: Call, calendar_id: str, event_id: str) -> ResponseReturnValue:
        return change(call, calendar_id, event_id, replace=True)

    @method("DELETE", _EVENT, "calendar.events.delete")
    def delete(call: Call, calendar_id: str, event_id: str) -> ResponseReturnValue:
        if_match = request.headers.get("If-Match")
        send = call.options().send_updates
        writes.delete(state, call.access(calendar_id), event_id, send, if_match)
        return Response(status=204)

    @method("POST", f"{_EVENT}/move", "calendar.events.move")
    def move(call: Call, calendar_id: str, event_id: str) -> ResponseReturnValue:
        if "destination" not in call.args:
            raise errors.ApiError(400, "required", "Required parameter: destination", location="destination")
        source, target = call.access(calendar_id), call.access(call.args["destination"])
        if_match = request.headers.get("If-Match")
        send = call.options().send_updates
        return call.event(target, writes.move(state, source, target, event_id, send, if_match))


def unknown_path(error: HTTPException) -> ResponseReturnValue:
    """404 and 405 below ``/calendar/v3`` in the service's envelope."""
    return error_reply(errors.ApiError(error.code or 404, "notFound", error.name))
