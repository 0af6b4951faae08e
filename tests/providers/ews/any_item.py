"""Items that Microsoft's schema allows: made of it at random, what need not be there missing now and then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from lxml import etree

SCHEMA = Path(__file__).parents[2] / "sandbox" / "ews" / "schemas" / "types.xsd"
XS = "{http://www.w3.org/2001/XMLSchema}"
T = "http://schemas.microsoft.com/exchange/services/2006/types"
DEPTH = 6

TEXTS = (
    "",
    " ",
    "Zahnarzt <b>x</b> &nbsp;",
    "anna@foreign.example",
    "W. Europe Standard Time",
    "Customized Time Zone",
    "javascript:alert(1)",
    "x" * 300,
)
SIMPLE = {
    "boolean": ("true", "false", "1", "0", " true "),
    "dateTime": (
        "2026-03-10T09:00:00Z",
        "2026-03-10T09:00:00",
        "2026-03-10T09:00:00.1234567+01:00",
        "2026-03-10T24:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "-0001-01-01T00:00:00Z",
    ),
    "date": ("2026-03-10", "2026-03-10Z", "2026-03-10+14:00", "0001-01-01", "9999-12-31"),
    "time": ("09:00:00", "24:00:00"),
    "duration": ("PT1H", "-PT60M", "P0DT0H0M0.0S", "P1Y2M", "PT0.5S"),
    "int": ("0", "1", "-1", "31", "2147483647", " 7 "),
    "base64Binary": ("", "AAEC"),
}


class AnyItem:
    def __init__(self, random: Random) -> None:
        root = etree.parse(SCHEMA, etree.XMLParser(remove_comments=True)).getroot()
        self._types = {one.get("name"): one for one in root if one.tag in (f"{XS}complexType", f"{XS}simpleType")}
        self._elements = {one.get("name"): one for one in root.findall(f"{XS}element")}
        self._groups = {one.get("name"): one for one in root.findall(f"{XS}group")}
        self._random = random

    def of(self, type_name: str, name: str) -> Any:
        made = etree.Element(f"{{{T}}}{name}")
        self._fill(made, self._types[type_name], 0)
        return made

    def _fill(self, made: Any, schema: Any, depth: int) -> None:
        """What a type says, on the element that is of it."""
        if schema.tag == f"{XS}simpleType":
            made.text = self._text(schema)
            return
        for part in schema.iterchildren():
            match part.tag.removeprefix(XS):
                case "complexContent" | "simpleContent" | "sequence" | "all":
                    self._fill(made, part, depth)
                case "extension" | "restriction":
                    base = part.get("base", "").rpartition(":")[2]
                    if base in self._types:
                        self._fill(made, self._types[base], depth)
                    elif base:
                        made.text = self._simple(base)
                    self._fill(made, part, depth)
                case "choice":
                    options = [one for one in part if one.tag in (f"{XS}element", f"{XS}group", f"{XS}sequence")]
                    if options:
                        self._particle(made, self._random.choice(options), depth)
                case "element" | "group":
                    self._particle(made, part, depth)
                case "attribute" if part.get("name") and (part.get("use") == "required" or self._random.random() < 0.6):
                    made.set(part.get("name"), self._named(part.get("type", "xs:string")).strip())

    def _particle(self, made: Any, part: Any, depth: int) -> None:
        kind = part.tag.removeprefix(XS)
        if kind == "group":
            self._fill(made, self._groups[part.get("ref").rpartition(":")[2]], depth)
            return
        if kind == "sequence":
            self._fill(made, part, depth)
            return
        optional = part.get("minOccurs") == "0"
        if (optional and self._random.random() < 0.5) or depth > DEPTH:
            return
        for _ in range(self._random.randrange(1, 3) if part.get("maxOccurs") == "unbounded" else 1):
            self._element(made, part, depth)

    def _element(self, made: Any, part: Any, depth: int) -> None:
        if ref := part.get("ref"):
            part = self._elements[ref.rpartition(":")[2]]
        child = etree.SubElement(made, f"{{{T}}}{part.get('name')}")
        kind = part.get("type", "").rpartition(":")[2]
        if kind in self._types:
            self._fill(child, self._types[kind], depth + 1)
        elif kind:
            child.text = self._simple(kind)
        else:
            for inner in part.iterchildren(f"{XS}complexType", f"{XS}simpleType"):
                self._fill(child, inner, depth + 1)

    def _named(self, type_name: str) -> str:
        kind = type_name.rpartition(":")[2]
        return self._text(self._types[kind]) if kind in self._types else self._simple(kind)

    def _text(self, schema: Any) -> str:
        if values := [one.get("value") for one in schema.iter(f"{XS}enumeration")]:
            return str(self._random.choice(values))
        if (listed := schema.find(f"{XS}list")) is not None:
            return " ".join(self._words(listed))
        if (base := schema.find(f"{XS}restriction")) is not None:
            return self._named(base.get("base"))
        return self._random.choice(TEXTS)

    def _words(self, listed: Any) -> Iterator[str]:
        for _ in range(self._random.randrange(3)):
            yield self._named(listed.get("itemType"))

    def _simple(self, kind: str) -> str:
        known = SIMPLE.get({"short": "int", "unsignedInt": "int", "long": "int", "integer": "int"}.get(kind, kind))
        return self._random.choice(known or TEXTS)
