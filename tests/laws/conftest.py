"""The laws count their steps over all processes of a run, say how many there were, and fail where they were few."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict
from time import monotonic
from typing import Any

import pytest
import structlog

from tests.laws.counting import DONE

_STARTED = monotonic()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--least-steps", type=int, default=0, help="fail where the laws ran fewer steps than this")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A process of the run has ended: its steps count here."""
    del error
    DONE.add(getattr(node, "workeroutput", {}).get("laws", {}))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput"):
        session.config.workeroutput["laws"] = asdict(DONE)  # type: ignore[attr-defined]  # a process of xdist's
    elif session.exitstatus == pytest.ExitCode.OK and DONE.steps < session.config.getoption("least_steps", 0):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if not DONE.steps and not DONE.boundaries:
        return
    least, seconds = config.getoption("least_steps", 0), monotonic() - _STARTED
    terminalreporter.write_line(
        f"laws: {DONE.steps} steps in {DONE.examples} examples, {DONE.boundaries} boundaries, {DONE.passes} passes, "
        f"{seconds:.0f} s"
    )
    if DONE.steps < least:
        terminalreporter.write_line(f"laws: too few, at least {least} steps are wanted", red=True)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """A line for each of a hundred thousand passes helps nobody."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)
