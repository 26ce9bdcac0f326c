"""Correction of spelling and grammar by a language model."""
