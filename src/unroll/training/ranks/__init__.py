"""Training by several ranks, processes that share the rows of each batch."""
