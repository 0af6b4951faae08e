"""docs/operations.md says what config.py and the manifest say."""

from __future__ import annotations

import re
from pathlib import Path

from marketplace_plugin.bundle.load import Bundle, open_all
from marketplace_plugin.cli import main
from marketplace_plugin.config import VARIABLES

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
ROWS = {
    name: (required, default.strip("` "), meaning)
    for name, required, default, meaning in re.findall(
        r"^\| `(MARKETPLACE_\w+)` \| ([^|]*?) ?\| ([^|]*?) ?\| (.*) \|$", TEXT, re.MULTILINE
    )
}


def test_the_table_has_every_setting_of_the_deployment() -> None:
    for variable in VARIABLES:
        required, default, meaning = ROWS[variable.name]
        assert (required == "yes", default, meaning) == (variable.required, variable.default, variable.meaning)


def test_the_table_has_every_setting_of_the_manifest_and_no_other() -> None:
    (bundle,) = open_all([ROOT])
    assert isinstance(bundle, Bundle)
    settings = {setting.env: (setting, entry) for entry in bundle.manifest.integrations for setting in entry.settings}
    assert set(ROWS) == {variable.name for variable in VARIABLES} | set(settings)
    for name, (setting, entry) in settings.items():
        required, default, _ = ROWS[name]
        assert bool(required) == setting.required
        assert default == (setting.default or entry.addresses({}).get(setting.name, ""))


def test_every_command_is_named() -> None:
    for name in main.commands:
        assert f"`marketplace {name}" in TEXT
