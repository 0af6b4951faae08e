"""One write of a contact or a task: its requests one after the other, and what their refusals mean.

People asks for mutations one at a time; neither API can be repeated blindly, so a lost answer is Unanswered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from marketplace_plugin.contract.sending import broken_off, one_by_one
from marketplace_plugin.errors import ContractViolation, NotSent, Throttled, Unavailable
from marketplace_plugin.model.write import Deferred, DeferScope, Missing, Outcome, Stale, Write
from marketplace_plugin.providers.google.errors import Refusal, for_connection, for_write
from marketplace_plugin.providers.google.shape.decode import precondition
from marketplace_plugin.providers.google.transport import Client, Json

_STALE = frozenset({"failedPrecondition", "FAILED_PRECONDITION"})


@dataclass(slots=True)
class Sending:
    """``begun``: something may have changed already."""

    client: Client
    op: str
    begun: bool = False

    def read(self, request: Any) -> Json:
        """Raises Refusal, NotSent, AnswerLost, ContractViolation, and what the bearer raises."""
        return self.client.call(request)

    def write(self, request: Any, if_match: str = "") -> Json:
        """Raises as ``read``. ``begun`` stays as it was where the service has said no."""
        before, self.begun = self.begun, True
        try:
            return self.client.call(request, if_match=precondition(if_match))
        except NotSent:
            self.begun = before
            raise
        except Refusal as problem:
            if problem.status < 500:
                self.begun = before
            raise


CarryOut = Callable[[Sending, Write], Outcome]


def push(client: Client, writes: Sequence[Write], carry_out: CarryOut) -> Iterator[Outcome]:
    """See ``one_by_one``. Raises what concerns the connection."""
    return one_by_one(writes, lambda write: _outcome(Sending(client, write.op), write, carry_out))


def _outcome(sending: Sending, write: Write, carry_out: CarryOut) -> Outcome:
    try:
        return carry_out(sending, write)
    except Refusal as problem:
        if error := for_connection(problem):
            raise error from problem
        return _meaning(sending, problem)
    except (Throttled, Unavailable, ContractViolation) as error:
        return broken_off(sending.op, error, begun=sending.begun)


def _meaning(sending: Sending, problem: Refusal) -> Outcome:
    if problem.absent:
        return Missing(sending.op)
    if problem.status in (409, 412) or (problem.status == 400 and problem.reason in _STALE):
        return Stale(sending.op, None)
    if problem.status >= 500 and not sending.begun:
        return Deferred(sending.op, None, DeferScope.ITEM)
    return for_write(sending.op, problem)
