"""Bundles to open: the vendor's example, and ones written for a test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ACME = Path(__file__).resolve().parent / "fixtures" / "acme"


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    """A copy of the vendor's example, so that a test can break it."""
    return Path(shutil.copytree(ACME, tmp_path / "acme"))


@pytest.fixture
def write_bundle(tmp_path: Path) -> Callable[[str, Mapping[str, str]], Path]:
    """Make a bundle ``name`` with one integration for each module of ``hooks`` (module -> source)."""

    def write(name: str, hooks: Mapping[str, str]) -> Path:
        root = tmp_path / name
        (root / "hooks").mkdir(parents=True)
        entry = (ACME / "manifest.yaml").read_text(encoding="utf-8").partition("integrations:\n")[2]
        entry = entry.partition("    fragments:\n")[0]
        entries = ""
        for module, source in hooks.items():
            (root / "hooks" / f"{module}.py").write_text(source, encoding="utf-8")
            entries += entry.replace("- id: acme", f"- id: {name}_{module}").replace("hooks: acme", f"hooks: {module}")
        (root / "manifest.yaml").write_text(f"bundle: {name}\nintegrations:\n{entries}", encoding="utf-8")
        return root

    return write
