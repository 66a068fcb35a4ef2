"""What people are able to do: their competence, who of a team has which, the groups they work in, their time."""
