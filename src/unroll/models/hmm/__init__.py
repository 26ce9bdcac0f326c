"""Family `hmm`: hidden Markov models."""
