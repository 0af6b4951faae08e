"""Whose mailbox a sign-in opens, as the server tells it: what a person enters beside his user name may be a colleague's
address, and requests for a colleague's mailbox are answered where he has shared it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from marketplace_plugin.errors import ProviderError
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.client import Client
from marketplace_plugin.providers.ews.soap.xml import make


def primary_address(client: Client, claimed: Sequence[str]) -> str:
    """The primary address of the mailbox that is signed in; ``claimed`` are addresses and user names to begin with.
    Empty where the directory knows none that opens the same calendar. Raises what the sign-in itself raises."""
    own = _calendar(client, "")
    seen: set[str] = set()
    for name in filter(None, claimed):
        for address in _resolved(client, name.rpartition("\\")[2]):
            if address.lower() in seen:
                continue
            seen.add(address.lower())
            try:
                if _calendar(client, address) == own:
                    return address
            except ProviderError:
                continue
    return ""


def _calendar(client: Client, address: str) -> str:
    mailbox = make("t:Mailbox", make("t:EmailAddress", address)) if address else None
    answer = client.ask(
        make(
            "m:GetFolder",
            make("m:FolderShape", make("t:BaseShape", "IdOnly")),
            make("m:FolderIds", make("t:DistinguishedFolderId", mailbox, Id="calendar")),
        )
    )
    found = answer.find(".//t:FolderId", xml.SPACES)
    return "" if found is None else str(found.get("Id"))


def _resolved(client: Client, name: str) -> Iterator[str]:
    """Addresses that the directory knows for a name. Several of them come as a warning."""
    entry = f"smtp:{name}" if "@" in name else name
    request = make("m:ResolveNames", make("m:UnresolvedEntry", entry), ReturnFullContactData="false")
    try:
        answers = client.call(request)
    except ProviderError:
        return
    for mailbox in (found for answer in answers for found in xml.find_all(answer, ".//t:Mailbox")):
        if xml.text(mailbox, "t:RoutingType") in ("SMTP", ""):
            yield xml.text(mailbox, "t:EmailAddress")
