"""Contacts, tasks and calls without a link: matched with what is on the other side, made there, or made here.

What is new at the service is compared with everything of its kind here before anything is made: by its former link, by
its stamp (``weigh`` knows it), by mail address, by number. What is doubtful waits for the user, and so does the one
here that it may be: neither is made on the other side until he has said (``acts/matches.py``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import phonenumbers
from sqlalchemy import Connection

from marketplace_plugin.engine.kinds import Mirrored
from marketplace_plugin.engine.steps import host_side
from marketplace_plugin.engine.steps.host_side import at, of_name
from marketplace_plugin.engine.steps.one_pass import Pass
from marketplace_plugin.engine.steps.plan.adopting import adopt, standing
from marketplace_plugin.engine.steps.recall import Recalled
from marketplace_plugin.model.change import Found, HostCursor, HostItem
from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.task import Task, is_done
from marketplace_plugin.store import connections, held, links
from marketplace_plugin.store.work.held import What
from marketplace_plugin.sync.link import Link, LinkKind, LinkState
from marketplace_plugin.sync.merge.matching import Doubtful, Known, Match, Sure
from marketplace_plugin.sync.merge.three_way import Policy
from marketplace_plugin.sync.plan.decide import eligible
from marketplace_plugin.sync.plan.pairs import united
from marketplace_plugin.sync.plan.step import Case, Step
from marketplace_plugin.sync.plan.tables import Action
from marketplace_plugin.sync.reason import Reason

SAME, DIFFERENT = "same", "different"
"""``Held.detail`` of what the user said about a doubtful match."""

EXPORTED_ANEW = frozenset({Reason.DISCONNECTED, Reason.TARGET_CHANGED})
_REGIONS = {"de": "DE", "en": "GB"}
"""Where a number without its country is taken to be, by its owner's language."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """``found`` may be one of the contacts or tasks ``refs``; ``link`` is its own and waits."""

    link: Link
    found: Found
    refs: tuple[str, ...]


@dataclass(slots=True)
class Paired:
    steps: list[Step] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Said:
    """What is open and what the user has said, by link: the ref it is, the refs it is not; and all refs in doubt."""

    same: dict[str, str] = field(default_factory=dict)
    different: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    open: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def is_newcomer(case: Case) -> bool:
    """A contact or task of the service that waits to be matched or made here."""
    waits = not case.link.rests
    return case.link.kind is LinkKind.PAIR and case.link.host_ref is None and waits and isinstance(case.remote, Found)


def pair(p: Pass, recalled: Recalled, policy: Policy) -> Paired:
    """Steps for everything of these kinds that has no link yet, or whose link waits for its other side."""
    made = Paired()
    said = _said(p)
    claimed: dict[Kind, set[str]] = defaultdict(set)
    for kind in (Kind.CONTACT, Kind.TASK):
        newcomers = [*_fresh(p, recalled, kind), *_waiting(recalled, kind)]
        if newcomers and kind in p.modules:
            claimed[kind] = _arrive(p, kind, newcomers, said, policy, made)
    made.asked = {ref for refs in said.open.values() for ref in refs} | {ref for one in made.doubts for ref in one.refs}
    for name, item in _unlinked(p, recalled, said).items():
        kind, ref = of_name(name)
        if ref in claimed[kind] or ref in made.asked:
            continue
        step = _depart(p, kind, item, recalled.former.get(name, []))
        made.steps += [step] if step is not None else []
    return made


# --- what is new at the service ------------------------------------------------------------------------------------


def _fresh(p: Pass, recalled: Recalled, kind: Kind) -> list[tuple[Link, Found]]:
    listed = [one for one in recalled.fresh if p.kind_of(one.collection) is kind]
    if not listed:
        return []
    with p.engine.store.read() as c:
        stamps = {one.found.stamp.link for one in listed if one.kept_copy and one.found.stamp is not None}
        known = links.get(c, stamps)
        alive = {row.id for row in connections.of_user(c, p.connection.user)}
    newcomers = []
    for one in listed:
        row = p.collections[one.collection]
        of_stamp = known.get(one.found.stamp.link) if one.kept_copy and one.found.stamp is not None else None
        theirs = of_stamp is not None and (of_stamp.user != p.connection.user or of_stamp.connection in alive)
        if theirs or not row.is_read:  # another user's, or synced through another connection to the same account
            p.counts["skipped"] += 1
            continue
        newcomers.append((_new_link(p, kind, one.collection, one.found), one.found))
    return newcomers


def _waiting(recalled: Recalled, kind: Kind) -> list[tuple[Link, Found]]:
    return [
        (case.link, case.remote)
        for case in recalled.cases
        if is_newcomer(case) and case.link.host_kind is kind and isinstance(case.remote, Found)
    ]


