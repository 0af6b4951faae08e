"""The floors of docs/architecture: who may import whom, read from the source by `ast`.

Floor n imports floors below n only; from floor 2 up, siblings do not import each other. Imports under
`if TYPE_CHECKING:` and inside functions count like all others.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "marketplace_plugin"

FLOORS = {
    "errors": 0,
    "model": 0,
    "sync": 1,
    "contract": 1,
    "bundle": 2,
    "providers": 2,
    "store": 2,
    "engine": 3,
    "web": 4,
    "host": 4,
    "config": 4,  # read by app and cli alone
    "logs": 4,
    "security": 4,
    "app": 5,
    "doctor": 5,
    "demo": 6,
    "cli": 7,  # starts what app and demo build
    "__main__": 8,
}
VENDOR_API = "__init__"  # re-exports floors 0 and 1 for vendors and for hooks/; nothing inside imports it
SANDBOX = "sandbox"  # plays the other side: knows nothing of us, and only the demo starts it
STARTS_SANDBOX = {"demo"}
FIRST_FLOOR_WITHOUT_SIBLINGS = 2

PURE = ("model", "sync")
PURE_STDLIB = {
    "__future__",
    "abc",
    "base64",
    "bisect",
    "calendar",
    "collections",
    "copy",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "functools",
    "hashlib",
    "heapq",
    "itertools",
    "json",
    "math",
    "operator",
    "re",
    "string",
    "types",
    "typing",
    "unicodedata",
    "zoneinfo",
}
CLOCKS = {"now", "utcnow", "today"}
IMPURE_BUILTINS = {"open", "print", "input", "exec", "eval", "__import__"}


@dataclass(frozen=True)
class Import:
    """One imported module, by its full dotted name, and where it stands."""

    path: Path
    line: int
    module: str

    def at(self, root: Path) -> str:
        return f"{self.path.relative_to(root)}:{self.line}"


def module_exists(root: Path, dotted: str) -> bool:
    base = root.joinpath(*dotted.split("."))
    return base.is_dir() or base.with_suffix(".py").is_file()


def imports_of(root: Path, path: Path) -> Iterator[Import]:
    """Each import of a file; `from package import name` is the module `package.name` where that exists."""
    package = list(path.relative_to(root).with_suffix("").parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(path, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield Import(path, node.lineno, inner if module_exists(root, inner) else base)
        elif isinstance(node, ast.Call) and _called(node) == "import_module":
            match node.args:
                case [ast.Constant(value=str(dotted)), *_]:
                    yield Import(path, node.lineno, dotted)


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def part_of(module: str) -> str | None:
    """The part of the package that a module belongs to; None for other people's modules."""
    top, _, rest = module.partition(".")
    if top != PACKAGE:
        return None
    return rest.partition(".")[0] or VENDOR_API


def files(root: Path, *folder: str) -> list[Path]:
    return sorted(root.joinpath(*folder).rglob("*.py"))


