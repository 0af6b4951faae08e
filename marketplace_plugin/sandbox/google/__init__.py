"""A stand-in of Google: OAuth 2 / OpenID Connect and Calendar API v3 over real HTTP.

It is as strict as the published contract, and stricter where the contract is silent;
``docs/sandbox-google.md`` has the table of behaviours and their sources.
"""

from marketplace_plugin.sandbox.frame.exchange import Logged
from marketplace_plugin.sandbox.google.act import Actor
from marketplace_plugin.sandbox.google.faults import Fault, Faults
from marketplace_plugin.sandbox.google.server import DEFAULT_CLIENT, GoogleSandbox
from marketplace_plugin.sandbox.google.state import Account, Client, Mail

__all__ = ["DEFAULT_CLIENT", "Account", "Actor", "Client", "Fault", "Faults", "GoogleSandbox", "Logged", "Mail"]
