"""The registry: every integration that can be offered, and the way to its plugin.

A plugin is registered under its integration's id. A call for one integration reaches that plugin and the host's own
(observers and wrappers), never another integration's.
"""

from __future__ import annotations

import difflib
import inspect
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from marketplace_plugin.bundle.fragments import SUFFIX, FragmentLoader, faults, template_name
from marketplace_plugin.bundle.load import Bundle, Unopened, find_bundles, open_all
from marketplace_plugin.bundle.manifest import Integration
from marketplace_plugin.contract.hookspecs import (
    PROJECT,
    Account,
    ConnectionRef,
    Credentials,
    Hooks,
    ServerSearch,
    StepState,
    TestStep,
)
from marketplace_plugin.contract.provider import Provider, Session
from marketplace_plugin.errors import BundleError, HookError, MarketplaceError, place_of
from marketplace_plugin.model.collection import CollectionInfo

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Disabled:
    """What was left out, and why. ``name`` is an integration's id, or a bundle's place."""

    name: str
    bundle: str
    error: BundleError


class Registry:
    """Implements ``engine.context.Plugins``. Made once, at start; safe to read from many threads."""

    def __init__(self, bundles: Iterable[Bundle | Unopened]) -> None:
        self._plugins = _plugin_manager()
        self._integrations: dict[str, Integration] = {}
        self._roots: dict[str, Path] = {}
        self._bundles: dict[str, Bundle] = {}
        self._disabled: list[Disabled] = []
        for bundle in bundles:
            self._add(bundle)
        self.fragments = FragmentLoader(self._roots)

    @classmethod
    def find(cls, bundle_path: str = "") -> Registry:
        """All bundles of this installation; ``bundle_path`` is MARKETPLACE_BUNDLE_PATH."""
        return cls(find_bundles(bundle_path))

    @classmethod
    def of(cls, *roots: Path) -> Registry:
        """These bundles and no others."""
        return cls(open_all(roots))

    # --- what there is ----------------------------------------------------------------------------------------------

    def integrations(self) -> Sequence[Integration]:
        """Available and announced ones, in the order of the bundles."""
        return tuple(self._integrations.values())

    def integration(self, name: str) -> Integration:
        """Raises KeyError for an id that is unknown or disabled."""
        return self._integrations[name]

    def disabled(self) -> Sequence[Disabled]:
        return tuple(self._disabled)

    def bundles(self) -> Sequence[Bundle]:
        return tuple(self._bundles.values())

    def translation_directories(self) -> Sequence[Path]:
        """The catalogues of the fragments, for Flask-Babel."""
        return tuple(b.translations for b in self._bundles.values() if b.translations.is_dir())

    def fragment(self, integration: str, slot: str) -> str | None:
        """The template name of the fragment that fills ``slot``, None where the integration brings none."""
        entry = self._integrations.get(integration)
        file = dict(entry.fragments).get(slot) if entry else None
        return template_name(integration, file) if file else None

    def faults(self, integration: str) -> Iterator[str]:
        """What is wrong with the integration's fragments, one sentence each."""
        entry, root = self._integrations[integration], self._roots[integration]
        for file in sorted({file for _, file in entry.fragments}):
            try:
                source = (root / file).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                yield f"{file} is not UTF-8"
            else:
                yield from faults(integration, file, source)

    # --- calls ------------------------------------------------------------------------------------------------------

    def register(self, plugin: object, name: str) -> None:
        """A plugin of the host or of a deployment (audit, policy, metrics): it sees the calls for every integration.

        Raises HookError for an unknown hook or argument, ValueError for a name that is taken.
        """
        if name in self._integrations:
            raise ValueError(f"{name} is the name of an integration")
        _check(plugin, name)
        self._plugins.register(plugin, name)

    def open_provider(self, integration: str, session: Session) -> Provider:
        """Raises HookError where no plugin offers one; what the plugin raises comes through."""
        provider: Provider | None = self._call("open_provider", integration)(integration=integration, session=session)
        if provider is None:
            raise HookError(f"{integration}: no plugin implements open_provider", expected="a provider")
        return provider

    def test_connection(
        self, integration: str, session: Session, target: str | None, write: bool
    ) -> Iterable[TestStep]:
        """The plugin's steps as they come. What it raises becomes a failed step named ``unexpected``."""
        try:
            steps = self._call("test_connection", integration)(
                integration=integration, session=session, target=target, write=write
            )
            yield from steps or ()
        except Exception as error:  # noqa: BLE001  # shown to the user as a step, with the error's code
            yield self._failed("test_connection", integration, error)

    def test_credentials(
        self, integration: str, session: Session, target: str | None, write: bool
    ) -> Iterable[TestStep | Credentials]:
        """As ``test_connection``, and last of all what is to be kept, where every step was passed."""
        try:
            steps = self._call("test_credentials", integration)(
                integration=integration, session=session, target=target, write=write
            )
            yield from steps or ()
        except Exception as error:  # noqa: BLE001  # shown to the user as a step, with the error's code
            yield self._failed("test_credentials", integration, error)

    def search_server(self, integration: str, email: str, session: Session) -> ServerSearch:
        """Nothing found where the plugin does not search; what it raises becomes a failed step."""
        try:
            found: ServerSearch | None = self._call("search_server", integration)(
                integration=integration, email=email, session=session
            )
        except Exception as error:  # noqa: BLE001  # shown to the user as a step, with the error's code
            return ServerSearch((self._failed("search_server", integration, error),))
        return found or ServerSearch(())

    def authorized_account(self, integration: str, claims: Mapping[str, Any], session: Session) -> Account | None:
        account: Account | None = self._call("authorized_account", integration)(
            integration=integration, claims=claims, session=session
        )
        return account

    def settings_context(
        self, integration: str, connection: ConnectionRef, collections: Sequence[CollectionInfo]
    ) -> Mapping[str, Any]:
        """More variables for the settings fragment; empty where the plugin has none or raises."""
        try:
            found: Mapping[str, Any] | None = self._call("settings_context", integration)(
                integration=integration, connection=connection, collections=collections
            )
        except Exception as error:  # noqa: BLE001  # the page is shown without them
            self._report("settings_context", integration, error)
            return {}
        return found or {}

    def announce(self, hook_name: str, integration: str, **arguments: Any) -> None:
        """Call an event hook. Never raises: each listener is called by itself, and one that raises is logged."""
        for listener in self._listeners(hook_name, integration):
            try:
                self._call(hook_name, integration, alone=listener)(integration=integration, **arguments)
            except Exception as error:  # noqa: BLE001  # an event's listener stops neither the others nor the sync
                self._report(hook_name, integration, error)

    def _call(self, hook_name: str, integration: str, alone: object = None) -> Callable[..., Any]:
        """The hook for one integration. With ``alone``, other listeners are left out, wrappers stay."""
        left_out = {
            id(p): p for n, p in self._plugins.list_name_plugin() if n in self._integrations and n != integration
        }
        if alone is not None:
            left_out |= {id(p): p for p in self._listeners(hook_name, integration) if p is not alone}
        return self._plugins.subset_hook_caller(hook_name, [p for p in left_out.values() if p is not None])

    def _listeners(self, hook_name: str, integration: str) -> list[Any]:
        """The plugins that implement this hook for this integration other than by a wrapper, in pluggy's order."""
        implementations = getattr(self._plugins.hook, hook_name).get_hookimpls()
        return [
            impl.plugin
            for impl in reversed(implementations)
            if not (impl.wrapper or impl.hookwrapper)
            and (impl.plugin_name not in self._integrations or impl.plugin_name == integration)
        ]

    def _failed(self, hook_name: str, integration: str, error: Exception) -> TestStep:
        self._report(hook_name, integration, error)
        cause = error.code if isinstance(error, MarketplaceError) else "plugin-failed"
        return TestStep("unexpected", StepState.FAILED, cause=cause)

    def _report(self, hook_name: str, integration: str, error: Exception) -> None:
        """The kind of error and its place; never its text, which may hold content."""
        log.warning("hook %s of %s raised %s at %s", hook_name, integration, type(error).__name__, place_of(error))

    # --- opening ----------------------------------------------------------------------------------------------------

    def _add(self, bundle: Bundle | Unopened) -> None:
        if isinstance(bundle, Unopened):
            self._disable(bundle.name, bundle.name, bundle.error)
            return
        name = bundle.manifest.bundle
        if name in self._bundles:
            said = f"another bundle is named {name} already"
            self._disable(str(bundle.root), name, BundleError(said, file="manifest.yaml", key="bundle", expected=said))
            return
        self._bundles[name] = bundle
        for broken in bundle.manifest.broken:
            for error in broken.errors:
                self._disable(broken.id, name, error)
        for integration in bundle.manifest.integrations:
            try:
                self._add_integration(bundle, integration)
            except BundleError as error:
                self._disable(integration.id, name, error)

    def _add_integration(self, bundle: Bundle, integration: Integration) -> None:
        if integration.id in self._integrations:
            said = f"another bundle offers an integration {integration.id} already"
            raise BundleError(said, file="manifest.yaml", key="id", expected="an id of its own")
        for slot, file in integration.fragments:
            _check_fragment(bundle, integration.id, slot, file)
        if integration.available:
            module = bundle.import_hooks(integration.hooks)
            _check(module, integration.id, f"hooks/{integration.hooks}.py")
            self._plugins.register(module, integration.id)
        self._integrations[integration.id] = integration
        self._roots[integration.id] = bundle.fragments

    def _disable(self, name: str, bundle: str, error: BundleError) -> None:
        log.error("disabled %s of bundle %s: %s", name, bundle, error)
        self._disabled.append(Disabled(name, bundle, error))


