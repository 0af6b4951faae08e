"""Accounts that are authorised by a form: servers, credentials, and who may be sent them."""
