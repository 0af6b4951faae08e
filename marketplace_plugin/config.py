"""The settings of a deployment: what they are called, what they mean, and how they are read and checked.

docs/operations.md lists the same table; a test holds the two together. Settings of an integration (client ids, service
addresses) are declared by its manifest and read by ``Integration.setting_values``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from environs import Env

from marketplace_plugin.contract.servers import is_loopback
from marketplace_plugin.errors import ConfigError

PREFIX = "MARKETPLACE_"


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable: ``meaning`` is the sentence of the documentation."""

    name: str
    meaning: str
    required: bool = False
    secret: bool = False
    default: str = ""


VARIABLES = (
    Variable("MARKETPLACE_DATABASE_URL", "the database, as an SQLAlchemy URL", required=True),
    Variable(
        "MARKETPLACE_SECRET_KEYS",
        "the keys that seal tokens and private content, URL-safe base64 of 32 bytes each, the newest first, "
        "joined by commas; kept outside the database",
        required=True,
        secret=True,
    ),
    Variable(
        "MARKETPLACE_BASE_URL",
        "the address that users and services reach the server under; https, except on loopback",
        required=True,
    ),
    Variable(
        "MARKETPLACE_BUNDLE_PATH", "further directories with bundles, joined as in PATH; bundles are trusted code"
    ),
    Variable("MARKETPLACE_PROXIES", "how many proxies in front of the server set X-Forwarded-*", default="0"),
    Variable("MARKETPLACE_WORKERS", "passes that run at the same time in this process", default="4"),
    Variable(
        "MARKETPLACE_JOURNAL_DAYS",
        "days that a run can be taken back: so long its journal and settled conflicts are kept",
        default="30",
    ),
    Variable("MARKETPLACE_LOG_LEVEL", "debug, info, warning or error", default="info"),
)
_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Config:
    """A checked set of settings. ``environ`` is what the manifests' settings are read from."""

    database_url: str = field(repr=False)  # may hold a password
    secret_keys: tuple[str, ...] = field(repr=False)
    base_url: str
    bundle_path: str = ""
    proxies: int = 0
    workers: int = 4
    journal_days: int = 30
    log_level: str = "info"
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def secure(self) -> bool:
        """Whether users reach the server by https; cookies are marked accordingly."""
        return urlsplit(self.base_url).scheme == "https"

    @property
    def origin(self) -> str:
        """Scheme, host and port of ``base_url``."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"


def read(environ: Mapping[str, str]) -> Config:
    """The settings in ``environ``. Raises ConfigError with a line for every variable that is missing or wrong."""
    wrong: list[str] = []
    values: dict[str, str] = {}
    for variable in VARIABLES:
        value = environ.get(variable.name, "").strip() or variable.default
        if not value and variable.required:
            wrong.append(f"{variable.name} is not set: {variable.meaning}")
        values[variable.name] = value
    base_url = values["MARKETPLACE_BASE_URL"].rstrip("/")
    if base_url and (said := wrong_base_url(base_url)):
        wrong.append(f"MARKETPLACE_BASE_URL: {said}")
    counted = ("MARKETPLACE_PROXIES", "MARKETPLACE_WORKERS", "MARKETPLACE_JOURNAL_DAYS")
    numbers = {name: _number(values, name, wrong) for name in counted}
    if numbers["MARKETPLACE_WORKERS"] < 1:
        wrong.append("MARKETPLACE_WORKERS: at least 1 is needed")
    if numbers["MARKETPLACE_JOURNAL_DAYS"] < 1:
        wrong.append("MARKETPLACE_JOURNAL_DAYS: at least 1 is needed, for the brake counts the last day")
    level = values["MARKETPLACE_LOG_LEVEL"].lower()
    if level not in _LEVELS:
        wrong.append(f"MARKETPLACE_LOG_LEVEL: expected one of {', '.join(_LEVELS)}")
    if wrong:
        raise ConfigError("\n".join(wrong))
    return Config(
        database_url=values["MARKETPLACE_DATABASE_URL"],
        secret_keys=tuple(filter(None, (k.strip() for k in values["MARKETPLACE_SECRET_KEYS"].split(",")))),
        base_url=base_url,
        bundle_path=values["MARKETPLACE_BUNDLE_PATH"],
        proxies=numbers["MARKETPLACE_PROXIES"],
        workers=numbers["MARKETPLACE_WORKERS"],
        journal_days=numbers["MARKETPLACE_JOURNAL_DAYS"],
        log_level=level,
        environ=dict(environ),
    )


def from_process() -> Config:
    """The settings of this process; a file ``.env`` in the working directory fills in what is not set."""
    read_dotenv()
    return read({name: value for name, value in os.environ.items() if name.startswith(PREFIX)})


def read_dotenv() -> None:
    """Fill in what is not set from a file ``.env`` in the working directory, if there is one."""
    Env().read_env(".env", recurse=False)


def _number(values: Mapping[str, str], name: str, wrong: list[str]) -> int:
    try:
        number = int(values[name])
    except ValueError:
        number = -1
    if number < 0:
        wrong.append(f"{name}: expected a number, 0 or more")
        return 1
    return number


def wrong_base_url(url: str) -> str:
    """What is wrong with an address for users, empty where nothing is."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "expected an address such as https://steg.example.org"
    if parts.path or parts.query or parts.fragment:
        return "expected no path: services compare the address of the callback letter by letter"
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        return "plain http is accepted for loopback addresses alone"
    return ""
