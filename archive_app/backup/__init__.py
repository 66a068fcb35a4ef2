"""Backing up a running archive, and bringing it back where nothing is left of it."""
