"""The text of an item as Exchange keeps it, for both that speak for it, EWS and Graph: HTML of its own making.

Sources: the tables in docs/sandbox-ews.md and docs/sandbox-graph.md; the exact frame is assumed.
"""

from __future__ import annotations

import html
import re

_INNER = re.compile(r"<body[^>]*>(.*)</body>", re.IGNORECASE | re.DOTALL)
_DANGEROUS = re.compile(r"<(script|style|iframe)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_HANDLERS = re.compile(r"\son\w+\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>]+)", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>\s*|</(p|div|li|tr|h\d)\s*>\s*", re.IGNORECASE)
_HEAD = re.compile(r"<head\b.*?</head\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
_FRAME = (
    "<html>\r\n<head>\r\n"
    '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">\r\n'
    "</head>\r\n<body>\r\n{inner}\r\n</body>\r\n</html>\r\n"
)


def kept_html(content: str) -> str:
    """What the server keeps of HTML that it was given; empty stays empty."""
    return framed(_HANDLERS.sub("", _DANGEROUS.sub("", inner(content))).strip()) if content else ""


def kept_text(content: str, opening: str) -> str:
    """What the server keeps of text that it was given, in the element that ``opening`` begins; empty stays empty."""
    lines = html.escape(content, quote=False).replace("\r\n", "\n").split("\n")
    return framed(opening + "<br>\r\n".join(lines) + "</div>") if content else ""


def inner(content: str) -> str:
    """What is between the body's tags, or all if there are none."""
    found = _INNER.search(content)
    return found.group(1) if found else content


def framed(content: str) -> str:
    """A whole page around what is between the body's tags."""
    return _FRAME.format(inner=content)


def as_text(content: str) -> str:
    """Kept HTML as the server turns it into text."""
    if not content:
        return ""
    body = _HEAD.sub("", content).replace("\r\n", "\n").replace("\n", "")
    text = html.unescape(_TAG.sub("", _BREAK.sub("\r\n", body)))
    return text.replace("\N{NO-BREAK SPACE}", " ").strip("\r\n") + "\r\n"
