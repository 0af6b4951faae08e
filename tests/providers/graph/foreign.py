"""A server of Microsoft Graph v1.0, written from the published metadata and Microsoft's pages alone.

Where those leave room it takes the other variant: ids are base64 with slashes, links name the host in capitals and its
port, empty pages have no ``value``, batches are answered from behind, nulls stand for what is not there, a repeated
transactionId is a bare 409, and nothing tells a change key where ``etags`` is off. As the service does, it answers for
an event by its id whatever calendar stands before it, and occurrences of whole days begin at the mailbox's midnight.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, unquote
from zoneinfo import ZoneInfo

from marketplace_plugin.providers.graph import GraphAccount
from tests.providers.foreign import Answer, Json, JsonServer, Opening, bearer, session
from tests.serving import served

HTML = b"<html><head><title>502</title></head><body>Zahnarzt</body></html>"
BERLIN = "W. Europe Standard Time"
ZONES = {BERLIN: "Europe/Berlin", "UTC": "UTC"}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def at(day: int, hour: int = 9, zone: str | None = BERLIN) -> Json:
    return {"dateTime": f"2026-03-{day:02}T{hour:02}:00:00", "timeZone": zone}


class Foreign(JsonServer):
    """``refuse`` is asked by method, path and query, for each request inside of a batch too; ``log`` holds the first
    two."""

    home, work = "AAMk+home/==", "AAMk+work/=="

    def __init__(self, *, etags: bool = True) -> None:
        super().__init__(etags=etags)
        self.made = 0
        self.base = ""

    @contextmanager
    def served(self) -> Iterator[Opening]:
        with served(self) as url:
            reached = {"bearer": bearer, "settings": {"graph_root": f"{url}/v1.0"}}
            yield lambda now, instance: GraphAccount(session(now, instance, **reached))

    # ---- what a person does ------------------------------------------------------------------------------------

    def seed(self) -> None:
        home = self.home
        self.put(home, "single/+=", {"subject": None, "start": at(10), "end": at(10, 10), "isOrganizer": None})
        days = {"dateTime": "2026-03-11T00:00:00.0000000", "timeZone": "UTC"}
        body = {"subject": "Messe", "isAllDay": True, "start": days, "end": {**days, "dateTime": "2026-03-13T00:00:00"}}
        self.put(home, "days", body | {"isOrganizer": True})
        pattern = {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": None, "index": None}
        weeks = {"type": "numbered", "startDate": "2026-03-09", "numberOfOccurrences": 6, "recurrenceTimeZone": None}
        runde = {"subject": "Runde", "start": at(9), "end": at(9, 10), "isOrganizer": True, "body": None}
        rule = {"pattern": pattern, "range": weeks}
        self.put(home, "se/ries", runde | {"recurrence": rule, "_cancelled": ["2026-03-16"]})
        exception = self._regular(self.events[home]["se/ries"], date(2026, 3, 23))
        self.put(home, exception["id"], exception | {"type": "exception", "start": at(24), "end": at(24, 10)})

    def change_seeded(self) -> None:
        self.change(self.home, "single/+=", subject="Titled")
        self.drop(self.home, "days")
        self.change(self.home, "se/ries", _cancelled=["2026-03-16", "2026-03-30"])

    def edit(self, calendar: str, event: str, title: str, hour: int) -> None:
        self.change(calendar, event, subject=title, start=at(10, hour), end=at(10, hour + 1))

    def drop(self, calendar: str, event: str) -> None:
        self.put(calendar, event, {"_gone": True})

    def move(self, event: str, to: str) -> None:
        """Into another calendar: the (immutable) id stays."""
        (calendar,) = (name for name in self.events if not self.events[name].get(event, {"_gone": True}).get("_gone"))
        body = {name: value for name, value in self.events[calendar][event].items() if name != "_version"}
        self.drop(calendar, event)
        self.put(to, event, body)

    # ---- what is to be seen ------------------------------------------------------------------------------------

    def live(self, calendar: str) -> list[Json]:
        return [body for body in self.events[calendar].values() if not body.get("_gone")]

    def titles(self, calendar: str) -> dict[str, str]:
        live = {body["id"]: body["subject"] or "" for body in self.live(calendar)}
        return {name: title for name, title in live.items() if name.rpartition("#")[0] not in live}

    def exceptions(self, calendar: str, series: str) -> dict[date, str | None]:
        cancelled = dict.fromkeys(self.events[calendar][series].get("_cancelled", []))
        bodies = [body for body in self.live(calendar) if body["id"].startswith(f"{series}#")]
        changed = {body["id"].rpartition("#")[2]: body["subject"] for body in bodies}
        return {date.fromisoformat(day): title for day, title in (cancelled | changed).items()}

    def writes(self, since: int) -> list[Any]:
        return [asked for asked in self.log[since:] if asked[0] != "GET"]

    # ---- the wire ----------------------------------------------------------------------------------------------

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        sent = json.loads(environ["wsgi.input"].read(length)) if length else {}
        self.base = f"HTTP://{environ['HTTP_HOST'].upper()}/v1.0"
        path, _, query = environ["REQUEST_URI"].removeprefix("/v1.0").partition("?")
        answer = self._ask(environ["REQUEST_METHOD"], path, query, sent, environ.get("HTTP_IF_MATCH", ""))
        json_is = "application/json; odata.metadata=minimal; charset=utf-8"
        return answer.start(start_response, json_is=json_is, bytes_are="text/html")

    def _ask(self, method: str, path: str, query: str, sent: Json, match: str) -> Answer:
        asked = {name: values[-1] for name, values in parse_qs(query).items()}
        self.log.append((method, unquote(path)))
        if refused := self.refused(method, unquote(path), asked):
            return refused
        if path == "/$batch":
            return Answer(200, {"responses": [self._part(one) for one in reversed(sent["requests"])]})
        if path == "/me/calendars":
            rows = [{"id": name, "name": name, "owner": None, "hexColor": None} for name in self.events]
            return Answer(200, {"@odata.context": f"{self.base}/$metadata#me/calendars", "value": rows})
        found = re.fullmatch(r"/me/calendars/([^/]+)(?:/(calendarView/delta|events)(?:/([^/]+))?(/\w+)?)?", path)
        calendar = unquote(found[1]) if found else ""
        if found is None or calendar not in self.events:
            return Answer(404)
        event = unquote(found[3] or "")
        if found[2] is None:
            return Answer(200, {"id": calendar, "name": calendar, "canShare": None})
        if found[2] != "events":
            return self._delta(calendar, asked)
        calendar = self._lies_in(event) or calendar
        if found[4] == "/instances":
            return Answer(200, {"value": list(self._instances(calendar, self.events[calendar][event]))})
        if event:
            return self._one(method, calendar, event, sent, match)
        return self._insert(calendar, sent) if method == "POST" else self._filtered(calendar, asked)

    def _part(self, asked: Json) -> Json:
        """The answer inside of a batch: headers in any case, no body where there is none."""
        path, _, query = asked["url"].partition("?")
        answer = self._ask(asked["method"], path, query, asked.get("body") or {}, asked["headers"].get("If-Match", ""))
        told: Json = {"id": asked["id"], "status": answer.status, "headers": dict(answer.headers) or None}
        if isinstance(answer.body, bytes):
            return told | {"body": answer.body.decode()}
        return told if answer.body is None else told | {"body": answer.body}

    def _lies_in(self, event: str) -> str:
        master = event.rpartition("#")[0] or event
        return next((c for c, events in self.events.items() if not events.get(master, {"_gone": 1}).get("_gone")), "")

    def _filtered(self, calendar: str, asked: dict[str, str]) -> Answer:
        if uid := re.fullmatch(r"iCalUId eq '(.*)'", asked["$filter"]):
            told = (self._plain(body) for body in self.live(calendar) if "#" not in body["id"])
            return Answer(200, {"value": [{"id": one["id"]} for one in told if one["iCalUId"] == uid[1]]})
        wanted = re.search(r"ep/value eq '([^']*)'", asked["$filter"])
        rows = [
            {"id": body["id"]}
            for body in self.live(calendar)
            if wanted and any(mark["value"] == wanted[1] for mark in body.get("singleValueExtendedProperties") or ())
        ]
        return Answer(200, {"value": rows})

    def _insert(self, calendar: str, sent: Json) -> Answer:
        if any(body.get("transactionId") == sent["transactionId"] for body in self.live(calendar)):
            return Answer(409, {"error": {"code": "ErrorDuplicateTransactionId", "message": "Zahnarzt"}})
        self.made += 1
        event = f"AAMk/{self.made}+x/=="
        self.put(calendar, event, sent)
        return Answer(201, self._plain(self.events[calendar][event]))

    def _one(self, method: str, calendar: str, event: str, sent: Json, match: str) -> Answer:
        there = self.events[calendar].get(event)
        master, mark, day = event.rpartition("#")
        day = day if mark else ""
        if there is None and day:
            there = self._regular(self.events[calendar][master], date.fromisoformat(day))
        if there is None or there.get("_gone"):
            return Answer(404)
        if self.etags and match and match != self._tag(there):
            return Answer(412, {"error": None})
        match method:
            case "GET":
                return Answer(200, self._whole(calendar, there))
            case "DELETE":
                if day:
                    self.events[calendar].pop(event, None)
                    gone = [*self.events[calendar][master].get("_cancelled", []), day]
                    self.change(calendar, master, _cancelled=gone)
                else:
                    self.drop(calendar, event)
                return Answer(204)
        if sent.keys() & {"start", "end", "recurrence"} and there.get("recurrence"):
            there = {**there, "_cancelled": []}
            for one in [name for name in self.events[calendar] if name.startswith(f"{event}#")]:
                self.events[calendar].pop(one)
        self.put(calendar, event, {**there, **sent})
        if day:
            self.change(calendar, master)
        return Answer(200, self._plain(self.events[calendar][event]))

    # ---- change tracking ---------------------------------------------------------------------------------------

    def _delta(self, calendar: str, asked: dict[str, str]) -> Answer:
        token = asked.get("$deltatoken") or asked.get("$skiptoken") or ""
        since, _, at = token.partition("/+=")
        if int(since or 0) and int(since) < self.oldest:
            return Answer(410, {"error": {"code": "SyncStateNotFound", "innerError": {}}})
        link = f"{self.base}/me/calendars/{quote(calendar, safe='')}/calendarView/delta"
        rows = list(self._touched(calendar, int(since or 0)))
        place = int(at or -1)
        if place < 0:  # an empty first page
            return Answer(200, {"@odata.nextLink": f"{link}?%24skiptoken={quote(f'{since or 0}/+=0', safe='')}"})
        if place + 2 < len(rows):
            answer: Json = {"@odata.nextLink": f"{link}?%24skiptoken={quote(f'{since}/+={place + 2}', safe='')}"}
        else:
            answer = {"@odata.deltaLink": f"{link}?$deltatoken={quote(f'{self.version}/+=', safe='')}"}
        return Answer(200, answer | {"value": rows[place : place + 2]})

    def _touched(self, calendar: str, since: int) -> Iterator[Json]:
        for body in list(self.events[calendar].values()):
            if body["_version"] <= since or "#" in body["id"]:
                continue
            if body.get("_gone"):
                if since:
                    yield {"id": body["id"], "@removed": {"reason": "deleted" if self.version % 2 else "changed"}}
                continue
            if body.get("recurrence"):
                for one in self._instances(calendar, body):
                    light = {name: one[name] for name in ("id", "seriesMasterId", "type", "start", "end")}
                    yield light
            yield self._plain(body)

    # ---- how it is told ----------------------------------------------------------------------------------------

    def _tag(self, body: Json) -> str:
        return f'W/"{body["_version"]}="'

    def _plain(self, body: Json) -> Json:
        hidden = ("singleValueExtendedProperties", "_version", "_cancelled", "transactionId")
        told = {name: value for name, value in body.items() if name not in hidden}
        zone = told["start"].get("timeZone") or "UTC"
        if not body.get("isAllDay"):
            told |= {edge: _in_utc(told[edge]) for edge in ("start", "end")}
        if self.etags:
            told["@odata.etag"] = self._tag(body)
        missing = ("attendees", "organizer", "onlineMeeting", "webLink", "seriesMasterId", "recurrence")
        defaults = dict.fromkeys(missing) | {"type": "seriesMaster" if body.get("recurrence") else None}
        defaults["iCalUId"] = f"uid of {body.get('seriesMasterId') or body['id']}"
        return {**defaults, "originalStartTimeZone": zone, "originalEndTimeZone": None, "new": {"x": [None]}, **told}

    def _whole(self, calendar: str, body: Json) -> Json:
        told = self._plain(body)
        marks = body.get("singleValueExtendedProperties")
        if marks:
            told["singleValueExtendedProperties"] = marks
        if body.get("recurrence"):
            names = [name for name in self.events[calendar] if name.startswith(f"{body['id']}#")]
            told["exceptionOccurrences"] = [self._plain(self.events[calendar][name]) for name in names]
            told["cancelledOccurrences"] = [f"OID.{body['id']}.{day}" for day in body.get("_cancelled", [])]
        return told

    def _instances(self, calendar: str, master: Json) -> Iterator[Json]:
        """Of a daily series, or a weekly one on one day of the week."""
        start = datetime.fromisoformat(master["start"]["dateTime"])
        number = int(master["recurrence"]["range"].get("numberOfOccurrences") or 10)
        step = timedelta(days=1 if master["recurrence"]["pattern"]["type"] == "daily" else 7)
        for day in ((start + n * step).date() for n in range(number)):
            if day.isoformat() not in master.get("_cancelled", []):
                name = f"{master['id']}#{day}"
                yield self._plain(self.events[calendar].get(name) or self._regular(master, day))

    def _regular(self, master: Json, day: date) -> Json:
        start, end = (datetime.fromisoformat(master[edge]["dateTime"]) for edge in ("start", "end"))
        here = datetime.combine(day, start.time())
        zone = master["start"].get("timeZone")
        original = {"dateTime": here.isoformat(), "timeZone": BERLIN if master.get("isAllDay") else zone}
        kept = {name: value for name, value in master.items() if name not in ("recurrence", "_cancelled")}
        return kept | {
            "id": f"{master['id']}#{day}",
            "type": "occurrence",
            "seriesMasterId": master["id"],
            "originalStart": _in_utc(original)["dateTime"] + "Z",
            "start": {"dateTime": here.isoformat(), "timeZone": zone},
            "end": {"dateTime": (here + (end - start)).isoformat(), "timeZone": zone},
        }


def _in_utc(given: Json) -> Json:
    """Seven digits of a second, and a name of UTC that is none of Windows."""
    name = given.get("timeZone") or "UTC"
    wall = datetime.fromisoformat(re.sub(r"\.\d+", "", given["dateTime"])).replace(
        tzinfo=ZoneInfo(ZONES.get(name, name))
    )
    return {"dateTime": f"{wall.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "Etc/UTC"}
