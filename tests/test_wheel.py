"""The wheel: what it holds, and that the bundle opens from a fresh environment without the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ("manifest.yaml", "hooks", "ui_fragments")
LEFT_BEHIND = {"__pycache__", ".mypy_cache", ".ruff_cache"}

OPEN_THE_BUNDLE = """
import importlib.metadata, json, marketplace_plugin
from marketplace_plugin.bundle import open_bundle, own_root
root = own_root()
print(json.dumps({
    "package": marketplace_plugin.__file__,
    "version": [marketplace_plugin.__version__, importlib.metadata.version("marketplace-plugin")],
    "root": str(root),
    "entries": sorted(entry.name for entry in root.iterdir() if entry.name != "__pycache__"),
    "integrations": [integration.id for integration in open_bundle(root).manifest.integrations],
}))
"""


def run(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def source_files(*tops: str) -> set[str]:
    """The files below the given entries of the checkout, as POSIX paths relative to it."""
    found = set()
    for top in tops:
        for path in [ROOT / top, *(ROOT / top).rglob("*")]:
            if path.is_file() and not LEFT_BEHIND & set(path.parts):
                found.add(path.relative_to(ROOT).as_posix())
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built offline by the pinned build backend."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", out, cwd=ROOT)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def interpreter(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of a fresh environment that holds the wheel and, by a .pth entry, what it depends on.

    An entry of a .pth file is searched last and its own .pth files are not read: the editable install
    of this checkout stays out of sight.
    """
    home = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "--no-index", "--no-deps", wheel, cwd=home)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python


def test_it_holds_the_package_and_the_bundle_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    packed = {f"marketplace_plugin/_bundle/{name}" for name in source_files(*BUNDLE)}
    assert held == source_files("marketplace_plugin") | packed


def test_it_brings_what_is_not_python(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = [PurePosixPath(name) for name in archive.namelist()]
    assert PurePosixPath("marketplace_plugin/py.typed") in held
    assert PurePosixPath("marketplace_plugin/web/static/vendor/htmx.min.js") in held
    assert any("migrations" in path.parts for path in held)
    assert {path.parent.parent.name for path in held if path.suffix == ".mo"} >= {"de"}
    assert any(path.suffix == ".html" and "_bundle" in path.parts for path in held)


def test_the_bundle_opens_from_a_fresh_environment(interpreter: Path, tmp_path: Path) -> None:
    seen = json.loads(run(interpreter, "-c", OPEN_THE_BUNDLE, cwd=tmp_path))
    home = interpreter.parent.parent
    assert Path(seen["package"]).is_relative_to(home)
    assert Path(seen["root"]) == Path(seen["package"]).parent / "_bundle"
    assert set(seen["entries"]) == set(BUNDLE)
    assert "google" in seen["integrations"]
    assert len(set(seen["version"])) == 1


def test_the_command_is_installed(interpreter: Path, tmp_path: Path) -> None:
    said = run(interpreter.parent / "marketplace", "--help", cwd=tmp_path)
    assert "serve" in said
    assert "doctor" in said