def own_part(root: Path, path: Path) -> str:
    inside = path.relative_to(root / PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


# ---- the rules: each yields one line for each breach -----------------------------------------------


def unknown_parts(root: Path) -> Iterator[str]:
    known = {*FLOORS, VENDOR_API, SANDBOX}
    for part in sorted({own_part(root, path) for path in files(root, PACKAGE)} - known):
        yield f"{PACKAGE}/{part}: stands on no floor; give it one in {Path(__file__).name}"


def upward_imports(root: Path) -> Iterator[str]:
    for path in files(root, PACKAGE):
        here = own_part(root, path)
        for found in imports_of(root, path):
            there = part_of(found.module)
            if there is not None and (reason := _refused(here, there)):
                yield f"{found.at(root)}: imports {found.module}: {reason}"


def _refused(here: str, there: str) -> str | None:
    if here == there:
        return None
    if here == SANDBOX:
        return "the sandbox imports nothing else of the package"
    if there == SANDBOX:
        return None if here in STARTS_SANDBOX else "only the demo starts the sandbox"
    if there == VENDOR_API:
        return "the vendor API is for vendors and hooks/; import the module that defines the name"
    if here not in FLOORS and here != VENDOR_API:
        return None  # reported by unknown_parts
    mine = 2 if here == VENDOR_API else FLOORS[here]
    other = FLOORS.get(there)
    if other is None:
        return f"{there} stands on no floor"
    if other > mine:
        return f"{here} (floor {mine}) lies below {there} (floor {other})"
    if other == mine >= FIRST_FLOOR_WITHOUT_SIBLINGS:
        return f"{here} and {there} are siblings on floor {mine}; they meet in a floor above"
    return None


def provider_crossings(root: Path) -> Iterator[str]:
    home = f"{PACKAGE}.providers."
    for path in files(root, PACKAGE, "providers"):
        here = path.relative_to(root / PACKAGE / "providers").with_suffix("").parts[0]
        for found in imports_of(root, path):
            there = found.module.removeprefix(home).partition(".")[0] if found.module.startswith(home) else here
            if there != here and here != "__init__":
                yield f"{found.at(root)}: imports {found.module}: a provider never imports another one"


def hooks_imports(root: Path) -> Iterator[str]:
    allowed = "hooks/ see the vendor API and providers only"
    for path in files(root, "hooks"):
        for found in imports_of(root, path):
            if part_of(found.module) not in (None, VENDOR_API, "providers"):
                yield f"{found.at(root)}: imports {found.module}: {allowed}"


def impurities(root: Path) -> Iterator[str]:
    for path in [file for part in PURE for file in files(root, PACKAGE, part)]:
        for found in imports_of(root, path):
            if part_of(found.module) is None and found.module.partition(".")[0] not in PURE_STDLIB:
                yield f"{found.at(root)}: imports {found.module}: not on the list of pure standard modules"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = _called(node)
            reads_clock = isinstance(node.func, ast.Attribute) and name in CLOCKS
            if reads_clock or (isinstance(node.func, ast.Name) and name in IMPURE_BUILTINS):
                place = f"{path.relative_to(root)}:{node.lineno}"
                yield f"{place}: calls {name}(): {own_part(root, path)}/ is pure"


RULES: list[Callable[[Path], Iterator[str]]] = [
    unknown_parts,
    upward_imports,
    provider_crossings,
    hooks_imports,
    impurities,
]


@pytest.mark.parametrize("rule", RULES)
def test_the_checkout_keeps(rule: Callable[[Path], Iterator[str]]) -> None:
    breaches = list(rule(ROOT))
    assert not breaches, "\n" + "\n".join(breaches)


# ---- the rules themselves see what they are to see -------------------------------------------------


@pytest.mark.parametrize(
    "rule, place, source, said",
    [
        (unknown_parts, "tools/x.py", "", "marketplace_plugin/tools: stands on no floor"),
        (upward_imports, "model/x.py", "from marketplace_plugin.sync import plan", "model/x.py:1: imports"),
        (upward_imports, "store/x.py", "import marketplace_plugin.providers.memory", "siblings on floor 2"),
        (upward_imports, "web/x.py", "from marketplace_plugin import host", "siblings on floor 4"),
        (upward_imports, "engine/x.py", "from ..web import pages", "engine (floor 3) lies below web"),
        (
            upward_imports,
            "store/x.py",
            "if TYPE_CHECKING:\n    from marketplace_plugin import engine",
            "x.py:2",
        ),
        (upward_imports, "sync/x.py", "def f():\n    import marketplace_plugin.engine.run", "x.py:2"),
        (upward_imports, "sync/x.py", "import_module('marketplace_plugin.engine')", "lies below engine"),
        (
            upward_imports,
            "sandbox/x.py",
            "from marketplace_plugin import errors",
            "nothing else of the package",
        ),
        (upward_imports, "engine/x.py", "from marketplace_plugin import sandbox", "only the demo"),
        (
            upward_imports,
            "web/x.py",
            "from marketplace_plugin import Provider",
            "the vendor API is for vendors",
        ),
        (
            provider_crossings,
            "providers/google/x.py",
            "from marketplace_plugin.providers import memory",
            "never",
        ),
        (provider_crossings, "providers/ews/x.py", "from ..graph import api", "a provider never imports"),
        (impurities, "sync/x.py", "import os.path", "sync/x.py:1: imports os.path"),
        (impurities, "model/x.py", "import icalendar", "not on the list"),
        (impurities, "model/x.py", "def f():\n    return datetime.now(UTC)", "x.py:2: calls now()"),
        (impurities, "sync/x.py", "print('x')", "calls print()"),
    ],
)
def test_a_breach_is_seen(
    tmp_path: Path, rule: Callable[[Path], Iterator[str]], place: str, source: str, said: str
) -> None:
    root = tmp_path
    for name in ("errors", "engine", "web", "host", "sandbox", "store"):
        (root / PACKAGE / name).mkdir(parents=True)
    (root / PACKAGE / "providers" / "memory").mkdir(parents=True)
    (root / PACKAGE / place).parent.mkdir(parents=True, exist_ok=True)
    (root / PACKAGE / place).write_text(source, encoding="utf-8")
    (breach,) = rule(root)
    assert said in breach


@pytest.mark.parametrize(
    "source, breaches",
    [
        ("from marketplace_plugin import Provider, hookimpl", 0),
        ("from marketplace_plugin.providers.google import open_account", 0),
        ("import flask", 0),
        ("from marketplace_plugin.engine import run", 1),
        ("from marketplace_plugin import store", 1),
    ],
)
def test_hooks_see_the_vendor_api_and_providers_only(tmp_path: Path, source: str, breaches: int) -> None:
    (tmp_path / PACKAGE / "store").mkdir(parents=True)
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "acme.py").write_text(source, encoding="utf-8")
    assert len(list(hooks_imports(tmp_path))) == breaches


@pytest.mark.parametrize(
    "place, source",
    [
        ("sync/x.py", "from marketplace_plugin.model.event import Event"),
        ("contract/x.py", "from marketplace_plugin.sync.link import Link"),  # siblings below floor 2
        ("__init__.py", "from marketplace_plugin.contract.provider import Provider"),
        (
            "demo.py",
            "from marketplace_plugin.app import create_app\nfrom marketplace_plugin.sandbox import google",
        ),
    ],
)
def test_a_downward_import_is_let_through(tmp_path: Path, place: str, source: str) -> None:
    for folder in ("sync", "contract", "model", "sandbox"):
        (tmp_path / PACKAGE / folder).mkdir(parents=True)
    (tmp_path / PACKAGE / place).write_text(source, encoding="utf-8")
    assert list(upward_imports(tmp_path)) == []
