"""An Exchange server, written from Microsoft's schema (messages.xsd, types.xsd) and pages alone.

Where those leave room it takes the other variant: prefixes of its own, comments and blanks between elements, answers in
chunks, elements that need not be there are not, changes of kinds that nobody knows, pages without a change that are not
the last, times with an offset and seven digits of a second, and all ways to sign in, each in a header of its own. The
last and the chunks are ``foreign_wire.py``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from lxml import etree

from tests.providers.ews.foreign_wire import Answer, Wire
from tests.providers.foreign import ForeignServer, Opening

M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
ENVELOPE = """<?xml version="1.0" encoding="utf-8"?>
<!-- a proxy was here --><?proxy done?>
<soap11:Envelope xmlns:soap11="http://schemas.xmlsoap.org/soap/envelope/"
  xmlns="http://schemas.microsoft.com/exchange/services/2006/types"
  xmlns:answer="http://schemas.microsoft.com/exchange/services/2006/messages">
  <soap11:Body><!-- Zahnarzt -->{body}</soap11:Body>
</soap11:Envelope>"""
FAULT = """<soap11:Fault><faultcode xmlns:a="urn:x">a:{code}</faultcode><faultstring>Zahnarzt</faultstring>
  <detail><e:ResponseCode xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">{code}</e:ResponseCode>
  <t:MessageXml xmlns:t="{types}"><t:Value Name="BackOffMilliseconds">{pause}</t:Value></t:MessageXml>
  </detail></soap11:Fault>"""
HOME, WORK = "Home+/==", "Work+/=="
FOLDERS = {"root/": "msgfolderroot", "bin+": "deleteditems", HOME: "calendar", WORK: ""}
WINDOWS = {"W. Europe Standard Time": "Europe/Berlin", "UTC": "UTC"}
BERLIN = '<StartTimeZone Id="W. Europe Standard Time"/>'
WEEKLY = (
    "<Recurrence><WeeklyRecurrence><Interval>1</Interval><DaysOfWeek>Monday</DaysOfWeek></WeeklyRecurrence>"
    "<NumberedRecurrence><StartDate>2026-03-09Z</StartDate><NumberOfOccurrences>6</NumberOfOccurrences>"
    "</NumberedRecurrence></Recurrence>"
)
DAYS = "<Start>2026-03-11T00:00:00+01:00</Start><End>2026-03-13T00:00:00+01:00</End><IsAllDayEvent>1</IsAllDayEvent>"


def span(day: int) -> str:
    return f"<Start>2026-03-{day:02}T09:00:00</Start><End>2026-03-{day:02}T10:00:00</End>"


class Foreign(ForeignServer):
    """Items by folder and id. ``zones``: the element that tells an item's zone.

    ``refuse`` is asked by operation and request; ``log`` holds the operations.
    """

    home, work = HOME, WORK

    def __init__(self, *, zones: str = "StartTimeZone") -> None:
        super().__init__()
        self.items: dict[str, Any] = {}
        self.zones = zones
        self.made = 0
        self.changes: list[tuple[int, str, str]] = []  # version, folder, id
        self.folder_of: dict[str, str] = {}

    @contextmanager
    def served(self) -> Iterator[Opening]:
        with Wire(self.answer) as wire:
            yield wire.opened

    # ---- what a person does ------------------------------------------------------------------------------------

    def seed(self) -> None:
        """No zone is told of the whole days."""
        self.put(HOME, "single/+=", span(10) + BERLIN)
        self.put(HOME, "days", f"<Subject>Messe</Subject>{DAYS}")
        self.put(HOME, "se/ries", f"<Subject>Runde</Subject>{span(9)}{BERLIN}{WEEKLY}")
        self.items["se/ries"].set("gone", "2")
        self._keep(HOME, "se/ries#3", self._regular("se/ries", 3))
        self.change("se/ries#3", Subject="Moved", Start="2026-03-24T09:00:00", End="2026-03-24T10:00:00")

    def change_seeded(self) -> None:
        self.items["single/+="].insert(0, self.items["days"].find(f"{T}Subject").__copy__())
        self.change("single/+=", Subject="Titled")
        self.drop(HOME, "days")
        self.items["se/ries"].set("gone", "2 4")
        self.change("se/ries")

    def edit(self, calendar: str, event: str, title: str, hour: int) -> None:
        start, end = (f"2026-03-10T{at:02}:00:00" for at in (hour, hour + 1))
        self.change(event, Subject=title, Start=start, End=end)

    def put(self, folder: str, identity: str, xml: str) -> None:
        item = etree.fromstring(f'<CalendarItem xmlns="{T[1:-1]}">{xml}</CalendarItem>')
        self._keep(folder, identity, item)

    def _keep(self, folder: str, identity: str, item: Any) -> None:
        self.version += 1
        item.set("version", str(self.version))
        self.items[identity], self.folder_of[identity] = item, folder
        self.changes.append((self.version, folder, identity))

    def change(self, identity: str, **texts: str) -> None:
        item = self.items[identity]
        for name, text in texts.items():
            item.find(T + name).text = text
        self._keep(self.folder_of[identity], identity, item)

    def drop(self, calendar: str, event: str) -> None:
        self.version += 1
        del self.items[event]
        self.changes.append((self.version, calendar, event))

    # ---- what is to be seen ------------------------------------------------------------------------------------

    def titles(self, calendar: str) -> dict[str, str]:
        return {
            name: item.findtext(T + "Subject") or ""
            for name, item in self.items.items()
            if self.folder_of[name] == calendar and "#" not in name
        }

    def exceptions(self, calendar: str, series: str) -> dict[date, str | None]:
        master = self.items[series]
        start, zone = _instant(master, "Start"), _zone(master)
        cancelled = dict.fromkeys(master.get("gone", "").split())
        names = [name for name in self.items if name.startswith(f"{series}#")]
        changed = {name.rpartition("#")[2]: self.items[name].findtext(T + "Subject") for name in names}
        return {_later(start, int(number), zone).date(): title for number, title in (cancelled | changed).items()}

    def writes(self, since: int) -> list[Any]:
        return [name for name in self.log[since:] if name in ("CreateItem", "UpdateItem", "DeleteItem")]

    # ---- operations --------------------------------------------------------------------------------------------

    def answer(self, content: bytes) -> Answer:
        request = etree.fromstring(content).find("{*}Body")[0]
        name = etree.QName(request).localname
        self.log.append(name)
        refused: Answer | None = next(filter(None, (one(name, request) for one in list(self.refuse))), None)
        if refused:
            return refused
        messages = "\n".join(getattr(self, f"_{name}")(request))
        return 200, response(name, messages), {}

    def _message(self, name: str, content: str, code: str = "NoError") -> str:
        kind = "Success" if code == "NoError" else "Error"
        text = "" if code == "NoError" else "<answer:MessageText>Zahnarzt</answer:MessageText>"
        return (
            f'<answer:{name}ResponseMessage  ResponseClass="{kind}" >{text}\n<answer:ResponseCode>{code}'
            f"</answer:ResponseCode>{content}</answer:{name}ResponseMessage>"
        )

    def _GetFolder(self, request: Any) -> Iterator[str]:  # noqa: N802  # the operation's name
        for asked in request.find(M + "FolderIds"):
            wanted = asked.get("Id")
            found = next((name for name, known in FOLDERS.items() if wanted in (name, known)), None)
            if found is None:
                yield self._message("GetFolder", "<answer:Folders/>", "ErrorFolderNotFound")
            else:
                yield self._message("GetFolder", f"<answer:Folders>{_folder(found)}</answer:Folders>")

    def _FindFolder(self, _: Any) -> Iterator[str]:  # noqa: N802
        listed = "".join(_folder(name) for name in (HOME, WORK, "bin+"))
        root = f"<answer:RootFolder TotalItemsInView='3'><Folders>{listed}</Folders></answer:RootFolder>"
        yield self._message("FindFolder", root)

    def _SyncFolderItems(self, request: Any) -> Iterator[str]:  # noqa: N802
        folder = request.find(f"{M}SyncFolderId/{T}FolderId").get("Id")
        state = request.findtext(M + "SyncState") or ""
        since, _, page = state.partition("/+")
        if int(since or 0) and int(since) < self.oldest:
            yield self._message("SyncFolderItems", "<answer:SyncState/>", "ErrorInvalidSyncStateData")
            return
        if not page:  # a page without a change, and not the last
            yield self._sync(f"{since or 0}/+0", "", last=False)
            return
        touched = dict.fromkeys(name for at, where, name in self.changes if at > int(since) and where == folder)
        names = [name for name in touched if "#" not in name]
        start = int(page)
        told = "".join(self._told(name, int(since)) for name in names[start : start + 2])
        last = start + 2 >= len(names)
        yield self._sync(f"{self.version}" if last else f"{since}/+{start + 2}", told, last=last)

    def _sync(self, state: str, changes: str, *, last: bool) -> str:
        kinds = '<ReadFlagChange><ItemId Id="Home/x"/><IsRead>true</IsRead></ReadFlagChange><NobodyKnows/>'
        content = f"<answer:SyncState>{state}</answer:SyncState>"
        content += f"<answer:IncludesLastItemInRange>{str(last).lower()}</answer:IncludesLastItemInRange>"
        return self._message("SyncFolderItems", f"{content}<answer:Changes>{changes}{kinds}</answer:Changes>")

    def _told(self, name: str, since: int) -> str:
        if name not in self.items:
            return f'<Delete><!-- gone --><ItemId Id="{name}"/></Delete>' if since else ""
        key = self.items[name].get("version")
        other = '<Create><MeetingRequest><ItemId Id="mail"/></MeetingRequest></Create>'
        return (
            f'{other}<Update><!-- new --><CalendarItem><ItemId ChangeKey="{key}" Id="{name}"/></CalendarItem></Update>'
        )

    def _GetItem(self, request: Any) -> Iterator[str]:  # noqa: N802
        for asked in request.find(M + "ItemIds"):
            item, name = self._item(asked)
            if item is None:
                yield self._message("GetItem", "<answer:Items/>", "ErrorItemNotFound")
            else:
                yield self._message("GetItem", f"<answer:Items>{self._shown(name, item)}</answer:Items>")

    def _item(self, asked: Any) -> tuple[Any, str]:
        if etree.QName(asked).localname == "OccurrenceItemId":
            master, number = asked.get("RecurringMasterId"), int(asked.get("InstanceIndex"))
            name = f"{master}#{number}"
            return (self.items.get(name) if name in self.items else self._regular(master, number)), name
        name = asked.get("Id")
        master, mark, number = name.rpartition("#")
        if mark and name not in self.items and master in self.items:
            return self._regular(master, int(number)), name
        return self.items.get(name), name

    def _FindItem(self, request: Any) -> Iterator[str]:  # noqa: N802
        folder = request.find(f"{M}ParentFolderIds/{T}FolderId").get("Id")
        wanted = {one.get("Value") for one in request.iter(T + "Constant")}
        names = [
            name
            for name, item in self.items.items()
            if self.folder_of[name] == folder and item.findtext(f"{T}ExtendedProperty/{T}Value") in wanted
        ]
        rows = "".join(f'<CalendarItem><ItemId Id="{name}"/></CalendarItem>' for name in names if "#" not in name)
        yield self._message("FindItem", f"<answer:RootFolder><Items>{rows}</Items></answer:RootFolder>")

    def _CreateItem(self, request: Any) -> Iterator[str]:  # noqa: N802
        folder = request.find(f"{M}SavedItemFolderId/{T}FolderId").get("Id")
        self.made += 1
        name = f"AAMk/{self.made}+=="
        self._keep(folder, name, copy.deepcopy(request.find(M + "Items")[0]))
        yield self._message("CreateItem", f"<answer:Items>{self._named(name)}</answer:Items>")

    def _UpdateItem(self, request: Any) -> Iterator[str]:  # noqa: N802
        change = request.find(f"{M}ItemChanges/{T}ItemChange")
        item, name = self._item(change[0])
        if item is None:
            yield self._message("UpdateItem", "<answer:Items/>", "ErrorItemNotFound")
            return
        if change[0].get("ChangeKey") != item.get("version"):
            yield self._message("UpdateItem", "<answer:Items/>", "ErrorIrresolvableConflict")
            return
        for update in change.find(T + "Updates"):
            local = update[0].get("FieldURI", "x:ExtendedProperty").rpartition(":")[2]
            for old in item.findall(T + local):
                item.remove(old)
            if etree.QName(update).localname == "SetItemField":
                item.append(copy.deepcopy(update[1][0]))
        master = name.partition("#")[0]
        self._keep(self.folder_of[master], name, item)
        if master != name:
            self._keep(self.folder_of[master], master, self.items[master])
        yield self._message("UpdateItem", f"<answer:Items>{self._named(name)}</answer:Items><answer:ConflictResults/>")

    def _DeleteItem(self, request: Any) -> Iterator[str]:  # noqa: N802
        item, name = self._item(request.find(M + "ItemIds")[0])
        if item is None:
            yield self._message("DeleteItem", "", "ErrorItemNotFound")
            return
        master, mark, number = name.rpartition("#")
        if mark:
            self.items.pop(name, None)
            gone = self.items[master].get("gone", "")
            self.items[master].set("gone", f"{gone} {number}")
            self._keep(self.folder_of[master], master, self.items[master])
        else:
            self.drop(self.folder_of[name], name)
        yield self._message("DeleteItem", "")

    # ---- how it is told ----------------------------------------------------------------------------------------

    def _named(self, name: str) -> str:
        key = self.items[name].get("version")
        return f'<CalendarItem><ItemId ChangeKey="{key}" Id="{name}"/></CalendarItem>'

    def _shown(self, name: str, item: Any) -> str:
        """Attributes from behind, times as the zone has them, no elements that hold what is usual."""
        told = copy.deepcopy(item)
        key = told.get("version")
        zone = _zone(told)
        for edge in ("Start", "End", "OriginalStart"):
            if told.find(T + edge) is not None:
                told.find(T + edge).text = _offset(_instant(told, edge), zone)
        for given in ("IsAllDayEvent", "ReminderIsSet"):
            if told.findtext(T + given) == "false":
                told.remove(told.find(T + given))
        named = told.find(T + "StartTimeZone")
        for edge in ("StartTimeZone", "EndTimeZone"):
            if told.find(T + edge) is not None and (edge == "EndTimeZone" or self.zones != "StartTimeZone"):
                told.remove(told.find(T + edge))
        content = "".join(etree.tostring(one, encoding="unicode") for one in told)
        if named is not None and self.zones == "MeetingTimeZone":
            content += f'<MeetingTimeZone TimeZoneName="{named.get("Id")}"/>'
        if told.find(T + "Recurrence") is not None:
            content += self._occurrences(name, told, zone)
        return f'<CalendarItem><!-- --><ItemId ChangeKey="{key}" Id="{name}"/>{content}<NobodyKnows/></CalendarItem>'

    def _occurrences(self, name: str, item: Any, zone: ZoneInfo) -> str:
        start = _instant(item, "Start")
        at = {number: _offset(_later(start, number, zone), zone) for number in range(1, 11)}
        changed = [other.rpartition("#")[2] for other in self.items if other.startswith(f"{name}#")]
        gone = item.get("gone", "").split()
        rows = "".join(
            f'<Occurrence><ItemId Id="{name}#{n}"/><Start>{at[int(n)]}</Start><End>{at[int(n)]}</End>'
            f"<OriginalStart>{at[int(n)]}</OriginalStart></Occurrence>"
            for n in changed
        )
        deleted = "".join(f"<DeletedOccurrence><Start>{at[int(n)]}</Start></DeletedOccurrence>" for n in gone)
        return f"<ModifiedOccurrences>{rows}</ModifiedOccurrences><DeletedOccurrences>{deleted}</DeletedOccurrences>"

    def _regular(self, master: str, number: int) -> Any:
        """Of a weekly series."""
        item = copy.deepcopy(self.items[master])
        zone = _zone(item)
        for name in ("Recurrence", "ExtendedProperty", "UID"):
            for one in item.findall(T + name):
                item.remove(one)
        original = _later(_instant(item, "Start"), number, zone)
        ends = _later(_instant(item, "End"), number, zone)
        item.find(T + "Start").text, item.find(T + "End").text = original.isoformat(), ends.isoformat()
        etree.SubElement(item, T + "OriginalStart").text = original.isoformat()
        etree.SubElement(item, T + "CalendarItemType").text = "Occurrence"
        return item


def response(name: str, messages: str) -> str:
    listed = f"<answer:ResponseMessages>{messages}</answer:ResponseMessages>"
    return ENVELOPE.format(body=f"<answer:{name}Response>{listed}</answer:{name}Response>")


def _folder(name: str) -> str:
    """Nothing tells a class, nor the rights of the own mailbox."""
    kind = "CalendarFolder" if name in (HOME, WORK) else "Folder"
    parent = '<ParentFolderId Id="root/"/>' if name != "root/" else ""
    return f'<{kind}><FolderId ChangeKey="k" Id="{name}"/>{parent}<DisplayName>{name}</DisplayName></{kind}>'


def _zone(item: Any) -> ZoneInfo:
    named = item.find(T + "StartTimeZone")
    return ZoneInfo(WINDOWS[named.get("Id")] if named is not None else "Europe/Berlin")


def _instant(item: Any, edge: str) -> datetime:
    moment = datetime.fromisoformat(item.findtext(T + edge))
    return moment if moment.tzinfo else moment.replace(tzinfo=_zone(item))


def _later(at: datetime, number: int, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone) + timedelta(weeks=number - 1)


def _offset(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return local.replace(tzinfo=timezone(local.utcoffset() or timedelta())).isoformat().replace("+", ".0000000+", 1)
