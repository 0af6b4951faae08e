"""What is stored of a user's contacts, and how it is changed."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from marketplace_plugin.sandbox.google.errors import Json
from marketplace_plugin.sandbox.google.people import person
from marketplace_plugin.sandbox.google.people.person import failed_precondition, invalid_argument, not_found
from marketplace_plugin.sandbox.google.state import State

CONTACT = "CONTACT"
FULL_SYNC_KEPT = timedelta(days=7)
"""Sync tokens end so long after the full sync that they go back to, however often they were renewed."""


@dataclass
class StoredPerson:
    """``body`` holds the contact's own fields; ``profile`` what the person's Google account adds, never written."""

    id: str
    source_id: str
    body: Json
    seq: int
    updated: datetime
    deleted: bool = False
    profile: Json = field(default_factory=dict)
    previous: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"people/{self.id}"

    @property
    def etag(self) -> str:
        """Of the contact as a source: what an update has to bring."""
        return "#" + hashlib.sha256(f"{self.source_id}:{self.seq}".encode()).hexdigest()[:12]

    @property
    def person_etag(self) -> str:
        """Of the whole person. It is another one, so that nobody mistakes the two."""
        return "%" + hashlib.sha256(f"person:{self.source_id}:{self.seq}".encode()).hexdigest()[:16]


class Book:
    """One user's contacts."""

    def __init__(self, state: State, email: str) -> None:
        self._state, self.email = state, email
        self.persons: dict[str, StoredPerson] = {}
        self.epoch = 0

    def get(self, name: str) -> StoredPerson:
        """Raises ApiError 404."""
        found = self.persons.get(name)
        if found is None or found.deleted:
            raise not_found()
        return found

    def create(self, given: Json) -> StoredPerson:
        """Raises ApiError 400."""
        if given.get("resourceName") or given.get("etag"):
            raise invalid_argument("resourceName and etag are assigned by the server.")
        body = person.accepted(given, sorted(person.WRITABLE))
        if not body:
            raise invalid_argument("Request contains an invalid argument.")
        number = secrets.randbits(62)
        made = StoredPerson(f"c{number}", f"{number:x}", body, self._state.next_tick(), self._state.now())
        self.persons[made.name] = made
        return made

    def update(self, name: str, given: Json, names: Sequence[str]) -> StoredPerson:
        """Replace the fields ``names``. Raises ApiError 400 (a stale etag too), 404."""
        one = self.get(name)
        sources = (given.get("metadata") or {}).get("sources") or []
        own = next((source for source in sources if source.get("type") == CONTACT), None)
        if own is None or not own.get("etag"):
            raise invalid_argument("person.metadata.sources with the contact's etag is required.")
        if own["etag"] != one.etag:
            raise failed_precondition(
                "Request person.etag is different than the current person.etag. Clear local cache and get the "
                "latest person."
            )
        fresh = person.accepted(given, names)
        one.body = {k: v for k, v in one.body.items() if k not in names} | fresh
        self.touch(one)
        return one

    def delete(self, name: str) -> None:
        """Raises ApiError 404."""
        one = self.get(name)
        one.deleted = True
        self.touch(one)

    def touch(self, one: StoredPerson) -> None:
        one.seq, one.updated = self._state.next_tick(), self._state.now()

    def rename(self, name: str) -> str:
        """The contact was merged with a profile: it goes on under another resource name."""
        one = self.persons.pop(name)
        one.previous.append(name)
        one.id = f"c{secrets.randbits(62)}"
        self.persons[one.name] = one
        self.touch(one)
        return one.name

    def shown(self, one: StoredPerson, names: Sequence[str], sources: Sequence[str], *, synced: bool = False) -> Json:
        """A person as it is sent: the fields ``names`` of the ``sources`` that were asked for."""
        told: Json = {"resourceName": one.name, "etag": one.person_etag}
        source = {"type": CONTACT, "id": one.source_id}
        if "READ_SOURCE_TYPE_CONTACT" in sources and not one.deleted:
            told |= person.shown(one.body, source, names)
        if "READ_SOURCE_TYPE_PROFILE" in sources and not one.deleted:
            profile = {"type": "PROFILE", "id": one.source_id[::-1]}
            for name, entries in person.shown(one.profile, profile, names).items():
                told[name] = [*told.get(name, []), *entries]
        if "metadata" in names:
            told["metadata"] = self._metadata(one, source, synced=synced)
        return told

    @staticmethod
    def _metadata(one: StoredPerson, source: Json, *, synced: bool) -> Json:
        at = one.updated.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        found: Json = {"objectType": "PERSON"}
        if one.deleted:
            found["deleted"] = True
        else:
            found["sources"] = [{**source, "etag": one.etag, "updateTime": at}]
        if synced and one.previous:
            found["previousResourceNames"] = list(one.previous)
        return found


class Books:
    """Everybody's contacts."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._of: dict[str, Book] = {}

    def of(self, email: str) -> Book:
        if email not in self._of:
            self._of[email] = Book(self._state, email)
        return self._of[email]
