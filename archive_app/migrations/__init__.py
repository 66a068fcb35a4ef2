"""The database's history, both ways, on SQLite and PostgreSQL."""
