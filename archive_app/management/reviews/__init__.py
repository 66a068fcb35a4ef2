"""Management reviews 管理评审."""
