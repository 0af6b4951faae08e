"""Partial responses: the parameter ``fields``.

Grammar (https://developers.google.com/workspace/calendar/api/guides/performance#partial):
a comma-separated list of selectors; ``a/b`` selects b within a; ``a(b,c)`` selects several;
``*`` selects everything at its place.
"""

from __future__ import annotations

import re
from typing import Any

from marketplace_plugin.sandbox.google import errors
from marketplace_plugin.sandbox.google.event.shape import Each, Shape, Values

Mask = dict[str, "Mask"]
"""Field -> what is selected within it; empty means all of it."""

_TOKEN = re.compile(r"[A-Za-z0-9_@.\-]+|[*,/()]")


def parse(text: str, shape: Shape) -> Mask:
    """The selection, checked against the reply's shape.

    Raises:
        ApiError: 400 for a broken expression or an unknown field.
    """
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != text.replace(" ", "") or not tokens:
        raise _bad(text)
    mask, rest = _selectors(tokens, text)
    if rest:
        raise _bad(text)
    _check(mask, shape)
    return mask


def _bad(text: str) -> errors.ApiError:
    return errors.invalid_parameter("fields", f"Invalid field selection {text}")


def _selectors(tokens: list[str], text: str) -> tuple[Mask, list[str]]:
    """A list of selectors, and the tokens after it."""
    mask: Mask = {}
    while True:
        tokens = _selector(mask, tokens, text)
        if tokens[:1] != [","]:
            return mask, tokens
        tokens = tokens[1:]


def _selector(mask: Mask, tokens: list[str], text: str) -> list[str]:
    if not tokens or tokens[0] in ",/()":
        raise _bad(text)
    name, rest = tokens[0], tokens[1:]
    fresh = name not in mask
    inner = mask.setdefault(name, {})
    if rest[:1] == ["/"]:
        return _selector(inner, rest[1:], text)
    if rest[:1] == ["("]:
        found, rest = _selectors(rest[1:], text)
        if rest[:1] != [")"]:
            raise _bad(text)
        if fresh or inner:
            inner.update(found)
        return rest[1:]
    inner.clear()
    return rest


def _check(mask: Mask, shape: Shape) -> None:
    while isinstance(shape, Each):
        shape = shape.item
    for name, inner in mask.items():
        if name == "*":
            continue
        if isinstance(shape, str):
            if shape != "any":
                raise _bad(name)
        elif isinstance(shape, Values):
            _check(inner, shape.value)
        elif name not in shape:
            raise _bad(name)
        else:
            _check(inner, shape[name])


def select(value: Any, mask: Mask) -> Any:
    """``value`` with the selected fields only; what is selected and absent stays absent."""
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [select(item, mask) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: select(value[name], inner) for name, inner in mask.items() if name in value}
