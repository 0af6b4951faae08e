"""An app with the pages, and someone to sign in: ``site.as_(ANNA).get(...)``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask, Response, redirect, request
from flask.testing import FlaskClient
from flask_babel import Babel
from flask_wtf.csrf import CSRFProtect

from marketplace_plugin.bundle.manifest import Stage
from marketplace_plugin.bundle.registry import Registry
from marketplace_plugin.contract.module import Person
from marketplace_plugin.web import create_api, create_pages
from tests.web.fakes import CALENDARS, FakeActions, FakeHost

ROOT = Path(__file__).resolve().parent.parent.parent
HOOKS = """
from marketplace_plugin import hookimpl

@hookimpl
def open_provider(integration, session):
    return None
"""


def bundle_for_tests(root: Path) -> Path:
    """Our own manifest and fragments with a hook module that does nothing, so that no provider is needed."""
    for name in ("manifest.yaml", "ui_fragments"):
        (root / name).symlink_to(ROOT / name)
    (root / "hooks").mkdir()
    for name in ("google", "exchange", "office365"):
        (root / "hooks" / f"{name}.py").write_text(HOOKS, encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    found = Registry.of(bundle_for_tests(tmp_path_factory.mktemp("bundle")))
    assert not found.disabled()
    assert [i.stage for i in found.integrations()] == [Stage.AVAILABLE] * 3
    return found


class Site:
    """The app, its fakes, and clients for whoever is signed in."""

    def __init__(self, registry: Registry, csrf: bool = False) -> None:
        self.host = FakeHost()
        self.language = "de"
        self.integrations = registry.integrations()
        self.actions = FakeActions(self.integrations, collections=CALENDARS)
        self.app = Flask("host")
        self.app.config.update(
            SECRET_KEY="test",
            TESTING=True,
            WTF_CSRF_ENABLED=csrf,
            BABEL_TRANSLATION_DIRECTORIES=";".join(
                [
                    str(ROOT / "marketplace_plugin" / "web" / "translations"),
                    *map(str, registry.translation_directories()),
                ]
            ),
        )
        Babel(self.app, locale_selector=lambda: request.args.get("lang", self.language))
        protection = CSRFProtect(self.app)
        self.app.register_blueprint(create_pages(self.actions, self.host, registry))
        protection.exempt(create_api(self.app, self.actions, self.host, registry))
        self.app.register_error_handler(401, self._sign_in)

    def forget(self) -> None:
        vars(self.actions).clear()
        vars(self.actions).update(vars(FakeActions(self.integrations, collections=CALENDARS)))
        vars(self.host).clear()
        vars(self.host).update(vars(FakeHost()))

    @staticmethod
    def _sign_in(error: Exception) -> Response:
        return redirect("/sign-in")  # type: ignore[return-value]  # werkzeug's base type

    def as_(self, person: Person | None, language: str = "de") -> FlaskClient:
        self.host.signed_in = replace(person, locale=language) if person else None
        self.language = language
        return self.app.test_client()


@pytest.fixture(scope="session")
def shared_site(registry: Registry) -> Site:
    return Site(registry)


@pytest.fixture
def site(shared_site: Site) -> Site:
    """One app for all tests, so that templates are compiled once; everything that it remembers is new."""
    shared_site.forget()
    return shared_site
