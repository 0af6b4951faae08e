"""Many writes at once. Each is a conversation: calls go out, answers come in; what all of them ask at one time is one
``$batch``.

Sources: https://learn.microsoft.com/graph/json-batching and throttling-limits ("Outlook service batching"): of the up
to 20 calls of a batch Graph itself hands four at a time to the mailbox, which is all that one app may have under way
there, as long as one batch is under way at once. Each call is answered with a status of its own, its own 429 included.

* The writes to one item follow each other: the next begins when the one before has ended, whatever the batches are.
* A batch whose answer did not come is an answer that did not come to each of its calls.
* A batch that was refused as a whole was not carried out; its calls are sent one by one, so that one that cannot be
  said does not stand in the way of the others.
* After a request for a pause nothing more is sent: what has begun says how far it came, the rest is deferred.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from marketplace_plugin.contract.sending import PATIENCE
from marketplace_plugin.errors import AnswerLost, ContractViolation, ProviderError, Throttled, Unavailable
from marketplace_plugin.model.write import Deferred, DeferScope, Outcome
from marketplace_plugin.providers.graph.errors import Refusal
from marketplace_plugin.providers.graph.transport import BATCH, Call, Client, Json

T = TypeVar("T")
Asking = Generator[Call, Json, T]
"""Yields calls and is sent their answers; a Refusal, or why no answer came, is thrown in. Returns a ``T``."""


@dataclass(slots=True)
class Conversation:
    """One write. ``item`` is the key of what it writes to, ``call`` what it asks now."""

    op: str
    item: str
    asking: Asking[Outcome]
    call: Call | None = None


@dataclass(slots=True)
class _Table:
    """Who talks, and what concerns everybody: a pause, an error, how many answers in a row did not come."""

    client: Client
    waiting: list[Conversation]
    talking: list[Conversation]
    pause: Deferred | None = None
    fatal: ProviderError | None = None
    lost: int = 0

    def invite(self) -> Iterator[Outcome]:
        """Let begin as many as one batch holds, in their order, one for each item."""
        taken = {one.item for one in self.talking}
        for one in list(self.waiting):
            if len(self.talking) == BATCH or self.stopped:
                return
            if one.item not in taken:
                self.waiting.remove(one)
                self.talking.append(one)
                yield from self.say(one, None)
            taken.add(one.item)

    @property
    def stopped(self) -> bool:
        return self.pause is not None or self.fatal is not None

    def say(self, one: Conversation, answer: Json | ProviderError | None) -> Iterator[Outcome]:
        """Go on with an answer (None begins). Yields the outcome where that ends it."""
        try:
            if isinstance(answer, ProviderError):
                one.call = one.asking.throw(answer)
            else:
                one.call = one.asking.send(answer)  # type: ignore[arg-type]  # a generator is begun with None
            return
        except StopIteration as end:
            outcome: Outcome = end.value
        except ProviderError as error:
            self.fatal = self.fatal or error
            self.talking.remove(one)
            return
        self.talking.remove(one)
        if isinstance(outcome, Deferred) and outcome.scope is not DeferScope.ITEM:
            self.pause = self.pause or outcome
        yield outcome

    def ask(self) -> list[Json | ProviderError]:
        """What everybody asks, in one request. Answers in the order of ``talking``."""
        calls = [one.call for one in self.talking if one.call is not None]
        answers = self.client.together(calls)
        silent = all(_is_silence(answer) for answer in answers)
        self.lost = self.lost + 1 if silent else 0
        return answers

    def hush(self, error: ProviderError) -> Iterator[Outcome]:
        """End what has begun without another request."""
        while self.talking:
            yield from self.say(self.talking[0], error)


def _is_silence(answer: Json | ProviderError) -> bool:
    return isinstance(answer, AnswerLost | ContractViolation) or (isinstance(answer, Refusal) and answer.broken)


def outcomes(client: Client, conversations: Sequence[Conversation]) -> Iterator[Outcome]:
    """Lead all conversations to their ends; one outcome each, as they end.

    Raises what concerns everything that is left, after the outcomes of what has begun: Unavailable after ``PATIENCE``
    answers in a row that did not come, and what a conversation raises.
    """
    table = _Table(client, list(conversations), [])
    while table.waiting or table.talking:
        yield from table.invite()
        if table.pause is not None:
            yield from table.hush(Throttled("a pause was asked for", table.pause.retry_after))
            break
        if table.fatal is not None:
            yield from table.hush(table.fatal)
            break
        if not table.talking:
            continue
        for one, answer in zip(list(table.talking), table.ask(), strict=True):
            yield from table.say(one, answer)
        if table.lost >= PATIENCE and not table.stopped:
            table.fatal = Unavailable(f"{PATIENCE} answers in a row did not come")
    if table.fatal is not None:
        raise table.fatal
    if table.pause is not None:
        yield from (replace(table.pause, op=one.op, sent=False) for one in table.waiting)
