"""Single occurrences of a series: changed, cancelled, restored.

Source: https://developers.google.com/workspace/calendar/api/guides/recurringevents. Writing to an occurrence makes it
an exception of its own. One that is none yet is looked up by its original start and must still be regular: a person
who edited it since the series was read is not overwritten, and no other occurrence is taken in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from marketplace_plugin.contract.sending import Settled
from marketplace_plugin.errors import ProviderError
from marketplace_plugin.model.change import Found
from marketplace_plugin.model.event import UNKNOWN, Attendee, Event, Override, Series, Unknown, original_key
from marketplace_plugin.model.form.canonical import changed_fields
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.series.edit import master_of
from marketplace_plugin.model.series.expand import is_original, occurrence_at
from marketplace_plugin.model.time import Original
from marketplace_plugin.model.write import Missing, Outcome, Partial, Refused, RefusedCode, Stale
from marketplace_plugin.providers.google.attempt import Attempt, personal
from marketplace_plugin.providers.google.read import Whole, following, items_of
from marketplace_plugin.providers.google.shape import decode, encode
from marketplace_plugin.providers.google.shape.decode import COLUMNS, Raw
from marketplace_plugin.providers.google.shape.encode import COPIED, Unencodable


def settle(attempt: Attempt, wanted: Series, whole: Whole) -> Outcome:
    """Write each occurrence of ``whole`` that differs from ``wanted``, then tell what stands there."""
    now = attempt.found(whole)
    if now is None or not isinstance(now.item, Series):
        return Partial(attempt.op, now, tuple(original_key(o.original) for o in wanted.overrides))
    differing = _differing(now.item, wanted)
    replies: dict[str, Raw] = {}
    for number, original in enumerate(differing):
        try:
            replies.update(_Occurrence(attempt, whole, now.item, original).become(wanted.override(original)))
        except (Settled, Unencodable, ProviderError) as error:
            return _half_way(attempt, now, error, tuple(original_key(o) for o in differing[number:]))
    return attempt.applied(attempt.reread(whole.master, replies) if replies else whole)


def ask(attempt: Attempt, whole: Whole, before: Event, after: Event) -> None:
    """The guests of a series are those of its changed occurrences too, which have lists of their own. They come before
    the series: what breaks off is begun again. Raises as ``Attempt.patch``, and Unencodable."""
    for raw in whole.exceptions:
        if decode.is_cancelled(raw):
            continue
        body = encode.guests(raw, before, after)
        if {str(line.get("email") or "").lower() for line in body["attendees"]} != {
            a.address for a in _guests(attempt, raw)
        }:
            attempt.patch(str(raw["id"]), decode.tag_of(raw), body)


def _guests(attempt: Attempt, raw: Raw) -> tuple[Attendee, ...]:
    found = attempt.found(Whole(raw))
    event = found.item if found is not None else None
    return event.attendees if isinstance(event, Event) and not isinstance(event.attendees, Unknown) else ()


def _half_way(attempt: Attempt, now: Found, error: Exception, left: tuple[str, ...]) -> Outcome:
    """An occurrence could not be written: with nothing done before it that is the outcome, else a part is done."""
    if not attempt.begun:
        if not isinstance(error, Settled):
            raise error
        gone = isinstance(error.outcome, Missing)  # the occurrence, not the series
        return attempt.told(Stale(attempt.op, None) if gone else error.outcome, now.id)
    try:
        current = attempt.reader.one(attempt.collection, now.id)
    except ProviderError:
        return Partial(attempt.op, None, left)
    return Partial(attempt.op, current if isinstance(current, Found) else None, left)


@dataclass(frozen=True, slots=True)
class _Occurrence:
    """One occurrence of a series that is about to be written."""

    attempt: Attempt
    whole: Whole
    series: Series
    original: Original

    def become(self, wanted: Override | None) -> Mapping[str, Raw]:
        """Make it so (regular again for None); the reply by the exception's id, empty where nothing was to do."""
        there = self._there()
        if there is None:
            if self._regular() is not None:  # the rule names it, and the service lists it not: somebody else knows more
                raise Settled(Stale(self.attempt.op, None))
            if wanted is not None and wanted.event is not None:
                raise Settled(Refused(self.attempt.op, RefusedCode.INVALID))
            return {}
        identity, etag = str(there["id"]), decode.tag_of(there)
        # An exception whose original start the rule no longer names has nothing to become regular like.
        event = wanted.event if wanted is not None else self._regular()
        if event is not None:
            return {identity: self.attempt.patch(identity, etag, self._body(there, event))}
        if decode.is_cancelled(there):
            return {}
        self.attempt.delete(identity, etag)
        raw = self.attempt.reader.raw(self.attempt.collection, identity)
        return {identity: raw} if raw else {}

    def _there(self) -> Raw | None:
        """The exception, or the regular occurrence that the service expands; None where the rule names none."""
        key = original_key(self.original)
        for raw in self.whole.exceptions:
            if original_key(decode.original_of(raw, self.series.master.when.start)) == key:
                return raw
        # A service that does not look at ``originalStart`` lists others as well: none of them is taken in its place.
        found = next((raw for raw in self._listed() if self._replaces(raw) == key), None)
        if found is None:
            return None
        shown, regular = self._shown(found), self._regular()
        if shown is None or regular is None or _to_write(regular, shown):
            raise Settled(Stale(self.attempt.op, None))
        return found

    def _listed(self) -> Iterator[Raw]:
        """Page by page, for the first one may be empty."""
        page: str | None = None
        while True:
            request = self.attempt.reader.client.events.instances(
                calendarId=self.attempt.collection,
                eventId=str(self.whole.master["id"]),
                originalStart=encode.moment(self.original),
                showDeleted=True,
                pageToken=page,
                fields=f"nextPageToken,items({COLUMNS})",
            )
            answer = self.attempt.reader.ask(request)
            yield from items_of(answer)
            page = following(answer, page)
            if page is None:
                return

    def _replaces(self, raw: Raw) -> str:
        start = self.series.master.when.start
        return original_key(decode.original_of(raw, start)) if raw.get("originalStartTime") else ""

    def _regular(self) -> Event | None:
        bare = replace(self.series, overrides=())
        return occurrence_at(bare, self.original) if is_original(bare, self.original) else None

    def _shown(self, raw: Raw) -> Event | None:
        found = None if decode.is_cancelled(raw) else self.attempt.found(Whole(raw))
        return found.item if found is not None and isinstance(found.item, Event) else None

    def _body(self, there: Raw, event: Event) -> dict[str, object]:
        shown = self._shown(there)
        if shown is None:
            return {"status": "confirmed", **encode.fields(event, COPIED, patch=True)}
        names = _to_write(shown, event)
        return {**encode.fields(event, names, patch=True), **personal(there, shown, event, names)}


