"""Series: the master, and single occurrences that are changed, cancelled or restored.

Sources: recurrence-patterns-and-ews and how-to-update-a-recurring-series. New times or a new rule make the server
forget exceptions and cancellations; so after a write of the master the series is read again, and what is then not as
wanted is written occurrence by occurrence. A cancelled one comes back by sending the rule again. What did not arrive is
Partial.

An occurrence is found by its number in the rule (``OccurrenceItemId``), and is the right one only by its OriginalStart.
Each write of one changes the master's change key, and maybe its neighbours', so each is read right before its write.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from marketplace_plugin.contract.sending import Settled
from marketplace_plugin.errors import ProviderError
from marketplace_plugin.model.change import Found, Revision
from marketplace_plugin.model.event import Event, Series, original_key
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.series.edit import differing_originals
from marketplace_plugin.model.series.expand import is_original, occurrence_at, originals
from marketplace_plugin.model.series.recurrence_set import GaveUp
from marketplace_plugin.model.series.shape import crosses
from marketplace_plugin.model.time import Original, Window, Zoned
from marketplace_plugin.model.write import Applied, Missing, Outcome, Partial, Refused, RefusedCode, Stale
from marketplace_plugin.providers.ews.attempt import Attempt, Key
from marketplace_plugin.providers.ews.read import item_id
from marketplace_plugin.providers.ews.shape import decode, encode
from marketplace_plugin.providers.ews.shape.decode import Whole
from marketplace_plugin.providers.ews.shape.differ import differs, to_write
from marketplace_plugin.providers.ews.shape.recurrence import Undecodable, Unencodable, element_of
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.errors import Refusal
from marketplace_plugin.providers.ews.soap.xml import Element, make


def check(wanted: Series) -> None:
    """Raises Unencodable for a series that Exchange cannot hold as it is, before anything of it is written."""
    element_of(wanted)
    if crosses(wanted) is not None:
        raise Unencodable("an occurrence moves past its neighbour")


def settle(attempt: Attempt, key: Key, before: Series, wanted: Series) -> Outcome:
    """Write each occurrence that is not as wanted, then tell what stands there. The master has been written: ``key``.

    ``before``: the series as it was; an occurrence that is neither so nor regular was changed by somebody meanwhile.
    """
    whole = attempt.whole(key.id)
    now = attempt.found(whole)
    if now is None or not isinstance(now.item, Series):
        return Partial(attempt.op, now, tuple(original_key(o.original) for o in wanted.overrides))
    differing = differing_originals(now.item, wanted, to_write)
    # Cancelled neighbours are none, so cancelling first leaves the most room to move.
    differing.sort(key=lambda original: (occurrence_at(wanted, original) is not None, original_key(original)))
    for number, original in enumerate(differing):
        try:
            _write(attempt, whole, now.item, before, original, occurrence_at(wanted, original))
        except (Settled, Unencodable, ProviderError) as error:
            return _half_way(attempt, now, error, tuple(original_key(o) for o in differing[number:]))
    if differing:
        return as_stored(attempt, attempt.found(attempt.whole(key.id)), now, key, wanted)
    return as_stored(attempt, now, now, key, wanted)


def as_stored(attempt: Attempt, now: Found | None, older: Found, key: Key, wanted: Item) -> Outcome:
    """Done. What somebody else wrote after ``key`` is not taken for ours: then our own is told, under that key.

    ``older``: what it was, for all but its content. ``key`` is still the item's own where nobody wrote since, and the
    content then the server's reading of ours.
    """
    if now is not None and (now.revision.master == key.change_key or not differs(now.item, wanted)):
        return Applied(attempt.op, now.id, now.revision, now)
    told = replace(older, id=key.id, item=wanted, revision=Revision(key.change_key))
    return Applied(attempt.op, told.id, told.revision, told)


def _write(
    attempt: Attempt, whole: Whole, now: Series, before: Series, original: Original, event: Event | None
) -> None:
    """One occurrence, which must stand there as ``now`` has it. Raises Settled, Unencodable."""
    if not _is_ours(now, before, original):
        raise Settled(Stale(attempt.op, None))
    there = _there(attempt, whole, now, original)
    if event is None:
        attempt.delete(Key.of(there))
        return
    shown = decode.event_of(there, attempt.reader.calendar(attempt.collection))
    names = to_write(shown, event)
    if not names:
        return
    client = attempt.reader.client
    parts = encode.fields(event, names, home=attempt.reader.home, schema=client.schema)
    attempt.update(Key.of(there), encode.changes(parts))


def _there(attempt: Attempt, whole: Whole, now: Series, original: Original) -> Element:
    """The item of an occurrence. Raises Settled where there is none, or another than was read."""
    if not is_original(replace(now, overrides=()), original):
        raise Settled(Refused(attempt.op, RefusedCode.INVALID))  # the rule names no such occurrence
    anchor = decode.anchor_of(whole.master) or "UTC"
    start = now.master.when.start
    identity = make(
        "t:OccurrenceItemId",
        RecurringMasterId=decode.id_of(whole.master),
        InstanceIndex=str(_number(now, original)),
    )
    for item in whole.exceptions:
        if decode.original_of(xml.text(item, "t:OriginalStart"), start, anchor) == original:
            identity = item_id(decode.id_of(item))
    (found,) = attempt.reader.items(attempt.collection, [identity])
    if isinstance(found, Refusal):
        raise Settled(Stale(attempt.op, None))
    try:
        named = decode.original_of(xml.text(found, "t:OriginalStart") or xml.text(found, "t:Start"), start, anchor)
        shown = decode.event_of(found, attempt.reader.calendar(attempt.collection))
    except Undecodable as error:
        raise Settled(Stale(attempt.op, None)) from error
    expected = occurrence_at(now, original)
    if named != original or expected is None:
        raise Settled(Stale(attempt.op, None))
    # Outlook's rules end on a clock time, RFC 5545's after a duration: a regular occurrence has the times of the rule.
    regular = now.override(original) is None and xml.text(found, "t:CalendarItemType") == "Occurrence"
    if to_write(expected, shown) - ({"when"} if regular else set()):
        raise Settled(Stale(attempt.op, None))
    return found


def _number(series: Series, original: Original) -> int:
    """Which occurrence of the rule this is, from 1; the deleted ones count. Raises Unencodable."""
    first = _instant(series.master.when.start)
    window = Window(first - timedelta(days=2), _instant(original) + timedelta(days=2))
    key = original_key(original)
    try:
        for number, named in enumerate(originals(replace(series, overrides=()), window), 1):
            if original_key(named) == key:
                return number
    except GaveUp as error:
        raise Unencodable("the occurrences of the rule cannot be counted") from error
    raise Unencodable("the rule names no such occurrence")


def _instant(original: Original) -> datetime:
    return original.instant() if isinstance(original, Zoned) else datetime.combine(original, time(), UTC)


def _is_ours(now: Series, before: Series, original: Original) -> bool:
    """Whether an occurrence stands as we read it, or as the rule has it after the server forgot what it was."""
    shown = now.override(original)
    if shown is None:
        return True
    known = before.override(original)
    if known is None or (known.event is None) != (shown.event is None):
        return False
    return known.event is None or shown.event is None or not to_write(known.event, shown.event)


def _half_way(attempt: Attempt, now: Found, error: Exception, left: tuple[str, ...]) -> Outcome:
    """An occurrence could not be written: with nothing done before it that is the outcome, else a part is done."""
    if not attempt.begun:
        if not isinstance(error, Settled):
            raise error
        gone = isinstance(error.outcome, Missing)  # the occurrence, not the series
        return attempt.told(Stale(attempt.op, None) if gone else error.outcome, now.id)
    try:
        (current,) = attempt.reader.fetch(attempt.collection, [now.id])
    except ProviderError:
        return Partial(attempt.op, None, left)
    return Partial(attempt.op, current if isinstance(current, Found) else None, left)
