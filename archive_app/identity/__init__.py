"""Organisations, people, roles, sessions and sign-in."""
