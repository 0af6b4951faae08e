"""What is done once a day and at each start, in small transactions: nothing here is needed for a sync to be right.

Passwords that were tested and not saved go every ten minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.form.credentials import LIFETIME
from marketplace_plugin.engine.steps.pull.intake import ZONES
from marketplace_plugin.model.series.expand import span_of
from marketplace_plugin.store import authorizations, blocks, conflicts, connections, credentials, journal, plans, runs

EVERY = timedelta(days=1)
CHUNK = 500
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Upkeep:
    """``zones`` names the tz database of this process."""

    engine: Engine
    zones: str = ZONES
    _next: datetime | None = field(default=None, init=False)
    _tests: datetime | None = field(default=None, init=False)

    def tick(self, now: datetime) -> bool:
        """Do all of it where it is due at ``now`` (aware UTC). Returns whether it was."""
        if _is_due(self._tests, now, LIFETIME):
            self._tests = now + LIFETIME
            with self.engine.store.begin() as unit:
                credentials.sweep_tests(unit.connection, now)
        if not _is_due(self._next, now, EVERY):
            return False
        self._next = now + EVERY
        self._forget(now)
        spans, sealed = self._respan(now), self._reseal()
        if spans or sealed:
            _log.info("upkeep", spans=spans, sealed=sealed)
        return True

    def _forget(self, now: datetime) -> None:
        """Flows that were never finished; the log of runs, and plans that are over, beyond their time. A pass forgets
        lines of the journal and of the list of conflicts; here they go where none comes: expired, paused, broken."""
        kept = now - self.engine.settings.journal_kept
        with self.engine.store.begin() as unit:
            authorizations.sweep(unit.connection, now)
            everyone = connections.everyone(unit.connection)
        for row in everyone:
            with self.engine.store.begin() as unit:
                runs.forget(unit.connection, row.id, kept)
                runs.forget_ahead(unit.connection, row.id, now)
                plans.forget(unit.connection, row.id, kept)
                journal.forget(unit.connection, row.id, kept)
                conflicts.forget(unit.connection, row.id, kept)

    def _respan(self, now: datetime) -> int:
        """The spans of blocks that were computed with another release of the tz database (rule R11)."""
        done = 0
        while True:
            with self.engine.store.begin() as unit:
                stale = blocks.stale_zones(unit.connection, self.zones, CHUNK)
                fresh = [replace(one, span=self._span(one), zones=self.zones, changed_at=now) for one in stale]
                blocks.put(unit.connection, fresh)
            done += len(stale)
            if len(stale) < CHUNK:
                return done

    def _span(self, one: blocks.Block) -> tuple[datetime, datetime | None]:
        person = self.engine.host.person(one.user)
        return one.span if person is None else span_of(one.item, person.zone)

    def _reseal(self) -> int:
        """What a former key has sealed; when this is 0, that key is no longer needed."""
        total = 0
        while done := self.engine.store.reseal(CHUNK):
            total += done
        return total


def _is_due(at: datetime | None, now: datetime, period: timedelta) -> bool:
    """What lies further ahead than a period was said while the clock was wrong (rule W13)."""
    return at is None or now >= at or at - now > period
