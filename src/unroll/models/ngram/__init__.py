"""Family `ngram`: n-gram models."""
