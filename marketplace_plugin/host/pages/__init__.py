"""Steg's pages: routes that read a request, ask, and show a template. One module for each group of them."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint

from marketplace_plugin.host.pages import blocks, calendar, contacts, events, lists, session, several


def create_blueprint() -> Blueprint:
    """The blueprint ``steg``, to be registered without a prefix."""
    blueprint = Blueprint(
        "steg", "marketplace_plugin.host", template_folder=str(Path(__file__).parent.parent / "templates")
    )
    for group in (session, calendar, events, several, blocks, lists, contacts):
        group.add(blueprint)
    return blueprint
