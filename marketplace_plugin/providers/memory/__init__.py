"""The reference provider: three made-up services in memory, each with the habits of a real one.

``MemoryAccount`` is the service's side: its state outlives providers, the person edits it through ``account.user``, and
faults are set on ``account.faults``. ``MemoryProvider`` is our side, held to the same contract as all others.
"""

from marketplace_plugin.providers.memory.account import Delivery, MemoryAccount
from marketplace_plugin.providers.memory.faults import Crash, Faults, Moment, Request
from marketplace_plugin.providers.memory.personality import EWS, GOOGLE, GRAPH, PERSONALITIES, Personality, Rewrite
from marketplace_plugin.providers.memory.provider import MemoryProvider

__all__ = [
    "EWS",
    "GOOGLE",
    "GRAPH",
    "PERSONALITIES",
    "Crash",
    "Delivery",
    "Faults",
    "MemoryAccount",
    "MemoryProvider",
    "Moment",
    "Personality",
    "Request",
    "Rewrite",
]
