"""Broken requests are refused, never a crash: each part of good ones is taken away, emptied or spoilt in turn."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree

from marketplace_plugin.sandbox.ews import EwsSandbox
from marketplace_plugin.sandbox.ews.seed import JONAS
from tests.sandbox.ews.conftest import CALENDAR, OWN, ZONE, Ews, reference, set_field, timed
from tests.sandbox.ews.contract import breaches

RULE = (
    "<t:Recurrence><t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Friday</t:DaysOfWeek>"
    "</t:WeeklyRecurrence><t:NumberedRecurrence><t:StartDate>2026-11-20</t:StartDate>"
    "<t:NumberOfOccurrences>6</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>"
)
STAMP = f"<t:ExtendedProperty><t:ExtendedFieldURI {OWN}/><t:Value>steg-1</t:Value></t:ExtendedProperty>"
STRAY = "haracter content"
"""Text in an element that has no place for it, which the sandbox reads over if the element is empty else."""
GUEST = f"<t:Mailbox><t:EmailAddress>{JONAS}</t:EmailAddress></t:Mailbox>"


def send_all(anna: Ews) -> None:
    """One good request of each kind."""
    guests = f"<t:RequiredAttendees><t:Attendee>{GUEST}</t:Attendee></t:RequiredAttendees>"
    body = '<t:Body BodyType="Text">a</t:Body>'
    made = anna.create(timed(middle=f"{body}<t:Categories><t:String>r</t:String></t:Categories>{STAMP}", after=guests))
    series = anna.create(timed(after=RULE))
    zone = set_field("calendar:StartTimeZone", f'<t:StartTimeZone Id="{ZONE}"/>')
    anna.update(reference(made), set_field("item:Subject", "<t:Subject>b</t:Subject>"), zone)
    anna.update(reference(series), set_field("calendar:Recurrence", RULE))
    master = series.one("//t:ItemId/@Id")
    anna.get(f'<t:OccurrenceItemId RecurringMasterId="{master}" InstanceIndex="2"/>')
    anna.sync(anna.sync().one("//m:SyncState"))
    constant = '<t:FieldURIOrConstant><t:Constant Value="steg-1"/></t:FieldURIOrConstant>'
    anna(
        '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>'
        '<m:IndexedPageItemView MaxEntriesReturned="5" Offset="0" BasePoint="Beginning"/><m:Restriction><t:And>'
        f"<t:IsEqualTo><t:ExtendedFieldURI {OWN}/>{constant}</t:IsEqualTo></t:And></m:Restriction>"
        f"<m:ParentFolderIds>{CALENDAR}</m:ParentFolderIds></m:FindItem>"
    )
    anna.delete(master)


def spoilt(body: bytes, seed: int) -> Iterator[bytes]:
    """The request with one element taken away, emptied or spoilt; every third of them, from ``seed`` on."""
    root = etree.fromstring(body)
    count = len(list(root.iter()))
    for place in range(2 + seed, count, 3):
        for change in ("remove", "empty", "text", "attributes"):
            twin = copy.deepcopy(root)
            element: Any = list(twin.iter())[place]
            if change == "remove":
                element.getparent().remove(element)
            elif change == "empty":
                del element[:]
                element.text = ""
            elif change == "text":
                element.text = "quatsch"
            else:
                for name in element.attrib:
                    element.set(name, "quatsch")
            yield etree.tostring(twin)


@pytest.mark.parametrize("seed", range(3))
def test_each_broken_request_has_an_answer_and_none_is_taken_that_the_schema_refuses(
    seed: int, anna: Ews, sandbox: EwsSandbox
) -> None:
    send_all(anna)
    bodies = [row.body for row in sandbox.requests()]
    for body in bodies:
        for broken in spoilt(body, seed):
            reply = anna.post(broken)
            assert reply.status in (200, 500)
            assert reply.codes
            if set(reply.codes) == {"NoError"}:
                assert not [breach for breach in breaches(broken) if STRAY not in breach], broken
