"""The marketplace: browse and search, an integration's page, install, add, request, uninstall."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace_plugin.bundle.manifest import Category
from marketplace_plugin.bundle.search import search, similar
from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.views import Audience
from marketplace_plugin.errors import NotFound
from marketplace_plugin.web.actions import Offer
from marketplace_plugin.web.blueprint import Shared, is_fragment, locale, page

NAV = "market"


def add(blueprint: Blueprint, shared: Shared) -> None:
    actions = shared.actions

    @blueprint.get("/marketplace")
    def market() -> ResponseReturnValue:
        offers = actions.offers(shared.person())
        query, category = request.args.get("q", "").strip(), request.args.get("category", "")
        by_id = {offer.integration.id: offer for offer in offers}
        everything = [offer.integration for offer in offers]
        in_category = [i for i in everything if not category or i.category == category]
        hits = search(in_category, query)
        near = [i for i in similar(everything, query) if i not in hits] if query else []
        return page(
            "marketplace/market/_results.html" if is_fragment() else "marketplace/market/market.html",
            crumbs=[(_("Marketplace"), None)],
            nav=NAV,
            query=query,
            category=category,
            hits=[by_id[i.id] for i in hits],
            near=[by_id[i.id] for i in near],
            categories=_categories(offers),
            total=len(offers),
        )

    @blueprint.get("/marketplace/<integration>")
    def detail(integration: str) -> ResponseReturnValue:
        return _detail(shared, shared.person(), integration)

    @blueprint.post("/marketplace/<integration>/install")
    def install(integration: str) -> ResponseReturnValue:
        person = shared.admin()
        name = _offer(shared, person, integration).integration.name.in_(person.locale)
        try:
            audience = Audience(request.form.get("audience", ""))
        except ValueError:
            return _detail(shared, person, integration, error=_("Please choose who may use this integration."))
        actions.install(person, integration, audience)
        flash(_("%(name)s is installed.", name=name), "ok")
        return redirect(url_for(".detail", integration=integration), 303)

    @blueprint.post("/marketplace/<integration>/add", endpoint="add")
    def add_(integration: str) -> ResponseReturnValue:
        connection = actions.add(shared.person(), integration)
        return redirect(url_for(".connect", connection=connection), 303)

    @blueprint.post("/marketplace/<integration>/request", endpoint="request")
    def request_(integration: str) -> ResponseReturnValue:
        actions.request(shared.person(), integration)
        flash(_("Your request was sent. You can add the integration as soon as an administrator has agreed."), "ok")
        return redirect(url_for(".detail", integration=integration), 303)

    @blueprint.get("/marketplace/<integration>/uninstall")
    def uninstall(integration: str) -> ResponseReturnValue:
        person = shared.admin()
        offer = _offer(shared, person, integration)
        return page(
            "marketplace/market/uninstall.html",
            crumbs=_crumbs(offer, _("Uninstall")),
            nav=NAV,
            offer=offer,
            affected=actions.affected(person, integration),
        )

    @blueprint.post("/marketplace/<integration>/uninstall", endpoint="uninstall_now")
    def uninstall_(integration: str) -> ResponseReturnValue:
        person = shared.admin()
        name = _offer(shared, person, integration).integration.name.in_(person.locale)
        actions.uninstall(person, integration)
        flash(_("%(name)s is uninstalled. Its connections have ended.", name=name), "ok")
        return redirect(url_for(".detail", integration=integration), 303)


def _offer(shared: Shared, person: Person, integration: str) -> Offer:
    """Raises NotFound for an integration that is not offered."""
    for offer in shared.actions.offers(person):
        if offer.integration.id == integration:
            return offer
    raise NotFound(integration)


def _detail(shared: Shared, person: Person, integration: str, error: str = "") -> ResponseReturnValue:
    offer = _offer(shared, person, integration)
    return page(
        "marketplace/market/detail.html",
        status=422 if error else 200,
        crumbs=_crumbs(offer),
        nav=NAV,
        offer=offer,
        people=len(shared.host.people(person.tenant)),
        error=error,
    )


def _crumbs(offer: Offer, *more: str) -> list[tuple[object, str | None]]:
    name = offer.integration.name.in_(str(locale()))
    here = url_for(".detail", integration=offer.integration.id) if more else None
    return [(_("Marketplace"), url_for(".market")), (name, here), *((text, None) for text in more)]


def _categories(offers: Sequence[Offer]) -> list[tuple[Category, int]]:
    counted = Counter(offer.integration.category for offer in offers)
    return [(category, counted[category]) for category in Category if counted[category]]
