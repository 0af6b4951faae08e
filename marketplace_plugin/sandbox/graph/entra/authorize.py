"""The pages of the sign-in: account, consent, "admin approval required", admin consent.

Sources: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow,
https://learn.microsoft.com/entra/identity-platform/v2-admin-consent and
https://learn.microsoft.com/entra/identity/enterprise-apps/application-sign-in-unexpected-user-consent-error.
"""

from __future__ import annotations

import uuid
from dataclasses import replace

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from marketplace_plugin.sandbox.graph.entra import flow, pages
from marketplace_plugin.sandbox.graph.entra import scopes as scope_names
from marketplace_plugin.sandbox.graph.entra.flow import Asked, PageError, Refused
from marketplace_plugin.sandbox.graph.entra.grants import EntraError, Grants, ending
from marketplace_plugin.sandbox.graph.state import PERSONAL_TENANT, Account, State

_DECLINED = "User declined to consent to access the app."


def blueprint(state: State, grants: Grants) -> Blueprint:
    """``/{tenant}/oauth2/v2.0/authorize``, ``/{tenant}/adminconsent``, ``/{tenant}/v2.0/adminconsent``, ``/signin``."""
    routes = Blueprint("authorize", __name__)
    signin = _SignIn(state, grants)

    @routes.errorhandler(PageError)
    def show(error: PageError) -> ResponseReturnValue:
        return pages.error(error.status, error.number, error.text)

    @routes.errorhandler(Refused)
    def refused(error: Refused) -> ResponseReturnValue:
        return flow.refuse(error.asked, error.error, state.now())

    @routes.get("/<tenant>/oauth2/v2.0/authorize")
    def start(tenant: str) -> ResponseReturnValue:
        return signin.start(flow.parse(state, tenant, request.args.to_dict()))

    @routes.get("/<tenant>/adminconsent")
    @routes.get("/<tenant>/v2.0/adminconsent")
    def admin(tenant: str) -> ResponseReturnValue:
        return signin.start(_admin_request(state, tenant, request.args.to_dict(), v2="/v2.0/" in request.path))

    @routes.post("/signin/account")
    def account_chosen() -> ResponseReturnValue:
        asked = flow.unseal(request.form.get("flow", ""))
        if request.form.get("decision") == "back":
            return flow.answer(asked, error="access_denied", error_subcode="cancel")
        account = state.accounts.get(request.form.get("account", ""))
        if account is None or not flow.may_use(state, asked.tenant, account):
            raise PageError(50020, "The user account does not exist in this tenant and cannot access the application.")
        return signin.signed_in(asked, account)

    @routes.post("/signin/consent")
    def decided() -> ResponseReturnValue:
        return signin.decided(flow.unseal(request.form.get("flow", "")), request.form.to_dict())

    return routes


def _admin_request(state: State, tenant: str, args: dict[str, str], *, v2: bool) -> Asked:
    if tenant.lower() in ("common", "consumers"):
        raise PageError(90130, "Application consent for a whole directory needs the directory's id in the address.")
    flow.tenant_of(state, tenant)
    client, uri = flow.client_of(state, args)
    names = args.get("scope", "").split() if v2 else [scope_names.DEFAULT]
    if not names:
        raise PageError(900144, "The request body must contain the following parameter: 'scope'.")
    try:
        wanted = scope_names.canonical(names, client.permissions)
    except ValueError as error:
        raise PageError(650053, f"The application asked for scope '{error}' that doesn't exist.") from error
    return Asked("adminconsent", tenant, client.client_id, uri, tuple(wanted), args.get("state"))


