"""Three-way merge, cell by cell: what each side shall show, what is agreed from then on, and what was overruled.

The base is a pair: what the host showed and what the service made of it when both last agreed. So a service that
rewrites what it is given has changed nothing, and a side has changed only against its own last showing (rule L5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from marketplace_plugin.sync.merge import guests
from marketplace_plugin.sync.merge.cells import (
    OVERRIDES,
    Cell,
    EntryCell,
    OverrideCell,
    OverrideFieldCell,
    Parts,
    RecurrenceCell,
    Synced,
    cells,
    is_blank,
    told,
)
from marketplace_plugin.sync.merge.entries import NAMED_BY_VALUE
from marketplace_plugin.sync.merge.occurrences import Spelt, spelt, terse
from marketplace_plugin.sync.reason import Reason

CONTENT = frozenset({"when", "title", "description", "location", "sensitivity", "rule", "rdates", "overrides"})
OWN = frozenset({"response", "reminder", "show_as"})
TOLD = frozenset({"status", "organizer", "attendees", "conference"})
"""What a service tells and we never write: attendees above all (nobody is mailed)."""


class Policy(StrEnum):
    """Who wins a clash. A clash lands in the list of conflicts whoever won."""

    NEWEST = "newest"  # the later change; the host where a time is missing or both are equal
    HOST = "host"
    REMOTE = "remote"
    ASK = "ask"  # both sides stay as they are until the user has decided


class Winner(StrEnum):
    HOST = "host"
    REMOTE = "remote"
    NOBODY = "nobody"  # waits for the user


class Verdict(StrEnum):
    KEPT = "kept"  # neither side changed it
    AGREED = "agreed"  # both made the same change
    OUT = "out"  # the host's value goes to the service
    IN = "in"  # the service's value goes to the host
    OPEN = "open"  # a clash that waits for the user
    STRANDED = "stranded"  # changed where it may not flow from, or masked: both sides keep their own


@dataclass(frozen=True, slots=True)
class Flows:
    """Which fields may go to the host (``inward``) and to the service (``outward``). All of them are compared.

    Attendees are in neither: ``guests`` says whether those of the host are asked to the copy as well (guests.py).
    """

    inward: frozenset[str]
    outward: frozenset[str]
    guests: bool = False

    @property
    def held(self) -> frozenset[str]:
        return self.inward | self.outward

    @property
    def share_occurrences(self) -> bool:
        """Both sides may change one occurrence. A participant may have moved those of his copy, which is his affair."""
        return OVERRIDES in self.inward & self.outward


@dataclass(frozen=True, slots=True)
class Base:
    """What the host showed and what the service showed when both last agreed."""

    host: Synced
    remote: Synced


@dataclass(frozen=True, slots=True)
class Showing:
    """One side now. ``changed`` is that side's time of its change (aware UTC), None where it tells none."""

    item: Synced
    changed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Clash:
    """Both sides changed ``cell`` to different values. ``winner`` stays, the other one was overruled."""

    cell: str
    winner: Winner
    reason: Reason


@dataclass(frozen=True, slots=True)
class Merge:
    """``host`` and ``remote`` are what each side shall show; ``to_host`` and ``to_remote`` name the fields to write."""

    host: Synced
    remote: Synced
    to_host: frozenset[str]
    to_remote: frozenset[str]
    clashes: tuple[Clash, ...]
    verdicts: Mapping[str, Verdict]
    base: Base
    seen: Base
    flows: Flows


def merge(base: Base, host: Showing, remote: Showing, flows: Flows, policy: Policy) -> Merge:
    """Merge what happened on both sides since ``base``. Writes nothing that did not change on the other side."""
    seen = Base(host.item, remote.item)
    sides, winner = _Sides.of(base, seen, flows), _winner(host, remote, policy)
    new_host, new_remote = sides.host, sides.remote
    verdicts: dict[str, Verdict] = {}
    clashes: list[Clash] = []
    fields: dict[Verdict, set[str]] = {verdict: set() for verdict in Verdict}
    for cell in cells([sides.old_host, sides.old_remote, sides.host, sides.remote], flows.held):
        if isinstance(cell, OverrideFieldCell) and sides.both_as_all(cell):
            verdict, clash = verdicts[cell.inner], None
        else:
            verdict, clash = _judge(cell, sides, flows, winner)
        verdicts[cell.name] = verdict
        fields[verdict] |= cell.fields
        clashes += [clash] if clash else []
        if verdict is Verdict.OUT:
            new_remote = cell.put(new_remote, cell.get(sides.host), flows.outward)
        elif verdict is Verdict.IN:
            new_host = cell.put(new_host, cell.get(sides.remote), flows.inward)
    new_host = terse(new_host, sides.spelt_here, flows.held)
    new_remote = terse(new_remote, sides.spelt_there, flows.held)
    shown = new_remote.item()
    asked = guests.due(_four(base, seen)) if flows.guests else None
    if asked is not None:
        shown = guests.with_guests(shown, asked)
        fields[Verdict.OUT].add(guests.GUESTS)
    return Merge(
        new_host.item(),
        shown,
        frozenset(fields[Verdict.IN]),
        frozenset(fields[Verdict.OUT]),
        tuple(clashes),
        verdicts,
        base,
        seen,
        flows,
    )


