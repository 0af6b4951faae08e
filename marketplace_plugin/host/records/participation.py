"""What is a participant's own in somebody else's event: his response, reminder and show-as; and what he left (pure).

The organiser's item is stored once. A participant sees it through ``as_seen``, and what he writes is taken apart by
``answered``; so two views never drift. ``Answers`` is keyed by occurrence: ``""`` for the whole, else ``original_key``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from marketplace_plugin.model.event import (
    UNKNOWN,
    Attendee,
    Event,
    Masked,
    Override,
    Response,
    Series,
    ShowAs,
    Unknown,
    original_key,
)
from marketplace_plugin.model.series.edit import change_all, fitting
from marketplace_plugin.model.series.expand import is_original, occurrence_at
from marketplace_plugin.model.time import Original, Timed, When, Zoned, start_of

WHOLE = ""
OWN_FIELDS = frozenset({"response", "reminder", "show_as"})
"""The fields that a participant may write (docs/sync.md, L4)."""


@dataclass(frozen=True, slots=True)
class Own:
    """What he said of the whole, or of one occurrence. ``gone``: he left it.

    What he did not say (None, and UNKNOWN for the reminder) is, of an occurrence, as he said it of the whole; of the
    whole it is unanswered, or the organiser's.
    """

    response: Response | None = None
    reminder: int | Masked | None = UNKNOWN
    show_as: ShowAs | None = None
    gone: bool = False


Answers = Mapping[str, Own]


def dump(answers: Answers) -> str:
    return json.dumps({key: _to_json(own) for key, own in sorted(answers.items())}, separators=(",", ":"))


def load(text: str) -> dict[str, Own]:
    return {key: _from_json(data) for key, data in json.loads(text).items()}


def _to_json(own: Own) -> dict[str, object]:
    data: dict[str, object] = {}
    if own.response is not None:
        data["response"] = own.response.value
    if not isinstance(own.reminder, Unknown):
        data["reminder"] = own.reminder
    if own.show_as is not None:
        data["show_as"] = own.show_as.value
    if own.gone:
        data["gone"] = True
    return data


def _from_json(data: Mapping[str, object]) -> Own:
    reminder = data.get("reminder", UNKNOWN)
    return Own(
        response=Response(str(data["response"])) if "response" in data else None,
        reminder=reminder if isinstance(reminder, int) or reminder is None else UNKNOWN,
        show_as=ShowAs(str(data["show_as"])) if "show_as" in data else None,
        gone=bool(data.get("gone", False)),
    )


# ---- the organiser's item with the answers of all ------------------------------------------------------------------


def with_responses(item: Event | Series, answers: Mapping[str, Answers]) -> Event | Series:
    """``item`` with the responses of Steg's participants among its attendees; ``answers`` is by mail address."""
    if isinstance(item, Event):
        return _responded(item, answers, WHOLE)
    overrides = tuple(
        o if o.event is None else replace(o, event=_responded(o.event, answers, original_key(o.original)))
        for o in item.overrides
    )
    return replace(item, master=_responded(item.master, answers, WHOLE), overrides=overrides)


def _responded(event: Event, answers: Mapping[str, Answers], key: str) -> Event:
    if isinstance(event.attendees, Unknown):
        return event
    attendees = tuple(
        replace(a, response=_response(answers[a.address], key)) if a.address in answers else a for a in event.attendees
    )
    return replace(event, attendees=attendees)


def _own(answers: Answers, key: str) -> Own:
    whole = answers.get(WHOLE) or Own()
    own = answers.get(key) or whole
    return replace(
        own,
        response=own.response or whole.response or Response.NEEDS_ACTION,
        reminder=whole.reminder if isinstance(own.reminder, Unknown) else own.reminder,
        show_as=own.show_as or whole.show_as,
    )


def _response(answers: Answers, key: str) -> Response:
    return _own(answers, key).response or Response.NEEDS_ACTION


def same_to_others(before: Answers, after: Answers) -> bool:
    """Whether all others see of him what they saw: his responses, and which occurrences he has left."""
    keys = {WHOLE, *before, *after}
    return all(
        _response(before, key) is _response(after, key) and _own(before, key).gone == _own(after, key).gone
        for key in keys
    )


# ---- as one participant sees it ------------------------------------------------------------------------------------


def as_seen(item: Event | Series, answers: Answers, organizer: Attendee) -> Event | Series:
    """``item`` as the participant with these ``answers`` has it: it has an organiser, and his own three fields.

    An answer for an occurrence that the organiser never changed becomes an override of the participant's view alone.
    """
    if isinstance(item, Event):
        return _seen(item, _own(answers, WHOLE), organizer)
    overrides: dict[str, Override] = {}
    for o in item.overrides:
        key = original_key(o.original)
        own = _own(answers, key)
        left = o.event is None or own.gone
        overrides[key] = Override(o.original, None if left or o.event is None else _seen(o.event, own, organizer))
    for key, own in answers.items():
        original = None if key == WHOLE or key in overrides else _named(item, key)
        if original is not None:
            content = None if own.gone else occurrence_at(item, original)
            overrides[key] = Override(original, None if content is None else _seen(content, own, organizer))
    return replace(
        item,
        master=_seen(item.master, _own(answers, WHOLE), organizer),
        overrides=tuple(overrides[key] for key in sorted(overrides)),
    )


