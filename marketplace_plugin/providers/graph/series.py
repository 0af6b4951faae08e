"""Series: the master, and single occurrences that are changed, cancelled or restored.

Source: event-update, and what users of it report: new times or a new rule make the service forget every exception and
every cancellation, even where the values are equal. So a series that is reshaped gets them anew, one by one, each under
the change key of its occurrence; a cancelled occurrence can only be restored that way. What did not arrive is Partial.
"""

from __future__ import annotations

from dataclasses import replace

from marketplace_plugin.contract.sending import Settled
from marketplace_plugin.errors import ProviderError
from marketplace_plugin.model.change import Found
from marketplace_plugin.model.event import UNKNOWN, Event, Series, original_key
from marketplace_plugin.model.form.canonical import changed_fields, same
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.series.edit import SHAPE, differing_originals, master_of
from marketplace_plugin.model.series.edit import patch as edited
from marketplace_plugin.model.series.expand import is_original, occurrence_at
from marketplace_plugin.model.series.shape import crosses
from marketplace_plugin.model.time import Original, day_of
from marketplace_plugin.model.write import Applied, Missing, Outcome, Partial, Refused, RefusedCode, Stale, Update
from marketplace_plugin.providers.graph.attempt import Attempt, merged
from marketplace_plugin.providers.graph.conversation import Asking
from marketplace_plugin.providers.graph.shape import decode, encode
from marketplace_plugin.providers.graph.shape.decode import Raw, Whole
from marketplace_plugin.providers.graph.shape.encode import COPIED
from marketplace_plugin.providers.graph.shape.recurrence import Undecodable, Unencodable, pattern_of
from marketplace_plugin.providers.graph.transport import Json

_LIMITS = {"title": 255, "location": 255, "description": None}
"""Texts, and how many characters the service keeps of them."""


def check(wanted: Series) -> None:
    """Raises Unencodable for a series that Graph cannot hold as it is, before anything of it is written."""
    pattern_of(wanted)
    if crosses(wanted) is not None:
        raise Unencodable("an occurrence moves past its neighbour")


def update(attempt: Attempt, write: Update, item: Event | Series, whole: Whole) -> Asking[Outcome]:
    """From ``whole`` to ``item`` by the changed fields, where one of the two is a series."""
    found = attempt.found(whole)
    if found is None or not isinstance(found.item, (Event, Series)):
        return Stale(attempt.op, found)
    wanted = edited(found.item, item, write.changed)
    if not isinstance(wanted, (Event, Series)):
        return Refused(attempt.op, RefusedCode.INVALID)
    reshape = _reshapes(write, found.item, wanted)
    if isinstance(wanted, Series) and (reshape or "overrides" in write.changed):
        check(wanted)
    body = encode.fields(master_of(wanted), write.changed & COPIED - {"when"})
    if reshape:
        body |= encode.times(master_of(wanted).when, repeats=isinstance(wanted, Series))
        body["recurrence"] = pattern_of(wanted) if isinstance(wanted, Series) else None
    body |= encode.marks(write.stamp, master_of(wanted).when if reshape else None)
    if body:
        try:
            reply = yield from attempt.patch(write.id, write.revision.master, body)
        except Settled as end:
            return (yield from attempt.told(end.outcome, write.id))
        raw = merged(reply, whole.master, body)
        forgotten: Json = {"exceptionOccurrences": [], "cancelledOccurrences": []} if reshape else {}
        whole = decode.whole({**raw, **forgotten})
    if isinstance(wanted, Series):
        return (yield from settle(attempt, wanted, whole))
    return attempt.applied(Whole(whole.master))


def _reshapes(write: Update, now: Event | Series, wanted: Event | Series) -> bool:
    """Whether the rule has to be sent: for a new shape, or to have cancelled occurrences back."""
    if write.changed & SHAPE:
        return True
    if not isinstance(now, Series) or not isinstance(wanted, Series):
        return False
    return bool(_cancelled(now) - _cancelled(wanted))


def _cancelled(series: Series) -> set[str]:
    return {original_key(o.original) for o in series.overrides if o.event is None}


def settle(attempt: Attempt, wanted: Series, whole: Whole) -> Asking[Outcome]:
    """Write each occurrence of ``whole`` that differs from ``wanted``, then tell what stands there."""
    now = attempt.found(whole)
    if now is None or not isinstance(now.item, Series):
        return Partial(attempt.op, now, tuple(original_key(o.original) for o in wanted.overrides))
    differing = differing_originals(now.item, wanted, _to_write)
    # Cancelled neighbours are none, so cancelling first leaves the most room to move.
    differing.sort(key=lambda original: (_event_at(wanted, original) is not None, original_key(original)))
    exceptions = {str(raw["id"]): raw for raw in whole.exceptions}
    gone = set(whole.cancelled)
    for number, original in enumerate(differing):
        try:
            occurrence = yield from _there(attempt, whole, now.item, original)
            event = _event_at(wanted, original)
            exceptions.pop(str(occurrence["id"]), None)
            if event is None:
                yield from attempt.delete(str(occurrence["id"]), decode.tag_of(occurrence))
                gone.add(day_of(original))
            else:
                body = _body(attempt, occurrence, event)
                reply = yield from attempt.patch(str(occurrence["id"]), decode.tag_of(occurrence), body)
                exceptions[str(reply["id"])] = reply
        except (Settled, Unencodable, ProviderError) as error:
            left = tuple(original_key(o) for o in differing[number:])
            return (yield from _half_way(attempt, now, error, left))
    written = Whole(whole.master, tuple(exceptions.values()), tuple(sorted(gone)))
    return (yield from _as_stored(attempt, written))


