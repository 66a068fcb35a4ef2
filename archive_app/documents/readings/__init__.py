"""Pages of reading: parts of documents, and reading many again; the use cases stand in the room itself."""
