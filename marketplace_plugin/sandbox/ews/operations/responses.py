"""Answers to invitations: AcceptItem, TentativelyAcceptItem and DeclineItem, created like items.

Only ``SaveOnly`` is silent: nobody is mailed, so the organizer learns nothing. A declined invitation goes to the bin.
Source: https://learn.microsoft.com/exchange/client-developer/web-service-reference/acceptitem and declineitem
"""

from __future__ import annotations

from marketplace_plugin.sandbox.ews.changes import meetings
from marketplace_plugin.sandbox.ews.operations.calls import Call, change_key_of
from marketplace_plugin.sandbox.ews.outlook import access
from marketplace_plugin.sandbox.ews.outlook.access import Found
from marketplace_plugin.sandbox.ews.soap import errors
from marketplace_plugin.sandbox.ews.soap.names import Element, find, full, local

ANSWERS = {"AcceptItem": "Accept", "TentativelyAcceptItem": "Tentative", "DeclineItem": "Decline"}
_DISPOSITIONS = ("SaveOnly", "SendOnly", "SendAndSaveCopy")
_SHOWN = {"Accept": "Busy", "Tentative": "Tentative", "Decline": "Free"}


def is_answer(element: Element) -> bool:
    return any(element.tag == full(f"t:{name}") for name in ANSWERS)


def respond(call: Call, element: Element) -> Found:
    """The invitation as it stands after the answer.

    Raises:
        SoapFault: for an answer to nothing.
        EwsError: for what is no invitation, or another version of it.
    """
    disposition = call.attribute("MessageDisposition", _DISPOSITIONS)
    if disposition is None:
        raise errors.EwsError("ErrorMessageDispositionRequired")
    reference = find(element, "t:ReferenceItemId")
    if reference is None:
        raise errors.invalid_schema(f"The element '{local(element)}' has incomplete content.")
    found = access.item(call.state, call.email, reference.get("Id", ""))
    name, item = local(element), found.item
    if item.event is None or not meetings.is_meeting(item.event) or meetings.is_organizer(item):
        raise errors.EwsError(f"ErrorCalendarIsOrganizerFor{ANSWERS[name]}")
    given = change_key_of(reference)
    if given is not None and given != found.change:
        raise errors.EwsError("ErrorIrresolvableConflict")
    if disposition == "SaveOnly":
        item.event.response, item.event.replied = ANSWERS[name], call.state.now()
        item.fields["LegacyFreeBusyStatus"] = _SHOWN[ANSWERS[name]]
        call.state.touch(item, call.email)
    else:
        meetings.respond(call.state, item, ANSWERS[name])
    if ANSWERS[name] != "Decline":
        return found
    bin_ = call.state.distinguished(item.mailbox, "deleteditems")
    call.state.move(item, bin_)
    return Found(call.email, bin_, item)
