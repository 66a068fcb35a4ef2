"""Registers 登记表: spreadsheets whose rows become records, with their files attached."""
