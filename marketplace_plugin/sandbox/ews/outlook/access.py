"""Which folders and items an account reaches, and what it may see and do there.

Source: https://learn.microsoft.com/exchange/client-developer/web-service-reference/calendarpermissionlevel
and https://learn.microsoft.com/exchange/client-developer/exchange-web-services/delegate-access-and-ews-in-exchange
"""

from __future__ import annotations

from dataclasses import dataclass

from marketplace_plugin.sandbox.ews.items import Item
from marketplace_plugin.sandbox.ews.outlook import ids, recurrence, series
from marketplace_plugin.sandbox.ews.outlook.series import Occurrence
from marketplace_plugin.sandbox.ews.soap.errors import EwsError
from marketplace_plugin.sandbox.ews.state import LEVELS, Account, Folder, State


@dataclass(frozen=True)
class Rights:
    """EffectiveRights of an account in a folder; ``level`` names what they come from."""

    level: str
    private: bool

    def at_least(self, level: str) -> bool:
        return LEVELS.index(self.level) >= LEVELS.index(level)

    @property
    def read(self) -> bool:
        return self.at_least("Reviewer")

    @property
    def create(self) -> bool:
        return self.at_least("Author")

    @property
    def modify(self) -> bool:
        return self.at_least("Editor")


@dataclass(frozen=True)
class Found:
    """An item, or one occurrence of it, as one account reaches it."""

    reader: str
    folder: Folder
    item: Item
    occurrence: Occurrence | None = None

    @property
    def id(self) -> str:
        day = None if self.occurrence is None else self.occurrence.day
        return ids.item_id(self.item.mailbox, self.item.key, day)

    @property
    def change(self) -> int:
        return self.item.change if self.occurrence is None else self.occurrence.change(self.item)

    @property
    def change_key(self) -> str:
        return ids.change_key(self.item.mailbox, self.change)

    @property
    def sensitivity(self) -> str:
        override = None if self.occurrence is None else self.occurrence.override
        own = {} if override is None else override.fields
        found: str = own.get("Sensitivity", self.item.fields.get("Sensitivity", "Normal"))
        return found


def rights(folder: Folder, email: str) -> Rights:
    """What an account may do in a folder."""
    if folder.mailbox == email:
        return Rights("Owner", True)
    found = folder.permissions.get(email)
    return Rights("None", False) if found is None else Rights(found.level, found.private or found.level == "Owner")


def sees_folder(folder: Folder, email: str) -> bool:
    """Whether the folder exists for an account; of a shared mailbox also its hidden roots do not."""
    return rights(folder, email).level != "None"


def folder(state: State, email: str, folder_id: str) -> Folder:
    """Raises EwsError for what is no id, not there, or not to be seen."""
    reference = ids.read_folder(folder_id)
    found = state.folders.get(reference.key)
    if found is None or ids.mailbox_mark(found.mailbox) != reference.mailbox or not sees_folder(found, email):
        raise EwsError("ErrorFolderNotFound")
    return found


def distinguished(state: State, email: str, name: str, mailbox: str | None) -> Folder:
    """A folder by its well-known name, in the own mailbox or in somebody else's. Raises EwsError."""
    owner: Account | None = state.accounts.get(email) if mailbox is None else state.mailbox(mailbox)
    if owner is None:
        raise EwsError("ErrorNonExistentMailbox")
    if mailbox is not None and owner.email.casefold() != mailbox.casefold():
        raise EwsError("ErrorNonPrimarySmtpAddress", values={"Primary": owner.email})
    try:
        found = state.distinguished(owner.email, name)
    except KeyError:
        raise EwsError("ErrorFolderNotFound") from None
    if not sees_folder(found, email):
        raise EwsError("ErrorFolderNotFound")
    return found


def readable(found: Folder, email: str) -> Folder:
    """Raises EwsError for a folder whose items the account may not read."""
    if not rights(found, email).read:
        raise EwsError("ErrorAccessDenied")
    return found


def item(state: State, email: str, item_id: str) -> Found:
    """The item or occurrence of an id.

    Raises:
        EwsError: for what is no id; what is gone, moved or of a mailbox that the account has no
            rights in; and what it may not read.
    """
    reference = ids.read_item(item_id)
    for candidate in state.folders.values():
        found = candidate.items.get(reference.key)
        if found is None or ids.mailbox_mark(candidate.mailbox) != reference.mailbox:
            continue
        if not sees_folder(candidate, email):
            break
        readable(candidate, email)
        if reference.day is None:
            return Found(email, candidate, found)
        occurrence = None if found.event is None else series.find(found.event, reference.day)
        if occurrence is None:
            break
        return Found(email, candidate, found, occurrence)
    raise EwsError("ErrorItemNotFound")


def occurrence_at(state: State, email: str, master_id: str, index: int) -> Found:
    """The occurrence of a series by its place in the rule, from 1; deleted ones count. Raises EwsError."""
    found = item(state, email, master_id)
    event = found.item.event
    if found.occurrence is not None or event is None or event.recurrence is None:
        raise EwsError("ErrorCalendarIsNotRecurring", "The calendar item is not a recurring master.")
    if index < 1:
        raise EwsError("ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange")
    for number, day in enumerate(recurrence.days(event.recurrence), start=1):
        if number == index:
            if day in event.deleted:
                raise EwsError("ErrorCalendarOccurrenceIsDeletedFromRecurrence")
            return Found(email, found.folder, found.item, Occurrence(event, day, event.overrides.get(day)))
    raise EwsError("ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange")


def master_of(state: State, email: str, occurrence_id: str) -> Found:
    """The series of an occurrence. Raises EwsError."""
    found = item(state, email, occurrence_id)
    if found.occurrence is None:
        raise EwsError("ErrorCalendarIsNotOccurrenceOrException", "The calendar item is no occurrence.")
    return Found(email, found.folder, found.item)


def masked(state: State, found: Found) -> bool:
    """Whether the account is shown no more of the item than that it is private."""
    private = found.sensitivity in ("Private", "Confidential")
    return private and state.knobs.private_enforced and not rights(found.folder, found.reader).private
