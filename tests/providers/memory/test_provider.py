"""The reference provider keeps the contract, in each of its personalities and with a server that rewrites."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_plugin.errors import Unavailable
from marketplace_plugin.model.change import Access, Stamp, Unreadable, Upsert
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import Event, Override, Sensitivity, Series
from marketplace_plugin.model.form.canonical import same
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Delete,
    Missing,
    Outcome,
    Partial,
    Refused,
    RefusedCode,
    Stale,
    Update,
)
from marketplace_plugin.providers.memory import (
    EWS,
    GOOGLE,
    GRAPH,
    PERSONALITIES,
    Crash,
    Delivery,
    Faults,
    MemoryAccount,
    MemoryProvider,
    Moment,
    Personality,
    Request,
    Rewrite,
)
from marketplace_plugin.providers.memory.faults import WRITES
from marketplace_plugin.providers.memory.personality import rewritten
from tests.model import strategies
from tests.providers.contract import ProviderContract
from tests.providers.memory.serving import NOW, MemoryServing
from tests.providers.serving import WINDOW, Serving, at, daily, made, meeting, pull, push


class TestGoogleLike(ProviderContract):
    @pytest.fixture
    def serving(self) -> Serving:
        return MemoryServing(GOOGLE)


class TestGraphLike(ProviderContract):
    @pytest.fixture
    def serving(self) -> Serving:
        return MemoryServing(GRAPH)


class TestEwsLike(ProviderContract):
    @pytest.fixture
    def serving(self) -> Serving:
        return MemoryServing(EWS)


class TestHostileGoogleLike(ProviderContract):
    """Everything at once: rewriting, late tags, pages with repetitions."""

    @pytest.fixture
    def serving(self) -> Serving:
        return MemoryServing(GOOGLE, rewrites=frozenset({Rewrite.WHITE_SPACE, Rewrite.ATTENDEE_ORDER}))


def write_one(account: MemoryAccount, item: Item, op: str = "op-1") -> Outcome:
    (outcome,) = MemoryProvider(account).push("main", [Create(op, Stamp("instance-1", op), item)])
    return outcome


@pytest.fixture(params=PERSONALITIES, ids=lambda p: p.name)
def personality(request: pytest.FixtureRequest) -> Personality:
    chosen: Personality = request.param
    return chosen


# ---- what a service does to items ---------------------------------------------------------------------------------


@given(item=strategies.plain_events | strategies.series())
def test_a_rewriting_server_says_the_same(item: Event | Series) -> None:
    """What comes back differs in the letter, never in the normal form; and rewriting twice changes nothing more."""
    harmless = frozenset(Rewrite) - {Rewrite.INNER_SPACE}
    once = rewritten(item, harmless)
    assert same(item, once)
    assert rewritten(once, harmless) == once


def test_a_late_tag_is_told_once_and_makes_the_old_one_stale(personality: Personality) -> None:
    serving = MemoryServing(personality, late_bumps=True)
    first = made(serving, meeting())
    told = pull(serving)
    assert told.found()[first.id].revision != first.revision
    assert same(told.found()[first.id].item, first.item)
    again = pull(serving, told.cursor)
    assert again.last == {}
    (outcome,) = push(serving, Delete("op-d", first.id, first.revision))
    assert isinstance(outcome, Stale)


def test_exceptions_may_come_before_their_series(personality: Personality) -> None:
    serving = MemoryServing(personality, delivery=Delivery(page_size=1, exceptions_first=True))
    created = serving.create("main", daily("Stand-up", Override(at(24, 9), meeting("verlegt", 24, 15))))
    told = pull(serving)
    assert [type(change) for page in told.pages for change in page.changes] == [Unreadable, Upsert]
    assert told.found().keys() == {created}


def test_changes_may_be_told_again(personality: Personality) -> None:
    serving = MemoryServing(personality, delivery=Delivery(replays=True))
    created = serving.create("main", meeting())
    cursor = pull(serving).cursor
    assert pull(serving, cursor).found().keys() == {created}


def test_masked_writers_see_private_items_masked(personality: Personality) -> None:
    serving = MemoryServing(personality)
    serving.account.user.set_role("second", Role.MASKED_WRITER)
    open_, private = meeting("offen"), meeting("GEHEIM", sensitivity=Sensitivity.PRIVATE)
    ids = [serving.create("second", item) for item in (open_, private)]
    found = pull(serving, calendar="second").found()
    assert found[ids[0]].access is Access.FULL
    assert found[ids[1]].access is Access.NONE
    assert "GEHEIM" not in repr(found)
    (outcome,) = push(serving, Delete("op-d", ids[1], found[ids[1]].revision), calendar="second")
    assert outcome == Refused("op-d", RefusedCode.FORBIDDEN, permanent=False)


def test_another_role_ends_the_cursor(personality: Personality) -> None:
    serving = MemoryServing(personality)
    cursor = pull(serving).cursor
    serving.account.user.set_role("main", Role.FREE_BUSY)
    assert pull(serving, cursor).snapshot


# ---- habits -------------------------------------------------------------------------------------------------------


def test_ids_differ_in_the_case_of_one_letter() -> None:
    for personality in (GRAPH, EWS):
        serving = MemoryServing(personality)
        ids = [serving.create("main", meeting(str(n))) for n in range(4)]
        assert len({i.lower() for i in ids}) < len(set(ids)) == 4


def test_an_exception_has_its_own_tag_with_one_service_only(personality: Personality) -> None:
    serving = MemoryServing(personality)
    created = serving.create("main", daily())
    before = serving.account.items("main")[created].revision
    serving.change_occurrence("main", created, at(24, 9), meeting("verlegt", 24, 15))
    after = serving.account.items("main")[created].revision
    assert (after.master == before.master) is personality.override_etags
    assert bool(after.overrides) is personality.override_etags


def test_reshaping_drops_the_exceptions_where_exchange_does() -> None:
    for personality, left in ((GOOGLE, 1), (GRAPH, 0), (EWS, 0)):
        serving = MemoryServing(personality)
        found = made(serving, daily("x", Override(at(24, 9), meeting("verlegt", 24, 15))))
        account = serving.account
        account.faults.add(Moment.BEFORE, Request.OVERRIDE, Unavailable("lost"))
        item = daily("x", Override(at(24, 9), meeting("verlegt", 24, 15)), rule="FREQ=DAILY;COUNT=8")
        (outcome,) = push(serving, Update("op-u", found.id, found.revision, found.item, item, frozenset({"rule"})))
        series = account.items("main")[found.id].item
        assert isinstance(series, Series)
        assert len(series.overrides) == left
        if left == 0:
            assert isinstance(outcome, Partial)
            assert outcome.left == ("2026-11-24T09:00:00",)


def test_a_repeated_create_doubles_where_nothing_recognises_it() -> None:
    account = MemoryServing(EWS).account
    assert write_one(account, meeting()) != write_one(account, meeting())
    assert len(account.items("main")) == 2


def test_a_create_of_what_was_deleted_since() -> None:
    for personality, kind in ((GOOGLE, Missing), (GRAPH, Applied)):
        serving = MemoryServing(personality)
        first = write_one(serving.account, meeting())
        assert isinstance(first, Applied)
        serving.delete("main", first.id)
        assert isinstance(write_one(serving.account, meeting()), kind)


def test_an_exception_cannot_pass_its_neighbours_in_exchange(personality: Personality) -> None:
    outcome = write_one(MemoryServing(personality).account, daily("x", Override(at(24, 9), meeting("x", 25, 15))))
    if personality.capabilities.override_crossing:
        assert isinstance(outcome, Applied)
    else:
        assert outcome == Refused("op-1", RefusedCode.UNSUPPORTED)


# ---- faults -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("skip", range(3))
def test_a_crash_in_a_series_leaves_what_was_acknowledged(personality: Personality, moment: Moment, skip: int) -> None:
    serving = MemoryServing(personality)
    serving.account.faults.add(moment, WRITES, Crash(), skip=skip)
    item = daily("x", Override(at(24, 9), meeting("eins", 24, 15)), Override(at(25, 9), meeting("zwei", 25, 15)))
    with pytest.raises(Crash):
        write_one(serving.account, item)
    done = skip + (moment is Moment.AFTER)
    found = [f.item for f in serving.account.items("main").values()]
    assert len(found) == min(done, 1)
    assert all(isinstance(series, Series) and len(series.overrides) == done - 1 for series in found)
    if personality.capabilities.idempotent_create:
        again = write_one(serving.account, item)
        assert isinstance(again, Applied)
        assert again.stored is not None
        assert same(again.stored.item, item)


def test_a_crash_in_a_batch_tells_none_of_its_outcomes() -> None:
    serving = MemoryServing(GOOGLE)
    serving.account.faults.add(Moment.AFTER, WRITES, Crash(), skip=1)
    writes = [Create(f"op-{n}", Stamp("instance-1", f"link-{n}"), meeting(str(n))) for n in range(3)]
    told: list[Outcome] = []
    with pytest.raises(Crash):
        told.extend(MemoryProvider(serving.account).push("main", writes))
    assert told == []
    assert len(serving.account.items("main")) == 2


def test_a_racing_edit_stops_a_series_half_way(personality: Personality) -> None:
    serving = MemoryServing(personality)
    found = made(serving, daily())

    def edit() -> None:
        serving.change_occurrence("main", found.id, at(26, 9), meeting("von Hand", 26, 16))

    serving.account.faults.add(Moment.AFTER, Request.PATCH, edit)
    item = daily("neu", Override(at(24, 9), meeting("eins", 24, 15)))
    (outcome,) = push(
        serving, Update("op-u", found.id, found.revision, found.item, item, frozenset({"title", "overrides"}))
    )
    assert isinstance(outcome, Partial)
    assert outcome.left == ("2026-11-24T09:00:00",)
    assert outcome.current is not None
    series = outcome.current.item
    assert isinstance(series, Series)
    assert series.override(at(26, 9)) is not None


def test_a_fault_happens_when_and_as_often_as_it_was_asked() -> None:
    faults = Faults()
    calls: list[str] = []
    faults.add(Moment.BEFORE, Request.PAGE, lambda: calls.append("page"), skip=1, times=2)
    for _ in range(5):
        faults.meet(Moment.BEFORE, Request.PAGE)
        faults.meet(Moment.AFTER, Request.PAGE)
        faults.meet(Moment.BEFORE, Request.FIND)
    assert calls == ["page", "page"]


# ---- the file -----------------------------------------------------------------------------------------------------


@given(items=st.lists(strategies.plain_events | strategies.series(), max_size=4))
def test_a_saved_account_is_the_same_account(items: list[Event | Series]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "account.json"
        for personality in PERSONALITIES:
            path.unlink(missing_ok=True)
            serving = MemoryServing(personality, path=path)
            for number, item in enumerate(items):
                write_one(serving.account, item, f"op-{number}")
                serving.create("second", item)
            cursor = pull(serving).cursor
            for item_id in list(serving.account.items("second"))[:1]:
                serving.move("second", item_id, "main")
            loaded = MemoryAccount(personality, lambda: NOW, path=path)
            for calendar in ("main", "second"):
                assert loaded.items(calendar) == serving.account.items(calendar)
            assert loaded.writes == serving.account.writes
            pages = [list(MemoryProvider(a).pull("main", cursor, WINDOW)) for a in (loaded, serving.account)]
            assert pages[0] == pages[1]


def test_a_file_of_another_service_is_refused(tmp_path: Path) -> None:
    MemoryServing(GOOGLE, path=tmp_path / "a.json")
    with pytest.raises(ValueError, match="google-like"):
        MemoryAccount(EWS, lambda: NOW, path=tmp_path / "a.json")
