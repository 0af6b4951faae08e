"""A series that was split at the service, in a target that is no source: its tail is none of ours (rule R9c), and said
to be there in the run's log and where its owner asks why."""

from __future__ import annotations

from collections.abc import Iterator

from marketplace_plugin.engine.steps.one_pass import Pass
from marketplace_plugin.engine.steps.recall import Recalled
from marketplace_plugin.engine.steps.written import entry
from marketplace_plugin.model.change import Found
from marketplace_plugin.store.log.journal import Action, Entry, Side
from marketplace_plugin.sync.link import LinkKind
from marketplace_plugin.sync.plan.tails import is_tail
from marketplace_plugin.sync.reason import Reason


def told_of_tails(p: Pass, recalled: Recalled) -> Iterator[Entry]:
    """One line for each series whose tail arrived with what is left of it."""
    apart = [*p.apart, *((one.collection, one.found) for one in recalled.fresh)]
    places = {collection for collection, _ in apart if not p.place(collection).shows}
    for case in recalled.cases if places else ():
        link, shown = case.link, case.remote
        if link.collection not in places or link.kind is LinkKind.BLOCK or not isinstance(shown, Found):
            continue
        before = link.agreed_there
        if any(place == link.collection and is_tail(before, shown.item, one.item) for place, one in apart):
            yield entry(p, link, Side.REMOTE, Action.HOLD, Reason.SPLIT_THERE)
