"""Safeguards of passwords: where they go, how often, and what is saved of them."""

from __future__ import annotations

import ssl
from typing import Any

from tests.faults.taking import Safeguard, swap, swap_method

REACH = "tests/contract/test_reach.py"
FORM = "tests/engine/connecting/test_credentials.py"


def _any_server() -> None:
    from marketplace_plugin.contract.servers import AllowedServers

    swap_method(AllowedServers, "names", lambda self, host, _port=443: not self.refuses(host))


def _any_address() -> None:
    from marketplace_plugin.contract.servers import AllowedServers

    swap_method(AllowedServers, "reaches", lambda self, host, _address, port=443: self.names(host, port))


def _clouds_too() -> None:
    from marketplace_plugin.contract.servers import AllowedServers

    swap_method(AllowedServers, "refuses", lambda _self, _host: False)


def _any_certificate() -> None:
    from marketplace_plugin.contract.reach import Reach

    def unchecked(_self: Reach) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
        return made

    swap_method(Reach, "tls", unchecked)


def _again_and_again() -> None:
    from marketplace_plugin.store.accounts import credentials

    swap(credentials.is_refused, lambda *_: False)


def _saved_as_it_comes() -> None:
    from marketplace_plugin.engine.form import credentials

    swap(credentials._digest, lambda *_: "the same")


def _sent_after_a_refusal() -> None:
    from marketplace_plugin.engine.form import sessions

    def session(engine: Any, connection: Any, entry: Any) -> Any:
        from marketplace_plugin.store import credentials

        with engine.store.read() as c:
            kept = credentials.get(c, connection.id)
        return sessions.session(engine, connection, entry, kept.fields if kept else {})

    swap(sessions.stored_session, session)


PASSWORDS = (
    Safeguard(
        "allowed servers",
        "a password goes to servers that an administrator allows",
        "contract/servers.py::AllowedServers.names",
        (f"{FORM}::test_a_server_that_nobody_allows_is_not_told_the_password",),
        _any_server,
    ),
    Safeguard(
        "checked addresses",
        "a name leads to addresses that were checked, at each connection",
        "contract/servers.py::AllowedServers.reaches",
        (f"{REACH}::test_a_name_that_leads_to_another_address_a_moment_later_leads_nowhere",),
        _any_address,
    ),
    Safeguard(
        "no password to the cloud",
        "servers of another integration get no password, whatever is allowed",
        "contract/servers.py::AllowedServers.refuses",
        (f"{FORM}::test_a_server_of_another_integration_is_handed_over",),
        _clouds_too,
    ),
    Safeguard(
        "certificates",
        "certificates are checked, whatever is asked for",
        "contract/reach.py::Reach.tls",
        (f"{REACH}::test_a_bad_certificate_is_named_and_cannot_be_waved_through",),
        _any_certificate,
    ),
    Safeguard(
        "refused once",
        "what a server refused is not sent again for a while",
        "store/accounts/credentials.py::is_refused",
        (f"{FORM}::test_a_refused_password_is_not_sent_again_by_itself",),
        _again_and_again,
    ),
    Safeguard(
        "saved as tested",
        "only what passed the test, just as it stands, is saved",
        "engine/form/credentials.py::_digest",
        (f"{FORM}::test_the_secret_need_not_come_again_but_nothing_else_may_differ",),
        _saved_as_it_comes,
    ),
    Safeguard(
        "quiet after a refusal",
        "a password that a pass was refused with is not sent before its owner acts",
        "engine/form/sessions.py::stored_session",
        (f"{FORM}::test_a_pass_tries_once_and_the_worker_does_not_come_back",),
        _sent_after_a_refusal,
    ),
)
