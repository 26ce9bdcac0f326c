"""Tables of the leaderboard that do not compare perplexities, one file each."""
