"""Safeguards at Exchange's door: silence, change keys, one sign-in, whole answers, the right occurrence."""

from __future__ import annotations

from typing import Any

from tests.faults.taking import Safeguard, swap, swap_method

WRITING = "tests/providers/ews/test_writing.py"
OCCURRENCES = "tests/providers/ews/test_occurrences.py"
TRANSPORT = "tests/providers/ews/test_transport.py"
READING = "tests/providers/ews/test_reading.py"


def _rewritten(**replaced: str) -> None:
    """Requests with other words in their attributes."""
    from marketplace_plugin.providers.ews.soap.client import Client

    one = Client.one

    def said(client: Client, payload: Any) -> Any:
        for name, value in payload.attrib.items():
            payload.set(name, replaced.get(value, value))
        return one(client, payload)

    swap_method(Client, "one", said)


def _everybody_is_mailed() -> None:
    _rewritten(SendToNone="SendToAllAndSaveCopy")


def _whatever_stands_there() -> None:
    from marketplace_plugin.providers.ews.attempt import Attempt

    swap_method(Attempt, "expect", lambda attempt, item, _revision: attempt.whole(item))


def _last_writer_wins() -> None:
    _rewritten(NeverOverwrite="AlwaysOverwrite")


def _again_and_again() -> None:
    from marketplace_plugin.providers.ews.soap.wire import Line

    post = Line.post

    def forgetful(line: Line, content: bytes, headers: Any) -> Any:
        line.refused = False
        return post(line, content, headers)

    swap_method(Line, "post", forgetful)


def _mended() -> None:
    from lxml import etree

    from marketplace_plugin.providers.ews.soap import xml

    def parse(content: bytes) -> Any:
        return etree.fromstring(content, etree.XMLParser(resolve_entities=False, recover=True))

    swap(xml.parse, parse)


def _times_before_zones() -> None:
    from marketplace_plugin.providers.ews.shape import encode

    encode._ZONES = frozenset()


def _any_occurrence() -> None:
    from marketplace_plugin.providers.ews import series
    from marketplace_plugin.providers.ews.shape import decode
    from marketplace_plugin.providers.ews.soap.xml import make

    def there(attempt: Any, whole: Any, now: Any, original: Any) -> Any:
        number = str(series._number(now, original))
        identity = make("t:OccurrenceItemId", RecurringMasterId=decode.id_of(whole.master), InstanceIndex=number)
        (found,) = attempt.reader.items([identity])
        return found

    swap(series._there, there)


def _all_is_ours() -> None:
    from marketplace_plugin.model.write import Applied
    from marketplace_plugin.providers.ews import series

    swap(series.as_stored, lambda attempt, now, _older, _key, _wanted: Applied(attempt.op, now.id, now.revision, now))


def _at_home_nowhere() -> None:
    from marketplace_plugin.providers.ews.shape import encode

    times = encode.times
    swap(times, lambda when, *, home, repeats=False: times(when, home="UTC" if home else home, repeats=repeats))


def _private_items_shown() -> None:
    from marketplace_plugin.providers.ews.shape import decode

    swap(decode.is_masked, lambda _item, _calendar: False)


EXCHANGE = (
    Safeguard(
        "exchange: silence",
        "every write asks Exchange to send to none",
        "providers/ews/attempt.py::Attempt.update",
        (f"{WRITING}::test_every_write_says_that_nobody_is_mailed_and_nothing_overwritten",),
        _everybody_is_mailed,
    ),
    Safeguard(
        "exchange: whole revision",
        "an item counts as unchanged only with all its exceptions",
        "providers/ews/attempt.py::Attempt.expect",
        (f"{WRITING}::test_an_edit_since_we_read_is_never_written_over",),
        _whatever_stands_there,
    ),
    Safeguard(
        "exchange: change key",
        "an update is refused where somebody wrote since",
        "providers/ews/attempt.py::Attempt.update",
        (f"{WRITING}::test_every_write_says_that_nobody_is_mailed_and_nothing_overwritten",),
        _last_writer_wins,
    ),
    Safeguard(
        "exchange: one sign-in",
        "a password that was refused is not sent again",
        "providers/ews/soap/wire.py::Line.post",
        (f"{TRANSPORT}::test_a_wrong_password_is_tried_once",),
        _again_and_again,
    ),
    Safeguard(
        "exchange: whole answers",
        "an answer that was cut off is none",
        "providers/ews/soap/xml.py::parse",
        (f"{TRANSPORT}::test_an_answer_that_was_cut_off_is_none",),
        _mended,
    ),
    Safeguard(
        "exchange: zones first",
        "in an update zones come before times, else the instant moves",
        "providers/ews/shape/encode.py::changes",
        (f"{OCCURRENCES}::test_a_new_rule_writes_the_exceptions_anew",),
        _times_before_zones,
    ),
    Safeguard(
        "exchange: the right occurrence",
        "an occurrence is the one that is meant only by its original start",
        "providers/ews/series.py::_there",
        (f"{OCCURRENCES}::test_the_number_of_an_occurrence_is_checked_by_its_start",),
        _any_occurrence,
    ),
    Safeguard(
        "exchange: what is ours",
        "what somebody writes right after us is not taken for ours",
        "providers/ews/series.py::as_stored",
        (f"{WRITING}::test_what_somebody_writes_right_after_us_is_found_again",),
        _all_is_ours,
    ),
    Safeguard(
        "exchange: at home",
        "whole days are midnights of the user's zone",
        "providers/ews/shape/encode.py::times",
        (f"{WRITING}::test_whole_days_are_midnights_of_the_users_zone",),
        _at_home_nowhere,
    ),
    Safeguard(
        "exchange: private items",
        "a colleague's private items are masked, whether the server does it or not",
        "providers/ews/shape/decode.py::is_masked",
        (f"{READING}::test_private_items_of_a_colleague",),
        _private_items_shown,
    ),
)
