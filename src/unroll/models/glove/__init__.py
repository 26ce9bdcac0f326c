"""Family `glove`: word vectors from counts of co-occurrences."""
