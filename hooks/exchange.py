"""Exchange Server by EWS: what the marketplace asks of the integration ``exchange``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from marketplace_plugin import (
    Account,
    AuthorizationExpired,
    CertificateRefused,
    CollectionInfo,
    ContractViolation,
    Credentials,
    Facts,
    PermissionDenied,
    Provider,
    ProviderError,
    Reach,
    ServerHandedOver,
    ServerNotAllowed,
    ServerSearch,
    ServerUnknown,
    Session,
    StepFailed,
    StepSkipped,
    StepState,
    TestStep,
    Throttled,
    chosen_target,
    explained,
    hookimpl,
    run_steps,
)
from marketplace_plugin.providers.ews import ExchangeAccount
from marketplace_plugin.providers.ews.discovery.search import search
from marketplace_plugin.providers.ews.discovery.trial import Opened, Trial
from marketplace_plugin.providers.ews.soap.errors import UnsupportedVersion

METHODS = {"ntlm": "NTLM", "basic": "Basic"}


@hookimpl
def search_server(email: str, session: Session) -> ServerSearch:
    return search(email, Reach.of(session.settings), session.now)


@hookimpl
def test_credentials(session: Session, target: str | None, write: bool) -> Iterator[TestStep | Credentials]:
    """Server, encryption, sign-in, calendars, target; after a failure the rest is skipped."""
    test = _ConnectionTest(session, target, write=write)
    failed = False
    try:
        for step in run_steps(test.checks, session.now, _explained):
            failed = failed or step.state is StepState.FAILED
            yield step
        if test.opened is not None and not failed:
            yield Credentials(test.opened.fields, {"mailbox": test.opened.mailbox, "server": test.opened.host})
    finally:
        test.trial.close()


@hookimpl
def test_connection(session: Session, target: str | None, write: bool) -> Iterator[TestStep]:
    """The same steps with what was kept."""
    return (step for step in test_credentials(session, target, write) if isinstance(step, TestStep))


@hookimpl
def authorized_account(claims: Mapping[str, Any]) -> Account | None:
    """The mailbox's primary address at that server, in lower case: Exchange compares addresses so."""
    mailbox = str(claims.get("mailbox") or "")
    return Account(f"{mailbox.lower()} {claims.get('server', '')}", mailbox) if mailbox else None


@hookimpl
def open_provider(session: Session) -> Provider:
    return ExchangeAccount(session)


class _ConnectionTest:
    """The steps by name. Each returns what it found out, or raises what is wrong."""

    def __init__(self, session: Session, target: str | None, *, write: bool) -> None:
        self.trial = Trial(session)
        self.opened: Opened | None = None
        self._target, self._write = target, write
        self._calendars: Sequence[CollectionInfo] = ()
        self.checks: Mapping[str, Callable[[], Facts]] = {
            "server": self._found,
            "tls": self._encrypted,
            "sign-in": self._sign_in,
            "calendars": self._readable,
            "target": self._writable,
        }

    def _found(self) -> Facts:
        if self.trial.is_plain():
            raise StepFailed("not-encrypted", "check-server")
        try:
            host, _ = self.trial.server
        except ValueError:
            raise StepFailed("no-address", "check-server") from None
        return (("server", host), ("address", self.trial.address()))

    def _encrypted(self) -> Facts:
        try:
            protocol, until = self.trial.handshake()
        except OSError:
            raise StepFailed("silent", "ask-contact") from None
        return (("protocol", protocol), ("valid-until", until))

    def _sign_in(self) -> Facts:
        self.opened = self.trial.open()
        if self.opened is None:
            raise StepFailed("no-interface", "check-server")
        if not self.opened.mailbox:
            raise StepFailed("no-mailbox", "ask-contact")
        method = METHODS[self.opened.auth]
        return (("account", self.opened.mailbox), ("scheme", method), ("version", self.opened.name))

    def _readable(self) -> Facts:
        self._calendars = self.trial.calendars()
        if not self._calendars:
            raise StepFailed("no-calendars", "ask-contact")
        return (("calendars", str(len(self._calendars))),)

    def _writable(self) -> Facts:
        own = next((one.id for one in self._calendars if one.primary), None)  # a form is tested before one is chosen
        chosen = chosen_target(self._calendars, own if self._target is None else self._target)
        facts = (("calendar", chosen.title),)
        if not self._write:
            raise StepSkipped("not-ticked", facts=facts)
        self.trial.try_write(chosen.id)
        return (*facts, ("taken-away", ""))


_CERTIFICATES = {
    "unknown-authority": StepFailed("unknown-authority", "store-authority"),
    "expired": StepFailed("certificate-expired", "ask-contact"),
    "other-name": StepFailed("certificate-of-another", "check-server"),
    "protocol": StepFailed("old-encryption", "ask-contact"),
}


def _explained(error: ProviderError) -> StepFailed:
    match error:
        case ServerNotAllowed():
            return StepFailed(error.code, "request-server", (("server", error.server),))
        case ServerHandedOver():
            return StepFailed(error.code, facts=(("server", error.server),))
        case ServerUnknown():
            return StepFailed(error.code, "check-server")
        case CertificateRefused():
            return _CERTIFICATES[error.why]
        case AuthorizationExpired():
            return StepFailed("wrong-password", "check-password")
        case UnsupportedVersion():
            return StepFailed("version-too-old", "ask-contact", (("version", error.name),))
        case PermissionDenied():
            return StepFailed(error.code, "ask-contact")
        case ContractViolation():
            return StepFailed("no-interface", "ask-contact")
        case Throttled():
            return explained(error)
        case _:
            return StepFailed("silent", "try-later")
