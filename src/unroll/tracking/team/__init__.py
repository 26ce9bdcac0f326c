"""The copy of runs to the server of a team."""
