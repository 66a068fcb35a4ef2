"""Schemes as people read them: what a complete file of each kind holds."""
