"""An Exchange sandbox over real HTTPS on a clock of its own, a raw client, and exchangelib."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from lxml import etree

from marketplace_plugin.sandbox.ews import Actor, EwsSandbox
from marketplace_plugin.sandbox.ews.seed import ANNA, PASSWORD
from marketplace_plugin.sandbox.ews.soap.names import MESSAGES, SOAP, TYPES
from tests.sandbox.ews.contract import EwsContractCheck
from tests.sandbox.running import ManualClock, clients, watched

ZONE = "W. Europe Standard Time"
SPACES = {"s": SOAP, "m": MESSAGES, "t": TYPES}
IDS_ONLY = "<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>"
CALENDAR = '<t:DistinguishedFolderId Id="calendar"/>'
OWN = 'PropertySetId="8ecc264a-6880-4ebe-992f-8888d2eeaa1d" PropertyName="StegLink" PropertyType="String"'


class Answer:
    """A reply: HTTP status, and the envelope if there is one."""

    def __init__(self, reply: requests.Response) -> None:
        self.status = reply.status_code
        self.headers = reply.headers
        self.xml = etree.fromstring(reply.content) if reply.content.startswith(b"<?xml") else None

    def all(self, path: str) -> list[Any]:
        """What an XPath finds, with the prefixes s, m and t."""
        assert self.xml is not None, self.status
        found: list[Any] = self.xml.xpath(path, namespaces=SPACES)
        return found

    def one(self, path: str) -> str:
        """The only text or attribute that a path finds."""
        found = self.all(path)
        assert len(found) == 1, (path, etree.tostring(self.xml, pretty_print=True).decode())
        return str(found[0].text or "") if hasattr(found[0], "text") else str(found[0])

    @property
    def codes(self) -> list[str]:
        """The response codes of the messages, or of the fault."""
        codes = self.all("//m:ResponseCode/text()") or self.all("//*[local-name()='ResponseCode']/text()")
        return [str(code) for code in codes]


class Ews:
    """A user's requests, signed in by Basic."""

    def __init__(self, sandbox: EwsSandbox, user: str, password: str = PASSWORD) -> None:
        self.url = sandbox.ews_url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(sandbox.ca_file)
        self.session.auth = (user, password)

    def __call__(self, operation: str, *, schema: str | None = "Exchange2016", zone: str | None = None) -> Answer:
        """Send one operation, in the prefixes m and t."""
        header = "" if schema is None else f'<t:RequestServerVersion Version="{schema}"/>'
        if zone is not None:
            header += f'<t:TimeZoneContext><t:TimeZoneDefinition Id="{zone}"/></t:TimeZoneContext>'
        body = (
            f'<s:Envelope xmlns:s="{SOAP}" xmlns:m="{MESSAGES}" xmlns:t="{TYPES}">'
            f"<s:Header>{header}</s:Header><s:Body>{operation}</s:Body></s:Envelope>"
        )
        return self.post(body.encode())

    def post(self, body: bytes) -> Answer:
        headers = {"Content-Type": "text/xml; charset=utf-8"}
        return Answer(self.session.post(self.url, data=body, headers=headers, timeout=20))

    # --- the operations of most tests -----------------------------------------------------------

    def create(self, inner: str, *, send: str = "SendToNone", folder: str = CALENDAR, **more: Any) -> Answer:
        """CreateItem of one calendar item."""
        return self(
            f'<m:CreateItem SendMeetingInvitations="{send}"><m:SavedItemFolderId>{folder}</m:SavedItemFolderId>'
            f"<m:Items><t:CalendarItem>{inner}</t:CalendarItem></m:Items></m:CreateItem>",
            **more,
        )

    def get(
        self, *references: str, paths: str = "", base: str = "AllProperties", body: str = "", **more: Any
    ) -> Answer:
        """GetItem of ids, or of whole reference elements."""
        ids = "".join(item if item.startswith("<") else f'<t:ItemId Id="{item}"/>' for item in references)
        kind = f"<t:BodyType>{body}</t:BodyType>" if body else ""
        extra = f"<t:AdditionalProperties>{paths}</t:AdditionalProperties>" if paths else ""
        shape = f"<m:ItemShape><t:BaseShape>{base}</t:BaseShape>{kind}{extra}</m:ItemShape>"
        return self(f"<m:GetItem>{shape}<m:ItemIds>{ids}</m:ItemIds></m:GetItem>", **more)

    def update(
        self, reference: str, *changes: str, resolution: str = "NeverOverwrite", send: str = "SendToNone", **more: Any
    ) -> Answer:
        """UpdateItem of one item; ``reference`` is its id element."""
        return self(
            f'<m:UpdateItem ConflictResolution="{resolution}" SendMeetingInvitationsOrCancellations="{send}">'
            f"<m:ItemChanges><t:ItemChange>{reference}<t:Updates>{''.join(changes)}</t:Updates></t:ItemChange>"
            "</m:ItemChanges></m:UpdateItem>",
            **more,
        )

    def delete(self, identity: str, *, how: str = "MoveToDeletedItems", send: str = "SendToNone") -> Answer:
        """DeleteItem of one item."""
        ids = identity if identity.startswith("<") else f'<t:ItemId Id="{identity}"/>'
        return self(
            f'<m:DeleteItem DeleteType="{how}" SendMeetingCancellations="{send}">'
            f"<m:ItemIds>{ids}</m:ItemIds></m:DeleteItem>"
        )

    def sync(self, state: str | None = None, *, most: int = 512, folder: str = CALENDAR, paths: str = "") -> Answer:
        """SyncFolderItems of one folder."""
        given = "" if state is None else f"<m:SyncState>{state}</m:SyncState>"
        extra = f"<t:AdditionalProperties>{paths}</t:AdditionalProperties>" if paths else ""
        return self(
            f"<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>{extra}</m:ItemShape>"
            f"<m:SyncFolderId>{folder}</m:SyncFolderId>{given}<m:MaxChangesReturned>{most}</m:MaxChangesReturned>"
            "</m:SyncFolderItems>"
        )

    def changes(self, state: str, folder: str = CALENDAR) -> tuple[list[tuple[str, str]], str]:
        """One round after a state: (Create, Update or Delete; id), and the new state."""
        reply = self.sync(state, folder=folder)
        found = [
            (etree.QName(item).localname, str(item.find(".//t:ItemId", SPACES).get("Id")))
            for item in reply.all("//m:Changes/*")
        ]
        return found, reply.one("//m:SyncState")