def is_edited(there: Item, wanted: Event | Series) -> bool:
    """Whether what stands there differs from ``wanted`` by more than occurrences that were not written yet."""
    if not isinstance(there, (Event, Series)) or changed_fields(there, wanted) & {"rule", "rdates", "type"}:
        return True
    if not isinstance(there, Series) or not isinstance(wanted, Series):
        return bool(_to_write(master_of(there), master_of(wanted)))
    shown = {original_key(o.original) for o in there.overrides}
    touched = any(original_key(original) in shown for original in _differing(there, wanted))
    return touched or bool(_to_write(there.master, wanted.master))


def _differing(now: Series, wanted: Series) -> list[Original]:
    """The originals whose occurrences are not as wanted, in order."""
    shown = {original_key(o.original): o for o in now.overrides}
    goal = {original_key(o.original): o for o in wanted.overrides}
    found: list[Original] = []
    for key in sorted(shown.keys() | goal.keys()):
        here, there = shown.get(key), goal.get(key)
        if here is None or there is None or (here.event is None) != (there.event is None):
            found.append((here or goal[key]).original)
        elif here.event is not None and there.event is not None and _to_write(here.event, there.event):
            found.append(here.original)
    return found


def _to_write(before: Event, after: Event) -> frozenset[str]:
    """The fields that differ and that we would write."""
    names = changed_fields(before, after) & COPIED
    return frozenset(name for name in names if getattr(after, name) is not UNKNOWN)
