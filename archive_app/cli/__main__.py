"""`python -m archive_app.cli`: the command line without an installed script."""

from archive_app.cli import main

main()