@dataclass(frozen=True, slots=True)
class _Sides:
    """The four showings as Parts; what was spelt out of the rule on either side now (occurrences.py)."""

    old_host: Parts
    old_remote: Parts
    host: Parts
    remote: Parts
    spelt_here: frozenset[str]
    spelt_there: frozenset[str]

    @classmethod
    def of(cls, base: Base, seen: Base, flows: Flows) -> _Sides:
        here, there = Parts.of(seen.host), Parts.of(seen.remote)
        both = _spelt([Parts.of(base.host), here], [Parts.of(base.remote), there], flows)
        (old_host, host), (old_remote, remote) = both.host, both.remote
        return cls(
            old_host, old_remote, host, remote, both.keys - here.overrides.keys(), both.keys - there.overrides.keys()
        )

    def both_as_all(self, cell: OverrideFieldCell) -> bool:
        """Each side shows this field of an occurrence as that of its series: what becomes of the series counts."""
        if cell.key not in self.spelt_here | self.spelt_there:
            return False
        return all(
            cell.equal(cell.get(side), getattr(side.by_rule(cell.key).event, cell.inner))
            for side in (self.host, self.remote)
        )

    def own(self, cell: Cell) -> Winner | None:
        """The side that alone has changed the occurrence itself, where the other one shows it by its rule."""
        if not isinstance(cell, OverrideFieldCell):
            return None
        if cell.key in self.spelt_here:
            return Winner.REMOTE
        return Winner.HOST if cell.key in self.spelt_there else None


def _spelt(host: list[Parts], remote: list[Parts], flows: Flows) -> Spelt:
    if not flows.share_occurrences:
        return Spelt(tuple(host), tuple(remote), frozenset())
    return spelt(host, remote, flows.held)


def _four(base: Base, seen: Base) -> guests.Sides:
    return guests.Sides(base.host, base.remote, seen.host, seen.remote)


def _judge(cell: Cell, sides: _Sides, flows: Flows, winner: tuple[Winner, Reason]) -> tuple[Verdict, Clash | None]:
    new_host, new_remote = cell.get(sides.host), cell.get(sides.remote)
    if not _comparable(cell, new_host, new_remote):
        return Verdict.STRANDED, None
    changed_host = not cell.equal(cell.get(sides.old_host), new_host)
    changed_remote = not cell.equal(cell.get(sides.old_remote), new_remote)
    out, inward = bool(cell.names & flows.outward), bool(cell.names & flows.inward)
    if changed_host and changed_remote and not cell.equal(new_host, new_remote):
        own = sides.own(cell)  # who changed this occurrence said more than who changed all of them
        changed_host, changed_remote = own is not Winner.REMOTE, own is not Winner.HOST
    match changed_host, changed_remote:
        case False, False:
            return Verdict.KEPT, None
        case True, False:
            return (Verdict.OUT if out else Verdict.STRANDED), None
        case False, True:
            return (Verdict.IN if inward else Verdict.STRANDED), None
    if cell.equal(new_host, new_remote):
        return Verdict.AGREED, None
    if isinstance(cell, EntryCell) and cell.list in NAMED_BY_VALUE:
        return _of_an_entry(new_host, new_remote, inward, out), None
    survivor = _edited_occurrence(cell, new_host, new_remote)
    clash = Clash(cell.name, *(winner if survivor is None else (survivor, Reason.EDIT_BEATS_DELETION)))
    if not inward or not out:
        # Only one way is open: that side's value goes through, and what it overrules is still written down.
        clash = (
            Clash(cell.name, Winner.REMOTE, Reason.CONFLICT_REMOTE)
            if inward
            else Clash(cell.name, Winner.HOST, Reason.CONFLICT_HOST)
        )
    verdict = {Winner.HOST: Verdict.OUT, Winner.REMOTE: Verdict.IN, Winner.NOBODY: Verdict.OPEN}[clash.winner]
    return verdict, clash


def _of_an_entry(host: Any, remote: Any, inward: bool, out: bool) -> Verdict:
    """One side took an address or number away or labelled it, and the other one labelled it: it stays, under the label
    that it has here where both gave it one."""
    wins_here = remote is None or host is not None
    if wins_here:
        return Verdict.OUT if out else Verdict.IN
    return Verdict.IN if inward else Verdict.OUT


def _comparable(cell: Cell, host: Any, remote: Any) -> bool:
    """Masked is unknown (rule L6); an account that was not invited has no response to tell."""
    if not told(host) or not told(remote):
        return False
    return not (cell.names == {"response"} and remote is None)


def _winner(host: Showing, remote: Showing, policy: Policy) -> tuple[Winner, Reason]:
    """Who wins the clashes of these two, and why."""
    match policy:
        case Policy.ASK:
            return Winner.NOBODY, Reason.CONFLICT_ASK
        case Policy.HOST:
            return Winner.HOST, Reason.CONFLICT_HOST
        case Policy.REMOTE:
            return Winner.REMOTE, Reason.CONFLICT_REMOTE
        case Policy.NEWEST:
            later = host.changed is not None and remote.changed is not None and remote.changed > host.changed
            return (Winner.REMOTE if later else Winner.HOST), Reason.CONFLICT_NEWEST


