"""Forms: what the archive knows of an engagement, printed as the sheets that verifiers work with."""
