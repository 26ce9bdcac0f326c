"""Uses of vectors: neighbours and analogies of words, similarity data sets, and words in context."""
