"""The client's side of nonconformities: the pages behind the link."""
