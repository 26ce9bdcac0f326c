"""Family `bag_of_embeddings`: a linear classifier of the mean embedding of a text."""
