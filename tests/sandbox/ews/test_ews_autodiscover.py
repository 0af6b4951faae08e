"""Autodiscover: POX and SOAP with a password, redirects without one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from lxml import etree

from marketplace_plugin.sandbox.ews import EwsSandbox
from marketplace_plugin.sandbox.ews.seed import ANNA, CLOUD, CLOUD_URL
from tests.sandbox.ews.conftest import Ews

POX, SVC = "/autodiscover/autodiscover.xml", "/autodiscover/autodiscover.svc"
REQUEST = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
RESPONSE = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
SOAP = "http://schemas.microsoft.com/exchange/2010/Autodiscover"


def pox(sandbox: EwsSandbox, ews: Ews, address: str = ANNA, schema: str = RESPONSE) -> Any:
    body = (
        f'<?xml version="1.0"?><Autodiscover xmlns="{REQUEST}"><Request><EMailAddress>{address}</EMailAddress>'
        f"<AcceptableResponseSchema>{schema}</AcceptableResponseSchema></Request></Autodiscover>"
    )
    reply = ews.session.post(sandbox.url + POX, data=body.encode(), headers={"Content-Type": "text/xml"}, timeout=10)
    assert reply.status_code == 200
    return etree.fromstring(reply.content)


def svc(sandbox: EwsSandbox, ews: Ews, *settings: str, address: str = ANNA) -> requests.Response:
    wanted = "".join(f"<a:Setting>{name}</a:Setting>" for name in settings)
    body = (
        f'<s:Envelope xmlns:a="{SOAP}" xmlns:wsa="http://www.w3.org/2005/08/addressing" '
        'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>'
        "<a:RequestedServerVersion>Exchange2010</a:RequestedServerVersion>"
        f"<wsa:Action>{SOAP}/Autodiscover/GetUserSettings</wsa:Action><wsa:To>{sandbox.url}{SVC}</wsa:To></s:Header>"
        f"<s:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User><a:Mailbox>{address}</a:Mailbox>"
        f"</a:User></a:Users><a:RequestedSettings>{wanted}</a:RequestedSettings></a:Request>"
        "</a:GetUserSettingsRequestMessage></s:Body></s:Envelope>"
    )
    return ews.session.post(sandbox.url + SVC, data=body.encode(), headers={"Content-Type": "text/xml"}, timeout=10)


def texts(tree: Any, name: str) -> list[str]:
    return [item.text or "" for item in tree.iter("{*}" + name)]


@pytest.mark.parametrize("path", [POX, SVC, "/Autodiscover/Autodiscover.xml"])
def test_settings_are_not_given_without_a_password(path: str, sandbox: EwsSandbox, connect: Callable[..., Ews]) -> None:
    ews = connect()
    ews.session.auth = None
    for method in ("GET", "POST", "HEAD"):
        reply = ews.session.request(method, sandbox.url + path, timeout=10, allow_redirects=False)
        assert reply.status_code == 401
        assert "NTLM" in reply.headers["WWW-Authenticate"]
    assert sandbox.sign_ins == []


def test_plain_xml_names_the_address_of_ews(sandbox: EwsSandbox, anna: Ews) -> None:
    tree = pox(sandbox, anna)
    assert texts(tree, "Action") == ["settings"]
    assert texts(tree, "Type") == ["EXCH", "EXPR"]
    assert set(texts(tree, "EwsUrl")) == set(texts(tree, "ASUrl")) == {sandbox.ews_url}
    assert texts(tree, "AutoDiscoverSMTPAddress") == [ANNA]
    assert texts(tree, "MicrosoftOnline") == ["False"]


def test_plain_xml_refuses_in_the_reply(sandbox: EwsSandbox, anna: Ews) -> None:
    assert texts(pox(sandbox, anna, "niemand@nordwerk.example"), "ErrorCode") == ["500"]
    assert texts(pox(sandbox, anna, ""), "ErrorCode") == ["600"]
    assert texts(pox(sandbox, anna, schema="http://schemas.example/other"), "ErrorCode") == ["601"]


def test_soap_names_what_was_asked_for(sandbox: EwsSandbox, anna: Ews) -> None:
    tree = etree.fromstring(svc(sandbox, anna, "ExternalEwsUrl", "EwsSupportedSchemas", "PublicFolderServer").content)
    assert texts(tree, "Name") == ["ExternalEwsUrl", "EwsSupportedSchemas"]
    assert texts(tree, "Value")[0] == sandbox.ews_url
    assert texts(tree, "ErrorCode") == ["NoError", "NoError", "SettingIsNotAvailable"]
    assert texts(tree, "MajorVersion") == ["15"]
    unknown = etree.fromstring(svc(sandbox, anna, "ExternalEwsUrl", address="niemand@nordwerk.example").content)
    assert texts(unknown, "ErrorCode") == ["NoError", "InvalidUser"]


def test_redirects_to_another_address_and_another_server(sandbox: EwsSandbox, anna: Ews) -> None:
    account = sandbox.state.accounts[ANNA]
    account.redirect_address = "anna@mail.nordwerk.example"
    assert texts(pox(sandbox, anna), "RedirectAddr") == ["anna@mail.nordwerk.example"]
    tree = etree.fromstring(svc(sandbox, anna, "ExternalEwsUrl").content)
    assert texts(tree, "ErrorCode") == ["NoError", "RedirectAddress"]
    assert texts(tree, "RedirectTarget") == ["anna@mail.nordwerk.example"]
    account.redirect_address, account.redirect_url = None, "https://other.nordwerk.example/autodiscover.xml"
    assert texts(pox(sandbox, anna), "Action") == ["redirectUrl"]
    tree = etree.fromstring(svc(sandbox, anna, "ExternalEwsUrl").content)
    assert texts(tree, "ErrorCode") == ["NoError", "RedirectUrl"]


def test_a_mailbox_in_the_cloud_is_named_as_such(sandbox: EwsSandbox, connect: Callable[..., Ews]) -> None:
    ews = connect(CLOUD)
    tree = pox(sandbox, ews, CLOUD)
    assert texts(tree, "EwsUrl") == [CLOUD_URL, CLOUD_URL]
    assert texts(tree, "MicrosoftOnline") == ["True"]
    assert texts(etree.fromstring(svc(sandbox, ews, "ExternalEwsUrl", address=CLOUD).content), "Value") == [CLOUD_URL]


def test_exchange_2007_has_no_soap_and_no_ews_url(sandbox: EwsSandbox, anna: Ews) -> None:
    sandbox.state.knobs.version = "Exchange2007_SP1"
    assert svc(sandbox, anna, "ExternalEwsUrl").status_code == 404
    tree = pox(sandbox, anna)
    assert texts(tree, "EwsUrl") == []
    assert texts(tree, "ServerVersion")[0].startswith("72")
    assert set(texts(tree, "ASUrl")) == {sandbox.ews_url}


def test_the_listener_without_tls_leads_to_https_and_asks_for_nothing(sandbox: EwsSandbox) -> None:
    plain = sandbox.start_redirect()
    with requests.Session() as session:
        session.trust_env = False
        reply = session.get(plain + POX, timeout=10, allow_redirects=False)
        assert (reply.status_code, reply.headers["Location"]) == (302, sandbox.url + POX)
        assert "WWW-Authenticate" not in reply.headers
        sandbox.state.knobs.redirect_to = "https://autodiscover-s.outlook.com/autodiscover/autodiscover.xml"
        reply = session.get(plain + POX, timeout=10, allow_redirects=False)
        assert reply.headers["Location"].startswith("https://autodiscover-s.outlook.com/")
        assert session.post(plain + POX, data="<a/>", timeout=10).status_code == 404
        assert session.get(plain + "/EWS/Exchange.asmx", timeout=10).status_code == 404
    assert sandbox.sign_ins == []


def test_a_redirect_over_https_comes_before_the_password(sandbox: EwsSandbox, anna: Ews) -> None:
    sandbox.state.knobs.autodiscover_moved_to = "https://autodiscover-s.outlook.com/autodiscover/autodiscover.xml"
    reply = anna.session.post(sandbox.url + POX, data=b"<a/>", timeout=10, allow_redirects=False)
    assert reply.status_code == 302
    assert reply.headers["Location"].startswith("https://autodiscover-s.outlook.com/")
    assert sandbox.sign_ins == []


def test_the_announced_address_can_have_another_host(sandbox: EwsSandbox, anna: Ews) -> None:
    sandbox.state.knobs.public_url = "https://exchange.nordwerk.example:8443"
    assert texts(pox(sandbox, anna), "EwsUrl")[0] == "https://exchange.nordwerk.example:8443/EWS/Exchange.asmx"


def test_faults_hit_autodiscover_by_path(sandbox: EwsSandbox, anna: Ews) -> None:
    sandbox.faults.add("status", operation=POX, status=503)
    reply = anna.session.post(sandbox.url + POX, data=b"<a/>", timeout=10)
    assert reply.status_code == 503
    assert texts(pox(sandbox, anna), "Action") == ["settings"]
