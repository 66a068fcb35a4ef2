"""Pages of relations that touch independence, and who sees which."""
