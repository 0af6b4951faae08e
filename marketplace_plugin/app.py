"""The composition root: one process with Steg, the marketplace, and the sync in the background.

``create_app`` is what a WSGI server loads; ``assemble`` gives the parts to the command line and to tests.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import waitress
from flask import Flask
from flask_babel import Babel, get_locale
from werkzeug.exceptions import InternalServerError

import marketplace_plugin.config as configuration
from marketplace_plugin import logs, security
from marketplace_plugin.bundle.registry import Registry
from marketplace_plugin.config import Config
from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.blocks import StoredBlocks
from marketplace_plugin.engine.context import Engine, EngineSettings
from marketplace_plugin.engine.ties import tie
from marketplace_plugin.engine.views import Audience, RunState, RunView
from marketplace_plugin.engine.work import announce, requests
from marketplace_plugin.engine.work.jobs import ThreadPool
from marketplace_plugin.engine.work.passes import Passes
from marketplace_plugin.engine.work.schedule import Clockwork, Sweeper
from marketplace_plugin.engine.work.upkeep import Upkeep
from marketplace_plugin.errors import ConfigError
from marketplace_plugin.host import seed
from marketplace_plugin.host.records import persons
from marketplace_plugin.host.steg import TRANSLATIONS, Steg, Tie, create_steg
from marketplace_plugin.model.item import Kind
from marketplace_plugin.store import Store, installations
from marketplace_plugin.store.accounts.installations import InstallationState
from marketplace_plugin.store.vault import parse_keys
from marketplace_plugin.web import create_api, create_pages, unexpected
from marketplace_plugin.web.engine_actions import EngineActions

# Pages that try a password, here or at somebody's server, or that look for a server.
LIMITS = {
    "steg.sign_in_now": "20 per minute; 200 per hour",
    "marketplace.test_credentials": "20 per minute; 100 per hour",
    "marketplace.search_server": "20 per minute; 200 per hour",
}
API_LIMIT = "600 per minute"


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Running:
    """The parts of one process. ``close`` stops what was started and gives the database back."""

    config: Config
    store: Store
    registry: Registry
    steg: Steg
    engine: Engine
    flask: Flask
    pool: ThreadPool
    clockwork: Clockwork
    _started: list[Callable[[], object]] = field(default_factory=list)

    def start_background(self, *, sweep: bool = True) -> None:
        """Carry out passes; with ``sweep`` also those that are due by themselves."""
        self.pool.start()
        self._started.append(self.pool.stop)
        if sweep:
            self.clockwork.start()
            self._started.append(self.clockwork.stop)

    def close(self) -> None:
        while self._started:
            self._started.pop()()
        self.store.close()

    def people(self, wanted: str) -> Sequence[Person]:
        """The users whose id, mail address or name is ``wanted``."""
        with self.store.read() as c:
            return persons.called(c, wanted)

    def wait_for(self, person: Person, runs: set[str], seconds: float) -> Sequence[RunView]:
        """These runs of a person as they stand when all of them have ended, or after ``seconds``."""
        end = time.monotonic() + seconds
        while True:
            views = [requests.run(self.engine, person, run) for run in sorted(runs)]
            if all(view.state is RunState.FINISHED for view in views) or time.monotonic() > end:
                return views
            self.pool.wait_until_idle(0.5)


def create_app(config: Config | None = None) -> Flask:
    """The WSGI application with the sync running beside it, from the settings of this process. Its log is ours: what a
    server would write of an exception by itself may hold content."""
    config = config or configuration.from_process()
    logs.configure(config.log_level)
    running = assemble(config)
    running.start_background()
    return running.flask


def assemble(config: Config, *, now: Callable[[], datetime] = utc_now) -> Running:
    """Put the parts together; starts nothing. ``now`` gives aware UTC. Raises ConfigError, SealBroken, BundleError."""
    keys = parse_keys(config.secret_keys)
    store = Store.open(config.database_url, keys)
    registry = Registry.find(config.bundle_path)
    steg = create_steg(store, now=now)
    passes: Passes
    pool = ThreadPool(lambda kind, payload: passes(kind, payload), config.workers)  # noqa: PLW0108  # bound below
    engine = Engine(
        store=store,
        host=steg,
        plugins=registry,
        now=now,
        instance=store.instance_id,
        runner=pool,
        settings=EngineSettings(
            base_url=config.base_url,
            integrations={i.id: i.setting_values(config.environ) for i in registry.integrations()},
            journal_kept=timedelta(days=config.journal_days),
        ),
    )
    passes = Passes(engine)
    clockwork = Clockwork(Sweeper(engine, pool, pool.free), now, [Upkeep(engine).tick])
    flask = _flask(config, keys, engine, registry, steg)
    steg.connect(
        blocks=StoredBlocks(engine), ties=partial(_ties, engine), notify=announce.notifier(engine, clockwork.wake)
    )
    return Running(config, store, registry, steg, engine, flask, pool, clockwork)


def _ties(engine: Engine, person: str, ref: str, kind: Kind) -> Tie | None:
    found = tie(engine, person, ref, kind)
    if found is None:
        return None
    names = {i.id: i.name.in_(str(get_locale() or "de")) for i in engine.plugins.integrations()}
    return Tie(
        found.link,
        found.converted,
        found.writable,
        found.mirrored,
        found.dropped,
        names.get(found.integration, found.integration),
        found.account,
    )


def _flask(config: Config, keys: Sequence[bytes], engine: Engine, registry: Registry, steg: Steg) -> Flask:
    app = Flask("marketplace_plugin", static_folder=None)
    app.secret_key, *older = (_session_key(key) for key in keys)
    app.config["SECRET_KEY_FALLBACKS"] = older
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = ";".join(map(str, _catalogues(registry)))
    csrf, limiter = security.protect(app, secure=config.secure, proxies=config.proxies)
    Babel(app, default_locale="de", locale_selector=steg.language, timezone_selector=steg.time_zone)
    steg.install(app)
    actions = EngineActions(engine)
    app.register_blueprint(create_pages(actions, steg, registry))
    api = create_api(app, actions, steg, registry)
    app.register_error_handler(InternalServerError, unexpected)
    csrf.exempt(api)
    limiter.limit(API_LIMIT)(api)
    views: dict[str, Any] = app.view_functions
    for endpoint, limit in LIMITS.items():
        views[endpoint] = limiter.limit(limit)(views[endpoint])
    return app


def _session_key(key: bytes) -> bytes:
    """Signs cookies; derived, so that a cookie's key opens nothing that is sealed."""
    return hmac.new(key, b"marketplace-plugin/session", hashlib.sha256).digest()