def reference(answer: Answer) -> str:
    """The ItemId element of a reply that names one item."""
    return f'<t:ItemId Id="{answer.one("//t:ItemId/@Id")}" ChangeKey="{answer.one("//t:ItemId/@ChangeKey")}"/>'


def timed(subject: str = "Termin", day: str = "2026-11-20", hour: int = 9, middle: str = "", after: str = "") -> str:
    """The children of a calendar item of one hour in Berlin."""
    return (
        f"<t:Subject>{subject}</t:Subject>{middle}<t:Start>{day}T{hour:02}:00:00</t:Start>"
        f'<t:End>{day}T{hour + 1:02}:00:00</t:End>{after}<t:StartTimeZone Id="{ZONE}"/><t:EndTimeZone Id="{ZONE}"/>'
    )


def set_field(uri: str, element: str) -> str:
    """A SetItemField of a calendar item."""
    return f'<t:SetItemField><t:FieldURI FieldURI="{uri}"/><t:CalendarItem>{element}</t:CalendarItem></t:SetItemField>'


@pytest.fixture
def sandbox(clock: ManualClock) -> Iterator[EwsSandbox]:
    """The seeded sandbox; each of its replies has to keep the schema."""
    with watched(EwsSandbox, EwsContractCheck, clock) as running:
        yield running


@pytest.fixture
def contract(sandbox: EwsSandbox) -> EwsContractCheck:
    """The watch over requests and replies."""
    check = sandbox.app
    assert isinstance(check, EwsContractCheck)
    return check


@pytest.fixture
def connect(sandbox: EwsSandbox) -> Iterator[Callable[..., Ews]]:
    """Makes a client for a user."""

    def make(user: str = ANNA, password: str = PASSWORD) -> Ews:
        return Ews(sandbox, user, password)

    with clients(make) as connected:
        yield connected


@pytest.fixture
def act(sandbox: EwsSandbox) -> Callable[[str], Actor]:
    """Another client of a user."""
    return lambda email: Actor(sandbox.state, email)


@pytest.fixture
def account(sandbox: EwsSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Makes accounts of exchangelib, by NTLM or Basic; its process-wide caches are cleared after."""
    import exchangelib
    from exchangelib.protocol import BaseProtocol, FailFast
    from requests.adapters import HTTPAdapter

    context = ssl.create_default_context(cafile=str(sandbox.ca_file))

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, ssl_context=context, **kwargs)

        def cert_verify(self, conn: Any, url: str, _verify: Any, cert: Any) -> None:
            super().cert_verify(conn, url, str(sandbox.ca_file), cert)  # type: ignore[no-untyped-call]  # of requests

    monkeypatch.setattr(BaseProtocol, "HTTP_ADAPTER_CLS", Adapter)

    def make(user: str = r"NORDWERK\anna.brandt", email: str = ANNA, auth: str = exchangelib.NTLM) -> Any:
        configuration = exchangelib.Configuration(
            service_endpoint=sandbox.ews_url,
            credentials=exchangelib.Credentials(user, PASSWORD),
            auth_type=auth,
            retry_policy=FailFast(),
        )
        zone = exchangelib.EWSTimeZone("Europe/Berlin")
        return exchangelib.Account(
            email, config=configuration, autodiscover=False, access_type=exchangelib.DELEGATE, default_timezone=zone
        )

    yield make
    exchangelib.close_connections()
    exchangelib.protocol.CachingProtocol.clear_cache()
