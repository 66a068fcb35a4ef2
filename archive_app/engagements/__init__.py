"""Clients and engagements 核查项目, and the teams that work on them."""
