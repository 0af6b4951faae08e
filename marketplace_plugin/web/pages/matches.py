"""What the owner says about contacts, tasks and calls: whether two are one, and that one is mirrored again."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace_plugin.errors import InvalidSettings
from marketplace_plugin.web.blueprint import Shared, inside


def add(blueprint: Blueprint, shared: Shared) -> None:
    actions = shared.actions

    @blueprint.post("/profile/matches/<link>")
    def settle_match(link: str) -> ResponseReturnValue:
        person = shared.person()
        match request.form.get("decision", ""):
            case "same":
                actions.same(person, link, request.form.get("ref", ""))
                flash(_("The next sync makes one of the two. Nothing that only one of them tells is lost."), "ok")
            case "different":
                actions.different(person, link)
                flash(_("The next sync keeps both."), "ok")
            case _other:
                raise InvalidSettings("no such decision")
        return redirect(url_for(".decisions"), 303)

    @blueprint.post("/mirror/<link>")
    def mirror_again(link: str) -> ResponseReturnValue:
        actions.mirror_again(shared.person(), link)
        flash(_("The next sync shows it in your calendar again."), "ok")
        return redirect(inside(request.form.get("next", "")) or url_for(".profile"), 303)
