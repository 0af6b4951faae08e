"""Matching: whether a contact or task of the service is one that is here already, before it has a link.

Two are tied without asking only where a mail address or a number says so and the names do not speak against it, and
only where nobody else comes into question. Everything else that looks alike is doubtful: the user says. Tasks have
nothing that names them, so for those it is always the user.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field

from marketplace_plugin.model.contact import Contact
from marketplace_plugin.model.form.canonical import normal_text
from marketplace_plugin.model.task import Task, due_day, is_done

MOST_CANDIDATES = 5


@dataclass(frozen=True, slots=True)
class Sure:
    """It is the one with this ref."""

    ref: str


@dataclass(frozen=True, slots=True)
class Doubtful:
    """It may be one of these; nearest first."""

    refs: tuple[str, ...]


Match = Sure | Doubtful | None


@dataclass(slots=True)
class Known:
    """What is here and could be meant, by what it can be recognised by. ``number`` makes a phone number comparable
    (E.164 where it can be told), empty for what is none."""

    number: Callable[[str], str]
    contacts: dict[str, Contact] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    _by: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    _sent: set[str] = field(default_factory=set)

    def add(self, ref: str, item: Contact | Task, *, sent: bool = False) -> None:
        """``sent``: it may be there already, because no answer came when it was made."""
        if sent:
            self._sent.add(ref)
        if isinstance(item, Contact):
            self.contacts[ref] = item
            for key in (*self._mails(item), *self._numbers(item), *_names(item)):
                self._by[key].append(ref)
        else:
            self.tasks[ref] = item
            if sent or not is_done(item):  # a done one looks like no other, and is still known by its former link
                self._by[_task_key(item)].append(ref)

    def match(self, found: Contact | Task, without: Set[str] = frozenset()) -> Match:
        """``without`` are refs that the user has said it is not, or that are taken."""
        if isinstance(found, Task):
            alike = self._refs([_task_key(found)], without)
            alike = [ref for ref in alike if not is_done(found) or ref in self._sent]
            return Doubtful(tuple(alike[:MOST_CANDIDATES])) if alike else None
        by_mail = self._refs(self._mails(found), without)
        if by_mail:
            agrees = len(by_mail) == 1 and _agree(found, self.contacts[by_mail[0]])
            return Sure(by_mail[0]) if agrees else Doubtful(tuple(by_mail[:MOST_CANDIDATES]))
        by_number = [
            ref
            for ref in self._refs(self._numbers(found), without)
            if not _differ(found, self.contacts[ref])  # colleagues share a number, and families
        ]
        if by_number:
            agrees = (
                len(by_number) == 1 and bool(_words(found)) and _words(found) == _words(self.contacts[by_number[0]])
            )
            return Sure(by_number[0]) if agrees else Doubtful(tuple(by_number[:MOST_CANDIDATES]))
        by_name = self._refs(_names(found), without)
        return Doubtful(tuple(by_name[:MOST_CANDIDATES])) if by_name else None

    def _refs(self, keys: Iterable[tuple[str, str]], without: Set[str]) -> list[str]:
        return list(dict.fromkeys(ref for key in keys for ref in self._by.get(key, ()) if ref not in without))

    def _mails(self, contact: Contact) -> list[tuple[str, str]]:
        return [("mail", entry.value.strip().lower()) for entry in contact.emails if "@" in entry.value]

    def _numbers(self, contact: Contact) -> list[tuple[str, str]]:
        return [("number", number) for entry in contact.phones if (number := self.number(entry.value))]


def _words(contact: Contact) -> frozenset[str]:
    """Given and family name in no order, without case: services file names in different ways."""
    name = f"{contact.given_name} {contact.family_name}".strip() or contact.display_name
    return frozenset(normal_text(name).casefold().replace(",", " ").split())


def _names(contact: Contact) -> list[tuple[str, str]]:
    """Only a whole name says something: there are many Annas."""
    words = _words(contact)
    return [("name", " ".join(sorted(words)))] if len(words) > 1 else []


def _differ(a: Contact, b: Contact) -> bool:
    """Both are named, and not alike."""
    return bool(_words(a)) and bool(_words(b)) and _words(a) != _words(b)


def _agree(a: Contact, b: Contact) -> bool:
    """Equally named; or one has no name at all, and its firm does not speak against it."""
    if _words(a) and _words(b):
        return _words(a) == _words(b)
    firms = {normal_text(c.company).casefold().strip() for c in (a, b)} - {""}
    return len(firms) < 2


def _task_key(task: Task) -> tuple[str, str]:
    day = due_day(task)
    return "task", f"{normal_text(task.title).casefold().strip()}\0{'' if day is None else day.isoformat()}"
