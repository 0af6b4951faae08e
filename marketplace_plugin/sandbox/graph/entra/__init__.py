"""Entra's OAuth: the pages of the sign-in, consents, codes and tokens."""
