"""Every exception that this package raises on purpose.

MarketplaceError
├── ConfigError              a setting of the deployment is missing or wrong
├── BundleError              a bundle cannot be opened; names file, key and what was expected
│   ├── ManifestError        manifest.yaml does not fit its schema
│   └── HookError            a hook module cannot be imported, or implements an unknown hook
├── AuthorizeError           an authorisation did not come about; nothing was stored
│   ├── StateMismatch        the state is unknown, used, expired, or belongs to another session
│   ├── ConsentDenied        the user said no at the service
│   ├── AdminConsentNeeded   an admin of his organisation has to consent at the service first
│   ├── ScopeMissing         the user unticked a permission that the integration cannot do without
│   ├── AccountMismatch      re-authorised with another account than the connection's
│   ├── NotTested            credentials that did not pass a test just as they are
│   └── InsecureTransport    plain http for an address that is not loopback
├── ProviderError            a remote account did not do what was asked
│   ├── AuthorizationExpired the grant is gone (invalid_grant, 401 after a refresh); only the user can help
│   ├── PermissionDenied     the account may not do this (scope or role)
│   │   └── ServerNotAllowed no administrator allows that a password is sent to this server
│   ├── Throttled            the service asks for a pause; carries retry_after
│   ├── Unavailable          no answer, or a 5xx: try again later; nothing is known about a write in flight
│   │   ├── NotSent          no connection came about: the request was never sent
│   │   ├── AnswerLost       it was sent and no whole answer came: done or not is unknown
│   │   ├── ServerUnknown    its name leads nowhere
│   │   └── CertificateRefused its certificate is not one to trust; nothing was sent
│   ├── ServerHandedOver     this server takes no passwords; another integration leads there
│   ├── CursorExpired        the cursor is too old (410, syncStateNotFound): read a snapshot
│   ├── CollectionGone       the calendar itself is no longer there, or no longer shared
│   └── ContractViolation    an answer that does not have the published shape
├── HostError                the host could not answer or apply
├── LeaseLost                another worker has taken this connection over: write nothing
├── SealBroken               a sealed value does not open with any known key
├── Conflict                 an expected version is no longer the current one (approvals, undo, settings)
│   ├── VisibleAlready       a grey block whose event stands in the host, as the next sync will show
│   ├── ContentUnknown       a block of which the service tells the times alone
│   ├── ConversionUnderWay   it is just being made visible, or grey again
│   ├── ChangedHere          a visible event that was changed in the host since it was last synced
│   └── OnlyHere             a visible event whose changes can be written nowhere else
├── NotFound                 there is no such thing, or it is not this person's: which of the two is not told
├── NotAllowed               only an admin may do this, or only a user for whom the integration was opened
└── InvalidSettings          a form holds what cannot be: an unknown calendar, a target that cannot be written

``code`` is stable and safe to show or log: it never holds personal content.
"""

from __future__ import annotations

import traceback
from datetime import timedelta
from pathlib import Path


class MarketplaceError(Exception):
    """Root of the tree. ``str(error)`` may hold content and is for developers; users see a text chosen by ``code``."""

    code: str = "error"


class ConfigError(MarketplaceError):
    code = "config"


class BundleError(MarketplaceError):
    """``file`` and ``key`` say where, ``expected`` what should have stood there."""

    code = "bundle"

    def __init__(self, message: str, *, file: str = "", key: str = "", expected: str = "") -> None:
        super().__init__(message)
        self.file, self.key, self.expected = file, key, expected


class ManifestError(BundleError):
    code = "manifest"


class HookError(BundleError):
    code = "hook"


class AuthorizeError(MarketplaceError):
    code = "authorize"


class StateMismatch(AuthorizeError):
    code = "state-mismatch"


class ConsentDenied(AuthorizeError):
    code = "consent-denied"


class AdminConsentNeeded(AuthorizeError):
    """``connection`` is the one that waits for it."""

    code = "admin-consent-needed"

    def __init__(self, message: str, connection: str = "") -> None:
        super().__init__(message)
        self.connection = connection


class ScopeMissing(AuthorizeError):
    """``missing`` lists the scopes that were asked for, are required, and were not granted."""

    code = "scope-missing"

    def __init__(self, message: str, missing: frozenset[str] = frozenset()) -> None:
        super().__init__(message)
        self.missing = missing


class AccountMismatch(AuthorizeError):
    code = "account-mismatch"


class NotTested(AuthorizeError):
    code = "not-tested"


class InsecureTransport(AuthorizeError):
    code = "insecure-transport"


class ProviderError(MarketplaceError):
    code = "provider"


class AuthorizationExpired(ProviderError):
    code = "authorization-expired"


class PermissionDenied(ProviderError):
    code = "permission-denied"


class Throttled(ProviderError):
    """``retry_after`` is what the service asked for, or None where it named no time."""

    code = "throttled"

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(ProviderError):
    code = "unavailable"


class NotSent(Unavailable):
    """Known to every reader as Unavailable; a writer may count on it that nothing was done."""


class AnswerLost(Unavailable):
    """Known to every reader as Unavailable; to a writer it means ``Unanswered``."""


class ServerNotAllowed(PermissionDenied):
    """``server`` is its name, with the port where that is not 443."""

    code = "server-not-allowed"

    def __init__(self, host: str, port: int = 443) -> None:
        super().__init__("no entry allows this server")
        self.server = host if port == 443 else f"{host}:{port}"


class ServerUnknown(Unavailable):
    code = "server-unknown"


class CertificateRefused(Unavailable):
    """``why``: unknown-authority, expired, other-name, or protocol (no TLS 1.2 or later)."""

    code = "certificate-refused"

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class ServerHandedOver(ProviderError):
    """``server`` is its name."""

    code = "server-handed-over"

    def __init__(self, host: str) -> None:
        super().__init__("passwords are not sent to this server")
        self.server = host


class CursorExpired(ProviderError):
    code = "cursor-expired"


class CollectionGone(ProviderError):
    code = "collection-gone"


class ContractViolation(ProviderError):
    code = "contract-violation"


class HostError(MarketplaceError):
    code = "host"


class LeaseLost(MarketplaceError):
    code = "lease-lost"


class SealBroken(MarketplaceError):
    code = "seal-broken"


class Conflict(MarketplaceError):
    code = "conflict"


class TooManyRequests(Conflict):
    """More than an admin should have to answer at a time."""

    code = "too-many-requests"


class VisibleAlready(Conflict):
    code = "visible-already"


class ContentUnknown(Conflict):
    code = "content-unknown"


class ConversionUnderWay(Conflict):
    code = "conversion-under-way"


class ChangedHere(Conflict):
    code = "changed-here"


class OnlyHere(Conflict):
    code = "only-here"


class NotFound(MarketplaceError):
    code = "not-found"


class NotAllowed(MarketplaceError):
    code = "forbidden"


class InvalidSettings(MarketplaceError):
    code = "invalid"


def place_of(error: BaseException | None) -> str:
    """File and line where it was raised, a template's own line where one is shown: for the log, which never gets the
    text of an error."""
    frames = traceback.extract_tb(error.__traceback__) if error is not None else []
    templates = [frame for frame in frames if frame.filename.endswith(".html")]
    last = (templates or frames)[-1:]
    return f"{Path(last[0].filename).name}:{last[0].lineno}" if last else "?"
