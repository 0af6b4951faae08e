"""What an address answers to somebody who has not signed in: whether something is there, and how to sign in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urljoin

import requests

from marketplace_plugin.contract.reach import Reach, told

EWS_PATH = "/EWS/Exchange.asmx"
_XML = {"Content-Type": "text/xml"}
_SCHEME = re.compile(r"(?:^|,)\s*([A-Za-z]+)(?=[\s,]|$)")


@dataclass(frozen=True, slots=True)
class Offer:
    """``scheme`` is ``ntlm`` or ``basic``, the better one that is offered; empty where nobody asks for a sign-in with a
    password. ``leads`` is where a redirect leads, empty without one."""

    scheme: str = ""
    leads: str = ""


def led(url: str, location: str) -> str:
    """Where ``location`` leads from ``url``; empty where that is no address."""
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def offer_of(url: str, reach: Reach) -> Offer:
    """Asked by a POST, as Exchange sends everything else to its pages. Raises what ``Reach.open`` raises, Unavailable
    and CertificateRefused."""
    try:
        with reach.session() as http, http.post(url, data=b"", headers=_XML, stream=True) as answer:
            status, headers = answer.status_code, answer.headers
    except requests.RequestException as error:
        raise told(error) from None
    if 300 <= status < 400:
        return Offer(leads=led(url, headers.get("location", "")))
    if status != 401:
        return Offer()
    offered = {scheme.lower() for scheme in _SCHEME.findall(headers.get("www-authenticate", ""))}
    if offered & {"ntlm", "negotiate"}:
        return Offer("ntlm")
    return Offer("basic" if "basic" in offered else "")
