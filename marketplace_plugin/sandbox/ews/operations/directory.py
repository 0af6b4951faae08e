"""ConvertId, ResolveNames and GetServerTimeZones: what is not about one mailbox's items.

Source: the operations' pages below https://learn.microsoft.com/exchange/client-developer/web-service-reference/
"""

from __future__ import annotations

from marketplace_plugin.sandbox.ews.operations.calls import Call, answer
from marketplace_plugin.sandbox.ews.outlook import ids, times
from marketplace_plugin.sandbox.ews.soap import errors
from marketplace_plugin.sandbox.ews.soap.names import Element, add, children, find
from marketplace_plugin.sandbox.ews.wire import zones

_FORMATS = ("EwsLegacyId", "EwsId", "EntryId", "HexEntryId", "StoreId", "OwaId")
_MOST_CANDIDATES = 100


def convert_id(call: Call) -> Element:
    """Only EwsId to itself; enough for clients that ask it to find out the version."""
    wanted = call.attribute("DestinationFormat", _FORMATS, required=True)

    def one(message: Element, element: Element) -> None:
        identity = element.get("Id", "")
        ids.read_item(identity)
        if wanted != "EwsId" or element.get("Format") != "EwsId":
            raise errors.EwsError("ErrorInvalidOperation", "The sandbox converts no ids.")
        found = add(message, "m:AlternateId", Format="EwsId", Id=identity, Mailbox=element.get("Mailbox", ""))
        found.set("{http://www.w3.org/2001/XMLSchema-instance}type", "t:AlternateIdType")

    return answer(call, children(call.child("SourceIds")), one)


def resolve_names(call: Call) -> Element:
    """Candidates of the directory whose name or address begins with the entry."""
    call.attribute("ReturnFullContactData", ("true", "false", "1", "0"), required=True)

    def one(message: Element, element: Element) -> None:
        wanted = (element.text or "").removeprefix("smtp:").removeprefix("sip:").casefold()
        found = [
            account
            for account in call.state.accounts.values()
            if account.name.casefold().startswith(wanted)
            or account.email.casefold().startswith(wanted)
            or account.user.casefold() == wanted
        ]
        if not found:
            raise errors.EwsError("ErrorNameResolutionNoResults")
        several = add(message, "m:ResolutionSet", TotalItemsInView=str(len(found)), IncludesLastItemInRange="true")
        for account in found[:_MOST_CANDIDATES]:
            mailbox = add(add(several, "t:Resolution"), "t:Mailbox")
            add(mailbox, "t:Name", account.name)
            add(mailbox, "t:EmailAddress", account.email)
            add(mailbox, "t:RoutingType", "SMTP")
            add(mailbox, "t:MailboxType", "Mailbox")

    return answer(call, [call.child("UnresolvedEntry")], one)


def get_server_time_zones(call: Call) -> Element:
    whole = call.attribute("ReturnFullTimeZoneData", ("true", "false", "1", "0")) in (None, "true", "1")
    asked = find(call.operation, "m:Ids")
    names = times.names() if asked is None else [child.text or "" for child in children(asked)]

    def one(message: Element, _: Element) -> None:
        several = add(message, "m:TimeZoneDefinitions")
        for name in names:
            if name not in times.names():
                continue
            several.append(zones.definition("t:TimeZoneDefinition", name) if whole else zones.short(name))

    return answer(call, [call.operation], one, "m:TimeZoneDefinitions")
