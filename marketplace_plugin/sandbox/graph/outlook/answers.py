"""The body of accept, tentativelyAccept and decline: who may answer, and whether the organizer is told.

Sources: https://learn.microsoft.com/graph/api/event-accept, event-tentativelyaccept and event-decline; what public
clients report of their refusals.
"""

from __future__ import annotations

from typing import Any

from marketplace_plugin.sandbox.graph import errors
from marketplace_plugin.sandbox.graph.outlook.access import Found

RESPONSES = {"accept": "accepted", "tentativelyAccept": "tentativelyAccepted", "decline": "declined"}
_KNOWN = {"accept": {"comment", "sendresponse"}}
_KNOWN |= {name: {"comment", "sendresponse", "proposednewtime"} for name in ("tentativelyAccept", "decline")}


def checked(found: Found, action: str, body: Any) -> bool:
    """Whether the organizer is to be told. Raises GraphError 400, 403."""
    if not isinstance(body, dict):
        raise errors.bad_request("Unable to read JSON request payload.")
    given = {str(name).lower(): value for name, value in body.items()}
    tell = given.get("sendresponse", True)
    if set(given) - _KNOWN[action] or not isinstance(tell, bool):
        raise errors.bad_request("The parameters of the action could not be read.", "RequestBodyRead")
    if not found.seen.can_edit:
        raise errors.access_denied()
    if found.event.is_organizer:
        raise errors.invalid_request(
            "Your request can't be completed. You can't respond to this meeting because you're the meeting organizer."
        )
    if found.event.meeting_cancelled:
        raise errors.invalid_request("The meeting was canceled, so it can't be answered.")
    if found.occurrence is not None:
        raise errors.invalid_request("The sandbox answers whole series only.")
    if not tell and any(given.get(name) is not None for name in ("comment", "proposednewtime")):
        raise errors.invalid_request("'SendResponse' must be true when 'Comment' is not null.")
    return tell
