"""Tagged text: the sentences of a file, and the cleaning of their tokens."""
