"""Pages by which a controlled document is kept: reviews, looks for new editions, paper copies, withdrawal, forms."""
