"""Tokenizers: the base, and one module per type."""
