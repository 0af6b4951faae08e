"""The list of contacts: pages, and what has changed since a sync token.

Source: people.connections.list. Every other parameter must be the same as in the call that a token comes from; a token
ends seven days after the full sync that it goes back to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from marketplace_plugin.sandbox.google.calendar import paging
from marketplace_plugin.sandbox.google.errors import ApiError, Json
from marketplace_plugin.sandbox.google.people.book import FULL_SYNC_KEPT, Book, StoredPerson
from marketplace_plugin.sandbox.google.people.person import failed_precondition, invalid_argument
from marketplace_plugin.sandbox.google.state import State

SMALLEST, DEFAULT_PAGE, LARGEST_PAGE = 1, 100, 1000
ENTRIES_SHOWN = 100
"""Mail addresses and numbers of one person in a list; more are cut."""
_TOKENS = frozenset({"pageToken", "syncToken"})


@dataclass(frozen=True)
class _Asked:
    """A request with its tokens understood. ``since`` is None in a full sync."""

    since: int | None
    full_at: float
    upto: int
    after: tuple[str, str] | None


def listing(state: State, book: Book, args: Json, names: list[str], sources: list[str]) -> Json:
    """One page. Raises ApiError 400."""
    size = args.get("pageSize") or DEFAULT_PAGE
    if not SMALLEST <= size <= LARGEST_PAGE:
        raise invalid_argument(f"Page size must be between {SMALLEST} and {LARGEST_PAGE}.")
    asked = _asked(state, book, args)
    rows = sorted(_rows(state, book, asked, args), key=lambda one: _key(one, args))
    rows = [one for one in rows if asked.after is None or _key(one, args) > asked.after]
    size = min(size, state.knobs.max_page_size or size)
    page, more = rows[:size], rows[size:]
    told: Json = {
        "connections": [_cut(book.shown(one, names, sources, synced=asked.since is not None)) for one in page]
    }
    told["totalPeople"] = told["totalItems"] = sum(1 for one in book.persons.values() if not one.deleted)
    mark = paging.fingerprint({k: v for k, v in args.items() if k not in _TOKENS})
    common = {"o": book.email, "f": mark, "e": book.epoch, "full": asked.full_at}
    if more:
        told["nextPageToken"] = paging.seal(
            state, {**common, "k": "pp", "n": asked.upto, "s": asked.since, "a": _key(page[-1], args)}
        )
    elif args.get("requestSyncToken"):
        told["nextSyncToken"] = paging.seal(state, {**common, "k": "ps", "n": asked.upto})
    return told


def _rows(state: State, book: Book, asked: _Asked, args: Json) -> list[StoredPerson]:
    """What the page is cut from. Sync requests see writes only after a while; plain ones at once."""
    if asked.since is None:
        return [one for one in book.persons.values() if not one.deleted and _seen(state, one, args)]
    return [one for one in book.persons.values() if asked.since < one.seq and _seen(state, one, args)]


def _seen(state: State, one: StoredPerson, args: Json) -> bool:
    return not args.get("requestSyncToken") or one.updated <= state.now() - _delay(state)


def _delay(state: State) -> timedelta:
    return timedelta(seconds=state.knobs.people_delay_seconds)


def _asked(state: State, book: Book, args: Json) -> _Asked:
    mark = paging.fingerprint({k: v for k, v in args.items() if k not in _TOKENS})
    if token := args.get("pageToken"):
        found = _token(state, book, token, "pp", mark)
        after = tuple(found["a"])
        return _Asked(found["s"], found["full"], found["n"], (after[0], after[1]))
    if token := args.get("syncToken"):
        found = _token(state, book, token, "ps", mark)
        age = state.now() - datetime.fromtimestamp(found["full"], state.now().tzinfo)
        if found["e"] != book.epoch or age > FULL_SYNC_KEPT:
            text = "Sync token is expired. Clear local cache and retry call without the sync token."
            if state.knobs.people_expired_status != 400:
                raise ApiError(state.knobs.people_expired_status, "expired", text)
            raise failed_precondition(text, "EXPIRED_SYNC_TOKEN")
        return _Asked(found["n"], found["full"], _upto(state, book), None)
    return _Asked(None, state.now().timestamp(), _upto(state, book), None)


def _upto(state: State, book: Book) -> int:
    """The number up to which a round of now has told everything: what is too fresh to be shown comes later."""
    fresh = [one.seq for one in book.persons.values() if one.updated > state.now() - _delay(state)]
    return min([state.tick, *(seq - 1 for seq in fresh)]) if _delay(state) else state.tick


def _token(state: State, book: Book, token: str, kind: str, mark: str) -> dict[str, Any]:
    found = paging.unseal(state, token)
    if found is None or found.get("k") != kind or found["o"] != book.email:
        raise invalid_argument("Request contains an invalid argument.")
    if found["f"] != mark:
        raise invalid_argument("All other parameters must match the call that the token comes from.")
    return found


def _key(one: StoredPerson, args: Json) -> tuple[str, str]:
    """Sorted by the last change unless asked otherwise."""
    name = (one.body.get("names") or [{}])[0]
    match args.get("sortOrder"):
        case "FIRST_NAME_ASCENDING":
            return str(name.get("givenName", "")), one.source_id
        case "LAST_NAME_ASCENDING":
            return str(name.get("familyName", "")), one.source_id
        case "LAST_MODIFIED_DESCENDING":
            return f"{10**12 - one.seq:012d}", one.source_id
        case _:
            return f"{one.seq:012d}", one.source_id


def _cut(told: Json) -> Json:
    for name in ("emailAddresses", "phoneNumbers"):
        if name in told:
            told[name] = told[name][:ENTRIES_SHOWN]
    return told
