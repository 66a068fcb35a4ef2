"""The client's side of material requests: the pages behind the link."""
