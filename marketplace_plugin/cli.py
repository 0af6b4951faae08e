"""The command ``marketplace``. Exit status: 0 done, 1 not done (the reason is on standard error), 2 wrong usage."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

import marketplace_plugin.app as composition
import marketplace_plugin.config as config
import marketplace_plugin.demo as demo
import marketplace_plugin.doctor as doctor
import marketplace_plugin.logs as logs
from marketplace_plugin.bundle.load import Unopened, open_all, own_root
from marketplace_plugin.bundle.manifest import Integration
from marketplace_plugin.bundle.registry import Registry
from marketplace_plugin.contract.module import Person
from marketplace_plugin.engine.views import RunState
from marketplace_plugin.engine.work import requests
from marketplace_plugin.errors import MarketplaceError
from marketplace_plugin.host.seed import Account
from marketplace_plugin.store import connections, tokens
from marketplace_plugin.store.vault import new_key

MARKS = {doctor.Verdict.GOOD: "[green]ok[/]", doctor.Verdict.WARNING: "[yellow]!![/]", doctor.Verdict.BAD: "[red]no[/]"}
WAIT_SECONDS = 600.0


def explained(command: Callable[..., Any]) -> Callable[..., Any]:
    """Our own errors become one line on standard error."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        try:
            return command(*args, **options)
        except MarketplaceError as error:
            raise click.ClickException(str(error)) from None

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="marketplace-plugin")
def main() -> None:
    """A marketplace of calendar integrations, and Steg, its reference host."""


# ---- serving ---------------------------------------------------------------------------------------


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="the address to listen on")
@click.option("--port", default=5000, show_default=True, help="0 takes a free one (only with --demo)")
@click.option("--demo", "with_demo", is_flag=True, help="a seeded tenant and stand-ins of the services")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="keep the demo's data here")
@click.option("--google-port", default=0, help="the port of Google's stand-in; 0 takes a free one")
@click.option("--microsoft-port", default=0, help="the port of Microsoft's stand-in; 0 takes a free one")
@click.option("--exchange-port", default=0, help="the port of Exchange's stand-in; 0 takes a free one")
@click.option("--threads", default=8, show_default=True, help="requests that are answered at the same time")
@explained
def serve(host: str, port: int, with_demo: bool, data: Path | None, threads: int, **ports: int) -> None:
    """Serve Steg and the marketplace, and sync in the background."""
    if not with_demo:
        settings = config.from_process()
        logs.configure(settings.log_level)
        with _assembled(settings) as running:
            composition.serve(running, host, port, threads, _say_address)
        return
    with _data_directory(data) as directory:
        _serve_demo(directory, host, port, threads, **ports)


def _serve_demo(data: Path, host: str, port: int, threads: int, **ports: int) -> None:
    listening = composition.listen(host, port)
    base_url = f"http://{host}:{listening.getsockname()[1]}"
    given = {name: value for name, value in os.environ.items() if name.startswith(config.PREFIX)}
    with demo.stand_ins(base_url, given, **ports) as (stands, leading):
        settings = config.read(demo.environment(data, base_url, {**leading, **given}))
        logs.configure(given.get("MARKETPLACE_LOG_LEVEL", "warning"))
        with _assembled(settings) as running:
            accounts = composition.seed_demo(running)
            # Told once it listens, so that whoever waits for these lines can come in.
            started = partial(_introduce, stands=stands, accounts=accounts)
            composition.serve(running, host, port, threads, started, listening)


def _introduce(base_url: str, stands: Sequence[demo.Stand], accounts: Sequence[Account]) -> None:
    out = Console(highlight=False, soft_wrap=True)
    out.print(f"\nSteg:    [bold]{base_url}[/]")
    for account in accounts:
        out.print(f"         {account.email}   password: {account.password}{'   (admin)' if account.admin else ''}")
    for stand in stands:
        out.print(f"\n{stand.service} (a stand-in on this machine): {stand.url}/calendar/ to look and edit by hand")
        out.print(f"         accounts: {', '.join(stand.accounts)}")
        if stand.note:
            out.print(f"         {stand.note}")
    out.print("\nSign in, open the menu behind the picture, Integrationen / Marketplace. Ctrl-C ends it.\n")
    sys.stdout.flush()


