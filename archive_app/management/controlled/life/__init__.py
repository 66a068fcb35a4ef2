"""Pages of a controlled document in use: issue, distribution, reading, review, copies, withdrawal."""
