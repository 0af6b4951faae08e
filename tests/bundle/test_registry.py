"""The registry: loading, isolation, what a broken plugin may and may not do."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, TemplateNotFound

from marketplace_plugin import ConnectionRef, Kind, Session, StepState, hookimpl
from marketplace_plugin.bundle import Registry, find_bundles, load, own_root
from marketplace_plugin.bundle.fragments import breaches
from marketplace_plugin.bundle.load import Bundle, Unopened
from marketplace_plugin.errors import HookError

WriteBundle = Callable[[str, Mapping[str, str]], Path]
NOW = datetime(2026, 11, 18, 9, 40, tzinfo=UTC)
SESSION = Session("c1", "anna@acme.example", "i1", lambda: NOW)
REF = ConnectionRef("c1", "acme", "nordwerk", "anna")
GOOD = "from marketplace_plugin import hookimpl\n@hookimpl\ndef open_provider(session):\n    return __name__\n"


def heard(registry: Registry) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = sys.modules["marketplace_bundle_acme.acme"].heard
    return found


def test_our_own_bundle_opens() -> None:
    registry = Registry.of(own_root())
    assert registry.disabled() == ()
    assert [i.id for i in registry.integrations()] == ["google", "exchange", "office365"]
    assert registry.fragment("google", "profile.connect") == "fragments/google/google/connect.html"
    assert registry.fragment("exchange", "profile.connect") == "fragments/exchange/exchange/connect.html"
    assert registry.fragment("google", "marketplace.card") is None
    with pytest.raises(KeyError):
        registry.integration("caldav")


def test_hooks_are_no_global_name(acme: Path) -> None:
    Registry.of(acme)
    assert "hooks" not in sys.modules
    module = sys.modules["marketplace_bundle_acme.acme"]
    assert module.__package__ == "marketplace_bundle_acme"


def test_bundles_with_the_same_file_names_do_not_clash(write_bundle: WriteBundle) -> None:
    registry = Registry.of(write_bundle("one", {"calendar": GOOD}), write_bundle("two", {"calendar": GOOD}))
    assert registry.disabled() == ()
    assert str(registry.open_provider("one_calendar", SESSION)) == "marketplace_bundle_one.calendar"
    assert str(registry.open_provider("two_calendar", SESSION)) == "marketplace_bundle_two.calendar"


def test_a_bundle_opened_again_from_elsewhere_is_that_one(write_bundle: WriteBundle, tmp_path: Path) -> None:
    first = write_bundle("one", {"calendar": GOOD})
    Registry.of(first)
    second = first.rename(tmp_path / "moved")
    (second / "hooks" / "calendar.py").write_text(GOOD.replace("__name__", "'moved'"), encoding="utf-8")
    assert str(Registry.of(second).open_provider("one_calendar", SESSION)) == "moved"


@pytest.mark.parametrize(
    "source, said",
    [
        ("import no_such_module", "hooks/bad.py: cannot be imported: ModuleNotFoundError"),
        ("def broken(:", "hooks/bad.py: cannot be imported: SyntaxError"),
        ("raise SystemExit", "hooks/bad.py: cannot be imported: SystemExit"),
        (
            "from marketplace_plugin import hookimpl\n\n@hookimpl\ndef open_provder(session): ...",
            "hooks/bad.py, line 3: there is no hook open_provder; did you mean open_provider?",
        ),
        (
            "from marketplace_plugin import hookimpl\n@hookimpl\ndef frobnicate(): ...",
            "hooks/bad.py, line 2: there is no hook frobnicate; the hooks are: authorized_account",
        ),
        (
            "from marketplace_plugin import hookimpl\n@hookimpl\ndef open_provider(sesion): ...",
            "hooks/bad.py, line 2: open_provider has no argument sesion; did you mean session?",
        ),
        (
            "from marketplace_plugin import hookimpl\n\n@hookimpl(wrapper=True)\ndef sync_due(owner, xyz):\n    yield",
            "hooks/bad.py, line 3: sync_due has no argument xyz; its arguments are: integration, owner, kind, now",
        ),
        (
            "from marketplace_plugin import hookimpl\n@hookimpl(wrapper=True)\ndef sync_due(owner): ...",
            "hooks/bad.py: ",
        ),
        ("answer = 42", "hooks/bad.py: implements no hook"),
    ],
)
def test_a_broken_plugin_is_disabled_and_stops_nobody(write_bundle: WriteBundle, source: str, said: str) -> None:
    registry = Registry.of(write_bundle("mixed", {"bad": source, "good": GOOD}))
    assert [i.id for i in registry.integrations()] == ["mixed_good"]
    (disabled,) = registry.disabled()
    assert (disabled.name, disabled.bundle) == ("mixed_bad", "mixed")
    assert str(disabled.error).startswith(said)
    assert str(registry.open_provider("mixed_good", SESSION)) == "marketplace_bundle_mixed.good"


def test_a_missing_hook_module_or_fragment_is_named(acme: Path) -> None:
    (acme / "hooks" / "acme.py").unlink()
    assert str(Registry.of(acme).disabled()[0].error) == "hooks/acme.py: there is no such file"
    (acme / "ui_fragments" / "acme" / "connect.html").unlink()
    said = "manifest.yaml: fragments.profile.connect: there is no file ui_fragments/acme/connect.html"
    assert str(Registry.of(acme).disabled()[0].error) == said


def test_a_bundle_that_cannot_be_read_is_named(acme: Path, tmp_path: Path) -> None:
    registry = Registry.of(tmp_path / "nowhere", acme, acme)
    assert [i.id for i in registry.integrations()] == ["acme"]
    assert [
        "cannot be read" in str(registry.disabled()[0].error),
        "another bundle" in str(registry.disabled()[1].error),
    ]
    assert len(registry.disabled()) == 2


def test_an_id_belongs_to_the_bundle_that_came_first(acme: Path, write_bundle: WriteBundle) -> None:
    thief = write_bundle("thief", {"x": GOOD})
    manifest = thief / "manifest.yaml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("thief_x", "acme"), encoding="utf-8")
    registry = Registry.of(acme, thief)
    assert registry.integration("acme").version == "2.1.0"
    assert str(registry.disabled()[0].error) == "another bundle offers an integration acme already"


# ---- finding -------------------------------------------------------------------------------------------------------


def test_bundles_come_from_the_checkout_entry_points_and_the_path(
    acme: Path, write_bundle: WriteBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [EntryPoint("acme", "acme_bundle:path", load.ENTRY_POINTS), EntryPoint("bad", "os:nowhere", "")]
    monkeypatch.setattr(load, "entry_points", lambda group: entries if group == load.ENTRY_POINTS else [])
    monkeypatch.setitem(sys.modules, "acme_bundle", type(sys)("acme_bundle"))
    sys.modules["acme_bundle"].path = lambda: str(acme)  # type: ignore[attr-defined]  # a module made here
    other = write_bundle("other", {"x": GOOD})
    own, vendor, bad, on_path = find_bundles(os.pathsep.join([str(other), ""]))
    assert isinstance(own, Bundle)
    assert own.root == own_root()
    assert isinstance(vendor, Bundle)
    assert vendor.manifest.bundle == "acme"
    assert isinstance(bad, Unopened)
    assert "AttributeError" in str(bad.error)
    assert isinstance(on_path, Bundle)
    assert on_path.root == other


# ---- calls ---------------------------------------------------------------------------------------------------------


class Observer:
    """A plugin of the host, unknown to every bundle: it sees all integrations' calls."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, Kind]] = []
        self.wrapped: list[str] = []

    @hookimpl
    def host_changed(self, integration: str, owner: str, kind: Kind) -> None:
        self.seen.append(("changed", integration, kind))

    @hookimpl
    def sync_requested(self, integration: str, kind: Kind) -> None:
        self.seen.append(("requested", integration, kind))

    @hookimpl
    def sync_due(self, integration: str, kind: Kind) -> None:
        self.seen.append(("due", integration, kind))

    @hookimpl(wrapper=True)
    def open_provider(self, integration: str) -> Generator[None, Any, Any]:
        self.wrapped.append(integration)
        return (yield)