def _say_address(url: str) -> None:
    click.echo(f"Serving {url}. Ctrl-C ends it.", err=True)


@contextmanager
def _data_directory(chosen: Path | None) -> Iterator[Path]:
    if chosen is None:
        with tempfile.TemporaryDirectory(prefix="steg-demo-") as made:
            yield Path(made)
        return
    chosen.mkdir(parents=True, exist_ok=True)
    yield chosen


@contextmanager
def _assembled(settings: config.Config) -> Iterator[composition.Running]:
    running = composition.assemble(settings)
    try:
        yield running
    finally:
        running.close()


@main.command()
@explained
def worker() -> None:
    """Sync in the background without serving pages; as many of these as you like share one database."""
    settings = config.from_process()
    logs.configure(settings.log_level)
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    with _assembled(settings) as running:
        running.start_background()
        click.echo("Working. Ctrl-C ends it.", err=True)
        done.wait()


# ---- syncing ---------------------------------------------------------------------------------------


@main.command()
@click.option("--user", required=True, help="mail address, name or id of a user of the host")
@explained
def sync(user: str) -> None:
    """Sync all connections of a user now, and wait for the result."""
    settings = config.from_process()
    logs.configure(settings.log_level)
    with _assembled(settings) as running:
        person = _person(running, user)
        running.start_background(sweep=False)
        runs = {run.id for run in requests.request_sync(running.engine, person)}
        if not runs:
            click.echo(f"{person.name} has no connection to sync.")
            return
        ended = running.wait_for(person, runs, WAIT_SECONDS)
        failed = False
        for run in ended:
            shown = ", ".join(f"{count} {name}" for name, count in sorted(run.counts.items())) or "no changes"
            number = f" ({run.number})" if run.number else ""
            state = run.outcome.value if run.outcome and run.state is RunState.FINISHED else "still running"
            click.echo(f"{run.integration}: {state}{number}: {shown}")
            failed |= bool(run.error) or run.state is not RunState.FINISHED
        sys.exit(1 if failed else 0)


@main.command("connections")
@click.option("--user", help="only those of this user")
@explained
def list_connections(user: str | None) -> None:
    """List connections: operating data only, no content and no accounts."""
    with _assembled(config.from_process()) as running, running.store.read() as c:
        wanted = _person(running, user).id if user else None
        table = Table("id", "user", "integration", "state", "last run", "next due", "error")
        for row in connections.of_user(c, wanted) if wanted else connections.everyone(c):
            person = running.engine.host.person(row.user)
            table.add_row(
                row.id,
                person.name if person else row.user,
                row.integration,
                row.state.value,
                _moment(row.last_run_at),
                _moment(row.next_due),
                " ".join(filter(None, (row.error, row.error_number))),
            )
        Console().print(table)


def _moment(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC") if at else ""


# ---- tokens of the JSON API ------------------------------------------------------------------------


@main.group()
def token() -> None:
    """Personal bearer tokens of the JSON API."""


@token.command("create")
@click.option("--user", required=True, help="mail address, name or id of a user of the host")
@click.option("--name", default="command line", show_default=True, help="what it is for")
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="how long it is good")
@explained
def create_token(user: str, name: str, days: int) -> None:
    """Make a token and print it: this is the only time that it is shown."""
    with _assembled(config.from_process()) as running:
        person, now = _person(running, user), datetime.now(UTC)
        with running.store.begin() as unit:
            made_id, made = tokens.create(unit.connection, person.id, name, now, now + timedelta(days=days))
    click.echo(f"Token {made_id} of {person.name}, good for {days} days:", err=True)
    click.echo(made)


