"""One account's requests. exchangelib is imported with the first of them, not before.

``session.secrets``: ``username`` (mail address or DOMAIN\\user), ``password``, ``url`` (of EWS, https), ``mailbox``
(primary mail address), ``auth`` ("ntlm" or "basic"), ``version`` ("15.2.1118.7", may be missing before the first
sign-in).
``session.settings``: what ``contract.reach.Reach.of`` reads.

Nothing is repeated and nobody waits here: a request for a pause becomes an error with its length, a wrong password ends
the client, since accounts are locked after a few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from marketplace_plugin.contract.provider import Session
from marketplace_plugin.contract.reach import Reach
from marketplace_plugin.contract.sending import pause_of
from marketplace_plugin.errors import (
    AnswerLost,
    AuthorizationExpired,
    ContractViolation,
    InsecureTransport,
    Unavailable,
)
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.errors import Refusal, UnsupportedVersion, for_read, problem_of
from marketplace_plugin.providers.ews.soap.xml import Element

if TYPE_CHECKING:
    from marketplace_plugin.providers.ews.soap.wire import Answer, Line

T = TypeVar("T")
OLDEST = "Exchange2010"
"""The oldest schema that we speak, and what every later server takes too."""
_TOO_OLD = frozenset({"ErrorInvalidServerVersion", "ErrorIncorrectSchemaVersion"})
_SOAP = {"s": "http://schemas.xmlsoap.org/soap/envelope/"}


class Client:
    """``version`` is the build that answered last, empty before.

    Raises AuthorizationExpired without user name or password, InsecureTransport for an address without https,
    ValueError for settings that are none."""

    def __init__(self, session: Session) -> None:
        secrets = session.secrets
        if not secrets.get("username") or not secrets.get("password"):
            raise AuthorizationExpired("an Exchange account is opened with a user name and a password")
        self._url = secrets.get("url", "")
        if not self._url.lower().startswith("https://"):
            raise InsecureTransport("the address of an Exchange server is https")
        self._secrets, self._reach, self._now = secrets, Reach.of(session.settings), session.now
        self.mailbox = secrets.get("mailbox") or secrets["username"]
        self._known, self.version = secrets.get("version", ""), ""
        self._line: Line | None = None

    @property
    def schema(self) -> str:
        """What RequestServerVersion says: the same in all requests, so that an item always has the same shape."""
        if not self._known:
            return OLDEST
        from marketplace_plugin.providers.ews.soap import wire

        return wire.schema_of(self._known)

    def call(self, payload: Element) -> list[Element]:
        """One request; its response messages, each a success or not (``problem_of``).

        Raises Refusal for a fault, Throttled, PermissionDenied, NotSent, AnswerLost, SignInRefused, ContractViolation,
        UnsupportedVersion, and what ``Reach.open`` raises.
        """
        from marketplace_plugin.providers.ews.soap import wire

        schema = self.schema
        if schema.startswith("Exchange2007"):
            raise UnsupportedVersion("Exchange 2007")
        operation = wire.Operation(self._open(), xml.local(payload).removesuffix("Request"))
        content = operation.wrap(payload, api_version=schema)
        answer = self._open().post(content, {"X-AnchorMailbox": self.mailbox})
        body = self._body(answer)
        try:
            return operation.messages(body)
        except Refusal as problem:
            if problem.reason in _TOO_OLD and schema == OLDEST:
                raise UnsupportedVersion("Exchange 2007") from problem
            raise

    def one(self, payload: Element) -> Element:
        """A request with one response message, a success. Raises Refusal, and as ``call`` does."""
        messages = self.call(payload)
        if len(messages) != 1:
            raise ContractViolation("not one answer to one question")
        if problem := problem_of(messages[0]):
            raise problem
        return messages[0]

    def ask(self, payload: Element) -> Element:
        """A read with one response message. Raises what ``errors.for_read`` names."""
        try:
            return self.one(payload)
        except Refusal as problem:
            raise for_read(problem) from problem

    def ask_all(self, payload: Element, number: int) -> list[Element]:
        """A read with ``number`` response messages, each a success or not. Raises as ``ask`` for what concerns all."""
        try:
            messages = self.call(payload)
        except Refusal as problem:
            raise for_read(problem) from problem
        if len(messages) != number:
            raise ContractViolation("not one answer to each question")
        return messages

    def each(
        self,
        ids: Sequence[T],
        request: Callable[[Sequence[T]], Element],
        is_well: Callable[[], object],
        *,
        answered: bool = False,
    ) -> list[Element | Refusal]:
        """A read of items by their ids: the response message of each, or why it is not to be had.

        Exchange answers ErrorInternalServerError for an item that it cannot tell of, for ever, and may leave the others
        of the request out. So these are asked for again, in halves, and one that fails alone while ``is_well`` raises
        nothing is refused by itself. Where it is each of several, the service fails, unless it has just ``answered``
        for others. Raises as ``ask`` for what concerns all; then nothing is known of any of them.
        """
        answers: dict[int, Element | Refusal] = {}
        waiting, asked, alone = [list(range(len(ids)))], False, 0
        while waiting:
            part = waiting.pop()
            messages = self.ask_all(request([ids[place] for place in part]), len(part))
            problems = {place: problem_of(message) for place, message in zip(part, messages, strict=True)}
            answers |= {place: problems[place] or message for place, message in zip(part, messages, strict=True)}
            fails = any(problem is not None and problem.broken for problem in problems.values())
            again = []
            for place, problem in problems.items():
                if problem is not None and fails and (problem.broken or problem.stopped):
                    again.append(place)
                elif problem is not None and (problem.throttled or problem.transient):
                    raise for_read(problem) from problem
            if again and not asked:
                is_well()
                asked = True
            if len(again) == 1 == len(part):
                answers[again[0]] = Refusal("ErrorInternalServerError for one item alone")
                alone += 1
            elif again:
                half = len(again) // 2 if len(again) == len(part) else 0
                waiting += [half_of for half_of in (again[half:], again[:half]) if half_of]
        if alone == len(ids) > 1 and not answered:
            raise Unavailable("Exchange tells of no item")
        return [answers[place] for place in range(len(ids))]

    def close(self) -> None:
        """Give back the connections; they carry the sign-in."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def _open(self) -> Line:
        if self._line is None:
            from marketplace_plugin.providers.ews.soap import wire

            auth = self._secrets.get("auth") or "ntlm"
            if auth not in wire.AUTH:
                raise ContractViolation("Exchange is signed in to by NTLM or Basic")
            access = wire.Access(
                self._url, self.mailbox, self._secrets["username"], self._secrets["password"], auth, self.schema
            )
            self._line = wire.Line(access, self._reach)
        return self._line

    def _body(self, answer: Answer) -> Element:
        """The SOAP body. A fault comes with status 500."""
        pause = pause_of(answer.headers.get("retry-after"), self._now())
        if answer.status not in (200, 500):
            raise Refusal(f"HTTP {answer.status}", pause, busy=answer.status in (429, 503))
        try:
            root = xml.parse(answer.content)
        except xml.Unparsable as error:
            if answer.status == 500:
                raise Refusal("HTTP 500", pause, busy=pause is not None) from error
            raise AnswerLost("the answer is no whole XML document") from error
        self._note_version(root)
        body = root.find("s:Body", _SOAP)
        if body is None:
            raise ContractViolation("an answer that is no SOAP")
        return body

    def _note_version(self, root: Element) -> None:
        """What build answered; behind one address there may be several."""
        for info in root.iterfind("s:Header/{*}ServerVersionInfo", _SOAP):
            parts: list[Any] = [info.get(name) for name in _BUILD]
            if all(part and part.isdigit() for part in parts):
                self.version = ".".join(parts)


_BUILD = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")