def _check_fragment(bundle: Bundle, integration: str, slot: str, file: str) -> None:
    """Raises BundleError for one that is not found when its slot is to be filled, or is not escaped."""
    if not file.endswith(SUFFIX):
        said, expected = f"{file} does not end in {SUFFIX}, so what it shows would not be escaped", f"a {SUFFIX} file"
    elif not FragmentLoader({integration: bundle.fragments}).finds(template_name(integration, file)):
        said, expected = f"there is no file ui_fragments/{file}", "a file below ui_fragments/"
    else:
        return
    key = f"fragments.{slot}"
    raise BundleError(f"manifest.yaml: {key}: {said}", file="manifest.yaml", key=key, expected=expected)


def _plugin_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(Hooks)
    return manager


def _check(plugin: object, name: str, file: str = "") -> None:
    """Try ``plugin`` on a registry of its own, so that a misfit leaves no trace in the real one. Raises HookError."""
    trial = _plugin_manager()
    try:
        trial.register(plugin, name)
        trial.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        raise _hook_error(trial, plugin, file or name, str(error)) from error
    if isinstance(plugin, ModuleType) and not trial.get_hookcallers(plugin):
        raise HookError(f"{file}: implements no hook", file=file, expected="functions marked with @hookimpl")


def _hook_error(trial: pluggy.PluginManager, plugin: object, file: str, said: str) -> HookError:
    known = [name for name in vars(Hooks) if not name.startswith("_")]
    for name in dir(plugin):
        if trial.parse_hookimpl_opts(plugin, name) is None:
            continue
        if name in known:
            if (wrong := _argument_error(plugin, file, name)) is not None:
                return wrong
            continue
        near = difflib.get_close_matches(name, known, n=1)
        expected = f"did you mean {near[0]}?" if near else f"the hooks are: {', '.join(sorted(known))}"
        line = inspect.getsourcelines(getattr(plugin, name))[1]
        return HookError(
            f"{file}, line {line}: there is no hook {name}; {expected}", file=file, key=name, expected=expected
        )
    return HookError(f"{file}: {said}", file=file, expected="the arguments that docs/hooks.md names")


def _argument_error(plugin: object, file: str, hook_name: str) -> HookError | None:
    """The first argument of this implementation that the hook does not have; None where it has them all."""
    known = [name for name in inspect.signature(getattr(Hooks, hook_name)).parameters if name != "self"]
    function = getattr(plugin, hook_name)
    for name, parameter in inspect.signature(function).parameters.items():
        if name in known or parameter.default is not parameter.empty:  # pluggy leaves those with a default alone
            continue
        near = difflib.get_close_matches(name, known, n=1)
        expected = f"did you mean {near[0]}?" if near else f"its arguments are: {', '.join(known)}"
        line = inspect.getsourcelines(function)[1]
        said = f"{file}, line {line}: {hook_name} has no argument {name}; {expected}"
        return HookError(said, file=file, key=f"{hook_name}.{name}", expected=expected)
    return None
