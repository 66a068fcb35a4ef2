"""The JSON interface's plumbing: routes, strict input, problems, repeated writes, the schema. Knows no feature."""
