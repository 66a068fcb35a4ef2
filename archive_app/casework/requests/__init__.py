"""Material requests 资料清单: what the client is asked for, and the link by which they bring it without an account."""
