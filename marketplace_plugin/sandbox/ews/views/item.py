"""An item as a reply shows it: the shape that was asked for, in the order of the schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from marketplace_plugin.sandbox.ews.items import Property
from marketplace_plugin.sandbox.ews.outlook import access, ids, times
from marketplace_plugin.sandbox.ews.outlook.access import Found
from marketplace_plugin.sandbox.ews.soap import versions
from marketplace_plugin.sandbox.ews.soap.names import Element, add, boolean, make
from marketplace_plugin.sandbox.ews.state import State
from marketplace_plugin.sandbox.ews.views import calendar as calendar_view
from marketplace_plugin.sandbox.ews.views import contact as contact_view
from marketplace_plugin.sandbox.ews.views import task as task_view
from marketplace_plugin.sandbox.ews.wire import goid, schema
from marketplace_plugin.sandbox.ews.wire.paths import Shape
from marketplace_plugin.sandbox.ews.wire.schema import words
from marketplace_plugin.sandbox.exchange_html import as_text

MASK = {"Subject": "Privater Termin"}
_MASKED_SHOWN = frozenset(
    words(
        """
    ItemId ParentFolderId ItemClass Subject Sensitivity Start End IsAllDayEvent LegacyFreeBusyStatus
    CalendarItemType IsRecurring IsCancelled IsMeeting Recurrence FirstOccurrence LastOccurrence
    ModifiedOccurrences DeletedOccurrences StartTimeZone EndTimeZone UID RecurrenceId OriginalStart
    DateTimeCreated LastModifiedTime EffectiveRights StartTimeZoneId EndTimeZoneId
    """
    )
)
"""What is shown of a private item to those who may not see it."""


@dataclass(frozen=True)
class View:
    """How replies to one request look: its schema and zone, and whether details come (GetItem)."""

    state: State
    version: str
    zone: str | None
    details: bool = True

    def moment(self, value: Any) -> str:
        return times.render(value, self.zone, self.state.knobs.fractions)

    @property
    def wall_zone(self) -> str:
        return self.zone or "UTC"


@dataclass(frozen=True)
class Shown:
    """An item with the fields of its exception put over those of its master."""

    found: Found
    fields: dict[str, Any]
    extended: dict[Property, Any]
    masked: bool


def shown(state: State, found: Found) -> Shown:
    """What an account is shown of an item."""
    fields, extended = dict(found.item.fields), dict[Property, Any](found.item.extended)
    override = None if found.occurrence is None else found.occurrence.override
    if override is not None:
        fields |= override.fields
        extended |= override.extended
    hidden = access.masked(state, found)
    if hidden:
        fields, extended = {**{n: v for n, v in fields.items() if n in _MASKED_SHOWN}, **MASK}, {}
    elif found.item.event is not None:
        extended |= goid.properties(found.item.event.uid)
    return Shown(found, fields, extended, hidden)


def item(view: View, found: Found, shape: Shape) -> Element:
    """The element of an item, with what the shape asks for and the item has."""
    kind = found.item.kind
    outer = make(f"t:{kind}")
    what = shown(view.state, found)
    wanted = _wanted(view, what, shape)
    for name in schema.order(kind):
        if name == "ExtendedProperty":
            _extended(outer, what, shape)
        elif name in wanted:
            _element(view, outer, what, name, shape)
    return outer


def _wanted(view: View, what: Shown, shape: Shape) -> frozenset[str]:
    kind = what.found.item.kind
    names = frozenset(path.name for path in shape.paths if path.fits(kind)) | {"ItemId"}
    if shape.base == "Default":
        names |= schema.DEFAULT_SHAPE
    elif shape.base == "AllProperties":
        names |= frozenset(schema.order(kind)) - {"MimeContent", "UniqueBody", "NormalizedBody"}
    if not view.details:
        names -= schema.NEEDS_GET_ITEM
    if what.masked:
        names &= _MASKED_SHOWN
    return frozenset(name for name in names if versions.knows(view.version, name))


def _extended(outer: Element, what: Shown, shape: Shape) -> None:
    for path in shape.paths:
        if path.extended is None or path.extended not in what.extended:
            continue
        value = what.extended[path.extended]
        entry = add(outer, "t:ExtendedProperty")
        add(entry, "t:ExtendedFieldURI", None, **dict(path.attributes))
        if isinstance(value, tuple):
            several = add(entry, "t:Values")
            for part in value:
                add(several, "t:Value", part)
        else:
            add(entry, "t:Value", value)


def _element(view: View, outer: Element, what: Shown, name: str, shape: Shape) -> None:
    maker = _MAKERS.get(name)
    if maker is not None:
        maker(view, outer, what, name)
    elif name in ("Body", "TextBody"):
        _body(outer, what, name, shape)
    elif what.found.item.kind == "CalendarItem" and name in calendar_view.NAMES:
        calendar_view.element(view, outer, what, name)
    elif what.found.item.kind in ("Contact", "DistributionList") and name in contact_view.NAMES:
        contact_view.element(view, outer, what, name, shape)
    elif what.found.item.kind == "Task" and name in task_view.NAMES:
        task_view.element(view, outer, what, name)
    else:
        _plain(outer, name, what.fields.get(name))


def _plain(outer: Element, name: str, value: Any) -> None:
    if isinstance(value, list):
        if value:
            several = add(outer, f"t:{name}")
            for part in value:
                add(several, "t:String", part)
    elif value not in (None, ""):
        add(outer, f"t:{name}", value)


def _body(outer: Element, what: Shown, name: str, shape: Shape) -> None:
    content = str(what.fields.get("Body", ""))
    if name == "TextBody" or shape.body_type == "Text":
        text = add(outer, f"t:{name}", as_text(content))
        text.set("BodyType", "Text")
    else:
        add(outer, "t:Body", content).set("BodyType", "HTML")


def _id(_: View, outer: Element, what: Shown, name: str) -> None:
    add(outer, f"t:{name}", Id=what.found.id, ChangeKey=what.found.change_key)


def _parent(_: View, outer: Element, what: Shown, name: str) -> None:
    folder = what.found.folder
    add(
        outer,
        f"t:{name}",
        Id=ids.folder_id(folder.mailbox, folder.key),
        ChangeKey=ids.change_key(folder.mailbox, folder.change),
    )


def _subject(_: View, outer: Element, what: Shown, name: str) -> None:
    add(outer, f"t:{name}", str(what.fields.get(name, "")))


def _created(view: View, outer: Element, what: Shown, name: str) -> None:
    add(outer, f"t:{name}", view.moment(what.found.item.created))


def _modified(view: View, outer: Element, what: Shown, name: str) -> None:
    override = None if what.found.occurrence is None else what.found.occurrence.override
    add(outer, f"t:{name}", view.moment(what.found.item.modified if override is None else override.modified))


def _modifier(view: View, outer: Element, what: Shown, name: str) -> None:
    account = view.state.accounts.get(what.found.item.modified_by)
    add(outer, f"t:{name}", what.found.item.modified_by if account is None else account.name)


def _size(_: View, outer: Element, what: Shown, name: str) -> None:
    add(outer, f"t:{name}", str(2_000 + len(str(what.fields.get("Body", "")))))


def _no(_: View, outer: Element, __: Shown, name: str) -> None:
    add(outer, f"t:{name}", "false")


def _due(view: View, outer: Element, what: Shown, name: str) -> None:
    """When the reminder is for: a calendar item's start, a task's own time."""
    if what.found.item.event is not None:
        start = what.found.item.calendar.start if what.found.occurrence is None else what.found.occurrence.start
        add(outer, f"t:{name}", view.moment(start))
    elif name in what.fields:
        add(outer, f"t:{name}", view.moment(what.fields[name]))


def _reminder_set(_: View, outer: Element, what: Shown, name: str) -> None:
    add(outer, f"t:{name}", what.fields.get(name, "false"))


def effective_rights(parent: Element, rights: access.Rights, version: str) -> None:
    """Add EffectiveRights."""
    outer = add(parent, "t:EffectiveRights")
    add(outer, "t:CreateAssociated", boolean(rights.at_least("Owner")))
    add(outer, "t:CreateContents", boolean(rights.create))
    add(outer, "t:CreateHierarchy", boolean(rights.at_least("Owner")))
    add(outer, "t:Delete", boolean(rights.modify))
    add(outer, "t:Modify", boolean(rights.modify))
    add(outer, "t:Read", boolean(rights.read))
    if version not in ("Exchange2007", "Exchange2007_SP1"):
        add(outer, "t:ViewPrivateItems", boolean(rights.private))


def _rights(view: View, outer: Element, what: Shown, _: str) -> None:
    effective_rights(outer, access.rights(what.found.folder, what.found.reader), view.version)


_MAKERS: dict[str, Callable[[View, Element, Shown, str], None]] = {
    "ItemId": _id,
    "ParentFolderId": _parent,
    "Subject": _subject,
    "DateTimeReceived": _created,
    "DateTimeSent": _created,
    "DateTimeCreated": _created,
    "LastModifiedTime": _modified,
    "LastModifiedName": _modifier,
    "Size": _size,
    "IsSubmitted": _no,
    "IsDraft": _no,
    "IsFromMe": _no,
    "IsResend": _no,
    "IsUnmodified": _no,
    "HasAttachments": _no,
    "IsAssociated": _no,
    "ReminderDueBy": _due,
    "ReminderIsSet": _reminder_set,
    "EffectiveRights": _rights,
}
