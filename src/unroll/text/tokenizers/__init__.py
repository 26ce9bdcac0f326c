"""Tokenizers: their interface, and one module per type."""
