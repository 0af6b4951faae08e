"""Namespaces, and elements made and read by their short names (``t:Subject``, ``m:Items``)."""

from __future__ import annotations

from typing import Any

from lxml import etree

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
SPACES = {"s": SOAP, "m": MESSAGES, "t": TYPES, "e": ERRORS, "xsi": XSI}

Element = Any
"""An lxml element; lxml ships no types."""


def full(short: str) -> str:
    """``t:Subject`` in lxml's form."""
    prefix, _, local = short.partition(":")
    return f"{{{SPACES[prefix]}}}{local}"


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    name: str = etree.QName(element).localname
    return name


def make(short: str, text: str | None = None, /, **attributes: str) -> Element:
    """A new element."""
    element = etree.Element(full(short), nsmap={"m": MESSAGES, "t": TYPES})
    element.text = text
    for name, value in attributes.items():
        element.set(name, value)
    return element


def add(parent: Element, short: str, text: str | None = None, /, **attributes: str) -> Element:
    """A new child at the end."""
    child = etree.SubElement(parent, full(short))
    child.text = text
    for name, value in attributes.items():
        child.set(name, value)
    return child


def children(element: Element) -> list[Element]:
    """The child elements; no comments or processing instructions."""
    return [child for child in element if isinstance(child.tag, str)]


def find(element: Element, *path: str) -> Element | None:
    """The first element down a path of short names."""
    for short in path:
        element = element.find(full(short))
        if element is None:
            return None
    return element


def text(element: Element, *path: str) -> str | None:
    """The text of the element down a path; None if it is not there, "" if it is empty."""
    found = find(element, *path)
    return None if found is None else found.text or ""


def boolean(value: bool) -> str:
    """As XML writes it."""
    return "true" if value else "false"
