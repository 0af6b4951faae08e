"""Names of delegated permissions, as they are asked for and as they come back.

Source: https://learn.microsoft.com/entra/identity-platform/scopes-oidc
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

RESOURCE = "https://graph.microsoft.com/"
OIDC = ("openid", "profile", "email", "offline_access")
DESCRIPTIONS: Mapping[str, tuple[str, str]] = {
    "User.Read": ("Anmelden und Ihr Profil lesen", "Sign you in and read your profile"),
    "Calendars.Read": ("Ihre Kalender lesen", "Read your calendars"),
    "Calendars.ReadBasic": ("Grunddaten Ihrer Kalender lesen", "Read basic details of your calendars"),
    "Calendars.ReadWrite": ("Vollzugriff auf Ihre Kalender", "Have full access to your calendars"),
    "Calendars.Read.Shared": ("Kalender lesen, die Sie öffnen können", "Read calendars that you can access"),
    "Calendars.ReadWrite.Shared": (
        "Kalender lesen und ändern, die Sie öffnen können",
        "Read and write to your and shared calendars",
    ),
    "Contacts.ReadWrite": ("Vollzugriff auf Ihre Kontakte", "Have full access to your contacts"),
    "Tasks.ReadWrite": ("Ihre Aufgaben anlegen, lesen und ändern", "Create, read and update your tasks"),
    "MailboxSettings.Read": ("Ihre Postfacheinstellungen lesen", "Read your mailbox settings"),
    "offline_access": (
        "Zugriff auf Daten beibehalten, für die Sie ihn erlaubt haben",
        "Maintain access to data you have given it access to",
    ),
}
_KNOWN = {name.lower(): name for name in (*DESCRIPTIONS, *OIDC)}
_BY_ADMIN = ("Calendars.", "Contacts.", "Tasks.")
DEFAULT = ".default"


def canonical(names: Iterable[str], registered: Iterable[str]) -> list[str]:
    """The short names of what is asked for, in any writing; ``.default`` is what is registered.

    Raises:
        ValueError: with the name of an unknown one.
    """
    found: dict[str, None] = {}
    for name in names:
        short = name[len(RESOURCE) :] if name.lower().startswith(RESOURCE) else name
        if short.lstrip("/") == DEFAULT:
            found |= dict.fromkeys(registered)
        elif short.lower() in _KNOWN:
            found[_KNOWN[short.lower()]] = None
        else:
            raise ValueError(name)
    return list(found)


def needs_admin(name: str) -> bool:
    """Whether the consent policy that Microsoft manages keeps users from allowing it."""
    return name.startswith(_BY_ADMIN)


def shown(names: Iterable[str]) -> str:
    """``scope`` of a token reply: full names in another order than asked, without offline_access."""
    given = set(names)
    oidc = [name for name in ("profile", "openid", "email") if name in given]
    return " ".join([*sorted((RESOURCE + name for name in given - set(OIDC)), reverse=True), *oidc])
