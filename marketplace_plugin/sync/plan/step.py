"""What a pass knows of one link, what it will do with it, and all of that together: Case, Step and Plan."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace_plugin.model.change import Found, Gone, HostGone, HostItem
from marketplace_plugin.sync.link import Link
from marketplace_plugin.sync.merge.cells import Synced
from marketplace_plugin.sync.merge.three_way import Clash, Merge
from marketplace_plugin.sync.plan.tables import Action
from marketplace_plugin.sync.reason import Reason


@dataclass(frozen=True, slots=True)
class Case:
    """One link with what is known of both sides now; None where nothing is news there. ``ours``: its host item was
    deleted by this very connection, because it was gone there."""

    link: Link
    host: HostItem | HostGone | None = None
    remote: Found | Gone | None = None
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One decision. ``link`` is as it stands before it; for ADOPT, REPOINT and creates as it shall stand."""

    action: Action
    reason: Reason
    link: Link
    case: Case
    merged: Merge | None = None
    clashes: tuple[Clash, ...] = ()
    automatic: int = 0  # writes to this link since a user's last edit, this one counted
    then: Reason | None = None  # what is left undone after this step, so that the link stays parked
    restored: Synced | None = None  # what an undo puts back where the run deleted it

    @property
    def pushes(self) -> bool:
        """Whether it writes to the service."""
        if self.action is Action.MERGE:
            return self.merged is not None and bool(self.merged.to_remote)
        return self.action in (Action.CREATE_REMOTE, Action.RECREATE_REMOTE, Action.DELETE_REMOTE)

    @property
    def applies(self) -> bool:
        """Whether it writes to the host."""
        if self.action is Action.MERGE:
            return self.merged is not None and bool(self.merged.to_host)
        return self.action in (Action.RECREATE_HOST, Action.DELETE_HOST)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a pass will do, in order."""

    steps: tuple[Step, ...] = ()

    @property
    def conflicts(self) -> tuple[Clash, ...]:
        return tuple(clash for step in self.steps for clash in step.clashes)
