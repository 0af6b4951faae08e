"""Sealed values: AES-256-GCM with the place of the value as associated data, keys outside the database.

A sealed value is ``0x01 | key id (4 bytes) | nonce (12 bytes) | ciphertext and tag``. It opens only at the table,
column and row that it was sealed for. The first key seals, all keys open; ``is_current`` tells what rotation has left
to do.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from marketplace_plugin.errors import ConfigError, SealBroken

KEY_BYTES = 32
_FORMAT = b"\x01"
_ID_BYTES = 4
_NONCE_BYTES = 12
_HEAD = len(_FORMAT) + _ID_BYTES + _NONCE_BYTES


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"marketplace-plugin/" + purpose).derive(secret)


def new_key() -> str:
    """A fresh secret key in the form that ``parse_keys`` reads."""
    return base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()


def parse_keys(texts: Sequence[str]) -> tuple[bytes, ...]:
    """Keys as URL-safe base64 of 32 bytes each. Raises ConfigError, which names the position and never the key."""
    keys = []
    for position, text in enumerate(texts, start=1):
        try:
            key = base64.b64decode(text.strip().encode(), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raise ConfigError(f"secret key {position} is not URL-safe base64") from None
        if len(key) != KEY_BYTES:
            raise ConfigError(f"secret key {position} has {len(key)} bytes, expected {KEY_BYTES}")
        keys.append(key)
    if not keys:
        raise ConfigError("no secret key is given")
    if len(set(keys)) != len(keys):
        raise ConfigError("the same secret key is given twice")
    return tuple(keys)


class Vault:
    """``keys``: 32 bytes each, the current one first. ``index_secret`` makes keyed identities and outlives the keys."""

    def __init__(self, keys: Sequence[bytes], index_secret: bytes = b"") -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ConfigError(f"a vault needs keys of {KEY_BYTES} bytes")
        self._ciphers = {_derive(key, b"id")[:_ID_BYTES]: AESGCM(_derive(key, b"seal")) for key in keys}
        self._current = next(iter(self._ciphers))
        self._keys = tuple(keys)
        self._index = _derive(index_secret, b"index") if index_secret else b""

    def with_index(self, index_secret: bytes) -> Vault:
        return Vault(self._keys, index_secret)

    def seal(self, table: str, column: str, row_id: str, plain: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, plain, _place(table, column, row_id))
        return _FORMAT + self._current + nonce + sealed

    def open(self, table: str, column: str, row_id: str, sealed: bytes) -> bytes:
        """Raises SealBroken where no known key opens the value at this place."""
        if len(sealed) < _HEAD or sealed[:1] != _FORMAT:
            raise SealBroken(f"{table}.{column}: not a sealed value")
        cipher = self._ciphers.get(sealed[1 : 1 + _ID_BYTES])
        if cipher is None:
            raise SealBroken(f"{table}.{column}: sealed with a key that is not configured")
        nonce = sealed[1 + _ID_BYTES : _HEAD]
        try:
            return cipher.decrypt(nonce, sealed[_HEAD:], _place(table, column, row_id))
        except InvalidTag:
            raise SealBroken(f"{table}.{column}: altered, or moved from another row") from None

    def is_current(self, sealed: bytes) -> bool:
        """False where the value was sealed with another key than the first."""
        return sealed[1 : 1 + _ID_BYTES] == self._current

    def keyed(self, value: bytes) -> str:
        """HMAC-SHA-256 as 64 hex digits: equal for equal values of this installation, and tells nothing without its
        key."""
        if not self._index:
            raise ConfigError("the vault has no index secret yet")
        return hmac.new(self._index, value, hashlib.sha256).hexdigest()


def _place(table: str, column: str, row_id: str) -> bytes:
    """Unambiguous: each part is preceded by its length."""
    parts = (table.encode(), column.encode(), row_id.encode())
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
