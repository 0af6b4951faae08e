"""What stands for a UID in clear columns."""

from __future__ import annotations

from marketplace_plugin.store.vault import Vault


def uid_key(vault: Vault, user: str, uid: str) -> str:
    """The keyed identity of a UID for one user: two users' links to one meeting have nothing in common."""
    return vault.keyed(f"uid\0{user}\0{uid}".encode())


def meeting_key(vault: Vault, uid: str) -> str:
    """The keyed identity of a UID for all users: of copies of host events alone, which their participants share."""
    return vault.keyed(f"meeting\0{uid}".encode())
