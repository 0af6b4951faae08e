"""One pass, top to bottom: lease, settle, pull, recall, plan, intend, push, commit, announce. The rules: docs/sync.md.

A pass that dies between any two steps has lost nothing: what was read is read again from the old cursor, and what was
sent is found again by its intent.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import Connection as Database
from sqlalchemy.exc import DBAPIError

from marketplace_plugin.contract.hookspecs import ConnectionRef
from marketplace_plugin.contract.provider import Provider, Session
from marketplace_plugin.engine.account.closing import close
from marketplace_plugin.engine.acts.preview import ask, bound, in_force
from marketplace_plugin.engine.acts.undo import asked_back, take_back
from marketplace_plugin.engine.context import Engine, RunOutcome, RunResult, Trigger
from marketplace_plugin.engine.steps.commit import apply_apart, commit, next_due, waiting_only
from marketplace_plugin.engine.steps.one_pass import LONGEST_PAUSE, Pass
from marketplace_plugin.engine.steps.plan.adopting import take_up
from marketplace_plugin.engine.steps.plan.planning import plan
from marketplace_plugin.engine.steps.pull.reading import pull_all
from marketplace_plugin.engine.steps.push import intend, push
from marketplace_plugin.engine.steps.recall import recall
from marketplace_plugin.engine.steps.settle import settle
from marketplace_plugin.errors import AuthorizationExpired, LeaseLost, MarketplaceError, ProviderError, Throttled
from marketplace_plugin.store import connections, leases, runs
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from marketplace_plugin.store.accounts.leases import Lease
from marketplace_plugin.store.log.runs import Run

_log = structlog.get_logger(__name__)


def run_pass(engine: Engine, connection_id: str, trigger: Trigger, run_id: str) -> RunResult:
    """Sync one connection once. Never raises for what a service, a host or a plugin does; the result names it.

    ``run_id`` names the row in the log of runs; it is made where it is not there yet.
    """
    leased = _lease(engine, connection_id, trigger, run_id)
    if isinstance(leased, RunResult):
        return leased
    connection, lease = leased
    started: Pass | None = None
    try:
        started = _start(engine, connection, lease, run_id)
        result = _steps(started)
    except LeaseLost:
        result = _end_badly(engine, started, run_id, RunOutcome.LEASE_LOST, "lease-lost")
    except AuthorizationExpired as error:
        result = _expire(engine, connection, lease, run_id, error.code)
    except MarketplaceError as error:
        result = _fail(engine, connection, lease, started, run_id, error)
    except Exception as error:  # noqa: BLE001  # one bad connection stops nobody else (rule W11); it is logged below
        result = _fail(engine, connection, lease, started, run_id, error)
    finally:
        if started is not None:
            close(started.provider, connection)
    _log.info("pass ended", run=run_id, trigger=trigger.value, outcome=result.outcome.value, **result.counts)
    _announce(engine, connection, started, result)
    return result


def _steps(p: Pass) -> RunResult:
    settled = settle(p)
    take_up(p)
    rounds = pull_all(p)
    asked = asked_back(p)
    recalled = recall(p, rounds, settled.again | asked.keys())
    planned = take_back(p, plan(p, recalled), recalled, asked)
    if not p.pushing:
        ask(p, planned.go)
        planned = waiting_only(planned)
    else:
        planned = bound(p, planned)
    work = intend(p, planned.go)
    push(p, work)
    _learn_roles(p)
    applied = apply_apart(p, work)
    ended: list[RunResult] = []
    commit(p, planned, work, recalled, rounds, applied, lambda c: ended.append(_finish(c, p)))
    return ended[0]


def _learn_roles(p: Pass) -> None:
    """After a refusal the account's roles are asked for again (rule L7): what may not be written waits for the role."""
    if not p.refused:
        return
    try:
        p.read_roles()
    except AuthorizationExpired:
        p.expired = True
    except ProviderError:
        p.roles_read = False  # the refusal is told already; the next one asks again


# --- lease ---------------------------------------------------------------------------------------------------------


def _lease(engine: Engine, connection_id: str, trigger: Trigger, run_id: str) -> tuple[Connection, Lease] | RunResult:
    now = engine.now()
    with engine.store.begin() as unit:
        c = unit.connection
        connection = connections.get(c, connection_id)
        if connection is None:
            return RunResult(run_id, RunOutcome.FAILED, error="no-connection")
        if runs.get(c, run_id) is None:
            runs.add(c, Run(run_id, connection_id, connection.user, trigger, now))
        refused = _refused(connection, trigger, now)
        lease = None if refused else leases.claim(c, connection_id, now, now + engine.settings.lease)
        if lease is None:
            outcome = refused or RunOutcome.BUSY
            runs.finish(c, run_id, now, outcome, {}, again_at=connection.backoff_until)
            return RunResult(run_id, outcome, again_at=connection.backoff_until)
        runs.start(c, run_id, now)
    return connection, lease


def _refused(connection: Connection, trigger: Trigger, now: datetime) -> RunOutcome | None:
    if connection.state is not ConnectionState.CONNECTED:
        return RunOutcome.EXPIRED if connection.state is ConnectionState.EXPIRED else RunOutcome.FAILED
    paused = leases.is_paused(connection, now)
    return RunOutcome.DEFERRED if paused and trigger is not Trigger.START else None


