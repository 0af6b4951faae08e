"""Codes as sentences, in the reader's language: errors, reasons, triggers, outcomes, test steps.

One table for each enum or set of codes; a test holds that none is missing a sentence in either language. An error says
what happened and what is safe; the page adds when it goes on and the number.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from marketplace_plugin.bundle.manifest import Category, Level
from marketplace_plugin.engine.acts.why import What
from marketplace_plugin.engine.context import Phase, RunOutcome, Trigger
from marketplace_plugin.engine.views import Asked, ConnectionState, Policy
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store.log.journal import Action, Side
from marketplace_plugin.sync.reason import Reason
from marketplace_plugin.web import step_texts

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sentence:
    """``title`` says what happened, ``body`` what happens next and what is safe."""

    title: LazyString | str
    body: LazyString | str


def _s(title: LazyString, body: LazyString) -> Sentence:
    return Sentence(title, body)


_NOTHING_LOST = _("Nothing is lost. The next sync tries again by itself.")
_NOTHING_SAVED = _("Nothing was saved.")

ERRORS: Mapping[str, Sentence] = {
    "error": _s(
        _("Something did not work"),
        _("Nothing was changed. Please try again; if it stays, tell your administrator the number."),
    ),
    "config": _s(
        _("This integration is not set up yet"),
        _("Your administrator has to enter its access data first. Nothing was changed."),
    ),
    "bundle": _s(
        _("This integration cannot be used"), _("It was switched off because it is faulty. Others are not affected.")
    ),
    "manifest": _s(_("This integration is described wrongly"), _("It was switched off. Others are not affected.")),
    "hook": _s(
        _("This integration cannot be used"), _("Its code is faulty. Your existing events and settings are kept.")
    ),
    "authorize": _s(_("The account was not connected"), _NOTHING_SAVED),
    "state-mismatch": _s(
        _("This sign-in is no longer valid"),
        _("It was used already, took too long, or began in another window. Nothing was saved. Please start again."),
    ),
    "consent-denied": _s(_("You did not give consent"), _("Nothing was saved. You can try again at any time.")),
    "admin-consent-needed": _s(
        _("An administrator has to consent first"),
        _("Your organisation lets only its administrator consent at the service. Nothing was saved."),
    ),
    "scope-missing": _s(
        _("A permission is missing"),
        _(
            "At the sign-in a permission was left out that this integration cannot do without. Nothing was saved. "
            "Please start again and leave all permissions ticked."
        ),
    ),
    "account-mismatch": _s(
        _("That was another account"),
        _(
            "This connection belongs to another account. Nothing was changed. Please sign in with the account that is "
            "shown here, or disconnect first."
        ),
    ),
    "not-tested": _s(
        _("These entries have not been tested"),
        _("Only what passed the test just as it stands is saved. Nothing was saved; please press Test once more."),
    ),
    "insecure-transport": _s(
        _("The address is not secure"), _("Sign-in needs https. Nothing was sent. Please tell your administrator.")
    ),
    "provider": _s(_("The service did not do what was asked"), _NOTHING_LOST),
    "authorization-expired": _s(
        _("The authorisation has expired"),
        _("Nothing is synced until you authorise again. Your settings and existing events are kept."),
    ),
    "sign-in-refused": _s(
        _("The server no longer accepts your password"),
        _("It was tried once. Nothing is synced until you sign in again. Your settings and existing events are kept."),
    ),
    "unsupported-version": _s(
        _("This version of the server is too old"), _("It cannot be synced with. Your events are kept as they are.")
    ),
    "refusal": _s(_("The server refused what was asked"), _NOTHING_LOST),
    "permission-denied": _s(
        _("The service refuses access"),
        _("The account may not do this. Everything is left as it is until its rights change."),
    ),
    "server-not-allowed": _s(
        _("Your administrator has not opened this server"),
        _("No password was sent there. You can ask for access; nothing else has changed."),
    ),
    "server-unknown": _s(
        _("There is no server with this name"), _("Please check how it is written. Nothing was sent, nothing is lost.")
    ),
    "certificate-refused": _s(
        _("The server's certificate cannot be trusted"),
        _("No password was sent. Your administrator can look into it; nothing is lost."),
    ),
    "server-handed-over": _s(
        _("This server accepts no passwords"), _("Nothing was sent. Another integration leads to this account.")
    ),
    "throttled": _s(_("The service asks for a pause"), _("The sync goes on by itself. Nothing is lost.")),
    "unavailable": _s(_("The service does not answer"), _NOTHING_LOST),
    "cursor-expired": _s(
        _("The service has forgotten where we stopped"), _("The next sync reads everything again. Nothing is doubled.")
    ),
    "collection-gone": _s(
        _("A calendar is no longer there"), _("It was deleted, or is no longer shared with you. The others go on.")
    ),
    "contract-violation": _s(_("The service answered in an unknown way"), _NOTHING_LOST),
    "host": _s(_("The calendar here did not answer"), _NOTHING_LOST),
    "lease-lost": _s(
        _("Another worker took over"), _("It goes on with the sync. Nothing is lost and nothing is doubled.")
    ),
    "seal-broken": _s(
        _("Stored data cannot be opened"),
        _("The key does not fit. Nothing was changed. Please tell your administrator the number."),
    ),
    "conflict": _s(
        _("Somebody was faster"),
        _(
            "This was changed in the meantime, so nothing was overwritten. The page "
            "shows the present state: please check it and try again."
        ),
    ),
    "too-many-requests": _s(
        _("You have asked for many servers already"),
        _("Your administrator sees these requests first. As soon as one is answered, you can ask for another one."),
    ),
    "visible-already": _s(
        _("This event is visible already"),
        _("It stands in your calendar, as the next sync will show. Nothing was changed."),
    ),
    "content-unknown": _s(
        _("The service does not tell all of this event"),
        _("What it keeps back would stand here as empty, so it stays a grey block. Nothing was changed."),
    ),
    "conversion-under-way": _s(
        _("This event is just being made visible, or grey again"),
        _("Nothing was changed. Please sync first, and then try again."),
    ),
    "changed-here": _s(
        _("You changed this event since the last sync"),
        _("It stays visible, so that your changes are not lost. Please sync first, and then try again."),
    ),
    "only-here": _s(
        _("Your changes to this event stand here alone"),
        _(
            "Its calendar may only be read, so they could not be written there, and a grey block would lose them. The "
            "event stays visible, and nothing is lost."
        ),
    ),
    "plugin-failed": _s(
        _("The integration's code failed"), _("Nothing was changed. Your administrator finds the place in the log.")
    ),
    "storage": _s(
        _("The database of this installation could not be written"),
        _("Nothing is lost and the next sync tries again. Your administrator should look whether the disk is full."),
    ),
    "internal": _s(_("The sync met an error that nobody foresaw"), _NOTHING_LOST),
    "crashed": _s(_("The sync stopped unexpectedly"), _NOTHING_LOST),
    "disk-full": _s(_("The storage is full"), _("Nothing can be saved at present. What was saved before is safe.")),
    "no-connection": _s(_("This connection has ended"), _("Nothing was changed.")),
    "busy": _s(_("A sync is running already"), _("The plan is made when it has ended. Please try again in a moment.")),
    "expired": _s(
        _("The authorisation has expired"),
        _("Nothing is synced until you authorise again. Your settings and existing events are kept."),
    ),
    "deferred": _s(_("The service asks for a pause"), _("The sync goes on by itself. Nothing is lost.")),
    "failed": _s(_("The sync stopped unexpectedly"), _NOTHING_LOST),
    "not-found": _s(_("This does not exist"), _("It may have been removed, or it belongs to somebody else.")),
    "sign-in": _s(_("Please sign in"), _("Your session has ended. Nothing was changed.")),
    "forbidden": _s(_("You may not do this"), _("Only an administrator may. Nothing was changed.")),
    "csrf": _s(_("This page was open for too long"), _("Nothing was changed. Please reload it and try again.")),
    "invalid": _s(_("Please check your entries"), _("Nothing was saved.")),
    "method": _s(_("This cannot be done here"), _("Nothing was changed.")),
    "media-type": _s(_("This is no JSON"), _("Nothing was changed.")),
    "too-large": _s(_("That is too large"), _("Nothing was changed.")),
    "rate-limited": _s(_("Too many requests"), _("Please wait a moment. Nothing was changed.")),
}

REASONS: Mapping[Reason, LazyString] = {
    Reason.NEW_REMOTE: _("New in the connected calendar."),
    Reason.CHANGED_REMOTE: _("Changed in the connected calendar."),
    Reason.DELETED_REMOTE: _("Deleted in the connected calendar."),
    Reason.CANCELLED_REMOTE: _("Cancelled by its organiser; the time counts as free."),
    Reason.MOVED_REMOTE: _("Moved to another of your connected calendars."),
    Reason.NEW_HOST: _("New here."),
    Reason.CHANGED_HOST: _("Changed here."),
    Reason.DELETED_HOST: _("Deleted here."),
    Reason.CANCELLED_HOST: _("Cancelled here."),
    Reason.WITHDRAWN_HOST: _("You no longer take part."),
    Reason.MERGED: _("Changed on both sides in different fields; both changes were kept."),
    Reason.ECHO: _("Our own change came back; nothing to do."),
    Reason.EQUAL: _("Both sides are equal; nothing to do."),
    Reason.ADOPTED: _("It was there on both sides already; the two were tied together instead of doubled."),
    Reason.INVITATION_REPLACES_COPY: _("The invitation itself has taken the place of our copy."),
    Reason.CONVERTED: _("You made it visible."),
    Reason.CONVERSION_UNDONE: _("You took the conversion back."),
    Reason.GUESTS: _("Its participants are entered in the copy as well; no e-mail is asked for."),
    Reason.DECIDED: _("You decided about it; the next sync carries it out."),
    Reason.HAS_LIVE_LINK: _("It is synced through another of your connections already."),
    Reason.TARGET_IS_NO_SOURCE: _("It is in your target calendar, which is not chosen as a source."),
    Reason.SPLIT_THERE: _("At the service its later days became an event of their own, which stands there alone."),
    Reason.COPY_OF_STAMPED: _("It is a copy of an event that we wrote; the copy stays yours."),
    Reason.BEFORE_CONNECTED: _("It ended before the account was connected."),
    Reason.OUT_OF_WINDOW: _("It lies outside the period that is synced."),
    Reason.NOT_ORGANISER: _("You do not organise it, so only your own answer, reminder and availability are synced."),
    Reason.NOT_WRITABLE: _("The connected calendar does not let this entry be changed."),
    Reason.MASKED: _("The connected calendar hides its details, so nothing is compared or overwritten."),
    Reason.DECLINED: _("It was taken back and is not written again until it changes."),
    Reason.SAME_MEETING_ELSEWHERE: _("The same meeting is shown through another connection already."),
    Reason.UNSUPPORTED_RULE: _("The service cannot hold this kind of repetition."),
    Reason.NO_CONNECTION: _("You have connected no account that it could be written to."),
    Reason.NO_TARGET: _("No target calendar is chosen in the settings, so nothing is transferred."),
    Reason.CONFLICT_NEWEST: _(
        "Changed on both sides; the newer change was kept, the other one is in the list of conflicts."
    ),
    Reason.CONFLICT_HOST: _("Changed on both sides; the change made here was kept, as you have set it."),
    Reason.CONFLICT_REMOTE: _(
        "Changed on both sides; the change in the connected calendar was kept, as you have set it."
    ),
    Reason.CONFLICT_ASK: _("Changed on both sides; it waits for your decision."),
    Reason.EDIT_BEATS_DELETION: _("Deleted on one side and changed on the other; the change was kept."),
    Reason.BRAKE: _("Unusually many deletions at once; they wait for your approval."),
    Reason.SUSPECT: _("It was missing from the list; whether it was deleted is asked for first."),
    Reason.AWAITS_SIBLING: _("Another calendar of this account could not be read; until then nothing is deleted."),
    Reason.AWAITS_APPROVAL: _("It waits for you to press Start under the plan."),
    Reason.UNREADABLE: _("The service's entry cannot be understood; it is left untouched."),
    Reason.REFUSED: _("The service refused it."),
    Reason.PARTIAL: _("Only a part of the series could be written; the rest follows."),
    Reason.UNANSWERED: _("No answer came; before anything is repeated, we look whether it arrived."),
    Reason.STALE: _("It was changed there in the meantime; the next sync decides anew."),
    Reason.DEFERRED: _("The service asked for a pause; it is done later."),
    Reason.DOUBTFUL: _("It may be one that is there already; you say whether it is."),
    Reason.LOOP: _("It kept changing without anybody editing it; it was put on hold."),
    Reason.ROLE_DROPPED: _("You may no longer write to this calendar; nothing is sent there."),
    Reason.WOULD_MAIL: _("The service would send mail about it, so it was not done."),
    Reason.UNSELECTED: _("Its calendar is no longer chosen."),
    Reason.DISCONNECTED: _("The connection was ended."),
    Reason.TARGET_CHANGED: _("You chose another target calendar."),
    Reason.RETENTION: _("It is older than the period that is kept."),
    Reason.UNDONE: _("A run was undone."),
    Reason.CHANGED_SINCE: _("It was changed after that run, so it was left as it is now."),
    Reason.NOT_KEPT: _("What it was like before is not kept, so it cannot be brought back."),
    Reason.ONLINE_MEETING: _("It has an online meeting that would be lost, so it was left as it is."),
}

TRIGGERS: Mapping[Trigger, LazyString] = {
    Trigger.SCHEDULE: _("in the background"),
    Trigger.HOST_CHANGE: _("after a change here"),
    Trigger.BUTTON: _("by the sync button"),
    Trigger.START: _("after Start was pressed"),
    Trigger.NOTIFICATION: _("the service reported a change"),
    Trigger.RETRY: _("after a pause"),
    Trigger.COMMAND: _("by command"),
    Trigger.UNDO: _("undoing a run"),
}

# For a run without counts; a run that did something is told by its counts.
OUTCOMES: Mapping[RunOutcome, LazyString] = {
    RunOutcome.DONE: _("No changes"),
    RunOutcome.WAITS: _("Events were read; writing waits for you to press Start"),
    RunOutcome.NOT_SET_UP: _("Nothing is chosen yet, so nothing was read"),
    RunOutcome.INCOMPLETE: _("Done, except for single entries"),
    RunOutcome.DEFERRED: _("The service asks for a pause"),
    RunOutcome.BUSY: _("A sync is running already"),
    RunOutcome.EXPIRED: _("Authorisation expired"),
    RunOutcome.FAILED: _("Failed"),
    RunOutcome.LEASE_LOST: _("Another worker took over"),
}
OUTCOME_KINDS: Mapping[RunOutcome, str] = {
    RunOutcome.DONE: "ok",
    RunOutcome.WAITS: "info",
    RunOutcome.NOT_SET_UP: "info",
    RunOutcome.INCOMPLETE: "warn",
    RunOutcome.DEFERRED: "warn",
    RunOutcome.BUSY: "info",
    RunOutcome.EXPIRED: "warn",
    RunOutcome.FAILED: "err",
    RunOutcome.LEASE_LOST: "info",
}

PHASES: Mapping[Phase, LazyString] = {
    Phase.FETCH: _("Fetching changes"),
    Phase.READ: _("Reading events"),
    Phase.WRITE: _("Writing events"),
}

STATES: Mapping[ConnectionState, tuple[str, str, LazyString]] = {
    ConnectionState.ADDED: ("", "circle-dashed", _("Added")),
    ConnectionState.CONNECTED: ("ok", "check", _("Connected")),
    ConnectionState.EXPIRED: ("warn", "key-round", _("Authorisation expired")),
    ConnectionState.PAUSED: ("", "lock", _("Paused")),
    ConnectionState.REMOVED: ("", "unplug", _("Disconnected")),
}

# What users ask an admin for; %(subject)s is the request's own.
REQUESTS: Mapping[Asked, LazyString | str] = {
    Asked.INSTALL: "%(name)s",
    Asked.CONSENT: _("Consent at %(service)s needed for %(name)s"),
    Asked.HOST: _("Access to the server %(subject)s needed for %(name)s"),
}

# Who wins where both sides changed one field: the choice and what it means.
POLICIES: Mapping[Policy, tuple[LazyString, LazyString]] = {
    Policy.NEWEST: (_("The newer change"), _("The change that was made later is kept.")),
    Policy.HOST: (_("The change made here"), _("What was changed in the connected calendar is overruled.")),
    Policy.REMOTE: (_("The change in the connected calendar"), _("What was changed here is overruled.")),
    Policy.ASK: (_("Ask me"), _("Both sides stay as they are until you decide.")),
}

CATEGORIES: Mapping[Category, LazyString] = {
    Category.CALENDAR: _("Calendar"),
    Category.CONTACTS: _("Contacts"),
    Category.TASKS: _("Tasks"),
    Category.TELEPHONY: _("Telephony"),
    Category.MAIL: _("Mail"),
    Category.DOCUMENTS: _("Documents"),
    Category.FINANCE: _("Finance"),
}

LEVELS: Mapping[Level, tuple[str, str, LazyString]] = {
    Level.WRITE: ("info", "pencil", _("Read and write")),
    Level.READ: ("", "eye", _("Read only")),
    Level.NONE: ("", "ban", _("No access")),
}

ROLES: Mapping[Role, LazyString] = {
    Role.NONE: _("No access"),
    Role.FREE_BUSY: _("Shows busy times only"),
    Role.READER: _("Read only"),
    Role.MASKED_WRITER: _("Hides private details"),
    Role.WRITER: _("Shared, may be changed"),
    Role.OWNER: _("Your own"),
}

KINDS: Mapping[Kind, LazyString] = {
    Kind.EVENT: _("Calendar"),
    Kind.CONTACT: _("Contacts"),
    Kind.TASK: _("Tasks"),
    Kind.CALL: _("Calls"),
}

# What the journal's steps are about, and what was done.
SIDES: Mapping[Side, LazyString] = {
    Side.BLOCK: _("Grey block"),
    Side.HOST: _("Event here"),
    Side.REMOTE: _("Connected calendar"),
}
ACTIONS: Mapping[Action, LazyString] = {
    Action.CREATE: _("created"),
    Action.UPDATE: _("changed"),
    Action.DELETE: _("deleted"),
    Action.MOVE: _("moved"),
    Action.LINK: _("assigned anew"),
    Action.HOLD: _("held back"),
}

# What an event is to the sync.
WHATS: Mapping[What, LazyString] = {
    What.BLOCK: _("It comes from a connected calendar. Colleagues only see “Busy”."),
    What.COPY: _("It was made here and is copied to your target calendar."),
    What.SHARED: _("A colleague organises it here; you take part, so a copy is in your target calendar."),
    What.INVITATION: _("The invitation in your connected calendar and this event are the same meeting."),
    What.CONVERTED: _("It comes from a connected calendar, and you made it visible to colleagues."),
    What.CLOSED: _("It comes from a connected calendar, and you made it an event here. Colleagues only see “Busy”."),
    What.PAIR: _("It is the same here and in the connected account; changes go both ways."),
    What.MIRROR: _("It is shown in your target calendar; only its time is synced back."),
    What.ALONE: _("It is here only and not synced."),
}

# Names, facts, causes and ways out of test steps.
TEST_STEPS, FACTS = step_texts.TEST_STEPS, step_texts.FACTS
CAUSES, WAYS_OUT = step_texts.CAUSES, step_texts.WAYS_OUT


def error_sentence(code: str) -> Sentence:
    """The sentence for an error's code; for an unknown one the general sentence, and the log says which is missing."""
    if code not in ERRORS:
        log.error("no sentence for the error code %s", code)
    return ERRORS.get(code, ERRORS["error"])


def fresh_number() -> str:
    """A number that a user can tell and the log carries: ``7F3-C21``."""
    digits = secrets.token_hex(3).upper()
    return f"{digits[:3]}-{digits[3:]}"
