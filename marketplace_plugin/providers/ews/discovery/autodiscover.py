"""Autodiscover with a password, at servers that an administrator allows: SOAP first, then POX.

Sources: GetUserSettings (https://learn.microsoft.com/exchange/client-developer/web-service-reference/
getusersettings-operation-soap) and "POX Autodiscover response for Exchange". Each answer may lead on: to another
address of the web, which has to be allowed too, or to another mail address. The first refusal ends it: a second try
with the same password would count as a second failed attempt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape

from marketplace_plugin.contract.reach import Reach
from marketplace_plugin.errors import ProviderError, ServerHandedOver, ServerNotAllowed
from marketplace_plugin.providers.ews.discovery.endpoint import led, offer_of
from marketplace_plugin.providers.ews.soap import xml
from marketplace_plugin.providers.ews.soap.errors import SignInRefused

SOAP_PATH, POX_PATH = "/autodiscover/autodiscover.svc", "/autodiscover/autodiscover.xml"
MOST_REFERRALS = 5
_NS = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
_ACTION = f"{_NS}/Autodiscover/GetUserSettings"
_REQUEST = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
_RESPONSE = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
_SETTINGS = ("ExternalEwsUrl", "InternalEwsUrl", "AutoDiscoverSMTPAddress")


@dataclass(frozen=True, slots=True)
class Asked:
    """``email`` is the mailbox, ``username`` and ``password`` sign in."""

    email: str
    username: str
    password: str

    def __repr__(self) -> str:
        return "Asked()"


@dataclass(frozen=True, slots=True)
class _Told:
    """What one answer says: addresses of EWS, or where to ask on."""

    urls: tuple[str, ...] = ()
    url: str = ""
    email: str = ""


def ews_url(origin: str, asked: Asked, reach: Reach) -> str:
    """The address of EWS that autodiscover at ``origin`` (``https://host[:port]``) names; empty where there is none.

    Raises SignInRefused, ServerNotAllowed and ServerHandedOver (where it leads elsewhere), and what a connection may
    raise once it has answered at all.
    """
    for path in (SOAP_PATH, POX_PATH):
        found = _follow(origin + path, asked, reach)
        if found:
            return found
    return ""


def _follow(url: str, asked: Asked, reach: Reach) -> str:
    for _ in range(MOST_REFERRALS):
        told = _ask(url, asked, reach)
        if told is None:
            return ""
        if told.urls:
            return _allowed(told.urls, reach)
        if told.email:
            asked = replace(asked, email=told.email)
        if told.url and not told.url.startswith("https://"):
            return ""  # a password goes nowhere in clear
        try:
            url = reach.check(told.url) if told.url else url
        except ValueError:
            return ""
    return ""


def _allowed(urls: tuple[str, ...], reach: Reach) -> str:
    """The first one that may be used. Raises for the first one where none may."""
    refused: ProviderError | None = None
    for url in urls:
        try:
            return reach.check(url)
        except (ServerNotAllowed, ServerHandedOver) as error:
            refused = refused or error
        except ValueError:
            continue
    if refused is not None:
        raise refused
    return ""


def _ask(url: str, asked: Asked, reach: Reach) -> _Told | None:
    """None where no autodiscover answers here."""
    from marketplace_plugin.providers.ews.soap import wire

    try:
        offer = offer_of(url, reach)
    except ProviderError as error:
        if isinstance(error, ServerNotAllowed | ServerHandedOver):
            raise
        return None
    if offer.leads:
        return _Told(url=offer.leads)
    if not offer.scheme:
        return None
    access = wire.Access(url, asked.email, asked.username, asked.password, offer.scheme, "Exchange2010")
    line = wire.Line(access, reach)
    is_soap = url.lower().endswith(".svc")
    try:
        answer = line.post(_soap(url, asked.email) if is_soap else _pox(asked.email), _headers(is_soap))
    except SignInRefused:
        raise
    except ProviderError:
        return None
    finally:
        line.close()
    if 300 <= answer.status < 400:
        return _Told(url=led(url, answer.headers.get("location", "")))
    return _read(answer.content, is_soap=is_soap) if answer.status == 200 else None


def _headers(is_soap: bool) -> Mapping[str, str]:
    return {"SOAPAction": f'"{_ACTION}"'} if is_soap else {}


def _soap(url: str, email: str) -> bytes:
    settings = "".join(f"<a:Setting>{name}</a:Setting>" for name in _SETTINGS)
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        f'xmlns:a="{_NS}" xmlns:w="http://www.w3.org/2005/08/addressing"><s:Header>'
        f"<a:RequestedServerVersion>Exchange2010</a:RequestedServerVersion><w:Action>{_ACTION}</w:Action>"
        f"<w:To>{escape(url)}</w:To></s:Header><s:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User>"
        f"<a:Mailbox>{escape(email)}</a:Mailbox></a:User></a:Users><a:RequestedSettings>{settings}"
        "</a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage></s:Body></s:Envelope>"
    ).encode()


def _pox(email: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="{_REQUEST}"><Request>'
        f"<EMailAddress>{escape(email)}</EMailAddress>"
        f"<AcceptableResponseSchema>{_RESPONSE}</AcceptableResponseSchema></Request></Autodiscover>"
    ).encode()


def _read(content: bytes, *, is_soap: bool) -> _Told | None:
    try:
        root = xml.parse(content)
    except xml.Unparsable:
        return None
    return _read_soap(root) if is_soap else _read_pox(root)


def _read_soap(root: xml.Element) -> _Told | None:
    names = dict(_texts(root, "UserSetting", "Name", "Value"))
    if urls := tuple(names[name] for name in _SETTINGS[:2] if names.get(name)):
        return _Told(urls)
    code, target = _text(root, "UserResponse", "ErrorCode"), _text(root, "UserResponse", "RedirectTarget")
    if code == "RedirectUrl" and target:
        return _Told(url=target)
    return _Told(email=target) if code == "RedirectAddress" and target else None


def _read_pox(root: xml.Element) -> _Told | None:
    """EXPR is the way from outside, EXCH from within."""
    by_type = dict(_texts(root, "Protocol", "Type", "EwsUrl"))
    if urls := tuple(by_type[kind] for kind in ("EXPR", "EXCH", "EXHTTP") if by_type.get(kind)):
        return _Told(urls)
    if url := _text(root, "Account", "RedirectUrl"):
        return _Told(url=url)
    address = _text(root, "Account", "RedirectAddr")
    return _Told(email=address) if address else None


def _texts(root: xml.Element, outer: str, key: str, value: str) -> Iterator[tuple[str, str]]:
    for one in root.iterfind(f".//{{*}}{outer}"):
        yield (one.findtext(f"{{*}}{key}", "") or "").strip(), (one.findtext(f"{{*}}{value}", "") or "").strip()


def _text(root: xml.Element, outer: str, name: str) -> str:
    return (root.findtext(f".//{{*}}{outer}/{{*}}{name}", "") or "").strip()