def _start(engine: Engine, connection: Connection, lease: Lease, run_id: str) -> Pass:
    person = engine.host.person(connection.user)
    if person is None:
        raise MarketplaceError("the host does not know the owner of this connection")
    approved = connection.approved_version is not None and connection.approved_version == connection.settings_version
    asks, plan = in_force(engine, connection.id)
    started = Pass(
        engine=engine,
        connection=connection,
        person=person,
        lease=lease,
        provider=_open(engine, connection),
        run=run_id,
        now=engine.now(),
        pushing=approved,
        asks=asks,
        approved=plan,
    )
    started.reload()
    if not started.collections:
        started.read_roles()
    return started


def _open(engine: Engine, connection: Connection) -> Provider:
    if engine.session is not None:
        session: Session = engine.session(engine, connection)
    else:
        from marketplace_plugin.engine.sign_in.grants import session_for

        session = session_for(engine, connection)
    return engine.plugins.open_provider(connection.integration, session)


# --- the end -------------------------------------------------------------------------------------------------------


def _finish(c: Database, p: Pass) -> RunResult:
    """The last rows of the last transaction: the run, the lease, and when the connection is due again."""
    if p.expired:
        connections.expire(c, p.connection.id, AuthorizationExpired.code)
    outcome = _outcome(p)
    due = next_due(p)
    error = next(iter(p.errors.values()), "")
    number = p.number() if error else ""
    counts = {name: n for name, n in p.counts.items() if n}
    if error:
        _log.warning("pass ended with errors", number=number, code=error, connection=p.connection.id)
    again = due if p.paused is not None or p.again else None
    runs.finish(c, p.run, p.engine.now(), outcome, counts, error=error, error_number=number, again_at=again)
    leases.release(
        c,
        p.lease,
        p.engine.now(),
        due,
        backoff_until=p.paused,
        failures=p.connection.failures + 1 if p.again else 0,
        error=error,
        error_number=number,
    )
    return RunResult(p.run, outcome, counts, error, number, again)


def _outcome(p: Pass) -> RunOutcome:
    if p.expired:
        return RunOutcome.EXPIRED
    if p.paused is not None:
        return RunOutcome.DEFERRED
    if p.errors or p.counts["unreadable"] or p.counts["held"]:
        return RunOutcome.INCOMPLETE
    if not p.pushing:  # what is parked then waits for the plan
        chosen = any(row.is_source or row.is_target for row in p.collections.values())
        return RunOutcome.WAITS if chosen else RunOutcome.NOT_SET_UP
    return RunOutcome.INCOMPLETE if p.counts["parked"] else RunOutcome.DONE


def _expire(engine: Engine, connection: Connection, lease: Lease, run_id: str, code: str) -> RunResult:
    """The grant is gone: no retries, links and blocks stay, only the user can help."""
    try:
        with engine.store.begin() as unit:
            c = unit.connection
            leases.check_fence(c, lease)
            connections.expire(c, connection.id, code)
            runs.finish(c, run_id, engine.now(), RunOutcome.EXPIRED, {}, error=code)
            leases.release(c, lease, engine.now(), None, error=code)
    except LeaseLost:  # he disconnects, or has authorised anew: the grant that failed is no longer the current one
        return _end_badly(engine, None, run_id, RunOutcome.LEASE_LOST, "lease-lost")
    return RunResult(run_id, RunOutcome.EXPIRED, error=code)


def _fail(
    engine: Engine, connection: Connection, lease: Lease, started: Pass | None, run_id: str, error: Exception
) -> RunResult:
    """What was done before stands as intents; the next pass settles it. Each failure in a row doubles the pause, up to
    the period."""
    code = _code(error)
    number = run_id[:8].upper()
    failures = connection.failures + 1
    wait = engine.settings.period / (1 << max(5 - failures, 0))
    if isinstance(error, Throttled) and error.retry_after is not None:
        wait = min(error.retry_after, LONGEST_PAUSE)
    due = engine.now() + wait
    _log.error("pass failed", number=number, code=code, kind=type(error).__name__, connection=connection.id)
    try:
        with engine.store.begin() as unit:
            c = unit.connection
            leases.check_fence(c, started.lease if started is not None else lease)
            runs.finish(c, run_id, engine.now(), RunOutcome.FAILED, {}, error=code, error_number=number, again_at=due)
            leases.release(
                c, lease, engine.now(), due, backoff_until=due, failures=failures, error=code, error_number=number
            )
    except LeaseLost:
        return _end_badly(engine, started, run_id, RunOutcome.LEASE_LOST, "lease-lost")
    return RunResult(run_id, RunOutcome.FAILED, {}, code, number, due)


def _code(error: Exception) -> str:
    """``storage`` is our own database: a full disk, a lock that was never given back."""
    if isinstance(error, DBAPIError):
        return "storage"
    return error.code if isinstance(error, MarketplaceError) else "internal"


def _end_badly(engine: Engine, started: Pass | None, run_id: str, outcome: RunOutcome, code: str) -> RunResult:
    """Another worker has the connection: only this run's own row is closed."""
    del started
    with engine.store.begin() as unit:
        runs.finish(unit.connection, run_id, engine.now(), outcome, {}, error=code)
    return RunResult(run_id, outcome, error=code)


def _announce(engine: Engine, connection: Connection, started: Pass | None, result: RunResult) -> None:
    ref = ConnectionRef(connection.id, connection.integration, connection.tenant, connection.user)
    for collection in sorted(started.touched) if started is not None else ():
        engine.plugins.announce("collection_changed", connection.integration, connection=ref, collection=collection)
    engine.plugins.announce(
        "sync_finished", connection.integration, connection=ref, run=result.run, outcome=result.outcome.value
    )
