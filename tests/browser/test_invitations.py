"""The switch "Einladungen über diesen Kalender", as a person meets it: off, with what Google says beside it, a plan
that says how many, the participants at Google, and nobody mailed (which the world looks after)."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.person import Someone
from tests.browser.world import GOOGLE_ANNA, World

MAIN = f"{GOOGLE_ANNA} (Hauptkalender)"
SERIES = "Wochenstart Vertrieb"


def invited(steg: World) -> set[str]:
    """To the series, and to the occurrence of it that was moved."""
    found = [one for one in steg.at_google().events("primary") if one.get("summary") == SERIES]
    lists = {frozenset(guest["email"] for guest in one.get("attendees", ())) for one in found}
    assert len(lists) == 1
    return set(lists.pop())


def test_participants_are_entered_when_it_is_switched_on_and_stay_when_it_is_switched_off(
    steg: World, anna: Someone
) -> None:
    settings = anna.connected(target=MAIN)
    assert invited(steg) == set()
    anna.open(settings)
    switch = anna.page.get_by_role("switch", name="Einladungen über diesen Kalender")
    expect(switch).not_to_be_checked()
    expect(anna.page.get_by_role("main")).to_contain_text("Einige E-Mails werden möglicherweise weiterhin gesendet.")
    switch.check()
    anna.save()
    said = "Termine, die dort mit ihren Teilnehmern eingetragen werden"
    guests = anna.page.get_by_role("row").filter(has_text=said)
    expect(guests.get_by_role("cell")).to_have_text(re.compile("[1-9]"))
    mails = anna.page.get_by_role("row").filter(has_text="Verschickte E-Mails")
    expect(mails.get_by_role("cell")).to_have_text("0")
    anna.start()
    jonas = steg.person("jonas").email
    assert invited(steg) == {jonas}

    anna.open(settings)
    expect(switch).to_be_checked()
    switch.uncheck()
    anna.save()
    assert invited(steg) == {jonas}