class _SignIn:
    """The steps from a checked request to its answer."""

    def __init__(self, state: State, grants: Grants) -> None:
        self._state = state
        self._grants = grants

    def start(self, asked: Asked) -> ResponseReturnValue:
        """Choose an account, unless login_hint names one that can sign in here."""
        hinted = self._state.accounts.get((asked.login_hint or "").lower())
        if hinted is not None and not flow.may_use(self._state, asked.tenant, hinted):
            hinted = None
        if asked.prompt == "none":
            return self._silently(asked, hinted)
        if hinted is not None and asked.prompt != "select_account":
            return self.signed_in(asked, hinted)
        shown = [item for item in self._state.accounts.values() if flow.may_use(self._state, asked.tenant, item)]
        if asked.domain_hint:
            shown = [item for item in shown if self._matches(item, asked.domain_hint)] or shown
        return pages.choose(flow.seal(asked), self._client_name(asked), shown)

    def signed_in(self, asked: Asked, account: Account) -> ResponseReturnValue:
        """Ask for consent, say who could give it, or go on without."""
        asked = replace(asked, email=account.email)
        if asked.kind == "adminconsent":
            if not account.admin:
                return self._blocked(asked, account)
            return self._consent_page(asked, account, everybody=True)
        known = self._grants.allowed(account, asked.client_id)
        signing_in = set(scope_names.OIDC) if known else set()
        missing = [name for name in asked.scopes if name not in known | signing_in]
        if asked.prompt != "consent" and not missing:
            return self._finish(asked)
        if not account.admin and any(self._withheld(account, name) for name in missing):
            return self._blocked(asked, account)
        return self._consent_page(asked, account, everybody=False)

    def decided(self, asked: Asked, form: dict[str, str]) -> ResponseReturnValue:
        """The button of the consent page or of the "approval required" page."""
        account = self._state.accounts.get(asked.email or "")
        if account is None:
            raise PageError(90013, "No account was chosen.")
        decision = form.get("decision")
        if decision == "request":
            self._grants.requests.append((account.email, asked.client_id, form.get("reason", "")))
            return pages.requested(flow.seal(asked), self._client_name(asked))
        if decision in ("back", "leave"):
            number = 90094 if decision == "back" else 90095
            return flow.refuse(asked, self._approval(asked, number), self._state.now())
        if decision != "accept":
            code = "access_denied" if asked.kind == "adminconsent" else "consent_required"
            return flow.refuse(asked, EntraError(code, 65004, _DECLINED), self._state.now())
        if asked.kind == "authorize" and not account.admin and any(self._withheld(account, n) for n in asked.scopes):
            return self._blocked(asked, account)
        everybody = account.admin and (asked.kind == "adminconsent" or form.get("everybody") == "on")
        self._grants.consent(account, asked.client_id, asked.scopes, everybody=everybody)
        if asked.kind == "adminconsent":
            tenant = self._state.tenants[account.tenant]
            return flow.answer(asked, admin_consent="True", tenant=tenant.id, scope=scope_names.shown(asked.scopes))
        return self._finish(asked)

    # --- steps --------------------------------------------------------------------------------

    def _silently(self, asked: Asked, account: Account | None) -> ResponseReturnValue:
        if account is None:
            error = EntraError("login_required", 50058, "A silent sign-in request was sent but no user is signed in.")
            return flow.refuse(asked, error, self._state.now())
        needed = set(asked.scopes) - set(scope_names.OIDC)
        if not needed <= self._grants.allowed(account, asked.client_id):
            error = EntraError("interaction_required", 65001, ending(65001).text)
            return flow.refuse(asked, error, self._state.now())
        return self._finish(replace(asked, email=account.email))

    def _withheld(self, account: Account, name: str) -> bool:
        """Whether the tenant's policy keeps its users from allowing that."""
        policy = self._state.tenants[account.tenant].consent
        if policy == "admin_only":
            return True
        return policy == "calendars_by_admin" and scope_names.needs_admin(name)

    def _approval(self, asked: Asked, number: int = 90094) -> EntraError:
        name = self._client_name(asked)
        text = f"{name} needs permission to access resources in your organization that only an admin can grant."
        return EntraError("consent_required", number, f"{text} Ask an admin to grant permission before you can use it.")

    def _blocked(self, asked: Asked, account: Account) -> ResponseReturnValue:
        how = self._state.tenants[account.tenant].blocked
        if how == "redirect":
            return flow.refuse(asked, self._approval(asked), self._state.now())
        return pages.approval(flow.seal(asked), self._client_name(asked), account, may_ask=how == "workflow")

    def _consent_page(self, asked: Asked, account: Account, *, everybody: bool) -> ResponseReturnValue:
        shown = [name for name in asked.scopes if name in scope_names.DESCRIPTIONS]
        return pages.consent(
            flow.seal(asked),
            self._client_name(asked),
            account,
            shown,
            may_choose=account.admin and not everybody,
            everybody=everybody,
        )

    def _finish(self, asked: Asked) -> ResponseReturnValue:
        client = self._state.clients[asked.client_id]
        email = asked.email or ""
        code = self._grants.authorize(email, client, asked.redirect_uri, asked.scopes, asked.challenge, asked.nonce)
        return flow.answer(asked, code=code, session_state=str(uuid.uuid5(uuid.NAMESPACE_DNS, email)))

    def _client_name(self, asked: Asked) -> str:
        return self._state.clients[asked.client_id].name

    def _matches(self, account: Account, hint: str) -> bool:
        if hint in ("consumers", "organizations"):
            personal = self._state.tenants[account.tenant].id == PERSONAL_TENANT
            return personal == (hint == "consumers")
        return account.tenant == hint.lower()