def _catalogues(registry: Registry) -> Sequence[Path]:
    own = Path(__file__).parent / "web" / "translations"
    return (own, TRANSLATIONS, *registry.translation_directories())


# ---- the demo's tenant -----------------------------------------------------------------------------


def seed_demo(running: Running) -> Sequence[seed.Account]:
    """The seeded tenant, with every available integration installed for all its users. Returns who may sign in."""
    now = running.engine.now()
    accounts = running.steg.seed(now.date())
    with running.store.begin() as unit:
        for integration in running.registry.integrations():
            if integration.available and installations.get(unit.connection, seed.TENANT, integration.id) is None:
                installations.put(
                    unit.connection,
                    seed.TENANT,
                    integration.id,
                    audience=Audience.ALL,
                    state=InstallationState.INSTALLED,
                    version=integration.version,
                    person=seed.SABINE[0].id,
                    now=now,
                )
    return accounts


# ---- serving ---------------------------------------------------------------------------------------


def listen(host: str, port: int) -> socket.socket:
    """A socket that is bound already, so that its port is known before anything else starts. Raises ConfigError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        said = "something listens there already" if error.errno == errno.EADDRINUSE else error.strerror
        raise ConfigError(f"cannot listen on {host} port {port}: {said}; --port names another one") from None
    return bound


def serve(
    running: Running,
    host: str,
    port: int,
    threads: int,
    started: Callable[[str], None],
    bound: socket.socket | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, with the sync in the background. ``started`` is told the address."""
    server = waitress.create_server(
        running.flask,
        sockets=[bound or listen(host, port)],
        threads=threads,
        ident=None,
        clear_untrusted_proxy_headers=False,
    )
    ended = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        ended.set()
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    running.start_background()
    started(running.config.base_url)
    try:
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        server.close()
