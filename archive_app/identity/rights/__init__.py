"""Pages of people, organisations and rights; the use cases stand in the room itself."""
