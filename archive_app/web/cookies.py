"""Names of cookies."""

from flask import current_app


def cookie_name(name: str) -> str:
    """`name` as browsers are given it: over https with the prefix that keeps other hosts of the domain, and the same
    host without encryption, from planting one (RFC 6265bis §4.1.3.2)."""
    return prefixed(name, secure=bool(current_app.config["SESSION_COOKIE_SECURE"]))


def prefixed(name: str, *, secure: bool) -> str:
    """`name` with the prefix where cookies are `secure`."""
    return f"__Host-{name}" if secure else name
