"""The decision tables, one for each kind of link, and the words that they are written in.

A table is read like this: the row is what happened in the host since its last showing, the column what happened at the
service since its own. ``touched`` is a change of response, reminder or show-as alone; ``edited`` one of content. Only
an edit beats a deletion, and what the user does not organise is never made again (docs/sync.md, L4, L5, D1 and D2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from marketplace_plugin.model.change import Access
from marketplace_plugin.sync.link import Link, LinkKind
from marketplace_plugin.sync.reason import Reason


class Did(StrEnum):
    """What happened on one side since its last showing."""

    SAME = "same"
    TOUCHED = "touched"  # own response, reminder or show-as
    EDITED = "edited"
    DELETED = "deleted"
    WITHDRAWN = "withdrawn"  # host only: the user is no longer part of it


class Action(StrEnum):
    NOTHING = "nothing"  # at most the showings are written down
    MERGE = "merge"  # write to either side what the other one changed
    CREATE_REMOTE = "create-remote"
    RECREATE_REMOTE = "recreate-remote"  # deleted there, edited here: a new item and a new link
    DELETE_REMOTE = "delete-remote"
    RECREATE_HOST = "recreate-host"  # deleted here, edited there
    DELETE_HOST = "delete-host"
    TO_BLOCK = "to-block"  # a converted event that the user deleted here but may not delete there
    PUT_BLOCK = "put-block"
    DROP_BLOCK = "drop-block"
    ADOPT = "adopt"  # tie the two as they are; differences become conflicts
    REPOINT = "repoint"  # the same link, another remote item
    UNLINK = "unlink"
    DETACH = "detach"
    DECLINE = "decline"
    PARK = "park"


@dataclass(frozen=True, slots=True)
class Decision:
    action: Action
    reason: Reason


NOTHING = Decision(Action.NOTHING, Reason.EQUAL)
IN = Decision(Action.MERGE, Reason.CHANGED_REMOTE)
OUT = Decision(Action.MERGE, Reason.CHANGED_HOST)
BOTH = Decision(Action.MERGE, Reason.MERGED)
DEL_HOST = Decision(Action.DELETE_HOST, Reason.DELETED_REMOTE)
DEL_REMOTE = Decision(Action.DELETE_REMOTE, Reason.DELETED_HOST)
DEL_LEFT = Decision(Action.DELETE_REMOTE, Reason.WITHDRAWN_HOST)
NEW_REMOTE = Decision(Action.RECREATE_REMOTE, Reason.EDIT_BEATS_DELETION)
NEW_HOST = Decision(Action.RECREATE_HOST, Reason.EDIT_BEATS_DELETION)
UNLINK = Decision(Action.UNLINK, Reason.DELETED_HOST)
DECLINE = Decision(Action.DECLINE, Reason.DELETED_REMOTE)
DETACH = Decision(Action.DETACH, Reason.NOT_ORGANISER)
LEAVE = Decision(Action.DETACH, Reason.WITHDRAWN_HOST)
KEEP = Decision(Action.DETACH, Reason.TARGET_CHANGED)
TO_BLOCK = Decision(Action.TO_BLOCK, Reason.NOT_ORGANISER)
STANDS = Decision(Action.TO_BLOCK, Reason.WITHDRAWN_HOST)
PUT = Decision(Action.PUT_BLOCK, Reason.CHANGED_REMOTE)
DROP = Decision(Action.DROP_BLOCK, Reason.DELETED_REMOTE)

Table = Mapping[Did, tuple[Decision, Decision, Decision, Decision]]
COLUMNS = (Did.SAME, Did.TOUCHED, Did.EDITED, Did.DELETED)
S, T, E, D, W = Did.SAME, Did.TOUCHED, Did.EDITED, Did.DELETED, Did.WITHDRAWN

# fmt: off
EXPORT_ORGANISED: Table = {  # the host event is the user's own; the copy at the service is ours
    # host    | remote: same     touched      edited       deleted
    S:                 (NOTHING,    IN,          IN,          DEL_HOST),
    T:                 (OUT,        BOTH,        BOTH,        DEL_HOST),
    E:                 (OUT,        BOTH,        BOTH,        NEW_REMOTE),
    D:                 (DEL_REMOTE, DEL_REMOTE,  NEW_HOST,    UNLINK),
    W:                 (DEL_LEFT,   DEL_LEFT,    DEL_LEFT,    UNLINK),
}
EXPORT_PARTICIPANT: Table = {  # somebody else organises it in the host: a deletion concerns this user's copy alone
    S:                 (NOTHING,    IN,          IN,          DECLINE),
    T:                 (OUT,        BOTH,        BOTH,        DECLINE),
    E:                 (OUT,        BOTH,        BOTH,        DECLINE),
    D:                 (DEL_REMOTE, DEL_REMOTE,  DEL_REMOTE,  UNLINK),
    W:                 (DEL_LEFT,   DEL_LEFT,    DEL_LEFT,    UNLINK),
}
EXPORT_INVITATION: Table = {  # it took the place of our copy, and belongs to who sent it: it still takes time there
    S:                 (NOTHING,    IN,          IN,          DECLINE),
    T:                 (OUT,        BOTH,        BOTH,        DECLINE),
    E:                 (OUT,        BOTH,        BOTH,        DECLINE),
    D:                 (STANDS,     STANDS,      STANDS,      UNLINK),
    W:                 (STANDS,     STANDS,      STANDS,      UNLINK),
}
LEFT_COPY: Table = {  # its event went elsewhere: removed, unless somebody wrote something into it
    D:                 (DEL_REMOTE, DEL_REMOTE,  KEEP,        UNLINK),
}
CONVERTED_FULL: Table = {  # both ways; the user organises it at the service
    S:                 (NOTHING,    IN,          IN,          DEL_HOST),
    T:                 (OUT,        BOTH,        BOTH,        DEL_HOST),
    E:                 (OUT,        BOTH,        BOTH,        NEW_REMOTE),
    D:                 (DEL_REMOTE, DEL_REMOTE,  NEW_HOST,    UNLINK),
    W:                 (TO_BLOCK,   TO_BLOCK,    TO_BLOCK,    UNLINK),
}
CONVERTED_ATTENDEE: Table = {  # he takes part there: deleting it here must not decline it there
    S:                 (NOTHING,    IN,          IN,          DEL_HOST),
    T:                 (OUT,        BOTH,        BOTH,        DEL_HOST),
    E:                 (OUT,        BOTH,        BOTH,        DETACH),
    D:                 (TO_BLOCK,   TO_BLOCK,    TO_BLOCK,    UNLINK),
    W:                 (TO_BLOCK,   TO_BLOCK,    TO_BLOCK,    UNLINK),
}
MIRROR: Table = {  # a task or call shown in the target; deleted there means "no longer mirrored", for good
    S:                 (NOTHING,    IN,          IN,          DECLINE),
    T:                 (OUT,        BOTH,        BOTH,        DECLINE),
    E:                 (OUT,        BOTH,        BOTH,        DECLINE),
    D:                 (DEL_REMOTE, DEL_REMOTE,  DEL_REMOTE,  UNLINK),
    W:                 (DEL_LEFT,   DEL_LEFT,    DEL_LEFT,    UNLINK),
}
PAIRED: Table = {  # a contact or a task, the user's own on both sides
    S:                 (NOTHING,    IN,          IN,          DEL_HOST),
    T:                 (OUT,        BOTH,        BOTH,        DEL_HOST),
    E:                 (OUT,        BOTH,        BOTH,        NEW_REMOTE),
    D:                 (DEL_REMOTE, DEL_REMOTE,  NEW_HOST,    UNLINK),
    W:                 (LEAVE,      LEAVE,       LEAVE,       UNLINK),
}
BLOCK: Table = {  # never writes anywhere
    S:                 (NOTHING,    PUT,         PUT,         DROP),
}
# fmt: on


def table_of(link: Link) -> Table:
    match link.kind:
        case LinkKind.BLOCK:
            return BLOCK
        case _ if link.host_ref is None:
            return LEFT_COPY
        case LinkKind.MIRROR:
            return MIRROR
        case LinkKind.PAIR:
            return PAIRED
        case LinkKind.CONVERTED:
            return CONVERTED_FULL if link.access is Access.FULL else CONVERTED_ATTENDEE
        case LinkKind.EXPORT if link.access is Access.ATTENDEE:
            return EXPORT_INVITATION
        case LinkKind.EXPORT:
            return EXPORT_ORGANISED if link.organised else EXPORT_PARTICIPANT
