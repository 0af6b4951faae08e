"""TLS, sign-in, versions and faults of the Exchange sandbox."""

from __future__ import annotations

import hashlib
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import requests
import requests_ntlm

from marketplace_plugin.sandbox.ews import EwsSandbox
from marketplace_plugin.sandbox.ews.faults import Action
from marketplace_plugin.sandbox.ews.seed import ANNA, JONAS, PASSWORD
from marketplace_plugin.sandbox.ews.soap.versions import SERVERS
from marketplace_plugin.sandbox.ews.transport import md4
from marketplace_plugin.sandbox.ews.transport.tls import FLAWS, Flaw
from tests.sandbox.ews.conftest import Ews, timed
from tests.sandbox.running import ManualClock

GET = (
    "<m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape><m:FolderIds>"
    '<t:DistinguishedFolderId Id="calendar"/></m:FolderIds></m:GetFolder>'
)


def ntlm(connect: Callable[..., Ews], user: str, password: str = PASSWORD) -> Ews:
    ews = connect()
    ews.session.auth = requests_ntlm.HttpNtlmAuth(user, password)
    return ews


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        ("abc", "a448017aaf21d8525fc10ae87aa6729d"),
        ("message digest", "d9130a8164549fe818874806e1c7014b"),
        ("1234567890" * 8, "e33b4ddc9c38f2199c3e7b164fcc0536"),
    ],
)
def test_md4_has_the_values_of_its_rfc(text: str, expected: str) -> None:
    assert md4.digest(text.encode()).hex() == expected


@pytest.mark.parametrize("flaw", [flaw for flaw in FLAWS if flaw != "none"])
def test_a_flawed_certificate_is_refused_by_a_client_that_looks(flaw: Flaw, clock: ManualClock) -> None:
    with EwsSandbox(clock, flaw=flaw) as sandbox, requests.Session() as session:
        session.trust_env = False
        with pytest.raises(requests.exceptions.SSLError):
            session.get(sandbox.ews_url, verify=str(sandbox.ca_file), timeout=10)


def test_the_certificate_is_for_localhost_the_address_and_more_hosts(clock: ManualClock) -> None:
    with EwsSandbox(clock, hosts=["exchange.nordwerk.example"]) as sandbox:
        port = int(sandbox.url.rpartition(":")[2])
        context = ssl.create_default_context(cafile=str(sandbox.ca_file))
        for name in ("localhost", "127.0.0.1", "exchange.nordwerk.example"):
            plain = socket.create_connection(("127.0.0.1", port), timeout=10)
            with context.wrap_socket(plain, server_hostname=name) as channel:
                assert channel.version() == "TLSv1.3"


def test_plain_http_and_old_tls_are_not_spoken(sandbox: EwsSandbox) -> None:
    assert sandbox.url.startswith("https://")
    assert sandbox.certificates.context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("user", [ANNA, r"NORDWERK\anna.brandt", r"nordwerk\Anna.Brandt", "anna.brandt"])
def test_users_sign_in_by_basic_and_by_ntlm(user: str, connect: Callable[..., Ews], sandbox: EwsSandbox) -> None:
    assert connect(user)(GET).codes == ["NoError"]
    assert ntlm(connect, user)(GET).codes == ["NoError"]
    assert [(item.scheme, item.accepted) for item in sandbox.sign_ins] == [("Basic", True), ("NTLM", True)]


def test_ntlm_signs_in_the_connection_not_the_request(connect: Callable[..., Ews], sandbox: EwsSandbox) -> None:
    ews = ntlm(connect, ANNA)
    assert ews(GET).codes == ["NoError"]
    ews.session.auth = None
    assert ews(GET).codes == ["NoError"]
    assert connect("", "").session.get(ews.url, timeout=10).status_code == 401
    assert len(sandbox.sign_ins) == 2


@pytest.mark.parametrize("make", ["basic", "ntlm"])
def test_a_wrong_password_is_401_and_counted(make: str, connect: Callable[..., Ews], sandbox: EwsSandbox) -> None:
    ews = connect(ANNA, "falsch") if make == "basic" else ntlm(connect, ANNA, "falsch")
    reply = ews(GET)
    assert reply.status == 401
    assert [item.accepted for item in sandbox.sign_ins] == [False]
    assert sandbox.state.accounts[ANNA].wrong_passwords == 1
    assert sandbox.requests() == []


def test_an_account_locks_after_too_many_wrong_passwords(connect: Callable[..., Ews], sandbox: EwsSandbox) -> None:
    sandbox.state.knobs.lockout_threshold = 2
    for _ in range(2):
        assert connect(ANNA, "falsch")(GET).status == 401
    assert connect()(GET).status == 401
    sandbox.state.accounts[ANNA].wrong_passwords = 0
    assert connect()(GET).status == 200


def test_a_server_may_offer_ntlm_alone(connect: Callable[..., Ews], sandbox: EwsSandbox) -> None:
    sandbox.state.knobs.schemes = ("NTLM",)
    reply = connect()(GET)
    assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, "NTLM")
    assert sandbox.sign_ins == []
    assert ntlm(connect, ANNA)(GET).status == 200


def test_extended_protection_wants_the_binding_to_this_certificate(
    connect: Callable[..., Ews], sandbox: EwsSandbox
) -> None:
    sandbox.state.knobs.extended_protection = True
    assert ntlm(connect, ANNA)(GET).status == 200
    unbound = connect()
    unbound.session.auth = requests_ntlm.HttpNtlmAuth(ANNA, PASSWORD, send_cbt=False)
    assert unbound(GET).status == 401
    sandbox.gate._binding = hashlib.md5(b"another certificate").digest()
    assert ntlm(connect, ANNA)(GET).status == 401


