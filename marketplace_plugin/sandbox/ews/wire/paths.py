"""Paths to properties: FieldURI, IndexedFieldURI and ExtendedFieldURI.

Source: https://learn.microsoft.com/exchange/client-developer/exchange-web-services/properties-and-extended-properties-in-ews-in-exchange
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from marketplace_plugin.sandbox.ews.items import Kind, Property
from marketplace_plugin.sandbox.ews.soap import errors, versions
from marketplace_plugin.sandbox.ews.soap.names import Element, children, full, local
from marketplace_plugin.sandbox.ews.wire import schema
from marketplace_plugin.sandbox.ews.wire.schema import words

SETS = {
    "Meeting": "6ed8da90-450b-101b-98da-00aa003f1305",
    "Appointment": "00062002-0000-0000-c000-000000000046",
    "Common": "00062008-0000-0000-c000-000000000046",
    "PublicStrings": "00020329-0000-0000-c000-000000000046",
    "Address": "00062004-0000-0000-c000-000000000046",
    "InternetHeaders": "00020386-0000-0000-c000-000000000046",
    "CalendarAssistant": "11000e07-b51b-40d6-af21-caa85edab1d0",
    "UnifiedMessaging": "4442858e-a9e3-4e80-b900-317a210cc15b",
    "Task": "00062003-0000-0000-c000-000000000046",
    "Sharing": "00062040-0000-0000-c000-000000000046",
}
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TAG = re.compile(r"0[xX][0-9a-fA-F]{1,4}|\d{1,5}")
_SINGLE = words("Binary Boolean CLSID Currency Double Float Integer Long Short String SystemTime")
TYPES = _SINGLE + tuple(f"{name}Array" for name in _SINGLE if name != "Boolean")
_FOLDER_FIELDS = frozenset(
    words(
        """
    FolderId ParentFolderId DisplayName UnreadCount TotalCount ChildFolderCount FolderClass
    PermissionSet EffectiveRights SharingEffectiveRights DistinguishedFolderId
    """
    )
)
_OF_OTHER_KINDS = ("message", "meeting", "meetingRequest", "distributionlist", "postitem")
_MEMBERS = "distributionlist:Members"
"""Prefixes of properties that no item here has; clients ask a folder for those of all kinds it may hold."""


@dataclass(frozen=True)
class Path:
    """One property that a request names.

    ``name`` is the element; ``key`` and ``part`` belong to an indexed one; ``extended`` with its
    ``attributes`` as the request wrote them stands for an extended property.
    """

    uri: str
    name: str
    key: str = ""
    part: str = ""
    extended: Property | None = None
    attributes: tuple[tuple[str, str], ...] = ()

    def fits(self, kind: Kind) -> bool:
        """Whether items of a kind have the property."""
        prefix = self.uri.partition(":")[0]
        if self.uri == _MEMBERS:
            return kind == "DistributionList"
        return self.extended is not None or prefix in ("item", schema.PREFIXES[kind])


def read(element: Element, version: str) -> Path:
    """The path of a request.

    Raises:
        SoapFault: ErrorSchemaValidation for an unknown element or URI.
        EwsError: for an extended property whose attributes do not go together.
    """
    name = local(element)
    if element.tag == full("t:FieldURI"):
        return _field(element.get("FieldURI", ""), version)
    if element.tag == full("t:IndexedFieldURI"):
        uri, key = element.get("FieldURI", ""), element.get("FieldIndex", "")
        found = schema.INDEXED.get(uri)
        if found is None or key not in schema.DICTIONARIES[found[0]]:
            raise errors.invalid_schema(f"The IndexedFieldURI '{uri}', '{key}' is invalid.")
        return Path(uri, found[0], key, found[1])
    if element.tag == full("t:ExtendedFieldURI"):
        return extended(element)
    raise errors.invalid_schema(f"The element '{name}' is no path to a property.")


def _field(uri: str, version: str) -> Path:
    prefix, _, name = uri.partition(":")
    own = next((kind for kind, known in schema.PREFIXES.items() if known == prefix), None)
    known = schema.ITEM if prefix == "item" else _FOLDER_FIELDS if prefix == "folder" else ()
    if own is not None:
        known = schema.OWN[own]
    if prefix in _OF_OTHER_KINDS and name.isalpha():
        return Path(uri, name)
    if name not in known or not versions.knows(version, name):
        raise errors.invalid_schema(f"The 'FieldURI' attribute is invalid - The value '{uri}' is invalid.")
    return Path(uri, name)


def extended(element: Element) -> Path:
    """An ExtendedFieldURI. Raises EwsError or SoapFault."""
    given = {str(name): str(value) for name, value in element.attrib.items()}
    kind = given.get("PropertyType", "")
    if kind not in TYPES:
        raise errors.invalid_schema(f"The 'PropertyType' attribute is invalid - The value '{kind}' is invalid.")
    known_set, guid, tag = given.get("DistinguishedPropertySetId"), given.get("PropertySetId"), given.get("PropertyTag")
    name, number = given.get("PropertyName"), given.get("PropertyId")
    if known_set is not None and known_set not in SETS:
        raise errors.invalid_schema(f"The value '{known_set}' is invalid for DistinguishedPropertySetId.")
    if guid is not None and not _GUID.fullmatch(guid):
        raise errors.invalid_schema(f"The value '{guid}' is invalid for PropertySetId.")
    if tag is not None:
        if not _TAG.fullmatch(tag):
            raise errors.invalid_schema(f"The value '{tag}' is invalid for PropertyTag.")
        if known_set or guid or name or number:
            raise errors.EwsError("ErrorInvalidExtendedProperty")
        found = Property("", f"tag:{int(tag, 0):#06x}", kind)
    else:
        if (known_set is None) == (guid is None) or (name is None) == (number is None):
            raise errors.EwsError("ErrorInvalidExtendedProperty")
        property_set = SETS[known_set] if known_set is not None else str(guid).lower()
        found = Property(property_set, str(name) if name is not None else f"id:{int(str(number)):#06x}", kind)
    return Path("", "ExtendedProperty", extended=found, attributes=tuple(given.items()))


@dataclass(frozen=True)
class Shape:
    """What a request wants of each item or folder."""

    base: str
    paths: tuple[Path, ...] = ()
    body_type: str = "Best"

    def fields(self) -> frozenset[str]:
        """Names of the elements that are asked for one by one."""
        return frozenset(path.name for path in self.paths if path.extended is None)


def read_shape(element: Element, version: str) -> Shape:
    """ItemShape or FolderShape. Raises SoapFault or EwsError."""
    base, body_type, found = "", "Best", list[Path]()
    for child in children(element):
        name = local(child)
        if name == "BaseShape":
            base = child.text or ""
        elif name == "BodyType":
            body_type = child.text or ""
        elif name == "AdditionalProperties":
            found = [read(item, version) for item in children(child)]
            if not found:
                raise errors.invalid_schema("The element 'AdditionalProperties' has incomplete content.")
    if base not in ("IdOnly", "Default", "AllProperties"):
        raise errors.invalid_schema(f"The 'BaseShape' element is invalid - The value '{base}' is invalid.")
    if body_type not in ("Best", "HTML", "Text"):
        raise errors.invalid_schema(f"The 'BodyType' element is invalid - The value '{body_type}' is invalid.")
    return Shape(base, tuple(found), body_type)
