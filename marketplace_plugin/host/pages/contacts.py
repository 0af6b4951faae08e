"""Contacts: one's own and what colleagues share, searched, shown, edited, shared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from marketplace_plugin.host.acts import Done, Missing, Saved
from marketplace_plugin.host.forms import contact as form
from marketplace_plugin.host.pages import wording
from marketplace_plugin.host.pages.page import as_values, inside, posted, show, steg, viewer
from marketplace_plugin.host.records import contacts, persons
from marketplace_plugin.host.records.contacts import Record, Whose
from marketplace_plugin.model.contact import YEARLESS, Contact, called
from marketplace_plugin.model.item import Kind

ON_A_PAGE = 50
MOST_PAGES = 10_000


@dataclass(frozen=True, slots=True)
class Shown:
    """A contact in the list or on its page. ``by`` is the colleague who shares it, empty for one's own."""

    record: Record
    name: str
    by: str = ""


def add(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/contacts", view_func=contact_list, methods=["GET"])
    blueprint.add_url_rule("/contacts/new", view_func=contact_new, methods=["GET", "POST"])
    blueprint.add_url_rule("/contacts/<ref>", view_func=contact, methods=["GET"])
    blueprint.add_url_rule("/contacts/<ref>/edit", view_func=contact_edit, methods=["GET", "POST"])
    blueprint.add_url_rule("/contacts/<ref>/share", view_func=contact_share, methods=["POST"])
    blueprint.add_url_rule("/contacts/<ref>/delete", view_func=contact_delete, methods=["POST"])


def contact_list() -> ResponseReturnValue:
    who, text = viewer(), request.args.get("q", "").strip()[:200]
    whose = Whose(asked) if (asked := request.args.get("whose", "")) in set(Whose) else Whose.ALL
    page = _page(request.args.get("page", ""))
    with steg().database.read() as c:
        found = contacts.search(c, who, text, whose, start=(page - 1) * ON_A_PAGE, limit=ON_A_PAGE)
        names = {person.id: person.name for person in persons.of_tenant(c, who.tenant)}
    return show(
        "contact/contacts.html",
        contacts=[_shown(record, who.id, names) for record in found.records],
        total=found.total,
        text=text,
        whose=whose,
        page=page,
        pages=max(1, -(-found.total // ON_A_PAGE)),
    )


def contact(ref: str) -> ResponseReturnValue:
    who = viewer()
    with steg().database.read() as c:
        record = contacts.seen(c, who, ref)
        names = {person.id: person.name for person in persons.of_tenant(c, who.tenant)}
    if record is None:
        raise NotFound
    shown = _shown(record, who.id, names)
    return show(
        "contact/contact.html",
        shown=shown,
        contact=record.item,
        record=record,
        own=record.owner == who.id,
        labels=wording.CONTACT_LABELS,
        born=_born(record.item),
        tie=steg().tie(who.id, ref, Kind.CONTACT) if record.owner == who.id else None,
        crumbs=[(_("Contacts"), url_for(".contact_list")), (shown.name, None)],
    )


def contact_new() -> ResponseReturnValue:
    action = url_for(".contact_new")
    if request.method == "GET":
        return _form(form.contact_values(Contact()), action=action)
    fields = posted()
    item = form.read_contact(fields, Contact())
    if fields.errors:
        return _form(as_values(), action=action, errors=fields.errors, status=422)
    done = steg().acts.create_contact(viewer(), item, shared=fields.ticked("shared"))
    return _saved(url_for(".contact", ref=done.ref), _("Saved."))


def contact_edit(ref: str) -> ResponseReturnValue:
    record = _mine(ref)
    action = url_for(".contact_edit", ref=ref)
    if request.method == "GET":
        values = form.contact_values(record.item) | {"version": str(record.version), "shared": record.shared}
        return _form(values, action=action, record=record)
    fields = posted()
    item = form.read_contact(fields, record.item)
    if fields.errors:
        return _form(as_values(), action=action, errors=fields.errors, status=422, record=record)
    expected = fields.number("version", 0, 10**11, 0)
    done = steg().acts.change_contact(viewer(), ref, expected, item, shared=fields.ticked("shared"))
    if isinstance(done, Saved):
        return _saved(url_for(".contact", ref=ref), _("Saved."))
    return _refused(done, record)


def contact_share(ref: str) -> ResponseReturnValue:
    fields = posted()
    shared = fields.ticked("shared")
    done = steg().acts.change_contact(viewer(), ref, fields.number("version", 0, 10**11, 0), shared=shared)
    said = _("Your colleagues see this contact now.") if shared else _("Only you see this contact now.")
    return _told(done, url_for(".contact", ref=ref), said)


def contact_delete(ref: str) -> ResponseReturnValue:
    expected = posted().number("version", 0, 10**11, 0)
    return _told(steg().acts.delete_contact(viewer(), ref, expected), url_for(".contact_list"), _("Deleted."))


# ---- parts ---------------------------------------------------------------------------------------------------------


def _shown(record: Record, me: str, names: Mapping[str, str]) -> Shown:
    name = called(record.item) or _("Without a name")  # a link has to be seen to be followed
    return Shown(record, name, "" if record.owner == me else names.get(record.owner, ""))


def _page(text: str) -> int:
    return min(max(1, int(text)), MOST_PAGES) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def _born(item: Contact) -> str:
    """The birthday in words; without its year where nobody knows it."""
    born = item.birthday
    return "" if born is None else wording.birthday(born, with_year=born.year != YEARLESS)


def _mine(ref: str) -> Record:
    with steg().database.read() as c:
        record = contacts.mine(c, viewer().id, ref)
    if record is None:
        raise NotFound
    return record


def _saved(to: str, said: str) -> ResponseReturnValue:
    flash({"text": said, "undo": ""}, "toast")  # type: ignore[arg-type]  # the session's JSON carries it
    return redirect(inside(request.form.get("back", ""), to), 303)


def _told(done: Done, to: str, said: str) -> ResponseReturnValue:
    if isinstance(done, Saved):
        return _saved(to, said)
    flash(_("This was changed meanwhile, so nothing was done. Please look at it again."), "warn")
    return redirect(url_for(".contact_list") if isinstance(done, Missing) else to, 303)


def _refused(done: Done, record: Record) -> ResponseReturnValue:
    """What was typed stays in the form."""
    typed = as_values()
    if isinstance(done, Missing):
        said = _("This was deleted meanwhile. Your entries are kept here: “Save” creates it anew.")
        return _form(typed, action=url_for(".contact_new"), status=409, warning=said)
    fresh = _mine(record.ref)
    typed["version"] = str(fresh.version)
    said = _(
        "Somebody, or the sync, changed this while you were editing it. Nothing was overwritten. Your entries are kept "
        "here: “Save” puts them in the place of the present ones."
    )
    return _form(typed, action=url_for(".contact_edit", ref=record.ref), status=409, warning=said, record=fresh)


def _form(
    values: Mapping[str, Any],
    *,
    action: str,
    errors: Mapping[str, Any] | None = None,
    status: int = 200,
    warning: str = "",
    record: Record | None = None,
) -> ResponseReturnValue:
    title = (called(record.item) or _("Without a name")) if record is not None else _("New contact")
    back = url_for(".contact", ref=record.ref) if record is not None else url_for(".contact_list")
    return show(
        "contact/contact_form.html",
        status,
        values=values,
        rows=form.rows(values),
        errors=errors or {},
        action=action,
        warning=warning,
        record=record,
        title=title,
        labels=wording.CONTACT_LABELS,
        back=back,
        crumbs=[(_("Contacts"), url_for(".contact_list")), (title, None)],
    )
