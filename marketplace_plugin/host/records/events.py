"""Events as rows: read, written and logged for everyone whom they concern.

A person sees an event as its organiser, or as a participant with answers of his own. The version that a participant
sees is the event's plus that of his answers: both only grow, so equal sums mean that neither changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import sqlalchemy as sa

from marketplace_plugin.host.records import log, participation, spans
from marketplace_plugin.host.records.participation import Own
from marketplace_plugin.host.records.tables import applied, event, event_uid, participant, person
from marketplace_plugin.model.change import BULK, HostGone, HostItem
from marketplace_plugin.model.event import Attendee, Event, Response, Series
from marketplace_plugin.model.form import codec
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import Window

KIND = Kind.EVENT


@dataclass(frozen=True, slots=True)
class Participant:
    """``version`` is that of ``own``; ``address`` his mail address."""

    person: str
    address: str
    version: int
    own: Mapping[str, Own]


@dataclass(frozen=True, slots=True)
class Record:
    """One event with all who take part. ``calendar`` is Steg's own grouping; ``converted``: it was a grey block."""

    ref: str
    owner: str
    organizer: Attendee
    version: int
    item: Event | Series
    calendar: str
    converted: bool
    changed: datetime
    participants: Mapping[str, Participant] = field(default_factory=dict)
    uids: tuple[str, ...] = ()

    def version_for(self, who: str) -> int:
        return self.version + (self.participants[who].version if who in self.participants else 0)

    def concerns(self, who: str) -> bool:
        return who == self.owner or who in self.participants

    def item_for(self, who: str) -> Event | Series:
        """As the organiser or a participant has it; anybody else sees what the organiser sees, without his reminder."""
        answers = {p.address: p.own for p in self.participants.values()}
        shown = participation.with_responses(self.item, answers)
        if who in self.participants:
            return participation.as_seen(shown, self.participants[who].own, self.organizer)
        return shown

    @property
    def _from_here(self) -> bool:
        """Whether its organiser works in Steg; a converted invitation has one elsewhere."""
        event = self.item.master if isinstance(self.item, Series) else self.item
        return event.organizer is None

    def host_item(self, who: str, op: str = "") -> HostItem:
        return HostItem(
            ref=self.ref,
            version=self.version_for(who),
            item=self.item_for(who),
            organised=who == self.owner and self._from_here,
            op=op,
            changed=self.changed,
            uids=self.uids,
        )


# ---- reading -------------------------------------------------------------------------------------------------------


def load(c: sa.Connection, refs: Sequence[str]) -> dict[str, Record]:
    """The events of these refs, by ref; a ref without one is left out."""
    found: dict[str, Record] = {}
    for some in log.chunks(refs):
        found.update(_records(c, sa.select(event).where(event.c.ref.in_(some))))
    return found


def one(c: sa.Connection, ref: str) -> Record | None:
    return load(c, [ref]).get(ref)


def in_window(c: sa.Connection, who: str, window: Window) -> list[Record]:
    """What ``who`` organises or takes part in and may touch the window; the caller expands. Sorted by ref."""
    takes_part = sa.select(participant.c.ref).where(participant.c.person == who)
    query = sa.select(event).where(
        sa.or_(event.c.owner == who, event.c.ref.in_(takes_part)),
        event.c.span_start < window.end,
        sa.or_(event.c.span_end.is_(None), event.c.span_end >= window.start),
    )
    return sorted(_records(c, query).values(), key=lambda r: r.ref)


def visible(c: sa.Connection, who: str, entries: Sequence[log.Entry]) -> list[HostItem | HostGone]:
    """What the entries of ``who``'s log stand for now, in their order."""
    records = load(c, [e.ref for e in entries if not e.gone])
    shown: list[HostItem | HostGone] = []
    for entry in entries:
        record = records.get(entry.ref)
        if record is None or not record.concerns(who):
            shown.append(gone(entry))
        else:
            shown.append(record.host_item(who, entry.op))
    return shown


def gone(entry: log.Entry) -> HostGone:
    return HostGone(entry.ref, entry.version, withdrawn=entry.gone == log.WITHDRAWN, op=entry.op)


