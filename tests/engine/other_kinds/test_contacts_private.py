"""What is in an address book is in clear in no byte of our database, in no line of the log, and for no colleague."""

from __future__ import annotations

import pytest

from marketplace_plugin.engine import ties
from marketplace_plugin.engine.acts import why
from marketplace_plugin.engine.acts.waiting import conflicts, held, matches
from marketplace_plugin.errors import NotFound
from marketplace_plugin.model.contact import Contact, Labelled, PostalAddress
from marketplace_plugin.model.item import Kind
from marketplace_plugin.providers.memory import GOOGLE
from tests.engine.kinds import ADA, BOOK, LIST, KindsWorld, call, task

PLANTED = "quittenbaum"


def planted(name: str, mail: str = "") -> Contact:
    return Contact(
        given_name=f"{PLANTED}-{name}",
        family_name=PLANTED,
        company=PLANTED,
        emails=(Labelled("work", mail or f"{name}@{PLANTED}.example"),),
        phones=(Labelled("work", "+49 911 77334455"),),
        addresses=(PostalAddress(label=f"bei {PLANTED}", city=PLANTED),),
        notes=PLANTED,
    )


def test_nothing_of_an_address_book_is_in_clear(capsys: pytest.CaptureFixture[str]) -> None:
    world = KindsWorld(GOOGLE, shared=False)
    account = world.account()
    for name in ("one", "two"):
        account.user.create(BOOK, planted(name))
    ref = world.host.create(ADA, planted("here"), kind=Kind.CONTACT)
    world.host.create(ADA, planted("in-doubt", f"one@{PLANTED}.example"), kind=Kind.CONTACT)
    world.host.create(ADA, call(PLANTED), kind=Kind.CALL)
    world.host.create(ADA, task(PLANTED), kind=Kind.TASK)
    name = world.join(account, Kind.CONTACT, Kind.CALL, Kind.TASK, targets=(BOOK, LIST), sources=(BOOK, LIST))
    world.settle(name)
    (there,) = (k for k, c in world.there(account, BOOK).items() if isinstance(c, Contact) and "here" in c.given_name)
    moved = (PostalAddress(label=f"bei {PLANTED}", city="dort"),)
    account.user.edit(BOOK, there, notes=f"{PLANTED} dort", addresses=moved)
    world.host.edit(ADA, ref, notes=f"{PLANTED} hier", addresses=(PostalAddress(label=f"bei {PLANTED}", city="hier"),))
    world.settle(name)
    me, bob = world.person(), world.person("bob")
    assert matches.doubtful(world.engine, me)
    assert {one.cell for one in conflicts.listed(world.engine, me)} == {"notes", "addresses/-"}
    assert (matches.doubtful(world.engine, bob), conflicts.listed(world.engine, bob)) == ([], [])
    assert held.parked(world.engine, bob) == []
    assert ties.tie(world.engine, "bob", ref, Kind.CONTACT) is None
    with pytest.raises(NotFound):
        why.of_event(world.engine, bob, ref, Kind.CONTACT)
    world.store.scrub()
    files = b"".join(path.read_bytes() for path in world.folder.glob("store.db*"))
    said = capsys.readouterr()
    for word in (PLANTED, PLANTED.encode("utf-16-le").decode("latin-1"), "77334455"):
        assert word.encode() not in files
        assert word not in said.out + said.err
    world.close()
