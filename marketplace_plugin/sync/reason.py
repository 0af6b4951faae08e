"""Reason codes: why each step was taken, held or left out. One enum; each has a German and an English sentence.

There is no "other": a decision without a code of its own is a decision that nobody can explain.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    # flow
    NEW_REMOTE = "new-remote"
    CHANGED_REMOTE = "changed-remote"
    DELETED_REMOTE = "deleted-remote"
    CANCELLED_REMOTE = "cancelled-remote"
    MOVED_REMOTE = "moved-remote"
    NEW_HOST = "new-host"
    CHANGED_HOST = "changed-host"
    DELETED_HOST = "deleted-host"
    WITHDRAWN_HOST = "withdrawn-host"
    CANCELLED_HOST = "cancelled-host"
    MERGED = "merged"
    ECHO = "echo"
    EQUAL = "equal"
    ADOPTED = "adopted"
    INVITATION_REPLACES_COPY = "invitation-replaces-copy"
    CONVERTED = "converted"
    CONVERSION_UNDONE = "conversion-undone"
    GUESTS = "guests"  # those who take part here are asked to the copy too
    DECIDED = "decided"  # by the user: a conflict, a held deletion, another try
    # left out
    HAS_LIVE_LINK = "has-live-link"
    TARGET_IS_NO_SOURCE = "target-is-no-source"
    SPLIT_THERE = "split-there"
    COPY_OF_STAMPED = "copy-of-stamped"
    BEFORE_CONNECTED = "before-connected"
    OUT_OF_WINDOW = "out-of-window"
    NOT_ORGANISER = "not-organiser"
    NOT_WRITABLE = "not-writable"
    MASKED = "masked"
    DECLINED = "declined"
    SAME_MEETING_ELSEWHERE = "same-meeting-elsewhere"
    UNSUPPORTED_RULE = "unsupported-rule"
    NO_CONNECTION = "no-connection"
    NO_TARGET = "no-target"
    # settled clashes
    CONFLICT_NEWEST = "conflict-newest"
    CONFLICT_HOST = "conflict-host"
    CONFLICT_REMOTE = "conflict-remote"
    CONFLICT_ASK = "conflict-ask"
    EDIT_BEATS_DELETION = "edit-beats-deletion"
    # held or parked
    BRAKE = "brake"
    SUSPECT = "suspect"
    AWAITS_SIBLING = "awaits-sibling"
    AWAITS_APPROVAL = "awaits-approval"
    UNREADABLE = "unreadable"
    REFUSED = "refused"
    PARTIAL = "partial"
    UNANSWERED = "unanswered"
    STALE = "stale"
    DEFERRED = "deferred"
    LOOP = "loop"
    DOUBTFUL = "doubtful"  # it may be the same person, or task, as one that is there: the user says
    ROLE_DROPPED = "role-dropped"
    WOULD_MAIL = "would-mail"
    # around plan()
    UNSELECTED = "unselected"
    DISCONNECTED = "disconnected"
    TARGET_CHANGED = "target-changed"
    RETENTION = "retention"
    UNDONE = "undone"
    # left alone by an undo
    CHANGED_SINCE = "changed-since"
    NOT_KEPT = "not-kept"
    ONLINE_MEETING = "online-meeting"
