"""Filing: what a file must hold. Now: the declarations of those who work on it."""
