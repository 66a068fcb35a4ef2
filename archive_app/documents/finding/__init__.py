"""Pages of searching; the use cases stand in the room itself."""