def test_an_unknown_plugin_sees_the_sync_hooks_for_calendar_tasks_and_calls(acme: Path) -> None:
    registry, observer = Registry.of(acme), Observer()
    registry.register(observer, "observer")
    for kind in (Kind.EVENT, Kind.TASK, Kind.CALL):
        registry.announce("host_changed", "acme", owner="anna", kind=kind, refs=["r1"])
        registry.announce("sync_requested", "acme", owner="anna", kind=kind)
        registry.announce("sync_due", "acme", owner="anna", kind=kind, now=NOW)
    kinds = (Kind.EVENT, Kind.TASK, Kind.CALL)
    assert observer.seen == [(what, "acme", kind) for kind in kinds for what in ("changed", "requested", "due")]
    assert heard(registry)[:3] == [
        ("changed", "anna", Kind.EVENT, ("r1",)),
        ("requested", "anna", Kind.EVENT),
        ("due", "anna", Kind.EVENT, NOW),
    ]
    assert len(heard(registry)) == 9


def test_a_call_reaches_that_plugin_alone_and_the_hosts_wrappers(write_bundle: WriteBundle) -> None:
    registry, observer = Registry.of(write_bundle("two", {"a": GOOD, "b": GOOD})), Observer()
    registry.register(observer, "observer")
    assert str(registry.open_provider("two_a", SESSION)) == "marketplace_bundle_two.a"
    assert str(registry.open_provider("two_b", SESSION)) == "marketplace_bundle_two.b"
    assert observer.wrapped == ["two_a", "two_b"]