def _as_stored(attempt: Attempt, written: Whole) -> Asking[Outcome]:
    """Done. Writing an occurrence changes its master's change key, so the series is read once more.

    What somebody else wrote meanwhile is not taken for ours: then the replies are what is told, with the older key.
    """
    ours = attempt.applied(written)
    identity = str(written.master["id"])
    try:
        stored = yield from attempt.whole(identity)
    except (Settled, ProviderError):
        return ours
    now = attempt.found(stored)
    if now is None or ours.stored is None or not same(now.item, ours.stored.item):
        return ours
    return Applied(attempt.op, identity, now.revision, now)


def _half_way(attempt: Attempt, now: Found, error: Exception, left: tuple[str, ...]) -> Asking[Outcome]:
    """An occurrence could not be written: with nothing done before it that is the outcome, else a part is done."""
    if not attempt.begun:
        if not isinstance(error, Settled):
            raise error
        gone = isinstance(error.outcome, Missing)  # the occurrence, not the series
        return (yield from attempt.told(Stale(attempt.op, None) if gone else error.outcome, now.id))
    try:
        current = yield from attempt.now(now.id)
    except ProviderError:
        return Partial(attempt.op, None, left)
    return Partial(attempt.op, current if isinstance(current, Found) else None, left)


def _event_at(wanted: Series, original: Original) -> Event | None:
    """What is to stand there; None where it is cancelled."""
    return occurrence_at(wanted, original)


def _there(attempt: Attempt, whole: Whole, now: Series, original: Original) -> Asking[Raw]:
    """The occurrence, which must be as the series was read: an exception of it, or regular still; and nobody else's who
    would be mailed. Raises Settled."""
    master = whole.master
    for raw in whole.exceptions:
        if original_key(decode.original_of(raw, master, now.master.when.start)) == original_key(original):
            _check_silent(attempt, master, raw)
            return raw
    if not is_original(replace(now, overrides=()), original):
        raise Settled(Refused(attempt.op, RefusedCode.INVALID))  # the rule names no such occurrence
    found = yield from attempt.instance(str(master["id"]), original, whole)
    regular = occurrence_at(replace(now, overrides=()), original)
    shown = _shown(attempt, found) if found is not None else None
    if found is None or shown is None or regular is None:
        raise Settled(Stale(attempt.op, None))
    # Outlook's rules end on a clock time, RFC 5545's after a duration: a regular occurrence has the times of the rule.
    if _to_write(regular, shown) - ({"when"} if found.get("type") == "occurrence" else set()):
        raise Settled(Stale(attempt.op, None))
    _check_silent(attempt, master, found)
    return found


def _check_silent(attempt: Attempt, master: Raw, occurrence: Raw) -> None:
    """Raises Settled where somebody else is a guest of the occurrence, who was not when the series was read."""
    if decode.is_own(master) and decode.has_guests(occurrence):
        raise attempt.refuse(RefusedCode.WOULD_MAIL)


def _shown(attempt: Attempt, raw: Raw) -> Event | None:
    try:
        return decode.event_of(raw, attempt.reader.calendar(attempt.collection))
    except Undecodable:
        return None


def _body(attempt: Attempt, there: Raw, event: Event) -> Json:
    shown = _shown(attempt, there)
    names = COPIED if shown is None else _to_write(shown, event)
    if "description" in names and decode.is_online(there):
        raise Unencodable("the text of an online meeting is left whole")
    return encode.fields(event, names | {"status"})


def is_edited(there: Item, wanted: Event | Series) -> bool:
    """Whether what stands there differs from ``wanted`` by more than occurrences that were not written yet."""
    if not isinstance(there, (Event, Series)) or type(there) is not type(wanted):
        return True
    if not isinstance(there, Series) or not isinstance(wanted, Series):
        return _is_other(master_of(there), master_of(wanted))
    if not _same_pattern(there, wanted):
        return True
    known = {original_key(o.original): o for o in wanted.overrides}
    for override in there.overrides:
        goal = known.get(original_key(override.original))
        if goal is None or (goal.event is None) != (override.event is None):
            return True
        if goal.event is not None and override.event is not None and _is_other(override.event, goal.event):
            return True
    return _is_other(there.master, wanted.master)


def _same_pattern(a: Series, b: Series) -> bool:
    """Whether both rules are said alike: what a start implies need not be spelled out."""
    try:
        return pattern_of(a) == pattern_of(b)
    except Unencodable:
        return False


def _is_other(there: Event, wanted: Event) -> bool:
    """Whether a person has been there: the service itself cuts and respaces texts."""
    names = _to_write(there, wanted)
    return any(name not in _LIMITS or _spaced(there, name) != _spaced(wanted, name) for name in names)


def _spaced(event: Event, name: str) -> str:
    return " ".join(str(getattr(event, name)).split())[: _LIMITS[name]].rstrip()


def _to_write(before: Event, after: Event) -> frozenset[str]:
    """The fields that differ and that we would write; times that are said alike do not."""
    names = changed_fields(before, after) & COPIED - {"status"}
    if "when" in names and encode.times(before.when) == encode.times(after.when):
        names -= {"when"}
    return frozenset(name for name in names if getattr(after, name) is not UNKNOWN)
