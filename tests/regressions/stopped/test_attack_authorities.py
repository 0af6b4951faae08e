"""What an administrator hands in as certificate authorities, by mistake or in haste."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from marketplace_plugin.engine.form import servers
from marketplace_plugin.errors import InvalidSettings, NotFound
from tests.contract.test_authorities import authority
from tests.engine.forms import ACME, FormWorld, form_world
from tests.engine.shell import ADMIN


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FormWorld]:
    with form_world(tmp_path) as made:
        yield made


def names(world: FormWorld) -> list[str]:
    (view,) = servers.listed(world.engine, ADMIN)
    return [one.name for one in view.authorities]


def save(world: FormWorld, *authorities: str) -> None:
    servers.save(world.engine, ADMIN, ACME, "", "".join(map(authority, authorities)), "")


def test_too_many_little_by_little(world: FormWorld) -> None:
    """Each upload is small enough and all together are too many: the page of servers and every test of a password
    ended with an error page, and nothing could be taken away any more."""
    first, second = [f"a{n}" for n in range(15)], [f"b{n}" for n in range(15)]
    save(world, *first)
    with pytest.raises(InvalidSettings):
        save(world, *second)
    assert names(world) == first
    connection = world.add()
    assert world.test(connection).passed


def test_two_administrators_at_once(world: FormWorld) -> None:
    """A page of yesterday, saved today, opened a server again that a colleague had closed since, so that passwords went
    there; and closed the one that he had opened for somebody who waits."""
    servers.save(world.engine, ADMIN, ACME, "a.example.org b.example.org", "", "")
    servers.save(world.engine, ADMIN, ACME, "b.example.org c.example.org", "", "")
    page = "a.example.org b.example.org"
    servers.save(world.engine, ADMIN, ACME, f"{page} d.example.org", "", "", page)
    (view,) = servers.listed(world.engine, ADMIN)
    assert set(view.allowed) == {"b.example.org", "c.example.org", "d.example.org"}
    servers.save(world.engine, ADMIN, ACME, "", "", "", "")
    (view,) = servers.listed(world.engine, ADMIN)
    assert set(view.allowed) == {"b.example.org", "c.example.org", "d.example.org"}


def test_removed_twice_in_haste(world: FormWorld) -> None:
    """A double click, or a page of yesterday: the next authority in the list was taken away as well, and every
    connection to its servers ended."""
    save(world, "one", "two")
    (view,) = servers.listed(world.engine, ADMIN)
    servers.distrust(world.engine, ADMIN, ACME, view.authorities[0].fingerprint)
    with pytest.raises(NotFound):
        servers.distrust(world.engine, ADMIN, ACME, view.authorities[0].fingerprint)
    assert names(world) == ["two"]
