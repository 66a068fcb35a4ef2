"""The work on a case, from assignment to the file that is ready: stages, required records, material from the client,
nonconformities, review, issue."""
