"""A server of the Calendar API, version 3, written from the discovery document and Google's guides alone.

Where those leave room it takes the other variant: fields that need not be there are not, pages are empty, ETags are
weak, times come in UTC beside the zone, lists do not name the role, errors have the page of some proxy as their body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from marketplace_plugin.providers.google import GoogleAccount
from tests.providers.foreign import Answer, Json, JsonServer, Opening, bearer, session
from tests.serving import served

PAGE = 2
HTML = b"<!doctype html><title>Error</title><p>That's an error: <b>Zahnarzt</b> &nbsp;</html>"
OPTIONAL = ("etag", "updated", "sequence", "created", "htmlLink", "kind")


def at(day: int, hour: int = 9, **more: Any) -> Json:
    return {"dateTime": f"2026-03-{day:02}T{hour:02}:00:00+01:00", **more}


class Foreign(JsonServer):
    """``refuse`` is asked by method, path and query; ``log`` holds the same."""

    home, work = "anna@foreign.example", "work@group.calendar.google.com"

    @contextmanager
    def served(self) -> Iterator[Opening]:
        with served(self) as url:
            reached = {"bearer": bearer, "settings": {"api_root": url}}
            yield lambda now, instance: GoogleAccount(session(now, instance, **reached))

    # ---- what a person does ------------------------------------------------------------------------------------

    def seed(self) -> None:
        """The lines of the series stand in another order, and the 30th of it is cancelled too."""
        home = self.home
        self.put(home, "untitled", {"start": at(10, timeZone="Europe/Berlin"), "end": at(10, 10)})
        self.put(home, "days", {"summary": "Messe", "start": {"date": "2026-03-11"}, "end": {"date": "2026-03-13"}})
        lines = ["EXDATE;VALUE=DATE-TIME;TZID=Europe/Berlin:20260316T090000", "rrule:freq=weekly;count=4;byday=mo"]
        body = {"summary": "Runde", "start": at(9, timeZone="Europe/Berlin"), "end": at(9, 10), "iCalUID": "uid@x"}
        self.put(home, "series", body | {"recurrence": lines})
        exception = {"recurringEventId": "series", "iCalUID": "uid@x", "originalStartTime": at(23, 9)}
        self.put(home, "series_20260323T080000Z", exception | {"summary": "Moved", "start": at(24), "end": at(24, 10)})
        self.put(home, "gone", {"recurringEventId": "series", "originalStartTime": at(30, 8), "status": "cancelled"})

    def change_seeded(self) -> None:
        self.change(self.home, "untitled", summary="Titled")
        self.drop(self.home, "days")
        self.drop(self.home, "series_20260323T080000Z")

    def edit(self, calendar: str, event: str, title: str, hour: int) -> None:
        self.change(calendar, event, summary=title, start=at(10, hour), end=at(10, hour + 1))

    def drop(self, calendar: str, event: str) -> None:
        """What is left of it is its id, and what names the occurrence where it was one."""
        was = self.events[calendar][event]
        kept: Json = {name: was[name] for name in ("recurringEventId", "originalStartTime") if name in was}
        self.put(calendar, event, {"status": "cancelled", **kept})
        for other, body in list(self.events[calendar].items()):
            if body.get("recurringEventId") == event:
                self.put(calendar, other, {"status": "cancelled"})

    # ---- what is to be seen ------------------------------------------------------------------------------------

    def titles(self, calendar: str) -> dict[str, str]:
        live = {name: body for name, body in self.events[calendar].items() if body.get("status") != "cancelled"}
        whole = [body for body in live.values() if body.get("recurringEventId") not in live]
        return {body["id"]: body.get("summary", "") for body in whole}

    def exceptions(self, calendar: str, series: str) -> dict[date, str | None]:
        lines = self.events[calendar][series].get("recurrence", ())
        left_out = [day for line in lines if line.startswith("EXDATE") for day in line.rpartition(":")[2].split(",")]
        found: dict[date, str | None] = {datetime.fromisoformat(day).date(): None for day in left_out}
        for body in self.events[calendar].values():
            if body.get("recurringEventId") == series:
                day = _instant(body["originalStartTime"]).astimezone(ZoneInfo("Europe/Berlin")).date()
                found[day] = None if body.get("status") == "cancelled" else body["summary"]
        return found

    def writes(self, since: int) -> list[Any]:
        return [asked for asked in self.log[since:] if asked[0] != "GET"]

    # ---- the wire ----------------------------------------------------------------------------------------------

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        sent = json.loads(environ["wsgi.input"].read(length)) if length else {}
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].encode("latin-1").decode()
        query = {name: values[-1] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
        self.log.append((method, path, query))
        answer = self.refused(method, path, query)
        answer = answer or self._answer(method, path, query, sent, environ.get("HTTP_IF_MATCH", ""))
        json_is, bytes_are = "application/json; charset=UTF-8", "text/html; charset=ISO-8859-1"
        return answer.start(start_response, json_is=json_is, bytes_are=bytes_are)

    def _answer(self, method: str, path: str, query: dict[str, str], sent: Json, match: str) -> Answer:
        if path == "/calendar/v3/users/me/calendarList":
            rows = [{"id": name, "summary": name, "accessRole": "owner", "news": {}} for name in self.events]
            return Answer(200, {"items": rows} if "pageToken" in query else {"nextPageToken": "p=/+ä"})
        found = re.fullmatch(r"/calendar/v3/calendars/([^/]+)/events(?:/([^/]+))?(/instances)?", path)
        if found is None or found[1] not in self.events:
            return Answer(404, HTML)
        calendar, event = found[1], found[2]
        if found[3]:
            return _page_of(list(self._instances(calendar, event)), query)
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
        answer = _page_of([self.shown(body) for body in rows], query)
        if "nextPageToken" not in answer.body:
            answer.body |= {"nextSyncToken": f"{self.version}=/+ %", "unheardOf": [None]}
        return answer

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


def _page_of(rows: list[Json], query: dict[str, str]) -> Answer:
    """The first one is empty."""
    page, size = int(query.get("pageToken", "-1")), min(PAGE, int(query.get("maxResults", PAGE)))
    told = rows[page * size : (page + 1) * size] if page >= 0 else []
    answer: Json = {"items": told} if told else {}
    return Answer(200, answer | ({"nextPageToken": str(page + 1)} if (page + 1) * size < len(rows) else {}))


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
