"""What an account at either sandbox of Exchange's has in common, for the laws: how Outlook saves a whole event."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Set
from dataclasses import replace

from marketplace_plugin.model.event import Event, Override, Series, original_key
from marketplace_plugin.model.form.canonical import changed_fields
from marketplace_plugin.model.item import Item
from marketplace_plugin.model.series.expand import occurrence_at
from marketplace_plugin.model.time import Original
from tests.laws.over_http import Account

SHAPE = frozenset({"when", "rule", "rdates", "type"})


class OutlookAccount(Account):
    @abstractmethod
    def save(self, item_id: str, before: Item, after: Event | Series, names: Set[str]) -> None:
        """Write the single event or the master; ``names`` are the fields that changed."""

    @abstractmethod
    def save_rule(self, item_id: str, series: Series) -> None:
        """Write the rule again as it is, which forgets the exceptions."""

    def put(self, calendar: str, item_id: str, before: Item, after: Event | Series) -> None:
        """As Outlook saves a whole event: a new shape forgets the exceptions, and what is to be there is made anew."""
        names = changed_fields(before, after)
        self.save(item_id, before, after, names)
        known: dict[str, Override] = {}
        if not names & SHAPE and isinstance(before, Series):
            known = {original_key(o.original): o for o in before.overrides}
        for override in after.overrides if isinstance(after, Series) else ():
            if known.pop(original_key(override.original), None) != override:
                self.user.change_occurrence(calendar, item_id, override.original, override.event)
        for gone in known.values():
            self.restore(calendar, item_id, gone.original)

    def restore(self, calendar: str, item_id: str, original: Original) -> None:
        series = self.items(calendar)[item_id].item
        assert isinstance(series, Series)
        known = series.override(original)
        if known is not None and known.event is not None:
            regular = occurrence_at(replace(series, overrides=()), original)
            assert regular is not None
            self.user.change_occurrence(calendar, item_id, original, regular)
            return
        kept = tuple(o for o in series.overrides if original_key(o.original) != original_key(original))
        self.save_rule(item_id, series)
        for override in kept:
            self.user.change_occurrence(calendar, item_id, override.original, override.event)
