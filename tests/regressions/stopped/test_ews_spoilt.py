"""Exchange: one item, one byte or one colleague's mailbox that cannot be had stops nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from marketplace_plugin.contract.provider import Provider
from marketplace_plugin.engine.acts.waiting.held import parked
from marketplace_plugin.errors import AnswerLost, PermissionDenied, ProviderError, Throttled, Unavailable
from marketplace_plugin.model.change import Gone, Stamp, Tombstone, Unreadable, UnreadableReason
from marketplace_plugin.model.collection import CollectionInfo
from marketplace_plugin.model.event import Event, Override
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.write import Create, Delete, Stale, Unanswered
from marketplace_plugin.providers.ews import SignedIn
from marketplace_plugin.providers.ews.read import BATCH
from marketplace_plugin.providers.ews.soap import wire, xml
from tests.laws.world import event
from tests.providers.contract_contacts import ADA
from tests.providers.contract_tasks import OFFER
from tests.providers.ews.items import ExchangeContacts, ExchangeTasks
from tests.providers.ews.world import BOSS, JONAS, EwsServing, World, day_of
from tests.providers.item_serving import ItemServing, changing, read, send
from tests.providers.passes.world import EwsPasses, passes_over
from tests.providers.serving import WINDOW, at, daily, made, meeting, pull, push
from tests.regressions.seeing import person

BROKEN = "ErrorInternalServerError"
ALIAS = "j.weber@nordwerk.example"
Rewrite = Callable[[bytes], bytes]


@pytest.fixture
def exchange() -> Iterator[World]:
    with World() as running:
        yield running


@pytest.fixture
def serving(exchange: World) -> EwsServing:
    return EwsServing(exchange)


@pytest.fixture(params=[ExchangeContacts, ExchangeTasks])
def items(request: pytest.FixtureRequest, exchange: World) -> ExchangeContacts | ExchangeTasks:
    opened: ExchangeContacts | ExchangeTasks = request.param(exchange)
    return opened


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[Rewrite], None]:
    """From now on all answers come as a function leaves their bytes."""
    real = wire.Line.post

    def become(rewrite: Rewrite) -> None:
        def post(line: wire.Line, content: bytes, headers: Any) -> wire.Answer:
            answer = real(line, content, headers)
            return replace(answer, content=rewrite(answer.content))

        monkeypatch.setattr(wire.Line, "post", post)

    return become


def spoil(world: World, *ids: str, code: str = BROKEN) -> None:
    world.sandbox.state.knobs.refused.update(dict.fromkeys(ids, code))


def step(passes: EwsPasses, times: int = 3) -> None:
    for _ in range(times):
        passes.shell.clock.forward(minutes=31)
        passes.world.now = passes.shell.clock()
        passes.shell.sync("ada")


def blocks(passes: EwsPasses) -> list[str]:
    return sorted(str(b.item.title) for b in passes.shell.blocks("ada") if isinstance(b.item, Event))


@pytest.fixture
def passes() -> Iterator[EwsPasses]:
    with passes_over("ews") as opened:
        assert isinstance(opened, EwsPasses)
        yield opened


# ---- one item -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spoilt", [1, 2, 5])
def test_items_that_the_server_cannot_tell_of_stop_no_other(exchange: World, serving: EwsServing, spoilt: int) -> None:
    ids = [serving.create(serving.calendar, meeting(f"Termin {n}", 1 + n % 28)) for n in range(BATCH + 5)]
    spoil(exchange, *ids[:spoilt])
    told = pull(serving)
    assert told.unreadable() == set(ids[:spoilt])
    assert told.found().keys() == set(ids[spoilt:])
    exchange.forget()
    answered = serving.open().fetch(serving.calendar, ids)
    assert {one.id for one in answered if isinstance(one, Unreadable)} == set(ids[:spoilt])
    assert exchange.counts()["GetItem"] <= 2 + 2 * spoilt


def test_one_such_item_is_read_again_when_it_changes(exchange: World, serving: EwsServing) -> None:
    created = serving.create(serving.calendar, meeting("Termin"))
    spoil(exchange, created)
    first = pull(serving)
    exchange.sandbox.state.knobs.refused.clear()
    serving.edit(serving.calendar, created, title="wieder da")
    assert pull(serving, first.cursor).found().keys() == {created}


def test_a_server_that_is_out_of_order_is_asked_later(exchange: World, serving: EwsServing) -> None:
    """Nothing is said of any item while its calendar does not answer either."""
    ids = [serving.create(serving.calendar, meeting(f"Termin {n}", 1 + n)) for n in range(20)]
    provider = serving.open()
    spoil(exchange, *ids)
    exchange.sandbox.faults.add("error", operation="GetFolder", code=BROKEN, times=1000)
    exchange.forget()
    with pytest.raises(Unavailable):
        list(provider.pull(serving.calendar, None, WINDOW))
    assert exchange.counts()["GetItem"] == 1


@pytest.mark.parametrize("number", [2, 20])
def test_a_server_that_tells_of_no_item_is_asked_later(exchange: World, serving: EwsServing, number: int) -> None:
    """Its calendar answered all the while, and what was in it was listed as unreadable."""
    ids = [serving.create(serving.calendar, meeting(f"Termin {n}", 1 + n)) for n in range(number)]
    spoil(exchange, *ids)
    with pytest.raises(Unavailable):
        pull(serving)
    with pytest.raises(Unavailable):
        serving.open().fetch(serving.calendar, ids)
    exchange.sandbox.state.knobs.refused.clear()
    assert pull(serving).found().keys() == set(ids)


def test_an_item_that_is_gone_tells_that_the_server_answers(exchange: World, serving: EwsServing) -> None:
    ids = [serving.create(serving.calendar, meeting(f"Termin {n}", 1 + n)) for n in range(3)]
    spoil(exchange, *ids)
    spoil(exchange, ids[0], code="ErrorItemNotFound")
    told = {one.id: type(one) for one in serving.open().fetch(serving.calendar, ids)}
    assert told == dict(zip(ids, (Gone, Unreadable, Unreadable), strict=True))


def test_exceptions_of_a_series_that_is_told_are_refused_by_themselves(exchange: World, serving: EwsServing) -> None:
    """Two were a calendar that stood still, since nothing else was asked for with them."""
    moved = (Override(at(24, 9), meeting("a", 24, 15)), Override(at(25, 9), meeting("b", 25, 15)))
    found = made(serving, daily("Stand-up", *moved))
    spoil(exchange, *(exchange.user().occurrence(found.id, day_of(at(day, 9))) for day in (24, 25)))
    assert pull(serving).last == {found.id: Unreadable(found.id, UnreadableReason.REFUSED)}


@pytest.mark.parametrize("code", [BROKEN, "ErrorItemCorrupt"])
def test_what_the_server_refuses_is_told_apart_from_what_is_not_understood(
    exchange: World, serving: EwsServing, code: str
) -> None:
    created = serving.create(serving.calendar, meeting("Termin"))
    spoil(exchange, created, code=code)
    assert pull(serving).last == {created: Unreadable(created, UnreadableReason.REFUSED)}


def test_another_transient_answer_for_one_item_is_still_for_later(exchange: World, serving: EwsServing) -> None:
    created = serving.create(serving.calendar, meeting())
    spoil(exchange, created, code="ErrorMailboxStoreUnavailable")
    with pytest.raises(Unavailable):
        pull(serving)


def test_contacts_and_tasks_beside_such_an_item_are_read(
    exchange: World, items: ExchangeContacts | ExchangeTasks
) -> None:
    item = ADA if isinstance(items, ExchangeContacts) else OFFER
    good, bad = items.create(item), items.create(item)
    found = read(items).found()[bad]
    spoil(exchange, bad)
    told = read(items)
    assert told.found().keys() == {good}
    assert told.last[bad] == Unreadable(bad, UnreadableReason.REFUSED)
    changed = replace(item, notes="neu")
    writes = changing(found, changed, "op-u"), Delete("op-d", bad, found.revision)
    assert send(items, *writes) == [Stale("op-u", None), Stale("op-d", None)]


def test_a_pass_lists_it_and_goes_on(passes: EwsPasses) -> None:
    passes.insert("bad", 10)
    bad = passes.person.named("bad")
    spoil(passes.world, bad)
    passes.insert("good", 11)
    step(passes)
    passes.insert("later", 12)
    passes.shell.host.create("ada", event("public"))
    step(passes)
    assert blocks(passes) == ["good", "later"]
    assert set(passes.copies) == {"public"}
    assert len(parked(passes.shell.engine, person(passes.shell))) == 1
    passes.sandbox.state.knobs.refused.clear()
    passes.person.update(bad, Location="somewhere")
    step(passes)
    assert blocks(passes) == ["bad", "good", "later"]
    assert len(parked(passes.shell.engine, person(passes.shell))) == 0


def test_one_that_failed_for_a_moment_is_read_though_nothing_changes_it(passes: EwsPasses) -> None:
    """No round told of it again."""
    passes.insert("first", 10)
    event_id = passes.person.named("first")
    step(passes)
    passes.person.update(event_id, Subject="second")
    passes.sandbox.faults.add("error", operation="GetItem", code=BROKEN, times=1)
    step(passes)
    assert blocks(passes) == ["second"]


# ---- one byte -----------------------------------------------------------------------------------------------------

BYTES = {
    "control": b"a\x0bb",
    "zero": b"a\x00b",
    "no character": b"a\xef\xbf\xbfb",
    "Latin-1": b"M\xfcller",
    "half of a pair": b"a\xed\xa0\xbdb",
}


@pytest.mark.parametrize("raw", BYTES.values(), ids=BYTES.keys())
def test_a_byte_that_xml_forbids_stops_no_calendar(
    serving: EwsServing, answers: Callable[[Rewrite], None], raw: bytes
) -> None:
    marked = serving.create(serving.calendar, meeting("@@@"))
    other = serving.create(serving.calendar, meeting("Größe", 24))
    answers(lambda content: content.replace(b"@@@", raw))
    found = pull(serving).found()
    assert found.keys() == {marked, other}
    title = found[other].item
    assert isinstance(title, Event)
    assert title.title == "Größe"


@pytest.mark.parametrize("raw", BYTES.values(), ids=BYTES.keys())
def test_a_document_with_such_a_byte_that_is_cut_off_is_none(
    serving: EwsServing, answers: Callable[[Rewrite], None], raw: bytes
) -> None:
    for number in range(3):
        serving.create(serving.calendar, meeting("@@@", 23 + number))
    provider = serving.open()
    answers(lambda content: content.replace(b"@@@", raw).partition(b"</m:GetItemResponse>")[0])
    with pytest.raises(AnswerLost):
        list(provider.pull(serving.calendar, None, WINDOW))


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1"])
def test_other_encodings_are_not_mended(encoding: str) -> None:
    document = f'<?xml version="1.0" encoding="{encoding}"?><a>\x0b</a>'
    with pytest.raises(xml.Unparsable):
        xml.parse(document.encode(encoding))
    assert xml.parse(document.replace("\x0b", "ü").encode(encoding)).text == "ü"


# ---- somebody else's mailbox --------------------------------------------------------------------------------------

REFUSALS = ("ErrorMailboxStoreUnavailable", "ErrorMailboxMoveInProgress", "ErrorAccessDenied", "ErrorAccountDisabled")


def events(provider: Provider) -> list[CollectionInfo]:
    return [one for one in provider.collections() if one.kind is Kind.EVENT]


@pytest.mark.parametrize("whole", [False, True], ids=["message", "fault"])
@pytest.mark.parametrize("code", REFUSALS)
def test_a_mailbox_that_is_not_to_be_had_hides_no_other(
    exchange: World, serving: EwsServing, code: str, whole: bool
) -> None:
    before = {one.id for one in events(serving.open())}
    exchange.sandbox.state.knobs.refused_whole = whole
    spoil(exchange, JONAS, code=code)
    assert {one.id for one in events(serving.open())} == before - {serving.read_only}


@pytest.mark.parametrize("whole", [False, True], ids=["message", "fault"])
def test_a_further_address_of_a_mailbox_leads_to_it(exchange: World, serving: EwsServing, whole: bool) -> None:
    exchange.sandbox.state.accounts[JONAS].aliases = (ALIAS,)
    exchange.sandbox.state.knobs.refused_whole = whole
    infos = {one.shared_by: one for one in events(exchange.open(shared=f"{ALIAS} {BOSS}"))}
    assert infos.keys() == {"", ALIAS, BOSS}
    created = serving.create(serving.read_only, meeting("von Jonas"))
    assert pull(serving, calendar=infos[ALIAS].id).found().keys() == {created}


def test_a_wish_for_a_pause_is_still_told(exchange: World, serving: EwsServing) -> None:
    spoil(exchange, JONAS, code="ErrorServerBusy")
    with pytest.raises(Throttled):
        serving.open().collections()


def test_folders_of_somebody_else_that_may_not_be_searched_hide_nothing(exchange: World, serving: EwsServing) -> None:
    before = {one.id for one in events(serving.open())}
    exchange.sandbox.faults.add("error", operation="FindFolder", code="ErrorMailboxStoreUnavailable", skip=1)
    assert {one.id for one in events(serving.open())} == before


@pytest.mark.parametrize("action", ["error", "fault"])
@pytest.mark.parametrize(
    "code, told",
    [("ErrorAccessDenied", PermissionDenied), ("ErrorItemNotFound", ProviderError), (BROKEN, Unavailable)],
)
def test_own_folders_that_may_not_be_searched_are_no_short_list(
    exchange: World, serving: EwsServing, action: Any, code: str, told: type[ProviderError]
) -> None:
    exchange.sandbox.faults.add(action, operation="FindFolder", code=code)
    with pytest.raises(told):
        serving.open().collections()


@pytest.mark.parametrize("known", [False, True], ids=["first", "expired"])
@pytest.mark.parametrize("whole", [False, True], ids=["message", "fault"])
@pytest.mark.parametrize("code", ["ErrorNonPrimarySmtpAddress", "ErrorMailboxStoreUnavailable"])
def test_the_own_calendar_goes_on(passes: EwsPasses, code: str, whole: bool, known: bool) -> None:
    if known:
        step(passes)
    passes.sandbox.state.knobs.refused_whole = whole
    spoil(passes.world, JONAS, code=code)
    if known:
        passes.expire()
    passes.insert("mine", 10)
    passes.shell.host.create("ada", event("public"))
    step(passes, 4)
    assert blocks(passes) == ["mine"]
    assert set(passes.copies) == {"public"}


# ---- what answers leave out ---------------------------------------------------------------------------------------


def test_pages_of_contacts_and_tasks_need_not_say_that_they_are_the_last(
    exchange: World, items: ItemServing, answers: Callable[[Rewrite], None]
) -> None:
    item = ADA if isinstance(items, ExchangeContacts) else OFFER
    own = {items.create(item) for _ in range(3)}
    items.small_pages()
    answers(lambda content: _without(content, "m:IncludesLastItemInRange"))
    assert read(items).found().keys() == own


def _without(content: bytes, name: str) -> bytes:
    for value in (b"true", b"false"):
        content = content.replace(b"<%s>%s</%s>" % (name.encode(), value, name.encode()), b"")
    return content


def test_a_contact_or_task_that_goes_while_it_is_read_is_asked_for_again(
    exchange: World, items: ExchangeContacts | ExchangeTasks
) -> None:
    own = items.create(ADA if isinstance(items, ExchangeContacts) else OFFER)
    spoil(exchange, own, code="ErrorItemNotFound")
    assert read(items).last == {own: Tombstone(own, confirmed=False)}
    assert list(items.open().fetch(items.collection, [own])) == [Gone(own)]


def test_a_creation_whose_answer_names_nothing_is_unanswered(
    exchange: World, serving: EwsServing, answers: Callable[[Rewrite], None]
) -> None:
    answers(_nameless)
    outcomes = push(serving, Create("op-1", Stamp("instance-1", "a"), meeting()))
    assert outcomes == [Unanswered("op-1")]
    with pytest.raises(ProviderError):
        serving.open().find(serving.calendar, [Stamp("instance-1", "a")])


def _nameless(content: bytes) -> bytes:
    root = xml.parse(content)
    if root.find(".//{*}CreateItemResponse") is not None or root.find(".//{*}FindItemResponse") is not None:
        for one in root.findall(".//{*}ItemId"):
            one.getparent().remove(one)
    return xml.written(root)


def test_a_server_that_does_not_tell_its_version_is_signed_in_to(
    exchange: World, serving: EwsServing, answers: Callable[[Rewrite], None]
) -> None:
    def unversioned(content: bytes) -> bytes:
        root = xml.parse(content)
        for header in root.findall("{*}Header"):
            root.remove(header)
        return xml.written(root)

    answers(unversioned)
    assert exchange.open(version="").sign_in() == SignedIn("", "Exchange Server")
    found = made(serving, meeting("mit", 23))
    assert pull(serving, provider=exchange.open(version="")).found().keys() == {found.id}
