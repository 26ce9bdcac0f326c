"""Family `hmm_tagger`: hidden Markov models whose states are tags."""
