"""Pages of the levels of documents."""
