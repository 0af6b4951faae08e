"""The settings of a connection: one target for each kind over all of a person's connections, many sources, a window.

What a user saves counts at once: a pass that runs with the former settings is interrupted.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection as Database

from marketplace_plugin.contract.module import Person, UnitOfWork
from marketplace_plugin.engine.account import calendars, permissions
from marketplace_plugin.engine.account.connections import view
from marketplace_plugin.engine.acts.chosen import begun, migrate, pairing
from marketplace_plugin.engine.acts.chosen.pairing import Chosen
from marketplace_plugin.engine.context import Engine
from marketplace_plugin.engine.kinds import PAIRED, TIMED_ONLY
from marketplace_plugin.engine.ownership import own
from marketplace_plugin.engine.views import CollectionView, Saved, SettingsForm, SettingsView, TargetChange
from marketplace_plugin.errors import Conflict, InvalidSettings, MarketplaceError, PermissionDenied
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import blocks, collections, connections, host_positions, leases, links, plans
from marketplace_plugin.store.accounts.collections import Collection
from marketplace_plugin.store.accounts.connections import INVITES, Connection, ConnectionState

MOST_PAST_DAYS, MOST_FUTURE_DAYS = 3650, 3650
_RELOADS = (ConnectionState.CONNECTED, ConnectionState.EXPIRED)


def settings(engine: Engine, person: Person, connection_id: str, reload: bool = True) -> SettingsView:
    """Each opening asks the service for its list; where it does not answer, the last known one is shown with the code
    of what kept it. New calendars come unticked. Raises NotFound."""
    with engine.store.read() as c:
        row = own(c, person, connection_id)
        before = {one.id for one in collections.of_connection(c, row.id)}
    error = _reload(engine, row) if reload and row.state in _RELOADS else ""
    with engine.store.read() as c:
        row = own(c, person, connection_id)
        rows = collections.of_connection(c, row.id)
        return SettingsView(
            connection=view(engine, c, row),
            version=row.settings_version,
            collections=tuple(_shown(c, one, bool(before) and one.id not in before) for one in rows),
            switches=frozenset(Kind(name) for name, on in row.switches.items() if on and name in set(Kind)),
            past_days=row.past_days,
            future_days=row.future_days,
            reload_error=error,
            policy=row.policy,
            infos=tuple(one.info for one in rows if one.listed),
            can_invite=any(one.listed and _can_invite(one) for one in rows),
            invites=row.invites,
            offered=permissions.offered(engine, row.integration),
            unpermitted=permissions.missing(engine, c, row, _switches(row)),
            has_lists=permissions.has_lists(engine, row.integration),
            timed_only=row.switches.get(TIMED_ONLY) is True,
        )


def save(engine: Engine, person: Person, connection_id: str, form: SettingsForm, version: int) -> Saved:
    """Save what the form says, over the version that it was made from.

    ``Saved.asks``: so many copies lie in the former target; nothing was saved, and the form comes again with MOVE or
    KEEP. An approval stays where only what is read has changed; another target, switch or policy is planned anew, and
    until that plan is approved nothing is written. Where copies lie in a former target, invitations are switched off:
    nobody is asked to one meeting twice. Raises NotFound, Conflict (somebody saved meanwhile), InvalidSettings,
    PermissionDenied (a target that cannot be written to, or whose private items come masked).
    """
    _finish_begun(engine, person, connection_id)
    with engine.store.begin() as unit:
        c = unit.connection
        row = own(c, person, connection_id)
        if row.settings_version != version:
            raise Conflict("the settings were changed meanwhile")
        wanted = _check(c, row, form)
        elsewhere = _copies_elsewhere(c, row, wanted.target)
        if elsewhere and form.target_change is None:
            return Saved(version, asks=sum(elsewhere.values()))
        removed = sum(blocks.count(c, row.id, one.remote_id) for one in wanted.dropped)
        before = Chosen.of(collections.of_connection(c, row.id), _switches(row))
        _choose(engine, unit, row, wanted, elsewhere, keep=form.target_change is not TargetChange.MOVE)
        after = Chosen.of(collections.of_connection(c, row.id), form.switches)
        pairing.follow(engine, unit, row.id, before, after)
        timed_only = row.switches.get(TIMED_ONLY) is True if form.timed_only is None else form.timed_only
        policy = form.policy or row.policy
        invites = _invites(row, wanted, form.invites, bool(elsewhere))
        if invites and not row.invites:
            host_positions.drop(c, row.id, Kind.EVENT)  # the plan looks at every event, for its participants
        saved = connections.save_settings(
            c,
            row.id,
            version,
            policy=policy,
            past_days=form.past_days,
            future_days=form.future_days,
            switches={kind.value: True for kind in sorted(form.switches)}
            | ({INVITES: True} if invites else {})
            | ({TIMED_ONLY: True} if timed_only else {}),
        )
        same = not wanted.new_target and _switches(row) == form.switches and policy is row.policy
        same = same and (not invites or row.invites) and before.targets == after.targets
        if timed_only is not (row.switches.get(TIMED_ONLY) is True):
            same = False
            host_positions.drop(c, row.id, Kind.TASK)  # the plan looks at every task, for its time
        if row.approved_version == version and same:
            connections.approve(c, row.id, saved)
        else:
            plans.supersede(c, row.id, engine.now())
    if removed:
        engine.store.scrub()
    return Saved(saved, blocks_removed=removed)


# ---- checking ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The form, with rows for ids. ``dropped`` are sources that are none any more; ``others`` the targets that are no
    calendars."""

    target: Collection | None
    sources: tuple[Collection, ...]
    dropped: tuple[Collection, ...]
    former_target: Collection | None
    others: tuple[Collection, ...] = ()

    @property
    def new_target(self) -> bool:
        former = self.former_target.id if self.former_target is not None else None
        return (self.target.id if self.target is not None else None) != former


