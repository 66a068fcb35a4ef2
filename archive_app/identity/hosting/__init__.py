"""Pages of organisations, for whoever runs the archive; the use cases stand in the room itself."""
