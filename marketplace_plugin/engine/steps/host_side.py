"""The host's side of a pass: what changed in each of the modules that the connection syncs, and what stands there now.

Within a pass an item of the host is named by ``at``: events by their ref, as links and intents name them, all others
with their kind before it, because each module names its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection

from marketplace_plugin.engine.steps.one_pass import Pass, chunks
from marketplace_plugin.errors import HostError
from marketplace_plugin.model.change import HostCursor, HostGone, HostItem
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.write import HostOutcome, HostWrite
from marketplace_plugin.store import UnitOfWork, host_positions, links
from marketplace_plugin.sync.link import Link

Shown = HostItem | HostGone
_BETWEEN = "\0"


def at(kind: Kind, ref: str) -> str:
    return ref if kind is Kind.EVENT else f"{kind}{_BETWEEN}{ref}"


def of_name(name: str) -> tuple[Kind, str]:
    """The inverse of ``at``."""
    kind, between, ref = name.partition(_BETWEEN)
    return (Kind(kind), ref) if between else (Kind.EVENT, name)


def at_link(link: Link) -> str:
    """Empty for a link without a host item, which nothing is named."""
    return at(link.host_kind, link.host_ref) if link.host_ref is not None else ""


def changes(p: Pass) -> tuple[dict[str, Shown], dict[Kind, HostCursor]]:
    """All that changed since the last commit, each item once with its newest state; and how far that was read. Raises
    HostError.

    A module that is read from its beginning tells of no deletion: it is asked for what is tied and it did not tell of.
    """
    changed: dict[str, Shown] = {}
    reached: dict[Kind, HostCursor] = {}
    untold: set[str] = set()
    for kind, module in p.modules.items():
        with p.engine.store.read() as c:
            position = host_positions.get(c, p.connection.id, kind)
            if position is None:
                untold |= {at(kind, ref) for ref in links.refs(c, p.connection.id, kind)}
        more = True
        while more:
            page = module.changes(p.connection.user, position, p.engine.settings.page)
            for one in page.changes:
                name = at(kind, one.ref)
                changed[name] = _newer(changed.get(name), one)
            if page.more and page.cursor == position:
                raise HostError("the host tells of the same page again and again")
            position, more = page.cursor, page.more
        if position is not None:
            reached[kind] = position
    return changed | now(p, untold - changed.keys()), reached


def _newer(known: Shown | None, told: Shown) -> Shown:
    """Whatever order a host tells it in: what counts is the newest version."""
    if isinstance(known, HostItem) and isinstance(told, HostItem) and known.version > told.version:
        return known
    return told


def now(p: Pass, names: Iterable[str]) -> dict[str, Shown]:
    """How these items stand. Those of a module that is not synced any more are left out."""
    asked: dict[Kind, list[str]] = defaultdict(list)
    for name in sorted(set(names) - {""}):
        kind, ref = of_name(name)
        asked[kind].append(ref)
    shown: dict[str, Shown] = {}
    for kind, refs in asked.items():
        if (module := p.modules.get(kind)) is None:
            continue
        for batch in chunks(refs, p.engine.settings.page):
            shown |= {at(kind, one.ref): one for one in module.get(p.connection.user, batch)}
    return shown


def tied(c: Connection, p: Pass, names: Iterable[str]) -> dict[str, list[Link]]:
    """The links of these items, by name."""
    asked: dict[Kind, list[str]] = defaultdict(list)
    for name in names:
        kind, ref = of_name(name)
        asked[kind].append(ref)
    return {
        at(kind, ref): list(known)
        for kind, refs in asked.items()
        for ref, known in links.by_host(c, p.connection.user, kind, refs).items()
    }


def apply(
    p: Pass, writes: Mapping[str, HostWrite], kinds: Mapping[str, Kind], unit: UnitOfWork | None
) -> dict[str, HostOutcome]:
    """Do the writes, in their order within a module. ``writes`` and ``kinds`` are by link; outcomes by operation.

    A host with a database of its own (``unit`` is None) knows no fence of ours, so it is checked before each batch.
    Raises LeaseLost.
    """
    grouped: dict[Kind, list[HostWrite]] = defaultdict(list)
    for link, write in writes.items():
        grouped[kinds[link]].append(write)
    done: list[HostOutcome] = []
    for kind, of_one in grouped.items():
        if unit is None:
            p.still_ours()
        done += _module_apply(p, kind, of_one, unit)
    return {outcome.op: outcome for outcome in done}


def _module_apply(p: Pass, kind: Kind, writes: Sequence[HostWrite], unit: UnitOfWork | None) -> Sequence[HostOutcome]:
    return p.module_of(kind).apply(p.connection.user, writes, unit)
