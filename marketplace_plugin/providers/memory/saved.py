"""An account's state as a file: whole, and replaced in one step, so that a kill leaves the old or the new one."""

from __future__ import annotations

import json
import os
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marketplace_plugin.model.change import Access, Stamp, UnreadableReason
from marketplace_plugin.model.collection import CollectionInfo, Role
from marketplace_plugin.model.form.canonical import decode, encode
from marketplace_plugin.model.item import Kind
from marketplace_plugin.providers.memory.faults import Request
from marketplace_plugin.providers.memory.record import Record

if TYPE_CHECKING:
    from marketplace_plugin.providers.memory.account import MemoryAccount


def save(account: MemoryAccount, path: Path) -> None:
    data = {
        "personality": account.personality.name,
        "seq": account.seq,
        "made": account.made,
        "expired": account.expired,
        "outbox": account.outbox,
        "requests": {kind.value: number for kind, number in account.requests.items()},
        "writes": [[kind.value, collection, record_id] for kind, collection, record_id in account.writes],
        "calendars": [_calendar(info) for info in account.calendars.values()],
        "records": [_record(record) for record in account.records.values()],
    }
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(data), encoding="ascii")
    part.replace(path)


def load(account: MemoryAccount, path: Path) -> None:
    """Raises ValueError for the file of another personality."""
    data = json.loads(path.read_text(encoding="ascii"))
    if data["personality"] != account.personality.name:
        raise ValueError(f"{path.name} is of a {data['personality']} account")
    account.seq, account.made = data["seq"], data["made"]
    account.expired, account.outbox = data["expired"], data["outbox"]
    account.requests = Counter({Request(kind): number for kind, number in data["requests"].items()})
    account.writes = [(Request(kind), collection, record_id) for kind, collection, record_id in data["writes"]]
    account.calendars = {
        info["id"]: CollectionInfo(
            **info | {"kind": Kind(info["kind"]), "role": Role(info["role"])},
            capabilities=account.personality.holds(Kind(info["kind"])),
        )
        for info in data["calendars"]
    }
    records = [_read_record(record) for record in data["records"]]
    account.records = {(record.collection, record.id): record for record in records}


_CALENDAR = ("id", "kind", "title", "role", "primary", "color", "shared_by", "zone")
_AS_IT_IS = ("id", "collection", "uid", "op", "etag", "override_etags", "seq", "deleted", "edited", "bumps")


def _calendar(info: CollectionInfo) -> dict[str, Any]:
    return {name: getattr(info, name) for name in _CALENDAR}


def _record(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in _AS_IT_IS} | {
        "item": encode(record.item),
        "changed": record.changed.isoformat(),
        "access": record.access.value,
        "stamp": None if record.stamp is None else str(record.stamp),
        "unreadable": None if record.unreadable is None else record.unreadable.value,
        "history": [[seq, None if item is None else encode(item)] for seq, item in record.history],
    }


def _read_record(data: dict[str, Any]) -> Record:
    return Record(
        **{name: data[name] for name in _AS_IT_IS},
        item=decode(data["item"]),
        changed=datetime.fromisoformat(data["changed"]),
        access=Access(data["access"]),
        stamp=None if data["stamp"] is None else Stamp.parse(data["stamp"]),
        unreadable=None if data["unreadable"] is None else UnreadableReason(data["unreadable"]),
        history=[(seq, None if item is None else decode(item)) for seq, item in data["history"]],
    )
