"""Family `oracle`: the true distributions of sampled corpora."""
