"""Family `masked_transformer`: bidirectional transformers that predict masked words."""
