"""What the sandbox holds: accounts, mailboxes with folders and items, mail.

Plain data with one lock and one change counter. The counter gives each change a number, which is
the change key of what changed and its place in a sync state. Instants are aware and in UTC; zones
are Windows names.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from marketplace_plugin.sandbox.ews.items import Item, Kind
from marketplace_plugin.sandbox.frame import state as frame
from marketplace_plugin.sandbox.frame.state import Clock, system_clock

LEVELS = (
    "None",
    "FreeBusyTimeOnly",
    "FreeBusyTimeAndSubjectAndLocation",
    "Reviewer",
    "Author",
    "Editor",
    "Owner",
)
"""CalendarPermissionLevelType, weakest first; for other folders the first three are the same."""


@dataclass
class Account:
    """Somebody with a mailbox. ``domain`` and ``user`` are the names before Windows 2000's."""

    email: str
    name: str
    user: str
    domain: str
    password: str
    time_zone: str = "W. Europe Standard Time"
    aliases: tuple[str, ...] = ()
    """Further mail addresses of the mailbox (proxy addresses), in lower case."""
    disabled: bool = False
    wrong_passwords: int = 0
    settings_url: str | None = None
    """What autodiscover names instead of this server's own EWS address."""
    redirect_address: str | None = None
    """The other address that autodiscover sends a client to."""
    redirect_url: str | None = None
    """The other autodiscover server that autodiscover sends a client to."""


@dataclass
class Permission:
    """What somebody else may do in a folder."""

    level: str
    private: bool = False
    """Whether he sees private items (delegates who were allowed to)."""
    since: int = 0
    """The number of the change that first let him in."""


@dataclass
class Folder:
    """A folder of a mailbox. ``parent`` is None for the root."""

    key: int
    mailbox: str
    parent: int | None
    name: str
    kind: Kind | None
    """What it holds; None for mail and the folders above."""
    change: int
    distinguished: str | None = None
    hidden: bool = False
    items: dict[int, Item] = field(default_factory=dict)
    changes: OrderedDict[int, int] = field(default_factory=OrderedDict)
    """Item key -> number of its last change, departures too; oldest first."""
    entered: dict[int, int] = field(default_factory=dict)
    """Item key -> number of the change that brought it here; kept after it is gone."""
    permissions: dict[str, Permission] = field(default_factory=dict)
    epoch: int = 0
    """Raised when all earlier sync states end."""


@dataclass(frozen=True)
class Mail:
    """A mail that the real service would have sent."""

    kind: str
    """invitation, update, cancellation or response"""
    sender: str
    to: tuple[str, ...]
    subject: str
    uid: str
    at: datetime


@dataclass
class Knobs:
    """Behaviour that stays on until it is changed back; faults are counted, knobs are not."""

    version: str = "Exchange2019"
    """A key of ``versions.SERVERS``."""
    schemes: tuple[str, ...] = ("Negotiate", "NTLM", "Basic")
    """What a 401 offers. Negotiate takes NTLM messages only."""
    extended_protection: bool = False
    """Refuse NTLM without a channel binding."""
    lockout_threshold: int = 10
    page_limit: int = 512
    """Changes in a page of SyncFolderItems at most."""
    fractions: int = 0
    """Digits after the seconds of times in replies: 0, 3 or 7."""
    private_enforced: bool = True
    """Off: private items of others are shown whole, as by servers that leave hiding to the client."""
    concurrent_requests: int | None = None
    """EWSMaxConcurrency: requests of one account at a time; None: the version's default, 10 or 27."""
    throttled_until: datetime | None = None
    """All calls are ErrorServerBusy until then."""
    late_bump: bool = False
    """The change key moves once more after each write has been answered."""
    sync_replays: bool = False
    """A round also repeats what the round before it brought."""
    duplicate_uid: bool = False
    """Refuse to create an item whose UID the folder has."""
    ews_enabled: bool = True
    """Off: the server answers 403, as for a mailbox whose EWS the administrator switched off."""
    refused: dict[str, str] = field(default_factory=dict)
    """Id of an item or occurrence, or address of a mailbox -> the code that each request for it is answered with."""
    refused_whole: bool = False
    """Such codes, and that of an address that is not the primary one, come as faults of the whole request."""
    public_url: str | None = None
    """The base URL that autodiscover names; None: the one of ``start``."""
    autodiscover_moved_to: str | None = None
    """Where autodiscover leads over HTTPS before it asks for a password; None: nowhere."""
    redirect_to: str | None = None
    """Where the unauthenticated GET of autodiscover.xml leads; None: to this server."""


