"""A server of the Calendar API, version 3, written from the discovery document and Google's guides alone.

Where those leave room it takes the other variant: fields that need not be there are not, pages are empty, ETags are
weak, times come in UTC beside the zone, lists do not name the role, errors have the page of some proxy as their body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from marketplace_plugin.contract.provider import Session
from marketplace_plugin.providers.google import GoogleAccount

Json = dict[str, Any]
PAGE = 2
HTML = b"<!doctype html><title>Error</title><p>That's an error: <b>Zahnarzt</b> &nbsp;</html>"
OPTIONAL = ("etag", "updated", "sequence", "created", "htmlLink", "kind")


@dataclass
class Answer:
    status: int
    body: Any = None
    headers: list[tuple[str, str]] = field(default_factory=list)


class Foreign:
    """Calendars by id. ``etags``: whether events have one. ``refuse``: answers that stand before the next requests."""

    def __init__(self, *calendars: str, etags: bool = True) -> None:
        self.events: dict[str, dict[str, Json]] = {calendar: {} for calendar in calendars}
        self.etags = etags
        self.version = 0
        self.oldest = 0
        self.refuse: list[Callable[[str, str, dict[str, str]], Answer | None]] = []
        self.log: list[tuple[str, str, dict[str, str]]] = []

    # ---- what a person does ------------------------------------------------------------------------------------

    def put(self, calendar: str, event: str, body: Json) -> None:
        self.version += 1
        self.events[calendar][event] = {"id": event, **body, "_version": self.version}

    def change(self, calendar: str, event: str, **changes: Any) -> None:
        self.put(calendar, event, {**self.events[calendar][event], **changes})

    def drop(self, calendar: str, event: str) -> None:
        """What is left of it is its id, and what names the occurrence where it was one."""
        was = self.events[calendar][event]
        kept: Json = {name: was[name] for name in ("recurringEventId", "originalStartTime") if name in was}
        self.put(calendar, event, {"status": "cancelled", **kept})
        for other, body in list(self.events[calendar].items()):
            if body.get("recurringEventId") == event:
                self.put(calendar, other, {"status": "cancelled"})

    def live(self, calendar: str) -> list[Json]:
        return [body for body in self.events[calendar].values() if body.get("status") != "cancelled"]

    # ---- the wire ----------------------------------------------------------------------------------------------

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        sent = json.loads(environ["wsgi.input"].read(length)) if length else {}
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].encode("latin-1").decode()
        query = {name: values[-1] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
        self.log.append((method, path, query))
        answer = next(filter(None, (one(method, path, query) for one in list(self.refuse))), None)
        answer = answer or self._answer(method, path, query, sent, environ.get("HTTP_IF_MATCH", ""))
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        if answer.body is None:
            body = b""
        html = isinstance(answer.body, bytes)
        kind = "text/html; charset=ISO-8859-1" if html else "application/json; charset=UTF-8"
        start_response(f"{answer.status} -", [("Content-Type", kind), *answer.headers])
        return [body]

    def _answer(self, method: str, path: str, query: dict[str, str], sent: Json, match: str) -> Answer:
        if path == "/calendar/v3/users/me/calendarList":
            rows = [{"id": name, "summary": name, "accessRole": "owner", "news": {}} for name in self.events]
            return Answer(200, {"items": rows} if "pageToken" in query else {"nextPageToken": "p=/+ä"})
        found = re.fullmatch(r"/calendar/v3/calendars/([^/]+)/events(?:/([^/]+))?(/instances)?", path)
        if found is None or found[1] not in self.events:
            return Answer(404, HTML)
        calendar, event = found[1], found[2]
        if found[3]:
            return Answer(200, {"items": list(self._instances(calendar, event))})
        match method, event:
            case "GET", None:
                return self._list(calendar, query)
            case "POST", None:
                return self._insert(calendar, sent)
        return self._one(method, calendar, event, sent, match)

    def _one(self, method: str, calendar: str, event: str, sent: Json, match: str) -> Answer:
        there = self.events[calendar].get(event) or self._regular(calendar, event)
        if there is None or (there.get("status") == "cancelled" and not there.get("recurringEventId")):
            return Answer(404, HTML) if method == "GET" else Answer(410)
        if self.etags and match and match != self.shown(there)["etag"]:
            return Answer(412, HTML)
        match method:
            case "GET":
                return Answer(200, self.shown(there))
            case "DELETE":
                self.events[calendar].setdefault(event, there)
                self.drop(calendar, event)
                return Answer(204)
        self.put(calendar, event, _patched(there, sent))
        return Answer(200, self.shown(self.events[calendar][event]))

    def _insert(self, calendar: str, sent: Json) -> Answer:
        if sent["id"] in self.events[calendar]:
            return Answer(409)
        self.put(calendar, sent["id"], sent)
        return Answer(200, self.shown(self.events[calendar][sent["id"]]))

    def _list(self, calendar: str, query: dict[str, str]) -> Answer:
        since = int(query["syncToken"].partition("=")[0]) if "syncToken" in query else None
        if since is not None and since < self.oldest:
            return Answer(410)
        rows = sorted(self.events[calendar].values(), key=lambda body: -int(body["_version"]))
        if "iCalUID" in query:
            rows = [body for body in rows if self._uid(calendar, body) == query["iCalUID"]]
        if "privateExtendedProperty" in query:
            key, _, value = query["privateExtendedProperty"].partition("=")
            private = [(body.get("extendedProperties") or {}).get("private") or {} for body in rows]
            rows = [body for body, given in zip(rows, private, strict=True) if given.get(key) == value]
        if since is not None:
            rows = [body for body in rows if body["_version"] > since]
        else:
            shown = query.get("showDeleted") == "true"
            rows = [body for body in rows if shown or body.get("status") != "cancelled" or body.get("recurringEventId")]
        page = int(query.get("pageToken", "-1"))
        told = [self.shown(body) for body in rows[page * PAGE : (page + 1) * PAGE]] if page >= 0 else []
        answer: Json = {"items": told} if told else {}
        if (page + 1) * PAGE < len(rows):
            return Answer(200, answer | {"nextPageToken": str(page + 1)})
        return Answer(200, answer | {"nextSyncToken": f"{self.version}=/+ %", "unheardOf": [None]})

    def _uid(self, calendar: str, body: Json) -> str | None:
        """An exception has its master's, also where it does not show it."""
        master = self.events[calendar].get(body.get("recurringEventId", "")) or {}
        return body.get("iCalUID") or master.get("iCalUID")

    # ---- how it is told ----------------------------------------------------------------------------------------

    def shown(self, body: Json) -> Json:
        """Times in UTC, the zone only beside the start; nothing that need not be there."""
        told = {name: value for name, value in body.items() if name not in (*OPTIONAL, "_version") and value != ""}
        if body.get("status") == "cancelled":
            return told
        if self.etags:
            told["etag"] = f'W/"{body["_version"]}="'
        for edge in ("start", "end"):
            given = told.get(edge) or {}
            if given.get("dateTime"):
                zone = given.get("timeZone") or "Europe/Berlin"
                instant = _instant(given).astimezone(UTC)
                told[edge] = {"dateTime": f"{instant:%Y-%m-%dT%H:%M:%S.000Z}"}
                if edge == "start":
                    told[edge]["timeZone"] = zone
        return told | {"unheardOf": {"deep": [1]}, "source": None, "attendees": told.get("attendees") or None}

    def _instances(self, calendar: str, event: str) -> Iterator[Json]:
        """All of them, whatever is asked for: ten weeks of a weekly series."""
        master = self.events[calendar][event]
        start = _instant(master["start"])
        for number in range(10):
            at = (start + timedelta(weeks=number)).astimezone(UTC)
            regular = self._regular(calendar, f"{event}_{at:%Y%m%dT%H%M%SZ}")
            yield self.shown(self.events[calendar].get(str((regular or {})["id"])) or regular or {})

    def _regular(self, calendar: str, event: str) -> Json | None:
        """An occurrence that is no exception yet."""
        name, _, instant = event.rpartition("_")
        master = self.events[calendar].get(name)
        if master is None:
            return None
        start = datetime.strptime(instant, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        length = _instant(master["end"]) - _instant(master["start"])
        body = {name: value for name, value in master.items() if name not in ("recurrence", "extendedProperties")}
        moment = {"dateTime": start.isoformat(), "timeZone": master["start"].get("timeZone")}
        return body | {
            "id": event,
            "recurringEventId": name,
            "originalStartTime": {"dateTime": f"{start:%Y-%m-%dT%H:%M:%SZ}"},
            "start": moment,
            "end": {"dateTime": (start + length).isoformat()},
        }


def _instant(given: Json) -> datetime:
    moment = datetime.fromisoformat(given["dateTime"])
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(given["timeZone"]))


def _patched(there: Json, sent: Json) -> Json:
    """RFC 7386: null takes a field away, objects are merged, arrays are replaced."""
    made = dict(there)
    for name, value in sent.items():
        if value is None:
            made.pop(name, None)
        elif isinstance(value, dict):
            made[name] = _patched(made.get(name) or {}, value)
        else:
            made[name] = value
    return made


def session(url: str, now: Callable[[], datetime], instance: str = "instance-1") -> Session:
    return Session(
        connection="ada",
        account="anna@foreign.example",
        instance=instance,
        now=now,
        bearer=lambda refused=None: "token",
        settings={"api_root": url},
    )


def opened(url: str, now: Callable[[], datetime], instance: str = "instance-1") -> GoogleAccount:
    return GoogleAccount(session(url, now, instance))
