"""Page tokens and sync tokens: opaque, signed, bound to the request that they continue.

Source: https://developers.google.com/workspace/calendar/api/guides/sync
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from marketplace_plugin.sandbox.google import errors
from marketplace_plugin.sandbox.google.state import State

NOT_COMPARED = frozenset({"syncToken", "pageToken", *("alt", "fields", "key", "oauth_token", "prettyPrint")})
"""Parameters that may differ between the requests of one synchronisation."""
_BOUNDS = frozenset({"timeMin", "timeMax"})

Key = tuple[Any, ...]
Item = TypeVar("Item")


@dataclass(frozen=True)
class Sync:
    """A decoded sync token: changes after ``seq`` are wanted."""

    seq: int


@dataclass(frozen=True)
class Page:
    """Where a page begins, and the change number at which the whole round began."""

    after: Key | None
    seq: int
    empties: int


def fingerprint(params: Mapping[str, Any], *, without_bounds: bool = False) -> str:
    """What two requests of one synchronisation have in common."""
    skip = NOT_COMPARED | (_BOUNDS if without_bounds else frozenset())
    kept = {name: str(value) for name, value in sorted(params.items()) if name not in skip}
    return hashlib.sha256(json.dumps(kept).encode()).hexdigest()[:16]


def seal(state: State, payload: Mapping[str, Any]) -> str:
    """An opaque token that only this sandbox can have made."""
    raw = json.dumps(payload, separators=(",", ":")).encode()
    mark = hmac.new(state.secret, raw, hashlib.sha256).digest()[:12]
    return base64.urlsafe_b64encode(mark + raw).decode()


def unseal(state: State, token: str) -> dict[str, Any] | None:
    """The payload of a token, None if it is not one of ours."""
    try:
        data = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    mark, raw = data[:12], data[12:]
    if not hmac.compare_digest(mark, hmac.new(state.secret, raw, hashlib.sha256).digest()[:12]):
        return None
    found: dict[str, Any] = json.loads(raw)
    return found


def sync_token(state: State, scope: str, epoch: int, params: Mapping[str, Any], seq: int) -> str:
    """The token for the next round. ``scope`` names the collection and the user."""
    made = int(state.now().timestamp())
    mark = fingerprint(params, without_bounds=True)
    return seal(state, {"k": "s", "o": scope, "e": epoch, "f": mark, "n": seq, "t": made})


def read_sync_token(state: State, scope: str, epoch: int, params: Mapping[str, Any]) -> Sync:
    """Check a sync token against the request that brings it.

    Raises:
        ApiError: 400 for a foreign token or other parameters than before, 410 for an old one.
    """
    found = unseal(state, str(params["syncToken"]))
    if found is None or found.get("k") != "s" or found["o"] != scope:
        raise errors.invalid("Invalid sync token value.", "syncToken")
    age = state.now().timestamp() - found["t"]
    if found["e"] != epoch or age > timedelta(days=state.knobs.sync_token_days).total_seconds():
        raise errors.full_sync_required()
    if found["f"] != fingerprint(params, without_bounds=True):
        raise errors.invalid("The sync token belongs to a request with other parameters than these.", "syncToken")
    return Sync(int(found["n"]))


def read_page(state: State, scope: str, params: Mapping[str, Any]) -> Page:
    """Where to go on; the first page without a token.

    Raises:
        ApiError: 400 for a foreign token or other parameters than on the first page.
    """
    token = params.get("pageToken")
    if token is None:
        return Page(None, state.tick, state.knobs.empty_first_pages)
    found = unseal(state, str(token))
    whole = fingerprint(params) + str(params.get("syncToken", ""))
    if found is None or found.get("k") != "p" or found["o"] != scope or found["f"] != whole:
        raise errors.invalid("Invalid page token value.", "pageToken")
    after = None if found["a"] is None else tuple(found["a"])
    return Page(after, int(found["n"]), int(found["e"]))


def cut(
    state: State,
    scope: str,
    params: Mapping[str, Any],
    page: Page,
    items: Iterable[tuple[Key, Item]],
    limit: int,
) -> tuple[list[Item], str | None]:
    """One page of ``items`` (sorted by key, all after ``page.after``) and the next page's token."""
    size = min(params.get("maxResults", limit), limit, state.knobs.max_page_size or limit)
    whole = fingerprint(params) + str(params.get("syncToken", ""))

    def token(after: Key | None, empties: int) -> str:
        payload = {"k": "p", "o": scope, "f": whole, "a": after, "n": page.seq, "e": empties}
        return seal(state, payload)

    if page.empties > 0:
        return [], token(page.after, page.empties - 1)
    found: list[Item] = []
    last: Key | None = None
    for key, item in items:
        if len(found) == size:
            return found, token(last, 0)
        found.append(item)
        last = key
    return found, None


def after(page: Page, items: Iterable[Item], key: Callable[[Item], Key]) -> Iterable[tuple[Key, Item]]:
    """Sort by key and drop what earlier pages had."""
    keyed = sorted(((key(item), item) for item in items), key=lambda pair: pair[0])
    return (pair for pair in keyed if page.after is None or pair[0] > page.after)
