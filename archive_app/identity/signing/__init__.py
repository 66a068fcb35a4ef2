"""Pages of the second factor and of confirming who one is."""