def test_a_raising_listener_silences_nobody(acme: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Raising:
        @hookimpl
        def connection_added(self, connection: ConnectionRef) -> None:
            raise RuntimeError("planted title")

    registry, last = Registry.of(acme), []

    class Last:
        @hookimpl
        def connection_added(self, connection: ConnectionRef) -> None:
            last.append(connection.id)

    for name, plugin in (("first", Raising()), ("last", Last()), ("again", Raising())):
        registry.register(plugin, name)
    with caplog.at_level(logging.WARNING):
        registry.announce("connection_added", "acme", connection=REF)
    assert last == ["c1"]
    assert ("added", "c1") in heard(registry)
    assert caplog.text.count("hook connection_added of acme raised RuntimeError at test_registry.py") == 2
    assert "planted title" not in caplog.text


def test_a_raising_test_ends_with_a_failed_step(acme: Path, caplog: pytest.LogCaptureFixture) -> None:
    steps = list(Registry.of(acme).test_connection("acme", SESSION, None, False))
    assert [(step.name, step.state, step.cause) for step in steps] == [
        ("sign-in", StepState.PASSED, ""),
        ("unexpected", StepState.FAILED, "plugin-failed"),
    ]
    assert "anna@acme.example" not in caplog.text


def test_a_raising_settings_context_is_left_out(write_bundle: WriteBundle) -> None:
    source = "from marketplace_plugin import hookimpl\n@hookimpl\ndef settings_context(connection):\n    1 / 0\n"
    registry = Registry.of(write_bundle("one", {"a": source, "b": GOOD}))
    assert registry.settings_context("one_a", REF, ()) == {}
    assert registry.settings_context("one_b", REF, ()) == {}


def test_no_provider_is_an_error(acme: Path) -> None:
    with pytest.raises(HookError, match="acme: no plugin implements open_provider"):
        Registry.of(acme).open_provider("acme", SESSION)


def test_a_misfit_of_the_host_is_refused_and_leaves_no_trace(acme: Path) -> None:
    class Misfit:
        @hookimpl
        def sync_dew(self) -> None: ...

    registry = Registry.of(acme)
    with pytest.raises(HookError, match="did you mean sync_due"):
        registry.register(Misfit(), "misfit")
    with pytest.raises(ValueError, match="acme is the name of an integration"):
        registry.register(Observer(), "acme")
    registry.register(Observer(), "misfit")


# ---- fragments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "fragments/acme/acme/other.html",
        "fragments/acme/../hooks/acme.py",
        "fragments/acme//etc/passwd",
        "fragments/other/acme/connect.html",
        "acme/connect.html",
        "fragments/acme/acme/link.html",
    ],
)
def test_a_fragment_stays_in_its_folder(acme: Path, name: str) -> None:
    (acme / "ui_fragments" / "acme" / "link.html").symlink_to(acme / "manifest.yaml")
    environment = Environment(loader=Registry.of(acme).fragments, autoescape=True)
    assert "Acme" in environment.get_template("fragments/acme/acme/connect.html").render(authorize_url="/x")
    with pytest.raises(TemplateNotFound):
        environment.get_template(name)


@pytest.mark.parametrize(
    "file, said",
    [
        ("acme/connect.html.j2", "acme/connect.html.j2 does not end in .html, so what it shows would not be escaped"),
        ("../hooks/acme.html", "there is no file ui_fragments/../hooks/acme.html"),
        ("acme/link.html", "there is no file ui_fragments/acme/link.html"),
    ],
)
def test_a_fragment_that_would_not_be_found_or_not_be_escaped_is_named(acme: Path, file: str, said: str) -> None:
    (acme / "hooks" / "acme.html").write_text("<p>x</p>")
    (acme / "ui_fragments" / "acme" / "connect.html.j2").write_text("<p>{{ connection.account }}</p>")
    (acme / "ui_fragments" / "acme" / "link.html").symlink_to(acme / "manifest.yaml")
    manifest = acme / "manifest.yaml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("acme/connect.html", file), encoding="utf-8")
    registry = Registry.of(acme)
    assert registry.integrations() == ()
    assert str(registry.disabled()[0].error) == f"manifest.yaml: fragments.profile.connect: {said}"


def test_what_a_fragment_takes_in_is_escaped_too(acme: Path) -> None:
    (acme / "ui_fragments" / "acme" / "part.j2").write_text("{{ connection.account }}")
    environment = Environment(loader=Registry.of(acme).fragments)
    with pytest.raises(TemplateNotFound):
        environment.get_template("fragments/acme/acme/part.j2")


def test_the_loader_lists_what_it_has(acme: Path) -> None:
    assert Registry.of(acme).fragments.list_templates() == ["fragments/acme/acme/connect.html"]


@pytest.mark.parametrize(
    "source, said",
    [
        ("{% extends 'base.html' %}", "extends a base template"),
        ("<script>1</script>", "brings a script, a style sheet or a frame"),
        ("<p onclick='x()'>", "has an inline event handler"),
        ("<h1>Acme</h1>", "has a heading above h2"),
        ('<p id="connect">', 'has the id "connect", which does not start with "acme-"'),
        ('<p id="acme-1">', None),
    ],
)
def test_what_a_fragment_must_not_do_is_told(source: str, said: str | None) -> None:
    assert list(breaches("acme", source)) == ([said] if said else [])
