"""One request: who asks, with which scopes and options; and its JSON reply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import Response, jsonify, request

from marketplace_plugin.sandbox.graph import errors
from marketplace_plugin.sandbox.graph.api import listing, prefer, query
from marketplace_plugin.sandbox.graph.entra.grants import AccessToken
from marketplace_plugin.sandbox.graph.outlook import access
from marketplace_plugin.sandbox.graph.outlook.access import Found, Seen

if TYPE_CHECKING:
    from marketplace_plugin.sandbox.graph.server import GraphSandbox

Json = dict[str, Any]

CALENDAR_SCOPES = frozenset(
    {"Calendars.Read", "Calendars.ReadWrite", "Calendars.Read.Shared", "Calendars.ReadWrite.Shared"}
)
WRITE_SCOPES = frozenset({"Calendars.ReadWrite", "Calendars.ReadWrite.Shared"})
_SHARED = frozenset({"Calendars.Read.Shared", "Calendars.ReadWrite.Shared"})
CONTENT_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"


@dataclass(frozen=True)
class Caller:
    """Who asks, and with which scopes."""

    sandbox: GraphSandbox
    token: AccessToken

    @property
    def email(self) -> str:
        return self.token.email

    def needs(self, scopes: frozenset[str]) -> None:
        """Raises GraphError 403 if the token has none of them."""
        if not scopes & self.token.scopes:
            raise errors.access_denied()

    def calendar(self, calendar_id: str | None, *, write: bool = False, listed: bool = False) -> Seen:
        """A calendar that the token's scopes let him use; ``listed`` asks for no more than its entry."""
        self.needs(WRITE_SCOPES if write else CALENDAR_SCOPES)
        state = self.sandbox.state
        if calendar_id is None:
            return access.default(state, self.email)
        seen = access.calendar(state, self.email, calendar_id)
        if not listed:
            self._check(seen, write=write)
        return seen

    def event(self, calendar_id: str | None, event_id: str, *, write: bool = False) -> Found:
        """An event or occurrence by id."""
        within = None if calendar_id is None else self.calendar(calendar_id, write=write)
        self.needs(WRITE_SCOPES if write else CALENDAR_SCOPES)
        found = access.event(self.sandbox.state, self.email, event_id, within)
        self._check(found.seen, write=write)
        return found

    def _check(self, seen: Seen, *, write: bool) -> None:
        if seen.share is not None:
            self.needs(_SHARED & WRITE_SCOPES if write else _SHARED)


def caller(sandbox: GraphSandbox) -> Caller:
    """The caller of the current request. Raises GraphError 401."""
    return Caller(sandbox, sandbox.bearer(request.headers.get("Authorization", "")))


def arguments() -> list[tuple[str, str]]:
    """The query in the order in which it came."""
    return list(request.args.items(multi=True))


def preferences() -> prefer.Preferences:
    return prefer.parse(request.headers.getlist("Prefer"))


def body() -> Any:
    """The JSON of the request. Raises GraphError 400 for what cannot be read as JSON."""
    found = request.get_json(silent=True, force=True)
    if found is None:
        raise errors.bad_request("Unable to read JSON request payload. Please ensure Content-Type header is set and "
                                 "payload is of valid JSON format.")  # fmt: skip
    if request.mimetype != "application/json":
        raise errors.bad_request("Entity only allows writes with a JSON Content-Type header.")
    return found


def reply(value: Json, context: str, status: int = 200, applied: Sequence[str] = ()) -> Response:
    """A JSON reply with its metadata."""
    found = jsonify({"@odata.context": f"{request.host_url}v1.0/$metadata#{context}", **value})
    found.status_code = status
    found.content_type = CONTENT_TYPE
    found.headers["OData-Version"] = "4.0"
    if applied:
        found.headers["Preference-Applied"] = ", ".join(applied)
    return found


def here() -> str:
    """The URL of the request without its query, as links of replies have it."""
    return request.host_url.rstrip("/") + quote(request.path, safe="/=-_")


def error_reply(sandbox: GraphSandbox, error: errors.GraphError) -> Response:
    """The envelope of a refusal, with the ids that support asks for."""
    inner = sandbox.inner_error(request.headers.get("client-request-id"))
    found = jsonify(error.envelope(inner))
    found.status_code = error.status
    found.headers.update({"request-id": inner["request-id"], "client-request-id": inner["client-request-id"]})
    found.headers.update(error.headers)
    return found


def page(properties: frozenset[str] = query.EVENT_PROPERTIES) -> listing.Page:
    """The request as one for a collection. Raises GraphError 400 for bad options."""
    given = arguments()
    return listing.Page(here(), given, query.parse(given, properties), preferences())


def context(kind: str) -> str:
    return f"users('me')/{kind}"
