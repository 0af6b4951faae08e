"""``marketplace doctor``: is this deployment able to work, and if not, what is to be done? Changes nothing but tables.

Every check says what it found in one sentence, without secrets and without content.
"""

from __future__ import annotations

import os
import socket
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa

from marketplace_plugin import config
from marketplace_plugin.bundle.registry import Registry
from marketplace_plugin.contract.authorities import NoAuthority, read_authorities
from marketplace_plugin.contract.servers import read_entries
from marketplace_plugin.engine.sign_in.transport import require_secure
from marketplace_plugin.errors import ConfigError, InsecureTransport, SealBroken
from marketplace_plugin.store import Store
from marketplace_plugin.store.vault import parse_keys

CONNECT_SECONDS = 5.0


class Verdict(StrEnum):
    GOOD = "good"
    WARNING = "warning"  # works, but not as it should
    BAD = "bad"  # does not work


@dataclass(frozen=True, slots=True)
class Finding:
    """``todo`` says what to do, empty where all is well."""

    about: str
    verdict: Verdict
    found: str
    todo: str = ""


def examine(environ: Mapping[str, str], *, reach: bool = False) -> Iterator[Finding]:
    """All findings, in the order in which things depend on each other.

    ``reach``: also try whether the services' addresses answer; nothing is sent to them.
    """
    try:
        settings = config.read(environ)
    except ConfigError as error:
        for said in str(error).splitlines():
            yield Finding(
                "settings", Verdict.BAD, said, "set it in the environment; docs/operations.md lists all of them"
            )
        return
    yield Finding("settings", Verdict.GOOD, f"all required ones are set; users come to {settings.base_url}")
    yield from _time_zones()
    yield from _database(settings)
    registry = Registry.find(settings.bundle_path)
    yield from _bundles(registry)
    yield from _integrations(registry, settings.environ, reach)


def _time_zones() -> Iterator[Finding]:
    zones = zoneinfo.available_timezones()
    if "Europe/Berlin" not in zones:
        yield Finding("time zones", Verdict.BAD, "no time zone database was found", "install the package tzdata")
        return
    yield Finding("time zones", Verdict.GOOD, f"{len(zones)} zones, tzdata {version('tzdata')}")


def _database(settings: config.Config) -> Iterator[Finding]:
    try:
        keys = parse_keys(settings.secret_keys)
    except ConfigError as error:
        yield Finding("keys", Verdict.BAD, str(error), "make one with: marketplace doctor --new-key")
        return
    yield Finding("keys", Verdict.GOOD, f"{len(keys)} given, the first one seals")
    try:
        store = Store.open(settings.database_url, keys)
    except ConfigError as error:
        yield Finding("database", Verdict.BAD, str(error), "check MARKETPLACE_DATABASE_URL, its server and its rights")
        return
    except SealBroken:
        yield Finding(
            "database",
            Verdict.BAD,
            "it was sealed with another key",
            "put the former key behind the new one in MARKETPLACE_SECRET_KEYS",
        )
        return
    try:
        with store.begin() as unit:
            unit.connection.execute(sa.text("SELECT 1"))
        yield Finding("database", Verdict.GOOD, f"{store.engine.dialect.name}, tables are up to date, writable")
        yield from _sqlite_file(store)
    finally:
        store.close()


def _sqlite_file(store: Store) -> Iterator[Finding]:
    name = store.engine.url.database
    if store.engine.dialect.name != "sqlite" or not name:
        return
    free = os.statvfs(os.path.dirname(os.path.abspath(name)))  # noqa: PTH100, PTH120  # statvfs takes what os.path gives
    megabytes = free.f_bavail * free.f_frsize // 2**20
    if megabytes < 200:
        yield Finding("disk", Verdict.WARNING, f"{megabytes} MB are free beside the database", "make room")
    if os.stat(name).st_mode & 0o077:  # noqa: PTH116  # the same
        yield Finding("database", Verdict.WARNING, "others on this machine may read its file", "chmod 600")


def _bundles(registry: Registry) -> Iterator[Finding]:
    names = ", ".join(bundle.manifest.bundle for bundle in registry.bundles()) or "none"
    yield Finding("bundles", Verdict.GOOD, f"opened: {names}")
    for disabled in registry.disabled():
        yield Finding("bundles", Verdict.WARNING, f"{disabled.name} is disabled: {disabled.error}", "mend or remove it")


def _integrations(registry: Registry, environ: Mapping[str, str], reach: bool) -> Iterator[Finding]:
    for integration in registry.integrations():
        if not integration.available:
            continue
        if missing := integration.missing_settings(environ):
            names = ", ".join(setting.env for setting in missing)
            yield Finding(
                integration.id, Verdict.WARNING, f"cannot be authorised without {names}", "set them, or ignore it"
            )
            continue
        values = integration.setting_values(environ)
        if wrong_server := _wrong_server_setting(values):
            yield Finding(integration.id, Verdict.BAD, wrong_server, "docs/operations.md says what they hold")
            continue
        addresses = {name: value for name, value in values.items() if name.endswith(("_url", "_root"))}
        wrong = [name for name, value in addresses.items() if not _is_secure(value)]
        if wrong:
            yield Finding(
                integration.id,
                Verdict.BAD,
                f"not https: {', '.join(sorted(wrong))}",
                "http is for loopback addresses alone",
            )
        elif reach and (silent := sorted({u for u in addresses.values() if not _answers(u)})):
            yield Finding(
                integration.id, Verdict.BAD, f"no answer from {', '.join(silent)}", "check name, firewall, proxy"
            )
        else:
            yield Finding(integration.id, Verdict.GOOD, "is set up")


def _wrong_server_setting(values: Mapping[str, str]) -> str:
    """What is wrong with the settings of an integration that reaches servers of its users; empty where nothing is."""
    try:
        read_entries(values.get("allowed_hosts", ""))
    except ValueError as error:
        return f"allowed_hosts: {error} is no entry"
    name = values.get("ca_file", "")
    try:
        if name and not read_authorities(Path(name).read_text(encoding="ascii")):
            return "ca_file: it holds no certificate"
    except NoAuthority as error:
        return f"ca_file: {error.why}"
    except (OSError, UnicodeDecodeError) as error:
        return f"ca_file: cannot be read ({type(error).__name__})"
    return ""


def _is_secure(url: str) -> bool:
    try:
        require_secure(url)
    except InsecureTransport:
        return False
    return True


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=CONNECT_SECONDS):
            return True
    except OSError:
        return False
