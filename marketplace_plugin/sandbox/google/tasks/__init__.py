"""Google Tasks (v1): lists and tasks, without a sync token, without room for a mark of anybody's.

Source: the discovery document tasks v1; what it leaves open is in docs/sandbox-google.md.
"""