def _new_link(p: Pass, kind: Kind, collection: str, found: Found) -> Link:
    return Link(
        id=p.engine.new_id(),
        kind=LinkKind.PAIR,
        user=p.connection.user,
        connection=p.connection.id,
        collection=collection,
        remote_id=found.id,
        host_kind=kind,
        host_ref=None,
        access=found.access,
    )


def _arrive(
    p: Pass, kind: Kind, newcomers: Sequence[tuple[Link, Found]], said: _Said, policy: Policy, made: Paired
) -> set[str]:
    """Tie, ask, or make here. Returns the refs that are tied now."""
    items = _everything(p, kind)
    with p.engine.store.read() as c:
        tied = links.by_host(c, p.connection.user, kind, items)
    unborn: dict[str, Link] = {}
    known = Known(lambda text: _number(p, text))
    for ref, item in items.items():
        here = [k for k in tied.get(ref, ()) if k.connection == p.connection.id and k.state is not LinkState.DETACHED]
        for link in here:
            if link.remote_id is None and link.state is LinkState.PENDING:
                unborn[ref] = link
        if all(link.remote_id is None for link in here) and isinstance(item.item, Contact | Task):
            known.add(ref, item.item, sent=ref in unborn)
    matches = _matches(newcomers, known, said, _left_behind(p, newcomers))
    claims = Counter(match.ref for match in matches.values() if isinstance(match, Sure))
    claimed: set[str] = set()
    for link, found in newcomers:
        match = matches[link.id]
        named = isinstance(match, Sure) and match.ref == said.same.get(link.id)
        if isinstance(match, Sure) and (match.ref in claimed or (claims[match.ref] > 1 and not named)):
            match = Doubtful((match.ref,))
        place = p.place(link.collection)
        if isinstance(match, Sure) and match.ref in items:
            claimed.add(match.ref)
            live = replace(link, state=LinkState.LIVE, reason=None)
            made.steps.append(united(live, items[match.ref], found, place, policy))
            if match.ref in unborn:  # it was made by us, and its answer was lost: this is it
                waits = unborn[match.ref]
                made.steps.append(Step(Action.UNLINK, Reason.ADOPTED, waits, Case(waits)))
        elif isinstance(match, Doubtful):
            made.doubts.append(Doubt(link, found, match.refs))
            made.steps.append(Step(Action.PARK, Reason.DOUBTFUL, link, Case(link, None, found)))
        elif p.collections[link.collection].is_source:
            made.steps.append(Step(Action.RECREATE_HOST, Reason.NEW_REMOTE, link, Case(link, None, found), automatic=1))
        else:
            p.counts["skipped"] += 1  # a target that is no source: what is there stays there
            made.steps.append(Step(Action.UNLINK, Reason.TARGET_IS_NO_SOURCE, link, Case(link)))
    return claimed


def _matches(
    newcomers: Iterable[tuple[Link, Found]],
    known: Known,
    said: _Said,
    left_behind: Mapping[str, str],
) -> dict[str, Match]:
    """By link id. What the user said counts first, then the link that it had, then what it looks like."""
    here = known.contacts.keys() | known.tasks.keys()
    found: dict[str, Match] = {}
    taken = {ref for ref in (*said.same.values(), *left_behind.values()) if ref in here}
    for link, shown in newcomers:
        named = said.same.get(link.id) or left_behind.get(link.id)
        if named in here:
            found[link.id] = Sure(str(named))
        elif isinstance(shown.item, Contact | Task):
            found[link.id] = known.match(shown.item, taken | said.different[link.id])
        else:
            found[link.id] = None
    return found


def _left_behind(p: Pass, newcomers: Iterable[tuple[Link, Found]]) -> dict[str, str]:
    """The same account was connected before: what was tied then is known by its old link. Refs by link id."""
    named: dict[str, str] = {}
    asked = {(link.collection, found.id): link.id for link, found in newcomers}
    with p.engine.store.read() as c:
        rows = connections.of_user(c, p.connection.user, removed=True)
        for row in rows:
            if row.id == p.connection.id or row.account_key != p.connection.account_key:
                continue
            for former in (k for ks in links.by_remote(c, row.id, {i for _, i in asked}).values() for k in ks):
                key = asked.get((former.collection, former.remote_id or ""))
                if key is not None and former.kind is LinkKind.PAIR and former.host_ref is not None:
                    named[key] = former.host_ref
    return named


