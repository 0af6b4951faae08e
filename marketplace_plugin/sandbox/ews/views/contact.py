"""The elements that contacts and distribution lists alone have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_plugin.sandbox.ews.soap.names import Element, add
from marketplace_plugin.sandbox.ews.wire import schema

if TYPE_CHECKING:
    from marketplace_plugin.sandbox.ews.views.item import Shown, View
    from marketplace_plugin.sandbox.ews.wire.paths import Shape

_MOMENTS = ("Birthday", "WeddingAnniversary")
NAMES = frozenset([*schema.DICTIONARIES, *_MOMENTS, "CompleteName", "ContactSource", "HasPicture", "Members"])
_PARTS = (
    ("FirstName", "GivenName"),
    ("MiddleName", "MiddleName"),
    ("LastName", "Surname"),
    ("Suffix", "Generation"),
    ("Initials", "Initials"),
    ("FullName", "DisplayName"),
    ("Nickname", "Nickname"),
)


def element(view: View, outer: Element, what: Shown, name: str, shape: Shape) -> None:
    """Add one element of a contact, if the contact has a value for it."""
    value = what.fields.get(name)
    if name in schema.DICTIONARIES:
        keys = {path.key for path in shape.paths if path.name == name and path.key}
        whole = shape.base != "IdOnly" or any(path.name == name and not path.key for path in shape.paths)
        _entries(outer, name, {key: item for key, item in (value or {}).items() if item and (whole or key in keys)})
    elif name in _MOMENTS:
        if value is not None:
            add(outer, f"t:{name}", view.moment(value))
    elif name == "Members":
        _members(outer, value or [])
    elif name == "CompleteName":
        _complete_name(outer, what)
    elif name == "ContactSource":
        add(outer, f"t:{name}", "Store")
    else:
        add(outer, f"t:{name}", "false")


def _entries(outer: Element, name: str, entries: dict[str, str | dict[str, str]]) -> None:
    if not entries:
        return
    several = add(outer, f"t:{name}")
    for key in schema.DICTIONARIES[name]:
        value = entries.get(key)
        if value is None:
            continue
        if isinstance(value, str):
            add(several, "t:Entry", value, Key=key)
            continue
        entry = add(several, "t:Entry", Key=key)
        for part in schema.ADDRESS_PARTS:
            if value.get(part):
                add(entry, f"t:{part}", value[part])


def _members(outer: Element, members: list[tuple[str, str]]) -> None:
    several = add(outer, "t:Members") if members else None
    for name, address in members:
        mailbox = add(add(several, "t:Member"), "t:Mailbox")
        add(mailbox, "t:Name", name)
        add(mailbox, "t:EmailAddress", address)
        add(mailbox, "t:RoutingType", "SMTP")


def _complete_name(outer: Element, what: Shown) -> None:
    found = [(part, what.fields[name]) for part, name in _PARTS if what.fields.get(name)]
    if found:
        several = add(outer, "t:CompleteName")
        for part, value in found:
            add(several, f"t:{part}", value)
