"""A stand-in of Microsoft 365: Entra's OAuth and Microsoft Graph v1.0 calendars over real HTTP.

It is as strict and as odd as the published contract and what users of the real service have
reported; ``docs/sandbox-graph.md`` has the table of behaviours and their sources.
"""

from marketplace_plugin.sandbox.frame.exchange import Logged
from marketplace_plugin.sandbox.graph.faults import Fault, Faults
from marketplace_plugin.sandbox.graph.server import DEFAULT_CLIENT, GraphSandbox
from marketplace_plugin.sandbox.graph.state import Account, Client, Mail, Tenant

__all__ = ["DEFAULT_CLIENT", "Account", "Client", "Fault", "Faults", "GraphSandbox", "Logged", "Mail", "Tenant"]
