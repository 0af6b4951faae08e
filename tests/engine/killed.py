"""A worker that is killed for real: one pass over a service and a host in files, and SIGKILL at a named boundary.

``python -m tests.engine.killed FOLDER PERSONALITY SHARED AFTER``: AFTER is the request behind which the process dies,
or ``none``. Each start is a minute more than a lease later than the one before.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

from marketplace_plugin.contract.provider import Session
from marketplace_plugin.engine.context import Engine, Trigger
from marketplace_plugin.engine.run import run_pass
from marketplace_plugin.providers.memory import PERSONALITIES, MemoryAccount, Moment, Request
from marketplace_plugin.store import Store, collections, connections
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from tests.hosts.host import TestHost
from tests.hosts.same_database import SharedHost
from tests.hosts.separate import SeparateHost
from tests.laws.world import KEYS, SOURCE, START, TARGET, Clock, Plugins


class Files:
    """The whole world of one test, in the files of a folder; another process opens the same."""

    def __init__(self, folder: Path, personality: str, shared: bool) -> None:
        starts = folder / "starts"
        number = len(starts.read_text()) if starts.exists() else 0
        starts.write_text("." * (number + 1))
        self.clock = Clock()
        self.clock.time = START + timedelta(minutes=11 * number)
        self.store = Store.open(f"sqlite:///{folder / 'store.db'}", KEYS)
        self.host: TestHost = (
            SharedHost(self.store, self.clock) if shared else SeparateHost(folder / "host.db", self.clock)
        )
        kind = next(p for p in PERSONALITIES if p.name == personality)
        self.account = MemoryAccount(kind, self.clock, path=folder / "account.json")
        plugins = Plugins({"ada": self.account})
        self.engine = Engine(
            self.store,
            self.host,
            plugins,
            self.clock,
            self.store.instance_id,
            session=lambda engine, row: Session(row.id, row.account, engine.instance, engine.now),
        )

    def connect(self) -> None:
        for calendar in (TARGET, SOURCE):
            self.account.user.add_calendar(calendar)
        now = self.clock()
        with self.store.begin() as unit:
            c = unit.connection
            row = Connection("ada", "acme", "ada", "memory", ConnectionState.CONNECTED, now, connected_at=now)
            connections.add(c, row)
            collections.refresh(c, "ada", "ada", list(self.account.calendars.values()))
            collections.choose(c, "ada", TARGET, (SOURCE,))
            connections.approve(c, "ada", 0)

    def sync(self) -> None:
        self.clock.forward(minutes=1)
        run_pass(self.engine, "ada", Trigger.BUTTON, self.engine.new_id())

    def close(self) -> None:
        self.store.close()


def main(folder: str, personality: str, shared: str, after: str) -> None:
    files = Files(Path(folder), personality, shared == "shared")
    if after != "none":
        files.account.faults.add(Moment.AFTER, Request(after), lambda: os.kill(os.getpid(), signal.SIGKILL))
    files.sync()
    files.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
