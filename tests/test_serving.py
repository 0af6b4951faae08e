"""`marketplace serve --demo` as a process of its own: it comes up, tells who can sign in, and ends cleanly."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from marketplace_plugin import app, config
from marketplace_plugin.cli import main
from marketplace_plugin.store import connections
from marketplace_plugin.store.accounts.connections import Connection, ConnectionState
from marketplace_plugin.store.vault import new_key

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 60


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_starts_introduces_itself_and_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MARKETPLACE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "marketplace_plugin.cli", "serve", "--demo", "--port", "0", "--data", str(tmp_path)],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            if "Ctrl-C" in line:
                break
        shown = "".join(said)
        assert "anna.brandt@nordwerk.example" in shown, shown + process.communicate(timeout=SECONDS)[1]
        addresses = re.findall(r"http://127\.0\.0\.1:\d+", shown)
        with requests.Session() as http:
            http.trust_env = False
            for address in addresses:  # it says so only when it listens
                assert http.get(address, timeout=SECONDS).status_code < 500
        process.send_signal(number)
        _, errors = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, errors
        assert "Traceback" not in errors
    finally:
        process.kill()
        process.communicate()
    assert len(addresses) == 3
    assert "lena.hoffmann@strikt.example cannot connect before admin@strikt.example has consented" in shown
    assert (tmp_path / "steg.db").exists()


def test_a_sync_that_fails_says_which_and_has_status_1(tmp_path: Path) -> None:
    """The integration has no access data in this deployment."""
    environ = {
        "MARKETPLACE_DATABASE_URL": f"sqlite:///{tmp_path / 'steg.db'}",
        "MARKETPLACE_SECRET_KEYS": new_key(),
        "MARKETPLACE_BASE_URL": "http://127.0.0.1:5000",
        "MARKETPLACE_LOG_LEVEL": "error",
    }
    running = app.assemble(config.read(environ))
    app.seed_demo(running)
    with running.store.begin() as unit:
        row = Connection("c1", "nordwerk", "anna", "google", ConnectionState.CONNECTED, running.engine.now())
        connections.add(unit.connection, row)
    running.close()
    result = CliRunner(env=environ).invoke(main, ["sync", "--user", "Anna Brandt"])
    assert result.exit_code == 1
    assert "google:" in result.stdout
    assert "Traceback" not in result.output
