"""What the owner of a grey block can do with it: the menu's fragment, and a page with the same actions.

The block is asked for with its start, as the calendar showed it; nobody but its owner ever finds one here.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from marketplace_plugin.contract.module import BlockView
from marketplace_plugin.host.calendar.asked import EARLIEST, LATEST
from marketplace_plugin.host.calendar.entries import shown_at
from marketplace_plugin.host.pages.page import inside, show, steg, viewer
from marketplace_plugin.model.time import AllDay, Window

_AROUND = timedelta(days=2)


def add(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/calendar/block/<link>", view_func=block, methods=["GET"])
    blueprint.add_url_rule("/calendar/block/<link>/menu", view_func=block_menu, methods=["GET"])


def block(link: str) -> ResponseReturnValue:
    view = _own(link)
    back = inside(request.args.get("back", ""), url_for(".calendar"))
    return show(
        "event/block.html",
        block=view,
        detail=view.detail,
        when=shown_at(view.when, viewer().zone),
        at=request.args.get("at", ""),
        back=back,
        crumbs=[(_("Calendar"), url_for(".calendar")), (_("Details"), None)],
    )


def block_menu(link: str) -> ResponseReturnValue:
    view = _own(link)
    back = inside(request.args.get("back", ""), url_for(".calendar"))
    return show(
        "event/_block_menu.html",
        block=view,
        detail=view.detail,
        when=shown_at(view.when, viewer().zone),
        at=request.args.get("at", ""),
        back=back,
    )


def _own(link: str) -> BlockView:
    who = viewer()
    at = request.args.get("at", "")
    start = _moment(at)
    if start is not None:
        window = Window(start - _AROUND, start + _AROUND)
        for found in steg().blocks.blocks(who.id, who.id, window):
            if found.detail is not None and found.detail.link == link and _start(found) == start:
                return found
    raise NotFound


def _moment(at: str) -> datetime | None:
    """A date (of whole days), or an aware instant; None for what is neither."""
    try:
        is_day = len(at) == len("2026-11-18")
        moment = datetime.combine(date.fromisoformat(at), time(), UTC) if is_day else datetime.fromisoformat(at)
    except ValueError:
        return None
    known = moment.tzinfo is not None and EARLIEST <= moment.date() <= LATEST
    return moment.astimezone(UTC) if known else None


def _start(block: BlockView) -> datetime:
    if isinstance(block.when, AllDay):
        return datetime.combine(block.when.start, time(), UTC)
    return block.when.start.instant()
