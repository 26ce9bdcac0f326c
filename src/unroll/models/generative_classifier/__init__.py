"""Family `generative_classifier`: one language model per class."""
