"""Dates and times as people read them, in German and English. Pure; times are on the viewer's clock already.

Babel's own intervals shorten months that have room, and its English is American, so the patterns stand here.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from babel import Locale
from babel.dates import format_date, format_time
from flask_babel import gettext as _

from marketplace_plugin.host.calendar.entries import Shown, Span
from marketplace_plugin.model.time import AllDay

_DAY = timedelta(days=1)


def _date(day: date, german: str, english: str, locale: Locale) -> str:
    return format_date(day, german if locale.language == "de" else english, locale=locale)


def weekday(day: date, locale: Locale) -> str:
    """``Mi``, ``Wed``."""
    return _date(day, "EEEEEE", "EEE", locale).rstrip(".")


def weekday_name(day: date, locale: Locale) -> str:
    """``Mittwoch``."""
    return _date(day, "EEEE", "EEEE", locale)


def short_day(day: date, locale: Locale) -> str:
    """``Mi, 18. Nov.``, ``Wed 18 Nov``."""
    return weekday(day, locale) + _date(day, ", d. MMM", " d MMM", locale)


def long_day(day: date, locale: Locale) -> str:
    """``Mittwoch, 18. November``, ``Wednesday 18 November``."""
    return _date(day, "EEEE, d. MMMM", "EEEE d MMMM", locale)


def full_day(day: date, locale: Locale) -> str:
    """``18. November 2026``."""
    return _date(day, "d. MMMM y", "d MMMM y", locale)


def day_of_a_year(day: date, locale: Locale) -> str:
    """``18. November``."""
    return _date(day, "d. MMMM", "d MMMM", locale)


def month_name(day: date, locale: Locale) -> str:
    """``November 2026``."""
    return _date(day, "MMMM y", "MMMM y", locale)


def days_between(first: date, last: date, locale: Locale) -> str:
    """``16.–22. November 2026``; both days belong to it."""
    if first == last:
        return full_day(first, locale)
    if (first.year, first.month) == (last.year, last.month):
        return _date(first, "d.", "d", locale) + "–" + full_day(last, locale)
    year = first.year != last.year
    begins = _date(first, "d. MMM y" if year else "d. MMM", "d MMM y" if year else "d MMM", locale)
    return f"{begins} – {_date(last, 'd. MMM y', 'd MMM y', locale)}"


def days_between_short(first: date, last: date, locale: Locale) -> str:
    """``18.–20. Nov.``"""
    if first == last:
        return short_day(first, locale)
    same = (first.year, first.month) == (last.year, last.month)
    begins = _date(first, "d." if same else "d. MMM", "d" if same else "d MMM", locale)
    return f"{begins}{'–' if same else ' – '}{_date(last, 'd. MMM', 'd MMM', locale)}"


def clock(at: datetime, locale: Locale) -> str:
    """``10:38``."""
    return format_time(at.time(), "HH:mm", locale=locale)


def from_to(when: Span, locale: Locale) -> str:
    """``13:00–14:00``; one time where both are equal."""
    begins, ends = clock(when.start, locale), clock(when.end, locale)
    return begins if when.start == when.end else f"{begins}–{ends}"


def in_short(when: Shown, locale: Locale) -> str:
    """``Mi, 18. Nov., 13:00–14:00``."""
    if isinstance(when, AllDay):
        last = when.end - _DAY
        days = short_day(when.start, locale) if when.days == 1 else days_between_short(when.start, last, locale)
        return str(_("%(days)s, all day", days=days))
    if when.start.date() == when.end.date():
        return f"{short_day(when.start.date(), locale)}, {from_to(when, locale)}"
    begins = f"{short_day(when.start.date(), locale)}, {clock(when.start, locale)}"
    return f"{begins} – {short_day(when.end.date(), locale)}, {clock(when.end, locale)}"


def due(when: Shown, locale: Locale) -> str:
    """When a task or call is to be done: a day without a word about its length."""
    return short_day(when.start, locale) if isinstance(when, AllDay) else in_short(when, locale)


def in_full(when: Shown, locale: Locale) -> str:
    """``Mittwoch, 18. November, 13:00 bis 14:00 Uhr``."""
    if isinstance(when, AllDay):
        days = long_day(when.start, locale)
        if when.days > 1:
            days = str(_("%(first)s to %(last)s", first=days, last=long_day(when.end - _DAY, locale)))
        return str(_("%(days)s, all day", days=days))
    begins, ends = clock(when.start, locale), clock(when.end, locale)
    if when.start == when.end:
        times = str(_("%(clock)s o’clock", clock=begins))
    elif when.start.date() == when.end.date():
        times = str(_("%(start)s to %(end)s o’clock", start=begins, end=ends))
    else:
        times = str(
            _(
                "%(start)s to %(last_day)s, %(end)s o’clock",
                start=begins,
                last_day=long_day(when.end.date(), locale),
                end=ends,
            )
        )
    return f"{long_day(when.start.date(), locale)}, {times}"
