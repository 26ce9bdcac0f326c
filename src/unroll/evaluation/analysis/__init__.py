"""Analyses of language models beyond their perplexity."""
