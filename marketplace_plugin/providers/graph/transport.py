"""How requests reach Microsoft Graph: one pool of connections for the process, one bearer token for each request.

Every call, inside a ``$batch`` too, says the same in ``Prefer``: immutable ids (others change when an event is moved),
UTC, bodies as text, and the size of a page. Links of the service are followed on the configured root alone: they carry
the token. There are no cookies, no redirects and no retries; a batch has at most 20 calls, of which the service carries
out four at a time, and one batch is under way at once.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import SplitResult, quote, unquote, urlencode, urlsplit

import orjson
import urllib3

from marketplace_plugin.contract.provider import Session
from marketplace_plugin.contract.servers import is_loopback
from marketplace_plugin.errors import (
    AnswerLost,
    AuthorizationExpired,
    ContractViolation,
    InsecureTransport,
    NotSent,
    ProviderError,
)
from marketplace_plugin.model.form.text import lenient_json
from marketplace_plugin.providers.graph.errors import Refusal, for_read, refusal

Json = dict[str, Any]

VERSION = "v1.0"
ROOT = f"https://graph.microsoft.com/{VERSION}"
PAGE = 200
BATCH = 20
AT_ONCE = 4
"""How many calls of a batch the service carries out at a time."""
PREFER = ", ".join(
    (
        'IdType="ImmutableId"',
        'outlook.timezone="UTC"',
        'outlook.body-content-type="text"',
        f"odata.maxpagesize={PAGE}",
    )
)
_PLAIN = re.compile(r"[^\x00-\x20\x7f\\][^\x00-\x1f\x7f\\]*")
TIMEOUT = urllib3.Timeout(connect=10, read=60)
"""Seconds."""

# At DEBUG it writes whole addresses.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

_lock = threading.Lock()
_pool: urllib3.PoolManager | None = None


def pool() -> urllib3.PoolManager:
    """The one connection pool of this process. It verifies TLS and neither retries nor follows redirects."""
    global _pool
    with _lock:
        if _pool is None:
            _pool = urllib3.PoolManager(num_pools=4, maxsize=64, timeout=TIMEOUT, retries=False)
        return _pool


@dataclass(frozen=True, slots=True)
class Call:
    """One request; ``path`` is below the root and begins with a slash, its segments quoted."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Json | None = None
    if_match: str = ""

    @property
    def target(self) -> str:
        """Path and query, spaces as %20: a plus sign is one in OData."""
        return f"{self.path}?{urlencode(self.query, quote_via=quote)}" if self.query else self.path

    @property
    def headers(self) -> dict[str, str]:
        sent = {"Prefer": PREFER}
        if self.body is not None:
            sent["Content-Type"] = "application/json"
        if self.if_match:
            sent["If-Match"] = self.if_match
        return sent


def segment(text: str) -> str:
    """An id as part of a path."""
    return quote(text, safe="")


