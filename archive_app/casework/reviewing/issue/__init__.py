"""Pages of issuing a report and of telling its result."""
