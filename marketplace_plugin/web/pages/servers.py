"""What an administrator enters for integrations that reach servers of his organisation: which servers may be sent
passwords, which certificate authorities are trusted there, and whom people can ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString, lazy_gettext
from flask_babel import gettext as _

from marketplace_plugin.contract.authorities import MOST_BYTES, NoAuthority, read_authorities
from marketplace_plugin.contract.servers import read_entries
from marketplace_plugin.engine.form.servers import CONTACT_LENGTH
from marketplace_plugin.web.blueprint import Shared, page

NO_AUTHORITY: Mapping[str, LazyString] = {
    "not-pem": lazy_gettext("This is no certificate in PEM (-----BEGIN CERTIFICATE-----)."),
    "private-key": lazy_gettext("This holds a private key. Only certificates belong here; nothing was kept."),
    "too-many": lazy_gettext("That is too much at once. Please enter the authorities that are needed only."),
    "not-an-authority": lazy_gettext("This certificate may sign no others. Please enter the authority that issued it."),
}


@dataclass
class Rules:
    """One integration's form as it was handed in. ``known`` are the servers it began with; ``errors``: sentences by
    field."""

    integration: str = ""
    allowed: str = ""
    authorities: str = ""
    contact: str = ""
    known: str | None = None
    errors: dict[str, str] = field(default_factory=dict)


def add(blueprint: Blueprint, shared: Shared) -> None:
    actions = shared.actions

    @blueprint.get("/admin/servers")
    def servers() -> ResponseReturnValue:
        return _page(shared, Rules())

    @blueprint.post("/admin/servers/<integration>")
    def save_servers(integration: str) -> ResponseReturnValue:
        admin = shared.admin()
        entered = _entered(integration)
        if entered.errors:
            return _page(shared, entered, status=422)
        actions.save_servers(admin, integration, entered.allowed, entered.authorities, entered.contact, entered.known)
        flash(_("Saved. It counts from the next test and the next sync."), "ok")
        return redirect(url_for(".servers"), 303)

    @blueprint.post("/admin/servers/<integration>/authorities/<fingerprint>/remove")
    def distrust(integration: str, fingerprint: str) -> ResponseReturnValue:
        actions.distrust(shared.admin(), integration, fingerprint)
        flash(_("The authority is no longer trusted."), "ok")
        return redirect(url_for(".servers"), 303)


def _page(shared: Shared, entered: Rules, status: int = 200) -> ResponseReturnValue:
    admin = shared.admin()
    return page(
        "marketplace/admin/servers.html",
        status=status,
        crumbs=[(_("Administration"), None), (_("Connections"), url_for(".admin")), (_("Servers"), None)],
        nav="admin",
        views=shared.actions.servers(admin),
        entered=entered,
    )


def _entered(integration: str) -> Rules:
    form, upload = request.form, request.files.get("file")
    uploaded = upload.read(MOST_BYTES + 1).decode("ascii", "replace") if upload is not None else ""
    entered = Rules(
        integration,
        form.get("allowed", ""),
        form.get("authorities", ""),
        form.get("contact", "").strip(),
        form.get("known"),
    )
    try:
        read_entries(entered.allowed)
    except ValueError as error:
        entered.errors["allowed"] = _("“%(entry)s” is no name of a server and no address.", entry=str(error))
    try:
        read_authorities(f"{entered.authorities}\n{uploaded}")
    except NoAuthority as error:
        entered.errors["authorities"] = str(NO_AUTHORITY[error.why])
        if error.why == "private-key":
            entered.authorities = ""  # it is not sent back either
    entered.authorities = f"{entered.authorities}\n{uploaded}" if not entered.errors else entered.authorities
    if len(entered.contact) > CONTACT_LENGTH:
        entered.errors["contact"] = _("This is too long.")
    return entered
