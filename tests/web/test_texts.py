"""Every code has a sentence, in both languages; no integration is named where only its bundle should name it."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po

from marketplace_plugin import errors
from marketplace_plugin.bundle import open_bundle, own_root
from marketplace_plugin.bundle.manifest import Category, Level
from marketplace_plugin.engine.acts.why import What
from marketplace_plugin.engine.context import Phase, RunOutcome, Trigger
from marketplace_plugin.engine.views import Asked, ConnectionState, Policy
from marketplace_plugin.errors import MarketplaceError
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import Response, Sensitivity, ShowAs, Status
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store.log.journal import Action, Side
from marketplace_plugin.sync.reason import Reason
from marketplace_plugin.web import texts, values
from marketplace_plugin.web.blueprint import HTTP_CODES

ROOT = own_root()
CATALOGUES = [
    ROOT / "marketplace_plugin" / "web" / "translations",
    ROOT / "marketplace_plugin" / "host" / "translations",
    ROOT / "ui_fragments" / "translations",
]


@pytest.mark.parametrize(
    "table, codes",
    [
        (texts.REASONS, Reason),
        (texts.TRIGGERS, Trigger),
        (texts.OUTCOMES, RunOutcome),
        (texts.OUTCOME_KINDS, RunOutcome),
        (texts.PHASES, Phase),
        (texts.STATES, ConnectionState),
        (texts.REQUESTS, Asked),
        (texts.POLICIES, Policy),
        (texts.CATEGORIES, Category),
        (texts.LEVELS, Level),
        (texts.ROLES, Role),
        (texts.KINDS, Kind),
        (texts.SIDES, Side),
        (texts.ACTIONS, Action),
        (texts.WHATS, What),
        (values.SHOWN_AS, ShowAs),
        (values.SENSITIVITIES, Sensitivity),
        (values.STATUSES, Status),
        (values.RESPONSES, Response),
    ],
)
def test_no_code_is_without_a_sentence(table: Any, codes: type[StrEnum]) -> None:
    assert set(table) == set(codes)


def kinds_of_error() -> Iterator[type[MarketplaceError]]:
    for _, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, MarketplaceError):
            yield kind


def test_no_error_is_without_a_sentence() -> None:
    codes = {kind.code for kind in kinds_of_error()} | set(HTTP_CODES.values())
    assert codes - set(texts.ERRORS) == set()


def test_what_a_plan_fails_with_has_a_sentence() -> None:
    assert {
        outcome.value for outcome in (RunOutcome.BUSY, RunOutcome.EXPIRED, RunOutcome.DEFERRED, RunOutcome.FAILED)
    } <= (set(texts.ERRORS))


def test_an_unknown_code_is_told_in_general_and_noted(caplog: pytest.LogCaptureFixture) -> None:
    assert texts.error_sentence("frobnicated") == texts.ERRORS["error"]
    assert "no sentence for the error code frobnicated" in caplog.text


def test_a_sentence_says_what_is_safe() -> None:
    """Not a proof; a reader's aid: no exclamation marks, no "Oops", a full stop at the end of what follows."""
    for code, sentence in texts.ERRORS.items():
        said = f"{sentence.title._args[0]} {sentence.body._args[0]}"  # type: ignore[union-attr]  # lazy: its text
        assert not re.search(r"!|oops|unfortunately", said, re.IGNORECASE), code
        assert said.endswith("."), code


def test_a_number_can_be_read_aloud() -> None:
    numbers = {texts.fresh_number() for _ in range(100)}
    assert len(numbers) > 90
    assert all(re.fullmatch(r"[0-9A-F]{3}-[0-9A-F]{3}", number) for number in numbers)


def test_what_test_steps_of_ours_say_is_known() -> None:
    """Names, causes and ways out in hooks/, and of the steps that they share, have a sentence in the host's table."""
    known = {*texts.TEST_STEPS, *texts.CAUSES, *texts.WAYS_OUT, *texts.FACTS, *texts.ERRORS}
    for path in [*(ROOT / "hooks").glob("*.py"), ROOT / "marketplace_plugin" / "contract" / "steps.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("StepFailed", "StepSkipped", "TestStep"):
                for argument in node.args[:2]:
                    if isinstance(argument, ast.Constant):
                        assert argument.value in known, f"{path.name}:{node.lineno}: {argument.value!r}"


def test_catalogues_that_are_shown_together_agree() -> None:
    """They are merged into one: a text in two of them has one translation."""
    seen: dict[tuple[str | None, str], Any] = {}
    for home in CATALOGUES:
        with (home / "de" / "LC_MESSAGES" / "messages.po").open("rb") as source:
            for message in read_po(source, locale="de"):
                key = (message.context, message.id if isinstance(message.id, str) else message.id[0])
                if key[1]:
                    assert seen.setdefault(key, message.string) == message.string, key


def test_no_integration_is_named_in_host_or_web() -> None:
    """Pages, codes and texts are the same for all; names come from the manifest and the fragments."""
    names = re.compile("|".join(f"{i.id}|{i.service}" for i in open_bundle(ROOT).manifest.integrations), re.IGNORECASE)
    found = []
    for folder in ("host", "web"):
        for path in sorted((ROOT / "marketplace_plugin" / folder).rglob("*")):
            if path.suffix in (".py", ".html", ".po", ".js", ".css") and path.parent.name != "vendor":
                lines = path.read_text(encoding="utf-8").splitlines()
                found += [
                    f"{path.relative_to(ROOT)}:{n}: {line.strip()}"
                    for n, line in enumerate(lines, 1)
                    if names.search(line)
                ]
    assert found == []


def test_icons_that_templates_name_exist() -> None:
    symbols = set(re.findall(r'id="([\w-]+)"', (static() / "icons.svg").read_text(encoding="utf-8")))
    used = set()
    for path in [
        *(ROOT / "marketplace_plugin" / "web" / "templates").rglob("*.html"),
        *(ROOT / "ui_fragments").rglob("*.html"),
    ]:
        source = path.read_text(encoding="utf-8")
        used |= set(re.findall(r"\bi\('([\w-]+)'", source)) | set(re.findall(r"badge\('\w*', '([\w-]+)'", source))
        used |= set(re.findall(r"note\('\w*', '([\w-]+)'", source)) | set(re.findall(r"tile\('([\w-]+)'", source))
    assert used - symbols == set()


def static() -> Path:
    return ROOT / "marketplace_plugin" / "web" / "static"
