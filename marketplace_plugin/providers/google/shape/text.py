"""Descriptions: Google's field holds text or HTML without saying which; ours holds plain text.

Known tags and complete entities mean HTML, everything else stands for itself. Text that could be taken for HTML is
escaped on its way out, so ``plain(marked_up(text)) == text`` (with newlines as LF).
"""

from __future__ import annotations

import html
import re

_BREAKS = {"br"}
_BLOCKS = {"p", "div", "ul", "ol", "li", "table", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "hr"}
_INLINE = {"a", "b", "strong", "i", "em", "u", "s", "span", "font", "code", "small", "sub", "sup", "td", "th", "tbody"}
_HIDDEN = {"script", "style", "head", "title"}
_ROOTS = {"html", "body", "html-blob"}
_KNOWN = _BREAKS | _BLOCKS | _INLINE | _HIDDEN | _ROOTS

_NAMES = "|".join(sorted(_KNOWN, key=len, reverse=True))
_TAG = re.compile(rf"<(/?)({_NAMES})(\s[^<>]*|/)?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)


def plain(text: str) -> str:
    """The text that a reader of ``text`` sees. A link whose label is not its address keeps it in parentheses."""
    text = _newlines(text)
    if not _is_html(text):
        return text
    shown, hidden, links, at = _Shown(), 0, list[tuple[str, int]](), 0
    for tag in _TAG.finditer(text):
        if not hidden:
            shown.text(_unescaped(text[at : tag.start()]))
        at = tag.end()
        closing, name = bool(tag[1]), tag[2].lower()
        if name in _HIDDEN:
            hidden = max(0, hidden + (-1 if closing else 1))
        elif hidden:
            continue
        elif name in _BREAKS:
            shown.text("\n")
        elif name in _BLOCKS:
            shown.block("- " if name == "li" and not closing else "")
        elif name == "a" and not closing:
            found = _HREF.search(tag[3] or "")
            links.append((_unescaped(next(filter(None, found.groups()), "")) if found else "", len(shown)))
        elif name == "a" and links:
            shown.link(*links.pop())
    if not hidden:
        shown.text(_unescaped(text[at:]))
    return str(shown)


def marked_up(text: str) -> str:
    """What to write so that Google and ``plain`` both show ``text``: itself where that is safe, else escaped."""
    text = _newlines(text)
    if not _is_html(text):
        return text
    return html.escape(text, quote=False).replace("\n", "<br>")


class _Shown:
    def __init__(self) -> None:
        self._text = ""

    def __len__(self) -> int:
        return len(self._text)

    def __str__(self) -> str:
        return self._text

    def text(self, piece: str) -> None:
        self._text += piece

    def block(self, bullet: str) -> None:
        """A block begins or ends here: on a line of its own."""
        if self._text and not self._text.endswith(("\n", "- ")):
            self._text += "\n"
        self._text += bullet

    def link(self, address: str, since: int) -> None:
        label = self._text[since:].strip()
        if address and label not in (address, address.removeprefix("mailto:"), address.rstrip("/")):
            self._text += f" ({address})" if label else address


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _is_html(text: str) -> bool:
    return bool(_TAG.search(text) or _ENTITY.search(text))


def _unescaped(text: str) -> str:
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text.replace("&nbsp;", " "))
