"""The log as an operator would read it, at its most talkative; everything is given back afterwards."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from marketplace_plugin import logs


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Configure the log at DEBUG, and yield what is written. Levels are restored, not cleared: other modules hold the
    libraries that print tokens above DEBUG from their import on.
    """
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in logs.CHATTY}
    stream = io.StringIO()
    logs.configure("debug", stream)
    try:
        yield stream
    finally:
        root.handlers[:], root.level = handlers, level
        for name, held in levels.items():
            logging.getLogger(name).setLevel(held)
        structlog.reset_defaults()