def _edited_occurrence(cell: Cell, host: Any, remote: Any) -> Winner | None:
    """An occurrence that one side edited and the other one cancelled stays."""
    if not isinstance(cell, OverrideCell) or host is None or remote is None:
        return None
    if host.event is None:
        return Winner.REMOTE
    return Winner.HOST if remote.event is None else None


def agreed(merged: Merge, host: Synced | None, remote: Synced | None) -> Base:
    """The base after the writes: ``host`` is what the host shows then, None where its write was not done; ``remote`` is
    the service's reply, or what it showed where nothing was to be written, None where the push was not done."""
    seen_host, seen_remote = Parts.of(merged.seen.host), Parts.of(merged.seen.remote)
    both = _spelt(
        [Parts.of(merged.base.host), seen_host, Parts.of(host) if host is not None else seen_host],
        [Parts.of(merged.base.remote), seen_remote, Parts.of(remote) if remote is not None else seen_remote],
        merged.flows,
    )
    (old_host, seen_host, new_host), (old_remote, seen_remote, new_remote) = both.host, both.remote
    held = merged.flows.held
    for cell in cells([old_host, old_remote, seen_host, seen_remote, new_host, new_remote], held):
        verdict = _verdict_of(cell, merged)
        done = {Verdict.OUT: remote is not None, Verdict.IN: host is not None}.get(verdict, True)
        if verdict is Verdict.OPEN and is_blank(merged.base.host):
            continue  # tied as they are: they stay different until the user has decided, or changed one of them
        if verdict in (Verdict.OPEN, Verdict.STRANDED) or not done:
            new_host = cell.put(new_host, cell.get(old_host), held)
            new_remote = cell.put(new_remote, cell.get(old_remote), held)
        elif verdict is Verdict.OUT:
            new_host = cell.put(new_host, cell.get(seen_host), held)
    agreed_host, agreed_remote = (terse(half, both.keys, held).item() for half in (new_host, new_remote))
    if merged.flows.guests:
        four = _four(merged.base, merged.seen)
        if remote is None:
            agreed_host = guests.with_guests(agreed_host, guests.guests_of(four.base_host))
        said = guests.guests_of(four.base_remote) if remote is None else guests.remembered(four, remote)
        agreed_remote = guests.with_guests(agreed_remote, said)
    return Base(agreed_host, agreed_remote)


def _verdict_of(cell: Cell, merged: Merge) -> Verdict:
    """The verdict on a cell; where the writes changed the partition, the strictest of the cells that it covers."""
    if cell.name in merged.verdicts:
        return merged.verdicts[cell.name]
    inside = [v for name, v in merged.verdicts.items() if _covers(cell, name)]
    order = (Verdict.OPEN, Verdict.STRANDED, Verdict.OUT, Verdict.IN, Verdict.AGREED)
    return next((v for v in order if v in inside), Verdict.KEPT)


def _covers(cell: Cell, name: str) -> bool:
    if isinstance(cell, RecurrenceCell):
        return name == "when" or name.startswith("overrides/")
    return name == "recurrence" or name.startswith(cell.name + "/") or cell.name.startswith(name + "/")


def absorb(base: Base, before: Synced, sent: Synced, found: Synced, flows: Flows) -> Base:
    """The base after a push whose answer was lost: cells that we wrote and that stand there as we sent them are agreed.

    ``before`` is what the service showed when ``sent`` was made of it: what we took over from it was no write of ours.
    """
    there = [Parts.of(side) for side in (base.remote, before, sent, found)]
    both = _spelt([Parts.of(base.host)], there, flows)
    (old_host,), (old_remote, seen, ours, theirs) = both.host, both.remote
    new_host, new_remote = old_host, old_remote
    for cell in cells([old_host, old_remote, seen, ours, theirs], flows.held):
        written = not cell.equal(cell.get(seen), cell.get(ours))
        if written and cell.equal(cell.get(ours), cell.get(theirs)):
            new_host = cell.put(new_host, cell.get(ours), flows.held)
            new_remote = cell.put(new_remote, cell.get(theirs), flows.held)
    return Base(*(terse(half, both.keys, flows.held).item() for half in (new_host, new_remote)))


def changed(before: Synced, after: Synced, held: frozenset[str]) -> frozenset[str]:
    """Names of the held fields that differ between two showings of one side."""
    return frozenset(name for cell in changed_cells(before, after, held) for name in cell.fields)


def changed_cells(before: Synced, after: Synced, held: frozenset[str]) -> list[Cell]:
    """The cells that differ between two showings."""
    old, new = Parts.of(before), Parts.of(after)
    return [cell for cell in cells([old, new], held) if not _unchanged(cell, old, new)]


def _unchanged(cell: Cell, old: Parts, new: Parts) -> bool:
    value = cell.get(new)
    return not told(value) or cell.equal(cell.get(old), value)
