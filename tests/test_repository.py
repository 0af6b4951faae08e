"""The repository itself: its shape, its names, its pins, and what no file of it may say."""

from __future__ import annotations

import ast
import hashlib
import re
import socket
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "marketplace_plugin"

TOP_LEVEL = {
    "marketplace_plugin",
    "manifest.yaml",
    "hooks",
    "ui_fragments",
    "tests",
    "pyproject.toml",
    "README.md",
    "docs",
    "Makefile",
    "CHANGELOG.md",
    "LICENSE",
    ".ci",
    ".gitignore",
    "requirements",
}
TOP_LEVEL_LATER = {"bench", "examples"}

VAGUE_MODULES = re.compile(r"_*(utils?|helpers?|common|misc|shared|managers?|services?|\w+_(utils?|helpers?))")
VAGUE_CLASSES = re.compile(r"\w*(Manager|Service|Helpers?|Utils?)")
MAX_LINES = 450  # about 400; past this, a file has two subjects

# Written in two halves, so that this file does not contain what it forbids.
REGISTRIES = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "artif" + "actory",
]
MACHINE_PATHS = ["/wo" + "rk/", "/ho" + "me/", "/ro" + "ot/", "/U" + "sers/", "/var/" + "folders/"]
UNFINISHED = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX"]))
NOT_RUN = re.compile(r"\b(mark\.(skip|skipif|xfail)|pytest\.(skip|xfail)|importor" + r"skip)\b")


def _ignored() -> tuple[set[str], list[str]]:
    """The entries of .gitignore: names at the top level, and patterns for any level."""
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if line and not line.startswith("#")]
    top = {entry.strip("/") for entry in entries if entry.startswith("/")}
    return top, [entry.rstrip("/") for entry in entries if not entry.startswith("/")]


def _entries(folder: Path) -> Iterator[Path]:
    top, anywhere = _ignored()
    for path in sorted(folder.iterdir()):
        at_top = folder == ROOT and (path.name == ".git" or any(fnmatch(path.name, name) for name in top))
        if not at_top and not any(fnmatch(path.name, pattern) for pattern in anywhere):
            yield path


def repository_files(folder: Path = ROOT) -> Iterator[Path]:
    """All files that are not ignored; read without git, which a user's machine may lack."""
    for path in _entries(folder):
        if path.is_dir() and not path.is_symlink():
            yield from repository_files(path)
        else:
            yield path


def texts() -> Iterator[tuple[Path, str]]:
    for path in repository_files():
        try:
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # fonts and pictures


def sources() -> list[Path]:
    return [path for path in repository_files() if path.suffix == ".py"]


def lines_that(pattern: re.Pattern[str], *, suffixes: set[str] | None = None) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for path, text in texts()
        if suffixes is None or path.suffix in suffixes
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def test_the_top_level_holds_what_the_first_issue_names_and_nothing_else() -> None:
    found = {path.name for path in _entries(ROOT)}
    assert found >= TOP_LEVEL, f"missing: {sorted(TOP_LEVEL - found)}"
    assert found <= TOP_LEVEL | TOP_LEVEL_LATER, f"not allowed: {sorted(found - TOP_LEVEL - TOP_LEVEL_LATER)}"


def test_names_say_what_a_module_is() -> None:
    vague = [str(p.relative_to(ROOT)) for p in sources() if VAGUE_MODULES.fullmatch(p.stem)]
    folders = {folder for p in sources() for folder in p.relative_to(ROOT).parts[:-1]}
    vague += [folder for folder in sorted(folders) if VAGUE_MODULES.fullmatch(folder)]
    assert not vague


def test_names_say_what_a_class_is() -> None:
    vague = [
        f"{path.relative_to(ROOT)}:{node.lineno}: class {node.name}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and VAGUE_CLASSES.fullmatch(node.name)
    ]
    assert not vague, "\n" + "\n".join(vague)