def _records(c: sa.Connection, query: sa.Select[tuple[object, ...]]) -> dict[str, Record]:
    found = query.subquery()
    owners = {
        row.id: Attendee(row.email, row.name)
        for row in c.execute(
            sa.select(person.c.id, person.c.email, person.c.name).where(person.c.id.in_(sa.select(found.c.owner)))
        )
    }
    refs = sa.select(found.c.ref)
    people: dict[str, dict[str, Participant]] = {}
    for row in c.execute(
        sa.select(participant, person.c.email)
        .join(person, person.c.id == participant.c.person)
        .where(participant.c.ref.in_(refs))
        .order_by(person.c.name)
    ):
        own = participation.load(row.own)
        people.setdefault(row.ref, {})[row.person] = Participant(row.person, row.email, row.version, own)
    uids: dict[str, list[str]] = {}
    for row in c.execute(sa.select(event_uid).where(event_uid.c.ref.in_(refs)).order_by(event_uid.c.uid)):
        uids.setdefault(row.ref, []).append(row.uid)
    return {
        row.ref: Record(
            ref=row.ref,
            owner=row.owner,
            organizer=owners[row.owner],
            version=row.version,
            item=_decoded(row.item),
            calendar=row.calendar,
            converted=row.converted,
            changed=row.changed,
            participants=people.get(row.ref, {}),
            uids=tuple(uids.get(row.ref, ())),
        )
        for row in c.execute(query)
    }


def _decoded(text: str) -> Event | Series:
    item = codec.loads(text.encode())
    if not isinstance(item, Event | Series):
        raise TypeError("an event row holds an event")
    return item


# ---- writing -------------------------------------------------------------------------------------------------------


def insert(
    c: sa.Connection,
    owner: str,
    ref: str,
    item: Event | Series,
    now: datetime,
    *,
    invited: Sequence[str] = (),
    calendar: str = "events",
    converted: bool = False,
    uids: Sequence[str] = (),
    op: str = "",
) -> Record:
    """A new event of ``owner`` at version 1; ``invited`` are person ids."""
    c.execute(
        sa.insert(event).values(
            ref=ref, owner=owner, version=1, calendar=calendar, converted=converted, changed=now, **_columns(item)
        )
    )
    for who in invited:
        _invite(c, ref, who, 1)
    _add_uids(c, ref, (), uids)
    return _logged(c, ref, owner, op)


def save(
    c: sa.Connection,
    record: Record,
    by: str,
    item: Event | Series,
    now: datetime,
    *,
    invited: Sequence[str] | None = None,
    calendar: str | None = None,
    uids: Sequence[str] = (),
    op: str = "",
) -> Record:
    """The organiser's content, one version on. ``invited`` None leaves the participants as they are."""
    values = _columns(item) | {"version": record.version + 1, "changed": now}
    if calendar is not None:
        values["calendar"] = calendar
    c.execute(sa.update(event).where(event.c.ref == record.ref).values(**values))
    _carry(c, record, item)
    if invited is not None:
        for who in set(invited) - set(record.participants):
            _invite(c, record.ref, who, record.version + 1)
        for who in set(record.participants) - set(invited):
            _leave(c, record, who, record.version_for(who) + 1)
    _add_uids(c, record.ref, record.uids, uids)
    return _logged(c, record.ref, by, op)


def _carry(c: sa.Connection, record: Record, item: Event | Series) -> None:
    """What participants said of single occurrences goes where these go."""
    for part in record.participants.values():
        own = participation.carried(part.own, record.item, item)
        if own != part.own:
            row = sa.update(participant).where(participant.c.ref == record.ref, participant.c.person == part.person)
            c.execute(row.values(own=participation.dump(own)))


def answer(
    c: sa.Connection,
    record: Record,
    who: str,
    own: Mapping[str, Own],
    now: datetime,
    *,
    uids: Sequence[str] = (),
    op: str = "",
) -> Record:
    """A participant's own fields. What all see (his response) moves the event's version, the rest only his."""
    before = record.participants[who]
    row = sa.update(participant).where(participant.c.ref == record.ref, participant.c.person == who)
    c.execute(row.values(own=participation.dump(own), version=before.version + 1))
    _add_uids(c, record.ref, record.uids, uids)
    if not participation.same_to_others(before.own, own):
        _touch(c, record, now)
        return _logged(c, record.ref, who, op)
    changed = _again(c, record.ref)
    log.record(c, who, KIND, record.ref, changed.version_for(who), op=op)
    return changed