class State(frame.State):
    """Everything that the sandbox knows. Hold ``lock`` around each use from outside a request."""

    outbox: deque[Mail]
    knobs: Knobs

    def __init__(self, clock: Clock = system_clock) -> None:
        super().__init__(clock)
        self.accounts: dict[str, Account] = {}
        self.folders: dict[int, Folder] = {}
        self.folder_changes: dict[str, OrderedDict[int, int]] = {}
        """Of each mailbox: folder key -> number of its last change, removal too; oldest first."""
        self.folders_entered: dict[int, int] = {}
        self.knobs = Knobs()

    # --- accounts -----------------------------------------------------------------------------

    def add_account(self, account: Account) -> Account:
        """Add somebody, with the folders that each mailbox has."""
        self.accounts[account.email] = account
        self.folder_changes[account.email] = OrderedDict()
        root = self.add_folder(account.email, None, "", None, distinguished="root")
        top = self.add_folder(
            account.email, root, "Oberste Ebene des Informationsspeichers", None, distinguished="msgfolderroot"
        )
        for distinguished, name, kind in _DEFAULTS:
            above = root if distinguished.startswith("recoverable") else top
            self.add_folder(account.email, above, name, kind, distinguished=distinguished)
        return account

    def find_account(self, name: str) -> Account | None:
        """By ``DOMAIN\\user``, user principal name or bare user name, as Windows signs in."""
        domain, separator, user = name.rpartition("\\")
        wanted = user.casefold()
        for account in self.accounts.values():
            if "@" in wanted:
                if account.email.casefold() == wanted:
                    return account
            elif account.user.casefold() == wanted and (
                not separator or domain.casefold() == account.domain.casefold()
            ):
                return account
        return None

    def mailbox(self, address: str) -> Account | None:
        """By mail address, the primary one or an alias, whatever its case."""
        wanted = address.casefold()
        found = (item for item in self.accounts.values() if wanted in (item.email.casefold(), *item.aliases))
        return next(found, None)

    # --- folders ------------------------------------------------------------------------------

    def add_folder(
        self, mailbox: str, parent: Folder | None, name: str, kind: Kind | None, distinguished: str | None = None
    ) -> Folder:
        """Add a folder below ``parent``."""
        folder = Folder(
            self.next_number(), mailbox, None if parent is None else parent.key, name, kind, 0, distinguished
        )
        self.folders[folder.key] = folder
        self.touch_folder(folder)
        self.folders_entered[folder.key] = folder.change
        return folder

    def touch_folder(self, folder: Folder) -> None:
        """Give a folder a new change key."""
        folder.change = self.next_tick()
        self._note_folder(folder)

    def remove_folder(self, folder: Folder) -> None:
        """With all folders below it."""
        for child in list(self.children(folder)):
            self.remove_folder(child)
        del self.folders[folder.key]
        folder.change = self.next_tick()
        self._note_folder(folder)

    def _note_folder(self, folder: Folder) -> None:
        changes = self.folder_changes[folder.mailbox]
        changes[folder.key] = folder.change
        changes.move_to_end(folder.key)

    def children(self, folder: Folder) -> Iterator[Folder]:
        """The folders right below one."""
        return (item for item in self.folders.values() if item.parent == folder.key)

    def below(self, folder: Folder) -> Iterator[Folder]:
        """All folders below one, parents before children."""
        for child in list(self.children(folder)):
            yield child
            yield from self.below(child)

    def distinguished(self, mailbox: str, name: str) -> Folder:
        """Raises KeyError for a mailbox or a name that does not exist."""
        for folder in self.folders.values():
            if folder.mailbox == mailbox and folder.distinguished == name:
                return folder
        raise KeyError(name)

    def folder_named(self, mailbox: str, name: str) -> Folder:
        """Raises KeyError for an unknown one."""
        for folder in self.folders.values():
            if folder.mailbox == mailbox and folder.name == name:
                return folder
        raise KeyError(name)

    def share(self, folder: Folder, email: str, level: str | None, *, private: bool = False) -> None:
        """Give, change or take (None) somebody's access. Raises ValueError for an unknown level."""
        if level is None:
            folder.permissions.pop(email, None)
        elif level in LEVELS:
            before = folder.permissions.get(email)
            since = self.next_tick() if before is None or before.level == "None" else before.since
            folder.permissions[email] = Permission(level, private, since)
        else:
            raise ValueError(f"unknown level {level!r}; one of {', '.join(LEVELS)}")
        self.touch_folder(folder)

    def expire_sync_states(self, mailbox: str | None = None) -> None:
        """End the sync states of one mailbox or of all: ErrorInvalidSyncStateData."""
        for folder in self.folders.values():
            if mailbox in (None, folder.mailbox):
                folder.epoch += 1

    # --- items --------------------------------------------------------------------------------

    def store(self, item: Item) -> Item:
        """Put an item into its folder."""
        folder = self.folders[item.folder]
        folder.items[item.key] = item
        self.touch(item, item.modified_by)
        folder.entered[item.key] = item.change
        return item

    def touch(self, item: Item, by: str | None = None) -> None:
        """Give the item a new change key and modification time."""
        item.change = self.next_tick()
        item.modified = self.now()
        if by is not None:
            item.modified_by = by
        self._note(item, item.change)

    def remove(self, item: Item) -> None:
        """Take an item out of its folder; syncs report it."""
        folder = self.folders[item.folder]
        del folder.items[item.key]
        self._note(item, self.next_tick())

    def move(self, item: Item, folder: Folder) -> None:
        """Put an item into another folder: copied and deleted, as Exchange does, so its id is another one."""
        self.remove(item)
        item.key, item.folder, item.mailbox = self.next_number(), folder.key, folder.mailbox
        self.store(item)

    def _note(self, item: Item, change: int) -> None:
        changes = self.folders[item.folder].changes
        changes[item.key] = change
        changes.move_to_end(item.key)

    def items_of(self, mailbox: str) -> list[Item]:
        """All items of a mailbox, deleted ones that are still in the bin too."""
        return [item for f in self.folders.values() if f.mailbox == mailbox for item in f.items.values()]


_DEFAULTS: tuple[tuple[str, str, Kind | None], ...] = (
    ("inbox", "Posteingang", None),
    ("drafts", "Entwürfe", None),
    ("sentitems", "Gesendete Elemente", None),
    ("outbox", "Postausgang", None),
    ("deleteditems", "Gelöschte Elemente", None),
    ("junkemail", "Junk-E-Mail", None),
    ("calendar", "Kalender", "CalendarItem"),
    ("contacts", "Kontakte", "Contact"),
    ("tasks", "Aufgaben", "Task"),
    ("recoverableitemsdeletions", "Deletions", None),
)
"""Distinguished name, display name of a German mailbox, and what the folder holds."""
