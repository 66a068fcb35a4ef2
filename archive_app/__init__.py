"""The Lantai service: composes the rooms beside it into one archive."""
