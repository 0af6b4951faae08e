"""Whole passes over each service's provider, real HTTP in between: both ways, oddities, faults, and who is mailed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.sync.link import LinkKind, LinkState
from tests.laws.world import event, moved, occurrence, series
from tests.providers.passes.world import SERVICES, Passes, passes_over

PASSES = 20


@pytest.fixture(params=SERVICES)
def passes(request: pytest.FixtureRequest) -> Iterator[Passes]:
    with passes_over(request.param) as made:
        yield made


def test_a_source_becomes_blocks_and_a_host_event_a_copy(passes: Passes) -> None:
    passes.insert("private", 10)
    passes.shell.host.create("ada", event("public"))
    passes.run()
    assert [block.item.title for block in passes.shell.blocks("ada") if isinstance(block.item, Event)] == ["private"]
    assert set(passes.copies) == {"public"}
    kinds = {(link.kind, link.state) for link in passes.shell.links("ada")}
    assert kinds == {(LinkKind.BLOCK, LinkState.LIVE), (LinkKind.EXPORT, LinkState.LIVE)}


@pytest.mark.parametrize("repeats", [False, True], ids=["single", "series"])
def test_a_pass_without_news_is_one_request_a_calendar(passes: Passes, repeats: bool) -> None:
    passes.insert("private", 10, repeats=repeats)
    passes.shell.host.create("ada", event("public"))
    passes.settle()
    passes.forget_requests()
    passes.run()
    assert passes.asked() == list(passes.news)


def test_edits_flow_both_ways_and_meet_field_by_field(passes: Passes) -> None:
    ref = passes.shell.host.create("ada", event("one"))
    passes.run()
    copy = passes.copies["one"]
    passes.shell.host.edit("ada", ref, title="renamed here")
    passes.put(copy, place="moved there")
    passes.settle()
    item = passes.there(ref)
    assert isinstance(item, Event)
    assert (item.title, item.location) == ("renamed here", "moved there")
    assert passes.copies["renamed here"] == copy
    assert passes.place(copy) == "moved there"


def test_a_series_with_exceptions_goes_there_and_comes_back(passes: Passes) -> None:
    host = passes.shell.host
    ref = host.create("ada", series())
    host.change_occurrence("ada", ref, occurrence(1), moved(occurrence(1), "other"))
    host.change_occurrence("ada", ref, occurrence(2), None)
    passes.run()
    master = passes.copies["Series"]
    passes.rename_occurrence(master, occurrence(3), "theirs")
    host.change_occurrence("ada", ref, occurrence(4), moved(occurrence(4), "ours"))
    passes.settle()
    item = passes.there(ref)
    assert isinstance(item, Series)
    assert [o.event and o.event.title for o in item.overrides] == ["other", None, "theirs", "ours"]
    assert [passes.occurrence(master, occurrence(n)) for n in (1, 3, 4)] == ["other", "theirs", "ours"]
    assert passes.copies == {"Series": master}


@pytest.mark.parametrize("there", [event("deleted there"), series("deleted there")], ids=["single", "series"])
def test_deletions_flow_both_ways(passes: Passes, there: Event | Series) -> None:
    here = passes.shell.host.create("ada", event("deleted here"))
    passes.shell.host.create("ada", there)
    passes.run()
    passes.shell.host.delete("ada", here)
    passes.delete(passes.copies["deleted there"])
    passes.settle()
    assert passes.copies == {}
    assert passes.shell.host.all_of("ada") == {}
    assert passes.shell.links("ada") == []


@pytest.mark.parametrize("service, knob", [(name, knob) for name, (kind, _) in SERVICES.items() for knob in kind.knobs])
def test_a_hostile_echo_is_written_to_once(service: str, knob: str) -> None:
    """HTML, zones, order and versions come back otherwise, or twice: twenty passes, no write after the first."""
    with passes_over(service) as passes:
        setattr(passes.sandbox.state.knobs, knob, True)
        passes.insert("private", 11, text="a<br/>b &amp; c")
        host = passes.shell.host
        texts = {"single": "one\n\n two <three> & four", "public": "a  b\r\n c \n"}
        refs = [host.create("ada", event(title, description=text)) for title, text in texts.items()]
        refs.append(host.create("ada", series()))
        host.change_occurrence("ada", refs[-1], occurrence(1), moved(occurrence(1), "other"))
        passes.run()
        before = [passes.there(ref) for ref in refs]
        written = passes.written()
        for _ in range(PASSES):
            passes.run()
        assert passes.written() == written
        assert [passes.there(ref) for ref in refs] == before
        assert set(passes.copies) == {"single", "public", "Series"}
        for ref, title in zip(refs, texts, strict=False):
            host.edit("ada", ref, title=f"{title} renamed")
        passes.settle()
        typed = [host.all_of("ada")[ref].item for ref in refs[: len(texts)]]
        assert [isinstance(item, Event) and item.description for item in typed] == list(texts.values())
        assert set(passes.copies) == {"single renamed", "public renamed", "Series"}


def test_moving_between_calendars_keeps_one_event(passes: Passes) -> None:
    ref = passes.shell.host.create("ada", event("one"))
    passes.run()
    copy = passes.move(passes.copies["one"])
    passes.settle()
    assert list(passes.shell.host.all_of("ada")) == [ref]
    assert {**passes.listed(passes.target), **passes.listed(passes.source)} == {copy: "one"}


@pytest.mark.parametrize("lost", ["drop_before", "drop_after", "truncate"])
def test_an_answer_that_did_not_come_doubles_nothing(passes: Passes, lost: str) -> None:
    passes.lose(lost)
    ref = passes.shell.host.create("ada", event("one"))
    passes.shell.clock.forward(minutes=31)
    passes.shell.sync("ada")
    passes.settle()
    assert len(passes.listed(passes.target)) == 1
    assert list(passes.shell.host.all_of("ada")) == [ref]


@pytest.mark.parametrize("expired", [True, False], ids=["expired", "window"])
def test_an_expired_token_and_a_window_that_moves_on_lose_nothing(passes: Passes, expired: bool) -> None:
    for day in range(10, 16):
        passes.insert(f"private {day}", day)
    ref = passes.shell.host.create("ada", event("public"))
    passes.settle()
    written = passes.written()
    if expired:
        passes.expire()
        passes.settle()
        assert passes.written() == written
        assert set(passes.copies) == {"public"}
        assert len(passes.shell.blocks("ada")) == 6
    passes.shell.clock.forward(days=20)
    passes.settle()
    assert len(passes.shell.blocks("ada")) == 6
    assert passes.written() == written
    assert isinstance(passes.there(ref), Event)


def test_an_invitation_is_a_block_and_its_answer_stays_the_owners(passes: Passes) -> None:
    passes.invite("meeting", 12)
    passes.settle()
    (block,) = passes.shell.blocks("ada")
    assert isinstance(block.item, Event)
    assert block.item.when == event("x", 12).when
    (invited,) = passes.listed(passes.source)
    assert passes.answer(invited) in ("needsAction", "notResponded", "NoResponseReceived")
    assert passes.written() == 0
