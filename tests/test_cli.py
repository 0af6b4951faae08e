"""The command line, as a person at a terminal meets it."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from marketplace_plugin.app import assemble, listen, seed_demo
from marketplace_plugin.cli import main
from marketplace_plugin.config import read
from marketplace_plugin.store.vault import new_key

ACME = Path(__file__).parent / "bundle" / "fixtures" / "acme"


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    return {
        "MARKETPLACE_DATABASE_URL": f"sqlite:///{tmp_path / 'steg.db'}",
        "MARKETPLACE_SECRET_KEYS": new_key(),
        "MARKETPLACE_BASE_URL": "http://127.0.0.1:5000",
        "MARKETPLACE_LOG_LEVEL": "error",
    }


@pytest.fixture
def seeded(settings: dict[str, str]) -> dict[str, str]:
    running = assemble(read(settings))
    seed_demo(running)
    running.close()
    return settings


def call(settings: dict[str, str], *words: str) -> Result:
    return CliRunner(env={**settings}).invoke(main, words)


def test_what_is_missing_is_named_in_one_line_each() -> None:
    answer = call({}, "connections")
    assert answer.exit_code == 1
    assert "MARKETPLACE_SECRET_KEYS is not set" in answer.stderr
    assert "Traceback" not in answer.output


def test_a_token_is_shown_once_and_ends_by_its_id(seeded: dict[str, str]) -> None:
    made = call(seeded, "token", "create", "--user", "Anna Brandt", "--name", "script")
    assert made.exit_code == 0
    token = made.stdout.strip()
    listed = call(seeded, "token", "list")
    assert "script" in listed.stdout
    assert token not in listed.stdout
    token_id = made.stderr.split()[1]
    assert call(seeded, "token", "revoke", token_id).exit_code == 0
    again = call(seeded, "token", "revoke", token_id)
    assert (again.exit_code, token_id in again.stderr) == (1, True)


@pytest.mark.parametrize("who", ["anna", "anna.brandt@nordwerk.example", "Anna Brandt"])
def test_a_user_is_found_by_id_address_or_name(seeded: dict[str, str], who: str) -> None:
    assert call(seeded, "token", "create", "--user", who).exit_code == 0


def test_an_unknown_user_is_named(seeded: dict[str, str]) -> None:
    answer = call(seeded, "sync", "--user", "nobody")
    assert (answer.exit_code, "nobody" in answer.stderr) == (1, True)


def test_syncing_without_a_connection_says_so(seeded: dict[str, str]) -> None:
    answer = call(seeded, "sync", "--user", "anna")
    assert answer.exit_code == 0
    assert "no connection" in answer.stdout


def test_connections_are_listed_for_one_or_all(seeded: dict[str, str]) -> None:
    for words in (("connections",), ("connections", "--user", "anna")):
        answer = call(seeded, *words)
        assert (answer.exit_code, "integration" in answer.stdout) == (0, True)


def test_the_doctor_tells_good_from_bad(
    settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # no .env of whoever runs the tests
    good = call(settings, "doctor")
    assert good.exit_code == 0
    assert "MARKETPLACE_GOOGLE_CLIENT_ID" in good.stdout
    bad = call({**settings, "MARKETPLACE_BASE_URL": "http://steg.example.org"}, "doctor")
    assert (bad.exit_code, "loopback" in bad.stdout) == (1, True)


def test_a_fresh_key_is_one() -> None:
    answer = call({}, "doctor", "--new-key")
    assert len(base64.urlsafe_b64decode(answer.stdout.strip())) == 32


def test_our_own_bundle_is_in_order() -> None:
    answer = call({}, "bundle", "check", str(Path(__file__).parent.parent))
    assert answer.exit_code == 0
    assert "ok  google" in answer.stdout


def test_a_broken_bundle_is_told_by_file_and_key(tmp_path: Path) -> None:
    (tmp_path / "manifest.yaml").write_text("bundle: acme\nintegrations: nothing\n")
    answer = call({}, "bundle", "check", str(tmp_path))
    assert answer.exit_code == 1
    assert "integrations" in answer.stderr


@pytest.mark.parametrize(
    "file, body, said",
    [
        ("acme/connect.html.j2", "<p>{{ connection.account }}</p>", "does not end in .html"),
        ("acme/connect.html", "<script>x</script>", "acme/connect.html brings a script"),
        ("../hooks/x.html", "<p>x</p>", "there is no file ui_fragments/../hooks/x.html"),
        ("acme/connect.html", "<p>\n{% if %}", "acme/connect.html, line 2: Expected an expression"),
    ],
    ids=["not escaped", "breach", "out of the folder", "does not parse"],
)
def test_a_bundle_is_told_what_is_wrong_with_its_fragments(tmp_path: Path, file: str, body: str, said: str) -> None:
    root = Path(shutil.copytree(ACME, tmp_path / "acme"))
    manifest = root / "manifest.yaml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("acme/connect.html", file), encoding="utf-8")
    (root / "ui_fragments" / file).write_text(body)
    answer = call({}, "bundle", "check", str(root))
    assert (answer.exit_code, answer.stderr.startswith("no  acme")) == (1, True)
    assert said in answer.stderr
    assert "Traceback" not in answer.output


@pytest.mark.parametrize(
    "after, added, said",
    [
        ("    category: calendar\n", "    icon: calender-days\n", "icon: there is no symbol calender-days"),
        (
            "      type: form\n",
            "      hand_over: {to: offce365, hosts: [x.example]}\n",
            "there is no integration offce365",
        ),
        ("      type: form\n", "      hand_over: {to: office365, hosts: [x.example]}\n", ""),
        ("    category: calendar\n", "    icon: calendar-days\n", ""),
    ],
)
def test_a_bundle_is_told_what_its_manifest_names_and_nobody_has(
    tmp_path: Path, after: str, added: str, said: str
) -> None:
    root = Path(shutil.copytree(ACME, tmp_path / "acme"))
    manifest = root / "manifest.yaml"
    source = manifest.read_text(encoding="utf-8")
    if "form" in after:
        head, _, rest = source.partition("      type: oauth2\n")
        fields = "      fields: [{name: username}, {name: password, secret: true}]\n"
        source = head + after + fields + rest[rest.index("    settings:") :]
    manifest.write_text(source.replace(after, after + added), encoding="utf-8")
    answer = call({}, "bundle", "check", str(root))
    assert (answer.exit_code, said in answer.stderr) == (1 if said else 0, True), answer.stderr


def test_the_example_for_vendors_is_in_order() -> None:
    answer = call({}, "bundle", "check", str(ACME))
    assert (answer.exit_code, answer.stderr) == (0, "")


def test_a_port_that_is_taken_is_named(settings: dict[str, str]) -> None:
    taken = listen("127.0.0.1", 0)
    taken.listen()
    port = taken.getsockname()[1]
    answer = call(settings, "serve", "--port", str(port))
    taken.close()
    assert (answer.exit_code, str(port) in answer.stderr) == (1, True)
