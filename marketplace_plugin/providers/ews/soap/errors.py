"""What a refusal by an Exchange server means to us.

Source: https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode. Messages of the server
are never kept: they may quote content. What is kept is the code and the pause that was asked for.
"""

from __future__ import annotations

from datetime import timedelta

from marketplace_plugin.contract.sending import LONGEST_PAUSE
from marketplace_plugin.errors import (
    AuthorizationExpired,
    CollectionGone,
    ContractViolation,
    PermissionDenied,
    ProviderError,
    Throttled,
    Unavailable,
)
from marketplace_plugin.model.write import Deferred, DeferScope, Outcome, Refused, RefusedCode, Stale, Unanswered
from marketplace_plugin.providers.ews.soap.xml import Element

_ABSENT = frozenset(
    {
        "ErrorItemNotFound",
        "ErrorFolderNotFound",
        "ErrorParentFolderNotFound",
        "ErrorSyncFolderNotFound",
        "ErrorNonExistentMailbox",
    }
)
_NO_ID = frozenset(
    {
        "ErrorCannotUseItemIdForFolderId",
        "ErrorCannotUseFolderIdForItemId",
        "ErrorInvalidFolderId",
        "ErrorInvalidId",
        "ErrorInvalidIdEmpty",
        "ErrorInvalidIdMalformed",
        "ErrorInvalidIdMalformedEwsLegacyIdFormat",
        "ErrorInvalidIdMonikerTooLong",
        "ErrorInvalidIdTooManyAttachmentLevels",
        "ErrorInvalidIdXml",
    }
)
_NO_OCCURRENCE = frozenset({"ErrorCalendarOccurrenceIsDeletedFromRecurrence", "ErrorRecurrenceHasNoOccurrence"})
_STALE = frozenset({"ErrorIrresolvableConflict", "ErrorStaleObject", "ErrorInvalidChangeKey", "ErrorConflict"})
_BUSY = frozenset(
    {
        "ErrorServerBusy",
        "ErrorExceededConnectionCount",
        "ErrorTooManyObjectsOpened",
        "ErrorInsufficientResources",
        "ErrorBatchProcessingStopped",
    }
)
_TRANSIENT = frozenset(
    {
        "ErrorInternalServerError",
        "ErrorInternalServerTransientError",
        "ErrorTimeoutExpired",
        "ErrorMailboxStoreUnavailable",
        "ErrorMailboxMoveInProgress",
        "ErrorMailboxFailover",
        "ErrorConnectionFailed",
        "ErrorADUnavailable",
        "ErrorADOperation",
    }
)
_DENIED = frozenset(
    {"ErrorAccessDenied", "ErrorCreateItemAccessDenied", "ErrorInsufficientPermissions", "ErrorNoFreeBusyAccess"}
)
_TOO_LARGE = frozenset({"ErrorMessageSizeExceeded", "ErrorQuotaExceeded", "ErrorAttachmentSizeLimitExceeded"})
_UNSUPPORTED = frozenset(
    {
        "ErrorOccurrenceCrossingBoundary",
        "ErrorOccurrenceTimeSpanTooBig",
        "ErrorCalendarDurationIsTooLong",
        "ErrorCalendarEndDateIsEarlierThanStartDate",
        "ErrorCalendarInvalidRecurrence",
        "ErrorCalendarInvalidTimeZone",
        "ErrorCalendarOutOfRange",
        "ErrorTimeZone",
    }
)


