"""The scopes that the sandbox knows, as the service names them in its replies."""

from __future__ import annotations

from collections.abc import Iterable

BASE = "https://www.googleapis.com/auth/"

_CALENDAR = {
    "calendar": "See, edit, share and permanently delete all your calendars",
    "calendar.acls": "See and change the sharing permissions of calendars you own",
    "calendar.acls.readonly": "See the sharing permissions of calendars you own",
    "calendar.app.created": "Make secondary calendars, and manage events on them",
    "calendar.calendarlist": "See, add and remove calendars you are subscribed to",
    "calendar.calendarlist.readonly": "See the list of calendars you are subscribed to",
    "calendar.calendars": "See and change the properties of calendars",
    "calendar.calendars.readonly": "See the properties of calendars",
    "calendar.events": "View and edit events on all your calendars",
    "calendar.events.freebusy": "See the availability on calendars you have access to",
    "calendar.events.owned": "See, create, change and delete events on calendars you own",
    "calendar.events.owned.readonly": "See the events on calendars you own",
    "calendar.events.public.readonly": "See the events on public calendars",
    "calendar.events.readonly": "View events on all your calendars",
    "calendar.freebusy": "View your availability in your calendars",
    "calendar.readonly": "See and download any calendar you can access",
    "calendar.settings": "View and edit your calendar settings",
    "calendar.settings.readonly": "View your calendar settings",
}
_CONTACTS_AND_TASKS = {
    "contacts": "See, edit, download and permanently delete your contacts",
    "contacts.readonly": "See and download your contacts",
    "contacts.other.readonly": "See and download your other contacts",
    "tasks": "Create, edit, organise and delete all your tasks",
    "tasks.readonly": "View your tasks",
}

SENSITIVE: dict[str, str] = {BASE + name: text for name, text in {**_CALENDAR, **_CONTACTS_AND_TASKS}.items()}
"""Scope -> what the consent page says. Each has a checkbox that can be unticked."""

_BASIC = {
    "openid": "openid",
    "email": BASE + "userinfo.email",
    "profile": BASE + "userinfo.profile",
    BASE + "userinfo.email": BASE + "userinfo.email",
    BASE + "userinfo.profile": BASE + "userinfo.profile",
}
BASIC = frozenset(_BASIC.values())


def canonical(requested: Iterable[str]) -> list[str]:
    """The scopes as the token reply will name them, in the service's own order.

    The short OpenID names become URLs, and each of them brings ``openid`` with it, so the
    granted scope is never the requested string: clients have to compare sets.

    Raises:
        ValueError: names the first scope that is unknown.
    """
    found: set[str] = set()
    for scope in requested:
        if scope in _BASIC:
            found |= {_BASIC[scope], "openid"}
        elif scope in SENSITIVE:
            found.add(scope)
        else:
            raise ValueError(scope)
    return ordered(found)


def ordered(scopes: Iterable[str]) -> list[str]:
    """The service's order: sensitive ones first, then the OpenID ones."""
    return sorted(scopes, key=lambda scope: (scope in BASIC, scope))