def _check(c: Database, row: Connection, form: SettingsForm) -> _Wanted:
    rows = {one.id: one for one in collections.of_connection(c, row.id)}
    if not 0 <= form.past_days <= MOST_PAST_DAYS or not 1 <= form.future_days <= MOST_FUTURE_DAYS:
        raise InvalidSettings("the import window is out of range")
    if not {*form.sources, *form.others, *filter(None, [form.target])} <= rows.keys():
        raise InvalidSettings("a calendar that this connection does not have")
    calendars_chosen = any(rows[one].info.kind is Kind.EVENT for one in form.sources) or bool(form.target)
    if calendars_chosen and Kind.EVENT not in form.switches:
        raise InvalidSettings("calendars are chosen, and their switch is off")
    former = next((one for one in rows.values() if one.is_target and one.info.kind is Kind.EVENT), None)
    target = rows[form.target] if form.target else None
    if target is not None and target.info.kind is not Kind.EVENT:
        raise InvalidSettings("the target is no calendar")
    others = tuple(rows[one] for one in form.others if rows[one].info.kind in form.switches)
    if len({one.info.kind for one in others}) < len(others) or any(one.info.kind not in PAIRED for one in others):
        raise InvalidSettings("one address book and one list, each switched on")
    if not all(one.is_target or (one.listed and one.info.can_be_target) for one in others):
        raise PermissionDenied("the target needs full write access")
    chosen = [one for one in rows.values() if one.id in form.sources]
    new = target is not None and (former is None or former.id != target.id)
    if target is not None and new and not (target.listed and target.info.can_be_target):
        raise PermissionDenied("the target needs full write access")
    return _Wanted(
        target=target,
        sources=tuple(one for one in chosen if one.info.kind is Kind.EVENT or one.info.kind in form.switches),
        dropped=tuple(one for one in rows.values() if one.is_source and one.id not in form.sources),
        former_target=former,
        others=others,
    )


def _switches(row: Connection) -> frozenset[Kind]:
    return frozenset(Kind(name) for name, on in row.switches.items() if on and name in set(Kind))


def _can_invite(one: Collection) -> bool:
    return one.info.capabilities.invites and one.info.capabilities.silent


def _invites(row: Connection, wanted: _Wanted, asked: bool | None, copies_elsewhere: bool) -> bool:
    """Only into a target whose service can be asked for silence, and never to one meeting twice."""
    on = row.invites if asked is None else asked
    return on and wanted.target is not None and _can_invite(wanted.target) and not (row.invites and copies_elsewhere)


def _copies_elsewhere(c: Database, row: Connection, target: Collection | None) -> dict[tuple[str, str], int]:
    """Copies outside the new target. Where nothing is transferred any more they rest where they are."""
    if target is None:
        return {}
    here = (row.id, target.remote_id)
    return {place: number for place, number in links.copies(c, row.user).items() if place != here}


# ---- saving --------------------------------------------------------------------------------------------


def _finish_begun(engine: Engine, person: Person, connection_id: str) -> None:
    """A target may take copies of another connection along, so none of them may have an event that nobody knows of."""
    with engine.store.read() as c:
        own(c, person, connection_id)
        rows = connections.of_user(c, person.id)
    for row in rows:
        begun.finish(engine, person, row)


def _choose(
    engine: Engine,
    unit: UnitOfWork,
    row: Connection,
    wanted: _Wanted,
    elsewhere: dict[tuple[str, str], int],
    *,
    keep: bool,
) -> None:
    """Set the ticks with all that follows; a pass that is under way loses its lease. Whatever lies outside the new
    target moves link by link, or stays as it is and is followed no longer (rule L10)."""
    target = wanted.target.remote_id if wanted.target is not None else None
    former = wanted.former_target.remote_id if wanted.former_target is not None else None
    chosen = [one for one in (wanted.target, *wanted.others) if one is not None]
    pairing.untick_elsewhere(engine, unit, row.user, row.id, [one.info.kind for one in chosen])
    others = {one.remote_id for one in wanted.others}
    migrate.choose(engine, unit, row.id, target, {one.remote_id for one in wanted.sources}, others=others, keep=keep)
    for connection_id, remote_id in elsewhere:
        if connection_id != row.id:
            leases.seize(unit.connection, connection_id, engine.now())
            migrate.leave_target(engine, unit, connection_id, remote_id, None, keep=keep)
        elif remote_id != former:
            migrate.leave_target(engine, unit, connection_id, remote_id, target, keep=keep)


# ---- showing -------------------------------------------------------------------------------------------


def _reload(engine: Engine, row: Connection) -> str:
    """The code of what kept the list from being reloaded, empty where it was."""
    try:
        calendars.reload(engine, row)
    except MarketplaceError as error:
        return error.code
    return ""


def _shown(c: Database, one: Collection, is_new: bool) -> CollectionView:
    return CollectionView(
        id=one.id,
        title=one.info.title,
        kind=one.info.kind,
        role=one.info.role,
        primary=one.info.primary,
        color=one.info.color,
        shared_by=one.info.shared_by,
        can_be_target=one.listed and one.info.can_be_target,
        is_source=one.is_source,
        is_target=one.is_target,
        is_new=is_new,
        listed=one.listed,
        blocks=blocks.count(c, one.connection, one.remote_id),
    )
