"""A stand-in of an Exchange Server in the own house: EWS and autodiscover over real HTTPS.

It is as strict and as odd as the documentation and what users of the real server have reported;
``docs/sandbox-ews.md`` has the table of behaviours and their sources.
"""

from marketplace_plugin.sandbox.ews.act import Actor
from marketplace_plugin.sandbox.ews.faults import Fault, Faults
from marketplace_plugin.sandbox.ews.server import EwsSandbox, Logged
from marketplace_plugin.sandbox.ews.state import Account, Mail

__all__ = ["Account", "Actor", "EwsSandbox", "Fault", "Faults", "Logged", "Mail"]
