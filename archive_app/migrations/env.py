"""Alembic's entry: runs migrations on the connection it is given, with SQLite's foreign keys off meanwhile."""

from alembic import context
from sqlalchemy import Connection, text

import archive_app.runtime  # noqa: F401  # declares every table
from archive_app.kernel.tables import Base


def run(connection: Connection) -> None:
    """Runs what is missing in one transaction; refuses to commit rows that refer to nothing."""
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        # Batch mode copies tables; enforced references would follow the copies. This must stand before BEGIN.
        connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
    try:
        context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()
            if sqlite and connection.execute(text("PRAGMA foreign_key_check")).first():
                raise RuntimeError("a migration left rows that refer to nothing; nothing was changed")
        connection.commit()
    finally:
        if sqlite:
            # After a refusal the transaction is still open, and inside one the pragma does nothing.
            connection.rollback()
            connection.connection.cursor().execute("PRAGMA foreign_keys=ON")


run(context.config.attributes["connection"])
