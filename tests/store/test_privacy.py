"""Nothing personal lies in clear in a database file; after a purge not even its ciphertext does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from marketplace_plugin.model.change import Checkpoint, Cursor, Found, Revision, Upsert
from marketplace_plugin.model.collection import Capabilities, CollectionInfo, Role
from marketplace_plugin.model.event import Attendee, Event
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import AllDay
from marketplace_plugin.model.write import Delete
from marketplace_plugin.store import (
    Store,
    authorizations,
    blocks,
    collections,
    conflicts,
    connections,
    grants,
    held,
    intents,
    journal,
    links,
    plans,
    rounds,
)
from marketplace_plugin.store.accounts.authorizations import Authorization
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from marketplace_plugin.store.log.journal import Action, Entry, Side
from marketplace_plugin.store.log.plans import Plan
from marketplace_plugin.store.tables import block
from marketplace_plugin.store.work.blocks import Block
from marketplace_plugin.store.work.conflicts import Conflict
from marketplace_plugin.store.work.held import Held, What
from marketplace_plugin.store.work.intents import Intent
from marketplace_plugin.sync.link import Link, LinkKind, RemoteShowing
from marketplace_plugin.sync.reason import Reason
from tests.store.conftest import NOW

PLANTED = "Planted-7f3c9"
EVENT = Event(
    when=AllDay(date(2026, 11, 21), date(2026, 11, 22)),
    title=f"{PLANTED} title",
    description=f"{PLANTED} text",
    location=f"{PLANTED} place",
    attendees=(Attendee(f"{PLANTED}@example.org".lower(), f"{PLANTED} guest"),),
)
INFO = CollectionInfo(
    "cal", Kind.EVENT, f"{PLANTED} calendar", Role.OWNER, Capabilities(frozenset()), shared_by=f"{PLANTED}@x"
)


def plant(store: Store) -> None:
    """Content in every family that can hold some."""
    found = Found("r1", Revision("1"), EVENT, uid=f"{PLANTED}@uid")
    with store.begin() as unit:
        c = unit.connection
        connections.add(
            c, Connection("c1", "t1", "u1", "google", ConnectionState.CONNECTED, NOW, account=f"{PLANTED}@account")
        )
        grants.put(
            c,
            "c1",
            "google",
            "key",
            access=f"{PLANTED}-access",
            refresh=f"{PLANTED}-refresh",
            expires_at=NOW,
            scopes=["s"],
            now=NOW,
        )
        authorizations.add(
            c,
            Authorization("a1", "c1", "u1", f"{PLANTED}-verifier", frozenset()),
            state=f"{PLANTED}-state",
            session=f"{PLANTED}-session",
            created_at=NOW,
            expires_at=NOW,
        )
        [row] = collections.refresh(c, "c1", "u1", [INFO])
        checkpoint, cursor = Checkpoint(PLANTED, "f", True, None), Cursor(PLANTED, "f", None)
        collections.set_progress(c, [replace(row, round="r", checkpoint=checkpoint, cursor=cursor, read_at=NOW)])
        link = Link("l1", LinkKind.BLOCK, "u1", "c1", "cal", "r1", Kind.EVENT, None, uid=f"{PLANTED}@uid")
        export = replace(
            link, id="l2", kind=LinkKind.EXPORT, remote_id="r2", host_ref="7", base=EVENT, remote_base=EVENT
        )
        links.put(c, [replace(link, remote=RemoteShowing(Revision("1"), f"{PLANTED}-digest")), export], NOW)
        blocks.put(c, [Block("l1", "u1", "c1", "cal", (NOW, None), EVENT, link.uid, f"https://{PLANTED}", "z", NOW)])
        rounds.put(c, "c1", "cal", "r", [Upsert(found)])
        held.put(c, [Held("h1", "c1", "cal", What.UNREADABLE, Reason.UNREADABLE, NOW, link="l1", body=Upsert(found))])
        intents.put(
            c, [Intent("o1", "c1", "cal", "l2", "run", Reason.MERGED, Delete("o1", PLANTED, Revision("1")), NOW)]
        )
        conflicts.put(c, [Conflict("k1", "c1", "u1", "l2", "run", "title", "host", Reason.MERGED, NOW, host=PLANTED)])
        journal.add(
            c,
            [
                Entry(
                    "j1",
                    "run",
                    "c1",
                    "u1",
                    "l1",
                    LinkKind.BLOCK,
                    Side.BLOCK,
                    Action.UPDATE,
                    Reason.CHANGED_REMOTE,
                    NOW,
                    pre_image=EVENT,
                )
            ],
        )
        plans.add(c, Plan("p1", "c1", 0, "f", {"block.create": 1}, NOW, steps=(EVENT,)))


def files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def test_no_planted_word_is_in_a_database_file(store: Store, tmp_path: Path) -> None:
    plant(store)
    raw = files(tmp_path).lower()
    assert b"marketplace_block" in raw
    assert PLANTED.lower().encode() not in raw


def test_no_planted_word_is_in_an_error_of_the_database(store: Store) -> None:
    plant(store)
    with pytest.raises(IntegrityError) as caught, store.begin() as unit:
        links.put(
            unit.connection,
            [Link("l9", LinkKind.BLOCK, "u1", "c1", "cal", "r1", Kind.EVENT, None, uid=PLANTED)],
            NOW,
        )
    assert PLANTED not in str(caught.value)
    assert "remote_id" in str(caught.value)


def test_after_a_purge_the_ciphertext_is_gone_too(store: Store, tmp_path: Path) -> None:
    plant(store)
    with store.read() as c:
        (sealed,) = c.execute(select(block.c.content)).scalars()
    assert sealed in files(tmp_path)
    with store.begin() as unit:
        links.remove(unit.connection, ["l1"], NOW)
    store.scrub()
    assert sealed not in files(tmp_path)


def test_no_secret_shows_in_a_repr(store: Store) -> None:
    plant(store)
    with store.read() as c:
        grant = grants.get(c, "c1")
    assert PLANTED not in repr(grant)
    assert PLANTED not in repr(Authorization("a", "c", "u", PLANTED, frozenset()))
