"""How one safeguard is taken away: what it is, where it lives, which tests must notice, and the patch."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PACKAGES = ("sync", "contract", "store", "engine", "providers")


@dataclass(frozen=True, slots=True)
class Safeguard:
    """``tests`` are node ids of pytest; at least one of them must fail once ``take_away`` has been called."""

    name: str
    says: str
    lives: str
    tests: tuple[str, ...]
    take_away: Callable[[], None]


def swap(original: Any, substitute: Any) -> None:
    """Put ``substitute`` wherever a module of ours has bound ``original``. Raises LookupError where none has."""
    _load()
    bound = 0
    for name, module in list(sys.modules.items()):
        if not name.startswith("marketplace_plugin"):
            continue
        for attribute, value in list(vars(module).items()):
            if value is original:
                setattr(module, attribute, substitute)
                bound += 1
    if not bound:
        raise LookupError(f"nothing is bound to {original!r}")


def swap_method(owner: type, name: str, substitute: Callable[..., Any]) -> None:
    """Raises LookupError where ``owner`` itself has no such method."""
    if name not in vars(owner):
        raise LookupError(f"{owner.__name__} has no {name}")
    setattr(owner, name, substitute)


def _load() -> None:
    """All modules, so that every ``from ... import`` has happened before names are swapped."""
    for package in PACKAGES:
        module = importlib.import_module(f"marketplace_plugin.{package}")
        for found in pkgutil.walk_packages(module.__path__, f"{module.__name__}."):
            if ".migrations" not in found.name:
                importlib.import_module(found.name)
