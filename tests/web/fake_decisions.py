"""Conflicts, held deletions, an undo and an event's "Why?" in memory, all of Anna's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.acts.undo import UndoFacts, UndoLine, Undone
from marketplace_plugin.engine.acts.waiting.conflicts import ConflictView
from marketplace_plugin.engine.acts.waiting.held import BrakeView, HeldView, ParkedView
from marketplace_plugin.engine.acts.waiting.matches import MatchView
from marketplace_plugin.engine.acts.waiting.subject import Subject
from marketplace_plugin.engine.acts.why import What, Why, WhyLine
from marketplace_plugin.errors import Conflict, NotFound
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import AllDay, Timed, Zoned
from marketplace_plugin.store.log.journal import Action, Side
from marketplace_plugin.sync.link import LinkKind
from marketplace_plugin.sync.merge.three_way import Winner
from marketplace_plugin.sync.reason import Reason

OWNER = "anna"
AT = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
NINE = Zoned(datetime(2026, 11, 20, 9), "Europe/Berlin")  # noqa: DTZ001  # a wall time
TEN = Zoned(datetime(2026, 11, 20, 10), "Europe/Berlin")  # noqa: DTZ001  # a wall time


def subject(title: str = "Angebot prüfen") -> Subject:
    return Subject("l1", title, Timed(NINE, TEN), LinkKind.EXPORT, "e1", "c1", "google", "anna@gmail.example", "Arbeit")


def clash(cell: str = "title", here: Any = "Hier", there: Any = "Dort", **facts: Any) -> ConflictView:
    defaults: dict[str, Any] = {"kept": Winner.HOST, "reason": Reason.CONFLICT_NEWEST, "takes": {Winner.REMOTE}}
    facts = {**defaults, **facts}
    return ConflictView(
        f"k-{cell}", subject(), cell, here, there, facts["kept"], facts["reason"], AT, frozenset(facts["takes"])
    )


def deletion(name: str = "d1", reason: Reason = Reason.BRAKE, *, decided: bool = False) -> HeldView:
    return HeldView(name, subject(f"Termin {name}"), Side.REMOTE, reason, AT, decided)


@dataclass(kw_only=True)
class FakeDecisions:
    """Part of ``FakeActions``: ``called`` and ``fail`` are its own."""

    clashes: list[ConflictView] = field(default_factory=list)
    deletions: list[HeldView] = field(default_factory=list)
    resting: list[ParkedView] = field(default_factory=list)
    braked: list[BrakeView] = field(default_factory=list)
    in_doubt: list[MatchView] = field(default_factory=list)
    undo_told: UndoFacts | None = None
    undone_told: Undone | None = None
    whys: dict[str, Why] = field(default_factory=dict)

    def _call(self, name: str, *arguments: Any) -> None:
        raise NotImplementedError

    def conflicts(self, person: Person) -> Sequence[ConflictView]:
        return self.clashes if person.id == OWNER else []

    def conflicts_waiting(self, person: Person) -> int:
        return sum(one.waits for one in self.conflicts(person))

    def take(self, person: Person, conflict: str, side: Winner) -> None:
        self._own(person, conflict, [one.id for one in self.clashes])
        self._call("take", person.id, conflict, side)

    def leave(self, person: Person, conflict: str) -> None:
        self._own(person, conflict, [one.id for one in self.clashes])
        self._call("leave", person.id, conflict)

    def doubtful(self, person: Person) -> Sequence[MatchView]:
        return self.in_doubt if person.id == OWNER else []

    def same(self, person: Person, link: str, ref: str) -> None:
        self._own(person, link, [one.link for one in self.in_doubt])
        self._call("same", person.id, link, ref)

    def different(self, person: Person, link: str) -> None:
        self._own(person, link, [one.link for one in self.in_doubt])
        self._call("different", person.id, link)

    def mirror_again(self, person: Person, link: str) -> None:
        self._call("mirror_again", person.id, link)

    def held(self, person: Person) -> Sequence[HeldView]:
        return self.deletions if person.id == OWNER else []

    def brakes(self, person: Person) -> Sequence[BrakeView]:
        number = len(self.held(person))
        return (
            self.braked or [BrakeView("c1", "google", "anna@gmail.example", Side.REMOTE, 3, number, 10)]
            if number
            else []
        )

    def approve_held(self, person: Person, ids: Sequence[str]) -> int:
        self._call("approve_held", person.id, sorted(ids))
        return len(set(ids) & {one.id for one in self.held(person)})

    def restore_held(self, person: Person, ids: Sequence[str]) -> int:
        self._call("restore_held", person.id, sorted(ids))
        return len(set(ids) & {one.id for one in self.held(person)})

    def parked(self, person: Person) -> Sequence[ParkedView]:
        return self.resting if person.id == OWNER else []

    def try_again(self, person: Person, item: str) -> None:
        self._own(person, item, [one.id for one in self.resting])
        self._call("try_again", person.id, item)

    def undo_facts(self, person: Person, run: str) -> UndoFacts:
        if person.id != OWNER:
            raise NotFound(run)
        return self.undo_told or UndoFacts(run, "c1", AT, AT + timedelta(days=30))

    def undo(self, person: Person, run: str) -> str:
        self._call("undo", person.id, run)
        if self.undo_told is None or not self.undo_told.possible:
            raise Conflict("nothing to take back")
        return "run2"

    def undone(self, person: Person, run: str) -> Undone:
        self._own(person, run, [self.undone_told.run] if self.undone_told else [])
        assert self.undone_told is not None
        return self.undone_told

    def why_event(self, person: Person, ref: str, kind: Kind = Kind.EVENT, at: date | datetime | None = None) -> Why:
        self._own(person, ref, self.whys)
        self._call("why", ref, at)
        return self.whys[ref]

    def why_block(self, person: Person, link: str, at: date | datetime | None = None) -> Why:
        return self.why_event(person, link, at=at)

    @staticmethod
    def _own(person: Person, wanted: str, known: Any) -> None:
        if person.id != OWNER or wanted not in known:
            raise NotFound(wanted)


PARKED = [
    ParkedView("l9", "c1", "google", "anna@gmail.example", "Arbeit", Reason.LOOP, 2, subject("Wiederkehrer")),
    ParkedView("u9", "c1", "google", "anna@gmail.example", "Familie", Reason.UNREADABLE, 0),
]
UNDONE = Undone(
    "run2",
    "run1",
    "c1",
    finished=True,
    failed=False,
    taken=(UndoLine("Angebot prüfen", Timed(NINE, TEN), Side.REMOTE, Action.CREATE),),
    left=(
        UndoLine(
            "Messe", AllDay(date(2026, 11, 20), date(2026, 11, 22)), Side.HOST, Action.UPDATE, Reason.CHANGED_SINCE
        ),
        UndoLine("", None, Side.BLOCK, Action.UPDATE, Reason.NOT_KEPT),
    ),
)
FACTS = UndoFacts(
    "run1",
    "c1",
    AT,
    AT + timedelta(days=30),
    {(Side.REMOTE, Action.CREATE): 5, (Side.BLOCK, Action.CREATE): 12},
    possible=True,
)


def a_why(what: What = What.COPY, *reasons: Reason, **facts: Any) -> Why:
    lines = (WhyLine(AT, Side.REMOTE, Action.UPDATE, Reason.CHANGED_HOST, "run1"),)
    defaults: dict[str, Any] = {
        "ref": "e1",
        "link": "l1",
        "connection": "c1",
        "integration": "google",
        "account": "anna@gmail.example",
        "calendar": "Arbeit",
        "last": lines[0],
        "lines": (*lines, WhyLine(AT, Side.REMOTE, Action.HOLD, Reason.BRAKE)),
    }
    return Why(what, "Angebot prüfen", Timed(NINE, TEN), reasons=reasons, **{**defaults, **facts})
