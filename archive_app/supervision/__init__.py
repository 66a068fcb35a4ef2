"""Supervision: what an authority may read of a body, granted for a purpose and a time."""