class Refusal(ProviderError):
    """The server answered with an error. ``code`` of EWS, or ``HTTP 403`` where it did not come so far.

    ``primary``: the address by which a mailbox has to be asked for (ErrorNonPrimarySmtpAddress), where it is told.
    """

    code = "refusal"

    def __init__(self, reason: str, pause: timedelta | None = None, *, busy: bool = False, primary: str = "") -> None:
        super().__init__(f"Exchange answered {reason}")
        self.reason, self.pause, self._busy, self.primary = reason, pause, busy, primary

    @property
    def throttled(self) -> bool:
        return self._busy or self.reason in _BUSY

    @property
    def absent(self) -> bool:
        """There is nothing with this id."""
        return self.reason in _ABSENT

    @property
    def no_id(self) -> bool:
        """The server takes it for no id. That says nothing of the item: ids of a mailbox that moved may become so."""
        return self.reason in _NO_ID

    @property
    def broken(self) -> bool:
        """As a server out of order answers, and one that cannot tell of a single item, for as long as it is so."""
        return self.reason == "ErrorInternalServerError"

    @property
    def stopped(self) -> bool:
        """Not looked at, because of another one in the same request."""
        return self.reason == "ErrorBatchProcessingStopped"

    @property
    def no_occurrence(self) -> bool:
        """The series is there, this occurrence of it is not."""
        return self.reason in _NO_OCCURRENCE

    @property
    def stale(self) -> bool:
        return self.reason in _STALE

    @property
    def transient(self) -> bool:
        return not self.throttled and (self.reason in _TRANSIENT or self.reason.startswith("HTTP 5"))

    @property
    def denied(self) -> bool:
        return self.reason in _DENIED or self.reason == "HTTP 403"

    @property
    def expired(self) -> bool:
        """The state of a round of change tracking is no longer good."""
        return self.reason == "ErrorInvalidSyncStateData"


class UnsupportedVersion(ContractViolation):
    """Exchange 2007: too old. ``name`` is what to call it."""

    code = "unsupported-version"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not supported")
        self.name = name


class SignInRefused(AuthorizationExpired):
    """The server does not take this user name with this password. Nothing is tried a second time: accounts lock."""

    code = "sign-in-refused"


def fault_of(fault: Element) -> Refusal:
    """A SOAP fault: the whole request was refused."""
    code = next((str(e.text or "").strip() for e in fault.iter("{*}ResponseCode")), "")
    if not code:  # some faults say it in their code alone, with a prefix
        code = str(fault.findtext("faultcode") or "").rpartition(":")[2] or "a fault"
    return Refusal(code, _pause(fault), primary=_primary(code, fault))


def problem_of(message: Element) -> Refusal | None:
    """What is wrong with one response message, None where it is a success."""
    if message.get("ResponseClass") == "Success":
        return None
    code = next((str(e.text or "").strip() for e in message.iter("{*}ResponseCode")), "")
    return Refusal(code or "nothing", _pause(message), primary=_primary(code, message))


def _pause(parent: Element) -> timedelta | None:
    for value in parent.iter("{*}Value"):
        if value.get("Name") == "BackOffMilliseconds" and str(value.text or "").strip().isdecimal():
            digits = str(value.text).strip()
            return min(timedelta(milliseconds=int(digits[:12])), LONGEST_PAUSE)
    return None


def _primary(code: str, parent: Element) -> str:
    if code != "ErrorNonPrimarySmtpAddress":
        return ""
    return next((str(v.text or "").strip() for v in parent.iter("{*}Value") if v.get("Name") == "Primary"), "")


def for_read(problem: Refusal) -> ProviderError:
    """The error that a read raises."""
    if problem.throttled:
        return Throttled(str(problem), problem.pause)
    if problem.absent or problem.no_id:
        return CollectionGone("the calendar is not there, or not shared any more")
    if problem.denied:
        return PermissionDenied(str(problem))
    if problem.transient:
        return Unavailable(str(problem))
    return ContractViolation(str(problem))


def for_write(op: str, problem: Refusal) -> Outcome:
    """The outcome of a write that was refused while its item is there."""
    if problem.throttled:
        return Deferred(op, problem.pause, DeferScope.CONNECTION)
    if problem.transient:
        return Unanswered(op)
    if problem.stale or problem.no_occurrence:
        return Stale(op, None)
    if problem.denied:
        return Refused(op, RefusedCode.FORBIDDEN, permanent=False)
    if problem.reason in _TOO_LARGE:
        return Refused(op, RefusedCode.TOO_LARGE)
    return Refused(op, RefusedCode.UNSUPPORTED if problem.reason in _UNSUPPORTED else RefusedCode.INVALID)
