"""Starting and stopping, the control endpoint, the pages by hand, the command."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from marketplace_plugin.sandbox.graph import Account, GraphSandbox, Tenant
from marketplace_plugin.sandbox.graph.__main__ import main
from marketplace_plugin.sandbox.graph.act import Actor
from marketplace_plugin.sandbox.graph.seed import ANNA, FAMILY, JONAS, SALES, STRIKT
from tests.sandbox.graph.conftest import SCOPES, Api, guest, timed

Json = dict[str, Any]


class Control:
    """A client of ``/_sandbox``."""

    def __init__(self, sandbox: GraphSandbox) -> None:
        self.root = f"{sandbox.url}/_sandbox"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["X-Sandbox-Token"] = sandbox.control_token

    def __call__(self, verb: str, path: str, body: Any = None, **params: str) -> requests.Response:
        return self.session.request(verb, f"{self.root}/{path}", json=body, params=params, timeout=10)


@pytest.fixture
def control(sandbox: GraphSandbox) -> Iterator[Control]:
    found = Control(sandbox)
    yield found
    found.session.close()


def test_it_starts_once_and_stops() -> None:
    sandbox = GraphSandbox(accounts=[])
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.url
    url = sandbox.start()
    assert sandbox.url == url
    with pytest.raises(RuntimeError, match="already running"):
        sandbox.start()
    sandbox.stop()
    sandbox.stop()


def test_own_tenants_and_accounts() -> None:
    tenant = Tenant("11111111-1111-4111-8111-111111111111", "eigen.example", "Eigen")
    account = Account("ich@eigen.example", "Ich Selbst", "22222222-2222-4222-8222-222222222222", "eigen.example")
    with GraphSandbox(accounts=[account], tenants=[tenant]) as sandbox:
        token = sandbox.issue_tokens(account.email, SCOPES).access_token
        api = Api(sandbox.url, token)
        assert [item["name"] for item in api.items("me/calendars")] == ["Kalender"]
        assert api.items("me/events") == []
        api.session.close()
        with pytest.raises(KeyError):
            sandbox.issue_tokens(ANNA, SCOPES)
    with pytest.raises(KeyError):
        GraphSandbox(accounts=[account])


def test_the_control_endpoint_is_guarded(sandbox: GraphSandbox, control: Control) -> None:
    control.session.headers["X-Sandbox-Token"] = "wrong"
    assert control("GET", "outbox").status_code == 403


def test_behaviour_is_turned(control: Control, sandbox: GraphSandbox, anna: Api) -> None:
    assert control("POST", "clock", {"advance_seconds": 3600}).json()["now"] == "2026-11-18T10:30:00+00:00"
    assert control("POST", "knobs", {"late_bump": True}).json()["late_bump"] is True
    assert control("POST", "knobs", {"colour": 1}).status_code == 400
    assert control("POST", "policy", {"tenant": STRIKT, "blocked": "redirect"}).json()["blocked"] == "redirect"
    control("POST", "share", {"owner": JONAS, "calendar": SALES, "account": ANNA, "role": "read"})
    assert anna.calendars()[SALES]["canEdit"] is False
    bad = {"owner": JONAS, "calendar": SALES, "account": ANNA, "role": "king"}
    assert control("POST", "share", bad).status_code == 400
    assert control("POST", "calendars", {"owner": ANNA, "name": "Neu"}).status_code == 201
    assert control("POST", "expire-delta-tokens", {"mailbox": ANNA}).status_code == 204


def test_faults_by_hand(control: Control, anna: Api) -> None:
    assert control("POST", "faults", {"action": "status", "status": 500}).status_code == 201
    assert control("GET", "faults").json()[0]["status"] == 500
    assert control("DELETE", "faults").status_code == 204
    anna.ok("GET", "me")
    assert control("POST", "faults", {"action": "explode"}).status_code == 400
    assert control("POST", "faults", [1]).status_code == 400


def test_grants_by_hand(control: Control, anna: Api, sandbox: GraphSandbox) -> None:
    issued = control("POST", "tokens", {"email": ANNA, "scopes": list(SCOPES)}).json()
    assert issued["refresh_token"]
    assert control("POST", "expire-access-tokens", {"account": ANNA}).status_code == 204
    assert anna.refused("GET", "me")[0] == 401
    assert control("POST", "revoke", {"account": ANNA, "number": 700082}).status_code == 204
    assert control("POST", "revoke", {"number": 1}).status_code == 400
    assert control("GET", "consent-requests").json() == []
    assert control("POST", "redirect-uris", {"uri": "https://steg.example/cb"}).status_code == 204
    assert "https://steg.example/cb" in next(iter(sandbox.state.clients.values())).redirect_uris


def test_another_client_by_hand(control: Control, anna: Api) -> None:
    family = {"as": ANNA, "calendar": FAMILY}
    made = control("POST", "events", timed("Von Hand", attendees=[guest(JONAS)]), **family).json()
    assert control("GET", "outbox").json()[0]["kind"] == "invitation"
    control("DELETE", "outbox")
    assert made["id"] in {item["id"] for item in control("GET", "events", **family).json()}
    path = f"events/{made['id']}"
    assert control("PATCH", path, {"subject": "Anders"}, **{"as": ANNA}).json()["subject"] == "Anders"
    assert control("POST", f"{path}/copy", {}, **{"as": ANNA}).status_code == 201
    assert control("POST", f"{path}/move", {"destination": "Kalender"}, **{"as": ANNA}).json()["id"] == made["id"]
    invited = next(x for x in control("GET", "events", **{"as": JONAS}).json() if x["subject"] == "Anders")
    answered = control("POST", f"events/{invited['id']}/respond", {"response": "accepted"}, **{"as": JONAS}).json()
    assert answered["responseStatus"]["response"] == "accepted"
    assert control("DELETE", path, **{"as": ANNA}).status_code == 204
    assert control("GET", path, **{"as": ANNA}).status_code == 404
    assert control("GET", f"{path}/occurrences/2026-11-23", **{"as": ANNA}).status_code == 404
    assert control("GET", "requests").json() == []
    assert control("DELETE", "requests").status_code == 204


def test_an_occurrence_by_hand(control: Control, act: Callable[[str], Actor]) -> None:
    series = next(item for item in act(ANNA).events() if item["subject"] == "Jour fixe Vertrieb")
    path = f"events/{series['id']}/occurrences"
    assert control("GET", f"{path}/2026-11-23", **{"as": ANNA}).json()["type"] == "exception"
    assert control("GET", f"{path}/2026-11-30", **{"as": ANNA}).status_code == 400


# --- pages by hand --------------------------------------------------------------------------------


def test_calendars_can_be_edited_by_hand(sandbox: GraphSandbox, act: Callable[[str], Actor]) -> None:
    root = f"{sandbox.url}/calendar"
    assert ANNA in requests.get(f"{root}/", timeout=10).text
    page = requests.get(f"{root}/u/{ANNA}/", timeout=10).text
    assert "Messe Hamburg" in page
    assert "Private Appointment" in page
    add = re.search(r'href="([^"]+/edit)"', page)
    assert add is not None
    assert "datetime-local" in requests.get(sandbox.url + add.group(1), timeout=10).text
    form = {"subject": "Von Hand", "start": "2026-11-20T09:00", "end": "2026-11-20T10:00"}
    page = requests.post(sandbox.url + add.group(1), data=form, timeout=10).text
    assert "Von Hand" in page
    made = next(item for item in act(ANNA).events() if item["subject"] == "Von Hand")
    edit = f"{sandbox.url}{add.group(1)}?event_id={made['id']}"
    assert 'value="Von Hand"' in requests.get(edit, timeout=10).text
    changed = {**form, "subject": "Ganztags", "end": "2026-11-21T10:00", "all_day": "on", "event_id": made["id"]}
    requests.post(sandbox.url + add.group(1), data=changed, timeout=10)
    assert act(ANNA).get(made["id"])["isAllDay"] is True
    requests.post(f"{root}/u/{ANNA}/delete", data={"event_id": made["id"]}, timeout=10)
    assert requests.get(edit, timeout=10).status_code == 404
    wrong = requests.post(sandbox.url + add.group(1), data={"start": "x"}, timeout=10)
    assert wrong.status_code == 400


def test_pages_are_for_known_accounts_and_their_own_forms(sandbox: GraphSandbox) -> None:
    root = f"{sandbox.url}/calendar"
    assert requests.get(f"{root}/u/niemand@nirgends.example/", timeout=10).status_code == 404
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert requests.post(f"{root}/u/{ANNA}/delete", headers=foreign, timeout=10).status_code == 403


def test_the_command_serves_until_it_is_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    handlers: dict[int, Any] = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    started = threading.Event()
    original = GraphSandbox.start

    def start(self: GraphSandbox, port: int = 0) -> str:
        url = original(self, port)
        started.set()
        return url

    monkeypatch.setattr(GraphSandbox, "start", start)
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(main(["--port", "0", "--redirect-uri", "http://localhost/"])))
    thread.start()
    assert started.wait(20)
    handlers[signal.SIGTERM]()
    thread.join(20)
    assert codes == [0]
    assert "Control token: " in capsys.readouterr().out
