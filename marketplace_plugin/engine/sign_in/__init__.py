"""Signing in at a service by OAuth: out to it and back, consent by an admin, tokens kept, refreshed and given back."""
