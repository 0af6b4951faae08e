"""A mirror that is fed by change tracking alone shows what a fresh view shows, whatever happens."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from marketplace_plugin.sandbox.graph import GraphSandbox
from marketplace_plugin.sandbox.graph.act import Actor
from marketplace_plugin.sandbox.graph.api.prefer import Preferences
from marketplace_plugin.sandbox.graph.errors import GraphError
from marketplace_plugin.sandbox.graph.outlook.view import Shape
from marketplace_plugin.sandbox.graph.seed import ANNA, FAMILY
from tests.sandbox.graph.conftest import recurrence, timed
from tests.sandbox.running import ManualClock

Json = dict[str, Any]

BEGIN, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
WINDOW = [("startDateTime", BEGIN.isoformat()), ("endDateTime", UNTIL.isoformat())]
ASKED = Preferences(Shape(zone="W. Europe Standard Time", text=True, immutable=True), page_size=3)

days = st.integers(0, 110).map(lambda number: (date(2026, 10, 1) + timedelta(days=number)).isoformat())
picks = st.integers(0, 30)
actions = st.lists(
    st.one_of(
        st.tuples(st.just("single"), days),
        st.tuples(st.just("series"), days),
        st.tuples(st.just("shift"), picks, days),
        st.tuples(st.just("rename"), picks),
        st.tuples(st.just("delete"), picks),
        st.tuples(st.just("except"), picks, picks, st.integers(-2, 2)),
        st.tuples(st.just("cancel"), picks, picks),
        st.tuples(st.just("leave"), picks),
        st.tuples(st.just("follow")),
    ),
    max_size=14,
)


class Mirror:
    """What a careful client keeps: items by id, a series replaced as a whole."""

    def __init__(self, sandbox: GraphSandbox) -> None:
        self._sandbox = sandbox
        self._seen = Actor(sandbox.state, ANNA).calendar(FAMILY)
        self._link = WINDOW
        self.items: dict[str, Json] = {}

    def follow(self) -> None:
        """One round, all its pages."""
        arguments = self._link
        while True:
            page = self._sandbox.deltas.page(self._seen, "delta", arguments, ASKED)
            for item in page["value"]:
                self._take(item)
            link = page.get("@odata.nextLink") or page["@odata.deltaLink"]
            name, _, token = link.partition("?")[2].partition("=")
            arguments = [(name, token)]
            if "@odata.deltaLink" in page:
                self._link = arguments
                return

    def _take(self, item: Json) -> None:
        if "@removed" in item or item["type"] == "seriesMaster":
            for known in [key for key, old in self.items.items() if old.get("seriesMasterId") == item["id"]]:
                del self.items[known]
            self.items.pop(item["id"], None)
        if "@removed" not in item:
            self.items[item["id"]] = item

    def shown(self) -> dict[str, tuple[str, str]]:
        """Start and end by id, without masters."""
        return {
            key: (item["start"]["dateTime"], item["end"]["dateTime"])
            for key, item in self.items.items()
            if item["type"] != "seriesMaster"
        }


def carry_out(actor: Actor, action: tuple[Any, ...]) -> None:
    """One edit; those that the service refuses, or that find nothing, change nothing."""
    kind, *rest = action
    if kind in ("single", "series"):
        more: Json = {}
        if kind == "series":
            weekday = date.fromisoformat(rest[0]).strftime("%A").lower()
            more = {"recurrence": recurrence(rest[0], until=6, daysOfWeek=[weekday])}
        actor.insert(timed(kind, rest[0], **more), FAMILY)
        return
    known = actor.events(FAMILY)
    if not known:
        return
    event = known[rest[0] % len(known)]
    if kind == "shift":
        actor.patch(event["id"], {name: timed("", rest[1])[name] for name in ("start", "end")})
    elif kind == "rename":
        actor.patch(event["id"], {"subject": "Neu"})
    elif kind == "delete":
        actor.delete(event["id"])
    elif kind == "leave":
        actor.move(event["id"], "Kalender")
    elif event["recurrence"] is not None:
        day = date.fromisoformat(event["recurrence"]["range"]["startDate"]) + timedelta(weeks=rest[1] % 6)
        occurrence = actor.occurrence(event["id"], day.isoformat())
        if kind == "cancel":
            actor.delete(occurrence["id"])
        else:
            moved = (day + timedelta(days=rest[2])).isoformat()
            actor.patch(occurrence["id"], {name: timed("", moved, 14)[name] for name in ("start", "end")})


@given(actions, st.integers(0, 2), st.booleans(), st.booleans())
def test_the_mirror_shows_the_view(edits: list[tuple[Any, ...]], empty: int, twice: bool, replayed: bool) -> None:
    sandbox = GraphSandbox(ManualClock(), seeded=False)
    sandbox.state.add_calendar(ANNA, FAMILY)
    knobs = sandbox.state.knobs
    knobs.empty_delta_pages, knobs.delta_duplicates, knobs.delta_replays = empty, twice, replayed
    actor, mirror = Actor(sandbox.state, ANNA), Mirror(sandbox)
    for action in edits:
        if action[0] == "follow":
            mirror.follow()
            continue
        try:
            carry_out(actor, action)
        except (GraphError, KeyError):
            continue
    mirror.follow()
    view = {
        item["id"]: (item["start"]["dateTime"], item["end"]["dateTime"]) for item in actor.view(BEGIN, UNTIL, FAMILY)
    }
    assert mirror.shown() == view
