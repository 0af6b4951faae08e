"""The text of an item: Exchange keeps HTML of its own making, whatever it was given."""

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


def rewritten(content: str, content_type: str) -> str:
    """The HTML that the server keeps of a body of a request (HTML or Text); empty stays empty."""
    if not content:
        return ""
    if content_type == "Text":
        lines = html.escape(content, quote=False).replace("\r\n", "\n").split("\n")
        return _FRAME.format(inner='<div class="PlainText">' + "<br>\r\n".join(lines) + "</div>")
    found = _INNER.search(content)
    inner = found.group(1) if found else content
    return _FRAME.format(inner=_HANDLERS.sub("", _DANGEROUS.sub("", inner)).strip())


def as_text(content: str) -> str:
    """Kept HTML as the server turns it into text."""
    if not content:
        return ""
    body = _HEAD.sub("", content).replace("\r\n", "\n").replace("\n", "")
    text = html.unescape(_TAG.sub("", _BREAK.sub("\r\n", body)))
    return text.replace("\N{NO-BREAK SPACE}", " ").strip("\r\n") + "\r\n"
