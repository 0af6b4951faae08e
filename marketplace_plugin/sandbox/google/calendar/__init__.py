"""Google Calendar API v3.

Sources: the discovery document (revision 20261030) and the guides under
https://developers.google.com/workspace/calendar/api/guides. ``docs/sandbox-google.md`` says for each
behaviour where it comes from, and what is assumed.
"""
