"""Pages of access: who sees an engagement, requests and decisions, broken glass."""
