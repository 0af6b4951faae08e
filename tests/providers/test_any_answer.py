"""Whatever an answer holds that its published schema allows: it is understood or unreadable, and stops nothing."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import googleapiclient
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace_plugin.model.change import Found
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import Event, Series
from marketplace_plugin.model.form.canonical import digest, normal
from marketplace_plugin.model.series.expand import occurrences
from marketplace_plugin.model.time import Window
from marketplace_plugin.providers.google.items import person, tasks
from marketplace_plugin.providers.google.shape import decode as google
from marketplace_plugin.providers.google.shape.recurrence import Undecodable as NotGoogles
from marketplace_plugin.providers.graph.items import contact, todo
from marketplace_plugin.providers.graph.shape import decode as graph
from marketplace_plugin.providers.graph.shape.recurrence import Undecodable as NotGraphs
from tests.providers.any_answer import AnyAnswer, Json

DOCUMENTS = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
OPENAPI = Path(__file__).parents[1] / "sandbox" / "graph" / "graph-calendar.openapi.json"
WINDOW = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC))
EXAMPLES = settings(max_examples=300)
SEEDS = st.integers(0, 2**32)

ROLES = (Role.OWNER, Role.READER, Role.FREE_BUSY)
START = {"dateTime": "2026-03-10T09:00:00+01:00", "timeZone": "Europe/Berlin"}
END = {"dateTime": "2026-03-10T10:00:00+01:00", "timeZone": "Europe/Berlin"}


def discovered(api: str) -> dict[str, Json]:
    found: dict[str, Json] = json.loads((DOCUMENTS / f"{api}.json").read_text(encoding="utf-8"))["schemas"]
    return found


def published() -> dict[str, Json]:
    found: dict[str, Json] = json.loads(OPENAPI.read_text(encoding="utf-8"))["components"]["schemas"]
    return found


GOOGLE, PEOPLE, TASKS, GRAPH = discovered("calendar.v3"), discovered("people.v1"), discovered("tasks.v1"), published()


def usable(found: Found) -> None:
    """What the engine does with everything that it has read."""
    digest(found.item)
    normal(found.item)
    hash(found.revision)
    assert found.changed is None or found.changed.tzinfo is not None
    if isinstance(found.item, (Event, Series)):
        occurrences(found.item, WINDOW, "Europe/Berlin", limit=20)


def timed(random: Random, **more: Any) -> Json:
    return {"start": START, "end": END, **more} if random.random() < 0.7 else more


@EXAMPLES
@given(SEEDS)
def test_an_event_of_google(seed: int) -> None:
    random = Random(seed)
    make = AnyAnswer(GOOGLE, random)
    calendar = google.Calendar("anna@foreign.example", random.choice(ROLES), "Europe/Berlin")
    master = make.of("Event", id="a", **timed(random))
    exceptions = [make.of("Event", id=str(number), **timed(random)) for number in range(random.randrange(3))]
    for raw in (master, *exceptions):
        google.tag_of(raw)
        google.stamp_of(raw)
    try:
        found = (
            google.series(master, exceptions, calendar) if random.random() < 0.7 else google.single(master, calendar)
        )
    except NotGoogles:
        return
    usable(found)


@EXAMPLES
@given(SEEDS)
def test_an_event_of_graph(seed: int) -> None:
    random = Random(seed)
    make = AnyAnswer(GRAPH, random)
    calendar = graph.Calendar("a", random.choice(ROLES), random.random() < 0.5, random.random() < 0.5)
    exceptions = [make.of("microsoft.graph.event", id=str(n), **timed(random)) for n in range(random.randrange(3))]
    raw = make.of("microsoft.graph.event", id="a", **timed(random, exceptionOccurrences=exceptions))
    for one in (raw, *exceptions):
        graph.tag_of(one)
        graph.stamp_of(one)
        graph.has_guests(one)
        graph.is_own(one)
    try:
        found = graph.found(graph.whole(raw), calendar)
    except NotGraphs:
        return
    usable(found)


@EXAMPLES
@given(SEEDS)
def test_contacts_and_tasks(seed: int) -> None:
    random = Random(seed)
    with suppress(person.Undecodable):
        usable(person.found(AnyAnswer(PEOPLE, random).of("Person")))
    with suppress(tasks.Undecodable):
        usable(tasks.found(AnyAnswer(TASKS, random).of("Task", id="a")))
    with suppress(contact.Undecodable):
        usable(contact.found(AnyAnswer(GRAPH, random).of("microsoft.graph.contact", id="a")))
    with suppress(todo.Undecodable):
        usable(todo.found(AnyAnswer(GRAPH, random).of("microsoft.graph.todoTask", id="a")))


@pytest.mark.parametrize("name", ["attendees", "cancelledOccurrences", "exceptionOccurrences"])
def test_a_null_in_a_list_of_graph_is_nobody(name: str) -> None:
    utc = {"dateTime": "2026-03-10T08:00:00.0000000", "timeZone": "UTC"}
    raw = {"id": "a", "start": utc, "end": {**utc, "dateTime": "2026-03-10T09:00:00"}, name: [None]}
    found = graph.found(graph.whole(raw), graph.Calendar("a", Role.OWNER, shared=False, private=True))
    assert isinstance(found.item, Event)
    assert found.item.attendees == ()
    assert not graph.has_guests(raw)