class Client:
    """One connection's way to the API. Holds the bearer and the clock, no sockets of its own.

    Raises AuthorizationExpired without a bearer, InsecureTransport for a root that is neither https nor on a loopback
    address.
    """

    def __init__(self, session: Session) -> None:
        if session.bearer is None:
            raise AuthorizationExpired("a Microsoft account is opened with a token")
        self.root = _versioned((session.settings.get("graph_root") or ROOT).rstrip("/"))
        _check_transport(self.root)
        self._bearer, self._now, self._pool = session.bearer, session.now, pool()
        self._sent_with = ""
        """The token of the newest request."""

    def call(self, call: Call) -> Json:
        """One request. Raises Refusal, NotSent, AnswerLost, ContractViolation, and what the bearer raises.

        An answer without content is an empty object.
        """
        body = None if call.body is None else orjson.dumps(call.body)
        return self._ask(call.method, self.root + call.target, call.headers, body)

    def follow(self, link: str) -> Json:
        """A nextLink or deltaLink, as it is. Raises ContractViolation for one that leads elsewhere; as ``call``."""
        if not self.is_ours(link):
            raise ContractViolation("a link leads away from the configured service")
        return self._ask("GET", link, {"Prefer": PREFER}, None)

    def is_ours(self, link: str) -> bool:
        """Whether a link has the root's scheme, host and port, and lies below its path.

        What parsers read in more than one way (control characters, backslashes, dots as a segment) is not ours.
        """
        if not _PLAIN.fullmatch(link):
            return False
        try:
            there, root = urlsplit(link), urlsplit(self.root)
            same_origin = _origin(there) == _origin(root)
        except ValueError:
            return False
        below = there.path.startswith(f"{root.path}/") and not {".", ".."} & set(unquote(there.path).split("/"))
        return same_origin and "@" not in there.netloc and below

    def at(self, link: str) -> Call:
        """A nextLink as a call, which may be part of a batch. Raises ContractViolation for one that leads elsewhere."""
        if not self.is_ours(link):
            raise ContractViolation("a link leads away from the configured service")
        parts = urlsplit(link)
        path = parts.path.removeprefix(urlsplit(self.root).path)
        return Call("GET", f"{path}?{parts.query}" if parts.query else path)

    def together(self, calls: Sequence[Call]) -> list[Json | ProviderError]:
        """The answers in the order of the calls, each with its own refusal, or with why its answer did not come."""
        answers: list[Json | ProviderError] = []
        for start in range(0, len(calls), BATCH):
            answers += self._together(calls[start : start + BATCH])
        return answers

    def each(
        self, calls: Sequence[Call], beside: Call, absent: Callable[[Refusal], bool]
    ) -> list[Json | Refusal | None]:
        """The answers to reads of one item each, in their order: None where it is ``absent``, its refusal where it
        alone cannot be had. Raises what ``errors.for_read`` names: where no item can be had, it is not the item's.

        One that fails beside others that are answered is asked for once more, alone. Where all are refused there is
        nothing beside them but the collection, ``beside``; several that fail are a service that does.
        """
        found = self._patiently(calls)
        answered = any(not isinstance(answer, ProviderError) or _is_absent(answer, absent) for answer in found)
        fails = len(found) > 1 and all(_is_broken(answer) for answer in found)
        if found and not answered and not fails and all(_is_refused(answer) for answer in found):
            answered = not isinstance(self._alone(beside), ProviderError)
        if answered:
            found = [self._alone(call) if _is_broken(a) else a for call, a in zip(calls, found, strict=True)]
        return [self._of_itself(answer, absent, answered=answered) for answer in found]

    def _of_itself(
        self, answer: Json | ProviderError, absent: Callable[[Refusal], bool], *, answered: bool
    ) -> Json | Refusal | None:
        if not isinstance(answer, ProviderError):
            return answer
        if _is_absent(answer, absent):
            return None
        if answered and isinstance(answer, Refusal) and _is_refused(answer):
            return answer
        raise for_read(answer) if isinstance(answer, Refusal) else answer

    def _patiently(self, calls: Sequence[Call]) -> list[Json | ProviderError]:
        """Reads: what is throttled beside calls that are answered is asked for again, fewer at a time. A batch that
        brings nothing is a request for a pause: nothing more is sent."""
        found: dict[int, Json | ProviderError] = {}
        waiting, size = list(range(len(calls))), BATCH
        while waiting:
            left: list[int] = []
            for start in range(0, len(waiting), size):
                part = waiting[start : start + size]
                told = dict(zip(part, self._together([calls[number] for number in part]), strict=True))
                throttled = [number for number, answer in told.items() if _is_throttled(answer)]
                if len(throttled) == len(part):
                    return [found.get(number, told[part[0]]) for number in range(len(calls))]
                found |= {number: answer for number, answer in told.items() if number not in throttled}
                left += throttled
            waiting, size = left, AT_ONCE
        return [found[number] for number in range(len(calls))]

    def _together(self, calls: Sequence[Call]) -> list[Json | ProviderError]:
        """A batch that was refused as a whole was not carried out: it says of no call that it could not be."""
        if len(calls) == 1:
            return [self._alone(calls[0])]
        try:
            return self._authorized(calls)
        except Refusal as problem:
            unknown = problem.status == 501  # there is no such thing as a batch
            if unknown or (problem.status != 401 and not problem.throttled and not problem.broken):
                return self._one_by_one(calls)
            return [problem] * len(calls)
        except ProviderError as error:
            return [error] * len(calls)

    def _one_by_one(self, calls: Sequence[Call]) -> list[Json | ProviderError]:
        """After a request for a pause, or an answer that did not come, nothing more is sent."""
        answers: list[Json | ProviderError] = []
        for call in calls:
            answer = self._alone(call)
            answers.append(answer)
            stops = answer.throttled if isinstance(answer, Refusal) else isinstance(answer, ProviderError)
            if stops:
                return answers + [answer] * (len(calls) - len(answers))
        return answers

    def _alone(self, call: Call) -> Json | ProviderError:
        try:
            return self.call(call)
        except ProviderError as error:
            return error

    def _authorized(self, calls: Sequence[Call]) -> list[Json | ProviderError]:
        """A batch. Calls for which its token was over were not carried out: they are answered by one refresh and one
        repetition, as a request is. Raises as ``call``."""
        answers = self._batch(calls)
        over = [number for number, answer in enumerate(answers) if isinstance(answer, Refusal) and answer.status == 401]
        if not over:
            return answers
        try:
            self._bearer(refused=self._sent_with)
            again = self._batch([calls[number] for number in over])
        except ProviderError as error:
            again = [error] * len(over)
        for number, answer in zip(over, again, strict=True):
            answers[number] = answer
        return answers

    def _batch(self, calls: Sequence[Call]) -> list[Json | ProviderError]:
        """A call whose answer is missing, or makes no sense, was sent all the same: ContractViolation for it alone."""
        requests: list[Json] = []
        for number, call in enumerate(calls):
            request: Json = {"id": str(number), "method": call.method, "url": call.target, "headers": call.headers}
            requests.append(request if call.body is None else {**request, "body": call.body})
        answers = self._answers(self.call(Call("POST", "/$batch", body={"requests": requests})))
        return [self._inner(answers.get(str(number))) for number in range(len(calls))]

    def _answers(self, reply: Json) -> dict[str, Any]:
        """By the ids of the calls. An answer that is too long for one page goes on behind a link."""
        found: dict[str, Any] = {}
        while True:
            listed = reply.get("responses")
            for answer in listed if isinstance(listed, list) else ():
                if isinstance(answer, dict):
                    found[str(answer.get("id"))] = answer
            link = reply.get("@odata.nextLink")
            if not link:
                return found
            try:
                reply = self.follow(str(link))
            except ProviderError:
                return found

    def _inner(self, answer: Any) -> Json | ProviderError:
        try:
            status, body = int(answer["status"]), answer.get("body")
            if not 200 <= status < 300:
                headers = {str(name).lower(): str(value) for name, value in (answer.get("headers") or {}).items()}
                return refusal(status, headers, body, self._now())
            return dict(body or {})
        except (LookupError, TypeError, ValueError, AttributeError):
            return ContractViolation("a batch without an answer to each of its calls")

    def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Json:
        """A 401 is answered by one refresh and one repetition."""
        token = self._bearer()
        answer = self._send(method, url, headers, body, token)
        if answer.status == 401:
            answer = self._send(method, url, headers, body, self._bearer(refused=token))
        if answer.status >= 300:
            given = {name.lower(): value for name, value in answer.headers.items()}
            raise refusal(answer.status, given, _lenient(answer.data), self._now())
        return _whole_json(answer.data)

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, token: str
    ) -> urllib3.BaseHTTPResponse:
        self._sent_with = token
        sent = {**headers, "Accept": "application/json", "Authorization": f"Bearer {token}"}
        try:
            return self._pool.request(method, url, body=body, headers=sent, redirect=False)
        except (
            urllib3.exceptions.NewConnectionError,
            urllib3.exceptions.ConnectTimeoutError,
            urllib3.exceptions.SSLError,
        ) as error:
            raise NotSent(f"no connection to Microsoft Graph: {type(error).__name__}") from error
        except urllib3.exceptions.HTTPError as error:
            raise AnswerLost(f"the answer broke off: {type(error).__name__}") from error


