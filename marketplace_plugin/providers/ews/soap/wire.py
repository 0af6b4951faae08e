"""What we use of exchangelib: the only module that imports it, and the only one that is imported late (0.7 s, 50 MB).

* ``BaseProtocol`` signs in: Basic, or NTLM with the user names as Exchange wants them, one session for one account. Not
  its ``Protocol``: that is kept in a cache of the process for ever, with the password.
* ``EWSService`` makes the envelope and finds the response messages. Its retries, its guesses at versions and its
  mending parser are not used; items, folders, dates and recurrences are ours (docs/decisions/0008).

Sockets come from ``contract.reach``: allowed hosts at checked addresses, TLS verified, no redirects, no proxies.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from exchangelib import BASIC, NTLM, Build, Configuration, Credentials, FailFast, Version
from exchangelib.errors import EWSError
from exchangelib.protocol import BaseProtocol
from exchangelib.services.common import EWSService
from exchangelib.transport import DEFAULT_HEADERS
from exchangelib.version import EXCHANGE_2019
from requests.auth import HTTPBasicAuth
from spnego.exceptions import SpnegoError

from marketplace_plugin.contract.reach import Reach, told
from marketplace_plugin.errors import AnswerLost, ContractViolation, NotSent, ProviderError
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.errors import SignInRefused, fault_of
from marketplace_plugin.providers.ews.soap.xml import Element

# At DEBUG it writes whole requests, and at ERROR those that fail for a reason that it does not know.
for _name in ("exchangelib", "exchangelib.util", "exchangelib.util.xml", "exchangelib.protocol", "spnego"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

AUTH = {"ntlm": NTLM, "basic": BASIC}
TIMEOUT = (10, 60)
"""Seconds to connect, and between two pieces of an answer. Exchange works on a request for a minute at most."""
LARGEST = 64 * 1024 * 1024
"""Bytes of an answer."""
SLOWEST = 180
"""Seconds for a whole answer, however many pieces it comes in."""
USER_AGENT = "marketplace-plugin"
"""Administrators may let programs in by this name (EwsAllowList)."""
_SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"


@dataclass(frozen=True, slots=True)
class Access:
    """How to sign in where. ``schema`` is what RequestServerVersion says."""

    url: str
    mailbox: str
    username: str
    password: str = field(repr=False)
    auth: str
    schema: str


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)


class Line(BaseProtocol):  # type: ignore[misc]  # exchangelib ships no types
    """One account's sessions with its server. ``refused``: the server did not take the password."""

    def __init__(self, access: Access, reach: Reach) -> None:
        self._reach, self.refused = reach, False
        super().__init__(
            Configuration(
                service_endpoint=access.url,
                credentials=Credentials(access.username, access.password),
                auth_type=AUTH[access.auth],
                retry_policy=FailFast(),
                version=Version(build=None, api_version=access.schema),
                max_connections=1,
            )
        )

    def get_auth_type(self) -> Any:
        """exchangelib would ask the server with requests of its own."""
        raise NotImplementedError

    def raw_session(self, prefix: str, **_: Any) -> Any:  # noqa: ARG002  # exchangelib mounts an adapter there
        session = self._reach.session()
        session.headers.update(DEFAULT_HEADERS | {"User-Agent": USER_AGENT})
        return session

    def create_session(self) -> Any:
        """With Basic, names and passwords are UTF-8 (RFC 7617): requests would write Latin-1, or fail."""
        session = super().create_session()
        if self.auth_type == BASIC:
            session.auth = HTTPBasicAuth(self.credentials.username.encode(), self.credentials.password.encode())
        return session

    def post(self, content: bytes, headers: Mapping[str, str]) -> Answer:
        """One request, sent once. Raises NotSent, AnswerLost, SignInRefused, and what ``Reach.open`` raises."""
        if self.refused:
            raise SignInRefused("the server has refused this sign-in already")
        session = self.get_session()
        try:
            answer = _read(
                session.post(
                    self.service_endpoint,
                    data=content,
                    headers=dict(headers),
                    allow_redirects=False,
                    timeout=TIMEOUT,
                    stream=True,
                )
            )
        except BaseException as error:
            self.retire_session(session)  # a connection with half an answer on it is of no more use
            if failed := _failure(error):
                raise failed from error
            raise
        self.release_session(session)
        if answer.status == 401:
            self.refused = True
            raise SignInRefused("the server does not take this user name with this password")
        return answer


class Operation(EWSService):  # type: ignore[misc]  # exchangelib ships no types
    """One request, by the name of its outermost element."""

    def __init__(self, line: Line, name: str) -> None:
        self.SERVICE_NAME = name
        super().__init__(protocol=line)

    def _response_tag(self) -> str:
        return f"{{{xml.MESSAGES}}}{self.SERVICE_NAME}Response"

    def _response_message_tag(self) -> str:
        return f"{{{xml.MESSAGES}}}{self.SERVICE_NAME}ResponseMessage"

    def messages(self, body: Element) -> list[Element]:
        """The response messages. Raises Refusal for a fault, ContractViolation for none of both."""
        fault = body.find(f"{_SOAP}Fault")
        if fault is not None:
            raise fault_of(fault)
        try:
            return list(self._get_soap_messages(body=body))
        except EWSError:
            raise ContractViolation("neither a response nor a fault") from None


def schema_of(build: str) -> str:
    """RequestServerVersion for a build, ``15.2.1118.7``; the newest known one for a build that is not known.

    Raises ValueError for what is no build.
    """
    made = _build(build)
    try:
        return str(made.api_version())
    except ValueError:
        return "Exchange2016" if made.major_version >= EXCHANGE_2019.major_version else "Exchange2010"


def name_of(build: str) -> str:
    """What people call a build. Raises ValueError for what is no build."""
    made = _build(build)
    if (made.major_version, made.minor_version) >= (15, 2):
        return "Exchange Server SE" if made.major_build >= 2562 else "Exchange Server 2019"
    try:
        return str(Version(made).fullname).removeprefix("Microsoft ")
    except ValueError:
        return "Exchange Server"


def _build(text: str) -> Build:
    numbers = [int(number) for number in text.split(".")]
    if not 2 <= len(numbers) <= 4:
        raise ValueError(f"no build: {text!r}")
    return Build(*numbers)


def _read(response: Any) -> Answer:
    with response:
        content, begun = bytearray(), time.monotonic()
        for piece in response.iter_content(65536):
            content += piece
            if len(content) > LARGEST:
                raise ContractViolation("an answer of more than 64 MB")
            if time.monotonic() - begun > SLOWEST:
                raise AnswerLost("an answer that takes minutes to come")
        return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, bytes(content))


def _failure(error: BaseException) -> ProviderError | None:
    """What it means that no answer came; None for what has a name already."""
    match error:
        case ProviderError():
            return None
        case requests.exceptions.SSLError():
            return told(error)
        case requests.exceptions.ConnectTimeout():
            return NotSent(type(error).__name__)
        case requests.exceptions.ConnectionError() if "NewConnectionError" in repr(error):
            return NotSent("no connection")
        case requests.exceptions.RequestException():
            return AnswerLost(type(error).__name__)
        case KeyError() | PermissionError() | ValueError() | SpnegoError():  # a handshake that the server broke off
            return NotSent(f"NTLM came to no end: {type(error).__name__}")
        case OSError():
            return AnswerLost(type(error).__name__)
        case _:
            return None
