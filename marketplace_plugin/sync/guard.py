"""The brake: deletions that a pass may do, and those that wait for the user (docs/sync.md, R4 and D6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from marketplace_plugin.sync.link import Link
from marketplace_plugin.sync.plan.step import Plan, Step
from marketplace_plugin.sync.plan.tables import Action

LEAST = 10
SHARE = 4  # one in four


class Side(StrEnum):
    HOST = "host"
    REMOTE = "remote"


DELETES: Mapping[Action, Side] = {Action.DELETE_HOST: Side.HOST, Action.DELETE_REMOTE: Side.REMOTE}
"""Dropping a block is missing on purpose: the service said that it is gone, and a block must not say "busy" falsely."""


@dataclass(frozen=True, slots=True)
class Count:
    """``links``: live links that are no blocks. ``done``: deletions of the last 24 hours by side."""

    links: int
    done: Mapping[Side, int]


@dataclass(frozen=True, slots=True)
class Braked:
    """``go`` is done now; each of ``held`` waits for the owner's approval, with the reason BRAKE."""

    go: Plan
    held: tuple[Step, ...]


def limit(links: int) -> int:
    """Deletions allowed in 24 hours on one side: max(10, 25 %)."""
    return max(LEAST, links // SHARE)


def brake(plan: Plan, count: Count, approved: frozenset[str]) -> Braked:
    """Hold all deletions of a side on which the plan would go over the limit; everything else goes on.

    ``approved`` are ids of links whose deletion the owner approved, or made himself in one act in the host.
    """
    over = {side for side in Side if _counted(plan, side, approved) + count.done.get(side, 0) > limit(count.links)}
    held = tuple(s for s in plan.steps if DELETES.get(s.action) in over and s.link.id not in approved)
    named = {s.link.id for s in held}
    return Braked(Plan(tuple(s for s in plan.steps if s.link.id not in named)), held) if held else Braked(plan, ())


def _counted(plan: Plan, side: Side, approved: frozenset[str]) -> int:
    return sum(1 for s in plan.steps if DELETES.get(s.action) is side and s.link.id not in approved)


@dataclass(frozen=True, slots=True)
class Suspects:
    """``fetch`` are asked for by id; ``held`` are more than the guard allows, so nothing is asked and nothing done."""

    fetch: tuple[Link, ...]
    held: tuple[Link, ...]


def suspects(absent: Sequence[Link], links: int) -> Suspects:
    """What was absent from a complete snapshot of a collection with so many ``links``. Absence is not deletion: a fetch
    by id must answer Gone, and an empty answer must not make us ask for everything."""
    return Suspects(tuple(absent), ()) if len(absent) <= limit(links) else Suspects((), tuple(absent))
