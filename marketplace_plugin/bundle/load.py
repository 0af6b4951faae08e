"""Finding bundles and importing their hook modules, each under a private package name of its bundle."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from marketplace_plugin.bundle.manifest import Manifest
from marketplace_plugin.bundle.schema import MANIFEST, read_manifest
from marketplace_plugin.errors import BundleError, HookError

ENTRY_POINTS = "marketplace_plugin.bundles"
_PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Bundle:
    """An opened bundle: its directory and what its manifest says. None of its code has run."""

    root: Path
    manifest: Manifest

    @property
    def fragments(self) -> Path:
        return self.root / "ui_fragments"

    @property
    def translations(self) -> Path:
        """gettext catalogues of the fragments, ``<locale>/LC_MESSAGES/messages.mo``; may be absent."""
        return self.fragments / "translations"

    @property
    def package(self) -> str:
        return f"marketplace_bundle_{self.manifest.bundle}"

    def hook_file(self, module: str) -> Path:
        return self.root / "hooks" / f"{module}.py"

    def import_hooks(self, module: str) -> ModuleType:
        """Run ``hooks/<module>.py`` as a module of the bundle's private package. Raises HookError."""
        file = self.hook_file(module)
        shown = f"hooks/{module}.py"
        if not file.is_file():
            raise HookError(f"{shown}: there is no such file", file=shown, expected="a module with @hookimpl functions")
        self._make_package()
        try:
            return importlib.import_module(f"{self.package}.{module}")
        except (Exception, SystemExit) as error:  # a bundle's module may raise whatever it likes when it is imported
            sys.modules.pop(f"{self.package}.{module}", None)
            raise HookError(
                f"{shown}: cannot be imported: {type(error).__name__}: {error}",
                file=shown,
                expected="a module that can be imported",
            ) from error

    def _make_package(self) -> None:
        """Register the private package once; another directory under the same name replaces it, modules and all."""
        home = str(self.root / "hooks")
        present = sys.modules.get(self.package)
        if present is not None and list(present.__path__) == [home]:
            return
        for name in [n for n in sys.modules if n == self.package or n.startswith(self.package + ".")]:
            del sys.modules[name]
        spec = ModuleSpec(self.package, loader=None, is_package=True)
        spec.submodule_search_locations = [home]
        sys.modules[self.package] = importlib.util.module_from_spec(spec)
        importlib.invalidate_caches()


@dataclass(frozen=True, slots=True)
class Unopened:
    """A place that was named as a bundle and is none."""

    name: str
    error: BundleError


def own_root() -> Path:
    """Our own bundle: ``_bundle`` inside the installed package, else the root of the checkout."""
    packed = _PACKAGE / "_bundle"
    return packed if (packed / MANIFEST).is_file() else _PACKAGE.parent


def open_bundle(path: Path) -> Bundle:
    """Read the bundle at ``path``. Raises ManifestError; entries that do not fit are in ``manifest.broken``."""
    root = path.resolve()
    return Bundle(root, read_manifest(root / MANIFEST))


def find_bundles(bundle_path: str = "") -> Iterator[Bundle | Unopened]:
    """Our own bundle, then those of installed distributions by name, then the directories in ``bundle_path``.

    ``bundle_path`` is the deployment setting MARKETPLACE_BUNDLE_PATH: directories joined by ``os.pathsep``.
    """
    yield _open(str(own_root()), own_root())
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda e: e.name):
        yield _open_entry_point(entry)
    for place in filter(None, bundle_path.split(os.pathsep)):
        yield _open(place, Path(place))


def open_all(paths: Sequence[Path]) -> list[Bundle | Unopened]:
    """These directories and no others, for tests and for ``bundle check``."""
    return [_open(str(path), path) for path in paths]


def _open(name: str, path: Path) -> Bundle | Unopened:
    try:
        return open_bundle(path)
    except BundleError as error:
        return Unopened(name, error)


def _open_entry_point(entry: EntryPoint) -> Bundle | Unopened:
    try:
        path = Path(entry.load()())
    except Exception as error:  # noqa: BLE001  # a vendor's code: whatever it raises, the others go on
        said = f"entry point {entry.name}: {type(error).__name__}: {error}"
        return Unopened(entry.name, BundleError(said, file=entry.value, expected="a callable that returns a path"))
    return _open(entry.name, path)
