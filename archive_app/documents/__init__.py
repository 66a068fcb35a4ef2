"""Documents and their versions: filing, finding, reading, proving."""
