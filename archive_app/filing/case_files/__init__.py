"""Pages of case files: how an engagement is put into them, one case file, the catalogue, how numbers are made."""
