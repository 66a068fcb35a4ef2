"""Records: what makes a document evidence, who accepted it, how it was sealed, and what the archive proposes."""
