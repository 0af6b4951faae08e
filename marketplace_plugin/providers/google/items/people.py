"""The address book of an account, by the People API.

Sources: https://developers.google.com/people/v1/contacts and the reference of people.connections.list, get,
createContact, updateContact and deleteContact.

* A round is connections.list with a sync token; the token ends seven days after the full round that it goes back to.
* Sync requests may show a write only after minutes, so what was written is read from the reply, and an echo that comes
  late says the same revision.
* A stale etag is refused by 400 failedPrecondition. A deletion has no precondition: what stands there is compared just
  before it.
* There is no search by ``clientData``: ``find`` reads the book once, and is asked only where an answer was lost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from marketplace_plugin.errors import ContractViolation, CursorExpired, Unavailable
from marketplace_plugin.model.change import (
    Change,
    Checkpoint,
    Cursor,
    Found,
    Gone,
    Page,
    Stamp,
    Tombstone,
    Unreadable,
    UnreadableReason,
    Upsert,
)
from marketplace_plugin.model.collection import Capabilities, CollectionInfo, Role
from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.item import Kind
from marketplace_plugin.model.write import (
    Applied,
    Create,
    Delete,
    Outcome,
    Refused,
    RefusedCode,
    Stale,
    Update,
    Write,
)
from marketplace_plugin.providers.google.errors import Refusal, for_read, is_expired
from marketplace_plugin.providers.google.items import person, sending
from marketplace_plugin.providers.google.items.sending import Sending
from marketplace_plugin.providers.google.transport import Client, Json

ID = "people/me"
PAGE = 1000
BATCH = 30
"""A request with more names would be too long for GET, and this method knows no other."""
SOURCE = "READ_SOURCE_TYPE_CONTACT"
_FINGERPRINT = hashlib.sha256(f"1 {person.PERSON_FIELDS} {SOURCE} {PAGE}".encode()).hexdigest()[:16]
_SEEN: Mapping[str, Any] = {"personFields": person.PERSON_FIELDS, "sources": SOURCE}


def info(title: str) -> CollectionInfo:
    """An account has one book; it has no name of its own, so it is called ``title``."""
    capabilities = Capabilities(person.FIELDS, stable_ids=False)
    return CollectionInfo(ID, Kind.CONTACT, title, Role.OWNER, capabilities, primary=True)


class AddressBook:
    """The contacts of one account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    # --- reading -------------------------------------------------------------------------------------------------

    def pull(self, since: Cursor | Checkpoint | None) -> Iterator[Page]:
        """See ``contract.provider.Provider.pull``; there is no window."""
        sync = since.token or None if isinstance(since, Cursor) and since.fingerprint == _FINGERPRINT else None
        page, first = "", True
        while first or page:
            answer = self._list(sync, page, first=first)
            changes = tuple(change for raw in _persons(answer) for change in _changes(raw))
            page, first = str(answer.get("nextPageToken") or ""), False
            # Without a token there is nothing to go on with: the next round is a first read again.
            cursor = None if page else Cursor(str(answer.get("nextSyncToken") or ""), _FINGERPRINT, None)
            yield Page(changes, snapshot=sync is None, cursor=cursor)

    def _list(self, sync: str | None, page: str, *, first: bool) -> Json:
        more = {"syncToken": sync} if sync else {}
        more |= {"pageToken": page} if page else {}
        try:
            return self._client.call(self._connections(requestSyncToken=True, **more))
        except Refusal as problem:
            if not is_expired(problem) or not more:
                raise for_read(problem) from problem
            if first:
                raise CursorExpired("Google no longer takes this token") from problem
            raise Unavailable("the round broke off: Google no longer takes its token") from problem

    def _connections(self, **more: Any) -> Any:
        return self._client.people.connections().list(resourceName=ID, pageSize=PAGE, **_SEEN, **more)

    def fetch(self, ids: Sequence[str]) -> list[Found | Gone | Unreadable]:
        """See ``contract.provider.Provider.fetch``."""
        wanted, told = list(dict.fromkeys(ids)), list[Found | Gone | Unreadable]()
        for at in range(0, len(wanted), BATCH):
            told += self._fetch(wanted[at : at + BATCH])
        return told

    def _fetch(self, ids: list[str]) -> list[Found | Gone | Unreadable]:
        try:
            answer = self._client.call(self._client.people.getBatchGet(resourceNames=ids, **_SEEN))
        except Refusal as problem:
            raise for_read(problem) from problem
        answers = {str(one.get("requestedResourceName")): one for one in answer.get("responses") or ()}
        if answers.keys() != set(ids):
            raise ContractViolation("not one answer for each name that was asked for")
        return [_fetched(name, answers[name]) for name in ids]

    def find(self, stamps: Sequence[Stamp]) -> dict[Stamp, list[Found]]:
        """See ``contract.provider.Provider.find``. Reads the whole book, without a sync token."""
        wanted, told, page, first = set(stamps), dict[Stamp, list[Found]](), "", True
        while wanted and (first or page):
            try:
                answer = self._client.call(self._connections(**({"pageToken": page} if page else {})))
            except Refusal as problem:
                raise for_read(problem) from problem
            for change in (change for raw in _persons(answer) for change in _changes(raw)):
                if isinstance(change, Upsert) and change.found.stamp in wanted and change.found.stamp is not None:
                    told.setdefault(change.found.stamp, []).append(change.found)
            page, first = str(answer.get("nextPageToken") or ""), False
        return told

    # --- writing -------------------------------------------------------------------------------------------------

    def push(self, writes: Sequence[Write]) -> Iterator[Outcome]:
        """See ``contract.provider.Provider.push``."""
        return sending.push(self._client, writes, self._carry_out)

    def _carry_out(self, this: Sending, write: Write) -> Outcome:
        match write:
            case Create(item=Contact() as item):
                body = person.creation(item, write.stamp)
                return _applied(this, this.write(self._client.people.createContact(body=body, **_SEEN)))
            case Update(item=Contact() as item):
                return self._update(this, write, item)
            case Delete():
                return self._delete(this, write)
            case _:
                return Refused(this.op, RefusedCode.UNSUPPORTED)

    def _update(self, this: Sending, write: Update, item: Contact) -> Outcome:
        raw = self._current(this, write.id)
        if end := _unexpected(this, raw, write.revision.master):
            return end
        source = person.own_source(raw)
        if source is None:
            return Refused(this.op, RefusedCode.FORBIDDEN)
        body = person.update(raw, item, write.changed, write.stamp)
        if not body:  # nothing that a person holds is to be changed
            return _applied(this, raw)
        kept = {"type": source["type"], "id": source.get("id", ""), "etag": source["etag"]}
        request = self._client.people.updateContact(
            resourceName=write.id,
            updatePersonFields=",".join(sorted(body)),
            body={**body, "metadata": {"sources": [kept]}},
            **_SEEN,
        )
        return _applied(this, this.write(request))

    def _delete(self, this: Sending, write: Delete) -> Outcome:
        raw = self._current(this, write.id)
        if end := _unexpected(this, raw, write.revision.master):
            return end
        this.write(self._client.people.deleteContact(resourceName=write.id))
        return Applied(this.op, write.id, None, None)

    def _current(self, this: Sending, name: str) -> Json:
        return this.read(self._client.people.get(resourceName=name, **_SEEN))


