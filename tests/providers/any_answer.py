"""Answers that a schema allows: made of it at random, with every field that need not be there missing now and then."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

Json = dict[str, Any]
DEPTH = 5

MOMENTS = (
    "2026-03-10T09:00:00Z",
    "2026-03-10t09:00:00z",
    "2026-03-29T02:30:00.1234567+01:00",
    "2026-03-10T10:00:00-00:00",
    "2026-03-10T10:00:00.0000000",
    "1601-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z",
)
DATES = ("2026-03-10", "2026-03-11", "2024-02-29", "0001-01-01", "9999-12-31", "2026-13-01")
TEXTS = (
    "",
    " ",
    "Zahnarzt & Co <b>x</b>",
    "x\u0000y\ud83d\ude00",
    "anna@foreign.example",
    "Europe/Berlin",
    "W. Europe Standard Time",
    "tzone://Microsoft/Custom",
    "Nowhere/At_All",
    "javascript:alert(1)",
    "OID.a.2026-03-10",
    "RRULE:FREQ=WEEKLY;COUNT=3",
    "rrule:freq=monthly;bymonthday=31;until=20261231",
    "EXDATE;TZID=Europe/Berlin;VALUE=DATE-TIME:20260317T090000",
    "RDATE;VALUE=DATE:20260319,20260320",
    "RDATE;VALUE=PERIOD:20260319T090000Z/PT1H",
    "EXRULE:FREQ=DAILY",
    *MOMENTS,
    *DATES,
)
NUMBERS = (0, 1, 3, -1, 31, 366, 2**31 - 1, 2**63 - 1)


class AnyAnswer:
    """``schemas``: what references lead to, by their last step."""

    def __init__(self, schemas: Mapping[str, Json], random: Random) -> None:
        self._schemas, self._random = schemas, random

    def of(self, name: str, **given: Any) -> Json:
        made = self._made(self._schemas[name], 0)
        assert isinstance(made, dict)
        return made | given

    def _made(self, schema: Json, depth: int) -> Any:
        random = self._random
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return {} if depth > DEPTH else self._made(self._schemas[name], depth + 1)
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            return self._made(random.choice(choices), depth)
        if "enum" in schema:
            return random.choice([*schema["enum"], "unheardOf"])
        kind = schema.get("type", "object")
        match random.choice(kind) if isinstance(kind, list) else kind:
            case "null":
                return None
            case "boolean":
                return random.random() < 0.5
            case "integer" | "number":
                return random.choice(NUMBERS)
            case "string":
                known = {"date-time": MOMENTS, "date": DATES}.get(schema.get("format", ""), TEXTS)
                return random.choice(known)
            case "array":
                return [self._made(schema.get("items", {}), depth + 1) for _ in range(random.randrange(3))]
        fields = {name: one for name, one in schema.get("properties", {}).items() if random.random() < 0.7}
        return {name: self._made(one, depth + 1) for name, one in fields.items() if depth <= DEPTH}
