"""What the connection test asks: who answers, and whether a calendar can be written."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from marketplace_plugin.errors import ContractViolation, ProviderError
from marketplace_plugin.model.change import Stamp
from marketplace_plugin.model.event import Event, Sensitivity, ShowAs
from marketplace_plugin.model.time import Timed, Zoned
from marketplace_plugin.providers.ews.attempt import Key
from marketplace_plugin.providers.ews.folders import Place
from marketplace_plugin.providers.ews.read import Reader, item_id
from marketplace_plugin.providers.ews.shape import decode, encode
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.errors import Refusal, UnsupportedVersion, for_read
from marketplace_plugin.providers.ews.soap.xml import Element, make

_LONG_AGO = Zoned(datetime(2001, 1, 1, 12), "UTC")  # noqa: DTZ001  # a wall time
_TITLE = "Marketplace"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """``version`` is the build, ``15.2.1118.7``, empty where the server does not tell it; ``name`` what people call it,
    ``Exchange Server 2019``."""

    version: str
    name: str


def sign_in(reader: Reader) -> SignedIn:
    """See ``ExchangeAccount.sign_in``. The least that asks for a mailbox."""
    shape = make("m:FolderShape", make("t:BaseShape", "IdOnly"))
    ids = make("m:FolderIds", make("t:DistinguishedFolderId", Id="msgfolderroot"))
    reader.client.ask(make("m:GetFolder", shape, ids))
    version = reader.client.version
    from marketplace_plugin.providers.ews.soap import wire

    if not version:  # the header that tells it may be left out; all that has not refused our schema takes it
        return SignedIn("", "Exchange Server")
    try:
        if wire.schema_of(version).startswith("Exchange2007"):
            raise UnsupportedVersion("Exchange 2007")
        return SignedIn(version, wire.name_of(version))
    except ValueError as error:
        raise ContractViolation("the server does not tell its version") from error


def try_write(reader: Reader, collection: str) -> None:
    """See ``ExchangeAccount.try_write``. Private, free, without guests, and long ago."""
    stamp = Stamp("trial", uuid.uuid4().hex)
    end = Zoned(_LONG_AGO.wall + timedelta(minutes=5), "UTC")
    event = Event(
        when=Timed(_LONG_AGO, end), title=_TITLE, sensitivity=Sensitivity.PRIVATE, show_as=ShowAs.FREE, reminder=None
    )
    item = encode.insertion(event, stamp.link, stamp, home=reader.home, schema=reader.client.schema)
    request = make(
        "m:CreateItem",
        make("m:SavedItemFolderId", Place.of(collection).element),
        make("m:Items", item),
        MessageDisposition="SaveOnly",
        SendMeetingInvitations="SendToNone",
    )
    try:
        made = reader.client.ask(request)
    except ProviderError:
        for found in reader.find(collection, [stamp]).get(stamp, ()):  # made all the same, the answer was lost
            _remove(reader, item_id(found.id))
        raise
    items = xml.children(made, "m:Items")
    if not items:
        raise ContractViolation("a creation without an id")
    key = Key.of(items[0])
    try:
        (read,) = reader.items(collection, [item_id(key.id)])
    finally:
        _remove(reader, key.element)
    if isinstance(read, Refusal):
        raise for_read(read) from read
    if decode.stamp_of(read) != stamp or xml.text(read, "t:Subject") != _TITLE:
        raise ContractViolation("an entry comes back as another one")


def _remove(reader: Reader, key: Element) -> None:
    """For good, not into the bin: nobody put it there."""
    request = make(
        "m:DeleteItem", make("m:ItemIds", key), DeleteType="HardDelete", SendMeetingCancellations="SendToNone"
    )
    reader.client.ask(request)
