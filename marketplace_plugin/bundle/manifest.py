"""What ``manifest.yaml`` says, as values. Reading and checking it is ``schema.py``'s work."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from marketplace_plugin.errors import BundleError, ConfigError
from marketplace_plugin.model.item import Kind


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages."""

    de: str
    en: str

    def in_(self, locale: str) -> str:
        """The text for a locale such as ``de`` or ``en_GB``; English for any that is not German."""
        return self.de if locale.startswith("de") else self.en


class Stage(StrEnum):
    AVAILABLE = "available"
    ANNOUNCED = "announced"  # shown in the marketplace as coming; it has no code yet and cannot be added


class Category(StrEnum):
    CALENDAR = "calendar"
    CONTACTS = "contacts"
    TASKS = "tasks"
    TELEPHONY = "telephony"
    MAIL = "mail"
    DOCUMENTS = "documents"
    FINANCE = "finance"


class Level(StrEnum):
    """How far a permission goes. ``none`` states what is not asked for."""

    READ = "read"
    WRITE = "write"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Permission:
    area: Text
    level: Level
    why: Text


SHARED = "shared"
"""The feature of a scope for collections that other people have shared: asked for when the user wants them."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One OAuth scope. ``feature`` is empty for what every connection needs, else a ``Kind`` or ``SHARED``."""

    name: str
    required: bool = True
    feature: str = ""


class ScopeMatch(StrEnum):
    """How the scopes of a service's answer are compared with those that were asked for."""

    EXACT = "exact"
    LAST_SEGMENT = "last-segment"  # https://service.example/Calendars.Read, Calendars.Read and calendars.read are one


@dataclass(frozen=True, slots=True)
class AdminConsent:
    """For services at which an organisation's admin may have to consent before its people can.

    ``url`` is where he does. ``instead`` are values of settings that this address does not take, each with the one that
    stands there. ``needed`` and ``declined`` are marks in the description of a refusal: that an admin has to consent,
    and that the user said no.
    """

    url: str
    instead: tuple[tuple[str, str], ...] = ()
    needed: tuple[str, ...] = ()
    declined: tuple[str, ...] = ()


class AuthType(StrEnum):
    OAUTH2 = "oauth2"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of the form that a person fills in. A ``secret`` one is never shown again. ``server`` (where the account
    is) and ``email`` (whose account it is) are known to our code."""

    name: str
    secret: bool = False
    required: bool = True


@dataclass(frozen=True, slots=True)
class HandOver:
    """Servers (entries of ``contract.servers``) that take no passwords: their accounts belong to the integration
    ``to``."""

    to: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Auth:
    """How an account is authorised. ``fields`` and ``hand_over`` are for a form, all others but ``type`` for OAuth.

    The URLs are the service's own; a deployment setting of the same name overrides each. ``{name}`` in one stands for
    the setting of that name; in ``issuer`` also for ``token_origin`` (scheme and host of ``token_url``) and for a claim
    of the id_token. ``tenant_claim`` has to be equal to the setting ``tenant`` where that is a UUID. ``params`` go into
    the authorisation request as they stand.
    """

    type: AuthType
    authorize_url: str = ""
    token_url: str = ""
    revoke_url: str = ""
    issuer: str = ""
    tenant_claim: str = ""
    scopes: tuple[Scope, ...] = ()
    scope_match: ScopeMatch = ScopeMatch.EXACT
    admin_consent: AdminConsent | None = None
    params: tuple[tuple[str, str], ...] = ()
    fields: tuple[FormField, ...] = ()
    hand_over: HandOver | None = None

    def scopes_for(self, features: frozenset[str] = frozenset()) -> tuple[Scope, ...]:
        """What is asked for when ``features`` are switched on; without any, what every connection needs."""
        return tuple(s for s in self.scopes if not s.feature or s.feature in features)


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of the deployment: read from the environment variable ``env``, else ``default``."""

    name: str
    env: str
    default: str = ""
    required: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """One entry of the marketplace. ``hooks`` is the module below the bundle's ``hooks/``, empty while announced."""

    id: str
    name: Text
    summary: Text
    points: tuple[Text, ...]
    service: str  # what the service is called in sentences: "Anmeldung bei {service}"
    search: tuple[str, ...]
    version: str
    vendor: str
    category: Category
    kinds: tuple[Kind, ...]
    permissions: tuple[Permission, ...]
    requirements: tuple[Text, ...]
    auth: Auth
    settings: tuple[Setting, ...] = ()
    hooks: str = ""
    fragments: tuple[tuple[str, str], ...] = ()  # (slot, file below ui_fragments/)
    icon: str = "calendar-days"
    tone: str = "t0"
    license: str = ""
    stage: Stage = Stage.AVAILABLE

    @property
    def available(self) -> bool:
        return self.stage is Stage.AVAILABLE

    def setting_values(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        """The deployment settings by name, from ``environ``, the defaults and the auth facts.

        What is empty is left out, and nothing is raised for what is missing: see ``missing_settings``.
        """
        given = {s.name: value for s in self.settings if (value := environ.get(s.env) or s.default)}
        return {name: value for name, value in (self.addresses(given) | given).items() if value}

    def addresses(self, given: Mapping[str, str]) -> dict[str, str]:
        """The service's own addresses with the settings ``given`` in them; empty ones are those that it lacks."""
        auth, consent = self.auth, self.auth.admin_consent
        found = {"authorize_url": auth.authorize_url, "token_url": auth.token_url, "revoke_url": auth.revoke_url}
        found = {name: filled(template, given) for name, template in found.items()}
        if consent is not None:
            instead = dict(consent.instead)
            found["admin_consent_url"] = filled(consent.url, {n: instead.get(v, v) for n, v in given.items()})
        return found

    def missing_settings(self, environ: Mapping[str, str]) -> tuple[Setting, ...]:
        """The settings without which no account can be authorised, and that nobody has set."""
        values = self.setting_values(environ)
        return tuple(s for s in self.settings if s.required and s.name not in values)

    def require_settings(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        """``setting_values``, or ConfigError that names each missing variable."""
        if missing := self.missing_settings(environ):
            raise ConfigError(f"{self.id}: set " + ", ".join(s.env for s in missing))
        return self.setting_values(environ)


PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def filled(template: str, values: Mapping[str, str]) -> str:
    """``template`` with ``values`` in the place of their names in braces; other names stay."""
    return PLACEHOLDER.sub(lambda name: values.get(name[1], name[0]), template)


@dataclass(frozen=True, slots=True)
class BrokenEntry:
    """An entry of a manifest that does not fit the schema; the others stand."""

    id: str
    errors: tuple[BundleError, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A bundle's description. ``bundle`` names its private package; ``integrations`` keep the file's order."""

    bundle: str
    integrations: tuple[Integration, ...]
    broken: tuple[BrokenEntry, ...] = ()