def withdraw(c: sa.Connection, record: Record, who: str, now: datetime, *, op: str = "") -> int:
    """``who`` takes part no more; returns the version at which he left. The others keep the event."""
    version = record.version_for(who) + 1
    _leave(c, record, who, version, op=op)
    c.execute(sa.update(applied).where(applied.c.ref == record.ref, applied.c.owner == who).values(stored=None))
    address = record.participants[who].address
    _touch(c, replace(record, item=_declined(record.item, address)), now)
    _logged(c, record.ref, "", "")
    return version


def remove(c: sa.Connection, record: Record, by: str, *, op: str = "") -> int:
    """The event is no more, for everyone, and kept nowhere; returns the version of its end as ``by`` sees it."""
    c.execute(sa.delete(participant).where(participant.c.ref == record.ref))
    c.execute(sa.delete(event_uid).where(event_uid.c.ref == record.ref))
    c.execute(sa.delete(event).where(event.c.ref == record.ref))
    c.execute(sa.update(applied).where(applied.c.ref == record.ref).values(stored=None))
    for who in sorted({record.owner, *record.participants}):
        version = record.version_for(who) + 1
        told = op if who == by or op.startswith(BULK) else ""  # that it was one act is true for everybody
        log.record(c, who, KIND, record.ref, version, op=told, gone=log.DELETED)
    return record.version_for(by) + 1


def refresh_spans(c: sa.Connection) -> int:
    """Compute the spans again that another release of the zone database made; returns how many."""
    stale = c.execute(sa.select(event.c.ref, event.c.item).where(event.c.tz_version != spans.tz_version())).all()
    for row in stale:
        c.execute(sa.update(event).where(event.c.ref == row.ref).values(**_columns(_decoded(row.item))))
    return len(stale)


def _columns(item: Event | Series) -> dict[str, object]:
    start, end = spans.span_of(item)
    text = codec.dumps(item).decode()
    return {"item": text, "span_start": start, "span_end": end, "tz_version": spans.tz_version()}


def _invite(c: sa.Connection, ref: str, who: str, version: int) -> None:
    """``version`` is the event's from now on. Whoever was part of it before goes on above the version when he left."""
    left = log.of(c, who, KIND, [ref]).get(ref)
    own = max(0, left.version + 1 - version) if left is not None else 0
    c.execute(sa.insert(participant).values(ref=ref, person=who, version=own, own=participation.dump({})))


def _leave(c: sa.Connection, record: Record, who: str, version: int, *, op: str = "") -> None:
    c.execute(sa.delete(participant).where(participant.c.ref == record.ref, participant.c.person == who))
    log.record(c, who, KIND, record.ref, version, op=op, gone=log.WITHDRAWN)


def _touch(c: sa.Connection, record: Record, now: datetime) -> None:
    values = {"version": record.version + 1, "changed": now, **_columns(record.item)}
    c.execute(sa.update(event).where(event.c.ref == record.ref).values(**values))


def _logged(c: sa.Connection, ref: str, by: str, op: str) -> Record:
    """Read the event again and note it for everyone; the operation key belongs to the one who wrote."""
    record = _again(c, ref)
    for who in sorted({record.owner, *record.participants}):
        log.record(c, who, KIND, ref, record.version_for(who), op=op if who == by else "")
    return record


def _again(c: sa.Connection, ref: str) -> Record:
    return load(c, [ref])[ref]


def _add_uids(c: sa.Connection, ref: str, known: Sequence[str], uids: Sequence[str]) -> None:
    for uid in sorted(set(uids) - set(known) - {""}):
        c.execute(sa.insert(event_uid).values(ref=ref, uid=uid))


def _declined(item: Event | Series, address: str) -> Event | Series:
    """``item`` with the attendee of this address as one who declined, also in the occurrences that were changed."""
    said = {address: {participation.WHOLE: Own(Response.DECLINED)}}
    return participation.with_responses(item, said)
