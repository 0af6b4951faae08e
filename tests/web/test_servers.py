"""The admin's page of servers: what may be entered, and that nobody else comes there."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest

from marketplace_plugin.contract.authorities import read_authorities
from marketplace_plugin.sandbox.ews.transport.tls import Certificates, make
from tests.contract.test_authorities import server_certificate
from tests.web.conftest import Site
from tests.web.fakes import ADMIN, ANNA, text

SERVERS = "/admin/servers"


@pytest.fixture(scope="module")
def certificates() -> Iterator[Certificates]:
    made = make(("mail.example.org",))
    yield made
    made.close()


def save(site: Site, **fields: Any) -> Any:
    form = {"allowed": "mail.firma.de", "authorities": "", "contact": "", **fields}
    return site.as_(ADMIN).post(f"{SERVERS}/exchange", data=form, content_type="multipart/form-data")


def test_it_is_for_admins_alone(site: Site) -> None:
    client = site.as_(ANNA)
    assert client.get(SERVERS).status_code == 403
    assert client.post(f"{SERVERS}/exchange", data={}).status_code == 403
    assert client.post(f"{SERVERS}/exchange/authorities/0/remove").status_code == 403
    assert not [call for call in site.actions.called if call[0] in ("save_servers", "distrust")]


def test_what_is_entered_is_kept_and_shown(site: Site, certificates: Certificates) -> None:
    answer = save(
        site, allowed="mail.firma.de\n*.firma.de:8443", authorities=certificates.ca_pem, contact=" Rita Brandt, 5500 "
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, SERVERS)
    client = site.as_(ADMIN)
    shown = client.get(SERVERS)
    said = text(shown)
    for sentence in (
        "mail.firma.de *.firma.de:8443",
        "EWS sandbox authority",
        "gültig bis",
        "Durch die Installation schon freigegeben: mail.example.org",
    ):
        assert sentence in said
    assert 'value="Rita Brandt, 5500"' in shown.get_data(as_text=True)
    (one,) = read_authorities(certificates.ca_pem)
    assert f"{SERVERS}/exchange/authorities/{one.fingerprint}/remove" in shown.get_data(as_text=True)
    client.post(f"{SERVERS}/exchange/authorities/{one.fingerprint}/remove")
    assert ("distrust", ADMIN.id, "exchange", one.fingerprint) in site.actions.called


def test_an_authority_comes_as_a_file_too(site: Site, certificates: Certificates) -> None:
    save(site, file=(BytesIO(certificates.ca_pem.encode()), "ca.pem"))
    assert "EWS sandbox authority" in text(site.as_(ADMIN).get(SERVERS))


@pytest.mark.parametrize("field", ["authorities", "file"])
def test_a_private_key_is_not_sent_back(site: Site, field: str) -> None:
    """It would stand in the page, and in every cache between, when its owner reads that nothing was kept."""
    key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG\n-----END PRIVATE KEY-----"
    answer = save(site, **{field: key if field == "authorities" else (BytesIO(key.encode()), "key.pem")})
    assert answer.status_code == 422
    assert "MIGHAgEAMBMG" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"allowed": "mail.firma.de https://x"}, "„https://x“ ist weder der Name eines Servers noch eine Adresse."),
        ({"allowed": "*"}, "„*“ ist weder"),
        ({"authorities": "hallo"}, "Das ist kein Zertifikat in PEM"),
        ({"authorities": "-----BEGIN PRIVATE KEY-----"}, "Das enthält einen privaten Schlüssel."),
        ({"contact": "x" * 501}, "Das ist zu lang."),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_kept(site: Site, fields: dict[str, str], said: str) -> None:
    answer = save(site, **fields)
    assert answer.status_code == 422
    assert said in text(answer)
    assert not [call for call in site.actions.called if call[0] == "save_servers"]


def test_a_certificate_that_signs_no_others_is_refused(site: Site) -> None:
    answer = save(site, file=(BytesIO(server_certificate().encode()), "server.pem"))
    assert "Dieses Zertifikat darf keine anderen unterschreiben." in text(answer)


def test_the_way_there_stands_on_the_page_of_connections(site: Site) -> None:
    assert f'href="{SERVERS}"' in site.as_(ADMIN).get("/admin/connections").get_data(as_text=True)
