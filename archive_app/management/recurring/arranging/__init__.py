"""Pages where duties are arranged: taken on, for sites, and after changes."""
