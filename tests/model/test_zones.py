"""Zone names: what Windows means, what is unknown, and which names mean the same."""

from __future__ import annotations

from zoneinfo import available_timezones

import pytest

from marketplace_plugin.model.names.windows_zones import IANA_OF, WINDOWS_OF
from marketplace_plugin.model.names.zones import (
    back_to_iana,
    is_iana,
    resolve,
    same_rules,
    to_iana,
    to_windows,
    well_known,
)


@pytest.mark.parametrize(
    "name, iana",
    [
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("Romance Standard Time", "Europe/Paris"),
        ("Eastern Standard Time", "America/New_York"),
        ("India Standard Time", "Asia/Calcutta"),
        ("Europe/Berlin", "Europe/Berlin"),
        ("UTC", "UTC"),
        ("GMT+01:00", "Etc/GMT-1"),
        ("GMT-11:00", "Etc/GMT+11"),
        ("GMT+05:45", None),
        ("GMT+15:00", None),
        ("Customized Time Zone", None),
        ("tzone://Microsoft/Custom", None),
        ("(UTC+01:00) Amsterdam, Berlin", None),
        ("Europe", None),
        ("../../etc/passwd", None),
        ("", None),
    ],
)
def test_resolve(name: str, iana: str | None) -> None:
    assert resolve(name) == iana


def test_the_tables_name_real_zones_and_close() -> None:
    known = available_timezones()
    assert set(IANA_OF.values()) <= known
    assert {name for name in WINDOWS_OF if name} <= known
    assert set(WINDOWS_OF.values()) <= set(IANA_OF)
    for windows, iana in IANA_OF.items():
        assert to_windows(iana) == windows


def test_every_zone_in_use_has_a_windows_name() -> None:
    for iana in ("Europe/Kyiv", "America/Ciudad_Juarez", "America/Coyhaique", "Asia/Qostanay", "Asia/Kolkata"):
        assert to_windows(iana) is not None, iana


def test_the_way_back_keeps_the_zone_that_we_had() -> None:
    windows = to_windows("Europe/Madrid")
    assert windows == "Romance Standard Time"
    assert to_iana(windows) == "Europe/Paris"
    assert back_to_iana(windows, "Europe/Madrid") == "Europe/Madrid"
    assert back_to_iana(windows, "Europe/Berlin") == "Europe/Paris"  # moved there by someone
    assert back_to_iana(windows, None) == "Europe/Paris"
    assert back_to_iana("Customized Time Zone", "Europe/Madrid") is None


@pytest.mark.parametrize(
    "now, before",
    [("Europe/Kyiv", "Europe/Kiev"), ("America/Nuuk", "America/Godthab"), ("Pacific/Kanton", "Pacific/Enderbury")],
)
def test_a_renamed_zone_is_known_by_both_names_and_told_by_the_older(now: str, before: str) -> None:
    assert resolve(now) == now
    assert resolve(before) == before
    assert same_rules(now, before)
    assert to_windows(now) == to_windows(before) is not None
    assert well_known(now) == well_known(before) == before
    assert back_to_iana(to_windows(before) or "", now) == now  # it comes back as it is called here
    assert well_known("Europe/Berlin") == "Europe/Berlin"


@pytest.mark.parametrize(
    "a, b, equal",
    [
        ("Europe/Berlin", "Europe/Busingen", True),
        ("Asia/Calcutta", "Asia/Kolkata", True),
        ("Europe/Berlin", "Europe/Paris", True),
        ("Europe/Berlin", "Europe/London", False),
        ("Europe/Berlin", "Africa/Lagos", False),
        ("Australia/Lord_Howe", "Australia/Sydney", False),
        ("America/Phoenix", "America/Denver", False),
        ("Nowhere/Land", "Nowhere/Land", True),
        ("Nowhere/Land", "Europe/Berlin", False),
    ],
)
def test_same_rules(a: str, b: str, equal: bool) -> None:
    assert same_rules(a, b) is equal
    assert same_rules(b, a) is equal


def test_names() -> None:
    assert is_iana("Europe/Berlin")
    assert not is_iana("W. Europe Standard Time")