def test_each_module_of_the_bundle_says_what_it_is_for() -> None:
    modules = [path for path in sources() if path.is_relative_to(PACKAGE) or path.is_relative_to(ROOT / "hooks")]
    silent = [
        str(path.relative_to(ROOT))
        for path in modules
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent, "no module docstring: " + ", ".join(silent)


def test_no_python_file_is_longer_than_a_reader_s_patience() -> None:
    lengths = {str(p.relative_to(ROOT)): len(p.read_text(encoding="utf-8").splitlines()) for p in sources()}
    assert not {name: lines for name, lines in lengths.items() if lines > MAX_LINES}


@pytest.mark.parametrize("forbidden", [REGISTRIES, MACHINE_PATHS], ids=["registry hosts", "machine paths"])
def test_no_file_names(forbidden: list[str]) -> None:
    found = lines_that(re.compile("|".join(map(re.escape, forbidden))))
    assert not found, "\n" + "\n".join(found)


def test_nothing_is_left_unfinished() -> None:
    found = lines_that(UNFINISHED, suffixes={".py", ".html", ".js", ".css", ".yaml", ".toml", ".md"})
    assert not found, "\n" + "\n".join(found)


def test_no_test_is_left_out() -> None:
    found = lines_that(NOT_RUN, suffixes={".py"})
    assert not found, "\n" + "\n".join(found)


# ---- pins ------------------------------------------------------------------------------------------


def _name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match, requirement
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def _pins(name: str) -> dict[str, str]:
    """`requirements/NAME` as {distribution: version}; each entry must be pinned and hashed."""
    pins = {}
    for entry in (ROOT / "requirements" / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        pinned = re.fullmatch(r"([a-z0-9._-]+)==(\S+)( ;[^-]*?)?(\s+--hash=sha256:[0-9a-f]{64})+", entry)
        assert pinned, f"requirements/{name}: not a pin with hashes: {entry[:80]}"
        pins[_name(pinned[1])] = pinned[2]
    return pins


def test_requirements_hold_the_two_locks_and_the_list_for_development() -> None:
    found = {path.name for path in (ROOT / "requirements").iterdir()}
    assert found == {"dev.in", "dev.txt", "runtime.txt"}, "the package's own needs are listed in pyproject.toml"


def test_what_is_needed_is_pinned_and_both_locks_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    dev_in = (ROOT / "requirements" / "dev.in").read_text(encoding="utf-8").splitlines()
    runtime, dev = _pins("runtime.txt"), _pins("dev.txt")
    wanted = {_name(line) for line in project["project"]["dependencies"]}
    assert wanted <= runtime.keys()
    assert {_name(line) for line in dev_in if line and not line.startswith("#")} <= dev.keys()
    assert {_name(line) for line in project["build-system"]["requires"]} <= dev.keys()
    assert runtime.items() <= dev.items()


def test_vendored_files_are_unchanged() -> None:
    folder = PACKAGE / "web" / "static" / "vendor"
    table = (folder / "VENDORED.md").read_text(encoding="utf-8")
    noted = dict(re.findall(r"^\| `([^`]+)` \|.*`([0-9a-f]{64})` \|$", table, re.MULTILINE))
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in repository_files(folder)
        if path.name != "VENDORED.md"
    }
    assert found == noted


def test_the_readme_shows_both_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"^make run$", readme, re.MULTILINE)
    assert re.search(r"^make test$", readme, re.MULTILINE)


def test_ci_runs_what_a_developer_runs() -> None:
    entry = ROOT / ".ci" / "run"
    assert entry.stat().st_mode & 0o111
    assert "make test" in entry.read_text(encoding="utf-8")


def test_no_test_reaches_another_machine() -> None:
    with pytest.raises(ConnectionRefusedError, match="loopback addresses only"):
        socket.create_connection(("192.0.2.1", 443), timeout=1)  # an address of documentation, RFC 5737
