"""GetUserAvailability: when somebody is busy, for colleagues who may not read his calendar.

The schema files lack it; its shape is that of the documentation:
https://learn.microsoft.com/exchange/client-developer/web-service-reference/getuseravailability-operation
"""

from __future__ import annotations

from datetime import datetime, timedelta

from marketplace_plugin.sandbox.ews.operations.calls import Call
from marketplace_plugin.sandbox.ews.outlook import access, times
from marketplace_plugin.sandbox.ews.queries.find import expanded
from marketplace_plugin.sandbox.ews.soap import errors
from marketplace_plugin.sandbox.ews.soap.names import Element, add, children, find, make, text

LONGEST = timedelta(days=42)
_TEXTS = {
    "ErrorMailRecipientNotFound": "The mail recipient is not found in AD.",
    "ErrorNoFreeBusyAccess": "The caller does not have access to free/busy data.",
}


def get_user_availability(call: Call) -> Element:
    """Busy times in the zone of the request, of which only the bias is looked at."""
    minutes = text(call.operation, "t:TimeZone", "t:Bias") or "0"
    if not minutes.removeprefix("-").isdecimal():
        raise errors.invalid_schema(f"The 'Bias' element is invalid - The value '{minutes}' is invalid.")
    bias = timedelta(minutes=int(minutes))
    window = find(call.operation, "t:FreeBusyViewOptions", "t:TimeWindow")
    mailboxes = find(call.operation, "m:MailboxDataArray")
    if window is None or mailboxes is None:
        raise errors.invalid_schema("The element 'GetUserAvailabilityRequest' has incomplete content.")
    begin, until = (times.parse(text(window, f"t:{name}") or "", "UTC") + bias for name in ("StartTime", "EndTime"))
    if until - begin > LONGEST:
        raise errors.SoapFault("ErrorTimeIntervalTooBig", "The requested time interval is too long.")
    response = make("m:GetUserAvailabilityResponse")
    several = add(response, "m:FreeBusyResponseArray")
    for mailbox in children(mailboxes):
        one = add(several, "m:FreeBusyResponse")
        address = text(mailbox, "t:Email", "t:Address") or ""
        refused = _refusal(call, address)
        message = add(one, "m:ResponseMessage", ResponseClass="Error" if refused else "Success")
        if refused:
            add(message, "m:MessageText", _TEXTS.get(refused, refused))
        add(message, "m:ResponseCode", refused or "NoError")
        view = add(one, "m:FreeBusyView")
        add(view, "t:FreeBusyViewType", "None" if refused else "FreeBusy")
        if not refused:
            _events(call, add(view, "t:CalendarEventArray"), address, (begin, until, bias))
    return response


def _refusal(call: Call, address: str) -> str:
    account = call.state.mailbox(address)
    if account is None:
        return "ErrorMailRecipientNotFound"
    if account.email in call.state.knobs.refused:
        return call.state.knobs.refused[account.email]
    calendar = call.state.distinguished(account.email, "calendar")
    return "" if access.rights(calendar, call.email).at_least("FreeBusyTimeOnly") else "ErrorNoFreeBusyAccess"


def _events(call: Call, parent: Element, address: str, window: tuple[datetime, datetime, timedelta]) -> None:
    begin, until, bias = window
    account = call.state.mailbox(address)
    if account is None:
        raise KeyError(address)
    calendar = call.state.distinguished(account.email, "calendar")
    for found in expanded(call.email, calendar, begin, until):
        event = found.item.calendar
        start, end = (
            (event.start, event.end) if found.occurrence is None else (found.occurrence.start, found.occurrence.end)
        )
        one = add(parent, "t:CalendarEvent")
        add(one, "t:StartTime", f"{start - bias:%Y-%m-%dT%H:%M:%S}")
        add(one, "t:EndTime", f"{end - bias:%Y-%m-%dT%H:%M:%S}")
        override = None if found.occurrence is None else found.occurrence.override
        fields = found.item.fields if override is None else {**found.item.fields, **override.fields}
        add(one, "t:BusyType", str(fields.get("LegacyFreeBusyStatus", "Busy")))
