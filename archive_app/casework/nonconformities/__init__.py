"""Nonconformities 不符合项: raised 开具, answered 整改, confirmed 确认."""
