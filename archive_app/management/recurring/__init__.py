"""Duties that come back: what falls due when, in which organisation."""
