"""Analyses of language models in addition to their perplexity."""
