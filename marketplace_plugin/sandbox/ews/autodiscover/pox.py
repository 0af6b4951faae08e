"""Plain XML autodiscover: POST to ``/autodiscover/autodiscover.xml``.

Source: https://learn.microsoft.com/exchange/client-developer/web-service-reference/pox-autodiscover-request-for-exchange
and pox-autodiscover-response-for-exchange, error-pox, errorcode-pox.
"""

from __future__ import annotations

import hashlib

from lxml import etree

from marketplace_plugin.sandbox.ews.autodiscover import answers
from marketplace_plugin.sandbox.ews.autodiscover.answers import Found
from marketplace_plugin.sandbox.ews.soap import envelope, errors, versions
from marketplace_plugin.sandbox.ews.soap.names import Element
from marketplace_plugin.sandbox.ews.state import State

REQUEST = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
OUTER = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
RESPONSE = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
_INVALID = ("600", "Invalid Request")
_NOT_FOUND = ("500", "The e-mail address cannot be found.")
_NO_PROVIDER = ("601", "Provider is not available")


def reply(state: State, server: versions.Server, body: bytes, ews_url: str) -> bytes:
    """The answer to a request; always with HTTP 200."""
    outer = etree.Element(f"{{{OUTER}}}Autodiscover", nsmap={None: OUTER})
    try:
        request = envelope.parse(body)
        address = request.findtext(f"{{{REQUEST}}}Request/{{{REQUEST}}}EMailAddress")
        schema = request.findtext(f"{{{REQUEST}}}Request/{{{REQUEST}}}AcceptableResponseSchema")
    except errors.SoapFault:
        address, schema = None, None
    if not address or not schema:
        _refuse(state, outer, OUTER, _INVALID)
    elif schema != RESPONSE:
        _refuse(state, outer, OUTER, _NO_PROVIDER)
    else:
        found = answers.look_up(state, address, ews_url)
        if found is None:
            _refuse(state, outer, RESPONSE, _NOT_FOUND)
        else:
            _settings(outer, found, server)
    data: bytes = etree.tostring(outer, xml_declaration=True, encoding="utf-8")
    return data


def _refuse(state: State, outer: Element, space: str, error: tuple[str, str]) -> None:
    response = etree.SubElement(outer, f"{{{space}}}Response", nsmap={None: space})
    number = int.from_bytes(hashlib.blake2s(error[0].encode(), digest_size=4).digest(), "big")
    item = _add(response, "Error", None)
    item.set("Time", f"{state.now():%H:%M:%S.%f}0")
    item.set("Id", str(number))
    _add(item, "ErrorCode", error[0])
    _add(item, "Message", error[1])
    _add(item, "DebugData", "")


def _add(parent: Element, name: str, text: str | None) -> Element:
    child = etree.SubElement(parent, f"{{{etree.QName(parent).namespace}}}{name}")
    child.text = text
    return child


def _settings(outer: Element, found: Found, server: versions.Server) -> None:
    response = etree.SubElement(outer, f"{{{RESPONSE}}}Response", nsmap={None: RESPONSE})
    if found.redirect_address or found.redirect_url:
        account = _add(response, "Account", None)
        action, name = ("redirectAddr", "RedirectAddr") if found.redirect_address else ("redirectUrl", "RedirectUrl")
        _add(account, "AccountType", "email")
        _add(account, "Action", action)
        _add(account, name, found.redirect_address or found.redirect_url)
        return
    user = _add(response, "User", None)
    _add(user, "DisplayName", found.account.name)
    _add(user, "LegacyDN", answers.distinguished_name(found.account))
    _add(user, "AutoDiscoverSMTPAddress", found.account.email)
    account = _add(response, "Account", None)
    _add(account, "AccountType", "email")
    _add(account, "Action", "settings")
    _add(account, "MicrosoftOnline", "True" if found.online else "False")
    for kind in ("EXCH", "EXPR"):
        protocol = _add(account, "Protocol", None)
        _add(protocol, "Type", kind)
        _add(protocol, "Server", "exchange01.nordwerk.example")
        if kind == "EXCH":
            _add(protocol, "ServerVersion", answers.server_version(server))
        _add(protocol, "ASUrl", found.ews_url)
        _add(protocol, "OOFUrl", found.ews_url)
        if server.build[0] > 8:
            _add(protocol, "EwsUrl", found.ews_url)
