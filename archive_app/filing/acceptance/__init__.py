"""Submitting a file, accepting or returning it, late additions, opening it again: the forms of the archiving page."""