def _everything(p: Pass, kind: Kind) -> dict[str, HostItem]:
    """All items of a module. Only read where something new is there that has to be compared with them."""
    found: dict[str, HostItem] = {}
    since: HostCursor | None = None
    more = True
    while more:
        page = p.modules[kind].changes(p.connection.user, since, p.engine.settings.page)
        found |= {one.ref: one for one in page.changes if isinstance(one, HostItem)}
        since, more = page.cursor, page.more
    return found


def _number(p: Pass, text: str) -> str:
    """E.164 where the number can be told, else empty: half a number names nobody."""
    try:
        read = phonenumbers.parse(text, _REGIONS.get(p.person.locale))
    except phonenumbers.NumberParseException:
        return ""
    known = phonenumbers.is_possible_number(read)
    return phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164) if known else ""


def _said(p: Pass) -> _Said:
    said = _Said()
    with p.engine.store.read() as c:
        rows = held.of_connection(c, p.connection.id, [What.MATCH])
    for row in rows:
        if row.link is None or row.host_ref is None:
            continue
        if row.detail == SAME:
            said.same[row.link] = row.host_ref
        elif row.detail == DIFFERENT:
            said.different[row.link].add(row.host_ref)
        else:
            said.open[row.link].add(row.host_ref)
    for answered in said.same:
        said.open.pop(answered, None)
    return said


def ask_about(c: Connection, p: Pass, doubts: Iterable[Doubt]) -> None:
    """One question for each that it may be, with what the service shows of it, sealed. Answers stay; questions that
    are no longer open go."""
    for doubt in doubts:
        asked = {f"match:{doubt.link.id}:{ref}": ref for ref in doubt.refs}
        known = held.by_link(c, [doubt.link.id])
        held.remove(c, [row.id for row in known if row.what is What.MATCH and not row.detail and row.id not in asked])
        held.put(c, [_question(p, doubt, name, ref) for name, ref in asked.items()])


def _question(p: Pass, doubt: Doubt, name: str, ref: str) -> held.Held:
    return held.Held(
        id=name,
        connection=p.connection.id,
        collection=doubt.link.collection,
        what=What.MATCH,
        reason=Reason.DOUBTFUL,
        created_at=p.now,
        link=doubt.link.id,
        remote_id=doubt.found.id,
        host_ref=ref,
        body=doubt.found.item,
    )


# --- what is here alone --------------------------------------------------------------------------------------------


def _unlinked(p: Pass, recalled: Recalled, said: _Said) -> dict[str, HostItem]:
    """What changed here and has no link; and what waited while it was in doubt, and is free now."""
    freed = {ref for refs in said.different.values() for ref in refs}
    names = {at(kind, ref) for kind in (Kind.CONTACT, Kind.TASK) if kind in p.modules for ref in freed}
    with p.engine.store.read() as c:
        tied = host_side.tied(c, p, names)
    loose = {name for name in names if all(k.state is LinkState.DETACHED for k in tied.get(name, ()))}
    now = host_side.now(p, loose - recalled.unlinked.keys())
    return recalled.unlinked | {name: item for name, item in now.items() if isinstance(item, HostItem)}


def _depart(p: Pass, kind: Kind, item: HostItem, former: list[Link]) -> Step | None:
    """Write it to the service; None where it stays here."""
    mirrored = isinstance(p.modules.get(kind), Mirrored)
    former = [k for k in former if (k.kind is LinkKind.MIRROR) is mirrored]
    target = p.target if mirrored else p.target_of(kind)
    if target is None:
        return None
    if mirrored:
        before = Recalled(loose=[item], former={item.ref: former})
        step = adopt(p, item, standing(p, before))
        if step is not None:
            return step
    if any(link.reason not in EXPORTED_ANEW for link in former) or not _leaves(p, item):
        p.counts["skipped"] += 1
        return None
    link = Link(
        id=p.engine.new_id(),
        kind=LinkKind.MIRROR if mirrored else LinkKind.PAIR,
        user=p.connection.user,
        connection=p.connection.id,
        collection=target.remote_id,
        remote_id=None,
        host_kind=kind,
        host_ref=item.ref,
        state=LinkState.PENDING,
    )
    step = Step(Action.CREATE_REMOTE, Reason.NEW_HOST, link, Case(link, item, None))
    return step if target.info.can_be_target else replace(step, action=Action.PARK, reason=Reason.ROLE_DROPPED)


def _leaves(p: Pass, item: HostItem) -> bool:
    """Contacts always; a task of a list while it is to be done; a mirror unless it ended before the account came."""
    match item.item:
        case Contact():
            return True
        case Task() as task:
            return not is_done(task)
    try:
        ends = p.span(item.item)[1]
    except (TypeError, ValueError, KeyError, OverflowError):
        return False
    return eligible(item, ends, p.connection.connected_at or p.connection.created_at) is Reason.NEW_HOST