@token.command("list")
@explained
def list_tokens() -> None:
    """List tokens, without the tokens themselves."""
    with _assembled(config.from_process()) as running, running.store.read() as c:
        table = Table("id", "user", "name", "made", "last used", "good until", "revoked")
        for row in tokens.of_user(c):
            person = running.engine.host.person(row.user)
            table.add_row(
                row.id,
                person.name if person else row.user,
                row.name,
                *map(_moment, (row.created_at, row.used_at, row.expires_at, row.revoked_at)),
            )
        Console().print(table)


@token.command("revoke")
@click.argument("token_id")
@explained
def revoke_token(token_id: str) -> None:
    """End a token by its id."""
    with _assembled(config.from_process()) as running, running.store.begin() as unit:
        if not tokens.revoke(unit.connection, token_id, datetime.now(UTC)):
            raise click.ClickException(f"there is no token {token_id} that still counts")
    click.echo("Revoked.")


def _person(running: composition.Running, wanted: str) -> Person:
    """The user with this id, mail address or name. Raises ClickException where there is none, or more than one."""
    found = running.people(wanted)
    if len(found) == 1:
        return found[0]
    raise click.ClickException(f"there is no user {wanted}" if not found else f"several users are named {wanted}")


# ---- looking after a deployment --------------------------------------------------------------------


@main.command("doctor")
@click.option("--reach", is_flag=True, help="also try whether the services' addresses answer")
@click.option("--new-key", is_flag=True, help="print a fresh key for MARKETPLACE_SECRET_KEYS and do nothing else")
@explained
def examine(reach: bool, new_key: bool) -> None:
    """Check settings, keys, database, bundles and integrations, and say what to do."""
    if new_key:
        click.echo(_fresh_key())
        return
    config.read_dotenv()
    out, bad = Console(highlight=False, soft_wrap=True), False
    for finding in doctor.examine(os.environ, reach=reach):
        bad |= finding.verdict is doctor.Verdict.BAD
        out.print(f"{MARKS[finding.verdict]}  {finding.about}: {finding.found}")
        if finding.todo:
            out.print(f"    -> {finding.todo}")
    sys.exit(1 if bad else 0)


_fresh_key = new_key


@main.group()
def bundle() -> None:
    """Bundles of integrations."""


@bundle.command("check")
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@explained
def check_bundle(path: Path) -> None:
    """Open the bundle in PATH as a host would: manifest, hooks, fragments, which are looked through. Its code is
    run."""
    (opened,) = open_all([path])
    if isinstance(opened, Unopened):
        raise click.ClickException(str(opened.error))
    registry = Registry([opened])
    wrong = [f"{one.name}: {one.error}" for one in registry.disabled()]
    for integration in registry.integrations():
        faults = [*registry.faults(integration.id), *_named_by_nobody(integration, registry)]
        wrong += [f"{integration.id}: {said}" for said in faults]
        if not faults:
            click.echo(f"ok  {integration.id} {integration.version} ({integration.stage.value})")
    for said in wrong:
        click.echo(f"no  {said}", err=True)
    sys.exit(1 if wrong else 0)


def _named_by_nobody(integration: Integration, registry: Registry) -> Iterator[str]:
    """What the manifest names and neither the design system nor this bundle and our own have."""
    icons = (Path(__file__).parent / "web" / "static" / "icons.svg").read_text(encoding="utf-8")
    if f'<symbol id="{integration.icon}"' not in icons:
        yield f"manifest.yaml: icon: there is no symbol {integration.icon} in icons.svg"
    heir = integration.auth.hand_over.to if integration.auth.hand_over is not None else ""
    if heir and heir not in {one.id for one in (*registry.integrations(), *Registry.of(own_root()).integrations())}:
        yield f"manifest.yaml: auth.hand_over.to: there is no integration {heir}"


if __name__ == "__main__":
    main()
