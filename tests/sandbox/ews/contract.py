"""Requests and replies of EWS held against Microsoft's published schemas (``schemas/``, MIT).

``EwsContractCheck`` is put around the sandbox (``EwsSandbox(wrap=EwsContractCheck)``); it watches every
exchange with ``/EWS/Exchange.asmx`` and keeps what breaks the schema: ``requests`` and ``replies``. A reply
that a fault has spoilt (header ``X-Sandbox-Fault``) is not looked at, its request is.

The published schemas ask for ``Periods`` in each time zone definition; servers since Exchange 2010, and
Microsoft's own examples, take and send definitions of an id alone. That one element is made optional here.
They lack GetUserAvailability, which is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lxml import etree

from marketplace_plugin.sandbox.ews.server import EWS_PATH
from marketplace_plugin.sandbox.ews.soap.names import SOAP, TYPES
from marketplace_plugin.sandbox.frame.faults import FAULT_HEADER

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SCHEMAS = Path(__file__).parent / "schemas"
_UNPUBLISHED = ("GetUserAvailabilityRequest", "GetUserAvailabilityResponse")
_PERIODS = '<xs:element name="Periods" type="t:NonEmptyArrayOfPeriodsType"/>'


class _Relaxed(etree.Resolver):
    """Gives types.xsd with the one element made optional."""

    def resolve(self, url: str, _public_id: str, context: Any) -> Any:
        if not url.endswith("types.xsd"):
            return None
        text = (SCHEMAS / "types.xsd").read_text(encoding="utf-8")
        assert text.count(_PERIODS) == 1
        relaxed = text.replace(_PERIODS, _PERIODS.replace("/>", ' minOccurs="0"/>'))
        return self.resolve_string(relaxed.encode(), context, base_url=(SCHEMAS / "types.xsd").as_uri())


@cache
def schema() -> Any:
    """messages.xsd with what it imports."""
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Relaxed())
    return etree.XMLSchema(etree.parse(str(SCHEMAS / "messages.xsd"), parser))


def breaches(body: bytes) -> list[str]:
    """How the envelope in a body breaks the schema: its header's parts and its operation."""
    try:
        envelope = etree.fromstring(body)
    except etree.XMLSyntaxError as error:
        return [str(error)]
    header = envelope.find(f"{{{SOAP}}}Header")
    parts = [item for item in (() if header is None else header) if etree.QName(item).namespace == TYPES]
    content = envelope.find(f"{{{SOAP}}}Body")
    parts += [item for item in (() if content is None else content) if etree.QName(item).localname != "Fault"]
    found = []
    for part in parts:
        if etree.QName(part).localname in _UNPUBLISHED:
            continue
        if not schema().validate(etree.fromstring(etree.tostring(part))):
            found += [f"{etree.QName(part).localname}: {error.message}" for error in schema().error_log]
    return found


class EwsContractCheck:
    """A WSGI middleware that keeps what breaks the schema."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self.requests: list[str] = []
        self.replies: list[str] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].casefold() != EWS_PATH.casefold() or environ["REQUEST_METHOD"] != "POST":
            return self._app(environ, start_response)
        body = environ["wsgi.input"].read()
        environ["wsgi.input"] = BytesIO(body)
        answer: list[Any] = []

        def catch(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            answer[:] = [status, headers]
            return start_response(status, headers, exc_info)

        reply = b"".join(self._app(environ, catch))
        if not answer[0].startswith("401"):
            self.requests += breaches(body)
            spoilt = any(name == FAULT_HEADER for name, _ in answer[1])
            if not spoilt and answer[0].startswith(("200", "500")):
                self.replies += breaches(reply)
        return [reply]
