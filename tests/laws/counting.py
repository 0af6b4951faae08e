"""How long the laws have run. A step is one execution of one Hypothesis rule and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from hypothesis.stateful import rule as hypothesis_rule


@dataclass
class Count:
    """``passes`` of the engine, inside steps and at the end of examples; ``boundaries`` at which a scenario died or was
    raced, which are no steps."""

    steps: int = 0
    examples: int = 0
    passes: int = 0
    boundaries: int = 0

    def add(self, other: dict[str, int]) -> None:
        for name, number in other.items():
            setattr(self, name, getattr(self, name) + number)


DONE = Count()
"""What this process has done; the run adds up its processes."""


def rule(**given: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Hypothesis' rule, counted."""

    def counted(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def step(machine: Any, **drawn: Any) -> None:
            DONE.steps += 1
            function(machine, **drawn)

        decorate: Any = hypothesis_rule(**given)
        made: Callable[..., None] = decorate(step)
        return made

    return counted