def _is_throttled(answer: Json | ProviderError) -> bool:
    return isinstance(answer, Refusal) and answer.throttled


def _is_broken(answer: Json | ProviderError) -> bool:
    return isinstance(answer, Refusal) and answer.broken


def _is_refused(answer: Json | ProviderError) -> bool:
    """For a reason that may be the item's own."""
    return isinstance(answer, Refusal) and answer.status != 401 and not answer.throttled


def _is_absent(answer: ProviderError, absent: Callable[[Refusal], bool]) -> bool:
    return isinstance(answer, Refusal) and absent(answer)


def _lenient(content: bytes) -> Any:
    """JSON, or None for a proxy's page: of a refusal the status says enough."""
    try:
        return _json(content)
    except ValueError:
        return None


def _json(content: bytes) -> Any:
    """Raises ValueError. Where it is whole, and one of its texts is not, it takes longer."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return lenient_json(content)


def _whole_json(content: bytes) -> Json:
    """Raises AnswerLost for JSON that was cut off: proxies do that, and it says nothing about the service."""
    if not content:
        return {}
    try:
        found = _json(content)
    except ValueError as error:
        raise AnswerLost("the answer is no whole JSON text") from error
    if not isinstance(found, dict):
        raise ContractViolation("the answer is no JSON object")
    return cast("Json", found)


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    """Scheme, host, and port: naming the usual one says nothing. Raises ValueError."""
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _versioned(root: str) -> str:
    """Microsoft's tables of clouds give the root without a version; that is the one that we speak then."""
    return root if urlsplit(root).path else f"{root}/{VERSION}"


def _check_transport(root: str) -> None:
    parts = urlsplit(root)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and is_loopback(parts.hostname or ""):
        return
    raise InsecureTransport(f"graph_root is https, or http on a loopback address: {root!r}")
