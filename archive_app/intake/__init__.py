"""Bringing in what people already have: registers with their files, and what lands in watched folders."""
