"""What the steps of a search and of a connection test say, by their codes; fragments may bring more."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date

from babel import Locale
from babel.dates import format_date
from flask_babel import LazyString
from flask_babel import lazy_gettext as _

TEST_STEPS: Mapping[str, LazyString] = {
    "settings": _("Set-up of this integration"),
    "server": _("Find the server"),
    "tls": _("Encryption"),
    "sign-in": _("Sign-in"),
    "scopes": _("Permissions"),
    "calendars": _("Read calendars"),
    "target": _("Target calendar writable"),
    "unexpected": _("Connection test"),
    # of a search
    "service-record": _("Entry in the domain's name service"),
    "redirect": _("Referral by the domain"),
    "well-known": _("Usual address"),
}
FACTS: Mapping[str, LazyString] = {
    "account": _("Signed in as %(value)s"),
    "calendars": _("%(value)s calendars found"),
    "calendar": _("Calendar “%(value)s”"),
    "scopes": _("Missing: %(value)s"),
    "server": _("Server %(value)s"),
    "address": _("Address %(value)s"),
    "scheme": _("Method %(value)s"),
    "valid-until": _("Certificate valid until %(value)s"),
    "taken-away": _("test entry written and removed again"),
}
CAUSES: Mapping[str, LazyString] = {
    "scope-missing": _("A permission was left out at the sign-in"),
    "no-calendars": _("The account has no calendars"),
    "no-target": _("No target calendar is chosen"),
    "target-gone": _("The target calendar is no longer there"),
    "target-read-only": _("The target calendar may only be read"),
    "target-masked": _("The target calendar hides its details"),
    "no-server": _("No server is given"),
    "no-address": _("This is no name of a server and no address"),
    "not-encrypted": _("Plain http would show your password to others on the way"),
    "nothing-found": _("Nothing found"),
    "silent": _("The server does not answer"),
    "unknown-authority": _("The certificate comes from an authority that is not known here"),
    "certificate-expired": _("The server's certificate is out of date"),
    "certificate-of-another": _("The certificate belongs to a server with another name"),
    "old-encryption": _("The server offers no TLS 1.2 or later"),
    "wrong-password": _("The server refuses this user name or password"),
    "refused-before": _("Exactly these entries were tried a moment ago and not accepted; they are not sent again"),
    "no-interface": _("The server does not offer the interface that is needed"),
    "no-common-method": _("The server offers no way to sign in with a password"),
    "version-too-old": _("This version is too old"),
    "no-mailbox": _("There is no mailbox for this account"),
    "not-removed": _("The test entry was written and could not be removed"),
    "not-ticked": _("Left out, as you did not tick it"),
}
WAYS_OUT: Mapping[str, LazyString] = {
    "reauthorize": _("Please authorise again."),
    "try-later": _("Please try again in a few minutes."),
    "choose-target": _("Please choose a target calendar in the settings."),
    "choose-other-target": _("Please choose a target calendar that you may write to."),
    "ask-owner": _("Please ask the calendar's owner for the right to make changes."),
    "ask-admin": _("Please ask your administrator."),
    "check-server": _("Please check how it is written, or let it be searched for."),
    "enter-server": _("Please enter the server by hand; whoever looks after it knows its name."),
    "check-password": _(
        "Please check both. It was tried once and is not repeated by itself: several failed attempts lock an account, "
        "and it may be locked already."
    ),
    "wait-or-change": _("Change an entry, or wait ten minutes: failed attempts lock an account."),
    "ask-contact": _("Please ask your contact for the server."),
    "store-authority": _("Your administrator can enter your organisation's authority under Administration."),
    "request-server": _("You can ask your administrator for access below."),
    "remove-by-hand": _("Please delete the entry of 1 January 2001 by hand."),
}


def fact(name: str, value: object, locale: Locale) -> str:
    """What a step found out, as a person reads it; the value alone where the code has no text."""
    said = str(value)  # a plugin may tell a number
    if name == "valid-until":
        with suppress(ValueError):  # no date: as it was told
            said = format_date(date.fromisoformat(said), "medium", locale=locale)
    return str(FACTS[name]).replace("%(value)s", said) if name in FACTS else said
