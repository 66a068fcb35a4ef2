"""The page of an engagement that says where it is, what is missing, who acts next and by when."""
