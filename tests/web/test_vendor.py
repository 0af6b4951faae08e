"""The pages over a vendor's bundle: one that brings few fragments, one whose fragment fails, and a host's setup."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_babel import Babel
from flask_wtf.csrf import CSRFProtect
from lxml import html

from marketplace_plugin.bundle.registry import Registry
from marketplace_plugin.contract.hookspecs import StepState, TestStep
from marketplace_plugin.errors import ConfigError
from marketplace_plugin.web import create_pages
from tests.bundle.conftest import ACME
from tests.web.conftest import Site, bundle_for_tests
from tests.web.fakes import ANNA, FakeActions, FakeHost, add_connection, text

HERE = "/profile/connections/c1"
SLOTS = ("marketplace.card", "marketplace.detail", "profile.connect", "profile.result", "profile.settings")
BROKEN = "<p>half</p>{{ nobody.secret('Zahnarzt') }}"


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ACME, tmp_path / "acme"))


def site_of(folder: Path, vendor: Path, **fragments: str) -> Site:
    """Our own bundle beside the vendor's, whose ``fragments`` (slot with _ for the point -> source) are added."""
    listed = ""
    for slot, source in fragments.items():
        name = slot.replace("_", ".")
        (vendor / "ui_fragments" / "acme" / f"{slot}.html").write_text(source, encoding="utf-8")
        listed += f"      {name}: acme/{slot}.html\n"
    manifest = vendor / "manifest.yaml"
    kept = manifest.read_text(encoding="utf-8").partition("      profile.connect")
    manifest.write_text(kept[0] + listed if "profile_connect" in fragments else "".join(kept) + listed, "utf-8")
    (folder / "own").mkdir()
    registry = Registry.of(bundle_for_tests(folder / "own"), vendor)
    assert not registry.disabled()
    return Site(registry)


def connected_to_acme(site: Site, **facts: Any) -> None:
    add_connection(site, **facts)
    owner, view = site.actions.connections["c1"]
    site.actions.connections["c1"] = (owner, replace(view, integration="acme"))


def posted_back(site: Site, **ticked: str) -> Any:
    """The settings form as the page shows it, with what somebody chose in it: only fields that are there."""
    root = html.document_fromstring(site.as_(ANNA).get(HERE).get_data(as_text=True))
    (form,) = [one for one in root.forms if one.get("id") == "settings"]
    there = {str(one.get("name")) for one in form.inputs if one.get("name")}
    chosen = {name: value for name, value in ticked.items() if name in there}
    values = [(name, value) for name, value in form.form_values() if name not in chosen]
    data: dict[str, list[str]] = {}
    for name, value in [*values, *chosen.items()]:
        data.setdefault(name, []).append(value)
    return site.as_(ANNA).post(HERE, data=data)


# ---- settings --------------------------------------------------------------------------------------------------------


def test_an_integration_without_a_settings_fragment_can_be_set_up(tmp_path: Path, acme: Path) -> None:
    site = site_of(tmp_path, acme)
    connected_to_acme(site, saved=False, started=False)
    saved = posted_back(site, target="k1", switch_event="1")
    assert (saved.status_code, saved.location) == (303, f"{HERE}/plan")
    assert site.actions.stored["c1"].target == "k1"


@pytest.mark.parametrize("source", ["<p>Acme says nothing of it.</p>", '<input name="switch_event" value="1">', BROKEN])
def test_a_fragment_that_leaves_the_switch_out_is_no_dead_end(tmp_path: Path, acme: Path, source: str) -> None:
    form = '<select name="target"><option value="k1" selected>x</option></select>'
    site = site_of(tmp_path, acme, profile_settings=form + source)
    connected_to_acme(site, saved=False, started=False)
    refused = site.as_(ANNA).post(HERE, data={"version": "0", "target": "k1"})
    assert refused.status_code == 422
    assert text(refused).count("„Kalender“ ist ausgeschaltet") == 1, "why it was not saved"
    saved = posted_back(site, target="k1", switch_event="1")
    assert (saved.status_code, saved.location) == (303, f"{HERE}/plan")


# ---- a fragment that fails -------------------------------------------------------------------------------------------


def test_a_card_that_fails_takes_nobody_elses_card(
    tmp_path: Path, acme: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site = site_of(tmp_path, acme, marketplace_card="<p>Gruß von Acme</p>\n{{ offer.nothing.more }}")
    with caplog.at_level(logging.WARNING):
        answer = site.as_(ANNA).get("/marketplace")
    assert answer.status_code == 200
    for name in ("Google Kalender", "Exchange", "Acme Kalender"):
        assert name in text(answer)
    assert "Gruß von Acme" not in text(answer), "half a fragment is none"
    (said,) = [one.getMessage() for one in caplog.records if "fragment" in one.getMessage()]
    assert said == "fragment marketplace.card of acme raised UndefinedError at marketplace_card.html:2"


@pytest.mark.parametrize("slot", SLOTS)
def test_a_page_is_shown_without_the_fragment_that_fails(
    tmp_path: Path, acme: Path, slot: str, caplog: pytest.LogCaptureFixture
) -> None:
    site = site_of(tmp_path, acme, **{slot.replace(".", "_"): BROKEN})
    connected_to_acme(site)
    paths = {"marketplace.card": "/marketplace", "marketplace.detail": "/marketplace/acme"}
    path = {"profile.connect": f"{HERE}/connect", "profile.result": f"{HERE}/result"}.get(slot, paths.get(slot, HERE))
    answer = site.as_(ANNA).get(path)
    assert answer.status_code == 200
    assert "half" not in text(answer)
    assert "Zahnarzt" not in caplog.text
    if slot == "profile.connect":
        assert f'action="{HERE}/authorize"' in answer.get_data(as_text=True), "the plain way in takes its place"


def test_a_card_sees_its_offer(tmp_path: Path, acme: Path) -> None:
    source = (
        "{% from 'marketplace/_m.html' import i %}<p>{{ i('check') }}{{ offer.integration.vendor }}, {{ a.id }}</p>"
    )
    answer = site_of(tmp_path, acme, marketplace_card=source).as_(ANNA).get("/marketplace")
    assert "Acme GmbH, acme" in text(answer)


# ---- what a step tells -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, value", [("calendars", 4), ("protocol", 4), ("valid-until", "soon"), ("valid-until", 4)]
)
def test_a_fact_that_is_no_text_is_shown_all_the_same(site: Site, name: str, value: Any) -> None:
    add_connection(site)
    site.actions.test_steps = (TestStep("calendars", StepState.PASSED, 5, facts=((name, value),)),)
    answer = site.as_(ANNA).post(f"{HERE}/test")
    assert answer.status_code == 200
    assert str(value) in text(answer)


# ---- the host's app --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["CSRFProtect", "Flask-Babel"])
def test_a_host_that_forgets_a_safeguard_does_not_start(registry: Registry, missing: str) -> None:
    app = Flask("forgetful")
    app.secret_key = "test"
    if missing != "Flask-Babel":
        Babel(app)
    if missing != "CSRFProtect":
        CSRFProtect(app)
    with pytest.raises(ConfigError, match=missing):
        app.register_blueprint(create_pages(FakeActions(registry.integrations()), FakeHost(), registry))
