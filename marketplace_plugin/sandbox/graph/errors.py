"""Errors of Microsoft Graph in the envelope that the service sends.

Source: https://learn.microsoft.com/graph/errors
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


class GraphError(Exception):
    """A refusal; ``status`` is the HTTP status, ``code`` the machine-readable cause."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Json | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.extra = extra or {}

    def envelope(self, inner: Mapping[str, str]) -> Json:
        """The reply's body; ``inner`` has date, request-id and client-request-id."""
        return {"error": {"code": self.code, "message": self.message, **self.extra, "innerError": dict(inner)}}


def bad_request(message: str, code: str = "BadRequest") -> GraphError:
    """400 of the gateway, before Exchange sees the request."""
    return GraphError(400, code, message)


def unknown_segment(name: str) -> GraphError:
    """400 for a path that the metadata does not know."""
    return bad_request(f"Resource not found for the segment '{name}'.")


def unknown_property(name: str, kind: str) -> GraphError:
    """400 for a property that the type does not have."""
    return bad_request(
        f"The property '{name}' does not exist on type '{kind}'. Make sure to only use property names that are "
        "defined by the type.",
        "RequestBodyRead",
    )


def unreadable_body(message: str) -> GraphError:
    """400 for JSON that cannot be read as the declared type."""
    return bad_request(message, "RequestBodyRead")


def invalid_property(detail: str = "") -> GraphError:
    """400 for values that contradict each other or the calendar's rules; the service names no property."""
    return GraphError(
        400, "ErrorPropertyValidationFailure", f"At least one property failed validation. {detail}".strip()
    )


def invalid_request(message: str) -> GraphError:
    """400 of Exchange for an operation that makes no sense on this item."""
    return GraphError(400, "ErrorInvalidRequest", message)


def unsupported_zone(name: str) -> GraphError:
    """400 for a time zone that the mailbox server does not know."""
    return GraphError(
        400,
        "TimeZoneNotSupportedException",
        f"A valid TimeZone value must be specified. The following TimeZone value is not supported: '{name}'.",
    )


def crossing_boundary() -> GraphError:
    """400 for an exception that leaves the days between its neighbours."""
    return GraphError(
        400,
        "ErrorOccurrenceCrossingBoundary",
        "Modified occurrence is crossing or overlapping adjacent occurrence.",
    )


def invalid_query(message: str, code: str = "ErrorInvalidUrlQuery") -> GraphError:
    """400 for a query option."""
    return GraphError(400, code, message)


def invalid_filter() -> GraphError:
    """400 for a $filter outside what is supported."""
    return invalid_query("The query filter contains one or more invalid nodes.", "ErrorInvalidUrlQueryFilter")


def malformed_id() -> GraphError:
    """400 for what cannot be an id."""
    return GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")


def not_found() -> GraphError:
    """404, also for what the user may not see."""
    return GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def access_denied() -> GraphError:
    """403 for a scope or a role that is too low."""
    return GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def insufficient_privileges() -> GraphError:
    """403 of the directory for a missing User.Read."""
    return GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def changed_meanwhile() -> GraphError:
    """412 for an If-Match that no longer holds."""
    return GraphError(
        412,
        "ErrorIrresolvableConflict",
        "The send or update operation could not be performed because the change key passed in the request does not "
        "match the current change key for the item.",
    )


def duplicate_transaction(existing_id: str, status: int = 400) -> GraphError:
    """A transactionId that another event of the mailbox already has."""
    return GraphError(
        status,
        "ErrorDuplicateTransactionId",
        "Your request can't be completed. The TransactionId specified in the request has already been used to create "
        "a different event.",
        extra={"@event.existingEventId": existing_id},
    )


def invalid_token(message: str) -> GraphError:
    """401 for a token that is missing, unknown, expired or revoked."""
    return GraphError(
        401,
        "InvalidAuthenticationToken",
        message,
        headers={"WWW-Authenticate": 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/"'},
    )


def throttled(limit: str, retry_after: int) -> GraphError:
    """429 for one mailbox and one app; ``retry_after`` in seconds."""
    return GraphError(
        429,
        "ApplicationThrottled",
        f"Application is over its {limit} limit.",
        headers={"Retry-After": str(retry_after)},
    )


def sync_state_gone(code: str, status: int, generation: int, restart: str) -> GraphError:
    """410 (or another status) for a delta token that is no longer good; ``restart`` is where to begin again."""
    highest = generation + 8
    message = {
        "syncstatenotfound": f"The sync state generation is not found; generation={generation};"
        f"[highest={highest}][{highest}][{highest - 2}][{highest - 1}].",
        "syncstateinvalid": "The sync state is invalid.",
        "resyncrequired": "Resync required. Replace any local items with the server's version (including deletes) if "
        "you're sure that the service was up to date with your local changes when you last sync'd.",
    }.get(code.lower(), code)
    headers = {"Location": f"{restart}?$deltatoken="} if status == 410 else {}
    return GraphError(status, code, message, headers=headers)


_INJECTED: Mapping[int, tuple[str, str]] = {
    403: ("ErrorAccessDenied", "Access is denied. Check credentials and try again."),
    409: ("ErrorIrresolvableConflict", "The operation conflicts with another one."),
    412: ("ErrorIrresolvableConflict", "The change key passed in the request does not match the current one."),
    429: ("ApplicationThrottled", "Application is over its MailboxConcurrency limit."),
    500: ("ErrorInternalServerError", "An internal server error occurred. The operation failed."),
    502: ("BadGateway", "Bad gateway."),
    503: ("ErrorServerBusy", "The server cannot service this request right now. Try again later."),
    504: ("ErrorTimeoutExpired", "The operation timed out."),
}


def injected(status: int, code: str | None = None, retry_after: int | None = None) -> GraphError:
    """An error asked for by a test; ``retry_after`` in seconds."""
    known, message = _INJECTED.get(status, ("ErrorInternalServerTransientError", "The operation failed."))
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return GraphError(status, code or known, message, headers=headers)
