"""Autodiscover: from a mail address to the address of EWS, as SOAP and as plain XML (POX)."""
