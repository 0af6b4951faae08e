"""Instants as a person reads them: in his zone, his language, and near to now in words. Pure: ``now`` is passed in."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, format_timedelta
from babel.numbers import format_decimal
from flask_babel import gettext as _


def moment(at: datetime, now: datetime, zone: str, locale: Locale) -> str:
    """``heute, 10:38``, ``gestern, 18:02``, ``Mi, 18. Nov., 10:38``; the year where it is another. Both aware."""
    here, today = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone)).date()
    clock = format_time(here.time(), "HH:mm", locale=locale)
    days = (here.date() - today).days
    if days == 0:
        return str(_("today, %(clock)s", clock=clock))
    if days == -1:
        return str(_("yesterday, %(clock)s", clock=clock))
    if days == 1:
        return str(_("tomorrow, %(clock)s", clock=clock))
    return f"{day(here, now, zone, locale)}, {clock}"


def day(at: datetime, now: datetime, zone: str, locale: Locale) -> str:
    """``Mi, 18. Nov.`` or ``Wed 18 Nov``; with the year where it is not this one."""
    here = at.astimezone(ZoneInfo(zone))
    year = "" if here.year == now.astimezone(ZoneInfo(zone)).year else " y"
    pattern = f"EEE, d. MMM{year}" if locale.language == "de" else f"EEE d MMM{year}"
    return format_date(here.date(), pattern, locale=locale)


def clock(at: datetime, zone: str, locale: Locale) -> str:
    """``10:38``."""
    return format_time(at.astimezone(ZoneInfo(zone)).time(), "HH:mm", locale=locale)


def ago(at: datetime, now: datetime, locale: Locale) -> str:
    """``vor 2 Min.`` or ``in 3 hours``; below a minute ``gerade eben``."""
    if abs(now - at) < timedelta(minutes=1):
        return str(_("just now"))
    return format_timedelta(at - now, add_direction=True, format="short", locale=locale)


def seconds(took: timedelta, locale: Locale) -> str:
    """``2,1 s``."""
    return f"{format_decimal(round(took.total_seconds(), 1), locale=locale)} s"
