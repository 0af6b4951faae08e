"""The elements of items, in the order of types.xsd, and what may be done with them.

Source: types.xsd of Exchange 2016 and the pages of the elements below
https://learn.microsoft.com/exchange/client-developer/web-service-reference/
"""

from __future__ import annotations

from marketplace_plugin.sandbox.ews.items import Kind


def words(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


ITEM = words(
    """
    MimeContent ItemId ParentFolderId ItemClass Subject Sensitivity Body Attachments
    DateTimeReceived Size Categories Importance InReplyTo IsSubmitted IsDraft IsFromMe IsResend
    IsUnmodified InternetMessageHeaders DateTimeSent DateTimeCreated ResponseObjects ReminderDueBy
    ReminderIsSet ReminderNextTime ReminderMinutesBeforeStart DisplayCc DisplayTo HasAttachments
    ExtendedProperty Culture EffectiveRights LastModifiedName LastModifiedTime IsAssociated
    WebClientReadFormQueryString WebClientEditFormQueryString ConversationId UniqueBody Flag
    StoreEntryId InstanceKey NormalizedBody EntityExtractionResult PolicyTag ArchiveTag
    RetentionDate Preview RightsManagementLicenseData PredictedActionReasons IsClutter
    NextPredictedAction GroupingAction BlockStatus HasBlockedImages TextBody IconIndex
    """
)
CALENDAR = words(
    """
    UID RecurrenceId DateTimeStamp Start End OriginalStart IsAllDayEvent LegacyFreeBusyStatus
    Location When IsMeeting IsCancelled IsRecurring MeetingRequestWasSent IsResponseRequested
    CalendarItemType MyResponseType Organizer RequiredAttendees OptionalAttendees Resources
    ConflictingMeetingCount AdjacentMeetingCount ConflictingMeetings AdjacentMeetings Duration
    TimeZone AppointmentReplyTime AppointmentSequenceNumber AppointmentState Recurrence
    FirstOccurrence LastOccurrence ModifiedOccurrences DeletedOccurrences MeetingTimeZone
    StartTimeZone EndTimeZone ConferenceType AllowNewTimeProposal IsOnlineMeeting
    MeetingWorkspaceUrl NetShowUrl EnhancedLocation StartWallClock EndWallClock StartTimeZoneId
    EndTimeZoneId IntendedFreeBusyStatus JoinOnlineMeetingUrl OnlineMeetingSettings IsOrganizer
    """
)
CONTACT = words(
    """
    FileAs FileAsMapping DisplayName GivenName Initials MiddleName Nickname CompleteName CompanyName
    EmailAddresses PhysicalAddresses PhoneNumbers AssistantName Birthday BusinessHomePage Children
    Companies ContactSource Department Generation ImAddresses JobTitle Manager Mileage
    OfficeLocation PostalAddressIndex Profession SpouseName Surname WeddingAnniversary
    BirthdayLocal WeddingAnniversaryLocal HasPicture PhoneticFullName PhoneticFirstName PhoneticLastName
    Alias Notes Photo UserSMIMECertificate MSExchangeCertificate DirectoryId ManagerMailbox DirectReports
    """
)
TASK = words(
    """
    ActualWork AssignedTime BillingInformation ChangeCount Companies CompleteDate Contacts
    DelegationState Delegator DueDate IsAssignmentEditable IsComplete IsRecurring IsTeamTask Mileage
    Owner PercentComplete Recurrence StartDate Status StatusDescription TotalWork
    """
)
OWN: dict[Kind, tuple[str, ...]] = {
    "CalendarItem": CALENDAR,
    "Contact": CONTACT,
    "DistributionList": ("DisplayName", "FileAs", "ContactSource", "Members"),
    "Task": TASK,
}
PREFIXES: dict[Kind, str] = {
    "CalendarItem": "calendar",
    "Contact": "contacts",
    "DistributionList": "contacts",
    "Task": "task",
}
CLASSES: dict[Kind, str] = {
    "CalendarItem": "IPM.Appointment",
    "Contact": "IPM.Contact",
    "DistributionList": "IPM.DistList",
    "Task": "IPM.Task",
}
FOLDER_CLASSES: dict[Kind | None, str] = {
    "CalendarItem": "IPF.Appointment",
    "Contact": "IPF.Contact",
    "Task": "IPF.Task",
    None: "IPF.Note",
}

TEXTS = frozenset(
    words(
        """
    Subject InReplyTo Culture Location When MeetingWorkspaceUrl NetShowUrl UID FileAs DisplayName GivenName
    Initials MiddleName Nickname CompanyName AssistantName BusinessHomePage Department Generation
    JobTitle Manager Mileage OfficeLocation Profession SpouseName Surname BillingInformation
    StatusDescription Owner ItemClass
    """
    )
)
FLAGS = frozenset(
    words(
        """
    ReminderIsSet IsAllDayEvent IsResponseRequested AllowNewTimeProposal IsOnlineMeeting IsTeamTask
    """
    )
)
NUMBERS = frozenset(
    words(
        """
    ReminderMinutesBeforeStart ConferenceType ActualWork TotalWork PercentComplete
    """
    )
)
DATES = frozenset(["StartDate", "DueDate"])
"""A task's: times of which only the day counts."""
LISTS = frozenset(
    words(
        """
    Categories Companies Children Contacts
    """
    )
)
MOMENTS = frozenset(["Start", "End", "ReminderDueBy", "Birthday", "WeddingAnniversary", "CompleteDate"])
CHOICES = {
    "Sensitivity": ("Normal", "Personal", "Private", "Confidential"),
    "Importance": ("Low", "Normal", "High"),
    "LegacyFreeBusyStatus": ("Free", "Tentative", "Busy", "OOF", "WorkingElsewhere", "NoData"),
    "FileAsMapping": (
        "None",
        "LastCommaFirst",
        "FirstSpaceLast",
        "Company",
        "LastCommaFirstCompany",
        "CompanyLastFirst",
        "LastFirst",
        "LastFirstCompany",
        "CompanyLastCommaFirst",
        "LastFirstSuffix",
        "LastSpaceFirstCompany",
        "CompanyLastSpaceFirst",
        "LastSpaceFirst",
        "DisplayName",
        "FirstName",
        "LastFirstMiddleSuffix",
        "LastName",
        "Empty",
    ),
    "PostalAddressIndex": ("None", "Home", "Business", "Other"),
    "Status": ("NotStarted", "InProgress", "Completed", "WaitingOnOthers", "Deferred"),
}
ATTENDEES = ("RequiredAttendees", "OptionalAttendees", "Resources")
DICTIONARIES = {
    "EmailAddresses": ("EmailAddress1", "EmailAddress2", "EmailAddress3"),
    "ImAddresses": ("ImAddress1", "ImAddress2", "ImAddress3"),
    "PhoneNumbers": words(
        """
    AssistantPhone BusinessFax BusinessPhone BusinessPhone2 Callback CarPhone CompanyMainPhone
    HomeFax HomePhone HomePhone2 Isdn MobilePhone OtherFax OtherTelephone Pager PrimaryPhone
    RadioPhone Telex TtyTddPhone
    """
    ),
    "PhysicalAddresses": ("Home", "Business", "Other"),
}
ADDRESS_PARTS = ("Street", "City", "State", "CountryOrRegion", "PostalCode")
INDEXED = {
    "contacts:EmailAddress": ("EmailAddresses", ""),
    "contacts:ImAddress": ("ImAddresses", ""),
    "contacts:PhoneNumber": ("PhoneNumbers", ""),
    **{f"contacts:PhysicalAddress:{part}": ("PhysicalAddresses", part) for part in ADDRESS_PARTS},
}
"""IndexedFieldURI -> element, and part of a physical address."""

WRITABLE: dict[Kind, frozenset[str]] = {
    "CalendarItem": frozenset(
        words(
            """
    UID Start End IsAllDayEvent LegacyFreeBusyStatus Location When IsResponseRequested
    RequiredAttendees OptionalAttendees Resources Recurrence MeetingTimeZone StartTimeZone
    EndTimeZone ConferenceType AllowNewTimeProposal IsOnlineMeeting MeetingWorkspaceUrl NetShowUrl
    """
        )
    ),
    "Contact": frozenset(CONTACT[: CONTACT.index("BirthdayLocal")]) - {"CompleteName", "ContactSource"},
    "DistributionList": frozenset(),
    "Task": frozenset(
        words(
            """
    ActualWork BillingInformation Companies CompleteDate Contacts DueDate Mileage PercentComplete
    Recurrence StartDate Status StatusDescription TotalWork IsTeamTask Owner
    """
        )
    ),
}
WRITABLE_ITEM = frozenset(
    words(
        """
    ItemClass Subject InReplyTo Sensitivity Body Categories Importance ReminderDueBy ReminderIsSet
    ReminderMinutesBeforeStart ExtendedProperty Culture
    """
    )
)
NEEDS_GET_ITEM = frozenset(
    words(
        """
    MimeContent Body TextBody UniqueBody NormalizedBody Attachments RequiredAttendees
    OptionalAttendees Resources Recurrence FirstOccurrence LastOccurrence ModifiedOccurrences
    DeletedOccurrences MeetingTimeZone StartTimeZone EndTimeZone EnhancedLocation
    """
    )
)
"""What SyncFolderItems and FindItem never return."""

DEFAULT_SHAPE = frozenset(
    words(
        """
    ItemId Subject Sensitivity HasAttachments Start End LegacyFreeBusyStatus Location Organizer
    CalendarItemType IsCancelled IsRecurring DisplayName FileAs CompleteName CompanyName
    EmailAddresses PhysicalAddresses PhoneNumbers ImAddresses JobTitle DueDate PercentComplete
    StartDate Status Body
    """
    )
)


def order(kind: Kind) -> tuple[str, ...]:
    """All elements of an item of a kind, as the schema orders them."""
    return ITEM + OWN[kind]


def writable(kind: Kind, name: str) -> bool:
    return name in WRITABLE_ITEM or name in WRITABLE[kind]
