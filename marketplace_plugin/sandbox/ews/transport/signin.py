"""Who a request comes from: Basic and NTLM as IIS does them, with a log and a lock-out.

Source: https://learn.microsoft.com/exchange/client-developer/exchange-web-services/authentication-and-ews-in-exchange
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from marketplace_plugin.sandbox.ews.state import Account, State
from marketplace_plugin.sandbox.ews.transport import ntlm
from marketplace_plugin.sandbox.ews.transport.http import CONNECTION, Connection

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

HOST = "exchange01.nordwerk.example"


@dataclass(frozen=True)
class SignIn:
    """One attempt: what the client called itself, by which scheme, and whether the password was right.

    ``path`` is where it was sent; there is no password in here.
    """

    user: str
    scheme: str
    accepted: bool
    path: str
    at: datetime


@dataclass(frozen=True)
class Refused:
    """A 401, with the values of its WWW-Authenticate headers."""

    offers: tuple[str, ...]


class Gate:
    """Lets accounts in; ``attempts`` has every password that was tried, right or wrong."""

    def __init__(self, state: State, binding: bytes) -> None:
        self._state = state
        self._binding = ntlm.expected_binding(binding)
        self.attempts: list[SignIn] = []

    def account(self, environ: WSGIEnvironment) -> Account | Refused:
        """Whose request it is. A connection that has signed in by NTLM needs no header any more."""
        connection: Connection = environ[CONNECTION]
        header = environ.get("HTTP_AUTHORIZATION", "")
        scheme, _, value = header.partition(" ")
        if not header:
            known = None if connection.account is None else self._state.accounts.get(connection.account)
            return known if known is not None and not self._locked(known) else self._refuse()
        connection.account = None
        if scheme not in self._state.knobs.schemes:
            return self._refuse()
        try:
            given = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            return self._refuse()
        if scheme == "Basic":
            return self._basic(given, environ["PATH_INFO"])
        return self._ntlm(scheme, given, connection, environ["PATH_INFO"])

    def _basic(self, given: bytes, path: str) -> Account | Refused:
        user, _, password = given.decode("utf-8", errors="replace").partition(":")
        account = self._state.find_account(user)
        return self._judge(account, account is not None and account.password == password, user, "Basic", path)

    def _ntlm(self, scheme: str, given: bytes, connection: Connection, path: str) -> Account | Refused:
        try:
            if ntlm.kind(given) == 1:
                message, connection.challenge = ntlm.challenge("NORDWERK", HOST, self._state.now())
                connection.scheme = scheme
                return Refused((f"{scheme} {base64.b64encode(message).decode()}",))
            answer = ntlm.read_answer(given)
        except ntlm.Malformed:
            return self._refuse()
        nonce, connection.challenge = connection.challenge, None
        user = f"{answer.domain}\\{answer.user}" if answer.domain else answer.user
        account = self._state.find_account(user)
        right = account is not None and nonce is not None and ntlm.proves(answer, account.password, nonce)
        found = self._judge(account, right and self._bound(answer), user, scheme, path)
        if isinstance(found, Account):
            connection.account = found.email
        return found

    def _bound(self, answer: ntlm.Answer) -> bool:
        """Extended Protection: what the client bound to is this server's certificate."""
        given = ntlm.binding_of(answer)
        if given is None:
            return not self._state.knobs.extended_protection
        return given == self._binding

    def _judge(self, account: Account | None, right: bool, user: str, scheme: str, path: str) -> Account | Refused:
        accepted = account is not None and right and not self._locked(account)
        self.attempts.append(SignIn(user, scheme, accepted, path, self._state.now()))
        if account is None:
            return self._refuse()
        if not right:
            account.wrong_passwords += 1
        if not accepted:
            return self._refuse()
        account.wrong_passwords = 0
        return account

    def _locked(self, account: Account) -> bool:
        return account.disabled or account.wrong_passwords >= self._state.knobs.lockout_threshold

    def _refuse(self) -> Refused:
        offers = tuple(f'Basic realm="{HOST}"' if scheme == "Basic" else scheme for scheme in self._state.knobs.schemes)
        return Refused(offers)
