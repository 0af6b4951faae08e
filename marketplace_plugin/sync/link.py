"""Link: what ties one remote item to one host item (or block) for one user. docs/sync.md, L1 to L16."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from marketplace_plugin.model.change import Access, Revision
from marketplace_plugin.model.item import Item, Kind
from marketplace_plugin.sync.reason import Reason


class LinkKind(StrEnum):
    BLOCK = "block"  # remote item -> sealed grey block; never writes remotely
    EXPORT = "export"  # host event -> target calendar, flows back on the organiser's link
    CONVERTED = "converted"  # former block <-> visible host event, both ways
    MIRROR = "mirror"  # task or call -> entry in the target; only time moves flow back
    PAIR = "pair"  # contact <-> entry of an address book, task <-> entry of a list; both ways, whoever had it first


class LinkState(StrEnum):
    PENDING = "pending"  # the remote item is being created: an intent is open, or its answer did not come
    LIVE = "live"
    READ_ONLY = "read-only"  # the role dropped, or a source kept for its converted links only
    PARKED = "parked"  # held with a reason; nothing is written until the user or a newer change frees it
    DETACHED = "detached"  # both sides stay, nothing flows any more; kept so that neither is exported or imported again
    DECLINED = "declined"  # deleted there (mirror), or taken back by undo: not written again until that side changes


AT_REST: Final = (LinkState.DETACHED, LinkState.DECLINED)


class Wrote(StrEnum):
    """Where our last write to a link went."""

    NOTHING = "nothing"
    HOST = "host"
    REMOTE = "remote"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class RemoteShowing:
    """The remote side when we last looked: its revision, and the digest of the server's *reply* under the
    projection.
    """

    revision: Revision
    digest: str


@dataclass(frozen=True, slots=True)
class HostShowing:
    """The host side when we last looked."""

    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class Link:
    """One row. ``base`` is what the host showed when both sides last agreed, and ``remote_base`` what the service made
    of it (it may rewrite what it is given); both None for blocks (rule L9), both sealed in the store.

    ``user`` is a person id of the host. ``collection`` and ``remote_id`` are the service's, compared case-sensitively.
    ``uid`` is the item's iCalendar UID. ``organised`` is False for a participant's link: then only response, reminder
    and show-as flow back (rule L4). ``automatic`` counts our writes to this link without a user's edit (rule L8);
    ``wrote`` is the side that the last of them went to.
    """

    id: str
    kind: LinkKind
    user: str
    connection: str
    collection: str
    remote_id: str | None
    host_kind: Kind
    host_ref: str | None
    uid: str = ""
    organised: bool = True
    access: Access = Access.FULL
    remote: RemoteShowing | None = None
    host: HostShowing | None = None
    base: Item | None = None
    remote_base: Item | None = None
    state: LinkState = LinkState.LIVE
    reason: Reason | None = None
    attempts: int = 0
    automatic: int = 0
    wrote: Wrote = Wrote.NOTHING

    @property
    def rests(self) -> bool:
        """Nothing flows: both sides stay as they are until one of them is gone."""
        return self.state in AT_REST

    @property
    def agreed_there(self) -> Item | None:
        """The service's half of the base. ``remote_base`` is kept apart only where it differs from the host's half."""
        return self.remote_base or self.base

    def anew(self, id: str, collection: str) -> Link:  # noqa: A002  # the field's name
        """A link of its own for the same host item, whose remote item is yet to be made: the stamp and the operation
        key are new too, because services refuse what was used once."""
        return replace(
            self,
            id=id,
            collection=collection,
            remote_id=None,
            remote=None,
            base=None,
            remote_base=None,
            uid="",
            state=LinkState.PENDING,
            reason=None,
            attempts=0,
            automatic=0,
            wrote=Wrote.NOTHING,
        )
