"""The app as a whole: what nobody foresaw is told in words and with a number, and the log holds no content."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketplace_plugin.app import Running, assemble, seed_demo
from marketplace_plugin.config import read
from marketplace_plugin.store.vault import new_key

PLANTED = "Zahnarzt um drei"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    settings = {
        "MARKETPLACE_DATABASE_URL": f"sqlite:///{tmp_path / 'steg.db'}",
        "MARKETPLACE_SECRET_KEYS": new_key(),
        "MARKETPLACE_BASE_URL": "http://127.0.0.1:5000",
    }
    running = assemble(read(settings))
    seed_demo(running)

    @running.flask.get("/broken")
    @running.flask.get("/api/v1/broken")
    def broken() -> str:
        raise ZeroDivisionError(PLANTED)

    yield running
    running.close()


@pytest.mark.parametrize("language,said", [("de", "Fehler-Nr."), ("en", "Error no.")])
def test_a_page_that_breaks_says_so_with_a_number(
    running: Running, caplog: pytest.LogCaptureFixture, language: str, said: str
) -> None:
    answer = running.flask.test_client().get("/broken", headers={"Accept-Language": language})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert said in page
    assert PLANTED not in page
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("marketplace_plugin.web")]
    assert len(ours) == 1
    assert PLANTED not in ours[0]
    assert ours[0].split(":")[0] in page


def test_the_api_says_it_in_json(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    answer = running.flask.test_client().get("/api/v1/broken")
    assert answer.status_code == 500
    assert answer.json is not None
    assert answer.json["code"] == "error"
    assert answer.json["number"]
    assert PLANTED not in answer.get_data(as_text=True)


SERVED = f"""
import os
from marketplace_plugin.app import create_app

app = create_app()

@app.get("/broken")
def broken():
    raise ValueError("{PLANTED}, password: hunter2")

app.test_client().get("/broken")
os._exit(0)
"""
"""A server that loads the application by itself, without our command; its log is the standard error."""


def test_under_another_server_the_log_holds_no_content_either(tmp_path: Path) -> None:
    settings = {
        "MARKETPLACE_DATABASE_URL": f"sqlite:///{tmp_path / 'steg.db'}",
        "MARKETPLACE_SECRET_KEYS": new_key(),
        "MARKETPLACE_BASE_URL": "http://127.0.0.1:5000",
    }
    ours = {name: value for name, value in os.environ.items() if not name.startswith("MARKETPLACE_")}
    ended = subprocess.run(
        [sys.executable, "-c", SERVED], cwd=tmp_path, env=ours | settings, capture_output=True, text=True, timeout=120
    )
    assert "ValueError" in ended.stderr
    assert PLANTED not in ended.stderr
    assert "hunter2" not in ended.stderr
    assert "Traceback" not in ended.stderr
