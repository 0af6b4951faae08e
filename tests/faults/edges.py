"""Safeguards at the doors: the services' requests, sign-in, sealed values, and who sees what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.faults.taking import Safeguard, swap, swap_method

WRITING = "tests/providers/google/test_writing.py"
TRANSPORT = "tests/providers/google/test_transport.py"
OCCURRENCES = "tests/providers/google/test_occurrences.py"


def _no_if_match() -> None:
    from marketplace_plugin.providers.google.transport import Client

    call = Client.call
    swap_method(Client, "call", lambda client, request, if_match="": call(client, request))


def _no_whole_revision() -> None:
    from marketplace_plugin.providers.google.attempt import Attempt

    swap_method(Attempt, "expect", lambda attempt, item, _revision: attempt.whole(item))


def _everybody_is_mailed() -> None:
    from marketplace_plugin.providers.google.transport import Client

    call = Client.call

    def loud(client: Client, request: Any, *, if_match: str = "") -> Any:
        request.uri = request.uri.replace("sendUpdates=none", "sendUpdates=all")
        return call(client, request, if_match=if_match)

    swap_method(Client, "call", loud)


def _masked_fields_are_sent() -> None:
    from marketplace_plugin.providers.google import write

    swap(write._masked, lambda _event, _names: False)


def _colleagues_see_titles() -> None:
    from marketplace_plugin.engine.blocks import StoredBlocks

    swap_method(StoredBlocks, "_to_others", lambda blocks, owner, _viewer, window: blocks._to_owner(owner, window))


def _days_hide_alone() -> None:
    from marketplace_plugin.model.form import outline

    swap(outline.hidden_in, lambda _item, event: outline.hidden(event))


def _nothing_is_sealed() -> None:
    from marketplace_plugin.store.vault import _HEAD, Vault

    seal = Vault.seal

    def bare(vault: Vault, table: str, column: str, row_id: str, plain: bytes) -> bytes:
        return seal(vault, table, column, row_id, plain)[:_HEAD] + plain

    swap_method(Vault, "seal", bare)
    swap_method(Vault, "open", lambda _vault, _table, _column, _row_id, sealed: sealed[_HEAD:])


def _seals_fit_everywhere() -> None:
    from marketplace_plugin.store import vault

    swap(vault._place, lambda _table, _column, _row_id: b"")


def _a_state_is_good_for_ever() -> None:
    from sqlalchemy import update

    from marketplace_plugin.store import authorizations
    from marketplace_plugin.store.tables import authorization

    use = authorizations.use

    def again(c: Any, **asked: Any) -> Any:
        found = use(c, **asked)
        c.execute(update(authorization).values(used_at=None))
        return found

    swap(use, again)


def _plain_http_everywhere() -> None:
    from marketplace_plugin.engine.sign_in import transport
    from marketplace_plugin.providers.google import transport as google

    swap(transport.require_secure, lambda url: url)
    swap(google._check_transport, lambda _root: None)


def _versions_of_tokens_do_not_count() -> None:
    from sqlalchemy import select

    from marketplace_plugin.store import grants
    from marketplace_plugin.store.tables import grant

    def current(c: Any, connection: str) -> int:
        return int(c.execute(select(grant.c.version).where(grant.c.connection == connection)).scalar_one())

    def without(compared: Callable[..., Any]) -> Callable[..., Any]:
        def blind(c: Any, connection: str, _version: int, *rest: Any, **more: Any) -> Any:
            return compared(c, connection, current(c, connection), *rest, **more)

        return blind

    for compared in (grants.expire, grants.replace, grants.claim_refresh):
        swap(compared, without(compared))


EDGES = (
    Safeguard(
        "if-match",
        "each request to Google names the ETag that must still be current",
        "providers/google/transport.py::Client.call",
        (f"{WRITING}::test_an_event_that_somebody_changed_is_stale",),
        _no_if_match,
    ),
    Safeguard(
        "whole revision",
        "a series counts as unchanged only with all its exceptions",
        "providers/google/attempt.py::Attempt.expect",
        (
            f"{WRITING}::test_an_edited_occurrence_keeps_its_series_from_deletion",
            f"{OCCURRENCES}::test_an_edited_occurrence_makes_the_series_stale",
        ),
        _no_whole_revision,
    ),
    Safeguard(
        "silence",
        "every write asks Google to tell nobody",
        "providers/google/attempt.py::Attempt._send",
        (
            "tests/providers/google/test_transport.py::test_every_request_names_its_columns_and_every_write_is_silent",
            f"{WRITING}::test_a_guest_answers_and_nothing_else_of_the_list_changes",
        ),
        _everybody_is_mailed,
    ),
    Safeguard(
        "masked fields",
        "a field that is not known is not sent to Google",
        "providers/google/write.py::_masked",
        (f"{WRITING}::test_masked_fields_are_never_written",),
        _masked_fields_are_sent,
    ),
    Safeguard(
        "redaction",
        "a colleague sees busy and nothing else",
        "engine/blocks.py::_to_others",
        (
            "tests/regressions/shown/test_others.py::test_private_events_are_their_owners_and_nobody_elses",
            "tests/engine/acts/test_blocks.py::test_a_colleague_sees_when_and_nothing_else",
        ),
        _colleagues_see_titles,
    ),
    Safeguard(
        "hidden series",
        "an occurrence is as private as its series, in the pages and in the API",
        "model/form/outline.py::hidden_in",
        (
            "tests/regressions/shown/test_attack_outline.py::test_the_api_hides_the_stricter_of_series_and_day",
            "tests/regressions/shown/test_attack_outline.py::test_a_page_tells_no_more_than_the_api",
        ),
        _days_hide_alone,
    ),
    Safeguard(
        "sealed content",
        "no content lies open in the database",
        "store/vault.py::Vault.seal",
        (
            "tests/store/test_privacy.py::test_no_planted_word_is_in_a_database_file",
            "tests/store/test_vault.py::test_an_altered_value_does_not_open",
        ),
        _nothing_is_sealed,
    ),
    Safeguard(
        "sealed in its place",
        "a sealed value opens in its own row alone",
        "store/vault.py::_place",
        ("tests/store/test_vault.py::test_a_value_moved_elsewhere_does_not_open",),
        _seals_fit_everywhere,
    ),
    Safeguard(
        "state counts once",
        "the state of a sign-in is used up by its first use",
        "store/accounts/authorizations.py::use",
        (
            "tests/store/test_accounts.py::test_a_state_is_used_once",
            "tests/engine/connecting/test_authorize.py::test_a_state_is_good_once",
        ),
        _a_state_is_good_for_ever,
    ),
    Safeguard(
        "loopback gate",
        "secrets go by https, or to this machine",
        "engine/sign_in/transport.py::require_secure",
        (
            "tests/engine/connecting/test_transport.py::test_refused",
            f"{TRANSPORT}::test_plain_http_is_for_loopback_alone",
        ),
        _plain_http_everywhere,
    ),
    Safeguard(
        "version of tokens",
        "a refusal counts for the tokens that were refused alone",
        "store/accounts/grants.py",
        (
            "tests/engine/connecting/test_grants.py::test_invalid_grant_of_older_tokens_ends_nothing",
            "tests/store/test_accounts.py::test_the_right_to_refresh_belongs_to_one_and_to_a_version",
        ),
        _versions_of_tokens_do_not_count,
    ),
)
