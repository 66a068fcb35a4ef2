"""Pages of obligations and of their evaluations."""
