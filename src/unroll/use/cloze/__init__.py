"""Uses of models that read both sides of a word."""
