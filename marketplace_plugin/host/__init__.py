"""Steg, the reference groupware: calendar, tasks, calls, contacts, sign-in and pages (floor 4).

It comes in through the same door as any other host: ``contract/module.py``. Nothing here names an integration.
"""
