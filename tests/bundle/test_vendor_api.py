"""The promises to vendors: the names of the vendor API, and documents that follow the code."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import marketplace_plugin
from marketplace_plugin.bundle import own_root
from marketplace_plugin.contract.hookspecs import Hooks

NAMES = """
Access Account AllDay AnswerLost Applied Attendee AuthorizationExpired Bearer CalendarAccount Call Capabilities
CertificateRefused Change Checkpoint CollectionGone CollectionInfo ConnectionRef Contact ContractViolation Create
Credentials Cursor CursorExpired DeferScope Deferred Delete Event Facts Found Frequency Gone Hooks Item Kind LABELS
Labelled MarketplaceError Missing Move NotSent Original Outcome Override Page Partial PermissionDenied PostalAddress
Priority Provider ProviderError Reach RecurrenceRule Refused RefusedCode Response Revision Role Sensitivity Series
ServerHandedOver ServerNotAllowed ServerSearch ServerUnknown Session Settled ShowAs Stale Stamp Status StepFailed
StepSkipped StepState Task TaskStatus TestStep Throttled Timed Tombstone UNKNOWN Unanswered Unavailable Unreadable
UnreadableReason Update Upsert When Window Write YEARLESS Zoned broken_off calendar_checks changed_fields
chosen_target explained full_name hookimpl kind_of normal one_by_one original_key own_name patch pause_of run_steps
"""
HOOKS = (own_root() / "docs" / "hooks.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \| (.*?) \| .*? \| (first|every) \|", re.MULTILINE)


def test_the_vendor_api_is_pinned() -> None:
    """A name may be added here; one that is taken away breaks vendors."""
    assert sorted(marketplace_plugin.__all__) == sorted(NAMES.split())
    assert [name for name in marketplace_plugin.__all__ if not hasattr(marketplace_plugin, name)] == []


def test_the_vendor_api_only_passes_on() -> None:
    source = Path(inspect.getfile(marketplace_plugin)).read_text(encoding="utf-8")
    assert not re.search(r"^(def|class) ", source, re.MULTILINE)


def test_every_hook_is_documented_with_its_arguments_and_manner() -> None:
    documented = {
        name: (tuple(re.findall(r"`(\w+)`", arguments)), which) for name, arguments, which in ROW.findall(HOOKS)
    }
    specified = {}
    for name, function in vars(Hooks).items():
        options = getattr(function, "marketplace_spec", None)
        if options is not None:
            arguments = tuple(inspect.signature(function).parameters)[1:]
            specified[name] = (arguments, "first" if options["firstresult"] else "every")
    assert documented == specified
    assert list(documented) == list(specified), "the same order as in hookspecs.py"


def test_every_hook_says_when_it_is_called_and_what_a_raise_does() -> None:
    for name, function in vars(Hooks).items():
        if hasattr(function, "marketplace_spec"):
            assert "raise" in (inspect.getdoc(function) or "").lower() or name in EVENTS, name


EVENTS = {"connection_added", "connection_removed", "collection_changed", "sync_finished"}  # said above them, for all


def test_the_guides_classes_exist() -> None:
    guide = (own_root() / "docs" / "vendor-guide.md").read_text(encoding="utf-8")
    css = (own_root() / "marketplace_plugin" / "web" / "static" / "app.css").read_text(encoding="utf-8")
    listed = re.search(r"no other: `([^`]*)`", guide)
    assert listed
    assert [name for name in listed[1].split() if not re.search(rf"\.{name}\b", css)] == []
