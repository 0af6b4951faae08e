"""Sealed values open at their own place only, with any configured key; keyed identities outlive the keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_plugin.errors import ConfigError, SealBroken
from marketplace_plugin.store import Store, connections, grants
from marketplace_plugin.store.vault import Vault, new_key, parse_keys
from tests.store.conftest import KEY, NOW

OTHER = bytes(range(1, 33))
PLACE = ("link", "sealed", "l1")


@given(st.binary(), st.text(), st.text(), st.text())
def test_what_is_sealed_opens(plain: bytes, table: str, column: str, row_id: str) -> None:
    vault = Vault([KEY])
    assert vault.open(table, column, row_id, vault.seal(table, column, row_id, plain)) == plain


@pytest.mark.parametrize(
    "place", [("block", "sealed", "l1"), ("link", "base", "l1"), ("link", "sealed", "l2"), ("lin", "ksealed", "l1")]
)
def test_a_value_moved_elsewhere_does_not_open(place: tuple[str, str, str]) -> None:
    vault = Vault([KEY])
    with pytest.raises(SealBroken, match="altered, or moved"):
        vault.open(*place, vault.seal(*PLACE, b"secret"))


@given(st.data())
def test_an_altered_value_does_not_open(data: st.DataObject) -> None:
    vault = Vault([KEY])
    sealed = bytearray(vault.seal(*PLACE, b"secret"))
    position = data.draw(st.integers(0, len(sealed) - 1))
    sealed[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken):
        vault.open(*PLACE, bytes(sealed))


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"plain text that was never sealed"])
def test_what_was_never_sealed_does_not_open(sealed: bytes) -> None:
    with pytest.raises(SealBroken, match="not a sealed value"):
        Vault([KEY]).open(*PLACE, sealed)


def test_the_same_value_is_never_sealed_alike() -> None:
    vault = Vault([KEY])
    assert vault.seal(*PLACE, b"secret") != vault.seal(*PLACE, b"secret")


def test_the_first_key_seals_and_all_open() -> None:
    old = Vault([KEY]).seal(*PLACE, b"secret")
    vault = Vault([OTHER, KEY])
    assert vault.open(*PLACE, old) == b"secret"
    assert not vault.is_current(old)
    assert vault.is_current(vault.seal(*PLACE, b"secret"))


def test_keyed_identities_survive_a_change_of_keys() -> None:
    secret = b"index secret"
    assert Vault([KEY], secret).keyed(b"uid") == Vault([OTHER, KEY], secret).keyed(b"uid")
    assert Vault([KEY], secret).keyed(b"uid") != Vault([KEY], b"other").keyed(b"uid")


def test_keys_in_text() -> None:
    assert len(parse_keys([new_key(), new_key()])) == 2
    for bad, said in [
        ([], "no secret key"),
        (["short"], "key 1 is not|key 1 has"),
        ([new_key(), "ä" * 44], "key 2 is not"),
        (["QUJD"], "key 1 has 3 bytes"),
    ]:
        with pytest.raises(ConfigError, match=said):
            parse_keys(bad)
    key = new_key()
    with pytest.raises(ConfigError, match="twice") as caught:
        parse_keys([key, key])
    assert key not in str(caught.value)


def test_rotation_seals_everything_again(database: str, store: Store, connected: str) -> None:
    with store.begin() as unit:
        grants.put(
            unit.connection,
            connected,
            "google",
            "account",
            access="access",
            refresh="refresh",
            expires_at=None,
            scopes=["a"],
            now=NOW,
        )
    rotating = Store.open(database, [OTHER, KEY])
    while rotating.reseal(limit=1):
        pass
    rotating.close()
    rotated = Store.open(database, [OTHER])
    with rotated.read() as c:
        grant = grants.get(c, connected)
        connection = connections.get(c, connected)
    rotated.close()
    assert grant is not None
    assert (grant.access, grant.refresh) == ("access", "refresh")
    assert connection is not None
    assert connection.account == "me@example.org"
