"""Addresses of what is given out under a mark."""