def _unexpected(this: Sending, raw: Json, revision: str) -> Outcome | None:
    """Stale, with what stands there now, unless that is what the caller last saw."""
    try:
        now = person.found(raw)
    except person.Undecodable:
        return Stale(this.op, None)
    return None if now.revision.master == revision else Stale(this.op, now)


def _applied(this: Sending, raw: Json) -> Outcome:
    try:
        stored = person.found(raw)
    except person.Undecodable:
        raise ContractViolation("the reply is no person") from None
    return Applied(this.op, stored.id, stored.revision, stored)


def _fetched(name: str, answer: Json) -> Found | Gone | Unreadable:
    if answer.get("httpStatusCode") == 404:
        return Gone(name)
    told = list(_changes(answer.get("person") or {"resourceName": name}))
    return told[-1].found if isinstance(told[-1], Upsert) else Unreadable(name, UnreadableReason.MALFORMED)


def _changes(raw: Json) -> Iterator[Change]:
    """A person that was merged has other names before: those are gone."""
    name, metadata = str(raw["resourceName"]), raw.get("metadata") or {}
    for previous in metadata.get("previousResourceNames") or ():
        yield Tombstone(str(previous))
    if metadata.get("deleted"):
        yield Tombstone(name)
        return
    try:
        yield Upsert(person.found(raw))
    except person.Undecodable:
        yield Unreadable(name, UnreadableReason.MALFORMED)


def _persons(answer: Json) -> list[Json]:
    """Raises ContractViolation for what is no list of persons with names."""
    persons = answer.get("connections") or []
    if not isinstance(persons, list) or not all(isinstance(one, dict) and one.get("resourceName") for one in persons):
        raise ContractViolation("connections is no list of persons")
    return persons