@pytest.mark.parametrize("version", list(SERVERS))
def test_each_version_says_which_it_is_and_knows_its_own_schema(version: str, anna: Ews, sandbox: EwsSandbox) -> None:
    sandbox.state.knobs.version = version
    server = SERVERS[version]
    reply = anna(GET, schema=server.newest)
    assert reply.codes == ["NoError"]
    build = [int(reply.one(f"//t:ServerVersionInfo/@{part}")) for part in ("MajorVersion", "MinorVersion")]
    assert build == list(server.build[:2])
    assert reply.one("//t:ServerVersionInfo/@Version") == server.shown


def test_a_newer_schema_than_the_server_s_is_refused(anna: Ews, sandbox: EwsSandbox) -> None:
    sandbox.state.knobs.version = "Exchange2010_SP1"
    reply = anna(GET, schema="Exchange2013")
    assert (reply.status, reply.codes) == (500, ["ErrorInvalidServerVersion"])
    assert anna(GET, schema="Exchange2010_SP1").codes == ["NoError"]


def test_an_old_schema_has_no_newer_elements(anna: Ews, sandbox: EwsSandbox) -> None:
    sandbox.state.knobs.version = "Exchange2007_SP1"
    assert anna.create(timed(), schema="Exchange2007_SP1").codes == ["ErrorSchemaValidation"]


def test_no_soap_is_a_schema_violation(anna: Ews) -> None:
    for body in (b"no xml", b"<a/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"):
        reply = anna.post(body)
        assert (reply.status, reply.codes) == (500, ["ErrorSchemaValidation"])


def test_unknown_operations_and_impersonation_are_refused(anna: Ews) -> None:
    assert anna("<m:SendAPostcard/>").codes == ["ErrorSchemaValidation"]


def test_throttling_by_fault_by_knob_and_by_http(anna: Ews, sandbox: EwsSandbox, clock: ManualClock) -> None:
    sandbox.faults.add("fault", operation="GetFolder", code="ErrorServerBusy", back_off=30_000)
    reply = anna(GET)
    assert (reply.status, reply.codes) == (500, ["ErrorServerBusy"])
    assert reply.one("//t:Value[@Name='BackOffMilliseconds']") == "30000"
    sandbox.faults.add("error", operation="GetFolder", code="ErrorServerBusy", back_off=10_000)
    reply = anna(GET)
    assert (reply.status, reply.codes, reply.one("//t:Value")) == (200, ["ErrorServerBusy"], "10000")
    sandbox.faults.add("status", status=503, retry_after=20)
    reply = anna(GET)
    assert (reply.status, reply.headers["Retry-After"]) == (503, "20")
    sandbox.state.knobs.throttled_until = clock.now + timedelta(minutes=5)
    assert anna(GET).one("//t:Value") == "300000"
    clock.advance(minutes=5)
    assert anna(GET).codes == ["NoError"]


def test_faults_hit_operations_by_name_and_count(anna: Ews, sandbox: EwsSandbox) -> None:
    sandbox.faults.add("error", operation="GetFolder", code="ErrorInternalServerError", skip=1, times=2)
    assert [anna(GET).codes for _ in range(4)] == [
        ["NoError"],
        ["ErrorInternalServerError"],
        ["ErrorInternalServerError"],
        ["NoError"],
    ]


def test_an_account_has_so_many_requests_at_a_time(connect: Callable[..., Ews], sandbox: EwsSandbox) -> None:
    sandbox.state.knobs.concurrent_requests = 1
    sandbox.faults.add("hold", operation="GetFolder")
    first, second, other = connect(), connect(), connect(JONAS)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(first, GET)
        assert sandbox.faults.wait_held(1)
        assert second(GET).codes == ["ErrorExceededConnectionCount"]
        assert other(GET).codes == ["NoError"]
        sandbox.faults.release()
        assert held.result(timeout=10).codes == ["NoError"]
    assert second(GET).codes == ["NoError"]


@pytest.mark.parametrize("action", ["status", "fault", "error"])
def test_a_refused_request_is_not_carried_out(action: Action, anna: Ews, sandbox: EwsSandbox) -> None:
    folder = sandbox.state.distinguished(ANNA, "calendar")
    count = len(folder.items)
    sandbox.faults.add(action, operation="CreateItem")
    anna.create(timed())
    assert len(folder.items) == count


def test_a_connection_drops_before_or_after_the_write(anna: Ews, sandbox: EwsSandbox) -> None:
    folder = sandbox.state.distinguished(ANNA, "calendar")
    count = len(folder.items)
    sandbox.faults.add("drop_before", operation="CreateItem")
    with pytest.raises(requests.ConnectionError):
        anna.create(timed())
    assert len(folder.items) == count
    sandbox.faults.add("drop_after", operation="CreateItem")
    with pytest.raises(requests.ConnectionError):
        anna.create(timed())
    assert len(folder.items) == count + 1


def test_a_fault_can_answer_401_after_the_sign_in(anna: Ews, sandbox: EwsSandbox) -> None:
    sandbox.faults.add("status", status=401)
    assert anna(GET).status == 401


def test_ews_that_is_switched_off_is_403(anna: Ews, sandbox: EwsSandbox) -> None:
    sandbox.state.knobs.ews_enabled = False
    assert anna(GET).status == 403
