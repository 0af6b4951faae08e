"""The log: one line an event, with numbers and codes and no personal content.

Our own modules log codes, counts and ids only. Libraries are held above DEBUG, where some print tokens and bodies
(oauthlib, requests_oauthlib, exchangelib); ``scrub`` is the second line of defence, for what looks like a credential.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from marketplace_plugin.errors import place_of

CHATTY = (
    "oauthlib",
    "requests_oauthlib",
    "urllib3",
    "exchangelib",
    "requests_ntlm",
    "spnego",
    "googleapiclient",
    "google_auth_httplib2",
    "alembic",
)
_CREDENTIAL = re.compile(
    r"(?i)(bearer\s+|(?:access_token|refresh_token|id_token|client_secret|code_verifier|code|state|password)[\"']?\s*[=:]"
    r"\s*[\"']?)[^\s\"'&,;]+"
)
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")


def scrub(text: str) -> str:
    """``text`` without what looks like a token, a password or a mail address."""
    return _ADDRESS.sub("<address>", _CREDENTIAL.sub(r"\1<redacted>", text))


def _scrub_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: scrub(value) if isinstance(value, str) else value for key, value in event.items()}


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send everything to ``stream`` (standard error), one line each. Called once by whoever starts the process."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_traceback_text,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _scrub_event,
            structlog.processors.LogfmtRenderer(
                key_order=("timestamp", "level", "logger", "event"), bool_as_flag=False
            ),
        ],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _without_traceback_text(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The kind of an exception and its place; its text and the source lines may hold content."""
    info = event.pop("exc_info", None)
    record = event.get("_record")
    if info is None and record is not None:
        info = record.exc_info
        record.exc_info = record.exc_text = None
    if info is True:
        info = sys.exc_info()
    error = info if isinstance(info, BaseException) else info[1] if isinstance(info, tuple) else None
    if error is not None:
        event["error"] = type(error).__name__
        event["at"] = place_of(error)
    return event
