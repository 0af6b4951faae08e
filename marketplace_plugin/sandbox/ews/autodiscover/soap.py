"""SOAP autodiscover: POST to ``/autodiscover/autodiscover.svc``, since Exchange 2010.

Source: https://learn.microsoft.com/exchange/client-developer/web-service-reference/getusersettings-operation-soap
and errorcode-soap.
"""

from __future__ import annotations

from lxml import etree

from marketplace_plugin.sandbox.ews.autodiscover import answers
from marketplace_plugin.sandbox.ews.autodiscover.answers import Found
from marketplace_plugin.sandbox.ews.soap import envelope, errors, versions
from marketplace_plugin.sandbox.ews.soap.names import SOAP, XSI, Element
from marketplace_plugin.sandbox.ews.state import State

SPACE = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
ADDRESSING = "http://www.w3.org/2005/08/addressing"
_ACTION = f"{SPACE}/Autodiscover/GetUserSettings"
_KNOWN = frozenset(
    [
        "UserDisplayName",
        "UserDN",
        "UserDeploymentId",
        "InternalMailboxServer",
        "MailboxDN",
        "ActiveDirectoryServer",
        "CasVersion",
        "EwsSupportedSchemas",
        "ExternalEwsUrl",
        "InternalEwsUrl",
        "ExternalEwsVersion",
        "AutoDiscoverSMTPAddress",
        "EcpPhotoUrlFragment",
        "ExternalMailboxServer",
        "PublicFolderServer",
        "GroupingInformation",
        "MobileMailboxPolicy",
    ]
)


def reply(state: State, server: versions.Server, body: bytes, ews_url: str) -> bytes:
    """The answer to GetUserSettings. Raises SoapFault for anything else."""
    request = envelope.parse(body)
    operation = request.find(f"{{{SOAP}}}Body/{{{SPACE}}}GetUserSettingsRequestMessage/{{{SPACE}}}Request")
    action = request.findtext(f"{{{SOAP}}}Header/{{{ADDRESSING}}}Action")
    if operation is None or action != _ACTION:
        raise errors.SoapFault("ErrorInvalidRequest", "Only GetUserSettings is known here.")
    wanted = [item.text or "" for item in operation.iter(f"{{{SPACE}}}Setting")]
    outer = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"s": SOAP, "a": ADDRESSING})
    _header(etree.SubElement(outer, f"{{{SOAP}}}Header"), server)
    content = etree.SubElement(outer, f"{{{SOAP}}}Body")
    message = etree.SubElement(content, f"{{{SPACE}}}GetUserSettingsResponseMessage", nsmap={None: SPACE, "i": XSI})
    response = _add(message, "Response")
    unknown = [name for name in wanted if not name.isalnum()]
    _status(response, "InvalidSetting" if unknown or not wanted else "NoError")
    users = _add(response, "UserResponses")
    for mailbox in operation.iter(f"{{{SPACE}}}Mailbox"):
        _user(users, answers.look_up(state, mailbox.text or "", ews_url), wanted, server)
    data: bytes = etree.tostring(outer, xml_declaration=True, encoding="utf-8")
    return data


def _add(parent: Element, name: str, text: str | None = None) -> Element:
    child = etree.SubElement(parent, f"{{{SPACE}}}{name}")
    child.text = text
    return child


def _status(parent: Element, code: str, message: str = "") -> None:
    _add(parent, "ErrorCode", code)
    _add(parent, "ErrorMessage", message)


def _header(header: Element, server: versions.Server) -> None:
    etree.SubElement(header, f"{{{ADDRESSING}}}Action").text = f"{_ACTION}Response"
    info = etree.SubElement(header, f"{{{SPACE}}}ServerVersionInfo", nsmap={"h": SPACE})
    names = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")
    for name, number in zip(names, server.build, strict=True):
        _add(info, name, str(number))
    _add(info, "Version", server.shown)


def _user(users: Element, found: Found | None, wanted: list[str], server: versions.Server) -> None:
    user = _add(users, "UserResponse")
    if found is None:
        _status(user, "InvalidUser", "Invalid user.")
    elif found.redirect_address:
        _status(user, "RedirectAddress", "Redirection address.")
    elif found.redirect_url:
        _status(user, "RedirectUrl", "Redirection Url.")
    else:
        _status(user, "NoError", "No error.")
    target = None if found is None else found.redirect_address or found.redirect_url
    redirect = _add(user, "RedirectTarget", target)
    if target is None:
        redirect.set(f"{{{XSI}}}nil", "true")
    refused, settings = _add(user, "UserSettingErrors"), _add(user, "UserSettings")
    if found is None or target is not None:
        return
    known = _values(found, server)
    for name in wanted:
        if name in known:
            setting = _add(settings, "UserSetting")
            setting.set(f"{{{XSI}}}type", "StringSetting")
            _add(setting, "Name", name)
            _add(setting, "Value", known[name])
        else:
            problem = _add(refused, "UserSettingError")
            _status(problem, "SettingIsNotAvailable" if name in _KNOWN else "InvalidSetting", "")
            _add(problem, "SettingName", name)


def _values(found: Found, server: versions.Server) -> dict[str, str]:
    version = ".".join(f"{part:02}" if place < 2 else f"{part:04}" for place, part in enumerate(server.build[:3]))
    schemas = versions.SCHEMAS[: versions.SCHEMAS.index(server.newest) + 1]
    return {
        "UserDisplayName": found.account.name,
        "UserDN": answers.distinguished_name(found.account),
        "AutoDiscoverSMTPAddress": found.account.email,
        "CasVersion": f"{version}.{server.build[3]:03}",
        "EwsSupportedSchemas": ", ".join(schemas),
        "ExternalEwsUrl": found.ews_url,
        "InternalEwsUrl": found.ews_url,
    }
