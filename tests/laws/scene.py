"""One person, her account at one service, and the ledger of what she does on either side; what must hold in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.acts.waiting import held as let_go
from marketplace_plugin.engine.acts.waiting.conflicts import ConflictView, listed
from marketplace_plugin.model.change import Found, HostItem
from marketplace_plugin.model.event import Event, Override, Series, original_key
from marketplace_plugin.model.form.canonical import changed_fields
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.series.edit import SHAPE
from marketplace_plugin.model.series.expand import touches
from marketplace_plugin.model.series.shape import crosses
from marketplace_plugin.model.time import Window
from marketplace_plugin.providers.memory import Personality
from marketplace_plugin.store import connections, held
from marketplace_plugin.store.accounts.connections import ConnectionState, Policy
from marketplace_plugin.sync.link import Link, LinkKind, LinkState
from marketplace_plugin.sync.merge.three_way import changed
from marketplace_plugin.sync.plan.flows import Place, flows_of
from marketplace_plugin.sync.reason import Reason
from tests.laws.edits import Edit, EventItem, edited
from tests.laws.ledger import Ledger, birth, said, tokens
from tests.laws.world import OTHER, SOURCE, TARGET, World, all_day, occurrence, series, timed

CALENDARS = (TARGET, SOURCE, OTHER)
EVER = Window(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def _has_days(item: Item) -> bool:
    """A series whose days were all cancelled is told by some services only, and shows nothing anyway."""
    return not isinstance(item, Series) or touches(item, EVER, "UTC")


class Scene:
    """``sources``: the calendars that show as blocks; a target among them shows what a split leaves there."""

    def __init__(self, personality: Personality, *, shared: bool, sources: Sequence[str] = (SOURCE,)) -> None:
        self.personality, self.sources = personality, tuple(sources)
        self.world = self.make_world(shared)
        self.account = self.world.account()
        self.ledger = Ledger()
        self.ada = ""
        self.torn: set[tuple[str, str]] = set()
        """What a split made at the service; it may carry the stamp of the series that it was part of."""
        self.left: set[tuple[str, str]] = set()
        """What was moved at the service and is tied to nothing here: outside the sources it is none of ours."""
        self.kept: set[tuple[str, str]] = set()
        """Copies that are hers, wherever she moves them: she kept them, or somebody had written into them."""
        self.ended: list[str] = []
        """Her connections before this one."""
        self.differing: set[str] = set()
        """Edits that she wants on one side alone, and those that ended with a connection or off the list."""

    def make_world(self, shared: bool) -> World:
        return World(self.personality, shared=shared)

    def connect(self, policy: Policy = Policy.NEWEST, **how: Any) -> None:
        self.ended += [self.ada] if self.ada else []
        self.ada = self.world.connect("ada", self.account, policy=policy, sources=self.sources, **how)

    @property
    def person(self) -> Person:
        found = self.world.host.person("ada")
        assert found is not None
        return found

    # --- what she does ---------------------------------------------------------------------------------------------

    def fresh(self, kind: str) -> EventItem:
        if kind == "day":
            return replace(all_day(self.ledger.word()), description=self.ledger.birth())
        when = timed(occurrence(0).wall, self.ledger.minutes())
        single = Event(when=when, title=self.ledger.word(), description=self.ledger.birth())
        return replace(series(), master=single) if kind == "series" else single

    def here(self, n: int, kind: type = object) -> tuple[str, EventItem] | None:
        """The n-th of her events in the host."""
        shown = self.world.host.all_of("ada")
        found = [(ref, one.item) for ref, one in sorted(shown.items()) if isinstance(one.item, kind)]
        ref, item = found[n % len(found)] if found else ("", None)
        return (ref, item) if isinstance(item, Event | Series) else None

    def there(self, n: int, kind: type = object) -> tuple[str, str, EventItem] | None:
        """The n-th of her events at the service, over all calendars."""
        found = [
            (calendar, item_id, one.item)
            for calendar in CALENDARS
            for item_id, one in sorted(self.account.items(calendar).items())
            if isinstance(one.item, kind)
        ]
        calendar, item_id, item = found[n % len(found)] if found else ("", "", None)
        return (calendar, item_id, item) if isinstance(item, Event | Series) else None

    def make_here(self, kind: str) -> str:
        return self.world.host.create("ada", self.fresh(kind))

    def make_there(self, kind: str, calendar: str = SOURCE) -> str:
        return self.account.user.create(calendar, self.fresh(kind))

    def edit_here(self, n: int, edit: Edit, number: int = 0, kind: type = object) -> None:
        found = self.here(n, kind)
        made = edited(found[1], edit, number, self.ledger) if found is not None else None
        if found is None or made is None:
            return
        ref, before = found
        after, rest = made
        if after is None:
            self.world.host.delete("ada", ref)
        else:
            self.world.host.put("ada", ref, after, changed_fields(before, after))
        if rest is not None:
            self.world.host.create("ada", rest)
        self.ledger.overwrite(before, after, rest)

    def edit_there(self, n: int, edit: Edit, number: int = 0, kind: type = object) -> None:
        """A service that undoes the exceptions of a series with another shape does so here too."""
        found = self.there(n, kind)
        if found is None:
            return
        calendar, item_id, before = found
        known = set(self.ledger.written)
        made = edited(before, edit, number, self.ledger)
        if made is None:
            return
        after, rest = made
        reshaped = after is not None and bool(changed_fields(before, after) & SHAPE)
        if isinstance(after, Series) and reshaped and self.personality.reshaping_drops:
            after = replace(after, overrides=())
        if not (self._holds(after) and self._holds(rest)):
            self.ledger.written &= known  # the service refused it, so nobody wrote it
            return
        if after is None:
            self.account.user.delete(calendar, item_id)
        else:
            self._put_there(calendar, item_id, before, after)
        if rest is not None:
            stamp = self.account.items(calendar)[item_id].stamp if self.personality.override_etags and after else None
            self.torn.add((calendar, self.account.user.create(calendar, rest, stamp=stamp)))
        self.ledger.overwrite(before, after, rest)

    def delete_here(self, n: int) -> None:
        found = self.here(n)
        if found is not None:
            self.ledger.overwrite(found[1], None)
            self.world.host.delete("ada", found[0])

    def delete_there(self, n: int) -> None:
        found = self.there(n)
        if found is not None:
            self.ledger.overwrite(found[2], None)
            self.account.user.delete(found[0], found[1])

    def move_there(self, n: int, to: str) -> None:
        found = self.there(n)
        if found is None or found[0] == to:
            return
        calendar, item_id, _ = found
        known = [k for k in self.world.links(self.ada) if (k.collection, k.remote_id) == (calendar, item_id)]
        tied = any(k.kind is not LinkKind.BLOCK for k in known)
        stamped = self.account.items(calendar)[item_id].stamp is not None
        moved = self.account.user.move(calendar, item_id, to)
        if (calendar, item_id) in self.kept:
            self.kept.add((to, moved))
        if (calendar, item_id) in self.torn:
            self.torn.add((to, moved))
        elif not (tied or stamped):
            self.left.add((to, moved))

    def _holds(self, item: EventItem | None) -> bool:
        crossing = self.personality.capabilities.override_crossing
        return crossing or not isinstance(item, Series) or crosses(item) is None

    def _put_there(self, calendar: str, item_id: str, before: EventItem, after: EventItem) -> None:
        """One occurrence is one change of its own, and leaves the tag of the master where the service does so."""
        names = changed_fields(before, after)
        if names != {"overrides"} or not isinstance(before, Series) or not isinstance(after, Series):
            self.account.user.put(calendar, item_id, after)
            return
        old = {original_key(o.original): o for o in before.overrides}
        new = {original_key(o.original): o for o in after.overrides}
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                self._put_occurrence(calendar, item_id, old.get(key), new.get(key))

    def _put_occurrence(self, calendar: str, item_id: str, old: Override | None, new: Override | None) -> None:
        if new is not None:
            self.account.user.change_occurrence(calendar, item_id, new.original, new.event)
        elif old is not None:
            self.account.user.restore_occurrence(calendar, item_id, old.original)

    # --- the end ---------------------------------------------------------------------------------------------------

    def rest(self) -> None:
        """All faults are over, and she has signed in again: passes until there is rest; what the brake held is approved
        once."""
        self.account.faults.clear()
        self._sign_in_again()
        self.world.host.before_apply = self.world.host.after_apply = None
        self.world.clock.forward(hours=25)
        self.world.settle(self.ada)
        with self.world.store.read() as c:
            waiting = [one.id for one in held.of_connection(c, self.ada)]
        if waiting:
            let_go.approve(self.world.engine, self.person, waiting)
            self.world.settle(self.ada)

    def _sign_in_again(self) -> None:
        with self.world.store.begin() as unit:
            row = connections.get(unit.connection, self.ada)
            if row is not None and row.state is ConnectionState.EXPIRED:
                connections.set_state(unit.connection, self.ada, ConnectionState.CONNECTED)

    def check(self) -> None:
        """Each event has one copy, both show the same, no edit is lost, nobody was mailed."""
        known = self.world.links(self.ada)
        self._keep(known)
        tied = [k for k in known if k.kind is not LinkKind.BLOCK and k.state is not LinkState.DETACHED]
        here = self.world.host.all_of("ada")
        there = self.all_there()
        assert sorted(k.host_ref or "" for k in tied) == sorted(here), "each host event has one link"
        for link in tied:
            if not self._refused(link):
                self._equal(link, here[link.host_ref or ""], there[link.collection, link.remote_id or ""])
        stamps = [one.stamp for key, one in there.items() if one.stamp is not None and key not in self.torn]
        assert len(stamps) == len(set(stamps)), "nothing is doubled at the service"
        pairs = {(k.collection, k.remote_id) for k in tied}
        shown = {b.link: b for b in self.world.blocks(self.ada)}
        grey = {(k.collection, k.remote_id or ""): shown[k.id].item for k in known if k.id in shown}
        sources = {key for key in there if key[0] in self.sources and key not in self.kept}
        items = grey | {key: one.item for key, one in there.items()}
        odd = {key for key in grey.keys() ^ (sources - pairs) if _has_days(items[key])}
        assert not odd, (
            "each source item that is not converted is one block",
            odd & grey.keys(),
            odd - grey.keys(),
            known,
        )
        self._agreed(here, there, tied)
        self.nothing_doubled()
        self.nobody_mailed()

    def all_there(self) -> dict[tuple[str, str], Found]:
        return {(calendar, i): one for calendar in CALENDARS for i, one in self.account.items(calendar).items()}

    def nobody_mailed(self) -> None:
        assert self.account.outbox == []
        assert self.world.host.mails == []

    def nothing_doubled(self) -> None:
        """No event stands twice on one side, not even once as itself and once as a block. At the service, copies that
        she kept stand beside."""
        before = [k for name in self.ended for k in self.world.links(name) if k.reason is not Reason.DISCONNECTED]
        self._keep([*self.world.links(self.ada), *before])
        here = [birth(one.item) for one in self.world.host.all_of("ada").values()]
        shown = Counter([*here, *(birth(block.item) for block in self.world.blocks(self.ada))])
        copied = Counter(birth(one.item) for key, one in self.all_there().items() if key not in self.kept)
        for side in (shown, copied):
            assert not [m for m, number in side.items() if m and number > 1], (shown, copied)

    def nothing_gone(self) -> None:
        """At any time, and whatever is under way: each edit stands on one side at least, or is told."""
        wanted = self.ledger.written - self.ledger.superseded - self.differing
        gone = wanted - self._here() - self._there() - self._told()
        assert not gone, sorted(gone)

    def let_differ(self) -> None:
        """She took something back: what stands on one side alone may be overwritten there by who does not see it."""
        self.differing |= self._here() ^ self._there()

    def let_go(self, *lines: ConflictView) -> None:
        """What nothing but the list of conflicts holds, or nothing but these lines of it, may end with them."""
        self.differing |= self._told(*lines) - (self._here() | self._there())

    def let_keep(self) -> None:
        """She ends the connection: what she had kept before goes on being hers."""
        self._keep([k for k in self.world.links(self.ada) if k.reason is not Reason.DISCONNECTED])

    def keep_begun(self) -> None:
        """She keeps the copies in her target, and what was just made there is one of them, known to us or not."""
        begun = {k.id for k in self.world.links(self.ada) if k.kind is LinkKind.EXPORT and k.remote_id is None}
        there = self.all_there().items()
        self.kept |= {key for key, one in there if one.stamp is not None and one.stamp.link in begun}

    def _keep(self, known: Sequence[Link]) -> None:
        """Also where she has moved them since, which nobody follows into a calendar that is not read."""
        there = self.all_there()
        hers = {k.id: (k.collection, k.remote_id or "") for k in known if k.state is LinkState.DETACHED}
        moved = {link for link, key in hers.items() if key not in there}
        carried = {key for key, one in there.items() if one.stamp is not None and one.stamp.link in moved}
        self.kept |= {*hers.values(), *carried}

    def _agreed(self, here: dict[str, HostItem], there: dict[tuple[str, str], Found], tied: list[Link]) -> None:
        """At rest: each edit stands on both sides, or is told."""
        told = self._told()
        for link in filter(self._refused, tied):
            told |= tokens(here[link.host_ref or ""].item)
            if (link.collection, link.remote_id) in there:
                told |= tokens(there[link.collection, link.remote_id or ""].item)
        pairs = {(k.collection, k.remote_id) for k in tied}
        for key in (self.torn | self.left | self.kept) & there.keys():
            if (key[0] not in self.sources or key in self.kept) and key not in pairs:
                told |= tokens(there[key].item)  # by the rules it is none of ours
        for key in there.keys() - pairs:
            told |= set() if _has_days(there[key].item) else tokens(there[key].item)
        lost = self.ledger.lost(self._here(), self._there(), told)
        assert not lost, (sorted(lost), sorted(lost & self._here()), sorted(lost & self._there()))

    def _here(self) -> set[str]:
        items = [one.item for one in self.world.host.all_of("ada").values()]
        return set().union(*map(tokens, items), *(tokens(block.item) for block in self.world.blocks(self.ada)))

    def _there(self) -> set[str]:
        return set().union(*(tokens(one.item) for one in self.all_there().values()))

    def _told(self, *lines: ConflictView) -> set[str]:
        """What her list of conflicts shows, or these lines of it: two values each, and nothing else of their events."""
        shown = lines or listed(self.world.engine, self.person)
        return set().union(*(said(view.here) | said(view.there) for view in shown))

    def _refused(self, link: Link) -> bool:
        """A shape that this service cannot hold: parked, and told to the owner."""
        if link.reason is not Reason.UNSUPPORTED_RULE:
            return False
        assert not self.personality.capabilities.override_crossing
        assert link.state in (LinkState.PARKED, LinkState.PENDING)
        return True

    def _equal(self, link: Link, shown: HostItem, found: Found) -> None:
        assert link.state is LinkState.LIVE, (link.state, link.reason)
        flows = flows_of(link, Place(self.personality.capabilities))
        assert isinstance(shown.item, Event | Series)
        assert isinstance(found.item, Event | Series)
        assert not changed(shown.item, found.item, flows.inward & flows.outward), (shown, found)

    def close(self) -> None:
        self.world.close()
