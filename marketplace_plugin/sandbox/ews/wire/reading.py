"""Items of requests: what their elements mean, in the order that the schema demands.

Times of calendar items stay texts until it is known which zone they are in.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from marketplace_plugin.sandbox.ews.items import Attendee, Kind
from marketplace_plugin.sandbox.ews.outlook import bodies, times
from marketplace_plugin.sandbox.ews.soap import errors, versions
from marketplace_plugin.sandbox.ews.soap.names import Element, children, find, full, local, text
from marketplace_plugin.sandbox.ews.wire import paths, schema
from marketplace_plugin.sandbox.ews.wire.paths import Path
from marketplace_plugin.sandbox.ews.wire.patterns import read_recurrence

Operation = Literal["set", "append", "delete"]
_TRUE, _FALSE = ("true", "1"), ("false", "0")
_UNUSED = ("Notes", "Photo")
"""In the schema, yet no server takes them."""


@dataclass(frozen=True)
class Change:
    """One property that a request sets, appends to or deletes.

    ``value`` is as the fields of ``Item`` are, except: ``Start`` and ``End`` are texts, attendees a
    list of ``Attendee``, time zones a Windows name; of a dictionary only the entries that are set.
    """

    path: Path
    operation: Operation = "set"
    value: Any = None


def kind_of(element: Element) -> Kind:
    """The kind of an item element. Raises SoapFault for kinds that the sandbox does not have."""
    kinds: dict[str, Kind] = {
        full("t:CalendarItem"): "CalendarItem",
        full("t:Contact"): "Contact",
        full("t:Task"): "Task",
    }
    found = kinds.get(element.tag)
    if found is None:
        raise errors.invalid_schema(f"The element '{local(element)}' is no item that can be written here.")
    return found


def new_item(element: Element, version: str, zone: str) -> list[Change]:
    """What an item of CreateItem sets; ``zone`` is that of times without an offset.

    Raises:
        SoapFault: for unknown or misplaced elements and values of the wrong type.
        EwsError: for properties that a client cannot set, and values that are not allowed.
    """
    kind, found, place = kind_of(element), list[Change](), -1
    names = schema.order(kind)
    for child in children(element):
        name = local(child)
        if name not in names or child.tag != full(f"t:{name}") or not versions.knows(version, name):
            raise errors.invalid_schema(f"The element '{local(element)}' has invalid child element '{name}'.")
        again = names.index(name) == place and name != "ExtendedProperty"
        if names.index(name) < place or again:
            raise errors.invalid_schema(f"The element '{name}' of '{local(element)}' is not where the schema has it.")
        place = names.index(name)
        found.append(Change(_path(kind, child), value=value(kind, child, version, zone)))
    refused = [change for change in found if not schema.writable(kind, change.path.name)]
    if refused:
        raise errors.EwsError("ErrorInvalidPropertySet")
    return found


def _path(kind: Kind, element: Element) -> Path:
    name = local(element)
    if name == "ExtendedProperty":
        uri = find(element, "t:ExtendedFieldURI")
        if uri is None:
            raise errors.invalid_schema("The element 'ExtendedProperty' has incomplete content.")
        return paths.extended(uri)
    prefix = "item" if name in schema.ITEM else schema.PREFIXES[kind]
    return Path(f"{prefix}:{name}", name)


def update(kind: Kind, element: Element, version: str, zone: str) -> Change:
    """One SetItemField, AppendToItemField or DeleteItemField.

    Raises:
        SoapFault, EwsError: as ``new_item``, and if the item does not hold the one property that
            the path names.
    """
    operations: dict[str, Operation] = {
        "SetItemField": "set",
        "AppendToItemField": "append",
        "DeleteItemField": "delete",
    }
    operation = operations.get(local(element))
    parts = children(element)
    if operation is None or len(parts) != (1 if operation == "delete" else 2):
        raise errors.invalid_schema(f"The element '{local(element)}' has invalid content.")
    path = paths.read(parts[0], version)
    if not path.fits(kind):
        raise errors.EwsError("ErrorInvalidPropertyRequest")
    if path.name in _UNUSED:
        raise errors.EwsError("ErrorInvalidPropertyRequest")
    if path.name in schema.DICTIONARIES and not path.key:
        raise errors.EwsError(f"ErrorInvalidProperty{operation.title()}")
    if path.extended is None and not schema.writable(kind, path.name):
        raise errors.EwsError(f"ErrorInvalidProperty{operation.title()}")
    if operation == "delete":
        return Change(path, operation)
    if parts[1].tag != full("t:Item") and kind_of(parts[1]) != kind:
        raise errors.EwsError("ErrorObjectTypeChanged", "The object type changed.")
    given = children(parts[1])
    if len(given) != 1:
        raise errors.EwsError("ErrorIncorrectUpdatePropertyCount", "Each change holds exactly one property.")
    name = local(given[0])
    same = _path(kind, given[0]).extended == path.extended if name == "ExtendedProperty" else True
    if name != path.name or not same or given[0].tag != full(f"t:{name}"):
        raise errors.EwsError("ErrorUpdatePropertyMismatch")
    return Change(path, operation, value(kind, given[0], version, zone))


def value(kind: Kind, element: Element, version: str, zone: str) -> Any:
    """The value of a property's element. Raises SoapFault or EwsError."""
    name = local(element)
    content = element.text or ""
    if name in schema.TEXTS:
        return content
    if name in schema.CHOICES:
        if content not in schema.CHOICES[name] or not versions.knows(version, content):
            raise _wrong(name, content)
        return content
    if name in schema.MOMENTS and kind == "CalendarItem" and name in ("Start", "End"):
        times.parse(content, "UTC")
        return content
    special: dict[str, Callable[[Element], Any]] = {
        "Body": _body,
        "ExtendedProperty": _extended_value,
        "Recurrence": lambda item: read_recurrence(item, kind),
        "StartTimeZone": _zone,
        "EndTimeZone": _zone,
        "MeetingTimeZone": _zone,
    }
    if name in special:
        return special[name](element)
    return _plain(name, element, content, zone)


