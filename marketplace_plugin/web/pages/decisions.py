"""What a user decides about the sync, and what he is told about one event: conflicts, held deletions, undo, "Why?"."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime
from itertools import groupby
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from marketplace_plugin.engine.acts.undo import UndoFacts
from marketplace_plugin.engine.acts.waiting.conflicts import ConflictView
from marketplace_plugin.engine.acts.why import Why
from marketplace_plugin.errors import Conflict, InvalidSettings, NotAllowed
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.time import When
from marketplace_plugin.sync.merge.three_way import Winner
from marketplace_plugin.web import values
from marketplace_plugin.web.blueprint import Shared, inside, locale, page
from marketplace_plugin.web.pages.way import crumbs

LEAVE, RESTORE, APPROVE, APPROVE_ALL = "leave", "restore", "approve", "approve-all"
FIELDS_A_PAGE = 50
_SIDES = {side.value: side for side in (Winner.HOST, Winner.REMOTE)}


def add(blueprint: Blueprint, shared: Shared) -> None:
    _add_words(blueprint, shared)
    _add_lists(blueprint, shared)
    _add_undo(blueprint, shared)
    _add_why(blueprint, shared)


def _add_words(blueprint: Blueprint, shared: Shared) -> None:
    """What templates say about fields and values, and how much waits."""

    def zone() -> str:
        viewer = shared.host.viewer()
        return viewer.zone if viewer else "UTC"

    def waiting() -> int:
        """How many conflicts, held deletions and doubtful matches wait for the person who looks."""
        person = shared.host.viewer()
        if person is None:
            return 0
        actions = shared.actions
        decided = [one.decided for one in actions.held(person)] + [one.decided for one in actions.doubtful(person)]
        return actions.conflicts_waiting(person) + decided.count(False)

    def undo_facts(run: str) -> UndoFacts:
        return shared.actions.undo_facts(shared.person(), run)

    def value(told: Any) -> str:
        return values.value(told, zone(), locale())

    def when(told: When) -> str:
        return values.when(told, zone(), locale())

    blueprint.add_app_template_filter(value, "marketplace_value")
    blueprint.add_app_template_filter(when, "marketplace_when")
    blueprint.add_app_template_filter(values.repetition, "marketplace_repetition")
    blueprint.add_app_template_filter(lambda cell: values.field(cell, locale()), "marketplace_field")
    blueprint.add_app_template_filter(by_field, "marketplace_by_field")
    blueprint.add_app_template_global(waiting, "marketplace_waiting")
    blueprint.add_app_template_global(undo_facts, "marketplace_undo_facts")


def by_field(listed: Iterable[ConflictView]) -> list[list[ConflictView]]:
    """The lines of each field of an event, as they stand together in the list."""
    return [list(lines) for _key, lines in groupby(listed, key=lambda one: (one.about.link, one.cell))]


# ---- the lists -------------------------------------------------------------------------------------------------------


def _add_lists(blueprint: Blueprint, shared: Shared) -> None:
    actions = shared.actions

    @blueprint.get("/profile/decisions")
    def decisions() -> ResponseReturnValue:
        person = shared.person()
        deletions, clashes = actions.held(person), by_field(actions.conflicts(person))
        start = request.args.get("from", 0, int)
        start = start if 0 < start < len(clashes) else 0
        return page(
            "marketplace/decisions/decisions.html",
            crumbs=[(_("My profile"), url_for(".profile")), (_("Decisions"), None)],
            tab="decisions",
            conflicts=clashes[start : start + FIELDS_A_PAGE],
            newer=max(0, start - FIELDS_A_PAGE) if start else None,
            older=start + FIELDS_A_PAGE if len(clashes) > start + FIELDS_A_PAGE else None,
            braked=[one for one in deletions if not one.announced],
            announced=[one for one in deletions if one.announced],
            brakes=actions.brakes(person),
            parked=actions.parked(person),
            matches=actions.doubtful(person),
        )

    @blueprint.post("/profile/conflicts/<conflict>")
    def settle_conflict(conflict: str) -> ResponseReturnValue:
        """Take the value of one side, or leave everything as it is."""
        person, choice = shared.person(), request.form.get("take", "")
        if choice == LEAVE:
            actions.leave(person, conflict)
            flash(_("Everything stays as it is. The conflict is off the list."), "ok")
        elif choice in _SIDES:
            try:
                actions.take(person, conflict, _SIDES[choice])
                flash(_("Done. The next sync brings the value to the other side, without mail."), "ok")
            except Conflict:
                flash(
                    _("The event was changed in the meantime, so nothing was overwritten. Please look again."), "warn"
                )
            except NotAllowed:
                flash(_("This value cannot be taken: the connected calendar does not let it be written."), "warn")
        else:
            raise InvalidSettings("no such choice")
        return redirect(inside(request.form.get("next", "")) or url_for(".decisions"), 303)

    @blueprint.post("/profile/held")
    def settle_held() -> ResponseReturnValue:
        """Let held deletions go, or take them back. "All" means those of the brake: what a service would announce is
        an act of its own."""
        person, decision = shared.person(), request.form.get("decision", "")
        chosen = request.form.getlist("held")
        if decision == APPROVE_ALL:
            chosen = [one.id for one in actions.held(person) if not one.announced]
        if decision == RESTORE:
            number = actions.restore_held(person, chosen)
            said = ngettext("%(num)d deletion is taken back.", "%(num)d deletions are taken back.", number)
        elif decision in (APPROVE, APPROVE_ALL):
            number = actions.approve_held(person, chosen)
            said = ngettext(
                "%(num)d deletion goes ahead; the next sync checks it again first.",
                "%(num)d deletions go ahead; the next sync checks each again first.",
                number,
            )
        else:
            raise InvalidSettings("no such decision")
        flash(said if number else _("Nothing was chosen."), "ok" if number else "warn")
        return redirect(url_for(".decisions"), 303)

    @blueprint.post("/profile/parked/<item>")
    def try_again(item: str) -> ResponseReturnValue:
        actions.try_again(shared.person(), item)
        flash(_("The next sync tries it again."), "ok")
        return redirect(inside(request.form.get("next", "")) or url_for(".decisions"), 303)


# ---- undo ------------------------------------------------------------------------------------------------------------


def _add_undo(blueprint: Blueprint, shared: Shared) -> None:
    actions = shared.actions

    @blueprint.get("/profile/runs/<run>/undo")
    def undo_run(run: str) -> ResponseReturnValue:
        """What would be taken back, before it is."""
        person = shared.person()
        facts = actions.undo_facts(person, run)
        view = actions.connection(person, facts.connection)
        return page(
            "marketplace/decisions/undo.html",
            crumbs=crumbs(shared, view, _("Undo")),
            connection=view,
            run=actions.run(person, run),
            facts=facts,
        )

    @blueprint.post("/profile/runs/<run>/undo", endpoint="undo_run_now")
    def undo_run_(run: str) -> ResponseReturnValue:
        """Pressed twice, the second press finds the run of the first."""
        person = shared.person()
        try:
            new = actions.undo(person, run)
        except Conflict:
            new = actions.undo_facts(person, run).undone_by
            if not new:
                flash(_("This run cannot be taken back any more."), "warn")
                return redirect(url_for(".run", run=run), 303)
        return redirect(url_for(".undone", run=new), 303)

    @blueprint.get("/profile/runs/<run>/undone")
    def undone(run: str) -> ResponseReturnValue:
        person = shared.person()
        told = actions.undone(person, run)
        view = actions.connection(person, told.connection)
        return page(
            "marketplace/decisions/undone.html",
            crumbs=crumbs(shared, view, _("Undo")),
            connection=view,
            run=actions.run(person, run),
            told=told,
        )


# ---- "Why?" ----------------------------------------------------------------------------------------------------------


def _add_why(blueprint: Blueprint, shared: Shared) -> None:
    actions = shared.actions

    @blueprint.get("/why/event/<ref>")
    def why_event(ref: str) -> ResponseReturnValue:
        """An event, or what ``kind`` says; ``at`` is where the occurrence of a series starts."""
        asked = request.args.get("kind", Kind.EVENT.value)
        kind = Kind(asked) if asked in set(Kind) else Kind.EVENT
        return _why(actions.why_event(shared.person(), ref, kind, _moment(request.args.get("at", ""))))

    @blueprint.get("/why/block/<link>")
    def why_block(link: str) -> ResponseReturnValue:
        return _why(actions.why_block(shared.person(), link, _moment(request.args.get("at", ""))))

    def _why(told: Why) -> ResponseReturnValue:
        return page(
            "marketplace/decisions/why.html",
            crumbs=[(_("Why?"), None)],
            nav="calendar",
            why=told,
            back=inside(request.args.get("back", "")),
        )


def _moment(at: str) -> date | datetime | None:
    """A day, or an aware instant; None for what is neither."""
    with suppress(ValueError):
        return date.fromisoformat(at)
    with suppress(ValueError):
        instant = datetime.fromisoformat(at)
        return instant if instant.tzinfo is not None else None
    return None
