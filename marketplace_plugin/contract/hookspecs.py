"""Every hook that a plugin can implement: when it is called, how often, and what a raise does.

A plugin is a hook module of a bundle (``hooks/<name>.py``), registered under its integration's id. A call for one
integration reaches that plugin alone. ``integration`` is that id wherever it appears. Signatures may be shortened:
pluggy passes only the arguments that an implementation names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

import pluggy

from marketplace_plugin.contract.provider import Provider, Session
from marketplace_plugin.model.collection import CollectionInfo
from marketplace_plugin.model.item import Kind

PROJECT = "marketplace"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class StepState(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class TestStep:
    """One step of a connection test. ``cause`` and ``way_out`` are message codes that the integration's fragments or
    the host translate; ``facts`` fill them in and are shown to the connection's owner only. ``took`` is milliseconds.
    """

    __test__: ClassVar[bool] = False  # pytest would take a class with this name for tests

    name: str
    state: StepState
    took: int = 0
    cause: str = ""
    way_out: str = ""
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ServerSearch:
    """What was found without a password: ``server`` goes into the form's field of that name, empty for nothing."""

    steps: tuple[TestStep, ...]
    server: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a passed test has found out. ``fields`` are kept, sealed, beside those that were entered, and reach the
    provider as ``session.secrets``. ``claims`` is what the server said of the account, for ``authorized_account``."""

    fields: Mapping[str, str] = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Account:
    """Who the authorisation belongs to: ``subject`` is the service's stable id, ``label`` the name that the owner
    knows."""

    subject: str
    label: str


@dataclass(frozen=True, slots=True)
class ConnectionRef:
    """What hooks learn of a connection: no secrets, no content."""

    id: str
    integration: str
    tenant: str
    user: str


class Hooks:
    """The specifications, by phase."""

    # --- Add / Authorize / Test ------------------------------------------------------------------------------------

    @hookspec(firstresult=True)
    def authorized_account(self, integration: str, claims: Mapping[str, Any], session: Session) -> Account | None:
        """Once after each authorisation, with the verified claims of the id_token (empty without one), or with those of
        the credentials that were tested.

        A raise, or None, ends the authorisation; nothing is stored.
        """

    @hookspec(firstresult=True)
    def search_server(self, integration: str, email: str, session: Session) -> ServerSearch | None:
        """Each time a user presses Search in the form: where the server of a mail address is.

        ``session`` holds no secret, and none may be asked for on the way. A raise is shown as a failed step.
        """

    @hookspec(firstresult=True)
    def test_credentials(
        self, integration: str, session: Session, target: str | None, write: bool
    ) -> Iterable[TestStep | Credentials] | None:
        """Each time a user presses Test in the form: the steps, and after the last one that passed the Credentials.

        ``session.secrets`` is what was entered, by the names of the manifest. A password is tried once, and sent to
        servers that ``session.settings`` allows. ``target`` and ``write`` are as in ``test_connection``. A refused
        password is a failed step with the cause ``wrong-password``. A raise is shown as a failed step.
        """

    @hookspec(firstresult=True)
    def test_connection(
        self, integration: str, session: Session, target: str | None, write: bool
    ) -> Iterable[TestStep] | None:
        """Each time a user presses Test; the steps are taken one by one and shown as they come.

        ``target`` is the chosen target calendar's id or None. Writes nothing unless ``write`` (the user's tick). A
        raise is shown as a failed step.
        """

    # --- settings --------------------------------------------------------------------------------------------------

    @hookspec(firstresult=True)
    def settings_context(
        self, integration: str, connection: ConnectionRef, collections: Sequence[CollectionInfo]
    ) -> Mapping[str, Any] | None:
        """Each time the settings fragment is rendered: more variables for it. A raise leaves them out and is logged."""

    # --- sync ------------------------------------------------------------------------------------------------------

    @hookspec(firstresult=True)
    def open_provider(self, integration: str, session: Session) -> Provider | None:
        """Once per pass, plan, test or reload. A raise fails that pass; the connection is tried again when due."""

    @hookspec
    def host_changed(self, integration: str, owner: str, kind: Kind, refs: Sequence[str]) -> None:
        """After each commit in which the host changed items of ``owner``. A raise is logged; the sync goes on."""

    @hookspec
    def sync_requested(self, integration: str, owner: str, kind: Kind) -> None:
        """When the owner presses the sync button, before his connections run. A raise is logged; the sync goes on."""

    @hookspec
    def sync_due(self, integration: str, owner: str, kind: Kind, now: datetime) -> None:
        """When a background pass of the owner starts because its time came. A raise is logged; the sync goes on."""

    # --- events, after commit; a raise is logged and silences nobody -----------------------------------------------

    @hookspec
    def connection_added(self, integration: str, connection: ConnectionRef) -> None:
        """Once, after the first successful authorisation."""

    @hookspec
    def connection_removed(self, integration: str, connection: ConnectionRef) -> None:
        """Once, after a disconnect has purged what we held."""

    @hookspec
    def collection_changed(self, integration: str, connection: ConnectionRef, collection: str) -> None:
        """After a pass that changed blocks or items of this collection."""

    @hookspec
    def sync_finished(self, integration: str, connection: ConnectionRef, run: str, outcome: str) -> None:
        """After each pass: ``outcome`` is the run's outcome code."""