def _seen(event: Event, own: Own, organizer: Attendee) -> Event:
    return replace(
        event,
        organizer=event.organizer or organizer,
        response=own.response,
        reminder=event.reminder if isinstance(own.reminder, Unknown) else own.reminder,
        show_as=own.show_as or event.show_as,
    )


def _named(item: Series, key: str) -> Original | None:
    """The occurrence that an answer is for; None where the series has none of this name any more."""
    try:
        original = original_of(key, item.master.when)
    except ValueError:
        return None
    return original if is_original(item, original) else None


def original_of(key: str, start: When) -> Original:
    """The original start that ``original_key`` wrote for a series that starts at ``start``. Raises ValueError."""
    if not isinstance(start, Timed):
        return date.fromisoformat(key)
    wall, _, fold = key.partition("+")
    return Zoned(datetime.fromisoformat(wall), start.start.zone, 1 if fold else 0)


def carried(answers: Answers, before: Event | Series, after: Event | Series) -> dict[str, Own]:
    """The answers after the organiser has made ``after`` of ``before``: where the whole series moved, each goes with
    its occurrence, and one whose occurrence is gone is kept under its old name, for the case that it comes back."""
    if not isinstance(before, Series) or not isinstance(after, Series):
        return dict(answers)
    moved: dict[str, Own] = {}
    kept: dict[str, Own] = {}
    for key, own in answers.items():
        original = None if key == WHOLE else _named(before, key)
        there = None if original is None else _moved(before, after, original)
        if there is None:
            kept[key] = own
        else:
            moved[original_key(there)] = own
    return kept | moved


def _moved(before: Series, after: Series, original: Original) -> Original | None:
    alone = replace(before, overrides=(Override(original, None),))
    named = change_all(alone, start_of(before.master.when), after.master, after.rule).overrides
    return named[0].original if fitting(after, named) else None


# ---- what a participant wrote --------------------------------------------------------------------------------------


def answered(written: Event | Series, changed: frozenset[str], item: Event | Series, before: Answers) -> dict[str, Own]:
    """The answers after a participant wrote ``written`` over his view of ``item``: of it, only his own fields count."""
    answers = dict(before)
    whole = written.master if isinstance(written, Series) else written
    answers[WHOLE] = _taken(whole, changed, _own(before, WHOLE))
    if isinstance(written, Series) and isinstance(item, Series) and "overrides" in changed:
        answers = {WHOLE: answers[WHOLE]}
        for o in written.overrides:
            theirs = item.override(o.original)
            key = original_key(o.original)
            if o.event is None:
                if theirs is None or theirs.event is not None:
                    answers[key] = replace(answers[WHOLE], response=Response.DECLINED, gone=True)
                continue
            own = _taken(o.event, OWN_FIELDS, _own(before, key))
            if theirs is None or own != answers[WHOLE]:
                answers[key] = replace(own, gone=False)
    return answers


def _taken(event: Event, changed: frozenset[str], before: Own) -> Own:
    own = before
    if "response" in changed and event.response is not None:
        own = replace(own, response=event.response)
    if "reminder" in changed and not isinstance(event.reminder, Unknown):
        own = replace(own, reminder=event.reminder)
    if "show_as" in changed and not isinstance(event.show_as, Unknown):
        own = replace(own, show_as=event.show_as)
    return own


def named_alone(before: Answers, after: Answers, changed: frozenset[str], item: Event | Series) -> dict[str, Own]:
    """The answers ``after`` a sync's write of ``changed``, which touches nothing else: what was written of the whole is
    not said of the occurrences that are changed, so each of them keeps what it showed ``before``."""
    if not isinstance(item, Series) or "overrides" in changed:
        return dict(after)
    events = {key: item.master for key in before if key != WHOLE}
    events |= {original_key(o.original): o.event for o in item.overrides if o.event is not None}
    kept = {key: _kept(event, key, before, after) for key, event in events.items()}
    return dict(after) | {key: own for key, own in kept.items() if own != Own()}


def _kept(event: Event, key: str, before: Answers, after: Answers) -> Own:
    old, new, own = _own(before, key), _own(after, key), after.get(key) or Own()
    if old.response is not new.response:
        own = replace(own, response=old.response)
    if old.reminder != new.reminder:
        own = replace(own, reminder=event.reminder if isinstance(old.reminder, Unknown) else old.reminder)
    if old.show_as is not new.show_as:
        own = replace(own, show_as=old.show_as or (None if isinstance(event.show_as, Unknown) else event.show_as))
    return own
