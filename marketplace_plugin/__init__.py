"""Marketplace of integrations for groupware hosts: the vendor API."""

__version__ = "0.1.0"
