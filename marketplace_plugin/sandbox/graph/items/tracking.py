"""delta of one folder's contacts or one list's tasks: rounds and tokens.

Sources: contact-delta and todotask-delta of the reference. What is expanded cannot be tracked, so neither extended
properties nor linked resources are part of a round. A token can be used again; an item may come twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from marketplace_plugin.sandbox.graph import errors
from marketplace_plugin.sandbox.graph.api.prefer import Preferences
from marketplace_plugin.sandbox.graph.api.query import PAGE
from marketplace_plugin.sandbox.graph.items.folders import Folder, Item, Json
from marketplace_plugin.sandbox.graph.outlook import ids
from marketplace_plugin.sandbox.graph.state import State

_REFUSED = ("$expand", "$orderby", "$search", "$top", "$skip")
Show = Callable[[Item], Json]


@dataclass(frozen=True)
class _Position:
    """``since`` is None in a first round; ``left`` are the keys that are still to be sent, None at its start."""

    folder: int
    epoch: int
    since: int | None
    upto: int
    immutable: bool
    select: tuple[str, ...]
    left: tuple[int, ...] | None = None
    empty: int = 0


class Tracking:
    """The tokens that have been given out."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._tokens: dict[str, _Position] = {}

    def page(
        self, folder: Folder, url: str, arguments: Sequence[tuple[str, str]], asked: Preferences, show: Show
    ) -> Json:
        """One page of a round. Raises GraphError 400, 410."""
        immutable = asked.shape.immutable
        given = {name.lower(): value for name, value in arguments}
        if refused := [name for name in _REFUSED if name in given]:
            raise errors.invalid_query(f"The query parameter '{refused[0]}' is not supported with change tracking.")
        position = self._position(folder, given, url, immutable)
        if position.left is None:
            position = replace(position, left=tuple(self._due(folder, position)))
        if position.empty:
            later = replace(position, empty=position.empty - 1)
            return {"value": [], "@odata.nextLink": self._link(url, "$skiptoken", later)}
        due = position.left or ()
        size = min(asked.page_size or PAGE, self._state.knobs.max_page_size or 10**9)
        page, rest = due[:size], due[size:]
        value = [self._entry(folder, key, position, show) for key in page]
        if rest:
            return {"value": value, "@odata.nextLink": self._link(url, "$skiptoken", replace(position, left=rest))}
        done = replace(position, since=position.upto, left=None)
        return {"value": value, "@odata.deltaLink": self._link(url, "$deltatoken", done)}

    def _position(self, folder: Folder, given: dict[str, str], url: str, immutable: bool) -> _Position:
        token = given.get("$skiptoken") or given.get("$deltatoken")
        empty = self._state.knobs.empty_delta_pages
        if not token:
            select = tuple(filter(None, (given.get("$select") or "").split(",")))
            return _Position(folder.key, folder.epoch, None, self._state.tick, immutable, select, empty=empty)
        known = self._tokens.get(token)
        if known is None or known.folder != folder.key:
            raise errors.bad_request("The sync state is invalid.", "SyncStateInvalid")
        if known.epoch != folder.epoch:
            raise errors.sync_state_gone("SyncStateNotFound", 410, 1, url)
        return known if "$skiptoken" in given else replace(known, upto=self._state.tick, empty=empty)

    @staticmethod
    def _due(folder: Folder, position: _Position) -> list[int]:
        if position.since is None:
            return list(folder.items)
        return [key for key, change in folder.changes.items() if position.since < change <= position.upto]

    @staticmethod
    def _entry(folder: Folder, key: int, position: _Position, show: Show) -> Json:
        item = folder.items.get(key)
        if item is None:
            kind, place = folder.kind.item_id, folder.placed[key]
            gone = ids.item_id(kind, folder.mailbox, place, key, immutable=position.immutable)
            return {"@odata.type": f"#{folder.kind.type_name}", "id": gone, "@removed": {"reason": "deleted"}}
        shown = show(item)
        if position.select:
            kept = {"@odata.etag", "id", *position.select}
            shown = {name: value for name, value in shown.items() if name in kept}
        return {"@odata.type": f"#{folder.kind.type_name}", **shown}

    def _link(self, url: str, name: str, position: _Position) -> str:
        token = secrets.token_urlsafe(24)
        self._tokens[token] = position
        return f"{url}?{name}={token}"
