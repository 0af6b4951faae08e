"""The SOAP envelope: what a request says besides its operation, and how replies and faults look."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from marketplace_plugin.sandbox.ews.soap import errors, versions
from marketplace_plugin.sandbox.ews.soap.names import (
    ERRORS,
    SOAP,
    TYPES,
    Element,
    add,
    children,
    find,
    full,
    local,
    make,
)

_HEADERS = {"RequestServerVersion", "MailboxCulture", "TimeZoneContext", "ExchangeImpersonation", "DateTimePrecision"}


@dataclass(frozen=True)
class Request:
    """The operation's element, the schema that the client speaks, and its time zone context."""

    operation: Element
    schema: str
    zone: str | None
    impersonated: str | None

    @property
    def name(self) -> str:
        return local(self.operation)


def parse(body: bytes) -> Element:
    """The XML of a body, without comments; entities are left alone. Raises SoapFault."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        return etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise errors.invalid_schema(str(error)) from error


def read(body: bytes, server: versions.Server) -> Request:
    """The request in a body.

    Raises:
        SoapFault: for what is no SOAP, unknown headers, or a version that the server does not have.
    """
    envelope = parse(body)
    if envelope.tag != full("s:Envelope"):
        raise errors.invalid_schema("The root element is no SOAP envelope.")
    _refuse_mixed(envelope)
    header, content = find(envelope, "s:Header"), find(envelope, "s:Body")
    operations = [] if content is None else children(content)
    if len(operations) != 1:
        raise errors.SoapFault("ErrorInvalidRequest", "The SOAP body must hold one operation.")
    schema, zone, impersonated = "Exchange2007", None, None
    for item in [] if header is None else children(header):
        name = local(item)
        if name not in _HEADERS or item.tag != full(f"t:{name}"):
            continue  # SOAP headers that need not be understood
        if name == "RequestServerVersion":
            schema = item.get("Version", "")
        elif name == "TimeZoneContext":
            definition = find(item, "t:TimeZoneDefinition")
            zone = None if definition is None else definition.get("Id")
        elif name == "ExchangeImpersonation":
            impersonated = "".join(item.itertext()).strip()
    if schema.startswith("Exchange2007"):
        zone = None  # the context counts since Exchange 2010
    if not versions.accepted(server, schema):
        raise errors.SoapFault("ErrorInvalidServerVersion")
    return Request(operations[0], schema, zone, impersonated)


def _refuse_mixed(envelope: Element) -> None:
    """No element of the schema has both text and children."""
    for element in envelope.iter():
        inside = [element.text, *(child.tail for child in element)] if len(element) else []
        if any(text and not text.isspace() for text in inside):
            raise errors.invalid_schema(f"The element '{local(element)}' cannot contain text.")


def _frame(server: versions.Server) -> tuple[Element, Element]:
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"s": SOAP})
    major, minor, build, revision = map(str, server.build)
    header = etree.SubElement(envelope, f"{{{SOAP}}}Header")
    etree.SubElement(
        header,
        f"{{{TYPES}}}ServerVersionInfo",
        attrib={
            "MajorVersion": major,
            "MinorVersion": minor,
            "MajorBuildNumber": build,
            "MinorBuildNumber": revision,
            "Version": server.shown,
        },
        nsmap={"h": TYPES},
    )
    return envelope, etree.SubElement(envelope, f"{{{SOAP}}}Body")


def reply(server: versions.Server, message: Element) -> bytes:
    """The envelope around an operation's response."""
    envelope, body = _frame(server)
    body.append(message)
    return _bytes(envelope)


def fault(server: versions.Server, error: errors.SoapFault) -> bytes:
    """The envelope of a refusal; goes with HTTP 500."""
    envelope, body = _frame(server)
    item = etree.SubElement(body, f"{{{SOAP}}}Fault")
    code = etree.SubElement(item, "faultcode", nsmap={"a": TYPES})
    code.text = f"a:{error.code}"
    text = etree.SubElement(item, "faultstring")
    text.set("{http://www.w3.org/XML/1998/namespace}lang", "en-US")
    text.text = error.message
    detail = etree.SubElement(item, "detail")
    for name, value in (("ResponseCode", error.code), ("Message", error.message)):
        etree.SubElement(detail, f"{{{ERRORS}}}{name}", nsmap={"e": ERRORS}).text = value
    if error.values or error.violation:
        outer = etree.SubElement(detail, f"{{{TYPES}}}MessageXml", nsmap={"t": TYPES})
        if error.violation:
            for name, value in (("LineNumber", "1"), ("LinePosition", "1"), ("Violation", error.violation)):
                etree.SubElement(outer, f"{{{TYPES}}}{name}").text = value
        for name, value in error.values.items():
            etree.SubElement(outer, f"{{{TYPES}}}Value", Name=name).text = value
    return _bytes(envelope)


def response(name: str) -> tuple[Element, Element]:
    """``m:<name>Response`` and the list of its response messages."""
    outer = make(f"m:{name}Response")
    return outer, add(outer, "m:ResponseMessages")


def message(parent: Element, name: str, error: errors.EwsError | None = None) -> Element:
    """One response message: a success, or the refusal of one item."""
    found = add(parent, f"m:{name}ResponseMessage")
    if error is None:
        found.set("ResponseClass", "Success")
        add(found, "m:ResponseCode", "NoError")
        return found
    found.set("ResponseClass", "Warning" if error.warning else "Error")
    add(found, "m:MessageText", error.message)
    add(found, "m:ResponseCode", error.code)
    add(found, "m:DescriptiveLinkKey", "0")
    if error.values:
        outer = add(found, "m:MessageXml")
        for name, value in error.values.items():
            add(outer, "t:Value", value, Name=name)
    return found


def _bytes(envelope: Element) -> bytes:
    data: bytes = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
    return data