def _plain(name: str, element: Element, content: str, zone: str) -> Any:
    if name in schema.FLAGS:
        if content not in _TRUE + _FALSE:
            raise _wrong(name, content)
        return "true" if content in _TRUE else "false"
    if name in schema.NUMBERS:
        try:
            number = float(content)
        except ValueError:
            raise _wrong(name, content) from None
        return str(int(number)) if name != "PercentComplete" else f"{number:g}"
    if name in schema.DATES:
        return times.wall(times.parse(content, zone), zone).date()
    if name in schema.MOMENTS:
        return times.parse(content, zone)
    if name in schema.LISTS:
        return [item.text or "" for item in children(element) if item.tag == full("t:String")]
    if name in schema.ATTENDEES:
        if not children(element):
            raise errors.invalid_schema(f"The element '{name}' has incomplete content.")
        return [_attendee(item, name) for item in children(element)]
    if name in schema.DICTIONARIES:
        return _entries(name, element)
    return content


def _wrong(name: str, content: str) -> errors.SoapFault:
    return errors.invalid_schema(f"The '{name}' element is invalid - The value '{content}' is invalid.")


def _body(element: Element) -> str:
    kind = element.get("BodyType", "")
    if kind not in ("HTML", "Text"):
        raise errors.invalid_schema("The required attribute 'BodyType' is missing or invalid.")
    return bodies.rewritten(element.text or "", kind)


def _zone(element: Element) -> str:
    name = element.get("Id") or element.get("TimeZoneName") or ""
    return times.windows_name(name)


def _attendee(element: Element, role: str) -> Attendee:
    address = text(element, "t:Mailbox", "t:EmailAddress")
    if local(element) != "Attendee" or not address:
        raise errors.EwsError("ErrorInvalidRecipients", "At least one recipient is not valid.")
    response = text(element, "t:ResponseType") or "Unknown"
    replied = text(element, "t:LastResponseTime")
    moment: datetime | None = times.parse(replied, "UTC") if replied else None
    return Attendee(address, text(element, "t:Mailbox", "t:Name") or address, role, response, moment)


def _entries(name: str, element: Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in children(element):
        key = entry.get("Key", "")
        if local(entry) != "Entry" or key not in schema.DICTIONARIES[name]:
            raise errors.invalid_schema(f"The 'Key' attribute is invalid - The value '{key}' is invalid.")
        if name == "PhysicalAddresses":
            found[key] = {local(part): part.text or "" for part in children(entry)}
        else:
            found[key] = entry.text or ""
    return found


def _extended_value(element: Element) -> str | tuple[str, ...]:
    known = paths.extended(element[0]).extended
    if known is None or len(element) != 2:
        raise errors.invalid_schema("The element 'ExtendedProperty' has incomplete content.")
    several = local(element[1]) == "Values"
    if several != known.type.endswith("Array"):
        raise errors.EwsError("ErrorInvalidExtendedPropertyValue")
    given = [item.text or "" for item in children(element[1])] if several else [element[1].text or ""]
    kind = known.type.removesuffix("Array")
    if not all(_of_type(kind, item) for item in given):
        raise errors.EwsError("ErrorInvalidExtendedPropertyValue")
    return tuple(given) if several else given[0]


def _of_type(kind: str, content: str) -> bool:
    try:
        if kind in ("Integer", "Long", "Short"):
            int(content)
        elif kind in ("Double", "Float"):
            float(content)
        elif kind == "Binary":
            base64.b64decode(content, validate=True)
        elif kind == "Boolean":
            return content.lower() in _TRUE + _FALSE
    except (ValueError, binascii.Error):
        return False
    return True
