"""How Exchange refuses: in the response message of one item, as a SOAP fault, or by HTTP.

Codes and texts: https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode
"""

from __future__ import annotations

TEXTS = {
    "ErrorAccessDenied": "Access is denied. Check credentials and try again.",
    "ErrorCalendarDurationIsTooLong": "Calendar item duration is too long.",
    "ErrorCalendarEndDateIsEarlierThanStartDate": "EndDate is earlier than StartDate",
    "ErrorCalendarInvalidRecurrence": "Invalid recurrence.",
    "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange": "Occurrence index is out of recurrence range.",
    "ErrorCalendarOccurrenceIsDeletedFromRecurrence": "Occurrence with this index was previously deleted from "
    "the recurrence.",
    "ErrorCalendarViewRangeTooBig": "The specified view range exceeds the maximum range of two years.",
    "ErrorCannotUseFolderIdForItemId": "The Id that was passed represents a folder and not an item.",
    "ErrorCannotUseItemIdForFolderId": "The Id that was passed represents an item and not a folder.",
    "ErrorChangeKeyRequiredForWriteOperations": "The change key is required for write operations.",
    "ErrorCreateItemAccessDenied": "The user does not have permission to create an item in the folder.",
    "ErrorDuplicateSOAPHeader": "A SOAP header was sent twice.",
    "ErrorExceededFindCountLimit": "You have exceeded the maximum number of objects that can be returned for the "
    "find operation. Use paging to reduce the result size and try your request again.",
    "ErrorFolderNotFound": "The specified folder could not be found in the store.",
    "ErrorInternalServerError": "An internal server error occurred. The operation failed.",
    "ErrorInvalidChangeKey": "The change key is invalid.",
    "ErrorInvalidExtendedProperty": "The extended property attribute combination is invalid.",
    "ErrorInvalidExtendedPropertyValue": "The extended property value is not valid for its type.",
    "ErrorInvalidIdEmpty": "Id must be non-empty.",
    "ErrorInvalidIdMalformed": "Id is malformed.",
    "ErrorInvalidOperation": "The requested operation is invalid.",
    "ErrorInvalidPropertyRequest": "Property is not valid for this object type.",
    "ErrorInvalidPropertySet": "Set action is invalid for property.",
    "ErrorInvalidPropertyDelete": "Delete action is invalid for property.",
    "ErrorInvalidPropertyAppend": "Append action is invalid for property.",
    "ErrorInvalidRequest": "The request is invalid.",
    "ErrorInvalidServerVersion": "The specified server version is invalid.",
    "ErrorInvalidSyncStateData": "Synchronization state data is corrupt or otherwise invalid.",
    "ErrorInvalidValueForProperty": "The specified value is invalid for property.",
    "ErrorIrresolvableConflict": "The send or update operation could not be performed because the change key passed "
    "in the request does not match the current change key for the item.",
    "ErrorItemNotFound": "The specified object was not found in the store.",
    "ErrorItemSavePropertyError": "Item could not be saved because of a property error.",
    "ErrorMissingArgument": "A required argument is missing.",
    "ErrorNameResolutionMultipleResults": "Multiple results were found.",
    "ErrorNameResolutionNoResults": "No results were found.",
    "ErrorNonExistentMailbox": "The SMTP address has no mailbox associated with it.",
    "ErrorNonPrimarySmtpAddress": "The primary SMTP address must be specified when referencing a mailbox.",
    "ErrorOccurrenceCrossingBoundary": "Modified occurrence is crossing or overlapping adjacent occurrence.",
    "ErrorPropertyUpdate": "The property update failed.",
    "ErrorRecurrenceHasNoOccurrence": "Recurrence has no occurrences.",
    "ErrorSchemaValidation": "The request failed schema validation.",
    "ErrorSendMeetingCancellationsRequired": "SendMeetingCancellations attribute is required for Calendar items.",
    "ErrorSendMeetingInvitationsOrCancellationsRequired": "SendMeetingInvitationsOrCancellations attribute is required "
    "for calendar items.",
    "ErrorSendMeetingInvitationsRequired": "SendMeetingInvitations attribute is required for calendar items.",
    "ErrorAffectedTaskOccurrencesRequired": "AffectedTaskOccurrences attribute is required for Task items.",
    "ErrorSyncFolderNotFound": "The folder to be synchronized could not be found.",
    "ErrorServerBusy": "The server cannot service this request right now. Try again later.",
    "ErrorTimeZone": "The specified time zone isn't valid.",
    "ErrorUnsupportedPathForQuery": "The specified path is not supported for queries.",
    "ErrorUnsupportedTypeForConversion": "The property type is not supported.",
    "ErrorUpdatePropertyMismatch": "The property in the update does not match the path.",
    "ErrorImpersonateUserDenied": "The account does not have permission to impersonate the requested user.",
}


class EwsError(Exception):
    """One response message is an error; the others of the request are answered all the same."""

    def __init__(
        self, code: str, message: str | None = None, *, warning: bool = False, values: dict[str, str] | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = TEXTS.get(code, code) if message is None else message
        self.warning = warning
        self.values = values or {}
        """Of MessageXml, for example Primary."""


class SoapFault(Exception):
    """The whole request is refused, with HTTP 500."""

    def __init__(
        self, code: str, message: str | None = None, *, values: dict[str, str] | None = None, violation: str = ""
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = TEXTS.get(code, code) if message is None else message
        self.values = values or {}
        """Of MessageXml, for example BackOffMilliseconds."""
        self.violation = violation


def invalid_schema(violation: str) -> SoapFault:
    """A request that does not keep the schema."""
    return SoapFault("ErrorSchemaValidation", f"The request failed schema validation: {violation}", violation=violation)


def busy(milliseconds: int) -> SoapFault:
    """Throttled: how long to stay away."""
    return SoapFault("ErrorServerBusy", values={"BackOffMilliseconds": str(milliseconds)})
