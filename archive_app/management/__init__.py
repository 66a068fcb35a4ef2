"""The management system of an organisation: controlled documents, what comes back, laws, reviews, disclosure."""
