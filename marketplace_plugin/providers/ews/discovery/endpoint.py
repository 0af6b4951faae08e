"""What an address answers to somebody who has not signed in: whether something is there, and how to sign in."""

from __future__ import annotations

import re

import requests

from marketplace_plugin.contract.reach import Reach, told

EWS_PATH = "/EWS/Exchange.asmx"
_XML = {"Content-Type": "text/xml"}
_SCHEME = re.compile(r"(?:^|,)\s*([A-Za-z]+)(?=[\s,]|$)")


def scheme_of(url: str, reach: Reach) -> str:
    """``ntlm`` or ``basic``, the better one that is offered; empty where nobody asks for a sign-in with a password.

    A POST, as Exchange sends everything else to its pages. Raises what ``Reach.open`` raises, Unavailable and
    CertificateRefused.
    """
    try:
        with (
            reach.session() as http,
            http.post(url, data=b"", headers={"Content-Type": "text/xml"}, stream=True) as answer,
        ):
            status, offer = answer.status_code, answer.headers.get("www-authenticate", "")
    except requests.RequestException as error:
        raise told(error) from None
    offered = {scheme.lower() for scheme in _SCHEME.findall(offer)} if status == 401 else set()
    if offered & {"ntlm", "negotiate"}:
        return "ntlm"
    return "basic" if "basic" in offered else ""
