"""The frame of the worlds of ``google/``, ``graph/`` and ``ews/``: a sandbox over real HTTP, held to its contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from marketplace_plugin.contract.provider import Session
from marketplace_plugin.errors import AuthorizationExpired
from marketplace_plugin.model.time import Window

NOW = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(days=30), NOW + timedelta(days=365))
INSTANCE = "instance-1"


class Token:
    """A Bearer that counts: each refusal brings the next token."""

    def __init__(self, *tokens: str) -> None:
        self.tokens, self.refused = list(tokens), list[str]()

    def __call__(self, refused: str | None = None) -> str:
        if refused is not None:
            self.refused.append(refused)
            if self.tokens[0] == refused:
                self.tokens.pop(0)
        if not self.tokens:
            raise AuthorizationExpired("no token left")
        return self.tokens[0]


class Sandbox(Protocol):
    def start(self) -> Any: ...

    def stop(self) -> None: ...


Running = TypeVar("Running", bound=Sandbox)


@dataclass
class SandboxWorld(Generic[Running]):
    """One sandbox whose clock stands still at ``now``. At the end no exchange may have broken the contract.

    A world makes its ``sandbox`` in ``__post_init__``, wrapped by ``_watch``.
    """

    now: datetime = field(default=NOW, kw_only=True)
    checks: list[Any] = field(default_factory=list, kw_only=True)
    sandbox: Running = field(init=False)

    contract: ClassVar[type[Any]]
    """The middleware that keeps what breaks the service's contract."""

    def _watch(self, app: Any) -> Any:
        self.checks.append(self.contract(app))
        return self.checks[-1]

    def broken(self, check: Any) -> list[str]:
        """What counts of the breaches that ``check`` has kept."""
        return list(check.requests)

    def __enter__(self) -> Self:
        self.sandbox.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        for check in self.checks if error is None else ():
            broken = self.broken(check)
            assert not broken, "\n".join(broken)

    def stop(self) -> None:
        self.sandbox.stop()

    def _session(self, email: str, **more: Any) -> Session:
        """``more``: how this service is reached and signed in to."""
        return Session(connection=f"connection-{email}", account=email, instance=INSTANCE, now=lambda: self.now, **more)
