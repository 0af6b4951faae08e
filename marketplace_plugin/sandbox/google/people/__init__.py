"""Google People (v1): the user's own contacts.

Source: the discovery document people v1; what it leaves open is in docs/sandbox-google.md.
"""
