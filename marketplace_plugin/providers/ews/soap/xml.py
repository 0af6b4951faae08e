"""XML as Exchange Web Services write it: two namespaces, elements in the order of the schema, attributes without one.

Answers are parsed strictly: exchangelib's own parser mends what was cut off, and a page of changes that lost its end
would then pass for a whole one. What XML 1.0 forbids and Exchange sends all the same (``&#x1F;`` out of a pasted text)
is left out on both ways.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

Element = Any
"""lxml ships no types."""

MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
SPACES = {"m": MESSAGES, "t": TYPES}

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ENCODING = re.compile(rb"""<\?xml[^>]*\sencoding\s*=\s*["']([^"']*)["']""")
_REFERENCE = re.compile(rb"&#(?:[xX]([0-9a-fA-F]+)|([0-9]+));")


class Unparsable(ValueError):
    """No whole XML document, or one with a DOCTYPE."""


def make(name: str, *content: Element | str | None, **attributes: str) -> Element:
    """An element by its name with prefix, ``t:Subject``; None among the content is left out."""
    made = etree.Element(_qualified(name), attributes, nsmap=SPACES)
    for part in content:
        if isinstance(part, str):
            made.text = _FORBIDDEN.sub("", part)
        elif part is not None:
            made.append(part)
    return made


def find(parent: Element, path: str) -> Element:
    """The first element at ``t:Organizer/t:Mailbox``, None where there is none."""
    return parent.find(path, SPACES)


def find_all(parent: Element, path: str) -> list[Element]:
    return list(parent.iterfind(path, SPACES))


def children(parent: Element, path: str) -> list[Element]:
    """The elements below the one at ``path``; none where it is not there."""
    found = find(parent, path)
    return [] if found is None else list(found)


def text(parent: Element, path: str) -> str:
    """The text at ``path``, empty where there is none."""
    return str(parent.findtext(path, "", SPACES) or "")


def flag(parent: Element, path: str) -> bool:
    """The xs:boolean at ``path``; False where there is none."""
    return text(parent, path).strip().lower() in ("true", "1")


def local(element: Element) -> str:
    """The name without its namespace."""
    return str(etree.QName(element).localname)


def parse(content: bytes) -> Element:
    """The root. No entities, no DOCTYPE, no network. Raises Unparsable.

    Bytes that XML 1.0 forbids, or that are no UTF-8, stand in texts that people pasted: they stop no document. What is
    left without them has to be a whole one.
    """
    try:
        return _strictly(content)
    except etree.XMLSyntaxError as error:
        if not _is_utf8(content):
            raise Unparsable("no whole XML") from error
    try:
        return _strictly(_FORBIDDEN.sub("", content.decode("utf-8", "replace")).encode())
    except etree.XMLSyntaxError as error:
        raise Unparsable("no whole XML") from error


def _strictly(content: bytes) -> Element:
    """Raises XMLSyntaxError, and Unparsable for a DOCTYPE."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(_REFERENCE.sub(_allowed, content), parser)
    except ValueError as error:
        raise Unparsable("no whole XML") from error
    if root is None or root.getroottree().docinfo.doctype:
        raise Unparsable("a DOCTYPE, or nothing")
    return root


def _is_utf8(content: bytes) -> bool:
    """As the document says itself, and as it is without a word (XML 1.0, 4.3.3)."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00", b"<\x00")):
        return False
    declared = _ENCODING.match(content.removeprefix(b"\xef\xbb\xbf"))
    return declared is None or declared[1].lower() in (b"utf-8", b"utf8")


def _allowed(reference: re.Match[bytes]) -> bytes:
    number = int(reference[1], 16) if reference[1] else int(reference[2])
    return b"" if number > 0x10FFFF or _FORBIDDEN.match(chr(number)) else reference[0]


def _qualified(name: str) -> str:
    prefix, _, bare = name.partition(":")
    return f"{{{SPACES[prefix]}}}{bare}"


def written(element: Element) -> bytes:
    """As bytes, equal for elements that were made alike. Not c14n: below a default namespace lxml gets it wrong."""
    return bytes(etree.tostring(element, with_tail=False))
