"""The HTTP side of the People API: ``/v1/people``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from marketplace_plugin.sandbox.google.calendar.params import Kind
from marketplace_plugin.sandbox.google.calendar.routes import Call, Register, json_body, new_api
from marketplace_plugin.sandbox.google.errors import Json
from marketplace_plugin.sandbox.google.event.shape import Each
from marketplace_plugin.sandbox.google.oauth.grants import Grants
from marketplace_plugin.sandbox.google.people import connections, person
from marketplace_plugin.sandbox.google.people.book import Book, Books, StoredPerson
from marketplace_plugin.sandbox.google.people.person import invalid_argument, mask
from marketplace_plugin.sandbox.google.state import State
from marketplace_plugin.sandbox.google.tasks.routes import COMMON

SOURCES = (
    "READ_SOURCE_TYPE_CONTACT",
    "READ_SOURCE_TYPE_DOMAIN_CONTACT",
    "READ_SOURCE_TYPE_OTHER_CONTACT",
    "READ_SOURCE_TYPE_PROFILE",
    "READ_SOURCE_TYPE_UNSPECIFIED",
)
_SEEN: Mapping[str, Kind] = {"personFields": "string", "sources": ("*", *SOURCES)}
_MASKED: Mapping[str, Kind] = {**_SEEN, "requestMask.includeField": "string"}
PARAMS: Mapping[str, Mapping[str, Kind]] = {
    "people.people.connections.list": {
        **_MASKED,
        "pageSize": "integer",
        "pageToken": "string",
        "requestSyncToken": "boolean",
        "sortOrder": (
            "LAST_MODIFIED_ASCENDING",
            "LAST_MODIFIED_DESCENDING",
            "FIRST_NAME_ASCENDING",
            "LAST_NAME_ASCENDING",
        ),
        "syncToken": "string",
    },
    "people.people.get": _MASKED,
    "people.people.getBatchGet": {**_MASKED, "resourceNames": "strings"},
    "people.people.createContact": _SEEN,
    "people.people.updateContact": {**_SEEN, "updatePersonFields": "string"},
    "people.people.deleteContact": {},
}
_PARAMETERS = {name: {**own, **COMMON} for name, own in PARAMS.items()}
_READ, _WRITE = ("contacts", "contacts.readonly"), ("contacts",)
SCOPES: Mapping[str, tuple[str, ...]] = {
    name: _READ if name.rpartition(".")[2] in ("list", "get", "getBatchGet") else _WRITE for name in PARAMS
}
"""Of the scopes that the service names for get and getBatchGet, those that reach contacts."""
DEFAULT_SOURCES = ("READ_SOURCE_TYPE_CONTACT", "READ_SOURCE_TYPE_PROFILE")
BATCH_LIMIT = 200


@dataclass(frozen=True)
class _Asked:
    """One call with the caller's book."""

    call: Call
    book: Book

    @property
    def sources(self) -> list[str]:
        return list(self.call.args.get("sources") or DEFAULT_SOURCES)

    def names(self, *, required: bool = True) -> list[str]:
        """The fields to show. Raises ApiError 400."""
        text = self.call.args.get("personFields")
        if text is None and not required:
            return sorted(person.READABLE)
        return mask(text, person.READABLE, "personFields")

    def person(self, one: StoredPerson, names: list[str]) -> ResponseReturnValue:
        reply = self.call.reply(self.book.shown(one, names, self.sources), person.PERSON)
        if self.call.state.knobs.hostile_echo and request.method != "GET":
            self.book.touch(one)
        return reply


def blueprint(state: State, grants: Grants, books: Books) -> Blueprint:
    """The methods under ``/v1/people``."""
    api, method = new_api(
        "people",
        "/v1",
        state,
        grants,
        parameters=_PARAMETERS,
        scopes=SCOPES,
        asked=lambda call: _Asked(call, books.of(call.token.email)),
    )
    _reads(method)
    _writes(method)
    return api


_PERSON = "/people/<person_id>"


def _reads(method: Register) -> None:
    @method("GET", f"{_PERSON}/connections", "people.people.connections.list")
    def list_connections(it: _Asked, person_id: str) -> ResponseReturnValue:
        if person_id != "me":
            raise invalid_argument("Only people/me is valid.")
        body = connections.listing(it.call.state, it.book, it.call.args, it.names(), it.sources)
        return it.call.reply(body, person.CONNECTIONS)

    @method("GET", _PERSON, "people.people.get")
    def get(it: _Asked, person_id: str) -> ResponseReturnValue:
        return it.person(it.book.get(f"people/{person_id}"), it.names())

    @method("GET", "/people:batchGet", "people.people.getBatchGet")
    def batch_get(it: _Asked) -> ResponseReturnValue:
        wanted, names = it.call.args.get("resourceNames") or [], it.names()
        if not 0 < len(wanted) <= BATCH_LIMIT:
            raise invalid_argument(f"Between 1 and {BATCH_LIMIT} resource names are needed.")
        return it.call.reply({"responses": [_answered(it, name, names) for name in wanted]}, {"responses": Each("any")})


def _answered(it: _Asked, name: str, names: list[str]) -> Json:
    one = it.book.persons.get(name)
    if one is None or one.deleted:
        gone = {"code": 5, "message": "Requested entity was not found."}
        return {"requestedResourceName": name, "httpStatusCode": 404, "status": gone}
    shown = it.book.shown(one, names, it.sources)
    return {"requestedResourceName": name, "httpStatusCode": 200, "status": {}, "person": shown}


def _writes(method: Register) -> None:
    @method("POST", "/people:createContact", "people.people.createContact")
    def create(it: _Asked) -> ResponseReturnValue:
        names = it.names(required=False)
        return it.person(it.book.create(json_body()), names)

    @method("PATCH", f"{_PERSON}:updateContact", "people.people.updateContact")
    def update(it: _Asked, person_id: str) -> ResponseReturnValue:
        names = it.names(required=False)
        replaced = mask(it.call.args.get("updatePersonFields"), person.WRITABLE, "updatePersonFields")
        return it.person(it.book.update(f"people/{person_id}", json_body(), replaced), names)

    @method("DELETE", f"{_PERSON}:deleteContact", "people.people.deleteContact")
    def delete(it: _Asked, person_id: str) -> ResponseReturnValue:
        it.book.delete(f"people/{person_id}")
        return it.call.reply({}, {})
