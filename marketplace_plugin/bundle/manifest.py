"""What ``manifest.yaml`` says, as values. Reading and checking it is ``schema.py``'s work."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Scope:
    """One OAuth scope. ``feature`` is empty for what every connection needs, else the switch that asks for it."""

    name: str
    required: bool = True
    feature: str = ""


class AuthType(StrEnum):
    OAUTH2 = "oauth2"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class Auth:
    """How an account is authorised. All but ``type`` is for OAuth.

    The URLs are the service's own; a deployment setting of the same name overrides each. ``params`` go into the
    authorisation request as they stand.
    """

    type: AuthType
    authorize_url: str = ""
    token_url: str = ""
    revoke_url: str = ""
    issuer: str = ""
    scopes: tuple[Scope, ...] = ()
    params: tuple[tuple[str, str], ...] = ()

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
        values = {name: str(getattr(self.auth, name)) for name in ("authorize_url", "token_url", "revoke_url")}
        for setting in self.settings:
            values[setting.name] = environ.get(setting.env) or setting.default or values.get(setting.name, "")
        return {name: value for name, value in values.items() if value}

    def missing_settings(self, environ: Mapping[str, str]) -> tuple[Setting, ...]:
        """The settings without which no account can be authorised, and that nobody has set."""
        values = self.setting_values(environ)
        return tuple(s for s in self.settings if s.required and s.name not in values)

    def require_settings(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        """``setting_values``, or ConfigError that names each missing variable."""
        if missing := self.missing_settings(environ):
            raise ConfigError(f"{self.id}: set " + ", ".join(s.env for s in missing))
        return self.setting_values(environ)


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
