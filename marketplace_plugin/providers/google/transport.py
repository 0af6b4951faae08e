"""How requests reach Google: one API description and one pool of connections for the whole process.

Measured: a cached ``.events()`` costs a tenth of a new one, a shared pool a fiftieth of a new TLS context, and one
``httplib2.Http`` shared by threads ends the process. So the resources are built once from the discovery document that
google-api-python-client ships, and each request runs over the shared urllib3 pool with its own bearer token.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlsplit

import orjson
import urllib3

from marketplace_plugin.contract.provider import Bearer, Session
from marketplace_plugin.contract.servers import is_loopback
from marketplace_plugin.errors import AnswerLost, AuthorizationExpired, ContractViolation, InsecureTransport, NotSent
from marketplace_plugin.model.form.text import lenient_json
from marketplace_plugin.providers.google.errors import refusal

Json = dict[str, Any]

ROOTS = {
    "calendar": "https://www.googleapis.com",
    "people": "https://people.googleapis.com",
    "tasks": "https://tasks.googleapis.com",
}
_SETTINGS = {"calendar": "api_root", "people": "people_root", "tasks": "tasks_root"}
_VERSIONS = {"calendar": "v3", "people": "v1", "tasks": "v1"}
TIMEOUT = urllib3.Timeout(connect=10, read=60)
"""Seconds."""

# At DEBUG these write whole addresses, and a calendar's id is often somebody's mail address.
for _name in ("googleapiclient", "urllib3.connectionpool"):
    logging.getLogger(_name).setLevel(logging.INFO)

_lock = threading.Lock()
_pool: urllib3.PoolManager | None = None
_apis: dict[tuple[str, str], Api] = {}


class Api:
    """The resources of one API by their names, with all their methods. Shared by all threads; it holds no state of a
    request."""

    def __init__(self, name: str, root: str) -> None:
        from googleapiclient.discovery import build_from_document
        from googleapiclient.discovery_cache import get_static_doc
        from googleapiclient.model import JsonModel

        document = orjson.loads(get_static_doc(name, _VERSIONS[name]))
        model = JsonModel()
        model.serialize = orjson.dumps
        model.deserialize = _whole_json
        service = build_from_document(
            document,
            http=_NoTransport(),  # each request names its own
            model=model,
            client_options={"api_endpoint": f"{root}/{document['servicePath']}"},
        )
        self.resources: dict[str, Any] = {resource: getattr(service, resource)() for resource in document["resources"]}


def api(name: str, root: str) -> Api:
    """The one ``Api`` of this process for a name (calendar, people, tasks) and a root such as
    ``https://www.googleapis.com``.

    Raises InsecureTransport for plain http to anything but a loopback address.
    """
    root = root.rstrip("/")
    _check_transport(root)
    with _lock:
        if (name, root) not in _apis:
            _apis[name, root] = Api(name, root)
        return _apis[name, root]


def pool() -> urllib3.PoolManager:
    """The one connection pool of this process. It verifies TLS and neither retries nor follows redirects."""
    global _pool
    with _lock:
        if _pool is None:
            _pool = urllib3.PoolManager(num_pools=4, maxsize=64, timeout=TIMEOUT, retries=False)
        return _pool


def _check_transport(root: str) -> None:
    parts = urlsplit(root)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and is_loopback(parts.hostname or ""):
        return
    raise InsecureTransport(f"api_root is https, or http on a loopback address: {root!r}")


class _NoTransport:
    """Stands where googleapiclient wants a transport of its own; it reaches nobody."""

    credentials = None

    def close(self) -> None: ...


class PooledHttp:
    """What ``HttpRequest.execute(http=...)`` calls: the shared pool plus one connection's bearer token."""

    def __init__(self, connections: urllib3.PoolManager, bearer: Bearer) -> None:
        self._connections, self._bearer = connections, bearer

    def request(
        self, uri: str, method: str = "GET", body: Any = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> tuple[Any, bytes]:
        """One request; a 401 is answered by one refresh and one repetition. Raises NotSent, AnswerLost."""
        token = self._bearer()
        answer = self._send(method, uri, body, headers, token)
        if answer.status == 401:
            answer = self._send(method, uri, body, headers, self._bearer(refused=token))
        return _response(answer), answer.data

    def _send(
        self, method: str, uri: str, body: Any, headers: Mapping[str, str] | None, token: str
    ) -> urllib3.BaseHTTPResponse:
        sent = {**(headers or {}), "authorization": f"Bearer {token}"}
        try:
            return self._connections.request(method, uri, body=body, headers=sent, redirect=False)
        except (
            urllib3.exceptions.NewConnectionError,
            urllib3.exceptions.ConnectTimeoutError,
            urllib3.exceptions.SSLError,
        ) as error:
            raise NotSent(f"no connection to Google: {type(error).__name__}") from error
        except urllib3.exceptions.HTTPError as error:
            raise AnswerLost(f"the answer broke off: {type(error).__name__}") from error


def _response(answer: urllib3.BaseHTTPResponse) -> Any:
    from httplib2 import Response

    return Response({**{k.lower(): v for k, v in answer.headers.items()}, "status": str(answer.status)})


def _whole_json(content: bytes) -> Any:
    """Raises AnswerLost for JSON that was cut off: proxies do that, and it says nothing about the service."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        pass  # or it is whole, and one of its texts is not
    try:
        return lenient_json(content)
    except ValueError as error:
        raise AnswerLost("the answer is no whole JSON text") from error


class Client:
    """One connection's way to the API. Holds the bearer and the clock, no sockets of its own."""

    def __init__(self, session: Session) -> None:
        if session.bearer is None:
            raise AuthorizationExpired("a Google account is opened with a token")
        self._settings = session.settings
        self._http = PooledHttp(pool(), session.bearer)
        self.now: Callable[[], datetime] = session.now
        self.granted = session.granted
        self.events, self.calendar_list = self._of("calendar", "events"), self._of("calendar", "calendarList")

    @property
    def people(self) -> Any:
        return self._of("people", "people")

    @property
    def task_lists(self) -> Any:
        return self._of("tasks", "tasklists")

    @property
    def tasks(self) -> Any:
        return self._of("tasks", "tasks")

    def _of(self, name: str, resource: str) -> Any:
        return api(name, self._settings.get(_SETTINGS[name]) or ROOTS[name]).resources[resource]

    def call(self, request: Any, *, if_match: str = "") -> Json:
        """Execute once, without retries. Raises Refusal, NotSent, AnswerLost, ContractViolation, and what the bearer
        raises.

        ``if_match`` is the ETag that must still be current. An answer without content is an empty object.
        """
        from googleapiclient.errors import HttpError

        if if_match:
            request.headers["If-Match"] = if_match
        try:
            answer = request.execute(http=self._http, num_retries=0)
        except HttpError as error:
            raise refusal(int(error.resp.status), error.resp.get("retry-after"), error.content, self.now()) from None
        if not answer:
            return {}
        if not isinstance(answer, dict):
            raise ContractViolation("Google's answer is no JSON object")
        return cast("Json", answer)
